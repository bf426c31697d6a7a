//! A session in one file: what the kernel side told, and the names of it.
//!
//! The format is described in `docs/recording-format.md`. A recording is written in blocks, each whole
//! in itself, so that one that was cut short is readable up to the cut. The names stand at the
//! end, so that naming never holds up a hit; with them it can be reported where no binary is.

mod block;
mod entry;
mod error;
mod names;
mod reader;
mod writer;

pub use error::RecordingError;
pub use names::RecordedNames;
pub use reader::{Recording, Rest};
pub use writer::Recorder;

/// The first bytes of every recording; the last two are the version.
pub(crate) const MAGIC: [u8; 10] = *b"cgotrace\x01\x00";

/// The first bytes of the last 16 of a finished recording; the position of the names follows.
const TRAILER: [u8; 8] = *b"cgonames";

/// How many frames of all stacks together the tables of writer and reader hold; then both forget.
const MAX_TABLE_FRAMES: usize = 1 << 20;
/// The same for threads.
const MAX_TABLE_THREADS: usize = 64 << 10;
/// How many places are named at most. What lies beyond keeps its module and its offset.
const MAX_PLACES: usize = 1 << 20;

#[cfg(test)]
mod tests;
