//! One run of a program whose stacks are known: each hit's whole list of frames is compared.

use std::fmt::Write;

use xtask::tool::example::Example;
use xtask::tool::expected::Expected;
use xtask::tool::fixture::matrix;
use xtask::tool::go::LinkMode;

use super::cgotrace;

/// One run of a program.
#[derive(Clone, Copy)]
pub struct Case {
    pub example: &'static Example,
    pub arguments: &'static [&'static str],
    pub probe: &'static str,
    /// The files of the stacks that it must give, and how often each.
    pub stacks: &'static [(&'static str, Count)],
}

/// How often a stack is there.
#[derive(Clone, Copy)]
pub enum Count {
    Exactly(usize),
    /// A Go function that has to grow its stack starts again, so the probe is hit again.
    AtLeast(usize),
}

impl Count {
    fn is(self, found: usize) -> bool {
        match self {
            Self::Exactly(count) => found == count,
            Self::AtLeast(count) => found >= count,
        }
    }
}

impl Case {
    /// Traces it: how many hits had their stack, or what was wrong.
    fn run(&self, version: &str, mode: LinkMode) -> Result<usize, String> {
        let folder = tempfile::tempdir().expect("folder");
        let written = folder.path().join("trace.json");
        let mut command = cgotrace();
        command.args(["run", "--format", "json", "--func", self.probe, "-o"]).arg(&written);
        command.arg("--").arg(self.example.fixture(version, mode)).args(self.arguments);
        // A signal must not come while Go preempts the loop of signals, nor be one of Go's own.
        if ["loop", "kill", "raise", "go-clock"].iter().any(|what| self.arguments.contains(what)) {
            command.env("GODEBUG", "asyncpreemptoff=1");
        }
        let output = command.output().expect("start cgotrace");
        if !output.status.success() {
            return Err(format!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr)));
        }
        let trace = std::fs::read_to_string(written).expect("trace");
        let read = |(file, _): &(&str, Count)| Expected::named(self.example, file).expect("stack");
        let expected: Vec<_> = self.stacks.iter().map(read).collect();
        let counts = Expected::check_each(&expected.iter().collect::<Vec<_>>(), &trace)
            .map_err(|error| format!("{error:#}"))?;
        for ((file, count), found) in self.stacks.iter().zip(&counts) {
            if !count.is(*found) {
                return Err(format!("{found} stacks as in {file}"));
            }
        }
        Ok(counts.iter().sum())
    }
}

/// Runs these, built with these versions of Go and linked both ways.
pub fn all_exact(cases: &[Case], versions: &[&str]) {
    let mut wrong = String::new();
    for (case, version) in cases.iter().flat_map(|case| versions.iter().map(move |of| (case, of))) {
        for mode in LinkMode::ALL.into_iter().filter(|mode| is_built(case.example, version, *mode))
        {
            let what = format!(
                "{} {:?} with Go {version}, {}, at {}",
                case.example.name,
                case.arguments,
                mode.name(),
                case.probe
            );
            match case.run(version, mode) {
                Ok(hits) => println!("{hits:>5} hits exact: {what}"),
                Err(why) => writeln!(wrong, "{what}: {why}").expect("write"),
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// Whether this is a fixture.
fn is_built(example: &Example, version: &str, mode: LinkMode) -> bool {
    matrix().iter().any(|fixture| {
        fixture.example.name == example.name && fixture.version == version && fixture.mode == mode
    })
}
