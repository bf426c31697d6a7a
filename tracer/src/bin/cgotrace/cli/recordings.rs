//! The arguments of `record` and `report`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;
use tracer::session::Options;

use super::{MessageArguments, NameArguments, ProbeArguments, Verbosity, command, running};
use crate::output::OutputArguments;

pub(super) const RECORD_USAGE: &str = "\
cgotrace record <BINARY> --func <PATTERN>... [OPTIONS]
       cgotrace record [BINARY] -p <PID>... --func <PATTERN>... [OPTIONS]
       cgotrace record --func <PATTERN>... [OPTIONS] -- <COMMAND> [ARGS]...";

pub(super) const RECORD_EXAMPLES: &str = "\
Examples:
  sudo cgotrace record ./app --func 'animal_*' --duration 30s -o app.cgotrace
  sudo cgotrace record -p 4242 --func animal_print -o busy.cgotrace
  sudo cgotrace record --func 'animal_*' -- ./app --verbose
  cgotrace report app.cgotrace --group            and what was recorded

With a command, the exit status is as that of cgotrace run.";

pub(super) const REPORT_USAGE: &str = "\
cgotrace report <FILE> [OPTIONS]
       cgotrace report --diff <BEFORE> <AFTER> [OPTIONS]";

pub(super) const REPORT_EXAMPLES: &str = "\
Examples:
  cgotrace report app.cgotrace --group                           each stack once, with its count
  cgotrace report app.cgotrace --format flamegraph -o app.svg
  cgotrace report app.cgotrace --format pprof -o app.pb.gz
  cgotrace report --diff before.cgotrace after.cgotrace -o change.svg

The names are in the recording: neither the program nor rights are needed. Those of a recording
that was cut short come from the program's files, and only then are debug files looked for.";

#[derive(Args, Debug)]
pub(crate) struct RecordArguments {
    /// The program's file: all its processes, running and to come
    #[arg(required_unless_present_any = ["pids", "command"], conflicts_with = "command")]
    binary: Option<PathBuf>,
    /// Trace process PID only; may be given again. With BINARY, it must run that
    #[arg(short, long = "pid", value_name = "PID", conflicts_with = "command", value_parser = clap::value_parser!(u32).range(1..))]
    pids: Vec<u32>,
    #[command(flatten)]
    probes: ProbeArguments,
    /// Write the recording to FILE
    #[arg(
        short,
        long,
        value_name = "FILE",
        default_value = "recording.cgotrace",
        help_heading = "Output"
    )]
    pub(crate) output: PathBuf,
    /// Overwrite FILE if it exists
    #[arg(long, help_heading = "Output")]
    pub(crate) force: bool,
    #[command(flatten)]
    messages: MessageArguments,
    /// A command to start, and its arguments
    #[arg(last = true, help_heading = "Arguments")]
    command: Vec<OsString>,
}

impl RecordArguments {
    /// The session, and the file and its `--force`.
    pub(crate) fn into_options(self) -> (Options, PathBuf, bool, Verbosity) {
        let target = if self.command.is_empty() {
            running(self.binary, self.pids)
        } else {
            command(self.command)
        };
        let verbosity = self.messages.verbosity();
        (self.probes.into_options(target), self.output, self.force, verbosity)
    }
}

#[derive(Args, Debug)]
pub(crate) struct ReportArguments {
    /// The recording
    #[arg(required_unless_present = "diff", conflicts_with = "diff", value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// A flame graph of what differs: BEFORE and AFTER
    #[arg(long, num_args = 2, value_names = ["BEFORE", "AFTER"])]
    pub(crate) diff: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) output: OutputArguments,
    #[command(flatten)]
    pub(crate) names: NameArguments,
    #[command(flatten)]
    pub(crate) messages: MessageArguments,
}
