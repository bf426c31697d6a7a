//! What stands in a block: a sequence of entries, encoded by postcard 1 (its wire format is
//! specified and stable).
//!
//! A change here is a new version of the format: see [`super::MAGIC`].

use serde::{Deserialize, Serialize};
use tracer_common::event::Frame;

use crate::symbol::{Language, SourceFrame};

/// One entry. Stacks and threads are numbered from 0 in the order in which they stand, from the
/// last [`Entry::Forget`] on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Entry {
    /// The first entry.
    Start(Start),
    /// A module, of the next number; the first has number 1.
    Module(Module),
    /// A stack.
    Stack(Stack),
    /// A thread under one name.
    Thread(Thread),
    /// A hit.
    Hit(Hit),
    /// Stacks and threads start again from 0.
    Forget,
    /// Names of one place.
    Names(Names),
    /// The last entry before the names.
    End(End),
}

/// What is known before the first hit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Start {
    /// The version of cgotrace that wrote this.
    pub(super) version: String,
    /// CLOCK_REALTIME less CLOCK_MONOTONIC, nanoseconds.
    pub(super) clock: i64,
    /// The program that was traced, where it is one: bytes of its path.
    pub(super) executable: Option<Vec<u8>>,
    /// The probes.
    pub(super) probes: Vec<Probe>,
    /// What probes are called, by cookie.
    pub(super) labels: Vec<(u64, String)>,
}

/// See `sink::ProbeLabel`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Probe {
    pub(super) name: String,
    pub(super) names: Vec<String>,
    pub(super) module: Vec<u8>,
    pub(super) offset: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Module {
    /// Bytes of its path, as the target names it.
    pub(super) path: Vec<u8>,
    /// Its build id, where it has one.
    pub(super) build_id: Option<Vec<u8>>,
}

/// Numbers as in `tracer_common::reason`; `reason` is 0 where there is none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stack {
    pub(super) end: u8,
    pub(super) reason: u8,
    pub(super) frames: Vec<RawFrame>,
}

/// See `tracer_common::event::Frame`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RawFrame {
    pub(super) address: u64,
    pub(super) offset: u32,
    pub(super) module: u16,
    pub(super) flags: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct Thread {
    pub(super) pid: u32,
    pub(super) tid: u32,
    pub(super) cgroup: Option<u64>,
    pub(super) comm: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Hit {
    /// Nanoseconds since the hit before; of the first, since CLOCK_MONOTONIC was 0. Hits of
    /// several CPUs may stand out of order.
    pub(super) time: i64,
    pub(super) thread: u32,
    pub(super) stack: u32,
    pub(super) cookie: u64,
    pub(super) goroutine: Option<u64>,
}

/// The chain of functions at one place, as `symbol::Symbolize` gives it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Names {
    pub(super) module: u16,
    /// File offset.
    pub(super) offset: u32,
    pub(super) chain: Vec<Name>,
}

/// See `symbol::SourceFrame`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Name {
    pub(super) function: String,
    pub(super) symbol: String,
    pub(super) language: u8,
    pub(super) file: Option<String>,
    pub(super) line: Option<u32>,
    pub(super) inlined: bool,
}

/// What is known at the end only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct End {
    /// Events that were lost, by the name of the reason.
    pub(super) lost: Vec<(String, u64)>,
    /// From the first armed probe to the end, nanoseconds.
    pub(super) duration: u64,
}

impl From<&Frame> for RawFrame {
    fn from(frame: &Frame) -> Self {
        let &Frame { address, offset, module, flags } = frame;
        Self { address, offset, module, flags }
    }
}

impl From<RawFrame> for Frame {
    fn from(frame: RawFrame) -> Self {
        let RawFrame { address, offset, module, flags } = frame;
        Self { address, offset, module, flags }
    }
}

/// Languages by their number in a recording.
const LANGUAGES: [Language; 6] =
    [Language::Unknown, Language::C, Language::Cpp, Language::Rust, Language::Go, Language::Asm];

impl From<SourceFrame> for Name {
    fn from(frame: SourceFrame) -> Self {
        let SourceFrame { function, symbol, language, file, line, inlined } = frame;
        let number = LANGUAGES.iter().position(|&other| other == language).unwrap_or(0);
        Self { function, symbol, language: number as u8, file, line, inlined }
    }
}

impl From<Name> for SourceFrame {
    fn from(name: Name) -> Self {
        let Name { function, symbol, language, file, line, inlined } = name;
        let language = LANGUAGES.get(usize::from(language)).copied().unwrap_or(Language::Unknown);
        Self { function, symbol, language, file, line, inlined }
    }
}
