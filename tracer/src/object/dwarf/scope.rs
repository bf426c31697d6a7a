//! What functions are declared in: namespaces, types, other functions.
//!
//! Compilers leave out the linkage name of what no other file can call. Where the function is only
//! inlined there is no symbol either, and its plain name would be mistaken for another's.

use gimli::{AttributeValue, DwTag, UnitOffset};

use super::entry::{Names, for_each_attribute, text};
use super::source::Source;
use super::{Place, Sections};
use crate::object::Language;

/// The most scopes around a function that are told.
const MAX_SCOPES: usize = 32;

/// The longest path of scopes, in bytes.
const MAX_PATH: usize = 16 << 10;

/// The functions and scopes of one unit, each with the scope around it.
#[derive(Debug, Default)]
pub(super) struct Scopes {
    /// Offsets in the unit, by the first: an entry, and the one around it.
    parents: Vec<(u32, u32)>,
    /// The scopes around the entry that is read, with their depths.
    around: Vec<(isize, u32)>,
}

/// Whether names of a language are told with their scopes.
pub(super) fn is_scoped(language: Language) -> bool {
    matches!(language, Language::Cpp | Language::Rust)
}

fn is_scope(tag: DwTag) -> bool {
    matches!(
        tag,
        gimli::DW_TAG_namespace
            | gimli::DW_TAG_class_type
            | gimli::DW_TAG_structure_type
            | gimli::DW_TAG_union_type
            | gimli::DW_TAG_enumeration_type
            | gimli::DW_TAG_subprogram
    )
}

impl Scopes {
    /// Takes the next entry of the unit.
    pub(super) fn see(&mut self, entry: usize, depth: isize, tag: DwTag) {
        if !is_scope(tag) {
            return;
        }
        let Ok(entry) = u32::try_from(entry) else { return };
        self.around.truncate(self.around.partition_point(|(of, _)| *of < depth));
        if let Some((_, parent)) = self.around.last() {
            self.parents.push((entry, *parent));
        }
        self.around.push((depth, entry));
    }

    /// The scope around an entry.
    pub(super) fn parent(&self, entry: usize) -> Option<usize> {
        let entry = u32::try_from(entry).ok()?;
        let at = self.parents.binary_search_by_key(&entry, |(entry, _)| *entry).ok()?;
        Some(self.parents.get(at)?.1 as usize)
    }

    /// How many entries are held.
    pub(super) fn len(&self) -> usize {
        self.parents.len()
    }
}

impl Source {
    /// The scopes around the entry at a place, from the outermost on: `shop::Counter`. `parent`
    /// gives the one around an entry.
    pub(super) fn scope_of(
        &self,
        sections: &Sections<'_>,
        place: Place,
        mut parent: impl FnMut(Place) -> Option<usize>,
    ) -> Option<String> {
        let mut parts = Vec::new();
        let (mut at, mut size) = (place, 0);
        while let Some(entry) = parent(at) {
            let (name, declared) = self.scope(sections, Place { entry, ..at })?;
            size += name.len();
            if parts.len() == MAX_SCOPES || size > MAX_PATH {
                return None;
            }
            parts.push(name);
            at = declared;
        }
        parts.reverse();
        (!parts.is_empty()).then(|| parts.join("::"))
    }

    /// The name of one scope, and where it was declared.
    fn scope(&self, sections: &Sections<'_>, place: Place) -> Option<(String, Place)> {
        let unit = self.unit(sections, place.unit)?;
        let parts = self.parts(sections, &unit);
        let unit = parts.entries;
        let mut entries = unit.entries_raw(Some(UnitOffset(place.entry))).ok()?;
        let tag = entries.read_abbreviation().ok()??.tag();
        if tag == gimli::DW_TAG_subprogram {
            let names = Names::of(parts.scope, unit, place.entry);
            return Some((names.plain?, names.declared?));
        }
        let (mut name, mut of) = (None, None);
        for_each_attribute(unit, Some(UnitOffset(place.entry)), |attribute| {
            match attribute.name() {
                gimli::DW_AT_name => name = text(unit, attribute.value()),
                gimli::DW_AT_specification => of = Some(attribute.value()),
                _ => {}
            }
        })?;
        // A type may be declared in its scope and defined elsewhere.
        let declared = match of {
            Some(AttributeValue::UnitRef(UnitOffset(entry))) => Place { entry, ..place },
            _ => place,
        };
        if name.is_none() && declared != place {
            let _ = for_each_attribute(unit, Some(UnitOffset(declared.entry)), |attribute| {
                if attribute.name() == gimli::DW_AT_name {
                    name = text(unit, attribute.value());
                }
            });
        }
        // As demanglers call them.
        let unnamed = match tag {
            gimli::DW_TAG_namespace => "(anonymous namespace)",
            _ => "(unnamed type)",
        };
        Some((name.unwrap_or_else(|| unnamed.to_owned()), declared))
    }
}
