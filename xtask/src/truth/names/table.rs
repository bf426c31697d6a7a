//! The part of `docs/truth.md` about names.

use super::Line;
use std::fmt::Write;

const HEAD: &str = include_str!("table.md");

/// The line of the head of the table and its ruler.
const COLUMNS: &str =
    "| program | MB | functions | judge | addresses | inlined | same | different | wrong |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
";

/// The whole part.
pub(super) fn text(lines: &[Line]) -> String {
    let mut text = format!("\n{HEAD}\n{COLUMNS}");
    for line in lines {
        let different = match line.different.is_empty() {
            true => "0".to_owned(),
            false => {
                let each = line.different.iter().map(|(class, count)| format!("{count} {class}"));
                each.collect::<Vec<_>>().join("; ")
            }
        };
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "| {} | {:.1} | {} | {} | {} | {} | {} | {different} | {} |",
            line.program,
            line.size as f64 / 1e6,
            line.functions,
            line.judge.name(),
            line.addresses(),
            line.inlined,
            line.same,
            line.wrong
        );
    }
    let sum = |count: fn(&Line) -> usize| lines.iter().map(count).sum::<usize>();
    let _ = writeln!(
        text,
        "\nIn all: {} answers compared, {} different, {} wrong.",
        sum(Line::addresses),
        sum(Line::different),
        sum(|line| line.wrong)
    );
    text
}
