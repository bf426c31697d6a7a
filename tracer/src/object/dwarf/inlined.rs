//! Into which functions one was inlined, over all units: for what has no code of its own.

use std::collections::{BTreeSet, HashMap};

use gimli::{AttributeValue, Section, UnitOffset};
use regex::bytes::Regex;

use super::entry::{Names, language_of};
use super::{Dwarf, EntryNames, UnitRef, borrow, parse_unit};
use crate::object::{Demangled, Language, demangle};

/// The most functions that are listed.
const MAX_LISTED: usize = 8;

impl Dwarf {
    /// The functions, demangled and sorted, that calls of the function `wanted` were inlined
    /// into; at most eight. `wanted` is a linkage name, a plain one, or a demangled one. Reads all
    /// units: slow, meant for a message.
    #[must_use]
    pub fn inlined_into(&self, wanted: &str) -> Vec<String> {
        let dwarf = borrow(&self.sections);
        if !mentions(&dwarf, wanted) {
            return Vec::new();
        }
        let names = EntryNames { dwarf: &dwarf, units: &self.units };
        let mut into = BTreeSet::new();
        for (index, start) in self.units.iter().enumerate() {
            let Some(unit) = parse_unit(&dwarf, &self.units, index) else { continue };
            let unit = UnitRef::new(&dwarf, &unit);
            if language_of(unit) == Language::Go {
                continue;
            }
            let mut calls = Vec::new();
            // Damage ends the search; what was found before it is true.
            let _ = collect(unit, *start, &mut calls);
            let mut known = HashMap::new();
            for call in calls {
                let is_wanted = *known.entry(call.origin).or_insert_with(|| {
                    origin_names(names, unit, index, call.origin)
                        .is_some_and(|names| is_called(&names, wanted))
                });
                if is_wanted && let Some(name) = shown(Names::of(names, unit, call.function)) {
                    into.insert(name);
                }
            }
        }
        into.into_iter().take(MAX_LISTED).collect()
    }
}

/// Whether the last identifier of a name stands in the sections that hold names. Every function
/// has it there as its plain name, so where it is missing, no entry needs to be read.
fn mentions(dwarf: &super::Sections<'_>, wanted: &str) -> bool {
    let name = wanted.find(['(', '<']).filter(|at| *at > 0).map_or(wanted, |at| &wanted[..at]);
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let bytes = name.as_bytes();
    let end = bytes.iter().rposition(|byte| is_part(*byte)).map_or(0, |at| at + 1);
    let start = bytes[..end].iter().rposition(|byte| !is_part(*byte)).map_or(0, |at| at + 1);
    let Ok(expression) = Regex::new(&regex::escape(&name[start..end])) else { return true };
    let strings = [dwarf.debug_str.reader(), dwarf.debug_line_str.reader()];
    strings.iter().any(|bytes| expression.is_match(bytes.slice()))
        || expression.is_match(dwarf.debug_info.reader().slice())
}

/// One inlined call.
struct Call {
    /// What was called: an offset in `.debug_info`.
    origin: usize,
    /// The function with code that it ended up in: an offset in the unit.
    function: usize,
}

fn collect(unit: UnitRef<'_>, start: usize, calls: &mut Vec<Call>) -> Option<()> {
    let mut entries = unit.entries_raw(None).ok()?;
    // The functions around the current entry, with their depths.
    let mut around: Vec<(isize, usize)> = Vec::new();
    while !entries.is_empty() {
        let (depth, entry) = (entries.next_depth(), entries.next_offset().0);
        while around.last().is_some_and(|(of, _)| *of >= depth) {
            around.pop();
        }
        let Some(abbreviation) = entries.read_abbreviation().ok()? else { continue };
        match (abbreviation.tag(), around.last()) {
            (gimli::DW_TAG_inlined_subroutine, Some((_, function))) => {
                for specification in abbreviation.attributes() {
                    let attribute = entries.read_attribute(*specification).ok()?;
                    if attribute.name() != gimli::DW_AT_abstract_origin {
                        continue;
                    }
                    let origin = match attribute.value() {
                        AttributeValue::UnitRef(UnitOffset(within)) => start.checked_add(within)?,
                        AttributeValue::DebugInfoRef(origin) => origin.0,
                        _ => continue,
                    };
                    calls.push(Call { origin, function: *function });
                }
            }
            (tag, _) => {
                entries.skip_attributes(abbreviation.attributes()).ok()?;
                if tag == gimli::DW_TAG_subprogram {
                    around.push((depth, entry));
                }
            }
        }
    }
    Some(())
}

/// The names of the entry at `origin`, seen from a unit and its index.
fn origin_names<'a>(
    names: EntryNames<'a>,
    unit: UnitRef<'a>,
    index: usize,
    origin: usize,
) -> Option<Names> {
    let holder = names.units.partition_point(|start| *start <= origin).checked_sub(1)?;
    let entry = origin.checked_sub(*names.units.get(holder)?)?;
    if holder == index {
        return Some(Names::of(names, unit, entry));
    }
    let other = parse_unit(names.dwarf, names.units, holder)?;
    Some(Names::of(names, UnitRef::new(names.dwarf, &other), entry))
}

fn is_called(names: &Names, wanted: &str) -> bool {
    let linkage = names.linkage.as_deref();
    names.plain.as_deref() == Some(wanted)
        || linkage == Some(wanted)
        || linkage
            .and_then(Demangled::of)
            .is_some_and(|name| name.full == wanted || name.short.as_deref() == Some(wanted))
}

fn shown(names: Names) -> Option<String> {
    match names.linkage {
        Some(linkage) => Some(demangle(&linkage).map_or(linkage, |(name, _)| name)),
        None => names.plain,
    }
}
