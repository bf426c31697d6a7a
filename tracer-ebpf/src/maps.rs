//! Every map of the programs. Keys and values are declared in `tracer_common::map`.

use aya_ebpf::btf_maps::{Array, ArrayOfMaps, HashMap, LruHashMap, RingBuf};
use aya_ebpf::macros::btf_map;
use tracer_common::event::MAX_STACKS;
use tracer_common::map::{
    Identity, Listed, MAX_MODULES, MAX_RUNTIMES, Mappings, Module, ModuleKey, ProcessKey, Runtime,
};
use tracer_common::rule::Rule;
use tracer_common::table::{CHUNK_ENTRIES, MAX_CHUNKS, MAX_RULES};

use crate::slot::Slot;

/// 256 KiB of pages or rows.
pub(crate) type Chunk = Array<[u32; CHUNK_ENTRIES], 1>;

/// Hits and control events for userspace. The size is set at load.
#[btf_map]
pub(crate) static EVENTS: RingBuf<u8, { 4 << 20 }> = RingBuf::new();

/// Stacks that userspace has, by `tracer_common::event::HitHeader::stack`.
#[btf_map]
pub(crate) static STACKS: HashMap<u64, u32, MAX_STACKS> = HashMap::new();

/// Counts of lost events by `tracer_common::reason::Loss`.
#[btf_map]
pub(crate) static LOSSES: Array<u64, 8> = Array::new();

/// Walk slots, `SLOTS_PER_CPU` for each CPU. The number is set at load.
#[btf_map]
pub(crate) static SLOTS: Array<Slot, 64> = Array::new();

/// `tracer_common::table::Page` by chunk.
#[btf_map]
pub(crate) static PAGES: ArrayOfMaps<Chunk, { MAX_CHUNKS as usize }> = ArrayOfMaps::new();

/// `tracer_common::table::Row` by chunk.
#[btf_map]
pub(crate) static ROWS: ArrayOfMaps<Chunk, { MAX_CHUNKS as usize }> = ArrayOfMaps::new();

/// All rules, in one value so that one system call writes them.
#[btf_map]
pub(crate) static RULES: Array<[Rule; MAX_RULES], 1> = Array::new();

/// Modules by number.
#[btf_map]
pub(crate) static MODULES: Array<Module, MAX_MODULES> = Array::new();

/// Go runtimes, whose calls of C are found over a gap.
#[btf_map]
pub(crate) static RUNTIMES: Array<Runtime, MAX_RUNTIMES> = Array::new();

/// Numbers of modules by the file they are.
#[btf_map]
pub(crate) static MODULE_NUMBERS: HashMap<ModuleKey, u32, { MAX_MODULES * 2 }> = HashMap::new();

/// Mappings that userspace has told. An entry of a process that has gone falls out in time.
#[btf_map]
pub(crate) static PROCESSES: LruHashMap<ProcessKey, Mappings, 512> = LruHashMap::new();

/// Mappings by the dynamic linkers' lists: what is known before userspace has told.
#[btf_map]
pub(crate) static LISTED: LruHashMap<ProcessKey, Listed, 1024> = LruHashMap::new();

/// Processes that were announced already.
#[btf_map]
pub(crate) static ANNOUNCED_PROCESSES: LruHashMap<ProcessKey, u32, 4096> = LruHashMap::new();

/// Modules that were announced already.
#[btf_map]
pub(crate) static ANNOUNCED_MODULES: LruHashMap<ModuleKey, u32, 4096> = LruHashMap::new();

/// Processes that are traced, where not all are, as cgotrace's PID namespace numbers them. The
/// value is `TARGET`, or the exec count at which the process is not traced yet: it is held until
/// it becomes the command.
#[btf_map]
pub(crate) static TARGETS: HashMap<u32, u32, 16384> = HashMap::new();

/// The question to `identify`, and its answer.
#[btf_map]
pub(crate) static IDENTITY: Array<Identity, 1> = Array::new();
