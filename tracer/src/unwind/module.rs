//! All rows of one file, by file offset and without gaps.

use std::path::PathBuf;

use tracer_common::map::{MAX_SEGMENTS, Segment};
use tracer_common::reason::Reason;
use tracer_common::registers::index;
use tracer_common::rule::Rule;

use crate::address::{ElfAddress, FileOffset};
use crate::object::go::GoModule;
use crate::object::{LoadSegment, ObjectFile};

use super::rows::{Row, overlay, sort};
use super::{cfi, go};

/// Why a file cannot have rows.
#[derive(Debug, thiserror::Error)]
pub enum UnwindError {
    /// More executable segments than the kernel side holds.
    #[error(
        "cannot unwind through {}: it has {count} executable segments, at most {MAX_SEGMENTS} are \
         supported; link it without a custom segment layout",
        path.display()
    )]
    Segments {
        /// The file.
        path: PathBuf,
        /// How many it has.
        count: usize,
    },
    /// Code beyond what a frame's offset can name.
    #[error("cannot unwind through {}: it has code beyond its first 4 GiB; split it", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
}

/// The rows of one file's executable segments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModuleRows {
    /// The executable segments.
    pub segments: Vec<Segment>,
    /// Rules by file offset, sorted: each holds from its offset up to the next one's; the last one
    /// up to `end`. Neighbours differ.
    pub rows: Vec<(FileOffset, Rule)>,
    /// One past the last file offset.
    pub end: FileOffset,
}

impl ModuleRows {
    /// The rule at a file offset; that of no rule outside of all rows.
    #[must_use]
    pub fn rule(&self, offset: FileOffset) -> Rule {
        let index = self.rows.partition_point(|(start, _)| *start <= offset);
        index
            .checked_sub(1)
            .and_then(|index| self.rows.get(index))
            .filter(|_| offset < self.end)
            .map_or(NO_RULE, |(_, rule)| *rule)
    }
}

/// What holds where a file states nothing.
pub(super) const NO_RULE: Rule = Rule::none(Reason::NoRule);

/// What holds at the first instruction of a function that was called.
const AT_ENTRY: Rule = Rule::frame(index::SP, 8);

/// The rows of `object`: from `.debug_frame`, over them those from `.eh_frame`, and over these those
/// of its Go part. `entries` are first bytes of functions: where nothing else is stated of such a
/// byte, the return address lies at the stack pointer there, as after each call.
///
/// # Errors
/// Its segments are more or larger than the tables can hold.
pub fn module_rows(
    object: &ObjectFile,
    go: Option<&GoModule>,
    entries: &[ElfAddress],
) -> Result<ModuleRows, UnwindError> {
    let mut segments: Vec<_> = object
        .segments()
        .iter()
        .filter(|segment| segment.executable && segment.size != 0)
        .copied()
        .collect();
    segments.sort_by_key(|segment| segment.offset);
    if segments.len() > MAX_SEGMENTS {
        let count = segments.len();
        return Err(UnwindError::Segments { path: object.path().to_owned(), count });
    }
    if segments.iter().any(|s| s.offset.0.saturating_add(s.size) > 1 << 32) {
        return Err(UnwindError::TooLarge { path: object.path().to_owned() });
    }
    // What Go states of its own code in CFI lacks RBP.
    let is_native = |address| !go.is_some_and(|go| go.text_contains(address));
    let cfi = cfi::rows(object, is_native);
    let mut restorers = cfi.restorers;
    let entries = entries.iter().filter(|&&entry| entry != object.entry()).map(|&entry| Row {
        start: entry,
        end: entry.plus(1),
        rule: AT_ENTRY,
    });
    let mut rows = overlay(sort(entries.collect()), &sort(cfi.debug_rows));
    rows = overlay(rows, &sort(cfi.rows));
    if let Some(go) = go {
        let go = go::rows(go);
        restorers.extend(go.restorers);
        rows = overlay(rows, &sort(go.rows));
    }
    Ok(by_offset(&overlay(rows, &sort(restorers)), &segments))
}

/// Sorted, disjoint rows by address become one list by file offset, gaps filled, equal neighbours
/// merged. `segments` are sorted by offset.
pub(super) fn by_offset(rows: &[Row], segments: &[LoadSegment]) -> ModuleRows {
    let mut result = Merged { rows: Vec::with_capacity(rows.len()), done: 0 };
    for segment in segments {
        let (start, end) = (segment.address, segment.address.plus(segment.size));
        let offset_of = |address: ElfAddress| segment.offset.0 + (address.0 - start.0);
        let first = rows.partition_point(|row| row.end <= start);
        for row in rows.iter().skip(first).take_while(|row| row.start < end) {
            result.push(offset_of(row.start.max(start)), offset_of(row.end.min(end)), row.rule);
        }
        result.push(segment.offset.0 + segment.size, segment.offset.0 + segment.size, NO_RULE);
    }
    ModuleRows {
        segments: segments
            .iter()
            .map(|s| Segment { address: s.address.0, offset: s.offset.0, size: s.size })
            .collect(),
        end: FileOffset(result.done),
        rows: result.rows,
    }
}

/// A list under construction: it covers the offsets from its first row up to `done`.
struct Merged {
    rows: Vec<(FileOffset, Rule)>,
    done: u64,
}

impl Merged {
    /// Appends a rule; what lies before it and has none gets none. Where segments overlap in the
    /// file, the first holds.
    fn push(&mut self, start: u64, end: u64, rule: Rule) {
        let start = start.max(self.done);
        let end = end.max(self.done);
        if self.done < start {
            if self.rows.is_empty() {
                self.done = start;
            } else {
                self.append(NO_RULE);
                self.done = start;
            }
        }
        if start < end {
            self.append(rule);
            self.done = end;
        }
    }

    fn append(&mut self, rule: Rule) {
        if self.rows.last().is_none_or(|(_, last)| *last != rule) {
            self.rows.push((FileOffset(self.done), rule));
        }
    }
}

#[cfg(test)]
mod tests;
