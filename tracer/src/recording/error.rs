//! What is wrong with a recording.

use std::io;
use std::path::PathBuf;

/// Why a recording cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// The file cannot be read.
    #[error("cannot read the recording {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is something else.
    #[error(
        "cannot read {}: it is no recording of cgotrace; `cgotrace record` writes one",
        path.display()
    )]
    NoRecording {
        /// The file.
        path: PathBuf,
    },
    /// It is of another version.
    #[error(
        "cannot read the recording {}: its format has version {version}, this cgotrace reads \
         version 1; take the cgotrace that wrote it",
        path.display()
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// What it says.
        version: u8,
    },
    /// Bytes that no writer writes.
    #[error("cannot read the recording {} from byte {at} on: {what}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where its block starts.
        at: u64,
        /// What is wrong.
        what: String,
    },
}
