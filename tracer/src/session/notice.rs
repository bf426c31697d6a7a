//! What a session tells while it runs; the texts belong to the binary.

use std::path::PathBuf;
use std::time::Duration;

use crate::bpf::{AttachMethod, Progress};

/// So many probes are attached before the time for the others is told.
const MEASURED: usize = 8;
/// What takes less than this is not worth a word.
const WORTH_A_WORD: Duration = Duration::from_secs(1);

/// One piece of news.
#[derive(Clone, Debug)]
pub enum Notice {
    /// Probes are attached one by one, and that will take time.
    OneByOne {
        /// How many there are.
        probes: usize,
        /// How long it takes, by what the first ones took.
        time: Duration,
        /// Why it is done so.
        why: String,
    },
    /// How far attaching is. Comes often.
    Attaching(Progress),
    /// How far detaching is. Comes often.
    Detaching(Progress),
    /// All probes are armed: a call from now on is seen.
    Armed {
        /// How many probes.
        probes: usize,
        /// How many processes run the target now.
        processes: usize,
    },
    /// Something could not be used; the session goes on without it.
    Warning(String),
    /// No probe was hit: what is known about why.
    NoHits(NoHits),
}

/// What is known when no probe was hit.
#[derive(Clone, Debug)]
pub struct NoHits {
    /// The probed file.
    pub binary: PathBuf,
    /// How many processes were seen to run it.
    pub processes: usize,
    /// How many functions were probed.
    pub probes: usize,
    /// How long probes were armed.
    pub duration: Duration,
}

/// Turns the progress of attaching into news.
pub(super) struct Attaching<'a> {
    one_by_one: Option<String>,
    notify: &'a mut dyn FnMut(Notice),
}

impl<'a> Attaching<'a> {
    pub(super) fn new(method: AttachMethod, notify: &'a mut dyn FnMut(Notice)) -> Self {
        let one_by_one = match method {
            AttachMethod::OneLink => None,
            AttachMethod::OneByOne(why) => Some(why),
        };
        Self { one_by_one, notify }
    }

    /// Tells the cost once, when it is known, and each step.
    pub(super) fn hear(&mut self, progress: Progress) {
        if progress.done >= MEASURED
            && progress.remaining >= WORTH_A_WORD
            && let Some(why) = self.one_by_one.take()
        {
            let (probes, time) = (progress.of, progress.remaining);
            (self.notify)(Notice::OneByOne { probes, time, why });
        }
        (self.notify)(Notice::Attaching(progress));
    }
}
