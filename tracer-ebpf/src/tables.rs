//! From (module, file offset) to an unwind rule, by the session's tables.

use tracer_common::bound::bounded;
use tracer_common::reason::Reason;
use tracer_common::rule::Rule;
use tracer_common::table::{
    CHUNK_ENTRIES, CHUNK_SHIFT, MAX_RULES, PAGE_SHIFT, Page, Row, find_row,
};
use tracer_common::walk::Location;

use crate::maps::{MODULES, PAGES, ROWS, RULES};

const ENTRY_MASK: u64 = CHUNK_ENTRIES as u64 - 1;

/// The rule at a location.
#[inline(always)]
pub(crate) fn rule(location: Location) -> Result<Rule, Reason> {
    let module = MODULES.get(location.module as u32).ok_or(Reason::UnknownModule)?;
    let page = location.offset.wrapping_sub(module.first_offset) >> PAGE_SHIFT;
    if page >= module.pages as u64 {
        return Err(Reason::NoRule);
    }
    let page = page + module.first_page as u64;
    let pages = PAGES.get_value((page >> CHUNK_SHIFT) as u32, &0).ok_or(Reason::TableFull)?;
    let page = Page(pages[bounded::<ENTRY_MASK>(page)]);
    let rows = ROWS.get_value(page.first() >> CHUNK_SHIFT, &0).ok_or(Reason::TableFull)?;
    let first = page.first() as u64;
    let row = find_row(page.count(), location.offset as u8, |index| {
        Row(rows[bounded::<ENTRY_MASK>(first + index as u64)])
    });
    let rules = RULES.get(0).ok_or(Reason::TableFull)?;
    Ok(rules[bounded::<{ MAX_RULES as u64 - 1 }>(row.rule() as u64)])
}
