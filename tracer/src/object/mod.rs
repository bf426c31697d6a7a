//! What one ELF file says: segments, build id, symbols, DWARF access, Go's pclntab, probe points.
//! Needs nothing of the other modules, and knows nothing of processes.

mod error;
mod file;
pub mod go;
mod modules;

pub use error::ObjectError;
pub use file::{BuildId, LoadSegment, ObjectFile};
pub use modules::{Module, ModuleNumber, Modules};
