//! What the command line says and how it ends, where no rights are needed: wrong usage, and targets
//! that cannot be traced. These are found before any right is.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use predicates::prelude::*;
use predicates::str::{contains, starts_with};
use tempfile::TempDir;

fn cgotrace() -> Command {
    Command::new(env!("CARGO_BIN_EXE_cgotrace"))
}

/// Runs `attach FILE --func f`, which must fail, and gives what it says.
#[track_caller]
fn refused(file: &Path) -> String {
    let output = cgotrace().args(["attach", "--func", "f"]).arg(file).assert().code(1).stdout("");
    let text = String::from_utf8(output.get_output().stderr.clone()).unwrap();
    let name = file.display().to_string();
    assert!(text.starts_with("cgotrace: cannot ") && text.contains(&name), "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
    text
}

fn file(folder: &TempDir, name: &str, content: &[u8]) -> PathBuf {
    let path = folder.path().join(name);
    fs::write(&path, content).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// The start of an ELF file: its class, its byte order and its machine, then nothing of use.
fn elf(class: u8, order: u8, machine: u16) -> Vec<u8> {
    let mut bytes = vec![0x7f, b'E', b'L', b'F', class, order, 1, 0];
    bytes.resize(16, 0);
    let number = |value: u16| if order == 2 { value.to_be_bytes() } else { value.to_le_bytes() };
    bytes.extend(number(2));
    bytes.extend(number(machine));
    bytes.resize(64, 0);
    bytes
}

#[test]
fn the_version() {
    let expected = format!("cgotrace {}\n", env!("CARGO_PKG_VERSION"));
    cgotrace().arg("--version").assert().success().stdout(expected).stderr("");
}

#[test]
fn help_has_examples() {
    cgotrace().arg("--help").assert().success().stdout(contains("attach").and(contains("run")));
    for subcommand in ["attach", "run"] {
        let said = contains("Examples:").and(contains("--func")).and(contains("--duration"));
        cgotrace().args([subcommand, "--help"]).assert().success().stdout(said).stderr("");
    }
    cgotrace().arg("--help").assert().stdout(contains("__hold").not());
}

#[test]
fn wrong_usage_is_2() {
    for line in [
        "",
        "attack ./app",
        "attach",
        "attach --func f",
        "attach ./app",
        "attach -p 0 --func f",
        "attach -p -1 --func f",
        "attach ./app --func f --duration 10",
        "attach ./app --func f --duration 0s",
        "attach ./app --func f --count 0",
        "attach ./app --func f --format xml",
        "attach ./app --func f --force",
        "attach ./app ./other --func f",
        "run --func f",
        "run -- true",
        "run -p 1 --func f -- true",
    ] {
        let said = contains("Usage").or(contains("--help"));
        cgotrace().args(line.split_whitespace()).assert().code(2).stdout("").stderr(said);
    }
    let said = contains("'10' has no unit").and(contains("10s"));
    cgotrace().args(["attach", "a", "--func=f", "--duration=10"]).assert().code(2).stderr(said);
}

#[test]
fn no_such_file() {
    let folder = TempDir::new().unwrap();
    assert!(refused(&folder.path().join("none")).contains("No such file"));
}

#[test]
fn what_is_no_program() {
    let folder = TempDir::new().unwrap();
    assert!(refused(folder.path()).contains("a directory"));
    assert!(refused(Path::new("/dev/null")).contains("a device"));
    assert!(refused(&file(&folder, "empty", b"")).contains("empty"));
    assert!(refused(&file(&folder, "text", b"just words\n")).contains("not an ELF file"));
    assert!(refused(&file(&folder, "script", b"#!/bin/sh\ntrue\n")).contains("a script"));
    assert!(refused(&file(&folder, "magic", b"\x7fELF")).contains("truncated or damaged"));
}

#[test]
fn a_named_pipe_does_not_hang() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("pipe");
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    assert!(refused(&path).contains("a named pipe"));
}

#[test]
fn programs_for_other_machines() {
    // e_machine of x86-64, AArch64 and S390.
    let (x86_64, aarch64, s390) = (62, 183, 22);
    let folder = TempDir::new().unwrap();
    assert!(refused(&file(&folder, "narrow", &elf(1, 1, 3))).contains("32-bit"));
    assert!(refused(&file(&folder, "arm", &elf(2, 1, aarch64))).to_lowercase().contains("arm"));
    let big = refused(&file(&folder, "big", &elf(2, 2, s390)));
    assert!(big.contains("x86-64 programs"), "{big}");
    assert!(!refused(&file(&folder, "own", &elf(9, 1, x86_64))).contains("64-bit"));
}

#[test]
fn a_truncated_program() {
    let folder = TempDir::new().unwrap();
    let whole = fs::read(env!("CARGO_BIN_EXE_cgotrace")).unwrap();
    for length in [40, 64, 100, 4096, whole.len() / 4] {
        let text = refused(&file(&folder, "cut", &whole[..length]));
        assert!(text.contains("truncated or damaged"), "{length}: {text}");
    }
}

#[test]
fn a_name_cannot_steer_the_terminal() {
    let folder = TempDir::new().unwrap();
    let path = file(&folder, "a\u{1b}[31mb", b"text");
    let said = contains("a\\x1b[31mb").and(contains("\u{1b}").not());
    cgotrace().args(["attach", "--func=f"]).arg(path).assert().code(1).stderr(said);
}

#[test]
fn processes_that_are_none() {
    // Above the largest number that the kernel gives.
    let said = contains("cannot trace process 1073741824: there is none with this number");
    cgotrace().args(["attach", "-p", "1073741824", "--func=f"]).assert().code(1).stderr(said);
}

#[test]
fn an_existing_output_needs_force() {
    let folder = TempDir::new().unwrap();
    let output = file(&folder, "output", b"precious");
    let run = |path: &Path, more: &[&str]| {
        let mut command = cgotrace();
        command.args(["attach", "/bin/true", "--func=f", "-o"]).arg(path).args(more);
        command.assert().code(1)
    };
    run(&output, &[]).stderr(contains("it exists; --force overwrites it"));
    run(folder.path(), &["--force"]).stderr(contains("it is a directory"));
    assert_eq!(fs::read(&output).unwrap(), b"precious");
}

#[test]
fn the_output_is_not_the_program() {
    let folder = TempDir::new().unwrap();
    let program = folder.path().join("program");
    fs::copy("/bin/true", &program).unwrap();
    let before = fs::read(&program).unwrap();
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(&program, &link).unwrap();
    let said = contains("it is the program to trace");
    let command = ["--func=f", "--force", "-o"];
    cgotrace().arg("attach").arg(&program).args(command).arg(&link).assert().code(1).stderr(said);
    assert_eq!(fs::read(&program).unwrap(), before);
}

#[test]
fn a_failed_session_leaves_no_output() {
    let folder = TempDir::new().unwrap();
    let output = folder.path().join("output");
    let text = file(&folder, "text", b"text");
    cgotrace().arg("attach").arg(text).args(["--func=f", "-o"]).arg(&output).assert().code(1);
    assert!(!output.exists());
}

#[test]
fn commands_that_cannot_be_started() {
    let folder = TempDir::new().unwrap();
    let plain = file(&folder, "plain", b"\x7fELF");
    fs::set_permissions(&plain, fs::Permissions::from_mode(0o644)).unwrap();
    let script = file(&folder, "script", b"#!/bin/sh\ntouch ran\n");
    for (command, status, words) in [
        (Path::new("no-such-command"), 127, "no such program in PATH"),
        (Path::new("/none/command"), 127, "no such program"),
        (&plain, 126, "name a file that this user may execute"),
        (folder.path(), 126, "ermission denied"),
        (&script, 125, "it is a script"),
    ] {
        let said = starts_with("cgotrace: cannot ").and(contains(words));
        let mut run = cgotrace();
        run.current_dir(folder.path()).args(["run", "--func=f", "--"]).arg(command);
        run.assert().code(status).stdout("").stderr(said);
    }
    assert!(!folder.path().join("ran").exists());
}

#[test]
fn a_hold_without_its_parent_runs_nothing() {
    let folder = TempDir::new().unwrap();
    let mut hold = cgotrace();
    hold.current_dir(folder.path()).args(["__hold", "77", "--", "/bin/touch", "touch", "ran"]);
    hold.assert().code(125);
    assert!(!folder.path().join("ran").exists());
}

/// What the documentation of the command line says is complete.
#[test]
fn the_documentation_names_every_option_and_reason() {
    use tracer_common::reason::{End, Loss, Reason};
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/command-line.md");
    let text = fs::read_to_string(path).unwrap();
    let mut names: Vec<String> = Vec::new();
    names.extend(Reason::ALL.iter().map(|reason| reason.name().to_owned()));
    names.extend(Loss::ALL.iter().map(|loss| loss.name().to_owned()));
    names.extend(End::ALL.iter().map(|end| end.name().to_owned()));
    for subcommand in ["attach", "run"] {
        let help = cgotrace().args([subcommand, "--help"]).output().unwrap();
        let help = String::from_utf8(help.stdout).unwrap();
        let words = help.split(|char: char| !char.is_ascii_alphanumeric() && char != '-');
        let options = words.filter(|word| word.len() > 2 && word.starts_with("--"));
        // Arguments of the traced command in an example.
        names.extend(
            options
                .filter(|word| !["--verbose", "--pid", "--help"].contains(word))
                .map(str::to_owned),
        );
    }
    assert!(names.len() > 20, "{names:?}");
    for name in names {
        let quoted =
            [format!("`{name}`"), format!("`{name} "), format!(" `{name}"), format!(", `{name}")];
        assert!(quoted.iter().any(|quoted| text.contains(quoted)), "{name}");
    }
}

/// Patterns come after the binary and before the rights; a wrong one leaves nothing behind.
#[test]
fn patterns_that_name_nothing_or_too_much() {
    let folder = TempDir::new().unwrap();
    let output = folder.path().join("output");
    let source =
        file(&folder, "small.c", b"int more(void) { return 1; } int main(void) { return more(); }");
    let program = folder.path().join("small");
    let built = Command::new("cc").arg("-o").arg(&program).arg(source).output().unwrap();
    assert!(built.status.success(), "{built:?}");
    let program = program.to_str().unwrap();
    for (options, words) in [
        (vec!["--func", "mainn"], "near names: `main`"),
        (vec!["--func", "main", "--func", "no_such_function"], "`no_such_function`"),
        (vec!["--func", "no_such_*"], "no_such_*"),
        (vec!["--func", "m*", "--max-probes", "1"], "--max-probes"),
    ] {
        for target in [vec!["attach", program], vec!["run"]] {
            let mut command = cgotrace();
            command.args(&target).args(&options).arg("-o").arg(&output);
            let status = if target.len() == 1 { 125 } else { 1 };
            if target.len() == 1 {
                command.args(["--", program]);
            }
            let said = starts_with("cgotrace: cannot ").and(contains(words));
            command.assert().code(status).stdout("").stderr(said);
        }
    }
    assert!(!output.exists());
}
