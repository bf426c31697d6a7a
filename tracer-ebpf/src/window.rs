//! Reads of the target's stack: one read of a kilobyte serves many frames.

use aya_ebpf::helpers::generated::bpf_probe_read_user;
use tracer_common::bound::bounded;

/// Words of a window; a power of two.
const WORDS: usize = 128;
/// Bytes of a window.
const BYTES: u64 = WORDS as u64 * 8;
/// How far below the wanted word a window starts: the saved registers of a frame lie just below
/// its return address.
const LEAD: u64 = 64;
/// No window holds this address.
pub(crate) const NOWHERE: u64 = u64::MAX - BYTES;

/// A copy of a part of the stack.
#[repr(C)]
pub(crate) struct Window {
    /// User-space address of the first word, a multiple of 8.
    pub(crate) base: u64,
    words: [u64; WORDS],
}

impl Window {
    /// The word at a user-space address of the stack.
    #[inline(always)]
    pub(crate) fn word(&mut self, address: u64) -> Option<u64> {
        if address & 7 != 0 {
            return distant(address);
        }
        let mut offset = address.wrapping_sub(self.base);
        if offset > BYTES - 8 {
            if refill(self, address) == 0 {
                // Near the end of a mapping a whole window cannot be read.
                return distant(address);
            }
            offset = address.wrapping_sub(self.base);
        }
        Some(self.words[bounded::<{ WORDS as u64 - 1 }>(offset >> 3)])
    }
}

/// Moves the window to hold `address`; 0 where it cannot.
#[inline(never)]
fn refill(window: *mut Window, address: u64) -> u64 {
    // SAFETY: `window` lies in a claimed slot.
    let window = unsafe { &mut *window };
    let mut base = address - LEAD;
    if !read(&mut window.words, base) {
        base = address;
        if !read(&mut window.words, base) {
            window.base = NOWHERE;
            return 0;
        }
    }
    window.base = base;
    1
}

#[inline(always)]
fn read(words: &mut [u64; WORDS], address: u64) -> bool {
    // SAFETY: the helper checks the user address and writes the array, no more.
    unsafe {
        bpf_probe_read_user(
            (&raw mut *words).cast(),
            BYTES as u32,
            address as *const core::ffi::c_void,
        ) == 0
    }
}

/// One word by a read of its own.
#[inline(always)]
pub(crate) fn distant(address: u64) -> Option<u64> {
    let mut value = 0u64;
    // SAFETY: the helper checks the user address and writes the word, no more.
    let result = unsafe {
        bpf_probe_read_user((&raw mut value).cast(), 8, address as *const core::ffi::c_void)
    };
    if result == 0 { Some(value) } else { None }
}
