//! Every example, with every Go version and link mode: each hit's whole list of frames, with
//! lines, against the stack that its source must give.
#![cfg(feature = "privileged-tests")]

mod support;

use xtask::tool::example::{ALL, DEEP, Example};
use xtask::tool::expected::Expected;
use xtask::tool::go::{LinkMode, NEWEST, TESTED};

use support::{cgotrace, functions, records, run};

/// Traces one run of an example; what it wrote.
fn trace(example: &Example, version: &str, mode: LinkMode, arguments: &[&str]) -> String {
    let folder = tempfile::tempdir().expect("folder");
    let output = folder.path().join("trace.json");
    run(
        cgotrace()
            .args(["run", "--format", "json", "--func", example.probe, "-o"])
            .arg(&output)
            .arg("--")
            .arg(example.fixture(version, mode))
            .args(arguments),
        0,
    );
    std::fs::read_to_string(output).expect("trace")
}

#[test]
fn every_hit_of_every_example_has_its_stack() {
    println!("example   Go       mode  hits  exact");
    for example in ALL {
        let expected = Expected::of(example).expect("expected.txt");
        for version in TESTED {
            for mode in LinkMode::ALL {
                let trace = trace(example, version, mode, &["-rounds", "20"]);
                let exact = expected.check(&trace).unwrap_or_else(|error| {
                    panic!("{} with Go {version}, {}: {error:#}", example.name, mode.name())
                });
                let hits = 20 * example.hits;
                println!(
                    "{:<9} {version:<8} {:<5} {hits:>4}  {exact:>5}",
                    example.name,
                    mode.name()
                );
                assert_eq!(exact, hits);
            }
        }
    }
}

#[test]
fn three_hundred_frames_are_whole() {
    let trace = trace(&DEEP, NEWEST, LinkMode::Pie, &["-depth", "300"]);
    let stacks = records(&trace, "stack");
    assert_eq!(stacks.len(), 1);
    assert_eq!(stacks[0]["complete"], true);
    let names = functions(&stacks[0]);
    assert_eq!(names.iter().filter(|name| *name == "deep_recurse").count(), 300);
    assert_eq!(names.last().map(String::as_str), Some("runtime.goexit"));
}

#[test]
fn beyond_the_limit_the_innermost_frames_are_kept_and_it_is_said() {
    let trace = trace(&DEEP, NEWEST, LinkMode::Exe, &["-depth", "1000"]);
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
