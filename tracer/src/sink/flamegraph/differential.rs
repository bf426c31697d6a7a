//! What differs between two sessions, as one flame graph.
//!
//! A frame's name is followed by how its share of all hits has changed, in percentage points, and
//! its colour says the same. inferno itself would colour the innermost frames only, and in stacks
//! of a probe these are all the probed function.

use std::collections::BTreeSet;

use inferno::flamegraph::color::Color;
use rustc_hash::FxHashMap;

use super::palette::change_color;
use crate::sink::FoldedCounts;

/// A flame graph's lines, as wide as the hits of the later session, and its frames' colours.
pub(super) struct Difference {
    /// Each stack with its hits.
    pub(super) lines: Vec<String>,
    /// The colour of each name.
    pub(super) colors: Vec<(String, Color)>,
    /// Stacks that only the earlier session had.
    pub(super) gone: usize,
}

/// The beginning of a stack: its hits in both sessions.
#[derive(Clone, Copy, Default)]
struct Node {
    before: u64,
    after: u64,
}

/// Beginnings of stacks, by the one without the last frame and that frame's name.
#[derive(Default)]
struct Nodes<'a> {
    nodes: Vec<Node>,
    children: FxHashMap<(Option<usize>, &'a str), usize>,
}

impl<'a> Nodes<'a> {
    fn add(&mut self, stack: &'a str, count: impl Fn(&mut Node)) {
        let mut at = None;
        for name in stack.split(';') {
            let child = *self.children.entry((at, name)).or_insert_with(|| {
                self.nodes.push(Node::default());
                self.nodes.len() - 1
            });
            if let Some(node) = self.nodes.get_mut(child) {
                count(node);
            }
            at = Some(child);
        }
    }

    /// The names of a stack, each with its node.
    fn path(&self, stack: &'a str) -> Vec<(&'a str, Node)> {
        let mut at = None;
        let mut path = Vec::new();
        for name in stack.split(';') {
            at = self.children.get(&(at, name)).copied();
            path.extend(at.and_then(|at| self.nodes.get(at)).map(|node| (name, *node)));
        }
        path
    }
}

impl Difference {
    pub(super) fn of(before: &FoldedCounts, after: &FoldedCounts) -> Self {
        let (lines_before, lines_after) = (before.lines(), after.lines());
        let mut nodes = Nodes::default();
        for (stack, count) in &lines_before {
            nodes.add(stack, |node| node.before += count);
        }
        for (stack, count) in &lines_after {
            nodes.add(stack, |node| node.after += count);
        }
        let share = |count: u64, all: u64| 100.0 * count as f64 / all.max(1) as f64;
        let (all_before, all_after) = (before.total(), after.total());
        let change = |node: Node| share(node.after, all_after) - share(node.before, all_before);
        // Of those that are seen.
        let shown = nodes.nodes.iter().filter(|node| node.after > 0);
        let changes = shown.map(|node| change(*node).abs());
        let largest = changes.fold(0.0, f64::max);
        let mut colors = FxHashMap::default();
        let lines = lines_after.iter().map(|(stack, count)| {
            let path = nodes.path(stack).into_iter().map(|(name, node)| {
                let change = change(node);
                // What is shown as no change is none.
                let name = match change.abs() {
                    ..0.05 => name.to_owned(),
                    _ => format!("{name} {change:+.1}%"),
                };
                colors.insert(name.clone(), change_color(change, largest));
                name
            });
            format!("{} {count}", path.collect::<Vec<_>>().join(";"))
        });
        let lines = lines.collect();
        let stays: BTreeSet<_> = lines_after.iter().map(|(stack, _)| stack).collect();
        let gone = lines_before.iter().filter(|(stack, _)| !stays.contains(stack)).count();
        Self { lines, colors: colors.into_iter().collect(), gone }
    }
}
