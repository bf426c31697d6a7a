//! `--debug-file`, `--debug-dir` and `--source-dir` of the subcommands that trace nothing.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod support;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;
use support::elsewhere::{Stripped, cgotrace, debug_directory, texts};
use tracer::object::{DebugFiles, ModuleNumber, ObjectFile};
use tracer::symbol::Symbolizer;

fn run(arguments: &[&str], path: &Path, rest: &[&str]) -> (Option<i32>, String, String) {
    texts(cgotrace().args(arguments).arg(path).args(rest).output().unwrap())
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn list_has_the_names_of_a_debug_file() {
    let stripped = Stripped::of_c();
    let list = |rest: &[&str]| {
        let rest = [&["hidden"], rest].concat();
        run(&["list", "--format", "json"], &stripped.program, &rest)
    };
    assert_eq!(list(&[]).0, Some(1));
    let root = tempfile::tempdir().unwrap();
    debug_directory(&stripped, root.path());
    let source = stripped.folder.path().canonicalize().unwrap();
    let moved = format!("{}=/elsewhere", text(&source));
    for (way, place) in
        [("--debug-file", stripped.debug_file.as_path()), ("--debug-dir", root.path())]
    {
        let listed = |more: &[&str]| {
            let (status, out, said) = list(&[&[way, text(place)], more].concat());
            assert_eq!((status, said.as_str()), (Some(0), ""));
            serde_json::from_str::<Value>(&out).unwrap()
        };
        let record = listed(&[]);
        assert_eq!(record["address"], format!("{:#x}", stripped.hidden.0));
        assert_eq!((&record["language"], &record["line"]), (&"c".into(), &1.into()));
        assert_eq!(record["file"], text(&source.join("a.c")));
        assert_eq!(listed(&["--source-dir", &moved])["file"], "/elsewhere/a.c");
    }
}

#[test]
fn a_directory_that_is_none_is_refused() {
    let stripped = Stripped::of_c();
    let nowhere = stripped.folder.path().join("nowhere");
    for place in [nowhere.as_path(), stripped.program.as_path()] {
        let rest = ["main", "--debug-dir", text(place)];
        let (status, out, said) = run(&["list"], &stripped.program, &rest);
        assert_eq!((status, out.as_str()), (Some(1), ""));
        let expected =
            format!("cannot look for debug files in {}: it is no directory", text(place));
        assert!(said.contains(&expected), "{said}");
    }
}

#[test]
fn a_debug_file_of_another_build_is_refused_with_the_reason() {
    let (stripped, other) = (Stripped::of_c(), Stripped::of_c());
    let why = format!("its build id is {}, not {}", other.build_id, stripped.build_id);
    let rest = ["main", "--debug-file", text(&other.debug_file)];
    let (status, out, said) = run(&["list"], &stripped.program, &rest);
    assert_eq!((status, out.as_str()), (Some(1), ""));
    assert!(said.contains(&why), "{said}");
    // One that lies where it should is passed over, and that is said.
    let wrong = Stripped { debug_file: other.debug_file.clone(), ..stripped };
    let root = tempfile::tempdir().unwrap();
    debug_directory(&wrong, root.path());
    let rest = ["0x0", "--debug-dir", text(root.path())];
    let (_, _, said) = run(&["list"], &wrong.program, &rest);
    assert!(said.contains(&format!("warning: cannot use the debug file {}", text(root.path()))));
    assert!(said.contains(&why), "{said}");
}

/// The checks of a binary that have this name: state and text.
fn checks(program: &Path, name: &str, rest: &[&str]) -> Vec<(String, String)> {
    let (_, out, _) = run(&["doctor", "--format", "json"], program, rest);
    let records = out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let found = records.filter(|record| record["area"] == "binary" && record["name"] == name);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    found.map(|check| (text(&check["state"]), text(&check["found"]))).collect()
}

#[test]
fn the_doctor_says_whether_a_debug_file_is_usable() {
    let (stripped, other) = (Stripped::of_c(), Stripped::of_c());
    let with = |name: &str, file: &Path| {
        let (state, found) =
            checks(&stripped.program, name, &["--debug-file", text(file)]).pop().unwrap();
        (state, found)
    };
    let own = stripped.debug_file.as_path();
    let symbols = checks(&stripped.program, "symbols", &[]);
    assert!(symbols[0].0 == "note" && symbols[0].1.starts_with("stripped"), "{symbols:?}");
    assert_eq!(with("debug file", own), ("ok".to_owned(), text(own).to_owned()));
    assert_eq!(with("symbols", own).0, "ok");
    assert_eq!(with("debug information", own), ("ok".to_owned(), "DWARF of c".to_owned()));
    let (state, found) = with("debug file", &other.debug_file);
    assert!(state == "problem" && found.contains("its build id is"), "{state} {found}");
    let root = tempfile::tempdir().unwrap();
    debug_directory(&stripped, root.path());
    let rest = ["--debug-dir", text(root.path())];
    assert_eq!(checks(&stripped.program, "debug information", &rest)[0].1, "DWARF of c");
    // Without a program there is nothing for it to describe.
    assert_eq!(run(&["doctor", "--debug-file"], own, &[]).0, Some(2));
}

#[test]
fn a_recording_that_was_cut_is_named_by_debug_files() {
    let (stripped, other) = (Stripped::of_c(), Stripped::of_c());
    let file = stripped.record(None);
    let report = |rest: &[&str]| run(&["report", "--format", "json"], &file, rest);
    let root = tempfile::tempdir().unwrap();
    debug_directory(&stripped, root.path());
    let source = stripped.folder.path().canonicalize().unwrap();
    let moved = format!("{}=/elsewhere", text(&source));
    for (way, place) in
        [("--debug-file", stripped.debug_file.as_path()), ("--debug-dir", root.path())]
    {
        let frame = |more: &[&str]| {
            let (status, out, said) = report(&[&[way, text(place)], more].concat());
            assert_eq!(status, Some(0), "{said}");
            let stack = out.lines().find(|line| line.contains("\"kind\":\"stack\"")).unwrap();
            serde_json::from_str::<Value>(stack).unwrap()["frames"][0].clone()
        };
        let found = frame(&[]);
        assert_eq!((&found["function"], &found["line"]), (&"hidden".into(), &1.into()));
        assert_eq!(found["file"], text(&source.join("a.c")));
        assert_eq!(frame(&["--source-dir", &moved])["file"], "/elsewhere/a.c");
    }
    let (_, out, said) = report(&[]);
    assert!(!out.contains("\"function\":\"hidden\""), "{out}");
    assert!(said.contains("was cut short"), "{said}");
    let (status, out, said) = report(&["--debug-file", text(&other.debug_file)]);
    assert_eq!((status, out.as_str()), (Some(1), ""));
    assert!(said.contains("its build id is"), "{said}");
}

#[test]
fn recorded_names_are_shown_with_other_directories() {
    let stripped = Stripped::of_c();
    let object = Arc::new(ObjectFile::open(&stripped.program).unwrap());
    let mut debug_files = DebugFiles::default();
    debug_files.give(&object, &stripped.debug_file).unwrap();
    let mut names = Symbolizer::with_debug_files(debug_files);
    names.add(ModuleNumber(1), object, None);
    let file = stripped.record(Some(&mut names));
    let source = stripped.folder.path().canonicalize().unwrap();
    // Only the recording is left.
    fs::remove_file(&stripped.program).unwrap();
    let report = |rest: &[&str]| run(&["report"], &file, rest);
    let (status, out, said) = report(&[]);
    assert_eq!(status, Some(0), "{said}");
    assert!(out.contains(&format!("{}/a.c:1", text(&source))), "{out}");
    let moved = format!("{}=/elsewhere", text(&source));
    let (_, out, said) = report(&["--source-dir", &moved]);
    assert!(out.contains(" /elsewhere/a.c:1") && !said.contains("debug files"), "{out}{said}");
    // Its names are what they are.
    let (status, out, said) = report(&["--debug-file", "/nowhere"]);
    assert!(status == Some(0) && out.contains("a.c:1"), "{out}");
    assert!(said.contains("has its names: debug files are not looked for"), "{said}");
}
