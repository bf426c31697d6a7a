//! Attaching uprobes.

use std::num::NonZeroU32;
use std::path::Path;

use aya::programs::UProbe;
use aya::programs::uprobe::{UProbeAttachLocation, UProbeAttachPoint, UProbeScope};

use rustix::io::Errno;

use super::BpfError;
use super::features::system_error;
use crate::address::FileOffset;

/// Whose calls fire a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Every process that maps the file, running or to come.
    All,
    /// One process, as our own PID namespace numbers it. Others do not even trap.
    Process(NonZeroU32),
}

/// Attaches `program` at a file offset of the file at `path`.
pub(super) fn attach(
    program: &mut UProbe,
    path: &Path,
    offset: FileOffset,
    cookie: u64,
    scope: Scope,
) -> Result<(), BpfError> {
    let point = UProbeAttachPoint {
        location: UProbeAttachLocation::AbsoluteOffset(offset.0),
        cookie: Some(cookie),
    };
    let scope = match scope {
        Scope::All => UProbeScope::AllProcesses,
        Scope::Process(pid) => UProbeScope::OneProcess(pid),
    };
    program.attach(point, path, scope).map(|_| ()).map_err(|source| {
        if matches!(system_error(&source), Some(Errno::PERM | Errno::ACCESS)) {
            BpfError::NotPermitted { what: "attach a uprobe" }
        } else {
            BpfError::Attach { path: path.to_owned(), offset: offset.0, source: Box::new(source) }
        }
    })
}
