//! Text for people: a block a hit, a line a frame.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::PathBuf;

use anstyle::{AnsiColor, Style};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use tracer_common::event::MAX_FRAMES;
use tracer_common::reason::End;

use super::label::{file_name, frame_name, more_frames, runtime_frames};
use super::sanitize::{sanitize, sanitize_bytes};
use super::view::{Line, View};
use super::words::describe_reason;
use super::{Sink, Start};
use crate::stack::{Stack, StackFrame, Summary, Time};
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
    /// Which frames are shown.
    pub view: View,
}

/// Writes text.
pub struct TextSink<W> {
    out: W,
    style: TextStyle,
}

impl<W: Write> TextSink<W> {
    /// A sink that has written nothing yet.
    pub fn new(out: W, start: &Start, options: TextOptions) -> Self {
        Self { out, style: TextStyle::new(start, options) }
    }
}

impl<W: Write> Sink for TextSink<W> {
    fn write(&mut self, stack: &Stack) -> io::Result<()> {
        let mut block = self.style.header(stack);
        block.push_str(&self.style.frames(stack));
        block.push('\n');
        self.out.write_all(block.as_bytes())?;
        self.out.flush()
    }

    /// The summary is said to the user, not to the output: see [`Summary`].
    fn finish(&mut self, _summary: &Summary) -> io::Result<()> {
        self.out.flush()
    }
}

/// Stacks in text, for each output that shows some.
pub(super) struct TextStyle {
    options: TextOptions,
    executable: Option<PathBuf>,
}

impl TextStyle {
    pub(super) fn new(start: &Start, options: TextOptions) -> Self {
        Self { options, executable: start.executable.clone() }
    }

    /// A line for each frame, and one more for what is missing.
    pub(super) fn frames(&self, stack: &Stack) -> String {
        let mut block = String::new();
        let lines = self.options.view.lines(stack);
        let names: Vec<_> = lines.iter().map(name).collect();
        let width =
            names.iter().map(|name| name.chars().count()).filter(|&w| w <= NAME_WIDTH).max();
        for (line, name) in lines.iter().zip(&names) {
            match line {
                Line::Frame(frame) => self.frame(&mut block, frame, name, width.unwrap_or(0)),
                Line::Gap(reason) => {
                    let words = format!("-- gap: {} --", describe_reason(*reason));
                    self.styled(&mut block, PROBLEM, &format!("  {words}"));
                    block.push('\n');
                }
                Line::End(_) => {}
                Line::Folded(count) => self.hidden(&mut block, &runtime_frames(*count)),
                Line::More(count) => self.hidden(&mut block, &more_frames(*count)),
            }
        }
        if let Some(words) = incomplete(stack) {
            self.styled(&mut block, PROBLEM, &format!("  incomplete: {words}"));
            block.push('\n');
        }
        block
    }

    fn hidden(&self, block: &mut String, words: &str) {
        self.styled(block, DIM, &format!("  .. {words}"));
        block.push('\n');
    }

    fn header(&self, stack: &Stack) -> String {
        let mut line = String::new();
        self.styled(&mut line, DIM, &self.clock(stack.time));
        line.push_str("  ");
        self.probe(&mut line, &stack.probe);
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

    pub(super) fn probe(&self, line: &mut String, probe: &str) {
        self.styled(line, BOLD, &sanitize(probe));
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
fn name(line: &Line<'_>) -> String {
    match line {
        Line::Frame(frame) if frame.inlined && frame.function.is_some() => {
            format!("{} (inlined)", frame_name(frame))
        }
        Line::Frame(frame) => frame_name(frame).into_owned(),
        _ => String::new(),
    }
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
