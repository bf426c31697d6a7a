//! One short trace of two examples, their stacks compared with the expected ones.

use super::example::{ANIMALS, DEEP, Example};
use super::expected::Expected;
use super::go::{self, LinkMode};
use super::{command, paths};
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Builds cgotrace in release mode and gives its path.
pub fn build_cgotrace() -> Result<PathBuf> {
    command::run(
        command::cargo()
            .args(["build", "--quiet", "--release", "--locked"])
            .args(["--package", "tracer", "--bin", "cgotrace"])
            .current_dir(paths::root()),
    )
    .context("build cgotrace")?;
    Ok(paths::cgotrace())
}

/// Traces two examples once, with another BPF object where one is given.
pub fn run(object: Option<&Path>) -> Result<()> {
    let cgotrace = build_cgotrace()?;
    let go = go::ensure_version(go::NEWEST)?;
    for example in [&ANIMALS, &DEEP] {
        let program = example.fixture(go::NEWEST, LinkMode::Exe);
        example.build(&go, go::NEWEST, LinkMode::Exe, &program)?;
        trace(&cgotrace, example, &program, object)?;
    }
    Ok(())
}

fn trace(cgotrace: &Path, example: &Example, program: &Path, object: Option<&Path>) -> Result<()> {
    // Not by standard output, to which the program writes too.
    let folder = tempfile::tempdir().context("make a temporary folder")?;
    let trace = folder.path().join("trace.json");
    let mut command = Command::new(cgotrace);
    command.args(["run", "--format", "json", "--func", example.probe, "-o"]).arg(&trace);
    command.arg("--").arg(program);
    if let Some(object) = object {
        command.env("CGOTRACE_BPF_OBJECT", object);
    }
    command::run_quietly(&mut command)?;
    let said = fs::read_to_string(&trace).with_context(|| format!("read {}", trace.display()))?;
    let hits = Expected::of(example)?.check(&said)?;
    ensure!(hits == example.hits, "{hits} hits of {}, not {}", example.probe, example.hits);
    Ok(())
}
