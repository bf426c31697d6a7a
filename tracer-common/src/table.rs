//! Which rule holds where: pages of 256 bytes of text, and rows in them.
//!
//! All modules of a session share one space of pages, one of rows and one of rules. A module owns
//! a range of pages; page i of it covers the file offsets `first_offset + 256 i` on, where
//! `first_offset` is a multiple of 256. A page entry names the rows of the page; the first row of a
//! page starts at its byte 0, so the search never leaves the page. The rows of one page lie in one
//! chunk.

use crate::bound::less;

/// log2 of the bytes of text that a page covers.
pub const PAGE_SHIFT: u32 = 8;
/// log2 of the entries of a chunk.
pub const CHUNK_SHIFT: u32 = 16;
/// Entries of a chunk, each a `u32`: 256 KiB.
pub const CHUNK_ENTRIES: usize = 1 << CHUNK_SHIFT;
/// Chunks of pages, and of rows: 4 GiB of text and 16 million rows in a session.
pub const MAX_CHUNKS: u32 = 256;
/// Distinct rules of a session; a power of two.
pub const MAX_RULES: usize = 1 << 16;

/// The rows of one page: bits 8 to 31 the index of the first, bits 0 to 7 their count less one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct Page(pub u32);

impl Page {
    /// The page whose rows are `count` (1 to 256) from `first` (below 2^24) on.
    #[must_use]
    pub const fn new(first: u32, count: u32) -> Self {
        Self(first << 8 | (count.wrapping_sub(1) & 0xff))
    }

    /// The index of the first row.
    #[inline(always)]
    #[must_use]
    pub const fn first(self) -> u32 {
        self.0 >> 8
    }

    /// How many rows the page has, 1 to 256.
    #[inline(always)]
    #[must_use]
    pub const fn count(self) -> u32 {
        (self.0 & 0xff) + 1
    }
}

/// One row: bits 24 to 31 its first byte within the page, bits 0 to 23 the index of its rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct Row(pub u32);

impl Row {
    /// The row from byte `start` of its page on, with the rule `rule` (below 2^24).
    #[must_use]
    pub const fn new(start: u8, rule: u32) -> Self {
        Self((start as u32) << 24 | (rule & 0xff_ffff))
    }

    /// The first byte within the page.
    #[must_use]
    pub const fn start(self) -> u8 {
        (self.0 >> 24) as u8
    }

    /// The index of the rule.
    #[inline(always)]
    #[must_use]
    pub const fn rule(self) -> u32 {
        self.0 & 0xff_ffff
    }
}

/// The last row of a page that starts at or before byte `low` of it, in branch-free steps: five
/// for the pages with few rows, which nearly all are, else eight.
///
/// `row(i)` gives row i of the page; it is called with i below `count` only.
#[inline(always)]
pub fn find_row(count: u32, low: u8, row: impl Fn(u32) -> Row) -> Row {
    if count <= 32 { search::<16>(count, low, row) } else { search::<128>(count, low, row) }
}

/// The search among less than twice `STEP` rows, or just as many.
#[inline(always)]
fn search<const STEP: u64>(count: u32, low: u8, row: impl Fn(u32) -> Row) -> Row {
    let above = ((low as u64) << 24 | 0xff_ffff) + 1;
    let mut at = 0u64;
    let mut step = STEP;
    while step != 0 {
        let next = at + step;
        let exists = less(next, count as u64);
        // Reading row 0 instead of one that does not exist keeps `row` within the page.
        let starts = less(row((next * exists) as u32).0 as u64, above);
        at += step * (exists & starts);
        step >>= 1;
    }
    row(at as u32)
}
