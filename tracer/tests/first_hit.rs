//! A program that starts after the probes are armed, calls the function once and is gone two
//! milliseconds later gives one whole, named stack: 200 of 200.
#![cfg(feature = "privileged-tests")]

mod support;

use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::thread::sleep;
use std::time::Duration;

use rustix::process::Signal;
use xtask::tool::example::{ANIMALS, Example, RUSTLIB_CDYLIB, RUSTLIB_DLOPEN};
use xtask::tool::expected::Expected;
use xtask::tool::go::{LinkMode, NEWEST};

use support::{Session, run, send};

const PROGRAMS: usize = 200;

/// Runs the programs while cgotrace sleeps, so that each has gone when its event is read. Each
/// calls the function so many times.
fn two_hundred_of_two_hundred(example: &Example, mode: LinkMode, hits: usize, arguments: &[&str]) {
    // One at a time: a session sees every process of its file, those of other tests too.
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let program = example.fixture(NEWEST, mode);
    let pattern = example.pattern(program.parent().expect("folder"));
    let session = Session::attach(&[program.to_str().expect("path"), "--func", &pattern]);
    send(session.pid(), Signal::STOP);
    for _ in 0..PROGRAMS {
        // Waits for its end: from here on its process is gone.
        run(Command::new(&program).arg("-once").args(arguments), 0);
    }
    let written_before = session.output().matches("\"kind\":\"stack\"").count();
    assert_eq!(written_before, 0, "an event was read while its process lived");
    sleep(Duration::from_secs(1));
    send(session.pid(), Signal::CONT);
    session.wait_for_stacks(PROGRAMS * hits);
    let trace = session.interrupt();
    for stack in support::records(&trace, "stack") {
        assert!(!Path::new(&format!("/proc/{}", stack["pid"])).exists(), "{stack}");
    }
    let exact = Expected::of(example).expect("expected.txt").check(&trace).expect("exact");
    println!("{} {} {arguments:?}: {exact} of {}", example.name, mode.name(), PROGRAMS * hits);
    assert_eq!(exact, PROGRAMS * hits);
}

#[test]
fn alone() {
    for mode in LinkMode::ALL {
        two_hundred_of_two_hundred(&ANIMALS, mode, 1, &[]);
    }
}

#[test]
fn with_four_threads_that_map_and_unmap_memory() {
    for mode in LinkMode::ALL {
        two_hundred_of_two_hundred(&ANIMALS, mode, 1, &["-noise", "4"]);
    }
}

// The Rust library is called once, and calls the function twice: into a panic and without.

#[test]
fn in_a_linked_shared_library() {
    for mode in LinkMode::ALL {
        two_hundred_of_two_hundred(&RUSTLIB_CDYLIB, mode, 2, &[]);
    }
}

#[test]
fn in_a_library_loaded_by_dlopen() {
    for mode in LinkMode::ALL {
        two_hundred_of_two_hundred(&RUSTLIB_DLOPEN, mode, 2, &[]);
    }
}
