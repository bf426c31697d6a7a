//! `truth symbols`: names, files, lines and inlined calls beside what other tools tell.
//!
//! Every program is asked of at the same addresses, some of each of its functions. Native code is
//! judged by llvm-symbolizer, Go by `go tool addr2line` and by Go's own runtime in the program.

mod chain;
mod compare;
mod mutants;
pub(crate) mod sample;
pub(crate) mod subject;
mod table;

use super::mutate;
use crate::setup::{self, Part};
use anyhow::{Context, Result, bail, ensure};
use chain::Chain;
pub(crate) use chain::ask;
use compare::{Judge, Verdict};
use mutants::MUTANTS;
use sample::Functions;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use subject::{Kind, SUBJECTS, Subject};
use xtask::tool::go::{self, LinkMode};
use xtask::tool::smoke;

/// The judge of native code: the LLVM that the BPF toolchain needs too.
pub(crate) const LLVM: &str = "llvm-symbolizer-22";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Fewer programs and addresses. docs/truth.md is not written.
    #[arg(long)]
    quick: bool,
    /// Only these programs. docs/truth.md is not written.
    #[arg(long = "program", value_delimiter = ',', value_name = "NAME")]
    programs: Vec<String>,
    /// Only the mutants: cgotrace with one mistake at a time, which the judges must find.
    #[arg(long)]
    mutate: bool,
    /// At least so many addresses a program. docs/truth.md is not written.
    #[arg(long, value_name = "COUNT")]
    addresses: Option<usize>,
    /// Show so many of each program's different and wrong answers.
    #[arg(long, value_name = "COUNT", default_value_t = 3)]
    show: usize,
}

/// What one judge said of one program.
struct Line {
    program: &'static str,
    /// Bytes of its file.
    size: u64,
    functions: usize,
    judge: Judge,
    /// Addresses in inlined calls.
    inlined: usize,
    same: usize,
    different: BTreeMap<&'static str, usize>,
    wrong: usize,
    /// Some of what is not the same, for people.
    shown: Vec<String>,
}

/// More different answers than one in so many fail.
const TOLERATED: usize = 1000;

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    setup::ensure(&[Part::Native, Part::Names], &[])?;
    if arguments.mutate {
        let few = |subject: &&Subject| matches!(subject.name, "c++-gcc" | "go-1.27");
        let subjects: Vec<_> = SUBJECTS.iter().filter(few).collect();
        return mutate::catch(MUTANTS, |cgotrace| {
            let (_, failures) = judge_all(cgotrace, &subjects, 3000, 0);
            Ok(failures)
        });
    }
    let is_asked = |subject: &&Subject| match arguments.programs.as_slice() {
        [] => subject.quick || !arguments.quick,
        named => named.iter().any(|name| name == subject.name),
    };
    let subjects: Vec<_> = SUBJECTS.iter().filter(is_asked).collect();
    ensure!(!subjects.is_empty(), "no such program: {}", arguments.programs.join(", "));
    if subjects.iter().any(|subject| subject.kind.needs_clang()) {
        setup::ensure(&[Part::Clang], &[])?;
    }
    let count = arguments.addresses.unwrap_or(if arguments.quick { 1000 } else { 10_000 });
    let cgotrace = smoke::build_cgotrace()?;
    let (lines, failures) = judge_all(&cgotrace, &subjects, count, arguments.show);
    if arguments.quick || !arguments.programs.is_empty() || arguments.addresses.is_some() {
        print!("{}", table::text(&lines));
    } else {
        super::table::write_names(&table::text(&lines))?;
    }
    if !failures.is_empty() {
        bail!("{} failures:\n{}", failures.len(), failures.join("\n"));
    }
    Ok(())
}

/// The quick part of the suite.
pub(crate) fn quick() -> Result<()> {
    run(&Arguments { quick: true, programs: Vec::new(), addresses: None, show: 3, mutate: false })
}

/// Judges all of these with this cgotrace; gives all that must not be, too.
fn judge_all(
    cgotrace: &Path,
    subjects: &[&Subject],
    count: usize,
    show: usize,
) -> (Vec<Line>, Vec<String>) {
    let (mut lines, mut failures) = (Vec::new(), Vec::new());
    for subject in subjects {
        let judged = judge(cgotrace, subject, count, show);
        for line in judged.unwrap_or_else(|error| {
            failures.push(format!("{}: {error:#}", subject.name));
            Vec::new()
        }) {
            let of = format!("{} by {}", line.program, line.judge.name());
            let (different, all) = (line.different(), line.addresses());
            println!(
                "truth: {of}: {} same, {different} different, {} wrong",
                line.same, line.wrong
            );
            line.shown.iter().for_each(|one| println!("{one}"));
            if line.wrong > 0 {
                failures.push(format!("{of}: {} of {all} wrong", line.wrong));
            }
            if different * TOLERATED > all {
                failures.push(format!("{of}: {different} of {all} different"));
            }
            lines.push(line);
        }
    }
    (lines, failures)
}

fn judge(cgotrace: &Path, subject: &Subject, count: usize, show: usize) -> Result<Vec<Line>> {
    let program = subject.kind.build(subject.name)?;
    let twin = subject.kind.twin(&program);
    let mut functions = Functions::of(&twin)?;
    if let Kind::Go { .. } = subject.kind {
        let place = |name| functions.address(name).with_context(|| format!("no symbol {name}"));
        functions.only(&(place("runtime.text")?..place("runtime.etext")?));
    }
    let addresses = functions.sample(count);
    let size = fs::metadata(&program).context("ask for a program's size")?.len();
    let ours = chain::ours(cgotrace, &program, &addresses)?;
    let mut lines = Vec::new();
    for (judge, theirs) in judges(subject, &program, &functions, &addresses)? {
        let mut line = Line {
            program: subject.name,
            size,
            functions: functions.count(),
            judge,
            inlined: ours.iter().filter(|chain| chain.len() > 1).count(),
            same: 0,
            different: BTreeMap::new(),
            wrong: 0,
            shown: Vec::new(),
        };
        for (address, (our, their)) in addresses.iter().zip(ours.iter().zip(&theirs)) {
            let verdict = judge.compare(*address, our, their, &functions);
            if line.add(&verdict) <= show {
                line.shown.push(shown(*address, &verdict, our, their));
            }
        }
        lines.push(line);
    }
    Ok(lines)
}

impl Line {
    /// Counts a verdict, and gives how often it is there; for the same, more than anyone would
    /// show.
    fn add(&mut self, verdict: &Verdict) -> usize {
        let count = match verdict {
            Verdict::Same => {
                self.same += 1;
                return usize::MAX;
            }
            Verdict::Different(class) => self.different.entry(class).or_default(),
            Verdict::Wrong => &mut self.wrong,
        };
        *count += 1;
        *count
    }

    fn addresses(&self) -> usize {
        self.same + self.different() + self.wrong
    }

    fn different(&self) -> usize {
        self.different.values().sum()
    }
}

/// What every judge of this program says.
fn judges(
    subject: &Subject,
    program: &Path,
    functions: &Functions,
    addresses: &[u64],
) -> Result<Vec<(Judge, Vec<Chain>)>> {
    let Kind::Go { version, mode, .. } = subject.kind else {
        return Ok(vec![(Judge::Llvm, chain::llvm(program, addresses)?)]);
    };
    let go = go::ensure_version(version)?;
    let twin = subject.kind.twin(program);
    let mut judges = vec![
        (Judge::Addr2line, chain::addr2line(&go, &twin, addresses)?),
        (Judge::LlvmGo, chain::llvm(&twin, addresses)?),
    ];
    // A library runs in no process of its own that could be asked.
    if LinkMode::ALL.contains(&mode) {
        let main = functions.address("main.main").context("no symbol main.main")?;
        judges.push((Judge::GoRuntime, chain::go_runtime(program, main, addresses)?));
    }
    Ok(judges)
}

fn shown(address: u64, verdict: &Verdict, ours: &Chain, theirs: &Chain) -> String {
    let mut text = format!("  {address:#x} {verdict:?}");
    for at in 0..ours.len().max(theirs.len()) {
        let of = |chain: &Chain| chain.get(at).map_or("-".to_owned(), ToString::to_string);
        text += &format!("\n    {}\n        {}", of(ours), of(theirs));
    }
    text
}
