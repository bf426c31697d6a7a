//! What one ELF file says: segments, build id, symbols, DWARF access, Go's pclntab, probe points.
//! Needs nothing of the other modules, and knows nothing of processes.

mod debug_files;
mod demangle;
mod dwarf;
mod dynamic;
mod error;
mod file;
pub mod go;
mod ifunc;
mod instruction;
mod language;
mod linker;
mod modules;
mod near;
mod pattern;
mod plt;
mod probe_points;
mod ranges;
mod section;
mod symbols;
#[cfg(test)]
mod testing;

#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use debug_files::fuzz_parts;
pub use debug_files::{
    Client as DebuginfodClient, Companions, DebugFileError, DebugFiles, FetchError, Fetched,
    Fetcher, FoundDebugFile,
};
pub use demangle::{Demangled, demangle};
pub use dwarf::{Declared, Dwarf, DwarfFrame, FunctionName};
pub use dynamic::Dynamic;
pub use error::ObjectError;
pub use file::{BuildId, LoadSegment, MAX_DECOMPRESSED, ObjectFile};
pub use ifunc::{Placed, ifunc_implementations};
pub use instruction::can_be_probed;
pub use language::Language;
pub use linker::{Environment, Library, libraries_of};
pub use modules::{ModuleIdentity, ModuleNumber, Modules};
pub use pattern::{Pattern, PatternError};
pub use plt::Stubs;
pub use probe_points::{GoEntry, ProbeError, ProbePoint, resolve, unprobed_copies};
pub use section::SectionBytes;
pub use symbols::{Alias, Binding, FunctionSymbol, Symbols};
#[cfg(test)]
pub(crate) use testing::{Compiled, compile};
