//! What this kernel, these rights and a binary allow, each problem with a next step.

mod binary;
mod kernel;
mod system;

use std::path::Path;

use super::options::NameOptions;

/// How one thing stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// As it should be.
    Ok,
    /// Tracing is possible, with less; or something to know.
    Note,
    /// Tracing is not possible.
    Problem,
    /// It could not be found out.
    Unknown,
}

impl State {
    /// The name that outputs show.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Problem => "problem",
            Self::Unknown => "unknown",
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What it belongs to: `system`, `rights`, `kernel` or `binary`.
    pub area: &'static str,
    /// What it is.
    pub name: &'static str,
    /// How it stands.
    pub state: State,
    /// What was found, in words.
    pub found: String,
    /// What to do about it, where something can be done.
    pub next_step: Option<String>,
}

/// Everything that was looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// In the order to show.
    pub checks: Vec<Check>,
}

impl Report {
    /// Whether nothing that was found stands against tracing.
    #[must_use]
    pub fn is_possible(&self) -> bool {
        self.checks.iter().all(|check| check.state != State::Problem)
    }
}

/// Looks at the system, at the kernel as far as the rights reach, and at a binary if one is named,
/// with the debug files that `names` has.
#[must_use]
pub fn doctor(binary: Option<&Path>, names: &NameOptions) -> Report {
    let mut area = Area::new("system");
    let facts = system::Facts::gather(Path::new("/"));
    facts.judge_system(&mut area);
    let mut rights = Area::new("rights");
    facts.judge_rights(&mut rights);
    let mut kernel = Area::new("kernel");
    kernel::examine(&mut kernel);
    let mut areas = vec![area, rights, kernel];
    if let Some(path) = binary {
        let mut area = Area::new("binary");
        binary::examine(path, names, &mut area);
        areas.push(area);
    }
    Report { checks: areas.into_iter().flat_map(|area| area.checks).collect() }
}

/// The checks of one area, while they are made.
struct Area {
    name: &'static str,
    checks: Vec<Check>,
}

impl Area {
    fn new(name: &'static str) -> Self {
        Self { name, checks: Vec::new() }
    }

    fn add(&mut self, state: State, name: &'static str, found: impl Into<String>) -> &mut Check {
        let (area, found) = (self.name, found.into());
        self.checks.push(Check { area, name, state, found, next_step: None });
        let last = self.checks.len() - 1;
        &mut self.checks[last]
    }

    fn ok(&mut self, name: &'static str, found: impl Into<String>) {
        self.add(State::Ok, name, found);
    }

    /// Something to know, and what to do about it.
    fn note(&mut self, name: &'static str, found: impl Into<String>, next: impl Into<String>) {
        self.add(State::Note, name, found).next_step = Some(next.into());
    }

    fn problem(&mut self, name: &'static str, found: impl Into<String>, next: impl Into<String>) {
        self.add(State::Problem, name, found).next_step = Some(next.into());
    }

    fn unknown(&mut self, name: &'static str, found: impl Into<String>, next: impl Into<String>) {
        self.add(State::Unknown, name, found).next_step = Some(next.into());
    }
}

#[cfg(test)]
mod tests;
