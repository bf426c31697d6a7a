//! JSON Lines: one object a line, every key always there. `docs/command-line.md` has the keys.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, Write};

use jiff::Timestamp;
use serde::Serialize;

use super::{ProbeLabel, Sink, Start, write_json_line};
use crate::stack::{Entry, Stack, StackFrame, Summary, Time};

/// Counts up when a key changes its meaning.
const SCHEMA: u32 = 1;

/// Writes JSON Lines.
pub struct JsonSink<W> {
    out: W,
}

impl<W: Write> JsonSink<W> {
    /// A sink that has written the start record.
    ///
    /// # Errors
    /// The output cannot be written.
    pub fn new(out: W, start: &Start) -> io::Result<Self> {
        let mut sink = Self { out };
        sink.line(&StartRecord {
            kind: "start",
            schema: SCHEMA,
            version: env!("CARGO_PKG_VERSION"),
            probes: start.probes.iter().map(ProbeRecord::new).collect(),
        })?;
        Ok(sink)
    }

    /// Writes one line in one call, and out at once.
    fn line(&mut self, record: &impl Serialize) -> io::Result<()> {
        write_json_line(&mut self.out, record)?;
        self.out.flush()
    }
}

impl<W: Write> Sink for JsonSink<W> {
    fn write(&mut self, stack: &Stack) -> io::Result<()> {
        self.line(&StackRecord::new(stack))
    }

    fn finish(&mut self, summary: &Summary) -> io::Result<()> {
        self.line(&SummaryRecord {
            kind: "summary",
            events: summary.events,
            complete: summary.complete,
            incomplete: &summary.incomplete,
            lost: &summary.lost,
            duration_seconds: summary.duration.as_millis() as f64 / 1000.0,
        })
    }
}

#[derive(Serialize)]
struct StartRecord<'a> {
    kind: &'static str,
    schema: u32,
    version: &'static str,
    probes: Vec<ProbeRecord<'a>>,
}

#[derive(Serialize)]
struct ProbeRecord<'a> {
    probe: &'a str,
    names: &'a [String],
    module: Cow<'a, str>,
    offset: String,
}

impl<'a> ProbeRecord<'a> {
    fn new(label: &'a ProbeLabel) -> Self {
        Self {
            probe: &label.name,
            names: &label.names,
            module: label.module.to_string_lossy(),
            offset: hex(label.offset.0),
        }
    }
}

#[derive(Serialize)]
struct StackRecord<'a> {
    kind: &'static str,
    time: Option<String>,
    pid: Option<u32>,
    tid: Option<u32>,
    comm: Cow<'a, str>,
    cgroup: Option<u64>,
    goroutine: Option<u64>,
    probe: &'a str,
    complete: bool,
    end: &'static str,
    problems: Vec<&'static str>,
    frames: Vec<FrameRecord<'a>>,
}

impl<'a> StackRecord<'a> {
    fn new(stack: &'a Stack) -> Self {
        Self {
            kind: "stack",
            time: rfc3339(stack.time),
            pid: stack.pid,
            tid: stack.tid,
            comm: String::from_utf8_lossy(&stack.comm),
            cgroup: stack.cgroup,
            goroutine: stack.goroutine,
            probe: &stack.probe,
            complete: stack.is_complete(),
            end: stack.end.name(),
            problems: stack.problems(),
            frames: stack.entries.iter().map(FrameRecord::new).collect(),
        }
    }
}

/// A gap has its reason, and nothing else.
#[derive(Default, Serialize)]
struct FrameRecord<'a> {
    function: Option<&'a str>,
    symbol: Option<&'a str>,
    language: Option<&'static str>,
    file: Option<&'a str>,
    line: Option<u32>,
    inlined: Option<bool>,
    module: Option<Cow<'a, str>>,
    address: Option<String>,
    offset: Option<String>,
    exact: Option<bool>,
    gap: Option<&'static str>,
}

impl<'a> FrameRecord<'a> {
    fn new(entry: &'a Entry) -> Self {
        match entry {
            Entry::Gap(reason) => Self { gap: Some(reason.name()), ..Self::default() },
            Entry::Frame(frame) => Self::of_frame(frame),
        }
    }

    fn of_frame(frame: &'a StackFrame) -> Self {
        Self {
            function: frame.function.as_deref(),
            symbol: frame.symbol.as_deref(),
            language: Some(frame.language.name()),
            file: frame.file.as_deref(),
            line: frame.line,
            inlined: Some(frame.inlined),
            module: frame.module.as_ref().map(|module| module.path.to_string_lossy()),
            address: Some(hex(frame.address.0)),
            offset: frame.offset.map(|offset| hex(offset.0)),
            exact: Some(frame.exact),
            gap: None,
        }
    }
}

#[derive(Serialize)]
struct SummaryRecord<'a> {
    kind: &'static str,
    events: u64,
    complete: u64,
    incomplete: &'a BTreeMap<&'static str, u64>,
    lost: &'a BTreeMap<&'static str, u64>,
    duration_seconds: f64,
}

fn hex(number: u64) -> String {
    format!("{number:#x}")
}

/// With nine digits after the second; `None` for a time that has no calendar date.
fn rfc3339(time: Time) -> Option<String> {
    let timestamp = Timestamp::from_nanosecond(time.0.into()).ok()?;
    Some(format!("{timestamp:.9}"))
}
