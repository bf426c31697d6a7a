//! Without rights cgotrace says what is missing, and starts nothing.
#![cfg(feature = "privileged-tests")]

mod support;

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use support::{compile, run, wait};

/// A user without any right.
const NOBODY: u32 = 65534;

/// A program, and a cgotrace, that anybody may run.
fn for_anybody() -> (TempDir, PathBuf, PathBuf) {
    let (folder, program) = compile(
        "#include <stdio.h>
         __attribute__((noinline)) void work(void) { puts(\"the command ran\"); fflush(stdout); }
         int main(void) { work(); }",
        &[],
    );
    let own = folder.path().join("cgotrace");
    fs::copy(env!("CARGO_BIN_EXE_cgotrace"), &own).expect("copy");
    for path in [folder.path(), &own, &program] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("permissions");
    }
    (folder, program, own)
}

/// CAP_PERFMON, CAP_BPF and CAP_SYS_PTRACE suffice, for one process and for all.
#[test]
fn three_capabilities_suffice() {
    const THREE: &str = "-all,+cap_38,+cap_39,+sys_ptrace";
    let (_folder, program, own) = for_anybody();
    let program = program.to_str().expect("path");
    let as_nobody = || {
        let mut command = Command::new("setpriv");
        let nobody = NOBODY.to_string();
        command.args(["--reuid", &nobody, "--regid", &nobody, "--clear-groups"]);
        command.args(["--inh-caps", THREE, "--ambient-caps", THREE]).arg(&own);
        command
    };
    let ran = run(as_nobody().args(["run", "--func", "work", "--", program]), 0);
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(said.contains("1 event: 1 complete"), "{said}");

    let mut session = as_nobody()
        .args(["attach", program, "--func", "work", "--count", "1"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("start cgotrace");
    let mut said = BufReader::new(session.stderr.take().expect("stderr")).lines();
    let armed = said.by_ref().find(|line| line.as_ref().is_ok_and(|line| line.contains("armed")));
    assert!(armed.is_some(), "the probes were never armed");
    run(&mut Command::new(program), 0);
    assert!(wait(&mut session).success());
    let last = said.map_while(Result::ok).last().unwrap_or_default();
    assert!(last.contains("1 event: 1 complete"), "{last}");
}

#[test]
fn an_ordinary_user_is_told_what_to_do() {
    let (_folder, program, own) = for_anybody();
    let refused = |arguments: &[&str], status| {
        let mut command = Command::new(&own);
        let output = run(command.uid(NOBODY).gid(NOBODY).args(arguments), status);
        assert!(output.stdout.is_empty(), "{output:?}");
        String::from_utf8(output.stderr).expect("text")
    };
    let program = program.to_str().expect("path");
    for said in [
        refused(&["attach", program, "--func", "work"], 1),
        // The command must not run untraced.
        refused(&["run", "--func", "work", "--", program], 125),
    ] {
        assert!(said.starts_with("cgotrace: "), "{said}");
        assert!(said.contains("not permitted") && said.contains("run as root"), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
}
