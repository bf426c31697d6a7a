//! The model of one stack: Go and native frames joined, with the reasons of gaps and ends.
//!
//! What is here is finished for every output and knows none: no format, no terminal.

mod assemble;
mod clock;
mod plumbing;
mod summary;

use std::sync::Arc;

use tracer_common::reason::{End, Reason};

pub use assemble::Assembler;
pub use clock::{ClockOffset, Time};
pub use summary::Summary;

use crate::address::{FileOffset, RuntimeAddress};
use crate::object::ModuleIdentity;
use crate::symbol::Language;

/// One stack, as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stack {
    /// When the probe was hit.
    pub time: Time,
    /// The process, as cgotrace's PID namespace sees it, where it has a number there.
    pub pid: Option<u32>,
    /// The thread, likewise.
    pub tid: Option<u32>,
    /// The thread's name: untrusted bytes.
    pub comm: Vec<u8>,
    /// The cgroup's id (cgroup v2), where there is one.
    pub cgroup: Option<u64>,
    /// The goroutine's id, where known.
    pub goroutine: Option<u64>,
    /// The name of the probe that was hit.
    pub probe: String,
    /// Where the walk ended.
    pub end: End,
    /// Innermost first. Hits of one stack share them, while they are remembered.
    pub entries: Arc<[Entry]>,
}

/// One line of a stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A frame: it is true.
    Frame(StackFrame),
    /// Frames are missing here.
    Gap(Reason),
}

/// One frame: a physical one, or one that was inlined into the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StackFrame {
    /// The demangled name, where known.
    pub function: Option<String>,
    /// The linkage name, where known.
    pub symbol: Option<String>,
    /// The language.
    pub language: Language,
    /// The source file, directory included, where known.
    pub file: Option<String>,
    /// The line, from 1, where known.
    pub line: Option<u32>,
    /// Whether this call was inlined into the next frame.
    pub inlined: bool,
    /// The file that the code lies in, where known.
    pub module: Option<Arc<ModuleIdentity>>,
    /// Of the physical frame: the instruction, or the raw return address.
    pub address: RuntimeAddress,
    /// The same as an offset in `module`.
    pub offset: Option<FileOffset>,
    /// Whether `address` is the instruction itself, not a return address.
    pub exact: bool,
}

impl Stack {
    /// Why the stack is not whole: the reason of every gap, and of an end that is no bottom.
    #[must_use]
    pub fn problems(&self) -> Vec<&'static str> {
        let mut problems: Vec<_> = self
            .entries
            .iter()
            .filter_map(|entry| match entry {
                Entry::Gap(reason) => Some(reason.name()),
                Entry::Frame(_) => None,
            })
            .collect();
        // A walk that failed has a gap at its end, which has said why.
        if !self.end.is_bottom() && (self.end != End::Error || problems.is_empty()) {
            problems.push(self.end.name());
        }
        problems
    }

    /// Whether the end is a true bottom and no frame is missing.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.problems().is_empty()
    }
}
