//! Where many functions were declared, unit by unit: for lists, not for stacks.

use gimli::{AttributeValue, UnitOffset};
use rustc_hash::FxHashMap;

use super::entry::{for_each_attribute, language_of};
use super::functions::{as_line, extents, file_index};
use super::lines::{Lines, path};
use super::{Dwarf, UnitRef};
use crate::address::ElfAddress;
use crate::object::Language;

/// How many references from entry to entry are followed.
const MAX_REFERENCES: u8 = 16;

/// What DWARF says of a function besides its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declared {
    /// The language of its unit.
    pub language: Language,
    /// The source file with its directory, as compiled.
    pub file: Option<String>,
    /// The line of its declaration, from 1; of its first instruction where no entry tells that.
    pub line: Option<u32>,
}

impl Dwarf {
    /// The languages of its units that have code, but not Go, by name.
    #[must_use]
    pub fn languages(&self) -> Vec<Language> {
        let dwarf = self.source.borrow();
        let mut units: Vec<_> = self.extents.iter().map(|(.., unit)| *unit).collect();
        units.sort_unstable();
        units.dedup();
        let mut found = Vec::new();
        for unit in units {
            let Some(unit) = self.source.unit(&dwarf, unit) else { continue };
            let language = language_of(self.source.parts(&dwarf, &unit).entries);
            if !found.contains(&language) {
                found.push(language);
            }
        }
        found.sort_by_key(|language| language.name());
        found
    }

    /// What is known of the functions that begin at these addresses. Each unit is read once, and
    /// nothing is kept.
    #[must_use]
    pub fn declared_at(
        &self,
        addresses: impl IntoIterator<Item = ElfAddress>,
    ) -> FxHashMap<ElfAddress, Declared> {
        let mut by_unit: FxHashMap<usize, Vec<u64>> = FxHashMap::default();
        for address in addresses {
            for (.., unit) in self.extents.containing(address.0).take(super::MAX_CLAIMS) {
                let claimed = by_unit.entry(*unit).or_default();
                if claimed.last() != Some(&address.0) {
                    claimed.push(address.0);
                }
            }
        }
        let dwarf = self.source.borrow();
        let mut found = FxHashMap::default();
        for (index, addresses) in by_unit {
            let Some(unit) = self.source.unit(&dwarf, index) else { continue };
            let parts = self.source.parts(&dwarf, &unit);
            let language = language_of(parts.entries);
            let functions = extents(parts.entries, &self.code);
            let entries: FxHashMap<u64, usize> =
                functions.iter().map(|(begin, _, entry)| (begin, *entry)).collect();
            let mut lines: Option<Lines> = None;
            for address in addresses {
                let entry = entries.get(&address).copied();
                let place =
                    entry.and_then(|entry| declaration(parts.entries, entry)).or_else(|| {
                        let lines =
                            lines.get_or_insert_with(|| Lines::read(parts.lines, &self.code));
                        lines.row_at(address).map(|(file, line)| (u64::from(file), line))
                    });
                // Where several units claim an address, the one that has its entry knows best.
                let known = found.contains_key(&ElfAddress(address));
                if entry.is_some() || (place.is_some() && !known) {
                    let file = place.and_then(|(file, _)| path(parts.lines, file));
                    let line = place.map(|(_, line)| line).filter(|line| *line != 0);
                    found.insert(ElfAddress(address), Declared { language, file, line });
                }
            }
        }
        found
    }
}

/// The index of the file and the line that an entry declares, or the entry that it was made from,
/// in the same unit.
fn declaration(unit: UnitRef<'_>, entry: usize) -> Option<(u64, u32)> {
    let (mut entry, mut file, mut line) = (entry, None, None);
    for _ in 0..MAX_REFERENCES {
        let mut origin = None;
        for_each_attribute(unit, Some(UnitOffset(entry)), |attribute| match attribute.name() {
            gimli::DW_AT_decl_file => file = file.or_else(|| file_index(unit, attribute.value())),
            gimli::DW_AT_decl_line => line = line.or_else(|| attribute.udata_value().map(as_line)),
            gimli::DW_AT_abstract_origin | gimli::DW_AT_specification => {
                origin = Some(attribute.value());
            }
            _ => {}
        })?;
        if let (Some(file), Some(line)) = (file, line) {
            return Some((file, line));
        }
        let Some(AttributeValue::UnitRef(next)) = origin else { return None };
        entry = next.0;
    }
    None
}
