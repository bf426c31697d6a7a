//! The command of `cgotrace run`: found as a shell finds it, and started *held*, so that its
//! process is known and its probes are armed before its first instruction.
//!
//! A held process runs [`hold`]: a second start of cgotrace itself, which waits for one byte and
//! then becomes the command. It shares a socket with us: a byte down means go; its end means that
//! the command runs; an error number up means that it could not be executed. If cgotrace dies
//! first, the socket ends and the command never runs.

use std::convert::Infallible;
use std::ffi::{OsStr, OsString};
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream as BlockingStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use rustix::fs::{Access, AtFlags, CWD, accessat};
use rustix::io::{Errno, FdFlags, fcntl_setfd};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::process::{Child, Command};

use super::CommandError;

/// The hidden subcommand that must call [`hold`]: `__hold DESCRIPTOR FILE NAME [ARGUMENT...]`.
pub const HOLD: &str = "__hold";
/// The executable of this very process, also where its file was replaced.
pub const OWN_EXECUTABLE: &str = "/proc/self/exe";
/// Where programs are looked for where PATH is not set: as glibc's execvp.
const DEFAULT_PATH: &str = "/bin:/usr/bin";

/// The file that `execvp` would execute.
///
/// # Errors
/// There is none, or none that may be executed.
pub fn resolve(program: &OsStr) -> Result<PathBuf, CommandError> {
    let path = std::env::var_os("PATH").unwrap_or_else(|| DEFAULT_PATH.into());
    resolve_in(program, &path)
}

fn resolve_in(program: &OsStr, path: &OsStr) -> Result<PathBuf, CommandError> {
    let not_found = |hint| CommandError::NotFound { program: program.to_owned(), hint };
    if program.is_empty() {
        return Err(not_found("; name the command to run"));
    }
    if program.as_bytes().contains(&b'/') {
        let file = PathBuf::from(program);
        return match executable(&file) {
            Ok(()) => Ok(file),
            Err(Errno::NOENT | Errno::NOTDIR) => Err(not_found("")),
            Err(error) => Err(not_executable(file, error)),
        };
    }
    let mut denied = None;
    for folder in std::env::split_paths(path) {
        // An empty entry means the working directory.
        let here = folder.as_os_str().is_empty();
        let file = if here { Path::new(".").join(program) } else { folder.join(program) };
        match executable(&file) {
            Ok(()) => return Ok(file),
            Err(error @ Errno::ACCESS) => denied = denied.or(Some((file, error))),
            Err(_) => {}
        }
    }
    Err(match denied {
        Some((file, error)) => not_executable(file, error),
        None if Path::new(program).exists() => {
            not_found(" in PATH; a file of the working directory is named with ./ before it")
        }
        None => not_found(" in PATH"),
    })
}

fn not_executable(path: PathBuf, error: Errno) -> CommandError {
    CommandError::NotExecutable { path, source: error.into() }
}

/// Whether a file may be executed: a directory may not.
fn executable(file: &Path) -> Result<(), Errno> {
    let metadata = std::fs::metadata(file);
    let metadata = metadata.map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
    if !metadata.is_file() {
        return Err(Errno::ACCESS);
    }
    accessat(CWD, file, Access::EXEC_OK, AtFlags::EACCESS)
}

/// A command whose process exists and waits. Dropped before its release, it never runs.
#[derive(Debug)]
pub struct HeldCommand {
    program: OsString,
    file: PathBuf,
    child: Child,
    pid: u32,
    socket: Option<UnixStream>,
}

impl HeldCommand {
    /// Makes the process. `file` is what runs, `program` what the command sees as its own name,
    /// `holder` the cgotrace executable. Needs a tokio runtime.
    ///
    /// Not while another thread starts a process: that would inherit the other end of the socket.
    ///
    /// # Errors
    /// The system gives no socket or no process.
    pub fn spawn(
        holder: &Path,
        file: &Path,
        program: &OsStr,
        arguments: &[OsString],
    ) -> Result<Self, CommandError> {
        let failed =
            |what| move |source| CommandError::Start { program: program.to_owned(), what, source };
        let (ours, theirs) = BlockingStream::pair().map_err(failed("no socket"))?;
        ours.set_nonblocking(true).map_err(failed("no socket"))?;
        let socket = UnixStream::from_std(ours).map_err(failed("no socket"))?;
        // Only their end is inherited.
        fcntl_setfd(&theirs, FdFlags::empty()).map_err(|e| failed("no socket")(e.into()))?;
        let child = Command::new(holder)
            .arg(HOLD)
            .arg(theirs.as_raw_fd().to_string())
            .arg("--")
            .arg(file)
            .arg(program)
            .args(arguments)
            .spawn()
            .map_err(failed("no process"))?;
        drop(theirs);
        let pid = child.id().ok_or_else(|| CommandError::Killed { program: program.to_owned() })?;
        Ok(Self {
            program: program.to_owned(),
            file: file.to_owned(),
            child,
            pid,
            socket: Some(socket),
        })
    }

    /// The process, before and after the release.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Lets the command begin. Returns once it runs.
    ///
    /// # Errors
    /// It cannot be executed, or something ended the process before.
    pub async fn release(&mut self) -> Result<(), CommandError> {
        let Some(mut socket) = self.socket.take() else { return Ok(()) };
        let mut answer = Vec::new();
        let exchange = async {
            socket.write_all(&[1]).await?;
            (&mut socket).take(4).read_to_end(&mut answer).await
        };
        if exchange.await.is_err() {
            return Err(CommandError::Killed { program: self.program.clone() });
        }
        let Ok(number) = answer.try_into().map(i32::from_le_bytes) else {
            // Its end without a word: the command runs.
            return Ok(());
        };
        let source = io::Error::from_raw_os_error(number);
        Err(match source.kind() {
            // The file is there: what it asks for is not.
            io::ErrorKind::NotFound if self.file.exists() => CommandError::NotFound {
                program: self.program.clone(),
                hint: "; its interpreter or dynamic linker is missing",
            },
            io::ErrorKind::NotFound => {
                CommandError::NotFound { program: self.program.clone(), hint: "" }
            }
            _ => CommandError::NotExecutable { path: self.file.clone(), source },
        })
    }

    /// Gives the command up before its release: it never runs. Returns once its process is gone.
    ///
    /// # Errors
    /// The process cannot be waited for.
    pub async fn abandon(mut self) -> io::Result<()> {
        drop(self.socket.take());
        self.child.wait().await.map(drop)
    }

    /// The status it ended with, once it has ended. May be dropped and called again.
    ///
    /// # Errors
    /// The process cannot be waited for.
    pub async fn wait(&mut self) -> io::Result<ExitStatus> {
        self.child.wait().await
    }
}

/// What a held process ends with where its command never began.
pub const HOLD_FAILED: u8 = 125;

/// The held side: waits at the socket, then becomes the command. Returns only on failure, which
/// the other side reports.
///
/// # Errors
/// The socket ended without a word, or the command cannot be executed.
pub fn hold(
    socket: OwnedFd,
    file: &OsStr,
    program: &OsStr,
    arguments: &[OsString],
) -> io::Result<Infallible> {
    // The command must not inherit it; that it closes is what tells that the command runs.
    fcntl_setfd(&socket, FdFlags::CLOEXEC)?;
    let mut socket = BlockingStream::from(socket);
    socket.read_exact(&mut [0])?;
    let error = std::process::Command::new(file).arg0(program).args(arguments).exec();
    let number = error.raw_os_error().unwrap_or(Errno::INVAL.raw_os_error());
    socket.write_all(&number.to_le_bytes())?;
    Err(error)
}

#[cfg(test)]
mod tests;
