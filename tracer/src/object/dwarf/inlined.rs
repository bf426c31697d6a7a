//! Into which functions one was inlined, over all units: for what has no code of its own.

use std::collections::{BTreeSet, HashMap};

use memchr::memmem::Finder;

use super::entry::{Names, Origin, language_of};
use super::{Dwarf, UnitRef};
use crate::object::{Demangled, Language, ObjectFile, demangle};

/// The most functions that are listed.
const MAX_LISTED: usize = 8;

impl Dwarf {
    /// The functions, demangled and sorted, that calls of the function `wanted` were inlined
    /// into; at most eight. `wanted` is a linkage name, a plain one, or a demangled one. Reads all
    /// units: slow, meant for a message.
    #[must_use]
    pub fn inlined_into(&self, wanted: &str) -> Vec<String> {
        let dwarf = self.source.borrow();
        let mut into = BTreeSet::new();
        for index in 0..self.source.units.len() {
            let Some(unit) = self.source.unit(&dwarf, index) else { continue };
            let parts = self.source.parts(&dwarf, &unit);
            if language_of(parts.entries) == Language::Go {
                continue;
            }
            let mut calls = Vec::new();
            // Damage ends the search; what was found before it is true.
            let _ = collect(parts.entries, &mut calls);
            let mut known = HashMap::new();
            for call in calls {
                let is_wanted = *known
                    .entry(call.origin)
                    .or_insert_with(|| is_called(&call.origin.names(parts), wanted));
                let function = || Names::of(parts.scope, parts.entries, call.function);
                if is_wanted && let Some(name) = shown(function()) {
                    into.insert(name);
                }
            }
        }
        self.source.forget();
        into.into_iter().take(MAX_LISTED).collect()
    }

    /// Whether the DWARF of a file may name a function `wanted`: whether any text holds its last
    /// word, as plain and linkage names would. A quick look that spares reading all units for a
    /// name that was mistyped.
    #[must_use]
    pub fn may_name(source: &ObjectFile, wanted: &str) -> bool {
        // What lies in other files is not looked at so quickly.
        let elsewhere = [".gnu_debugaltlink", ".debug_sup", ".debug_addr"];
        if elsewhere.into_iter().any(|name| source.section(name).is_some()) {
            return true;
        }
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
    /// What was called.
    origin: Origin,
    /// The function with code that it ended up in: an offset in the unit.
    function: usize,
}

fn collect(unit: UnitRef<'_>, calls: &mut Vec<Call>) -> Option<()> {
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
                    let Some(origin) = Origin::of(attribute.value()) else { continue };
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
