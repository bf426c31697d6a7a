//! Entries that lie in other files: split DWARF, and what `dwz` made common.
//!
//! The judge is binutils' `addr2line` on the same program built whole.

use super::*;
use crate::object::{Compiled, compile};

const SOURCE: &str = r#"
#include <stdlib.h>
volatile int sink;
static inline int twice(int x) { return x + (x << (sink & 3)); }
static int sum(const int *v, int n) { int s = 0; for (int i = 0; i < n; i++) s += twice(v[i]); return s; }
static int compare(const void *a, const void *b) { return twice(*(const int *)a) - *(const int *)b; }
__attribute__((noinline)) int work(int *v, int n) {
    qsort(v, n, sizeof *v, compare);
    if (n > 3) return sum(v, n) + sum(v + 1, n - 2);
    return twice(n);
}
int main(int argc, char **argv) {
    int v[32];
    for (int i = 0; i < 32; i++) v[i] = rand();
    return work(v, argc) + twice(argc);
}
"#;

fn shown(frames: &[DwarfFrame]) -> String {
    let lines = frames.iter().map(|frame| {
        let name = frame.name.as_ref().map_or("?", |name| &name.plain);
        format!("{name} {}:{:?}", frame.file.as_deref().unwrap_or("?"), frame.line)
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// What `addr2line` says of every instruction of the functions of the source.
fn judged(program: &Compiled) -> Vec<(u64, String)> {
    let mut addresses = Vec::new();
    let table = program.run("nm", &["-S", "program"]);
    for function in ["work", "compare", "main"] {
        let line = table.lines().find(|line| line.ends_with(&format!(" {function}"))).unwrap();
        let mut numbers = line.split(' ').map(|number| u64::from_str_radix(number, 16).unwrap());
        let (start, size) = (numbers.next().unwrap(), numbers.next().unwrap());
        // What pads it is none of its instructions.
        let within = |address: &u64| *address < start + size;
        addresses.extend(program.instructions(function).into_iter().filter(within));
    }
    let texts: Vec<_> = addresses.iter().map(|address| format!("{address:#x}")).collect();
    let mut arguments = vec!["-e", "program", "-a", "-f", "-i"];
    arguments.extend(texts.iter().map(String::as_str));
    let said = program.run("addr2line", &arguments);
    let mut found: Vec<(u64, String)> = Vec::new();
    let mut lines = said.lines();
    while let Some(line) = lines.next() {
        if let Some(address) = line.strip_prefix("0x") {
            found.push((u64::from_str_radix(address, 16).unwrap(), String::new()));
            continue;
        }
        let place = lines.next().unwrap().split(" (disc").next().unwrap();
        let (file, number) = place.rsplit_once(':').unwrap();
        let number: Option<u32> = number.parse().ok();
        let text = &mut found.last_mut().unwrap().1;
        let separator = if text.is_empty() { "" } else { "\n" };
        text.push_str(&format!("{separator}{line} {file}:{number:?}"));
    }
    assert!(found.iter().any(|(_, chain)| chain.contains('\n')), "no inlined call");
    found
}

fn assert_named(program: &Compiled, expected: &[(u64, String)], context: &str) {
    let object = program.open();
    let mut dwarf = Dwarf::read(&object, &object).unwrap();
    for (address, chain) in expected {
        let frames = dwarf.frames_at(ElfAddress(*address));
        assert_eq!(&shown(&frames), chain, "{context} {address:#x}");
        assert!(frames.iter().all(|frame| frame.language == Language::C), "{context}");
    }
    let refused = dwarf.take_refused();
    assert!(refused.is_empty(), "{context}: {refused:?}");
}

/// A program whose entries lie in `work.dwo`, and what is true of it.
fn split(version: &str) -> (Compiled, Vec<(u64, String)>) {
    let program = compile("work.c", SOURCE, &["-O2", "-g", version]);
    let expected = judged(&program);
    let arguments = ["-O2", "-g", version, "-gsplit-dwarf", "-c", "work.c", "-o", "work.o"];
    program.run("cc", &arguments);
    program.run("cc", &["work.o", "-o", "program"]);
    assert!(program.directory().join("work.dwo").exists());
    (program, expected)
}

#[test]
fn split_units_are_read_from_their_file() {
    for version in ["-gdwarf-4", "-gdwarf-5"] {
        let (program, expected) = split(version);
        assert_named(&program, &expected, version);
        let object = program.open();
        let dwarf = Dwarf::read(&object, &object).unwrap();
        assert_eq!(dwarf.inlined_into("twice"), ["compare", "main", "work"]);
        let work = ElfAddress(program.address("work"));
        let declared = dwarf.declared_at([work]).remove(&work).unwrap();
        assert_eq!((declared.language, declared.line), (Language::C, Some(7)));
        assert_eq!(declared.file, Some(program.source()));
    }
}

/// The program goes to another machine, and the file with it.
#[test]
fn a_split_file_beside_the_program_or_in_a_debug_directory_serves() {
    let (program, expected) = split("-gdwarf-5");
    let elsewhere = tempfile::tempdir().unwrap();
    let moved = elsewhere.path().join("moved");
    std::fs::create_dir(&moved).unwrap();
    std::fs::copy(program.program(), moved.join("program")).unwrap();
    let dwo = program.directory().join("work.dwo");
    let real = program.directory().canonicalize().unwrap();
    let in_directory = elsewhere.path().join(real.strip_prefix("/").unwrap()).join("work.dwo");
    for place in [moved.join("work.dwo"), in_directory, elsewhere.path().join("work.dwo")] {
        std::fs::create_dir_all(place.parent().unwrap()).unwrap();
        std::fs::copy(&dwo, &place).unwrap();
        let _ = std::fs::rename(&dwo, elsewhere.path().join("kept"));
        let object = Arc::new(ObjectFile::open(&moved.join("program")).unwrap());
        let mut files = DebugFiles::default();
        files.add_directory(elsewhere.path());
        let mut dwarf = Dwarf::find(&object, None, &files).unwrap();
        for (address, chain) in &expected {
            assert_eq!(&shown(&dwarf.frames_at(ElfAddress(*address))), chain);
        }
        std::fs::remove_file(&place).unwrap();
        std::fs::copy(elsewhere.path().join("kept"), &dwo).unwrap();
    }
}

#[test]
fn a_split_file_that_is_missing_or_of_another_build_is_told_once() {
    let (program, expected) = split("-gdwarf-5");
    let dwo = program.directory().join("work.dwo");
    let kept = std::fs::read(&dwo).unwrap();
    let said = || {
        let object = program.open();
        let mut dwarf = Dwarf::read(&object, &object).unwrap();
        for (address, _) in &expected {
            let frames = dwarf.frames_at(ElfAddress(*address));
            // The line is known, and no function is made up.
            assert!(frames.iter().all(|frame| frame.name.is_none()), "{frames:?}");
        }
        let refused = dwarf.take_refused();
        refused.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    std::fs::remove_file(&dwo).unwrap();
    let missing = said();
    assert_eq!(missing.len(), 1, "{missing:?}");
    assert!(missing[0].contains("cannot find") && missing[0].contains("work.dwo"), "{missing:?}");
    std::fs::write(&dwo, "text").unwrap();
    let text = said();
    assert!(text[0].contains("cannot use the debug file"), "{text:?}");
    assert!(text[0].contains("it is not an ELF file"), "{text:?}");
    std::fs::write(&dwo, &kept).unwrap();
    program.run("cc", &["-O1", "-g", "-gsplit-dwarf", "-c", "work.c", "-o", "work.o"]);
    let other = said();
    assert!(other[0].contains("it has no unit"), "{other:?}");
}

/// `dwp` is of binutils, and so beside `cc`; that of 2.40 knows DWARF 4 only.
#[test]
fn a_package_of_split_units_serves() {
    let (program, expected) = split("-gdwarf-4");
    program.run("dwp", &["-e", "program", "-o", "program.dwp"]);
    std::fs::remove_file(program.directory().join("work.dwo")).unwrap();
    assert_named(&program, &expected, "dwp");
}

#[test]
fn sections_compressed_by_zlib_and_zstd_are_read() {
    let program = compile("work.c", SOURCE, &["-O2", "-g"]);
    let expected = judged(&program);
    for kind in ["zlib", "zlib-gnu", "zstd"] {
        let option = format!("--compress-debug-sections={kind}");
        program.run("objcopy", &[&option, "program", "packed"]);
        let object = ObjectFile::open(&program.directory().join("packed")).unwrap();
        let object = Arc::new(object);
        let before = program.open().data().len();
        assert!(object.data().len() < before, "{kind} made nothing smaller");
        let mut dwarf = Dwarf::read(&object, &object).unwrap();
        for (address, chain) in &expected {
            assert_eq!(&shown(&dwarf.frames_at(ElfAddress(*address))), chain, "{kind}");
        }
    }
}
