//! `record` and `report`: what a recording says is what the same program says when it is traced.
#![cfg(feature = "privileged-tests")]

mod support;

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;
use xtask::tool::example::ANIMALS;
use xtask::tool::expected::Expected;
use xtask::tool::go::{LinkMode, NEWEST};

use support::{PATIENCE, cgotrace, compile, records, run, send};

/// Calls `work` by two ways, so often; or until it is ended.
const WORKER: &str = "
    #include <stdlib.h>
    #include <unistd.h>
    #define ONLY __attribute__((noinline, noclone))
    ONLY void work(int i) { __asm__ volatile(\"\" :: \"r\"(i)); }
    ONLY void once(int i) { work(i); __asm__ volatile(\"\"); }
    ONLY void thrice(int i) { work(i); work(i); work(i); __asm__ volatile(\"\"); }
    int main(int count, char **arguments) {
        int rounds = count > 1 ? atoi(arguments[1]) : 1000000;
        for (int i = 0; i < rounds; i++) { once(i); thrice(i); if (count == 1) usleep(1000); }
        return count > 2 ? atoi(arguments[2]) : 0;
    }";

fn record(program: &Path, arguments: &[&str], file: &Path, status: i32) -> Output {
    let mut command = cgotrace();
    command.args(["record", "--func", "work", "-o"]).arg(file).arg("--").arg(program);
    run(command.args(arguments), status)
}

fn report(file: &Path, arguments: &[&str]) -> String {
    let output = run(cgotrace().arg("report").arg(file).args(arguments), 0);
    String::from_utf8(output.stdout).expect("text")
}

/// The counts of folded stacks that end in these functions.
fn counted(folded: &str, functions: &str) -> u64 {
    let lines = folded.lines().filter_map(|line| line.rsplit_once(' '));
    let matching = lines.filter(|(stack, _)| stack.ends_with(functions));
    matching.map(|(_, count)| count.parse::<u64>().expect("count")).sum()
}

#[test]
fn a_recording_has_the_stacks_of_the_source_without_the_program() {
    let folder = tempfile::tempdir().expect("folder");
    let (file, program) = (folder.path().join("animals.cgotrace"), folder.path().join("animals"));
    fs::copy(ANIMALS.fixture(NEWEST, LinkMode::Pie), &program).expect("copy");
    let mut command = cgotrace();
    command.args(["record", "--func", ANIMALS.probe, "-o"]).arg(&file).arg("--").arg(&program);
    run(&mut command, 0);
    // Only the recording is left.
    fs::remove_file(program).expect("remove");
    let json = report(&file, &["--format", "json"]);
    let expected = Expected::of(&ANIMALS).expect("stack");
    let hits = expected.check(&json).unwrap_or_else(|error| panic!("{error:#}"));
    assert!(hits > 0);
    let stacks = records(&json, "stack");
    assert!(stacks.iter().all(|stack| stack["goroutine"].is_u64() && stack["time"].is_string()));
    // And every other format says as many.
    let folded = report(&file, &["--format", "folded"]);
    assert_eq!(counted(&folded, ""), hits as u64);
    for format in ["text", "flamegraph", "speedscope"] {
        assert!(report(&file, &["--format", format]).contains("DoStuff"), "{format}");
    }
    let pprof = folder.path().join("animals.pb.gz");
    report(&file, &["--format", "pprof", "-o", pprof.to_str().expect("path")]);
    assert_eq!(fs::read(pprof).expect("profile")[..2], [0x1f, 0x8b]);
}

#[test]
fn every_hit_is_recorded_and_the_commands_status_passed_on() {
    let (folder, program) = compile(WORKER, &[]);
    let file = folder.path().join("work.cgotrace");
    record(&program, &["10000", "37"], &file, 37);
    let summary = records(&report(&file, &["--format", "json"]), "summary").remove(0);
    assert_eq!((&summary["events"], &summary["complete"]), (&40_000.into(), &40_000.into()));
    assert_eq!(summary["lost"], Value::Object(serde_json::Map::new()));
    let folded = report(&file, &["--format", "folded"]);
    assert_eq!(counted(&folded, ";once;work"), 10_000);
    assert_eq!(counted(&folded, ";thrice;work"), 30_000);
    // The stacks, and a few bytes a hit.
    let size = fs::metadata(&file).expect("file").len();
    assert!(size < 40_000 * 10 + 4096, "{size} bytes");
    // A file that exists is not overwritten unasked.
    record(&program, &["1", "0"], &file, 125);
    assert_eq!(fs::metadata(&file).expect("file").len(), size);
}

#[test]
fn what_was_recorded_before_a_kill_is_there() {
    let (folder, program) = compile(WORKER, &["-Wl,--build-id"]);
    let file = folder.path().join("cut.cgotrace");
    let mut traced = Command::new(&program).stdin(Stdio::null()).spawn().expect("start");
    let mut command = cgotrace();
    command.args(["record", "-p", &traced.id().to_string(), "--func", "work", "-o"]).arg(&file);
    let mut recorder = command.stderr(Stdio::null()).spawn().expect("start cgotrace");
    // The start is written at once, hits a second later.
    let deadline = Instant::now() + PATIENCE;
    let size = || fs::metadata(&file).map_or(0, |metadata| metadata.len());
    while size() < 600 {
        assert!(Instant::now() < deadline, "nothing was recorded");
        sleep(Duration::from_millis(50));
    }
    send(recorder.id(), Signal::KILL);
    let status = recorder.wait().expect("wait");
    assert_eq!(status.signal(), Some(9));
    let output = run(cgotrace().arg("report").arg(&file).args(["--format", "folded"]), 0);
    traced.kill().expect("kill");
    traced.wait().expect("wait");
    let said = String::from_utf8(output.stderr).expect("text");
    assert!(said.contains("was cut short"), "{said}");
    // The names come from the program.
    let folded = String::from_utf8(output.stdout).expect("text");
    assert!(counted(&folded, ";once;work") > 0 && counted(&folded, ";thrice;work") > 0, "{folded}");
    // Another program in its place names nothing.
    let (_other, other) = compile(&WORKER.replace("thrice", "threefold"), &["-Wl,--build-id"]);
    fs::copy(other, &program).expect("copy");
    let output = run(cgotrace().arg("report").arg(&file).args(["--format", "folded"]), 0);
    let said = String::from_utf8(output.stderr).expect("text");
    assert!(said.contains("another build id"), "{said}");
    let folded = String::from_utf8(output.stdout).expect("text");
    assert!(!folded.contains("thrice") && !folded.contains("threefold"), "{folded}");
}

#[test]
fn what_differs_is_drawn() {
    let (folder, program) = compile(WORKER, &[]);
    let (before, after) = (folder.path().join("before"), folder.path().join("after"));
    record(&program, &["10", "0"], &before, 0);
    record(&program, &["20", "0"], &after, 0);
    let mut command = cgotrace();
    command.args(["report", "--diff"]).args([&before, &after]);
    let svg = String::from_utf8(run(&mut command, 0).stdout).expect("text");
    assert!(svg.contains("<svg") && svg.contains("thrice") && svg.contains("80 hits"), "{svg}");
    run(command.args(["--format", "json"]), 1);
}

#[test]
fn a_damaged_recording_is_shown_up_to_the_damage() {
    let (folder, program) = compile(WORKER, &[]);
    let file = folder.path().join("damaged.cgotrace");
    record(&program, &["20000", "0"], &file, 0);
    let mut bytes = fs::read(&file).expect("file");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0xff;
    fs::write(&file, bytes).expect("write");
    let output = run(cgotrace().arg("report").arg(&file).args(["--format", "folded"]), 1);
    let said = String::from_utf8(output.stderr).expect("text");
    assert!(said.contains("from byte"), "{said}");
    let folded = String::from_utf8(output.stdout).expect("text");
    let hits = counted(&folded, ";work");
    assert!(0 < hits && hits < 80_000, "{hits}");
    let nothing = run(cgotrace().args(["report", "/dev/null"]), 1);
    let said = String::from_utf8(nothing.stderr).expect("text");
    assert!(said.contains("it is no recording"), "{said}");
}
