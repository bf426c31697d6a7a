//! `--format`, `-o` and `--force`: from the options to a sink.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::bail;
use clap::{Args, ValueEnum};
use jiff::tz::TimeZone;
use tracer::process::FileIdentity;
use tracer::session::TargetSpec;
use tracer::sink::{JsonSink, Sink, Start, TextOptions, TextSink};

use crate::notices;

/// Where stacks go, and how they look.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
#[command(next_help_heading = "Output")]
pub(crate) struct OutputArguments {
    /// How stacks are written
    #[arg(long, value_enum, default_value_t = Format::Text, value_name = "FORMAT")]
    pub(crate) format: Format,
    /// Write stacks to FILE, not to standard output
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Overwrite FILE if it exists
    #[arg(long, requires = "output")]
    pub(crate) force: bool,
}

/// An output format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people: a block for each hit, a line for each frame
    Text,
    /// For programs: JSON Lines, one object for each hit
    Json,
}

impl OutputArguments {
    /// Finds out early what would fail only once the probes are armed.
    pub(crate) fn check(&self, target: &TargetSpec) -> anyhow::Result<()> {
        let Some(path) = &self.output else { return Ok(()) };
        let Ok(metadata) = std::fs::metadata(path) else { return Ok(()) };
        if metadata.is_dir() {
            bail!("cannot write {}: it is a directory; name a file", path.display());
        }
        if !self.force && metadata.is_file() {
            bail!("cannot write {}: it exists; --force overwrites it", path.display());
        }
        let binary = match target {
            TargetSpec::Binary(binary) => Some(binary.clone()),
            TargetSpec::Processes { binary, .. } => binary.clone(),
            TargetSpec::Command { program, .. } => tracer::process::resolve(program).ok(),
        };
        let identity = FileIdentity::from(&metadata);
        if binary.is_some_and(|binary| FileIdentity::of(&binary).is_ok_and(|it| it == identity)) {
            bail!("cannot write {}: it is the program to trace", path.display());
        }
        Ok(())
    }

    /// The sink, and with it the file.
    pub(crate) fn open(&self, start: &Start) -> io::Result<Box<dyn Sink>> {
        let out: Box<dyn Write> = match &self.output {
            None => Box::new(io::stdout()),
            Some(path) => Box::new(self.create(path)?),
        };
        Ok(match self.format {
            Format::Json => Box::new(JsonSink::new(out, start)?),
            Format::Text => Box::new(TextSink::new(out, start, self.text_options())),
        })
    }

    fn create(&self, path: &Path) -> io::Result<File> {
        let special = std::fs::metadata(path).is_ok_and(|metadata| !metadata.is_file());
        let overwrite = self.force || special;
        OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(overwrite)
            .create_new(!overwrite)
            .open(path)
            .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))
    }

    /// Colours on a terminal only, and never where the user declines them (`NO_COLOR`).
    fn text_options(&self) -> TextOptions {
        let choice = anstream::AutoStream::choice(&io::stdout());
        let color = self.output.is_none() && choice != anstream::ColorChoice::Never;
        TextOptions { color, zone: TimeZone::system() }
    }
}

/// The exit status of what only writes: a reader that went away has what it wanted.
pub(crate) fn ended(written: io::Result<()>) -> ExitCode {
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            notices::say(&format!("cannot write the output: {error}"));
            ExitCode::FAILURE
        }
        _ => ExitCode::SUCCESS,
    }
}
