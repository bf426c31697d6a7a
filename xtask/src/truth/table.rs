//! `docs/truth.md`.

use super::verdict::Tally;
use anyhow::{Context, Result};
use std::fmt::Write;
use std::fs;
use xtask::tool::paths;

/// What the judges said of one program, built in one way.
pub(super) struct Line {
    /// The program and its arguments.
    pub(super) program: String,
    pub(super) go: &'static str,
    pub(super) build: &'static str,
    pub(super) delve: Tally,
    pub(super) gdb: Tally,
    pub(super) callers: Tally,
}

const HEAD: &str = "# What independent tools say

Written by `cargo xtask truth`. Each program runs under cgotrace, and again under
Delve and gdb with a breakpoint where the probe was; the stacks of all hits are
compared, physical frame by physical frame, by file and file offset. At most 200
hits of a run are compared.

- Delve judges the whole stack. *exact*: the same frames down to the same bottom.
  *gap*: all frames shown are true, and the reason of what is missing is said.
  *wrong*: anything else. *seen in part*: of the exact ones, those of which Delve
  itself lost the way: after a callback that moved the goroutine's stack, or at a
  rule that it does not execute. What lies below is not judged by it.
- Gaps are known: `oddcode -kind without-rows` is assembly without unwind
  information, `resolve` a program that Go linked by itself (`net`, `os/user`),
  which has none of its C.
- gdb judges the native frames down to the first Go function.
- 0 stacks: Delve 1.24 loses processes of which C threads end, and frames of C
  built with `-flto` or `-pg`; gdb judges alone.
- callers: Go's own `runtime.Callers`, printed by a callback, against the Go
  functions of the stack.

";

/// The line of the head of a table and its ruler.
const COLUMNS: &str = "| program | Go | build | stacks | exact | seen in part | gap | wrong | gdb exact | gdb gap | gdb wrong | callers exact | callers wrong |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
";

/// The whole table, and what is said of the load.
pub(super) fn text(lines: &[Line], load: &str) -> String {
    let mut text = HEAD.to_owned() + COLUMNS;
    for line in lines {
        let callers = match line.callers.compared() {
            0 => "- | -".to_owned(),
            _ => format!("{} | {}", line.callers.exact, line.callers.wrong.len()),
        };
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {callers} |",
            line.program,
            line.go,
            line.build,
            line.delve.compared(),
            line.delve.exact,
            line.delve.partly,
            gaps(&line.delve),
            line.delve.wrong.len(),
            line.gdb.exact,
            gaps(&line.gdb),
            line.gdb.wrong.len(),
        );
    }
    let sum = |count: fn(&Tally) -> usize| {
        let each = |line: &Line| [&line.delve, &line.gdb, &line.callers].map(count);
        lines.iter().map(each).fold([0; 3], |a, b| [a[0] + b[0], a[1] + b[1], a[2] + b[2]])
    };
    let (compared, wrong) = (sum(Tally::compared), sum(|tally| tally.wrong.len()));
    let _ = writeln!(
        text,
        "\nIn all: {} stacks with Delve, {} wrong; {} with gdb, {} wrong; {} with Go's callers, {} \
         wrong.",
        compared[0], wrong[0], compared[1], wrong[1], compared[2], wrong[2]
    );
    if !load.is_empty() {
        let _ = writeln!(text, "\n{load}");
    }
    text
}

fn gaps(tally: &Tally) -> String {
    if tally.gaps.is_empty() {
        return "0".to_owned();
    }
    let each = tally.gaps.iter().map(|(reason, count)| format!("{count} {reason}"));
    each.collect::<Vec<_>>().join("; ")
}

/// Writes the table to its file.
pub(super) fn write(lines: &[Line], load: &str) -> Result<()> {
    replace(|old| {
        let names = old.find(NAMES).map_or("", |at| &old[at..]);
        format!("{}\n{names}", text(lines, load))
    })
}

/// The head of the part of the file that `truth symbols` writes.
const NAMES: &str = "# Names\n";

/// Writes the part about names, which follows its head.
pub(super) fn write_names(text: &str) -> Result<()> {
    replace(|old| {
        let stacks = old.find(NAMES).map_or(old, |at| &old[..at]);
        format!("{}\n\n{NAMES}{text}", stacks.trim_end())
    })
}

fn replace(new: impl FnOnce(&str) -> String) -> Result<()> {
    let file = paths::root().join("docs/truth.md");
    let old = fs::read_to_string(&file).unwrap_or_default();
    let new = new(&old);
    fs::write(&file, new.trim_end().to_owned() + "\n")
        .with_context(|| format!("write {}", file.display()))?;
    println!("truth: wrote {}", file.display());
    Ok(())
}
