//! Building and linting the BPF crate.
//!
//! The object is the same, byte for byte, from any folder: no path of the machine gets into it,
//! and nothing in the flags that cargo mixes into the names of symbols depends on the machine.

use super::toolchain::Toolchain;
use crate::tool::{command, paths};
use anyhow::{Context, Result};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The compiler's flags. The linker is found on PATH: its place must not be in the flags.
pub const FLAGS: [&str; 4] = [
    "-Clinker=bpf-linker",
    "-Cdebuginfo=2",
    "-Clink-arg=--btf",
    "--cfg=bpf_target_arch=\"x86_64\"",
];

const TARGET: &str = "bpfel-unknown-none";

/// Builds the object and gives its bytes, stripped of DWARF; BTF stays.
pub fn object(toolchain: &Toolchain) -> Result<Vec<u8>> {
    // The crates must lie unpacked before their folders can be named in the flags.
    command::run_quietly(command::cargo().args(["fetch", "--locked"]).current_dir(paths::root()))?;
    let cargo = toolchain.rust.bin.join("cargo");
    command::run_quietly(compiler(Command::new(cargo).arg("build"), toolchain)?)
        .context("build the BPF object")?;
    let built = target().join(TARGET).join("release/cgotrace");
    let stripped = target().join("cgotrace.bpf.o");
    command::run_quietly(
        Command::new(&toolchain.strip).arg("-g").arg(&built).arg("-o").arg(&stripped),
    )?;
    fs::read(&stripped).with_context(|| format!("read {}", stripped.display()))
}

/// Lints the crate with the compiler's own clippy. False where it has none.
pub fn lint(toolchain: &Toolchain) -> Result<bool> {
    let clippy = toolchain.rust.bin.join("cargo-clippy");
    if !clippy.is_file() {
        return Ok(false);
    }
    let mut command = Command::new(clippy);
    command.arg("clippy").env("CARGO", toolchain.rust.bin.join("cargo"));
    command::run_quietly(compiler(&mut command, toolchain)?.args(["--", "-Dwarnings"]))
        .context("lint the BPF crate")?;
    Ok(true)
}

/// A folder of its own: another compiler's results must not push ours out.
fn target() -> PathBuf {
    paths::target().join("ebpf")
}

/// Adds what every run of the compiler needs to a cargo command.
fn compiler<'c>(command: &'c mut Command, toolchain: &Toolchain) -> Result<&'c mut Command> {
    let mut flags = FLAGS.map(str::to_owned).to_vec();
    flags.extend(remapped_paths(toolchain)?);
    let linker = toolchain.linker.parent().context("the linker lies in a folder")?;
    Ok(command
        .args(["--release", "--locked", "--package", "tracer-ebpf"])
        .args(["--target", TARGET, "-Zbuild-std=core"])
        .current_dir(paths::root())
        .env("PATH", command::path_with(&[linker])?)
        .env("RUSTC", toolchain.rust.bin.join("rustc"))
        // Debian's compiler is a stable one; `-Z` needs this.
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_TARGET_DIR", target())
        .env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"))
        .env_remove("RUSTFLAGS")
        .env_remove("RUSTC_WRAPPER")
        .env_remove("RUSTC_WORKSPACE_WRAPPER")
        .env_remove("RUSTUP_TOOLCHAIN")
        .env_remove("CARGO_BUILD_TARGET"))
}

/// Flags that replace the machine's paths in what the compiler records. Of several that fit, the
/// last one holds.
fn remapped_paths(toolchain: &Toolchain) -> Result<Vec<String>> {
    let mut places = vec![(paths::root(), "/cgotrace".to_owned())];
    let home = cargo_home()?;
    places.push((home.clone(), "/cargo".to_owned()));
    let registries = home.join("registry/src");
    let entries =
        fs::read_dir(&registries).with_context(|| format!("read {}", registries.display()))?;
    for entry in entries {
        // The folder is named for the registry; one may stand in for another.
        let entry = entry.with_context(|| format!("read {}", registries.display()))?;
        places.push((entry.path(), "/crates".to_owned()));
    }
    places.push((toolchain.rust.sources.clone(), "/rust".to_owned()));
    if let Ok(real) = toolchain.rust.sources.canonicalize() {
        places.push((real, "/rust".to_owned()));
    }
    let flag =
        |(from, to): &(PathBuf, String)| format!("--remap-path-prefix={}={to}", from.display());
    Ok(places.iter().map(flag).collect())
}

fn cargo_home() -> Result<PathBuf> {
    if let Some(home) = env::var_os("CARGO_HOME") {
        return Ok(home.into());
    }
    let home = env::var_os("HOME").context("neither CARGO_HOME nor HOME is set")?;
    Ok(Path::new(&home).join(".cargo"))
}
