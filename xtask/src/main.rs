//! `cargo xtask`: cgotrace's own chores. One file a subcommand; `tool` holds what they share.

mod ebpf;
mod fixtures;
mod setup;
mod tool;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// cgotrace's own chores.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Get what the suites need beyond Rust, a C compiler and python3.
    Setup(setup::Arguments),
    /// Build the examples with several Go versions, PIE and not, into target/fixtures.
    Fixtures(fixtures::Arguments),
    /// Rebuild the committed BPF object from its sources, or check it.
    Ebpf(ebpf::Arguments),
}

fn main() -> ExitCode {
    let done = match Arguments::parse().chore {
        Chore::Setup(arguments) => setup::run(&arguments),
        Chore::Fixtures(arguments) => fixtures::run(&arguments),
        Chore::Ebpf(arguments) => ebpf::run(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Not by returning it from main: a backtrace of ours tells the reader nothing.
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
