//! `bench symbols`: how long the first named stack takes, with how much memory, and how many frames
//! a second are named once warm; beside blazesym and llvm-symbolizer, in one run.
//!
//! Every address is asked of once: what is measured is naming, not a cache of answers. All times are
//! CPU time of one thread, which other work on the machine changes little.

use crate::setup::{self, Part};
use crate::truth::names::LLVM;
use crate::truth::names::sample::Functions;
use crate::truth::names::subject::{SUBJECTS, Subject};
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread;
use xtask::tool::{command, paths};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Only these programs.
    #[arg(long = "program", value_delimiter = ',', value_name = "NAME")]
    programs: Vec<String>,
    /// How many addresses of a program, half of them to warm up.
    #[arg(long, default_value_t = 12_000)]
    addresses: usize,
    /// Frames of the first stack.
    #[arg(long, default_value_t = 16)]
    stack: usize,
    /// How often each is measured; the middle one is shown.
    #[arg(long, default_value_t = 3)]
    runs: usize,
}

/// The programs that are measured where none is asked for.
const MEASURED: [&str; 6] = ["c-gcc", "c-clang", "c++-gcc", "c++-clang", "rust", "c++-large"];

/// What one run took.
#[derive(Clone, Copy)]
struct Run {
    /// Milliseconds of CPU to the first named stack, from before the file is opened.
    first: f64,
    /// KiB resident at most, by then and at the end; pages of the file included.
    memory: [u64; 2],
    frames: f64,
    /// Seconds of CPU for the frames.
    seconds: f64,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    setup::ensure(&[Part::Native, Part::Names, Part::Clang], &[])?;
    command::run_quietly(
        command::cargo()
            .args(["build", "--release", "--locked", "--package", "bench-symbols"])
            .current_dir(paths::root()),
    )?;
    let is_asked = |subject: &&Subject| match arguments.programs.as_slice() {
        [] => MEASURED.contains(&subject.name),
        named => named.iter().any(|name| name == subject.name),
    };
    let subjects: Vec<_> = SUBJECTS.iter().filter(is_asked).collect();
    ensure!(!subjects.is_empty(), "no such program: {}", arguments.programs.join(", "));
    println!(
        "| program | MB | by | first stack, ms | MiB by then | MiB in all | frames a second | time beside blazesym |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- |");
    let mut ratios = Vec::new();
    for subject in subjects {
        ratios.push(measure(subject, arguments)?);
    }
    println!("\nMedian time a frame beside blazesym: {:.2}", median(&mut ratios));
    Ok(())
}

/// Measures all with one program, and gives our time a frame by blazesym's.
fn measure(subject: &Subject, arguments: &Arguments) -> Result<f64> {
    let program = subject.kind.build(subject.name)?;
    let size = fs::metadata(&program).context("ask for a program's size")?.len();
    let mut addresses = Functions::of(&program)?.sample(arguments.addresses + arguments.stack);
    // In no order, and the same in each run.
    addresses.sort_by_key(|address| address.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    addresses.truncate(arguments.addresses + arguments.stack);
    let library = |who: &'static str| library(who, &program, &addresses, arguments.stack);
    let mut measured: [Vec<Run>; 3] = Default::default();
    for _ in 0..arguments.runs.max(1) {
        measured[0].push(library("cgotrace")?);
        measured[1].push(library("blazesym")?);
        measured[2].push(llvm(&program, &addresses, arguments.stack)?);
    }
    let middle = measured.map(|mut runs| {
        runs.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
        runs[runs.len() / 2]
    });
    let frame_time = |run: &Run| run.seconds / run.frames;
    let blazesym = frame_time(&middle[1]);
    for (name, run) in ["cgotrace", "blazesym", "llvm-symbolizer"].iter().zip(&middle) {
        println!(
            "| {} | {:.1} | {name} | {:.0} | {:.0} | {:.0} | {:.0} | {:.2} |",
            subject.name,
            size as f64 / 1e6,
            run.first,
            run.memory[0] as f64 / 1024.0,
            run.memory[1] as f64 / 1024.0,
            run.frames / run.seconds,
            frame_time(run) / blazesym
        );
    }
    Ok(frame_time(&middle[0]) / blazesym)
}

/// The middle one, or the mean of the two in the middle.
fn median(numbers: &mut [f64]) -> f64 {
    numbers.sort_by(f64::total_cmp);
    let upper = numbers.len() / 2;
    let lower = numbers.len().saturating_sub(1) / 2;
    numbers
        .get(lower..=upper)
        .map_or(f64::NAN, |middle| middle.iter().sum::<f64>() / middle.len() as f64)
}

/// One run of a library, in a process of its own.
fn library(who: &str, program: &Path, addresses: &[u64], stack: usize) -> Result<Run> {
    let mut asked = Command::new(paths::target().join("release/bench-symbols"));
    asked.arg(who).arg(program).arg(stack.to_string());
    let said = crate::truth::names::ask(&mut asked, addresses)?;
    let said: Value = serde_json::from_str(&said).context("read a measurement")?;
    let number = |key: &str| said[key].as_f64().with_context(|| format!("no {key}"));
    let memory = |key: &str| said[key].as_u64().with_context(|| format!("no {key}"));
    Ok(Run {
        first: number("first_ms")?,
        memory: [memory("first_kib")?, memory("peak_kib")?],
        frames: number("frames")?,
        seconds: number("seconds")?,
    })
}

/// One run of llvm-symbolizer, which answers line by line.
fn llvm(program: &Path, addresses: &[u64], stack: usize) -> Result<Run> {
    let (stack, rest) = addresses.split_at(stack.min(addresses.len()));
    let (warm_up, measured) = rest.split_at(rest.len() / 2);
    let mut child = Command::new(LLVM)
        .args(["--output-style=JSON", "--inlines"])
        .arg(format!("--obj={}", program.display()))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("start llvm-symbolizer")?;
    let mut input = child.stdin.take();
    let mut output = BufReader::new(child.stdout.take().context("read from llvm-symbolizer")?);
    name(&mut input, &mut output, stack)?;
    let (first, memory_at_first) = (worked(&child)?, peak(&child)?);
    name(&mut input, &mut output, warm_up)?;
    let measured_from = worked(&child)?;
    let frames = name(&mut input, &mut output, measured)?;
    let seconds = worked(&child)? - measured_from;
    let memory = [memory_at_first, peak(&child)?];
    drop(input);
    child.wait().context("wait for llvm-symbolizer")?;
    Ok(Run { first: first * 1e3, memory, frames: frames as f64, seconds })
}

/// Asks of addresses and gives how many frames were told.
fn name(
    input: &mut Option<ChildStdin>,
    output: &mut BufReader<ChildStdout>,
    addresses: &[u64],
) -> Result<usize> {
    let mut to = input.take().context("write to llvm-symbolizer")?;
    let lines: String = addresses.iter().map(|address| format!("{address:#x}\n")).collect();
    // Both pipes would fill up.
    let writer = thread::spawn(move || to.write_all(lines.as_bytes()).map(|()| to));
    let mut frames = 0;
    for _ in addresses {
        let mut line = String::new();
        output.read_line(&mut line).context("read from llvm-symbolizer")?;
        frames += line.matches("\"FunctionName\"").count();
    }
    let written = writer.join().ok().context("write to llvm-symbolizer")?;
    *input = Some(written.context("write to llvm-symbolizer")?);
    Ok(frames)
}

/// Seconds that a process of one thread was on a CPU.
fn worked(child: &Child) -> Result<f64> {
    let file = format!("/proc/{}/schedstat", child.id());
    let said = fs::read_to_string(&file).with_context(|| format!("read {file}"))?;
    let nanoseconds = said.split(' ').next().unwrap_or_default();
    Ok(nanoseconds.parse::<f64>().with_context(|| format!("read {file}"))? / 1e9)
}

/// The most memory that was resident in a process, in KiB.
fn peak(child: &Child) -> Result<u64> {
    let file = format!("/proc/{}/status", child.id());
    let status = fs::read_to_string(&file).with_context(|| format!("read {file}"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
    line.trim().trim_end_matches(" kB").parse().context("read VmHWM")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_count_lies_between() {
        assert_eq!(median(&mut [3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&mut [4.0, 1.0, 2.0, 3.0]), 2.5);
        assert_eq!(median(&mut [1.5]), 1.5);
        assert!(median(&mut []).is_nan());
    }
}
