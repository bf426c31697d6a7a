//! gdb as a judge of native code: its Python walks down to the first Go function.

use super::judge::{Judged, PATIENCE, Seen};
use super::place::Place;
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::Command;
use xtask::tool::command;

const SCRIPT: &str = include_str!("gdb.py");

/// Runs the program and gives the native part of the stack at each hit of these places, `most` at
/// most.
pub(super) fn stacks(
    program: &Path,
    arguments: &[&str],
    probes: &[Place],
    most: usize,
) -> Result<Vec<Judged>> {
    let folder = tempfile::tempdir().context("make a temporary folder")?;
    let script = folder.path().join("judge.py");
    let output = folder.path().join("stacks.json");
    fs::write(&script, SCRIPT).with_context(|| format!("write {}", script.display()))?;
    let probes: Vec<_> = probes.iter().map(|probe| json!([&*probe.module, probe.offset])).collect();
    let settings = json!({"probes": probes, "most": most, "output": output});
    command::output(
        Command::new("timeout")
            .arg((PATIENCE.as_secs() * 2).to_string())
            .args(["gdb", "-nx", "-batch", "-x"])
            .arg(&script)
            .arg("--args")
            .arg(program)
            .args(arguments)
            .env("CGOTRACE_JUDGE", settings.to_string()),
    )?;
    let said = fs::read_to_string(&output)
        .with_context(|| format!("gdb found no stack of {}", program.display()))?;
    said.lines().map(|line| read(line).with_context(|| format!("read {line}"))).collect()
}

fn read(line: &str) -> Result<Judged> {
    let value: Value = serde_json::from_str(line)?;
    let frames = value["frames"].as_array().context("no frames")?;
    let place = |frame: &Value| {
        let place = Place { module: frame[0].as_str()?.into(), offset: frame[1].as_u64()? };
        Some(Seen::Frame(place))
    };
    Ok(Judged {
        frames: frames.iter().map(place).collect::<Option<_>>().context("no place")?,
        whole: value["whole"] == true,
    })
}
