//! Functions of one unit, and the calls inlined into one function.

use gimli::{AttributeValue, UnitOffset};

use super::entry::Extent;
use super::scope::Scopes;
use super::{Budget, Code, UnitRef};
use crate::object::ranges::Ranges;

/// The most calls inlined into one another at one address.
const MAX_INLINED: usize = 256;

/// Every range of a function with code, and its entry's offset in the unit.
pub(super) fn extents(unit: UnitRef<'_>, code: &Code) -> Ranges<usize> {
    extents_and_scopes(unit, code).0
}

/// The same, and what the unit's functions are declared in.
pub(super) fn extents_and_scopes(unit: UnitRef<'_>, code: &Code) -> (Ranges<usize>, Scopes) {
    let (mut found, mut scopes) = (Vec::new(), Scopes::default());
    // Damage ends the search; what was found before it is true.
    let _ = collect(unit, code, &mut found, &mut scopes);
    (Ranges::new(found), scopes)
}

fn collect(
    unit: UnitRef<'_>,
    code: &Code,
    found: &mut Vec<(u64, u64, usize)>,
    scopes: &mut Scopes,
) -> Option<()> {
    let mut budget = Budget::default();
    let mut entries = unit.entries_raw(None).ok()?;
    while !entries.is_empty() {
        let (entry, depth) = (entries.next_offset().0, entries.next_depth());
        let Some(abbreviation) = entries.read_abbreviation().ok()? else { continue };
        scopes.see(entry, depth, abbreviation.tag());
        if abbreviation.tag() != gimli::DW_TAG_subprogram {
            entries.skip_attributes(abbreviation.attributes()).ok()?;
            continue;
        }
        let mut extent = Extent::default();
        for specification in abbreviation.attributes() {
            extent.take(unit, &entries.read_attribute(*specification).ok()?);
        }
        // A declaration has no extent: not a failure.
        let _ = extent.for_each(unit, &mut budget, |begin, end| {
            if code.holds(begin) {
                found.push((begin, end, entry));
            }
        });
    }
    Some(())
}

/// One inlined call that covers an address.
pub(super) struct Inlined {
    /// The offset of its entry in the unit.
    pub(super) entry: usize,
    /// Where it was called: the index of the file, and the line.
    pub(super) call: Option<(u64, u32)>,
}

/// The inlined calls at an address in the function at `entry`, the innermost first.
pub(super) fn inlined_at(unit: UnitRef<'_>, entry: usize, address: u64) -> Vec<Inlined> {
    let mut chain = Vec::new();
    // Damage ends the search. What is left out is the innermost, and its callers stay true.
    let _ = collect_inlined(unit, entry, address, &mut chain);
    chain.reverse();
    chain
}

fn collect_inlined(
    unit: UnitRef<'_>,
    entry: usize,
    address: u64,
    chain: &mut Vec<Inlined>,
) -> Option<()> {
    let mut budget = Budget::default();
    let mut entries = unit.entries_raw(Some(UnitOffset(entry))).ok()?;
    let function = entries.next_depth();
    let abbreviation = entries.read_abbreviation().ok()??;
    entries.skip_attributes(abbreviation.attributes()).ok()?;
    // The depth of the innermost call found, and of a subtree that does not hold the address.
    let mut innermost = function;
    let mut skipped: Option<isize> = None;
    while !entries.is_empty() && chain.len() < MAX_INLINED {
        let depth = entries.next_depth();
        if depth <= innermost {
            break;
        }
        let entry = entries.next_offset().0;
        let Some(abbreviation) = entries.read_abbreviation().ok()? else { continue };
        if skipped.is_some_and(|skipped| depth > skipped) {
            entries.skip_attributes(abbreviation.attributes()).ok()?;
            continue;
        }
        skipped = None;
        match abbreviation.tag() {
            gimli::DW_TAG_inlined_subroutine => {
                let mut extent = Extent::default();
                let (mut file, mut line) = (None, 0);
                for specification in abbreviation.attributes() {
                    let attribute = entries.read_attribute(*specification).ok()?;
                    match attribute.name() {
                        gimli::DW_AT_call_file => file = file_index(unit, attribute.value()),
                        gimli::DW_AT_call_line => {
                            line = attribute.udata_value().map_or(0, as_line);
                        }
                        _ => extent.take(unit, &attribute),
                    }
                }
                if extent.holds(unit, &mut budget, address) {
                    chain.push(Inlined { entry, call: file.map(|file| (file, line)) });
                    innermost = depth;
                } else {
                    skipped = Some(depth);
                }
            }
            tag => {
                entries.skip_attributes(abbreviation.attributes()).ok()?;
                // A function declared inside this one has code of its own.
                if tag == gimli::DW_TAG_subprogram {
                    skipped = Some(depth);
                }
            }
        }
    }
    Some(())
}

/// The file that a call names. Index 0 is no file before version 5.
pub(super) fn file_index(
    unit: UnitRef<'_>,
    value: AttributeValue<super::Slice<'_>>,
) -> Option<u64> {
    match value {
        AttributeValue::FileIndex(0) if unit.header.version() < 5 => None,
        AttributeValue::FileIndex(index) => Some(index),
        _ => None,
    }
}

/// A line as the model has it; 0, no line, where it is no possible one.
pub(super) fn as_line(line: u64) -> u32 {
    u32::try_from(line).unwrap_or(0)
}
