//! What holds of each output, whatever a target is called.

use std::cell::RefCell;
use std::io::{self, Read, Write};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use flate2::read::GzDecoder;
use proptest::option;
use proptest::prelude::*;
use prost::Message;
use tracer::address::{FileOffset, RuntimeAddress};
use tracer::object::ModuleIdentity;
use tracer::sink::sanitize::is_hostile;
use tracer::sink::{
    FlamegraphSink, FoldedSink, GroupSink, JsonSink, Plumbing, PprofSink, Sink, SpeedscopeSink,
    Start, TextOptions, TextSink, View, pprof_proto,
};
use tracer::stack::{Entry, Stack, StackFrame, Summary, Time};
use tracer::symbol::Language;
use tracer_common::reason::{End, Reason};

/// Control characters too, which `any::<String>()` leaves out.
fn text() -> impl Strategy<Value = String> {
    let hostile = proptest::sample::select(vec!['\u{1b}', '\n', '\r', '\u{9b}', '\u{202e}']);
    let char = prop_oneof![any::<char>(), hostile];
    proptest::collection::vec(char, 0..12).prop_map(String::from_iter)
}

fn language() -> impl Strategy<Value = Language> {
    use Language::{Asm, C, Cpp, Go, Rust, Unknown};
    proptest::sample::select(vec![C, Cpp, Rust, Go, Asm, Unknown])
}

fn entry() -> impl Strategy<Value = Entry> {
    let names = (option::of(text()), option::of(text()), option::of(text()));
    let places = (any::<Option<u32>>(), any::<u64>(), any::<Option<u64>>(), any::<(bool, bool)>());
    let frame = (names, places, option::of(text()), language()).prop_map(
        |(
            (function, symbol, file),
            (line, address, offset, (inlined, exact)),
            module,
            language,
        )| {
            Entry::Frame(StackFrame {
                function,
                symbol,
                language,
                file,
                line,
                inlined,
                module: module
                    .map(|path| Arc::new(ModuleIdentity { path: path.into(), build_id: None })),
                address: RuntimeAddress(address),
                offset: offset.map(FileOffset),
                exact,
            })
        },
    );
    let gap = proptest::sample::select(Reason::ALL).prop_map(Entry::Gap);
    prop_oneof![4 => frame, 1 => gap]
}

fn stack() -> impl Strategy<Value = Stack> {
    let who = (any::<Option<u32>>(), any::<Option<u32>>(), any::<Option<u64>>());
    let end = proptest::sample::select(End::ALL);
    let comm = proptest::collection::vec(any::<u8>(), 0..17);
    let entries = proptest::collection::vec(entry(), 0..6);
    (any::<i64>(), who, text(), comm, end, entries).prop_map(
        |(time, (pid, tid, goroutine), probe, comm, end, entries)| Stack {
            time: Time(time),
            pid,
            tid,
            comm,
            cgroup: goroutine,
            goroutine,
            probe,
            end,
            entries: entries.into(),
        },
    )
}

/// An output that its sink does not keep for itself.
#[derive(Clone, Default)]
struct Out(Rc<RefCell<Vec<u8>>>);

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What a sink writes of these hits.
fn written(hits: &[&Stack], make: impl FnOnce(Out) -> Box<dyn Sink>) -> io::Result<Vec<u8>> {
    let out = Out::default();
    let mut sink = make(out.clone());
    let mut summary = Summary::default();
    for hit in hits {
        sink.write(hit)?;
        sink.tick(Duration::from_secs(1))?;
        summary.count(hit);
    }
    sink.finish(&summary)?;
    drop(sink);
    Ok(out.0.take())
}

fn view() -> impl Strategy<Value = View> {
    let plumbing = proptest::sample::select(vec![Plumbing::Shown, Plumbing::Folded]);
    (plumbing, any::<bool>(), option::of(1..4_usize), any::<bool>()).prop_map(
        |(plumbing, reverse, max_frames, inlines)| View { plumbing, reverse, max_frames, inlines },
    )
}

/// Functions that are plumbing, and a few that are not: what random text never is.
fn known_names(stack: Stack, names: &[usize]) -> Stack {
    const NAMES: [&str; 5] = ["runtime.cgocall", "runtime.goexit", "main.main", "f", "a;b 7"];
    let mut entries = stack.entries.to_vec();
    for (entry, name) in entries.iter_mut().zip(names) {
        if let Entry::Frame(frame) = entry {
            frame.function = NAMES.get(*name).map(|&name| name.to_owned());
            frame.language = Language::Go;
        }
    }
    Stack { entries: entries.into(), ..stack }
}

proptest! {
    #[test]
    fn the_sum_of_samples_is_the_number_of_hits(
        stacks in proptest::collection::vec(stack(), 1..5),
        names in proptest::collection::vec(0..8_usize, 0..6),
        picks in proptest::collection::vec(any::<proptest::sample::Index>(), 1..20),
        view in view(),
    ) {
        let mut stacks = stacks;
        let known = stacks[0].clone();
        stacks.push(known_names(known, &names));
        let hits: Vec<_> = picks.iter().map(|pick| pick.get(&stacks)).collect();
        let start = Start::default();

        let text = String::from_utf8(written(&hits, |out| Box::new(FoldedSink::new(out, &start, view)))?)?;
        let mut sum = 0;
        for line in text.lines() {
            prop_assert!(!line.contains(is_hostile), "{line:?}");
            let (stack, count) = line.rsplit_once(' ').unwrap_or_default();
            prop_assert!(stack.split(';').all(|name| !name.is_empty()), "{line:?}");
            sum += count.parse::<usize>()?;
        }
        prop_assert_eq!(sum, hits.len(), "{}", text);

        let svg = String::from_utf8(written(&hits, |out| Box::new(FlamegraphSink::new(out, &start, view)))?)?;
        let total = format!("total_samples=\"{}\"", hits.len());
        prop_assert!(svg.contains(&total), "{total}: {svg}");

        let json = written(&hits, |out| Box::new(SpeedscopeSink::new(out, &start, view)))?;
        let file: serde_json::Value = serde_json::from_slice(&json)?;
        let profile = &file["profiles"][0];
        let weights = profile["weights"].as_array().into_iter().flatten();
        let sum: u64 = weights.filter_map(serde_json::Value::as_u64).sum();
        prop_assert_eq!(sum, hits.len() as u64);
        prop_assert_eq!(&profile["endValue"], &serde_json::json!(sum));
        let frames = file["shared"]["frames"].as_array().map_or(0, Vec::len) as u64;
        for sample in profile["samples"].as_array().into_iter().flatten() {
            let numbers = sample.as_array().into_iter().flatten();
            prop_assert!(numbers.clone().count() > 0);
            prop_assert!(numbers.clone().all(|at| at.as_u64().is_some_and(|at| at < frames)));
        }

        let packed = written(&hits, |out| Box::new(PprofSink::new(out, &start, view)))?;
        let mut bytes = Vec::new();
        GzDecoder::new(packed.as_slice()).read_to_end(&mut bytes)?;
        let profile = pprof_proto::Profile::decode(bytes.as_slice())?;
        let sum: i64 = profile.sample.iter().map(|sample| sample.value[0]).sum();
        prop_assert_eq!(sum, hits.len() as i64);
        let is_text = |index: i64| usize::try_from(index).is_ok_and(|at| at < profile.string_table.len());
        prop_assert_eq!(profile.string_table[0].as_str(), "");
        for sample in &profile.sample {
            let known = |id: &u64| (1..=profile.location.len() as u64).contains(id);
            prop_assert!(!sample.location_id.is_empty() && sample.location_id.iter().all(known));
            prop_assert!(sample.label.iter().all(|label| is_text(label.key) && is_text(label.str)));
        }
        for location in &profile.location {
            prop_assert!(location.mapping_id <= profile.mapping.len() as u64);
            let known = |line: &pprof_proto::Line| (1..=profile.function.len() as u64).contains(&line.function_id);
            prop_assert!(!location.line.is_empty() && location.line.iter().all(known));
        }
        for function in &profile.function {
            prop_assert!(is_text(function.name) && is_text(function.system_name) && is_text(function.filename));
        }

        let options = TextOptions { color: false, zone: jiff::tz::TimeZone::UTC, view };
        let text = String::from_utf8(written(&hits, |out| {
            Box::new(GroupSink::new(out, &start, options, Some(Duration::from_secs(60))))
        })?)?;
        prop_assert!(!text.contains(|char| char != '\n' && is_hostile(char)), "{text:?}");
        let counts = text.lines().skip(1).filter(|line| !line.starts_with(' '));
        let sum: usize = counts.filter_map(|line| line.split(' ').next()?.parse::<usize>().ok()).sum();
        prop_assert_eq!(sum, hits.len(), "{}", text);
    }

    #[test]
    fn text_has_one_line_an_entry_and_steers_nothing(stack in stack()) {
        let mut out = Vec::new();
        let options = TextOptions { color: false, zone: jiff::tz::TimeZone::UTC, view: View::ALL };
        TextSink::new(&mut out, &Start::default(), options).write(&stack)?;
        let text = String::from_utf8(out)?;
        prop_assert!(!text.contains(|char| char != '\n' && is_hostile(char)), "{text:?}");
        // The header, the entries, what is incomplete, and an empty line.
        let expected = 1 + stack.entries.len() + usize::from(!stack.is_complete()) + 1;
        prop_assert_eq!(text.matches('\n').count(), expected, "{}", text);
    }

    #[test]
    fn json_gives_back_what_went_in(stack in stack()) {
        let mut out = Vec::new();
        JsonSink::new(&mut out, &Start::default())?.write(&stack)?;
        let text = String::from_utf8(out)?;
        prop_assert!(!text.contains(|char| char != '\n' && is_hostile(char)), "{text:?}");
        prop_assert_eq!(text.matches('\n').count(), 2);
        let line = text.lines().nth(1).unwrap_or_default();
        let record: serde_json::Value = serde_json::from_str(line)?;
        prop_assert_eq!(record["probe"].as_str(), Some(stack.probe.as_str()));
        prop_assert_eq!(record["complete"].as_bool(), Some(stack.is_complete()));
        prop_assert_eq!(record["frames"].as_array().map(Vec::len), Some(stack.entries.len()));
        for (shown, entry) in record["frames"].as_array().into_iter().flatten().zip(stack.entries.iter()) {
            prop_assert_eq!(shown.as_object().map(serde_json::Map::len), Some(11));
            match entry {
                Entry::Gap(reason) => {
                    prop_assert_eq!(shown["gap"].as_str(), Some(reason.name()));
                    prop_assert!(shown["address"].is_null() && shown["language"].is_null());
                }
                Entry::Frame(frame) => {
                    prop_assert_eq!(shown["function"].as_str(), frame.function.as_deref());
                    prop_assert_eq!(shown["file"].as_str(), frame.file.as_deref());
                    prop_assert!(shown["gap"].is_null());
                }
            }
        }
    }
}
