//! The test matrix: which example is built with which Go, linked how, with which symbols left.

use super::command;
use super::example::{
    ANIMALS, BOTTOMS, BUILDS_CET, BUILDS_LTO, BUILDS_PG, Built, CALLBACKS, CALLBACKS_DEBUG_FRAME,
    CALLBACKS_ROWLESS, CPPLIB, DEEP, Example, MALLOCS, ODDCODE, RESOLVE, RUSTCALLS, RUSTLIB,
    RUSTLIB_CDYLIB, RUSTLIB_DLOPEN, SIGNALS, THREADS, THREADS_ROWLESS, THROWS,
};
use super::expected::Expected;
use super::go::{KNOWN, LinkMode, NEWEST, TESTED};
use anyhow::{Context, Result};
use std::fmt::{self, Display, Formatter};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What an executable keeps to name native code by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Symbols {
    /// Symbols and DWARF.
    Whole,
    /// Neither: Go's linker left them out, by `-ldflags='-s -w'`.
    Omitted,
    /// Neither: `strip` took them from a copy of the whole one.
    Stripped,
}

impl Symbols {
    /// The end of the fixture's name.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Whole => "",
            Self::Omitted => "-sw",
            Self::Stripped => "-stripped",
        }
    }
}

/// One cell of the matrix.
#[derive(Clone, Copy)]
pub struct Fixture {
    /// The program.
    pub example: &'static Example,
    /// Go's full version.
    pub version: &'static str,
    /// How it is linked.
    pub mode: LinkMode,
    /// What it keeps.
    pub symbols: Symbols,
}

/// What the suite traces: all Go versions for one C and one Rust library, the rest with some.
pub fn matrix() -> Vec<Fixture> {
    let mut fixtures = Vec::new();
    for version in KNOWN {
        let rest = TESTED.contains(&version);
        for mode in LinkMode::ALL {
            let mut add = |examples: &[&'static Example], symbols| {
                let made =
                    examples.iter().map(|example| Fixture { example, version, mode, symbols });
                fixtures.extend(made);
            };
            add(&[&ANIMALS, &RUSTLIB, &CALLBACKS], Symbols::Whole);
            // How the others are linked makes no difference to these.
            if mode == LinkMode::Exe || version == NEWEST {
                add(&[&BOTTOMS], Symbols::Whole);
                if rest {
                    add(&[&RESOLVE, &MALLOCS, &THROWS], Symbols::Whole);
                    add(&[&CALLBACKS_ROWLESS, &THREADS_ROWLESS], Symbols::Whole);
                }
            }
            if version == NEWEST {
                add(&[&BUILDS_LTO, &BUILDS_CET, &BUILDS_PG], Symbols::Whole);
                add(&[&CALLBACKS_DEBUG_FRAME], Symbols::Whole);
            }
            if rest {
                add(&[&DEEP, &CPPLIB, &RUSTLIB_CDYLIB, &RUSTLIB_DLOPEN], Symbols::Whole);
                add(&[&ODDCODE, &RUSTCALLS, &SIGNALS, &THREADS], Symbols::Whole);
                add(&[&ANIMALS, &DEEP, &RUSTLIB], Symbols::Omitted);
                add(&[&ANIMALS, &DEEP, &RUSTLIB], Symbols::Stripped);
            }
        }
    }
    fixtures
}

impl Fixture {
    /// The program.
    pub fn file(&self) -> PathBuf {
        self.variant(self.symbols)
    }

    fn variant(&self, symbols: Symbols) -> PathBuf {
        let whole = self.example.fixture(self.version, self.mode);
        whole.with_file_name(format!("{}{}", self.example.name, symbols.suffix()))
    }

    /// Where the linker says what it put where, where no symbol can.
    fn map_file(&self) -> PathBuf {
        self.variant(Symbols::Omitted).with_extension("map")
    }

    /// Builds it with this `go`, unless it is up to date.
    pub fn build(&self, go: &Path) -> Result<Built> {
        let link =
            |flags: &str, to: &Path| self.example.link(go, self.version, self.mode, flags, to);
        match self.symbols {
            Symbols::Whole => link("", &self.file()),
            Symbols::Omitted => {
                let map = self.map_file();
                link(&format!("-s -w '-extldflags=-Wl,-Map={}'", map.display()), &self.file())
            }
            Symbols::Stripped => {
                let whole = self.variant(Symbols::Whole);
                let built = link("", &whole)?;
                let file = self.file();
                if built == Built::Already && file.is_file() {
                    return Ok(Built::Already);
                }
                let partial = file.with_extension("partial");
                command::run_quietly(Command::new("strip").arg("-o").arg(&partial).arg(whole))?;
                fs::rename(&partial, &file).with_context(|| format!("make {}", file.display()))?;
                Ok(Built::Now)
            }
        }
    }

    /// The pattern of its probe: by name, or by address where no name is left.
    pub fn pattern(&self) -> Result<String> {
        let address = match self.symbols {
            Symbols::Whole => {
                let file = self.file();
                return Ok(self.example.pattern(file.parent().unwrap_or(&file)));
            }
            Symbols::Omitted => self.address_by_map(),
            Symbols::Stripped => self.address_by_twin(),
        };
        Ok(format!("{:#x}", address.with_context(|| format!("find the probed place of {self}"))?))
    }

    /// The stack at every hit.
    pub fn expected(&self) -> Result<Expected> {
        let expected = Expected::of(self.example)?;
        Ok(match self.symbols {
            Symbols::Whole => expected,
            Symbols::Omitted | Symbols::Stripped => expected.without_native_names(),
        })
    }

    /// What `nm` says of the file before it was stripped: nothing was moved.
    fn address_by_twin(&self) -> Result<u64> {
        let said = command::output(Command::new("nm").arg(self.variant(Symbols::Whole)))?;
        said.lines()
            .find_map(|line| {
                let (address, rest) = line.split_once(' ')?;
                let (_, name) = rest.split_once(' ')?;
                self.example.is_probed(name).then(|| u64::from_str_radix(address, 16).ok())?
            })
            .context("nm names no such function")
    }

    /// What the linker's map says. Either the function has a section of its own, whose address
    /// follows its name, or a line has its address and its name.
    fn address_by_map(&self) -> Result<u64> {
        let map = self.map_file();
        let text = fs::read_to_string(&map).with_context(|| format!("read {}", map.display()))?;
        // What was thrown away stands before, without an address.
        let (_, placed) = text.split_once("Linker script and memory map").context("no map")?;
        let mut words = placed.split_ascii_whitespace().peekable();
        let address = |word: &str| u64::from_str_radix(word.strip_prefix("0x")?, 16).ok();
        let mut before = None;
        while let Some(word) = words.next() {
            match word.strip_prefix(".text.") {
                Some(name) if self.example.is_probed(name) => {
                    return words.peek().and_then(|word| address(word)).context("no address");
                }
                None if self.example.is_probed(word) => return before.context("no address"),
                _ => before = address(word),
            }
        }
        anyhow::bail!("{} names no such function", map.display())
    }
}

impl Display for Fixture {
    fn fmt(&self, to: &mut Formatter<'_>) -> fmt::Result {
        let name = format!("{}{}", self.example.name, self.symbols.suffix());
        write!(to, "{name} with Go {}, {}", self.version, self.mode.name())
    }
}
