//! What functions are declared in: namespaces, types, other functions.
//!
//! Compilers leave out the linkage name of what no other file can call. Where the function is only
//! inlined there is no symbol either, and its plain name would be mistaken for another's.

use gimli::{AttributeValue, DwTag, UnitOffset};

use super::UnitRef;
use super::entry::{Names, for_each_attribute, text};
use super::source::{Parts, Scope};
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

    /// Those of a unit.
    fn read(unit: UnitRef<'_>) -> Self {
        let mut scopes = Self::default();
        // Damage ends the search; what was found before it is true.
        let _ = scopes.collect(unit);
        scopes
    }

    fn collect(&mut self, unit: UnitRef<'_>) -> Option<()> {
        let mut entries = unit.entries_raw(None).ok()?;
        while !entries.is_empty() {
            let (entry, depth) = (entries.next_offset().0, entries.next_depth());
            let Some(abbreviation) = entries.read_abbreviation().ok()? else { continue };
            self.see(entry, depth, abbreviation.tag());
            entries.skip_attributes(abbreviation.attributes()).ok()?;
        }
        Some(())
    }

    /// The scope around an entry.
    fn parent(&self, entry: usize) -> Option<usize> {
        let entry = u32::try_from(entry).ok()?;
        let at = self.parents.binary_search_by_key(&entry, |(entry, _)| *entry).ok()?;
        Some(self.parents.get(at)?.1 as usize)
    }

    /// How many entries are held.
    pub(super) fn len(&self) -> usize {
        self.parents.len()
    }
}

/// An entry that declares something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Where its unit begins in its `.debug_info`, and whether that is of the common file.
    unit: (usize, bool),
    /// The entry's offset in the unit.
    entry: usize,
}

impl Place {
    pub(super) fn of(scope: Scope<'_>, unit: UnitRef<'_>, entry: usize) -> Option<Self> {
        Some(Self { unit: (unit.header.debug_info_offset()?.0, scope.is_supplement), entry })
    }
}

/// The scopes around a place, from the outermost on: `shop::Counter`. `own` are those of the unit
/// that `parts` are of.
pub(super) fn path(parts: Parts<'_>, own: &Scopes, place: Place) -> Option<String> {
    let here = Place::of(parts.scope, parts.entries, 0)?.unit;
    let mut other: Option<((usize, bool), Scopes)> = None;
    let (mut found, mut size) = (Vec::new(), 0);
    let mut at = place;
    loop {
        if at.unit != here && other.as_ref().is_none_or(|(unit, _)| *unit != at.unit) {
            let scopes = with_unit(parts, at.unit, |_, unit| Some(Scopes::read(unit)))?;
            other = Some((at.unit, scopes));
        }
        let scopes = match &other {
            Some((unit, scopes)) if *unit == at.unit => scopes,
            _ => own,
        };
        let Some(parent) = scopes.parent(at.entry) else { break };
        let (name, declared) =
            with_unit(parts, at.unit, |scope, unit| name(scope, unit, parent, at.unit))?;
        size += name.len();
        if found.len() == MAX_SCOPES || size > MAX_PATH {
            return None;
        }
        found.push(name);
        at = declared;
    }
    found.reverse();
    (!found.is_empty()).then(|| found.join("::"))
}

/// Reads a unit that `parts` may refer to.
fn with_unit<T>(
    parts: Parts<'_>,
    (start, is_supplement): (usize, bool),
    read: impl FnOnce(Scope<'_>, UnitRef<'_>) -> Option<T>,
) -> Option<T> {
    let scope = match is_supplement {
        true if !parts.scope.is_supplement => parts.scope.supplement()?,
        _ => parts.scope,
    };
    let is_own = parts.entries.header.debug_info_offset()?.0 == start;
    if is_own && is_supplement == parts.scope.is_supplement {
        return read(scope, parts.entries);
    }
    let unit = scope.unit_of(start)?;
    read(scope, scope.unit_ref(&unit))
}

/// The name of one scope, and where it was declared.
fn name(
    scope: Scope<'_>,
    unit: UnitRef<'_>,
    entry: usize,
    of: (usize, bool),
) -> Option<(String, Place)> {
    let mut entries = unit.entries_raw(Some(UnitOffset(entry))).ok()?;
    let tag = entries.read_abbreviation().ok()??.tag();
    if tag == gimli::DW_TAG_subprogram {
        let names = Names::of(scope, unit, entry);
        return Some((names.plain?, names.declared?));
    }
    let (name, specification) = type_name(unit, entry)?;
    let here = Place { unit: of, entry };
    // A type may be declared in its scope and defined elsewhere.
    let declared = specification.map_or(here, |entry| Place { entry, ..here });
    let name = name.or_else(|| type_name(unit, declared.entry)?.0);
    // As demanglers call them.
    let unnamed = match tag {
        gimli::DW_TAG_namespace => "(anonymous namespace)",
        _ => "(unnamed type)",
    };
    Some((name.unwrap_or_else(|| unnamed.to_owned()), declared))
}

/// The name of a type or namespace, and the entry in the unit that it completes.
fn type_name(unit: UnitRef<'_>, entry: usize) -> Option<(Option<String>, Option<usize>)> {
    let (mut name, mut specification) = (None, None);
    for_each_attribute(unit, Some(UnitOffset(entry)), |attribute| match attribute.name() {
        gimli::DW_AT_name => name = text(unit, attribute.value()),
        gimli::DW_AT_specification => {
            if let AttributeValue::UnitRef(UnitOffset(entry)) = attribute.value() {
                specification = Some(entry);
            }
        }
        _ => {}
    })?;
    Some((name, specification))
}
