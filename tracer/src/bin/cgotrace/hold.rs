//! The hidden subcommand that a command of `run` waits in: see `tracer::process::HeldCommand`.

use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::process::ExitCode;

use tracer::process::{HOLD_FAILED, hold};

use crate::cli::HoldArguments;
use crate::notices;

/// Becomes the command, or ends; the other side of the socket says why.
pub(crate) fn main(arguments: &HoldArguments) -> ExitCode {
    match (arguments.command.as_slice(), inherited_socket(arguments.descriptor)) {
        // It returns an error only, which it has told already.
        ([file, program, rest @ ..], Some(socket)) => drop(hold(socket, file, program, rest)),
        _ => notices::say("this subcommand is for cgotrace's own use; see cgotrace run --help"),
    }
    ExitCode::from(HOLD_FAILED)
}

fn inherited_socket(descriptor: RawFd) -> Option<OwnedFd> {
    let link = std::fs::read_link(format!("/proc/self/fd/{descriptor}")).ok()?;
    if !link.to_string_lossy().starts_with("socket:") {
        return None;
    }
    // SAFETY: it is open, as the link says. It was handed to this process at its start by
    // `HeldCommand::spawn` for this one use, and nothing else in this process owns it: no socket
    // has been opened here, and no thread is running.
    Some(unsafe { OwnedFd::from_raw_fd(descriptor) })
}
