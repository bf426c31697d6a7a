//! What cgotrace says: its JSON Lines, read into physical frames.

use super::place::{Place, module_name};
use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use xtask::tool::command;

/// One row of a stack: a frame, or a gap with its reason.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Row {
    Frame(Place),
    Gap(String),
}

/// One stack, the innermost row first.
#[derive(Clone, Debug)]
pub(super) struct Stack {
    pub(super) rows: Vec<Row>,
    /// Where the walk ended, as `docs/command-line.md` has it.
    pub(super) end: String,
    pub(super) complete: bool,
    /// The reasons of gaps and of an early end.
    pub(super) problems: Vec<String>,
    /// The names of Go's functions, inlined ones included.
    pub(super) go_names: Vec<String>,
    /// A line a frame, for people.
    pub(super) shown: Vec<String>,
}

impl Stack {
    /// Its frames where it has no gap and a true bottom.
    pub(super) fn whole(&self) -> Option<Vec<Place>> {
        let frames = self.rows.iter().map(|row| match row {
            Row::Frame(place) => Some(place.clone()),
            Row::Gap(_) => None,
        });
        if self.complete { frames.collect() } else { None }
    }
}

/// A whole trace.
#[derive(Debug)]
pub(super) struct Trace {
    /// Where the probes lie.
    pub(super) probes: Vec<Place>,
    pub(super) stacks: Vec<Stack>,
    /// What the program wrote.
    pub(super) output: String,
}

/// Runs a program under cgotrace, with a probe on what each pattern names.
pub(super) fn run(
    cgotrace: &Path,
    program: &Path,
    arguments: &[&str],
    patterns: &[String],
) -> Result<Trace> {
    // Not by standard output, to which the program writes too.
    let folder = tempfile::tempdir().context("make a temporary folder")?;
    let file = folder.path().join("trace.json");
    let mut command = Command::new(cgotrace);
    command.args(["run", "--format", "json", "-o"]).arg(&file);
    for pattern in patterns {
        command.args(["--func", pattern]);
    }
    let output = command::output(command.arg("--").arg(program).args(arguments))?;
    let said = fs::read_to_string(&file).with_context(|| format!("read {}", file.display()))?;
    let mut reader = Reader::default();
    let mut trace = Trace { probes: Vec::new(), stacks: Vec::new(), output };
    let mut ended = false;
    for line in said.lines() {
        match reader.read(line)? {
            Record::Start(probes) => trace.probes = probes,
            Record::Stack(stack) => trace.stacks.push(stack),
            Record::Summary(summary) => {
                ended = true;
                let lost = summary["lost"].as_object();
                ensure!(lost.is_some_and(|lost| lost.is_empty()), "stacks were lost: {summary}");
            }
        }
    }
    ensure!(ended, "the trace has no summary: it was cut short");
    Ok(trace)
}

/// One line.
pub(super) enum Record {
    /// Where the probes lie.
    Start(Vec<Place>),
    Stack(Stack),
    Summary(Value),
}

/// Reads lines, and remembers the modules' names.
#[derive(Default)]
pub(super) struct Reader {
    modules: HashMap<String, Arc<str>>,
}

impl Reader {
    pub(super) fn read(&mut self, line: &str) -> Result<Record> {
        let value: Value = serde_json::from_str(line).with_context(|| format!("read {line}"))?;
        match value["kind"].as_str() {
            Some("start") => {
                let probes = list(&value, "probes")?;
                let places: Result<_> = probes.iter().map(|probe| self.place(probe)).collect();
                Ok(Record::Start(places?))
            }
            Some("stack") => self.stack(&value).map(Record::Stack),
            Some("summary") => Ok(Record::Summary(value)),
            _ => bail!("a record of an unknown kind: {line}"),
        }
    }

    fn stack(&mut self, value: &Value) -> Result<Stack> {
        let mut stack = Stack {
            rows: Vec::new(),
            end: value["end"].as_str().context("a stack without an end")?.to_owned(),
            complete: value["complete"] == true,
            problems: list(value, "problems")?
                .iter()
                .filter_map(|reason| reason.as_str().map(str::to_owned))
                .collect(),
            go_names: Vec::new(),
            shown: Vec::new(),
        };
        for frame in list(value, "frames")? {
            let name = frame["function"].as_str().unwrap_or("?");
            if let Some(gap) = frame["gap"].as_str() {
                stack.shown.push(format!("-- gap: {gap}"));
                stack.rows.push(Row::Gap(gap.to_owned()));
                continue;
            }
            if matches!(frame["language"].as_str(), Some("go" | "asm")) {
                stack.go_names.push(name.to_owned());
            }
            if frame["inlined"] == true {
                continue;
            }
            let place = self.place(frame)?;
            stack.shown.push(format!("{place} {name}"));
            stack.rows.push(Row::Frame(place));
        }
        Ok(stack)
    }

    fn place(&mut self, frame: &Value) -> Result<Place> {
        // A frame in no file has an address only, which no judge can compare between processes.
        let module = frame["module"].as_str().unwrap_or_default();
        let module = match self.modules.get(module) {
            Some(known) => known.clone(),
            None => {
                let name = module_name(module);
                self.modules.insert(module.to_owned(), name.clone());
                name
            }
        };
        let offset = frame["offset"].as_str().and_then(|text| text.strip_prefix("0x"));
        let offset = offset.and_then(|text| u64::from_str_radix(text, 16).ok()).unwrap_or_default();
        Ok(Place { module, offset })
    }
}

fn list<'a>(value: &'a Value, key: &str) -> Result<&'a Vec<Value>> {
    value[key].as_array().with_context(|| format!("no {key} in {value}"))
}
