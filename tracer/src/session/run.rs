//! The whole way of a session.

use std::collections::BTreeMap;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use tokio::io::unix::AsyncFd;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracer_common::reason::Loss;

use super::SessionError;
use super::arm::arm;
use super::fetch;
use super::interrupt;
use super::learn::Learner;
use super::library::Library;
use super::naming::{self, Named, Naming, NamingThread};
use super::notice::{NoHits, Notice};
use super::options::{Options, TargetSpec};
use super::output::{Destination, Output};
use super::target::Target;
use super::unseen::UnseenCalls;
use crate::bpf::{self, Kernel};
use crate::event::{Event, EventSource, LiveSource};
use crate::object::Pattern;
use crate::process::{ExitWatch, HeldCommand, OWN_EXECUTABLE, resolve};
use crate::sink::Start;
use crate::stack::{ClockOffset, Summary};
use crate::symbol::Symbolizer;

/// How many events are handled before signals and ends are looked at again.
const AT_ONCE: usize = 1024;

/// How often the ring buffer is looked at: a hit wakes nobody, see `tracer-ebpf/src/output.rs`.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What a session came to.
#[derive(Debug)]
pub struct Outcome {
    /// Its counts.
    pub summary: Summary,
    /// The status of the command, where it started one.
    pub command: Option<ExitStatus>,
    /// Whether the reader of the output went away, which ended it.
    pub is_output_closed: bool,
}

/// Traces as `options` say until the target ends, a limit is met or a signal asks to stop.
///
/// `make_output` is called once, when the probes are known; `notify` hears what happens meanwhile.
/// Needs a tokio runtime.
///
/// # Errors
/// The options name what cannot be traced, the rights or a kernel feature are missing, or the
/// output cannot be written. Probes are gone in every case.
pub async fn run(
    options: &Options,
    make_output: impl FnOnce(&Start) -> Result<Destination, SessionError>,
    notify: &mut dyn FnMut(Notice),
) -> Result<Outcome, SessionError> {
    let patterns =
        options.patterns.iter().map(|text| Pattern::parse(text)).collect::<Result<Vec<_>, _>>()?;
    let mut warn = |text| notify(Notice::Warning(text));
    let mut targets = Target::all(&options.target, &mut warn)?;
    let files = targets.iter().flat_map(|target| &target.files);
    let objects = files.map(|file| &file.object);
    let mut debug_files = options.names.debug_files(objects.clone())?;
    let fetcher = fetch::debug_information(objects, &mut debug_files, &mut warn);
    let points = targets
        .iter_mut()
        .map(|target| target.probe_points(&patterns, options.max_probes, &debug_files, &mut warn))
        .collect::<Result<Vec<_>, _>>()?;
    bpf::check_features()?;

    let mut command = match &options.target {
        TargetSpec::Command { program, args } => {
            let file = resolve(program)?;
            Some(HeldCommand::spawn(OWN_EXECUTABLE.as_ref(), &file, program, args)?)
        }
        _ => None,
    };
    let (mut kernel, writer, ring) = Kernel::load(command.is_some())?;
    if let Some(command) = &command {
        kernel.add_held_target(command.pid())?;
    }
    let mut symbols = Symbolizer::with_debug_files(debug_files.clone());
    symbols.set_source_directories(options.names.source_directories.clone());
    fetcher.into_iter().for_each(|fetcher| symbols.set_fetcher(fetcher));
    let (queue, jobs) = naming::queue();
    let (mut library, mut learner) = (Library::new(writer, queue), Learner::default());
    let armed = arm(&targets, &points, &mut kernel, &mut library, &mut learner, notify)?;
    let start = armed.start;
    let mut source = LiveSource::new(ring)
        .watched()
        .map_err(|source| SessionError::System { what: "wait for events", source })?;
    let clock = ClockOffset::measure();
    let output = Output::new(make_output(&start), &start, &armed.labels, clock)?;
    let naming = Naming { symbols, labels: armed.labels, clock, output };
    let mut live = Live {
        library,
        learner,
        kernel,
        naming: NamingThread::start(naming, jobs)?,
        unseen: UnseenCalls::look_for(&targets, &points, &debug_files),
        lost: BTreeMap::new(),
        hits: 0,
        seen: targets.iter().map(|target| target.processes.len()).sum(),
        limit: options.count,
    };
    let begin = Instant::now();
    notify(Notice::Armed { probes: start.probes.len(), processes: live.seen });

    let mut ends = Ends::new(&options.target, options.duration)?;
    if let Some(command) = &mut command {
        command.release().await?;
    }
    let status = live.follow(&mut source, &mut ends, &mut command, notify).await?;
    let duration = begin.elapsed();
    live.kernel.detach(&mut |progress| notify(Notice::Detaching(progress)))?;
    // What was hit before the probes went.
    live.drain(source.get_mut(), usize::MAX, notify)?;
    let seen = live.seen;
    let Named { summary, is_output_closed } = live.finish(duration, notify)?;
    if summary.events == 0 && !is_output_closed {
        notify(Notice::NoHits(NoHits {
            binary: targets.first().map(|target| target.path().to_owned()).unwrap_or_default(),
            processes: seen,
            probes: start.probes.len(),
            duration,
        }));
    }
    let status = match (status, command) {
        (None, Some(mut command)) => Some(wait(&mut command).await?),
        (status, _) => status,
    };
    Ok(Outcome { summary, command: status, is_output_closed })
}

/// What ends a session besides its target.
struct Ends {
    interrupt: Signal,
    terminate: Signal,
    duration: Option<Duration>,
    watches: Vec<ExitWatch>,
}

impl Ends {
    fn new(target: &TargetSpec, duration: Option<Duration>) -> Result<Self, SessionError> {
        let failed = |source| SessionError::System { what: "listen for signals", source };
        let watches = match target {
            TargetSpec::Processes { pids, .. } => {
                pids.iter().map(|&pid| ExitWatch::new(pid)).collect::<Result<_, _>>()?
            }
            _ => Vec::new(),
        };
        interrupt::second_one_kills().map_err(failed)?;
        Ok(Self {
            interrupt: signal(SignalKind::interrupt()).map_err(failed)?,
            terminate: signal(SignalKind::terminate()).map_err(failed)?,
            duration,
            watches,
        })
    }
}

/// A session whose probes are armed.
struct Live {
    library: Library,
    learner: Learner,
    kernel: Kernel,
    naming: NamingThread,
    unseen: UnseenCalls,
    /// Events that were lost, by the name of the reason.
    lost: BTreeMap<Loss, u64>,
    /// How many hits went to be named.
    hits: u64,
    /// How many processes of the target were seen.
    seen: usize,
    limit: Option<u64>,
}

impl Live {
    /// Hands hits on until something ends the session. The command's status, where it has ended.
    async fn follow(
        &mut self,
        source: &mut AsyncFd<LiveSource>,
        ends: &mut Ends,
        command: &mut Option<HeldCommand>,
        notify: &mut dyn FnMut(Notice),
    ) -> Result<Option<ExitStatus>, SessionError> {
        let wait_failed = |source| SessionError::System { what: "wait for events", source };
        let end = tokio::time::sleep(ends.duration.unwrap_or(Duration::MAX));
        tokio::pin!(end);
        let mut look = tokio::time::interval(LOOK_EVERY);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut is_behind = false;
        while !self.is_full() && !self.naming.is_over() {
            tokio::select! {
                ready = source.readable_mut() => {
                    let mut ready = ready.map_err(wait_failed)?;
                    if self.drain(ready.get_inner_mut(), AT_ONCE, notify)? {
                        ready.clear_ready();
                    }
                }
                _ = look.tick() => {
                    is_behind = !self.drain(source.get_mut(), AT_ONCE, notify)?;
                    self.naming.tell(notify);
                    self.unseen.tell(&mut |text| notify(Notice::Warning(text)));
                    notify(Notice::Counting { events: self.hits });
                }
                // There is more at hand; signals and ends are looked at in between.
                () = tokio::task::yield_now(), if is_behind => {
                    is_behind = !self.drain(source.get_mut(), AT_ONCE, notify)?;
                }
                () = &mut end, if ends.duration.is_some() => return Ok(None),
                _ = ends.interrupt.recv() => return Ok(None),
                _ = ends.terminate.recv() => {
                    if let Some(command) = command {
                        terminate(command.pid());
                    }
                    return Ok(None);
                }
                status = wait_for(command) => return status.map(Some),
                () = all_ended(&ends.watches) => return Ok(None),
            }
        }
        Ok(None)
    }

    fn is_full(&self) -> bool {
        self.limit.is_some_and(|limit| self.hits >= limit)
    }

    /// Handles the events that are at hand, `most` of them. Whether there are none left.
    fn drain(
        &mut self,
        source: &mut LiveSource,
        most: usize,
        notify: &mut dyn FnMut(Notice),
    ) -> Result<bool, SessionError> {
        for _ in 0..most {
            if self.is_full() {
                break;
            }
            match source.next_event()? {
                None => return Ok(true),
                Some(Event::Hit(hit)) => {
                    if self.library.naming().hit(hit) {
                        self.hits += 1;
                    } else {
                        self.lose(Loss::OutputBehind, 1);
                    }
                }
                Some(Event::Control(control)) => {
                    self.seen += usize::from(control.kind == tracer_common::event::KIND_PROCESS);
                    let mut warn = |text| notify(Notice::Warning(text));
                    let (kernel, library) = (&mut self.kernel, &mut self.library);
                    self.learner.act(&control, kernel, library, &mut warn)?;
                }
                Some(Event::Lost(loss, count)) => self.lose(loss, count),
            }
        }
        Ok(false)
    }

    fn lose(&mut self, loss: Loss, count: u64) {
        let lost = self.lost.entry(loss).or_default();
        *lost = lost.saturating_add(count);
    }

    /// Waits until all that was hit is named and written.
    fn finish(
        mut self,
        duration: Duration,
        notify: &mut dyn FnMut(Notice),
    ) -> Result<Named, SessionError> {
        for &loss in Loss::ALL {
            let count = self.kernel.losses(loss)?;
            self.lose(loss, count);
        }
        let lost = self.lost.iter().map(|(loss, &count)| (loss.name(), count)).collect();
        self.library.naming().end(duration, lost);
        let named = self.naming.join(notify)?;
        self.unseen.finish(&mut |text| notify(Notice::Warning(text)));
        Ok(named)
    }
}

async fn wait(command: &mut HeldCommand) -> Result<ExitStatus, SessionError> {
    let failed = |source| SessionError::System { what: "wait for the command", source };
    command.wait().await.map_err(failed)
}

/// The command's status; never where there is no command.
async fn wait_for(command: &mut Option<HeldCommand>) -> Result<ExitStatus, SessionError> {
    match command {
        Some(command) => wait(command).await,
        None => std::future::pending().await,
    }
}

/// Returns once all have ended; never where there is none to watch.
async fn all_ended(watches: &[ExitWatch]) {
    if watches.is_empty() || ExitWatch::all_ended(watches).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Asks the command to end, as we were asked.
fn terminate(pid: u32) {
    let pid = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw);
    if let Some(pid) = pid {
        // It may have ended already.
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
    }
}
