//! Outputs, one format a file. They know the model of a stack, and nothing of where it comes from.

mod cache;
mod flamegraph;
mod folded;
mod group;
mod json;
mod label;
mod line;
mod pprof;
pub mod sanitize;
mod speedscope;
mod text;
mod tree;
mod view;
mod words;

use std::io;
use std::path::PathBuf;
use std::time::Duration;

pub use flamegraph::{FlamegraphSink, write_differential};
pub use folded::{FoldedCounts, FoldedSink, NameKind};
pub use group::GroupSink;
pub use json::JsonSink;
pub use line::write_json_line;
pub use pprof::{PprofSink, proto as pprof_proto};
pub use speedscope::SpeedscopeSink;
pub use text::{TextOptions, TextSink};
pub use view::{Line, Plumbing, View};
pub use words::{describe_loss, describe_problem};

use crate::address::FileOffset;
use crate::stack::{Stack, Summary};

/// Where stacks go.
pub trait Sink {
    /// Writes one stack, so that a reader has it at once.
    ///
    /// # Errors
    /// The output cannot be written.
    fn write(&mut self, stack: &Stack) -> io::Result<()>;

    /// Hears now and then how long the session has run, while it runs: for what is written from
    /// time to time.
    ///
    /// # Errors
    /// The output cannot be written.
    fn tick(&mut self, _elapsed: Duration) -> io::Result<()> {
        Ok(())
    }

    /// Writes what the format has for the end.
    ///
    /// # Errors
    /// The output cannot be written.
    fn finish(&mut self, summary: &Summary) -> io::Result<()>;
}

/// What is known before the first stack: a sink takes it when it is made.
#[derive(Clone, Debug, Default)]
pub struct Start {
    /// The probes of the session.
    pub probes: Vec<ProbeLabel>,
    /// The program that is traced, where it is one: frames in it need no module shown.
    pub executable: Option<PathBuf>,
}

/// One probe, as outputs show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeLabel {
    /// What [`Stack::probe`] says: the first of `names`, or the place where there is none.
    pub name: String,
    /// Every function that starts at this place, by its linkage name.
    pub names: Vec<String>,
    /// The file that is probed.
    pub module: PathBuf,
    /// The place in it.
    pub offset: FileOffset,
}
