//! Over a gap: where a thread that runs C was called from by Go, without unwinding any C.
//!
//! While a thread runs C for Go, `g0.sched.sp` is where asmcgocall took g0's stack from; a callback
//! into Go saves the value that was there before at its own g0 stack pointer. So every asmcgocall
//! of a thread is found from its g alone, the innermost first. Layouts: runtime/runtime2.go (`g`,
//! `m`, `gobuf`), runtime/asm_amd64.s (asmcgocall, cgocallback), Go 1.21 to 1.27.
//!
//! What is found here is a claim: the walk goes on only if the rule at the return address is that
//! of asmcgocall's call.

use tracer_common::map::{MAX_RUNTIMES, Runtime};
use tracer_common::registers::{Registers, index, stack};

use crate::goroutine::{G_M, thread_g};
use crate::maps::RUNTIMES;
use crate::slot::Slot;
use crate::window::distant;

/// Offset of `g0` in `m`.
const M_G0: u64 = 0;
/// Offset of `stack.hi` in `g`.
const G_STACK_HIGH: u64 = 8;
/// Offset of `sched.sp` in `g`.
const G_SCHED_SP: u64 = 56;
/// How many callbacks deep the chain is followed.
const MAX_LEVELS: u32 = 16;

/// Moves PC and SP to the next call of asmcgocall above the frame that `registers` are of.
#[inline(never)]
pub(crate) fn land(slot: *mut Slot, registers: &mut Registers) -> bool {
    // A goroutine's stack has no such chain, and its addresses do not compare with g0's.
    if registers.stack == stack::GOROUTINE as u32 {
        return false;
    }
    let sp = registers.values[index::SP as usize];
    let mut number = 0;
    while number < MAX_RUNTIMES as u32 {
        if let Some(runtime) = RUNTIMES.get(number)
            && runtime.frame != 0
            && let Some(mut next) = saved_sp(slot, registers, number, runtime)
        {
            let mut level = 0;
            while level < MAX_LEVELS {
                let call = next.wrapping_sub(runtime.frame) & !15;
                if call > sp {
                    if registers.stack == stack::UNKNOWN as u32
                        && (level != 0 || !is_live(call, runtime.frame))
                    {
                        return false;
                    }
                    let Some(pc) = distant(call.wrapping_sub(8)) else { return false };
                    registers.pc = pc;
                    registers.values[index::SP as usize] = call;
                    return true;
                }
                let Some(outer) = distant(next) else { break };
                // On a thread that C made the chain ends in itself.
                if outer <= next {
                    break;
                }
                next = outer;
                level += 1;
            }
        }
        number += 1;
    }
    false
}

/// Whether asmcgocall is in a call now, whose frame on g0 lies at `call`: it has left the
/// goroutine's SP in `g.sched.sp`. On a thread of C that has called Go before and does not now,
/// the frame may still lie there, left over.
#[inline(always)]
fn is_live(call: u64, frame: u64) -> bool {
    // asmcgocall's slots of g and depth: see `tracer_common::step`.
    let (g_slot, depth_slot) = if frame == 64 { (48, 40) } else { (8, 0) };
    let Some(g) = distant(call + g_slot) else { return false };
    let Some(depth) = distant(call + depth_slot) else { return false };
    let Some(high) = distant(g.wrapping_add(G_STACK_HIGH)) else { return false };
    distant(g.wrapping_add(G_SCHED_SP)) == Some(high.wrapping_sub(depth))
}

/// `g0.sched.sp` of the thread, by its thread-local g.
#[inline(always)]
fn saved_sp(slot: *mut Slot, registers: &Registers, number: u32, runtime: &Runtime) -> Option<u64> {
    let g = thread_g(slot, number, runtime)?;
    let m = distant(g.wrapping_add(G_M))?;
    let g0 = distant(m.wrapping_add(M_G0))?;
    // Before any crossing only g tells which stack this is: g0 while C runs.
    if registers.stack == stack::UNKNOWN as u32 && g != g0 {
        return None;
    }
    distant(g0.wrapping_add(G_SCHED_SP))
}
