//! The modules of one session, by number.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tracer_common::map::{MAX_MODULES, NO_MODULE};

use super::{BuildId, ObjectFile};

/// A module's number in this session: what frames and cookies carry. Numbers start at 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModuleNumber(pub u16);

/// What a module is called, and what tells it from another of this name. Frames share it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ModuleIdentity {
    /// Its path as the target names it.
    pub path: PathBuf,
    /// Its build id, where it has one.
    pub build_id: Option<BuildId>,
}

/// One module: an ELF file that a target maps.
#[derive(Clone, Debug)]
pub struct Module {
    /// What it is called.
    pub identity: Arc<ModuleIdentity>,
    /// The file.
    pub object: Arc<ObjectFile>,
}

/// All modules of a session. They are never removed: a frame outlives its process.
#[derive(Debug, Default)]
pub struct Modules {
    modules: Vec<Module>,
}

impl Modules {
    /// Adds a module; `None` once the kernel side's table is full.
    pub fn add(&mut self, path: &Path, object: Arc<ObjectFile>) -> Option<ModuleNumber> {
        if self.modules.len() + 1 >= MAX_MODULES {
            return None;
        }
        let build_id = object.build_id().cloned();
        let identity = Arc::new(ModuleIdentity { path: path.to_owned(), build_id });
        self.modules.push(Module { identity, object });
        u16::try_from(self.modules.len()).ok().map(ModuleNumber)
    }

    /// The module with a number; `None` for [`NO_MODULE`] and for a number that was not given out.
    #[must_use]
    pub fn get(&self, number: u16) -> Option<&Module> {
        if number == NO_MODULE {
            return None;
        }
        self.modules.get(usize::from(number) - 1)
    }

    /// Every module with its number.
    pub fn iter(&self) -> impl Iterator<Item = (ModuleNumber, &Module)> {
        (1..).map(ModuleNumber).zip(&self.modules)
    }
}
