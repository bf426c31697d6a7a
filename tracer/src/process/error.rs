//! Why a process cannot be looked at, or a command not be started.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

/// Why a process cannot be traced. Each text says what was attempted, why it failed, what to do.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// No process has this number.
    #[error(
        "cannot trace process {pid}: there is none with this number; it has ended, or it lives in another PID namespace"
    )]
    Gone {
        /// The number.
        pid: u32,
    },
    /// The number is a thread's.
    #[error("cannot trace process {tid}: this is a thread of process {pid}; use -p {pid}")]
    Thread {
        /// The number.
        tid: u32,
        /// The process that the thread belongs to.
        pid: u32,
    },
    /// It has ended, and its parent has not noticed.
    #[error("cannot trace process {pid}: it has ended; its parent has not collected it yet")]
    Zombie {
        /// The process.
        pid: u32,
    },
    /// It has no program of its own.
    #[error("cannot trace process {pid}: it is a thread of the kernel, it runs no program")]
    Kernel {
        /// The process.
        pid: u32,
    },
    /// The rights are missing.
    #[error("cannot look at process {pid}: permission denied for {}; run cgotrace as root, in a container with CAP_SYS_PTRACE", path.display())]
    Denied {
        /// The process.
        pid: u32,
        /// What was to be read.
        path: PathBuf,
    },
    /// Something else.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// What was to be read.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl ProcessError {
    /// The error of an operation on `path`, which belongs to process `pid`.
    pub(super) fn of(pid: u32, path: PathBuf, source: io::Error) -> Self {
        // ESRCH: the process ended after the file was opened.
        let ended = source.raw_os_error() == Some(rustix::io::Errno::SRCH.raw_os_error());
        match source.kind() {
            io::ErrorKind::NotFound => Self::Gone { pid },
            _ if ended => Self::Gone { pid },
            io::ErrorKind::PermissionDenied => Self::Denied { pid, path },
            _ => Self::Read { path, source },
        }
    }
}

/// Why a command could not be started.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// No such program.
    #[error("cannot start {}: no such program{}", program.display(), hint)]
    NotFound {
        /// As the user named it.
        program: OsString,
        /// What to do, with a leading semicolon, or nothing.
        hint: &'static str,
    },
    /// It is there, and cannot be executed.
    #[error("cannot start {}: {source}{}", path.display(), not_executable_hint(source))]
    NotExecutable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The process could not be made, or not be told to begin.
    #[error("cannot start {}: {what}: {source}", program.display())]
    Start {
        /// As the user named it.
        program: OsString,
        /// What failed.
        what: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// It was ended before it began.
    #[error("cannot start {}: it was ended from outside before it began", program.display())]
    Killed {
        /// As the user named it.
        program: OsString,
    },
}

impl CommandError {
    /// The exit status that shells give for this: 127 not found, 126 not executable, 125 else.
    #[must_use]
    pub const fn exit_status(&self) -> u8 {
        match self {
            Self::NotFound { .. } => 127,
            Self::NotExecutable { .. } => 126,
            Self::Start { .. } | Self::Killed { .. } => 125,
        }
    }
}

fn not_executable_hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::PermissionDenied => "; name a file that this user may execute",
        io::ErrorKind::ExecutableFileBusy => "; it is being written to, wait for that",
        _ => "",
    }
}
