//! The walk: locate the PC, note the frame, take the step; again, until a bottom or a reason.

use crate::bound::bounded;
use crate::event::{FRAME_EXACT, Frame, MAX_FRAMES};
use crate::map::NO_MODULE;
use crate::reason::{End, Reason};
use crate::registers::Registers;
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
    /// Always zero.
    pub padding: [u8; 2],
}

impl Walk {
    #[inline(always)]
    fn finish(&mut self, end: End) -> bool {
        self.end = end as u8;
        true
    }

    #[inline(always)]
    fn fail(&mut self, reason: Reason) -> bool {
        self.reason = reason as u8;
        self.finish(End::Error)
    }
}

/// Notes frame `index` and steps to its caller. True once the walk has ended; the caller of this
/// function sets [`End::Limit`] where it never does within [`MAX_FRAMES`].
///
/// A frame whose address belongs to no known module is noted all the same: it is true.
#[inline(always)]
pub fn advance<T: Target>(
    walk: &mut Walk,
    frames: &mut [Frame; MAX_FRAMES],
    index: u32,
    target: &mut T,
) -> bool {
    let registers = &mut walk.registers;
    let slot = &mut frames[bounded::<{ MAX_FRAMES as u64 - 1 }>(index as u64)];
    let behind = (registers.exact == 0) as u64;
    slot.address = registers.pc;
    slot.flags = if behind == 0 { FRAME_EXACT } else { 0 };
    slot.offset = 0;
    slot.module = NO_MODULE;
    walk.count = index + 1;
    let location = match target.locate(registers.lookup_pc()) {
        Ok(location) => location,
        Err(reason) => return walk.fail(reason),
    };
    slot.module = location.module;
    slot.offset = (location.offset + behind) as u32;
    let rule = match target.rule(location) {
        Ok(rule) => rule,
        Err(reason) => return walk.fail(reason),
    };
    if rule.kind == kind::SIGNAL {
        // The kernel "returns" to the restorer's first instruction; nothing called it.
        slot.flags = FRAME_EXACT;
    }
    match step(registers, &rule, target) {
        Outcome::Caller => false,
        Outcome::End(end) => walk.finish(end),
        Outcome::Failed(reason) => walk.fail(reason),
    }
}
