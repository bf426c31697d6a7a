//! speedscope's file format: <https://www.speedscope.app/file-format-schema.json>, version of 1.25.

use std::io::{self, Write};

use serde::Serialize;

use super::cache::Cache;
use super::label::{NOT_KEPT, line_name, title};
use super::line::write_json_line;
use super::tree::{Interner, NodeNumber, Tree};
use super::view::{Line, View};
use super::{Sink, Start};
use crate::stack::{Stack, Summary};

/// Writes a profile at the end: one sample for each different stack, weighted by its hits.
pub struct SpeedscopeSink<W> {
    out: W,
    name: String,
    view: View,
    known: Cache<NodeNumber>,
    frames: Interner<Frame>,
    tree: Tree,
    /// Hits of stacks that do not fit into memory.
    not_kept: u64,
}

/// One frame as the format has it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
struct Frame {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
}

impl Frame {
    fn of(line: &Line<'_>) -> Self {
        let (file, number) = match line {
            Line::Frame(frame) => (frame.file.clone(), frame.line),
            _ => (None, None),
        };
        Self { name: line_name(line).into_owned(), file, line: number }
    }
}

impl<W: Write> SpeedscopeSink<W> {
    /// A sink that writes nothing before the end. Stacks are never reversed: a reader can do that.
    pub fn new(out: W, start: &Start, view: View) -> Self {
        Self {
            out,
            name: title(start),
            view: View { reverse: false, ..view },
            known: Cache::default(),
            frames: Interner::new(Interner::<()>::MOST),
            tree: Tree::new(Tree::MOST),
            not_kept: 0,
        }
    }

    fn node(&mut self, stack: &Stack) -> Option<NodeNumber> {
        let lines = self.view.frames(stack);
        let (frames, tree) = (&mut self.frames, &mut self.tree);
        let path: Option<Vec<_>> =
            lines.iter().rev().map(|line| frames.number_of(Frame::of(line))).collect();
        tree.node(path?)
    }
}

impl<W: Write> Sink for SpeedscopeSink<W> {
    fn write(&mut self, stack: &Stack) -> io::Result<()> {
        if let Some(node) = self.known.get(stack) {
            self.tree.count(node);
        } else if let Some(node) = self.node(stack) {
            self.known.insert(stack, node);
            self.tree.count(node);
        } else {
            self.not_kept += 1;
        }
        Ok(())
    }

    fn finish(&mut self, _summary: &Summary) -> io::Result<()> {
        let (mut samples, mut weights) = (Vec::new(), Vec::new());
        for (node, count) in self.tree.counts() {
            let mut stack: Vec<_> = self.tree.stack(node).collect();
            stack.reverse();
            samples.push(stack);
            weights.push(count);
        }
        if self.not_kept > 0 {
            let frame = Frame { name: NOT_KEPT.to_owned(), file: None, line: None };
            samples.push(Vec::from_iter(self.frames.add(frame)));
            weights.push(self.not_kept);
        }
        let file = File {
            schema: "https://www.speedscope.app/file-format-schema.json",
            exporter: concat!("cgotrace ", env!("CARGO_PKG_VERSION")),
            name: &self.name,
            active_profile_index: 0,
            shared: Shared { frames: self.frames.values() },
            profiles: [Profile {
                kind: "sampled",
                name: &self.name,
                unit: "none",
                start_value: 0,
                end_value: self.tree.total() + self.not_kept,
                samples,
                weights,
            }],
        };
        write_json_line(&mut self.out, &file)?;
        self.out.flush()
    }
}

#[derive(Serialize)]
struct File<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    exporter: &'static str,
    name: &'a str,
    #[serde(rename = "activeProfileIndex")]
    active_profile_index: u32,
    shared: Shared<'a>,
    profiles: [Profile<'a>; 1],
}

#[derive(Serialize)]
struct Shared<'a> {
    frames: &'a [Frame],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Profile<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    name: &'a str,
    unit: &'static str,
    start_value: u64,
    end_value: u64,
    /// Numbers of frames, the outermost first.
    samples: Vec<Vec<u32>>,
    weights: Vec<u64>,
}
