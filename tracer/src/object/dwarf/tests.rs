use super::*;
use crate::object::compile;

/// What binutils' `addr2line -i -f` says of each address, compared with ours.
#[test]
fn agrees_with_binutils_on_every_instruction() {
    let source = r#"
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
    for version in ["-gdwarf-4", "-gdwarf-5"] {
        let program = compile("work.c", source, &["-O2", version]);
        let listing =
            program.run("objdump", &["-d", "--no-show-raw-insn", "-j", ".text", "program"]);
        let addresses: Vec<u64> = listing
            .lines()
            .filter_map(|line| line.strip_prefix(' ')?.trim_start().split_once(":\t"))
            .map(|(address, _)| u64::from_str_radix(address, 16).unwrap())
            .collect();
        let object = program.open();
        let mut dwarf = Dwarf::read(&object, &object).unwrap();
        let (mut named, mut inlined) = (0, 0);
        for address in addresses {
            let frames = dwarf.frames_at(ElfAddress(address));
            // The C library's start code may have lines and no functions.
            if frames.iter().any(|frame| frame.name.is_none()) || frames.is_empty() {
                continue;
            }
            named += 1;
            inlined += usize::from(frames.len() > 1);
            let ours: Vec<_> = frames
                .iter()
                .map(|f| {
                    let line = f.line.map_or("?".to_owned(), |line| line.to_string());
                    format!(
                        "{}\n{}:{line}",
                        f.name.as_deref().unwrap().plain,
                        f.file.as_deref().unwrap_or("??")
                    )
                })
                .collect();
            let theirs =
                program.run("addr2line", &["-e", "program", "-f", "-i", &format!("{address:#x}")]);
            // It marks some rows with their discriminator.
            let theirs: Vec<_> =
                theirs.lines().map(|line| line.split(" (disc").next().unwrap()).collect();
            assert_eq!(ours.join("\n"), theirs.join("\n"), "{version} {address:#x}");
        }
        assert!(named > 50 && inlined > 10, "{named} {inlined}");
    }
}

#[test]
fn a_file_without_dwarf_has_none() {
    let program = compile("a.c", "int main(void) { return 0; }", &["-s"]);
    let object = program.open();
    assert!(Dwarf::read(&object, &object).is_none());
}

#[test]
fn a_function_that_is_only_inlined_names_where() {
    let source = "
volatile int sink;
static inline __attribute__((always_inline)) void leaf(int x) { sink += x; }
static inline __attribute__((always_inline)) void middle(int x) { leaf(x); }
__attribute__((noipa)) void one(int x) { middle(x); }
__attribute__((noipa)) void two(int x) { leaf(x); }
int main(void) { one(1); two(2); return sink; }
";
    let program = compile("a.c", source, &["-O2", "-g"]);
    let object = program.open();
    let dwarf = Dwarf::read(&object, &object).unwrap();
    assert_eq!(dwarf.inlined_into("leaf"), ["one", "two"]);
    assert_eq!(dwarf.inlined_into("middle"), ["one"]);
    assert!(dwarf.inlined_into("one").is_empty());
    assert!(dwarf.inlined_into("nothing").is_empty());
}

/// The names that `across.s` has are those of its text.
#[test]
fn a_function_that_several_units_inline_is_read_once() {
    let program = compile("across.s", include_str!("tests/across.s"), &["-no-pie"]);
    let object = program.open();
    let mut dwarf = Dwarf::read(&object, &object).unwrap();
    let mut leaves = Vec::new();
    for function in ["one", "two", "one"] {
        let frames = dwarf.frames_at(ElfAddress(program.address(function) + 1));
        let names: Vec<_> = frames.iter().map(|frame| frame.name.clone().unwrap()).collect();
        let plain: Vec<_> = names.iter().map(|name| name.plain.as_str()).collect();
        assert_eq!(plain, ["leaf", function]);
        assert_eq!(frames.iter().map(|f| f.inlined).collect::<Vec<_>>(), [true, false]);
        assert_eq!(frames[1].line, Some(if function == "one" { 7 } else { 9 }));
        leaves.push(names.into_iter().next().unwrap());
        let at_entry = dwarf.frames_at(ElfAddress(program.address(function)));
        assert_eq!(at_entry.len(), 1);
    }
    assert!(leaves.iter().all(|leaf| Arc::ptr_eq(leaf, &leaves[0])));
    // Too much is held: all is forgotten, and read again.
    dwarf.held = MAX_HELD + 1;
    let frames = dwarf.frames_at(ElfAddress(program.address("two") + 1));
    let again = frames[0].name.as_ref().unwrap();
    assert!(again.plain == "leaf" && !Arc::ptr_eq(again, &leaves[0]));
    assert!(dwarf.held < 1000, "{}", dwarf.held);
}
