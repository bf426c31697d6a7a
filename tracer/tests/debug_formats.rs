//! C, C++ and Rust in every form that debug information comes in, named as llvm-symbolizer names
//! them. Needs clang, dwz and LLVM's tools, which `cargo xtask setup native` gets.
#![cfg(feature = "privileged-tests")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use serde_json::Value;
use tempfile::TempDir;
use tracer::address::ElfAddress;
use tracer::object::{DebugFiles, ObjectFile};
use tracer::symbol::NativeNamer;

const C: &str = r#"
#include <stdlib.h>
volatile int sink;
static inline __attribute__((always_inline)) int subject_leaf(int x) { return x + (x << (sink & 3)); }
static inline __attribute__((always_inline)) int subject_middle(int x) { sink--; return subject_leaf(x) + 1; }
static int subject_compare(const void *a, const void *b) { return subject_middle(*(const int *)a) - *(const int *)b; }
__attribute__((noinline)) int subject_work(int *v, int n) {
    qsort(v, n, sizeof *v, subject_compare);
    for (int i = 0; i < n; i++) sink += subject_leaf(v[i]);
    return subject_middle(n);
}
int main(int argc, char **argv) {
    int v[32];
    for (int i = 0; i < 32; i++) v[i] = rand();
    return subject_work(v, argc) + subject_leaf(argc);
}
"#;

const CPP: &str = r#"
#include <cstdlib>
#include <vector>
volatile int sink;
namespace subject_space {
template <typename T> struct Sum {
    T total{};
    __attribute__((always_inline)) inline void subject_add(T v) { total += v * (sink & 3); }
    __attribute__((noinline)) T subject_all(const std::vector<T> &v) { for (auto &x : v) subject_add(x); return total; }
};
__attribute__((noinline)) double subject_run(int n) {
    std::vector<double> v(n, 1.5);
    Sum<double> sum;
    auto twice = [&](int k) __attribute__((noinline)) { sink += k; return sum.subject_all(v); };
    return twice(n) + twice(n + 1);
}
}
int main(int argc, char **argv) { return int(subject_space::subject_run(argc)); }
"#;

const RUST: &str = r#"
use std::hint::black_box;
struct Subject<T>(Vec<T>);
impl<T: Copy + Into<u64>> Subject<T> {
    #[inline(always)]
    fn subject_one(&self, at: usize) -> u64 { black_box(self.0[at].into()).wrapping_mul(3) }
    #[inline(never)]
    fn subject_sum(&self) -> u64 {
        (0..self.0.len()).map(|at| self.subject_one(at)).fold(0, |sum, one| sum ^ one)
    }
}
fn main() {
    let count = std::env::args().count() as u8;
    let subject = Subject(vec![black_box(count); 9]);
    println!("{}", subject.subject_sum());
}
"#;

/// What is compiled how.
#[derive(Clone, Copy, Debug)]
enum Compiler {
    C(&'static str),
    Cpp(&'static str),
    Rust,
}

use Compiler::{Cpp, Rust};

const COMPILERS: [Compiler; 5] =
    [Compiler::C("gcc"), Compiler::C("clang"), Cpp("g++"), Cpp("clang++"), Rust];

/// Where debug information goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Whole,
    Dwo,
    Dwp,
}

/// A program in its folder.
struct Program(TempDir);

impl Program {
    fn build(compiler: Compiler, version: u8, form: Form) -> Self {
        let program = Self(tempfile::tempdir().expect("folder"));
        let dwarf = format!("-gdwarf-{version}");
        let split = if form == Form::Whole { "-O2" } else { "-gsplit-dwarf" };
        let (tool, name, source) = match compiler {
            Compiler::C(tool) => (tool, "main.c", C),
            Cpp(tool) => (tool, "main.cc", CPP),
            Rust => ("rustc", "main.rs", RUST),
        };
        std::fs::write(program.path(name), source).expect("source");
        if let Rust = compiler {
            let version = format!("dwarf-version={version}");
            let mode = match form {
                Form::Whole => "split-debuginfo=off",
                Form::Dwo => "split-debuginfo=unpacked",
                Form::Dwp => "split-debuginfo=packed",
            };
            let arguments = ["-g", "-O", "-C", &version, "-C", mode, name, "-o", "program"];
            program.run(tool, &arguments);
        } else {
            let arguments = ["-O2", "-g", &dwarf, split, "-c", name, "-o", "main.o"];
            program.run(tool, &arguments);
            program.run(tool, &["main.o", "-o", "program"]);
        }
        if form == Form::Dwp && !matches!(compiler, Rust) {
            program.run("llvm-dwp-22", &["-e", "program", "-o", "program.dwp"]);
            std::fs::remove_file(program.path("main.dwo")).expect("remove");
        }
        program
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn run(&self, tool: &str, arguments: &[&str]) -> String {
        run(self.0.path(), tool, arguments)
    }

    /// Every byte of the functions of the source.
    fn addresses(&self) -> Vec<u64> {
        let table = self.run("nm", &["-S", "--defined-only", "program"]);
        let mut addresses = Vec::new();
        for line in table.lines() {
            let fields: Vec<_> = line.split_whitespace().collect();
            let [start, size, kind, name] = fields[..] else { continue };
            let is_function = "tTwW".contains(kind);
            if is_function && (name == "main" || name.to_lowercase().contains("subject")) {
                let number = |text| u64::from_str_radix(text, 16).expect("number");
                addresses.extend(number(start)..number(start) + number(size));
            }
        }
        assert!(addresses.len() > 60, "{} bytes", addresses.len());
        addresses
    }

    /// What llvm-symbolizer says of these addresses.
    fn judged(&self, addresses: &[u64]) -> Vec<String> {
        let texts: Vec<_> = addresses.iter().map(|address| format!("{address:#x}")).collect();
        let mut arguments =
            vec!["--output-style=JSON", "--no-demangle", "--inlining", "-e", "program"];
        arguments.extend(texts.iter().map(String::as_str));
        let said = self.run("llvm-symbolizer-22", &arguments);
        let said: Vec<Value> = serde_json::from_str(&said).expect("JSON");
        let chain = |one: &Value| {
            let frames = one["Symbol"].as_array().expect("Symbol").iter();
            let frames = frames.map(|frame| {
                let text = |key: &str| frame[key].as_str().expect("text").to_owned();
                format!("{} {}:{}", text("FunctionName"), text("FileName"), frame["Line"])
            });
            frames.collect::<Vec<_>>().join("\n")
        };
        said.iter().map(chain).collect()
    }

    /// What we say of them.
    fn named(&self, addresses: &[u64], files: &DebugFiles) -> Vec<String> {
        let object = Arc::new(ObjectFile::open(&self.path("program")).expect("program"));
        let found = files.find(&object);
        assert!(found.refused.is_empty(), "{:?}", found.refused);
        let mut namer = NativeNamer::with_debug_files(object, found.file, files.clone());
        let chain = |address: &u64| {
            let frames = namer.name(ElfAddress(*address)).into_iter().map(|frame| {
                let file = frame.file.unwrap_or_default();
                format!("{} {file}:{}", frame.symbol, frame.line.unwrap_or(0))
            });
            frames.collect::<Vec<_>>().join("\n")
        };
        let said = addresses.iter().map(chain).collect();
        let refused = namer.take_refused();
        assert!(refused.is_empty(), "{refused:?}");
        said
    }

    /// That we say what was judged.
    fn check(&self, addresses: &[u64], judged: &[String], files: &DebugFiles, context: &str) {
        let named = self.named(addresses, files);
        let mut inlined = 0;
        for ((address, ours), theirs) in addresses.iter().zip(&named).zip(judged) {
            inlined += usize::from(ours.contains('\n'));
            // At its very entry, an inlined call has not begun.
            let is_entry = !ours.contains('\n') && theirs.ends_with(ours.as_str());
            assert!(ours == theirs || is_entry, "{context} {address:#x}\n{ours}\n--\n{theirs}");
        }
        assert!(inlined > 20, "{context}: {inlined}");
    }
}

fn run(folder: &Path, tool: &str, arguments: &[&str]) -> String {
    let mut command = Command::new("timeout");
    let output = command.args(["60", tool]).args(arguments).current_dir(folder).output();
    let output = output.expect("start timeout");
    let errors = String::from_utf8_lossy(&output.stderr);
    let setup = "what is missing, cargo xtask setup native gets";
    assert!(output.status.success(), "{tool} {arguments:?}: {errors} ({setup})");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn split_and_whole_dwarf_4_and_5_of_each_compiler() {
    let files = DebugFiles::default();
    for compiler in COMPILERS {
        for version in [4, 5] {
            for form in [Form::Whole, Form::Dwo, Form::Dwp] {
                // No tool at hand packs what GCC makes of DWARF 5: dwp 2.40 crashes, llvm-dwp 22
                // does not end.
                let is_gcc = matches!(compiler, Compiler::C("gcc") | Cpp("g++"));
                if is_gcc && version == 5 && form == Form::Dwp {
                    continue;
                }
                let program = Program::build(compiler, version, form);
                let addresses = program.addresses();
                let judged = program.judged(&addresses);
                let context = format!("{compiler:?} DWARF {version} {form:?}");
                program.check(&addresses, &judged, &files, &context);
            }
        }
    }
}

/// `dwz` keeps what two programs share in a file of its own, or in partial units of one program.
#[test]
fn what_dwz_made_common() {
    let files = DebugFiles::default();
    for compiler in [Compiler::C("gcc"), Cpp("g++"), Cpp("clang++"), Rust] {
        for version in [4, 5] {
            // dwz 0.15 refuses the sections that LLVM makes of DWARF 5 (.debug_str_offsets).
            if matches!(compiler, Cpp("clang++") | Rust) && version == 5 {
                continue;
            }
            let context = format!("{compiler:?} DWARF {version} dwz");
            let program = Program::build(compiler, version, Form::Whole);
            let addresses = program.addresses();
            let judged = program.judged(&addresses);
            program.run("cp", &["program", "twin"]);
            program.run("cp", &["program", "alone"]);
            program.run("dwz", &["-m", "common.debug", "program", "twin"]);
            let sections = program.run("readelf", &["-SW", "program"]);
            assert!(sections.contains(".gnu_debugaltlink"), "{context}: {sections}");
            program.check(&addresses, &judged, &files, &context);
            // With the common file elsewhere, and one of another build in its place.
            program.run("mkdir", &["-p", "debug/.dwz"]);
            program.run("mv", &["common.debug", "debug/.dwz/common.debug"]);
            let mut elsewhere = DebugFiles::default();
            elsewhere.add_directory(&program.path("debug"));
            program.check(&addresses, &judged, &elsewhere, &context);
            program.run("cp", &["alone", "common.debug"]);
            let object = Arc::new(ObjectFile::open(&program.path("program")).expect("program"));
            let mut namer = NativeNamer::new(object, None);
            namer.name(ElfAddress(addresses[0]));
            let refused = namer.take_refused();
            assert!(refused[0].to_string().contains("is not the common file"), "{refused:?}");
            program.run("dwz", &["alone"]);
            program.run("mv", &["alone", "program"]);
            program.check(&addresses, &judged, &files, &format!("{context}, alone"));
        }
    }
}

/// DWARF 5 has its own way to say so, which `dwz --dwarf-5` uses.
#[test]
fn a_common_file_as_dwarf_5_has_it() {
    let program = Program::build(Cpp("g++"), 5, Form::Whole);
    let addresses = program.addresses();
    let judged = program.judged(&addresses);
    program.run("cp", &["program", "twin"]);
    program.run("dwz", &["--dwarf-5", "-m", "common.debug", "program", "twin"]);
    let sections = program.run("readelf", &["-SW", "program"]);
    assert!(sections.contains(".debug_sup"), "{sections}");
    program.check(&addresses, &judged, &DebugFiles::default(), "debug_sup");
}

/// What distributions do: everything at once.
#[test]
fn stripped_linked_compressed_and_made_common() {
    for compiler in [Compiler::C("gcc"), Cpp("g++")] {
        let program = Program::build(compiler, 5, Form::Whole);
        let addresses = program.addresses();
        let judged = program.judged(&addresses);
        program.run("objcopy", &["--only-keep-debug", "program", "program.debug"]);
        program.run("strip", &["program"]);
        program.run("objcopy", &["--add-gnu-debuglink=program.debug", "program"]);
        program.run("cp", &["program.debug", "twin.debug"]);
        program.run("dwz", &["-m", "common.debug", "program.debug", "twin.debug"]);
        program.run("objcopy", &["--compress-debug-sections=zstd", "program.debug"]);
        program.run("objcopy", &["--compress-debug-sections=zlib", "common.debug"]);
        // By the build id only: `dwz` and `objcopy` have changed the checksum.
        program.check(&addresses, &judged, &DebugFiles::default(), "all at once");
    }
}
