//! Why patterns give no probe points.

use std::path::PathBuf;

/// Why patterns give no probe points.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProbeError {
    /// No function has such a name.
    #[error("cannot find a function `{pattern}` in {}{}", path.display(), advice(near, *stripped))]
    NoMatch {
        /// The pattern.
        pattern: String,
        /// The file.
        path: PathBuf,
        /// Up to five near names.
        near: Vec<String>,
        /// Whether the file has no symbols at all.
        stripped: bool,
    },
    /// More functions than the limit.
    #[error(
        "cannot probe {found} functions of {}: the limit is {limit}; \
         narrow the pattern or raise it with --max-probes {found}",
        path.display()
    )]
    TooMany {
        /// The file.
        path: PathBuf,
        /// How many were found.
        found: usize,
        /// The limit.
        limit: usize,
    },
    /// The function has no code of its own.
    #[error(
        "cannot probe `{name}` in {}: it exists only inlined, into {}; probe {}",
        path.display(), list(into), if into.len() == 1 { "that" } else { "one of those" }
    )]
    OnlyInlined {
        /// The function.
        name: String,
        /// The file.
        path: PathBuf,
        /// The functions it was inlined into; at least one.
        into: Vec<String>,
    },
    /// An indirect function, whose symbol is its resolver.
    #[error(
        "cannot probe `{name}` in {}: it is an indirect function (IFUNC), which the dynamic linker \
         resolves at start, and no running process tells to what; name the implementation or trace a \
         process that uses it",
        path.display()
    )]
    Ifunc {
        /// The function.
        name: String,
        /// The file.
        path: PathBuf,
    },
    /// An address where no instruction is known to begin: a probe there would break the program.
    #[error(
        "cannot probe {pattern} in {}: {why}, and a probe inside an instruction would break the \
         program; give an address that a disassembler shows",
        path.display()
    )]
    NotInstruction {
        /// The pattern.
        pattern: String,
        /// The file.
        path: PathBuf,
        /// What is known of the place.
        why: String,
    },
    /// An address or offset outside the code.
    #[error("cannot probe {pattern} in {}: no code lies there; {}", path.display(), ADDRESS_HINT)]
    NotCode {
        /// The pattern.
        pattern: String,
        /// The file.
        path: PathBuf,
    },
}

const ADDRESS_HINT: &str =
    "0x… is a virtual address of the file as `nm` shows it, name+0x… an offset in the file";

fn list(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn advice(near: &[String], stripped: bool) -> String {
    if !near.is_empty() {
        format!("; near names: {}", list(near))
    } else if stripped {
        "; it has no symbols, probe by address (0x…) or use a file that is not stripped".to_owned()
    } else {
        "; `cgotrace list` shows what can be probed".to_owned()
    }
}
