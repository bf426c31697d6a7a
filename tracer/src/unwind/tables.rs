//! The session's tables: pages, rows and rules of all modules, as `tracer_common::table` has them.
//!
//! They only grow, so what changed since the last look is a range at the end. They are kept in
//! chunks of the size that the kernel's maps have.

use std::collections::hash_map::Entry;
use std::ops::Range;

use rustc_hash::FxHashMap;
use tracer_common::map::{MAX_SEGMENTS, Module, Segment};
use tracer_common::rule::Rule;
use tracer_common::table::{
    CHUNK_ENTRIES, CHUNK_SHIFT, MAX_CHUNKS, MAX_RULES, PAGE_SHIFT, Page, Row, find_row,
};

use super::module::{ModuleRows, NO_RULE};

/// Bytes of text that a page covers.
const PAGE_SIZE: u64 = 1 << PAGE_SHIFT;
/// Entries of all chunks.
const MAX_ENTRIES: usize = CHUNK_ENTRIES * MAX_CHUNKS as usize;
/// The most rows of a page.
const MAX_PAGE_ROWS: usize = PAGE_SIZE as usize;

/// The tables are full: the module is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "cannot add unwind rows: the session's table of {what} is full ({limit}); trace fewer programs \
     at once"
)]
pub struct TableFull {
    /// Which table.
    pub what: &'static str,
    /// How many entries it holds.
    pub limit: usize,
}

/// The distinct rules of a session, numbered. Rule 0 is that of no rule.
#[derive(Clone, Debug)]
pub struct RuleSet {
    rules: Vec<Rule>,
    numbers: FxHashMap<Rule, u32>,
}

impl Default for RuleSet {
    fn default() -> Self {
        Self { rules: vec![NO_RULE], numbers: FxHashMap::from_iter([(NO_RULE, 0)]) }
    }
}

impl RuleSet {
    /// The number of `rule`, a new one where it was not known.
    ///
    /// # Errors
    /// There are `MAX_RULES` rules already.
    pub fn number(&mut self, rule: Rule) -> Result<u32, TableFull> {
        match self.numbers.entry(rule) {
            Entry::Occupied(known) => Ok(*known.get()),
            Entry::Vacant(_) if self.rules.len() >= MAX_RULES => {
                Err(TableFull { what: "rules", limit: MAX_RULES })
            }
            Entry::Vacant(new) => {
                // Below MAX_RULES, so it fits.
                let number = self.rules.len() as u32;
                self.rules.push(rule);
                Ok(*new.insert(number))
            }
        }
    }

    /// The rules by number.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }
}

/// Entries in chunks of equal size, zero where unused.
#[derive(Clone, Debug, Default)]
struct Chunks {
    chunks: Vec<Vec<u32>>,
    length: usize,
    /// Entries that the last look has seen.
    seen: usize,
}

impl Chunks {
    /// Appends an entry and gives its index. The caller has made sure that there is room.
    fn push(&mut self, entry: u32) -> u32 {
        let index = self.length;
        if index >> CHUNK_SHIFT == self.chunks.len() {
            self.chunks.push(vec![0; CHUNK_ENTRIES]);
        }
        if let Some(chunk) = self.chunks.last_mut() {
            chunk[index & (CHUNK_ENTRIES - 1)] = entry;
        }
        self.length += 1;
        index as u32
    }

    /// Leaves the rest of a chunk unused where it has no room for `count` entries.
    fn reserve(&mut self, count: usize) {
        if CHUNK_ENTRIES - (self.length & (CHUNK_ENTRIES - 1)) < count {
            self.length = self.length.next_multiple_of(CHUNK_ENTRIES);
        }
    }

    fn get(&self, index: u32) -> u32 {
        let index = index as usize;
        self.chunks.get(index >> CHUNK_SHIFT).map_or(0, |chunk| chunk[index & (CHUNK_ENTRIES - 1)])
    }

    /// The chunks with entries that the last call did not see.
    fn take_changed(&mut self) -> Range<usize> {
        let changed = self.seen >> CHUNK_SHIFT..self.chunks.len();
        let unchanged = self.seen == self.length;
        self.seen = self.length;
        if unchanged { changed.end..changed.end } else { changed }
    }
}

/// What has to be written anew: numbers of chunks, and of rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changes {
    /// Chunks of pages.
    pub pages: Range<usize>,
    /// Chunks of rows.
    pub rows: Range<usize>,
    /// Rules.
    pub rules: Range<usize>,
}

/// All tables of a session. They grow only, and are never rearranged: a walk may read them
/// meanwhile.
#[derive(Clone, Debug)]
pub struct Tables {
    pages: Chunks,
    rows: Chunks,
    rules: RuleSet,
    rules_seen: usize,
    /// The row that stands for a page with one rule, by the rule.
    single: FxHashMap<u32, u32>,
}

impl Default for Tables {
    fn default() -> Self {
        let mut rows = Chunks::default();
        // Zeros, in whatever table, lead to no rule.
        let none = rows.push(Row::new(0, 0).0);
        Self {
            pages: Chunks::default(),
            rows,
            rules: RuleSet::default(),
            rules_seen: 0,
            single: FxHashMap::from_iter([(0, none)]),
        }
    }
}

impl Tables {
    /// Adds the rows of a module. The result is what the kernel's table of modules needs.
    ///
    /// # Errors
    /// A table has no room for them; nothing but rules has been added then.
    pub fn add_module(&mut self, module: &ModuleRows) -> Result<Module, TableFull> {
        let mut segments = [Segment::default(); MAX_SEGMENTS];
        for (slot, segment) in segments.iter_mut().zip(&module.segments) {
            *slot = *segment;
        }
        let first = module.rows.first().map_or(module.end.0, |(start, _)| start.0);
        let first_offset = first & !(PAGE_SIZE - 1);
        let page_count = (module.end.0 - first_offset).div_ceil(PAGE_SIZE) as usize;
        self.check_room(page_count, module.rows.len() + 1)?;
        // The rows end in the middle of a page.
        let end = (module.end, NO_RULE);
        let numbered = module
            .rows
            .iter()
            .chain([&end])
            .map(|(start, rule)| Ok((start.0, self.rules.number(*rule)?)))
            .collect::<Result<Vec<_>, TableFull>>()?;

        let first_page = self.pages.length as u32;
        let mut rest = numbered.as_slice();
        // The rule that holds where a page starts: none before the first row.
        let mut current = 0;
        let mut page_rows = Vec::with_capacity(MAX_PAGE_ROWS);
        for page in 0..page_count as u64 {
            let start = first_offset + page * PAGE_SIZE;
            page_rows.clear();
            page_rows.push(Row::new(0, current));
            while let Some((&(offset, rule), behind)) = rest.split_first() {
                if offset >= start + PAGE_SIZE {
                    break;
                }
                if offset == start {
                    page_rows.clear();
                }
                page_rows.push(Row::new((offset - start) as u8, rule));
                current = rule;
                rest = behind;
            }
            let entry = self.push_page_rows(&page_rows);
            self.pages.push(entry.0);
        }
        Ok(Module {
            first_offset,
            first_page,
            pages: page_count as u32,
            segments,
            debug_address: 0,
        })
    }

    /// Whether the worst case fits: every page with a row more, and a chunk's end unused.
    fn check_room(&self, pages: usize, rows: usize) -> Result<(), TableFull> {
        let full = |what| Err(TableFull { what, limit: MAX_ENTRIES });
        if pages > MAX_ENTRIES - self.pages.length {
            return full("pages");
        }
        let worst = rows + pages;
        let padded = worst + (worst / CHUNK_ENTRIES + 2) * MAX_PAGE_ROWS;
        if padded > MAX_ENTRIES - self.rows.length {
            return full("rows");
        }
        Ok(())
    }

    fn push_page_rows(&mut self, page_rows: &[Row]) -> Page {
        if let [single] = page_rows {
            let rows = &mut self.rows;
            let index = *self.single.entry(single.rule()).or_insert_with(|| rows.push(single.0));
            return Page::new(index, 1);
        }
        self.rows.reserve(page_rows.len());
        let first = self.rows.length as u32;
        for row in page_rows {
            self.rows.push(row.0);
        }
        Page::new(first, page_rows.len() as u32)
    }

    /// The rule at a file offset of a module, as the kernel looks it up; `None` outside of it.
    #[must_use]
    pub fn rule(&self, module: &Module, offset: u64) -> Option<Rule> {
        let within = offset.checked_sub(module.first_offset)?;
        let page = u32::try_from(within >> PAGE_SHIFT).ok().filter(|&page| page < module.pages)?;
        let page = Page(self.pages.get(module.first_page + page));
        let low = (within & (PAGE_SIZE - 1)) as u8;
        let row = find_row(page.count(), low, |i| Row(self.rows.get(page.first() + i)));
        self.rules.rules.get(row.rule() as usize).copied()
    }

    /// Chunks of page entries, [`CHUNK_ENTRIES`] each.
    #[must_use]
    pub fn pages(&self) -> &[Vec<u32>] {
        &self.pages.chunks
    }

    /// Chunks of rows, [`CHUNK_ENTRIES`] each.
    #[must_use]
    pub fn rows(&self) -> &[Vec<u32>] {
        &self.rows.chunks
    }

    /// How many row entries are in use, padding included.
    #[must_use]
    pub fn row_count(&self) -> usize {
        self.rows.length
    }

    /// The rules by number.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        self.rules.rules()
    }

    /// What was added since the last call. Rules and rows are to be written before pages, and
    /// pages before the module, so that a walk never meets a half-written one.
    pub fn take_changes(&mut self) -> Changes {
        let rules = self.rules_seen..self.rules.rules.len();
        self.rules_seen = rules.end;
        Changes { pages: self.pages.take_changed(), rows: self.rows.take_changed(), rules }
    }
}

#[cfg(test)]
mod tests;
