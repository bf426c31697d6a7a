//! Under load: many goroutines, stacks that grow and shrink, a garbage collector that never rests.
//! Each stack must be one of the few that the program can have, and each as often as the program
//! says.

use super::subject::{Build, Subject};
use super::trace::{self, Reader, Record, Row, Stack};
use super::verdict::tally;
use super::{delve, place::Place};
use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;
use xtask::tool::command;
use xtask::tool::example::LOAD;
use xtask::tool::go::{self, LinkMode};

/// The ways to the leaf that the program has.
const WAYS: usize = 7;

/// How long each thread waits after 64 hits. A trace that lost stacks counts for nothing, and the
/// next one waits longer: what a busy machine can take is not judged here.
const PAUSES: [&str; 3] = ["0", "5ms", "80ms"];

/// Traces this many hits. The result says what was found.
pub(super) fn run(cgotrace: &Path, hits: u64) -> Result<String> {
    let build = Build { version: go::NEWEST, mode: LinkMode::Pie };
    let subject = Subject { example: &LOAD, arguments: &[], inner: &[], gaps: &[], delve: true };
    let program = subject.build(build)?;
    let ways = ways(cgotrace, &program)?;
    for pause in PAUSES {
        let start = Instant::now();
        let folder = tempfile::tempdir().context("make a temporary folder")?;
        let file = folder.path().join("load.cgotrace");
        let counts = record(cgotrace, &program, &file, hits, pause)?;
        let seconds = start.elapsed().as_secs();
        let seen = Heard::read(cgotrace, &file)?.by(&ways)?;
        let all = seen.ways.iter().sum::<u64>() + seen.lost;
        ensure!(all == hits, "{hits} hits, but {all} stacks, {} of them lost", seen.lost);
        let is_more = seen.ways.iter().zip(counts).any(|(seen, count)| *seen > count);
        if is_more || seen.lost == 0 && seen.ways != counts {
            bail!("the program went {counts:?} times by its ways, the trace says {:?}", seen.ways);
        }
        if seen.lost > 0 {
            println!("truth: {} stacks lost, and counted, with a pause of {pause}", seen.lost);
            continue;
        }
        let said = format!(
            "Under load: {hits} hits from 8 goroutines with `GOGC=1`, a pause of {pause} after each \
             64 hits, recorded in {seconds} s. Every stack is one of the {WAYS} that the program can \
             have, each as often as the program counted.",
        );
        println!("truth: {said}");
        return Ok(said);
    }
    bail!("stacks were lost with every pause")
}

/// The stack of each way, without load, as Delve confirms it.
fn ways(cgotrace: &Path, program: &Path) -> Result<HashMap<Vec<Place>, usize>> {
    // Twice: the first callback moves the stack, where Delve loses the way.
    let arguments = ["-workers", "1", "-hits", "14"];
    let trace = trace::run(cgotrace, program, &arguments, &[LOAD.probe.to_owned()])?;
    let judged = delve::stacks(program, &arguments, &trace.probes, usize::MAX)?;
    let tally = tally(&trace.stacks, &judged);
    ensure!(tally.exact == WAYS * 2, "Delve does not confirm the ways: {tally:?}");
    let ways: Option<HashMap<_, _>> = trace
        .stacks
        .iter()
        .take(WAYS)
        .map(Stack::whole)
        .zip(0..)
        .map(|(a, b)| Some((a?, b)))
        .collect();
    let ways = ways.context("a way has a stack with a gap")?;
    ensure!(ways.len() == WAYS, "two ways have one stack");
    Ok(ways)
}

/// Records the program, and gives how often it went by each way.
fn record(
    cgotrace: &Path,
    program: &Path,
    file: &Path,
    hits: u64,
    pause: &str,
) -> Result<[u64; WAYS]> {
    let said = command::output(
        Command::new(cgotrace)
            .args(["record", "--func", LOAD.probe, "-o"])
            .arg(file)
            .arg("--")
            .arg(program)
            .args(["-hits", &hits.to_string(), "-pause", pause])
            .env("GOGC", "1"),
    )?;
    let mut counts = [0; WAYS];
    for line in said.lines() {
        let mut words = line.split(' ');
        if words.next() == Some("WAY") {
            let mut number = || words.next()?.parse::<u64>().ok();
            let (way, count) = number().zip(number()).with_context(|| format!("read {line}"))?;
            *counts.get_mut(way as usize).with_context(|| format!("no such way: {line}"))? = count;
        }
    }
    Ok(counts)
}

/// What a trace held.
struct Seen {
    ways: [u64; WAYS],
    /// How many were lost, by the summary.
    lost: u64,
}

/// What a trace held, before the ways are known.
#[derive(Default)]
struct Heard {
    /// How often each complete stack came: few distinct ones, or all is lost anyway.
    stacks: HashMap<Vec<Row>, u64>,
    /// The other stacks, as people see them.
    odd: Vec<String>,
    /// How many were lost, by the summary.
    lost: u64,
}

impl Heard {
    /// Reads what a recording holds, as JSON.
    fn read(cgotrace: &Path, file: &Path) -> Result<Self> {
        let mut child = Command::new(cgotrace)
            .args(["report", "--quiet", "--format", "json"])
            .arg(file)
            .stdout(Stdio::piped())
            .spawn()
            .context("start cgotrace report")?;
        let stdout = BufReader::new(child.stdout.take().context("read from cgotrace")?);
        let heard = Self::of(stdout);
        let status = child.wait().context("wait for cgotrace report")?;
        ensure!(status.success(), "cgotrace report: {status}");
        heard
    }

    fn of(json: impl BufRead) -> Result<Self> {
        let (mut reader, mut heard) = (Reader::default(), Self::default());
        // A million lines hold few stacks: what comes after the time and the thread is the same.
        let mut same = HashMap::<String, (Stack, u64)>::new();
        for line in json.lines() {
            let line = line.context("read from cgotrace")?;
            let stack = line.find("\"complete\":").map_or("", |at| &line[at..]);
            if let Some((_, count)) = same.get_mut(stack) {
                *count += 1;
                continue;
            }
            match reader.read(&line)? {
                Record::Start(_) => {}
                Record::Stack(read) => drop(same.insert(stack.to_owned(), (read, 1))),
                Record::Summary(summary) => {
                    let lost = summary["lost"].as_object().context("no losses")?;
                    heard.lost = lost.values().filter_map(Value::as_u64).sum();
                }
            }
        }
        for (stack, count) in same.into_values() {
            if stack.complete {
                *heard.stacks.entry(stack.rows).or_default() += count;
            } else {
                heard.odd.push(stack.shown.join("\n    "));
            }
        }
        Ok(heard)
    }

    /// The same by these ways.
    fn by(self, ways: &HashMap<Vec<Place>, usize>) -> Result<Seen> {
        if let Some(first) = self.odd.first() {
            bail!("{} kinds of stacks are not complete, such as:\n    {first}", self.odd.len());
        }
        let mut seen = Seen { ways: [0; WAYS], lost: self.lost };
        for (rows, count) in self.stacks {
            let frames: Vec<_> = rows
                .into_iter()
                .filter_map(|row| match row {
                    Row::Frame(place) => Some(place),
                    Row::Gap(_) => None,
                })
                .collect();
            match ways.get(&frames) {
                Some(way) => seen.ways[*way] += count,
                None => bail!("{count} stacks are of no way of the program, such as: {frames:?}"),
            }
        }
        Ok(seen)
    }
}
