//! The stack that an example must give (`examples/NAME/expected.txt`), and whether a trace in
//! JSON Lines gave it.

use super::example::Example;
use super::hash;
use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use std::fs;
use std::path::Path;

/// One line of the expected stack.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    /// May be missing: a C stub that tail-calls.
    optional: bool,
    /// The call was inlined into the frame that follows.
    inlined: bool,
    /// How many times in a row.
    times: usize,
    /// Its name; `*` stands for any characters.
    function: String,
    /// The source file's base name, where it is compared.
    file: Option<String>,
    /// The line's number, where it is compared.
    line: Option<u64>,
}

/// The stack at every hit of an example's probe, the innermost frame first.
#[derive(Debug)]
pub struct Expected {
    lines: Vec<Line>,
}

impl Expected {
    /// The expected stack of an example, its markers looked up in its sources.
    pub fn of(example: &Example) -> Result<Self> {
        let folder = example.folder();
        let file = folder.join("expected.txt");
        let text = fs::read_to_string(&file).with_context(|| format!("read {}", file.display()))?;
        Self::parse(&text, |name, marker| marked_line(&folder, name, marker))
            .with_context(|| format!("read {}", file.display()))
    }

    /// Parses the format that `examples/README.md` describes.
    fn parse(text: &str, line_of: impl Fn(&str, &str) -> Result<u64>) -> Result<Self> {
        let mut lines = Vec::new();
        for text in text.lines().map(str::trim) {
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            let (mark, rest) = word(text);
            let (function, rest) = word(rest);
            let (file, marker) = word(rest);
            ensure!(!file.is_empty(), "three columns at least in: {text}");
            let times = match mark {
                "." | "i" | "?" => 1,
                _ => mark
                    .strip_prefix('x')
                    .and_then(|number| number.parse().ok())
                    .with_context(|| format!("no such mark: {mark}"))?,
            };
            let line = match marker {
                "" => None,
                marker => Some(line_of(file, marker)?),
            };
            lines.push(Line {
                optional: mark == "?",
                inlined: mark == "i",
                times,
                function: function.to_owned(),
                file: (file != "-").then(|| file.to_owned()),
                line,
            });
        }
        ensure!(!lines.is_empty(), "no frame is expected");
        Ok(Self { lines })
    }

    /// Compares every stack of a trace in JSON Lines, and gives their number. An error tells the
    /// first difference.
    pub fn check(&self, json_lines: &str) -> Result<usize> {
        let mut stacks = 0;
        let mut summary = None;
        for line in json_lines.lines().filter(|line| line.starts_with('{')) {
            let record: Value =
                serde_json::from_str(line).with_context(|| format!("read {line}"))?;
            match record["kind"].as_str() {
                Some("stack") => {
                    self.check_stack(&record).with_context(|| format!("stack {stacks}"))?;
                    stacks += 1;
                }
                Some("summary") => summary = Some(record),
                _ => {}
            }
        }
        let summary = summary.context("the trace has no summary: it was cut short")?;
        let is_empty = |key: &str| summary[key].as_object().is_some_and(|map| map.is_empty());
        ensure!(is_empty("incomplete") && is_empty("lost"), "stacks were lost: {summary}");
        ensure!(summary["complete"] == stacks, "{stacks} stacks, but {summary}");
        Ok(stacks)
    }

    fn check_stack(&self, stack: &Value) -> Result<()> {
        ensure!(stack["complete"] == true, "the stack is not complete");
        ensure!(stack["problems"].as_array().is_some_and(Vec::is_empty), "it has problems");
        let frames = stack["frames"].as_array().context("it has no frames")?;
        let mut frames = frames.iter().enumerate().peekable();
        for line in &self.lines {
            for _ in 0..line.times {
                match frames.next_if(|(_, frame)| line.is(frame)) {
                    Some(_) => {}
                    None if line.optional => {}
                    None => match frames.peek() {
                        Some((at, frame)) => bail!("frame {at}: expected {line:?}, not {frame}"),
                        None => bail!("the stack ends where {line:?} is expected"),
                    },
                }
            }
        }
        match frames.next() {
            Some((at, frame)) => bail!("frame {at}: the stack goes on, with {frame}"),
            None => Ok(()),
        }
    }
}

impl Line {
    fn is(&self, frame: &Value) -> bool {
        let function = frame["function"].as_str().unwrap_or_default();
        let file = frame["file"].as_str().map(Path::new).and_then(Path::file_name);
        matches(&self.function, function)
            && frame["inlined"] == self.inlined
            && self.file.as_ref().is_none_or(|name| file.is_some_and(|file| file == name.as_str()))
            && self.line.is_none_or(|number| frame["line"] == number)
    }
}

/// The number of the line that ends with a comment that says this marker, in the file of this
/// name below the folder. It must stand there once.
fn marked_line(folder: &Path, name: &str, marker: &str) -> Result<u64> {
    let files = hash::files_below(folder)?;
    let file = files
        .iter()
        .find(|file| file.file_name().is_some_and(|base| base == name))
        .with_context(|| format!("no file {name} below {}", folder.display()))?;
    let text = fs::read_to_string(file).with_context(|| format!("read {}", file.display()))?;
    let comment = format!("// {marker}");
    let mut found = text.lines().zip(1..).filter(|(line, _)| line.ends_with(&comment));
    match (found.next(), found.next()) {
        (Some((_, number)), None) => Ok(number),
        (None, _) => bail!("{} has no line marked {marker:?}", file.display()),
        _ => bail!("{} has two lines marked {marker:?}", file.display()),
    }
}

/// The first word, and what follows it without leading blanks.
fn word(text: &str) -> (&str, &str) {
    match text.split_once(char::is_whitespace) {
        Some((word, rest)) => (word, rest.trim_start()),
        None => (text, ""),
    }
}

/// Whether a name fits a pattern with at most one `*`.
fn matches(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((start, end)) => {
            name.len() >= start.len() + end.len() && name.starts_with(start) && name.ends_with(end)
        }
    }
}

#[cfg(test)]
mod tests;
