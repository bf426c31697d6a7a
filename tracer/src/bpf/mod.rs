//! The kernel side as userspace sees it: features, load, tables, attach, ring buffer.
//!
//! Owns every file descriptor of the BPF object; dropping [`Kernel`] detaches all probes. Knows no
//! process, no name and no format.

mod attach;
mod btf;
mod error;
mod features;
mod kernel;
mod multi;
mod ring;
mod sys;
mod tables;

pub use attach::{AttachMethod, Progress, Scope};
pub use error::BpfError;
pub use features::check as check_features;
pub use kernel::{Kernel, ProgramFigures};
pub use ring::Ring;
pub use tables::TableWriter;
