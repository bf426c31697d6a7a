//! The end of a process that is no child of ours.

use std::io;
use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::ProcessError;

/// Waits for the end of one process. The number cannot come to mean another process meanwhile.
#[derive(Debug)]
pub struct ExitWatch {
    pid: u32,
    descriptor: AsyncFd<OwnedFd>,
}

impl ExitWatch {
    /// Watches a process from now on. Needs a tokio runtime.
    ///
    /// # Errors
    /// There is no such process, or the system gives no descriptor for it.
    pub fn new(pid: u32) -> Result<Self, ProcessError> {
        let number = i32::try_from(pid).ok().and_then(Pid::from_raw);
        let number = number.ok_or(ProcessError::Gone { pid })?;
        let failed = |source: io::Error| ProcessError::Read {
            path: format!("the state of process {pid}").into(),
            source,
        };
        let descriptor = match pidfd_open(number, PidfdFlags::NONBLOCK) {
            Ok(descriptor) => descriptor,
            Err(Errno::SRCH) => return Err(ProcessError::Gone { pid }),
            Err(error) => return Err(failed(error.into())),
        };
        // SAFETY: the AsyncFd owns the descriptor: it stays open, and the same, until it is dropped.
        let descriptor = unsafe { AsyncFd::register_with_interest(descriptor, Interest::READABLE) }
            .map_err(|error| failed(error.into()))?;
        Ok(Self { pid, descriptor })
    }

    /// The process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Returns once the process has ended. May be dropped and called again.
    ///
    /// # Errors
    /// The runtime is shutting down.
    pub async fn ended(&self) -> io::Result<()> {
        self.descriptor.readable().await.map(drop)
    }

    /// Returns once all of them have ended; at once where there is none.
    ///
    /// # Errors
    /// The runtime is shutting down.
    pub async fn all_ended(watches: &[Self]) -> io::Result<()> {
        // One after the other: the order in which they end does not matter.
        for watch in watches {
            watch.ended().await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn all_must_end() {
        let spawn = || Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let mut children = [spawn(), spawn()];
        let watches = children.each_ref().map(|child| ExitWatch::new(child.id()).unwrap());
        let brief = Duration::from_millis(50);
        children[0].stdin = None;
        timeout(Duration::from_secs(10), watches[0].ended()).await.unwrap().unwrap();
        assert!(timeout(brief, ExitWatch::all_ended(&watches)).await.is_err());
        children[1].stdin = None;
        let all = ExitWatch::all_ended(&watches);
        timeout(Duration::from_secs(10), all).await.unwrap().unwrap();
        children.iter_mut().for_each(|child| drop(child.wait()));
    }

    #[tokio::test]
    async fn nobody_to_wait_for() {
        ExitWatch::all_ended(&[]).await.unwrap();
        for pid in [0, 1 << 30, u32::MAX] {
            assert!(matches!(ExitWatch::new(pid), Err(ProcessError::Gone { .. })), "{pid}");
        }
    }
}
