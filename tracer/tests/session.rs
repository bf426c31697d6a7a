//! How sessions begin and end: whose calls are traced, what ends them, what they leave behind.
#![cfg(feature = "privileged-tests")]

mod support;

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::json;
use xtask::tool::example::ANIMALS;
use xtask::tool::go::{LinkMode, NEWEST};

use support::{
    PATIENCE, Program, Session, cgotrace, compile, eventually, functions, records, run, send, wait,
};

/// Calls `work` every ten milliseconds; ends with the status that it is given.
const WORKER: &str = "
    #include <stdlib.h>
    #include <unistd.h>
    __attribute__((noinline)) void work(int i) { __asm__ volatile(\"\" :: \"r\"(i)); }
    int main(int count, char **arguments) {
        int rounds = count > 1 ? atoi(arguments[1]) : 1000000;
        for (int i = 0; i < rounds; i++) { work(i); usleep(10000); }
        return count > 2 ? atoi(arguments[2]) : 0;
    }";

fn text(path: &Path) -> &str {
    path.to_str().expect("path")
}

/// The byte at the start of `work` in a process: a breakpoint while a probe is there.
fn first_byte_of_work(pid: u32, program: &Path) -> u8 {
    let symbols = run(Command::new("nm").arg(program), 0);
    let symbols = String::from_utf8(symbols.stdout).expect("text");
    let line = symbols.lines().find(|line| line.ends_with(" T work")).expect("work");
    let address = u64::from_str_radix(line.split(' ').next().expect("address"), 16).expect("hex");
    let mut byte = [0];
    let memory = File::open(format!("/proc/{pid}/mem")).expect("memory");
    memory.read_exact_at(&mut byte, address).expect("a byte");
    byte[0]
}

#[test]
fn a_program_without_go_is_walked_to_its_entry_point() {
    let (_folder, program) = compile(WORKER, &[]);
    let output = run(
        cgotrace().args([
            "run",
            "--func",
            "work",
            "--format",
            "json",
            "--",
            text(&program),
            "3",
            "0",
        ]),
        0,
    );
    let trace = String::from_utf8(output.stdout).expect("text");
    let stacks = records(&trace, "stack");
    assert_eq!(stacks.len(), 3);
    for stack in stacks {
        let names = functions(&stack);
        assert_eq!(names[..2], ["work", "main"], "{stack}");
        assert_eq!(names.last().map(String::as_str), Some("_start"), "{stack}");
        assert_eq!((&stack["end"], &stack["complete"]), (&"process".into(), &true.into()));
        assert_eq!(stack["goroutine"], serde_json::Value::Null);
    }
}

#[test]
fn the_commands_own_status_is_passed_on() {
    let (_folder, program) = compile(WORKER, &[]);
    let mut traced = cgotrace();
    traced.args(["run", "--func", "work", "--"]);
    run(traced.arg(&program).args(["1", "37"]), 37);

    let (_folder, program) = compile(
        "#include <signal.h>\nvoid work(void) {}\nint main(void) { work(); raise(SIGUSR1); }",
        &[],
    );
    let mut traced = cgotrace();
    traced.args(["run", "--func", "work", "--"]);
    run(traced.arg(&program), 128 + 10);
}

#[test]
fn attach_traces_running_processes_and_those_to_come() {
    let (_folder, program) = compile(WORKER, &["-no-pie"]);
    let running = Program::start(&program, &[]);
    let session = Session::attach(&[text(&program), "--func", "work"]);
    session.wait_for_stacks(3);
    let later = Program::start(&program, &[]);
    let deadline = Instant::now() + PATIENCE;
    let seen = |pid: u32| session.output().contains(&format!("\"pid\":{pid},"));
    while !(seen(running.pid()) && seen(later.pid())) {
        assert!(Instant::now() < deadline, "{}", session.output());
        sleep(Duration::from_millis(20));
    }
    let trace = session.interrupt();
    let summary = &records(&trace, "summary")[0];
    assert_eq!(summary["events"], summary["complete"], "{summary}");
    assert_eq!(records(&trace, "stack").len() as u64, summary["events"].as_u64().expect("count"));
}

#[test]
fn only_the_processes_that_are_named_are_traced() {
    let (_folder, program) = compile(WORKER, &["-no-pie"]);
    let [first, second, other] = [(); 3].map(|()| Program::start(&program, &[]));
    let pids = [first.pid().to_string(), second.pid().to_string()];
    let session = Session::attach(&["-p", &pids[0], "-p", &pids[1], "--func", "work"]);
    session.wait_for_stacks(20);
    // A process that is not named does not even trap.
    assert_eq!(first_byte_of_work(first.pid(), &program), 0xcc);
    assert_ne!(first_byte_of_work(other.pid(), &program), 0xcc);
    let trace = session.interrupt();
    let seen: std::collections::BTreeSet<_> =
        records(&trace, "stack").iter().map(|stack| stack["pid"].to_string()).collect();
    assert_eq!(seen, pids.into_iter().collect());
}

#[test]
fn the_end_of_the_named_processes_ends_the_session() {
    let (_folder, program) = compile(WORKER, &[]);
    let worker = Program::start(&program, &["300"]);
    let session = Session::attach(&["-p", &worker.pid().to_string(), "--func", "work"]);
    let mut worker = worker;
    wait(&mut worker.0);
    let (status, trace) = session.finish();
    assert!(status.success());
    assert_eq!(records(&trace, "summary").len(), 1);
}

#[test]
fn a_count_and_a_duration_end_the_session() {
    let (_folder, program) = compile(WORKER, &["-no-pie"]);
    let worker = Program::start(&program, &[]);
    let binary = text(&program);
    let (status, trace) = Session::attach(&[binary, "--func", "work", "--count", "5"]).finish();
    assert!(status.success());
    assert_eq!(records(&trace, "stack").len(), 5);
    assert_eq!(records(&trace, "summary")[0]["events"], 5);

    let session = Session::attach(&[binary, "--func", "work", "--duration", "300ms"]);
    let (status, trace) = session.finish();
    assert!(status.success());
    let seconds = records(&trace, "summary")[0]["duration_seconds"].as_f64().expect("seconds");
    assert!((0.3..10.0).contains(&seconds), "{seconds}");
    assert_ne!(first_byte_of_work(worker.pid(), &program), 0xcc);
}

#[test]
fn signals_end_a_session_in_order() {
    let (_folder, program) = compile(WORKER, &["-no-pie"]);
    let worker = Program::start(&program, &[]);
    for signal in [Signal::INT, Signal::TERM] {
        let session = Session::attach(&[text(&program), "--func", "work"]);
        session.wait_for_stacks(2);
        send(session.pid(), signal);
        let (status, trace) = session.finish();
        assert!(status.success(), "{signal:?}: {status}");
        assert_eq!(records(&trace, "summary").len(), 1, "{signal:?}");
        assert_ne!(first_byte_of_work(worker.pid(), &program), 0xcc);
    }
}

/// Probes and events do not wait for whoever reads the output, and nothing is lost by it.
#[test]
fn a_reader_that_does_not_read_keeps_no_probe_armed() {
    let fast = WORKER.replace("usleep(10000)", "usleep(500)");
    let (_folder, program) = compile(&fast, &["-no-pie"]);
    let worker = Program::start(&program, &[]);
    let mut session = cgotrace()
        .args(["attach", text(&program), "--func", "work", "--format", "json"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("start cgotrace");
    eventually("a probe", || first_byte_of_work(worker.pid(), &program) == 0xcc);
    // A full pipe: some hundred stacks.
    sleep(Duration::from_secs(1));
    send(session.id(), Signal::INT);
    eventually("the probe's end", || first_byte_of_work(worker.pid(), &program) != 0xcc);
    assert!(session.try_wait().expect("wait").is_none(), "it did not wait for its reader");
    let trace = std::io::read_to_string(session.stdout.take().expect("output")).expect("text");
    assert!(wait(&mut session).success());
    let summary = &records(&trace, "summary")[0];
    let events = records(&trace, "stack").len();
    assert!(events > 500, "{events} events do not fill a pipe");
    assert_eq!((summary["events"].as_u64(), &summary["lost"]), (Some(events as u64), &json!({})));
}

#[test]
fn a_killed_cgotrace_leaves_no_probe() {
    let (_folder, program) = compile(WORKER, &["-no-pie"]);
    let mut worker = Program::start(&program, &[]);
    let session = Session::attach(&[text(&program), "--func", "work"]);
    session.wait_for_stacks(2);
    assert_eq!(first_byte_of_work(worker.pid(), &program), 0xcc);
    send(session.pid(), Signal::KILL);
    let (status, _) = session.finish();
    assert!(!status.success());
    let deadline = Instant::now() + PATIENCE;
    while first_byte_of_work(worker.pid(), &program) == 0xcc {
        assert!(Instant::now() < deadline, "the breakpoint stays");
        sleep(Duration::from_millis(10));
    }
    sleep(Duration::from_millis(50));
    assert!(worker.0.try_wait().expect("wait").is_none(), "the target did not survive");
}

#[test]
fn run_traces_only_its_command_and_what_that_starts() {
    // `sh` is not the probed binary of the others: here the command starts a copy of itself.
    let source = "
        #include <unistd.h>
        #include <sys/wait.h>
        __attribute__((noinline)) void work(int i) { __asm__ volatile(\"\" :: \"r\"(i)); }
        int main(void) {
            if (fork() == 0) { work(1); _exit(0); }
            wait(0);
            work(2);
        }";
    let (_folder, program) = compile(source, &[]);
    let mut other: Child = Command::new("sh")
        .args(["-c", "while :; do \"$0\"; done", text(&program)])
        .stdin(Stdio::null())
        .spawn()
        .expect("start");
    let output = run(
        cgotrace().args(["run", "--func", "work", "--format", "json", "--", text(&program)]),
        0,
    );
    other.kill().expect("end the other");
    other.wait().expect("wait");
    let trace = String::from_utf8(output.stdout).expect("text");
    let stacks = records(&trace, "stack");
    assert_eq!(stacks.len(), 2, "{trace}");
    assert_ne!(stacks[0]["pid"], stacks[1]["pid"]);
    assert!(stacks.iter().all(|stack| stack["complete"] == true), "{trace}");
}

#[test]
fn zero_hits_are_explained() {
    let program = ANIMALS.fixture(NEWEST, LinkMode::Exe);
    let output = cgotrace()
        .args(["attach", text(&program), "--func", "animal_print", "--duration", "100ms"])
        .output()
        .expect("run");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    assert!(said.contains("no process ran"), "{said}");
}
