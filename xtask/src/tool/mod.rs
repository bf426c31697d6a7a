//! What the chores share. Nothing here knows of a chore.

pub(crate) mod apt;
pub(crate) mod bpf;
pub(crate) mod command;
pub(crate) mod example;
pub(crate) mod expected;
pub(crate) mod go;
pub(crate) mod hash;
pub(crate) mod paths;
pub(crate) mod smoke;
