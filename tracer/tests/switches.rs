//! Every way between Go, C and Rust, and every bottom: the programs of callbacks, threads and
//! signal handlers, each hit's whole list of frames against the stack that its source must give.
#![cfg(feature = "privileged-tests")]

mod support;

use xtask::tool::example::{
    BUILDS_CET, BUILDS_LTO, BUILDS_PG, CALLBACKS, CALLBACKS_ROWLESS, ODDCODE, RESOLVE, RUSTCALLS,
    SIGNALS, THREADS, THREADS_ROWLESS, THROWS,
};
use xtask::tool::go::{KNOWN, NEWEST, TESTED};

use support::case::Count::{AtLeast, Exactly};
use support::case::{Case, all_exact};

#[test]
fn callbacks() {
    let leaf = |arguments, count| Case {
        example: &CALLBACKS,
        arguments,
        probe: "callbacks_leaf",
        stacks: count,
    };
    let cases = [
        leaf(&["-rounds", "20"], &[("expected.txt", Exactly(20))]),
        leaf(&["-rounds", "50", "-move"], &[("expected.txt", Exactly(50))]),
        Case {
            probe: "main.goStep",
            ..leaf(&["-rounds", "20", "-levels", "1"], &[("expected-go.txt", AtLeast(20))])
        },
    ];
    all_exact(&cases, &KNOWN);
}

#[test]
fn threads_of_c() {
    let cases = [
        Case {
            example: &THREADS,
            arguments: &["-rounds", "50"],
            probe: "threads_leaf",
            stacks: &[("expected.txt", Exactly(50)), ("expected-through-go.txt", Exactly(50))],
        },
        Case {
            example: &THREADS,
            arguments: &["-rounds", "50"],
            probe: "main.goVisit",
            stacks: &[("expected-go.txt", AtLeast(50))],
        },
    ];
    all_exact(&cases, &TESTED);
}

#[test]
fn rust_and_go() {
    let case = |arguments, stacks| Case {
        example: &RUSTCALLS,
        arguments,
        probe: "rustcalls::leaf",
        stacks,
    };
    let cases = [
        case(&["-rounds", "50"], &[("expected.txt", Exactly(50))]),
        case(&["-rounds", "50", "-threads"], &[("expected-thread.txt", Exactly(50))]),
        case(
            &["-rounds", "50", "-threads", "-levels", "0"],
            &[("expected-alone.txt", Exactly(50))],
        ),
    ];
    all_exact(&cases, &TESTED);
}

#[test]
fn signal_handlers_over_c_and_over_go() {
    let case =
        |arguments, stacks| Case { example: &SIGNALS, arguments, probe: "signals_leaf", stacks };
    let cases = [
        case(&["-rounds", "50"], &[("expected.txt", Exactly(50))]),
        case(&["-rounds", "50", "-where", "raise"], &[("expected-raise.txt", Exactly(50))]),
        case(&["-rounds", "50", "-where", "fault"], &[("expected-fault.txt", Exactly(50))]),
        case(&["-rounds", "50", "-where", "panic"], &[("expected-panic.txt", Exactly(50))]),
        case(&["-rounds", "50", "-where", "go"], &[("expected-go.txt", Exactly(50))]),
        case(&["-rounds", "500", "-where", "loop"], &[("expected-loop.txt", Exactly(500))]),
    ];
    all_exact(&cases, &TESTED);
}

#[test]
fn signal_handlers_over_the_vdso() {
    let case =
        |arguments, stacks| Case { example: &SIGNALS, arguments, probe: "signals_leaf", stacks };
    // Where a signal comes is chance; most of the time is spent in the vdso.
    let cases = [
        case(
            &["-rounds", "500", "-where", "clock"],
            &[("expected-clock-vdso.txt", AtLeast(100)), ("expected-clock.txt", AtLeast(0))],
        ),
        case(
            &["-rounds", "500", "-where", "go-clock"],
            &[
                ("expected-go-clock-vdso.txt", AtLeast(100)),
                ("expected-go-clock.txt", AtLeast(0)),
                ("expected-go-clock-preempted.txt", AtLeast(0)),
            ],
        ),
    ];
    all_exact(&cases, &TESTED);
}

#[test]
fn frames_that_are_hard_to_find() {
    let case =
        |arguments, stacks| Case { example: &ODDCODE, arguments, probe: "oddcode_leaf", stacks };
    let cases = [
        case(&["-rounds", "50", "-kind", "alloca"], &[("expected.txt", Exactly(50))]),
        case(&["-rounds", "50", "-kind", "realigned"], &[("expected-realigned.txt", Exactly(50))]),
        case(&["-rounds", "50", "-kind", "jump"], &[("expected-jump.txt", Exactly(50))]),
        case(&["-rounds", "50", "-kind", "exception"], &[("expected-exception.txt", Exactly(50))]),
        case(&["-rounds", "50", "-kind", "tail"], &[("expected-tail.txt", Exactly(50))]),
        case(&["-rounds", "50", "-kind", "cold"], &[("expected-cold.txt", Exactly(50))]),
        case(&["-rounds", "50", "-kind", "rbx"], &[("expected-rbx.txt", Exactly(50))]),
        case(
            &["-rounds", "50", "-kind", "expression"],
            &[("expected-expression.txt", Exactly(50))],
        ),
    ];
    all_exact(&cases, &TESTED);
}

#[test]
fn go_goes_on_behind_code_without_rows() {
    let rounds = &["-rounds", "50"];
    let odd =
        |arguments, stacks| Case { example: &ODDCODE, arguments, probe: "oddcode_leaf", stacks };
    let cases = [
        odd(
            &["-rounds", "50", "-kind", "without-rows"],
            &[("expected-without-rows.txt", Exactly(50))],
        ),
        odd(&["-rounds", "50", "-kind", "sum"], &[("expected-sum.txt", Exactly(50))]),
        // A gap at each of seven levels.
        Case {
            example: &CALLBACKS_ROWLESS,
            arguments: rounds,
            probe: "callbacks_leaf",
            stacks: &[("expected-rowless.txt", Exactly(50))],
        },
        Case {
            example: &CALLBACKS_ROWLESS,
            arguments: &["-rounds", "50", "-move"],
            probe: "callbacks_leaf",
            stacks: &[("expected-rowless.txt", Exactly(50))],
        },
        // No Go below: the chain must end.
        Case {
            example: &THREADS_ROWLESS,
            arguments: rounds,
            probe: "threads_leaf",
            stacks: &[
                ("expected-rowless.txt", Exactly(50)),
                ("expected-rowless-through-go.txt", Exactly(50)),
            ],
        },
    ];
    all_exact(&cases, &TESTED);
}

#[test]
fn probes_in_stubs_in_libc_and_in_go() {
    let case = |example, arguments, probe, stacks| Case { example, arguments, probe, stacks };
    let rounds = &["-rounds", "50"];
    let cases = [
        // What asmcgocall calls.
        case(&ODDCODE, rounds, "_cgo_*_Cfunc_odd_alloca", &[("expected-stub.txt", Exactly(50))]),
        case(
            &ODDCODE,
            &["-rounds", "50", "-kind", "direct"],
            "odd_direct",
            &[("expected-direct.txt", Exactly(50))],
        ),
        case(&ODDCODE, rounds, "main.call", &[("expected-go.txt", AtLeast(50))]),
        // Without rows: where it has just been called, its caller is known all the same.
        case(
            &ODDCODE,
            &["-rounds", "50", "-kind", "without-rows"],
            "odd_without_rows",
            &[("expected-bare.txt", Exactly(50))],
        ),
        // Called through the PLT.
        case(
            &SIGNALS,
            &["-rounds", "50", "-where", "raise"],
            "libc.so.6:raise",
            &[("expected-libc.txt", Exactly(50))],
        ),
        case(
            &ODDCODE,
            &["-rounds", "50", "-kind", "write"],
            "libc.so.6:write",
            &[("expected-write.txt", Exactly(50))],
        ),
    ];
    all_exact(&cases, &TESTED);
}

#[test]
fn go_goes_on_behind_glue_that_go_linked_itself() {
    let case = |arguments, probe, stacks| Case { example: &RESOLVE, arguments, probe, stacks };
    let cases = [
        case(&["-rounds", "50"], "libc.so.6:getgrgid_r", &[("expected.txt", Exactly(50))]),
        case(
            &["-rounds", "20", "-what", "host"],
            "libc.so.6:getaddrinfo",
            &[("expected-host.txt", Exactly(20))],
        ),
    ];
    all_exact(&cases, &TESTED);
}

#[test]
fn exceptions_that_cross_modules() {
    const LEAF: &str = "libthrows.so:throws_leaf";
    let case = |arguments, probe, stacks| Case { example: &THROWS, arguments, probe, stacks };
    let handler = &["-rounds", "50", "-kind", "handler"];
    let cases = [
        case(&["-rounds", "50"], LEAF, &[("expected.txt", Exactly(50))]),
        case(
            handler,
            LEAF,
            &[("expected-passing.txt", Exactly(50)), ("expected-handler.txt", Exactly(50))],
        ),
        case(
            &["-rounds", "50", "-kind", "translated"],
            LEAF,
            &[("expected-translated.txt", Exactly(50))],
        ),
        case(handler, "libstdc++.so.6:__cxa_throw", &[("expected-throw.txt", Exactly(50))]),
        case(
            handler,
            "libstdc++.so.6:__gxx_personality_v0",
            &[("expected-search.txt", AtLeast(50)), ("expected-resume.txt", AtLeast(50))],
        ),
        // In the dynamic linker, which binds a call through the PLT.
        case(
            &["-kind", "picked"],
            "libthrows.so:throws_pick",
            &[("expected-picked.txt", Exactly(1))],
        ),
    ];
    all_exact(&cases, &TESTED);
}

#[test]
fn libraries_that_are_built_in_other_ways() {
    let case = |example, stacks| Case {
        example,
        arguments: &["-rounds", "50"],
        probe: "builds_leaf",
        stacks,
    };
    let plain = &[
        ("expected.txt", Exactly(50)),
        ("expected-destructor.txt", Exactly(50)),
        ("expected-handler.txt", Exactly(50)),
    ];
    let inlined = &[
        ("expected-lto.txt", Exactly(50)),
        ("expected-destructor.txt", Exactly(50)),
        ("expected-handler.txt", Exactly(50)),
    ];
    let cases = [
        case(&BUILDS_LTO, inlined),
        case(&BUILDS_CET, plain),
        case(&BUILDS_PG, plain),
        // In the prologue of each of eight calls.
        Case {
            probe: "libc.so.6:mcount",
            ..case(&BUILDS_PG, &[("expected-mcount.txt", Exactly(400))])
        },
    ];
    all_exact(&cases, &[NEWEST]);
}
