//! The command lines of the README and of the documentation, run as they stand there: `./app` is the
//! example `animals`, which also runs in the background; times are shorter.
#![cfg(feature = "privileged-tests")]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use regex::Regex;
use tempfile::TempDir;
use xtask::tool::example::{ANIMALS, RUSTLIB_CDYLIB};
use xtask::tool::go::{LinkMode, NEWEST};
use xtask::tool::paths;

use support::run;

/// The lines of fenced blocks that call cgotrace. A synopsis, and a session with what it
/// prints, are none.
fn command_lines(document: &str) -> Vec<String> {
    let text = fs::read_to_string(paths::root().join(document)).expect("document");
    let mut is_fenced = false;
    let mut lines = Vec::new();
    for line in text.lines() {
        if line.starts_with("```") {
            is_fenced = !is_fenced;
        } else if is_fenced && (line.starts_with("cgotrace ") || line.starts_with("sudo cgotrace "))
        {
            let line = line.split(" # ").next().unwrap_or_default().trim();
            if !line.contains(['<', '…', '[', '|']) {
                lines.push(line.to_owned());
            }
        }
    }
    lines
}

/// A folder with the program, recordings, and a `PATH` on which this cgotrace lies.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self { folder: tempfile::tempdir().expect("folder") };
        let bin = place.path().join("bin");
        fs::create_dir(&bin).expect("bin");
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_cgotrace"), bin.join("cgotrace"))
            .expect("link");
        fs::write(bin.join("sudo"), "#!/bin/sh\nexec \"$@\"\n").expect("sudo");
        fs::set_permissions(bin.join("sudo"), fs::Permissions::from_mode(0o755)).expect("sudo");
        place.put(&ANIMALS.fixture(NEWEST, LinkMode::Pie));
        for recording in ["before.cgotrace", "after.cgotrace"] {
            place.run(&format!(
                "cgotrace record --func 'animal_*' -o {recording} -- ./app -rounds 5"
            ));
        }
        place
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Makes a file `./app`.
    fn put(&self, program: &Path) {
        let app = self.path().join("app");
        // Another file, so that what ran before is not it.
        let _ = fs::remove_file(&app);
        fs::copy(program, app).expect("copy");
    }

    fn start(&self) -> Child {
        let mut command = Command::new("./app");
        command.args(["-rounds", "100000", "-pause", "2ms"]).current_dir(self.path());
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("start")
    }

    /// Runs a line in a shell; it must end well. What it wrote.
    fn run(&self, line: &str) -> (String, String) {
        let path = std::env::var("PATH").expect("PATH");
        let mut command = Command::new("sh");
        command.args(["-c", line]).current_dir(self.path());
        command.env("PATH", format!("{}:{path}", self.path().join("bin").display()));
        let output = run(&mut command, 0);
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        (text(&output.stdout), text(&output.stderr))
    }
}

/// Runs the lines of a document in their order. How many there were.
fn all_run(document: &str) -> usize {
    let place = Place::new();
    let time = Regex::new("--duration [0-9]+s").expect("regex");
    let interval = Regex::new("--interval [0-9]+s").expect("regex");
    let file = Regex::new("(?:-o|--output) ([^ ]+)").expect("regex");
    let lines = command_lines(document);
    for line in &lines {
        println!("{document}: {line}");
        let is_library = line.contains("librustlib.so");
        if is_library {
            let program = RUSTLIB_CDYLIB.fixture(NEWEST, LinkMode::Pie);
            let library = program.with_file_name("librustlib.so");
            place.put(&program);
            fs::copy(library, place.path().join("librustlib.so")).expect("copy");
        }
        let is_traced =
            ["attach", "record"].iter().any(|name| line.contains(&format!("cgotrace {name} ")));
        let mut app = (is_traced && !is_library).then(|| place.start());
        let mut shorter = time.replace(line, "--duration 1s").into_owned();
        shorter = interval.replace(&shorter, "--interval 500ms").into_owned();
        if is_traced && !line.contains("--duration") && !line.contains(" -- ") {
            shorter += " --duration 1s";
        }
        if let Some(app) = &app {
            shorter = shorter.replace("-p 4242", &format!("-p {}", app.id()));
        }
        let (stdout, stderr) = place.run(&shorter);
        if let Some(app) = &mut app {
            app.kill().expect("kill");
            app.wait().expect("wait");
        }
        match file.captures(line) {
            Some(named) => {
                let size = fs::metadata(place.path().join(&named[1])).expect("output").len();
                assert!(size > 100, "{line}: {size} bytes");
            }
            None if is_library => assert!(stderr.contains("probes armed"), "{line}: {stderr}"),
            None => assert!(
                stdout.contains("animal_print") || line.contains("doctor"),
                "{line}: {stdout}{stderr}"
            ),
        }
        if is_library {
            place.put(&ANIMALS.fixture(NEWEST, LinkMode::Pie));
        }
    }
    lines.len()
}

#[test]
fn the_readme_can_be_typed() {
    assert!(all_run("README.md") >= 14);
}

#[test]
fn the_command_line_document_can_be_typed() {
    assert!(all_run("docs/command-line.md") >= 4);
}
