//! Answers that were given before.

use rustc_hash::FxHashMap;

use super::SourceFrame;
use crate::address::FileOffset;
use crate::object::ModuleNumber;

/// Answers by place, of bounded number: two generations, the older forgotten when the younger is
/// full. What is asked for again moves to the younger.
#[derive(Debug)]
pub(super) struct Cache {
    young: Generation,
    old: Generation,
    capacity: usize,
}

type Generation = FxHashMap<(ModuleNumber, FileOffset), Vec<SourceFrame>>;

impl Cache {
    /// A cache that holds at most twice `capacity` answers.
    pub(super) fn new(capacity: usize) -> Self {
        Self { young: Generation::default(), old: Generation::default(), capacity }
    }

    pub(super) fn get(
        &mut self,
        module: ModuleNumber,
        offset: FileOffset,
    ) -> Option<&[SourceFrame]> {
        let key = (module, offset);
        if let Some(frames) = self.old.remove(&key) {
            self.insert(module, offset, frames);
        }
        self.young.get(&key).map(Vec::as_slice)
    }

    pub(super) fn insert(
        &mut self,
        module: ModuleNumber,
        offset: FileOffset,
        frames: Vec<SourceFrame>,
    ) {
        if self.young.len() >= self.capacity {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert((module, offset), frames);
    }

    /// Forgets what was answered for a module.
    pub(super) fn forget(&mut self, module: ModuleNumber) {
        for generation in [&mut self.young, &mut self.old] {
            generation.retain(|(of, _), _| *of != module);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODULE: ModuleNumber = ModuleNumber(1);

    #[test]
    fn what_is_used_stays_and_the_rest_is_bounded() {
        let mut cache = Cache::new(4);
        cache.insert(MODULE, FileOffset(0), Vec::new());
        for offset in 1..100 {
            cache.insert(MODULE, FileOffset(offset), Vec::new());
            assert!(cache.get(MODULE, FileOffset(0)).is_some(), "after {offset}");
            assert!(cache.young.len() + cache.old.len() <= 8);
        }
        assert!(cache.get(MODULE, FileOffset(1)).is_none());
        assert!(cache.get(ModuleNumber(2), FileOffset(0)).is_none());
    }
}
