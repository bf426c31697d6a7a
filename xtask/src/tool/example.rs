//! The example programs: where their sources lie and how they are built.

use super::go::{self, LinkMode};
use super::hash::{self, Hash};
use super::library::{Library, PLAIN};
use super::paths;
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};

/// One example: a Go module in `examples/FOLDER` with a native library `libFOLDER`.
pub struct Example {
    /// The program's name.
    pub name: &'static str,
    /// Its folder's name, and its library's.
    folder: &'static str,
    /// The Go package with `main`, relative to its module.
    package: &'static str,
    /// Whether it loads its library by `dlopen`, under a build tag of this name.
    dlopen: bool,
    /// The function that the suites probe.
    pub probe: &'static str,
    /// How often it is hit in a run without arguments; 0 where that gives several stacks.
    pub hits: usize,
    /// What tells the probed function's linkage name: all of it, or a part where it is mangled.
    linkage: &'static str,
    library: Library,
}

const C: Library = Library::Native(PLAIN);

/// The union of a dog and a cat.
pub const ANIMALS: Example = Example {
    name: "animals",
    folder: "animals",
    package: "./cmd/animals",
    dlopen: false,
    probe: "animal_print",
    hits: 2,
    linkage: "animal_print",
    library: C,
};

/// The deep recursion.
pub const DEEP: Example = Example {
    name: "deep",
    folder: "deep",
    package: ".",
    dlopen: false,
    probe: "deep_leaf",
    hits: 1,
    linkage: "deep_leaf",
    library: C,
};

/// The same with frame pointers. It is no fixture.
pub const DEEP_WITH_FRAME_POINTERS: Example =
    Example { library: Library::Native(&["-fno-omit-frame-pointer"]), ..DEEP };

/// The C++ library.
pub const CPPLIB: Example = Example {
    name: "cpplib",
    folder: "cpplib",
    package: ".",
    dlopen: false,
    probe: "zoo::weigh*",
    hits: 2,
    linkage: "3zoo5weigh",
    library: C,
};

/// The Rust library, static.
pub const RUSTLIB: Example = Example {
    name: "rustlib",
    folder: "rustlib",
    package: ".",
    dlopen: false,
    probe: "rustlib::leaf",
    hits: 2,
    linkage: "7rustlib4leaf",
    library: Library::RustStatic,
};

/// The Rust library, shared and linked.
pub const RUSTLIB_CDYLIB: Example =
    Example { name: "rustlib-cdylib", library: Library::RustShared, ..RUSTLIB };

/// The Rust library, shared and loaded by `dlopen`.
pub const RUSTLIB_DLOPEN: Example =
    Example { name: "rustlib-dlopen", dlopen: true, ..RUSTLIB_CDYLIB };

/// SQLite's amalgamation, with functions of SQL written in Go. It is no fixture.
pub const SQLITE: Example = Example {
    name: "sqlite",
    folder: "sqlite",
    package: ".",
    dlopen: false,
    probe: "lite_mark",
    hits: 12,
    linkage: "lite_mark",
    library: Library::Sqlite,
};

/// A large Rust crate that calls back into Go. It is no fixture.
pub const MARKDOWN: Example = Example {
    name: "markdown",
    folder: "markdown",
    package: ".",
    dlopen: false,
    probe: "markdown_mark",
    hits: 21,
    linkage: "markdown_mark",
    library: Library::RustStatic,
};

/// Threads without pause, each hit by one of a few ways. It is no fixture.
pub const LOAD: Example = Example {
    name: "load",
    folder: "load",
    package: ".",
    dlopen: false,
    probe: "load_leaf",
    hits: 7,
    linkage: "load_leaf",
    library: C,
};

/// Go and C, each called by the other.
pub const CALLBACKS: Example = Example {
    name: "callbacks",
    folder: "callbacks",
    package: ".",
    dlopen: false,
    probe: "callbacks_leaf",
    hits: 1,
    linkage: "callbacks_leaf",
    library: C,
};

/// Threads that C makes.
pub const THREADS: Example = Example {
    name: "threads",
    folder: "threads",
    probe: "threads_leaf",
    hits: 0,
    linkage: "threads_leaf",
    ..CALLBACKS
};

/// Go and Rust, each called by the other, and threads that Rust makes.
pub const RUSTCALLS: Example = Example {
    name: "rustcalls",
    folder: "rustcalls",
    probe: "rustcalls::leaf",
    linkage: "9rustcalls4leaf",
    library: Library::RustStatic,
    ..CALLBACKS
};

/// Signal handlers of C over C and over Go.
pub const SIGNALS: Example = Example {
    name: "signals",
    folder: "signals",
    probe: "signals_leaf",
    hits: 1,
    linkage: "signals_leaf",
    ..CALLBACKS
};

/// C, C++ and assembly whose frames are hard to find.
pub const ODDCODE: Example = Example {
    name: "oddcode",
    folder: "oddcode",
    probe: "oddcode_leaf",
    hits: 1,
    linkage: "oddcode_leaf",
    ..CALLBACKS
};

/// What the C library is asked for by os/user and net, linked by Go alone.
pub const RESOLVE: Example = Example {
    name: "resolve",
    folder: "resolve",
    probe: "libc.so.6:getgrgid_r",
    hits: 1,
    linkage: "getgrgid_r",
    library: Library::None,
    ..CALLBACKS
};

/// Go's runtime on stacks that are no goroutine's.
pub const BOTTOMS: Example = Example {
    name: "bottoms",
    folder: "bottoms",
    probe: "runtime.goexit0",
    hits: 0,
    linkage: "runtime.goexit0",
    ..CALLBACKS
};

/// C++ exceptions through a shared library.
pub const THROWS: Example = Example {
    name: "throws",
    folder: "throws",
    probe: "throws_leaf",
    hits: 1,
    linkage: "throws_leaf",
    library: Library::NativeShared,
    ..CALLBACKS
};

/// C and C++ that the linker optimises.
pub const BUILDS_LTO: Example = Example {
    name: "builds-lto",
    folder: "builds",
    probe: "builds_leaf",
    hits: 0,
    linkage: "builds_leaf",
    library: Library::Native(&["-fomit-frame-pointer", "-flto", "-ffat-lto-objects"]),
    ..CALLBACKS
};

/// The same with marks at each place that may be jumped to.
pub const BUILDS_CET: Example = Example {
    name: "builds-cet",
    library: Library::Native(&["-fomit-frame-pointer", "-fcf-protection=full"]),
    ..BUILDS_LTO
};

/// The same for a profiler.
pub const BUILDS_PG: Example =
    Example { name: "builds-pg", library: Library::Native(&["-pg"]), ..BUILDS_LTO };

/// Many threads that call malloc.
pub const MALLOCS: Example = Example {
    name: "mallocs",
    folder: "mallocs",
    probe: "libc.so.6:malloc",
    hits: 0,
    linkage: "malloc",
    ..CALLBACKS
};

/// The callbacks, their C without unwind rows of any kind.
pub const CALLBACKS_ROWLESS: Example = Example {
    name: "callbacks-rowless",
    hits: 0,
    library: Library::Native(&["-fomit-frame-pointer", "-fno-asynchronous-unwind-tables", "-g0"]),
    ..CALLBACKS
};

/// The callbacks, the rows of their C in `.debug_frame` alone.
pub const CALLBACKS_DEBUG_FRAME: Example = Example {
    name: "callbacks-debug-frame",
    library: Library::Native(&["-fomit-frame-pointer", "-fno-asynchronous-unwind-tables"]),
    ..CALLBACKS
};

/// The threads, their C without unwind rows.
pub const THREADS_ROWLESS: Example =
    Example { name: "threads-rowless", library: CALLBACKS_ROWLESS.library, ..THREADS };

/// All examples that are fixtures.
pub const ALL: [&Example; 21] = [
    &ANIMALS,
    &DEEP,
    &RUSTLIB,
    &RUSTLIB_CDYLIB,
    &RUSTLIB_DLOPEN,
    &CPPLIB,
    &CALLBACKS,
    &THREADS,
    &RUSTCALLS,
    &SIGNALS,
    &ODDCODE,
    &RESOLVE,
    &BOTTOMS,
    &THROWS,
    &BUILDS_LTO,
    &BUILDS_CET,
    &BUILDS_PG,
    &MALLOCS,
    &CALLBACKS_ROWLESS,
    &CALLBACKS_DEBUG_FRAME,
    &THREADS_ROWLESS,
];

/// Whether a build was needed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Built {
    /// The file was up to date.
    Already,
    /// It was built now.
    Now,
}

impl Example {
    /// The folder with its sources.
    pub fn folder(&self) -> PathBuf {
        paths::root().join("examples").join(self.folder)
    }

    /// Where `fixtures` puts it, for a Go version such as `1.27.3`. A shared library lies beside.
    pub fn fixture(&self, version: &str, mode: LinkMode) -> PathBuf {
        paths::fixtures().join(go::minor(version)).join(mode.name()).join(self.name)
    }

    /// The file name of its shared library, where it has one.
    pub fn shared_library(&self) -> Option<String> {
        self.library.shared(self.folder)
    }

    /// The pattern of its probe, where the program and its shared library lie in this folder. A
    /// library that the program needs is told by its name, one that it will load by its path.
    pub fn pattern(&self, folder: &Path) -> String {
        match self.shared_library() {
            None => self.probe.to_owned(),
            Some(library) if self.dlopen => {
                format!("{}:{}", folder.join(library).display(), self.probe)
            }
            Some(library) => format!("{library}:{}", self.probe),
        }
    }

    /// Go's build tags.
    fn tags(&self) -> &'static str {
        if self.dlopen { "dlopen" } else { "" }
    }

    /// Whether this linkage name is the probed function's.
    pub fn is_probed(&self, linkage: &str) -> bool {
        let is_mangled = linkage.starts_with("_Z") || linkage.starts_with("_R");
        linkage == self.linkage || is_mangled && linkage.contains(self.linkage)
    }

    /// Builds it at `to` with this `go`, unless it is up to date there.
    pub fn build(&self, go: &Path, version: &str, mode: LinkMode, to: &Path) -> Result<Built> {
        self.link(go, version, mode, "", to)
    }

    /// As [`Example::build`], with these flags for Go's linker.
    pub(super) fn link(
        &self,
        go: &Path,
        version: &str,
        mode: LinkMode,
        linker_flags: &str,
        to: &Path,
    ) -> Result<Built> {
        let folder = to.parent().context("a program needs a folder")?;
        fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
        let key = self.key(version, mode, linker_flags)?;
        let name = to.file_name().unwrap_or_default().to_string_lossy();
        let key_file = folder.join(format!(".{name}.key"));
        if to.is_file() && fs::read_to_string(&key_file).is_ok_and(|old| old == key) {
            return Ok(Built::Already);
        }
        let libraries = self.library.build(self.folder, &self.folder())?;
        // The key goes first and comes last: a build cut short is not taken for a good one.
        let _ = fs::remove_file(&key_file);
        let shared = self.shared_library();
        go::Build {
            module: &self.folder(),
            package: self.package,
            tags: self.tags(),
            mode,
            libraries: libraries.as_deref(),
            beside: shared.is_some(),
            linker_flags,
        }
        .run(go, to)
        .with_context(|| format!("build {} with Go {version}, {}", self.name, mode.name()))?;
        if let Some((shared, libraries)) = shared.zip(libraries) {
            // Renamed into its place: a process may have the old one mapped.
            let partial = folder.join(format!(".{shared}.partial"));
            fs::copy(libraries.join(&shared), &partial)
                .and_then(|_| fs::rename(&partial, folder.join(&shared)))
                .with_context(|| format!("copy {shared} to {}", folder.display()))?;
        }
        fs::write(&key_file, key).with_context(|| format!("write {}", key_file.display()))?;
        Ok(Built::Now)
    }

    /// What the built program depends on.
    fn key(&self, version: &str, mode: LinkMode, linker_flags: &str) -> Result<String> {
        let folder = self.folder();
        let mut hash = Hash::default();
        let recipe = format!(
            "{} {version} {} {} {linker_flags} {}",
            self.library.recipe()?,
            mode.name(),
            self.tags(),
            folder.display()
        );
        hash.add("recipe", recipe.as_bytes());
        hash.add_files(&folder, hash::files_below(&folder)?)?;
        Ok(hash.finish())
    }
}
