//! What the independent tools share: a run of the same program, and the stack at each hit.

use super::place::Place;
use std::collections::BTreeSet;
use std::fmt::{self, Display, Formatter};
use std::sync::Arc;
use std::time::Duration;

/// How long one answer of a tool may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// One row of a judge's stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    Frame(Place),
    /// The judge cannot tell whether a frame is here; if so, it is one of these.
    Perhaps(Arc<BTreeSet<Place>>),
}

impl Display for Seen {
    fn fmt(&self, to: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Frame(place) => place.fmt(to),
            Self::Perhaps(_) => write!(to, "(a call at a crossing, perhaps)"),
        }
    }
}

/// The stack at one hit, the innermost frame first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Judged {
    pub(super) frames: Vec<Seen>,
    /// Whether the frames reach as far down as the stack does. Else the rest is not judged.
    pub(super) whole: bool,
}
