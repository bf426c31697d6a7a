//! The command line of cgotrace.

mod attach;
mod cli;
mod hold;
mod notices;
mod output;
mod progress;
mod run;
mod trace;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Subcommand};

fn main() -> ExitCode {
    match Cli::parse().subcommand {
        Subcommand::Attach(arguments) => attach::main(arguments),
        Subcommand::Run(arguments) => run::main(arguments),
        Subcommand::Hold(arguments) => hold::main(&arguments),
    }
}
