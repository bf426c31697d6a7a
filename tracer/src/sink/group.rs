//! Text with each stack once: its hits, its share, its frames; the most frequent first.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::time::Duration;

use rustc_hash::FxHashMap;

use super::cache::Cache;
use super::text::{TextOptions, TextStyle};
use super::{Sink, Start};
use crate::stack::{Stack, Summary};

/// Texts of stacks, which are held twice, take no more than this.
const MOST_BYTES: usize = 32 << 20;

/// Writes all stacks so far at the end, and after each interval if there is one.
///
/// Stacks are the same that look the same: their probe, functions, files and lines.
pub struct GroupSink<W> {
    out: W,
    style: TextStyle,
    interval: Option<Duration>,
    /// When the next interval ends.
    due: Duration,
    known: Cache<usize>,
    /// By what they look like, an index into `groups`.
    by_text: FxHashMap<Box<str>, usize>,
    /// In the order of their first hits.
    groups: Vec<Group>,
    bytes: usize,
    hits: u64,
    /// Hits of stacks that do not fit into memory.
    others: u64,
}

struct Group {
    probe: String,
    frames: String,
    hits: u64,
}

impl<W: Write> GroupSink<W> {
    /// A sink that has written nothing yet.
    pub fn new(out: W, start: &Start, options: TextOptions, interval: Option<Duration>) -> Self {
        Self {
            out,
            style: TextStyle::new(start, options),
            interval,
            due: interval.unwrap_or_default(),
            known: Cache::default(),
            by_text: FxHashMap::default(),
            groups: Vec::new(),
            bytes: 0,
            hits: 0,
            others: 0,
        }
    }

    /// The index of the stack's group; `None` for one that does not fit into memory.
    fn index(&mut self, stack: &Stack) -> Option<usize> {
        let frames = self.style.frames(stack);
        let text = format!("{}\n{frames}", stack.probe);
        let index = match self.by_text.get(text.as_str()) {
            Some(&index) => index,
            None if self.bytes + text.len() > MOST_BYTES => return None,
            None => {
                self.bytes += text.len();
                let index = self.groups.len();
                self.groups.push(Group { probe: stack.probe.clone(), frames, hits: 0 });
                self.by_text.insert(text.into_boxed_str(), index);
                index
            }
        };
        self.known.insert(stack, index);
        Some(index)
    }

    /// Writes all groups, in one call.
    fn write_all(&mut self, elapsed: Duration) -> io::Result<()> {
        let mut groups: Vec<_> = self.groups.iter().collect();
        groups.sort_by_key(|group| std::cmp::Reverse(group.hits));
        let stacks = groups.len();
        let mut text = format!(
            "{}, {}, in {:.1} s\n\n",
            count(self.hits, "hit", "hits"),
            count(stacks as u64, "stack", "stacks"),
            elapsed.as_secs_f64()
        );
        for group in groups {
            self.head(&mut text, group.hits);
            self.style.probe(&mut text, &group.probe);
            text.push('\n');
            text.push_str(&group.frames);
            text.push('\n');
        }
        if self.others > 0 {
            self.head(&mut text, self.others);
            text.push_str("of further stacks, too many to be told apart\n\n");
        }
        self.out.write_all(text.as_bytes())?;
        self.out.flush()
    }

    fn head(&self, text: &mut String, hits: u64) {
        let share = 100.0 * hits as f64 / self.hits.max(1) as f64;
        // A String takes every write.
        let _ = write!(text, "{}  {share:.1} %  ", count(hits, "hit", "hits"));
    }
}

fn count(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

impl<W: Write> Sink for GroupSink<W> {
    fn write(&mut self, stack: &Stack) -> io::Result<()> {
        self.hits += 1;
        let known = self.known.get(stack).or_else(|| self.index(stack));
        match known.and_then(|index| self.groups.get_mut(index)) {
            Some(group) => group.hits += 1,
            None => self.others += 1,
        }
        Ok(())
    }

    fn tick(&mut self, elapsed: Duration) -> io::Result<()> {
        let Some(interval) = self.interval.filter(|_| elapsed >= self.due) else { return Ok(()) };
        // Where time was lost, intervals are, too: nothing is written twice.
        while self.due <= elapsed {
            self.due = self.due.saturating_add(interval.max(Duration::from_millis(1)));
        }
        self.write_all(elapsed)
    }

    fn finish(&mut self, summary: &Summary) -> io::Result<()> {
        self.write_all(summary.duration)
    }
}
