//! cgotrace's library: whole stacks, Go and C and Rust, from uprobes on native code.
//!
//! Data flows one way, and so do the dependencies:
//!
//! ```text
//! process ─► object ─► unwind ─► bpf ═ kernel ═► event ─► symbol ─► stack ─► sink
//! ```
//!
//! [`session`] wires them together and is the only one that acts on control events.
//! `docs/architecture.md` has the whole picture.

pub mod address;
pub mod bpf;
pub mod event;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
pub mod object;
pub mod process;
pub mod recording;
pub mod session;
pub mod sink;
pub mod stack;
pub mod symbol;
pub mod unwind;
