//! What `attach`, `run` and `record` share: one session, its output and its notices.

use std::io;
use std::path::Path;

use anyhow::Context;
use tracer::session::{Destination, Notice, Options, Outcome, SessionError, TargetSpec};
use tracer::sink::Start;

use crate::cli::Verbosity;
use crate::notices;
use crate::output::{Inputs, OutputArguments, create};
use crate::progress::ProgressLine;

/// Runs a session to its end, and says the summary.
pub(crate) fn trace(
    options: Options,
    output: &OutputArguments,
    verbosity: Verbosity,
) -> anyhow::Result<Outcome> {
    output.check(&Inputs::of_target(&options.target))?;
    let open = |start: &Start| output.open(start).map(Destination::Stacks);
    // What is written to the terminal at once is counted by eye.
    session(options, open, !output.streams_to_terminal(), verbosity)
}

/// The same, to a recording.
pub(crate) fn record(
    options: Options,
    file: &Path,
    force: bool,
    verbosity: Verbosity,
) -> anyhow::Result<Outcome> {
    Inputs::of_target(&options.target).check_output(file, force)?;
    let open = |_: &Start| Ok(Destination::Recording(Box::new(create(file, force)?)));
    session(options, open, true, verbosity)
}

fn session(
    options: Options,
    open: impl FnOnce(&Start) -> io::Result<Destination>,
    counts: bool,
    verbosity: Verbosity,
) -> anyhow::Result<Outcome> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let make_output = |start: &Start| {
        if verbosity == Verbosity::Verbose {
            start.probes.iter().for_each(|probe| notices::say(&notices::describe_probe(probe)));
        }
        open(start).map_err(SessionError::Output)
    };
    // A command writes to the terminal itself.
    let counts = counts && !matches!(options.target, TargetSpec::Command { .. });
    let mut line = ProgressLine::new(verbosity != Verbosity::Quiet);
    let mut notify = |notice| match notice {
        Notice::Attaching(progress) => line.show("attaching probes", progress),
        Notice::Detaching(progress) => line.show("detaching probes", progress),
        Notice::Counting { events } if counts => line.count(events),
        Notice::Counting { .. } => {}
        Notice::Naming { done, of } => line.name(done, of),
        other => {
            line.clear();
            notices::describe(&other, verbosity).iter().for_each(|text| notices::say(text));
        }
    };
    let outcome = runtime.block_on(tracer::session::run(&options, make_output, &mut notify));
    line.clear();
    let outcome = outcome?;
    // Whoever reads no more wants no summary either.
    if !outcome.is_output_closed {
        notices::say_summary(&outcome.summary, verbosity);
    }
    Ok(outcome)
}
