//! What is judged: programs, where they are probed, and with which Go they are built.

use anyhow::{Context, Result};
use std::path::PathBuf;
use xtask::tool::example::{
    ANIMALS, BUILDS_CET, BUILDS_LTO, BUILDS_PG, CALLBACKS, CPPLIB, DEEP, Example, LOAD, MARKDOWN,
    ODDCODE, RESOLVE, RUSTCALLS, RUSTLIB, RUSTLIB_CDYLIB, SIGNALS, SQLITE, THREADS, THROWS,
};
use xtask::tool::go::{self, KNOWN, LinkMode};
use xtask::tool::paths;

/// A program, and how it is run.
pub(super) struct Subject {
    pub(super) example: &'static Example,
    pub(super) arguments: &'static [&'static str],
    /// More probes than the example's own.
    pub(super) inner: &'static [&'static str],
    /// The reasons of gaps that its stacks may have. A gap of another reason is a failure.
    pub(super) gaps: &'static [&'static str],
    /// Whether Delve judges too. Delve 1.24 loses a process of which C threads end, and frames of
    /// C built with `-flto` or `-pg`.
    pub(super) delve: bool,
}

const fn plain(example: &'static Example) -> Subject {
    Subject { example, arguments: &[], inner: &[], gaps: &[], delve: true }
}

/// All that is judged.
pub(super) const SUBJECTS: &[Subject] = &[
    plain(&ANIMALS),
    Subject { arguments: &["-rounds", "3", "-levels", "30"], ..plain(&DEEP) },
    plain(&RUSTLIB),
    plain(&RUSTLIB_CDYLIB),
    plain(&CPPLIB),
    plain(&CALLBACKS),
    Subject { arguments: &["-move", "-rounds", "3"], ..plain(&CALLBACKS) },
    Subject { arguments: &["-rounds", "3"], delve: false, ..plain(&THREADS) },
    plain(&RUSTCALLS),
    Subject { arguments: &["-threads"], delve: false, ..plain(&RUSTCALLS) },
    plain(&SIGNALS),
    Subject { arguments: &["-where", "raise"], ..plain(&SIGNALS) },
    Subject { arguments: &["-where", "fault"], ..plain(&SIGNALS) },
    Subject { arguments: &["-where", "go"], ..plain(&SIGNALS) },
    plain(&ODDCODE),
    Subject { arguments: &["-kind", "realigned"], ..plain(&ODDCODE) },
    Subject { arguments: &["-kind", "jump"], ..plain(&ODDCODE) },
    Subject { arguments: &["-kind", "exception"], ..plain(&ODDCODE) },
    Subject { arguments: &["-kind", "tail"], ..plain(&ODDCODE) },
    Subject { arguments: &["-kind", "cold"], ..plain(&ODDCODE) },
    Subject { arguments: &["-kind", "rbx"], ..plain(&ODDCODE) },
    Subject { arguments: &["-kind", "expression"], ..plain(&ODDCODE) },
    Subject { arguments: &["-kind", "without-rows"], gaps: &["no-unwind-rule"], ..plain(&ODDCODE) },
    plain(&THROWS),
    Subject { arguments: &["-kind", "handler"], ..plain(&THROWS) },
    Subject { arguments: &["-kind", "translated"], ..plain(&THROWS) },
    Subject { delve: false, ..plain(&BUILDS_LTO) },
    plain(&BUILDS_CET),
    Subject { delve: false, ..plain(&BUILDS_PG) },
    Subject { gaps: &["no-unwind-rule"], ..plain(&RESOLVE) },
    Subject {
        arguments: &["-callers"],
        inner: &["sqlite3_step", "sqlite3VdbeExec", "sqlite3BtreeNext*", "sqlite3BtreeInsert"],
        ..plain(&SQLITE)
    },
    Subject {
        arguments: &["-callers"],
        inner: &["pulldown_cmark::firstpass::*", "pulldown_cmark::parse::*"],
        ..plain(&MARKDOWN)
    },
    Subject { arguments: &["-workers", "1", "-hits", "14"], ..plain(&LOAD) },
];

/// A Go version and a way to link.
#[derive(Clone, Copy)]
pub(super) struct Build {
    pub(super) version: &'static str,
    pub(super) mode: LinkMode,
}

/// Every Go; the oldest and the newest linked both ways, the others in turn.
pub(super) fn every_build() -> Vec<Build> {
    let modes = |at: usize| match at {
        0 => LinkMode::ALL.to_vec(),
        at if at + 1 == KNOWN.len() => LinkMode::ALL.to_vec(),
        at => vec![LinkMode::ALL[at % 2]],
    };
    let of = |(at, version)| modes(at).into_iter().map(move |mode| Build { version, mode });
    KNOWN.into_iter().enumerate().flat_map(of).collect()
}

/// The two that differ most.
pub(super) fn few_builds() -> Vec<Build> {
    vec![
        Build { version: KNOWN[0], mode: LinkMode::Exe },
        Build { version: go::NEWEST, mode: LinkMode::Pie },
    ]
}

impl Subject {
    /// The program and its arguments.
    pub(super) fn name(&self) -> String {
        let words = std::iter::once(&self.example.name).chain(self.arguments);
        words.copied().collect::<Vec<_>>().join(" ")
    }

    /// Builds the program, unless it is up to date, and gives its path.
    pub(super) fn build(&self, build: Build) -> Result<PathBuf> {
        let folder = paths::target().join("truth").join(go::minor(build.version));
        let program = folder.join(build.mode.name()).join(self.example.name);
        let go = go::ensure_version(build.version)?;
        self.example.build(&go, build.version, build.mode, &program)?;
        Ok(program)
    }

    /// The patterns of its probes, for the program at this path.
    pub(super) fn patterns(&self, program: &std::path::Path) -> Result<Vec<String>> {
        let folder = program.parent().context("a program needs a folder")?;
        let inner = self.inner.iter().map(|pattern| (*pattern).to_owned());
        Ok(std::iter::once(self.example.pattern(folder)).chain(inner).collect())
    }
}
