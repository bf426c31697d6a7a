use std::path::Path;

use clap::CommandFactory;
use clap::error::ErrorKind;

use tracer::sink::Plumbing;

use super::*;
use crate::output::{Color, Format};

fn parse(line: &str) -> Result<(Options, OutputArguments), ErrorKind> {
    let arguments = std::iter::once("cgotrace").chain(line.split_whitespace());
    match Cli::try_parse_from(arguments).map_err(|error| error.kind())?.subcommand {
        Subcommand::Attach(arguments) => Ok(two(arguments.into_options())),
        Subcommand::Run(arguments) => Ok(two(arguments.into_options())),
        _ => panic!("{line}"),
    }
}

fn two(parts: (Options, OutputArguments, Verbosity)) -> (Options, OutputArguments) {
    (parts.0, parts.1)
}

fn defaults() -> OutputArguments {
    OutputArguments {
        format: Format::Text,
        output: None,
        force: false,
        frames: None,
        reverse: false,
        max_frames: None,
        no_inlines: false,
        group: false,
        interval: None,
        color: Color::Auto,
    }
}

#[test]
fn the_definition_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn a_binary_and_the_defaults() {
    let (options, output) = parse("attach ./app --func animal_print").unwrap();
    let expected = Options {
        target: TargetSpec::Binary("./app".into()),
        patterns: vec!["animal_print".to_owned()],
        duration: None,
        count: None,
        max_probes: 1024,
        names: NameOptions::default(),
    };
    assert_eq!(options, expected);
    assert_eq!(output, defaults());
}

#[test]
fn debug_files_and_directories() {
    let line = "attach ./app --func a --debug-file a.debug --debug-file b.debug --debug-dir /d";
    let (options, _) = parse(line).unwrap();
    assert_eq!(options.names.debug_files, ["a.debug", "b.debug"].map(std::path::PathBuf::from));
    assert_eq!(options.names.debug_directories, [std::path::PathBuf::from("/d")]);
}

#[test]
fn source_directories() {
    let (options, _) = parse("attach ./app --func a --source-dir /a=/b --source-dir c=/d").unwrap();
    let expected = ["/a=/b", "c=/d"].map(|rule| rule.parse().unwrap());
    assert_eq!(options.names.source_directories, expected);
    for wrong in ["/a", "=/b"] {
        let line = format!("attach ./app --func a --source-dir {wrong}");
        assert_eq!(parse(&line).unwrap_err(), ErrorKind::ValueValidation, "{wrong}");
    }
}

#[test]
fn every_option() {
    let line = "attach --func a_* ./app --func b --duration 1m30s --count 7 --max-probes 3000 \
                --format json -o out.json --force";
    let (options, output) = parse(line).unwrap();
    assert_eq!(options.target, TargetSpec::Binary("./app".into()));
    assert_eq!(options.patterns, ["a_*", "b"]);
    assert_eq!(options.duration, Some(Duration::from_secs(90)));
    assert_eq!((options.count, options.max_probes), (Some(7), 3000));
    let file = Some(Path::new("out.json").to_owned());
    let expected =
        OutputArguments { format: Format::Json, output: file, force: true, ..defaults() };
    assert_eq!(output, expected);
}

#[test]
fn how_stacks_look() {
    let output = |line: &str| parse(&format!("attach a --func f {line}")).unwrap().1;
    let view = output("").view();
    assert_eq!((view.plumbing, view.inlines, view.max_frames), (Plumbing::Folded, true, None));
    assert_eq!(output("--format folded").view().plumbing, Plumbing::Shown);
    assert_eq!(output("--frames all").view().plumbing, Plumbing::Shown);
    assert_eq!(output("--format pprof --frames user").view().plumbing, Plumbing::Folded);
    let view = output("--reverse --max-frames 7 --no-inlines").view();
    assert_eq!((view.reverse, view.inlines, view.max_frames), (true, false, Some(7)));
    let grouped = output("--group --interval 2s --color always");
    assert_eq!((grouped.interval, grouped.color), (Some(Duration::from_secs(2)), Color::Always));
}

#[test]
fn what_cannot_go_together() {
    let conflict = |line: &str| {
        parse(&format!("attach a --func f {line}")).unwrap().1.conflict().unwrap_or_default()
    };
    for line in ["--reverse", "--frames all", "--max-frames 3", "--no-inlines"] {
        assert!(conflict(&format!("--format json {line}")).contains("JSON has all"), "{line}");
        assert_eq!(conflict(&format!("--format folded {line}")), "", "{line}");
        assert_eq!(conflict(line), "", "{line}");
    }
    for format in ["json", "folded", "flamegraph", "pprof", "speedscope"] {
        assert!(conflict(&format!("--group --format {format}")).contains(format));
        assert_eq!(conflict(&format!("--format {format} --color never")), "");
    }
    for format in ["pprof", "speedscope"] {
        assert!(conflict(&format!("--reverse --format {format}")).contains(format));
    }
}

#[test]
fn how_much_is_said() {
    let verbosity = |line: &str| {
        let arguments = std::iter::once("cgotrace").chain(line.split_whitespace());
        match Cli::try_parse_from(arguments).map_err(|error| error.kind())?.subcommand {
            Subcommand::Attach(arguments) => Ok(arguments.into_options().2),
            Subcommand::Run(arguments) => Ok(arguments.into_options().2),
            _ => panic!("{line}"),
        }
    };
    assert_eq!(verbosity("attach a --func f"), Ok(Verbosity::Normal));
    assert_eq!(verbosity("attach a --func f -q"), Ok(Verbosity::Quiet));
    assert_eq!(verbosity("attach --verbose a --func f"), Ok(Verbosity::Verbose));
    assert_eq!(verbosity("run --func f ./app -q"), Ok(Verbosity::Normal));
    assert_eq!(verbosity("attach a --func f -qv"), Err(ErrorKind::ArgumentConflict));
}

#[test]
fn processes() {
    let target = |line| parse(line).unwrap().0.target;
    let pids = vec![3, 9];
    let expected = TargetSpec::Processes { binary: None, pids: pids.clone() };
    assert_eq!(target("attach -p 9 -p 3 --pid 9 --func f"), expected);
    let expected = TargetSpec::Processes { binary: Some("app".into()), pids };
    assert_eq!(target("attach app -p 3 -p9 --func f"), expected);
}

#[test]
fn a_command_keeps_its_own_options() {
    let expected = TargetSpec::Command {
        program: "./app".into(),
        args: ["--func", "x", "-o", "--", "-p"].map(OsString::from).to_vec(),
    };
    for line in ["run --func f -- ./app --func x -o -- -p", "run --func f ./app --func x -o -- -p"]
    {
        let (options, output) = parse(line).unwrap();
        assert_eq!(options.target, expected, "{line}");
        assert_eq!(
            (options.patterns.as_slice(), output.output),
            (["f".to_owned()].as_slice(), None)
        );
    }
}

#[test]
fn wrong_usage() {
    use ErrorKind::*;
    for (line, kind) in [
        ("", DisplayHelpOnMissingArgumentOrSubcommand),
        ("attack ./app", InvalidSubcommand),
        ("attach --func f", MissingRequiredArgument),
        ("attach ./app", MissingRequiredArgument),
        ("attach ./app ./other --func f", UnknownArgument),
        ("attach -p 0 --func f", ValueValidation),
        ("attach -p x --func f", ValueValidation),
        ("attach -p 99999999999 --func f", ValueValidation),
        ("attach ./app --func f --force", MissingRequiredArgument),
        ("attach ./app --func f --format xml", InvalidValue),
        ("attach ./app --func f --duration 10", ValueValidation),
        ("attach ./app --func f --count 0", ValueValidation),
        ("attach ./app --func f --count 1 --count 2", ArgumentConflict),
        ("attach ./app --func f --max-probes 0", ValueValidation),
        ("attach ./app --func f --interval 1s", MissingRequiredArgument),
        ("attach ./app --func f --max-frames 0", ValueValidation),
        ("attach ./app --func f --frames some", InvalidValue),
        ("run --func f", MissingRequiredArgument),
        ("run -- ./app", MissingRequiredArgument),
        ("run -p 1 --func f -- ./app", UnknownArgument),
    ] {
        assert_eq!(parse(line).map(|_| ()), Err(kind), "{line}");
    }
}
