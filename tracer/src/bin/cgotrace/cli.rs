//! The arguments, and their translation to what the library understands: only here.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{Args, Command, CommandFactory, Parser, ValueEnum};
use clap_complete::Shell;
use tracer::process::HOLD;
use tracer::session::{NameOptions, Options, TargetSpec};
use tracer::symbol::SourceDirectory;

use self::recordings::{RECORD_EXAMPLES, RECORD_USAGE, REPORT_EXAMPLES, REPORT_USAGE};
pub(crate) use self::recordings::{RecordArguments, ReportArguments};
use crate::output::OutputArguments;

pub(crate) mod duration;
mod recordings;
#[cfg(test)]
mod tests;

const ATTACH_USAGE: &str = "\
cgotrace attach <BINARY> --func <PATTERN>... [OPTIONS]
       cgotrace attach [BINARY] -p <PID>... --func <PATTERN>... [OPTIONS]";

const RUN_USAGE: &str = "cgotrace run --func <PATTERN>... [OPTIONS] -- <COMMAND> [ARGS]...";

const ATTACH_EXAMPLES: &str = "\
Examples:
  cgotrace attach ./app --func animal_print           every process of ./app, running and to come
  cgotrace attach -p 4242 --func 'animal_*'           this process only
  cgotrace attach ./app --func animal_print --count 1 --format json -o hit.json
  cgotrace attach ./app --func animal_print --group --interval 5s
  cgotrace attach ./app --func 'animal_*' --duration 30s --format flamegraph -o animals.svg
  cgotrace attach ./app --func 'animal_*' --duration 30s --format pprof -o animals.pb.gz";

const RUN_EXAMPLES: &str = "\
Examples:
  cgotrace run --func animal_print -- ./app --verbose
  cgotrace run --func 'animal_*' --format json -o hits.json -- ./app
  cgotrace run --func 'animal_*' --format folded -- ./app | sort -k2 -n

The exit status is the command's own, or 128 and the number of the signal that ended it; 125 where
cgotrace failed, 126 where the command cannot be executed, 127 where there is none.";

const LIST_EXAMPLES: &str = "\
Examples:
  cgotrace list ./app                          every function, by language
  cgotrace list ./app 'animal_*'               those that a pattern names
  cgotrace list ./app 'libz.so.1:inflate*'     those of a library that it needs
  cgotrace list ./app --debug-file app.debug   with the names that were stripped from it";

const DOCTOR_EXAMPLES: &str = "\
Examples:
  sudo cgotrace doctor                                whether this system can trace at all
  sudo cgotrace doctor ./app                          and what this program allows
  sudo cgotrace doctor ./app --debug-file app.debug   and whether that file is its own

The exit status is 0 where tracing is possible, 1 where it is not.";

const EXAMPLES: &str = "\
Examples:
  sudo cgotrace attach ./app --func animal_print      stacks of each call, as they come
  sudo cgotrace record ./app --func animal_print      to a file, for cgotrace report
  cgotrace list ./app 'animal_*'                      what can be probed
  sudo cgotrace doctor ./app                          what this system and this program allow

cgotrace SUBCOMMAND --help has more of them.";

const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  cgotrace completions bash > /etc/bash_completion.d/cgotrace
  cgotrace completions zsh > \"${fpath[1]}/_cgotrace\"
  cgotrace completions fish > ~/.config/fish/completions/cgotrace.fish";

const MAN_EXAMPLES: &str = "\
Examples:
  sudo cgotrace man /usr/local/share/man/man1    then: man cgotrace, man cgotrace-attach";

/// Whole stacks, Go and C and Rust, of each call of a native function in a cgo program
#[derive(Parser, Debug)]
#[command(name = "cgotrace", version, max_term_width = 100, after_help = EXAMPLES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) subcommand: Subcommand,
}

#[derive(Args, Clone, Copy, Debug)]
#[command(next_help_heading = "Messages")]
pub(crate) struct MessageArguments {
    /// Say nothing on standard error but errors, warnings and losses
    #[arg(short, long, conflicts_with = "verbose")]
    quiet: bool,
    /// Say more on standard error: where each probe is
    #[arg(short, long)]
    verbose: bool,
}

impl MessageArguments {
    pub(crate) fn verbosity(self) -> Verbosity {
        match (self.quiet, self.verbose) {
            (true, _) => Verbosity::Quiet,
            (false, true) => Verbosity::Verbose,
            (false, false) => Verbosity::Normal,
        }
    }
}

/// How much is said on standard error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verbosity {
    /// Errors, warnings and losses.
    Quiet,
    /// What happens, and what it came to.
    Normal,
    /// And where each probe is.
    Verbose,
}

impl Cli {
    /// The arguments of this process; ends it where they are wrong, or ask for help.
    pub(crate) fn read() -> Self {
        let cli = Self::parse();
        if let Some(text) = cli.output().and_then(OutputArguments::conflict) {
            Self::command().error(ErrorKind::ArgumentConflict, text).exit();
        }
        cli
    }

    fn output(&self) -> Option<&OutputArguments> {
        match &self.subcommand {
            Subcommand::Attach(arguments) => Some(&arguments.output),
            Subcommand::Run(arguments) => Some(&arguments.output),
            Subcommand::Report(arguments) => Some(&arguments.output),
            _ => None,
        }
    }

    /// The command line without what is not for people.
    pub(crate) fn shown() -> Command {
        let full = Self::command();
        let shown = full.get_subcommands().filter(|subcommand| !subcommand.is_hide_set());
        Command::new("cgotrace")
            .version(env!("CARGO_PKG_VERSION"))
            .about(full.get_about().cloned().unwrap_or_default())
            .after_help(EXAMPLES)
            .subcommands(shown.cloned())
    }
}

#[derive(clap::Subcommand, Debug)]
pub(crate) enum Subcommand {
    /// Trace the processes of a program, or processes by number
    #[command(override_usage = ATTACH_USAGE, after_help = ATTACH_EXAMPLES)]
    Attach(AttachArguments),
    /// Start a command and trace it
    #[command(override_usage = RUN_USAGE, after_help = RUN_EXAMPLES)]
    Run(RunArguments),
    /// Trace to a file, from which `report` makes any output later; costs less than printing
    #[command(override_usage = RECORD_USAGE, after_help = RECORD_EXAMPLES)]
    Record(RecordArguments),
    /// Make stacks, a flame graph or a profile of a recording, on any machine
    #[command(override_usage = REPORT_USAGE, after_help = REPORT_EXAMPLES)]
    Report(ReportArguments),
    /// List the functions of a program that can be probed
    #[command(after_help = LIST_EXAMPLES)]
    List(ListArguments),
    /// Say what this kernel, these rights and a program allow, and what to do about problems
    #[command(
        after_help = DOCTOR_EXAMPLES,
        mut_arg("debug_files", |it| it.requires("binary")),
        mut_arg("debug_directories", |it| it.requires("binary")),
    )]
    Doctor(DoctorArguments),
    /// Write a shell's completions of this command line to standard output
    #[command(after_help = COMPLETIONS_EXAMPLES)]
    Completions(CompletionsArguments),
    /// Write the manual pages to a folder
    #[command(after_help = MAN_EXAMPLES)]
    Man(ManArguments),
    #[command(name = HOLD, hide = true)]
    Hold(HoldArguments),
    #[command(name = "name-addresses", hide = true)]
    NameAddresses(NameAddressesArguments),
}

#[derive(Args, Debug)]
pub(crate) struct AttachArguments {
    /// The program's file: all its processes, running and to come
    #[arg(required_unless_present = "pids")]
    binary: Option<PathBuf>,
    /// Trace process PID only; may be given again. With BINARY, it must run that
    #[arg(short, long = "pid", value_name = "PID", value_parser = clap::value_parser!(u32).range(1..))]
    pids: Vec<u32>,
    #[command(flatten)]
    probes: ProbeArguments,
    #[command(flatten)]
    output: OutputArguments,
    #[command(flatten)]
    messages: MessageArguments,
}

#[derive(Args, Debug)]
pub(crate) struct RunArguments {
    #[command(flatten)]
    probes: ProbeArguments,
    #[command(flatten)]
    output: OutputArguments,
    #[command(flatten)]
    messages: MessageArguments,
    /// The command and its arguments
    #[arg(required = true, trailing_var_arg = true, help_heading = "Arguments")]
    command: Vec<OsString>,
}

#[derive(Args, Debug)]
struct ProbeArguments {
    /// Probe the functions that PATTERN names: an exact name, a glob such as 'animal_*', /regex/, an
    /// address (0x46ab5d, app+0x6ab5d), module:PATTERN for a shared library; may be given again
    #[arg(long = "func", required = true, value_name = "PATTERN", value_parser = parse_pattern)]
    patterns: Vec<String>,
    /// End after so long: 500ms, 10s, 1m30s, 2h
    #[arg(long, value_parser = duration::parse)]
    duration: Option<Duration>,
    /// End after N stacks, incomplete ones included
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// Refuse to arm more than N probes
    #[arg(long, value_name = "N", default_value_t = 1024, value_parser = clap::value_parser!(u32).range(1..))]
    max_probes: u32,
    #[command(flatten)]
    names: NameArguments,
}

/// Where names come from, and how they look.
#[derive(Args, Clone, Debug)]
pub(crate) struct NameArguments {
    #[command(flatten)]
    debug_files: DebugFileArguments,
    /// Show source files below OLD as files below NEW; may be given again, the first that fits counts
    #[arg(long = "source-dir", value_name = "OLD=NEW")]
    source_directories: Vec<SourceDirectory>,
}

/// Where names come from.
#[derive(Args, Clone, Debug)]
pub(crate) struct DebugFileArguments {
    /// Names and lines of the program, or of a library of it, from this separate debug file; may be
    /// given again
    #[arg(long = "debug-file", value_name = "FILE")]
    debug_files: Vec<PathBuf>,
    /// Look for debug files in DIR too, which has a folder .build-id; may be given again
    #[arg(long = "debug-dir", value_name = "DIR")]
    debug_directories: Vec<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct ListArguments {
    /// The program's file
    pub(crate) binary: PathBuf,
    /// Only functions that PATTERN names, as --func does; module:PATTERN for a shared library
    #[arg(value_parser = parse_pattern)]
    pub(crate) pattern: Option<String>,
    #[command(flatten)]
    pub(crate) names: NameArguments,
    /// How it is written
    #[arg(long, value_enum, default_value_t = ListFormat::Text, value_name = "FORMAT")]
    pub(crate) format: ListFormat,
}

#[derive(Args, Debug)]
pub(crate) struct DoctorArguments {
    /// The program's file
    pub(crate) binary: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) debug_files: DebugFileArguments,
    /// How it is written
    #[arg(long, value_enum, default_value_t = ListFormat::Text, value_name = "FORMAT")]
    pub(crate) format: ListFormat,
}

/// How `list` and `doctor` write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ListFormat {
    /// For people: a line for each
    Text,
    /// For programs: JSON Lines, one object for each
    Json,
}

#[derive(Args, Debug)]
pub(crate) struct CompletionsArguments {
    /// The shell
    pub(crate) shell: Shell,
}

#[derive(Args, Debug)]
pub(crate) struct ManArguments {
    /// The folder, which must exist; pages in it are overwritten
    pub(crate) folder: PathBuf,
}

#[derive(Args, Debug)]
pub(crate) struct HoldArguments {
    #[arg(value_parser = clap::value_parser!(i32).range(3..))]
    pub(crate) descriptor: i32,
    #[arg(last = true)]
    pub(crate) command: Vec<OsString>,
}

#[derive(Args, Debug)]
pub(crate) struct NameAddressesArguments {
    /// The ELF file
    pub(crate) file: PathBuf,
}

impl AttachArguments {
    pub(crate) fn into_options(self) -> (Options, OutputArguments, Verbosity) {
        let target = running(self.binary, self.pids);
        (self.probes.into_options(target), self.output, self.messages.verbosity())
    }
}

impl RunArguments {
    pub(crate) fn into_options(self) -> (Options, OutputArguments, Verbosity) {
        let target = command(self.command);
        (self.probes.into_options(target), self.output, self.messages.verbosity())
    }
}

/// Processes that run, or will.
fn running(binary: Option<PathBuf>, mut pids: Vec<u32>) -> TargetSpec {
    pids.sort_unstable();
    pids.dedup();
    match (binary, pids) {
        (Some(binary), pids) if pids.is_empty() => TargetSpec::Binary(binary),
        (binary, pids) => TargetSpec::Processes { binary, pids },
    }
}

/// A command that is started.
fn command(words: Vec<OsString>) -> TargetSpec {
    let mut words = words.into_iter();
    TargetSpec::Command { program: words.next().unwrap_or_default(), args: words.collect() }
}

impl ProbeArguments {
    fn into_options(self, target: TargetSpec) -> Options {
        Options {
            target,
            patterns: self.patterns,
            duration: self.duration,
            count: self.count,
            max_probes: usize::try_from(self.max_probes).unwrap_or(usize::MAX),
            names: self.names.into_options(),
        }
    }
}

impl NameArguments {
    pub(crate) fn into_options(self) -> NameOptions {
        self.debug_files.into_options(self.source_directories)
    }
}

impl DebugFileArguments {
    pub(crate) fn into_options(self, source_directories: Vec<SourceDirectory>) -> NameOptions {
        let Self { debug_files, debug_directories } = self;
        NameOptions { debug_files, debug_directories, source_directories }
    }
}

fn parse_pattern(text: &str) -> Result<String, String> {
    if text.is_empty() { Err("name a function".to_owned()) } else { Ok(text.to_owned()) }
}
