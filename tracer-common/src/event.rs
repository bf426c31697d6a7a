//! The records of the ring buffer. All numbers are little endian, all padding is zero.

use crate::map::{ModuleKey, ProcessKey};

/// The most frames of one stack; a power of two.
pub const MAX_FRAMES: usize = 512;

/// [`HitHeader::kind`]: a probe was hit; [`HitHeader::frames`] [`Frame`]s follow.
pub const KIND_HIT: u32 = 1;
/// [`Control::kind`]: a process whose mappings userspace has not told; once a process and image.
pub const KIND_PROCESS: u32 = 2;
/// [`Control::kind`]: a walk met a module that has no rows.
pub const KIND_UNKNOWN_MODULE: u32 = 3;

/// One hit of a probe, followed by its frames, innermost first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct HitHeader {
    /// [`KIND_HIT`].
    pub kind: u32,
    /// How many frames follow, at most [`MAX_FRAMES`].
    pub frames: u32,
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

const _: () = assert!(size_of::<HitHeader>() == 72);

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
