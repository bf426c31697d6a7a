//! The registers that a walk follows, amd64.

/// Indexes into [`Registers::values`]. The first six are the callee-saved registers of the
/// System V ABI, in the order of [`crate::rule::Rule::saved`].
pub mod index {
    /// RBX.
    pub const RBX: u8 = 0;
    /// RBP.
    pub const RBP: u8 = 1;
    /// R12.
    pub const R12: u8 = 2;
    /// R13.
    pub const R13: u8 = 3;
    /// R14.
    pub const R14: u8 = 4;
    /// R15.
    pub const R15: u8 = 5;
    /// The stack pointer.
    pub const SP: u8 = 6;
    /// R10: the CFA register of functions that realign their stack; known in the innermost frame
    /// and in one that a signal interrupted.
    pub const R10: u8 = 7;
}

/// Which stack a frame lies on, as far as the crossings so far tell.
pub mod stack {
    /// Nothing was crossed yet.
    pub const UNKNOWN: u8 = 0;
    /// A goroutine's.
    pub const GOROUTINE: u8 = 1;
    /// A thread's: g0, or that of a thread that C made.
    pub const THREAD: u8 = 2;
}

/// How many callee-saved registers a rule restores.
pub const SAVED: usize = 6;
/// How many registers a walk follows besides the PC; a power of two.
pub const COUNT: usize = 8;

/// The registers of one frame. Values are user-space addresses or plain words of the target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Registers {
    /// The program counter: for a caller the return address.
    pub pc: u64,
    /// The registers by [`index`].
    pub values: [u64; COUNT],
    /// Bit i: `values[i]` is known.
    pub known: u32,
    /// 1 where `pc` is the instruction itself (innermost frame, interrupted frame), 0 where it is
    /// a return address, which is looked up at one less.
    pub exact: u32,
    /// Which stack SP lies on: see [`stack`].
    pub stack: u32,
    /// Always zero.
    pub padding: u32,
    /// The goroutine's id as found at the innermost crossing from C to Go; 0 where unknown.
    pub goroutine: u64,
}

impl Registers {
    /// Whether the register at `index` (below [`COUNT`]) has a known value.
    #[inline(always)]
    #[must_use]
    pub fn is_known(&self, index: u64) -> bool {
        (self.known >> (index & 7)) & 1 != 0
    }

    /// The address by which mappings, rules and names are looked up: the PC, or one less for a
    /// return address, since a call that never returns may be a function's last instruction.
    #[inline(always)]
    #[must_use]
    pub fn lookup_pc(&self) -> u64 {
        if self.exact != 0 { self.pc } else { self.pc.wrapping_sub(1) }
    }
}
