//! What a sink made of a stack, for the next hit of the same stack.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use tracer_common::reason::End;

use crate::stack::{Entry, Stack};

/// How many entries are remembered, of all stacks together.
const MOST: usize = 128 << 10;

/// Where the entries lie, and how the walk ended.
type Key = (usize, End);

/// Answers by stack. Hits of one stack share their entries, so these are not compared, only where
/// they lie; the answer keeps them there.
#[derive(Debug)]
pub(super) struct Cache<T> {
    known: FxHashMap<Key, (Arc<[Entry]>, T)>,
    /// How many entries those have together.
    size: usize,
}

impl<T> Default for Cache<T> {
    fn default() -> Self {
        Self { known: FxHashMap::default(), size: 0 }
    }
}

impl<T: Copy> Cache<T> {
    pub(super) fn get(&self, stack: &Stack) -> Option<T> {
        self.known.get(&key(stack)).map(|(_, answer)| *answer)
    }

    pub(super) fn insert(&mut self, stack: &Stack, answer: T) {
        if self.size + stack.entries.len() > MOST {
            self.known.clear();
            self.size = 0;
        }
        self.size += stack.entries.len();
        self.known.insert(key(stack), (Arc::clone(&stack.entries), answer));
    }
}

fn key(stack: &Stack) -> Key {
    (stack.entries.as_ptr().addr(), stack.end)
}
