//! `cargo xtask`: cgotrace's own chores. One file a subcommand; the library holds what they share.

mod bench;
mod demo;
mod ebpf;
mod fixtures;
mod fuzz;
mod newcomer;
mod setup;
mod test;
mod truth;
mod vm;

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
    /// Build everything, trace the example `animals` and show the stack.
    Demo(demo::Arguments),
    /// Type what the README says, in a fresh clone.
    Newcomer(newcomer::Arguments),
    /// Build and run the whole suite, privileged parts and other kernels included.
    Test(test::Arguments),
    /// Trace the examples on other kernels, under QEMU.
    Vm(vm::Arguments),
    /// Judge the stacks by Delve, gdb and Go itself, and write docs/truth.md.
    Truth(truth::Arguments),
    /// Run the fuzzers of files that may be hostile.
    Fuzz(fuzz::Arguments),
    /// Measure BPF time a hit for `deep`, beside bpftrace.
    Bench(bench::Arguments),
}

fn main() -> ExitCode {
    let done = match Arguments::parse().chore {
        Chore::Setup(arguments) => setup::run(&arguments),
        Chore::Fixtures(arguments) => fixtures::run(&arguments),
        Chore::Ebpf(arguments) => ebpf::run(&arguments),
        Chore::Demo(arguments) => demo::run(&arguments),
        Chore::Newcomer(arguments) => newcomer::run(&arguments),
        Chore::Test(arguments) => test::run(&arguments),
        Chore::Vm(arguments) => vm::run(&arguments),
        Chore::Truth(arguments) => truth::run(&arguments),
        Chore::Fuzz(arguments) => fuzz::run(&arguments),
        Chore::Bench(arguments) => bench::run(&arguments),
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
