//! Where things lie in the workspace.

use std::env;
use std::path::{Path, PathBuf};

/// The workspace's root folder.
pub fn root() -> PathBuf {
    // Cargo sets this at run time; a binary started by hand falls back to where it was built.
    let manifest =
        env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    let manifest = PathBuf::from(manifest);
    manifest.parent().map(Path::to_path_buf).unwrap_or(manifest)
}

/// Cargo's target folder: all that the chores make lies in it.
pub fn target() -> PathBuf {
    match env::var_os("CARGO_TARGET_DIR") {
        Some(set) => root().join(set),
        None => root().join("target"),
    }
}

/// Tools got by `setup`: kept until `cargo clean`.
pub fn tools() -> PathBuf {
    target().join("tools")
}

/// The examples as built by `fixtures`.
pub fn fixtures() -> PathBuf {
    target().join("fixtures")
}

/// The release build of the tracer.
pub fn cgotrace() -> PathBuf {
    target().join("release/cgotrace")
}
