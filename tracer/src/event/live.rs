//! Events of the running kernel: the ring buffer, decoded.

use std::os::fd::{AsRawFd, RawFd};

use super::decode::decode;
use super::{Event, EventError, EventSource};
use crate::bpf::Ring;

/// The ring buffer as a source of events. Its file descriptor is readable when one is at hand.
pub struct LiveSource {
    ring: Ring,
}

impl LiveSource {
    /// Reads from `ring`.
    #[must_use]
    pub fn new(ring: Ring) -> Self {
        Self { ring }
    }
}

impl EventSource for LiveSource {
    fn next_event(&mut self) -> Result<Option<Event>, EventError> {
        self.ring.next(decode).transpose()
    }
}

impl AsRawFd for LiveSource {
    fn as_raw_fd(&self) -> RawFd {
        self.ring.as_raw_fd()
    }
}
