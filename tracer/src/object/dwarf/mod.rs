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
mod scope;
mod source;

pub use declared::Declared;

use std::sync::Arc;

use gimli::{EndianSlice, LittleEndian};
use rustc_hash::FxHashMap;

use self::entry::{Extent, Names, language_of};
use self::functions::Inlined;
use self::lines::Lines;
use self::scope::Scopes;
use self::source::{Parts, Source};
use super::ranges::Ranges;
use super::{Companions, DebugFileError, DebugFiles, Language, ObjectFile};
use crate::address::ElfAddress;

type Slice<'a> = EndianSlice<'a, LittleEndian>;
type Sections<'a> = gimli::Dwarf<Slice<'a>>;
type UnitRef<'a> = gimli::UnitRef<'a, Slice<'a>>;

/// Ranges and line rows of units that are kept; more than this, and all are forgotten.
const MAX_HELD: usize = 8 << 20;

/// The most units that may claim one address before the rest is not looked at.
const MAX_CLAIMS: usize = 64;

/// One function at an address, as DWARF tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DwarfFrame {
    /// The linkage name, where DWARF has one (C++, Rust).
    pub linkage_name: Option<String>,
    /// The plain name; with no linkage name either, DWARF knows the line but no function.
    pub name: Option<String>,
    /// The namespaces and types around it, `shop::(anonymous namespace)`; only where there is no
    /// linkage name to tell them.
    pub scope: Option<String>,
    /// The language of the unit that the function was written in.
    pub language: Language,
    /// The source file with its directory, as compiled.
    pub file: Option<String>,
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
}

/// What was read of one unit.
#[derive(Debug)]
struct Tables {
    /// The offset of each function's entry in its unit.
    functions: Ranges<usize>,
    scopes: Scopes,
    lines: Lines,
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
        Some(Self { source, code, extents: index.extents, tables: FxHashMap::default() })
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
        let dwarf = self.source.borrow();
        let mut function: Option<(u64, usize, usize)> = None;
        for index in claims.iter().copied() {
            let Some(tables) = tables(&mut self.tables, &self.source, &dwarf, &self.code, index)
            else {
                continue;
            };
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
        let Some(unit) = self.source.unit(&dwarf, index) else { return Vec::new() };
        let parts = self.source.parts(&dwarf, &unit);
        let location = line.filter(|(of, _)| *of == index).map(|(_, row)| row);
        let chain = match function {
            Some((_, _, entry)) => parts.chain(entry, address.0, location),
            None => vec![(parts.frame(Names::of_unit(parts.entries), location, false), None)],
        };
        let qualify = |(mut frame, declared): (DwarfFrame, Option<Place>)| {
            if frame.linkage_name.is_none() && frame.name.is_some() {
                let declared = declared.filter(|_| scope::is_scoped(frame.language));
                frame.scope = declared.and_then(|at| {
                    self.source.scope_of(&dwarf, at, |Place { unit, entry }| {
                        let held = &mut self.tables;
                        let found = tables(held, &self.source, &dwarf, &self.code, unit);
                        found?.scopes.parent(entry)
                    })
                });
            }
            frame
        };
        chain.into_iter().map(qualify).collect()
    }
}

/// An entry: the index of its unit (those of the common file follow the module's own), and its
/// offset there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    unit: usize,
    entry: usize,
}

impl Parts<'_> {
    /// The inlined calls at `address` in the function at `entry`, and the function itself; each
    /// with the entry that declares it.
    fn chain(
        self,
        entry: usize,
        address: u64,
        location: Option<(u64, u32)>,
    ) -> Vec<(DwarfFrame, Option<Place>)> {
        let mut location = location;
        let mut frames = Vec::new();
        let mut add = |entry, location, inlined| {
            let names = Names::of(self.scope, self.entries, entry);
            let declared = names.declared;
            frames.push((self.frame(names, location, inlined), declared));
        };
        for Inlined { entry, call } in functions::inlined_at(self.entries, entry, address) {
            add(entry, location, true);
            location = call;
        }
        add(entry, location, false);
        frames
    }

    fn frame(self, names: Names, location: Option<(u64, u32)>, inlined: bool) -> DwarfFrame {
        DwarfFrame {
            linkage_name: names.linkage,
            name: names.plain,
            scope: None,
            language: names.language,
            file: location.and_then(|(file, _)| lines::path(self.lines, file)),
            line: location.map(|(_, line)| line).filter(|line| *line != 0),
            inlined,
        }
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

/// The tables of a unit, read if need be.
fn tables<'t>(
    tables: &'t mut FxHashMap<usize, Tables>,
    source: &Source,
    dwarf: &Sections<'_>,
    code: &Code,
    index: usize,
) -> Option<&'t Tables> {
    if !tables.contains_key(&index) {
        let held: usize = tables.values().map(Tables::len).sum();
        if held > MAX_HELD {
            tables.clear();
        }
        let unit = source.unit(dwarf, index)?;
        let parts = source.parts(dwarf, &unit);
        let (functions, scopes) = functions::extents_and_scopes(parts.entries, code);
        tables.insert(index, Tables { functions, scopes, lines: Lines::read(parts.lines, code) });
    }
    tables.get(&index)
}

impl Tables {
    fn len(&self) -> usize {
        self.functions.len() + self.scopes.len() + self.lines.len()
    }
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
