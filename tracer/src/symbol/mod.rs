//! Names of frames: native code by DWARF and symbols, Go by pclntab.
//!
//! Everything is looked up by (module, file offset), so a frame is named after its process has
//! gone. A miss is a value, never a guess.

mod cache;
mod go;
mod native;
mod source_path;
mod symbolizer;

use crate::address::FileOffset;
use crate::object::ModuleNumber;

pub use crate::object::Language;
pub use native::NativeNamer;
pub use source_path::{SourceDirectory, shown_path};
pub use symbolizer::Symbolizer;

/// One function at an address: the physical one, or one inlined into it there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFrame {
    /// The demangled name, for people.
    pub function: String,
    /// The linkage name; of an inlined function that has none, its plain name.
    pub symbol: String,
    /// Its language.
    pub language: Language,
    /// The source file, as the debug information names it, directory included.
    pub file: Option<String>,
    /// The line, from 1.
    pub line: Option<u32>,
    /// Whether this call was inlined into the next one of the chain.
    pub inlined: bool,
}

/// Names what lies at a file offset of a module.
pub trait Symbolize {
    /// The chain of functions at `offset`: the innermost inlined one first, the physical function
    /// last; empty where nothing is known of this address. For a caller's frame the offset is the
    /// return address less one.
    fn symbolize(&mut self, module: ModuleNumber, offset: FileOffset) -> Vec<SourceFrame>;
}
