//! Goroutine ids, beside what the program itself says of each hit: on goroutines and on g0, in
//! callbacks, in signal handlers, on threads of C. And Go as a library of a C program: its threads,
//! and the Go callers behind a gap.
#![cfg(feature = "privileged-tests")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;
use xtask::tool::go::{KNOWN, NEWEST, TESTED, build_command, ensure_version};
use xtask::tool::paths;

use support::{cgotrace, functions, records, run};

/// Builds the Go package of this folder below `tests`, by more arguments of `go build`.
fn build(source: &str, version: &str, to: &Path, arguments: &[&str]) {
    let module = to.parent().expect("folder").join(format!("{source}-source"));
    fs::create_dir_all(&module).expect("folder");
    let folder = paths::root().join("tracer/tests").join(source);
    for entry in fs::read_dir(folder).expect("sources") {
        let entry = entry.expect("source");
        if entry.path().is_file() {
            fs::copy(entry.path(), module.join(entry.file_name())).expect("copy");
        }
    }
    fs::write(module.join("go.mod"), "module tested\n\ngo 1.21\n").expect("go.mod");
    let go = ensure_version(version).expect("Go");
    run(build_command(&go).args(arguments).arg("-o").arg(to).arg(".").current_dir(module), 0);
}

/// Traces a program: what it said, and the stacks.
fn trace(program: &Path, probes: &[&str]) -> (String, Vec<Value>) {
    let folder = tempfile::tempdir().expect("folder");
    let written = folder.path().join("trace.json");
    let mut command = cgotrace();
    command.args(["run", "--format", "json", "-o"]).arg(&written);
    for probe in probes {
        command.args(["--func", probe]);
    }
    let output = run(command.arg("--").arg(program), 0);
    let trace = fs::read_to_string(written).expect("trace");
    let summary = &records(&trace, "summary")[0];
    assert!(summary["lost"].as_object().is_some_and(|lost| lost.is_empty()), "{summary}");
    (String::from_utf8(output.stdout).expect("text"), records(&trace, "stack"))
}

/// "probe goroutine" of each stack; "-" where there is no goroutine.
fn goroutines(stacks: &[Value]) -> Vec<String> {
    let of = |stack: &Value| {
        let goroutine = stack["goroutine"].as_u64().map_or("-".to_owned(), |id| id.to_string());
        format!("{} {goroutine}", stack["probe"].as_str().expect("probe"))
    };
    stacks.iter().map(of).collect()
}

#[test]
fn the_goroutine_of_every_hit_is_the_one_that_the_program_says() {
    let probes = ["main.known", "main.counted", "native_leaf", "runtime.newproc1"];
    for version in KNOWN {
        let folder = tempfile::tempdir().expect("folder");
        let program = folder.path().join("program");
        build("goroutines", version, &program, &[]);
        let (said, stacks) = trace(&program, &probes);
        // The runtime starts goroutines of its own, and those of the last part are of no order.
        let (counted, ordered): (Vec<_>, Vec<_>) =
            stacks.into_iter().partition(|stack| stack["probe"] == "main.counted");
        let ordered: Vec<_> = ordered
            .into_iter()
            .filter(|stack| {
                let is_own = |name: &String| name == "main.spawn";
                stack["probe"] != "runtime.newproc1" || functions(stack).iter().any(is_own)
            })
            .collect();
        let (said_counted, said_ordered): (Vec<_>, Vec<_>) =
            said.lines().map(str::to_owned).partition(|line| line.starts_with("main.counted"));
        assert_eq!(goroutines(&ordered), said_ordered, "Go {version}");
        let mut found = goroutines(&counted);
        let mut expected: Vec<_> = said_counted.iter().flat_map(|line| vec![line; 25]).collect();
        found.sort();
        expected.sort();
        assert!(found.iter().eq(expected), "Go {version}: {found:?}, but: {said_counted:?}");
        // What is compared is there.
        let count = |what: &str| said_ordered.iter().filter(|line| line.starts_with(what)).count();
        assert_eq!((count("runtime.newproc1"), count("native_leaf -")), (10, 10), "Go {version}");
        assert_eq!((said_counted.len(), found.len()), (40, 1000), "Go {version}");
        println!("Go {version}: {} goroutine ids right", ordered.len() + counted.len());
    }
}

/// A C program with Go in it: `shared.so` beside it, or an archive linked into it.
fn go_in_c(version: &str, mode: &str, flags: &[&str]) -> (TempDir, PathBuf, String) {
    let folder = tempfile::tempdir().expect("folder");
    let library = folder.path().join(if mode == "c-shared" { "libgo.so" } else { "libgo.a" });
    build("golibrary", version, &library, &[&format!("-buildmode={mode}")]);
    let program = folder.path().join("program");
    let source = paths::root().join("tracer/tests/golibrary/program/main.c");
    run(
        Command::new("cc")
            .args(["-O2", "-g", "-Wl,-rpath,$ORIGIN"])
            .args(flags)
            .arg(source)
            .arg(&library)
            .arg("-lpthread")
            .arg("-o")
            .arg(&program),
        0,
    );
    let module = if mode == "c-shared" { "libgo.so:" } else { "" };
    (folder, program, module.to_owned())
}

#[test]
fn go_goes_on_behind_a_gap_where_it_is_a_library_of_c() {
    let into_go =
        ["runtime.asmcgocall", "runtime.cgocall", "main._Cfunc_without_rows", "main.callC"];
    for version in [TESTED[0], NEWEST] {
        for (mode, flags) in
            [("c-shared", &[][..]), ("c-archive", &["-pie"]), ("c-archive", &["-no-pie"])]
        {
            let what = format!("Go {version}, {mode} {flags:?}");
            let (_folder, program, module) = go_in_c(version, mode, flags);
            let probes = [format!("{module}library_leaf"), format!("{module}main.callC")];
            let (said, stacks) = trace(&program, &[&probes[0], &probes[1]]);
            let ids: Vec<_> = stacks.iter().map(|stack| stack["goroutine"].to_string()).collect();
            let said: Vec<_> = said.lines().flat_map(|id| [id, id]).collect();
            assert_eq!(ids, said, "{what}");
            assert_eq!(stacks.len(), 18, "{what}");
            for pair in stacks.chunks(2) {
                let (go, leaf) = (functions(&pair[0]), functions(&pair[1]));
                assert_eq!(pair[0]["complete"], true, "{what}: {go:?}");
                assert_eq!(pair[1]["problems"], serde_json::json!(["no-unwind-rule"]), "{what}");
                assert_eq!(pair[1]["end"], pair[0]["end"], "{what}");
                // leaf, the function without rows, the gap; then Go, as it was before the call.
                assert_eq!(leaf[..2], ["library_leaf", "without_rows"], "{what}");
                assert_eq!(leaf[3..7], into_go, "{what}");
                assert_eq!(leaf[7..], go[1..], "{what}");
            }
            let ends: Vec<_> = stacks.iter().map(|stack| stack["end"].as_str()).collect();
            for end in ["process", "goexit", "thread"] {
                let count = ends.iter().filter(|found| **found == Some(end)).count();
                assert_eq!(count, 6, "{what}: {ends:?}");
            }
        }
    }
}
