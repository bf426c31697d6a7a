//! `cgotrace record`.

use std::process::ExitCode;

use tracer::session::TargetSpec;

use crate::cli::RecordArguments;
use crate::{notices, run, trace};

/// Exit status: with a command, as `run`; else 0, or 1 where it failed.
pub(crate) fn main(arguments: RecordArguments) -> ExitCode {
    let (options, file, force, verbosity) = arguments.into_options();
    let is_command = matches!(options.target, TargetSpec::Command { .. });
    let result = trace::record(options, &file, force, verbosity);
    if is_command {
        return run::status(result);
    }
    match result {
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            notices::say_error(&error);
            ExitCode::FAILURE
        }
    }
}
