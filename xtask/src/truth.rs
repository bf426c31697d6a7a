//! `truth`: cgotrace's stacks judged by tools that share nothing with it.
//!
//! A program that does the same in each run is traced, and then run under Delve and under gdb with
//! a breakpoint at each place that was probed. Each stack is compared with theirs at that hit.

mod crossing;
mod delve;
mod gdb;
mod judge;
mod load;
mod mutate;
pub(crate) mod names;
mod place;
mod subject;
mod table;
mod trace;
mod verdict;

use crate::setup::{self, Part};
use anyhow::{Context, Result, bail, ensure};
use std::path::Path;
use subject::{Build, SUBJECTS, Subject};
use table::Line;
use verdict::{tally, tally_callers};
use xtask::tool::{go, smoke};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    what: Option<What>,
    /// Only the oldest and the newest Go. docs/truth.md is not written.
    #[arg(long)]
    quick: bool,
    /// Only these Go versions, such as 1.27 or 1.27.3. docs/truth.md is not written.
    #[arg(long = "go", value_delimiter = ',', value_name = "VERSION")]
    versions: Vec<String>,
    /// Only these programs. docs/truth.md is not written.
    #[arg(long = "program", value_delimiter = ',', value_name = "NAME")]
    programs: Vec<String>,
    /// Only the load: this many hits from many threads, each stack counted.
    #[arg(long, value_name = "HITS")]
    load: Option<u64>,
    /// Only the mutants: cgotrace with one mistake at a time, which the judges must find.
    #[arg(long)]
    mutate: bool,
}

#[derive(clap::Subcommand)]
enum What {
    /// Judge names, files, lines and inlined calls instead.
    Symbols(names::Arguments),
}

/// Hits of the load where none is asked for, and of the quick one.
const HITS: u64 = 1_000_000;
const QUICK_HITS: u64 = 200_000;

/// More hits of one run than this are not judged.
const MOST: usize = 200;

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    if let Some(What::Symbols(arguments)) = &arguments.what {
        return names::run(arguments);
    }
    let versions: Result<Vec<_>> = arguments.versions.iter().map(|text| go::known(text)).collect();
    let versions = versions?;
    let mut builds = if arguments.quick { subject::few_builds() } else { subject::every_build() };
    builds.retain(|build| versions.is_empty() || versions.contains(&build.version));
    let programs = &arguments.programs;
    let is_asked = |subject: &&Subject| {
        programs.is_empty() || programs.iter().any(|name| name == subject.example.name)
    };
    let subjects: Vec<_> = SUBJECTS.iter().filter(is_asked).collect();
    ensure!(!subjects.is_empty(), "no such program: {}", programs.join(", "));
    setup::ensure(&[Part::Native, Part::Judges], &[])?;
    if arguments.mutate {
        return mutate::run();
    }
    let cgotrace = smoke::build_cgotrace()?;
    if let Some(hits) = arguments.load {
        return load::run(&cgotrace, hits).map(drop);
    }
    let mut verdicts = judge(&cgotrace, &subjects, &builds)?;
    let is_all = programs.is_empty() && versions.is_empty();
    if !is_all {
        print!("{}", table::text(&verdicts.lines, ""));
        return verdicts.conclude();
    }
    let load = load::run(&cgotrace, if arguments.quick { QUICK_HITS } else { HITS })
        .unwrap_or_else(|error| {
            verdicts.failures.push(format!("the load: {error:#}"));
            "The load is NOT RIGHT.".to_owned()
        });
    if arguments.quick {
        print!("{}", table::text(&verdicts.lines, &load));
    } else {
        table::write(&verdicts.lines, &load)?;
    }
    verdicts.conclude()
}

/// The quick part of the suite.
pub(crate) fn quick() -> Result<()> {
    run(&Arguments {
        what: None,
        quick: true,
        versions: Vec::new(),
        programs: Vec::new(),
        load: None,
        mutate: false,
    })
}

/// What was found.
#[derive(Default)]
struct Verdicts {
    lines: Vec<Line>,
    /// All that must not be.
    failures: Vec<String>,
}

impl Verdicts {
    fn conclude(self) -> Result<()> {
        if !self.failures.is_empty() {
            bail!("{} failures:\n{}", self.failures.len(), self.failures.join("\n"));
        }
        Ok(())
    }
}

/// Judges all of these with this cgotrace.
fn judge(cgotrace: &Path, subjects: &[&Subject], builds: &[Build]) -> Result<Verdicts> {
    let mut verdicts = Verdicts::default();
    for subject in subjects {
        for build in builds {
            let what =
                format!("{} with Go {}, {}", subject.name(), build.version, build.mode.name());
            match judge_one(cgotrace, subject, *build) {
                Ok(line) => {
                    let failures = failures(subject, &line);
                    let said = if failures.is_empty() { "right" } else { "NOT RIGHT" };
                    println!("truth: {what}: {} stacks, {said}", line.gdb.compared());
                    for failure in failures {
                        verdicts.failures.push(format!("{what}: {failure}"));
                    }
                    verdicts.lines.push(line);
                }
                Err(error) => {
                    println!("truth: {what}: FAILED: {error:#}");
                    verdicts.failures.push(format!("{what}: {error:#}"));
                }
            }
        }
    }
    Ok(verdicts)
}

fn judge_one(cgotrace: &Path, subject: &Subject, build: Build) -> Result<Line> {
    let program = subject.build(build)?;
    let arguments = subject.arguments;
    let trace = trace::run(cgotrace, &program, arguments, &subject.patterns(&program)?)?;
    ensure!(!trace.stacks.is_empty(), "no hit");
    let (stacks, probes) = (&trace.stacks, &trace.probes);
    let delve = match subject.delve {
        true => delve::stacks(&program, arguments, probes, MOST).context("ask Delve")?,
        false => Vec::new(),
    };
    let gdb = gdb::stacks(&program, arguments, probes, MOST).context("ask gdb")?;
    let hits = stacks.len().min(MOST);
    let judged = if subject.delve { hits } else { 0 };
    ensure!(delve.len() == judged, "{} hits, but {} under Delve", stacks.len(), delve.len());
    ensure!(gdb.len() == hits, "{} hits, but {} under gdb", stacks.len(), gdb.len());
    let line = Line {
        program: subject.name(),
        go: go::minor(build.version),
        build: build.mode.name(),
        delve: tally(stacks, &delve),
        gdb: tally(stacks, &gdb),
        callers: tally_callers(stacks, &trace.output),
    };
    if arguments.contains(&"-callers") {
        ensure!(line.callers.compared() > 0, "the program printed no callers");
    }
    Ok(line)
}

/// All of a line that must not be: anything wrong, and a gap that is not known to be there.
fn failures(subject: &Subject, line: &Line) -> Vec<String> {
    let mut failures = Vec::new();
    for (judge, tally) in [("Delve", &line.delve), ("gdb", &line.gdb), ("Go", &line.callers)] {
        failures.extend(tally.wrong.iter().map(|wrong| format!("{judge}: {wrong}")));
        let unknown = |reason: &&String| !subject.gaps.contains(&reason.as_str());
        failures.extend(
            tally.gaps.keys().filter(unknown).map(|reason| format!("{judge}: a gap: {reason}")),
        );
    }
    failures
}
