//! Stacks that are no goroutine's: g0, where systemstack, mcall, morestack and mstart lead, with C
//! called from there, and gsignal over Go, over C and in a thread of C.
#![cfg(feature = "privileged-tests")]

mod support;

use xtask::tool::example::BOTTOMS;
use xtask::tool::go::KNOWN;

use support::case::Count::{AtLeast, Exactly};
use support::case::{Case, Count, all_exact};

const fn case(
    arguments: &'static [&'static str],
    probe: &'static str,
    stacks: &'static [(&'static str, Count)],
) -> Case {
    Case { example: &BOTTOMS, arguments, probe, stacks }
}

#[test]
fn go_starts_threads_from_every_stack() {
    const PROBE: &str = "libc.so.6:pthread_create";
    let cases = [
        case(
            &["-rounds", "20", "-what", "spawn"],
            PROBE,
            &[
                ("expected-first.txt", Exactly(1)),
                ("expected-template.txt", Exactly(1)),
                ("expected-systemstack.txt", AtLeast(0)),
                ("expected-mcall.txt", AtLeast(0)),
                ("expected-morestack.txt", AtLeast(0)),
                ("expected-mstart.txt", AtLeast(1)),
            ],
        ),
        case(
            &["-rounds", "20", "-what", "thread"],
            PROBE,
            &[
                ("expected-create.txt", Exactly(20)),
                ("expected-first.txt", Exactly(1)),
                ("expected-template.txt", Exactly(1)),
                ("expected-systemstack.txt", AtLeast(0)),
                ("expected-mcall.txt", AtLeast(0)),
                ("expected-morestack.txt", AtLeast(0)),
                ("expected-mstart.txt", AtLeast(0)),
            ],
        ),
    ];
    all_exact(&cases, &KNOWN);
}

#[test]
fn the_scheduler_runs_on_g0() {
    let cases = [
        case(
            &["-rounds", "20", "-what", "exit"],
            "runtime.goexit0",
            &[("expected.txt", AtLeast(20))],
        ),
        case(
            &["-rounds", "20", "-what", "exit"],
            "runtime.schedule",
            &[
                ("expected-schedule-mcall.txt", AtLeast(20)),
                ("expected-schedule-morestack.txt", AtLeast(0)),
                ("expected-schedule-mstart.txt", AtLeast(1)),
            ],
        ),
    ];
    all_exact(&cases, &KNOWN);
}

#[test]
fn stacks_grow_on_g0() {
    let cases = [
        case(
            &["-rounds", "20", "-what", "grow"],
            "runtime.copystack",
            &[("expected-copystack.txt", AtLeast(20))],
        ),
        case(
            &["-rounds", "20", "-what", "grow"],
            "runtime.morestack",
            &[("expected-grow.txt", AtLeast(20)), ("expected-morestack-other.txt", AtLeast(0))],
        ),
    ];
    all_exact(&cases, &KNOWN);
}

#[test]
fn handlers_of_go_run_on_gsignal() {
    let cases = [
        case(
            &["-rounds", "20", "-what", "kill"],
            "runtime.sighandler",
            &[("expected-kill.txt", Exactly(20))],
        ),
        case(
            &["-rounds", "20", "-what", "raise"],
            "runtime.sighandler",
            &[("expected-raise.txt", Exactly(20))],
        ),
        case(
            &["-rounds", "20", "-what", "thread"],
            "runtime.badsignal",
            &[("expected-thread.txt", Exactly(20))],
        ),
    ];
    all_exact(&cases, &KNOWN);
}
