//! A line on the terminal that shows how far a long step is.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use tracer::bpf::Progress;

/// So many probes are worth a line, or so much time.
const MANY: usize = 50;
const LONG: Duration = Duration::from_millis(500);
/// The line changes no more often than this.
const PAUSE: Duration = Duration::from_millis(50);

/// Counts change no more often than this.
const COUNTED: Duration = Duration::from_millis(250);

/// The last line of standard error, where that is a terminal.
pub(crate) struct ProgressLine {
    last: Option<Instant>,
    is_wanted: bool,
}

impl ProgressLine {
    /// A line that is shown only where it is wanted, and on a terminal.
    pub(crate) fn new(is_wanted: bool) -> Self {
        Self { last: None, is_wanted: is_wanted && std::io::stderr().is_terminal() }
    }

    /// Shows it, unless it is short, or was shown just now.
    pub(crate) fn show(&mut self, what: &str, progress: Progress) {
        let is_worth_it = progress.of > MANY || progress.remaining > LONG;
        let is_due = self.last.is_none_or(|last| last.elapsed() >= PAUSE);
        if progress.done >= progress.of {
            self.clear();
        } else if is_worth_it && is_due {
            self.draw(&line(what, progress));
        }
    }

    /// Shows how many stacks were written, unless that was shown just now.
    pub(crate) fn count(&mut self, events: u64) {
        if self.last.is_none_or(|last| last.elapsed() >= COUNTED) {
            let stacks = if events == 1 { "stack" } else { "stacks" };
            self.draw(&format!("cgotrace: {events} {stacks} so far"));
        }
    }

    /// Shows how many places are named, unless that was shown just now, or is done at once.
    pub(crate) fn name(&mut self, done: usize, of: usize) {
        if of > MANY && self.last.is_none_or(|last| last.elapsed() >= COUNTED) {
            self.draw(&format!("cgotrace: naming places: {done} of {of}"));
        }
    }

    fn draw(&mut self, text: &str) {
        if self.is_wanted {
            self.last = Some(Instant::now());
            let mut out = std::io::stderr().lock();
            // What cannot be shown is no failure.
            let _ = write!(out, "\r\x1b[K{text}");
            let _ = out.flush();
        }
    }

    /// Takes the line away, so that another can be written.
    pub(crate) fn clear(&mut self) {
        if self.last.take().is_some() {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}

fn line(what: &str, progress: Progress) -> String {
    let Progress { done, of, remaining } = progress;
    let left = match remaining.as_secs() {
        0 => String::new(),
        seconds => format!(", about {seconds} s left"),
    };
    format!("cgotrace: {what}: {done} of {of}{left}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_is_said_where_it_matters() {
        let progress = |remaining| Progress { done: 256, of: 1200, remaining };
        let short = line("attaching probes", progress(Duration::from_millis(900)));
        assert_eq!(short, "cgotrace: attaching probes: 256 of 1200");
        let long = line("attaching probes", progress(Duration::from_millis(7900)));
        assert_eq!(long, "cgotrace: attaching probes: 256 of 1200, about 7 s left");
    }
}
