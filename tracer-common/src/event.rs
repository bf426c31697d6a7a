//! The records of the ring buffer. All numbers are little endian, all padding is zero.

use crate::map::{ModuleKey, ProcessKey};

/// The most frames of one stack; a power of two.
pub const MAX_FRAMES: usize = 512;

/// The most stacks that the kernel side remembers to have sent.
pub const MAX_STACKS: usize = 8 << 10;

/// [`HitHeader::kind`]: a probe was hit; [`HitHeader::frames`] [`Frame`]s follow.
pub const KIND_HIT: u32 = 1;
/// [`Control::kind`]: a process whose mappings userspace has not told; once a process and image.
pub const KIND_PROCESS: u32 = 2;
/// [`Control::kind`]: a walk met a module that has no rows.
pub const KIND_UNKNOWN_MODULE: u32 = 3;
/// [`HitHeader::kind`]: a probe was hit; the frames are those that were sent before with the same
/// [`HitHeader::stack`].
pub const KIND_HIT_AGAIN: u32 = 4;

/// One hit of a probe, followed by its frames, innermost first, or by none where they were sent
/// before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct HitHeader {
    /// [`KIND_HIT`] or [`KIND_HIT_AGAIN`].
    pub kind: u32,
    /// How many frames the stack has, at most [`MAX_FRAMES`].
    pub frames: u32,
    /// The stack: see [`stack_hash`].
    pub stack: u64,
    /// When, CLOCK_MONOTONIC, nanoseconds.
    pub time: u64,
    /// The process, as cgotrace's PID namespace sees it; 0 where it has no number there.
    pub pid: u32,
    /// The thread, likewise.
    pub tid: u32,
    /// Which probe: see [`crate::map::cookie`].
    pub cookie: u64,
    /// The goroutine's id, 0 where there is none or it is not known.
    pub goroutine: u64,
    /// The cgroup's id (cgroup v2), 0 where there is none.
    pub cgroup: u64,
    /// The thread's name, padded with zeros.
    pub comm: [u8; 16],
    /// The number of the [`crate::reason::End`].
    pub end: u8,
    /// The number of the [`crate::reason::Reason`]; 0 unless the end is an error.
    pub reason: u8,
    /// Always zero.
    pub padding: [u8; 6],
}

const _: () = assert!(size_of::<HitHeader>() == 80);

/// One physical frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(C)]
pub struct Frame {
    /// Run-time address in the target: the instruction, or the return address.
    pub address: u64,
    /// The file offset of that address in its module; 0 where the module is not known.
    pub offset: u32,
    /// The module's number in this session; [`crate::map::NO_MODULE`] where it is not known.
    pub module: u16,
    /// [`FRAME_EXACT`].
    pub flags: u16,
}

const _: () = assert!(size_of::<Frame>() == 16);

impl Frame {
    /// All but the address, as one word.
    #[inline(always)]
    const fn place(&self) -> u64 {
        self.offset as u64 | (self.module as u64) << 32 | (self.flags as u64) << 48
    }
}

/// What identifies a stack, where `hash` is that of all its frames.
///
/// Two stacks of a session have the same one by chance once in 2^64 pairs.
#[inline(always)]
#[must_use]
pub const fn stack_hash(hash: u64, frames: u32, end: u8, reason: u8) -> u64 {
    mix(hash, (frames as u64) << 16 | (end as u64) << 8 | reason as u64)
}

/// The hash of some frames and one more.
#[inline(always)]
#[must_use]
pub const fn frame_hash(hash: u64, frame: &Frame) -> u64 {
    mix(mix(hash, frame.address), frame.place())
}

/// Every bit of `word` changes about half of the result's bits after the next call.
#[inline(always)]
const fn mix(hash: u64, word: u64) -> u64 {
    // The multiplier is that of the MMIX linear congruential generator.
    let hash = (hash ^ word).wrapping_mul(6_364_136_223_846_793_005);
    hash ^ hash >> 32
}

/// [`Frame::flags`]: no frame, but a gap: frames are missing here. `offset` is the number of the
/// [`crate::reason::Reason`], all else is zero.
pub const FRAME_GAP: u16 = 2;
/// [`Frame::flags`]: the address is the instruction itself, not a return address.
pub const FRAME_EXACT: u16 = 1;

/// News of a process or a module, for the session to act on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Control {
    /// [`KIND_PROCESS`] or [`KIND_UNKNOWN_MODULE`].
    pub kind: u32,
    /// The process, as cgotrace's PID namespace sees it; 0 where it has no number there.
    pub pid: u32,
    /// The process as the kernel side keys its mappings.
    pub process: ProcessKey,
    /// The run-time address that was met.
    pub address: u64,
    /// The unknown module's file; zero for a process.
    pub module: ModuleKey,
}

const _: () = assert!(size_of::<Control>() == 48);
