//! Writes unwind tables into the kernel's maps, a chunk a system call.

use aya::maps::{Array, ArrayOfMaps, MapData};
use tracer_common::map::{Module, ModuleKey, Runtime};
use tracer_common::rule::Rule;
use tracer_common::table::{CHUNK_ENTRIES, MAX_RULES};

use super::BpfError;

/// One chunk of pages or rows, as one value.
type Entries = [u32; CHUNK_ENTRIES];
/// An inner map: one chunk.
type Chunk = Array<MapData, Entries>;

/// One chunked map and its chunks so far.
struct Chunked {
    outer: ArrayOfMaps<MapData, Chunk>,
    chunks: Vec<Chunk>,
}

impl Chunked {
    /// Writes chunk `index`; chunks are made in order.
    fn write(&mut self, index: usize, entries: &[u32]) -> Result<(), aya::maps::MapError> {
        let mut value: Box<Entries> = vec![0; CHUNK_ENTRIES]
            .into_boxed_slice()
            .try_into()
            .map_err(|_| aya::maps::MapError::OutOfBounds { index: 0, max_entries: 0 })?;
        let used = entries.len().min(CHUNK_ENTRIES);
        value[..used].copy_from_slice(&entries[..used]);
        while self.chunks.len() <= index {
            let chunk = Chunk::create(1, 0)?;
            self.chunks.push(chunk);
            let last = self.chunks.len() - 1;
            self.outer.set(last as u32, &self.chunks[last], 0)?;
        }
        self.chunks[index].set(0, value, 0)
    }
}

/// Writes pages, rows, rules and modules. What is new must be written in that order, and modules
/// last: a walk follows them the other way.
pub struct TableWriter {
    pages: Chunked,
    rows: Chunked,
    rules: Array<MapData, [Rule; MAX_RULES]>,
    modules: Array<MapData, Module>,
    numbers: aya::maps::HashMap<MapData, ModuleKey, u32>,
    runtimes: Array<MapData, Runtime>,
}

impl TableWriter {
    pub(super) fn new(
        pages: ArrayOfMaps<MapData, Chunk>,
        rows: ArrayOfMaps<MapData, Chunk>,
        rules: Array<MapData, [Rule; MAX_RULES]>,
        modules: Array<MapData, Module>,
        numbers: aya::maps::HashMap<MapData, ModuleKey, u32>,
        runtimes: Array<MapData, Runtime>,
    ) -> Self {
        Self {
            pages: Chunked { outer: pages, chunks: Vec::new() },
            rows: Chunked { outer: rows, chunks: Vec::new() },
            rules,
            modules,
            numbers,
            runtimes,
        }
    }

    /// Writes all rules of the session.
    ///
    /// # Errors
    /// The kernel refused the write.
    pub fn write_rules(&mut self, rules: &[Rule]) -> Result<(), BpfError> {
        let failed = |source| BpfError::Map { what: "write unwind rules", source };
        let mut value: Box<[Rule; MAX_RULES]> = vec![Rule::of_kind(0); MAX_RULES]
            .into_boxed_slice()
            .try_into()
            .map_err(|_| failed(aya::maps::MapError::OutOfBounds { index: 0, max_entries: 0 }))?;
        let used = rules.len().min(MAX_RULES);
        value[..used].copy_from_slice(&rules[..used]);
        self.rules.set(0, value, 0).map_err(failed)
    }

    /// Writes chunk `index` of the rows.
    ///
    /// # Errors
    /// The kernel refused the write.
    pub fn write_rows(&mut self, index: usize, entries: &[u32]) -> Result<(), BpfError> {
        let failed = |source| BpfError::Map { what: "write unwind rows", source };
        self.rows.write(index, entries).map_err(failed)
    }

    /// Writes chunk `index` of the pages.
    ///
    /// # Errors
    /// The kernel refused the write.
    pub fn write_pages(&mut self, index: usize, entries: &[u32]) -> Result<(), BpfError> {
        let failed = |source| BpfError::Map { what: "write unwind pages", source };
        self.pages.write(index, entries).map_err(failed)
    }

    /// Makes a Go runtime known, `index` below `MAX_RUNTIMES`.
    ///
    /// # Errors
    /// The kernel refused the write.
    pub fn write_runtime(&mut self, index: usize, runtime: &Runtime) -> Result<(), BpfError> {
        let failed = |source| BpfError::Map { what: "make a Go runtime known", source };
        self.runtimes.set(index as u32, runtime, 0).map_err(failed)
    }

    /// Makes a module known: by its number, and by the file that it is.
    ///
    /// # Errors
    /// The kernel refused the write.
    pub fn write_module(
        &mut self,
        number: u16,
        module: &Module,
        key: &ModuleKey,
    ) -> Result<(), BpfError> {
        let failed = |source| BpfError::Map { what: "make a module known", source };
        self.modules.set(number.into(), module, 0).map_err(failed)?;
        self.numbers.insert(key, u32::from(number), 0).map_err(failed)
    }
}
