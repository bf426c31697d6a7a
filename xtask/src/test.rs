//! `test`: the whole suite, privileged parts included.

use crate::setup::{self, Part};
use crate::{fixtures, newcomer, truth, vm};
use anyhow::{Result, bail};
use std::time::{Duration, Instant};
use xtask::tool::{command, fixture, go, paths};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Leave out what needs root and a kernel with BPF and uprobes. The result is not the suite's.
    #[arg(long)]
    skip_privileged: bool,
    /// Leave out the other kernels, which run under QEMU. The result is not the suite's.
    #[arg(long)]
    skip_vm: bool,
}

/// How a part of the suite ended.
enum Outcome {
    Passed,
    Failed(String),
    Skipped,
}

/// The parts that have ended, in their order.
#[derive(Default)]
struct Parts(Vec<(&'static str, Outcome, Duration)>);

impl Parts {
    fn run(&mut self, name: &'static str, part: impl FnOnce() -> Result<()>) {
        println!("\n== {name}");
        let start = Instant::now();
        let outcome = match part() {
            Ok(()) => Outcome::Passed,
            Err(error) => Outcome::Failed(format!("{error:#}")),
        };
        if let Outcome::Failed(why) = &outcome {
            eprintln!("{name} failed: {why}");
        }
        self.0.push((name, outcome, start.elapsed()));
    }

    fn skip(&mut self, name: &'static str) {
        println!("\n== {name}\nskipped, as asked");
        self.0.push((name, Outcome::Skipped, Duration::ZERO));
    }

    /// Says how every part ended. An error where one failed.
    fn conclude(self) -> Result<()> {
        println!("\n== summary");
        let (mut passed, mut failed, mut skipped) = (0, 0, 0);
        for (name, outcome, time) in &self.0 {
            let said = match outcome {
                Outcome::Passed => {
                    passed += 1;
                    "passed".to_owned()
                }
                Outcome::Skipped => {
                    skipped += 1;
                    "SKIPPED, as asked".to_owned()
                }
                Outcome::Failed(why) => {
                    failed += 1;
                    format!("FAILED: {}", why.lines().next().unwrap_or_default())
                }
            };
            println!("{name:<10} {:>4} s  {said}", time.as_secs());
        }
        println!("parts: {passed} passed, {failed} failed, {skipped} skipped");
        if failed > 0 {
            bail!("{failed} of {} parts failed", self.0.len());
        }
        Ok(())
    }
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let mut parts = Parts::default();
    parts.run("setup", || {
        let mut needed = vec![Part::Go, Part::Native];
        if !arguments.skip_privileged {
            needed.push(Part::Browser);
        }
        if !arguments.skip_vm {
            needed.push(Part::Vm);
        }
        setup::ensure(&needed, &go::KNOWN)
    });
    parts.run("fixtures", || fixtures::build(&fixture::matrix()));
    parts.run("plain", || cargo_test(&[]));
    if arguments.skip_privileged {
        parts.skip("privileged");
        parts.skip("truth");
        parts.skip("newcomer");
    } else {
        parts.run("privileged", || {
            cargo_test(&["--package", "tracer", "--features", "privileged-tests"])
        });
        parts.run("truth", truth::quick);
        parts.run("newcomer", || newcomer::run(&newcomer::Arguments {}));
    }
    parts.run("names", truth::names::quick);
    if arguments.skip_vm {
        parts.skip("vm");
    } else {
        parts.run("vm", || vm::boot_all(&[]));
    }
    parts.conclude()
}

fn cargo_test(arguments: &[&str]) -> Result<()> {
    command::run(
        command::cargo()
            .args(["test", "--locked", "--no-fail-fast"])
            .args(arguments)
            .current_dir(paths::root())
            .env("CGOTRACE_FIXTURES", paths::fixtures()),
    )
}
