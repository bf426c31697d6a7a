//! The walk: locate the PC, note the frame, take the step; again, until a bottom or a reason.

use crate::bound::bounded;
use crate::event::{FRAME_EXACT, FRAME_GAP, Frame, MAX_FRAMES};
use crate::map::NO_MODULE;
use crate::reason::{End, Reason};
use crate::registers::{Registers, index};
use crate::rule::{Rule, kind};
use crate::step::{Memory, Outcome, step};

/// Where an address lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Location {
    /// The module's number.
    pub module: u16,
    /// The file offset in it.
    pub offset: u64,
}

/// What a walk needs of its surroundings: memory, mappings and rules.
pub trait Target: Memory {
    /// Which module, and which file offset in it, a run-time address belongs to.
    fn locate(&mut self, address: u64) -> Result<Location, Reason>;

    /// The rule that holds at a location.
    fn rule(&mut self, location: Location) -> Result<Rule, Reason>;

    /// Moves PC and SP to the next call of asmcgocall above a frame that cannot be stepped from,
    /// without the frames between. False where there is none, or it is not known.
    fn land(&mut self, registers: &mut Registers) -> bool;
}

/// One walk: its registers, and what it has found so far.
#[repr(C)]
pub struct Walk {
    /// The registers of the frame to come.
    pub registers: Registers,
    /// How many frames are in `frames`.
    pub count: u32,
    /// The number of the [`End`]; 0 while the walk goes on.
    pub end: u8,
    /// The number of the [`Reason`]; 0 unless the end is an error.
    pub reason: u8,
    /// The number of the reason of a gap that is to be noted next; 0 where there is none.
    pub gap: u8,
    /// The number of the reason of the gap that was noted last, while it is not certain that the
    /// walk has landed at asmcgocall; 0 otherwise.
    pub landing: u8,
}

impl Walk {
    #[inline(always)]
    fn finish(&mut self, end: End) -> bool {
        self.end = end as u8;
        true
    }

    #[inline(always)]
    fn fail(&mut self, reason: Reason) -> bool {
        if self.landing != 0 {
            // There is no such call: the gap has no other side, and the walk ended before it.
            self.count -= 2;
            self.reason = self.landing;
        } else {
            self.reason = reason as u8;
        }
        self.finish(End::Error)
    }

    /// Goes on over a gap, where `target` knows how; else ends.
    #[inline(always)]
    fn leap<T: Target>(&mut self, reason: Reason, sp: u64, target: &mut T) -> bool {
        // The step may have failed half way.
        self.registers.values[index::SP as usize] = sp;
        if self.landing != 0 || !target.land(&mut self.registers) {
            return self.fail(reason);
        }
        self.registers.known = 1 << index::SP;
        self.registers.exact = 0;
        self.gap = reason as u8;
        false
    }
}

/// Notes frame `index` and steps to its caller. True once the walk has ended; the caller of this
/// function sets [`End::Limit`] where it never does within [`MAX_FRAMES`].
///
/// A frame whose address belongs to no known module is noted all the same: it is true. Where a step
/// is not possible and the target knows where C was called from, a gap is noted, and the walk goes
/// on there.
#[inline(always)]
pub fn advance<T: Target>(
    walk: &mut Walk,
    frames: &mut [Frame; MAX_FRAMES],
    index: u32,
    target: &mut T,
) -> bool {
    let slot = &mut frames[bounded::<{ MAX_FRAMES as u64 - 1 }>(index as u64)];
    walk.count = index + 1;
    if walk.gap != 0 {
        slot.address = 0;
        slot.offset = walk.gap as u32;
        slot.module = NO_MODULE;
        slot.flags = FRAME_GAP;
        walk.landing = walk.gap;
        walk.gap = 0;
        return false;
    }
    let registers = &mut walk.registers;
    let sp = registers.values[index::SP as usize];
    let behind = (registers.exact == 0) as u64;
    slot.address = registers.pc;
    slot.flags = if behind == 0 { FRAME_EXACT } else { 0 };
    slot.offset = 0;
    slot.module = NO_MODULE;
    let location = match target.locate(registers.lookup_pc()) {
        Ok(location) => location,
        Err(reason) => return walk.leap(reason, sp, target),
    };
    slot.module = location.module;
    slot.offset = (location.offset + behind) as u32;
    let rule = match target.rule(location) {
        Ok(rule) => rule,
        Err(reason) => return walk.leap(reason, sp, target),
    };
    if walk.landing != 0 {
        if rule.kind != kind::ASMCGOCALL {
            return walk.fail(Reason::NoRule);
        }
        walk.landing = 0;
    }
    if rule.kind == kind::SIGNAL {
        // The kernel "returns" to the restorer's first instruction; nothing called it.
        slot.flags = FRAME_EXACT;
    }
    match step(registers, &rule, target) {
        Outcome::Caller => false,
        Outcome::End(end) => walk.finish(end),
        Outcome::Failed(reason) => walk.leap(reason, sp, target),
    }
}

#[cfg(test)]
mod tests;
