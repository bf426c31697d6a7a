//! Why a session failed.

use std::io;
use std::path::PathBuf;

use crate::bpf::BpfError;
use crate::event::EventError;
use crate::object::{DebugFileError, ObjectError, PatternError, ProbeError};
use crate::process::{CommandError, ProcessError};
use crate::recording::RecordingError;

/// Why a session could not start, or had to end.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// A file cannot be used.
    #[error(transparent)]
    Object(#[from] ObjectError),
    /// A pattern cannot be read.
    #[error(transparent)]
    Pattern(#[from] PatternError),
    /// A debug file cannot be used.
    #[error(transparent)]
    DebugFile(#[from] DebugFileError),
    /// The patterns name nothing to probe.
    #[error(transparent)]
    Probe(#[from] ProbeError),
    /// A process cannot be traced.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// The command cannot be started.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// The kernel side cannot be set up.
    #[error(transparent)]
    Bpf(#[from] BpfError),
    /// A record of the kernel side makes no sense.
    #[error(transparent)]
    Event(#[from] EventError),
    /// A recording cannot be read.
    #[error(transparent)]
    Recording(#[from] RecordingError),
    /// A process does not run the binary that was named.
    #[error(
        "cannot trace process {pid}: it runs {}, not {}; leave the binary out to trace it",
        runs.display(), binary.display()
    )]
    OtherProgram {
        /// The process.
        pid: u32,
        /// What it runs.
        runs: PathBuf,
        /// What was named.
        binary: PathBuf,
    },
    /// A process runs another file of the same path.
    #[error(
        "cannot trace process {pid}: it runs another file of the name {}, one that has been \
         replaced or lies in a container; leave the binary out to trace it",
        binary.display()
    )]
    OtherFile {
        /// The process.
        pid: u32,
        /// What was named.
        binary: PathBuf,
    },
    /// The kernel has no uprobes for the function's first instruction.
    #[error(
        "cannot probe `{name}` in {}: the kernel refuses uprobes on its first instruction, which has \
         a lock or segment prefix; probe the address of its second one, or a function it calls",
        path.display()
    )]
    CannotBeProbed {
        /// The function.
        name: String,
        /// The file.
        path: PathBuf,
    },
    /// No pattern is for a file that will be looked at.
    #[error(
        "cannot probe `{pattern}`: the target loads no module of this name at its start; name a \
         library that is loaded later by its path, or attach with -p once it is loaded"
    )]
    NoModule {
        /// The pattern.
        pattern: String,
    },
    /// Output could not be written.
    #[error("cannot write the output: {0}")]
    Output(#[source] io::Error),
    /// The system failed us.
    #[error("cannot {what}: {source}")]
    System {
        /// What was attempted.
        what: &'static str,
        /// What the system said.
        source: io::Error,
    },
}
