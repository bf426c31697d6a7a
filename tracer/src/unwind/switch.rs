//! Rows of the runtime's functions that change SP by hand: their SP tables are wrong from there
//! on, and what holds is read from their instructions.

use iced_x86::{FlowControl, Instruction, InstructionInfoFactory, Mnemonic, OpKind, Register};
use tracer_common::reason::Reason;
use tracer_common::registers::index;
use tracer_common::rule::{Rule, kind, saved};

use super::code::{Asmcgocall, Body, for_each_written, is_move, row_of};
use super::go::{RBP_BELOW, by_depth, lose_all};
use super::rows::Row;

/// How the frame is found at one instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Frame {
    /// By the SP table.
    Table,
    /// `push rbp; mov rbp, rsp` has run: by RBP, whatever SP is.
    Rbp,
    /// RBP has been popped: the return address is at SP.
    Popped,
    /// Not by RBP any more.
    After,
}

/// The rows of a function. `after` holds once it has left its stack where RBP does not lead back:
/// in a function without a frame, and after a write to RBP. With `asmcgocall` the calls on the new
/// stack get their own rule.
pub(super) fn rows(
    body: &Body<'_>,
    after: Rule,
    asmcgocall: Option<Asmcgocall>,
    rows: &mut Vec<Row>,
) {
    let mut factory = InstructionInfoFactory::new();
    let mut frame = Frame::Table;
    let mut after = after;
    let ends = after.kind == kind::END;
    let mut pushed = false;
    let mut kept_in_r12 = false;
    let mut size = None;
    let mut aligned = None;
    for (instruction, depth) in body.instructions() {
        let mut rule = match frame {
            Frame::Table => by_depth(depth),
            Frame::Rbp => by_rbp(),
            Frame::Popped => by_depth(0),
            Frame::After => after,
        };
        let calls =
            matches!(instruction.flow_control(), FlowControl::Call | FlowControl::IndirectCall);
        let crossing = asmcgocall.zip(aligned).filter(|_| calls);
        if let Some((asmcgocall, size)) = crossing {
            rule = call_of_c(size, asmcgocall);
        }
        rows.push(row_of(&instruction, rule));

        // The stack frame that asmcgocall makes on g0: `sub rsp, size; and rsp, -16`.
        if let Some(bytes) = immediate_to_sp(&instruction, Mnemonic::Sub) {
            size = Some(bytes);
        } else if immediate_to_sp(&instruction, Mnemonic::And) == Some(-16) {
            aligned = size.take();
        } else {
            size = None;
        }

        let (mut writes_sp, mut writes_rbp, mut writes_r12) = (false, false, false);
        for_each_written(&mut factory, &instruction, |register| {
            writes_sp |= register == Register::RSP;
            writes_rbp |= register == Register::RBP;
            writes_r12 |= register == Register::R12;
        });
        let leaves = writes_sp && !calls && !moves_sp_by_frame(&instruction);
        if is_move(&instruction, Register::R12, Register::RSP) {
            kept_in_r12 = frame == Frame::Table && depth == 0;
        } else if writes_r12 {
            kept_in_r12 = false;
            if frame == Frame::After && !ends {
                after = Rule::none(Reason::UnsupportedRule);
            }
        }
        frame = match frame {
            _ if crossing.is_some() => {
                // C may have called back and the goroutine's stack may have moved: RBP is stale.
                aligned = None;
                Frame::After
            }
            Frame::Table if depth == 0 && is_rbp(&instruction, Mnemonic::Push) => {
                pushed = true;
                Frame::Table
            }
            Frame::Table
                if pushed && depth == 8 && is_move(&instruction, Register::RBP, Register::RSP) =>
            {
                Frame::Rbp
            }
            Frame::Table if leaves => {
                if kept_in_r12 && !ends {
                    after = by_r12();
                }
                Frame::After
            }
            Frame::Rbp if leaves && ends => Frame::After,
            Frame::Rbp | Frame::After if pushed && !ends && is_rbp(&instruction, Mnemonic::Pop) => {
                Frame::Popped
            }
            Frame::Rbp if writes_rbp => Frame::After,
            // What stands behind a return or a tail call was jumped to from the body.
            Frame::Popped if is_departure(&instruction) => Frame::Rbp,
            same => same,
        };
    }
}

/// The frame of a function that has run `push rbp; mov rbp, rsp`.
fn by_rbp() -> Rule {
    let mut rule = lose_all(Rule::frame(index::RBP, 16)).with_saved(index::RBP, RBP_BELOW);
    rule.kind = kind::SWITCH;
    rule
}

/// The frame of a function that has no frame and keeps its first SP in R12 (racecall).
fn by_r12() -> Rule {
    let mut rule = lose_all(Rule::frame(index::R12, 8)).with_saved(index::RBP, saved::SAME);
    rule.kind = kind::SWITCH;
    rule
}

/// The call of a C function on g0, by the size of the frame that asmcgocall made there: 64 up to
/// Go 1.21, 16 from 1.22 on.
fn call_of_c(size: i64, asmcgocall: Asmcgocall) -> Rule {
    match size {
        64 => Rule::asmcgocall(48, 40, asmcgocall.goid),
        16 => Rule::asmcgocall(8, 0, asmcgocall.goid),
        _ => Rule::none(Reason::UnsupportedRule),
    }
}

/// The immediate of `mnemonic rsp, immediate`.
pub(super) fn immediate_to_sp(instruction: &Instruction, mnemonic: Mnemonic) -> Option<i64> {
    let is = instruction.mnemonic() == mnemonic
        && instruction.op0_kind() == OpKind::Register
        && instruction.op0_register() == Register::RSP;
    if !is {
        return None;
    }
    instruction.try_immediate(1).ok().map(|value| value as i64)
}

/// Whether `instruction` writes SP as the SP table counts it.
fn moves_sp_by_frame(instruction: &Instruction) -> bool {
    matches!(
        instruction.mnemonic(),
        Mnemonic::Push | Mnemonic::Pop | Mnemonic::Pushfq | Mnemonic::Popfq | Mnemonic::Ret
    ) || immediate_to_sp(instruction, Mnemonic::Sub).is_some()
        || immediate_to_sp(instruction, Mnemonic::Add).is_some()
        || instruction.mnemonic() == Mnemonic::Lea && instruction.memory_base() == Register::RSP
}

fn is_rbp(instruction: &Instruction, mnemonic: Mnemonic) -> bool {
    instruction.mnemonic() == mnemonic && instruction.op0_register() == Register::RBP
}

/// Whether what follows `instruction` is not reached from it.
fn is_departure(instruction: &Instruction) -> bool {
    matches!(
        instruction.flow_control(),
        FlowControl::Return | FlowControl::UnconditionalBranch | FlowControl::IndirectBranch
    )
}
