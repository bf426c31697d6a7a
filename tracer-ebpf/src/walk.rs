//! The walk in the kernel: `tracer_common::walk` over the window, the mappings and the tables.

use aya_ebpf::bindings::pt_regs;
use aya_ebpf::helpers::generated::bpf_loop;
use tracer_common::bound::bounded;
use tracer_common::event::{MAX_FRAMES, frame_hash};
use tracer_common::reason::{End, Reason};
use tracer_common::registers::{Registers, index};
use tracer_common::rule::Rule;
use tracer_common::step::Memory;
use tracer_common::walk::{Location, Target, advance};

use crate::slot::Slot;
use crate::window::{NOWHERE, distant};
use crate::{chain, goroutine, mapping, tables};

/// Walks the stack of the thread that hit a probe; the result lies in the slot.
#[inline(always)]
pub(crate) fn walk(slot: *mut Slot, from: &pt_regs, cookie: u64) {
    // SAFETY: a claimed slot.
    let own = unsafe { &mut *slot };
    let walk = &mut own.walk;
    walk.registers = Registers {
        pc: from.rip,
        values: [0; 8],
        known: 0xff,
        exact: 1,
        stack: 0,
        padding: 0,
        goroutine: 0,
    };
    walk.registers.values[index::RBX as usize] = from.rbx;
    walk.registers.values[index::RBP as usize] = from.rbp;
    walk.registers.values[index::R12 as usize] = from.r12;
    walk.registers.values[index::R13 as usize] = from.r13;
    walk.registers.values[index::R14 as usize] = from.r14;
    walk.registers.values[index::R15 as usize] = from.r15;
    walk.registers.values[index::SP as usize] = from.rsp;
    walk.registers.values[index::R10 as usize] = from.r10;
    walk.count = 0;
    walk.end = 0;
    walk.reason = 0;
    walk.gap = 0;
    walk.landing = 0;
    own.hash = 0;
    own.window.base = NOWHERE;
    if !mapping::start(own, from.rip, cookie) {
        own.walk.end = End::Error as u8;
        own.walk.reason = Reason::ProbeUnknown as u8;
        return;
    }
    let mut context = slot;
    // SAFETY: the callback has the signature that the helper asks for, and the context is on the
    // BPF stack.
    unsafe {
        bpf_loop(
            MAX_FRAMES as u32,
            on_frame as *mut core::ffi::c_void,
            (&raw mut context).cast(),
            0,
        );
    }
    if own.walk.end == 0 {
        own.walk.end = End::Limit as u8;
    }
    goroutine::note(slot);
}

/// One frame; 1 ends the loop.
unsafe extern "C" fn on_frame(index: u32, context: *mut *mut Slot) -> i64 {
    // SAFETY: the helper passes our own context back; it holds a claimed slot.
    let slot = unsafe { *context };
    // SAFETY: the walk, the frames and what `InKernel` uses are separate parts of the slot.
    let (walk, frames) = unsafe { (&mut (*slot).walk, &mut (*slot).frames) };
    let is_end = advance(walk, frames, index, &mut InKernel { slot });
    // SAFETY: as above.
    let hash = unsafe { &mut (*slot).hash };
    *hash = frame_hash(*hash, &frames[bounded::<{ MAX_FRAMES as u64 - 1 }>(index as u64)]);
    i64::from(is_end)
}

/// The surroundings of a walk, in the kernel.
struct InKernel {
    slot: *mut Slot,
}

impl Memory for InKernel {
    #[inline(always)]
    fn word(&mut self, address: u64) -> Option<u64> {
        // SAFETY: a claimed slot.
        unsafe { (*self.slot).window.word(address) }
    }

    #[inline(always)]
    fn distant(&mut self, address: u64) -> Option<u64> {
        distant(address)
    }
}

impl Target for InKernel {
    #[inline(always)]
    fn locate(&mut self, address: u64) -> Result<Location, Reason> {
        // SAFETY: a claimed slot.
        mapping::locate(unsafe { &mut *self.slot }, address)
    }

    #[inline(always)]
    fn rule(&mut self, location: Location) -> Result<Rule, Reason> {
        tables::rule(location)
    }

    #[inline(always)]
    fn land(&mut self, registers: &mut Registers) -> bool {
        chain::land(self.slot, registers)
    }
}
