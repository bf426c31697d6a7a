//! The output options: from their syntax to a sink.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::bail;
use clap::{Args, ValueEnum};
use jiff::tz::TimeZone;
use tracer::process::FileIdentity;
use tracer::session::TargetSpec;
use tracer::sink::{
    FlamegraphSink, FoldedSink, GroupSink, JsonSink, Plumbing, PprofSink, Sink, SpeedscopeSink,
    Start, TextOptions, TextSink, View,
};

use crate::cli::duration;
use crate::notices;

/// Where stacks go, and how they look.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
#[command(next_help_heading = "Output")]
pub(crate) struct OutputArguments {
    /// How stacks are written
    #[arg(long, value_enum, default_value_t = Format::Text, value_name = "FORMAT")]
    pub(crate) format: Format,
    /// Write to FILE, not to standard output
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Overwrite FILE if it exists
    #[arg(long, requires = "output")]
    pub(crate) force: bool,
    /// Fold runtime plumbing, such as runtime.cgocall, to one line (user), or show it (all)
    /// [default: user for text, all for other formats]
    #[arg(long, value_enum, value_name = "WHICH", hide_possible_values = true)]
    pub(crate) frames: Option<Frames>,
    /// The outermost frame first; in folded and flamegraph, stacks grow from the probed function
    #[arg(long)]
    pub(crate) reverse: bool,
    /// Show the N innermost frames only
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_frames: Option<u32>,
    /// Leave out calls that the compiler inlined
    #[arg(long)]
    pub(crate) no_inlines: bool,
    /// Text with each stack once, the most frequent first, at the end
    #[arg(long)]
    pub(crate) group: bool,
    /// With --group, also every so often, as of then: 500ms, 10s
    #[arg(long, requires = "group", value_name = "TIME", value_parser = duration::parse)]
    pub(crate) interval: Option<Duration>,
    /// Colour text
    #[arg(long, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub(crate) color: Color,
}

/// An output format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people: a block for each hit, a line for each frame
    Text,
    /// For programs: JSON Lines, one object for each hit
    Json,
    /// A line for each stack, for flame graph tools: outermost;…;innermost COUNT
    Folded,
    /// A flame graph: SVG for a browser, with search and zoom
    Flamegraph,
    /// For go tool pprof
    Pprof,
    /// For speedscope
    Speedscope,
}

/// Which frames are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Frames {
    /// Runtime plumbing is folded
    User,
    /// All
    All,
}

/// When to colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

impl OutputArguments {
    /// What is wrong with the options, one with another.
    pub(crate) fn conflict(&self) -> Option<String> {
        let format = self.format.to_possible_value()?;
        let format = format.get_name();
        let shaped = self.frames.is_some() || self.max_frames.is_some() || self.no_inlines;
        match self.format {
            Format::Text => None,
            _ if self.group => {
                Some(format!("--group is text, it cannot go with --format {format}"))
            }
            Format::Json if shaped || self.reverse => Some(
                "JSON has all frames, innermost first: --frames, --reverse, --max-frames and \
                 --no-inlines cannot go with --format json"
                    .to_owned(),
            ),
            Format::Pprof | Format::Speedscope if self.reverse => Some(format!(
                "a reader of {format} turns stacks round itself: --reverse cannot go with it"
            )),
            _ => None,
        }
    }

    /// Finds out early what would fail only once the probes are armed, or a recording is read.
    pub(crate) fn check(&self, inputs: &Inputs) -> anyhow::Result<()> {
        match &self.output {
            Some(path) => inputs.check_output(path, self.force),
            None if self.format == Format::Pprof && io::stdout().is_terminal() => {
                bail!("cannot write pprof to a terminal: it is binary; name a file with -o FILE")
            }
            None => Ok(()),
        }
    }

    /// The output itself, and with it the file.
    pub(crate) fn create(&self) -> io::Result<Box<dyn Write + Send>> {
        Ok(match &self.output {
            None => Box::new(io::stdout()),
            Some(path) => Box::new(create(path, self.force)?),
        })
    }

    /// The sink, and with it the file.
    pub(crate) fn open(&self, start: &Start) -> io::Result<Box<dyn Sink + Send>> {
        let out = self.create()?;
        let view = self.view();
        Ok(match self.format {
            Format::Text if self.group => {
                Box::new(GroupSink::new(out, start, self.text_options(), self.interval))
            }
            Format::Text => Box::new(TextSink::new(out, start, self.text_options())),
            Format::Json => Box::new(JsonSink::new(out, start)?),
            Format::Folded => Box::new(FoldedSink::new(out, start, view)),
            Format::Flamegraph => Box::new(FlamegraphSink::new(out, start, view)),
            Format::Pprof => Box::new(PprofSink::new(out, start, view)),
            Format::Speedscope => Box::new(SpeedscopeSink::new(out, start, view)),
        })
    }

    /// Whether each hit is shown at once, on the terminal.
    pub(crate) fn streams_to_terminal(&self) -> bool {
        let streams = matches!(self.format, Format::Text | Format::Json) && !self.group;
        streams && self.output.is_none() && io::stdout().is_terminal()
    }

    /// Which frames count.
    pub(crate) fn view(&self) -> View {
        self.view_of(self.format)
    }

    /// The same, for another format.
    pub(crate) fn view_of(&self, format: Format) -> View {
        let frames = self.frames.unwrap_or(match format {
            Format::Text => Frames::User,
            _ => Frames::All,
        });
        View {
            plumbing: match frames {
                Frames::User => Plumbing::Folded,
                Frames::All => Plumbing::Shown,
            },
            reverse: self.reverse,
            max_frames: self.max_frames.and_then(|most| usize::try_from(most).ok()),
            inlines: !self.no_inlines,
        }
    }

    /// By default, colours on a terminal only, and never where the user declines them (`NO_COLOR`).
    fn text_options(&self) -> TextOptions {
        let color = match self.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => {
                let choice = anstream::AutoStream::choice(&io::stdout());
                self.output.is_none() && choice != anstream::ColorChoice::Never
            }
        };
        TextOptions { color, zone: TimeZone::system(), view: self.view() }
    }
}

/// The files that are read, and must not be overwritten.
pub(crate) struct Inputs {
    /// The files.
    files: Vec<PathBuf>,
    /// What they are called.
    what: &'static str,
}

impl Inputs {
    /// The program of a target, where it is one.
    pub(crate) fn of_target(target: &TargetSpec) -> Self {
        let binary = match target {
            TargetSpec::Binary(binary) => Some(binary.clone()),
            TargetSpec::Processes { binary, .. } => binary.clone(),
            TargetSpec::Command { program, .. } => tracer::process::resolve(program).ok(),
        };
        Self { files: binary.into_iter().collect(), what: "the program to trace" }
    }

    /// Recordings.
    pub(crate) fn recordings(files: &[PathBuf]) -> Self {
        Self { files: files.to_vec(), what: "the recording to read" }
    }

    /// Whether `path` can be written.
    pub(crate) fn check_output(&self, path: &Path, force: bool) -> anyhow::Result<()> {
        let Ok(metadata) = std::fs::metadata(path) else { return Ok(()) };
        if metadata.is_dir() {
            bail!("cannot write {}: it is a directory; name a file", path.display());
        }
        let identity = FileIdentity::from(&metadata);
        let is_input = |input: &PathBuf| FileIdentity::of(input).is_ok_and(|it| it == identity);
        if self.files.iter().any(is_input) {
            bail!("cannot write {}: it is {}", path.display(), self.what);
        }
        if !force && metadata.is_file() {
            bail!("cannot write {}: it exists; --force overwrites it", path.display());
        }
        Ok(())
    }
}

/// Creates a file, or opens a device or a pipe. One that exists is overwritten with `force` only.
pub(crate) fn create(path: &Path, force: bool) -> io::Result<File> {
    let special = std::fs::metadata(path).is_ok_and(|metadata| !metadata.is_file());
    let overwrite = force || special;
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(overwrite)
        .create_new(!overwrite)
        .open(path)
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))
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
