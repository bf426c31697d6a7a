//! The example programs: where their sources lie and how they are built.

use super::go::{self, LinkMode};
use super::hash::{self, Hash};
use super::{command, paths};
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Flags for the examples' C libraries. They say `-fPIE`, as one archive serves both link modes.
const C_FLAGS: [&str; 3] = ["-O2", "-g", "-fPIE"];

/// One example: a Go module in `examples/NAME` with a C static library `libNAME.a` from `c/`.
pub struct Example {
    /// Its folder's name, and the program's.
    pub name: &'static str,
    /// The Go package with `main`, relative to its module.
    package: &'static str,
    /// The function that the suites probe.
    pub probe: &'static str,
    /// How often it is hit in a run without arguments.
    pub hits: usize,
    /// Whether its C code keeps frame pointers: only to measure another tracer that needs them.
    frame_pointers: bool,
}

/// The union of a dog and a cat.
pub const ANIMALS: Example = Example {
    name: "animals",
    package: "./cmd/animals",
    probe: "animal_print",
    hits: 2,
    frame_pointers: false,
};

/// The deep recursion.
pub const DEEP: Example =
    Example { name: "deep", package: ".", probe: "deep_leaf", hits: 1, frame_pointers: false };

/// The same with frame pointers. It is no fixture.
pub const DEEP_WITH_FRAME_POINTERS: Example = Example { frame_pointers: true, ..DEEP };

/// All examples.
pub const ALL: [&Example; 2] = [&ANIMALS, &DEEP];

/// Whether a build was needed.
pub enum Built {
    /// The file was up to date.
    Already,
    /// It was built now.
    Now,
}

impl Example {
    /// The folder with its sources.
    pub fn folder(&self) -> PathBuf {
        paths::root().join("examples").join(self.name)
    }

    /// Where `fixtures` puts it, for a Go version such as `1.27.3`.
    pub fn fixture(&self, version: &str, mode: LinkMode) -> PathBuf {
        paths::fixtures().join(go::minor(version)).join(mode.name()).join(self.name)
    }

    /// Builds it at `to` with this `go`, unless it is up to date there.
    pub fn build(&self, go: &Path, version: &str, mode: LinkMode, to: &Path) -> Result<Built> {
        let folder = to.parent().context("a program needs a folder")?;
        fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
        let key = self.key(version, mode)?;
        let key_file = folder.join(format!(".{}.key", self.name));
        if to.is_file() && fs::read_to_string(&key_file).is_ok_and(|old| old == key) {
            return Ok(Built::Already);
        }
        let libraries = self.build_library()?;
        // The key goes first and comes last: a build cut short is not taken for a good one.
        let _ = fs::remove_file(&key_file);
        go::build(go, &self.folder(), self.package, mode, &libraries, to).with_context(|| {
            format!("build the example {} with Go {version}, {}", self.name, mode.name())
        })?;
        fs::write(&key_file, key).with_context(|| format!("write {}", key_file.display()))?;
        Ok(Built::Now)
    }

    fn c_flags(&self) -> Vec<&'static str> {
        let frame_pointers =
            if self.frame_pointers { "-fno-omit-frame-pointer" } else { "-fomit-frame-pointer" };
        C_FLAGS.into_iter().chain([frame_pointers]).collect()
    }

    /// Builds the C library. The folder carries the sources' hash in its name, since Go's build
    /// cache does not look into libraries, but does look at the link flags.
    fn build_library(&self) -> Result<PathBuf> {
        let sources = self.folder().join("c");
        let mut hash = Hash::default();
        hash.add("recipe", format!("{:?} {}", self.c_flags(), sources.display()).as_bytes());
        let files = hash::files_below(&sources)?;
        hash.add_files(&sources, files.clone())?;
        let hash = hash.finish();
        let folder = paths::fixtures().join("lib").join(format!("{}-{}", self.name, &hash[..16]));
        let archive = folder.join(format!("lib{}.a", self.name));
        if archive.is_file() {
            return Ok(folder);
        }
        fs::create_dir_all(&folder).with_context(|| format!("make {}", folder.display()))?;
        let mut objects = Vec::new();
        for source in files.iter().filter(|file| file.extension().is_some_and(|ext| ext == "c")) {
            let stem = source.file_stem().unwrap_or_default();
            let object = folder.join(stem).with_extension("o");
            command::run_quietly(
                Command::new("cc")
                    .args(self.c_flags())
                    .arg("-c")
                    .arg(source)
                    .arg("-o")
                    .arg(&object),
            )?;
            objects.push(object);
        }
        let partial = archive.with_extension("partial");
        let _ = fs::remove_file(&partial);
        command::run_quietly(Command::new("ar").arg("rcs").arg(&partial).args(objects))?;
        fs::rename(&partial, &archive).with_context(|| format!("make {}", archive.display()))?;
        Ok(folder)
    }

    /// What the built program depends on.
    fn key(&self, version: &str, mode: LinkMode) -> Result<String> {
        let folder = self.folder();
        let mut hash = Hash::default();
        let recipe = format!("{:?} {version} {} {}", self.c_flags(), mode.name(), folder.display());
        hash.add("recipe", recipe.as_bytes());
        hash.add_files(&folder, hash::files_below(&folder)?)?;
        Ok(hash.finish())
    }
}
