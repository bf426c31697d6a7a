//! Which file is probed, where, and for whom.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::SessionError;
use super::options::TargetSpec;
use crate::bpf::Scope;
use crate::object::go::GoModule;
use crate::object::{GoEntry, ObjectFile, Pattern, ProbePoint, Symbols, resolve};
use crate::process::{self, FileIdentity, Process};

/// The executable of a session.
pub(super) struct Target {
    /// Its path, as the user or the process names it.
    pub(super) path: PathBuf,
    /// The path that reaches the very file, also where it was replaced.
    pub(super) attach_path: PathBuf,
    /// The file.
    pub(super) object: Arc<ObjectFile>,
    /// Go's tables in it.
    pub(super) go: Option<Arc<GoModule>>,
    /// Whose calls.
    pub(super) scopes: Vec<Scope>,
    /// The processes that run it now.
    pub(super) processes: Vec<u32>,
}

impl Target {
    /// The executable that every process of a session runs.
    pub(super) fn of_binary(path: &Path) -> Result<Self, SessionError> {
        let object = ObjectFile::open(path)?;
        let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let processes = match FileIdentity::of(&path) {
            Ok(identity) => process::running(identity)?,
            Err(_) => Vec::new(),
        };
        Ok(Self {
            attach_path: path.clone(),
            path,
            go: None,
            object: Arc::new(object),
            scopes: vec![Scope::All],
            processes,
        })
    }

    /// The executables of running processes, one target a file.
    pub(super) fn of_processes(
        binary: Option<&Path>,
        pids: &[u32],
    ) -> Result<Vec<Self>, SessionError> {
        let named = match binary {
            Some(path) => {
                ObjectFile::open(path)?;
                Some((path, FileIdentity::of(path).ok()))
            }
            None => None,
        };
        let mut targets: Vec<(FileIdentity, Self)> = Vec::new();
        for &pid in pids {
            let process = Process::inspect(pid)?;
            if let Some((path, identity)) = named
                && identity != Some(process.program)
            {
                let (runs, binary) = (process.executable, path.to_owned());
                return Err(SessionError::OtherProgram { pid, runs, binary });
            }
            let scope = NonZeroU32::new(pid).map_or(Scope::All, Scope::Process);
            if let Some((_, known)) = targets.iter_mut().find(|(id, _)| *id == process.program) {
                if !known.processes.contains(&pid) {
                    known.scopes.push(scope);
                    known.processes.push(pid);
                }
                continue;
            }
            let attach_path = PathBuf::from(format!("/proc/{pid}/exe"));
            let target = Self {
                object: Arc::new(ObjectFile::open(&attach_path)?),
                path: process.executable,
                attach_path,
                go: None,
                scopes: vec![scope],
                processes: vec![pid],
            };
            targets.push((process.program, target));
        }
        Ok(targets.into_iter().map(|(_, target)| target).collect())
    }

    /// All targets of a session.
    pub(super) fn all(spec: &TargetSpec) -> Result<Vec<Self>, SessionError> {
        match spec {
            TargetSpec::Binary(path) => Ok(vec![Self::of_binary(path)?]),
            TargetSpec::Processes { binary, pids } => Self::of_processes(binary.as_deref(), pids),
            TargetSpec::Command { program, .. } => {
                let file = process::resolve(program)?;
                let mut target = Self::of_binary(&file)?;
                target.processes.clear();
                Ok(vec![target])
            }
        }
    }

    /// Reads Go's tables; a refusal is no fault, the rest is traced all the same.
    pub(super) fn read_go(&mut self) -> Option<String> {
        match GoModule::find(&self.object) {
            Ok(go) => {
                self.go = go.map(Arc::new);
                None
            }
            Err(refusal) => Some(refusal.to_string()),
        }
    }

    /// The places that the patterns mean.
    pub(super) fn probe_points(
        &self,
        patterns: &[Pattern],
        limit: usize,
    ) -> Result<Vec<ProbePoint>, SessionError> {
        let own: Vec<_> = patterns
            .iter()
            .filter(|pattern| pattern.is_for(&self.path, &self.object, true))
            .cloned()
            .collect();
        if let Some(other) = patterns.iter().find(|p| !p.is_for(&self.path, &self.object, true)) {
            return Err(SessionError::NoModule { pattern: other.to_string() });
        }
        let symbols = Symbols::of(&self.object);
        let functions = self.go.iter().flat_map(|go| go.functions()).filter(|f| f.is_go());
        let functions = functions.map(|function| GoEntry {
            name: function.name(),
            address: function.entry,
            size: function.end.0.saturating_sub(function.entry.0),
        });
        Ok(resolve(&self.object, &symbols, functions, &own, limit)?)
    }
}
