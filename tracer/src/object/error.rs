//! Why a file cannot be used.

use std::path::PathBuf;

/// Why an ELF file could not be opened or read. Each text says what was attempted, on what, why it
/// failed, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum ObjectError {
    /// The file could not be opened or mapped.
    #[error("cannot open {}: {source}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The path is a directory, a pipe, a device.
    #[error("cannot read {}: it is {what}, not a program; name the executable file", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
        /// What it is, with its article.
        what: &'static str,
    },
    /// The file does not start as an ELF file does.
    #[error("cannot trace {}: it is not an ELF file{}; name the compiled program", path.display(), hint)]
    NotElf {
        /// The file.
        path: PathBuf,
        /// What it seems to be, with a leading comma, or nothing.
        hint: String,
    },
    /// An ELF file for another machine.
    #[error("cannot trace {}: it is {what}; cgotrace traces 64-bit x86-64 programs", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What it is, with its article.
        what: String,
    },
    /// An ELF file that ends too early or contradicts itself.
    #[error("cannot read {}: {what}; the file is truncated or damaged, build or copy it again", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What does not hold.
        what: String,
    },
}
