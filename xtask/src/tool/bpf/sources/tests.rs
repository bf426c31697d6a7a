//! The hash sees what goes into the object and nothing else; the committed object is of the
//! sources beside it.

use super::*;
use crate::tool::bpf::{self, note::Note};
use crate::tool::{hash, paths};
use std::path::PathBuf;

/// A small workspace with the files that the hash looks at.
fn workspace() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let files = [
        ("Cargo.toml", "[workspace]\n\n[profile.release]\ndebug = 1\n\n[lints]\n"),
        (
            "Cargo.lock",
            "version = 4\n\n[[package]]\nname = \"aya-ebpf\"\nversion = \"1\"\n\n\
             [[package]]\nname = \"clap\"\nversion = \"4\"\n",
        ),
        ("tracer-ebpf/Cargo.toml", "[package]\n"),
        ("tracer-ebpf/src/main.rs", "fn main() {}\n"),
        ("tracer-common/Cargo.toml", "[package]\n"),
        ("tracer-common/src/lib.rs", "mod walk;\n"),
        ("tracer-common/src/walk.rs", "fn walk() {}\n"),
    ];
    for (name, content) in files {
        write(folder.path(), name, content);
    }
    folder
}

fn write(root: &Path, name: &str, content: &str) {
    let file = root.join(name);
    fs::create_dir_all(file.parent().expect("a parent")).expect("a folder");
    fs::write(file, content).expect("a file");
}

fn changes(name: &str, content: &str) -> bool {
    let folder = workspace();
    let before = sha256(folder.path()).expect("a hash");
    write(folder.path(), name, content);
    before != sha256(folder.path()).expect("a hash")
}

#[test]
fn a_changed_or_new_source_changes_the_hash() {
    assert!(changes("tracer-ebpf/src/main.rs", "fn main() { }\n"));
    assert!(changes("tracer-common/src/walk.rs", ""));
    assert!(changes("tracer-common/src/new.rs", ""));
    assert!(changes("tracer-common/Cargo.toml", "[package]\nname = \"x\"\n"));
}

#[test]
fn tests_beside_the_sources_do_not_change_it() {
    assert!(!changes("tracer-common/src/tests.rs", "x"));
    assert!(!changes("tracer-common/src/walk/tests.rs", "x"));
    assert!(!changes("tracer-common/src/walk/tests_switch.rs", "x"));
    assert!(!changes("tracer-common/src/tests/deep.rs", "x"));
    assert!(!changes("tracer-common/src/walk/tests/deep.rs", "x"));
}

#[test]
fn only_what_is_linked_and_the_profiles_count_of_the_workspace() {
    let lock = |aya: &str, clap: &str| {
        format!(
            "version = 4\n\n[[package]]\nname = \"aya-ebpf\"\nversion = \"{aya}\"\n\n\
             [[package]]\nname = \"clap\"\nversion = \"{clap}\"\n"
        )
    };
    assert!(!changes("Cargo.lock", &lock("1", "5")));
    assert!(changes("Cargo.lock", &lock("2", "4")));
    let manifest = |debug: u32, lints: &str| {
        format!("[workspace]\n\n[profile.release]\ndebug = {debug}\n\n[lints]\n{lints}")
    };
    assert!(!changes("Cargo.toml", &manifest(1, "x = 1\n")));
    assert!(changes("Cargo.toml", &manifest(2, "")));
}

#[test]
fn moving_a_border_between_files_changes_it() {
    let one = workspace();
    write(one.path(), "tracer-common/src/lib.rs", "mod walk;\nfn walk() {}\n");
    write(one.path(), "tracer-common/src/walk.rs", "");
    let other = workspace();
    assert_ne!(sha256(one.path()).expect("a hash"), sha256(other.path()).expect("a hash"));
}

#[test]
fn the_committed_object_is_of_these_sources() {
    let note = Note::read(&bpf::note()).expect("a note beside the committed object");
    let now = sha256(&paths::root()).expect("a hash");
    assert_eq!(
        note.sources_sha256, now,
        "the BPF sources have changed since the committed object was built: run `cargo xtask ebpf`"
    );
    let object: PathBuf = bpf::object();
    let object = hash::sha256(&fs::read(object).expect("the committed object"));
    assert_eq!(note.object_sha256, object, "the committed object is not the one of its note");
}
