//! The stack that an example must give (`examples/NAME/expected.txt`), and whether a trace in
//! JSON Lines gave it.

use super::example::Example;
use super::hash;
use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::Path;

/// One line of the expected stack.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    times: Times,
    /// Whether the call was inlined into the frame that follows, where it is compared.
    inlined: Option<bool>,
    /// Its name; `*` stands for any characters. `None`: it must have no name.
    function: Option<String>,
    /// The source file's base name, where it is compared.
    file: Option<String>,
    /// The line's number, where it is compared.
    line: Option<u64>,
    /// The reason of a gap, which has nothing of the above.
    gap: Option<String>,
}

/// How often a frame stands in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Times {
    /// Just as often.
    Exactly(usize),
    /// Once or not at all: a C stub that tail-calls.
    Optional,
    /// As often as another project's code decides.
    Any,
}

/// The stack at every hit of an example's probe, the innermost frame first.
#[derive(Debug)]
pub struct Expected {
    lines: Vec<Line>,
    /// The bottom, where it is compared.
    end: Option<String>,
}

impl Expected {
    /// The expected stack of an example, its markers looked up in its sources.
    pub fn of(example: &Example) -> Result<Self> {
        Self::named(example, "expected.txt")
    }

    /// Another expected stack of an example, by the name of its file.
    pub fn named(example: &Example, name: &str) -> Result<Self> {
        let folder = example.folder();
        let file = folder.join(name);
        let text = fs::read_to_string(&file).with_context(|| format!("read {}", file.display()))?;
        Self::parse(&text, |name, marker| marked_line(&folder, name, marker))
            .with_context(|| format!("read {}", file.display()))
    }

    /// Parses the format that `examples/README.md` describes.
    fn parse(text: &str, line_of: impl Fn(&str, &str) -> Result<u64>) -> Result<Self> {
        let mut lines: Vec<Line> = Vec::new();
        let mut end = None;
        // The group that is open: how often it stands, and where it starts.
        let mut group = None;
        for text in text.lines().map(str::trim) {
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            ensure!(end.is_none(), "nothing stands below the end, but: {text}");
            let (mark, rest) = word(text, " ");
            match (mark, group) {
                ("[", None) => {
                    group = Some((rest.parse::<usize>().context("how often?")?, lines.len()));
                }
                ("]", Some((times, start))) => {
                    let once = lines.split_off(start);
                    (0..times).for_each(|_| lines.extend_from_slice(&once));
                    group = None;
                }
                ("gap", _) => lines.push(Line::gap(rest)),
                ("end", None) => end = Some(rest.to_owned()),
                _ => lines.push(Line::parse(mark, rest, &line_of)?),
            }
        }
        ensure!(group.is_none(), "a group has no end");
        ensure!(!lines.is_empty(), "no frame is expected");
        Ok(Self { lines, end })
    }

    /// The same stack where native code has neither symbols nor DWARF: its physical frames are
    /// there without a name. Go's frames, which are those of its source files, stay as they are.
    #[must_use]
    pub fn without_native_names(mut self) -> Self {
        self.lines.retain(|line| line.is_go() || line.inlined != Some(true));
        for line in self.lines.iter_mut().filter(|line| !line.is_go() && line.gap.is_none()) {
            *line = Line { function: None, file: None, line: None, ..line.clone() };
        }
        self
    }

    /// Compares every stack of a trace in JSON Lines, and gives their number. An error tells the
    /// first difference.
    pub fn check(&self, json_lines: &str) -> Result<usize> {
        Ok(Self::check_each(&[self], json_lines)?.iter().sum())
    }

    /// The same where each stack may be any of these: how often each of them was there.
    pub fn check_each(all: &[&Self], json_lines: &str) -> Result<Vec<usize>> {
        let (counts, lost) = Self::count_each(all, json_lines)?;
        ensure!(lost == 0, "{lost} stacks were lost");
        Ok(counts)
    }

    /// The same where stacks may be lost: the second number tells how many, by the trace.
    pub fn count_each(all: &[&Self], json_lines: &str) -> Result<(Vec<usize>, u64)> {
        let mut counts = vec![0; all.len()];
        let mut summary = None;
        for line in json_lines.lines().filter(|line| line.starts_with('{')) {
            let record: Value =
                serde_json::from_str(line).with_context(|| format!("read {line}"))?;
            match record["kind"].as_str() {
                Some("stack") => {
                    let mut differences = String::new();
                    let is_it = |expected: &&Self| match expected.check_stack(&record) {
                        Ok(()) => true,
                        Err(error) => {
                            let _ = write!(differences, "; {error:#}");
                            false
                        }
                    };
                    let which = all.iter().position(is_it);
                    let stacks = counts.iter().sum::<usize>();
                    let which = which.with_context(|| format!("stack {stacks}{differences}"))?;
                    counts[which] += 1;
                }
                Some("summary") => summary = Some(record),
                _ => {}
            }
        }
        let summary = summary.context("the trace has no summary: it was cut short")?;
        let complete = all.iter().zip(&counts).filter(|(expected, _)| expected.gaps().is_empty());
        let complete = complete.map(|(_, count)| count).sum::<usize>();
        let sum = |key: &str| {
            let values = summary[key].as_object().into_iter().flatten();
            values.map(|(_, count)| count.as_u64()).sum::<Option<u64>>()
        };
        let lost = sum("lost").context("the summary tells no losses")?;
        let stacks = counts.iter().sum::<usize>();
        let agrees = summary["complete"] == complete
            && sum("incomplete") == u64::try_from(stacks - complete).ok();
        ensure!(agrees, "{stacks} stacks, {complete} of them complete, but {summary}");
        Ok((counts, lost))
    }

    /// The reasons of the gaps.
    fn gaps(&self) -> Vec<&str> {
        self.lines.iter().filter_map(|line| line.gap.as_deref()).collect()
    }

    fn check_stack(&self, stack: &Value) -> Result<()> {
        let gaps = self.gaps();
        ensure!(stack["problems"] == json!(gaps), "its problems are {}", stack["problems"]);
        ensure!(stack["complete"] == gaps.is_empty(), "it is complete: {}", stack["complete"]);
        if let Some(end) = &self.end {
            ensure!(stack["end"] == end.as_str(), "its end is {}", stack["end"]);
        }
        let frames = stack["frames"].as_array().context("it has no frames")?;
        // Where the lines so far may end: one place, or several after a line of any number.
        let mut ends = BTreeSet::from([0]);
        for line in &self.lines {
            let (least, most) = match line.times {
                Times::Exactly(times) => (times, times),
                Times::Optional => (0, 1),
                Times::Any => (0, frames.len()),
            };
            let after = |&end: &usize| {
                let row = frames[end..].iter().take_while(|frame| line.is(frame)).take(most);
                let found = row.count();
                (least..=found).map(move |count| end + count)
            };
            let next: BTreeSet<usize> = ends.iter().flat_map(after).collect();
            if next.is_empty() {
                let at = ends.last().copied().unwrap_or_default();
                match frames.get(at) {
                    Some(frame) => bail!("frame {at}: expected {line:?}, not {frame}"),
                    None => bail!("the stack ends where {line:?} is expected"),
                }
            }
            ends = next;
        }
        match ends.last() {
            Some(&at) if at < frames.len() => {
                bail!("frame {at}: the stack goes on, with {}", frames[at])
            }
            _ => Ok(()),
        }
    }
}

impl Line {
    /// Parses the columns of a frame.
    fn parse(
        mark: &str,
        columns: &str,
        line_of: impl Fn(&str, &str) -> Result<u64>,
    ) -> Result<Self> {
        let (function, rest) = word(columns, "  ");
        let (file, marker) = word(rest, "  ");
        ensure!(!file.is_empty(), "three columns at least in: {mark} {columns}");
        let times = match mark {
            "." | "i" => Times::Exactly(1),
            "?" => Times::Optional,
            "*" => Times::Any,
            _ => mark
                .strip_prefix('x')
                .and_then(|number| number.parse().ok())
                .map(Times::Exactly)
                .with_context(|| format!("no such mark: {mark}"))?,
        };
        let line = match marker {
            "" => None,
            marker => Some(line_of(file, marker)?),
        };
        Ok(Self {
            times,
            inlined: (times != Times::Any).then_some(mark == "i"),
            function: Some(function.to_owned()),
            file: (file != "-").then(|| file.to_owned()),
            line,
            gap: None,
        })
    }

    /// A gap for this reason.
    fn gap(reason: &str) -> Self {
        let gap = Some(reason.to_owned());
        Self {
            times: Times::Exactly(1),
            inlined: None,
            function: None,
            file: None,
            line: None,
            gap,
        }
    }

    /// Whether Go's own tables tell this frame.
    fn is_go(&self) -> bool {
        self.file.as_ref().is_some_and(|file| file.ends_with(".go") || file.ends_with(".s"))
    }

    fn is(&self, frame: &Value) -> bool {
        if self.gap.is_some() || !frame["gap"].is_null() {
            return frame["gap"].as_str() == self.gap.as_deref();
        }
        let file = frame["file"].as_str().map(Path::new).and_then(Path::file_name);
        let is_named_so = match &self.function {
            // The native frames of a file without names.
            None => frame["function"].is_null() && frame["symbol"].is_null() && file.is_none(),
            Some(pattern) => matches(pattern, frame["function"].as_str().unwrap_or_default()),
        };
        is_named_so
            && self.inlined.is_none_or(|inlined| frame["inlined"] == inlined)
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

/// What stands before the first separator, and what follows it without leading blanks.
fn word<'a>(text: &'a str, separator: &str) -> (&'a str, &'a str) {
    let (word, rest) = text.split_once(separator).unwrap_or((text, ""));
    (word, rest.trim_start())
}

/// Whether a name fits a pattern in which each `*` stands for any characters.
fn matches(pattern: &str, name: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut name) = name.strip_prefix(start) else { return false };
    let (middle, end) = rest.rsplit_once('*').unwrap_or(("", rest));
    // The first place for each part leaves the most for those that follow.
    for part in middle.split('*') {
        let Some(at) = name.find(part) else { return false };
        name = &name[at + part.len()..];
    }
    name.ends_with(end)
}

#[cfg(test)]
mod tests;
