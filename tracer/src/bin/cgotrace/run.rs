//! `cgotrace run`.

use std::os::unix::process::ExitStatusExt;
use std::process::{ExitCode, ExitStatus};

use tracer::process::CommandError;
use tracer::session::{Outcome, SessionError};

use crate::cli::RunArguments;
use crate::{notices, trace};

/// What `run` ends with where cgotrace itself failed.
const FAILED: u8 = 125;

/// Exit status: the command's own; 125 to 127 where it was not run, as shells have it.
pub(crate) fn main(arguments: RunArguments) -> ExitCode {
    let (options, output, verbosity) = arguments.into_options();
    status(trace::trace(options, &output, verbosity))
}

/// What a session with a command ends with.
pub(crate) fn status(result: anyhow::Result<Outcome>) -> ExitCode {
    match result {
        Ok(outcome) => ExitCode::from(outcome.command.map_or(FAILED, status_number)),
        Err(error) => {
            notices::say_error(&error);
            ExitCode::from(command_error(&error).map_or(FAILED, CommandError::exit_status))
        }
    }
}

fn command_error(error: &anyhow::Error) -> Option<&CommandError> {
    match error.downcast_ref() {
        Some(SessionError::Command(error)) => Some(error),
        _ => None,
    }
}

/// A shell's `$?`: the status itself, or 128 and the signal.
fn status_number(status: ExitStatus) -> u8 {
    let number = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    number.and_then(|number| u8::try_from(number).ok()).unwrap_or(FAILED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_is_that_of_a_shell() {
        // Wait statuses: the exit code in bits 8 to 15, the signal in bits 0 to 6.
        for (wait, number) in [(0, 0), (1 << 8, 1), (255 << 8, 255), (9, 137), (11 | 0x80, 139)] {
            assert_eq!(status_number(ExitStatus::from_raw(wait)), number, "{wait}");
        }
    }
}
