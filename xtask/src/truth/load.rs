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
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};
use xtask::tool::command;
use xtask::tool::example::LOAD;
use xtask::tool::go::{self, LinkMode};

/// The ways to the leaf that the program has.
const WAYS: usize = 7;

/// How long each thread waits after 64 hits. A trace that lost stacks counts for nothing, and the
/// next one waits longer.
const PAUSES: [&str; 4] = ["5ms", "20ms", "80ms", "320ms"];

/// Traces this many hits. The result says what was found.
pub(super) fn run(cgotrace: &Path, hits: u64) -> Result<String> {
    let build = Build { version: go::NEWEST, mode: LinkMode::Pie };
    let subject = Subject { example: &LOAD, arguments: &[], inner: &[], gaps: &[], delve: true };
    let program = subject.build(build)?;
    let ways = ways(cgotrace, &program)?;
    for pause in PAUSES {
        let start = Instant::now();
        let mut tracer = Tracer::attach(cgotrace, &program)?;
        let counts = counts(&program, hits, pause)?;
        let seen = tracer.finish(&ways)?;
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
            "Under load: {hits} hits from 8 goroutines with `GOGC=1`, in {} s. Every stack is one \
             of the {WAYS} that the program can have, each as often as the program counted.",
            start.elapsed().as_secs()
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

/// Runs the program, and gives how often it went by each way.
fn counts(program: &Path, hits: u64, pause: &str) -> Result<[u64; WAYS]> {
    let said = command::output(
        Command::new(program).args(["-hits", &hits.to_string(), "-pause", pause]).env("GOGC", "1"),
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

/// A cgotrace that waits for the program.
struct Tracer {
    child: Child,
    reader: Option<thread::JoinHandle<Result<Heard>>>,
}

impl Tracer {
    fn attach(cgotrace: &Path, program: &Path) -> Result<Self> {
        let mut child = Command::new(cgotrace)
            .arg("attach")
            .arg(program)
            .args(["--func", LOAD.probe, "--format", "json"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("start cgotrace")?;
        let stdout = BufReader::new(child.stdout.take().context("read from cgotrace")?);
        let stderr = BufReader::new(child.stderr.take().context("read from cgotrace")?);
        let (send, said) = channel();
        thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                // Nobody listens any more once the probes are armed; the stream is still drained.
                let _ = send.send(line);
            }
        });
        let reader = thread::spawn(move || {
            let mut reader = Reader::default();
            let mut heard = Heard::default();
            for line in stdout.lines() {
                match reader.read(&line.context("read from cgotrace")?)? {
                    Record::Start(_) => {}
                    Record::Stack(stack) if stack.complete => {
                        *heard.stacks.entry(stack.rows).or_default() += 1;
                    }
                    Record::Stack(stack) => heard.odd.push(stack.shown.join("\n    ")),
                    Record::Summary(summary) => {
                        let lost = summary["lost"].as_object().context("no losses")?;
                        heard.lost = lost.values().filter_map(Value::as_u64).sum();
                    }
                }
            }
            Ok(heard)
        });
        let tracer = Self { child, reader: Some(reader) };
        loop {
            match said.recv_timeout(Duration::from_secs(60)) {
                Ok(line) if line.contains("armed") => return Ok(tracer),
                Ok(_) => {}
                Err(_) => bail!("cgotrace did not arm its probes"),
            }
        }
    }

    /// Interrupts it, as Ctrl-C would, and gives what it saw by these ways.
    fn finish(&mut self, ways: &HashMap<Vec<Place>, usize>) -> Result<Seen> {
        command::run(Command::new("kill").args(["-INT", &self.child.id().to_string()]))?;
        let reader = self.reader.take().context("finished already")?;
        let Heard { stacks, odd, lost } = reader.join().ok().context("read from cgotrace")??;
        if let Some(first) = odd.first() {
            bail!("{} stacks are not complete, such as:\n    {first}", odd.len());
        }
        let mut seen = Seen { ways: [0; WAYS], lost };
        for (rows, count) in stacks {
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

impl Drop for Tracer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
