//! How a session behaves towards its user: what Ctrl-C does, what a pipe gets, what is said.
#![cfg(feature = "privileged-tests")]

mod support;

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tempfile::TempDir;

use support::{PATIENCE, Program, cgotrace, compile, run, send, wait};

/// Calls `work` in two ways, three to one, every few milliseconds.
const WORKER: &str = "
    #include <unistd.h>
    __attribute__((noinline)) void work(int i) { __asm__ volatile(\"\" :: \"r\"(i)); }
    __attribute__((noinline)) void often(int i) { work(i); __asm__ volatile(\"\"); }
    __attribute__((noinline)) void seldom(int i) { work(i); __asm__ volatile(\"\"); }
    int main(int count, char **arguments) {
        for (int i = 0; count < 2 || i < 40; i++) {
            if (i % 4) often(i); else seldom(i);
            usleep(3000);
        }
        return 0;
    }";

fn worker() -> (TempDir, PathBuf) {
    compile(WORKER, &["-no-pie"])
}

/// `cgotrace attach PROGRAM --func work OPTIONS`, both its outputs in pipes.
fn attach(program: &Path, options: &[&str]) -> Child {
    let mut command = cgotrace();
    command.arg("attach").arg(program).args(["--func", "work"]).args(options);
    let (out, err) = (Stdio::piped(), Stdio::piped());
    command.stdin(Stdio::null()).stdout(out).stderr(err).spawn().expect("start cgotrace")
}

/// Reads until a line that holds `text`.
fn read_until(lines: &mut impl BufRead, text: &str) -> String {
    let mut read = String::new();
    while !read.lines().last().is_some_and(|line| line.contains(text)) {
        assert!(lines.read_line(&mut read).expect("read") > 0, "no {text:?}: {read}");
    }
    read
}

fn rest(mut stream: impl Read) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("read");
    text
}

/// Runs the worker to its end under cgotrace with these options: standard output and error.
fn traced(options: &[&str]) -> (String, String) {
    let (_folder, program) = worker();
    let mut command = cgotrace();
    command.args(["run", "--func", "work"]).args(options).arg("--").arg(&program).arg("end");
    let output = run(&mut command, 0);
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (text(output.stdout), text(output.stderr))
}

#[test]
fn each_stack_is_shown_once_with_its_share() {
    let (text, _) = traced(&["--group"]);
    let blocks: Vec<_> = text.split("\n\n").collect();
    assert!(blocks[0].starts_with("40 hits, 2 stacks, in "), "{text}");
    assert!(blocks[1].starts_with("30 hits  75.0 %  work\n"), "{text}");
    assert!(blocks[2].starts_with("10 hits  25.0 %  work\n"), "{text}");
    assert!(blocks[1].contains("\n  C  often ") && blocks[2].contains("\n  C  seldom "), "{text}");
    assert_eq!(text.matches("  .. ").count(), 2, "libc's frames are folded: {text}");
}

#[test]
fn groups_come_at_each_interval() {
    let (_folder, program) = worker();
    let _worker = Program::start(&program, &[]);
    let mut session = attach(&program, &["--group", "--interval", "200ms"]);
    let mut out = BufReader::new(session.stdout.take().expect("output"));
    let hits = |table: String| -> u64 {
        let line = table.lines().find(|line| line.contains(", 2 stacks, in ")).expect("line");
        line.split(' ').next().expect("count").parse().expect("number")
    };
    let first = hits(read_until(&mut out, ", 2 stacks, in "));
    let second = hits(read_until(&mut out, ", 2 stacks, in "));
    assert!(first < second, "{first}, then {second}");
    send(session.id(), Signal::INT);
    let last = rest(out);
    assert!(last.contains(" hits, 2 stacks, in "), "{last}");
    assert!(wait(&mut session).success());
}

#[test]
fn an_interrupt_writes_what_was_gathered() {
    let (_folder, program) = worker();
    let _worker = Program::start(&program, &[]);
    for format in ["folded", "flamegraph", "speedscope", "pprof"] {
        let folder = tempfile::tempdir().expect("folder");
        let file = folder.path().join("out");
        let path = file.to_str().expect("path");
        let mut session = attach(&program, &["--format", format, "-o", path]);
        let mut said = BufReader::new(session.stderr.take().expect("stderr"));
        read_until(&mut said, "probes armed");
        std::thread::sleep(Duration::from_millis(300));
        send(session.id(), Signal::INT);
        let said = rest(said);
        assert!(wait(&mut session).success(), "{format}: {said}");
        let events: u64 = said
            .split("cgotrace: ")
            .last()
            .expect("summary")
            .split(' ')
            .next()
            .expect("count")
            .parse()
            .expect(&said);
        assert!(events > 10, "{said}");
        let written = std::fs::read(&file).expect("output");
        let text = String::from_utf8_lossy(&written);
        match format {
            "folded" => {
                let counts = text.lines().map(|line| line.rsplit(' ').next().expect("count"));
                let sum: u64 = counts.map(|count| count.parse::<u64>().expect("number")).sum();
                assert_eq!(sum, events, "{text}");
            }
            "flamegraph" => assert!(text.contains(&format!("total_samples=\"{events}\""))),
            "speedscope" => assert!(text.contains(&format!("\"endValue\":{events},")), "{text}"),
            _ => assert_eq!(written[..2], [0x1f, 0x8b]),
        }
    }
}

#[test]
fn a_second_interrupt_ends_it_at_once() {
    let (_folder, program) = worker();
    let mut worker = Program::start(&program, &[]);
    // Nobody reads its pipe, which is full: it would wait for ever.
    let mut session = attach(&program, &["--frames", "all"]);
    let mut said = BufReader::new(session.stderr.take().expect("stderr"));
    read_until(&mut said, "probes armed");
    std::thread::sleep(Duration::from_secs(2));
    send(session.id(), Signal::INT);
    std::thread::sleep(Duration::from_millis(300));
    assert!(session.try_wait().expect("wait").is_none(), "it did not wait for its reader");
    send(session.id(), Signal::INT);
    let status = wait(&mut session);
    assert_eq!(status.signal(), Some(2), "{status}");
    assert!(worker.0.try_wait().expect("wait").is_none(), "the target did not survive");
}

#[test]
fn a_pipe_gets_whole_lines_at_once_and_no_colour() {
    let (_folder, program) = worker();
    let _worker = Program::start(&program, &[]);
    let mut session = attach(&program, &[]);
    let mut out = BufReader::new(session.stdout.take().expect("output"));
    let start = Instant::now();
    // Two stacks come while the session runs on.
    let mut text = read_until(&mut out, "work");
    text += &read_until(&mut out, "pid");
    assert!(start.elapsed() < PATIENCE);
    assert!(!text.contains('\u{1b}'), "{text:?}");
    // A reader that has enough ends the session, without a word about it.
    drop(out);
    let said = rest(session.stderr.take().expect("stderr"));
    assert!(wait(&mut session).success());
    assert!(!said.contains('\u{1b}') && !said.to_lowercase().contains("pipe"), "{said:?}");
    assert!(!said.contains("so far"), "counts are for terminals: {said:?}");
}

#[test]
fn colour_is_asked_for_or_not() {
    let (text, _) = traced(&["--color", "always", "--count", "1"]);
    assert!(text.contains("\u{1b}[32mC"), "{text:?}");
    let (text, _) = traced(&["--color", "never", "--count", "1"]);
    assert!(!text.contains('\u{1b}'), "{text:?}");
}

#[test]
fn as_much_is_said_as_is_asked_for() {
    let (_, said) = traced(&[]);
    assert!(said.contains("probes armed: 1 probe") && said.contains("40 events"), "{said}");
    let (_, said) = traced(&["--quiet"]);
    assert_eq!(said, "");
    let (_, said) = traced(&["-v"]);
    assert!(
        said.contains("cgotrace: probe work (work) at ") && said.contains("program+0x"),
        "{said}"
    );
}

/// On a terminal, which `script` makes, counts are shown while nothing else is.
#[test]
fn a_terminal_sees_the_count_grow() {
    let (_folder, program) = worker();
    let cgotrace = env!("CARGO_BIN_EXE_cgotrace");
    let _worker = Program::start(&program, &[]);
    let line = format!(
        "{cgotrace} attach {} --func work --format folded -o /dev/null --duration 2s",
        program.display()
    );
    let output = run(Command::new("script").args(["-qec", &line, "/dev/null"]), 0);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("stacks so far") || text.contains("stack so far"), "{text:?}");
    assert!(text.contains(" events: "), "{text:?}");
}
