//! Arithmetic that keeps the verifier's work small, and that it believes.

use core::ptr::{read_volatile, write_volatile};

/// `value & MASK`, where `MASK` is one less than a power of two.
///
/// LLVM removes a mask that it can prove needless, and the 6.1 verifier then rejects the access
/// that the mask was there for. Inline assembly keeps it.
#[inline(always)]
#[must_use]
pub fn bounded<const MASK: u64>(value: u64) -> usize {
    #[cfg(target_arch = "bpf")]
    {
        let mut value = value;
        // SAFETY: one register-only `and` of the operand with a constant; no memory is touched. So
        // the value is at most the mask, which spares the check of an array's bounds.
        unsafe {
            core::arch::asm!("{0} &= {1}", inout(reg) value, const MASK as i32);
            core::hint::assert_unchecked(value <= MASK);
        }
        value as usize
    }
    #[cfg(not(target_arch = "bpf"))]
    {
        (value & MASK) as usize
    }
}

/// 1 where `a` is less than `b`, else 0, without a branch; both below 2^63.
///
/// A branch doubles the states that the verifier follows, and a search has one a step.
#[inline(always)]
#[must_use]
pub fn less(a: u64, b: u64) -> u64 {
    #[cfg(target_arch = "bpf")]
    {
        let mut difference = a;
        // SAFETY: registers only.
        unsafe {
            core::arch::asm!(
                "{0} -= {1}",
                "{0} >>= 63",
                inout(reg) difference,
                in(reg) b,
            );
        }
        difference
    }
    #[cfg(not(target_arch = "bpf"))]
    {
        u64::from(a < b)
    }
}

/// Sets and clears bits of a word in map memory, and keeps its value there: in a register the
/// verifier would follow every combination of bits apart.
#[inline(always)]
pub fn change_bits(word: &mut u32, set: u32, clear: u32) {
    // SAFETY: a valid reference; volatile only so that the compiler keeps it in memory.
    unsafe {
        let value = read_volatile(word);
        write_volatile(word, value & !clear | set);
    }
}
