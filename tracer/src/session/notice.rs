//! What a session tells while it runs; the texts belong to the binary.

use std::path::PathBuf;
use std::time::Duration;

use crate::bpf::Progress;

/// One piece of news.
#[derive(Clone, Debug)]
pub enum Notice {
    /// Probes are attached one by one, and that will take time.
    OneByOne {
        /// How many there are.
        probes: usize,
        /// How long attaching and detaching take together, measured on one of them.
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
    /// How many stacks were written so far. Comes often.
    Counting {
        /// Stacks, incomplete ones included.
        events: u64,
    },
    /// How many places of a recording are named. Comes often.
    Naming {
        /// So many.
        done: usize,
        /// Of so many.
        of: usize,
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
