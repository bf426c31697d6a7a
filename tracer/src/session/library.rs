//! The modules of a session: read once, known to the kernel side and to those who name frames.

use std::path::Path;
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};
use tracer_common::map::{MAX_RUNTIMES, Mapping, ModuleKey, NO_BIAS, Runtime, Segment};

use super::naming::Queue;
use crate::address::ElfAddress;
use crate::bpf::{BpfError, Kernel, TableWriter};
use crate::object::go::GoModule;
use crate::object::{ModuleIdentity, ModuleNumber, Modules, ObjectFile};
use crate::process;
use crate::unwind::{self, Tables, module_rows};

/// What stacks call the vdso, as `/proc/PID/maps` does.
const VDSO: &str = "[vdso]";

/// Everything that is known of modules.
pub(super) struct Library {
    modules: Modules,
    naming: Queue,
    tables: Tables,
    writer: TableWriter,
    numbers: FxHashMap<ModuleKey, ModuleNumber>,
    /// Modules that stay where they are as long as their process lives.
    lasting: FxHashSet<ModuleNumber>,
    /// The modules of the Go runtimes that the kernel side knows, in its order.
    runtimes: Vec<(ModuleNumber, Arc<ObjectFile>)>,
}

/// A file that may be new.
pub(super) struct NewModule<'a> {
    /// Its path as the target names it.
    pub(super) path: &'a Path,
    /// The file.
    pub(super) object: &'a Arc<ObjectFile>,
    /// Go's tables in it.
    pub(super) go: Option<Arc<GoModule>>,
    /// Functions that are probed.
    pub(super) entries: &'a [ElfAddress],
}

impl Library {
    /// Knows nothing yet.
    pub(super) fn new(writer: TableWriter, naming: Queue) -> Self {
        Self {
            modules: Modules::default(),
            naming,
            tables: Tables::default(),
            writer,
            numbers: FxHashMap::default(),
            lasting: FxHashSet::default(),
            runtimes: Vec::new(),
        }
    }

    /// Where hits go to be named.
    pub(super) fn naming(&self) -> &Queue {
        &self.naming
    }

    /// Makes a module known, if it is not yet: its rows to the kernel side, its names to those who
    /// name. What cannot be used of it is said by `warn`, and the rest is used. `None` once
    /// there is room for no more modules.
    pub(super) fn add(
        &mut self,
        kernel: &mut Kernel,
        module: NewModule<'_>,
        warn: &mut dyn FnMut(String),
    ) -> Result<Option<ModuleNumber>, BpfError> {
        let key = kernel.module_key(module.path, module.object.data())?;
        self.add_as(key, module, warn)
    }

    /// Makes the vdso known: it is no file, so processes have it under a key of its own. Without it
    /// a stack that goes through it says so.
    pub(super) fn add_vdso(&mut self, warn: &mut dyn FnMut(String)) -> Result<(), BpfError> {
        let Some(image) = process::vdso() else { return Ok(()) };
        let path = Path::new(VDSO);
        match ObjectFile::from_bytes(image, path) {
            Ok(object) => {
                let object = &Arc::new(object);
                let module = NewModule { path, object, go: None, entries: &[] };
                self.add_as(ModuleKey::VDSO, module, warn).map(drop)
            }
            Err(error) => {
                warn(error.to_string());
                Ok(())
            }
        }
    }

    /// As [`Library::add`], under this key.
    fn add_as(
        &mut self,
        key: ModuleKey,
        module: NewModule<'_>,
        warn: &mut dyn FnMut(String),
    ) -> Result<Option<ModuleNumber>, BpfError> {
        if let Some(number) = self.numbers.get(&key) {
            return Ok(Some(*number));
        }
        let NewModule { path, object, go, entries } = module;
        let identity = ModuleIdentity::of(path, object);
        let Some(number) = self.modules.add(identity.clone()) else {
            warn(format!("cannot unwind through {}: too many modules", path.display()));
            return Ok(None);
        };
        self.numbers.insert(key, number);
        if let Some(runtime) = go.as_deref().and_then(unwind::runtime)
            && self.runtimes.len() < MAX_RUNTIMES
        {
            let runtime = Runtime { module: number.0.into(), ..runtime };
            self.writer.write_runtime(self.runtimes.len(), &runtime)?;
            self.runtimes.push((number, Arc::clone(object)));
        }
        if go.is_some() {
            // A Go runtime cannot be unloaded: its libraries are linked with `-z nodelete`.
            self.set_lasting(number);
        }
        self.naming.add_module(identity, Arc::clone(object), go.clone());
        let added = module_rows(object, go.as_deref(), entries)
            .map_err(|error| error.to_string())
            .and_then(|rows| self.tables.add_module(&rows).map_err(|error| error.to_string()));
        let mut module = match added {
            Ok(module) => module,
            Err(what) => {
                warn(format!("stacks will end in {}: {what}", path.display()));
                without_rows(object)
            }
        };
        module.debug_address = object.debug_address().map_or(0, |address| address.0);
        self.write_tables()?;
        self.writer.write_module(number.0, &module, &key)?;
        Ok(Some(number))
    }

    /// The load biases of the Go runtimes in a process that has these mappings, as the kernel side
    /// numbers them.
    pub(super) fn runtime_biases(&self, mappings: &[Mapping]) -> [u64; MAX_RUNTIMES] {
        let mut biases = [NO_BIAS; MAX_RUNTIMES];
        for (bias, (number, object)) in biases.iter_mut().zip(&self.runtimes) {
            let executable = object.segments().iter().filter(|segment| segment.executable);
            let own = mappings.iter().filter(|mapping| mapping.module == u64::from(number.0));
            // A mapping starts where a page does, its segment may start within.
            *bias = executable
                .flat_map(|segment| own.clone().map(move |mapping| (segment, mapping)))
                .find_map(|(segment, mapping)| {
                    let within = segment.offset.0.checked_sub(mapping.offset)?;
                    let start = mapping.start.checked_add(within)?;
                    (start < mapping.end).then(|| start.wrapping_sub(segment.address.0))
                })
                .unwrap_or(NO_BIAS);
        }
        biases
    }

    /// Notes that processes load this module when they start, and never give it up.
    pub(super) fn set_lasting(&mut self, number: ModuleNumber) {
        self.lasting.insert(number);
    }

    /// Whether a process that has this module keeps it where it is. Another may be unloaded, and
    /// yet another be loaded in its place: where it lies must be asked anew at each hit.
    pub(super) fn is_lasting(&self, number: ModuleNumber) -> bool {
        self.lasting.contains(&number)
    }

    /// Writes what is new in the tables: rules, then rows, then pages, as a walk follows them the
    /// other way.
    fn write_tables(&mut self) -> Result<(), BpfError> {
        let changes = self.tables.take_changes();
        if !changes.rules.is_empty() {
            self.writer.write_rules(self.tables.rules())?;
        }
        for index in changes.rows {
            self.writer.write_rows(index, &self.tables.rows()[index])?;
        }
        for index in changes.pages {
            self.writer.write_pages(index, &self.tables.pages()[index])?;
        }
        Ok(())
    }
}

/// A module that is named, but that no stack goes through.
fn without_rows(object: &ObjectFile) -> tracer_common::map::Module {
    let mut module = tracer_common::map::Module::default();
    let executable = object.segments().iter().filter(|segment| segment.executable);
    for (slot, segment) in module.segments.iter_mut().zip(executable) {
        *slot =
            Segment { address: segment.address.0, offset: segment.offset.0, size: segment.size };
    }
    module
}
