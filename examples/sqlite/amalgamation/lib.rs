//! Nothing: this crate only pins a dependency.
