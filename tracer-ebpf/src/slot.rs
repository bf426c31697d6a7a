//! Private scratch for one walk.
//!
//! A per-CPU value is not private: a probe can preempt the walk of another thread on its CPU. So a
//! walk claims a slot by an atomic exchange, and gives it back.

use aya_ebpf::helpers::generated::bpf_get_smp_processor_id;
use tracer_common::event::{Frame, HitHeader, MAX_FRAMES};
use tracer_common::map::{Listed, Mapping, ModuleKey, ProcessKey, SLOTS_PER_CPU};
use tracer_common::walk::Walk;

use crate::maps::SLOTS;
use crate::window::Window;

/// What one walk needs.
#[repr(C)]
pub(crate) struct Slot {
    /// 1 while a walk owns this slot.
    owner: u64,
    /// The walk.
    pub(crate) walk: Walk,
    /// Where the probed function's segment lies, and where the last other address was found.
    pub(crate) known: [Mapping; 2],
    /// The hash of the frames so far.
    pub(crate) hash: u64,
    /// The process; its `tgid` is 0 until it is needed.
    pub(crate) process: ProcessKey,
    /// A run-time address that needed the mappings of a process that userspace has not told of; 0
    /// where there was none.
    pub(crate) untold: u64,
    /// A run-time address in a module that has no rows, 0 where there was none; and the module.
    pub(crate) unknown: u64,
    /// See `unknown`.
    pub(crate) unknown_module: ModuleKey,
    /// The module that is looked up.
    pub(crate) key: ModuleKey,
    /// The probed module's number.
    pub(crate) module: u64,
    /// The probed module's load bias: run-time address less ELF virtual address.
    pub(crate) bias: u64,
    /// The load bias of the Go runtime that was asked for last.
    pub(crate) runtime_bias: u64,
    /// The dynamic linker's list, while it is read.
    pub(crate) listed: Listed,
    /// The part of the stack that was read last.
    pub(crate) window: Window,
    /// The record's head; the frames follow it without a hole.
    pub(crate) header: HitHeader,
    /// The record's frames.
    pub(crate) frames: [Frame; MAX_FRAMES],
}

/// Exchanges the word at `address`, atomically; returns what was there.
#[inline(always)]
fn exchange(address: *mut u64, value: u64) -> u64 {
    let mut value = value;
    // SAFETY: `address` is the first word of a map value, checked by the verifier.
    unsafe {
        core::arch::asm!(
            "{value} = xchg_64({address} + 0, {value})",
            value = inout(reg) value,
            address = in(reg) address,
        );
    }
    value
}

/// A free slot of this CPU; `None` where preempted walks hold all.
#[inline(always)]
pub(crate) fn claim() -> Option<*mut Slot> {
    // SAFETY: the helper takes and changes nothing.
    let first = unsafe { bpf_get_smp_processor_id() } * SLOTS_PER_CPU;
    let mut index = 0;
    while index < SLOTS_PER_CPU {
        if let Some(slot) = SLOTS.get_ptr_mut(first + index) {
            // SAFETY: a pointer to a map value, valid while the program runs.
            if exchange(unsafe { &raw mut (*slot).owner }, 1) == 0 {
                return Some(slot);
            }
        }
        index += 1;
    }
    None
}

/// Gives a slot back.
#[inline(always)]
pub(crate) fn release(slot: *mut Slot) {
    // SAFETY: a pointer that `claim` returned.
    exchange(unsafe { &raw mut (*slot).owner }, 0);
}
