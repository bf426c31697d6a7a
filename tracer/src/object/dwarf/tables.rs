//! What was read of one unit, and the answers from it.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::entry::{Origin, language_of};
use super::functions::{Calls, Inlined, extents_and_scopes};
use super::lines::{self, Lines};
use super::name::FunctionName;
use super::scope::{self, Scopes};
use super::shared::Shared;
use super::source::{Parts, Source};
use super::{Code, DwarfFrame, Sections};
use crate::object::Language;
use crate::object::ranges::Ranges;

/// What a name or a path counts for, as against a row, besides its bytes.
const TEXT: usize = 8;

/// Bytes of a line row.
const ROW: usize = 16;

/// How many bytes of paths are put together when a unit is read; those that are left, when asked.
const MAX_PATHS: usize = 1 << 20;

/// What was read of one unit.
#[derive(Debug)]
pub(super) struct Tables {
    /// The offset of each function's entry in its unit.
    pub(super) functions: Ranges<usize>,
    pub(super) lines: Lines,
    scopes: Scopes,
    language: Language,
    /// Whether its entries lie in another file.
    is_split: bool,
    /// The calls inlined into each function, by its entry.
    calls: FxHashMap<usize, Calls>,
    /// How much `calls` holds.
    calls_held: usize,
    /// Names by the entry that tells them.
    names: FxHashMap<Origin, Option<Arc<FunctionName>>>,
    files: FxHashMap<u32, Option<Arc<str>>>,
    /// How much `names` hold.
    names_held: usize,
}

/// What a text counts for, as against a row.
pub(super) fn weight(bytes: usize) -> usize {
    TEXT + bytes / ROW
}

/// A unit to be read.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) source: &'a Source,
    pub(super) sections: &'a Sections<'a>,
    pub(super) index: usize,
}

impl<'a> Asked<'a> {
    /// Reads entries of the unit.
    fn entries<T>(self, read: impl FnOnce(Parts<'_>) -> T) -> Option<T> {
        let unit = self.source.entries(self.sections, self.index)?;
        Some(read(self.source.parts(self.sections, &unit)))
    }
}

impl Tables {
    pub(super) fn read(asked: Asked<'_>, code: &Code, shared: &mut Shared) -> Option<Self> {
        let unit = asked.source.unit(asked.sections, asked.index)?;
        let parts = asked.source.parts(asked.sections, &unit);
        let (functions, scopes) = extents_and_scopes(parts.entries, code);
        let lines = Lines::read(parts.lines, code);
        Some(Self {
            files: paths(parts, &lines, shared),
            functions,
            lines,
            scopes,
            language: language_of(parts.entries),
            is_split: unit.is_split(),
            calls: FxHashMap::default(),
            calls_held: 0,
            names: FxHashMap::default(),
            names_held: 0,
        })
    }

    /// How much is held.
    pub(super) fn len(&self) -> usize {
        let own = self.functions.len() + self.scopes.len() + self.lines.len() + self.files.len();
        own + self.calls_held + self.names_held
    }

    /// The inlined calls at `address` in the function at `entry`, and the function itself; where
    /// there is no function, the line alone.
    pub(super) fn chain(
        &mut self,
        asked: Asked<'_>,
        shared: &mut Shared,
        entry: Option<usize>,
        address: u64,
        location: Option<(u32, u32)>,
    ) -> Vec<DwarfFrame> {
        let Some(entry) = entry else {
            return vec![self.frame(asked, shared, None, location, false)];
        };
        let mut location = location;
        let mut frames = Vec::new();
        for inlined in self.calls_at(asked, entry, address) {
            frames.push(self.frame(asked, shared, Some(inlined.origin), location, true));
            location = inlined.call;
        }
        frames.push(self.frame(asked, shared, Some(Origin::Unit(entry)), location, false));
        frames
    }

    fn calls_at(&mut self, asked: Asked<'_>, entry: usize, address: u64) -> Vec<Inlined> {
        let Self { calls, calls_held, .. } = self;
        let calls = calls.entry(entry).or_insert_with(|| {
            let read = asked.entries(|parts| Calls::read(parts.entries, entry));
            let read = read.unwrap_or_default();
            *calls_held += TEXT + read.len();
            read
        });
        calls.at(address)
    }

    fn frame(
        &mut self,
        asked: Asked<'_>,
        shared: &mut Shared,
        origin: Option<Origin>,
        location: Option<(u32, u32)>,
        inlined: bool,
    ) -> DwarfFrame {
        let name = origin.and_then(|origin| self.name(asked, shared, origin));
        DwarfFrame {
            language: name.as_ref().map_or(self.language, |name| name.language),
            name,
            file: location.and_then(|(file, _)| self.file(asked, shared, file)),
            line: location.map(|(_, line)| line).filter(|line| *line != 0),
            inlined,
        }
    }

    fn name(
        &mut self,
        asked: Asked<'_>,
        shared: &mut Shared,
        origin: Origin,
    ) -> Option<Arc<FunctionName>> {
        let Self { names, names_held, is_split, scopes, language, .. } = self;
        let read = || {
            asked.entries(|parts| {
                let names = origin.names(parts);
                let is_alone = names.linkage.is_none() && scope::is_scoped(names.language);
                let declared = names.declared.filter(|_| is_alone);
                let scope = declared.and_then(|place| scope::path(parts, scopes, place));
                FunctionName::new(names, scope).map(Arc::new)
            })?
        };
        // In a split file, other entries are those of that file.
        if !*is_split && !matches!(origin, Origin::Unit(_)) {
            return shared.name(origin, *language, read);
        }
        let name = names.entry(origin).or_insert_with(|| {
            let name = read();
            *names_held += weight(name.as_ref().map_or(0, |name| name.len()));
            name
        });
        name.clone()
    }

    fn file(&mut self, asked: Asked<'_>, shared: &mut Shared, file: u32) -> Option<Arc<str>> {
        let path = self.files.entry(file).or_insert_with(|| {
            let unit = asked.source.unit(asked.sections, asked.index)?;
            let parts = asked.source.parts(asked.sections, &unit);
            let path = lines::path(parts.lines, u64::from(file))?;
            Some(shared.path(&path))
        });
        path.clone()
    }
}

/// The paths of the files that lines are of, by their index.
fn paths(parts: Parts<'_>, lines: &Lines, shared: &mut Shared) -> FxHashMap<u32, Option<Arc<str>>> {
    let (mut paths, mut bytes) = (FxHashMap::default(), 0);
    for file in lines.files() {
        let path = lines::path(parts.lines, u64::from(file));
        bytes += path.as_ref().map_or(0, String::len);
        paths.insert(file, path.map(|path| shared.path(&path)));
        if bytes > MAX_PATHS {
            break;
        }
    }
    paths
}
