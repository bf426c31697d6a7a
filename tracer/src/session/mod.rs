//! The wiring: discovery, tables, probes, control events, shutdown, summary.

mod notice;
mod options;

use std::io;
use std::process::ExitStatus;

pub use notice::{NoHits, Notice};
pub use options::{Options, TargetSpec};

use crate::object::{ObjectError, ObjectFile};
use crate::process::{self, CommandError, Process, ProcessError};
use crate::sink::{Sink, Start};
use crate::stack::Summary;

/// What a session came to.
#[derive(Debug)]
pub struct Outcome {
    /// Its counts.
    pub summary: Summary,
    /// The status of the command, where it started one.
    pub command: Option<ExitStatus>,
}

/// Why a session could not start, or had to end.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// A file cannot be used.
    #[error(transparent)]
    Object(#[from] ObjectError),
    /// A process cannot be traced.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// The command cannot be started.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// Output could not be written.
    #[error("cannot write the output: {0}")]
    Output(#[source] io::Error),
    /// What is not there yet.
    #[error("cannot trace: {0}")]
    Unsupported(&'static str),
}

/// Traces as `options` say until the target ends, a limit is met or a signal asks to stop.
///
/// # Errors
/// The options name what cannot be traced.
pub async fn run(
    options: &Options,
    _make_sink: impl FnOnce(&Start) -> Result<Box<dyn Sink>, SessionError>,
    _notify: &mut dyn FnMut(Notice),
) -> Result<Outcome, SessionError> {
    match &options.target {
        TargetSpec::Binary(path) => drop(ObjectFile::open(path)?),
        TargetSpec::Processes { binary, pids } => {
            binary.as_deref().map(ObjectFile::open).transpose()?;
            for pid in pids {
                Process::inspect(*pid)?;
            }
        }
        TargetSpec::Command { program, .. } => {
            ObjectFile::open(&process::resolve(program)?)?;
        }
    }
    Err(SessionError::Unsupported("this build has no kernel side"))
}
