//! Into which functions one was inlined, over all units: for what has no code of its own.

use std::collections::{BTreeSet, HashMap};

use gimli::{AttributeValue, UnitOffset};
use memchr::memmem::Finder;

use super::entry::{Names, language_of};
use super::{Dwarf, EntryNames, UnitRef, borrow, parse_unit};
use crate::object::{Demangled, Language, ObjectFile, demangle};

/// The most functions that are listed.
const MAX_LISTED: usize = 8;

impl Dwarf {
    /// The functions, demangled and sorted, that calls of the function `wanted` were inlined
    /// into; at most eight. `wanted` is a linkage name, a plain one, or a demangled one. Reads all
    /// units: slow, meant for a message.
    #[must_use]
    pub fn inlined_into(&self, wanted: &str) -> Vec<String> {
        let dwarf = borrow(&self.sections);
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

    /// Whether the DWARF of a file may name a function `wanted`: whether any text holds its last
    /// word, as plain and linkage names would. A quick look that spares reading all units for a
    /// name that was mistyped.
    #[must_use]
    pub fn may_name(source: &ObjectFile, wanted: &str) -> bool {
        let path = wanted.split('(').next().unwrap_or_default();
        let mut words = path.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
        let Some(word) = words.rfind(|word| !word.is_empty()) else { return true };
        let word = Finder::new(word);
        [".debug_str", ".debug_line_str", ".debug_info"]
            .into_iter()
            .filter_map(|name| source.section(name))
            .any(|(_, bytes)| word.find(&bytes).is_some())
    }
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
        || linkage.and_then(Demangled::of).is_some_and(|name| name.fits(|it| it == wanted))
}

fn shown(names: Names) -> Option<String> {
    match names.linkage {
        Some(linkage) => Some(demangle(&linkage).map_or(linkage, |(name, _)| name)),
        None => names.plain,
    }
}
