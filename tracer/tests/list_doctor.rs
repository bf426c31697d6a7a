//! `list` and `doctor` as a user runs them, where no rights are needed. Expected values come from
//! `nm` and from the source.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

const SOURCE: &str = "\
int shown_first(int x) { return x + 1; }
static int kept_inside(int x) { return x * 3; }
int (*use_it)(int) = kept_inside;
int shown_second(int x) { return use_it(x); }
";

/// A shared library of [`SOURCE`] in `folder`, and a program that needs it.
fn program(folder: &TempDir) -> (PathBuf, PathBuf) {
    let path = |name: &str| folder.path().join(name);
    fs::write(path("lib.c"), SOURCE).unwrap();
    fs::write(
        path("main.c"),
        "int shown_second(int);\nint main(void) { return shown_second(1); }\n",
    )
    .unwrap();
    let run = |arguments: &[&str]| {
        let status = Command::new("cc").current_dir(folder.path()).args(arguments).status();
        assert!(status.unwrap().success());
    };
    run(&[
        "-g",
        "-O0",
        "-shared",
        "-fPIC",
        "-Wl,-soname,libown.so.1",
        "-o",
        "libown.so.1",
        "lib.c",
    ]);
    run(&["-g", "-O0", "-o", "app", "main.c", "./libown.so.1", "-Wl,-rpath,$ORIGIN"]);
    (path("app"), path("libown.so.1"))
}

fn cgotrace(arguments: &[&str], path: &Path, rest: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_cgotrace"))
        .args(arguments)
        .arg(path)
        .args(rest)
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// What `nm` says of a file's functions: name to address and size.
fn functions_by_nm(path: &Path) -> BTreeMap<String, (u64, u64)> {
    let output = Command::new("nm").args(["-S", "--defined-only"]).arg(path).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let number = |text: &str| u64::from_str_radix(text, 16).unwrap();
    text.lines()
        .filter_map(|line| {
            let parts: Vec<_> = line.split_whitespace().collect();
            let [address, size, "T" | "t" | "W" | "w", name] = parts[..] else { return None };
            Some((name.to_owned(), (number(address), number(size))))
        })
        .collect()
}

#[test]
fn a_library_is_listed_as_nm_and_the_source_have_it() {
    let folder = TempDir::new().unwrap();
    let (_, library) = program(&folder);
    let (status, out, said) = cgotrace(&["list", "--format", "json"], &library, &[]);
    assert_eq!((status, said.as_str()), (Some(0), ""));
    let records: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let by_nm = functions_by_nm(&library);
    let hex = |value: &Value| u64::from_str_radix(&value.as_str().unwrap()[2..], 16).unwrap();
    for (name, line) in [("shown_first", 1), ("kept_inside", 2), ("shown_second", 4)] {
        let record = records.iter().find(|record| record["name"] == name).unwrap();
        assert_eq!(record["kind"], "function");
        assert_eq!(record["language"], "c");
        assert_eq!(record["symbols"], serde_json::json!([name]));
        assert_eq!(record["line"], line, "{record}");
        let file = record["file"].as_str().unwrap();
        assert_eq!(
            Path::new(file).canonicalize().unwrap(),
            folder.path().join("lib.c").canonicalize().unwrap()
        );
        assert_eq!((hex(&record["address"]), record["size"].as_u64().unwrap()), by_nm[name]);
        assert_eq!(record["module"], library.canonicalize().unwrap().to_str().unwrap());
    }
}

#[test]
fn patterns_choose_functions_and_modules() {
    let folder = TempDir::new().unwrap();
    let (app, library) = program(&folder);
    let names = |rest: &[&str]| {
        let (status, out, said) = cgotrace(&["list", "--format", "json"], &app, rest);
        assert_eq!(status, Some(0), "{said}");
        let record = |line| serde_json::from_str::<Value>(line).unwrap();
        out.lines()
            .map(|line| record(line)["name"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&["main"]), ["main"]);
    assert_eq!(names(&["libown.so.1:shown_*"]), ["shown_first", "shown_second"]);
    assert_eq!(names(&["libown.so.1:/kept|first/"]), ["kept_inside", "shown_first"]);
    let by_path = format!("{}:shown_first", library.display());
    assert_eq!(names(&[&by_path]), ["shown_first"]);
    let (status, out, said) = cgotrace(&["list"], &app, &["libown.so.1:shown_frist"]);
    assert_eq!((status, out.as_str()), (Some(1), ""));
    assert!(said.contains("near names: `shown_first`"), "{said}");
}

#[test]
fn the_table_has_a_head_and_a_line_for_each_function() {
    let folder = TempDir::new().unwrap();
    let (_, library) = program(&folder);
    let (_, out, _) = cgotrace(&["list"], &library, &["/shown|kept/"]);
    let lines: Vec<_> = out.lines().collect();
    let module = library.canonicalize().unwrap();
    assert_eq!(lines[0], format!("C in {}: 3 functions", module.display()));
    assert!(lines[1].contains("  kept_inside   ") && lines[1].ends_with("lib.c:2"), "{out}");
    assert_eq!(lines.len(), 4);
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_cgotrace"))
        .args(["list", env!("CARGO_BIN_EXE_cgotrace")])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), b"".as_slice()));
}

#[test]
fn what_cannot_be_listed_says_why() {
    let folder = TempDir::new().unwrap();
    let script = folder.path().join("script");
    fs::write(&script, "#!/bin/sh\n").unwrap();
    let (status, out, said) = cgotrace(&["list"], &script, &[]);
    assert_eq!((status, out.as_str()), (Some(1), ""));
    assert!(said.starts_with("cgotrace: cannot ") && said.contains("it is a script"), "{said}");
    let (status, _, _) = cgotrace(&["list"], &script, &["("]);
    assert_eq!(status, Some(1));
    let (status, _, _) = cgotrace(&["list"], &script, &["a", "b"]);
    assert_eq!(status, Some(2));
}

/// The checks of a report, and its verdict.
fn report(path: &Path) -> (Option<i32>, Vec<Value>, bool) {
    let (status, out, _) = cgotrace(&["doctor", "--format", "json"], path, &[]);
    let mut records: Vec<Value> =
        out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let verdict = records.pop().unwrap();
    assert_eq!(verdict["kind"], "verdict");
    (status, records, verdict["possible"].as_bool().unwrap())
}

#[test]
fn the_doctor_tells_of_a_binary_whatever_the_rights() {
    let folder = TempDir::new().unwrap();
    let (app, library) = program(&folder);
    let (status, checks, possible) = report(&app);
    assert_eq!(status, Some(i32::from(!possible)));
    let found = |name: &str| {
        let of_binary = checks.iter().filter(|check| check["area"] == "binary");
        let named = of_binary.filter(|check| check["name"] == name);
        named.map(|check| check["found"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(found("Go"), ["no Go code"]);
    assert_eq!(found("debug information"), ["DWARF of c"]);
    let place = format!("libown.so.1 at {}", library.canonicalize().unwrap().display());
    assert!(found("library").contains(&place), "{:?}", found("library"));
    // Every problem says what to do.
    for check in checks.iter().filter(|check| check["state"] != "ok") {
        assert!(check["next_step"].as_str().is_some_and(|next| !next.is_empty()), "{check}");
    }
}

#[test]
fn the_doctor_says_what_stripping_and_a_lost_library_cost() {
    let folder = TempDir::new().unwrap();
    let (app, library) = program(&folder);
    assert!(Command::new("strip").arg(&app).status().unwrap().success());
    fs::remove_file(library).unwrap();
    let (_, checks, _) = report(&app);
    let check = |name: &str, text: &str| {
        let found = |check: &&Value| {
            check["name"] == name && check["found"].as_str().unwrap().contains(text)
        };
        checks.iter().find(found).map(|check| check["state"].as_str().unwrap().to_owned())
    };
    assert_eq!(check("symbols", "stripped").as_deref(), Some("note"));
    assert_eq!(check("debug information", "none").as_deref(), Some("note"));
    assert_eq!(check("library", "libown.so.1").as_deref(), Some("note"));
}

#[test]
fn a_file_that_is_no_program_is_a_problem() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("text");
    fs::write(&path, "no program").unwrap();
    let (status, checks, possible) = report(&path);
    assert_eq!((status, possible), (Some(1), false));
    let last = checks.last().unwrap();
    assert_eq!((last["name"].as_str(), last["state"].as_str()), (Some("file"), Some("problem")));
}

/// With rights, the programs are loaded and a probe is tried.
#[cfg(feature = "privileged-tests")]
#[test]
fn the_doctor_loads_the_programs() {
    let folder = TempDir::new().unwrap();
    let (app, _) = program(&folder);
    let (status, checks, possible) = report(&app);
    assert_eq!((status, possible), (Some(0), true));
    let programs = checks.iter().filter(|check| check["name"] == "program");
    let texts: Vec<_> = programs.map(|check| check["found"].as_str().unwrap()).collect();
    assert!(texts.iter().any(|text| text.contains("instructions verified")), "{texts:?}");
    assert!(checks.iter().any(|check| check["name"] == "a probe" && check["state"] == "ok"));
}
