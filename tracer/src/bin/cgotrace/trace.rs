//! What `attach` and `run` share: one session, its output and its notices.

use anyhow::Context;
use tracer::session::{Notice, Options, Outcome, SessionError};

use crate::notices;
use crate::output::OutputArguments;
use crate::progress::ProgressLine;

/// Runs a session to its end, and says the summary.
pub(crate) fn trace(options: Options, output: &OutputArguments) -> anyhow::Result<Outcome> {
    output.check(&options.target)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let make_sink = |start: &_| output.open(start).map_err(SessionError::Output);
    let mut line = ProgressLine::default();
    let mut notify = |notice| match notice {
        Notice::Attaching(progress) => line.show("attaching probes", progress),
        Notice::Detaching(progress) => line.show("detaching probes", progress),
        other => {
            line.clear();
            notices::describe(&other).iter().for_each(|text| notices::say(text));
        }
    };
    let outcome = runtime.block_on(tracer::session::run(&options, make_sink, &mut notify));
    line.clear();
    let outcome = outcome?;
    // Whoever reads no more wants no summary either.
    if !outcome.is_output_closed {
        notices::say(&notices::describe_summary(&outcome.summary));
    }
    Ok(outcome)
}
