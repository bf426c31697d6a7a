//! `newcomer`: a fresh clone, and what the README tells one to type, in its order. The commands of
//! cgotrace itself are typed by `tracer/tests/documentation.rs`.

use anyhow::{Context, Result, ensure};
use std::path::Path;
use std::process::Command;
use xtask::tool::{command, paths};

#[derive(clap::Args)]
pub(crate) struct Arguments {}

/// The suite, which is running already.
const SUITE: &str = "cargo xtask test";
/// What the README says of the stack of the demo.
const STACK: [&str; 3] = ["animal_print", "app.DoStuff", "main.main"];

pub(crate) fn run(_: &Arguments) -> Result<()> {
    let folder = tempfile::tempdir().context("make a temporary folder")?;
    let clone = folder.path().join("cgotrace");
    // Whoever owns the clone that is tested: it is ours to read.
    let config = folder.path().join("gitconfig");
    std::fs::write(&config, "[safe]\n\tdirectory = *\n").context("write a configuration of git")?;
    command::run_quietly(
        Command::new("git")
            .env("GIT_CONFIG_GLOBAL", &config)
            .args(["clone", "--quiet"])
            .arg(paths::root())
            .arg(&clone),
    )?;
    let readme = clone.join("README.md");
    let readme =
        std::fs::read_to_string(&readme).with_context(|| format!("read {}", readme.display()))?;
    let lines = cargo_lines(&readme);
    ensure!(lines.contains(&SUITE), "the README does not say `{SUITE}`");
    let mut said = String::new();
    for line in lines.into_iter().filter(|line| *line != SUITE) {
        println!("newcomer: {line}");
        said += &typed(line, &clone)?;
    }
    for function in STACK {
        ensure!(said.contains(function), "no stack with {function} was shown:\n{said}");
    }
    Ok(())
}

/// The commands of cargo in the README's blocks.
fn cargo_lines(readme: &str) -> Vec<&str> {
    let mut is_fenced = false;
    let mut commands = Vec::new();
    for line in readme.lines() {
        if line.starts_with("```") {
            is_fenced = !is_fenced;
        } else if is_fenced && line.starts_with("cargo ") {
            commands.extend(line.split(" #").next().map(str::trim));
        }
    }
    commands
}

/// Types a line in a shell of the clone; what it wrote to standard output.
fn typed(line: &str, clone: &Path) -> Result<String> {
    let mut shell = Command::new("sh");
    shell.args(["-c", line]).current_dir(clone);
    // What cargo tells its children is not what a newcomer has.
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("CARGO_") && name != "CARGO_HOME" {
            shell.env_remove(name);
        }
    }
    command::output(&mut shell)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_of_cargo_are_found() {
        let readme = "cargo is\n```sh\ncargo xtask demo\ncargo build --release   # why\n```\n";
        let lines = cargo_lines(readme);
        assert_eq!(lines, ["cargo xtask demo", "cargo build --release"]);
    }
}
