//! What only the kernel knows of cgotrace itself: the key of a file that it has mapped, as walks
//! will see it (`stat` says otherwise on overlayfs and btrfs), and its PID namespace.

use aya_ebpf::helpers::generated::{bpf_find_vma, bpf_get_current_task_btf};
use tracer_common::map::ModuleKey;

use crate::config::{config, typed_word};
use crate::mapping::key_of_file;
use crate::maps::IDENTITY;
use crate::task;

/// Answers the question in `IDENTITY`.
#[inline(always)]
pub(crate) fn identify() {
    let Some(identity) = IDENTITY.get_ptr_mut(0) else { return };
    // SAFETY: a map value; only one cgotrace uses it, one question at a time.
    let identity = unsafe { &mut *identity };
    (identity.namespace_level, identity.namespace) = task::namespace();
    identity.exec = task::process_key().exec as u64;
    let mut key = ModuleKey::default();
    // SAFETY: the callback has the signature that the helper asks for, and the context is on the
    // BPF stack.
    identity.status = unsafe {
        bpf_find_vma(
            bpf_get_current_task_btf(),
            identity.address,
            on_vma as *mut core::ffi::c_void,
            (&raw mut key).cast(),
            0,
        )
    };
    identity.module = key;
}

unsafe extern "C" fn on_vma(_task: u64, vma: u64, key: *mut ModuleKey) -> i64 {
    // SAFETY: a `vm_area_struct` with its BTF type; the context is our own.
    unsafe {
        let file = typed_word(vma, config!(vma_file));
        if file != 0 {
            *key = key_of_file(file);
        }
    }
    0
}
