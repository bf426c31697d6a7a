//! From patterns to the places in one file that a probe can be set on.
//!
//! Only entries of functions, and addresses that the user gave. Knows nothing of how a probe is
//! set.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::instruction;
use super::near::near;
use super::pattern::Kind;
use super::{Demangled, Dwarf, FunctionSymbol, Language, ObjectFile, Pattern, Symbols};
use crate::address::{ElfAddress, FileOffset};

/// One Go function, as pclntab names it: what this module needs of the Go side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GoEntry {
    /// The full name, package included.
    pub name: String,
    /// Where it begins.
    pub address: ElfAddress,
    /// Bytes of its code.
    pub size: u64,
}

/// One place for a probe. Several names of one place are one probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbePoint {
    /// Where it lies in the file: what the kernel is told.
    pub offset: FileOffset,
    /// Its virtual address in the file.
    pub address: ElfAddress,
    /// All linkage names of this place; empty for an address that no symbol begins at.
    pub names: Vec<String>,
    /// What to call it: the preferred name, demangled; `name+0x1f` or `0x46ab5d` for an address.
    pub display: String,
    /// The language, as far as names and Go's tables tell.
    pub language: Language,
}

/// Why patterns give no probe points.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProbeError {
    /// No function has such a name.
    #[error("cannot find a function `{pattern}` in {}{}", path.display(), advice(near, *stripped))]
    NoMatch {
        /// The pattern.
        pattern: String,
        /// The file.
        path: PathBuf,
        /// Up to five near names.
        near: Vec<String>,
        /// Whether the file has no symbols at all.
        stripped: bool,
    },
    /// More functions than the limit.
    #[error(
        "cannot probe {found} functions of {}: the limit is {limit}; \
         narrow the pattern or raise it with --max-probes {found}",
        path.display()
    )]
    TooMany {
        /// The file.
        path: PathBuf,
        /// How many were found.
        found: usize,
        /// The limit.
        limit: usize,
    },
    /// The function has no code of its own.
    #[error(
        "cannot probe `{name}` in {}: it exists only inlined, into {}; probe {}",
        path.display(), list(into), if into.len() == 1 { "that" } else { "one of those" }
    )]
    OnlyInlined {
        /// The function.
        name: String,
        /// The file.
        path: PathBuf,
        /// The functions it was inlined into; at least one.
        into: Vec<String>,
    },
    /// An indirect function, whose symbol is its resolver.
    #[error(
        "cannot probe `{name}` in {}: it is an indirect function (IFUNC), which the dynamic linker \
         resolves at start; name the implementation it resolves to",
        path.display()
    )]
    Ifunc {
        /// The function.
        name: String,
        /// The file.
        path: PathBuf,
    },
    /// An address where no instruction is known to begin: a probe there would break the program.
    #[error(
        "cannot probe {pattern} in {}: {why}, and a probe inside an instruction would break the \
         program; give an address that a disassembler shows",
        path.display()
    )]
    NotInstruction {
        /// The pattern.
        pattern: String,
        /// The file.
        path: PathBuf,
        /// What is known of the place.
        why: String,
    },
    /// An address or offset outside the code.
    #[error("cannot probe {pattern} in {}: no code lies there; {}", path.display(), ADDRESS_HINT)]
    NotCode {
        /// The pattern.
        pattern: String,
        /// The file.
        path: PathBuf,
    },
}

const ADDRESS_HINT: &str =
    "0x… is a virtual address of the file as `nm` shows it, name+0x… an offset in the file";

fn list(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn advice(near: &[String], stripped: bool) -> String {
    if !near.is_empty() {
        format!("; near names: {}", list(near))
    } else if stripped {
        "; it has no symbols, probe by address (0x…) or use a file that is not stripped".to_owned()
    } else {
        "; `cgotrace list` shows what can be probed".to_owned()
    }
}

/// Finds the places that any of `patterns` means, by offset.
///
/// Names match as the symbol stands and demangled, C++ also without parameters. A glob whose text
/// is itself a function's name means that function only. Cold parts that a compiler split off
/// (`name.cold`) are no entries: they match only a pattern that says `.cold`.
///
/// # Errors
/// A pattern matches nothing that can be probed, or all together match more than `limit` places.
pub fn resolve(
    object: &Arc<ObjectFile>,
    symbols: &Symbols,
    go_functions: impl IntoIterator<Item = GoEntry>,
    patterns: &[Pattern],
    limit: usize,
) -> Result<Vec<ProbePoint>, ProbeError> {
    let candidates = Candidates::gather(object, symbols, go_functions);
    let mut points = BTreeMap::new();
    for pattern in patterns {
        match pattern.kind() {
            Kind::Address(address) => {
                let point = candidates.at_address(*address, pattern)?;
                points.insert(point.offset, point);
            }
            Kind::Offset(offset) => {
                let address = object.address_of(*offset);
                let address = address.ok_or_else(|| candidates.not_code(pattern))?;
                let point = candidates.at_address(address, pattern)?;
                points.insert(point.offset, point);
            }
            _ => {
                for point in candidates.matching(pattern)? {
                    points.insert(point.offset, point);
                }
            }
        }
    }
    if points.len() > limit {
        let path = object.path().to_owned();
        return Err(ProbeError::TooMany { path, found: points.len(), limit });
    }
    Ok(points.into_values().collect())
}

/// A function that may be probed.
struct Candidate<'a> {
    offset: FileOffset,
    size: u64,
    symbol: Option<&'a FunctionSymbol>,
    go: Option<String>,
    /// What [`Candidate::names`] are for people, each once it is asked for.
    demangled: OnceCell<Vec<Option<Demangled>>>,
}

impl Candidate<'_> {
    /// Each linkage name, and what it is for people where that differs.
    fn forms(&self) -> impl Iterator<Item = (&str, Option<&Demangled>)> {
        let demangled = self.demangled.get_or_init(|| self.names().map(Demangled::of).collect());
        self.names().zip(demangled.iter().map(Option::as_ref))
    }

    /// Every linkage name, the preferred one first.
    fn names(&self) -> impl Iterator<Item = &str> {
        let symbols = self.symbol.iter().flat_map(|symbol| &symbol.aliases);
        let symbols = symbols.map(|alias| alias.name.as_str());
        let go = self.go.as_deref();
        go.into_iter().chain(symbols.filter(move |name| Some(*name) != go))
    }

    fn is_ifunc(&self) -> bool {
        self.go.is_none() && self.symbol.is_some_and(FunctionSymbol::is_ifunc)
    }

    /// What to call it, and its language.
    fn display(&self) -> (String, Language) {
        match (&self.go, self.symbol) {
            (Some(name), _) => (name.clone(), Language::Go),
            (None, Some(symbol)) => symbol.demangled(),
            (None, None) => (String::new(), Language::Unknown),
        }
    }
}

struct Candidates<'a> {
    object: &'a Arc<ObjectFile>,
    debug_file: Option<&'a Arc<ObjectFile>>,
    functions: BTreeMap<ElfAddress, Candidate<'a>>,
}

impl<'a> Candidates<'a> {
    fn gather(
        object: &'a Arc<ObjectFile>,
        symbols: &'a Symbols,
        go_functions: impl IntoIterator<Item = GoEntry>,
    ) -> Self {
        let native = symbols.functions().iter().map(|symbol| {
            let (offset, size) = (symbol.offset, symbol.size());
            (
                symbol.address,
                Candidate {
                    offset,
                    size,
                    symbol: Some(symbol),
                    go: None,
                    demangled: OnceCell::new(),
                },
            )
        });
        let mut functions: BTreeMap<_, _> = native.collect();
        for go in go_functions {
            let Some(offset) = object.offset_of(go.address) else { continue };
            let function = functions.entry(go.address).or_insert(Candidate {
                offset,
                size: go.size,
                symbol: None,
                go: None,
                demangled: OnceCell::new(),
            });
            function.go = Some(go.name);
        }
        Self { object, debug_file: symbols.debug_file(), functions }
    }

    fn matching(&self, pattern: &Pattern) -> Result<Vec<ProbePoint>, ProbeError> {
        // A text with `*` may be a name as it stands: Go's methods, C's pointers.
        let named = pattern
            .wanted_name()
            .map_or_else(Vec::new, |wanted| self.filter(pattern, |name| name == wanted));
        let found = if named.is_empty() {
            self.filter(pattern, |name| pattern.matches(name))
        } else {
            named
        };
        let points: Vec<_> = found
            .iter()
            .filter(|(_, function)| !function.is_ifunc())
            .map(|(address, function)| point(*address, function))
            .collect();
        match (points.is_empty(), found.first()) {
            (false, _) => Ok(points),
            (true, Some((_, function))) => {
                let path = self.object.path().to_owned();
                Err(ProbeError::Ifunc { name: function.display().0, path })
            }
            (true, None) => Err(self.no_match(pattern)),
        }
    }

    fn filter(
        &self,
        pattern: &Pattern,
        matches: impl Fn(&str) -> bool,
    ) -> Vec<(ElfAddress, &Candidate<'a>)> {
        let wants_cold = pattern.to_string().contains(".cold");
        let fits = |(name, demangled): (&str, Option<&Demangled>)| {
            (wants_cold || !is_cold_part(name))
                && (matches(name)
                    || demangled.is_some_and(|it| {
                        matches(&it.full) || it.short.as_deref().is_some_and(&matches)
                    }))
        };
        let functions = self.functions.iter().filter(|(_, function)| function.forms().any(fits));
        functions.map(|(address, function)| (*address, function)).collect()
    }

    /// The place at an address that the user gave.
    fn at_address(&self, address: ElfAddress, pattern: &Pattern) -> Result<ProbePoint, ProbeError> {
        if let Some(function) = self.functions.get(&address) {
            return Ok(point(address, function));
        }
        let offset = self.object.offset_of(address).filter(|_| self.object.is_code(address));
        let offset = offset.ok_or_else(|| self.not_code(pattern))?;
        let around = self.functions.range(..address).next_back();
        let around = around.filter(|(begin, function)| address.0 - begin.0 < function.size);
        let refuse = |why| {
            let path = self.object.path().to_owned();
            ProbeError::NotInstruction { pattern: pattern.to_string(), path, why }
        };
        let start = around.map(|(begin, _)| *begin);
        let start = start.or_else(|| instruction::function_start(self.object, address));
        let start = start.ok_or_else(|| {
            refuse("neither a symbol nor unwind information tells its function".to_owned())
        })?;
        if !instruction::begins_at(self.object, start, address) {
            let what = format!("no instruction of the function at {start:#x} begins there");
            return Err(refuse(what));
        }
        let (display, language) = match around {
            Some((begin, function)) => {
                let (name, language) = function.display();
                (format!("{name}+{:#x}", address.0 - begin.0), language)
            }
            None => (format!("{address:#x}"), Language::Unknown),
        };
        Ok(ProbePoint { offset, address, names: Vec::new(), display, language })
    }

    fn not_code(&self, pattern: &Pattern) -> ProbeError {
        let path = self.object.path().to_owned();
        ProbeError::NotCode { pattern: pattern.to_string(), path }
    }

    fn no_match(&self, pattern: &Pattern) -> ProbeError {
        if let Kind::Exact(name) = pattern.kind()
            && let Some(dwarf) = Dwarf::of(self.object, self.debug_file)
        {
            let into = dwarf.inlined_into(name);
            if !into.is_empty() {
                let path = self.object.path().to_owned();
                return ProbeError::OnlyInlined { name: name.clone(), path, into };
            }
        }
        let names = self
            .functions
            .values()
            .flat_map(Candidate::forms)
            .filter(|(name, _)| !is_cold_part(name))
            .map(|(name, demangled)| demangled.map_or(name, Demangled::short));
        let wanted = pattern.wanted_name().unwrap_or_default();
        ProbeError::NoMatch {
            pattern: pattern.to_string(),
            path: self.object.path().to_owned(),
            near: near(wanted, names),
            stripped: self.functions.is_empty(),
        }
    }
}

fn point(address: ElfAddress, function: &Candidate<'_>) -> ProbePoint {
    let (display, language) = function.display();
    let names = function.names().map(str::to_owned).collect();
    ProbePoint { offset: function.offset, address, names, display, language }
}

/// Whether a name is of a part that a compiler split off as rarely run: `name.cold`,
/// `name.cold.3`.
fn is_cold_part(name: &str) -> bool {
    name.split_once(".cold").is_some_and(|(_, rest)| rest.is_empty() || rest.starts_with('.'))
}

#[cfg(test)]
mod tests;
