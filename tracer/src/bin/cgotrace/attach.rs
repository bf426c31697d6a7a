//! `cgotrace attach`.

use std::process::ExitCode;

use crate::cli::AttachArguments;
use crate::{notices, trace};

/// Exit status: 0, or 1 where it failed.
pub(crate) fn main(arguments: AttachArguments) -> ExitCode {
    let (options, output, verbosity) = arguments.into_options();
    match trace::trace(options, &output, verbosity) {
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            notices::say_error(&error);
            ExitCode::FAILURE
        }
    }
}
