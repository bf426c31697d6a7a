//! Debian packages, got only where what they bring is missing.

use super::command;
use anyhow::{Result, bail};
use std::path::Path;
use std::process::Command;
use std::sync::Once;

/// Something a suite needs, and the Debian package that brings it.
pub struct Need {
    /// How to see that it is there.
    pub sign: Sign,
    /// The package's name.
    pub package: &'static str,
}

/// How to see that something is there.
pub enum Sign {
    /// A program of this name on PATH.
    Program(&'static str),
    /// A file or folder.
    Path(&'static str),
}

impl Need {
    fn is_met(&self) -> bool {
        match self.sign {
            Sign::Program(name) => command::on_path(name).is_some(),
            Sign::Path(path) => Path::new(path).exists(),
        }
    }
}

/// Installs what is missing of these. The error names what could not be got and the command that
/// installs it.
pub fn ensure(needs: &[Need]) -> Result<()> {
    let missing = || -> Vec<&str> {
        needs.iter().filter(|need| !need.is_met()).map(|need| need.package).collect()
    };
    let packages = missing();
    if packages.is_empty() {
        return Ok(());
    }
    let install = format!("apt-get install --no-install-recommends {}", packages.join(" "));
    if command::on_path("apt-get").is_none() {
        bail!("missing: {}; no apt-get here, install what Debian calls so", packages.join(", "));
    }
    if !command::is_root() {
        bail!("missing: {}; run, as root: {install}", packages.join(", "));
    }
    println!("setup: {install}");
    update();
    let installed = command::run_quietly(
        Command::new("apt-get")
            .args(["install", "-y", "-q", "--no-install-recommends"])
            .args(&packages)
            .env("DEBIAN_FRONTEND", "noninteractive"),
    );
    let still = missing();
    match installed {
        Ok(()) if still.is_empty() => Ok(()),
        Ok(()) => bail!("{install} succeeded, but did not bring: {}", still.join(", ")),
        Err(error) => bail!("could not get {}: {error:#}", still.join(", ")),
    }
}

/// Renews apt's package lists, once a run.
pub fn update() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // One repository out of several may be out of reach; the install tells if it mattered.
        if let Err(error) = command::run_quietly(Command::new("apt-get").args(["update", "-q"])) {
            eprintln!("setup: {error:#}");
        }
    });
}
