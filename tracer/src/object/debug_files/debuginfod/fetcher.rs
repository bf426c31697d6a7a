//! Fetching in threads of their own.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustc_hash::FxHashSet;

use super::{Client, FetchError};
use crate::object::BuildId;

/// How many files are fetched at a time.
const THREADS: usize = 4;

/// The most files that are asked for in one session.
const MAX_REQUESTS: usize = 1024;

/// What became of one request.
#[derive(Debug)]
pub struct Fetched {
    /// Whose debug file it was to be.
    pub id: BuildId,
    /// The file; `None` where no server has it.
    pub result: Result<Option<PathBuf>, FetchError>,
}

/// Debug files on their way.
#[derive(Debug)]
pub struct Fetcher {
    client: Arc<Client>,
    requests: Sender<BuildId>,
    queue: Arc<Mutex<Receiver<BuildId>>>,
    done: Receiver<Fetched>,
    report: Sender<Fetched>,
    asked: FxHashSet<BuildId>,
    open: usize,
    threads: usize,
}

impl Fetcher {
    /// A fetcher of what this client can get.
    #[must_use]
    pub fn new(client: Client) -> Self {
        let (requests, queue) = channel();
        let (report, done) = channel();
        Self {
            client: Arc::new(client),
            requests,
            queue: Arc::new(Mutex::new(queue)),
            done,
            report,
            asked: FxHashSet::default(),
            open: 0,
            threads: 0,
        }
    }

    /// Asks for the debug file of a build, once. Does not wait.
    pub fn request(&mut self, id: &BuildId) {
        if self.asked.len() >= MAX_REQUESTS || !self.asked.insert(id.clone()) {
            return;
        }
        if self.threads < THREADS && self.threads <= self.open {
            self.threads += usize::from(self.start_thread());
        }
        if self.threads > 0 && self.requests.send(id.clone()).is_ok() {
            self.open += 1;
        }
    }

    /// What has come since the last call. Does not wait.
    pub fn take(&mut self) -> Option<Fetched> {
        if self.open == 0 {
            return None;
        }
        let fetched = self.done.try_recv().ok()?;
        self.open -= 1;
        Some(fetched)
    }

    /// Waits for the next that comes, until `deadline`; `None` then, and where nothing is open.
    pub fn wait(&mut self, deadline: Instant) -> Option<Fetched> {
        if self.open == 0 {
            return None;
        }
        let left = deadline.saturating_duration_since(Instant::now());
        let fetched = self.done.recv_timeout(left).ok()?;
        self.open -= 1;
        Some(fetched)
    }

    /// How many requests are open.
    #[must_use]
    pub fn open(&self) -> usize {
        self.open
    }

    /// How long one file may take.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.client.timeout()
    }

    fn start_thread(&self) -> bool {
        let client = Arc::clone(&self.client);
        let (queue, report) = (Arc::clone(&self.queue), self.report.clone());
        let work = move || {
            loop {
                let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
                // The session has ended.
                let Ok(id) = next else { return };
                let result = client.fetch(&id);
                if report.send(Fetched { id, result }).is_err() {
                    return;
                }
            }
        };
        thread::Builder::new().name("debuginfod".to_owned()).spawn(work).is_ok()
    }
}
