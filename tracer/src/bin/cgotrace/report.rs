//! `cgotrace report`.

use std::io;
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::bail;
use clap::ValueEnum;
use tracer::session::{NameOptions, Notice, Outcome, SessionError};
use tracer::sink::{FoldedCounts, Sink, Start, View, write_differential};
use tracer::stack::{Stack, Summary};

use crate::cli::{ReportArguments, Verbosity};
use crate::notices;
use crate::output::{Format, Inputs, OutputArguments, ended};

/// Exit status: 0, or 1 where it failed.
pub(crate) fn main(arguments: &ReportArguments) -> ExitCode {
    let verbosity = arguments.messages.verbosity();
    let names = arguments.names.clone().into_options();
    let result = match (&arguments.file, arguments.diff.as_slice()) {
        (_, [before, after]) => return status(diff(before, after, arguments, &names, verbosity)),
        (Some(file), _) => report(file, &arguments.output, &names, verbosity),
        (None, _) => return ExitCode::FAILURE,
    };
    status(result.map(|outcome| {
        if !outcome.is_output_closed {
            notices::say_summary(&outcome.summary, verbosity);
        }
        Ok(())
    }))
}

fn status(result: anyhow::Result<io::Result<()>>) -> ExitCode {
    match result {
        Ok(written) => ended(written),
        Err(error) => {
            notices::say_error(&error);
            ExitCode::FAILURE
        }
    }
}

fn report(
    file: &Path,
    output: &OutputArguments,
    names: &NameOptions,
    verbosity: Verbosity,
) -> anyhow::Result<Outcome> {
    output.check(&Inputs::recordings(&[file.to_owned()]))?;
    let make_sink = |start: &Start| output.open(start).map_err(SessionError::Output);
    Ok(tracer::session::report(file, names, make_sink, &mut |notice| say(&notice, verbosity))?)
}

fn say(notice: &Notice, verbosity: Verbosity) {
    notices::describe(notice, verbosity).iter().for_each(|text| notices::say(text));
}

/// Writes what differs between two recordings. The outer result is of reading them, the inner one
/// of writing.
fn diff(
    before: &Path,
    after: &Path,
    arguments: &ReportArguments,
    names: &NameOptions,
    verbosity: Verbosity,
) -> anyhow::Result<io::Result<()>> {
    let output = &arguments.output;
    if !matches!(output.format, Format::Text | Format::Flamegraph) {
        let format = output.format.to_possible_value();
        let name = format.as_ref().map_or("", |format| format.get_name());
        bail!("cannot write what differs as {name}: --diff draws a flame graph");
    }
    output.check(&Inputs::recordings(&[before.to_owned(), after.to_owned()]))?;
    let view = output.view_of(Format::Flamegraph);
    let counts = [counts(before, names, view, verbosity)?, counts(after, names, view, verbosity)?];
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let title = format!("{} compared with {}", name(after), name(before));
    let write = || write_differential(&mut output.create()?, &title, &counts[0], &counts[1]);
    Ok(write())
}

/// How often each stack of a recording was hit.
fn counts(
    file: &Path,
    names: &NameOptions,
    view: View,
    verbosity: Verbosity,
) -> anyhow::Result<FoldedCounts> {
    /// A sink that only counts.
    struct Counting(Arc<Mutex<FoldedCounts>>);

    impl Sink for Counting {
        fn write(&mut self, stack: &Stack) -> io::Result<()> {
            counted(&self.0).add(stack);
            Ok(())
        }

        fn finish(&mut self, _: &Summary) -> io::Result<()> {
            Ok(())
        }
    }

    fn counted(counts: &Mutex<FoldedCounts>) -> MutexGuard<'_, FoldedCounts> {
        counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    let counts = Arc::new(Mutex::new(FoldedCounts::new(view)));
    let sink = Box::new(Counting(Arc::clone(&counts)));
    tracer::session::report(file, names, |_| Ok(sink), &mut |notice| say(&notice, verbosity))?;
    let counts = std::mem::replace(&mut *counted(&counts), FoldedCounts::new(view));
    Ok(counts)
}
