//! What one unwind step does: 16 bytes, deduplicated over all modules of a session.

use crate::reason::{End, Reason};
use crate::registers::{SAVED, index};

/// The kinds of rules.
pub mod kind {
    /// No rule: the walk ends with the reason in `param`.
    pub const NONE: u8 = 0;
    /// The CFA is register + offset. With `param` 1 nothing was called: the return address is the
    /// instruction that was interrupted (Go's sigpanic).
    pub const FRAME: u8 = 1;
    /// As `FRAME`, and the caller's frame lies on another stack, so it need not lie above; `param`
    /// says on which: one of [`crate::registers::stack`].
    pub const SWITCH: u8 = 2;
    /// The CFA is the word at (register + offset).
    pub const DEREFERENCE: u8 = 3;
    /// A PLT stub: the CFA is RSP + offset, and 8 more once the stub has pushed its index, from
    /// byte `param` of each 16-byte stub on.
    pub const PLT: u8 = 4;
    /// The call in `runtime.asmcgocall`: the goroutine's stack by the saved g and depth.
    pub const ASMCGOCALL: u8 = 5;
    /// A signal's restorer: all registers from the ucontext at SP.
    pub const SIGNAL: u8 = 6;
    /// The bottom of a stack; `param` is the number of the [`crate::reason::End`].
    pub const END: u8 = 7;
}

/// How the value of a callee-saved register in the caller is found.
pub mod saved {
    /// It was not changed.
    pub const SAME: u8 = 0;
    /// It is lost.
    pub const LOST: u8 = 255;
    /// The largest number of words below the base that a rule can express.
    pub const MAX_WORDS: u8 = 253;

    /// It lies `words` 8-byte words below the base (see [`super::Rule::saved_base`]); `None`
    /// where a rule cannot express that.
    #[must_use]
    pub const fn below(words: u64) -> Option<u8> {
        if words <= MAX_WORDS as u64 { Some(words as u8 + 1) } else { None }
    }
}

/// One unwind rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(C)]
pub struct Rule {
    /// One of [`kind`].
    pub kind: u8,
    /// The register of the CFA, one of [`index`].
    pub cfa_register: u8,
    /// What `saved` is relative to: 0 the CFA, 1 the value of RBP in this frame (functions that
    /// realign their stack).
    pub saved_base: u8,
    /// By kind: the number of the reason (`NONE`) or of the end (`END`), the first byte of a stub
    /// that has pushed (`PLT`), the stack of the caller (`SWITCH`), whether it was interrupted
    /// (`FRAME`).
    pub param: u8,
    /// Bytes added to the CFA register. `ASMCGOCALL`: the offset of `goid` in the runtime's `g`, 0
    /// where unknown.
    pub cfa_offset: i32,
    /// RBX, RBP, R12–R15 of the caller, see [`saved`]. `ASMCGOCALL`: byte 0 is the offset of the
    /// saved g from SP, byte 1 that of the saved depth, in bytes.
    pub saved: [u8; SAVED],
    /// Always zero.
    pub padding: [u8; 2],
}

const _: () = assert!(size_of::<Rule>() == 16);

impl Rule {
    /// All fields zero but the kind.
    #[must_use]
    pub const fn of_kind(kind: u8) -> Self {
        Self {
            kind,
            cfa_register: 0,
            saved_base: 0,
            param: 0,
            cfa_offset: 0,
            saved: [saved::SAME; SAVED],
            padding: [0; 2],
        }
    }

    /// No rule, for a reason.
    #[must_use]
    pub const fn none(reason: Reason) -> Self {
        let mut rule = Self::of_kind(kind::NONE);
        rule.param = reason as u8;
        rule
    }

    /// The bottom of a stack.
    #[must_use]
    pub const fn end(end: End) -> Self {
        let mut rule = Self::of_kind(kind::END);
        rule.param = end as u8;
        rule
    }

    /// A frame whose CFA is `register + offset` bytes and whose return address is the word below
    /// the CFA; every callee-saved register unchanged.
    #[must_use]
    pub const fn frame(register: u8, offset: i32) -> Self {
        let mut rule = Self::of_kind(kind::FRAME);
        rule.cfa_register = register;
        rule.cfa_offset = offset;
        rule
    }

    /// The call in `runtime.asmcgocall`: g at SP + `g`, depth at SP + `depth`, both in bytes;
    /// `goid` is its offset in the runtime's `g`, 0 where unknown.
    #[must_use]
    pub const fn asmcgocall(g: u8, depth: u8, goid: i32) -> Self {
        let mut rule = Self::of_kind(kind::ASMCGOCALL);
        rule.cfa_register = index::SP;
        rule.cfa_offset = goid;
        rule.saved[0] = g;
        rule.saved[1] = depth;
        rule
    }

    /// The same rule with the saved register `register` (below [`SAVED`]) restored as `how`, see
    /// [`saved`].
    #[must_use]
    pub const fn with_saved(mut self, register: u8, how: u8) -> Self {
        if (register as usize) < SAVED {
            self.saved[register as usize] = how;
        }
        self
    }
}
