//! Which processes there are, and which of them run a binary.

use std::ffi::{OsStr, OsString};
use std::fs::Metadata;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::ProcessError;

#[cfg(test)]
mod tests;

/// A file, told from all others that exist now, whatever its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FileIdentity {
    /// `st_dev`.
    pub device: u64,
    /// `st_ino`.
    pub inode: u64,
}

impl FileIdentity {
    /// The file at `path`, links followed.
    ///
    /// # Errors
    /// What `stat` says.
    pub fn of(path: &Path) -> io::Result<Self> {
        std::fs::metadata(path).map(|metadata| Self::from(&metadata))
    }

    /// The program that a process runs: also where its file has been replaced.
    ///
    /// # Errors
    /// There is no such process, it is the kernel's, or the rights are missing.
    pub fn of_program(pid: u32) -> io::Result<Self> {
        Self::of(Path::new(&format!("/proc/{pid}/exe")))
    }
}

impl From<&Metadata> for FileIdentity {
    fn from(metadata: &Metadata) -> Self {
        Self { device: metadata.dev(), inode: metadata.ino() }
    }
}

/// The processes that run a binary now, by number. Those that may not be looked at are left out.
///
/// # Errors
/// /proc cannot be listed.
pub fn running(binary: FileIdentity) -> Result<Vec<u32>, ProcessError> {
    let path = Path::new("/proc");
    let failed = |source| ProcessError::Read { path: path.to_owned(), source };
    let mut pids = Vec::new();
    for entry in std::fs::read_dir(path).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        let Some(pid) = parse_pid(&name) else { continue };
        if FileIdentity::of_program(pid).is_ok_and(|program| program == binary) {
            pids.push(pid);
        }
    }
    pids.sort_unstable();
    Ok(pids)
}

fn parse_pid(name: &OsStr) -> Option<u32> {
    let name = name.to_str()?;
    if name.bytes().all(|byte| byte.is_ascii_digit()) { name.parse().ok() } else { None }
}

/// One living process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Its number, as cgotrace's PID namespace sees it.
    pub pid: u32,
    /// The path of its program as it sees it, without the mark of a deleted file.
    pub executable: PathBuf,
    /// The program's file.
    pub program: FileIdentity,
    /// The name of its first thread: untrusted bytes.
    pub comm: Vec<u8>,
}

impl Process {
    /// Looks at a process.
    ///
    /// # Errors
    /// There is none with this number, it has ended, the number is a thread's or a kernel
    /// thread's, or the rights are missing.
    pub fn inspect(pid: u32) -> Result<Self, ProcessError> {
        let path = |file: &str| PathBuf::from(format!("/proc/{pid}/{file}"));
        let read = |file: &str| {
            std::fs::read(path(file)).map_err(|error| ProcessError::of(pid, path(file), error))
        };
        let status = Status::parse(&read("status")?);
        status.check(pid)?;
        let link = std::fs::read_link(path("exe"))
            .and_then(|link| Ok((link, FileIdentity::of_program(pid)?)));
        let (link, program) = link.map_err(|error| match error.kind() {
            // It was there a moment ago, so it has no memory of its own.
            io::ErrorKind::NotFound if status.kernel => ProcessError::Kernel { pid },
            io::ErrorKind::NotFound => ProcessError::Zombie { pid },
            _ => ProcessError::of(pid, path("exe"), error),
        })?;
        let mut comm = read("comm")?;
        if comm.last() == Some(&b'\n') {
            comm.pop();
        }
        Ok(Self { pid, executable: without_mark(link), program, comm })
    }
}

/// A variable of the environment that a process was started with. `None` where it is not set, or
/// the process may not be looked at.
#[must_use]
pub fn environment_variable(pid: u32, name: &str) -> Option<OsString> {
    let environment = std::fs::read(format!("/proc/{pid}/environ")).ok()?;
    environment.split(|&byte| byte == 0).find_map(|entry| {
        let value = entry.strip_prefix(name.as_bytes())?.strip_prefix(b"=")?;
        Some(OsString::from_vec(value.to_vec()))
    })
}

/// What `/proc/PID/status` says.
#[derive(Debug, Default, PartialEq, Eq)]
struct Status {
    /// The process that this thread belongs to.
    tgid: Option<u32>,
    /// Whether it has ended.
    ended: bool,
    /// Whether it has no memory of its own.
    kernel: bool,
}

impl Status {
    fn parse(text: &[u8]) -> Self {
        let mut status = Self { kernel: true, ..Self::default() };
        for line in String::from_utf8_lossy(text).lines() {
            let Some((key, value)) = line.split_once(':') else { continue };
            let value = value.trim();
            match key {
                "Tgid" => status.tgid = value.parse().ok(),
                "State" => status.ended = value.starts_with(['Z', 'X', 'x']),
                "VmSize" => status.kernel = false,
                _ => {}
            }
        }
        status
    }

    fn check(&self, pid: u32) -> Result<(), ProcessError> {
        match self.tgid {
            Some(tgid) if tgid != pid => Err(ProcessError::Thread { tid: pid, pid: tgid }),
            _ if self.ended => Err(ProcessError::Zombie { pid }),
            _ => Ok(()),
        }
    }
}

/// The kernel marks the link of a program whose file is gone.
fn without_mark(link: PathBuf) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    match link.as_os_str().as_bytes().strip_suffix(b" (deleted)") {
        Some(path) => PathBuf::from(OsStr::from_bytes(path)),
        None => link,
    }
}
