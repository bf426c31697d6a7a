//! Bounded indexes that the verifier believes.

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
        // SAFETY: one register-only `and` of the operand with a constant; no memory is touched.
        unsafe {
            core::arch::asm!("{0} &= {1}", inout(reg) value, const MASK as i32);
        }
        value as usize
    }
    #[cfg(not(target_arch = "bpf"))]
    {
        (value & MASK) as usize
    }
}
