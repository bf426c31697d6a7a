//! Each rule of what symbols name, on assembly that has the case and nothing else.
//!
//! Expected names follow from the source. Where binutils' `addr2line` reads no symbol beyond its
//! size, it must say the same.

use super::*;
use crate::object::{Compiled, compile};

/// A program of this assembly, at fixed addresses; `_start` comes first and has eight bytes.
fn assembled(source: &str) -> Compiled {
    let start =
        ".text\n.globl _start\n.type _start,@function\n_start: .skip 8,0x90\n.size _start,8\n";
    compile("a.s", &format!("{start}{source}"), &["-nostdlib", "-static"])
}

/// `NAME: BYTES`, a global function of this size; its code is `bytes` bytes long.
fn function(name: &str, bytes: u64, size: u64) -> String {
    format!(
        ".globl {name}\n.type {name},@function\n{name}: .skip {bytes},0x90\n.size {name},{size}\n"
    )
}

/// The names of the `count` bytes that follow `_start`.
fn names(program: &Compiled, count: u64) -> Vec<String> {
    let symbols = Symbols::of(&program.open());
    let begin = ElfAddress(program.address("_start")).plus(8);
    let name = |plus| symbols.containing(begin.plus(plus)).map_or("-", FunctionSymbol::name);
    (0..count).map(|plus| name(plus).to_owned()).collect()
}

/// The same, as `addr2line` says it: asked anew each time, for within one run it goes on with the
/// function that it has found before.
fn judged(program: &Compiled, count: u64) -> Vec<String> {
    let begin = program.address("_start") + 8;
    let name = |address| {
        let said = program.run("addr2line", &["-f", "-e", "program", &format!("{address:#x}")]);
        said.lines().next().unwrap_or_default().replace("??", "-")
    };
    (begin..begin + count).map(name).collect()
}

fn has(program: &Compiled, name: &str) -> bool {
    let symbols = Symbols::of(&program.open());
    symbols.functions().iter().flat_map(|f| &f.aliases).any(|alias| alias.name == name)
}

#[test]
fn a_size_ends_a_function_and_a_gap_has_no_name() {
    let program =
        assembled(&(function("bounded", 2, 2) + ".skip 2,0x90\n" + &function("next", 1, 1)));
    assert_eq!(names(&program, 6), ["bounded", "bounded", "-", "-", "next", "-"]);
}

#[test]
fn without_a_size_only_the_first_byte_is_named() {
    // Before another function, before a gap, and at the very end.
    let source = function("open", 2, 0) + &function("next", 2, 2) + &function("last", 2, 0);
    let program = assembled(&source);
    assert_eq!(names(&program, 6), ["open", "-", "next", "next", "last", "-"]);
    // Within a function with a size, it names nothing.
    let inner = ".globl inner\n.type inner,@function\ninner: ";
    let source = format!("{}.skip 1,0x90\n{inner}.skip 1,0x90\n", function("outer", 1, 3));
    let program = assembled(&source);
    assert_eq!(names(&program, 4), ["outer", "outer", "outer", "-"]);
    assert!(has(&program, "inner"));
}

#[test]
fn an_end_mark_is_no_function_and_a_typed_one_gives_way() {
    let mark = |kind: &str| {
        let typed = format!(
            "{}\n.globl end_mark\n.type end_mark,@{kind}\nend_mark:\n",
            function("own", 2, 2)
        );
        let other = format!(".section code_two,\"ax\",@progbits\n{}", function("two", 2, 2));
        assembled(&format!(".section code_one,\"ax\",@progbits\n{typed}{other}"))
    };
    for (kind, is_function) in [("notype", false), ("function", true)] {
        let program = mark(kind);
        let end = ElfAddress(program.address("end_mark"));
        // The next section begins where this one ends.
        assert_eq!(end.0, program.address("two"));
        let symbols = Symbols::of(&program.open());
        let function = symbols.containing(end).unwrap();
        assert_eq!(function.name(), "two");
        assert_eq!(function.aliases.len(), 1 + usize::from(is_function), "{kind}");
    }
    // At the end of all code there is no byte to hold.
    let program = assembled(".globl end_mark\n.type end_mark,@function\nend_mark:\n");
    assert!(!has(&program, "end_mark"));
}

#[test]
fn a_nested_function_has_its_bytes_whatever_its_binding() {
    for binding in ["globl", "local", "weak"] {
        let nested = format!(
            ".{binding} nested\n.type nested,@function\nnested: nop\n.size nested,1\nnop\n"
        );
        let program = assembled(&(function("outer", 1, 3) + &nested));
        assert_eq!(names(&program, 4), ["outer", "nested", "outer", "-"], "{binding}");
        assert_eq!(names(&program, 2), judged(&program, 2), "{binding}");
    }
}

#[test]
fn of_functions_that_overlap_the_one_that_begins_last_counts() {
    for binding in ["globl", "weak"] {
        let late =
            format!(".{binding} late\n.type late,@function\nlate: .skip 4,0x90\n.size late,4\n");
        let program = assembled(&(function("early", 2, 4) + &late));
        let expected = ["early", "early", "late", "late", "late", "late"];
        assert_eq!(names(&program, 6), expected, "{binding}");
        assert_eq!(judged(&program, 6), expected, "{binding}");
    }
}

#[test]
fn aliases_have_an_order() {
    let alias = |name: &str, binding: &str, size: u64| {
        format!(
            ".{binding} {name}\n.type {name},@function\n.size {name},{size}\n.set {name},.Lhere\n"
        )
    };
    for (aliases, expected) in [
        (
            alias("w", "weak", 2) + &alias("l", "local", 2) + &alias("g", "globl", 2),
            vec!["g", "l", "w"],
        ),
        (alias("g", "globl", 0) + &alias("w", "weak", 2), vec!["w", "g"]),
        (alias("l", "local", 2) + &alias("w", "weak", 1), vec!["l", "w"]),
        (
            alias("i", "globl", 2).replace("@function", "@gnu_indirect_function")
                + &alias("l", "local", 2),
            vec!["l", "i"],
        ),
    ] {
        let program = assembled(&format!(".Lhere: .skip 2,0x90\n{aliases}"));
        let symbols = Symbols::of(&program.open());
        let here = ElfAddress(program.address("_start")).plus(8);
        let function = symbols.at(here).unwrap();
        let names: Vec<_> = function.aliases.iter().map(|alias| alias.name.as_str()).collect();
        assert_eq!(names, expected);
        // The size is that of the preferred name.
        let is_named = |plus| symbols.containing(here.plus(plus)).is_some();
        assert_eq!((is_named(1), is_named(2)), (true, false), "{names:?}");
    }
}

#[test]
fn an_indirect_function_without_another_name_is_known_as_such() {
    let source =
        ".globl thin\n.type thin,@gnu_indirect_function\nthin: .skip 2,0x90\n.size thin,2\n";
    let program = assembled(source);
    let symbols = Symbols::of(&program.open());
    let function = symbols.at(ElfAddress(program.address("_start")).plus(8)).unwrap();
    assert!(function.is_ifunc() && function.name() == "thin");
    assert!(!symbols.at(ElfAddress(program.address("_start"))).unwrap().is_ifunc());
}

#[test]
fn a_label_of_assembly_is_a_function_where_others_can_call_it() {
    let source = ".globl shared\nshared: nop\n.weak soft\nsoft: nop\nown: nop\n";
    assert_eq!(names(&assembled(source), 3), ["shared", "soft", "-"]);
}

#[test]
fn what_is_no_place_of_code_is_no_function() {
    let source = format!(
        "{}.globl fixed\n.type fixed,@function\n.set fixed,0x401001\n\
         .data\n{}.type number,@object\nnumber: .quad 1\n\
         .section .tdata,\"awT\",@progbits\n.globl local\n.type local,@tls_object\nlocal: .quad 1\n",
        function("real", 1, 1),
        function("in_data", 8, 8),
    );
    // The linker's own marks too, and a symbol for each section, which `--emit-relocs` keeps.
    let start = ".globl _start\n.type _start,@function\n_start: .skip 8,0x90\n.size _start,8\n";
    let source = format!("{start}{source}.text\nmov $etext,%eax\nmov $__executable_start,%eax\n");
    let arguments = ["-nostdlib", "-static", "-Wl,--emit-relocs"];
    let program = compile("a.s", &source, &arguments);
    let table = program.run("readelf", &["-sW", "program"]);
    for text in [
        " FUNC    GLOBAL DEFAULT  ABS fixed",
        " in_data",
        " number",
        " TLS     GLOBAL",
        " FILE    LOCAL",
        " SECTION LOCAL",
        " etext",
        " __executable_start",
    ] {
        assert!(table.contains(text), "{text}: {table}");
    }
    let symbols = Symbols::of(&program.open());
    let names: Vec<_> = symbols
        .functions()
        .iter()
        .flat_map(|f| f.aliases.iter().map(|a| a.name.as_str()))
        .collect();
    assert_eq!(names, ["_start", "real"]);
}

/// Where a program takes the address of a function of a library, its own symbol is undefined, and
/// has the address of a stub all the same.
#[test]
fn an_undefined_function_is_none_even_with_an_address() {
    let source =
        ".globl main\n.type main,@function\nmain: mov $puts,%eax\nret\n.size main,.-main\n";
    let program = compile("a.s", source, &["-no-pie"]);
    let table = program.run("readelf", &["-sW", "program"]);
    let line = table.lines().find(|line| line.contains(" puts")).unwrap();
    let address = line.split_whitespace().nth(1).unwrap();
    let address = ElfAddress(u64::from_str_radix(address, 16).unwrap());
    assert!(line.contains(" UND ") && program.open().is_code(address), "{line}");
    assert!(!has(&program, "puts"));
    assert!(Symbols::of(&program.open()).containing(address).is_none());
}
