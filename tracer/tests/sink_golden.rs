//! Each output against the files `golden/sink/CASE/FORMAT`, which were read word by word.
//!
//! The folders and the cases here must be the same set, and so must the files and the formats.
//! `CGOTRACE_WRITE_GOLDENS=1` writes what is missing or differs, and then fails all the same.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that panics has failed")]

#[path = "support/by_hand.rs"]
mod by_hand;

use std::fmt::Write as _;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use by_hand::{cases, hostile, start, whole};
use flate2::read::GzDecoder;
use jiff::tz::{Offset, TimeZone};
use prost::Message;
use regex::Regex;
use tracer::sink::{
    FlamegraphSink, FoldedCounts, FoldedSink, GroupSink, JsonSink, Plumbing, PprofSink, Sink,
    SpeedscopeSink, TextOptions, TextSink, View, pprof_proto, write_differential,
};
use tracer::stack::{Stack, Summary};

const USER: View = View { plumbing: Plumbing::Folded, ..View::ALL };
const SHORT: View = View { reverse: true, max_frames: Some(4), inlines: false, ..USER };

/// What a format makes of a case.
type Render = fn(&Stack) -> Vec<u8>;

const FORMATS: [(&str, Render); 11] = [
    ("color", |stack| text(stack, true, USER)),
    ("flamegraph", |stack| frames_of_svg(&picture(stack))),
    ("folded", |stack| counted(stack, |out| Box::new(FoldedSink::new(out, &start(), View::ALL)))),
    ("folded-short", |stack| counted(stack, |out| Box::new(FoldedSink::new(out, &start(), SHORT)))),
    ("group", |stack| {
        counted(stack, |out| Box::new(GroupSink::new(out, &start(), options(false, USER), None)))
    }),
    ("json", |stack| json(stack)),
    ("pprof", |stack| messages(&profile(stack))),
    ("short", |stack| text(stack, false, SHORT)),
    ("speedscope", |stack| {
        counted(stack, |out| Box::new(SpeedscopeSink::new(out, &start(), View::ALL)))
    }),
    ("text", |stack| text(stack, false, View::ALL)),
    ("user", |stack| text(stack, false, USER)),
];

fn options(color: bool, view: View) -> TextOptions {
    // One hour and a half east: a zone that no wrong turn gives.
    let zone = TimeZone::fixed(Offset::from_seconds(5400).unwrap());
    TextOptions { color, zone, view }
}

fn text(stack: &Stack, color: bool, view: View) -> Vec<u8> {
    let mut out = Vec::new();
    let mut sink = TextSink::new(&mut out, &start(), options(color, view));
    sink.write(stack).unwrap();
    sink.finish(&Summary::default()).unwrap();
    out
}

fn json(stack: &Stack) -> Vec<u8> {
    let mut out = Vec::new();
    let mut sink = JsonSink::new(&mut out, &start()).unwrap();
    sink.write(stack).unwrap();
    let mut summary = Summary { duration: Duration::from_micros(1_200_900), ..Summary::default() };
    summary.count(stack);
    summary.lose("ring-full", 2);
    sink.finish(&summary).unwrap();
    out
}

/// What a sink that counts makes of two hits of the case and one of another stack.
fn counted<'a>(stack: &Stack, make: impl FnOnce(Out) -> Box<dyn Sink + 'a>) -> Vec<u8> {
    let out = Out::default();
    let mut sink = make(out.clone());
    let mut summary = Summary { duration: Duration::from_micros(1_200_900), ..Summary::default() };
    for hit in [stack, &whole(), stack] {
        sink.write(hit).unwrap();
        summary.count(hit);
    }
    summary.lose("ring-full", 2);
    assert_eq!(out.0.borrow().len(), 0, "written before the end");
    sink.finish(&summary).unwrap();
    out.0.take()
}

/// An output that its sink does not keep for itself.
#[derive(Clone, Default)]
struct Out(std::rc::Rc<std::cell::RefCell<Vec<u8>>>);

impl io::Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn picture(stack: &Stack) -> String {
    let make = |out| Box::new(FlamegraphSink::new(out, &start(), View::ALL)) as Box<dyn Sink>;
    String::from_utf8(counted(stack, make)).unwrap()
}

/// The words of a flame graph, and its frames with their colours. The script and the coordinates
/// are inferno's; a browser judges these.
fn frames_of_svg(picture: &str) -> Vec<u8> {
    let mut lines = String::new();
    let all = |pattern: &str| Regex::new(pattern).unwrap();
    for text in all(r#"<text id="(title|subtitle)"[^>]*>([^<]*)</text>"#).captures_iter(picture) {
        writeln!(lines, "{}: {}", &text[1], &text[2]).unwrap();
    }
    let frame =
        all(r#"<title>([^<]*)</title><rect [^>]*fill="([^"]*)" fg:x="(\d+)" fg:w="(\d+)"/>"#);
    for frame in frame.captures_iter(picture) {
        writeln!(lines, "{} at {}, {}", &frame[1], &frame[3], &frame[2]).unwrap();
    }
    let legend = picture.split("<g id=\"legend\">").nth(1).unwrap();
    for entry in all(r#"fill="([^"]*)"/><text [^>]*>([^<]*)<"#).captures_iter(legend) {
        writeln!(lines, "legend: {}, {}", &entry[2], &entry[1]).unwrap();
    }
    lines.into_bytes()
}

fn profile(stack: &Stack) -> pprof_proto::Profile {
    let make = |out| Box::new(PprofSink::new(out, &start(), View::ALL)) as Box<dyn Sink>;
    let packed = counted(stack, make);
    let mut bytes = Vec::new();
    GzDecoder::new(packed.as_slice()).read_to_end(&mut bytes).unwrap();
    pprof_proto::Profile::decode(bytes.as_slice()).unwrap()
}

/// A profile's messages, a line each, with the texts in their places.
fn messages(profile: &pprof_proto::Profile) -> Vec<u8> {
    let text = |index: i64| &*profile.string_table[usize::try_from(index).unwrap()];
    let mut lines = String::new();
    let kind = &profile.sample_type[0];
    assert_eq!(profile.sample_type.len(), 1);
    writeln!(lines, "sample type {}/{}", text(kind.r#type), text(kind.unit)).unwrap();
    let (time, duration) = (profile.time_nanos, profile.duration_nanos);
    writeln!(lines, "time {time} duration {duration} period {}", profile.period).unwrap();
    for comment in &profile.comment {
        writeln!(lines, "comment {}", text(*comment)).unwrap();
    }
    for sample in &profile.sample {
        write!(lines, "sample {:?} {:?}", sample.value, sample.location_id).unwrap();
        for label in &sample.label {
            let value = if label.str == 0 { label.num.to_string() } else { text(label.str).into() };
            write!(lines, " {}={value}", text(label.key)).unwrap();
        }
        lines.push('\n');
    }
    for it in &profile.mapping {
        let (id, start, limit) = (it.id, it.memory_start, it.memory_limit);
        let (file, build_id) = (text(it.filename), text(it.build_id));
        let has = [it.has_functions, it.has_filenames, it.has_line_numbers, it.has_inline_frames];
        write!(lines, "mapping {id} {start:#x}-{limit:#x} {:#x} ", it.file_offset).unwrap();
        writeln!(lines, "{file} {build_id} {has:?}").unwrap();
    }
    for it in &profile.location {
        write!(lines, "location {} mapping {} {:#x}", it.id, it.mapping_id, it.address).unwrap();
        for line in &it.line {
            write!(lines, " {}:{}", line.function_id, line.line).unwrap();
        }
        lines.push('\n');
    }
    for it in &profile.function {
        let (name, system_name, file) = (text(it.name), text(it.system_name), text(it.filename));
        writeln!(lines, "function {} {name} ({system_name}) {file}", it.id).unwrap();
    }
    lines.into_bytes()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/sink")
}

/// What differs from the golden, if anything.
fn compare(case: &str, format: &str, output: &[u8]) -> Option<String> {
    let path = folder().join(case).join(format);
    // Escape sequences are written as `<1b>` there, so that editors show them.
    let output = String::from_utf8(output.to_vec()).unwrap().replace('\u{1b}', "<1b>");
    let version = env!("CARGO_PKG_VERSION");
    let output = output.replace(&format!(r#""version":"{version}""#), r#""version":"VERSION""#);
    let output = output.replace(&format!("cgotrace {version}"), "cgotrace VERSION");
    let golden = std::fs::read_to_string(&path);
    if golden.as_ref().is_ok_and(|golden| *golden == output) {
        return None;
    }
    if std::env::var_os("CGOTRACE_WRITE_GOLDENS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &output).unwrap();
    }
    let expected = golden.unwrap_or_else(|error| error.to_string());
    Some(format!("{}:\n{output}\ninstead of\n{expected}", path.display()))
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn every_case_has_a_folder_and_every_format_a_file() {
    assert_eq!(names_in(&folder()), cases().into_keys().collect::<Vec<_>>());
    for case in cases().keys() {
        assert_eq!(names_in(&folder().join(case)), FORMATS.map(|(name, _)| name), "{case}");
    }
}

#[test]
fn every_format_is_as_it_was_read() {
    let mut differences = String::new();
    for (case, stack) in cases() {
        for (format, render) in FORMATS {
            differences.extend(compare(case, format, &render(&stack)));
        }
    }
    assert!(differences.is_empty(), "{differences}");
}

#[test]
fn json_gives_hostile_names_back() {
    let output = String::from_utf8(json(&hostile())).unwrap();
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
    let error = TextSink::new(Closed, &start(), options(false, USER)).write(&whole()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    let error = JsonSink::new(Closed, &start()).err().unwrap();
    assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
}

#[test]
fn groups_are_written_at_each_interval_and_at_the_end() {
    let out = Out::default();
    let interval = Some(Duration::from_secs(5));
    let mut sink = GroupSink::new(out.clone(), &start(), options(false, USER), interval);
    sink.write(&whole()).unwrap();
    for (elapsed, tables) in
        [(4.9, 0), (5.0, 1), (5.1, 1), (9.9, 1), (10.0, 2), (31.0, 3), (34.9, 3)]
    {
        sink.tick(Duration::from_secs_f64(elapsed)).unwrap();
        let text = String::from_utf8(out.0.borrow().clone()).unwrap();
        assert_eq!(text.matches("1 hit, 1 stack, in ").count(), tables, "{elapsed}: {text}");
    }
    sink.finish(&Summary { duration: Duration::from_secs(36), ..Summary::default() }).unwrap();
    let text = String::from_utf8(out.0.take()).unwrap();
    assert_eq!(text.matches("in 36.0 s").count(), 1, "{text}");
}

#[test]
fn a_picture_of_nothing_says_so() {
    let out = Out::default();
    FlamegraphSink::new(out.clone(), &start(), View::ALL).finish(&Summary::default()).unwrap();
    let picture = String::from_utf8(out.0.take()).unwrap();
    assert!(picture.contains("no hits") && picture.contains("animal_print in app"), "{picture}");
    assert!(picture.trim_end().ends_with("</svg>"), "{picture}");
}

#[test]
fn a_difference_is_of_shares() {
    let counts = |hits: &[(&str, u32)]| {
        let mut counts = FoldedCounts::new(View::ALL);
        for (case, hits) in hits {
            (0..*hits).for_each(|_| counts.add(&cases()[case]));
        }
        counts
    };
    let (before, after) =
        (counts(&[("whole", 10), ("limit", 10)]), counts(&[("whole", 9), ("gap", 1)]));
    let mut picture = Vec::new();
    write_differential(&mut picture, "two sessions", &before, &after).unwrap();
    let picture = String::from_utf8(picture).unwrap();
    let said = "10 hits, compared with 20; 1 stack is gone";
    assert!(picture.contains("two sessions") && picture.contains(said), "{picture}");
    let frames = String::from_utf8(frames_of_svg(&picture)).unwrap();
    // Of the one, half of all before, nine tenths now; of the other, none before.
    for frame in [
        "runtime.goexit +40.0% (9 hits, 90.00%) at 1, rgb(239,83,80)",
        "animal_print +40.0% (9 hits, 90.00%) at 1, rgb(239,83,80)",
        "[gap: unknown-mapping] +10.0% (1 hits, 10.00%) at 0, rgb(238,176,174)",
        "all (10 hits, 100%) at 0, rgb(238,238,238)",
    ] {
        assert!(frames.contains(frame), "{frame}: {frames}");
    }
    assert!(!frames.contains("deep"), "{frames}");
}
