//! Each output against files written by hand: `golden/sink/CASE/{text,color,json}`.
//!
//! The folders and the cases here must be the same set; no file is ever written by a test.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that panics has failed")]

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::{Offset, TimeZone};
use tracer::address::{FileOffset, RuntimeAddress};
use tracer::object::ModuleIdentity;
use tracer::sink::{JsonSink, ProbeLabel, Sink, Start, TextOptions, TextSink};
use tracer::stack::{Entry, Stack, StackFrame, Summary, Time};
use tracer::symbol::Language;
use tracer_common::reason::{End, Reason};

/// 2026-01-31 12:00:00.123456789 UTC.
const TIME: Time = Time(1_769_860_800_123_456_789);

fn module(path: &str) -> Option<Arc<ModuleIdentity>> {
    Some(Arc::new(ModuleIdentity { path: path.into(), build_id: None }))
}

fn frame(function: &str, language: Language, file: &str, line: u32) -> StackFrame {
    StackFrame {
        function: Some(function.to_owned()),
        symbol: Some(function.to_owned()),
        language,
        file: Some(file.to_owned()),
        line: Some(line),
        inlined: false,
        module: module("/srv/app"),
        address: RuntimeAddress(0x46_ab5d),
        offset: Some(FileOffset(0x6_ab5d)),
        exact: false,
    }
}

fn nameless(address: u64, place: Option<(&str, u64)>) -> StackFrame {
    StackFrame {
        function: None,
        symbol: None,
        language: Language::Unknown,
        file: None,
        line: None,
        inlined: false,
        module: place.and_then(|(path, _)| module(path)),
        address: RuntimeAddress(address),
        offset: place.map(|(_, offset)| FileOffset(offset)),
        exact: false,
    }
}

fn stack(end: End, entries: Vec<Entry>) -> Stack {
    Stack {
        time: TIME,
        pid: Some(4242),
        tid: Some(4245),
        comm: b"app".to_vec(),
        cgroup: None,
        goroutine: Some(1),
        probe: "animal_print".to_owned(),
        end,
        entries: entries.into(),
    }
}

fn whole() -> Stack {
    let probed =
        StackFrame { exact: true, ..frame("animal_print", Language::C, "/src/c/api.c", 24) };
    let inlined =
        StackFrame { inlined: true, ..frame("app.helper", Language::Go, "/src/app/app.go", 31) };
    let library = StackFrame {
        symbol: Some("_ZN3lib4walkEi".to_owned()),
        module: module("/usr/lib/libwalk.so.1"),
        ..frame("lib::walk(int)", Language::Cpp, "/src/walk.cc", 7)
    };
    let rust = StackFrame { line: None, ..frame("rs::run", Language::Rust, "/src/run.rs", 0) };
    let unnamed_file =
        StackFrame { file: None, line: None, ..frame("runtime.goexit", Language::Asm, "", 0) };
    let entries = vec![
        Entry::Frame(probed),
        Entry::Frame(library),
        Entry::Frame(rust),
        Entry::Frame(nameless(0x46_ac00, Some(("/srv/app", 0x6_ac00)))),
        Entry::Frame(inlined),
        Entry::Frame(frame("app.DoStuff", Language::Go, "/src/app/app.go", 40)),
        Entry::Frame(unnamed_file),
    ];
    stack(End::Goexit, entries)
}

fn gap() -> Stack {
    let entries = vec![
        Entry::Frame(frame("animal_print", Language::C, "/src/c/api.c", 24)),
        Entry::Frame(nameless(0x7f12_3456_7890, None)),
        Entry::Gap(Reason::UnknownMapping),
    ];
    Stack { goroutine: None, cgroup: Some(77), ..stack(End::Error, entries) }
}

fn limit() -> Stack {
    let entries = vec![Entry::Frame(frame("deep", Language::C, "/src/deep.c", 1))];
    Stack { pid: None, tid: None, ..stack(End::Limit, entries) }
}

/// Every value that a target chooses tries to steer the terminal.
fn hostile() -> Stack {
    let entries = vec![
        Entry::Frame(StackFrame {
            module: module("/srv/\u{1b}]0;lib\u{7}"),
            ..frame("a\u{1b}[31mb\r\n", Language::C, "/src/\u{202e}c.ipa", 1)
        }),
        Entry::Frame(nameless(1, Some(("/srv/\u{9b}31m", 2)))),
    ];
    let comm = b"\x1b[2J\xff".to_vec();
    Stack { comm, probe: "p\u{9b}\n".to_owned(), ..stack(End::Thread, entries) }
}

fn cases() -> BTreeMap<&'static str, Stack> {
    BTreeMap::from([("whole", whole()), ("gap", gap()), ("limit", limit()), ("hostile", hostile())])
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/sink")
}

fn compare(case: &str, format: &str, output: &[u8]) {
    let path = folder().join(case).join(format);
    let expected = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("no golden {}: {error}", path.display()));
    // Escape sequences are written as `<1b>` there, so that editors show them.
    let output = String::from_utf8(output.to_vec()).unwrap().replace('\u{1b}', "<1b>");
    let version = format!(r#""version":"{}""#, env!("CARGO_PKG_VERSION"));
    let output = output.replace(&version, r#""version":"VERSION""#);
    assert_eq!(output, expected, "{}", path.display());
}

fn start() -> Start {
    let probe = ProbeLabel {
        name: "animal_print".to_owned(),
        names: vec!["animal_print".to_owned(), "animal_show".to_owned()],
        module: "/srv/app".into(),
        offset: FileOffset(0x6_ab5d),
    };
    Start { probes: vec![probe], executable: Some("/srv/app".into()) }
}

fn text(stack: &Stack, color: bool) -> io::Result<Vec<u8>> {
    let mut out = Vec::new();
    // One hour and a half east: a zone that no wrong turn gives.
    let zone = TimeZone::fixed(Offset::from_seconds(5400).unwrap());
    let mut sink = TextSink::new(&mut out, &start(), TextOptions { color, zone });
    sink.write(stack)?;
    sink.finish(&Summary::default())?;
    Ok(out)
}

fn json(stack: &Stack) -> io::Result<Vec<u8>> {
    let mut out = Vec::new();
    let mut sink = JsonSink::new(&mut out, &start())?;
    sink.write(stack)?;
    let mut summary = Summary { duration: Duration::from_micros(1_200_900), ..Summary::default() };
    summary.count(stack);
    summary.lose("ring-full", 2);
    sink.finish(&summary)?;
    Ok(out)
}

#[test]
fn every_case_has_a_folder_and_every_folder_a_case() {
    let mut folders: Vec<_> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    folders.sort();
    assert_eq!(folders, cases().into_keys().collect::<Vec<_>>());
}

#[test]
fn text_is_as_written_by_hand() {
    for (case, stack) in cases() {
        compare(case, "text", &text(&stack, false).unwrap());
    }
}

#[test]
fn colored_text_is_as_written_by_hand() {
    for case in ["whole", "gap"] {
        compare(case, "color", &text(&cases()[case], true).unwrap());
    }
}

#[test]
fn json_is_as_written_by_hand() {
    for (case, stack) in cases() {
        compare(case, "json", &json(&stack).unwrap());
    }
}

#[test]
fn json_gives_hostile_names_back() {
    let output = String::from_utf8(json(&hostile()).unwrap()).unwrap();
    let line = output.lines().nth(1).unwrap();
    let record: serde_json::Value = serde_json::from_str(line).unwrap();
    assert_eq!(record["frames"][0]["function"], "a\u{1b}[31mb\r\n");
    assert_eq!(record["frames"][0]["file"], "/src/\u{202e}c.ipa");
    assert_eq!(record["probe"], "p\u{9b}\n");
}

#[test]
fn a_closed_pipe_is_told() {
    struct Closed;
    impl io::Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let options = TextOptions { color: false, zone: TimeZone::UTC };
    let error = TextSink::new(Closed, &start(), options).write(&whole()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    let error = JsonSink::new(Closed, &start()).err().unwrap();
    assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
}
