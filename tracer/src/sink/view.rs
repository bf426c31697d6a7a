//! What of a stack is shown: plumbing folded or not, from which end, how far.

use tracer_common::reason::{End, Reason};

use crate::stack::{Entry, Stack, StackFrame};

/// Which frames are shown, and in which order. JSON does not use it: it has all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View {
    /// Whether runtime plumbing is shown.
    pub plumbing: Plumbing,
    /// Whether the outermost frame comes first where a format has the innermost first, and the
    /// other way round.
    pub reverse: bool,
    /// The most frames of a stack, the innermost ones.
    pub max_frames: Option<usize>,
    /// Whether calls that were inlined are shown.
    pub inlines: bool,
}

/// What becomes of frames of runtime plumbing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plumbing {
    /// They are shown as all others.
    Shown,
    /// Each run of them is shown as one line that says how many.
    Folded,
}

impl View {
    /// All that there is.
    pub const ALL: Self =
        Self { plumbing: Plumbing::Shown, reverse: false, max_frames: None, inlines: true };

    /// The lines of a stack: innermost first, unless reversed.
    #[must_use]
    pub fn lines<'a>(&self, stack: &'a Stack) -> Vec<Line<'a>> {
        let mut lines = Vec::with_capacity(stack.entries.len());
        // The probed function, with what was inlined into it, is what the user asked for.
        let mut is_innermost = true;
        for entry in stack.entries.iter() {
            match entry {
                Entry::Gap(reason) => lines.push(Line::Gap(*reason)),
                Entry::Frame(frame) if frame.inlined && !self.inlines => {}
                Entry::Frame(frame) => {
                    let folds = self.plumbing == Plumbing::Folded && !is_innermost;
                    is_innermost &= frame.inlined;
                    if !folds || !frame.is_plumbing() {
                        lines.push(Line::Frame(frame));
                    } else if let Some(Line::Folded(count)) = lines.last_mut() {
                        *count += 1;
                    } else {
                        lines.push(Line::Folded(1));
                    }
                }
            }
        }
        if let Some(most) = self.max_frames.filter(|&most| most < lines.len()) {
            let more = lines.drain(most..).map(|line| line.frames()).sum();
            lines.push(Line::More(more));
        }
        if self.reverse {
            lines.reverse();
        }
        lines
    }

    /// The same for a format that has nothing but frames: a walk that ended early without a gap
    /// has one at its outer end. Never empty.
    pub(super) fn frames<'a>(&self, stack: &'a Stack) -> Vec<Line<'a>> {
        let mut lines = self.lines(stack);
        let end = early_end(stack).or(lines.is_empty().then_some("no-frames"));
        if let Some(end) = end {
            lines.insert(if self.reverse { 0 } else { lines.len() }, Line::End(end));
        }
        lines
    }
}

/// One line of a stack as it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line<'a> {
    /// A frame.
    Frame(&'a StackFrame),
    /// Frames are missing here.
    Gap(Reason),
    /// The walk ended early here, for this reason.
    End(&'static str),
    /// So many frames of runtime plumbing are here.
    Folded(usize),
    /// So many frames more lie beyond the most that are asked for.
    More(usize),
}

impl Line<'_> {
    /// How many frames it stands for.
    fn frames(self) -> usize {
        match self {
            Self::Frame(_) => 1,
            Self::Gap(_) | Self::End(_) => 0,
            Self::Folded(count) | Self::More(count) => count,
        }
    }
}

/// The name of an end that is no bottom and that no gap explains.
fn early_end(stack: &Stack) -> Option<&'static str> {
    let is_explained = || stack.entries.iter().any(|entry| matches!(entry, Entry::Gap(_)));
    match stack.end {
        End::Limit => Some(stack.end.name()),
        End::Error if !is_explained() => Some(stack.end.name()),
        _ => None,
    }
}
