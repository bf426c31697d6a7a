//! Text for people: a block a hit, a line a frame.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anstyle::{AnsiColor, Style};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use tracer_common::event::MAX_FRAMES;
use tracer_common::reason::End;

use super::sanitize::{sanitize, sanitize_bytes};
use super::words::describe_reason;
use super::{Sink, Start};
use crate::stack::{Entry, Stack, StackFrame, Summary, Time};
use crate::symbol::Language;

/// The column of names is as wide as the widest name of the block, up to so many characters.
const NAME_WIDTH: usize = 56;

/// How text looks.
#[derive(Clone, Debug)]
pub struct TextOptions {
    /// Whether to colour.
    pub color: bool,
    /// The zone that times are shown in.
    pub zone: TimeZone,
}

/// Writes text.
pub struct TextSink<W> {
    out: W,
    options: TextOptions,
    executable: Option<PathBuf>,
}

impl<W: Write> TextSink<W> {
    /// A sink that has written nothing yet.
    pub fn new(out: W, start: &Start, options: TextOptions) -> Self {
        Self { out, options, executable: start.executable.clone() }
    }

    fn block(&self, stack: &Stack) -> String {
        let mut block = self.header(stack);
        let names: Vec<_> = stack.entries.iter().map(name).collect();
        let width =
            names.iter().map(|name| name.chars().count()).filter(|&w| w <= NAME_WIDTH).max();
        for (entry, name) in stack.entries.iter().zip(&names) {
            match entry {
                Entry::Frame(frame) => self.frame(&mut block, frame, name, width.unwrap_or(0)),
                Entry::Gap(reason) => {
                    let words = format!("-- gap: {} --", describe_reason(*reason));
                    self.styled(&mut block, PROBLEM, &format!("  {words}"));
                    block.push('\n');
                }
            }
        }
        if let Some(words) = incomplete(stack) {
            self.styled(&mut block, PROBLEM, &format!("  incomplete: {words}"));
            block.push('\n');
        }
        block.push('\n');
        block
    }

    fn header(&self, stack: &Stack) -> String {
        let mut line = String::new();
        self.styled(&mut line, DIM, &self.clock(stack.time));
        line.push_str("  ");
        self.styled(&mut line, BOLD, &sanitize(&stack.probe));
        let comm = sanitize_bytes(&stack.comm);
        let number = |number: Option<u32>| number.map_or("?".to_owned(), |n| n.to_string());
        // A String takes every write.
        let _ = write!(line, "  {comm}  pid {}  tid {}", number(stack.pid), number(stack.tid));
        if let Some(goroutine) = stack.goroutine {
            let _ = write!(line, "  goroutine {goroutine}");
        }
        line.push('\n');
        line
    }

    /// The time of day, to the microsecond.
    fn clock(&self, time: Time) -> String {
        match Timestamp::from_nanosecond(time.0.into()) {
            Ok(time) => {
                time.to_zoned(self.options.zone.clone()).strftime("%H:%M:%S%.6f").to_string()
            }
            Err(_) => "--:--:--".to_owned(),
        }
    }

    fn frame(&self, block: &mut String, frame: &StackFrame, name: &str, width: usize) {
        let (mark, style) = mark(frame.language);
        block.push_str("  ");
        self.styled(block, style, mark);
        // Padded by hand: nothing may follow the last word of a line.
        block.push(' ');
        self.styled(block, if frame.inlined { DIM } else { Style::new() }, name);
        let mut rest = Vec::new();
        if let Some(file) = &frame.file {
            let line = frame.line.map_or(String::new(), |line| format!(":{line}"));
            rest.push(format!("{}{line}", sanitize(file)));
        }
        // A name that is a place in a module says which already.
        if let (Some(module), Some(_)) = (&frame.module, &frame.function)
            && self.executable.as_ref() != Some(&module.path)
        {
            rest.push(format!("[{}]", file_name(&module.path)));
        }
        if !rest.is_empty() {
            let padding = width.saturating_sub(name.chars().count()) + 2;
            let _ = write!(block, "{:padding$}", "");
            self.styled(block, DIM, &rest.join("  "));
        }
        block.push('\n');
    }

    fn styled(&self, line: &mut String, style: Style, text: &str) {
        let _ = if self.options.color {
            write!(line, "{style}{text}{style:#}")
        } else {
            write!(line, "{text}")
        };
    }
}

impl<W: Write> Sink for TextSink<W> {
    fn write(&mut self, stack: &Stack) -> io::Result<()> {
        self.out.write_all(self.block(stack).as_bytes())?;
        self.out.flush()
    }

    /// The summary is said to the user, not to the output: see [`Summary`].
    fn finish(&mut self, _summary: &Summary) -> io::Result<()> {
        self.out.flush()
    }
}

const DIM: Style = Style::new().dimmed();
const BOLD: Style = Style::new().bold();
const PROBLEM: Style = AnsiColor::Yellow.on_default();

/// Two characters for each language.
fn mark(language: Language) -> (&'static str, Style) {
    match language {
        Language::C => ("C ", AnsiColor::Green.on_default()),
        Language::Cpp => ("C+", AnsiColor::Green.on_default()),
        Language::Rust => ("Rs", AnsiColor::Red.on_default()),
        Language::Go => ("Go", AnsiColor::Cyan.on_default()),
        Language::Asm => ("as", AnsiColor::Magenta.on_default()),
        Language::Unknown => ("??", DIM),
    }
}

/// What stands in the column of names.
fn name(entry: &Entry) -> String {
    let Entry::Frame(frame) = entry else { return String::new() };
    match (&frame.function, &frame.module, frame.offset) {
        (Some(function), _, _) if frame.inlined => format!("{} (inlined)", sanitize(function)),
        (Some(function), _, _) => sanitize(function).into_owned(),
        (None, Some(module), Some(offset)) => format!("{}+{offset:#x}", file_name(&module.path)),
        (None, _, _) => format!("{:#x}", frame.address),
    }
}

fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str());
    sanitize_bytes(name.as_encoded_bytes()).into_owned()
}

/// What is missing of a stack, in words; nothing of a whole one.
fn incomplete(stack: &Stack) -> Option<String> {
    if stack.is_complete() {
        return None;
    }
    Some(match stack.end {
        End::Limit => format!("only the innermost {MAX_FRAMES} frames are kept"),
        End::Error => "the callers beyond the gap are not known".to_owned(),
        End::Goexit | End::Thread | End::Process | End::Runtime => {
            "frames are missing at the gap".to_owned()
        }
    })
}
