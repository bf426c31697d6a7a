//! The BPF object: its toolchain, its build, and the note that says from what it was built.

pub(crate) mod build;
pub(crate) mod note;
pub(crate) mod sources;
pub(crate) mod toolchain;

use super::paths;
use std::path::PathBuf;

/// The folder with the committed object and its note.
fn prebuilt() -> PathBuf {
    paths::root().join("tracer-ebpf/prebuilt")
}

/// The committed object.
pub(crate) fn object() -> PathBuf {
    prebuilt().join("cgotrace.bpf.o")
}

/// The note beside it.
pub(crate) fn note() -> PathBuf {
    prebuilt().join("cgotrace.bpf.json")
}
