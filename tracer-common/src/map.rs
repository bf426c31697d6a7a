//! Keys and values of the maps, and the frozen configuration of the programs.

/// The number of no module. Modules of a session count from 1.
pub const NO_MODULE: u16 = 0;
/// The most modules of a session; a power of two.
pub const MAX_MODULES: usize = 4096;
/// The most executable segments of a module.
pub const MAX_SEGMENTS: usize = 4;
/// The most mappings of a process that its dynamic linker's list gives at its start.
pub const MAX_LISTED: usize = 16;
/// The most mappings of a process that userspace tells; a power of two.
pub const MAX_MAPPINGS: usize = 128;
/// Walk slots a CPU: a walk that is preempted by another keeps its slot.
pub const SLOTS_PER_CPU: u32 = 4;

/// A file as the kernel knows it: what `stat` says differs on overlayfs and btrfs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(C)]
pub struct ModuleKey {
    /// `inode.i_ino`.
    pub inode: u64,
    /// `super_block.s_dev`: major << 20 | minor.
    pub device: u32,
    /// `inode.i_generation`.
    pub generation: u32,
}

const _: () = assert!(size_of::<ModuleKey>() == 16);

impl ModuleKey {
    /// The vdso, which is no file: no file has inode 0 on device 0.
    pub const VDSO: Self = Self { inode: 0, device: 0, generation: 0 };
}

/// One executable segment of a module.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Segment {
    /// ELF virtual address of its first byte.
    pub address: u64,
    /// File offset of its first byte.
    pub offset: u64,
    /// Bytes in the file.
    pub size: u64,
}

/// What the kernel knows of a module; the index of the `MODULES` map is the module's number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Module {
    /// The file offset that its first page covers, a multiple of 256.
    pub first_offset: u64,
    /// The index of its first page among the pages of the session.
    pub first_page: u32,
    /// How many pages it has; 0 where its rows are not loaded.
    pub pages: u32,
    /// Its executable segments, unused ones zero.
    pub segments: [Segment; MAX_SEGMENTS],
    /// ELF virtual address of the word that leads to the dynamic linker's list of modules: the
    /// value of `DT_DEBUG`. 0 where it has none.
    pub debug_address: u64,
}

const _: () = assert!(size_of::<Module>() == 120);

/// A process at one image: exec changes its `exec` and its `mm`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(C)]
pub struct ProcessKey {
    /// The process's number in the first PID namespace.
    pub tgid: u32,
    /// How often it has called exec: the low half of `task_struct.self_exec_id`.
    pub exec: u32,
    /// The kernel's address of its `mm_struct`, a mere number here.
    pub mm: u64,
}

const _: () = assert!(size_of::<ProcessKey>() == 16);

/// One executable mapping of a process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Mapping {
    /// First run-time address.
    pub start: u64,
    /// One past the last run-time address.
    pub end: u64,
    /// File offset of `start`.
    pub offset: u64,
    /// The module's number.
    pub module: u64,
}

impl Mapping {
    /// Where a segment of the module with this number lies, by the module's load bias.
    #[inline(always)]
    #[must_use]
    pub const fn of(segment: &Segment, bias: u64, module: u64) -> Self {
        let start = bias.wrapping_add(segment.address);
        Self { start, end: start.wrapping_add(segment.size), offset: segment.offset, module }
    }
}

/// What a process had mapped when it started, by its dynamic linker's list; in no order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Listed {
    /// How many of `mappings` are used.
    pub count: u64,
    /// One for each module that is known.
    pub mappings: [Mapping; MAX_LISTED],
    /// See [`Mappings::runtimes`].
    pub runtimes: [u64; MAX_RUNTIMES],
}

/// The mappings of a process that userspace has told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Mappings {
    /// How many of `mappings` are used.
    pub count: u64,
    /// Sorted by `start`.
    pub mappings: [Mapping; MAX_MAPPINGS],
    /// The load biases of the modules of the session's Go runtimes; [`NO_BIAS`] where the process
    /// has it not, or it is not known.
    pub runtimes: [u64; MAX_RUNTIMES],
}

/// No load bias: nothing is mapped at the end of all addresses.
pub const NO_BIAS: u64 = u64::MAX;
/// The most Go modules of a session whose threads are looked into: for callers over a gap, and for
/// the goroutine; a power of two.
pub const MAX_RUNTIMES: usize = 2;

/// How the Go runtime of one module finds the goroutine of a thread, and its stacks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Runtime {
    /// The module's number.
    pub module: u64,
    /// Where the thread-local g lies, bytes from the thread pointer. Not used where `g_slot` says.
    pub g_offset: i64,
    /// ELF virtual address of the word to which the dynamic linker writes that offset; 0 where it
    /// is fixed.
    pub g_slot: u64,
    /// Bytes that asmcgocall takes of g0's stack below `g0.sched.sp`, before it aligns; 0 where
    /// this entry is not used.
    pub frame: u64,
    /// Offset of `curg` in `m`; 0 where not known.
    pub m_curg: u64,
    /// Offset of `goid` in `g`; 0 where not known.
    pub g_goid: u64,
}

const _: () = assert!(size_of::<Runtime>() == 48);

/// What the `TARGETS` map says of a process: traced from now on.
pub const TARGET: u32 = u32::MAX;

/// The cookie of a probe: the module's number in the upper 16 bits, the file offset below. So a
/// hit names its probe and its module's load bias without a look-up.
pub mod cookie {
    /// Packs a module's number and a file offset below 2^48.
    #[must_use]
    pub const fn pack(module: u16, offset: u64) -> u64 {
        (module as u64) << 48 | offset & 0xffff_ffff_ffff
    }

    /// The module's number.
    #[inline(always)]
    #[must_use]
    pub const fn module(cookie: u64) -> u16 {
        (cookie >> 48) as u16
    }

    /// The file offset of the probe.
    #[inline(always)]
    #[must_use]
    pub const fn offset(cookie: u64) -> u64 {
        cookie & 0xffff_ffff_ffff
    }
}

/// Offsets of kernel structures in bytes, from the running kernel's BTF, and the session's
/// settings. Frozen before the programs are verified, so the verifier sees constants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Config {
    /// `vm_area_struct.vm_start`.
    pub vma_start: u64,
    /// `vm_area_struct.vm_end`.
    pub vma_end: u64,
    /// `vm_area_struct.vm_pgoff`.
    pub vma_page_offset: u64,
    /// `vm_area_struct.vm_file`.
    pub vma_file: u64,
    /// `file.f_inode`.
    pub file_inode: u64,
    /// `inode.i_ino`.
    pub inode_number: u64,
    /// `inode.i_sb`.
    pub inode_super_block: u64,
    /// `inode.i_generation`.
    pub inode_generation: u64,
    /// `super_block.s_dev`.
    pub super_block_device: u64,
    /// `task_struct.mm`.
    pub task_mm: u64,
    /// `task_struct.thread_pid`.
    pub task_pid: u64,
    /// `task_struct.group_leader`.
    pub task_group_leader: u64,
    /// `task_struct.real_parent`.
    pub task_real_parent: u64,
    /// `task_struct.tgid`.
    pub task_tgid: u64,
    /// `task_struct.self_exec_id`.
    pub task_exec: u64,
    /// `task_struct.thread` plus `thread_struct.fsbase`.
    pub task_thread_pointer: u64,
    /// `mm_struct.context` plus `mm_context_t.vdso`; 0 where the kernel has no such thing.
    pub mm_vdso: u64,
    /// `pid.numbers`.
    pub pid_numbers: u64,
    /// `pid.level`.
    pub pid_level: u64,
    /// Bytes of a `struct upid`.
    pub upid_size: u64,
    /// `upid.nr`.
    pub upid_number: u64,
    /// `upid.ns`.
    pub upid_namespace: u64,
    /// 1: only processes in the `TARGETS` map, and what they started, are traced.
    pub only_targets: u64,
}

/// What the program `identify` found out about cgotrace itself. Read by every hit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Identity {
    /// In: an address of cgotrace's own, within a mapping of the file that is asked about.
    pub address: u64,
    /// Out: the file's key.
    pub module: ModuleKey,
    /// Out: the depth of cgotrace's PID namespace.
    pub namespace_level: u64,
    /// Out: the kernel's address of cgotrace's PID namespace.
    pub namespace: u64,
    /// Out: how often cgotrace's own process has called exec, as [`ProcessKey::exec`].
    pub exec: u64,
    /// Out: the result of `bpf_find_vma`, 0 or a negative errno; 1 before the program has run.
    pub status: i64,
}

#[cfg(feature = "user")]
mod pod {
    use super::{Config, Identity, Mappings, Module, ModuleKey, ProcessKey, Runtime};
    use crate::rule::Rule;

    macro_rules! pod {
        ($($type:ty),* $(,)?) => {
            $(
                // SAFETY: `repr(C)` of integers alone, with every padding byte a named field, so
                // any bytes are a value and no byte is uninitialised.
                unsafe impl aya::Pod for $type {}
            )*
        };
    }
    pod!(Config, Identity, Mappings, Module, ModuleKey, ProcessKey, Rule, Runtime);
}
