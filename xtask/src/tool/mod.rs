//! What the chores share. Nothing here knows of a chore.
#![expect(dead_code, reason = "the chores that use the rest follow")]

pub(crate) mod apt;
pub(crate) mod command;
pub(crate) mod example;
pub(crate) mod go;
pub(crate) mod hash;
pub(crate) mod linker;
pub(crate) mod paths;
