//! `fuzz`: runs the fuzzers of `fuzz/` one after the other, each from its kept inputs.
//!
//! What they find goes to `fuzz/artifacts`; inputs that reach new code to `target/fuzz`, where the
//! next run starts from. Kept inputs, `fuzz/corpus`, are replayed by a plain test.

use anyhow::{Context, Result, bail};
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use xtask::tool::{command, paths};

/// The version of cargo-fuzz that is got.
const CARGO_FUZZ: &str = "cargo-fuzz@0.13.2";

/// The most seconds for one input.
const TIMEOUT: u32 = 10;

/// The most memory for one input, in MiB; of one allocation half of it.
const MEMORY: u32 = 1024;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// What to fuzz: elf, dwarf, cfi, pclntab, buildinfo; all where none is given.
    targets: Vec<String>,
    /// How long each.
    #[arg(long, default_value_t = 600)]
    seconds: u32,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let folder = paths::root().join("fuzz");
    let known = targets(&folder.join("fuzz_targets"))?;
    if let Some(wrong) = arguments.targets.iter().find(|target| !known.contains(target)) {
        bail!("no fuzzer {wrong}; there are: {}", known.join(", "));
    }
    let chosen = if arguments.targets.is_empty() { &known } else { &arguments.targets };
    let path = command::path_with(&[&ensure_cargo_fuzz()?.join("bin")])?;
    let mut found = Vec::new();
    for target in chosen {
        let growing = paths::target().join("fuzz").join(target);
        fs::create_dir_all(&growing).with_context(|| format!("make {}", growing.display()))?;
        let mut fuzz = command::cargo();
        fuzz.args(["fuzz", "run", target])
            .arg(growing)
            .arg(folder.join("corpus").join(target))
            .arg("--target-dir")
            .arg(paths::target().join("fuzz-build"))
            .arg("--")
            .arg(format!("-max_total_time={}", arguments.seconds))
            .arg(format!("-timeout={TIMEOUT}"))
            .arg(format!("-rss_limit_mb={MEMORY}"))
            .arg(format!("-malloc_limit_mb={}", MEMORY / 2))
            .args(["-max_len=65536", "-print_final_stats=1"])
            .current_dir(&folder)
            .env("PATH", &path)
            .env_remove("CARGO_TARGET_DIR")
            .env_remove("RUSTUP_TOOLCHAIN");
        unstable(&mut fuzz);
        println!("\n== fuzz {target}, {} s", arguments.seconds);
        if command::run(&mut fuzz).is_err() {
            found.push(target.as_str());
        }
    }
    if !found.is_empty() {
        bail!("found something: {}; see fuzz/artifacts", found.join(", "));
    }
    Ok(())
}

/// The fuzzers there are.
fn targets(folder: &std::path::Path) -> Result<Vec<String>> {
    let entries = fs::read_dir(folder).with_context(|| format!("read {}", folder.display()))?;
    let stem = |path: PathBuf| Some(path.file_stem()?.to_string_lossy().into_owned());
    let mut names: Vec<_> = entries.filter_map(|entry| stem(entry.ok()?.path())).collect();
    names.sort();
    Ok(names)
}

/// Sanitizers need a nightly: rustup's, else the compiler that is here is told to be one.
fn unstable(fuzz: &mut Command) {
    let nightly = ["which", "--toolchain", "nightly", "rustc"];
    if command::output(Command::new("rustup").args(nightly)).is_ok() {
        // The cargo that started us is of another toolchain.
        fuzz.env("RUSTUP_TOOLCHAIN", "nightly").env_remove("CARGO").env_remove("RUSTC");
    } else {
        fuzz.env("RUSTC_BOOTSTRAP", "1");
    }
}

/// The folder with cargo-fuzz, got where it is missing.
fn ensure_cargo_fuzz() -> Result<PathBuf> {
    let folder = paths::tools().join("cargo-fuzz");
    if folder.join("bin/cargo-fuzz").is_file() || command::on_path("cargo-fuzz").is_some() {
        return Ok(folder);
    }
    println!("setup: cargo install {CARGO_FUZZ}");
    command::run_quietly(
        command::cargo()
            .args(["install", "--locked", "--quiet", CARGO_FUZZ, "--root"])
            .arg(&folder)
            .current_dir("/")
            .env_remove("CARGO_TARGET_DIR"),
    )
    .context("build cargo-fuzz")?;
    Ok(folder)
}
