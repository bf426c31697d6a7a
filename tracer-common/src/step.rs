//! One unwind step: the registers of a frame become those of its caller.

use crate::bound::{bounded, change_bits};
use crate::reason::{End, Reason};
use crate::registers::{Registers, SAVED, index, stack};
use crate::rule::{Rule, kind, saved};

/// The target's memory, in words of 8 bytes.
pub trait Memory {
    /// The word at a user-space address of the stack; `None` where it cannot be read.
    fn word(&mut self, address: u64) -> Option<u64>;

    /// As [`Memory::word`], for a single word elsewhere: a reader that keeps a window of the
    /// stack must not move it.
    fn distant(&mut self, address: u64) -> Option<u64>;
}

/// What a step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The registers are the caller's.
    Caller,
    /// This frame is the bottom of a stack.
    End(End),
    /// The walk cannot go on; the registers are of no use any more.
    Failed(Reason),
}

/// User-space addresses end here: 47 bits, the range that the kernel hands out unless asked.
const USER_END: u64 = 1 << 47;
/// The lowest address that can hold code.
const USER_START: u64 = 4096;
/// Offset of `uc_mcontext.gregs` in `ucontext_t`, bytes: arch/x86/include/uapi/asm/sigcontext.h.
const UCONTEXT_REGISTERS: u64 = 40;

/// Applies `rule` to the registers of a frame.
#[inline(always)]
pub fn step<M: Memory>(registers: &mut Registers, rule: &Rule, memory: &mut M) -> Outcome {
    let result = match rule.kind {
        kind::FRAME | kind::SWITCH | kind::DEREFERENCE | kind::PLT => {
            frame(registers, rule, memory)
        }
        kind::ASMCGOCALL => asmcgocall(registers, rule, memory),
        kind::SIGNAL => signal(registers, memory),
        kind::END => return Outcome::End(End::from_number(rule.param).unwrap_or(End::Error)),
        _ => Err(Reason::from_number(rule.param).unwrap_or(Reason::NoRule)),
    };
    match result {
        Ok(()) if registers.pc < USER_START || registers.pc >= USER_END => {
            Outcome::Failed(Reason::BadReturnAddress)
        }
        Ok(()) => Outcome::Caller,
        Err(reason) => Outcome::Failed(reason),
    }
}

/// A frame that has a CFA: the return address is the word below it.
#[inline(always)]
fn frame<M: Memory>(registers: &mut Registers, rule: &Rule, memory: &mut M) -> Result<(), Reason> {
    let register = bounded::<7>(rule.cfa_register as u64);
    if !registers.is_known(register as u64) {
        return Err(Reason::RegisterLost);
    }
    let mut cfa = registers.values[register].wrapping_add(rule.cfa_offset as i64 as u64);
    if rule.kind == kind::DEREFERENCE {
        cfa = memory.word(cfa).ok_or(Reason::StackUnreadable)?;
    }
    if rule.kind == kind::PLT && registers.pc & 15 >= rule.param as u64 {
        cfa = cfa.wrapping_add(8);
    }
    let stack = registers.values[index::SP as usize];
    if rule.kind != kind::SWITCH && cfa <= stack {
        return Err(Reason::NoProgress);
    }
    let base = if rule.saved_base == 0 {
        cfa
    } else if registers.is_known(index::RBP as u64) {
        registers.values[index::RBP as usize]
    } else {
        return Err(Reason::RegisterLost);
    };
    change_bits(&mut registers.known, 1 << index::SP, !0x3f);
    // Lowest address first, and the return address last: all in one window of the stack.
    let mut register = SAVED;
    while register != 0 {
        register -= 1;
        match rule.saved[register] {
            saved::SAME => {}
            saved::LOST => change_bits(&mut registers.known, 0, 1 << register),
            words => {
                let address = base.wrapping_sub((words as u64 - 1) << 3);
                let value = memory.word(address).ok_or(Reason::StackUnreadable)?;
                registers.values[register] = value;
                change_bits(&mut registers.known, 1 << register, 0);
            }
        }
    }
    registers.pc = memory.word(cfa.wrapping_sub(8)).ok_or(Reason::StackUnreadable)?;
    registers.values[index::SP as usize] = cfa;
    if rule.kind == kind::SWITCH {
        registers.stack = rule.param as u32;
    }
    registers.exact = if rule.kind == kind::FRAME { rule.param as u32 } else { 0 };
    Ok(())
}

/// From C on g0 to the goroutine's stack, by the g and the depth that asmcgocall saved.
///
/// RBP is not used: a callback that grew the goroutine's stack leaves it pointing into the old
/// one. Layouts: runtime/asm_amd64.s, Go 1.21 to 1.27; `g.stack.hi` is at offset 8 in all.
#[inline(always)]
fn asmcgocall<M: Memory>(
    registers: &mut Registers,
    rule: &Rule,
    memory: &mut M,
) -> Result<(), Reason> {
    let sp = registers.values[index::SP as usize];
    let mut word =
        |offset: u8| memory.word(sp.wrapping_add(offset as u64)).ok_or(Reason::StackUnreadable);
    let (g, depth) = (word(rule.saved[0])?, word(rule.saved[1])?);
    // No g was saved where asmcgocall ran on g0 already: the depth is then the stack pointer.
    let frame = if g == 0 {
        depth
    } else {
        let high = memory.distant(g.wrapping_add(8)).ok_or(Reason::StackUnreadable)?;
        registers.stack = stack::GOROUTINE as u32;
        if registers.goroutine == 0 && rule.cfa_offset != 0 {
            let address = g.wrapping_add(rule.cfa_offset as u64);
            registers.goroutine = memory.distant(address).unwrap_or(0);
        }
        high.wrapping_sub(depth)
    };
    registers.values[index::RBP as usize] = memory.word(frame).ok_or(Reason::StackUnreadable)?;
    registers.pc = memory.word(frame.wrapping_add(8)).ok_or(Reason::StackUnreadable)?;
    registers.values[index::SP as usize] = frame.wrapping_add(16);
    registers.known = 1 << index::RBP | 1 << index::SP;
    registers.exact = 0;
    Ok(())
}

/// Out of a signal's restorer: the interrupted registers, from the ucontext at SP.
#[inline(always)]
fn signal<M: Memory>(registers: &mut Registers, memory: &mut M) -> Result<(), Reason> {
    let context = registers.values[index::SP as usize].wrapping_add(UCONTEXT_REGISTERS);
    // Slots of the kernel's struct sigcontext: r8..r15 0–7, rdi, rsi, rbp 10, rbx 11, rdx, rax,
    // rcx, rsp 15, rip 16.
    let mut slot = |n: u64| memory.word(context.wrapping_add(n * 8)).ok_or(Reason::StackUnreadable);
    registers.values[index::R10 as usize] = slot(2)?;
    registers.values[index::R12 as usize] = slot(4)?;
    registers.values[index::R13 as usize] = slot(5)?;
    registers.values[index::R14 as usize] = slot(6)?;
    registers.values[index::R15 as usize] = slot(7)?;
    registers.values[index::RBP as usize] = slot(10)?;
    registers.values[index::RBX as usize] = slot(11)?;
    registers.values[index::SP as usize] = slot(15)?;
    registers.pc = slot(16)?;
    registers.known = 0xff;
    registers.exact = 1;
    registers.stack = stack::UNKNOWN as u32;
    Ok(())
}

#[cfg(test)]
mod tests;
