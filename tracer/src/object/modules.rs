//! The modules of one session, by number.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tracer_common::map::{MAX_MODULES, NO_MODULE};

use super::{BuildId, ObjectFile};

/// A module's number in this session: what frames and cookies carry. Numbers start at 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModuleNumber(pub u16);

/// What a module is called, and what tells it from another of that name. Frames share it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ModuleIdentity {
    /// Its path as the target names it.
    pub path: PathBuf,
    /// Its build id, where it has one.
    pub build_id: Option<BuildId>,
}

impl ModuleIdentity {
    /// That of the file that the target has at `path`.
    #[must_use]
    pub fn of(path: &Path, object: &ObjectFile) -> Self {
        Self { path: path.to_owned(), build_id: object.build_id().cloned() }
    }
}

/// All modules of a session. They are never removed: a frame outlives its process.
#[derive(Debug, Default)]
pub struct Modules {
    modules: Vec<Arc<ModuleIdentity>>,
}

impl Modules {
    /// Adds a module; `None` once the kernel side's table is full.
    pub fn add(&mut self, module: ModuleIdentity) -> Option<ModuleNumber> {
        if self.modules.len() + 1 >= MAX_MODULES {
            return None;
        }
        self.modules.push(Arc::new(module));
        u16::try_from(self.modules.len()).ok().map(ModuleNumber)
    }

    /// The module with a number; `None` for [`NO_MODULE`] and for a number that was not given out.
    #[must_use]
    pub fn get(&self, number: u16) -> Option<&Arc<ModuleIdentity>> {
        if number == NO_MODULE {
            return None;
        }
        self.modules.get(usize::from(number) - 1)
    }

    /// Every module with its number.
    pub fn iter(&self) -> impl Iterator<Item = (ModuleNumber, &Arc<ModuleIdentity>)> {
        (1..).map(ModuleNumber).zip(&self.modules)
    }
}
