//! Whole tables in a whole ELF file, built by hand after the runtime's sources: `pcHeader`,
//! `moduledata` and `inlinedCall` of runtime/symtab.go (symtabinl.go from Go 1.21 on), `_func` of
//! runtime/runtime2.go. Fields that are not read hold numbers that would be wrong elsewhere.

use std::io::Write;
use std::sync::Arc;

use super::*;

const TEXT: u64 = 0x40_1000;
const TEXT_SIZE: u64 = 0x100;
const DATA: u64 = 0x60_2000;
const PCLNTAB: u64 = DATA + 0x100;

/// Which variation of the tables to build.
#[derive(Clone, Copy)]
struct Form {
    magic: u32,
    /// `pcHeader.textStart`.
    text_start: u64,
    /// Word index of `gofunc` in moduledata.
    function_data_index: usize,
    /// Pointers are zero in the file and stand in RELATIVE relocations.
    relocated: bool,
    version: Option<&'static str>,
}

const GO_121: Form = Form {
    magic: 0xffff_fff1,
    text_start: TEXT,
    function_data_index: 40,
    relocated: false,
    version: Some("go1.21.13"),
};
const GO_127: Form =
    Form { function_data_index: 43, text_start: 0, version: Some("go1.27.3"), ..GO_121 };
/// Before `covctrs` and `ecovctrs`, which Go 1.20 has put before `end`.
const GO_118: Form =
    Form { magic: 0xffff_fff0, function_data_index: 38, version: Some("go1.18.10"), ..GO_121 };
const GO_120: Form = Form { version: Some("go1.20.14"), ..GO_121 };

/// Appends a table by PC: (value, bytes) runs. Returns its offset.
fn push_values(values: &mut Vec<u8>, runs: &[(i32, u32)]) -> u32 {
    let offset = values.len() as u32;
    let mut previous = -1;
    for &(value, length) in runs {
        let delta = value - previous;
        push_uvarint(values, (delta << 1 ^ delta >> 31) as u32);
        push_uvarint(values, length);
        previous = value;
    }
    values.push(0);
    offset
}

fn push_uvarint(bytes: &mut Vec<u8>, mut value: u32) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

fn push_words(bytes: &mut Vec<u8>, words: &[u32]) {
    words.iter().for_each(|word| bytes.extend(word.to_le_bytes()));
}

/// A file with three functions: `main.f` (text+0, 0x40 bytes), `main.g` (0x40 bytes) into which
/// `main.h` was inlined and `main.i` into that, and `c_function`, which is not Go.
fn image(form: Form) -> Vec<u8> {
    let old = form.magic == 0xffff_fff0;
    let names = b"\0main.f\0main.g\0main.h\0main.i\0c_function\0".to_vec();
    let (f, g, h, i, c) = (1, 8, 15, 22, 29);
    let files = b"a.go\0b.go\0c.go\0".to_vec();
    let mut units = Vec::new();
    push_words(&mut units, &[u32::MAX, 0, 5, 10]);
    let mut values = vec![0];
    let depth = push_values(&mut values, &[(0, 1), (8, 4), (24, 0x3a), (0, 1)]);
    let f_file = push_values(&mut values, &[(0, 0x40)]);
    let f_line = push_values(&mut values, &[(10, 0x20), (11, 0x20)]);
    // g at 0..0x10, h at 0x10..0x20, i (in h) at 0x20..0x30, g again.
    let g_file = push_values(&mut values, &[(0, 0x10), (1, 0x10), (2, 0x10), (0, 0x10)]);
    let g_line = push_values(&mut values, &[(20, 0x10), (70, 0x10), (300, 0x10), (22, 0x10)]);
    let g_inline = push_values(&mut values, &[(-1, 0x10), (0, 0x10), (1, 0x10), (-1, 0x10)]);

    let mut records = Vec::new();
    // entryOff, nameOff, args, deferreturn, pcsp, pcfile, pcln, npcdata, cuOffset, startLine from
    // 1.20 on; funcID, flag, a pad, nfuncdata; then npcdata and nfuncdata words.
    let mut push_record = |name: u32, [sp, file, line]: [u32; 3], id: u8, inline: Option<u32>| {
        let entry = [0, 0x40, 0x80][usize::from(name != f) + usize::from(name == c)];
        let offset = 28 + records.len() as u32;
        let pcdata: &[u32] = &inline.map(|table| [0, 0, table]).unwrap_or_default();
        let pcdata = if inline.is_some() { pcdata } else { &[] };
        let (args, deferreturn, pad) = (0x7171_7171, 0x7272_7272, 0x73);
        let count = pcdata.len() as u32;
        push_words(&mut records, &[entry, name, args, deferreturn, sp, file, line, count, 1]);
        if !old {
            push_words(&mut records, &[0x7474_7474]);
        }
        records.extend([id, 4, pad, if inline.is_some() { 4 } else { 0 }]);
        push_words(&mut records, pcdata);
        if inline.is_some() {
            push_words(&mut records, &[u32::MAX, u32::MAX, u32::MAX, 8]);
        }
        // Aligned as the linker does it, counted from the table's start.
        records.resize((28 + records.len()).next_multiple_of(8) - 28, 0);
        offset
    };
    let f_record = push_record(f, [depth, f_file, f_line], 7, None);
    let g_record = push_record(g, [depth, g_file, g_line], 0, Some(g_inline));
    let c_record = push_record(c, [0, 0, 0], 0, None);
    let mut functions = Vec::new();
    push_words(&mut functions, &[0, f_record, 0x40, g_record, 0x80, c_record, 0xc0]);
    assert_eq!(functions.len(), 28);
    functions.extend(records);

    // h was called where g's first line ends, i where h's line ends.
    let mut calls = vec![0; 8];
    for (caller, name, parent) in [(-1, h, 0x0f), (0i16, i, 0x1f)] {
        match old {
            true => {
                // parent int16, funcID, a pad, file, line, func_, parentPc.
                calls.extend(caller.to_le_bytes());
                calls.extend([0x75, 0]);
                push_words(&mut calls, &[0x7676_7676, 0x7777_7777, name, parent]);
            }
            // funcID, three pads, nameOff, parentPc, startLine.
            false => push_words(&mut calls, &[0x75, name, parent, 0x7676_7676]),
        }
    }

    let mut table = form.magic.to_le_bytes().to_vec();
    table.extend([0, 0, 1, 8]);
    let parts = [&names, &units, &files, &values, &functions];
    let mut offset = 8 + 8 * 8;
    let mut words = vec![3, 0x7878, form.text_start];
    for part in parts {
        words.push(offset);
        offset += part.len().next_multiple_of(8) as u64;
    }
    words.iter().for_each(|word: &u64| table.extend(word.to_le_bytes()));
    for part in parts {
        table.extend(part);
        table.resize(table.len().next_multiple_of(8), 0);
    }
    let calls_address = PCLNTAB + table.len() as u64;
    table.extend(calls);
    table.resize(table.len().next_multiple_of(8), 0);

    // Other words are lengths, capacities and pointers to what is not read.
    let mut module: [u64; 45] = std::array::from_fn(|index| 0x7900_0000 + index as u64);
    module[0] = PCLNTAB;
    module[1] = PCLNTAB + words[3];
    module[4] = PCLNTAB + words[4];
    module[17] = 4;
    module[22] = TEXT;
    module[23] = TEXT + TEXT_SIZE;
    // types and etypes; from Go 1.27 on a length follows.
    let types = if old { 35 } else { 37 };
    module[types] = DATA;
    module[types + 1] = if form.function_data_index == 43 { 16 } else { DATA + 16 };
    module[form.function_data_index] = calls_address;
    let module_address = PCLNTAB + table.len() as u64;
    elf(form, &table, &module, module_address)
}

/// The ELF file around it: a text segment, a data segment, perhaps a dynamic one.
fn elf(form: Form, table: &[u8], module: &[u64], module_address: u64) -> Vec<u8> {
    let mut data = Vec::new();
    if let Some(version) = form.version {
        data.extend(b"\xff Go buildinf:\x08\x02");
        data.resize(32, 0);
        data.push(version.len() as u8);
        data.extend(version.as_bytes());
    }
    data.resize((PCLNTAB - DATA) as usize, 0);
    data.extend(table);
    let pointers = [0, 1, 4, 22, 23, 37, form.function_data_index];
    for (index, word) in module.iter().enumerate() {
        let hidden = form.relocated && pointers.contains(&index);
        data.extend((if hidden { 0 } else { *word }).to_le_bytes());
    }
    let relocations = DATA + data.len() as u64;
    for index in pointers {
        let (offset, addend) = (module_address + index as u64 * 8, module[index]);
        // 8 is R_X86_64_RELATIVE.
        [offset, 8, addend].iter().for_each(|word| data.extend(word.to_le_bytes()));
    }
    let dynamic = DATA + data.len() as u64;
    let relocation_size = pointers.len() as u64 * 24;
    // DT_RELA 7, DT_RELASZ 8, DT_NULL.
    let entries = [7, relocations, 8, relocation_size, 0, 0];
    entries.iter().for_each(|word: &u64| data.extend(word.to_le_bytes()));

    let (text_offset, data_offset) = (0x1000u64, 0x2000u64);
    let mut segments = vec![
        (1u32, 5u32, text_offset, TEXT, TEXT_SIZE),
        (1, 6, data_offset, DATA, data.len() as u64),
    ];
    if form.relocated {
        segments.push((2, 6, data_offset + dynamic - DATA, dynamic, 48));
    }
    let mut file = b"\x7fELF\x02\x01\x01".to_vec();
    file.resize(16, 0);
    [2u16, 62].iter().for_each(|half| file.extend(half.to_le_bytes()));
    push_words(&mut file, &[1]);
    [TEXT, 64, 0].iter().for_each(|word| file.extend(word.to_le_bytes()));
    push_words(&mut file, &[0]);
    let halves = [64u16, 56, segments.len() as u16, 64, 0, 0];
    halves.iter().for_each(|half| file.extend(half.to_le_bytes()));
    for (kind, flags, offset, address, size) in segments {
        push_words(&mut file, &[kind, flags]);
        let words = [offset, address, address, size, size, 0x1000];
        words.iter().for_each(|word: &u64| file.extend(word.to_le_bytes()));
    }
    file.resize(text_offset as usize, 0);
    file.resize((text_offset + TEXT_SIZE) as usize, 0xcc);
    file.resize(data_offset as usize, 0);
    file.extend(data);
    file
}

fn open(bytes: &[u8]) -> Arc<ObjectFile> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    Arc::new(ObjectFile::open(file.path()).unwrap())
}

fn find(bytes: &[u8]) -> Result<Option<GoModule>, GoRefusal> {
    GoModule::find(&open(bytes))
}

fn frame(function: &str, file: &str, line: u32, inlined: bool) -> GoFrame {
    GoFrame { function: function.to_owned(), file: file.to_owned(), line, inlined }
}

fn check_module(form: Form) {
    let go = find(&image(form)).unwrap().unwrap();
    assert_eq!(go.text(), ElfAddress(TEXT)..ElfAddress(TEXT + TEXT_SIZE));
    let functions: Vec<_> = go
        .functions()
        .map(|f| (f.name(), f.entry.0 - TEXT, f.end.0 - TEXT, f.func_id(), f.flags(), f.is_go()))
        .collect();
    assert_eq!(
        functions,
        [
            ("main.f".to_owned(), 0, 0x40, 7, 4, true),
            ("main.g".to_owned(), 0x40, 0x80, 0, 4, true),
            ("c_function".to_owned(), 0x80, 0xc0, 0, 4, false),
        ]
    );
    let f = go.function_at(ElfAddress(TEXT)).unwrap();
    let depths: Vec<_> = f.pcsp().unwrap().collect();
    assert_eq!(depths, [(0..1, 0), (1..5, 8), (5..0x3f, 24), (0x3f..0x40, 0)]);

    let at = |offset: u64| go.frames_at(ElfAddress(TEXT).plus(offset));
    assert_eq!(at(0x1f), [frame("main.f", "a.go", 10, false)]);
    assert_eq!(at(0x20), [frame("main.f", "a.go", 11, false)]);
    assert_eq!(at(0x4f), [frame("main.g", "a.go", 20, false)]);
    assert_eq!(at(0x50), [frame("main.h", "b.go", 70, true), frame("main.g", "a.go", 20, false)]);
    assert_eq!(
        at(0x6f),
        [
            frame("main.i", "c.go", 300, true),
            frame("main.h", "b.go", 70, true),
            frame("main.g", "a.go", 20, false)
        ]
    );
    assert_eq!(at(0x70), [frame("main.g", "a.go", 22, false)]);
    // C code among the functions, behind the last one, outside of the text.
    for offset in [0x80, 0xbf, 0xc0, TEXT_SIZE, u64::MAX, 1 << 33] {
        assert_eq!(at(offset), [], "{offset:#x}");
    }
    assert!(!go.text_contains(ElfAddress(TEXT + TEXT_SIZE)));
}

#[test]
fn tables_of_all_versions_are_read() {
    check_module(GO_118);
    check_module(Form { version: Some("go1.19.13"), ..GO_118 });
    check_module(GO_120);
    check_module(GO_121);
    check_module(GO_127);
}

fn refusal(form: Form) -> String {
    find(&image(form)).err().map(|error| error.to_string()).unwrap_or_default()
}

/// Each of what Go 1.20 has changed shows when it is not as its version says.
#[test]
fn tables_of_another_release_are_refused() {
    for (form, version, reason) in [
        (GO_118, "go1.20.14", "its magic number is not that of Go 1.20"),
        (GO_118, "go1.21.0", "its magic number is not that of Go 1.21"),
        (GO_120, "go1.19.13", "its magic number is not that of Go 1.19"),
        (Form { function_data_index: 38, ..GO_120 }, "go1.20.14", "the inlined calls do not fit"),
        (Form { function_data_index: 40, ..GO_118 }, "go1.18.10", "the inlined calls do not fit"),
        (Form { text_start: TEXT + 16, ..GO_118 }, "go1.18.10", "different text"),
        (Form { text_start: TEXT + 16, ..GO_120 }, "go1.20.14", "different text"),
    ] {
        let text = refusal(Form { version: Some(version), ..form });
        assert!(text.contains(reason), "{version}: {text:?}");
    }
    // Records and calls of 1.18 under the number of 1.20, and the other way, of no stated version.
    for (form, magic) in [(GO_118, 0xffff_fff1u32), (GO_120, 0xffff_fff0)] {
        let mut bytes = image(Form { version: None, ..form });
        let at = bytes.windows(4).position(|word| word == form.magic.to_le_bytes()).unwrap();
        bytes[at..at + 4].copy_from_slice(&magic.to_le_bytes());
        let text = find(&bytes).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(text.contains("its function records are of another layout"), "{text}");
    }
    for magic in [0xffff_fffau32, 0xffff_fffb] {
        let mut bytes = image(GO_118);
        let at = bytes.windows(4).position(|word| word == GO_118.magic.to_le_bytes()).unwrap();
        bytes[at..at + 4].copy_from_slice(&magic.to_le_bytes());
        assert!(find(&bytes).is_err(), "{magic:#x}");
    }
}

#[test]
fn the_layout_of_moduledata_shows_without_a_version() {
    check_module(Form { version: None, ..GO_118 });
    check_module(Form { version: None, ..GO_121 });
    check_module(Form { version: None, ..GO_127 });
}

#[test]
fn pointers_may_stand_in_relocations_alone() {
    check_module(Form { relocated: true, text_start: 0, ..GO_118 });
    check_module(Form { relocated: true, text_start: 0, ..GO_121 });
    check_module(Form { relocated: true, ..GO_127 });
}

#[test]
fn the_version_is_found_without_sections() {
    let go = find(&image(GO_127)).unwrap().unwrap();
    assert_eq!(go.version(), Some(GoVersion { major: 1, minor: 27, patch: Some(3) }));
    let go = find(&image(Form { version: None, ..GO_127 })).unwrap().unwrap();
    assert_eq!(go.version(), None);
}

#[test]
fn a_wrong_base_of_function_data_is_refused() {
    // The version says 1.21, the moduledata is that of 1.27: word 40 points nowhere.
    let text = refusal(Form { version: Some("go1.21.0"), ..GO_127 });
    assert!(text.contains("the inlined calls do not fit"), "{text:?}");
}

#[test]
fn a_version_without_tables_is_refused() {
    let mut bytes = image(GO_121);
    let at = bytes.windows(4).position(|word| word == GO_121.magic.to_le_bytes()).unwrap();
    bytes[at] = 0;
    let text = find(&bytes).err().map(|error| error.to_string()).unwrap_or_default();
    assert!(text.contains("it has a Go version but no pclntab"), "{text}");
}

#[test]
fn a_file_without_go_is_none() {
    let mut bytes = image(Form { version: None, ..GO_121 });
    let at = bytes.windows(4).position(|word| word == GO_121.magic.to_le_bytes()).unwrap();
    bytes[at] = 0;
    assert!(matches!(find(&bytes), Ok(None)));
}

#[test]
fn disordered_tables_are_refused() {
    let whole = image(GO_121);
    let header = whole.windows(4).position(|word| word == GO_121.magic.to_le_bytes()).unwrap();
    let word = |index: usize| header + 8 + index * 8;
    let functions =
        header + u64::from_le_bytes(whole[word(7)..word(8)].try_into().unwrap()) as usize;
    let cases: [(usize, u64, &str); 6] = [
        (word(0), 0, "no functions"),
        (word(0), 1 << 61, "does not fit"),
        (word(3), u64::MAX, "out of order"),
        (word(7), 1 << 40, "out of order"),
        (functions, 0xffff_ffff, "outside"),
        (functions, 0x0000_0024_0000_0050, "not sorted"),
    ];
    for (at, value, reason) in cases {
        let mut bytes = whole.clone();
        bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
        let text = find(&bytes).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(text.contains(reason), "{text:?} where {reason:?} was expected");
    }
}

/// Any single damaged byte gives an error, no module, or a module that can be read through.
#[test]
fn damage_never_panics() {
    let whole = image(GO_121);
    let start = 0x2000;
    for at in start..whole.len() {
        for value in [0, 0x7f, 0xff] {
            let mut bytes = whole.clone();
            bytes[at] = value;
            if let Ok(Some(go)) = find(&bytes) {
                for function in go.functions() {
                    let _ = (function.name(), function.pcsp().map(Iterator::count));
                }
                for offset in (0..TEXT_SIZE).step_by(7) {
                    let _ = go.frames_at(ElfAddress(TEXT + offset));
                }
            }
        }
    }
}

/// What fuzzing starts from is what is read, and not refused at its first check.
#[test]
fn the_seeds_of_fuzzing_are_whole_tables() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/pclntab");
    for (name, form) in [("go118", GO_118), ("go121", GO_121), ("go127", GO_127)] {
        let seed = std::fs::read(folder.join(name)).unwrap();
        assert!(seed == image(form), "{name} is another file than the one that the tests build");
    }
}
