//! The frozen configuration, and loads of kernel fields by offsets that it holds.

use core::ptr::read_volatile;

use aya_ebpf::helpers::generated::bpf_probe_read_kernel;
use tracer_common::map::Config;

/// Set by userspace before the programs are loaded. Frozen read-only data, so the verifier takes
/// each field for a constant.
#[unsafe(no_mangle)]
static CONFIG: Config = Config {
    vma_start: 0,
    vma_end: 0,
    vma_page_offset: 0,
    vma_file: 0,
    file_inode: 0,
    inode_number: 0,
    inode_super_block: 0,
    inode_generation: 0,
    super_block_device: 0,
    task_mm: 0,
    task_pid: 0,
    task_group_leader: 0,
    task_real_parent: 0,
    task_tgid: 0,
    task_exec: 0,
    task_thread_pointer: 0,
    mm_vdso: 0,
    pid_numbers: 0,
    pid_level: 0,
    upid_size: 0,
    upid_number: 0,
    upid_namespace: 0,
    only_targets: 0,
};

/// The value of one field of the configuration.
macro_rules! config {
    ($field:ident) => {
        $crate::config::get(|config| &config.$field)
    };
}
pub(crate) use config;

/// Reads one field; volatile, since the compiler must not take the zeros above for the values.
#[inline(always)]
pub(crate) fn get(field: impl Fn(&Config) -> &u64) -> u64 {
    // SAFETY: a reference into the static, which is initialised and never written by us.
    unsafe { read_volatile(field(&CONFIG)) }
}

/// The word at `offset` bytes of the kernel object at `base`, by a plain load that the verifier
/// checks against the object's BTF type. A null `base` gives 0.
///
/// # Safety
/// `base` must come from the kernel with its BTF type, and `offset` be that of an 8-byte field.
#[inline(always)]
pub(crate) unsafe fn typed_word(base: u64, offset: u64) -> u64 {
    let mut value = base;
    // SAFETY: the verifier proves the load; it faults to 0 on a stale pointer.
    unsafe {
        core::arch::asm!(
            "{value} += {offset}",
            "{value} = *(u64 *)({value} + 0)",
            value = inout(reg) value,
            offset = in(reg) offset,
        );
    }
    value
}

/// As [`typed_word`], for a 4-byte field.
///
/// # Safety
/// As [`typed_word`], with a 4-byte field.
#[inline(always)]
pub(crate) unsafe fn typed_half(base: u64, offset: u64) -> u32 {
    let mut value = base;
    // SAFETY: as in `typed_word`.
    unsafe {
        core::arch::asm!(
            "{value} += {offset}",
            "{value} = *(u32 *)({value} + 0)",
            value = inout(reg) value,
            offset = in(reg) offset,
        );
    }
    value as u32
}

/// A value of the kernel's memory at `address`; 0 where it cannot be read.
#[inline(always)]
pub(crate) fn kernel<T: Copy + Default>(address: u64) -> T {
    let mut value = T::default();
    // SAFETY: the helper checks the address and writes at most `size_of::<T>()` bytes.
    unsafe {
        bpf_probe_read_kernel(
            (&raw mut value).cast(),
            size_of::<T>() as u32,
            address as *const core::ffi::c_void,
        );
    }
    value
}
