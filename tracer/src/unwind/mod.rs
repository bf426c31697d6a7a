//! Unwind rows from CFI and from pclntab, their packed form, and a host walker.
//!
//! Pure passes: an ELF file becomes plain [`Row`]s by address ([`cfi`], [`go`]), these become one
//! gapless list by file offset ([`ModuleRows`]), and that becomes pages and deduplicated rules in
//! the session's [`Tables`], which the kernel and the [`host`] walker read alike. Nothing here
//! knows of processes or of BPF maps.

mod cfi;
mod chain;
mod code;
mod go;
pub mod host;
mod module;
mod rows;
mod signal;
mod switch;
mod tables;

pub use chain::runtime;
pub use module::{ModuleRows, UnwindError, module_rows};
pub use rows::Row;
pub use tables::{Changes, RuleSet, TableFull, Tables};
