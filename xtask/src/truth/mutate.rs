//! `--mutate`: cgotrace with one mistake at a time, each of which the judges must find.
//!
//! A copy of the sources below `target` gets the mistake by a replacement of text that must occur
//! exactly once, so that a mutant never silently is none.

use super::subject::{self, SUBJECTS, Subject};
use anyhow::{Context, Result, bail, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use xtask::tool::go::LinkMode;
use xtask::tool::{command, go, paths};

/// One mistake.
pub(super) struct Mutant {
    pub(super) name: &'static str,
    /// Relative to the workspace.
    pub(super) file: &'static str,
    pub(super) right: &'static str,
    pub(super) wrong: &'static str,
}

const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "g and depth are swapped",
        file: "tracer/src/unwind/switch.rs",
        right: "16 => Rule::asmcgocall(8, 0,",
        wrong: "16 => Rule::asmcgocall(0, 8,",
    },
    Mutant {
        name: "the CFA of Go frames lies 8 bytes too high",
        file: "tracer/src/unwind/go.rs",
        right: "depth.checked_add(8).filter(",
        wrong: "depth.checked_add(16).filter(",
    },
    Mutant {
        name: "one row in eight is missing",
        file: "tracer/src/unwind/module.rs",
        right: "rows.iter().skip(first).take_while(|row| row.start < end)",
        wrong: "rows.iter().skip(first).take_while(|row| row.start < end).enumerate()\
                .filter(|(at, _)| at % 8 != 3).map(|(_, row)| row)",
    },
    Mutant {
        name: "crosscall2 does not bring RBP back",
        file: "tracer/src/unwind/code.rs",
        right: "                rule.saved = places;\n",
        wrong: "                rule.saved = places;\n                \
                rule.saved[usize::from(index::RBP)] = saved::SAME;\n",
    },
];

/// Makes each mutant and has it judged. An error where one is not caught.
pub(super) fn run() -> Result<()> {
    let judged = ["deep", "sqlite", "load"];
    let few = |subject: &&Subject| judged.contains(&subject.example.name);
    let subjects: Vec<_> = SUBJECTS.iter().filter(few).collect();
    let builds = [subject::Build { version: go::NEWEST, mode: LinkMode::Pie }];
    catch(MUTANTS, |cgotrace| Ok(super::judge(cgotrace, &subjects, &builds)?.failures))
}

/// Makes each mutant and has it judged; `judge` gives the failures of one. An error where one is
/// not caught.
pub(super) fn catch(
    mutants: &[Mutant],
    judge: impl Fn(&Path) -> Result<Vec<String>>,
) -> Result<()> {
    let folder = paths::target().join("truth/mutants");
    let mut missed = Vec::new();
    // The copy without a mistake must be found right: else the judges catch the copy.
    let failures = judge(&build(&folder, None)?)?;
    ensure!(failures.is_empty(), "the copy without a mistake is not right: {failures:?}");
    for mutant in mutants {
        println!("truth: mutant: {}", mutant.name);
        let failures = judge(&build(&folder, Some(mutant))?)?;
        match failures.first() {
            Some(first) => {
                let first = first.lines().next().unwrap_or_default();
                println!("truth: caught, by {} failures: {first}", failures.len());
            }
            None => missed.push(mutant.name),
        }
    }
    if !missed.is_empty() {
        bail!("mutants that nothing caught: {}", missed.join("; "));
    }
    println!("truth: all {} mutants were caught", mutants.len());
    Ok(())
}

/// A cgotrace of a copy of the sources with this mistake.
fn build(folder: &Path, mutant: Option<&Mutant>) -> Result<PathBuf> {
    let (tree, target) = (folder.join("tree"), folder.join("target"));
    copy_sources(&tree)?;
    if let Some(mutant) = mutant {
        let file = tree.join(mutant.file);
        let text = fs::read_to_string(&file).with_context(|| format!("read {}", file.display()))?;
        let times = text.matches(mutant.right).count();
        ensure!(times == 1, "{} has {:?} {times} times, not once", mutant.file, mutant.right);
        fs::write(&file, text.replace(mutant.right, mutant.wrong))
            .with_context(|| format!("write {}", file.display()))?;
    }
    command::run_quietly(
        command::cargo()
            .args(["build", "--release", "--locked", "--package", "tracer", "--bin", "cgotrace"])
            .current_dir(&tree)
            .env("CARGO_TARGET_DIR", &target),
    )
    .context("build the mutant")?;
    Ok(target.join("release/cgotrace"))
}

/// Copies all that git knows of, in its present state; a file that is the same already is left
/// alone, so that cargo builds only what has changed.
fn copy_sources(tree: &Path) -> Result<()> {
    let root = paths::root();
    let listed = command::output(
        Command::new("git")
            .args(["ls-files", "--cached", "--others", "--exclude-standard"])
            .current_dir(&root),
    )?;
    for name in listed.lines().filter(|name| !name.starts_with("examples/")) {
        let (from, to) = (root.join(name), tree.join(name));
        // A file may be deleted and not yet committed so.
        let Ok(bytes) = fs::read(&from) else { continue };
        if fs::read(&to).is_ok_and(|old| old == bytes) {
            continue;
        }
        let parent = to.parent().context("a file needs a folder")?;
        fs::create_dir_all(parent).with_context(|| format!("make {}", parent.display()))?;
        fs::write(&to, bytes).with_context(|| format!("write {}", to.display()))?;
    }
    Ok(())
}
