//! Attaching probes and taking them away: all of a file by one link where the kernel has that, else
//! one by one.

use std::ffi::CString;
use std::num::NonZeroU32;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::{Duration, Instant};

use aya::programs::UProbe;
use aya::programs::uprobe::{UProbeAttachLocation, UProbeAttachPoint, UProbeLinkId, UProbeScope};

use rustix::io::Errno;

use super::features::system_error;
use super::{BpfError, sys};
use crate::address::FileOffset;

/// A link's places: few enough that progress is seen, and enough that links are few.
const PLACES_PER_LINK: usize = 256;

/// Whose calls fire a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Every process that maps the file, running or to come.
    All,
    /// One process, as our own PID namespace numbers it. Others do not even trap.
    Process(NonZeroU32),
}

/// How probes are attached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttachMethod {
    /// Many by one `uprobe_multi` link.
    OneLink,
    /// Each by itself; why so, in words.
    OneByOne(String),
}

/// How far attaching or detaching is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Probes that are done.
    pub done: usize,
    /// All of them.
    pub of: usize,
    /// How long the others will take, by what these took.
    pub remaining: Duration,
}

impl Progress {
    fn since(started: Instant, done: usize, of: usize) -> Self {
        let each = started.elapsed() / u32::try_from(done.max(1)).unwrap_or(u32::MAX);
        let left = u32::try_from(of.saturating_sub(done)).unwrap_or(u32::MAX);
        Self { done, of, remaining: each.saturating_mul(left) }
    }
}

/// The links of probes.
pub(super) enum Probes {
    /// The programs that links of many places take, and such links.
    OneLink {
        /// The walk.
        walk: OwnedFd,
        /// Each holds up to [`PLACES_PER_LINK`] places of the walk.
        links: Vec<OwnedFd>,
        /// What announces processes.
        start: OwnedFd,
        /// Its places.
        starts: Vec<OwnedFd>,
    },
    /// aya's programs hold them.
    OneByOne {
        /// Why there is no other way.
        why: String,
        /// aya's names of them.
        links: Vec<UProbeLinkId>,
    },
}

/// Attaches by one link for each [`PLACES_PER_LINK`] places.
pub(super) fn attach_by_link(
    program: &OwnedFd,
    links: &mut Vec<OwnedFd>,
    path: &Path,
    places: &[(FileOffset, u64)],
    scope: Scope,
    progress: &mut dyn FnMut(Progress),
) -> Result<(), BpfError> {
    let started = Instant::now();
    let failed = |offset: FileOffset, source: std::io::Error| match source.kind() {
        std::io::ErrorKind::PermissionDenied => BpfError::NotPermitted { what: "attach a uprobe" },
        _ => BpfError::Attach { path: path.to_owned(), offset: offset.0, source: source.into() },
    };
    let first = places.first().map_or(FileOffset(0), |place| place.0);
    let c_path =
        CString::new(path.as_os_str().as_bytes()).map_err(|error| failed(first, error.into()))?;
    let pid = match scope {
        Scope::All => 0,
        Scope::Process(pid) => pid.get(),
    };
    let mut done = 0;
    for part in places.chunks(PLACES_PER_LINK) {
        let (offsets, cookies): (Vec<u64>, Vec<u64>) =
            part.iter().map(|(offset, cookie)| (offset.0, *cookie)).unzip();
        let link = sys::link_multi(program.as_fd(), &c_path, &offsets, &cookies, pid);
        links.push(link.map_err(|error| failed(part[0].0, error))?);
        done += part.len();
        progress(Progress::since(started, done, places.len()));
    }
    Ok(())
}

/// Attaches one place after the other.
pub(super) fn attach_each(
    program: &mut UProbe,
    links: &mut Vec<UProbeLinkId>,
    path: &Path,
    places: &[(FileOffset, u64)],
    scope: Scope,
    progress: &mut dyn FnMut(Progress),
) -> Result<(), BpfError> {
    let started = Instant::now();
    for (index, &(offset, cookie)) in places.iter().enumerate() {
        links.push(attach(program, path, offset, cookie, scope)?);
        progress(Progress::since(started, index + 1, places.len()));
    }
    Ok(())
}

/// Attaches `program` at a file offset of the file at `path`.
pub(super) fn attach(
    program: &mut UProbe,
    path: &Path,
    offset: FileOffset,
    cookie: u64,
    scope: Scope,
) -> Result<UProbeLinkId, BpfError> {
    let point = UProbeAttachPoint {
        location: UProbeAttachLocation::AbsoluteOffset(offset.0),
        cookie: Some(cookie),
    };
    let scope = match scope {
        Scope::All => UProbeScope::AllProcesses,
        Scope::Process(pid) => UProbeScope::OneProcess(pid),
    };
    program.attach(point, path, scope).map_err(|source| {
        if matches!(system_error(&source), Some(Errno::PERM | Errno::ACCESS)) {
            BpfError::NotPermittedOneByOne
        } else {
            BpfError::Attach { path: path.to_owned(), offset: offset.0, source: Box::new(source) }
        }
    })
}

/// Takes links away, the last first; each is gone once it is dropped.
pub(super) fn close<T>(
    links: &mut Vec<T>,
    mut drop_link: impl FnMut(T) -> Result<(), BpfError>,
    progress: &mut dyn FnMut(Progress),
) -> Result<(), BpfError> {
    let (started, of) = (Instant::now(), links.len());
    while let Some(link) = links.pop() {
        drop_link(link)?;
        progress(Progress::since(started, of - links.len(), of));
    }
    Ok(())
}
