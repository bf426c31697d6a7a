//! Calls that a probe does not see, because a compiler copied the function into its callers.
//!
//! To find them all debug information is read, half a second for a hundred megabytes, so this goes
//! on beside the session, and gives way to everything else.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread::Builder;
use std::time::{Duration, Instant};

use rustix::process::setpriority_process;

use super::target::Target;
use crate::object::{DebugFiles, Dwarf, Language, ObjectFile, ProbePoint};

/// Of so many functions it is looked for; who probes more has a pattern and knows that.
const MOST: usize = 4;

/// The most bytes of files that are read for it.
const MOST_BYTES: usize = 1 << 30;

/// How long a session that has ended waits for the answer.
const PATIENCE: Duration = Duration::from_secs(1);

/// One probed function.
struct Probed {
    object: Arc<ObjectFile>,
    debug_file: Option<Arc<ObjectFile>>,
    /// Its linkage name.
    name: String,
    /// What it is called.
    display: String,
}

/// A search that goes on.
pub(super) struct UnseenCalls {
    found: Receiver<String>,
}

impl UnseenCalls {
    /// Starts to look for inlined calls of what is probed. `points` are those of each file of each
    /// target.
    pub(super) fn look_for(
        targets: &[Target],
        points: &[Vec<Vec<ProbePoint>>],
        debug_files: &DebugFiles,
    ) -> Self {
        let (sender, found) = channel();
        let of_files = targets.iter().flat_map(|target| &target.files).zip(points.iter().flatten());
        let probed = of_files.flat_map(|(file, points)| {
            let debug_file = debug_files.find(&file.object).file;
            points.iter().filter(|point| point.language != Language::Go).filter_map(move |point| {
                Some(Probed {
                    object: Arc::clone(&file.object),
                    debug_file: debug_file.clone(),
                    name: point.names.first()?.clone(),
                    display: point.display.clone(),
                })
            })
        });
        let probed: Vec<_> = probed.take(MOST + 1).collect();
        if probed.len() <= MOST {
            let debug_files = debug_files.clone();
            let search = move || {
                // On Linux this is of the calling thread. A refusal costs nothing but time.
                let _ = setpriority_process(None, 5);
                let mut told = HashSet::new();
                for warning in probed.iter().filter_map(|function| function.unseen(&debug_files)) {
                    // Several targets may have one file, or builds of it.
                    if told.insert(warning.clone()) {
                        // The session may have ended.
                        let _ = sender.send(warning);
                    }
                }
            };
            // Without it only a warning is missing.
            let _ = Builder::new().name("inlined-calls".to_owned()).spawn(search);
        }
        Self { found }
    }

    /// Says what was found by now.
    pub(super) fn tell(&self, warn: &mut dyn FnMut(String)) {
        self.found.try_iter().for_each(warn);
    }

    /// Waits a moment for the rest, and says it.
    pub(super) fn finish(self, warn: &mut dyn FnMut(String)) {
        let deadline = Instant::now() + PATIENCE;
        while let Ok(warning) = self.found.recv_timeout(deadline - Instant::now().min(deadline)) {
            warn(warning);
        }
    }
}

impl Probed {
    /// What to say of it.
    fn unseen(&self, debug_files: &DebugFiles) -> Option<String> {
        let files = [Some(&self.object), self.debug_file.as_ref()];
        if files.into_iter().flatten().map(|file| file.data().len()).sum::<usize>() > MOST_BYTES {
            return None;
        }
        let dwarf = Dwarf::find(&self.object, self.debug_file.as_ref(), debug_files)?;
        let into: Vec<_> =
            dwarf.inlined_into(&self.name).iter().map(|f| format!("`{f}`")).collect();
        if into.is_empty() {
            return None;
        }
        Some(format!(
            "calls of `{}` were inlined into {}; the probe does not see those",
            self.display,
            into.join(", ")
        ))
    }
}
