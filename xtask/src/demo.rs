//! `demo`: the example `animals` built, traced once, and shown. It changes nothing outside
//! `target`.

use anyhow::{Context, Result, bail};
use std::path::Path;
use std::process::{Command, Stdio};
use xtask::tool::example::ANIMALS;
use xtask::tool::go::{self, LinkMode};
use xtask::tool::{paths, smoke};

#[derive(clap::Args)]
pub(crate) struct Arguments {}

pub(crate) fn run(_: &Arguments) -> Result<()> {
    println!("demo: building cgotrace");
    let cgotrace = smoke::build_cgotrace()?;
    let go = go::any()?;
    println!("demo: building examples/animals with Go {}", go.version);
    let program = paths::target().join("demo/animals");
    ANIMALS.build(&go.command, &go.version, LinkMode::Pie, &program)?;

    let root = paths::root();
    let shown = |file: &Path| file.strip_prefix(&root).unwrap_or(file).display().to_string();
    let options = ["run", "--func", ANIMALS.probe, "--count", "1", "--"];
    println!("\n$ {} {} {}\n", shown(&cgotrace), options.join(" "), shown(&program));
    let mut command = Command::new(&cgotrace);
    command.args(options).arg(&program).current_dir(&root).stderr(Stdio::piped());
    let output = command
        .spawn()
        .and_then(std::process::Child::wait_with_output)
        .context("start cgotrace")?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        // What is missing, in cgotrace's own words.
        bail!("{}", said.trim());
    }
    eprint!("{said}");
    Ok(())
}
