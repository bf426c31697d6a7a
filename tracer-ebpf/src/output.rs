//! Records to userspace, and counts of those that were lost.

use aya_ebpf::bindings::{BPF_NOEXIST, BPF_RB_FORCE_WAKEUP, BPF_RB_NO_WAKEUP};
use aya_ebpf::helpers::generated::{
    bpf_get_current_cgroup_id, bpf_get_current_comm, bpf_ktime_get_ns, bpf_ringbuf_output,
};
use tracer_common::bound::bounded;
use tracer_common::event::{
    Control, Frame, HitHeader, KIND_HIT, KIND_HIT_AGAIN, KIND_PROCESS, KIND_UNKNOWN_MODULE,
    MAX_FRAMES, stack_hash,
};
use tracer_common::map::{ModuleKey, ProcessKey};
use tracer_common::reason::Loss;

use crate::maps::{ANNOUNCED_MODULES, ANNOUNCED_PROCESSES, EVENTS, LOSSES, STACKS};
use crate::slot::Slot;
use crate::task;

/// Counts a lost event.
#[inline(always)]
pub(crate) fn lost(loss: Loss) {
    if let Some(counter) = LOSSES.get_ptr_mut(loss as u32) {
        // SAFETY: the counter is a word of a map value. `core` has no atomic addition for BPF.
        unsafe {
            core::arch::asm!(
                "lock *(u64 *)({counter} + 0) += {one}",
                counter = in(reg) counter,
                one = in(reg) 1u64,
            );
        }
    }
}

/// Sends `size` bytes from `record` on; counts them as lost where there is no room.
///
/// A hit wakes nobody: userspace looks at the ring buffer many times a second, and a wake-up costs
/// the target more than the walk. News of processes and modules do wake.
#[inline(always)]
fn send(record: *mut core::ffi::c_void, size: u64, loss: Loss, flags: u32) -> bool {
    // SAFETY: the verifier checks that `size` bytes are readable.
    // The map is addressed as the static that the loader relocates: aya's own `output` wants a
    // type of constant size.
    let result = unsafe {
        bpf_ringbuf_output((&raw const EVENTS).cast_mut().cast(), record, size, flags as u64)
    };
    if result != 0 {
        lost(loss);
    }
    result == 0
}

/// Sends the hit that the slot holds, at its exact length; without frames where userspace has them.
#[inline(always)]
pub(crate) fn hit(slot: *mut Slot, cookie: u64) {
    // SAFETY: a claimed slot.
    let slot = unsafe { &mut *slot };
    let count = slot.walk.count as u64;
    let (pid, tid) = task::numbers();
    let header = &mut slot.header;
    header.frames = count as u32;
    // SAFETY: these helpers take nothing and change nothing.
    unsafe {
        header.time = bpf_ktime_get_ns();
        header.cgroup = bpf_get_current_cgroup_id();
    }
    header.pid = pid;
    header.tid = tid;
    header.cookie = cookie;
    header.goroutine = slot.walk.registers.goroutine;
    header.end = slot.walk.end;
    header.reason = slot.walk.reason;
    header.padding = [0; 6];
    // SAFETY: the helper writes the 16 bytes of the field.
    unsafe {
        bpf_get_current_comm((&raw mut header.comm).cast(), 16);
    }
    header.stack = stack_hash(slot.hash, header.frames, header.end, header.reason);
    // SAFETY: the key lies in the slot, and the value is not read.
    if unsafe { STACKS.get(&header.stack) }.is_some() {
        header.kind = KIND_HIT_AGAIN;
        let size = size_of::<HitHeader>() as u64;
        send((&raw mut *header).cast(), size, Loss::RingFull, BPF_RB_NO_WAKEUP);
        return;
    }
    header.kind = KIND_HIT;
    let mut frames = bounded::<{ MAX_FRAMES as u64 * 2 - 1 }>(count);
    if frames > MAX_FRAMES {
        frames = MAX_FRAMES;
    }
    let size = size_of::<HitHeader>() + frames * size_of::<Frame>();
    if send((&raw mut *header).cast(), size as u64, Loss::RingFull, BPF_RB_NO_WAKEUP) {
        // Only now, so that whoever finds it sends after it. Where there is no room, the frames
        // are sent each time.
        let _ = STACKS.insert(&header.stack, 1, BPF_NOEXIST as u64);
    }
}

/// Tells userspace what the walk in the slot did not know.
#[inline(always)]
pub(crate) fn news(slot: *mut Slot) {
    // SAFETY: a claimed slot.
    let slot = unsafe { &mut *slot };
    if slot.untold != 0 {
        announce_process(&slot.process, slot.untold);
    }
    if slot.unknown != 0 {
        announce_module(&slot.unknown_module, &slot.process, slot.unknown);
    }
}

/// Tells userspace of a process whose mappings it has not told, once.
#[inline(always)]
pub(crate) fn announce_process(process: &ProcessKey, address: u64) {
    if ANNOUNCED_PROCESSES.insert(process, 1, BPF_NOEXIST as u64).is_ok()
        && !announce(KIND_PROCESS, process, &ModuleKey::default(), address)
    {
        let _ = ANNOUNCED_PROCESSES.remove(process);
    }
}

/// Tells userspace of a module that has no rows, once.
#[inline(always)]
fn announce_module(module: &ModuleKey, process: &ProcessKey, address: u64) {
    if ANNOUNCED_MODULES.insert(module, 1, BPF_NOEXIST as u64).is_ok()
        && !announce(KIND_UNKNOWN_MODULE, process, module, address)
    {
        let _ = ANNOUNCED_MODULES.remove(module);
    }
}

/// A function of its own, since the stack of the walk is nearly full.
#[inline(never)]
fn announce(kind: u32, process: &ProcessKey, module: &ModuleKey, address: u64) -> bool {
    let mut control =
        Control { kind, pid: task::numbers().0, process: *process, address, module: *module };
    let (record, size) = ((&raw mut control).cast(), size_of::<Control>() as u64);
    send(record, size, Loss::ControlRingFull, BPF_RB_FORCE_WAKEUP)
}
