//! The output of a session, until its reader goes away.

use std::io;
use std::time::Duration;

use super::SessionError;
use crate::sink::Sink;
use crate::stack::{Stack, Summary};

/// A sink whose reader may close it: such a reader has what it wanted, and the session ends.
pub(super) struct Output {
    sink: Option<Box<dyn Sink>>,
}

impl Output {
    /// Takes a sink as it was made; its reader may have gone by then.
    pub(super) fn new(made: Result<Box<dyn Sink>, SessionError>) -> Result<Self, SessionError> {
        match made {
            Ok(sink) => Ok(Self { sink: Some(sink) }),
            Err(SessionError::Output(error)) if is_closed_pipe(&error) => Ok(Self { sink: None }),
            Err(error) => Err(error),
        }
    }

    /// Whether nobody reads any more.
    pub(super) fn is_closed(&self) -> bool {
        self.sink.is_none()
    }

    pub(super) fn write(&mut self, stack: &Stack) -> Result<(), SessionError> {
        self.try_to(|sink| sink.write(stack))
    }

    pub(super) fn tick(&mut self, elapsed: Duration) -> Result<(), SessionError> {
        self.try_to(|sink| sink.tick(elapsed))
    }

    pub(super) fn finish(&mut self, summary: &Summary) -> Result<(), SessionError> {
        self.try_to(|sink| sink.finish(summary))
    }

    fn try_to(
        &mut self,
        act: impl FnOnce(&mut dyn Sink) -> io::Result<()>,
    ) -> Result<(), SessionError> {
        let Some(sink) = &mut self.sink else { return Ok(()) };
        match act(&mut **sink) {
            Err(error) if is_closed_pipe(&error) => {
                self.sink = None;
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
        let summary = Summary::default();
        let mut output = Output::new(Ok(Box::new(Failing(io::ErrorKind::BrokenPipe)))).unwrap();
        assert!(!output.is_closed());
        assert!(output.finish(&summary).is_ok() && output.is_closed());
        let mut output = Output::new(Ok(Box::new(Failing(io::ErrorKind::StorageFull)))).unwrap();
        assert!(output.finish(&summary).is_err() && !output.is_closed());
        let made = |kind: io::ErrorKind| Output::new(Err(SessionError::Output(kind.into())));
        assert!(made(io::ErrorKind::BrokenPipe).is_ok_and(|output| output.is_closed()));
        assert!(made(io::ErrorKind::StorageFull).is_err());
    }
}
