//! What the chores share. Nothing here knows of a chore.

pub mod apt;
pub mod bpf;
pub mod command;
pub mod debian;
pub mod example;
pub mod expected;
pub mod fixture;
pub mod go;
pub mod hash;
pub mod library;
pub mod paths;
pub mod smoke;
