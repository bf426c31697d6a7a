//! Calls that the compiler inlined. Go: runtime/symtabinl.go, `inlinedCall`.

use super::pclntab::Layout;
use super::read::u32_at;
use super::{GoFrame, GoFunction, GoModule};

/// The longest chain of inlined calls that is followed: more is damage.
const MAX_DEPTH: usize = 512;

/// The inline tree of one function.
#[derive(Clone, Copy, Debug)]
pub(super) struct InlineTree<'a> {
    bytes: &'a [u8],
    layout: Layout,
}

/// One inlined call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct InlinedCall {
    /// Its function's name, an offset in the table of names.
    pub(super) name: u32,
    /// A place in the caller, from the physical function's entry: where the call would be.
    pub(super) parent: u32,
}

impl<'a> InlineTree<'a> {
    /// The tree at `offset` of the function data.
    pub(super) fn new(module: &'a GoModule, offset: u32) -> Option<Self> {
        let bytes = module.function_data()?.get(offset as usize..)?;
        Some(Self { bytes, layout: module.layout() })
    }

    /// The call with an index.
    pub(super) fn call(&self, index: usize) -> Option<InlinedCall> {
        let (size, name, parent) = match self.layout {
            Layout::Go118 => (20, 12, 16),
            Layout::Go120 => (16, 4, 8),
        };
        let start = index.checked_mul(size)?;
        Some(InlinedCall {
            name: u32_at(self.bytes, start.checked_add(name)?)?,
            parent: u32_at(self.bytes, start.checked_add(parent)?)?,
        })
    }
}

/// The frames at a byte offset from `function`'s entry: the innermost inlined call first, the
/// function itself last.
pub(super) fn frames(function: &GoFunction<'_>, offset: u32) -> Vec<GoFrame> {
    let mut frames = Vec::new();
    let mut at = offset;
    let inlines = function.inlines();
    let tree = inlines.as_ref().and_then(|(tree, _)| InlineTree::new(function.module(), *tree));
    if let (Some(tree), Some((_, indexes))) = (tree, inlines) {
        while let Some(call) = indexes
            .clone()
            .at(at)
            .and_then(|index| usize::try_from(index).ok())
            .and_then(|index| tree.call(index))
        {
            // A place outside of the function, or a chain that does not end: damage.
            if call.parent >= function.size() || frames.len() == MAX_DEPTH {
                break;
            }
            frames.push(frame(function, function.module().name_at(call.name), at, true));
            at = call.parent;
        }
    }
    frames.push(frame(function, function.name(), at, false));
    frames
}

fn frame(function: &GoFunction<'_>, name: String, at: u32, inlined: bool) -> GoFrame {
    let (file, line) = function.line_at(at).unwrap_or_default();
    GoFrame { function: name, file, line, inlined }
}

/// How many inlined calls of `function` are checked.
const CHECKED: usize = 64;

/// Whether the inlined calls of `function` name functions and places that there are; `None` where
/// it has none. This tells a wrong base of function data from a right one.
pub(super) fn check(function: &GoFunction<'_>) -> Option<bool> {
    let (tree, indexes) = function.inlines()?;
    let Some(tree) = InlineTree::new(function.module(), tree) else { return Some(false) };
    let mut checked = None;
    for (_, index) in indexes.filter(|(_, index)| *index >= 0).take(CHECKED) {
        let sound =
            usize::try_from(index).ok().and_then(|index| tree.call(index)).is_some_and(|call| {
                call.parent < function.size() && !function.module().name_at(call.name).is_empty()
            });
        checked = Some(checked.unwrap_or(true) && sound);
    }
    checked
}
