//! Walks that begin in Go's runtime itself: on g0, on the signal stack, where it has left a
//! goroutine for good.
#![cfg(feature = "privileged-tests")]

mod support;

use std::fs;

use serde_json::Value;
use xtask::tool::example::{CALLBACKS, Example, THREADS};
use xtask::tool::go::{LinkMode, NEWEST, TESTED};

use support::{cgotrace, functions, records, run};

/// Functions of the runtime, and what their callers must begin with. All run on g0, the last one
/// on gsignal.
const PROBES: [(&str, &[&str]); 5] = [
    ("runtime.newstack", &["runtime.morestack"]),
    ("runtime.park_m", &["runtime.mcall"]),
    // On g0 already, systemstack leaves no frame.
    ("runtime.newproc1", &["runtime.newproc.func1"]),
    ("runtime.schedule", &[]),
    ("runtime.sigtrampgo", &["runtime.sigtramp"]),
];

fn trace(example: &Example, version: &str, arguments: &[&str]) -> Vec<Value> {
    let folder = tempfile::tempdir().expect("folder");
    let written = folder.path().join("trace.json");
    let mut command = cgotrace();
    command.args(["run", "--format", "json", "-o"]).arg(&written);
    for (probe, _) in PROBES {
        command.args(["--func", probe]);
    }
    // Collections without pause, so that goroutines are preempted by signals.
    command.env("GOGC", "1").arg("--").arg(example.fixture(version, LinkMode::Exe)).args(arguments);
    run(&mut command, 0);
    records(&fs::read_to_string(written).expect("trace"), "stack")
}

#[test]
fn every_walk_from_within_the_runtime_reaches_its_bottom() {
    for version in [TESTED[0], NEWEST] {
        let moving = ["-rounds", "20", "-move"];
        let mut stacks = trace(&CALLBACKS, version, &moving);
        stacks.extend(trace(&THREADS, version, &["-rounds", "20"]));
        for stack in &stacks {
            let names = functions(stack);
            assert_eq!(stack["complete"], true, "Go {version}: {stack}");
            let (_, callers) = PROBES
                .iter()
                .find(|(probe, _)| *probe == stack["probe"])
                .expect("one of the probes");
            assert_eq!(names[1..=callers.len()], **callers, "Go {version}: {names:?}");
            // What has left its goroutine has no other bottom.
            let last = names.last().map(String::as_str);
            let left = ["runtime.morestack", "runtime.mcall", "runtime.mstart"];
            match stack["end"].as_str() {
                Some("runtime") => {
                    let is_bottom = last.is_some_and(|last| left.contains(&last));
                    assert!(is_bottom || last == Some("runtime.rt0_go"), "{names:?}");
                }
                Some("goexit") => {
                    assert_eq!(last, Some("runtime.goexit"));
                    assert_ne!(stack["goroutine"], Value::Null, "{names:?}");
                    let crosses = |name: &&str| names.iter().any(|found| found == name);
                    let ways = ["runtime.systemstack", "runtime.sigtramp"];
                    assert!(ways.iter().any(crosses), "{names:?}");
                }
                end => assert_eq!(end, Some("thread"), "{names:?}"),
            }
        }
        for (probe, _) in PROBES {
            let count = stacks.iter().filter(|stack| stack["probe"] == probe).count();
            println!("Go {version}: {count:>5} stacks of {probe}");
            // Signals come by chance.
            assert!(count > 20 || probe == "runtime.sigtrampgo", "Go {version}: {probe}");
        }
    }
}
