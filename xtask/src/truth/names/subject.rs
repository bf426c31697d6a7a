//! The programs whose addresses are named, and how they are built.

use anyhow::{Context, Result};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use xtask::tool::example::RUSTLIB_CDYLIB;
use xtask::tool::go::{self, LinkMode};
use xtask::tool::hash::{self, Hash};
use xtask::tool::{command, library, paths};

/// One program.
#[derive(Clone, Copy)]
pub(crate) struct Subject {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// Whether the smaller run has it too.
    pub(super) quick: bool,
}

/// How a program is built.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    /// `subjects/go` with a version of Go.
    Go { version: &'static str, mode: LinkMode, stripped: bool },
    /// SQLite as a shared library.
    Sqlite { compiler: &'static str, flags: &'static [&'static str] },
    /// `subjects/cpp`.
    Cpp { compiler: &'static str, flags: &'static [&'static str], objects: usize },
    /// cgotrace itself, with full debug information.
    Cgotrace,
    /// The shared library of the example `rustlib`.
    Rustlib,
}

const fn go(name: &'static str, version: &'static str, mode: LinkMode) -> Subject {
    Subject { name, kind: Kind::Go { version, mode, stripped: false }, quick: false }
}

const fn native(name: &'static str, kind: Kind) -> Subject {
    Subject { name, kind, quick: false }
}

/// Full debug information, as most distributions build it.
const FLAGS: &[&str] = &["-O2", "-gdwarf-5"];
const FLAGS_4: &[&str] = &["-O2", "-gdwarf-4"];

/// All that is judged.
pub(crate) const SUBJECTS: &[Subject] = &[
    Subject { quick: true, ..go("go-1.21", go::KNOWN[0], LinkMode::Exe) },
    go("go-1.22", go::KNOWN[1], LinkMode::Pie),
    go("go-1.23", go::KNOWN[2], LinkMode::Exe),
    go("go-1.24", go::KNOWN[3], LinkMode::Pie),
    go("go-1.25", go::KNOWN[4], LinkMode::Pie),
    go("go-1.26", go::KNOWN[5], LinkMode::Exe),
    Subject { quick: true, ..go("go-1.27", go::NEWEST, LinkMode::Pie) },
    Subject {
        name: "go-1.27-stripped",
        kind: Kind::Go { version: go::NEWEST, mode: LinkMode::Pie, stripped: true },
        quick: true,
    },
    go("go-1.21-c-shared", go::KNOWN[0], LinkMode::CShared),
    go("go-1.27-plugin", go::NEWEST, LinkMode::Plugin),
    native("c-gcc", Kind::Sqlite { compiler: "gcc", flags: FLAGS_4 }),
    native("c-clang", Kind::Sqlite { compiler: "clang", flags: FLAGS }),
    Subject {
        quick: true,
        ..native("c++-gcc", Kind::Cpp { compiler: "g++", flags: FLAGS, objects: 1 })
    },
    native("c++-clang", Kind::Cpp { compiler: "clang++", flags: FLAGS_4, objects: 1 }),
    Subject { quick: true, ..native("rust-cdylib", Kind::Rustlib) },
    native("rust", Kind::Cgotrace),
    native("c++-large", LARGE),
];

/// More than 100 MB.
const LARGE: Kind = Kind::Cpp { compiler: "g++", flags: FLAGS, objects: 24 };

impl Kind {
    /// Builds it, unless it is up to date.
    pub(crate) fn build(self, name: &str) -> Result<PathBuf> {
        let folder = paths::target().join("truth/names");
        fs::create_dir_all(&folder).with_context(|| format!("make {}", folder.display()))?;
        let to = folder.join(name);
        match self {
            Self::Go { version, mode, stripped } => go_program(version, mode, stripped, &to)?,
            Self::Sqlite { compiler, flags } => {
                let source = library::sqlite_source()?.join("sqlite3.c");
                let sources = [source.clone()];
                cached(&to, &format!("{compiler} {flags:?}"), &sources, compiler, |to| {
                    let shared = ["-shared", "-fPIC"];
                    command::run_quietly(
                        Command::new(compiler)
                            .args(flags)
                            .args(shared)
                            .arg(&source)
                            .arg("-o")
                            .arg(to),
                    )
                })?;
            }
            Self::Cpp { compiler, flags, objects } => cpp_program(compiler, flags, objects, &to)?,
            Self::Cgotrace => return cgotrace(),
            Self::Rustlib => {
                let go = go::ensure_version(go::NEWEST)?;
                let program = RUSTLIB_CDYLIB.fixture(go::NEWEST, LinkMode::Pie);
                RUSTLIB_CDYLIB.build(&go, go::NEWEST, LinkMode::Pie, &program)?;
                let library = RUSTLIB_CDYLIB.shared_library().context("it has a library")?;
                return Ok(program.with_file_name(library));
            }
        }
        Ok(to)
    }

    pub(super) fn needs_clang(self) -> bool {
        match self {
            Self::Sqlite { compiler, .. } | Self::Cpp { compiler, .. } => {
                compiler.starts_with("clang")
            }
            _ => false,
        }
    }

    /// Where it lies unstripped, once built.
    pub(super) fn twin(self, program: &Path) -> PathBuf {
        match self {
            Self::Go { stripped: true, .. } => beside(program, "whole"),
            _ => program.to_path_buf(),
        }
    }
}

/// cgotrace itself with full debug information.
fn cgotrace() -> Result<PathBuf> {
    let target = paths::target().join("truth/cargo");
    command::run_quietly(
        command::cargo()
            .args(["build", "--release", "--locked", "--package", "tracer", "--bin", "cgotrace"])
            .current_dir(paths::root())
            .env("CARGO_PROFILE_RELEASE_DEBUG", "2")
            .env("CARGO_TARGET_DIR", &target),
    )?;
    Ok(target.join("release/cgotrace"))
}

fn go_program(version: &str, mode: LinkMode, stripped: bool, to: &Path) -> Result<()> {
    let module = paths::root().join("xtask/subjects/go");
    let sources = hash::files_below(&module)?;
    let whole = if stripped { beside(to, "whole") } else { to.to_path_buf() };
    let go = go::ensure_version(version)?;
    cached(&whole, &format!("{version} {}", mode.name()), &sources, "cc", |to| {
        let build = go::Build {
            module: &module,
            package: ".",
            tags: "",
            mode,
            libraries: Some(&module),
            beside: false,
            linker_flags: "",
        };
        build.run(&go, to)
    })?;
    if stripped {
        command::run_quietly(Command::new("strip").arg("-o").arg(to).arg(&whole))?;
    }
    Ok(())
}

fn cpp_program(compiler: &'static str, flags: &[&str], objects: usize, to: &Path) -> Result<()> {
    let source = paths::root().join("xtask/subjects/cpp/names.cc");
    let sources = [source.clone()];
    cached(to, &format!("{compiler} {flags:?} {objects}"), &sources, compiler, |to| {
        let object = |seed: usize| beside(to, &format!("{seed}.o"));
        let compile = |seed: usize| {
            let mut command = Command::new(compiler);
            command.args(flags).args(["-std=c++17", "-c"]).arg(format!("-DSEED={seed}"));
            command::run_quietly(command.arg(&source).arg("-o").arg(object(seed)))
        };
        let seeds: Vec<usize> = (0..objects).collect();
        let workers = thread::available_parallelism().map_or(1, usize::from);
        for some in seeds.chunks(workers) {
            thread::scope(|scope| {
                let started: Vec<_> =
                    some.iter().map(|seed| scope.spawn(|| compile(*seed))).collect();
                started.into_iter().try_for_each(|one| match one.join() {
                    Ok(done) => done,
                    Err(_) => anyhow::bail!("a compilation panicked"),
                })
            })?;
        }
        let made: Vec<OsString> = seeds.iter().map(|seed| object(*seed).into()).collect();
        command::run_quietly(Command::new(compiler).args(&made).arg("-o").arg(to))?;
        made.iter().try_for_each(|object| fs::remove_file(object).context("remove an object"))
    })
}

/// Builds a file unless it is there, made in the same way from the same sources.
fn cached(
    to: &Path,
    recipe: &str,
    sources: &[PathBuf],
    compiler: &str,
    build: impl FnOnce(&Path) -> Result<()>,
) -> Result<()> {
    let version = command::output(Command::new(compiler).arg("--version"))?;
    let mut hash = Hash::default();
    hash.add("recipe", format!("{recipe} {version}").as_bytes());
    hash.add_files(Path::new("/"), sources.to_vec())?;
    let (key, key_file) = (hash.finish(), beside(to, "key"));
    if to.is_file() && fs::read_to_string(&key_file).is_ok_and(|old| old == key) {
        return Ok(());
    }
    let _ = fs::remove_file(&key_file);
    build(to).with_context(|| format!("build {}", to.display()))?;
    fs::write(&key_file, key).with_context(|| format!("write {}", key_file.display()))
}

/// A path with one more extension.
fn beside(path: &Path, extension: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(extension);
    name.into()
}
