//! From patterns to the places in one file that a probe can be set on.
//!
//! Only entries of functions, and addresses that the user gave. Knows nothing of how a probe is
//! set.

mod copies;
mod error;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use super::instruction;
use super::near::near;
use super::pattern::Kind;
use super::{Demangled, Dwarf, FunctionSymbol, Language, ObjectFile, Pattern, Symbols, demangle};
use crate::address::{ElfAddress, FileOffset};

pub use copies::unprobed_copies;
pub use error::ProbeError;

/// The most bytes of names that near ones are sought in.
const MAX_COMPARED: usize = 256 << 20;

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
    /// The language, as far as names, Go's tables and DWARF tell.
    pub language: Language,
    /// Whether it is certain that code gets here by a call.
    pub is_called: bool,
}

/// Finds the places that any of `patterns` means, by offset.
///
/// Names match as the symbol stands and demangled, C++ also without parameters, Rust also without
/// the function's type arguments: [`Demangled::short`]. A glob whose text
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
                add(&mut points, candidates.at_address(*address, pattern)?);
            }
            Kind::Offset(offset) => {
                let address = object.address_of(*offset);
                let address = address.ok_or_else(|| candidates.not_code(pattern))?;
                add(&mut points, candidates.at_address(address, pattern)?);
            }
            _ => {
                for point in candidates.matching(pattern)? {
                    add(&mut points, point);
                }
            }
        }
    }
    if points.len() > limit {
        let path = object.path().to_owned();
        return Err(ProbeError::TooMany { path, found: points.len(), limit });
    }
    let mut points: Vec<_> = points.into_values().collect();
    learn_languages(object, symbols, &mut points);
    Ok(points)
}

/// Asks DWARF for the language of points whose name does not give it away.
fn learn_languages(object: &Arc<ObjectFile>, symbols: &Symbols, points: &mut [ProbePoint]) {
    let mut unknown = points.iter_mut().filter(|p| p.language == Language::Unknown).peekable();
    if unknown.peek().is_none() {
        return;
    }
    let Some(dwarf) = Dwarf::of(object, symbols.debug_file()) else { return };
    for point in unknown {
        point.language = dwarf.language_at(point.address);
    }
}

/// Adds a point; several of one place are one that has all their names.
fn add(points: &mut BTreeMap<FileOffset, ProbePoint>, point: ProbePoint) {
    match points.entry(point.offset) {
        Entry::Vacant(place) => {
            place.insert(point);
        }
        Entry::Occupied(mut place) => {
            let known = &mut place.get_mut().names;
            let new: Vec<_> = point.names.into_iter().filter(|n| !known.contains(n)).collect();
            known.extend(new);
        }
    }
}

/// A function that may be probed.
struct Candidate<'a> {
    offset: FileOffset,
    size: u64,
    symbol: Option<&'a FunctionSymbol>,
    go: Option<String>,
}

impl Candidate<'_> {
    /// Every linkage name of the function itself, the preferred one first.
    fn names(&self) -> impl Iterator<Item = &str> {
        let go = self.go.as_deref();
        go.into_iter().chain(self.aliases(false).filter(move |name| Some(*name) != go))
    }

    /// The names of indirect functions whose resolver it is.
    fn indirect_names(&self) -> impl Iterator<Item = &str> {
        self.aliases(true)
    }

    fn aliases(&self, is_ifunc: bool) -> impl Iterator<Item = &str> {
        let aliases = self.symbol.iter().flat_map(|symbol| &symbol.aliases);
        aliases.filter(move |alias| alias.is_ifunc == is_ifunc).map(|alias| alias.name.as_str())
    }

    /// What to call it, and its language; `None` where it has no name of its own.
    fn display(&self) -> Option<(String, Language)> {
        let name = self.names().next()?;
        Some(match self.go {
            Some(_) => (name.to_owned(), Language::Go),
            None => demangle(name).unwrap_or_else(|| (name.to_owned(), Language::Unknown)),
        })
    }
}

struct Candidates<'a> {
    object: &'a Arc<ObjectFile>,
    symbols: &'a Symbols,
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
            (symbol.address, Candidate { offset, size, symbol: Some(symbol), go: None })
        });
        let mut functions: BTreeMap<_, _> = native.collect();
        for go in go_functions {
            let Some(offset) = object.offset_of(go.address) else { continue };
            let function = functions.entry(go.address).or_insert(Candidate {
                offset,
                size: go.size,
                symbol: None,
                go: None,
            });
            function.go = Some(go.name);
        }
        Self { object, symbols, functions }
    }

    fn matching(&self, pattern: &Pattern) -> Result<Vec<ProbePoint>, ProbeError> {
        let found = self.fitting(pattern);
        let mut points = Vec::new();
        let mut unresolved = None;
        for (address, function, meant) in &found {
            match meant {
                Meant::Function => points.extend(point(*address, function)),
                Meant::Resolved(name) => match self.implementation(*address, name) {
                    Some(point) => points.push(point),
                    None => unresolved = Some(*name),
                },
            }
        }
        match (points.is_empty(), unresolved) {
            (false, _) => Ok(points),
            (true, Some(name)) => {
                let path = self.object.path().to_owned();
                Err(ProbeError::Ifunc { name: plain(name), path })
            }
            (true, None) => Err(self.no_match(pattern)),
        }
    }

    /// The functions that have a fitting name, and what is meant by it. A text with `*` may be a
    /// name as it stands (Go's methods, C's pointers); then it means those functions only.
    fn fitting(&self, pattern: &Pattern) -> Vec<(ElfAddress, &Candidate<'a>, Meant<'_>)> {
        let wants_cold = pattern.to_string().contains(".cold");
        let wanted = pattern.wanted_name();
        let fit = |name: &str| {
            if !wants_cold && is_cold_part(name) {
                return Fit::None;
            }
            let fit_of = |name: &str| match () {
                () if wanted == Some(name) => Fit::Named,
                () if pattern.matches(name) => Fit::Matching,
                () => Fit::None,
            };
            let raw = fit_of(name);
            // Most names fit as they stand, or need not be looked at twice.
            if raw == Fit::Named || (raw == Fit::Matching && wanted.is_none()) {
                return raw;
            }
            let Some(Demangled { full, short, .. }) = Demangled::of(name) else { return raw };
            raw.max(fit_of(&full)).max(short.as_deref().map_or(Fit::None, fit_of))
        };
        let mut found = Vec::new();
        for (address, function) in &self.functions {
            let own = function.names().map(fit).max().unwrap_or(Fit::None);
            found.push((own, *address, function, Meant::Function));
            for name in function.indirect_names() {
                found.push((fit(name), *address, function, Meant::Resolved(name)));
            }
        }
        let best = found.iter().map(|found| found.0).max().unwrap_or(Fit::None);
        let fits = |(fit, address, function, meant)| {
            (fit != Fit::None && fit == best).then_some((address, function, meant))
        };
        found.into_iter().filter_map(fits).collect()
    }

    /// The place that the indirect function `name` of a resolver stands for.
    fn implementation(&self, resolver: ElfAddress, name: &str) -> Option<ProbePoint> {
        let address = self.symbols.implementation(resolver)?;
        let offset = self.object.offset_of(address)?;
        let (display, language) =
            demangle(name).unwrap_or_else(|| (name.to_owned(), Language::Unknown));
        let mut names = vec![name.to_owned()];
        let own = self.functions.get(&address);
        names.extend(own.into_iter().flat_map(Candidate::names).map(str::to_owned));
        Some(ProbePoint { offset, address, names, display, language, is_called: true })
    }

    /// The place at an address that the user gave.
    fn at_address(&self, address: ElfAddress, pattern: &Pattern) -> Result<ProbePoint, ProbeError> {
        if let Some(point) = self.functions.get(&address).and_then(|f| point(address, f)) {
            return Ok(point);
        }
        let offset = self.object.offset_of(address).filter(|_| self.object.is_code(address));
        let offset = offset.ok_or_else(|| self.not_code(pattern))?;
        let around = self.functions.range(..=address).next_back();
        let around = around
            .filter(|(begin, function)| **begin == address || address.0 - begin.0 < function.size);
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
        let named = around.and_then(|(begin, function)| Some((begin, function.display()?)));
        let (display, language) = match named {
            Some((begin, (name, language))) => {
                (format!("{name}+{:#x}", address.0 - begin.0), language)
            }
            None => (format!("{address:#x}"), Language::Unknown),
        };
        let names = Vec::new();
        Ok(ProbePoint { offset, address, names, display, language, is_called: false })
    }

    fn not_code(&self, pattern: &Pattern) -> ProbeError {
        let path = self.object.path().to_owned();
        ProbeError::NotCode { pattern: pattern.to_string(), path }
    }

    fn no_match(&self, pattern: &Pattern) -> ProbeError {
        if let Kind::Exact(name) = pattern.kind()
            && [Some(self.object), self.symbols.debug_file()]
                .into_iter()
                .flatten()
                .any(|source| Dwarf::may_name(source, name))
            && let Some(dwarf) = Dwarf::of(self.object, self.symbols.debug_file())
        {
            let into = dwarf.inlined_into(name);
            if !into.is_empty() {
                let path = self.object.path().to_owned();
                return ProbeError::OnlyInlined { name: name.clone(), path, into };
            }
        }
        // Few bytes of a file can stand for much text.
        let mut room = MAX_COMPARED;
        let names = self
            .functions
            .values()
            .flat_map(|function| function.names().chain(function.indirect_names()))
            .filter(|name| !is_cold_part(name))
            .map(|name| match Demangled::of(name) {
                Some(demangled) => Cow::Owned(demangled.into_short()),
                None => Cow::Borrowed(name),
            })
            .map_while(|name| {
                room = room.checked_sub(name.len())?;
                Some(name)
            });
        let wanted = pattern.wanted_name().unwrap_or_default();
        ProbeError::NoMatch {
            pattern: pattern.to_string(),
            path: self.object.path().to_owned(),
            near: near(wanted, names),
            stripped: self.functions.is_empty(),
        }
    }
}

/// How a name fits a pattern; the order is that of preference.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    None,
    Matching,
    /// It is the pattern's very text.
    Named,
}

/// What a fitting name stands for.
#[derive(Clone, Copy)]
enum Meant<'a> {
    /// The function that begins there.
    Function,
    /// What the resolver there gives for the indirect function of this name.
    Resolved(&'a str),
}

/// The point of a function that has a name.
fn point(address: ElfAddress, function: &Candidate<'_>) -> Option<ProbePoint> {
    let (display, language) = function.display()?;
    let names = function.names().map(str::to_owned).collect();
    let offset = function.offset;
    let aliases = function.symbol.iter().flat_map(|symbol| &symbol.aliases);
    let is_called = aliases.clone().any(|alias| !alias.is_label)
        && !aliases.clone().any(|alias| is_cold_part(&alias.name));
    Some(ProbePoint { offset, address, names, display, language, is_called })
}

fn plain(name: &str) -> String {
    demangle(name).map_or_else(|| name.to_owned(), |(name, _)| name)
}

/// Whether a name is of a part that a compiler split off as rarely run: `name.cold`,
/// `name.cold.3`.
fn is_cold_part(name: &str) -> bool {
    name.split_once(".cold").is_some_and(|(_, rest)| rest.is_empty() || rest.starts_with('.'))
}

#[cfg(test)]
mod tests;
