//! What a session came to.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Stack;

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
        self.events += 1;
        match stack.problems().first() {
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
