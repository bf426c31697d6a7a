//! Reading a function's instructions beside its SP table, and the functions that C calls.

use std::ops::Range;

use iced_x86::{
    Code, Decoder, DecoderOptions, FlowControl, Instruction, InstructionInfoFactory, Mnemonic,
    OpAccess, OpKind, Register,
};
use tracer_common::reason::Reason;
use tracer_common::registers::{SAVED, index};
use tracer_common::rule::{Rule, saved};

use crate::address::ElfAddress;
use crate::object::go::GoFunction;

use super::rows::Row;

/// What the rows of `runtime.asmcgocall` need besides its instructions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asmcgocall {
    /// Offset of `goid` in the runtime's `g`; 0 where unknown.
    pub(super) goid: i32,
}

/// The callee-saved registers in the order of [`Rule::saved`].
const CALLEE_SAVED: [Register; SAVED] =
    [Register::RBX, Register::RBP, Register::R12, Register::R13, Register::R14, Register::R15];

/// The instructions of a function beside its SP table.
#[derive(Clone, Debug)]
pub(super) struct Body<'a> {
    /// The address of the first byte.
    pub(super) entry: ElfAddress,
    /// The bytes.
    pub(super) code: &'a [u8],
    /// Ranges of byte offsets with the bytes between SP and the return address, sorted.
    pub(super) depths: Vec<(Range<u32>, i32)>,
}

impl<'a> Body<'a> {
    /// Of one function.
    pub(super) fn of(function: &GoFunction<'a>) -> Self {
        Self {
            entry: function.entry,
            code: function.code().unwrap_or_default(),
            depths: function.pcsp().into_iter().flatten().collect(),
        }
    }

    /// Each instruction with the depth before it. Ends where the SP table ends, and at bytes that
    /// are no instruction.
    pub(super) fn instructions(&self) -> impl Iterator<Item = (Instruction, i32)> {
        let entry = self.entry.0;
        let mut decoder = Decoder::with_ip(64, self.code, entry, DecoderOptions::NONE);
        let mut depths = self.depths.iter().peekable();
        std::iter::from_fn(move || {
            if !decoder.can_decode() {
                return None;
            }
            let instruction = decoder.decode();
            let offset = instruction.ip().wrapping_sub(entry);
            while u64::from(depths.peek()?.0.end) <= offset {
                depths.next();
            }
            let (_, depth) = depths.peek().filter(|_| !instruction.is_invalid())?;
            Some((instruction, *depth))
        })
    }
}

/// The row of one instruction.
pub(super) fn row_of(instruction: &Instruction, rule: Rule) -> Row {
    Row { start: ElfAddress(instruction.ip()), end: ElfAddress(instruction.next_ip()), rule }
}

/// Calls `f` with each register that `instruction` writes, in its 64-bit form.
pub(super) fn for_each_written(
    factory: &mut InstructionInfoFactory,
    instruction: &Instruction,
    mut f: impl FnMut(Register),
) {
    for used in factory.info(instruction).used_registers() {
        let writes = matches!(
            used.access(),
            OpAccess::Write | OpAccess::CondWrite | OpAccess::ReadWrite | OpAccess::ReadCondWrite
        );
        if writes {
            f(used.register().full_register());
        }
    }
}

/// The rows of a function that C calls and that saves all of C's callee-saved registers itself
/// (crosscall2, sigtramp): where each lies follows from its stores, so no version matters. Only
/// straight code is followed.
pub(super) fn border(body: &Body<'_>, rows: &mut Vec<Row>) {
    let mut factory = InstructionInfoFactory::new();
    let mut places = [saved::SAME; SAVED];
    let mut straight = true;
    for (instruction, depth) in body.instructions() {
        let cfa = depth.checked_add(8).filter(|_| depth >= 0 && depth % 8 == 0);
        let rule = match cfa {
            Some(offset) if straight => {
                let mut rule = Rule::frame(index::SP, offset);
                rule.saved = places;
                rule
            }
            _ => Rule::none(Reason::UnsupportedRule),
        };
        rows.push(row_of(&instruction, rule));
        match instruction.flow_control() {
            FlowControl::Next => {}
            // What C kept in registers that were not saved is gone when Go returns.
            FlowControl::Call | FlowControl::IndirectCall => {
                places.iter_mut().filter(|how| **how == saved::SAME).for_each(|how| {
                    *how = saved::LOST;
                });
            }
            _ => straight = false,
        }
        let moved = moved(&instruction, i64::from(depth));
        for (place, register) in places.iter_mut().zip(CALLEE_SAVED) {
            match moved {
                Some(Moved::Stored(stored, how)) if stored == register => {
                    if *place == saved::SAME {
                        *place = how;
                    }
                    continue;
                }
                Some(Moved::Loaded(loaded, how)) if loaded == register && *place == how => {
                    *place = saved::SAME;
                    continue;
                }
                _ => {}
            }
            let mut written = false;
            for_each_written(&mut factory, &instruction, |other| written |= other == register);
            if written && *place == saved::SAME {
                *place = saved::LOST;
            }
        }
    }
}

/// A register stored in the frame, or loaded from it, and the place as a rule names it.
#[derive(Clone, Copy)]
enum Moved {
    Stored(Register, u8),
    Loaded(Register, u8),
}

fn moved(instruction: &Instruction, depth: i64) -> Option<Moved> {
    // The place at SP + displacement, by words below the CFA, which is SP + depth + 8.
    let place = |displacement: i64| {
        let bytes = depth.checked_add(8)?.checked_sub(displacement)?;
        if bytes < 0 || bytes % 8 != 0 { None } else { saved::below(bytes as u64 / 8) }
    };
    let on_stack = instruction.memory_base() == Register::RSP
        && instruction.memory_index() == Register::None
        && instruction.segment_prefix() == Register::None;
    let displacement = instruction.memory_displacement64() as i64;
    match instruction.code() {
        Code::Push_r64 => Some(Moved::Stored(instruction.op0_register(), place(-8)?)),
        Code::Pop_r64 => Some(Moved::Loaded(instruction.op0_register(), place(0)?)),
        Code::Mov_rm64_r64 if on_stack && instruction.op0_kind() == OpKind::Memory => {
            Some(Moved::Stored(instruction.op1_register(), place(displacement)?))
        }
        Code::Mov_r64_rm64 if on_stack && instruction.op1_kind() == OpKind::Memory => {
            Some(Moved::Loaded(instruction.op0_register(), place(displacement)?))
        }
        _ => None,
    }
}

/// Whether `instruction` is `mov to, from` between registers.
pub(super) fn is_move(instruction: &Instruction, to: Register, from: Register) -> bool {
    instruction.mnemonic() == Mnemonic::Mov
        && instruction.op0_kind() == OpKind::Register
        && instruction.op1_kind() == OpKind::Register
        && instruction.op0_register() == to
        && instruction.op1_register() == from
}

#[cfg(test)]
mod tests;
