//! The loaded BPF object.

use std::num::NonZeroU32;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use aya::maps::{Array, MapData, RingBuf};
use aya::programs::{Program, RawTracePoint, RawTracePointRunOptions, TestRun, UProbe};
use aya::{Ebpf, EbpfLoader};
use tracer_common::map::{Identity, Mappings, ModuleKey, ProcessKey, SLOTS_PER_CPU};
use tracer_common::reason::Loss;

use super::attach::{AttachMethod, Probes, Progress};
use super::error::release;
use super::features::is_not_permitted;
use super::{BpfError, Ring, Scope, TableWriter, attach, btf, multi, sys};
use crate::address::FileOffset;

/// The committed object, built from `tracer-ebpf` by `cargo xtask ebpf`.
static OBJECT: &[u8] = aya::include_bytes_aligned!("../../../tracer-ebpf/prebuilt/cgotrace.bpf.o");
/// Names another object to load, for `cargo xtask ebpf --check`.
const OBJECT_VARIABLE: &str = "CGOTRACE_BPF_OBJECT";
/// Set to anything, it keeps to probes one by one, for tests and measurements.
const ONE_BY_ONE_VARIABLE: &str = "CGOTRACE_ONE_BY_ONE";
/// Bytes of the ring buffer: about 16,000 stacks of 30 frames.
const RING_BYTES: u32 = 8 << 20;

const PROBE: &str = "probe";
const PROCESS_START: &str = "process_start";
const IDENTIFY: &str = "identify";

/// What the kernel says of a loaded program.
#[derive(Clone, Debug)]
pub struct ProgramFigures {
    /// The program.
    pub name: &'static str,
    /// Instructions that the verifier went through, where the kernel tells.
    pub verified_instructions: Option<u32>,
    /// How long the load took.
    pub load_time: Duration,
}

/// The loaded programs and maps. Dropping it detaches every probe.
pub struct Kernel {
    ebpf: Ebpf,
    identity: Array<MapData, Identity>,
    losses: Array<MapData, u64>,
    targets: aya::maps::HashMap<MapData, u32, u32>,
    processes: aya::maps::HashMap<MapData, ProcessKey, Mappings>,
    figures: Vec<ProgramFigures>,
    probes: Probes,
}

impl Kernel {
    /// Loads the object. With `only_targets`, only processes that [`Kernel::add_held_target`] names,
    /// and those that they start, are traced.
    ///
    /// # Errors
    /// The rights or a feature are missing, or the kernel does not accept the object.
    pub fn load(only_targets: bool) -> Result<(Self, TableWriter, Ring), BpfError> {
        let mut config = btf::kernel_config()?;
        config.only_targets = only_targets.into();
        let (data, started) = (object()?, Instant::now());
        let cpus = aya::util::nr_cpus().unwrap_or(1) as u32;
        let mut ebpf = EbpfLoader::new()
            .override_global("CONFIG", &config, true)
            .map_max_entries("SLOTS", cpus.saturating_mul(SLOTS_PER_CPU))
            .map_max_entries("EVENTS", RING_BYTES)
            .load(&data)
            .map_err(|source| {
                if is_not_permitted(&source) {
                    BpfError::NotPermitted { what: "load BPF maps" }
                } else {
                    BpfError::Load { release: release(), source: Box::new(source) }
                }
            })?;
        let maps_time = started.elapsed();
        let maps = multi::Maps::of(&ebpf);
        let writer = TableWriter::new(
            take(&mut ebpf, "PAGES")?,
            take(&mut ebpf, "ROWS")?,
            take(&mut ebpf, "RULES")?,
            take(&mut ebpf, "MODULES")?,
            take(&mut ebpf, "MODULE_NUMBERS")?,
            take(&mut ebpf, "RUNTIMES")?,
        );
        let ring: RingBuf<MapData> = take(&mut ebpf, "EVENTS")?;
        let mut kernel = Self {
            identity: take(&mut ebpf, "IDENTITY")?,
            losses: take(&mut ebpf, "LOSSES")?,
            targets: take(&mut ebpf, "TARGETS")?,
            processes: take(&mut ebpf, "PROCESSES")?,
            ebpf,
            figures: Vec::new(),
            probes: Probes::OneByOne { why: String::new(), links: Vec::new() },
        };
        kernel.load_program(IDENTIFY)?;
        kernel.load_probes(&data, maps)?;
        if let Some(first) = kernel.figures.first_mut() {
            first.load_time += maps_time;
        }
        Ok((kernel, writer, Ring::new(ring)))
    }

    /// The key of the file at `path`, as walks in the kernel will see it. `mapping` are bytes of
    /// that file, mapped by ourselves.
    ///
    /// # Errors
    /// The bytes are no mapping of a file, or the kernel does not answer.
    pub fn module_key(&mut self, path: &Path, mapping: &[u8]) -> Result<ModuleKey, BpfError> {
        let failed = |what: String| BpfError::Identity { path: path.to_owned(), what };
        // EBUSY: another thread of ours was mapping memory at that moment.
        for _ in 0..100 {
            let answer = self.identify(mapping.as_ptr() as u64)?;
            match answer.status {
                0 if answer.module == ModuleKey::default() => {
                    return Err(failed("the kernel sees no file behind it".to_owned()));
                }
                0 => return Ok(answer.module),
                -16 => std::thread::sleep(Duration::from_millis(1)),
                status => return Err(failed(format!("errno {}", status.wrapping_neg()))),
            }
        }
        Err(failed("its mappings were busy for too long".to_owned()))
    }

    /// Asks the kernel about ourselves, and about a mapping of ours.
    fn identify(&mut self, address: u64) -> Result<Identity, BpfError> {
        let failed = |source| BpfError::Map { what: "ask for a module's identity", source };
        let mut question = self.identity.get(&0, 0).map_err(failed)?;
        question.address = address;
        question.module = ModuleKey::default();
        question.status = 1;
        self.identity.set(0, question, 0).map_err(failed)?;
        self.program::<RawTracePoint>(IDENTIFY)?
            .test_run(RawTracePointRunOptions::default())
            .map_err(|source| program_error("run", IDENTIFY, source))?;
        self.identity.get(&0, 0).map_err(failed)
    }

    /// Attaches the walk at file offsets of one file; a hit carries the cookie of its place.
    /// `progress` hears how far it is.
    ///
    /// # Errors
    /// The kernel refuses a probe; those before it stay.
    pub fn attach_probes(
        &mut self,
        path: &Path,
        places: &[(FileOffset, u64)],
        scope: Scope,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(), BpfError> {
        match &mut self.probes {
            Probes::OneLink { walk, links, .. } => {
                attach::attach_by_link(walk, links, path, places, scope, progress)
            }
            Probes::OneByOne { links, .. } => {
                let program = program(&mut self.ebpf, PROBE)?;
                attach::attach_each(program, links, path, places, scope, progress)
            }
        }
    }

    /// How this kernel attaches probes.
    #[must_use]
    pub fn attach_method(&self) -> AttachMethod {
        match &self.probes {
            Probes::OneLink { .. } => AttachMethod::OneLink,
            Probes::OneByOne { why, .. } => AttachMethod::OneByOne(why.clone()),
        }
    }

    /// Announces every process that reaches the executable's entry point, and notes what its
    /// dynamic linker has loaded. `cookie` names the module and the offset.
    ///
    /// # Errors
    /// The kernel refuses the probe.
    pub fn attach_process_start(
        &mut self,
        path: &Path,
        offset: FileOffset,
        cookie: u64,
    ) -> Result<(), BpfError> {
        if let Probes::OneLink { start, starts, .. } = &mut self.probes {
            let place = [(offset, cookie)];
            return attach::attach_by_link(start, starts, path, &place, Scope::All, &mut |_| {});
        }
        attach::attach(self.program(PROCESS_START)?, path, offset, cookie, Scope::All).map(|_| ())
    }

    /// Traces a child of ours that has called exec once and will call it once more, from then on,
    /// and what it starts, where not all are traced.
    ///
    /// # Errors
    /// The kernel refused the write.
    pub fn add_held_target(&mut self, pid: u32) -> Result<(), BpfError> {
        let failed = |source| BpfError::Map { what: "name a target process", source };
        let held = (self.identify(0)?.exec as u32).wrapping_add(1);
        self.targets.insert(pid, held, 0).map_err(failed)
    }

    /// Tells where the modules of a process lie.
    ///
    /// # Errors
    /// The kernel refused the write.
    pub fn tell_mappings(
        &mut self,
        process: &ProcessKey,
        mappings: &Mappings,
    ) -> Result<(), BpfError> {
        let failed = |source| BpfError::Map { what: "tell a process's mappings", source };
        self.processes.insert(process, mappings, 0).map_err(failed)
    }

    /// How many events were lost so far, for a reason.
    ///
    /// # Errors
    /// The kernel refused the read.
    pub fn losses(&self, loss: Loss) -> Result<u64, BpfError> {
        let failed = |source| BpfError::Map { what: "read the counts of lost events", source };
        self.losses.get(&u32::from(loss as u8), 0).map_err(failed)
    }

    /// What the kernel says of the loaded programs.
    #[must_use]
    pub fn figures(&self) -> &[ProgramFigures] {
        &self.figures
    }

    /// How long attaching and detaching `count` probes will take, measured on one place. `None`
    /// where one link takes all, in a moment.
    ///
    /// # Errors
    /// The kernel refuses the probe.
    pub fn measure_cost(
        &mut self,
        path: &Path,
        place: FileOffset,
        count: usize,
    ) -> Result<Option<Duration>, BpfError> {
        if matches!(self.probes, Probes::OneLink { .. }) {
            return Ok(None);
        }
        let started = Instant::now();
        let program = program(&mut self.ebpf, PROCESS_START)?;
        // The cheapest program, and our own process only: nothing is reported.
        let own = Scope::Process(NonZeroU32::new(std::process::id()).unwrap_or(NonZeroU32::MIN));
        let link = attach::attach(program, path, place, 0, own)?;
        program.detach(link).map_err(|source| program_error("detach", PROCESS_START, source))?;
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        Ok(Some(started.elapsed().saturating_mul(count)))
    }

    /// Detaches every probe; events that are in the ring buffer stay there. `progress` hears how
    /// far it is.
    ///
    /// # Errors
    /// The kernel refused.
    pub fn detach(&mut self, progress: &mut dyn FnMut(Progress)) -> Result<(), BpfError> {
        match &mut self.probes {
            Probes::OneLink { starts, .. } => starts.clear(),
            Probes::OneByOne { .. } => self
                .program::<UProbe>(PROCESS_START)?
                .unload()
                .map_err(|source| program_error("detach", PROCESS_START, source))?,
        }
        self.detach_probes(progress)
    }

    /// Detaches the probes of [`Kernel::attach_probes`]; others can be attached then.
    ///
    /// # Errors
    /// The kernel refused.
    pub fn detach_probes(&mut self, progress: &mut dyn FnMut(Progress)) -> Result<(), BpfError> {
        match &mut self.probes {
            Probes::OneLink { links, .. } => {
                let detach = |link| {
                    drop(link);
                    Ok(())
                };
                attach::close(links, detach, progress)
            }
            Probes::OneByOne { links, .. } => {
                let program: &mut UProbe = program(&mut self.ebpf, PROBE)?;
                let detach = |link| {
                    let failed = |source| program_error("detach", PROBE, source);
                    program.detach(link).map_err(failed)
                };
                attach::close(links, detach, progress)
            }
        }
    }

    fn program<'a, P>(&'a mut self, name: &'static str) -> Result<&'a mut P, BpfError>
    where
        &'a mut P: TryFrom<&'a mut Program>,
    {
        program(&mut self.ebpf, name)
    }

    /// Loads a program by aya, and notes what it cost.
    fn load_program(&mut self, name: &'static str) -> Result<(), BpfError> {
        let started = Instant::now();
        let loaded = if name == IDENTIFY {
            self.program::<RawTracePoint>(name)?.load()
        } else {
            self.program::<UProbe>(name)?.load()
        };
        loaded.map_err(|source| {
            if is_not_permitted(&source) {
                BpfError::NotPermitted { what: "load BPF programs" }
            } else {
                program_error("load", name, source)
            }
        })?;
        let info = self.ebpf.program(name).ok_or(BpfError::NoSuchPart(name))?.info().ok();
        self.figures.push(ProgramFigures {
            name,
            verified_instructions: info.and_then(|info| info.verified_instruction_count()),
            load_time: started.elapsed(),
        });
        Ok(())
    }

    /// Loads the programs of probes for links of many places, or by aya where there is no such thing.
    fn load_probes(
        &mut self,
        object: &[u8],
        maps: std::io::Result<multi::Maps>,
    ) -> Result<(), BpfError> {
        match self.load_for_links(object, maps) {
            Ok(probes) => {
                self.probes = probes;
                Ok(())
            }
            Err(why) => {
                self.probes = Probes::OneByOne { why, links: Vec::new() };
                self.load_program(PROCESS_START)?;
                self.load_program(PROBE)
            }
        }
    }

    fn load_for_links(
        &mut self,
        object: &[u8],
        maps: std::io::Result<multi::Maps>,
    ) -> Result<Probes, multi::Refusal> {
        if std::env::var_os(ONE_BY_ONE_VARIABLE).is_some() {
            return Err(format!("{ONE_BY_ONE_VARIABLE} is set"));
        }
        if !multi::is_supported() {
            return Err(format!("Linux {} has no uprobe_multi links", release()));
        }
        let maps = maps.map_err(|error| error.to_string())?;
        let loader = multi::Loader::new(object, &maps)?;
        let load = |name| {
            let started = Instant::now();
            let program = loader.load(name)?;
            let verified_instructions = sys::verified_instructions(program.as_fd());
            let load_time = started.elapsed();
            Ok::<_, multi::Refusal>((
                program,
                ProgramFigures { name, verified_instructions, load_time },
            ))
        };
        let ((start, start_figures), (walk, walk_figures)) = (load(PROCESS_START)?, load(PROBE)?);
        self.figures.extend([start_figures, walk_figures]);
        Ok(Probes::OneLink { walk, links: Vec::new(), start, starts: Vec::new() })
    }
}

fn program<'a, P>(ebpf: &'a mut Ebpf, name: &'static str) -> Result<&'a mut P, BpfError>
where
    &'a mut P: TryFrom<&'a mut Program>,
{
    let program = ebpf.program_mut(name).ok_or(BpfError::NoSuchPart(name))?;
    program.try_into().map_err(|_| BpfError::NoSuchPart(name))
}

fn program_error(
    what: &'static str,
    program: &'static str,
    source: aya::programs::ProgramError,
) -> BpfError {
    BpfError::Program { what, program, release: release(), source: Box::new(source) }
}

/// The object's bytes: the committed one, unless the environment names another.
fn object() -> Result<std::borrow::Cow<'static, [u8]>, BpfError> {
    match std::env::var_os(OBJECT_VARIABLE) {
        None => Ok(OBJECT.into()),
        Some(path) => {
            let path = PathBuf::from(path);
            std::fs::read(&path)
                .map(Into::into)
                .map_err(|source| BpfError::ReadObject { path, source })
        }
    }
}

/// Takes a map out of the object, as its type.
fn take<T: TryFrom<aya::maps::Map>>(ebpf: &mut Ebpf, name: &'static str) -> Result<T, BpfError> {
    let map = ebpf.take_map(name).ok_or(BpfError::NoSuchPart(name))?;
    map.try_into().map_err(|_| BpfError::NoSuchPart(name))
}
