use proptest::prelude::*;
use tracer_common::registers::index;

use super::*;
use crate::object::Symbols;
use tracer_common::rule::kind;

fn rule(number: u64) -> Rule {
    Rule::frame(index::SP, number as i32 * 8)
}

fn segment(address: u64, offset: u64, size: u64) -> LoadSegment {
    LoadSegment {
        address: ElfAddress(address),
        offset: FileOffset(offset),
        size,
        memory_size: size,
        executable: true,
    }
}

fn row(start: u64, end: u64, number: u64) -> Row {
    Row { start: ElfAddress(start), end: ElfAddress(end), rule: rule(number) }
}

#[test]
fn gaps_have_no_rule_and_equal_neighbours_are_one() {
    let rows = [row(0x1010, 0x1020, 1), row(0x1020, 0x1030, 1), row(0x1040, 0x1050, 2)];
    let module = by_offset(&rows, &[segment(0x1000, 0x400, 0x100)]);
    let expected = [
        (FileOffset(0x410), rule(1)),
        (FileOffset(0x430), NO_RULE),
        (FileOffset(0x440), rule(2)),
        (FileOffset(0x450), NO_RULE),
    ];
    assert_eq!(module.rows, expected);
    assert_eq!(module.end, FileOffset(0x500));
    assert_eq!(module.segments, [Segment { address: 0x1000, offset: 0x400, size: 0x100 }]);
    assert_eq!(module.rule(FileOffset(0x500)), NO_RULE);
    assert_eq!(module.rule(FileOffset(0)), NO_RULE);
}

#[test]
fn rows_are_cut_to_their_segment() {
    let rows = [row(0x0ff0, 0x1010, 1), row(0x10f0, 0x1200, 2), row(0x3000, 0x3010, 3)];
    let module = by_offset(&rows, &[segment(0x1000, 0, 0x100)]);
    let expected =
        [(FileOffset(0), rule(1)), (FileOffset(0x10), NO_RULE), (FileOffset(0xf0), rule(2))];
    assert_eq!(module.rows, expected);
    assert_eq!(module.end, FileOffset(0x100));
}

proptest! {
    /// Each address of each segment has the rule of its row, by whatever offset it lies.
    #[test]
    fn every_address_keeps_its_rule(
        lengths in proptest::collection::vec((0..9u64, 1..9u64, 1..4u64), 0..30),
        gap in 0..40u64,
    ) {
        let mut rows = Vec::new();
        let mut address = 0x1000;
        for (skip, length, number) in lengths {
            rows.push(row(address + skip, address + skip + length, number));
            address += skip + length;
        }
        let segments = [segment(0x1000, 0x80, 100), segment(0x1000 + 100 + gap, 0x200, 120)];
        let module = by_offset(&rows, &segments);
        prop_assert!(module.rows.windows(2).all(|pair| pair[0].0 < pair[1].0));
        prop_assert!(module.rows.windows(2).all(|pair| pair[0].1 != pair[1].1));
        for segment in segments {
            for within in 0..segment.size {
                let address = segment.address.plus(within);
                let expected = rows
                    .iter()
                    .find(|row| row.start <= address && address < row.end)
                    .map_or(NO_RULE, |row| row.rule);
                prop_assert_eq!(module.rule(segment.offset.plus(within)), expected);
            }
        }
    }
}

#[test]
fn every_function_of_the_vdso_has_its_frames() {
    let image = crate::process::vdso().unwrap();
    let object = ObjectFile::from_bytes(image, "[vdso]".as_ref()).unwrap();
    let rows = module_rows(&object, None, &[]).unwrap();
    let symbols = Symbols::of(&object);
    let clock = symbols
        .functions()
        .iter()
        .find(|function| function.aliases.iter().any(|alias| alias.name == "__vdso_clock_gettime"));
    assert!(clock.is_some_and(|function| function.size() > 16));
    for function in symbols.functions().iter() {
        for within in 0..function.size() {
            let rule = rows.rule(function.offset.plus(within));
            assert_eq!(rule.kind, kind::FRAME, "{} + {within:#x}", function.name());
        }
        // The caller's frame is all that is there before the first instruction.
        assert_eq!(rows.rule(function.offset), Rule::frame(index::SP, 8), "{}", function.name());
    }
}

/// Assembly without CFI: of a function that is called only its first byte is known.
#[test]
fn an_entry_without_rows_has_the_frame_of_a_call() {
    let source = "
        __asm__(\".globl bare\\n.type bare, @function\\nbare:\\n push %rbx\\n pop %rbx\\n ret\\n\"
                \".size bare, .-bare\\n\");
        int main(void) { return 0; }";
    let program = crate::object::compile("a.c", source, &["-O1"]);
    let object = program.open();
    let place = |name| {
        let address = ElfAddress(program.address(name));
        (address, object.offset_of(address).unwrap())
    };
    let ((bare, at), (main, in_main)) = (place("bare"), place("main"));
    let without = module_rows(&object, None, &[]).unwrap();
    assert_eq!(without.rule(at), NO_RULE);
    let rows = module_rows(&object, None, &[main, bare, object.entry()]).unwrap();
    assert_eq!(rows.rule(at), Rule::frame(index::SP, 8));
    // Behind the first instruction, nothing is known; what is stated stays.
    assert_eq!(rows.rule(at.plus(1)), NO_RULE);
    for within in 0..4 {
        assert_eq!(rows.rule(in_main.plus(within)), without.rule(in_main.plus(within)));
    }
    let start = object.offset_of(object.entry()).unwrap();
    assert_eq!(rows.rule(start), without.rule(start));
}
