//! What a session is to do: the command line, without its syntax.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

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
    /// Debug files of the executable or of its libraries, to be used before any other.
    pub debug_files: Vec<PathBuf>,
    /// Further directories with debug files.
    pub debug_directories: Vec<PathBuf>,
    /// Source directories that are shown as others.
    pub source_directories: Vec<SourceDirectory>,
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
