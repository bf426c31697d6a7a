//! The thread that names stacks and writes them.
//!
//! Debug information is read when its first name is asked for, and whoever reads the output may
//! stop reading. Neither may hold up events: behind them the kernel side waits to hear of new
//! processes and libraries. So hits go through a queue. It is bounded, and what finds no room is
//! counted as lost.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use rustc_hash::FxHashMap;
use tracer_common::event::Frame;

use super::SessionError;
use super::notice::Notice;
use super::output::Output;
use super::places::Places;
use crate::event::Hit;
use crate::object::go::GoModule;
use crate::object::{ModuleIdentity, ModuleNumber, Modules, ObjectFile};
use crate::stack::{Assembler, ClockOffset, Summary};
use crate::symbol::Symbolizer;

#[cfg(test)]
mod tests;

/// How many bytes of hits may wait: some 200,000 hits of known stacks.
const MOST_WAITING: usize = 32 << 20;

/// How often outputs that show something from time to time are asked to.
const TICK: Duration = Duration::from_millis(100);

/// What the thread is told.
enum Job {
    /// A module, before the first hit that has a frame in it. Numbers go up by one.
    Module { identity: ModuleIdentity, object: Arc<ObjectFile>, go: Option<Arc<GoModule>> },
    /// A hit, and what it weighs.
    Hit(Hit, usize),
    /// There is no more: how long the session was, and what it lost.
    End { duration: Duration, lost: Vec<(&'static str, u64)> },
}

/// The way to the thread. It never makes the caller wait.
pub(super) struct Queue {
    jobs: Sender<Job>,
    /// Bytes of the hits that wait.
    waiting: Arc<AtomicUsize>,
}

/// The other end of a [`Queue`].
pub(super) struct Jobs {
    jobs: Receiver<Job>,
    waiting: Arc<AtomicUsize>,
}

/// A queue and its other end.
pub(super) fn queue() -> (Queue, Jobs) {
    let (sender, receiver) = channel();
    let waiting = Arc::new(AtomicUsize::new(0));
    let jobs = Jobs { jobs: receiver, waiting: Arc::clone(&waiting) };
    (Queue { jobs: sender, waiting }, jobs)
}

impl Queue {
    /// Tells of a module: all of them, in the order of their numbers.
    pub(super) fn add_module(
        &self,
        identity: ModuleIdentity,
        object: Arc<ObjectFile>,
        go: Option<Arc<GoModule>>,
    ) {
        self.send(Job::Module { identity, object, go });
    }

    /// Hands a hit over. False where too many wait: then this one is lost.
    pub(super) fn hit(&self, hit: Hit) -> bool {
        let weight = weight(&hit);
        if self.waiting.load(Ordering::Relaxed) + weight > MOST_WAITING {
            return false;
        }
        self.waiting.fetch_add(weight, Ordering::Relaxed);
        self.send(Job::Hit(hit, weight));
        true
    }

    /// Says that all has been told.
    pub(super) fn end(&self, duration: Duration, lost: Vec<(&'static str, u64)>) {
        self.send(Job::End { duration, lost });
    }

    fn send(&self, job: Job) {
        // A thread that has ended says why when it is joined.
        let _ = self.jobs.send(job);
    }
}

/// Bytes that a hit keeps. Frames of a known stack are kept anyway.
fn weight(hit: &Hit) -> usize {
    let own_frames = if Arc::strong_count(&hit.frames) == 1 { hit.frames.len() } else { 0 };
    size_of::<Job>() + hit.comm.capacity() + own_frames * size_of::<Frame>()
}

/// What names need besides hits and modules.
pub(super) struct Naming {
    pub(super) symbols: Symbolizer,
    /// What probes are called, by cookie.
    pub(super) labels: FxHashMap<u64, String>,
    pub(super) clock: ClockOffset,
    pub(super) output: Output,
}

/// The thread.
pub(super) struct NamingThread {
    thread: JoinHandle<Result<Named, SessionError>>,
    news: Receiver<Notice>,
}

/// What the thread came to.
pub(super) struct Named {
    pub(super) summary: Summary,
    /// Whether the reader of the output went away.
    pub(super) is_output_closed: bool,
}

impl NamingThread {
    /// Starts naming what comes from a queue.
    pub(super) fn start(naming: Naming, jobs: Jobs) -> Result<Self, SessionError> {
        let (sender, news) = channel();
        let worker = Worker {
            naming,
            news: sender,
            modules: Modules::default(),
            assembler: Assembler::default(),
            places: Places::default(),
            summary: Summary::default(),
            ticks: Ticks { begin: Instant::now(), last: Instant::now() },
        };
        let thread = Builder::new()
            .name("naming".to_owned())
            .spawn(move || worker.work(&jobs))
            .map_err(|source| SessionError::System { what: "start a thread", source })?;
        Ok(Self { thread, news })
    }

    /// Whether it has ended, by itself or because it was told to: nobody reads any more, or writing
    /// failed.
    pub(super) fn is_over(&self) -> bool {
        self.thread.is_finished()
    }

    /// Passes on what it has to say by now.
    pub(super) fn tell(&self, notify: &mut dyn FnMut(Notice)) {
        self.news.try_iter().for_each(notify);
    }

    /// Waits until it has ended, which it was told to.
    pub(super) fn join(self, notify: &mut dyn FnMut(Notice)) -> Result<Named, SessionError> {
        self.news.iter().for_each(notify);
        self.thread.join().unwrap_or_else(|panic| resume_unwind(panic))
    }
}

/// What runs on the thread.
struct Worker {
    naming: Naming,
    news: Sender<Notice>,
    modules: Modules,
    assembler: Assembler,
    places: Places,
    summary: Summary,
    ticks: Ticks,
}

struct Ticks {
    begin: Instant,
    last: Instant,
}

impl Worker {
    /// Until all is named and written, or nobody reads it.
    fn work(mut self, jobs: &Jobs) -> Result<Named, SessionError> {
        while !self.naming.output.is_closed() {
            match jobs.jobs.recv_timeout(TICK) {
                Ok(Job::Module { identity, object, go }) => self.learn(identity, object, go),
                Ok(Job::Hit(hit, weight)) => {
                    self.write(&hit)?;
                    drop(hit);
                    jobs.waiting.fetch_sub(weight, Ordering::Relaxed);
                }
                Ok(Job::End { duration, lost }) => {
                    self.finish(duration, &lost)?;
                    break;
                }
                Err(RecvTimeoutError::Timeout) => {}
                // The session failed, and says why.
                Err(RecvTimeoutError::Disconnected) => break,
            }
            self.tick()?;
        }
        Ok(Named { summary: self.summary, is_output_closed: self.naming.output.is_closed() })
    }

    fn learn(
        &mut self,
        identity: ModuleIdentity,
        object: Arc<ObjectFile>,
        go: Option<Arc<GoModule>>,
    ) {
        let number: Option<ModuleNumber> = self.modules.add(identity);
        if let Some(number) = number {
            self.naming.symbols.add(number, object, go);
        }
        self.warn();
    }

    fn write(&mut self, hit: &Hit) -> Result<(), SessionError> {
        let Naming { symbols, labels, clock, output } = &mut self.naming;
        if output.is_recording() {
            self.summary.count_hit(hit);
            return output.record(hit, &self.modules);
        }
        if symbols.update() {
            self.assembler = Assembler::default();
        }
        let probe = labels.get(&hit.cookie).map_or("", String::as_str);
        let mut stack = self.assembler.assemble(hit, probe, &self.modules, symbols, *clock);
        self.places.name(&mut stack);
        self.summary.count(&stack);
        output.write(&stack)?;
        self.warn();
        Ok(())
    }

    fn tick(&mut self) -> Result<(), SessionError> {
        if self.ticks.last.elapsed() < TICK {
            return Ok(());
        }
        self.ticks.last = Instant::now();
        self.naming.output.tick(self.ticks.begin.elapsed())
    }

    fn finish(
        &mut self,
        duration: Duration,
        lost: &[(&'static str, u64)],
    ) -> Result<(), SessionError> {
        self.summary.duration = duration;
        lost.iter().for_each(|&(reason, count)| self.summary.lose(reason, count));
        let news = &self.news;
        let mut progress = |done, of| tell(news, Notice::Naming { done, of });
        let Naming { output, symbols, .. } = &mut self.naming;
        output.finish(&self.summary, symbols, &mut progress)?;
        self.warn();
        Ok(())
    }

    /// Says which debug files were refused.
    fn warn(&mut self) {
        for refused in self.naming.symbols.take_refused() {
            tell(&self.news, Notice::Warning(refused.to_string()));
        }
    }
}

fn tell(news: &Sender<Notice>, notice: Notice) {
    // The session has failed if nobody listens.
    let _ = news.send(notice);
}
