use super::*;
use crate::object::{Compiled, compile};

const SOURCE: &str = r#"
int animal_make_dog(int x) { return x + 1; }
int animal_make_cat(int x) { return x + 2; }
int animal_print(int x) { return x * 3; }
int animal_show(int x) __attribute__((alias("animal_print")));
static int (*resolver(void))(int) { return animal_print; }
int quick(int x) __attribute__((ifunc("resolver")));
__asm__(".text\n.type animal_print.cold, @function\nanimal_print.cold:\n  ret\n"
        ".size animal_print.cold, .-animal_print.cold\n"
        ".globl _ZN4shop3addEi\n.type _ZN4shop3addEi, @function\n_ZN4shop3addEi:\n  ret\n"
        ".size _ZN4shop3addEi, .-_ZN4shop3addEi\n"
        ".globl \"main.(*T).Get\"\n.type \"main.(*T).Get\", @function\n\"main.(*T).Get\":\n  ret\n"
        ".size \"main.(*T).Get\", .-\"main.(*T).Get\"\n"
        ".globl \"main.(*Other).(*T).Get\"\n.type \"main.(*Other).(*T).Get\", @function\n"
        "\"main.(*Other).(*T).Get\":\n  ret\n"
        ".size \"main.(*Other).(*T).Get\", .-\"main.(*Other).(*T).Get\"\n");
int main(void) { return animal_make_dog(1) + animal_make_cat(2) + animal_print(3); }
"#;

struct Fixture {
    program: Compiled,
    object: std::sync::Arc<ObjectFile>,
    symbols: Symbols,
}

impl Fixture {
    fn new() -> Self {
        let program = compile("a.c", SOURCE, &["-O1"]);
        let object = program.open();
        let symbols = Symbols::of(&object);
        Self { program, object, symbols }
    }

    fn resolve(&self, patterns: &[&str], limit: usize) -> Result<Vec<ProbePoint>, ProbeError> {
        let patterns: Vec<_> = patterns.iter().map(|p| Pattern::parse(p).unwrap()).collect();
        resolve(&self.object, &self.symbols, [], &patterns, limit)
    }

    fn names(&self, pattern: &str) -> Vec<String> {
        let mut names: Vec<_> =
            self.resolve(&[pattern], 100).unwrap().into_iter().map(|point| point.display).collect();
        names.sort();
        names
    }
}

#[test]
fn what_is_certainly_called() {
    let source = r#"
        __asm__(".text\n.globl label\nlabel:\n nop\n.globl typed\n.type typed, @function\ntyped:\n ret\n"
                ".size typed, .-typed\n.type typed.cold, @function\ntyped.cold:\n nop\n ret\n"
                ".size typed.cold, .-typed.cold\n");
        int main(void) { return 0; }"#;
    let program = compile("a.c", source, &["-O1"]);
    let object = program.open();
    let symbols = Symbols::of(&object);
    let inside = format!("{:#x}", program.address("typed.cold") + 1);
    let is_called = |pattern: &str| {
        let points = resolve(&object, &symbols, [], &[Pattern::parse(pattern).unwrap()], 1);
        points.unwrap()[0].is_called
    };
    assert!(is_called("typed") && is_called("main"));
    assert!(!is_called("label") && !is_called("typed.cold") && !is_called(&inside));
}

#[test]
fn names_globs_and_expressions_find_functions() {
    let fixture = Fixture::new();
    assert_eq!(fixture.names("animal_make_dog"), ["animal_make_dog"]);
    assert_eq!(fixture.names("animal_make_*"), ["animal_make_cat", "animal_make_dog"]);
    assert_eq!(fixture.names("/make_(dog|cat)$/"), ["animal_make_cat", "animal_make_dog"]);
    for name in ["_ZN4shop3addEi", "shop::add", "shop::add(int)", "shop::*"] {
        assert_eq!(fixture.names(name), ["shop::add(int)"], "{name}");
    }
    let points = fixture.resolve(&["shop::add"], 1).unwrap();
    assert_eq!(points[0].language, Language::Cpp);
    assert_eq!(points[0].names, ["_ZN4shop3addEi"]);
}

#[test]
fn aliases_are_one_point_and_patterns_may_overlap() {
    let fixture = Fixture::new();
    let points = fixture.resolve(&["animal_print", "animal_show", "animal_p*"], 1).unwrap();
    assert_eq!(points.len(), 1);
    assert_eq!(points[0].address.0, fixture.program.address("animal_print"));
    assert_eq!(fixture.object.address_of(points[0].offset), Some(points[0].address));
    let mut names = points[0].names.clone();
    names.sort();
    assert_eq!(names, ["animal_print", "animal_show"]);
}

#[test]
fn cold_parts_match_only_when_named() {
    let fixture = Fixture::new();
    assert_eq!(fixture.names("animal_p*").len(), 1);
    assert_eq!(fixture.names("animal_print.cold"), ["animal_print.cold"]);
    assert_eq!(fixture.names("*.cold"), ["animal_print.cold"]);
}

#[test]
fn a_name_with_a_star_is_a_name_first() {
    let fixture = Fixture::new();
    assert_eq!(fixture.names("main.(*T).Get"), ["main.(*T).Get"]);
    assert_eq!(fixture.names("main.*.Get").len(), 2);
}

#[test]
fn addresses_and_offsets_are_places() {
    let fixture = Fixture::new();
    let address = fixture.program.address("animal_print");
    let point = |pattern: String| fixture.resolve(&[&pattern], 1).unwrap().remove(0);
    let by_name = point("animal_print".to_owned());
    assert_eq!(point(format!("{address:#x}")), by_name);
    assert_eq!(point(format!("program+{:#x}", by_name.offset.0)), by_name);
    for nowhere in ["0x1", "0xffffffffffffffff", "program+0xffffffff"] {
        let error = fixture.resolve(&[nowhere], 1).unwrap_err();
        assert!(matches!(error, ProbeError::NotCode { .. }), "{nowhere}: {error}");
    }
}

/// `objdump` says where instructions begin.
#[test]
fn only_where_an_instruction_begins() {
    let fixture = Fixture::new();
    let start = fixture.program.address("_start");
    let end = start + fixture.symbols.at(ElfAddress(start)).unwrap().size();
    // Behind the function `objdump` shows padding.
    let mut instructions = fixture.program.instructions("_start");
    instructions.retain(|address| *address < end);
    assert!(instructions.len() > 5);
    fixture.program.run("strip", &["program"]);
    let stripped = fixture.program.open();
    let none = Symbols::of(&stripped);
    for address in start..end {
        let pattern = Pattern::parse(&format!("{address:#x}")).unwrap();
        let named =
            resolve(&fixture.object, &fixture.symbols, [], std::slice::from_ref(&pattern), 1);
        let unnamed = resolve(&stripped, &none, [], &[pattern], 1);
        let begins = instructions.contains(&address);
        for (result, shown) in
            [(named, format!("_start+{:#x}", address - start)), (unnamed, format!("{address:#x}"))]
        {
            match result {
                Ok(points) if address == start => {
                    assert!(points[0].display.starts_with(['_', '0']))
                }
                Ok(points) => {
                    assert!(begins, "{address:#x}");
                    assert!(points[0].names.is_empty());
                    assert_eq!(points[0].display, shown);
                }
                Err(ProbeError::NotInstruction { .. }) => assert!(!begins, "{address:#x}"),
                Err(error) => panic!("{error}"),
            }
        }
    }
}

#[test]
fn each_failure_says_what_to_do() {
    let fixture = Fixture::new();
    let error = |pattern: &str, limit| fixture.resolve(&[pattern], limit).unwrap_err().to_string();
    let text = error("animal_pirnt", 10);
    assert!(text.contains("near names: `animal_print`"), "{text}");
    let text = error("completely_else", 10);
    assert!(text.contains("cgotrace list"), "{text}");
    let text = error("animal_*", 2);
    assert!(text.contains("cannot probe 3 functions") && text.contains("--max-probes 3"), "{text}");
    let text = error("quick", 10);
    assert!(text.contains("IFUNC"), "{text}");
}

#[test]
fn go_functions_join_the_symbols() {
    let fixture = Fixture::new();
    let address = ElfAddress(fixture.program.address("main.(*T).Get"));
    let bare = ElfAddress(fixture.program.address("animal_print.cold"));
    let go = [
        GoEntry { name: "main.(*T).Get".to_owned(), address, size: 1 },
        GoEntry { name: "app.DoStuff".to_owned(), address: bare, size: 1 },
        GoEntry { name: "outside".to_owned(), address: ElfAddress(!0), size: 1 },
    ];
    let find = |pattern: &str| {
        let pattern = Pattern::parse(pattern).unwrap();
        resolve(&fixture.object, &fixture.symbols, go.clone(), &[pattern], 10)
    };
    let points = find("main.(*T).Get").unwrap();
    assert_eq!(points[0].language, Language::Go);
    assert_eq!(points[0].names, ["main.(*T).Get"]);
    assert_eq!(find("app.*").unwrap()[0].address, bare);
    assert!(find("outside").is_err());
}

#[test]
fn a_stripped_file_says_so() {
    let program = compile("a.c", "int main(void) { return 0; }", &[]);
    program.run("strip", &["program"]);
    let object = program.open();
    let symbols = Symbols::of(&object);
    let pattern = Pattern::parse("animal_print").unwrap();
    let error = resolve(&object, &symbols, [], &[pattern], 10).unwrap_err();
    assert!(error.to_string().contains("no symbols"), "{error}");
}

#[test]
fn what_exists_only_inlined_says_where() {
    let source = "volatile int sink;
static inline __attribute__((always_inline)) void leaf(int x) { sink += x; }
int main(int argc, char **argv) { (void)argv; leaf(argc); return sink; }";
    let program = compile("a.c", source, &["-O2", "-g"]);
    let object = program.open();
    let pattern = Pattern::parse("leaf").unwrap();
    let error = resolve(&object, &Symbols::of(&object), [], &[pattern], 10).unwrap_err();
    assert!(error.to_string().ends_with("only inlined, into `main`; probe that"), "{error}");
}

/// Functions of these linkage names, in assembly.
fn with_symbols(symbols: &[&str]) -> Fixture {
    let mut source = String::from("int main(void) { return 0; }\n");
    for name in symbols {
        source.push_str(&format!(
            "__asm__(\".text\\n.globl {name}\\n.type {name}, @function\\n{name}:\\n  ret\\n\"\n\
             \".size {name}, .-{name}\\n\");\n"
        ));
    }
    let program = compile("a.c", &source, &[]);
    let object = program.open();
    Fixture { symbols: Symbols::of(&object), program, object }
}

#[test]
fn rust_and_cpp_match_as_people_write_them() {
    // The names are those of rustc (v0, then legacy) and g++.
    let fixture = with_symbols(&[
        "_RINvCsdrzbAzSuyJg_3zoo4leafhEB2_",
        "_RINvCsdrzbAzSuyJg_3zoo4leaflEB2_",
        "_RNvMCsdrzbAzSuyJg_3zooINtB2_6AnimallE5speakB2_",
        "_RNvXs_CsdrzbAzSuyJg_3zooINtB4_6AnimallENtB4_4Loud5shoutB4_",
        "_ZN7rustlib4leaf17h233a6bb2bd403cc4E",
        "_ZN3old15Animal$LT$T$GT$5speak17h6918422c18b7bdacE",
        "_ZN3cpp6AnimalIiE5speakEv",
        "_ZN3cpp6AnimalIcE5speakEv",
    ]);
    for (pattern, found) in [
        ("zoo::leaf", 2),
        ("zoo::leaf::<u8>", 1),
        ("zoo::Animal<*>::speak", 1),
        ("zoo::Animal<i32>::speak", 1),
        ("<zoo::Animal<i32>>::speak", 1),
        ("<zoo::Animal<i32> as zoo::Loud>::shout", 1),
        ("<* as zoo::Loud>::shout", 1),
        ("zoo::*", 3),
        ("rustlib::leaf", 1),
        ("_ZN7rustlib4leaf17h233a6bb2bd403cc4E", 1),
        ("old::Animal<T>::speak", 1),
        ("cpp::Animal<*>::speak", 2),
        ("cpp::Animal<int>::speak", 1),
        ("cpp::Animal<int>::speak()", 1),
        ("*::speak", 4),
        ("/::Animal<.*>::speak/", 4),
    ] {
        assert_eq!(fixture.resolve(&[pattern], 100).unwrap().len(), found, "{pattern}");
    }
    let error = fixture.resolve(&["rustlib::laef"], 1).unwrap_err();
    assert!(error.to_string().contains("`rustlib::leaf`"), "{error}");
}

#[test]
fn the_language_is_that_of_the_unit() {
    let source = "int plain(int x) { return x; }\nint main(void) { return plain(1); }";
    for (arguments, expected) in [(&["-g"][..], Language::C), (&["-g0"], Language::Unknown)] {
        let program = compile("a.c", source, arguments);
        let object = program.open();
        let patterns = [Pattern::parse("plain").unwrap()];
        let points = resolve(&object, &Symbols::of(&object), [], &patterns, 1).unwrap();
        assert_eq!(points[0].language, expected, "{arguments:?}");
    }
}
