use super::*;
use crate::object::{Compiled, compile};

const SOURCE: &str = r#"
int shared(int x) { return x * 3; }
int other_name(int x) __attribute__((alias("shared")));
int weak_name(int x) __attribute__((weak, alias("shared")));
static __attribute__((noinline)) int inner(int x) { return x + 1; }
static int (*resolver(void))(int) { return inner; }
int chosen(int x) __attribute__((ifunc("resolver")));
__asm__(".text\n.globl bare\nbare:\n  nop\n  nop\nlocal_label:\n  ret\n"
        ".globl bounded\n.type bounded, @function\nbounded:\n  nop\n  ret\n.size bounded, .-bounded\n");
int data_object = 7;
int main(void) { return shared(1) + inner(2); }
"#;

fn program() -> Compiled {
    compile("a.c", SOURCE, &["-O1"])
}

#[test]
fn all_names_of_one_address_are_one_function() {
    let program = program();
    let object = program.open();
    let symbols = Symbols::of(&object);
    let address = ElfAddress(program.address("shared"));
    let function = symbols.at(address).unwrap();
    let names: Vec<_> = function.aliases.iter().map(|alias| alias.name.as_str()).collect();
    assert_eq!(names.len(), 3, "{names:?}");
    assert_eq!(names[2], "weak_name");
    assert!(names[..2].contains(&"shared") && names[..2].contains(&"other_name"));
    assert_eq!(object.address_of(function.offset), Some(address));
    assert!(!function.is_ifunc());
    // The resolver has a name of its own beside that of the indirect function.
    let chosen = symbols.at(ElfAddress(program.address("chosen"))).unwrap();
    assert_eq!(chosen.name(), "resolver");
    assert!(chosen.aliases.iter().any(|alias| alias.name == "chosen" && alias.is_ifunc));
}

#[test]
fn only_what_lies_inside_is_named() {
    let program = program();
    let symbols = Symbols::of(&program.open());
    let name = |symbol: &str, plus| {
        let address = ElfAddress(program.address(symbol)).plus(plus);
        symbols.containing(address).map(|function| function.name().to_owned())
    };
    assert_eq!(name("bounded", 0).as_deref(), Some("bounded"));
    assert_eq!(name("bounded", 1).as_deref(), Some("bounded"));
    // A label without a size holds its first byte only, and no local label is a function.
    assert_eq!(name("bare", 0).as_deref(), Some("bare"));
    assert_eq!(name("bare", 1), None);
    assert_eq!(name("local_label", 0), None);
    assert_eq!(name("data_object", 0), None);
}

#[test]
fn every_function_of_nm_is_there_and_no_more() {
    let program = program();
    let symbols = Symbols::of(&program.open());
    for function in symbols.functions() {
        for alias in &function.aliases {
            assert_eq!(program.address(&alias.name), function.address.0, "{}", alias.name);
        }
    }
    for name in ["shared", "inner", "resolver", "main", "bare", "_start"] {
        assert!(symbols.at(ElfAddress(program.address(name))).is_some(), "{name}");
    }
}

#[test]
fn a_stripped_file_has_its_dynamic_symbols() {
    let program = compile("a.c", SOURCE, &["-O1", "-shared", "-fPIC"]);
    let address = ElfAddress(program.address("shared"));
    let inner = ElfAddress(program.address("inner"));
    program.run("strip", &["program"]);
    let symbols = Symbols::of(&program.open());
    assert!(symbols.at(address).is_some());
    assert!(symbols.containing(inner).is_none());
}

#[test]
fn versions_are_no_part_of_a_name() {
    assert_eq!(without_version(b"memcpy@@GLIBC_2.14"), b"memcpy");
    assert_eq!(without_version(b"plain"), b"plain");
    assert_eq!(without_version(b"@odd"), b"@odd");
}
