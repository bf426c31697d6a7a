//! What `attach` and `run` share: one session, its output and its notices.

use anyhow::Context;
use tracer::session::{Notice, Options, Outcome, SessionError};
use tracer::sink::Start;

use crate::cli::Verbosity;
use crate::notices;
use crate::output::OutputArguments;
use crate::progress::ProgressLine;

/// Runs a session to its end, and says the summary.
pub(crate) fn trace(
    options: Options,
    output: &OutputArguments,
    verbosity: Verbosity,
) -> anyhow::Result<Outcome> {
    output.check(&options.target)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let make_sink = |start: &Start| {
        if verbosity == Verbosity::Verbose {
            start.probes.iter().for_each(|probe| notices::say(&notices::describe_probe(probe)));
        }
        output.open(start).map_err(SessionError::Output)
    };
    let mut line = ProgressLine::new(verbosity != Verbosity::Quiet);
    // What is written to the terminal at once is counted by eye.
    let counts = !output.streams_to_terminal();
    let mut notify = |notice| match notice {
        Notice::Attaching(progress) => line.show("attaching probes", progress),
        Notice::Detaching(progress) => line.show("detaching probes", progress),
        Notice::Counting { events } if counts => line.count(events),
        Notice::Counting { .. } => {}
        other => {
            line.clear();
            notices::describe(&other, verbosity).iter().for_each(|text| notices::say(text));
        }
    };
    let outcome = runtime.block_on(tracer::session::run(&options, make_sink, &mut notify));
    line.clear();
    let outcome = outcome?;
    // Whoever reads no more wants no summary either.
    if !outcome.is_output_closed {
        notices::say_summary(&outcome.summary, verbosity);
    }
    Ok(outcome)
}
