//! Bytes of the ring buffer to typed events. Knows no process and no name.

mod decode;
mod live;

pub use decode::Decoder;
pub use live::LiveSource;

use std::sync::Arc;

use tracer_common::event::{Control, Frame};
use tracer_common::reason::{End, Loss, Reason};

/// One hit of a probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// When, CLOCK_MONOTONIC, nanoseconds.
    pub time: u64,
    /// The process, as cgotrace's PID namespace sees it; 0 where it has no number there.
    pub pid: u32,
    /// The thread, likewise.
    pub tid: u32,
    /// Which probe: `tracer_common::map::cookie`.
    pub cookie: u64,
    /// The goroutine's id, where known.
    pub goroutine: Option<u64>,
    /// The cgroup's id (cgroup v2), where there is one.
    pub cgroup: Option<u64>,
    /// The thread's name, as the kernel has it: untrusted bytes, no trailing zeros.
    pub comm: Vec<u8>,
    /// Where the walk ended.
    pub end: End,
    /// Why, for [`End::Error`].
    pub reason: Option<Reason>,
    /// Names the stack: hits of one source with the same number have the same frames, end and
    /// reason. 0 where the source does not say.
    pub stack: u64,
    /// The physical frames, innermost first.
    pub frames: Arc<[Frame]>,
}

/// One thing that an [`EventSource`] tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A probe was hit.
    Hit(Hit),
    /// A process or a module that the kernel side did not know.
    Control(Control),
    /// So many events were lost, since the last such event.
    Lost(Loss, u64),
}

/// Where events come from: a live session, or a recording.
pub trait EventSource {
    /// The next event that is at hand; `None` where there is none now.
    ///
    /// # Errors
    /// The record is damaged: its bytes are no event of this version.
    fn next_event(&mut self) -> Result<Option<Event>, EventError>;
}

/// Bytes that are no event.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum EventError {
    /// A record shorter than its kind demands.
    #[error("cannot read an event: {have} bytes where its kind needs {need}")]
    Short {
        /// Bytes that are there.
        have: usize,
        /// Bytes that are needed.
        need: usize,
    },
    /// What a source that is no ring buffer says.
    #[error("{0}")]
    Source(String),
    /// A value that no version of this program writes.
    #[error("cannot read an event: {what} is {value}")]
    Unknown {
        /// Which field.
        what: &'static str,
        /// What it holds.
        value: u64,
    },
}
