//! Delve as a judge of both sides, by its JSON-RPC. It reads DWARF, where cgotrace reads pclntab
//! and `.eh_frame`, and stops the process where cgotrace does not.

use super::crossing::{self, Crossings};
use super::judge::{Judged, PATIENCE, Seen};
use super::place::{Maps, Place};
use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write, copy, sink};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use xtask::tool::{debian, paths};

/// More than any stack of ours has.
const DEPTH: u64 = 5000;

/// Runs the program and gives the stack at each hit of these places, `most` at most.
pub(super) fn stacks(
    program: &Path,
    arguments: &[&str],
    probes: &[Place],
    most: usize,
) -> Result<Vec<Judged>> {
    let mut delve = Delve::start(program, arguments)?;
    let pid = delve.call("ProcessPid", json!({}))?["Pid"].as_u64().context("no process")?;
    // The dynamic linker has mapped all libraries by then.
    let main = json!({"Breakpoint": {"functionName": "main.main", "line": -1}});
    let main = delve.call("CreateBreakpoint", main)?["Breakpoint"]["id"].clone();
    ensure!(delve.go_on()?.is_some(), "the program did not reach main.main");
    delve.call("ClearBreakpoint", json!({"Id": main}))?;
    let maps = Maps::of(pid)?;
    let crossings = crossing::find(program)?;
    let mut breakpoints = Vec::new();
    for probe in probes {
        let address = maps.address(probe).with_context(|| format!("{probe} is not mapped"))?;
        let made = delve.call("CreateBreakpoint", json!({"Breakpoint": {"addr": address}}))?;
        breakpoints.push(made["Breakpoint"]["id"].clone());
    }
    let mut stacks = Vec::new();
    while let Some(state) = delve.go_on()? {
        // Threads that arrived at the same time are reported at once.
        let threads = state["Threads"].as_array().cloned().unwrap_or_default();
        let hit = |thread: &&Value| breakpoints.contains(&thread["breakPoint"]["id"]);
        for thread in threads.iter().filter(hit) {
            let which = json!({"name": "switchThread", "threadID": thread["id"]});
            delve.call("Command", which)?;
            let maps = Maps::of(pid)?;
            let said = delve.call("Stacktrace", json!({"Id": -1, "Depth": DEPTH}))?;
            stacks.push(read(&said, &maps, &crossings, delve.stack_size())?);
            if stacks.len() >= most {
                return Ok(stacks);
            }
        }
    }
    Ok(stacks)
}

/// The physical frames of what `Stacktrace` gave. `crossings` are the calls that
/// lead out of Go.
fn read(said: &Value, maps: &Maps, crossings: &Crossings, size: i64) -> Result<Judged> {
    let rows = said["Locations"].as_array().context("Delve gave no stack")?;
    let mut frames = Vec::new();
    let mut last = None;
    let mut whole = true;
    // How far below the goroutine's stack's upper end the last frame on it lies.
    let mut reached = -size;
    let mut from_c = false;
    for row in rows {
        let offset = row["FrameOffset"].as_i64().context("a frame without a place")?;
        // From a rule that it does not execute Delve goes on by RBP, out of C into Go.
        let leaves_c = from_c && offset <= 0;
        let name = row["function"]["name"].as_str().unwrap_or("runtime.");
        from_c = offset > ON_SYSTEM_STACK && !name.starts_with("runtime.");
        // After a callback that moved the goroutine's stack, Delve may go on in the old one, by a
        // frame pointer that C kept. What it shows from there on is no judgement.
        let is_there = offset > ON_SYSTEM_STACK || (reached..=0).contains(&offset);
        if leaves_c || !is_there || !row["Err"].as_str().unwrap_or_default().is_empty() {
            whole = false;
            break;
        }
        if offset <= 0 {
            reached = offset;
        }
        let pc = row["pc"].as_u64().context("a frame without an address")?;
        let Some(place) = maps.place(pc) else {
            // Where asmcgocall has left a goroutine's stack, Delve 1.24 goes on from a wrong stack
            // pointer. It shows one row that is no code, before the next caller's or in its place.
            ensure!(row["function"].is_null(), "{pc:#x} is no code, but Delve names {row}");
            let in_cgocall = |seen: &Seen| matches!(seen, Seen::Frame(place) if crossings.asmcgocall.contains(place));
            let next = match frames.last().is_some_and(in_cgocall) {
                true => &crossings.cgocall,
                false => &crossings.asmcgocall,
            };
            frames.push(Seen::Perhaps(next.clone()));
            continue;
        };
        // It is there.
        frames.pop_if(|seen| matches!(seen, Seen::Perhaps(places) if places.contains(&place)));
        // A call that was inlined has the frame of what it was inlined into; a recursion has not.
        let frame = (pc, offset);
        if last.as_ref() != Some(&frame) {
            frames.push(Seen::Frame(place));
        }
        last = Some(frame);
    }
    Ok(Judged { frames, whole })
}

/// Frames of a thread's own stack have their address, which lies above this one, those of a
/// goroutine's the distance from its stack's upper end. Between lies Go's heap.
const ON_SYSTEM_STACK: i64 = 0x7e00_0000_0000;

/// A Delve that runs a program.
struct Delve {
    child: Child,
    answers: BufReader<TcpStream>,
    questions: TcpStream,
    number: u64,
}

impl Delve {
    fn start(program: &Path, arguments: &[&str]) -> Result<Self> {
        let mut child = Command::new(debian::ensure_delve()?)
            .arg("exec")
            .arg(program)
            .args(["--headless", "--api-version=2", "--check-go-version=false"])
            .args(["--listen=127.0.0.1:0", "--"])
            .args(arguments)
            // Its settings are no business of ours.
            .env("XDG_CONFIG_HOME", paths::target().join("truth/config"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("start Delve")?;
        let mut said = BufReader::new(child.stdout.take().context("read from Delve")?);
        let mut line = String::new();
        said.read_line(&mut line).context("read from Delve")?;
        // The program writes there too.
        thread::spawn(move || copy(&mut said, &mut sink()));
        let connect = || {
            let (_, address) = line.trim().rsplit_once(' ').context("it names no address")?;
            let stream = TcpStream::connect(address).context("connect")?;
            stream.set_read_timeout(Some(PATIENCE)).context("set a timeout")?;
            Ok::<_, anyhow::Error>((stream.try_clone().context("clone the connection")?, stream))
        };
        match connect() {
            Ok((questions, answers)) => {
                Ok(Self { child, answers: BufReader::new(answers), questions, number: 0 })
            }
            Err(error) => {
                end(&mut child);
                Err(error.context(format!("talk to Delve, which said {line:?}")))
            }
        }
    }

    fn call(&mut self, method: &str, parameters: Value) -> Result<Value> {
        self.number += 1;
        let method = format!("RPCServer.{method}");
        let question = json!({"method": method, "params": [parameters], "id": self.number});
        self.questions
            .write_all(format!("{question}\n").as_bytes())
            .with_context(|| format!("ask Delve for {method}"))?;
        let mut answer = String::new();
        self.answers
            .by_ref()
            .read_line(&mut answer)
            .with_context(|| format!("wait for Delve's answer to {method}"))?;
        let mut answer: Value = serde_json::from_str(&answer)
            .with_context(|| format!("read Delve's answer to {method}: {answer:?}"))?;
        if !answer["error"].is_null() {
            bail!("Delve's answer to {question}: {}", answer["error"]);
        }
        Ok(answer["result"].take())
    }

    /// How large the goroutine's stack is; 0 where there is no goroutine.
    fn stack_size(&mut self) -> i64 {
        let expression = "runtime.curg.stack.hi - runtime.curg.stack.lo";
        let scope = json!({"GoroutineID": -1, "Frame": 0});
        let said = self.call("Eval", json!({"Scope": scope, "Expr": expression}));
        let size = said.ok().and_then(|said| said["Variable"]["value"].as_str()?.parse().ok());
        size.unwrap_or_default()
    }

    /// Goes on to the next hit. `None` once the program has ended.
    fn go_on(&mut self) -> Result<Option<Value>> {
        let mut state = self.call("Command", json!({"name": "continue"}));
        // A thread ended while Delve looked at it.
        for _ in 0..3 {
            match &state {
                Err(error) if error.to_string().contains("no such process") => {
                    state = self.call("Command", json!({"name": "continue"}));
                }
                _ => break,
            }
        }
        let state = state?["State"].take();
        if state["exited"] == true {
            ensure!(state["exitStatus"] == 0, "under Delve the program failed: {state}");
            return Ok(None);
        }
        Ok(Some(state))
    }
}

impl Drop for Delve {
    fn drop(&mut self) {
        // Ends the program too.
        let _ = self.call("Detach", json!({"Kill": true}));
        end(&mut self.child);
    }
}

fn end(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}
