//! The examples' native libraries, built into folders that carry the hash of what they are made
//! of: Go's build cache does not look into libraries, but does look at the link flags.

use super::hash::{self, Hash};
use super::{command, paths};
use anyhow::{Context, Result};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Flags for C and C++. They say `-fPIE`, as one archive serves both link modes.
const FLAGS: [&str; 3] = ["-O2", "-g", "-fPIE"];

/// How an example's library is made.
#[derive(Clone, Copy, Debug)]
pub(super) enum Library {
    /// A static library of the C and C++ sources in `c/`.
    Native {
        /// Whether it keeps frame pointers: only to measure another tracer that needs them.
        frame_pointers: bool,
    },
    /// A static library of the crate in `rust/`, its names mangled as this compiler does unasked.
    RustStatic,
    /// A shared library of the crate in `rust/`, with the newer mangling, "v0".
    RustShared,
}

impl Library {
    /// The shared library's file name, where it is one.
    pub(super) fn shared(self, name: &str) -> Option<String> {
        matches!(self, Self::RustShared).then(|| format!("lib{name}.so"))
    }

    /// All that decides what is built, besides the sources.
    pub(super) fn recipe(self) -> Result<String> {
        let compiler = match self {
            Self::Native { .. } => "cc",
            Self::RustStatic | Self::RustShared => "rustc",
        };
        let version = command::output(Command::new(compiler).arg("--version"))?;
        Ok(format!("{self:?} {FLAGS:?} {version}"))
    }

    /// Builds `libNAME` from the sources of the example in `folder`, unless it is there, and gives
    /// the folder that it lies in.
    pub(super) fn build(self, name: &str, folder: &Path) -> Result<PathBuf> {
        let sources = folder.join(match self {
            Self::Native { .. } => "c",
            Self::RustStatic | Self::RustShared => "rust",
        });
        let mut hash = Hash::default();
        // The sources' place is in their line tables.
        hash.add("recipe", format!("{} {}", self.recipe()?, sources.display()).as_bytes());
        let files = hash::files_below(&sources)?;
        hash.add_files(&sources, files.clone())?;
        let hash = hash.finish();
        let folder = paths::fixtures().join("lib").join(format!("{name}-{}", &hash[..16]));
        let file = self.shared(name).unwrap_or_else(|| format!("lib{name}.a"));
        let library = folder.join(file);
        if library.is_file() {
            return Ok(folder);
        }
        fs::create_dir_all(&folder).with_context(|| format!("make {}", folder.display()))?;
        let partial = library.with_extension("partial");
        let _ = fs::remove_file(&partial);
        match self {
            Self::Native { frame_pointers } => archive(&files, frame_pointers, &partial)?,
            Self::RustStatic => crate_as("staticlib", "", &sources, &library, &partial)?,
            Self::RustShared => {
                crate_as("cdylib", "-Csymbol-mangling-version=v0", &sources, &library, &partial)?;
            }
        }
        fs::rename(&partial, &library).with_context(|| format!("make {}", library.display()))?;
        Ok(folder)
    }
}

/// Compiles the C and C++ files among these into an archive.
fn archive(files: &[PathBuf], frame_pointers: bool, to: &Path) -> Result<()> {
    let frames = if frame_pointers { "-fno-omit-frame-pointer" } else { "-fomit-frame-pointer" };
    let mut objects = Vec::new();
    for source in files {
        let compiler = match source.extension().and_then(OsStr::to_str) {
            Some("c") => "cc",
            Some("cc") => "c++",
            _ => continue,
        };
        let object = to.with_file_name(source.file_stem().unwrap_or_default()).with_extension("o");
        command::run_quietly(
            Command::new(compiler)
                .args(FLAGS)
                .arg(frames)
                .arg("-c")
                .arg(source)
                .arg("-o")
                .arg(&object),
        )?;
        objects.push(object);
    }
    command::run_quietly(Command::new("ar").arg("rcs").arg(to).args(objects))
}

/// Builds the crate in `sources` as a library of one type. It needs no registry.
fn crate_as(kind: &str, flags: &str, sources: &Path, library: &Path, to: &Path) -> Result<()> {
    let target = library.with_file_name("target");
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
