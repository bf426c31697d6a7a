//! The test matrix: every example, Go version, link mode and kind of stripping. Each hit's whole
//! list of frames, with lines, against the stack that its source must give.
#![cfg(feature = "privileged-tests")]

mod support;

use std::fmt::Write;
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;
use xtask::tool::example::DEEP;
use xtask::tool::fixture::{Fixture, Symbols, matrix};
use xtask::tool::go::{LinkMode, NEWEST};

use support::{cgotrace, functions, records, run};

const ROUNDS: usize = 20;

/// Traces one run of a program: what cgotrace wrote, or what it said where it failed.
fn try_trace(program: &Path, pattern: &str, arguments: &[&str]) -> Result<String, String> {
    let folder = tempfile::tempdir().expect("folder");
    let written = folder.path().join("trace.json");
    let mut command = cgotrace();
    command.args(["run", "--format", "json", "--func", pattern, "-o"]).arg(&written);
    command.arg("--").arg(program).args(arguments);
    let output = command.stdin(Stdio::null()).output().expect("start cgotrace");
    if !output.status.success() {
        return Err(format!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr)));
    }
    Ok(std::fs::read_to_string(written).expect("trace"))
}

fn trace(program: &Path, pattern: &str, arguments: &[&str]) -> String {
    try_trace(program, pattern, arguments).expect("cgotrace")
}

/// Traces one cell of the matrix: how many hits had their stack, or what was wrong.
fn exact(fixture: &Fixture) -> Result<usize, String> {
    let rounds = ROUNDS.to_string();
    let traced = |fixture: &Fixture| {
        let pattern = fixture.pattern().map_err(|error| format!("{error:#}"))?;
        try_trace(&fixture.file(), &pattern, &["-rounds", &rounds])
    };
    let said = traced(fixture)?;
    let expected = fixture.expected().expect("expected.txt");
    let exact = expected.check(&said).map_err(|error| format!("{error:#}"))?;
    if fixture.symbols == Symbols::Stripped {
        // Unnamed frames say little: they must lie where the named ones of its twin lie.
        let twin = traced(&Fixture { symbols: Symbols::Whole, ..*fixture })?;
        if places(&said) != places(&twin) {
            return Err("its frames lie elsewhere than before it was stripped".to_owned());
        }
    }
    if exact != ROUNDS * fixture.example.hits {
        return Err(format!("{exact} hits, each with its stack"));
    }
    Ok(exact)
}

/// The file offsets of the physical frames, for each stack.
fn places(trace: &str) -> Vec<Vec<Value>> {
    let physical = |stack: &Value| {
        let frames = stack["frames"].as_array().expect("frames").iter();
        frames
            .filter(|frame| frame["inlined"] == false)
            .map(|frame| frame["offset"].clone())
            .collect()
    };
    records(trace, "stack").iter().map(physical).collect()
}

#[test]
fn every_hit_of_every_fixture_has_its_stack() {
    let mut table = format!("{:<20} {:<8} mode  hits  exact\n", "example", "Go");
    let mut wrong = String::new();
    // `switches.rs` has those that give several stacks.
    for fixture in matrix().into_iter().filter(|fixture| fixture.example.hits > 0) {
        let hits = ROUNDS * fixture.example.hits;
        let exact = exact(&fixture).unwrap_or_else(|why| {
            writeln!(wrong, "{fixture}: {why}").expect("write");
            0
        });
        let name = format!("{}{}", fixture.example.name, fixture.symbols.suffix());
        let (version, mode) = (fixture.version, fixture.mode.name());
        writeln!(table, "{name:<20} {version:<8} {mode:<5} {hits:>4}  {exact:>5}").expect("write");
    }
    println!("{table}");
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn three_hundred_frames_are_whole() {
    let trace = trace(&DEEP.fixture(NEWEST, LinkMode::Pie), DEEP.probe, &["-depth", "300"]);
    let stacks = records(&trace, "stack");
    assert_eq!(stacks.len(), 1);
    assert_eq!(stacks[0]["complete"], true);
    let names = functions(&stacks[0]);
    assert_eq!(names.iter().filter(|name| *name == "deep_recurse").count(), 300);
    assert_eq!(names.last().map(String::as_str), Some("runtime.goexit"));
}

#[test]
fn hundreds_of_frames_on_both_sides_are_whole() {
    let arguments = ["-depth", "200", "-levels", "300"];
    let trace = trace(&DEEP.fixture(NEWEST, LinkMode::Exe), DEEP.probe, &arguments);
    let stacks = records(&trace, "stack");
    assert_eq!(stacks.len(), 1);
    assert_eq!((&stacks[0]["complete"], &stacks[0]["end"]), (&true.into(), &"goexit".into()));
    let names = functions(&stacks[0]);
    let count = |of: &str| names.iter().filter(|name| *name == of).count();
    assert_eq!((count("deep_recurse"), count("main.descend")), (200, 300));
}

#[test]
fn the_limit_may_lie_in_go() {
    let arguments = ["-depth", "200", "-levels", "1000"];
    let trace = trace(&DEEP.fixture(NEWEST, LinkMode::Exe), DEEP.probe, &arguments);
    let stacks = records(&trace, "stack");
    assert_eq!((&stacks[0]["complete"], &stacks[0]["end"]), (&false.into(), &"limit".into()));
    let names = functions(&stacks[0]);
    assert_eq!(names.iter().filter(|name| *name == "deep_recurse").count(), 200);
    assert_eq!(names.last().map(String::as_str), Some("main.descend"));
}

#[test]
fn beyond_the_limit_the_innermost_frames_are_kept_and_it_is_said() {
    let trace = trace(&DEEP.fixture(NEWEST, LinkMode::Exe), DEEP.probe, &["-depth", "1000"]);
    let stacks = records(&trace, "stack");
    assert_eq!(stacks.len(), 1);
    let stack = &stacks[0];
    assert_eq!((&stack["complete"], &stack["end"]), (&false.into(), &"limit".into()));
    assert_eq!(stack["problems"], serde_json::json!(["limit"]));
    let names = functions(stack);
    assert_eq!(names[0], "deep_leaf");
    // 512 physical frames and the one call that is inlined into the innermost deep_recurse.
    assert_eq!(names.len(), 513);
    assert!(names[2..].iter().all(|name| name == "deep_recurse"), "{names:?}");
    assert_eq!(records(&trace, "summary")[0]["incomplete"]["limit"], 1);
}

#[test]
fn frame_pointers_lead_nowhere_in_deep() {
    // gdb stops where cgotrace walks. RBP there holds a value of the recursion: the word that a
    // walk by frame pointers would read does not exist.
    let output = run(
        std::process::Command::new("gdb")
            .args(["-batch", "-nx", "-ex", "set debuginfod enabled off"])
            .args(["-ex", "handle SIGURG nostop noprint", "-ex", "break deep_leaf", "-ex", "run"])
            .args(["-ex", "x/2gx $rbp"])
            .arg(DEEP.fixture(NEWEST, LinkMode::Exe)),
        1,
    );
    let said = String::from_utf8_lossy(&output.stderr) + String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("hit Breakpoint 1"), "{said}");
    assert!(said.contains("Cannot access memory at address"), "{said}");
}
