//! Every way between Go, C and Rust, and every bottom: the programs of callbacks, threads and
//! signal handlers, each hit's whole list of frames against the stack that its source must give.
#![cfg(feature = "privileged-tests")]

mod support;

use std::fmt::Write;

use xtask::tool::example::{CALLBACKS, Example, ODDCODE, RUSTCALLS, SIGNALS, THREADS};
use xtask::tool::expected::Expected;
use xtask::tool::go::{KNOWN, LinkMode, TESTED};

use support::cgotrace;

/// One run of a program.
struct Case {
    example: &'static Example,
    arguments: &'static [&'static str],
    probe: &'static str,
    /// The files of the stacks that it must give, and how often each.
    stacks: &'static [(&'static str, Count)],
}

/// How often a stack is there.
#[derive(Clone, Copy)]
enum Count {
    Exactly(usize),
    /// A Go function that has to grow its stack starts again, so the probe is hit again.
    AtLeast(usize),
}

impl Count {
    fn is(self, found: usize) -> bool {
        match self {
            Self::Exactly(count) => found == count,
            Self::AtLeast(count) => found >= count,
        }
    }
}

use Count::{AtLeast, Exactly};

impl Case {
    /// Traces it: how many hits had their stack, or what was wrong.
    fn run(&self, version: &str, mode: LinkMode) -> Result<usize, String> {
        let folder = tempfile::tempdir().expect("folder");
        let written = folder.path().join("trace.json");
        let mut command = cgotrace();
        command.args(["run", "--format", "json", "--func", self.probe, "-o"]).arg(&written);
        command.arg("--").arg(self.example.fixture(version, mode)).args(self.arguments);
        // A signal must not come while Go preempts the loop of signals.
        if ["loop", "go-clock"].iter().any(|looped| self.arguments.contains(looped)) {
            command.env("GODEBUG", "asyncpreemptoff=1");
        }
        let output = command.output().expect("start cgotrace");
        if !output.status.success() {
            return Err(format!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr)));
        }
        let trace = std::fs::read_to_string(written).expect("trace");
        let read = |(file, _): &(&str, Count)| Expected::named(self.example, file).expect("stack");
        let expected: Vec<_> = self.stacks.iter().map(read).collect();
        let counts = Expected::check_each(&expected.iter().collect::<Vec<_>>(), &trace)
            .map_err(|error| format!("{error:#}"))?;
        for ((file, count), found) in self.stacks.iter().zip(&counts) {
            if !count.is(*found) {
                return Err(format!("{found} stacks as in {file}"));
            }
        }
        Ok(counts.iter().sum())
    }
}

/// Runs these, built with these versions of Go and linked both ways.
fn all_exact(cases: &[Case], versions: &[&str]) {
    let mut wrong = String::new();
    for (case, version) in cases.iter().flat_map(|case| versions.iter().map(move |of| (case, of))) {
        for mode in LinkMode::ALL {
            let what = format!(
                "{} {:?} with Go {version}, {}, at {}",
                case.example.name,
                case.arguments,
                mode.name(),
                case.probe
            );
            match case.run(version, mode) {
                Ok(hits) => println!("{hits:>5} hits exact: {what}"),
                Err(why) => writeln!(wrong, "{what}: {why}").expect("write"),
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

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
    let case = Case {
        example: &ODDCODE,
        arguments: &["-rounds", "50", "-kind", "without-rows"],
        probe: "oddcode_leaf",
        stacks: &[("expected-without-rows.txt", Exactly(50))],
    };
    all_exact(&[case], &TESTED);
}

#[test]
fn probes_in_stubs_in_libc_and_in_go() {
    let case = |example, arguments, probe, stacks| Case { example, arguments, probe, stacks };
    let rounds = &["-rounds", "50"];
    let cases = [
        // What asmcgocall calls.
        case(&ODDCODE, rounds, "_cgo_*_Cfunc_odd_alloca", &[("expected-stub.txt", Exactly(50))]),
        case(&ODDCODE, rounds, "main.call", &[("expected-go.txt", AtLeast(50))]),
        // Called through the PLT.
        case(
            &SIGNALS,
            &["-rounds", "50", "-where", "raise"],
            "libc.so.6:raise",
            &[("expected-libc.txt", Exactly(50))],
        ),
    ];
    all_exact(&cases, &TESTED);
}
