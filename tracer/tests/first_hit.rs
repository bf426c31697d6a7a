//! A program that starts after the probes are armed, calls the function once and is gone two
//! milliseconds later gives one whole, named stack: 200 of 200.
#![cfg(feature = "privileged-tests")]

mod support;

use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use rustix::process::Signal;
use xtask::tool::example::ANIMALS;
use xtask::tool::expected::Expected;
use xtask::tool::go::{LinkMode, NEWEST};

use support::{Session, run, send};

const PROGRAMS: usize = 200;

/// Runs the programs while cgotrace sleeps, so that each has gone when its event is read.
fn two_hundred_of_two_hundred(mode: LinkMode, arguments: &[&str]) {
    let program = ANIMALS.fixture(NEWEST, mode);
    let session = Session::attach(&[program.to_str().expect("path"), "--func", ANIMALS.probe]);
    send(session.pid(), Signal::STOP);
    for _ in 0..PROGRAMS {
        // Waits for its end: from here on its process is gone.
        run(Command::new(&program).arg("-once").args(arguments), 0);
    }
    let written_before = session.output().matches("\"kind\":\"stack\"").count();
    assert_eq!(written_before, 0, "an event was read while its process lived");
    sleep(Duration::from_secs(1));
    send(session.pid(), Signal::CONT);
    session.wait_for_stacks(PROGRAMS);
    let trace = session.interrupt();
    for stack in support::records(&trace, "stack") {
        assert!(!Path::new(&format!("/proc/{}", stack["pid"])).exists(), "{stack}");
    }
    let exact = Expected::of(&ANIMALS).expect("expected.txt").check(&trace).expect("exact");
    println!("{} {arguments:?}: {exact} of {PROGRAMS}", mode.name());
    assert_eq!(exact, PROGRAMS);
}

#[test]
fn alone() {
    LinkMode::ALL.into_iter().for_each(|mode| two_hundred_of_two_hundred(mode, &[]));
}

#[test]
fn with_four_threads_that_map_and_unmap_memory() {
    let noise = ["-noise", "4"];
    LinkMode::ALL.into_iter().for_each(|mode| two_hundred_of_two_hundred(mode, &noise));
}
