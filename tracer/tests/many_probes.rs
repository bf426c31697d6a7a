//! Many probes: all hit, none left behind, however cgotrace ends.
#![cfg(feature = "privileged-tests")]
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, Write as _};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use object::{Object, ObjectSection, ObjectSymbol};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tracer::address::FileOffset;
use tracer::bpf::{AttachMethod, Kernel, Progress, Scope};

const FUNCTIONS: usize = 1200;

/// A program of many functions `f_0`, `f_1`…: it calls the first N of them once, N its argument;
/// then again at each byte of its input.
fn program(folder: &TempDir) -> PathBuf {
    let mut source = String::from("#include <stdio.h>\n#include <stdlib.h>\n#include <unistd.h>\n");
    for number in 0..FUNCTIONS {
        let text = "__attribute__((noinline)) static int f_";
        writeln!(source, "{text}{number}(int x) {{ return x * {} + 1; }}", number + 3).unwrap();
    }
    let all: Vec<_> = (0..FUNCTIONS).map(|number| format!("f_{number}")).collect();
    writeln!(source, "static int (*all[])(int) = {{{}}};", all.join(",")).unwrap();
    source.push_str(
        "int main(int count, char **arguments) {
            int most = atoi(arguments[1]), sum = 0;
            char byte;
            do for (int i = 0; i < most; i++) sum += all[i](i);
            while (read(0, &byte, 1) == 1);
            return sum == 42 ? 1 : 7;
        }",
    );
    let (path, binary) = (folder.path().join("many.c"), folder.path().join("many"));
    fs::write(&path, source).unwrap();
    let status =
        Command::new("cc").args(["-O1", "-no-pie", "-o"]).args([&binary, &path]).status().unwrap();
    assert!(status.success());
    binary
}

/// A function, by readers other than ours.
struct Function {
    address: u64,
    offset: u64,
    first_byte: u8,
}

fn functions(binary: &Path) -> Vec<Function> {
    let data = fs::read(binary).unwrap();
    let file = object::File::parse(&*data).unwrap();
    let text = file.section_by_name(".text").unwrap();
    let (start, (offset, _)) = (text.address(), text.file_range().unwrap());
    let own = file.symbols().filter(|symbol| symbol.name().is_ok_and(|it| it.starts_with("f_")));
    own.map(|symbol| {
        let (address, offset) = (symbol.address(), symbol.address() - start + offset);
        Function { address, offset, first_byte: data[offset as usize] }
    })
    .collect()
}

/// How many functions differ in memory from the file: they hold a breakpoint.
fn breakpoints(process: &Child, functions: &[Function]) -> usize {
    let memory = fs::File::open(format!("/proc/{}/mem", process.id())).unwrap();
    let differs = |function: &&Function| {
        let mut byte = [0];
        memory.read_exact_at(&mut byte, function.address).unwrap();
        byte[0] != function.first_byte
    };
    functions.iter().filter(differs).count()
}

/// cgotrace on all functions, armed.
fn armed(arguments: &[&str], output: &Path) -> Child {
    let mut child = Command::new(env!("CARGO_BIN_EXE_cgotrace"))
        .args(["attach", "--func", "f_*", "--max-probes", "2000", "--format", "json", "--force"])
        .arg("-o")
        .arg(output)
        .args(arguments)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let said = lines.find(|line| line.as_ref().unwrap().contains("probes armed")).unwrap().unwrap();
    assert!(said.contains(&format!("{FUNCTIONS} probes")), "{said}");
    // The rest of what it says goes nowhere, but it must be able to say it.
    std::thread::spawn(|| lines.for_each(drop));
    child
}

fn end(child: &Child, signal: Signal) {
    let pid = Pid::from_raw(child.id().cast_signed()).unwrap();
    kill_process(pid, signal).unwrap();
}

/// Waits until `is_true`, at most ten seconds.
fn eventually(mut is_true: impl FnMut() -> bool) -> bool {
    let started = Instant::now();
    while !is_true() {
        if started.elapsed() > Duration::from_secs(10) {
            return false;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    true
}

/// How often each function was hit, by the output.
fn hits(output: &Path) -> BTreeMap<String, usize> {
    let mut hits = BTreeMap::new();
    for line in fs::read_to_string(output).unwrap_or_default().lines() {
        let Ok(record) = serde_json::from_str::<serde_json::Value>(line) else { continue };
        if record["kind"] == "stack" {
            *hits.entry(record["probe"].as_str().unwrap().to_owned()).or_default() += 1;
        }
    }
    hits
}

/// Traces a process by `arguments` of cgotrace while it calls the first 700 functions three times.
/// Another process of the same program holds `in_other` breakpoints meanwhile.
fn all_are_hit(in_other: usize, arguments: impl Fn(&Path, &Child) -> Vec<String>) {
    const CALLED: usize = 700;
    let folder = TempDir::new().unwrap();
    let (binary, output) = (program(&folder), folder.path().join("hits.json"));
    let functions = functions(&binary);
    assert_eq!(functions.len(), FUNCTIONS);
    let start = || {
        let mut command = Command::new(&binary);
        command.arg(CALLED.to_string()).stdin(Stdio::piped()).spawn().unwrap()
    };
    // Two: where one is traced only, the other must not be.
    let (mut target, mut other) = (start(), start());
    let arguments = arguments(&binary, &target);
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let mut tracer = armed(&arguments, &output);
    assert_eq!(breakpoints(&target, &functions), FUNCTIONS);
    assert_eq!(breakpoints(&other, &functions), in_other);
    target.stdin.as_mut().unwrap().write_all(b"123").unwrap();
    let expected = 3 * CALLED;
    assert!(eventually(|| hits(&output).values().sum::<usize>() >= expected), "too few hits");
    end(&tracer, Signal::INT);
    assert!(tracer.wait().unwrap().success());
    let hits = hits(&output);
    let each: BTreeMap<_, _> = (0..CALLED).map(|number| (format!("f_{number}"), 3)).collect();
    assert_eq!(hits, each);
    for process in [&target, &other] {
        assert_eq!(breakpoints(process, &functions), 0, "a breakpoint is left");
    }

    let mut tracer = armed(&arguments, &output);
    assert_eq!(breakpoints(&target, &functions), FUNCTIONS);
    end(&tracer, Signal::KILL);
    tracer.wait().unwrap();
    assert!(eventually(|| breakpoints(&target, &functions) == 0), "a breakpoint is left");
    for process in [&mut target, &mut other] {
        drop(process.stdin.take());
        assert_eq!(process.wait().unwrap().code(), Some(7), "the target was harmed");
    }
}

#[test]
fn of_every_process() {
    all_are_hit(FUNCTIONS, |binary, _| vec![binary.display().to_string()]);
}

#[test]
fn of_one_process() {
    all_are_hit(0, |_, target| vec!["-p".to_owned(), target.id().to_string()]);
}

#[test]
fn a_reader_that_goes_away_ends_the_session_and_not_the_command() {
    let folder = TempDir::new().unwrap();
    let binary = program(&folder);
    let mut tracer = Command::new(env!("CARGO_BIN_EXE_cgotrace"))
        .args(["run", "--func", "f_*", "--max-probes", "2000", "--format", "json", "--"])
        .arg(&binary)
        .arg(FUNCTIONS.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    // More is to come than a pipe holds.
    BufReader::new(tracer.stdout.take().unwrap()).read_line(&mut first).unwrap();
    assert!(first.starts_with("{\"kind\":\"start\""), "{first}");
    let output = tracer.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(7));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("probes armed") && said.lines().count() == 1, "{said}");
}

#[test]
fn a_thousand_probes_take_seconds() {
    let folder = TempDir::new().unwrap();
    let binary = program(&folder);
    let functions = functions(&binary);
    let (mut kernel, _, _) = Kernel::load(false).unwrap();
    println!("{:?}", kernel.attach_method());
    for count in [1, 100, 1000] {
        let offsets = functions.iter().take(count).map(|function| FileOffset(function.offset));
        let places: Vec<_> = offsets.map(|offset| (offset, 0)).collect();
        let (started, mut last) = (Instant::now(), None);
        let mut hear = |progress: Progress| last = Some((progress.done, progress.of));
        kernel.attach_probes(&binary, &places, Scope::All, &mut hear).unwrap();
        let attached = started.elapsed();
        kernel.detach_probes(&mut |_| {}).unwrap();
        let all = started.elapsed();
        println!("{count} probes: attach {attached:?}, detach {:?}", all - attached);
        assert_eq!(last, Some((count, count)));
        if kernel.attach_method() == AttachMethod::OneLink {
            assert!(all < Duration::from_secs(10), "{all:?}");
        }
    }
}
