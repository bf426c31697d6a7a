use proptest::prelude::*;
use tracer_common::registers::index;

use super::*;
use crate::address::FileOffset;

/// Rules that differ by their number.
fn rule(number: u32) -> Rule {
    if number == 0 { NO_RULE } else { Rule::frame(index::SP, number as i32 * 8) }
}

fn module(start: u64, lengths: &[(u64, u32)]) -> ModuleRows {
    let mut rows = Vec::new();
    let mut offset = start;
    for &(length, number) in lengths {
        rows.push((FileOffset(offset), rule(number)));
        offset += length;
    }
    ModuleRows { segments: Vec::new(), rows, end: FileOffset(offset) }
}

/// The packed rules equal the plain ones on every byte, and a page around.
fn check(tables: &Tables, packed: &Module, plain: &ModuleRows) {
    assert_eq!(packed.first_offset % PAGE_SIZE, 0);
    let end = packed.first_offset + u64::from(packed.pages) * PAGE_SIZE;
    for offset in packed.first_offset..end {
        let expected = plain.rule(FileOffset(offset));
        assert_eq!(tables.rule(packed, offset), Some(expected), "at {offset:#x}");
    }
    assert_eq!(tables.rule(packed, end), None);
    assert_eq!(packed.first_offset.checked_sub(1).and_then(|o| tables.rule(packed, o)), None);
    let (first, last) = (plain.rows.first(), plain.end.0);
    assert!(first.is_none_or(|(start, _)| packed.first_offset <= start.0) && last <= end);
}

fn modules() -> impl Strategy<Value = Vec<ModuleRows>> {
    let row = prop_oneof![(1..20u64, 0..8u32), (1..2000u64, 0..8u32)];
    let one = (0..5000u64, proptest::collection::vec(row, 0..60));
    let one = one.prop_map(|(start, lengths)| module(start, &lengths));
    proptest::collection::vec(one, 1..4)
}

proptest! {
    #[test]
    fn packed_rows_are_the_plain_rows(modules in modules()) {
        let mut tables = Tables::default();
        let packed: Vec<_> =
            modules.iter().map(|module| tables.add_module(module).unwrap()).collect();
        for (packed, plain) in packed.iter().zip(&modules) {
            check(&tables, packed, plain);
        }
    }
}

#[test]
fn a_page_may_have_a_row_for_each_byte() {
    let lengths: Vec<_> = (0..600).map(|i| (1, i % 7)).collect();
    let plain = module(PAGE_SIZE - 3, &lengths);
    let mut tables = Tables::default();
    let packed = tables.add_module(&plain).unwrap();
    check(&tables, &packed, &plain);
}

#[test]
fn the_rows_of_a_page_lie_in_one_chunk() {
    // Pages of 200 rows: a chunk's end comes within a page's rows.
    let mut lengths = Vec::new();
    for page in 0..400u32 {
        lengths.extend((0..199).map(|i| (1, (page + i) % 5 + 1)));
        lengths.push((57, 6));
    }
    let plain = module(0, &lengths);
    let mut tables = Tables::default();
    let packed = tables.add_module(&plain).unwrap();
    assert!(tables.rows().len() > 1);
    for page in 0..packed.pages {
        let page = Page(tables.pages.get(packed.first_page + page));
        let last = page.first() + page.count() - 1;
        assert_eq!(page.first() >> CHUNK_SHIFT, last >> CHUNK_SHIFT);
    }
    check(&tables, &packed, &plain);
}

#[test]
fn pages_of_one_rule_share_their_row() {
    let mut tables = Tables::default();
    let before = tables.row_count();
    let plain = module(0, &[(PAGE_SIZE * 1000, 1), (PAGE_SIZE * 1000, 2), (PAGE_SIZE, 1)]);
    let packed = tables.add_module(&plain).unwrap();
    assert_eq!(tables.row_count() - before, 2);
    check(&tables, &packed, &plain);
}

#[test]
fn rules_are_shared_between_modules() {
    let mut tables = Tables::default();
    let plain = module(0, &[(3, 1), (5, 2), (7, 1), (9, 0)]);
    tables.add_module(&plain).unwrap();
    // Two, and that of no rule.
    assert_eq!(tables.rules().len(), 3);
    tables.add_module(&plain).unwrap();
    assert_eq!(tables.rules().len(), 3);
}

#[test]
fn zeros_lead_to_no_rule() {
    let tables = Tables::default();
    assert_eq!(tables.rules(), [NO_RULE]);
    let page = Page(0);
    let row = find_row(page.count(), 77, |i| Row(tables.rows.get(page.first() + i)));
    assert_eq!(tables.rules()[row.rule() as usize], NO_RULE);
}

#[test]
fn changes_name_each_chunk_that_has_something_new() {
    let mut tables = Tables::default();
    let plain = module(0, &[(3, 1), (5, 2)]);
    assert_eq!(tables.take_changes(), Changes { pages: 0..0, rows: 0..1, rules: 0..1 });
    tables.add_module(&plain).unwrap();
    assert_eq!(tables.take_changes(), Changes { pages: 0..1, rows: 0..1, rules: 1..3 });
    assert_eq!(tables.take_changes(), Changes { pages: 1..1, rows: 1..1, rules: 3..3 });
    // Known rules, more pages than a chunk has.
    let large = module(0, &[(PAGE_SIZE * (CHUNK_ENTRIES as u64 + 10), 1)]);
    tables.add_module(&large).unwrap();
    assert_eq!(tables.take_changes(), Changes { pages: 0..2, rows: 0..1, rules: 3..3 });
    tables.add_module(&plain).unwrap();
    assert_eq!(tables.take_changes(), Changes { pages: 1..2, rows: 0..1, rules: 3..3 });
    let lengths: Vec<_> = (0..CHUNK_ENTRIES as u32).map(|i| (2, i % 2 + 1)).collect();
    tables.add_module(&module(0, &lengths)).unwrap();
    assert_eq!(tables.take_changes().rows, 0..2);
}

#[test]
fn a_full_table_refuses_a_module_and_keeps_the_others() {
    let mut tables = Tables::default();
    let plain = module(0, &[(3, 1), (5, 2)]);
    let packed = tables.add_module(&plain).unwrap();

    let too_long = module(0, &[(PAGE_SIZE * (MAX_ENTRIES as u64 + 1), 1)]);
    assert_eq!(tables.add_module(&too_long).err().map(|full| full.what), Some("pages"));

    let many: Vec<_> = (0..MAX_RULES as u32 + 1).map(|i| (1, i)).collect();
    assert_eq!(tables.add_module(&module(0, &many)).err().map(|full| full.what), Some("rules"));
    check(&tables, &packed, &plain);
    // What needs no new rule still fits.
    let again = tables.add_module(&plain).unwrap();
    check(&tables, &again, &plain);
}

#[test]
fn an_empty_module_has_no_pages() {
    let mut tables = Tables::default();
    let packed = tables.add_module(&module(0x1234, &[])).unwrap();
    assert_eq!(tables.rule(&packed, 0x1234), Some(NO_RULE));
    let packed = tables.add_module(&module(0x1200, &[])).unwrap();
    assert_eq!(packed.pages, 0);
    assert_eq!(tables.rule(&packed, 0x1200), None);
}

#[test]
fn the_tables_of_the_c_library_hold_at_every_byte_what_its_rows_state() {
    let mappings = crate::process::executable_mappings(std::process::id()).unwrap();
    let is_libc = |mapping: &&crate::process::Mapping| mapping.path.ends_with("libc.so.6");
    let libc = mappings.iter().find(is_libc).unwrap();
    let object = crate::object::ObjectFile::open(&libc.path).unwrap();
    let plain = crate::unwind::module_rows(&object, None, &[]).unwrap();
    let mut tables = Tables::default();
    // Not the first module of the session.
    tables.add_module(&module(0x1234, &[(3, 1), (5, 2)])).unwrap();
    let packed = tables.add_module(&plain).unwrap();
    check(&tables, &packed, &plain);
    // Nearly all of it is covered.
    let bytes = plain.segments.iter().map(|segment| segment.size).sum::<u64>();
    let covered = (packed.first_offset..plain.end.0)
        .filter(|&offset| tables.rule(&packed, offset) != Some(NO_RULE))
        .count() as u64;
    assert!(covered > bytes / 10 * 9, "{covered} of {bytes}");
}
