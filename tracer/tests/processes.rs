//! Processes as they come: many at once, forked, replaced by exec, their file replaced on disk,
//! libraries loaded and unloaded while they run.
#![cfg(feature = "privileged-tests")]

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use support::{Program, Session, cgotrace, compile, functions, records, run};

/// Calls `work` from `caller`, which stands on the line that `LINE` gives.
const WORKER: &str = "
    #include <unistd.h>
    __attribute__((noinline)) void work(int i) { __asm__ volatile(\"\" :: \"r\"(i)); }
    __attribute__((noinline)) int caller(int i) { work(i); return i + 1; }
    int main(void) { for (int i = 0;;) { i = caller(i); usleep(10000); } }";

fn text(path: &Path) -> &str {
    path.to_str().expect("path")
}

/// Every stack must be whole, and begin with these functions.
fn assert_whole(stacks: &[Value], innermost: &[&str]) {
    for stack in stacks {
        assert_eq!(stack["complete"], true, "{stack}");
        assert_eq!(functions(stack)[..innermost.len()], *innermost, "{stack}");
    }
}

#[test]
fn many_processes_at_addresses_of_their_own() {
    let (_folder, program) = compile(WORKER, &["-pie", "-fPIE"]);
    let session = Session::attach(&[text(&program), "--func", "work"]);
    let workers: Vec<_> = (0..16).map(|_| Program::start(&program, &[])).collect();
    session.wait_for_stacks(16 * 10);
    drop(workers);
    let stacks = records(&session.interrupt(), "stack");
    assert_whole(&stacks, &["work", "caller", "main"]);
    let distinct = |key: fn(&Value) -> &Value| {
        stacks.iter().map(|stack| key(stack).to_string()).collect::<BTreeSet<_>>().len()
    };
    assert_eq!(distinct(|stack| &stack["pid"]), 16);
    assert!(distinct(|stack| &stack["frames"][0]["address"]) > 8);
    assert_eq!(distinct(|stack| &stack["frames"][0]["offset"]), 1);
}

#[test]
fn a_process_that_replaces_itself() {
    // The same file again, then another file that was known of nowhere, with the same function.
    let (_other_folder, other) = compile(
        "__attribute__((noinline)) void work(int i) { __asm__ volatile(\"\" :: \"r\"(i)); }
         int main(void) { work(3); }",
        &[],
    );
    let source = format!(
        "#include <unistd.h>
         __attribute__((noinline)) void work(int i) {{ __asm__ volatile(\"\" :: \"r\"(i)); }}
         int main(int count, char **arguments) {{
             work(count);
             if (count == 1) execl(arguments[0], arguments[0], \"again\", (char *)0);
             execl(\"{}\", \"other\", (char *)0);
         }}",
        text(&other)
    );
    let (_folder, program) = compile(&source, &[]);
    let mut traced = cgotrace();
    traced.args(["run", "--func", "work", "--format", "json", "--", text(&program)]);
    let trace = String::from_utf8(run(&mut traced, 0).stdout).expect("text");
    let stacks = records(&trace, "stack");
    // The other file's function is no probe of this session.
    assert_eq!(stacks.len(), 2, "{trace}");
    assert_whole(&stacks, &["work", "main"]);
    assert_eq!(stacks[0]["pid"], stacks[1]["pid"]);
}

#[test]
fn a_file_that_was_replaced_while_old_processes_run() {
    let (folder, program) = compile(WORKER, &[]);
    let old = Program::start(&program, &[]);
    // The new file has the caller one line further down.
    let (_new_folder, new_program) = compile(&WORKER.replacen('\n', "\n\n", 1), &[]);
    let moved = folder.path().join("new");
    fs::copy(&new_program, &moved).expect("copy");
    fs::rename(&moved, &program).expect("replace");
    let new = Program::start(&program, &[]);

    let caller_line = |trace: &str, pid: u32| {
        let stacks = records(trace, "stack");
        assert_whole(&stacks, &["work", "caller", "main"]);
        assert!(stacks.iter().all(|stack| stack["pid"] == pid), "{trace}");
        assert!(!stacks.is_empty());
        stacks[0]["frames"][1]["line"].as_u64().expect("line")
    };
    let by_path = Session::attach(&[text(&program), "--func", "work"]);
    by_path.wait_for_stacks(5);
    let new_line = caller_line(&by_path.interrupt(), new.pid());
    let by_pid = Session::attach(&["-p", &old.pid().to_string(), "--func", "work"]);
    by_pid.wait_for_stacks(5);
    let old_line = caller_line(&by_pid.interrupt(), old.pid());
    assert_eq!(new_line, old_line + 1);
    let mut both = cgotrace();
    both.args(["attach", text(&program), "-p", &old.pid().to_string(), "--func", "work"]);
    let refused = String::from_utf8(run(&mut both, 1).stderr).expect("text");
    assert!(refused.contains("it runs another file of the name"), "{refused}");
}

#[test]
fn processes_of_two_programs_in_one_session() {
    let (_first_folder, first_program) = compile(WORKER, &[]);
    let (_second_folder, second_program) = compile(&WORKER.replace("caller", "visitor"), &[]);
    let first = Program::start(&first_program, &[]);
    let second = Program::start(&second_program, &[]);
    let pids = [first.pid(), second.pid()].map(|pid| pid.to_string());
    let session = Session::attach(&["-p", &pids[0], "-p", &pids[1], "--func", "work"]);
    session.wait_for_stacks(40);
    let trace = session.interrupt();
    for (program, caller) in [(&first, "caller"), (&second, "visitor")] {
        let stacks: Vec<_> = records(&trace, "stack")
            .into_iter()
            .filter(|stack| stack["pid"] == program.pid())
            .collect();
        assert!(stacks.len() > 5, "{trace}");
        assert_whole(&stacks, &["work", caller, "main"]);
    }
}

#[test]
fn libraries_that_come_and_go_are_never_confused() {
    // Two libraries of one shape take turns at one address; each calls back into the program.
    let folder = tempfile::tempdir().expect("folder");
    let library = |name: &str| {
        let source = folder.path().join(format!("{name}.c"));
        let library = folder.path().join(format!("lib{name}.so"));
        let code = format!(
            "int {name}_entry(int (*back)(int)) {{ return back(1) + 1; }}
             int enter(int (*back)(int)) {{ return {name}_entry(back) + 1; }}"
        );
        fs::write(&source, code).expect("write");
        let mut cc = Command::new("cc");
        cc.args(["-O1", "-g", "-shared", "-fPIC", "-fno-optimize-sibling-calls", "-o"]);
        run(cc.arg(&library).arg(&source), 0);
        library
    };
    let (first, second) = (library("first"), library("second"));
    let source = format!(
        "#include <dlfcn.h>
         #include <stdio.h>
         #include <unistd.h>
         __attribute__((noinline)) int back(int i) {{ __asm__ volatile(\"\" :: \"r\"(i)); return i; }}
         int main(void) {{
             const char *names[2] = {{\"{}\", \"{}\"}};
             for (int i = 0;; i++) {{
                 void *library = dlopen(names[i & 1], RTLD_NOW);
                 int (*enter)(int (*)(int)) = (int (*)(int (*)(int)))dlsym(library, \"enter\");
                 printf(\"%p %d\\n\", (void *)enter, i & 1);
                 for (int call = 0; call < 5; call++) {{ enter(back); usleep(2000); }}
                 dlclose(library);
             }}
         }}",
        text(&first),
        text(&second)
    );
    let (_program_folder, program) = compile(&source, &[]);
    let worker = Program::start(&program, &[]);
    let session = Session::attach(&["-p", &worker.pid().to_string(), "--func", "back"]);
    session.wait_for_stacks(300);
    let stacks = records(&session.interrupt(), "stack");
    let mut turns = BTreeSet::new();
    let mut whole = 0;
    for stack in &stacks {
        let names = functions(stack);
        assert_eq!(names[0], "back");
        if stack["complete"] == true {
            whole += 1;
            assert!(
                names[1..4] == ["first_entry", "enter", "main"]
                    || names[1..4] == ["second_entry", "enter", "main"],
                "{names:?}"
            );
            let library = format!("lib{}.so", &names[1][..names[1].len() - "_entry".len()]);
            let module = stack["frames"][1]["module"].as_str().expect("module");
            assert!(module.ends_with(&library), "{stack}");
            turns.insert(names[1].clone());
        } else {
            // The library was not known at that hit: that is said, and nothing else is.
            assert_eq!(stack["problems"], serde_json::json!(["unknown-module"]), "{stack}");
            assert_eq!(names.len(), 3, "{names:?}");
        }
    }
    assert_eq!(turns.len(), 2, "{turns:?}");
    assert!(whole * 2 > stacks.len(), "{whole} of {} are whole", stacks.len());
}
