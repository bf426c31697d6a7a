//! What a session came to.

use std::collections::BTreeMap;
use std::time::Duration;

use tracer_common::event::FRAME_GAP;
use tracer_common::reason::Reason;

use super::Stack;
use crate::event::Hit;

/// Counts of a session. Every loss is in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Stacks written, incomplete ones included.
    pub events: u64,
    /// Stacks that are whole.
    pub complete: u64,
    /// The others, by the name of their first problem.
    pub incomplete: BTreeMap<&'static str, u64>,
    /// Events that were lost, by the name of the reason.
    pub lost: BTreeMap<&'static str, u64>,
    /// From the first armed probe to the end.
    pub duration: Duration,
}

impl Summary {
    /// Counts a stack.
    pub fn count(&mut self, stack: &Stack) {
        self.add(stack.problems().first().copied());
    }

    /// Counts a hit that is not named: the same as its stack.
    pub fn count_hit(&mut self, hit: &Hit) {
        let gap = hit.frames.iter().find(|frame| frame.flags & FRAME_GAP != 0);
        let gap = gap.map(super::assemble::gap_reason);
        let end = (!hit.end.is_bottom()).then(|| hit.end.name());
        self.add(gap.or(hit.reason).map(Reason::name).or(end));
    }

    fn add(&mut self, problem: Option<&'static str>) {
        self.events += 1;
        match problem {
            None => self.complete += 1,
            Some(problem) => *self.incomplete.entry(problem).or_default() += 1,
        }
    }

    /// Counts `events` lost ones; none is no entry.
    pub fn lose(&mut self, reason: &'static str, events: u64) {
        if events != 0 {
            let count = self.lost.entry(reason).or_default();
            *count = count.saturating_add(events);
        }
    }

    /// How many stacks are not whole.
    #[must_use]
    pub fn incomplete(&self) -> u64 {
        self.incomplete.values().sum()
    }

    /// How many events were lost.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost.values().fold(0, |sum, count| sum.saturating_add(*count))
    }
}
