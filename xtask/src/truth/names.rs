//! `truth symbols`: names, files, lines and inlined calls beside what other tools tell.
//!
//! Every program is asked of at the same addresses, some of each of its functions. Native code is
//! judged by llvm-symbolizer, Go by `go tool addr2line` and by Go's own runtime in the program.

mod chain;
mod compare;
mod sample;
pub(crate) mod subject;

use crate::setup::{self, Part};
use anyhow::{Context, Result, bail, ensure};
use chain::Chain;
use compare::{Judge, Verdict};
use sample::Functions;
use std::collections::BTreeMap;
use std::path::Path;
use subject::{Kind, SUBJECTS, Subject};
use xtask::tool::go;

/// The judge of native code: the LLVM that the BPF toolchain needs too.
const LLVM: &str = "llvm-symbolizer-22";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Fewer programs and addresses. docs/truth.md is not written.
    #[arg(long)]
    quick: bool,
    /// Only these programs. docs/truth.md is not written.
    #[arg(long = "program", value_delimiter = ',', value_name = "NAME")]
    programs: Vec<String>,
    /// At least so many addresses a program.
    #[arg(long, value_name = "COUNT")]
    addresses: Option<usize>,
    /// Show so many of each program's different and wrong answers.
    #[arg(long, value_name = "COUNT", default_value_t = 3)]
    show: usize,
}

/// What one judge said of one program.
struct Line {
    program: &'static str,
    judge: Judge,
    same: usize,
    different: BTreeMap<&'static str, usize>,
    wrong: usize,
    /// Some of what is not the same, for people.
    shown: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    setup::ensure(&[Part::Native, Part::Names], &[])?;
    let is_asked = |subject: &&Subject| match arguments.programs.as_slice() {
        [] => subject.quick || !arguments.quick,
        named => named.iter().any(|name| name == subject.name),
    };
    let subjects: Vec<_> = SUBJECTS.iter().filter(is_asked).collect();
    ensure!(!subjects.is_empty(), "no such program: {}", arguments.programs.join(", "));
    let count = arguments.addresses.unwrap_or(if arguments.quick { 3000 } else { 10_000 });
    let frames = subject::frames()?;
    let mut failures = Vec::new();
    for subject in subjects {
        let lines = judge(&frames, subject, count, arguments.show);
        match lines.with_context(|| format!("judge {}", subject.name)) {
            Ok(lines) => {
                for line in lines {
                    println!(
                        "{} by {}: {} same, {:?} different, {} wrong",
                        line.program,
                        line.judge.name(),
                        line.same,
                        line.different,
                        line.wrong
                    );
                    for one in line.shown {
                        println!("{one}");
                    }
                }
            }
            Err(error) => failures.push(format!("{error:#}")),
        }
    }
    if !failures.is_empty() {
        bail!("{}", failures.join("\n"));
    }
    Ok(())
}

fn judge(frames: &Path, subject: &Subject, count: usize, show: usize) -> Result<Vec<Line>> {
    let program = subject.kind.build(subject.name)?;
    let twin = subject.kind.twin(&program);
    let mut functions = Functions::of(&twin)?;
    if let Kind::Go { .. } = subject.kind {
        let place = |name| functions.address(name).with_context(|| format!("no symbol {name}"));
        functions.only(&(place("runtime.text")?..place("runtime.etext")?));
    }
    let addresses = functions.sample(count);
    let ours = chain::ours(frames, &program, &addresses)?;
    let mut lines = Vec::new();
    for (judge, theirs) in judges(subject, &program, &functions, &addresses)? {
        let mut line = Line {
            program: subject.name,
            judge,
            same: 0,
            different: BTreeMap::new(),
            wrong: 0,
            shown: Vec::new(),
        };
        for (address, (our, their)) in addresses.iter().zip(ours.iter().zip(&theirs)) {
            let verdict = judge.compare(*address, our, their, &functions);
            match verdict {
                Verdict::Same => {
                    line.same += 1;
                    continue;
                }
                Verdict::Different(class) => *line.different.entry(class).or_default() += 1,
                Verdict::Wrong => line.wrong += 1,
            }
            let of = match verdict {
                Verdict::Different(class) => line.different[class],
                _ => line.wrong,
            };
            if of <= show {
                line.shown.push(shown(*address, &verdict, our, their));
            }
        }
        lines.push(line);
    }
    Ok(lines)
}

/// What every judge of this program says.
fn judges(
    subject: &Subject,
    program: &Path,
    functions: &Functions,
    addresses: &[u64],
) -> Result<Vec<(Judge, Vec<Chain>)>> {
    let Kind::Go { version, .. } = subject.kind else {
        return Ok(vec![(Judge::Llvm, chain::llvm(program, addresses)?)]);
    };
    let go = go::ensure_version(version)?;
    let twin = subject.kind.twin(program);
    let main = functions.address("main.main").context("no symbol main.main")?;
    Ok(vec![
        (Judge::Addr2line, chain::addr2line(&go, &twin, addresses)?),
        (Judge::GoRuntime, chain::go_runtime(program, main, addresses)?),
        (Judge::LlvmGo, chain::llvm(&twin, addresses)?),
    ])
}

fn shown(address: u64, verdict: &Verdict, ours: &Chain, theirs: &Chain) -> String {
    let mut text = format!("  {address:#x} {verdict:?}");
    for at in 0..ours.len().max(theirs.len()) {
        let of = |chain: &Chain| chain.get(at).map_or("-".to_owned(), ToString::to_string);
        text += &format!("\n    {}\n        {}", of(ours), of(theirs));
    }
    text
}
