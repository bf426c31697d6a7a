//! The command line of cgotrace.

mod attach;
mod cli;
mod completions;
mod doctor;
mod hold;
mod list;
mod man;
mod name_addresses;
mod notices;
mod output;
mod progress;
mod record;
mod report;
mod run;
mod trace;

use std::process::ExitCode;

use crate::cli::{Cli, Subcommand};

fn main() -> ExitCode {
    match Cli::read().subcommand {
        Subcommand::Attach(arguments) => attach::main(arguments),
        Subcommand::Run(arguments) => run::main(arguments),
        Subcommand::Record(arguments) => record::main(arguments),
        Subcommand::Report(arguments) => report::main(&arguments),
        Subcommand::List(arguments) => list::main(arguments),
        Subcommand::Doctor(arguments) => doctor::main(arguments),
        Subcommand::Completions(arguments) => completions::main(&arguments),
        Subcommand::Man(arguments) => man::main(&arguments),
        Subcommand::Hold(arguments) => hold::main(&arguments),
        Subcommand::NameAddresses(arguments) => name_addresses::main(&arguments),
    }
}
