//! Lists of directories, as they stand in a file or in the environment.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::token::Tokens;

/// The most directories of one list.
const MAX_DIRECTORIES: usize = 1024;

/// The directories of a list, absolute, in order and each once. An empty one is the working
/// directory; relative ones are left out where that is not known.
pub(super) fn directories(
    list: &OsStr,
    separators: &[u8],
    tokens: &Tokens<'_>,
    working: Option<&Path>,
) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = Vec::new();
    for part in list.as_bytes().split(|byte| separators.contains(byte)).take(MAX_DIRECTORIES) {
        let directory = PathBuf::from(tokens.expand(OsStr::from_bytes(part)));
        let directory = match working {
            _ if directory.is_absolute() => directory,
            Some(working) => working.join(directory),
            None => continue,
        };
        if !found.contains(&directory) {
            found.push(directory);
        }
    }
    found
}

/// The names in `LD_PRELOAD`, or in the text of `/etc/ld.so.preload`, where `#` begins a comment.
pub(super) fn preloads(text: &[u8]) -> impl Iterator<Item = &OsStr> {
    let lines = text.split(|byte| *byte == b'\n');
    let lines = lines.map(|line| line.split(|byte| *byte == b'#').next().unwrap_or_default());
    lines
        .flat_map(|line| line.split(|byte| b" \t:".contains(byte)))
        .filter(|name| !name.is_empty())
        .map(OsStr::from_bytes)
}
