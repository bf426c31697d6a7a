//! Who is running: process, thread, PID namespace, and whether it is a target.

use aya_ebpf::helpers::generated::{bpf_get_current_pid_tgid, bpf_get_current_task};
use tracer_common::map::{Identity, ProcessKey, TARGET};

use crate::config::{config, kernel};
use crate::maps::{IDENTITY, TARGETS};

/// How many ancestors are asked whether they are targets.
const ANCESTORS: u32 = 8;

/// The current task's structure, a number for [`kernel`] reads.
#[inline(always)]
fn current() -> u64 {
    // SAFETY: the helper takes and changes nothing.
    unsafe { bpf_get_current_task() }
}

/// The current process's number in the first PID namespace.
#[inline(always)]
fn tgid() -> u32 {
    // SAFETY: the helper takes and changes nothing.
    (unsafe { bpf_get_current_pid_tgid() } >> 32) as u32
}

/// The current process at its present image.
#[inline(always)]
pub(crate) fn process_key() -> ProcessKey {
    let task = current();
    ProcessKey {
        tgid: tgid(),
        exec: kernel(task + config!(task_exec)),
        mm: kernel(task + config!(task_mm)),
    }
}

/// The current thread's thread pointer: the base of its thread-local storage.
#[inline(always)]
pub(crate) fn thread_pointer() -> u64 {
    kernel(current() + config!(task_thread_pointer))
}

/// Process and thread number, as cgotrace's own PID namespace sees them; 0 where it does not.
#[inline(always)]
pub(crate) fn numbers() -> (u32, u32) {
    let Some(own) = IDENTITY.get(0) else { return (0, 0) };
    if own.namespace_level == 0 {
        // SAFETY: the helper takes and changes nothing.
        let both = unsafe { bpf_get_current_pid_tgid() };
        return ((both >> 32) as u32, both as u32);
    }
    let task = current();
    (number(kernel(task + config!(task_group_leader)), own), number(task, own))
}

/// A task's number in cgotrace's PID namespace.
#[inline(always)]
fn number(task: u64, own: &Identity) -> u32 {
    let pid: u64 = kernel(task + config!(task_pid));
    if (kernel::<u32>(pid + config!(pid_level)) as u64) < own.namespace_level {
        return 0;
    }
    let entry = pid + config!(pid_numbers) + own.namespace_level * config!(upid_size);
    if kernel::<u64>(entry + config!(upid_namespace)) != own.namespace {
        return 0;
    }
    kernel(entry + config!(upid_number))
}

/// The current task's PID namespace: its depth, and its address as a number.
#[inline(always)]
pub(crate) fn namespace() -> (u64, u64) {
    let pid: u64 = kernel(current() + config!(task_pid));
    let level = kernel::<u32>(pid + config!(pid_level)) as u64;
    let entry = pid + config!(pid_numbers) + level * config!(upid_size);
    (level, kernel(entry + config!(upid_namespace)))
}

/// Whether the current process is traced: all are, or it or an ancestor is in `TARGETS`.
#[inline(always)]
pub(crate) fn is_target() -> bool {
    config!(only_targets) == 0 || is_listed()
}

#[inline(never)]
fn is_listed() -> bool {
    let Some(identity) = IDENTITY.get(0) else { return false };
    let mut task = current();
    let own = process_number(task, identity);
    let mut process = own;
    let mut generation = 0;
    while generation < ANCESTORS {
        // SAFETY: a word that nobody changes.
        if let Some(target) = unsafe { TARGETS.get(process) } {
            if process == own && *target == kernel::<u32>(task + config!(task_exec)) {
                return false;
            }
            if process != own {
                // A full map only costs the look-up of the ancestors again.
                let _ = TARGETS.insert(own, TARGET, 0);
            }
            return true;
        }
        if process <= 1 {
            return false;
        }
        task = kernel(task + config!(task_real_parent));
        process = process_number(task, identity);
        generation += 1;
    }
    false
}

/// The process of a task, as cgotrace's PID namespace numbers it.
#[inline(always)]
fn process_number(task: u64, own: &Identity) -> u32 {
    if own.namespace_level == 0 {
        kernel(task + config!(task_tgid))
    } else {
        number(kernel(task + config!(task_group_leader)), own)
    }
}
