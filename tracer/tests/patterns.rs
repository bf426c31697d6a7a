//! Which functions a pattern probes, in real processes.
#![cfg(feature = "privileged-tests")]

mod support;

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use support::{cgotrace, compile, functions, records, run};

const PROGRAM: &str = "
    #include <string.h>
    #include <stdlib.h>
    __attribute__((noinline)) void cat_print(int i) { __asm__ volatile(\"\" :: \"r\"(i)); }
    __attribute__((noinline)) void dog_print(int i) { __asm__ volatile(\"\" :: \"r\"(i * 2)); }
    extern void dog_alias(int) __attribute__((alias(\"dog_print\")));
    static inline __attribute__((always_inline)) void inlined(int i) { cat_print(i); dog_print(i); }
    __attribute__((noinline)) void host(int i) { inlined(i); inlined(i + 1); }
    size_t (*volatile length)(const char *) = strlen;
    int main(int count, char **arguments) {
        host(count);
        return length(arguments[0]) == 0;
    }";

/// Runs the program under `cgotrace run`; its stacks.
fn trace(program: &Path, arguments: &[&str]) -> Vec<Value> {
    let mut command = cgotrace();
    command.args(["run", "--format", "json"]).args(arguments).arg("--").arg(program);
    records(&String::from_utf8(run(&mut command, 0).stdout).expect("text"), "stack")
}

fn innermost(stacks: &[Value]) -> Vec<String> {
    stacks.iter().map(|stack| functions(stack)[0].clone()).collect()
}

#[test]
fn globs_regexes_aliases_and_addresses() {
    let (_folder, program) = compile(PROGRAM, &[]);
    let both = ["cat_print", "dog_print", "cat_print", "dog_print"];
    assert_eq!(innermost(&trace(&program, &["--func", "*_print"])), both);
    assert_eq!(innermost(&trace(&program, &["--func", "/^(cat|dog)_print$/"])), both);
    // Two names of one place are one probe, that shows both.
    let stacks = trace(&program, &["--func", "dog_alias", "--func", "dog_print"]);
    assert_eq!(stacks.len(), 2);
    assert_eq!(stacks[0]["probe"], stacks[1]["probe"]);

    let symbols = String::from_utf8(run(Command::new("nm").arg(&program), 0).stdout).expect("text");
    let line = symbols.lines().find(|line| line.ends_with(" T cat_print")).expect("cat_print");
    let address = format!("0x{}", line.split(' ').next().expect("address").trim_start_matches('0'));
    assert_eq!(innermost(&trace(&program, &["--func", &address])), ["cat_print"; 2]);
}

#[test]
fn a_function_that_is_only_inlined_is_refused_with_its_hosts() {
    let (_folder, program) = compile(PROGRAM, &[]);
    let mut command = cgotrace();
    let output = run(command.args(["run", "--func", "inlined", "--"]).arg(&program), 125);
    let said = String::from_utf8(output.stderr).expect("text");
    assert!(said.contains("exists only inlined") && said.contains("`host`"), "{said}");
}

#[test]
fn more_matches_than_allowed_are_refused() {
    let (_folder, program) = compile(PROGRAM, &[]);
    let mut command = cgotrace();
    command.args(["run", "--func", "*_print", "--max-probes", "1", "--"]).arg(&program);
    let said = String::from_utf8(run(&mut command, 125).stderr).expect("text");
    assert!(said.contains("--max-probes"), "{said}");
}

#[test]
fn an_indirect_function_means_what_it_resolves_to() {
    let (_folder, program) = compile(PROGRAM, &[]);
    let stacks = trace(&program, &["--func", "libc.so.6:strlen"]);
    // libc itself calls it too; the one call from the program's own code is there, once.
    let from_main = |stack: &&Value| functions(stack).get(1).is_some_and(|name| name == "main");
    assert_eq!(stacks.iter().filter(from_main).count(), 1, "{stacks:?}");
    assert!(stacks.iter().all(|stack| stack["complete"] == true), "{stacks:?}");
    assert!(stacks.iter().all(|stack| stack["probe"].as_str().expect("probe").contains("strlen")));
}

#[test]
fn a_stripped_program_is_named_by_its_debug_file() {
    let (folder, program) = compile(PROGRAM, &["-Wl,--build-id"]);
    let debug = folder.path().join("program.debug");
    let objcopy = || Command::new("objcopy");
    run(objcopy().arg("--only-keep-debug").arg(&program).arg(&debug), 0);
    run(Command::new("strip").arg(&program), 0);
    let debug = debug.to_str().expect("path");
    let stacks = trace(&program, &["--func", "cat_print", "--debug-file", debug]);
    assert_eq!(stacks.len(), 2);
    for stack in &stacks {
        assert_eq!(functions(stack)[..4], ["cat_print", "inlined", "host", "main"], "{stack}");
        assert!(stack["frames"][0]["line"].is_u64(), "{stack}");
    }
    // Another build's is refused.
    let (_other_folder, other) = compile("int main(void) { return 0; }", &["-Wl,--build-id"]);
    let mut command = cgotrace();
    command.args(["run", "--func", "cat_print", "--debug-file"]).arg(&other);
    let said = String::from_utf8(run(command.arg("--").arg(&program), 125).stderr).expect("text");
    assert!(said.contains("cannot use the debug file"), "{said}");
}

#[test]
fn at_its_entry_a_function_is_not_in_a_call_that_was_inlined_into_it() {
    let source = "
        static inline __attribute__((always_inline)) int first(int i) {
            __asm__ volatile(\"nop\" : \"+r\"(i));
            return i;
        }
        __attribute__((noinline)) int work(int i) { return first(i) + 1; }
        int main(int count, char **arguments) { return work(count) == 0; }";
    let (_folder, program) = compile(source, &[]);
    let stacks = trace(&program, &["--func", "work"]);
    assert_eq!(functions(&stacks[0])[..2], ["work", "main"], "{}", stacks[0]);
}

#[test]
fn a_function_that_the_kernel_cannot_probe_is_refused() {
    let source = "
        __attribute__((noinline)) void work(int i) { __asm__ volatile(\"\" :: \"r\"(i)); }
        long counter;
        void locked(void);
        __asm__(\".globl locked\\n.type locked, @function\\nlocked:\\n\"
                \"lock incq counter(%rip)\\nret\\n.size locked, .-locked\");
        int main(int count, char **arguments) { locked(); work(count); return 0; }";
    let (_folder, program) = compile(source, &[]);
    let mut command = cgotrace();
    let output = run(command.args(["run", "--func", "locked", "--"]).arg(&program), 125);
    let said = String::from_utf8(output.stderr).expect("text");
    assert!(said.contains("refuses uprobes on its first instruction"), "{said}");
    // Beside others it is left out, and that is said.
    let mut command = cgotrace();
    command.args(["run", "--func", "/^(locked|work)$/", "--format", "json", "--"]).arg(&program);
    let output = run(&mut command, 0);
    let said = String::from_utf8(output.stderr).expect("text");
    assert!(said.contains("cannot probe `locked`"), "{said}");
    let stacks = records(&String::from_utf8(output.stdout).expect("text"), "stack");
    assert_eq!(innermost(&stacks), ["work"]);
}

#[test]
fn calls_that_were_inlined_are_told() {
    let source = "
        static volatile int sum;
        int work(int i) { sum += i; return sum; }
        int (*volatile out_of_line)(int) = work;
        __attribute__((noinline)) int host(int i) { return work(i) + 1; }
        int main(int count, char **arguments) { return (host(count) + out_of_line(2)) == 0; }";
    let (_folder, program) = compile(source, &[]);
    let said = |function| {
        let mut command = cgotrace();
        let output = run(command.args(["run", "--func", function, "--"]).arg(&program), 0);
        let said = String::from_utf8(output.stderr).expect("text");
        // The call by the pointer, or that of main.
        assert!(said.contains("1 event: 1 complete"), "{said}");
        said
    };
    let expected = "calls of `work` were inlined into `host`; the probe does not see those";
    assert!(said("work").contains(expected), "{}", said("work"));
    assert!(!said("host").contains("inlined"), "{}", said("host"));
}
