//! The walk on the host: the kernel's own steps over the same tables, on any memory.

use tracer_common::event::{Frame, MAX_FRAMES};
use tracer_common::map::{Mapping, Module};
use tracer_common::reason::{End, Reason};
use tracer_common::registers::Registers;
use tracer_common::rule::Rule;
use tracer_common::step::Memory;
use tracer_common::walk::{Location, Target, Walk, advance};

use super::Tables;

/// A copy of one range of a target's memory.
#[derive(Clone, Debug)]
pub struct MemoryCopy {
    /// The run-time address of the first byte.
    pub start: u64,
    /// The bytes.
    pub bytes: Vec<u8>,
}

impl MemoryCopy {
    /// The word at a run-time address; `None` where the copy does not hold all of it.
    #[must_use]
    pub fn word(&self, address: u64) -> Option<u64> {
        let at = usize::try_from(address.checked_sub(self.start)?).ok()?;
        let word = self.bytes.get(at..at.checked_add(8)?)?;
        Some(u64::from_le_bytes(word.try_into().ok()?))
    }
}

/// Several copies as one memory.
#[derive(Clone, Debug, Default)]
pub struct MemoryCopies(pub Vec<MemoryCopy>);

impl Memory for MemoryCopies {
    fn word(&mut self, address: u64) -> Option<u64> {
        self.0.iter().find_map(|copy| copy.word(address))
    }

    fn distant(&mut self, address: u64) -> Option<u64> {
        self.word(address)
    }
}

/// What a walk on the host needs: the session's tables, a process's mappings, its memory.
#[derive(Debug)]
pub struct Host<'a, M> {
    /// The tables.
    pub tables: &'a Tables,
    /// The modules by number; the one at [`tracer_common::map::NO_MODULE`] is never used.
    pub modules: &'a [Module],
    /// The executable mappings.
    pub mappings: &'a [Mapping],
    /// The memory.
    pub memory: M,
}

impl<M: Memory> Memory for Host<'_, M> {
    fn word(&mut self, address: u64) -> Option<u64> {
        self.memory.word(address)
    }

    fn distant(&mut self, address: u64) -> Option<u64> {
        self.memory.distant(address)
    }
}

impl<M: Memory> Target for Host<'_, M> {
    fn locate(&mut self, address: u64) -> Result<Location, Reason> {
        let mapping = self
            .mappings
            .iter()
            .find(|mapping| mapping.start <= address && address < mapping.end)
            .ok_or(Reason::UnknownMapping)?;
        let module = u16::try_from(mapping.module).map_err(|_| Reason::UnknownMapping)?;
        Ok(Location { module, offset: mapping.offset.wrapping_add(address - mapping.start) })
    }

    fn rule(&mut self, location: Location) -> Result<Rule, Reason> {
        let module = self
            .modules
            .get(usize::from(location.module))
            .filter(|module| module.pages != 0)
            .ok_or(Reason::UnknownModule)?;
        self.tables.rule(module, location.offset).ok_or(Reason::NoRule)
    }

    fn land(&mut self, _registers: &mut Registers) -> bool {
        false
    }
}

/// What a walk found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stack {
    /// The frames, innermost first.
    pub frames: Vec<Frame>,
    /// Where it ended.
    pub end: End,
    /// Why, for [`End::Error`].
    pub reason: Option<Reason>,
    /// The goroutine's id, where the walk met one.
    pub goroutine: Option<u64>,
}

/// Walks from `registers` on, at most [`MAX_FRAMES`] frames.
pub fn walk<T: Target>(registers: Registers, target: &mut T) -> Stack {
    let mut walk = Walk { registers, count: 0, end: 0, reason: 0, gap: 0, landing: 0 };
    let mut frames = [Frame::default(); MAX_FRAMES];
    let ended = (0..MAX_FRAMES as u32).any(|index| advance(&mut walk, &mut frames, index, target));
    if !ended {
        walk.end = End::Limit as u8;
    }
    Stack {
        frames: frames[..walk.count as usize].to_vec(),
        end: End::from_number(walk.end).unwrap_or(End::Error),
        reason: Reason::from_number(walk.reason),
        goroutine: Some(walk.registers.goroutine).filter(|&goroutine| goroutine != 0),
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
