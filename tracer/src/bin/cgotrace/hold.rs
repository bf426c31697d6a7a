//! The hidden subcommand that a command of `run` waits in: see `tracer::process::HeldCommand`.

use std::os::fd::{FromRawFd, OwnedFd};
use std::process::ExitCode;

use tracer::process::{HOLD_FAILED, hold};

use crate::cli::HoldArguments;

/// Becomes the command, or ends; the other side of the socket says why.
pub(crate) fn main(arguments: &HoldArguments) -> ExitCode {
    if let [file, program, rest @ ..] = arguments.command.as_slice() {
        // SAFETY: the number was handed to this process at its start, by `HeldCommand::spawn`, for
        // this one use. Nothing in this process has opened or owns it.
        let socket = unsafe { OwnedFd::from_raw_fd(arguments.descriptor) };
        // It returns an error only, which it has told already.
        let _ = hold(socket, file, program, rest);
    }
    ExitCode::from(HOLD_FAILED)
}
