//! Packages of a later Debian than the machine's, unpacked below `target/tools` with no change to
//! the system. The archive's address and keys are those of the machine's own apt.

use super::{apt, command, paths};
use anyhow::{Context, Result, bail, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The release with a Delve that knows Go 1.24, and enough of 1.27.
const SUITE: &str = "trixie";

/// The `dlv` command, got where it is missing.
pub fn ensure_delve() -> Result<PathBuf> {
    let folder = paths::tools().join("delve");
    let delve = folder.join("usr/bin/dlv");
    if delve.is_file() {
        return Ok(delve);
    }
    if let Some(delve) = command::on_path("dlv") {
        return Ok(delve);
    }
    println!("setup: delve from Debian {SUITE} into {}", folder.display());
    unpack("delve", &folder).context("get Delve; or put a dlv of 1.24 or later on PATH")?;
    ensure!(delve.is_file(), "the package delve holds no usr/bin/dlv");
    Ok(delve)
}

/// Unpacks a package to a folder.
fn unpack(package: &str, to: &Path) -> Result<()> {
    let partial = to.with_extension("partial");
    if partial.exists() {
        fs::remove_dir_all(&partial).with_context(|| format!("remove {}", partial.display()))?;
    }
    let lists = partial.join("lists/partial");
    fs::create_dir_all(&lists).with_context(|| format!("make {}", lists.display()))?;
    let sources = partial.join("sources.list");
    fs::write(&sources, format!("deb {} {SUITE} main\n", archive()?))
        .with_context(|| format!("write {}", sources.display()))?;
    let apt_get = |arguments: &[&str]| {
        let option = |name: &str, path: &Path| format!("-o{name}={}", path.display());
        command::run_quietly(
            Command::new("apt-get")
                .arg(option("Dir::Etc::sourcelist", &sources))
                .arg("-oDir::Etc::sourceparts=-")
                .arg(option("Dir::State::lists", &partial.join("lists")))
                .arg(option("Dir::Cache", &partial.join("cache")))
                // apt's own user cannot write here.
                .args(["-oAPT::Sandbox::User=root", "-q"])
                .args(arguments)
                .current_dir(&partial),
        )
    };
    apt_get(&["update"])?;
    apt_get(&["download", package])?;
    let entries = fs::read_dir(&partial).with_context(|| format!("read {}", partial.display()))?;
    let file = entries
        .flatten()
        .map(|entry| entry.path())
        .find(|file| file.extension().is_some_and(|extension| extension == "deb"))
        .context("apt-get downloaded nothing")?;
    let unpacked = partial.join("unpacked");
    command::run_quietly(Command::new("dpkg-deb").arg("-x").arg(&file).arg(&unpacked))?;
    fs::rename(&unpacked, to).with_context(|| format!("move to {}", to.display()))?;
    fs::remove_dir_all(&partial).with_context(|| format!("remove {}", partial.display()))
}

/// The address of Debian's archive as the machine's own apt has it.
fn archive() -> Result<String> {
    if command::on_path("apt-get").is_none() {
        bail!("no apt-get here");
    }
    let ask = || {
        let said = command::output(Command::new("apt-get").args([
            "indextargets",
            "--format",
            "$(ORIGIN) $(LABEL) $(REPO_URI)",
            "Created-By: Packages",
        ]))?;
        Ok::<_, anyhow::Error>(
            said.lines().find_map(|line| line.strip_prefix("Debian Debian ").map(str::to_owned)),
        )
    };
    if let Some(known) = ask()? {
        return Ok(known);
    }
    apt::update();
    ask()?.context("apt has no source of Debian's archive")
}
