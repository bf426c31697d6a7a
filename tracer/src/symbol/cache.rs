//! Answers that were given before.

use std::mem::size_of;

use rustc_hash::FxHashMap;

use super::SourceFrame;
use crate::address::FileOffset;
use crate::object::ModuleNumber;

/// Answers by place, of bounded size: two generations, the older forgotten when the younger is
/// full. What is asked for again moves to the younger.
#[derive(Debug)]
pub(super) struct Cache {
    young: Generation,
    old: Generation,
    capacity: usize,
}

#[derive(Debug, Default)]
struct Generation {
    answers: FxHashMap<Key, Vec<SourceFrame>>,
    /// Bytes of the answers, about.
    held: usize,
}

type Key = (ModuleNumber, FileOffset);

impl Cache {
    /// A cache that holds answers of at most twice `capacity` bytes, and one more.
    pub(super) fn new(capacity: usize) -> Self {
        Self { young: Generation::default(), old: Generation::default(), capacity }
    }

    pub(super) fn get(
        &mut self,
        module: ModuleNumber,
        offset: FileOffset,
    ) -> Option<&[SourceFrame]> {
        let key = (module, offset);
        if let Some(frames) = self.old.answers.remove(&key) {
            self.insert(module, offset, frames);
        }
        self.young.answers.get(&key).map(Vec::as_slice)
    }

    pub(super) fn insert(
        &mut self,
        module: ModuleNumber,
        offset: FileOffset,
        frames: Vec<SourceFrame>,
    ) {
        if self.young.held >= self.capacity {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.held += size(&frames);
        self.young.answers.insert((module, offset), frames);
    }

    /// Forgets what was answered for a module.
    pub(super) fn forget(&mut self, module: ModuleNumber) {
        for Generation { answers, held } in [&mut self.young, &mut self.old] {
            answers.retain(|(of, _), _| *of != module);
            *held = answers.values().map(|frames| size(frames)).sum();
        }
    }
}

/// Bytes of an answer, about.
fn size(frames: &[SourceFrame]) -> usize {
    let texts = |frame: &SourceFrame| {
        frame.function.len() + frame.symbol.len() + frame.file.as_ref().map_or(0, String::len)
    };
    let frames = frames.iter().map(|frame| size_of::<SourceFrame>() + texts(frame));
    size_of::<(Key, Vec<SourceFrame>)>() + frames.sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::symbol::Language;

    const MODULE: ModuleNumber = ModuleNumber(1);

    fn answer(length: usize) -> Vec<SourceFrame> {
        vec![SourceFrame {
            function: "f".repeat(length),
            symbol: String::new(),
            language: Language::C,
            file: None,
            line: None,
            inlined: false,
        }]
    }

    #[test]
    fn what_is_used_stays_and_the_rest_is_bounded() {
        let mut cache = Cache::new(4 * size(&[]));
        cache.insert(MODULE, FileOffset(0), Vec::new());
        for offset in 1..100 {
            cache.insert(MODULE, FileOffset(offset), Vec::new());
            assert!(cache.get(MODULE, FileOffset(0)).is_some(), "after {offset}");
            assert!(cache.young.answers.len() + cache.old.answers.len() <= 8);
        }
        assert!(cache.get(MODULE, FileOffset(1)).is_none());
        assert!(cache.get(ModuleNumber(2), FileOffset(0)).is_none());
    }

    #[test]
    fn long_names_take_the_room_of_many() {
        let mut cache = Cache::new(64 << 10);
        for offset in 0..100 {
            cache.insert(MODULE, FileOffset(offset), answer(16 << 10));
        }
        let held = |cache: &Cache| cache.young.answers.len() + cache.old.answers.len();
        assert!((4..=10).contains(&held(&cache)), "{}", held(&cache));
        cache.forget(MODULE);
        assert_eq!((held(&cache), cache.young.held, cache.old.held), (0, 0, 0));
    }
}
