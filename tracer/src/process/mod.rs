//! Processes: who runs the target, what is mapped, start and exit. Needs nothing of the other
//! modules, and knows nothing of ELF.

mod command;
mod discovery;
mod error;
mod mapped;
mod maps;
mod watch;

pub use command::{HOLD, HOLD_FAILED, HeldCommand, OWN_EXECUTABLE, hold, resolve};
pub use discovery::{FileIdentity, Process, environment_variable, running};
pub use error::{CommandError, ProcessError};
pub use maps::{
    Device, Mapping, MappingName, executable_mappings, mapping_names, parse_maps, root_of, vdso,
};
pub use watch::ExitWatch;
