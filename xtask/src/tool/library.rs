//! The examples' native libraries, built into folders that carry the hash of what they are made
//! of: Go's build cache does not look into libraries, but does look at the link flags.

use super::hash::{self, Hash};
use super::{command, paths};
use anyhow::{Context, Result};
use serde_json::Value;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Flags for C and C++. They say `-fPIE`, as one archive serves both link modes.
const FLAGS: [&str; 3] = ["-O2", "-g", "-fPIE"];

/// How an example's library is made.
#[derive(Clone, Copy, Debug)]
pub(super) enum Library {
    /// None: the C of Go's standard library is all, and Go links that itself.
    None,
    /// A static library of the C and C++ sources in `c/`, with these flags more.
    Native(&'static [&'static str]),
    /// A shared library of them.
    NativeShared,
    /// A static library, and SQLite's amalgamation, which the crate in `amalgamation/` depends on.
    Sqlite,
    /// A static library of the crate in `rust/`, its names mangled as this compiler does unasked.
    RustStatic,
    /// A shared library of the crate in `rust/`, with the newer mangling, "v0".
    RustShared,
}

/// What most static libraries are built with: the frame pointer is one more register.
pub(super) const PLAIN: &[&str] = &["-fomit-frame-pointer"];

impl Library {
    /// The shared library's file name, where it is one.
    pub(super) fn shared(self, name: &str) -> Option<String> {
        matches!(self, Self::RustShared | Self::NativeShared).then(|| format!("lib{name}.so"))
    }

    /// All that decides what is built, besides the sources.
    pub(super) fn recipe(self) -> Result<String> {
        let compiler = match self {
            Self::None => return Ok("no library".to_owned()),
            Self::Native(_) | Self::NativeShared | Self::Sqlite => "cc",
            Self::RustStatic | Self::RustShared => "rustc",
        };
        let version = command::output(Command::new(compiler).arg("--version"))?;
        Ok(format!("{self:?} {FLAGS:?} {version}"))
    }

    /// Builds `libNAME` from the sources of the example in `folder`, unless it is there, and gives
    /// the folder that it lies in.
    pub(super) fn build(self, name: &str, folder: &Path) -> Result<Option<PathBuf>> {
        let root = folder;
        let sources = root.join(match self {
            Self::None => return Ok(None),
            Self::Native(_) | Self::NativeShared | Self::Sqlite => "c",
            Self::RustStatic | Self::RustShared => "rust",
        });
        let mut hash = Hash::default();
        // The sources' place is in their line tables.
        hash.add("recipe", format!("{} {}", self.recipe()?, sources.display()).as_bytes());
        let files = hash::files_below(&sources)?;
        hash.add_files(&sources, files.clone())?;
        let amalgamation = match self {
            // The lock file pins it.
            Self::Sqlite => {
                let manifest = root.join("amalgamation");
                hash.add_files(&manifest, hash::files_below(&manifest)?)?;
                Some(package_folder(&manifest, "libsqlite3-sys")?.join("sqlite3"))
            }
            _ => None,
        };
        let hash = hash.finish();
        let folder = paths::fixtures().join("lib").join(format!("{name}-{}", &hash[..16]));
        let file = self.shared(name).unwrap_or_else(|| format!("lib{name}.a"));
        let library = folder.join(file);
        if library.is_file() {
            return Ok(Some(folder));
        }
        fs::create_dir_all(&folder).with_context(|| format!("make {}", folder.display()))?;
        let partial = library.with_extension("partial");
        let _ = fs::remove_file(&partial);
        match self {
            Self::None => {}
            Self::Native(flags) => archive(&files, flags, None, &partial)?,
            Self::NativeShared => shared(&files, &partial)?,
            Self::Sqlite => archive(&files, PLAIN, amalgamation.as_deref(), &partial)?,
            Self::RustStatic => crate_as("staticlib", "", &sources, &library, &partial)?,
            Self::RustShared => {
                crate_as("cdylib", "-Csymbol-mangling-version=v0", &sources, &library, &partial)?;
            }
        }
        fs::rename(&partial, &library).with_context(|| format!("make {}", library.display()))?;
        Ok(Some(folder))
    }
}

/// The compiler of a source file; `None` where it is none of C or C++.
fn compiler(source: &Path) -> Option<&'static str> {
    match source.extension().and_then(OsStr::to_str) {
        Some("c") => Some("cc"),
        Some("cc") => Some("c++"),
        _ => None,
    }
}

/// Compiles the C and C++ files among these into an archive, and `sqlite3.c` of this folder.
fn archive(files: &[PathBuf], flags: &[&str], sqlite: Option<&Path>, to: &Path) -> Result<()> {
    let mut objects = Vec::new();
    let amalgamation = sqlite.map(|folder| folder.join("sqlite3.c"));
    for source in files.iter().chain(&amalgamation) {
        let Some(compiler) = compiler(source) else { continue };
        let object = to.with_file_name(source.file_stem().unwrap_or_default()).with_extension("o");
        command::run_quietly(
            Command::new(compiler)
                .args(FLAGS)
                .args(flags)
                .args(sqlite.map(|folder| format!("-I{}", folder.display())))
                .arg("-c")
                .arg(source)
                .arg("-o")
                .arg(&object),
        )?;
        objects.push(object);
    }
    command::run_quietly(Command::new("ar").arg("rcs").arg(to).args(objects))
}

/// Compiles the C and C++ files among these into a shared library.
fn shared(files: &[PathBuf], to: &Path) -> Result<()> {
    let sources = files.iter().filter(|source| compiler(source).is_some());
    command::run_quietly(
        Command::new("c++")
            .args(FLAGS)
            .args(PLAIN)
            .args(["-fPIC", "-shared"])
            .args(sources)
            .arg("-o")
            .arg(to),
    )
}

/// The folder with SQLite's amalgamation, `sqlite3.c`.
pub fn sqlite_source() -> Result<PathBuf> {
    let manifest = paths::root().join("examples/sqlite/amalgamation");
    Ok(package_folder(&manifest, "libsqlite3-sys")?.join("sqlite3"))
}

/// Where cargo keeps the sources of a package that the crate in `manifest` depends on. It fetches
/// them where they are missing, by the crate's lock file.
fn package_folder(manifest: &Path, package: &str) -> Result<PathBuf> {
    let said = command::output(
        command::cargo()
            .args(["metadata", "--locked", "--format-version", "1"])
            .current_dir(manifest),
    )?;
    let said: Value = serde_json::from_str(&said).context("read what cargo metadata said")?;
    let packages = said["packages"].as_array().map(Vec::as_slice).unwrap_or_default();
    let found = packages.iter().find(|found| found["name"] == package);
    found
        .and_then(|found| Path::new(found["manifest_path"].as_str()?).parent())
        .map(Path::to_path_buf)
        .with_context(|| format!("{} has no dependency {package}", manifest.display()))
}

/// Builds the crate in `sources` as a library of one type, with the dependencies of its lock file.
fn crate_as(kind: &str, flags: &str, sources: &Path, library: &Path, to: &Path) -> Result<()> {
    let target = library.with_file_name("target");
    command::run_quietly(command::cargo().args(["fetch", "--locked"]).current_dir(sources))?;
    command::run_quietly(
        command::cargo()
            .args(["rustc", "--release", "--lib", "--locked", "--offline", "--crate-type", kind])
            .arg("--target-dir")
            .arg(&target)
            .current_dir(sources)
            // Only these: the caller's would be the library's too.
            .env_remove("CARGO_ENCODED_RUSTFLAGS")
            .env("RUSTFLAGS", flags),
    )?;
    let built = target.join("release").join(library.file_name().unwrap_or_default());
    fs::copy(&built, to).with_context(|| format!("copy {}", built.display()))?;
    fs::remove_dir_all(&target).with_context(|| format!("remove {}", target.display()))
}
