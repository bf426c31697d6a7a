//! One short trace of each example, its stacks compared with the expected ones.

use super::example::{self, Example};
use super::expected::Expected;
use super::go::{self, LinkMode};
use super::{command, paths};
use anyhow::{Context, Result, ensure};
use std::path::Path;
use std::process::Command;

/// Builds cgotrace in release mode and gives its path.
pub(crate) fn build_cgotrace() -> Result<std::path::PathBuf> {
    command::run(
        command::cargo()
            .args(["build", "--quiet", "--release", "--locked"])
            .args(["--package", "tracer", "--bin", "cgotrace"])
            .current_dir(paths::root()),
    )
    .context("build cgotrace")?;
    Ok(paths::cgotrace())
}

/// Traces each example once, with another BPF object where one is given.
pub(crate) fn run(object: Option<&Path>) -> Result<()> {
    let cgotrace = build_cgotrace()?;
    let go = go::ensure_version(go::NEWEST)?;
    for example in example::ALL {
        let program = example.fixture(go::NEWEST, LinkMode::Exe);
        example.build(&go, go::NEWEST, LinkMode::Exe, &program)?;
        trace(&cgotrace, example, &program, object)?;
    }
    Ok(())
}

fn trace(cgotrace: &Path, example: &Example, program: &Path, object: Option<&Path>) -> Result<()> {
    let mut command = Command::new(cgotrace);
    command.args(["run", "--format", "json", "--func", example.probe, "--"]).arg(program);
    if let Some(object) = object {
        command.env("CGOTRACE_BPF_OBJECT", object);
    }
    let said = command::output(&mut command)?;
    let hits = Expected::of(example)?.check(&said)?;
    ensure!(hits > 0, "{} was not hit", example.probe);
    Ok(())
}
