//! Without rights cgotrace says what is missing, and starts nothing.
#![cfg(feature = "privileged-tests")]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::Command;

use support::{compile, run};

/// A user without any right.
const NOBODY: u32 = 65534;

#[test]
fn an_ordinary_user_is_told_what_to_do() {
    let (folder, program) = compile(
        "#include <stdio.h>
         __attribute__((noinline)) void work(void) { puts(\"the command ran\"); fflush(stdout); }
         int main(void) { work(); }",
        &[],
    );
    // Anybody may run both.
    let own = folder.path().join("cgotrace");
    fs::copy(env!("CARGO_BIN_EXE_cgotrace"), &own).expect("copy");
    for path in [folder.path(), &own, &program] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("permissions");
    }
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
