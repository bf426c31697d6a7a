//! A hash over all that the BPF object is made of. It needs no tool, so that a plain test can
//! tell whether the committed object is of the sources beside it.

use super::build;
use crate::tool::hash::{Hash, files_below};
use anyhow::{Context, Result};
use std::ffi::OsStr;
use std::fs;
use std::path::Path;

/// The SHA-256 of the sources below the workspace's root, in hexadecimal.
pub fn sha256(root: &Path) -> Result<String> {
    let mut hash = Hash::default();
    for package in ["tracer-ebpf", "tracer-common"] {
        let folder = root.join(package);
        let mut files = files_below(&folder.join("src"))?;
        files.retain(|file| !is_test(file.strip_prefix(&folder).unwrap_or(file)));
        files.push(folder.join("Cargo.toml"));
        hash.add_files(root, files)?;
    }
    hash.add("Cargo.lock", dependencies(&read(root, "Cargo.lock")?).as_bytes());
    hash.add("Cargo.toml", profiles(&read(root, "Cargo.toml")?).as_bytes());
    hash.add("flags", format!("{:?}", build::FLAGS).as_bytes());
    Ok(hash.finish())
}

fn read(root: &Path, name: &str) -> Result<String> {
    let file = root.join(name);
    fs::read_to_string(&file).with_context(|| format!("read {}", file.display()))
}

/// Whether this is the source of tests, which never get into the object.
fn is_test(file: &Path) -> bool {
    let name = file.file_name().and_then(OsStr::to_str).unwrap_or_default();
    (name.starts_with("tests") && name.ends_with(".rs"))
        || file.parent().is_some_and(|path| path.iter().any(|part| part == "tests"))
}

/// The lock file's entries of the crates that are linked into the object: all named `aya-ebpf…`.
fn dependencies(lock: &str) -> String {
    paragraphs(lock, "[[package]]", |entry| {
        entry.lines().any(|line| line.starts_with("name = \"aya-ebpf"))
    })
}

/// The manifest's sections on profiles.
fn profiles(manifest: &str) -> String {
    paragraphs(manifest, "[profile", |_| true)
}

/// The sections of a TOML text that start with this header and please the caller. A section ends
/// where the next begins.
fn paragraphs(toml: &str, header: &str, mut wanted: impl FnMut(&str) -> bool) -> String {
    let mut sections: Vec<String> = Vec::new();
    for line in toml.lines() {
        if line.starts_with('[') || sections.is_empty() {
            sections.push(String::new());
        }
        if let Some(section) = sections.last_mut().filter(|_| !line.trim().is_empty()) {
            section.push_str(line);
            section.push('\n');
        }
    }
    sections.retain(|section| section.starts_with(header) && wanted(section));
    sections.concat()
}

#[cfg(test)]
mod tests;
