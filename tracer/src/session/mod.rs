//! The wiring: discovery, tables, probes, control events, shutdown, summary.
//!
//! Alone knows all other modules; none of them knows it. [`run`] is the whole way of a session.

mod arm;
mod doctor;
mod error;
mod fetch;
mod indirect;
mod interrupt;
mod learn;
mod library;
mod list;
mod naming;
mod notice;
mod options;
mod output;
mod places;
mod report;
mod run;
mod target;
mod unseen;

pub use doctor::{Check, Report, State, doctor};
pub use error::SessionError;
pub use list::{ListedFunction, list};
pub use notice::{NoHits, Notice};
pub use options::{NameOptions, Options, TargetSpec};
pub use output::Destination;
pub use report::report;
pub use run::{Outcome, run};
