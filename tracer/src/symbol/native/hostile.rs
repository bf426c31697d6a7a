//! A damaged file may have wrong names or none, but nothing panics, hangs or runs out of memory.

use std::io::Write;
use std::sync::OnceLock;

use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::object::{GoEntry, Pattern, compile, resolve};

const SOURCE: &str = "
volatile int sink;
static inline __attribute__((always_inline)) void leaf(int x) { sink += x; sink ^= x; }
static inline __attribute__((always_inline)) void middle(int x) { leaf(x); sink--; leaf(x + 1); }
__attribute__((noinline)) void outer(int x) { middle(x); for (int i = 0; i < x; i++) leaf(i); }
void _start(void) { outer(3); for (;;) ; }
";

/// A small program in each of two formats, with nothing of the C library in it.
fn programs() -> &'static [Vec<u8>] {
    static PROGRAMS: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    PROGRAMS.get_or_init(|| {
        let build = |debug| {
            let arguments = ["-O2", "-nostdlib", "-static", "-Wl,-z,noseparate-code", debug];
            std::fs::read(compile("a.c", SOURCE, &arguments).program()).unwrap()
        };
        vec![build("-gdwarf-5"), build("-gdwarf-4")]
    })
}

/// Reads all that can be read of a file; the number of names found.
fn exercise(bytes: &[u8]) -> usize {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    let Ok(object) = ObjectFile::open(file.path()) else { return 0 };
    let object = Arc::new(object);
    let (_, _) = (object.dynamic(), object.interpreter());
    let symbols = Symbols::of(&object);
    let patterns = ["outer", "leaf", "/e/", "0x401003"].map(|text| Pattern::parse(text).unwrap());
    for pattern in patterns {
        let _ = resolve(&object, &symbols, Vec::<GoEntry>::new(), &[pattern], 100);
    }
    let mut namer = NativeNamer::new(Arc::clone(&object), None);
    let mut named = 0;
    for segment in object.segments().iter().filter(|segment| segment.executable) {
        for within in (0..segment.size.min(0x400)).step_by(7) {
            named += namer.name(segment.address.plus(within)).len();
        }
        named += namer.name(segment.address.plus(segment.size)).len();
    }
    named
}

#[test]
fn the_undamaged_programs_have_names() {
    for program in programs() {
        assert!(exercise(program) > 20);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn changed_bytes_do_no_harm(
        which in 0usize..2,
        changes in prop::collection::vec((any::<Index>(), any::<u8>()), 1..12),
    ) {
        let mut bytes = programs()[which].clone();
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        exercise(&bytes);
    }

    /// Debug sections are a small part of the file: damage only those.
    #[test]
    fn changed_debug_information_does_no_harm(
        which in 0usize..2,
        section in prop::sample::select(vec![
            ".debug_info", ".debug_abbrev", ".debug_line", ".debug_rnglists", ".debug_ranges",
            ".debug_str", ".debug_line_str", ".symtab", ".strtab",
        ]),
        changes in prop::collection::vec((any::<Index>(), any::<u8>()), 1..6),
    ) {
        use object::{Object, ObjectSection};
        let mut bytes = programs()[which].clone();
        let range = {
            let elf = object::read::elf::ElfFile64::<object::Endianness>::parse(&*bytes).unwrap();
            elf.section_by_name(section).and_then(|section| section.file_range())
        };
        if let Some((start, size)) = range.filter(|(_, size)| *size > 0) {
            for (at, value) in changes {
                let at = at.index(usize::try_from(size).unwrap());
                bytes[usize::try_from(start).unwrap() + at] = value;
            }
            exercise(&bytes);
        }
    }
}

/// Inlined calls nested as deep as the section is long: recursion would overflow the stack.
#[test]
fn nesting_without_end_is_no_recursion() {
    let depth = 400_000;
    let source = format!(
        r#"
        .text
        .globl _start
        .type _start, @function
_start: nop
        jmp _start
        .size _start, .-_start
.Lend:
        .section .debug_abbrev,"",@progbits
        .uleb128 1, 0x11
        .byte 1
        .uleb128 0x13, 0x5, 0x11, 0x1, 0x12, 0x7, 0, 0
        .uleb128 2, 0x2e
        .byte 1
        .uleb128 0x3, 0x8, 0x11, 0x1, 0x12, 0x7, 0, 0
        .uleb128 3, 0x1d
        .byte 1
        .uleb128 0x11, 0x1, 0x12, 0x7, 0, 0
        .byte 0
        .section .debug_info,"",@progbits
        .long .Linfo_end - .Linfo
.Linfo: .short 4
        .long 0
        .byte 8
        .uleb128 1
        .short 0xc
        .quad _start, .Lend - _start
        .uleb128 2
        .asciz "deep"
        .quad _start, .Lend - _start
        .rept {depth}
        .uleb128 3
        .quad _start, .Lend - _start
        .endr
.Linfo_end:
        "#
    );
    let program = compile("deep.s", &source, &["-nostdlib", "-static"]);
    let frames = NativeNamer::new(program.open(), None).name(ElfAddress(program.address("_start")));
    assert_eq!(frames.last().map(|frame| frame.function.as_str()), Some("deep"));
}
