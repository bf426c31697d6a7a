//! `vm`: the examples traced on other kernels, under QEMU's software emulation.

mod guest;
mod kernel;
mod machine;

use crate::setup::{self, Part};
use anyhow::{Context, Result, bail, ensure};
use guest::{Guest, Run};
use kernel::{KERNELS, Kernel};
use std::time::Instant;
use xtask::tool::expected::Expected;
use xtask::tool::smoke;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The kernels, such as 6.1; all where none is given.
    #[arg(value_name = "KERNEL")]
    kernels: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    setup::ensure(&[Part::Go, Part::Vm], &guest::GO_VERSIONS)?;
    boot_all(&arguments.kernels)
}

/// Boots these kernels, or all, one after the other. Every one is tried.
pub(crate) fn boot_all(names: &[String]) -> Result<()> {
    if let Some(name) = names.iter().find(|name| KERNELS.iter().all(|known| known.name != **name)) {
        bail!(
            "no kernel {name} is known; known are: {}",
            KERNELS.map(|known| known.name).join(", ")
        );
    }
    let cgotrace = smoke::build_cgotrace()?;
    let guest = Guest::build(&cgotrace)?;
    let chosen =
        |kernel: &&Kernel| names.is_empty() || names.iter().any(|name| name == kernel.name);
    let mut failures = Vec::new();
    for kernel in KERNELS.iter().filter(chosen) {
        if let Err(error) = boot(kernel, &guest) {
            println!("vm: Linux {}: FAILED: {error:#}", kernel.name);
            failures.push(kernel.name);
        }
    }
    ensure!(failures.is_empty(), "failed on Linux {}", failures.join(", "));
    Ok(())
}

fn boot(kernel: &Kernel, guest: &Guest) -> Result<()> {
    let image = kernel.image()?;
    let start = Instant::now();
    let said = machine::boot(kernel, &image, &guest.image)?;
    let release = said.release()?;
    let mut failures = 0;
    for run in &guest.runs {
        match check(&said, run) {
            Ok(hits) => println!("vm: {release}: {}: {hits} stacks right", run.name),
            Err(error) => {
                failures += 1;
                println!("vm: {release}: {}: {error:#}", run.name);
            }
        }
    }
    for line in said.lines_of("programs") {
        println!("vm: {release}: {line}");
    }
    println!("vm: {release}: {} s", start.elapsed().as_secs());
    if failures > 0 {
        bail!(
            "{failures} of {} runs; the console ends:\n{}",
            guest.runs.len(),
            said.console_tail()
        );
    }
    Ok(())
}

/// Compares what one run wrote with the example's expected stack.
fn check(said: &machine::Said, run: &Run) -> Result<usize> {
    let section = |part: &str| said.text_of(&format!("{} {part}", run.name));
    let status = section("status").unwrap_or_default();
    let errors = || section("stderr").unwrap_or_default();
    ensure!(status.trim() == "0", "exit status {}: {}", status.trim(), errors());
    let json = section("json").context("it wrote nothing")?;
    let scene = run.scene;
    let expected = scene.stacks.iter().map(|file| Expected::named(scene.example, file));
    let expected = expected.collect::<Result<Vec<_>>>()?;
    let counts = Expected::check_each(&expected.iter().collect::<Vec<_>>(), &json)
        .with_context(|| format!("wrong; it said:\n{}", errors()))?;
    let hits = counts.iter().sum::<usize>();
    ensure!(hits == scene.hits, "{hits} hits, not {}", scene.hits);
    // The first is what the run is there for.
    ensure!(counts.first().is_some_and(|&count| count > 0), "none as in {:?}", scene.stacks);
    Ok(hits)
}
