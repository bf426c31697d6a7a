//! `cgotrace attach`.

use std::process::ExitCode;

use crate::cli::{AttachArguments, Verbosity};
use crate::{notices, trace};

/// Exit status: 0, or 1 where it failed.
pub(crate) fn main(arguments: AttachArguments, verbosity: Verbosity) -> ExitCode {
    let (options, output) = arguments.into_options();
    match trace::trace(options, &output, verbosity) {
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            notices::say_error(&error);
            ExitCode::FAILURE
        }
    }
}
