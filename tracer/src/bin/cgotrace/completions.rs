//! `cgotrace completions`.

use std::io::{self, Write};
use std::process::ExitCode;

use crate::cli::{Cli, CompletionsArguments};
use crate::output::ended;

/// Exit status: 0, or 1 where they cannot be written.
pub(crate) fn main(arguments: &CompletionsArguments) -> ExitCode {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::shown(), "cgotrace", &mut script);
    let mut out = io::stdout().lock();
    ended(out.write_all(&script).and_then(|()| out.flush()))
}
