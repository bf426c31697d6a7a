//! Functions of one unit, and the calls inlined into one function.

use std::ops::Range;

use gimli::{AttributeValue, UnitOffset};

use super::entry::{Extent, Origin};
use super::scope::Scopes;
use super::{Budget, Code, UnitRef};
use crate::object::ranges::Ranges;

/// The most calls inlined into one another at one address.
const MAX_INLINED: usize = 256;

/// The most ranges of calls inlined into one function.
const MAX_RANGES: u64 = 1 << 20;

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

/// The calls inlined into one function, all of them.
#[derive(Debug, Default)]
pub(super) struct Calls {
    /// In the order of their entries: each is followed by those inlined into it.
    calls: Vec<Call>,
    ranges: Vec<(u64, u64)>,
}

#[derive(Debug)]
struct Call {
    inlined: Inlined,
    /// Its ranges, as indexes.
    ranges: Range<u32>,
    /// The index of the first call behind it that is not inlined into it.
    end: u32,
}

/// One inlined call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Inlined {
    /// The entry that names what was called.
    pub(super) origin: Origin,
    /// Where it was called: the index of the file, and the line.
    pub(super) call: Option<(u32, u32)>,
}

impl Calls {
    /// Those of the function at `entry`.
    pub(super) fn read(unit: UnitRef<'_>, entry: usize) -> Self {
        let mut calls = Self::default();
        // Damage ends the search. What is left out are calls, and their callers stay true.
        let mut open = Vec::new();
        let _ = calls.collect(unit, entry, &mut open);
        calls.close(&mut open, isize::MIN);
        // Many are kept, and none grows any more.
        calls.calls.shrink_to_fit();
        calls.ranges.shrink_to_fit();
        calls
    }

    /// The calls at an address, the innermost first.
    pub(super) fn at(&self, address: u64) -> Vec<Inlined> {
        let mut chain = Vec::new();
        let (mut at, mut end) = (0, self.calls.len());
        while at < end && chain.len() < MAX_INLINED {
            let Some(call) = self.calls.get(at) else { break };
            let ranges = self.ranges.get(call.ranges.start as usize..call.ranges.end as usize);
            let ranges = ranges.unwrap_or_default();
            if ranges.iter().any(|(begin, end)| (*begin..*end).contains(&address)) {
                chain.push(call.inlined);
                (at, end) = (at + 1, call.end as usize);
            } else {
                at = (call.end as usize).max(at + 1);
            }
        }
        chain.reverse();
        chain
    }

    /// How much is held.
    pub(super) fn len(&self) -> usize {
        self.calls.len() * 3 + self.ranges.len()
    }

    fn collect(
        &mut self,
        unit: UnitRef<'_>,
        entry: usize,
        open: &mut Vec<(isize, usize)>,
    ) -> Option<()> {
        let mut budget = Budget(MAX_RANGES);
        let mut entries = unit.entries_raw(Some(UnitOffset(entry))).ok()?;
        let function = entries.next_depth();
        let abbreviation = entries.read_abbreviation().ok()??;
        entries.skip_attributes(abbreviation.attributes()).ok()?;
        // The depth of a subtree that is not the function's.
        let mut skipped: Option<isize> = None;
        while !entries.is_empty() {
            let depth = entries.next_depth();
            if depth <= function {
                break;
            }
            let entry = entries.next_offset().0;
            let Some(abbreviation) = entries.read_abbreviation().ok()? else { continue };
            if skipped.is_some_and(|skipped| depth > skipped) {
                entries.skip_attributes(abbreviation.attributes()).ok()?;
                continue;
            }
            skipped = None;
            self.close(open, depth);
            match abbreviation.tag() {
                gimli::DW_TAG_inlined_subroutine => {
                    let mut extent = Extent::default();
                    let (mut file, mut line, mut origin) = (None, 0, None);
                    for specification in abbreviation.attributes() {
                        let attribute = entries.read_attribute(*specification).ok()?;
                        match (attribute.name(), attribute.value()) {
                            (gimli::DW_AT_call_file, value) => file = file_index(unit, value),
                            (gimli::DW_AT_call_line, _) => {
                                line = attribute.udata_value().map_or(0, as_line);
                            }
                            (gimli::DW_AT_abstract_origin, value) => origin = Origin::of(value),
                            _ => extent.take(unit, &attribute),
                        }
                    }
                    let first = u32::try_from(self.ranges.len()).ok()?;
                    let ranges = &mut self.ranges;
                    let _ = extent.for_each(unit, &mut budget, |begin, end| {
                        if begin < end {
                            ranges.push((begin, end));
                        }
                    });
                    let last = u32::try_from(self.ranges.len()).ok()?;
                    open.push((depth, self.calls.len()));
                    let call = file.and_then(|file| Some((u32::try_from(file).ok()?, line)));
                    let origin = origin.unwrap_or(Origin::Unit(entry));
                    let inlined = Inlined { origin, call };
                    self.calls.push(Call { inlined, ranges: first..last, end: 0 });
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

    /// Ends the calls that what follows at this depth is not inlined into.
    fn close(&mut self, open: &mut Vec<(isize, usize)>, depth: isize) {
        let end = u32::try_from(self.calls.len()).unwrap_or(u32::MAX);
        while let Some((_, index)) = open.pop_if(|(of, _)| *of >= depth) {
            if let Some(call) = self.calls.get_mut(index) {
                call.end = end;
            }
        }
    }
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
