//! What the chores share. Nothing here knows of a chore.

pub mod apt;
pub mod bpf;
pub mod command;
pub mod example;
pub mod expected;
pub mod go;
pub mod hash;
pub mod paths;
pub mod smoke;
