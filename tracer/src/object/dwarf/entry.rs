//! Attributes of one entry: its extent, its names.

use gimli::{Attribute, AttributeValue, RangeListsOffset, UnitOffset};

use super::scope::Place;
use super::source::{Parts, Scope};
use super::{Budget, Slice, UnitRef};
use crate::object::Language;

/// How many references from entry to entry are followed for a name.
const MAX_REFERENCES: u8 = 16;

/// The longest name or path, in bytes.
const MAX_TEXT: usize = 64 << 10;

/// Which addresses an entry covers.
#[derive(Default)]
pub(super) struct Extent {
    low: Option<u64>,
    high: Option<High>,
    ranges: Option<RangeListsOffset<usize>>,
}

#[derive(Clone, Copy)]
enum High {
    Address(u64),
    Size(u64),
}

impl Extent {
    /// The extent of a unit's root entry.
    pub(super) fn of_unit(unit: UnitRef<'_>) -> Option<Self> {
        let mut extent = Self::default();
        for_each_attribute(unit, None, |attribute| extent.take(unit, attribute))?;
        Some(extent)
    }

    /// Takes what one attribute says of the extent.
    pub(super) fn take<'a>(&mut self, unit: UnitRef<'a>, attribute: &Attribute<Slice<'a>>) {
        match attribute.name() {
            gimli::DW_AT_low_pc => self.low = unit.attr_address(attribute.value()).ok().flatten(),
            gimli::DW_AT_high_pc => {
                self.high = match unit.attr_address(attribute.value()) {
                    Ok(Some(address)) => Some(High::Address(address)),
                    _ => attribute.udata_value().map(High::Size),
                };
            }
            gimli::DW_AT_ranges => {
                self.ranges = unit.attr_ranges_offset(attribute.value()).ok().flatten();
            }
            _ => {}
        }
    }

    /// Calls `each` with every begin and end. `None` where there is no extent, or the budget or
    /// the list ended early.
    pub(super) fn for_each(
        &self,
        unit: UnitRef<'_>,
        budget: &mut Budget,
        mut each: impl FnMut(u64, u64),
    ) -> Option<()> {
        if let Some(ranges) = self.ranges {
            let mut ranges = unit.ranges(ranges).ok()?;
            while let Some(range) = ranges.next().ok()? {
                budget.spend()?;
                each(range.begin, range.end);
            }
            return Some(());
        }
        budget.spend()?;
        let low = self.low?;
        let high = match self.high? {
            High::Address(address) => address,
            High::Size(size) => low.checked_add(size)?,
        };
        each(low, high);
        Some(())
    }
}

/// The entry of a function, as another refers to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Origin {
    /// In the same unit.
    Unit(usize),
    /// In any unit.
    Info(usize),
    /// In the file that the module has in common with others.
    Supplement(usize),
}

impl Origin {
    /// What an attribute refers to.
    pub(super) fn of(value: AttributeValue<Slice<'_>>) -> Option<Self> {
        match value {
            AttributeValue::UnitRef(entry) => Some(Self::Unit(entry.0)),
            AttributeValue::DebugInfoRef(entry) => Some(Self::Info(entry.0)),
            AttributeValue::DebugInfoRefSup(entry) => Some(Self::Supplement(entry.0)),
            _ => None,
        }
    }

    /// The names, seen from a unit.
    pub(super) fn names(self, from: Parts<'_>) -> Names {
        let mut names = Names::of_unit(from.entries);
        names.follow(from.scope, from.entries, self, MAX_REFERENCES);
        names
    }
}

/// What a function is called.
#[derive(Debug)]
pub(super) struct Names {
    pub(super) linkage: Option<String>,
    pub(super) plain: Option<String>,
    pub(super) language: Language,
    /// The last entry on the way from the first: where it was declared.
    pub(super) declared: Option<Place>,
}

impl Names {
    /// No names, and the language of a unit.
    pub(super) fn of_unit(unit: UnitRef<'_>) -> Self {
        Self { linkage: None, plain: None, language: language_of(unit), declared: None }
    }

    /// The names of an entry, or of the one that it was made from; the language of the unit where
    /// that one stands.
    pub(super) fn of(scope: Scope<'_>, unit: UnitRef<'_>, entry: usize) -> Self {
        let mut names = Self::of_unit(unit);
        names.add(scope, unit, entry, MAX_REFERENCES);
        names
    }

    fn add(
        &mut self,
        scope: Scope<'_>,
        unit: UnitRef<'_>,
        entry: usize,
        references: u8,
    ) -> Option<()> {
        let mut origin = None;
        for_each_attribute(unit, Some(UnitOffset(entry)), |attribute| match attribute.name() {
            gimli::DW_AT_linkage_name | gimli::DW_AT_MIPS_linkage_name => {
                self.linkage = self.linkage.take().or_else(|| text(unit, attribute.value()));
            }
            gimli::DW_AT_name => {
                self.plain = self.plain.take().or_else(|| text(unit, attribute.value()));
            }
            gimli::DW_AT_abstract_origin | gimli::DW_AT_specification => {
                origin = Origin::of(attribute.value());
            }
            _ => {}
        })?;
        self.declared = Place::of(scope, unit, entry);
        self.follow(scope, unit, origin?, references.checked_sub(1)?)
    }

    /// Adds the names of what an entry of `unit` refers to.
    fn follow(
        &mut self,
        scope: Scope<'_>,
        unit: UnitRef<'_>,
        origin: Origin,
        references: u8,
    ) -> Option<()> {
        match origin {
            Origin::Unit(entry) => self.add(scope, unit, entry, references),
            Origin::Info(entry) => self.add_other(scope, entry, references),
            Origin::Supplement(entry) => self.add_other(scope.supplement()?, entry, references),
        }
    }

    /// Adds the names of an entry of any unit of `scope`.
    fn add_other(&mut self, scope: Scope<'_>, entry: usize, references: u8) -> Option<()> {
        let (unit, entry) = scope.unit_at(entry)?;
        let unit = scope.unit_ref(&unit);
        // A partial unit may not say its language.
        let language = language_of(unit);
        if language != Language::Unknown {
            self.language = language;
        }
        self.add(scope, unit, entry, references)
    }
}

/// Calls `each` with every attribute of one entry; of the unit's root where none is given.
pub(super) fn for_each_attribute<'a>(
    unit: UnitRef<'a>,
    entry: Option<UnitOffset<usize>>,
    mut each: impl FnMut(&Attribute<Slice<'a>>),
) -> Option<()> {
    let mut entries = unit.entries_raw(entry).ok()?;
    let abbreviation = entries.read_abbreviation().ok()??;
    for specification in abbreviation.attributes() {
        each(&entries.read_attribute(*specification).ok()?);
    }
    Some(())
}

/// The language that a unit declares.
pub(super) fn language_of(unit: UnitRef<'_>) -> Language {
    let mut language = Language::Unknown;
    let _ = for_each_attribute(unit, None, |attribute| {
        if let (gimli::DW_AT_language, AttributeValue::Language(declared)) =
            (attribute.name(), attribute.value())
        {
            language = language_named(declared);
        }
    });
    language
}

fn language_named(language: gimli::DwLang) -> Language {
    match language {
        gimli::DW_LANG_C89
        | gimli::DW_LANG_C
        | gimli::DW_LANG_C99
        | gimli::DW_LANG_C11
        | gimli::DW_LANG_C17 => Language::C,
        gimli::DW_LANG_C_plus_plus
        | gimli::DW_LANG_C_plus_plus_03
        | gimli::DW_LANG_C_plus_plus_11
        | gimli::DW_LANG_C_plus_plus_14
        | gimli::DW_LANG_C_plus_plus_17
        | gimli::DW_LANG_C_plus_plus_20 => Language::Cpp,
        gimli::DW_LANG_Rust => Language::Rust,
        gimli::DW_LANG_Go => Language::Go,
        gimli::DW_LANG_Mips_Assembler | gimli::DW_LANG_SUN_Assembler => Language::Asm,
        _ => Language::Unknown,
    }
}

/// A text attribute; `None` where it is empty, too long or damaged.
pub(super) fn text<'a>(unit: UnitRef<'a>, value: AttributeValue<Slice<'a>>) -> Option<String> {
    let text = unit.attr_string(value).ok()?;
    let bytes = text.slice();
    (!bytes.is_empty() && bytes.len() <= MAX_TEXT)
        .then(|| String::from_utf8_lossy(bytes).into_owned())
}
