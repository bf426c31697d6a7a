//! The BPF object: its toolchain, its build, and the note that says from what it was built.

pub mod build;
pub mod note;
pub mod sources;
pub mod toolchain;

use super::paths;
use std::path::PathBuf;

/// The folder with the committed object and its note.
fn prebuilt() -> PathBuf {
    paths::root().join("tracer-ebpf/prebuilt")
}

/// The committed object.
pub fn object() -> PathBuf {
    prebuilt().join("cgotrace.bpf.o")
}

/// The note beside it.
pub fn note() -> PathBuf {
    prebuilt().join("cgotrace.bpf.json")
}
