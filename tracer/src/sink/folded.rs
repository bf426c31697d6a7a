//! Folded stacks: a line a stack, `outermost;…;innermost COUNT`, as flame graph tools read them.

use std::io::{self, Write};
use std::sync::Arc;

use super::cache::Cache;
use super::label::{NOT_KEPT, line_name};
use super::tree::{Interner, NodeNumber, Tree};
use super::view::{Line, View};
use super::{Sink, Start};
use crate::stack::{Stack, Summary};
use crate::symbol::Language;

/// What a name in a folded stack stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameKind {
    /// A function that somebody wrote, or code without a name.
    Code(Language),
    /// Runtime plumbing.
    Plumbing(Language),
    /// Frames that are missing.
    Gap,
    /// Frames that are not shown.
    Hidden,
}

/// How often each stack was hit, by the names of its frames. In bounded memory: hits of stacks that
/// do not fit are counted together.
#[derive(Debug)]
pub struct FoldedCounts {
    view: View,
    known: Cache<NodeNumber>,
    names: Interner<Arc<str>>,
    /// By the numbers of `names`.
    kinds: Vec<NameKind>,
    tree: Tree,
    /// Hits of stacks that do not fit.
    not_kept: u64,
}

impl FoldedCounts {
    /// No hits yet. `view` says which frames count; a reversed one puts the innermost first.
    #[must_use]
    pub fn new(view: View) -> Self {
        Self {
            view,
            known: Cache::default(),
            names: Interner::new(Interner::<()>::MOST),
            kinds: Vec::new(),
            tree: Tree::new(Tree::MOST),
            not_kept: 0,
        }
    }

    /// Counts a hit.
    pub fn add(&mut self, stack: &Stack) {
        if let Some(node) = self.known.get(stack) {
            self.tree.count(node);
        } else if let Some(node) = self.node(stack) {
            self.known.insert(stack, node);
            self.tree.count(node);
        } else {
            self.not_kept += 1;
        }
    }

    fn node(&mut self, stack: &Stack) -> Option<NodeNumber> {
        let lines = self.view.frames(stack);
        // Lines are innermost first, folded stacks outermost first.
        let path: Option<Vec<_>> =
            lines.iter().rev().map(|line| self.name(&line_name(line), kind(line))).collect();
        self.tree.node(path?)
    }

    /// The number of a name; `None` for one too many.
    fn name(&mut self, name: &str, kind: NameKind) -> Option<u32> {
        let name = safe(name);
        if let Some(known) = self.names.known(&*name) {
            return Some(known);
        }
        let number = self.names.number_of(name.into())?;
        self.kinds.push(kind);
        Some(number)
    }

    /// How many hits were counted.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.tree.total() + self.not_kept
    }

    /// Every stack as `outermost;…;innermost`, in the order of these texts, with its hits.
    #[must_use]
    pub fn lines(&self) -> Vec<(String, u64)> {
        let mut lines: Vec<_> = self
            .tree
            .counts()
            .map(|(node, count)| {
                let mut names: Vec<_> = self.tree.stack(node).collect();
                names.reverse();
                let names = names.into_iter().filter_map(|name| self.names.get(name));
                (names.map(|name| &**name).collect::<Vec<_>>().join(";"), count)
            })
            .collect();
        if self.not_kept > 0 {
            lines.push((NOT_KEPT.to_owned(), self.not_kept));
        }
        lines.sort_unstable();
        lines
    }

    /// Every name that occurs, and what it stands for.
    pub fn names(&self) -> impl Iterator<Item = (&str, NameKind)> {
        let names = self.names.values().iter().map(|name| &**name).zip(self.kinds.iter().copied());
        names.chain([(NOT_KEPT, NameKind::Hidden)])
    }
}

fn kind(line: &Line<'_>) -> NameKind {
    match line {
        Line::Frame(frame) if frame.is_plumbing() => NameKind::Plumbing(frame.language),
        Line::Frame(frame) => NameKind::Code(frame.language),
        Line::Gap(_) | Line::End(_) => NameKind::Gap,
        Line::Folded(_) | Line::More(_) => NameKind::Hidden,
    }
}

/// A name that the syntax of a line takes for one name: no `;`, no blanks around it, no word at its
/// end that could be a count, no comment.
fn safe(name: &str) -> std::borrow::Cow<'_, str> {
    let is_number =
        |word: &str| !word.is_empty() && word.bytes().all(|byte| b"0123456789.".contains(&byte));
    let has_count = name.rsplit_once(char::is_whitespace).is_some_and(|(_, word)| is_number(word));
    let is_plain = !name.is_empty() && name.trim() == name && !name.contains(';');
    if is_plain && !has_count && !name.starts_with("# ") {
        return name.into();
    }
    let mut name = name.trim().replace(';', ":");
    if has_count && let Some(blank) = name.rfind(char::is_whitespace) {
        name.replace_range(blank..=blank, "_");
    }
    if name.is_empty() || name.starts_with("# ") {
        name.insert(0, '?');
    }
    name.into()
}

/// Writes folded stacks at the end.
pub struct FoldedSink<W> {
    out: W,
    counts: FoldedCounts,
}

impl<W: Write> FoldedSink<W> {
    /// A sink that writes nothing before the end.
    pub fn new(out: W, _start: &Start, view: View) -> Self {
        Self { out, counts: FoldedCounts::new(view) }
    }
}

impl<W: Write> Sink for FoldedSink<W> {
    fn write(&mut self, stack: &Stack) -> io::Result<()> {
        self.counts.add(stack);
        Ok(())
    }

    fn finish(&mut self, _summary: &Summary) -> io::Result<()> {
        let mut text = String::new();
        for (stack, count) in self.counts.lines() {
            text.push_str(&stack);
            text.push_str(&format!(" {count}\n"));
        }
        self.out.write_all(text.as_bytes())?;
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_one_name() {
        for (name, safe_name) in [
            ("main.(*T).Do", "main.(*T).Do"),
            ("<[u8; 4] as Trait>::f", "<[u8: 4] as Trait>::f"),
            ("odd name 12", "odd name_12"),
            (" 7", "7"),
            ("# comment", "?# comment"),
            ("", "?"),
            (";", ":"),
        ] {
            assert_eq!(safe(name), safe_name, "{name:?}");
        }
    }
}
