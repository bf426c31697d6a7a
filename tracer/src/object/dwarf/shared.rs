//! What the units of one module have in common: names of functions, and paths of files.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::entry::Origin;
use super::name::FunctionName;
use super::tables::weight;
use crate::object::Language;

/// Names and paths that several units use, each held once.
#[derive(Debug, Default)]
pub(super) struct Shared {
    /// Names by the entry that tells them. That may leave the language to the unit that refers to
    /// it.
    names: FxHashMap<(Origin, Language), Option<Arc<FunctionName>>>,
    paths: FxHashSet<Arc<str>>,
    held: usize,
}

impl Shared {
    /// The name at an entry that is not of the asking unit, which has this language; `read` where
    /// none has asked before.
    pub(super) fn name(
        &mut self,
        origin: Origin,
        language: Language,
        read: impl FnOnce() -> Option<Arc<FunctionName>>,
    ) -> Option<Arc<FunctionName>> {
        let Self { names, held, .. } = self;
        let name = names.entry((origin, language)).or_insert_with(|| {
            let name = read();
            *held += weight(name.as_ref().map_or(0, |name| name.len()));
            name
        });
        name.clone()
    }

    /// The one copy of a path.
    pub(super) fn path(&mut self, path: &str) -> Arc<str> {
        if let Some(known) = self.paths.get(path) {
            return Arc::clone(known);
        }
        let path: Arc<str> = path.into();
        self.held += weight(path.len());
        self.paths.insert(Arc::clone(&path));
        path
    }

    /// How much is held.
    pub(super) fn len(&self) -> usize {
        self.held
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_common_is_held_once() {
        let mut shared = Shared::default();
        let path = shared.path("/a/b.c");
        let held = shared.len();
        assert!(held > 0 && Arc::ptr_eq(&path, &shared.path("/a/b.c")));
        assert_eq!(shared.len(), held);
        shared.path(&"x".repeat(1 << 20));
        assert!(shared.len() > held + (1 << 15), "a long text counts for more");
    }

    #[test]
    fn an_entry_is_read_once_for_each_language() {
        let mut shared = Shared::default();
        let mut reads = 0;
        for (origin, language, all) in [
            (Origin::Info(8), Language::C, 1),
            (Origin::Info(8), Language::C, 1),
            (Origin::Info(8), Language::Cpp, 2),
            (Origin::Supplement(8), Language::C, 3),
        ] {
            let read = || {
                reads += 1;
                None
            };
            assert!(shared.name(origin, language, read).is_none());
            assert_eq!(reads, all, "{origin:?} {language:?}");
        }
    }
}
