//! Help texts as they were read, `golden/help/SUBCOMMAND`; completions and manual pages of them.
//!
//! `CGOTRACE_WRITE_GOLDENS=1` writes what is missing or differs, and then fails all the same.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that panics has failed")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn cgotrace(arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cgotrace"));
    // Neither a terminal nor an environment says how wide lines are.
    command.args(arguments).env_remove("COLUMNS").stdin(Stdio::null());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(output.stderr.is_empty(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The subcommands that help shows.
fn subcommands() -> Vec<String> {
    let help = cgotrace(&["--help"]);
    let listed = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let names = listed.lines().map(|line| line.split_whitespace().next().unwrap().to_owned());
    names.filter(|name| name != "help").collect()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/help")
}

#[test]
fn help_is_as_it_was_read() {
    let mut texts = vec![("cgotrace".to_owned(), cgotrace(&["--help"]))];
    for name in subcommands() {
        let help = cgotrace(&[&name, "--help"]);
        texts.push((name, help));
    }
    let mut differences = String::new();
    for (name, text) in &texts {
        assert!(text.contains("Examples:\n  "), "{name} has no examples: {text}");
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{name} is too wide: {text}");
        let path = folder().join(name);
        let golden = std::fs::read_to_string(&path);
        if golden.as_ref().is_ok_and(|golden| golden == text) {
            continue;
        }
        if std::env::var_os("CGOTRACE_WRITE_GOLDENS").is_some() {
            std::fs::create_dir_all(folder()).unwrap();
            std::fs::write(&path, text).unwrap();
        }
        let expected = golden.unwrap_or_else(|error| error.to_string());
        differences += &format!("{}:\n{text}\ninstead of\n{expected}\n", path.display());
    }
    assert!(differences.is_empty(), "{differences}");
    let mut files: Vec<_> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let mut names: Vec<_> = texts.into_iter().map(|(name, _)| name).collect();
    files.sort();
    names.sort();
    assert_eq!(files, names);
}

#[test]
fn completions_know_every_subcommand_and_hide_the_hidden_one() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = cgotrace(&["completions", shell]);
        for name in subcommands() {
            assert!(script.contains(&name), "{shell}: {name}");
        }
        assert!(script.contains("max-frames") && !script.contains("__hold"), "{shell}");
    }
    // A shell takes it, and completes a format.
    let script = cgotrace(&["completions", "bash"]);
    let asked = "COMP_WORDS=(cgotrace attach --format sp); COMP_CWORD=3; \
                 _cgotrace cgotrace sp --format; echo \"${COMPREPLY[@]}\"";
    let output = Command::new("bash")
        .args(["--norc", "-c", &format!("{script}\n{asked}")])
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "speedscope\n", "{output:?}");
}

#[test]
fn every_subcommand_has_a_manual_page() {
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().to_str().unwrap();
    assert_eq!(cgotrace(&["man", pages]), "");
    let page = |name: &str| {
        let path = folder.path().join(format!("{name}.1"));
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"))
    };
    assert!(page("cgotrace").contains(".TH cgotrace 1"));
    for name in subcommands() {
        let page = page(&format!("cgotrace-{name}"));
        assert!(page.contains("Examples:"), "{page}");
    }
    assert!(!folder.path().join("cgotrace-__hold.1").exists());
    let output = Command::new(env!("CARGO_BIN_EXE_cgotrace")).args(["man", "/none"]).output();
    let output = output.unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.starts_with("cgotrace: cannot write manual pages to /none: "), "{said}");
    assert_eq!(output.status.code(), Some(1));
}
