//! Which goroutine a thread runs, by the runtime's own words: the thread-local g, its m, and m's
//! `curg`. Layouts: runtime/runtime2.go, Go 1.21 to 1.27.
//!
//! A walk that crosses asmcgocall has the goroutine from there. This is for the others: probes on
//! Go functions, signal handlers over Go.

use tracer_common::bound::bounded;
use tracer_common::event::MAX_FRAMES;
use tracer_common::map::{MAX_RUNTIMES, NO_BIAS, Runtime};
use tracer_common::reason::End;

use crate::mapping::find_runtime_bias;
use crate::maps::RUNTIMES;
use crate::slot::Slot;
use crate::task;
use crate::window::distant;

/// Offset of `m` in `g`.
pub(crate) const G_M: u64 = 48;

/// The thread-local g of the current thread, by the runtime of this number.
#[inline(always)]
pub(crate) fn thread_g(slot: *mut Slot, number: u32, runtime: &Runtime) -> Option<u64> {
    let mut offset = runtime.g_offset as u64;
    if runtime.g_slot != 0 {
        find_runtime_bias(slot, number as u64, runtime.module);
        // SAFETY: a claimed slot. From its memory the verifier takes any value, whatever way
        // was gone to find it.
        let bias = unsafe { (*slot).runtime_bias };
        if bias == NO_BIAS {
            return None;
        }
        offset = distant(bias.wrapping_add(runtime.g_slot))?;
    }
    distant(task::thread_pointer().wrapping_add(offset))
}

/// Notes the goroutine of the walk that has ended, where the walk met none and it is certain.
#[inline(always)]
pub(crate) fn note(slot: *mut Slot) {
    // SAFETY: a claimed slot.
    let own = unsafe { &mut *slot };
    if own.walk.registers.goroutine == 0 {
        own.walk.registers.goroutine = current(slot);
    }
}

#[inline(never)]
fn current(slot: *mut Slot) -> u64 {
    // SAFETY: a claimed slot.
    let own = unsafe { &mut *slot };
    // A runtime's words are looked at only in a process that has it: the bottom lies in its module,
    // or the probe does.
    let is_bottom = own.walk.end == End::Goexit as u8;
    let last = own.walk.count.wrapping_sub(1);
    let last = &own.frames[bounded::<{ MAX_FRAMES as u64 - 1 }>(last as u64)];
    let module = if is_bottom { last.module as u64 } else { own.module };
    let mut number = 0;
    while number < MAX_RUNTIMES as u32 {
        if let Some(runtime) = RUNTIMES.get(number)
            && runtime.module == module
        {
            return goroutine(slot, number, runtime, is_bottom).unwrap_or(0);
        }
        number += 1;
    }
    0
}

#[inline(always)]
fn goroutine(slot: *mut Slot, number: u32, runtime: &Runtime, is_bottom: bool) -> Option<u64> {
    if runtime.m_curg == 0 || runtime.g_goid == 0 {
        return None;
    }
    let g = thread_g(slot, number, runtime)?;
    let m = distant(g.wrapping_add(G_M))?;
    let running = distant(m.wrapping_add(runtime.m_curg))?;
    // On g0 and gsignal only a stack that ends at the bottom of a goroutine is certainly of it: a
    // thread of C keeps a goroutine also when it does not run Go.
    if g != running && !is_bottom {
        return None;
    }
    distant(running.wrapping_add(runtime.g_goid))
}
