//! What builds the BPF object: a Rust with the sources of `core`, bpf-linker, llvm-strip.

use super::note::Tools;
use crate::tool::apt::{self, Need, Sign};
use crate::tool::{command, paths};
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The version of bpf-linker that `setup` installs, and its feature for Debian's LLVM.
const LINKER: &str = "bpf-linker@0.10.3";
const LINKER_FEATURE: &str = "llvm-22";
/// Where Debian puts that LLVM.
const LLVM: &str = "/usr/lib/llvm-22";

/// A compiler that can build `core` for BPF.
pub struct Rust {
    /// The folder with rustc, cargo and, where there is one, cargo-clippy.
    pub bin: PathBuf,
    /// The root of its standard library's sources.
    pub sources: PathBuf,
    /// Its version and that of its LLVM.
    version: String,
}

/// All that builds the object.
pub struct Toolchain {
    /// The compiler.
    pub rust: Rust,
    /// bpf-linker.
    pub linker: PathBuf,
    /// llvm-strip.
    pub strip: PathBuf,
}

impl Toolchain {
    /// What is there to build with: the recorded compiler where it is, else a nightly of rustup,
    /// else Debian's. The error names what is missing and the command that installs it.
    pub fn find(recorded: Option<&Tools>) -> Result<Self> {
        let mut compilers: Vec<Rust> = nightly().into_iter().chain(debian()).collect();
        let wanted = recorded
            .and_then(|tools| compilers.iter().position(|rust| rust.version == tools.rustc))
            .unwrap_or(0);
        if compilers.is_empty() {
            bail!(
                "no Rust compiler here has the sources of core for BPF; run `cargo xtask setup \
                 bpf` as root (Debian's rustc-web), or `rustup toolchain install nightly \
                 --component rust-src`"
            );
        }
        Ok(Self { rust: compilers.swap_remove(wanted), linker: linker()?, strip: strip()? })
    }

    /// The versions of all that is used.
    pub fn versions(&self) -> Result<Tools> {
        let linker = command::output(Command::new(&self.linker).arg("--version"))?;
        let strip = command::output(Command::new(&self.strip).arg("--version"))?;
        let strip = strip
            .lines()
            .find(|line| line.contains("version"))
            .with_context(|| format!("{} does not tell its version", self.strip.display()))?;
        Ok(Tools {
            rustc: self.rust.version.clone(),
            bpf_linker: linker.trim().to_owned(),
            llvm_strip: strip.trim().to_owned(),
        })
    }
}

impl Rust {
    /// The compiler in this folder, where it has the sources of core.
    fn at(bin: PathBuf) -> Option<Self> {
        let rustc = bin.join("rustc");
        let sysroot = command::output(Command::new(&rustc).args(["--print", "sysroot"])).ok()?;
        let sources = Path::new(sysroot.trim()).join("lib/rustlib/src/rust");
        if !sources.join("library/core/src/lib.rs").is_file() || !bin.join("cargo").is_file() {
            return None;
        }
        let said = command::output(Command::new(&rustc).arg("-vV")).ok()?;
        let name = said.lines().next()?;
        let llvm = said.lines().find(|line| line.starts_with("LLVM"))?;
        Some(Self { bin, sources, version: format!("{name}, {llvm}") })
    }
}

/// Rustup's nightly, where it is there with rust-src.
fn nightly() -> Option<Rust> {
    let rustc =
        command::output(Command::new("rustup").args(["which", "--toolchain", "nightly", "rustc"]));
    Rust::at(Path::new(rustc.ok()?.trim()).parent()?.to_path_buf())
}

/// Debian's rustc-web, where it is there with rust-web-src.
fn debian() -> Option<Rust> {
    Rust::at(PathBuf::from("/usr/bin"))
}

fn linker_folder() -> PathBuf {
    paths::tools().join("bpf-linker")
}

fn linker() -> Result<PathBuf> {
    let ours = linker_folder().join("bin/bpf-linker");
    if ours.is_file() {
        return Ok(ours);
    }
    command::on_path("bpf-linker").with_context(|| {
        format!(
            "bpf-linker is missing; run `cargo xtask setup bpf` as root, or `cargo install {LINKER}`"
        )
    })
}

fn strip() -> Result<PathBuf> {
    ["llvm-strip-22", "llvm-strip"]
        .into_iter()
        .find_map(command::on_path)
        .context("llvm-strip is missing; run, as root: apt-get install llvm-22")
}

/// Gets what is missing: Debian's packages, and bpf-linker into `target/tools`.
pub fn ensure() -> Result<()> {
    let mut needs = vec![
        Need { sign: Sign::Program("llvm-strip-22"), package: "llvm-22" },
        Need { sign: Sign::Path("/usr/bin/cargo-clippy"), package: "rust-web-clippy" },
    ];
    if nightly().is_none() {
        needs.extend([
            Need { sign: Sign::Path("/usr/bin/rustc"), package: "rustc-web" },
            Need { sign: Sign::Path("/usr/bin/cargo"), package: "cargo-web" },
            Need { sign: Sign::Path("/usr/lib/rustlib/src/rust"), package: "rust-web-src" },
        ]);
    } else {
        needs.truncate(1);
    }
    if linker().is_ok() {
        return apt::ensure(&needs);
    }
    needs.extend([
        Need { sign: Sign::Path("/usr/lib/llvm-22/bin/llvm-config"), package: "llvm-22-dev" },
        Need { sign: Sign::Path("/usr/include/zstd.h"), package: "libzstd-dev" },
        Need { sign: Sign::Path("/usr/include/zlib.h"), package: "zlib1g-dev" },
    ]);
    apt::ensure(&needs)?;
    println!("setup: cargo install {LINKER}");
    let llvm = Path::new(LLVM);
    command::run_quietly(
        command::cargo()
            .args(["install", "--locked", "--quiet", LINKER])
            .args(["--no-default-features", "--features", LINKER_FEATURE])
            .arg("--root")
            .arg(linker_folder())
            // Outside the workspace, whose configuration is not the linker's.
            .current_dir("/")
            .env("PATH", command::path_with(&[&llvm.join("bin")])?)
            .env("LLVM_PREFIX", LLVM)
            .env_remove("CARGO_TARGET_DIR"),
    )
    .context("build bpf-linker")
}
