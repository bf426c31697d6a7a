//! What the independent tools share: a run of the same program, and the stack at each hit.

use super::place::Place;
use std::time::Duration;

/// How long one answer of a tool may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// The stack at one hit, the innermost frame first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Judged {
    pub(super) frames: Vec<Place>,
    /// Whether the frames reach as far down as the stack does. Else the rest is not judged.
    pub(super) whole: bool,
}
