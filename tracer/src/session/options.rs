//! What a session is to do: the command line, without its syntax.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::object::{DebugFileError, DebugFiles, ObjectFile};
use crate::symbol::SourceDirectory;

/// What to trace, where, and until when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Whose calls.
    pub target: TargetSpec,
    /// Which functions: patterns as `object::Pattern` reads them.
    pub patterns: Vec<String>,
    /// Ends the session after this time.
    pub duration: Option<Duration>,
    /// Ends the session after so many stacks written, incomplete ones included.
    pub count: Option<u64>,
    /// The most probes that the patterns may match.
    pub max_probes: usize,
    /// Where names come from.
    pub names: NameOptions,
}

/// Where names and lines come from beside the files themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NameOptions {
    /// Debug files, each of one of the files that are named, to be used before any other.
    pub debug_files: Vec<PathBuf>,
    /// Further directories with debug files.
    pub debug_directories: Vec<PathBuf>,
    /// Source directories that are shown as others.
    pub source_directories: Vec<SourceDirectory>,
}

impl NameOptions {
    /// Where the debug files of these files lie. Each that is named must fit one of them.
    pub(super) fn debug_files<'a>(
        &self,
        objects: impl Iterator<Item = &'a Arc<ObjectFile>> + Clone,
    ) -> Result<DebugFiles, DebugFileError> {
        let mut debug_files = DebugFiles::default();
        for path in &self.debug_directories {
            if !path.is_dir() {
                return Err(DebugFileError::NoDirectory { path: path.clone() });
            }
            debug_files.add_directory(path);
        }
        for path in &self.debug_files {
            let mut first_error = None;
            let fits = objects.clone().any(|object| match debug_files.give(object, path) {
                Ok(()) => true,
                Err(error) => {
                    first_error.get_or_insert(error);
                    false
                }
            });
            if let (false, Some(error)) = (fits, first_error) {
                return Err(error);
            }
        }
        Ok(debug_files)
    }
}

/// Whose calls are traced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TargetSpec {
    /// Every process of an executable, running and to come.
    Binary(PathBuf),
    /// Running processes only; with a binary, those of them that run it.
    Processes {
        /// The executable, where it is named.
        binary: Option<PathBuf>,
        /// The processes, as our own PID namespace numbers them.
        pids: Vec<u32>,
    },
    /// A command that the session starts, and what it starts.
    Command {
        /// The program, looked up as a shell would.
        program: OsString,
        /// Its arguments.
        args: Vec<OsString>,
    },
}
