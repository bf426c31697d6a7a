//! The output of a session, until its reader goes away.

use std::io::{self, Write};
use std::time::Duration;

use rustc_hash::FxHashMap;

use super::SessionError;
use crate::event::Hit;
use crate::object::Modules;
use crate::recording::Recorder;
use crate::sink::{Sink, Start};
use crate::stack::{ClockOffset, Stack, Summary};
use crate::symbol::Symbolize;

/// How often what was recorded goes to the file.
const FLUSH_EVERY: Duration = Duration::from_secs(1);

/// Where hits go.
pub enum Destination {
    /// Named, to a format.
    Stacks(Box<dyn Sink + Send>),
    /// As they come, to a recording; what is written is its file.
    Recording(Box<dyn Write + Send>),
}

/// An output whose reader may close it: such a reader has what it wanted, and the session ends.
pub(super) struct Output {
    open: Option<Open>,
}

enum Open {
    Stacks(Box<dyn Sink + Send>),
    Recording { recorder: Box<Recorder>, flushed: Duration },
}

impl Output {
    /// Takes an output as it was made; its reader may have gone by then. `labels` are what probes
    /// are called, by cookie.
    pub(super) fn new(
        made: Result<Destination, SessionError>,
        start: &Start,
        labels: &FxHashMap<u64, String>,
        clock: ClockOffset,
    ) -> Result<Self, SessionError> {
        let opened = made.and_then(|made| match made {
            Destination::Stacks(sink) => Ok(Open::Stacks(sink)),
            Destination::Recording(out) => Recorder::new(out, start, labels, clock)
                .map(|recorder| Open::Recording {
                    recorder: Box::new(recorder),
                    flushed: Duration::ZERO,
                })
                .map_err(SessionError::Output),
        });
        match opened {
            Ok(open) => Ok(Self { open: Some(open) }),
            Err(SessionError::Output(error)) if is_closed_pipe(&error) => Ok(Self { open: None }),
            Err(error) => Err(error),
        }
    }

    /// An output of stacks.
    pub(super) fn of_sink(
        made: Result<Box<dyn Sink + Send>, SessionError>,
    ) -> Result<Self, SessionError> {
        let labels = FxHashMap::default();
        Self::new(made.map(Destination::Stacks), &Start::default(), &labels, ClockOffset(0))
    }

    /// Whether nobody reads any more.
    pub(super) fn is_closed(&self) -> bool {
        self.open.is_none()
    }

    /// Whether hits are wanted as they are, without names.
    pub(super) fn is_recording(&self) -> bool {
        matches!(self.open, Some(Open::Recording { .. }))
    }

    /// Writes a stack, where that is what is wanted.
    pub(super) fn write(&mut self, stack: &Stack) -> Result<(), SessionError> {
        self.try_to(|open| match open {
            Open::Stacks(sink) => sink.write(stack),
            Open::Recording { .. } => Ok(()),
        })
    }

    /// Records a hit, where that is what is wanted.
    pub(super) fn record(&mut self, hit: &Hit, modules: &Modules) -> Result<(), SessionError> {
        self.try_to(|open| match open {
            Open::Stacks(_) => Ok(()),
            Open::Recording { recorder, .. } => recorder.write(hit, modules),
        })
    }

    pub(super) fn tick(&mut self, elapsed: Duration) -> Result<(), SessionError> {
        self.try_to(|open| match open {
            Open::Stacks(sink) => sink.tick(elapsed),
            Open::Recording { recorder, flushed } => {
                if elapsed.saturating_sub(*flushed) < FLUSH_EVERY {
                    return Ok(());
                }
                *flushed = elapsed;
                recorder.flush()
            }
        })
    }

    /// Writes the end. A recording takes the names along; `progress` hears how many places of how
    /// many have one.
    pub(super) fn finish(
        &mut self,
        summary: &Summary,
        symbols: &mut dyn Symbolize,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<(), SessionError> {
        self.try_to(|open| match open {
            Open::Stacks(sink) => sink.finish(summary),
            Open::Recording { recorder, .. } => {
                recorder.finish(symbols, &summary.lost, summary.duration, progress)
            }
        })
    }

    fn try_to(
        &mut self,
        act: impl FnOnce(&mut Open) -> io::Result<()>,
    ) -> Result<(), SessionError> {
        let Some(open) = &mut self.open else { return Ok(()) };
        match act(open) {
            Err(error) if is_closed_pipe(&error) => {
                self.open = None;
                Ok(())
            }
            result => result.map_err(SessionError::Output),
        }
    }
}

fn is_closed_pipe(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::BrokenPipe
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::symbol::Symbolizer;

    struct Failing(io::ErrorKind);

    impl Sink for Failing {
        fn write(&mut self, _: &Stack) -> io::Result<()> {
            Err(self.0.into())
        }

        fn finish(&mut self, _: &Summary) -> io::Result<()> {
            Err(self.0.into())
        }
    }

    #[test]
    fn only_a_closed_pipe_is_no_failure() {
        let failing = |kind| Output::of_sink(Ok(Box::new(Failing(kind)))).unwrap();
        let finish = |output: &mut Output| {
            let mut names = Symbolizer::default();
            output.finish(&Summary::default(), &mut names, &mut |_, _| {})
        };
        let mut output = failing(io::ErrorKind::BrokenPipe);
        assert!(!output.is_closed());
        assert!(finish(&mut output).is_ok() && output.is_closed());
        let mut output = failing(io::ErrorKind::StorageFull);
        assert!(finish(&mut output).is_err() && !output.is_closed());
        let made = |kind: io::ErrorKind| Output::of_sink(Err(SessionError::Output(kind.into())));
        assert!(made(io::ErrorKind::BrokenPipe).is_ok_and(|output| output.is_closed()));
        assert!(made(io::ErrorKind::StorageFull).is_err());
    }
}
