//! malloc under load: many threads call it from a few places. Every stack must be one that the
//! program or Go's runtime can have, and each place's as often as the program went there.
#![cfg(feature = "privileged-tests")]

mod support;

use xtask::tool::example::MALLOCS;
use xtask::tool::expected::Expected;
use xtask::tool::go::{LinkMode, NEWEST, TESTED};

use support::cgotrace;

/// The program's own, each once a round.
const WAYS: [&str; 6] = [
    "expected.txt",
    "expected-deep.txt",
    "expected-back.txt",
    "expected-text.txt",
    "expected-thread.txt",
    "expected-thread-back.txt",
];

/// What Go's runtime calls it for.
const RUNTIME: [&str; 6] = [
    "expected-needm.txt",
    "expected-init.txt",
    "expected-newm-goexit.txt",
    "expected-newm-mcall.txt",
    "expected-newm-morestack.txt",
    "expected-newm-mstart.txt",
];

/// Traces one run, and gives how often each stack was there and how many were lost.
fn traced(version: &str, rounds: usize, pause: &str) -> (Vec<usize>, u64) {
    let folder = tempfile::tempdir().expect("folder");
    let written = folder.path().join("trace.json");
    let mut command = cgotrace();
    command.args(["run", "--format", "json", "--func", MALLOCS.probe, "-o"]).arg(&written);
    command.arg("--").arg(MALLOCS.fixture(version, LinkMode::Exe));
    command.args(["-rounds", &rounds.to_string(), "-pause", pause]).env("GOGC", "1");
    let output = command.output().expect("start cgotrace");
    assert!(output.status.success(), "{output:?}");
    let trace = std::fs::read_to_string(written).expect("trace");
    let named = |name: &&str| Expected::named(&MALLOCS, name).expect("stack");
    let expected: Vec<_> = WAYS.iter().chain(&RUNTIME).map(named).collect();
    let all: Vec<_> = expected.iter().collect();
    let what = |error| format!("Go {version}: {error:#}");
    Expected::count_each(&all, &trace).map_err(what).expect("known stacks")
}

#[test]
fn every_place_as_often_as_the_program_went_there() {
    const ROUNDS: usize = 300;
    for version in TESTED {
        let (counts, lost) = traced(version, ROUNDS, "5ms");
        assert_eq!((&counts[..WAYS.len()], lost), (&[ROUNDS; WAYS.len()][..], 0), "Go {version}");
        println!("Go {version}: {counts:?}");
    }
}

#[test]
fn at_full_speed_what_is_missing_was_lost_and_counted() {
    const ROUNDS: usize = 2000;
    let (counts, lost) = traced(NEWEST, ROUNDS, "0");
    let ways = &counts[..WAYS.len()];
    assert!(ways.iter().all(|count| *count <= ROUNDS), "{counts:?}");
    let missing = ways.iter().map(|count| ROUNDS - count).sum::<usize>();
    assert!(missing as u64 <= lost, "{missing} are missing, {lost} lost: {counts:?}");
    println!("{counts:?}, {lost} lost");
}
