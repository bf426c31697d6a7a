//! Events of the running kernel: the ring buffer, decoded.

use std::io;
use std::os::fd::{AsRawFd, RawFd};

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::{Decoder, Event, EventError, EventSource};
use crate::bpf::Ring;

/// The ring buffer as a source of events. Its file descriptor is readable when one is at hand.
pub struct LiveSource {
    ring: Ring,
    decoder: Decoder,
}

impl LiveSource {
    /// Reads from `ring`.
    #[must_use]
    pub fn new(ring: Ring) -> Self {
        Self { ring, decoder: Decoder::default() }
    }

    /// The same, as what a task can wait for. Needs a tokio runtime.
    ///
    /// # Errors
    /// The runtime cannot watch one more descriptor.
    pub fn watched(self) -> io::Result<AsyncFd<Self>> {
        // SAFETY: the ring buffer owns its descriptor and keeps it open, and the same, as long as
        // it lives.
        let watched = unsafe { AsyncFd::register_with_interest(self, Interest::READABLE) };
        watched.map_err(Into::into)
    }
}

impl EventSource for LiveSource {
    fn next_event(&mut self) -> Result<Option<Event>, EventError> {
        self.ring.next(|record| self.decoder.decode(record)).transpose()
    }
}

impl AsRawFd for LiveSource {
    fn as_raw_fd(&self) -> RawFd {
        self.ring.as_raw_fd()
    }
}
