//! `bench`: BPF time a hit for the example `deep`, beside bpftrace's `ustack`, in one run.
//!
//! Twice: as the example is built, where bpftrace loses the way in the C code, and with frame
//! pointers, where it finds the same frames and so does the same work.
//!
//! The kernel's own statistics are read: run time and runs of each BPF program, from the programs'
//! file descriptors in /proc.

mod statistics;
mod symbols;

use crate::setup::{self, Part};
use anyhow::{Context, Result, bail, ensure};
use statistics::{Recording, Statistics};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;
use xtask::tool::example::{DEEP, DEEP_WITH_FRAME_POINTERS};
use xtask::tool::go::{self, LinkMode};
use xtask::tool::{command, paths, smoke};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    what: Option<What>,
    /// How many hits.
    #[arg(long, default_value_t = 5000)]
    hits: u64,
    /// C frames in the recursion.
    #[arg(long, default_value_t = 40)]
    depth: u64,
    /// The pause after each hit. With one, each hit finds colder caches; without one, hits may be
    /// lost to the reader.
    #[arg(long, default_value = "0s")]
    pause: String,
}

#[derive(clap::Subcommand)]
enum What {
    /// Measure naming instead: time and memory, beside blazesym and llvm-symbolizer.
    Symbols(symbols::Arguments),
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    if let Some(What::Symbols(arguments)) = &arguments.what {
        return symbols::run(arguments);
    }
    setup::ensure(&[Part::Bench], &[])?;
    let cgotrace = smoke::build_cgotrace()?;
    let go = go::ensure_version(go::NEWEST)?;
    let variants = [("as built", DEEP), ("with frame pointers", DEEP_WITH_FRAME_POINTERS)];
    for (at, (name, example)) in variants.iter().enumerate() {
        let program = paths::target().join(format!("bench/{at}/{}", example.name));
        example.build(&go, go::NEWEST, LinkMode::Exe, &program)?;
        println!("deep {name}:");
        measure(arguments, &cgotrace, &program)?;
    }
    Ok(())
}

fn measure(arguments: &Arguments, cgotrace: &Path, program: &Path) -> Result<()> {
    let _recording = Recording::start()?;
    let mut ours = Tracer::cgotrace(cgotrace, program)?;
    let mut theirs = Tracer::bpftrace(program)?;
    command::run_quietly(
        Command::new(program)
            .args(["-rounds", &arguments.hits.to_string()])
            .args(["-depth", &arguments.depth.to_string()])
            .args(["-pause", &arguments.pause]),
    )?;
    let (our_time, their_time) = (ours.statistics()?, theirs.statistics()?);
    let (our_output, their_output) = (ours.finish()?, theirs.finish()?);
    println!("  cgotrace: {our_time}, {} frames", our_output.frames);
    println!("            {}", our_output.last_line);
    println!("  bpftrace: {their_time}, {} frames", their_output.frames);
    let ratio = our_time.nanoseconds_a_hit() / their_time.nanoseconds_a_hit();
    println!("  ratio:    {ratio:.2} a hit");
    Ok(())
}

/// A tracer that runs beside the target.
struct Tracer {
    name: &'static str,
    child: Child,
    output: thread::JoinHandle<Output>,
}

/// What is kept of a tracer's output.
#[derive(Default)]
struct Output {
    /// The frames of its deepest stack.
    frames: usize,
    /// Its last line.
    last_line: String,
}

impl Tracer {
    fn cgotrace(cgotrace: &Path, program: &Path) -> Result<Self> {
        let mut child = Command::new(cgotrace)
            .arg("attach")
            .arg(program)
            .args(["--func", DEEP.probe, "--format", "json"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("start cgotrace")?;
        let stdout = child.stdout.take().context("read from cgotrace")?;
        let output = thread::spawn(move || read_json_lines(stdout));
        let said = lines_of(child.stderr.take().context("read from cgotrace")?);
        let mut heard = String::new();
        loop {
            match said.recv_timeout(Duration::from_secs(60)) {
                Ok(line) if line.contains("armed") => break,
                Ok(line) => heard.push_str(&line),
                Err(_) => bail!("cgotrace did not arm its probes: {heard}"),
            }
        }
        Ok(Self { name: "cgotrace", child, output })
    }

    fn bpftrace(program: &Path) -> Result<Self> {
        let script =
            format!("uprobe:{}:{} {{ @[ustack(127)] = count(); }}", program.display(), DEEP.probe);
        let mut child = Command::new("bpftrace")
            .args(["-e", &script])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("start bpftrace")?;
        let stdout = child.stdout.take().context("read from bpftrace")?;
        let output = thread::spawn(move || read_ustacks(stdout));
        let tracer = Self { name: "bpftrace", child, output };
        for _ in 0..300 {
            thread::sleep(Duration::from_millis(100));
            if Statistics::has_program(tracer.child.id()) {
                // It says nothing once the loaded program is attached.
                thread::sleep(Duration::from_secs(1));
                return Ok(tracer);
            }
        }
        bail!("bpftrace loaded no program within 30 s")
    }

    fn statistics(&mut self) -> Result<Statistics> {
        let statistics = Statistics::of(self.child.id())?;
        ensure!(statistics.runs > 0, "{} was not hit", self.name);
        Ok(statistics)
    }

    /// Interrupts it, as Ctrl-C would, and gives what it wrote.
    fn finish(mut self) -> Result<Output> {
        command::run(Command::new("kill").args(["-INT", &self.child.id().to_string()]))?;
        let output = self.output.join().ok().with_context(|| format!("read {}", self.name))?;
        self.child.wait().with_context(|| format!("wait for {}", self.name))?;
        Ok(output)
    }
}

/// The lines of a stream, read to its end in a thread of their own.
fn lines_of(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (send, receive) = channel();
    thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            // Nobody listens any more once the probes are armed; the stream is still drained.
            let _ = send.send(line);
        }
    });
    receive
}

fn read_json_lines(stream: impl Read) -> Output {
    let mut output = Output::default();
    for line in BufReader::new(stream).lines().map_while(Result::ok) {
        output.frames = output.frames.max(line.matches("\"inlined\":false").count());
        output.last_line = line;
    }
    output
}

/// bpftrace writes a stack as `@[`, a line a frame, `]: COUNT`.
fn read_ustacks(stream: impl Read) -> Output {
    let mut output = Output::default();
    let mut frames = 0;
    for line in BufReader::new(stream).lines().map_while(Result::ok) {
        match line.as_str() {
            "@[" => frames = 0,
            end if end.starts_with(']') => output.frames = output.frames.max(frames),
            "" => {}
            _ => frames += 1,
        }
        output.last_line = line;
    }
    output
}
