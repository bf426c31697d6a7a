//! What the privileged tests share: a cgotrace that runs beside a test.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses a part")]
#![allow(clippy::panic, reason = "tests fail by it")]

pub mod case;
pub mod elsewhere;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// How long anything may take before a test gives up.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The cgotrace of this build.
pub fn cgotrace() -> Command {
    Command::new(env!("CARGO_BIN_EXE_cgotrace"))
}

/// Runs a command to its end and gives what it said; it must end with `status`.
pub fn run(command: &mut Command, status: i32) -> Output {
    let output = command.stdin(Stdio::null()).output().expect("start");
    assert_eq!(output.status.code(), Some(status), "{command:?}: {output:?}");
    output
}

/// Waits until something is true.
pub fn eventually(what: &str, is_true: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_true() {
        assert!(Instant::now() < deadline, "not within {PATIENCE:?}: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Sends a signal to a process of ours.
pub fn send(pid: u32, signal: Signal) {
    let pid = Pid::from_raw(pid.try_into().expect("pid")).expect("pid");
    kill_process(pid, signal).expect("signal");
}

/// A cgotrace that attaches, its probes armed, its output in a file of JSON Lines.
pub struct Session {
    child: Child,
    folder: TempDir,
    said: Receiver<String>,
}

impl Session {
    /// Starts `cgotrace attach ARGUMENTS` and returns once the probes are armed.
    pub fn attach(arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let mut command = cgotrace();
        command.arg("attach").args(arguments).args(["--format", "json", "-o"]);
        command.arg(folder.path().join("trace.json"));
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("start cgotrace");
        let said = lines_of(child.stderr.take().expect("stderr"));
        let session = Self { child, folder, said };
        session.wait_for("probes armed");
        session
    }

    /// Waits for a line on stderr that holds `text`.
    pub fn wait_for(&self, text: &str) {
        let deadline = Instant::now() + PATIENCE;
        let mut all = String::new();
        while let Ok(line) = self.said.recv_timeout(deadline - Instant::now()) {
            if line.contains(text) {
                return;
            }
            all += &line;
        }
        panic!("cgotrace never said {text:?}, but: {all}");
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has written so far.
    pub fn output(&self) -> String {
        fs::read_to_string(self.folder.path().join("trace.json")).expect("output")
    }

    /// Waits until it has written `count` stacks.
    pub fn wait_for_stacks(&self, count: usize) {
        let deadline = Instant::now() + PATIENCE;
        while self.output().matches("\"kind\":\"stack\"").count() < count {
            assert!(Instant::now() < deadline, "{count} stacks never came: {}", self.output());
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits for its end, and gives its status and all that it wrote.
    pub fn finish(mut self) -> (ExitStatus, String) {
        let status = wait(&mut self.child);
        (status, self.output())
    }

    /// Ends it with Ctrl-C's signal; it must end well.
    pub fn interrupt(self) -> String {
        send(self.pid(), Signal::INT);
        let (status, output) = self.finish();
        assert!(status.success(), "{status}");
        output
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // A test that failed: its own process is ended by its handle.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits for the end of a child.
pub fn wait(child: &mut Child) -> ExitStatus {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait().expect("wait") {
            return status;
        }
        assert!(Instant::now() < deadline, "process {} does not end", child.id());
        thread::sleep(Duration::from_millis(5));
    }
}

fn lines_of(stderr: ChildStderr) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            eprintln!("{line}");
            let _ = sender.send(line);
        }
    });
    receiver
}

/// A program that is killed, by its own handle, when the test is over.
pub struct Program(pub Child);

impl Program {
    /// Starts it in silence.
    pub fn start(path: &Path, arguments: &[&str]) -> Self {
        let child = Command::new(path)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("start a program");
        Self(child)
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Compiles C source text to a program in a folder of its own.
pub fn compile(source: &str, flags: &[&str]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("program.c");
    let program = folder.path().join("program");
    fs::write(&file, source).expect("write");
    run(Command::new("cc").args(["-O2", "-g"]).args(flags).arg(&file).arg("-o").arg(&program), 0);
    (folder, program)
}

/// The objects of a trace in JSON Lines that have this kind.
pub fn records(trace: &str, kind: &str) -> Vec<serde_json::Value> {
    trace
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"))
        .filter(|record| record["kind"] == kind)
        .collect()
}

/// The functions of a stack, innermost first.
pub fn functions(stack: &serde_json::Value) -> Vec<String> {
    let frames = stack["frames"].as_array().expect("frames").iter();
    frames.map(|frame| frame["function"].as_str().unwrap_or("-").to_owned()).collect()
}
