//! `cgotrace man`.

use std::process::ExitCode;

use crate::cli::{Cli, ManArguments};
use crate::notices;

/// Exit status: 0, or 1 where the pages cannot be written.
pub(crate) fn main(arguments: &ManArguments) -> ExitCode {
    match clap_mangen::generate_to(Cli::shown(), &arguments.folder) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let folder = arguments.folder.display();
            notices::say(&format!("cannot write manual pages to {folder}: {error}"));
            ExitCode::FAILURE
        }
    }
}
