//! Functions, inlined calls and lines of native code, from the DWARF of one file.
//!
//! Versions 2 to 5, compressed or not. Units are indexed by address once; a unit's functions and
//! lines are read when an address in it is asked for. Units of Go are left out: Go code is named
//! by pclntab. Knows nothing of symbols and of how names are shown.
//!
//! This walks the entries itself, over `gimli`: the file may be hostile, and may hold the ranges
//! of functions that the linker has discarded. Nothing here recurses by what the file says, work
//! is bounded by [`Budget`], and ranges outside the module's code are dropped before they are
//! searched. Whatever is damaged counts as absent.

mod declared;
mod entry;
mod functions;
mod inlined;
mod lines;
mod name;
mod scope;
mod shared;
mod source;
mod tables;
mod units;

pub use declared::Declared;
pub use name::FunctionName;

use std::sync::Arc;

use gimli::{EndianSlice, LittleEndian};
use rustc_hash::FxHashMap;

use self::entry::{Extent, language_of};
use self::lines::Lines;
use self::shared::Shared;
use self::source::Source;
use self::tables::{Asked, Tables};
use super::ranges::Ranges;
use super::{Companions, DebugFileError, DebugFiles, Language, ObjectFile};
use crate::address::ElfAddress;

type Slice<'a> = EndianSlice<'a, LittleEndian>;
type Sections<'a> = gimli::Dwarf<Slice<'a>>;
type UnitRef<'a> = gimli::UnitRef<'a, Slice<'a>>;

/// How much of units is kept, counted in line rows (16 bytes) and what is as large: ranges, calls,
/// parts of names. More than this, and all is forgotten.
const MAX_HELD: usize = 8 << 20;

/// The most units that may claim one address before the rest is not looked at.
const MAX_CLAIMS: usize = 64;

/// One function at an address, as DWARF tells it.
#[derive(Clone, Debug)]
pub struct DwarfFrame {
    /// Its names; `None` where DWARF knows the line but no function.
    pub name: Option<Arc<FunctionName>>,
    /// The language of the unit that the function was written in.
    pub language: Language,
    /// The source file with its directory, as compiled.
    pub file: Option<Arc<str>>,
    /// The line, from 1: of the address, or of the call that was inlined.
    pub line: Option<u32>,
    /// Whether it was inlined into the next one.
    pub inlined: bool,
}

/// The DWARF of one module.
#[derive(Debug)]
pub struct Dwarf {
    source: Source,
    code: Code,
    /// Which code belongs to which unit, by its index.
    extents: Ranges<usize>,
    tables: FxHashMap<usize, Tables>,
    shared: Shared,
    /// How much the tables and what they share hold.
    held: usize,
}

impl Dwarf {
    /// The DWARF of a module: of its separate debug file, where that has any, else its own. Files
    /// that it refers to are sought where `files` looks.
    #[must_use]
    pub fn find(
        image: &Arc<ObjectFile>,
        debug_file: Option<&Arc<ObjectFile>>,
        files: &DebugFiles,
    ) -> Option<Self> {
        let read = |source| Self::read_with(source, image, Companions::of(files, image, source));
        debug_file.and_then(read).or_else(|| read(image))
    }

    /// As [`Dwarf::find`]; files that it refers to are sought where they always are.
    #[must_use]
    pub fn of(image: &Arc<ObjectFile>, debug_file: Option<&Arc<ObjectFile>>) -> Option<Self> {
        Self::find(image, debug_file, &DebugFiles::default())
    }

    /// Indexes the DWARF of `source` (the module itself or its separate debug file) for the
    /// module `image`, whose segments say what is code. `None` where there is none.
    #[must_use]
    pub fn read(source: &Arc<ObjectFile>, image: &ObjectFile) -> Option<Self> {
        let companions = Companions::of(&DebugFiles::default(), image, source);
        Self::read_with(source, image, companions)
    }

    fn read_with(
        source: &Arc<ObjectFile>,
        image: &ObjectFile,
        companions: Companions,
    ) -> Option<Self> {
        let mut source = Source::open(source, companions)?;
        let code = Code::of(image);
        let index = index_units(&source.borrow(), &code);
        source.set_units(index.units, index.are_split);
        Some(Self {
            source,
            code,
            extents: index.extents,
            tables: FxHashMap::default(),
            shared: Shared::default(),
            held: 0,
        })
    }

    /// Files that the DWARF refers to, sought since the last call, that are missing or are not
    /// used.
    #[must_use]
    pub fn take_refused(&self) -> Vec<DebugFileError> {
        self.source.take_refused()
    }

    /// The language of the unit that has the code at an address; cheap once the units are indexed.
    #[must_use]
    pub fn language_at(&self, address: ElfAddress) -> Language {
        let dwarf = self.source.borrow();
        let units = self.extents.containing(address.0).take(MAX_CLAIMS);
        // Of several that claim it, the smallest range is the most specific.
        let unit = units.min_by_key(|(begin, end, _)| end - begin).map(|(.., index)| *index);
        let Some(unit) = unit.and_then(|index| self.source.unit(&dwarf, index)) else {
            return Language::Unknown;
        };
        language_of(self.source.parts(&dwarf, &unit).entries)
    }

    /// The chain of functions at an address: the innermost inlined one first, the physical one
    /// last. One frame without names where only the line is known; empty where nothing is.
    #[must_use]
    pub fn frames_at(&mut self, address: ElfAddress) -> Vec<DwarfFrame> {
        let mut claims: Vec<usize> =
            self.extents.containing(address.0).map(|(.., unit)| *unit).take(MAX_CLAIMS).collect();
        claims.sort_unstable();
        claims.dedup();
        if self.held > MAX_HELD {
            self.tables.clear();
            self.shared = Shared::default();
            self.source.forget();
            self.held = 0;
        }
        let shared_before = self.shared.len();
        let sections = self.source.borrow();
        let asked = |index| Asked { source: &self.source, sections: &sections, index };
        let mut function: Option<(u64, usize, usize)> = None;
        for index in claims.iter().copied() {
            if !self.tables.contains_key(&index) {
                let read = Tables::read(asked(index), &self.code, &mut self.shared);
                let Some(read) = read else { continue };
                self.held += read.len();
                self.tables.insert(index, read);
            }
            let Some(tables) = self.tables.get(&index) else { continue };
            // Of overlapping ranges the smallest is the most specific.
            let found = tables.functions.containing(address.0);
            let found = found.map(|(begin, end, entry)| (end - begin, index, *entry)).min();
            function = [function, found].into_iter().flatten().min();
        }
        let unit_of_function = function.map(|(_, index, _)| index);
        // The line is of the function's own unit, else of any that knows one.
        let line = unit_of_function.into_iter().chain(claims).find_map(|index| {
            let row = self.tables.get(&index)?.lines.row_at(address.0)?;
            Some((index, row))
        });
        let Some(index) = unit_of_function.or(line.map(|(index, _)| index)) else {
            return Vec::new();
        };
        let Some(tables) = self.tables.get_mut(&index) else { return Vec::new() };
        let location = line.filter(|(of, _)| *of == index).map(|(_, row)| row);
        let entry = function.map(|(.., entry)| entry);
        let before = tables.len();
        let chain = tables.chain(asked(index), &mut self.shared, entry, address.0, location);
        self.held += tables.len().saturating_sub(before);
        self.held += self.shared.len().saturating_sub(shared_before);
        chain
    }
}

/// What is known of all units.
struct Index {
    /// Where each begins in `.debug_info`.
    units: Vec<usize>,
    /// The code of those that are not Go's.
    extents: Ranges<usize>,
    /// Whether some lie in another file.
    are_split: bool,
}

/// Finds every unit, and the code of those that are not Go's.
fn index_units(dwarf: &Sections<'_>, code: &Code) -> Index {
    let mut budget = Budget::default();
    let (mut units, mut extents, mut are_split) = (Vec::new(), Vec::new(), false);
    let mut headers = dwarf.units();
    while let Ok(Some(header)) = headers.next() {
        let Some(offset) = header.debug_info_offset() else { continue };
        let index = units.len();
        units.push(offset.0);
        if matches!(header.type_(), gimli::UnitType::Type { .. } | gimli::UnitType::Partial) {
            continue;
        }
        let Ok(unit) = dwarf.unit(header) else { continue };
        are_split |= unit.dwo_id.is_some();
        let unit = UnitRef::new(dwarf, &unit);
        if language_of(unit) == Language::Go {
            continue;
        }
        let before = extents.len();
        let mut add = |begin, end| {
            if code.holds(begin) {
                extents.push((begin, end, index));
            }
        };
        let declared = Extent::of_unit(unit).and_then(|e| e.for_each(unit, &mut budget, &mut add));
        if declared.is_none() && extents.len() == before {
            // Some assemblers declare no range: the line program knows.
            let lines = Lines::read(unit, code);
            extents.extend(lines.extents().map(|(begin, end)| (begin, end, index)));
        }
    }
    Index { units, extents: Ranges::new(extents), are_split }
}

/// The executable segments of a module. What begins elsewhere was discarded by the linker, which
/// leaves such entries at address 0 or 1, or is damaged.
#[derive(Clone, Debug)]
struct Code(Vec<(u64, u64)>);

impl Code {
    fn of(image: &ObjectFile) -> Self {
        let executable = image.segments().iter().filter(|segment| segment.executable);
        Self(executable.map(|s| (s.address.0, s.address.0.saturating_add(s.size))).collect())
    }

    fn holds(&self, address: u64) -> bool {
        self.0.iter().any(|(begin, end)| (*begin..*end).contains(&address))
    }
}

/// How much one operation may still do: lists may be shared by many entries, so a small file can
/// ask for much work.
struct Budget(u64);

impl Default for Budget {
    fn default() -> Self {
        Self(32 << 20)
    }
}

impl Budget {
    /// Takes one step; `None` when all are spent.
    fn spend(&mut self) -> Option<()> {
        self.0 = self.0.checked_sub(1)?;
        Some(())
    }
}

#[cfg(test)]
mod elsewhere;
#[cfg(test)]
mod tests;
