//! Which files the dynamic linker loads for an executable: what it needs, and what these need.
//!
//! Looks where glibc's `ld.so` (2.33 and later, `elf/dl-load.c`, `elf/dl-deps.c`) looks, in its
//! order. Left out: audit modules, filters (`DT_FILTER`, `DT_AUXILIARY`), the directories for
//! older processors' features that glibc gave up in 2.37, and everything that a program loads
//! itself by `dlopen`. Knows nothing of processes; all files are untrusted.

mod cache;
mod load;
mod machine;
pub(super) mod root;
mod search;
mod token;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::ObjectFile;

/// What decides, beside the files themselves, where the dynamic linker looks.
#[derive(Clone, Debug)]
pub struct Environment {
    /// `LD_LIBRARY_PATH`. Without force for a program that gains rights by being started.
    pub library_path: Option<OsString>,
    /// `LD_PRELOAD`; likewise.
    pub preload: Option<OsString>,
    /// Where the target's `/` lies for us: `/`, or `/proc/PID/root`.
    pub root: PathBuf,
    /// The working directory, as the target sees it. Without it, relative directories are left
    /// out.
    pub directory: Option<PathBuf>,
}

impl Default for Environment {
    fn default() -> Self {
        Self { library_path: None, preload: None, root: PathBuf::from("/"), directory: None }
    }
}

/// One file that the dynamic linker loads.
#[derive(Clone, Debug)]
pub struct Library {
    /// The name that it was first asked for by; of the dynamic linker itself, its path.
    pub name: OsString,
    /// Where it was found, as the target sees it; symbolic links stay, as in what `ldd` prints.
    pub path: PathBuf,
    /// The file. Its own path is how we reach it: below the root, without symbolic links.
    pub object: Arc<ObjectFile>,
}

/// The files that are loaded for an executable at `path` (as the target sees it): the dynamic
/// linker first, then preloaded libraries, then those that are needed, breadth first. Beside
/// them what is needed but was not found, each a text with the name and the reason.
#[must_use]
pub fn libraries_of(
    executable: &Arc<ObjectFile>,
    path: &Path,
    environment: &Environment,
) -> (Vec<Library>, Vec<String>) {
    load::Loader::new(executable, path, environment).run()
}

#[cfg(test)]
mod tests;
