//! What holds of each output, whatever a target is called.

use proptest::option;
use proptest::prelude::*;
use tracer::address::{FileOffset, RuntimeAddress};
use tracer::object::ModuleIdentity;
use tracer::sink::sanitize::is_hostile;
use tracer::sink::{JsonSink, Sink, Start, TextOptions, TextSink};
use tracer::stack::{Entry, Stack, StackFrame, Time};
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
                module: module.map(|path: String| {
                    ModuleIdentity { path: path.into(), build_id: None }.into()
                }),
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

proptest! {
    #[test]
    fn text_has_one_line_an_entry_and_steers_nothing(stack in stack()) {
        let mut out = Vec::new();
        let options = TextOptions { color: false, zone: jiff::tz::TimeZone::UTC };
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
