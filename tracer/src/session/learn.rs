//! What a session learns of processes while it runs: their modules, and where these lie.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustc_hash::FxHashMap;
use tracer_common::event::Control;
use tracer_common::map::{MAX_MAPPINGS, Mapping, Mappings};

use super::SessionError;
use super::library::{Library, NewModule};
use crate::bpf::{BpfError, Kernel};
use crate::object::go::GoModule;
use crate::object::{ModuleNumber, ObjectFile};
use crate::process::{self, Device};

/// The files that were seen mapped, by what `/proc/PID/maps` calls them.
#[derive(Default)]
pub(super) struct Learner {
    files: FxHashMap<(Device, u64, PathBuf), Option<ModuleNumber>>,
}

impl Learner {
    /// Reads what a process has mapped now, makes those modules known, and returns the places of
    /// those that stay, sorted. A process that has gone has none.
    pub(super) fn mappings_of(
        &mut self,
        pid: u32,
        kernel: &mut Kernel,
        library: &mut Library,
        warn: &mut dyn FnMut(String),
    ) -> Result<Vec<Mapping>, BpfError> {
        let mut places = Vec::new();
        // Gone already: its frames are named all the same.
        let Ok(mappings) = process::executable_mappings(pid) else { return Ok(places) };
        for mapping in mappings {
            let file = (mapping.device, mapping.inode, mapping.path.clone());
            let number = match self.files.get(&file) {
                Some(number) => *number,
                None => {
                    let number = read_module(pid, &mapping, kernel, library, warn)?;
                    self.files.insert(file, number);
                    number
                }
            };
            if let Some(number) = number.filter(|&number| library.is_lasting(number)) {
                places.push(Mapping {
                    start: mapping.start.0,
                    end: mapping.end.0,
                    offset: mapping.offset.0,
                    module: number.0.into(),
                });
            }
        }
        places.sort_by_key(|place| place.start);
        Ok(places)
    }

    /// Acts on news of the kernel side: learns the process, and tells where its modules lie.
    pub(super) fn act(
        &mut self,
        control: &Control,
        kernel: &mut Kernel,
        library: &mut Library,
        warn: &mut dyn FnMut(String),
    ) -> Result<(), SessionError> {
        if control.pid == 0 {
            return Ok(());
        }
        let places = self.mappings_of(control.pid, kernel, library, warn)?;
        if places.is_empty() {
            return Ok(());
        }
        let mut told = Mappings {
            count: 0,
            mappings: [Mapping::default(); MAX_MAPPINGS],
            runtimes: library.runtime_biases(&places),
        };
        for (slot, place) in told.mappings.iter_mut().zip(&places) {
            *slot = *place;
            told.count += 1;
        }
        Ok(kernel.tell_mappings(&control.process, &told)?)
    }
}

/// Why a mapped file is not read.
pub(super) fn cannot_open(pid: u32, mapping: &process::Mapping, error: &std::io::Error) -> String {
    let path = mapping.path.display();
    format!(
        "cannot read {path} of process {pid}: {error}; stacks end in it, and its code has no name"
    )
}

/// Reads one mapped file; `None` where it is no ELF file that can be used.
fn read_module(
    pid: u32,
    mapping: &process::Mapping,
    kernel: &mut Kernel,
    library: &mut Library,
    warn: &mut dyn FnMut(String),
) -> Result<Option<ModuleNumber>, BpfError> {
    let file = match mapping.open(pid) {
        Ok(file) => file,
        Err(error) => {
            // A process may end at any moment: what it had is met again if it matters.
            if Path::new(&format!("/proc/{pid}/exe")).exists() {
                warn(cannot_open(pid, mapping, &error));
            }
            return Ok(None);
        }
    };
    let object = match ObjectFile::map(&file, &mapping.path) {
        Ok(object) => {
            let (root, path) = process::root_of(pid, &mapping.path);
            Arc::new(object.below(root, path))
        }
        Err(error) => {
            warn(error.to_string());
            return Ok(None);
        }
    };
    let go = match GoModule::find(&object) {
        Ok(go) => go.map(Arc::new),
        Err(refusal) => {
            warn(refusal.to_string());
            None
        }
    };
    let module = NewModule { path: &mapping.path, object: &object, go, entries: &[] };
    library.add(kernel, module, warn)
}
