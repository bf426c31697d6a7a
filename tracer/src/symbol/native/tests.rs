use super::*;
use crate::object::{Compiled, compile};

/// Each call of `opaque` has an address that `objdump` tells and a line that a marker tells.
const SOURCE: &str = r#"
volatile int sink;
__attribute__((noipa)) void opaque(int x) { sink += x; }

static inline __attribute__((always_inline)) void leaf(int x) {
    opaque(x); /* MARK leaf */
    sink++;
}

static inline __attribute__((always_inline)) void middle(int x) {
    sink--;
    leaf(x + 1); /* MARK middle */
}

__attribute__((noipa)) void outer(int x) {
    middle(x); /* MARK outer */
    opaque(x); /* MARK plain */
    sink--;
}

int main(void) {
    outer(1); /* MARK main */
    return sink;
}
"#;

fn build(arguments: &[&str]) -> Compiled {
    let mut all = vec!["-O2"];
    all.extend(arguments);
    compile("chain.c", SOURCE, &all)
}

fn namer(program: &Compiled) -> NativeNamer {
    NativeNamer::new(program.open(), None)
}

fn expected(program: &Compiled, function: &str, mark: &str, inlined: bool) -> SourceFrame {
    SourceFrame {
        function: function.to_owned(),
        symbol: function.to_owned(),
        language: Language::C,
        file: Some(program.source()),
        line: Some(program.line(mark)),
        inlined,
    }
}

fn assert_chain(program: &Compiled, namer: &mut NativeNamer) {
    let returns = program.returns_of_calls("outer", "opaque");
    assert_eq!(returns.len(), 2);
    let chain = namer.name(ElfAddress(returns[0] - 1));
    assert_eq!(
        chain,
        [
            expected(program, "leaf", "leaf", true),
            expected(program, "middle", "middle", true),
            expected(program, "outer", "outer", false),
        ]
    );
    let plain = namer.name(ElfAddress(returns[1] - 1));
    assert_eq!(plain, [expected(program, "outer", "plain", false)]);
    let main = program.returns_of_calls("main", "outer")[0];
    assert_eq!(namer.name(ElfAddress(main - 1)), [expected(program, "main", "main", false)]);
}

#[test]
fn inlined_calls_have_their_lines_in_each_version_of_dwarf() {
    for arguments in [
        &["-gdwarf-5"][..],
        &["-gdwarf-4"],
        &["-gdwarf-3", "-gstrict-dwarf"],
        &["-g", "-gz"],
        &["-g", "-no-pie"],
        &["-g", "-ffunction-sections", "-Wl,--gc-sections"],
        &["-g", "-flto"],
    ] {
        let program = build(arguments);
        assert_chain(&program, &mut namer(&program));
    }
}

#[test]
fn a_separate_debug_file_serves_as_well() {
    let program = build(&["-g"]);
    let returns = program.returns_of_calls("outer", "opaque");
    program.run("objcopy", &["--only-keep-debug", "program", "program.debug"]);
    program.run("strip", &["program"]);
    let address = ElfAddress(returns[1] - 1);
    assert_eq!(namer(&program).name(address), []);
    let debug_file = ObjectFile::open_debug(&program.directory().join("program.debug")).unwrap();
    let mut namer = NativeNamer::new(program.open(), Some(Arc::new(debug_file)));
    assert_eq!(namer.name(address), [expected(&program, "outer", "plain", false)]);
}

#[test]
fn without_dwarf_the_symbol_is_named_and_never_a_neighbour() {
    let program = build(&["-g"]);
    let inside = ElfAddress(program.returns_of_calls("outer", "opaque")[1] - 1);
    let start = ElfAddress(program.address("_start"));
    program.run("strip", &["--strip-debug", "program"]);
    let mut named = namer(&program);
    let frames = named.name(inside);
    assert_eq!(frames.len(), 1);
    assert_eq!((frames[0].function.as_str(), frames[0].language), ("outer", Language::Unknown));
    assert_eq!((&frames[0].file, frames[0].line, frames[0].inlined), (&None, None, false));
    program.run("strip", &["program"]);
    let mut named = namer(&program);
    assert_eq!(named.name(inside), []);
    assert_eq!(named.name(start), []);
}

#[test]
fn what_lies_between_functions_has_no_name() {
    let program = build(&["-g", "-falign-functions=64"]);
    let object = program.open();
    let symbols = Symbols::of(&object);
    let mut namer = namer(&program);
    let mut between = 0;
    let functions = symbols.functions();
    for pair in functions.windows(2) {
        let end = pair[0].address.plus(pair[0].size());
        if pair[0].size() == 0 || end >= pair[1].address {
            continue;
        }
        between += 1;
        assert_eq!(namer.name(end), [], "behind {}", pair[0].name());
        assert_eq!(namer.name(pair[1].address.minus(1)), [], "before {}", pair[1].name());
    }
    assert!(between > 2, "{between}");
    for nowhere in [0, 1, u64::MAX] {
        assert_eq!(namer.name(ElfAddress(nowhere)), []);
    }
}

#[test]
fn assembly_has_lines_by_dwarf_and_its_name_by_the_symbol() {
    let source = ".text\n.globl entry\n.type entry, @function\nentry:\n  nop\n  ret\n\
                  .size entry, .-entry\n.globl main\n.type main, @function\nmain:\n  call entry\n  \
                  xor %eax, %eax\n  ret\n.size main, .-main\n.section .note.GNU-stack,\"\"\n";
    let program = compile("entry.s", source, &["-g"]);
    let frames = namer(&program).name(ElfAddress(program.address("entry")).plus(1));
    let expected = SourceFrame {
        function: "entry".to_owned(),
        symbol: "entry".to_owned(),
        language: Language::Asm,
        file: Some(program.source()),
        line: Some(6),
        inlined: false,
    };
    assert_eq!(frames, [expected]);
}

/// A function that the linker discards leaves its entry at address 0; if it is longer than what
/// lies before the code, its range reaches into other functions.
#[test]
fn discarded_functions_name_nothing() {
    let body = "sink += x * 3; sink ^= x;\n".repeat(3000);
    let source = SOURCE.replace(
        "int main(void) {",
        &format!("void discarded(int x) {{ {body} }}\nint main(void) {{"),
    );
    let arguments = ["-O2", "-g", "-ffunction-sections", "-Wl,--gc-sections"];
    let program = compile("chain.c", &source, &arguments);
    assert!(!program.run("nm", &["program"]).contains("discarded"));
    let mut namer = namer(&program);
    assert_chain(&program, &mut namer);
    for symbol in ["_init", "_start"] {
        let frames = namer.name(ElfAddress(program.address(symbol)));
        assert_eq!(frames.last().map(|frame| frame.function.as_str()), Some(symbol));
    }
}

#[test]
fn relative_paths_are_joined_to_the_directory() {
    let program = build(&["-g"]);
    let sub = program.directory().join("sub");
    std::fs::create_dir(&sub).unwrap();
    program.run("sh", &["-c", "cd sub && cc -O2 -g ./../chain.c -o ../program"]);
    let address = ElfAddress(program.returns_of_calls("main", "outer")[0] - 1);
    let directory = sub.canonicalize().unwrap();
    let file = format!("{}/../chain.c", directory.display());
    assert_eq!(namer(&program).name(address)[0].file, Some(file));
}

/// `readelf` says which bytes belong to which dynamic symbol; all others have no name: neither
/// static functions, nor padding, nor `.init`.
#[test]
fn a_stripped_file_never_names_a_neighbour() {
    let source = "#include <stdlib.h>\n\
                  static __attribute__((noipa)) int hidden(int x) { return x + abs(x); }\n\
                  int seen(int x) { return hidden(x) + hidden(x + 1); }\n\
                  int also_seen(int x) { return hidden(x) * rand(); }\n\
                  static int (*choose(void))(int) { return hidden; }\n\
                  int indirect(int x) __attribute__((ifunc(\"choose\")));\n\
                  __asm__(\".globl bare\\nbare:\\n nop\\n nop\\n ret\\n\");\n\
                  int main(void) { return seen(1) + also_seen(2) + indirect(3); }";
    for arguments in [&["-O1", "-rdynamic", "-fno-builtin"][..], &["-O1", "-shared", "-fPIC"]] {
        let program = compile("a.c", source, arguments);
        program.run("strip", &["program"]);
        let text = program.run("readelf", &["--dyn-syms", "-W", "program"]);
        let mut extents = Vec::new();
        for line in text.lines() {
            let fields: Vec<_> = line.split_whitespace().collect();
            let [_, value, size, kind @ ("FUNC" | "NOTYPE"), _, _, section, name, ..] = fields[..]
            else {
                continue;
            };
            if section == "UND" || value == "Value" {
                continue;
            }
            let (begin, size): (u64, u64) =
                (u64::from_str_radix(value, 16).unwrap(), size.parse().unwrap());
            // A function without a size is known at its first byte only.
            let size = if kind == "NOTYPE" || size == 0 { 1 } else { size };
            extents.push((begin, begin + size, name.to_owned()));
        }
        assert!(extents.len() >= 3, "{text}");
        let object = program.open();
        let mut namer = namer(&program);
        let mut named = 0;
        for segment in object.segments().iter().filter(|segment| segment.executable) {
            for address in segment.address.0..segment.address.0 + segment.size {
                let chain = namer.name(ElfAddress(address));
                let holds = |e: &&(u64, u64, String)| (e.0..e.1).contains(&address);
                match extents.iter().find(holds) {
                    Some((.., name)) => assert_eq!(&chain[0].symbol, name, "{address:#x}"),
                    // Stubs are judged elsewhere.
                    None if chain.iter().all(|frame| frame.symbol.ends_with("@plt")) => continue,
                    None => assert_eq!(chain, [], "{address:#x}"),
                }
                named += chain.len();
            }
        }
        assert!(named > 0);
    }
}

/// Nothing of `scope.cc` is seen by other files: compilers leave out the linkage names. The expected
/// names are those of the source.
#[test]
fn an_inlined_function_without_a_linkage_name_has_its_scope() {
    let program = compile("scope.s", include_str!("scope.s"), &[]);
    let returns = program.returns_of_calls("outer", "opaque");
    let frames = namer(&program).name(ElfAddress(returns[0] - 1));
    let names: Vec<_> = frames.iter().map(|frame| frame.function.as_str()).collect();
    let expected = [
        "shop::(anonymous namespace)::leaf",
        "shop::(anonymous namespace)::Till::Drawer::open",
        "shop::(anonymous namespace)::Till::ring",
        "shop::outside",
        "plain",
        "outer",
    ];
    assert_eq!(names, expected);
    assert_eq!(frames[0].symbol, "leaf");
    assert_eq!(
        frames.iter().map(|frame| frame.line).collect::<Vec<_>>(),
        [6, 8, 9, 12, 14, 15].map(Some)
    );
}

#[test]
fn a_part_of_a_function_has_its_symbol_and_the_function_its_name() {
    let program = build(&["-g"]);
    let inner = program.address("outer") + 1;
    // As a compiler names what it split off.
    program.run("objcopy", &["--redefine-sym", "outer=outer.part.0", "program"]);
    let frames = namer(&program).name(ElfAddress(inner));
    let physical = frames.last().unwrap();
    assert_eq!((physical.function.as_str(), physical.symbol.as_str()), ("outer", "outer.part.0"));
}

/// GCC gives a template over a lambda no linkage name, and spells the lambda otherwise than the
/// symbol does. Names as `readelf` and `c++filt` have them.
#[test]
fn a_template_over_a_lambda_is_that_of_its_symbol() {
    let (shown, _) = demangle("_Z5applyIZ4mainEUliE_EvT_").unwrap();
    assert_eq!(shown, "void apply<main::{lambda(int)#1}>(main::{lambda(int)#1})");
    let plain = "apply<main(int, char**)::<lambda(int)> >";
    assert!(!shown.contains(plain));
    assert_eq!(without_arguments(plain), "apply");
    assert!(shown.contains(without_arguments(plain)));
    for whole in ["operator<", "operator<<", "<lambda()>", "sum"] {
        assert_eq!(without_arguments(whole), whole);
    }
}
