//! What was read of one unit, and the answers from it.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::entry::{Names, language_of};
use super::functions::{Calls, extents_and_scopes};
use super::lines::{self, Lines};
use super::name::FunctionName;
use super::scope::{self, Scopes};
use super::source::{Head, Parts, Source};
use super::{Code, DwarfFrame, Sections};
use crate::object::Language;
use crate::object::ranges::Ranges;

/// What a name or a path counts for, as against a row.
const TEXT: usize = 8;

/// What was read of one unit.
#[derive(Debug)]
pub(super) struct Tables {
    /// The offset of each function's entry in its unit.
    pub(super) functions: Ranges<usize>,
    pub(super) lines: Lines,
    scopes: Scopes,
    language: Language,
    /// How to read its entries again; `None` where they lie in another file.
    head: Option<Head>,
    /// The calls inlined into each function, by its entry.
    calls: FxHashMap<usize, Calls>,
    /// How much `calls` holds.
    calls_held: usize,
    /// Names by the entry that tells them.
    names: FxHashMap<usize, Option<Arc<FunctionName>>>,
    files: FxHashMap<u64, Option<Arc<str>>>,
}

/// A unit to be read.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) source: &'a Source,
    pub(super) sections: &'a Sections<'a>,
    pub(super) index: usize,
}

impl<'a> Asked<'a> {
    /// Reads the whole unit, its lines too.
    fn whole<T>(self, read: impl FnOnce(Parts<'_>, Option<Head>) -> T) -> Option<T> {
        let unit = self.source.unit(self.sections, self.index)?;
        Some(read(self.source.parts(self.sections, &unit), unit.head()))
    }

    /// Reads entries of the unit.
    fn entries<T>(self, head: Option<&Head>, read: impl FnOnce(Parts<'_>) -> T) -> Option<T> {
        let Some(head) = head else { return self.whole(|parts, _| read(parts)) };
        let unit = self.source.entries(self.sections, head)?;
        Some(read(self.source.parts(self.sections, &unit)))
    }
}

impl Tables {
    pub(super) fn read(asked: Asked<'_>, code: &Code) -> Option<Self> {
        asked.whole(|parts, head| {
            let (functions, scopes) = extents_and_scopes(parts.entries, code);
            Self {
                functions,
                lines: Lines::read(parts.lines, code),
                scopes,
                language: language_of(parts.entries),
                head,
                calls: FxHashMap::default(),
                calls_held: 0,
                names: FxHashMap::default(),
                files: FxHashMap::default(),
            }
        })
    }

    /// How much is held.
    pub(super) fn len(&self) -> usize {
        let texts = (self.names.len() + self.files.len()) * TEXT;
        self.functions.len() + self.scopes.len() + self.lines.len() + self.calls_held + texts
    }

    /// The inlined calls at `address` in the function at `entry`, and the function itself; where
    /// there is no function, the line alone.
    pub(super) fn chain(
        &mut self,
        asked: Asked<'_>,
        entry: Option<usize>,
        address: u64,
        location: Option<(u64, u32)>,
    ) -> Vec<DwarfFrame> {
        let Some(entry) = entry else {
            return vec![self.frame(asked, None, location, false)];
        };
        let mut location = location;
        let mut frames = Vec::new();
        for inlined in self.calls_at(asked, entry, address) {
            frames.push(self.frame(asked, Some(inlined.entry), location, true));
            location = inlined.call;
        }
        frames.push(self.frame(asked, Some(entry), location, false));
        frames
    }

    fn calls_at(
        &mut self,
        asked: Asked<'_>,
        entry: usize,
        address: u64,
    ) -> Vec<super::functions::Inlined> {
        let Self { calls, calls_held, head, .. } = self;
        let calls = calls.entry(entry).or_insert_with(|| {
            let read = asked.entries(head.as_ref(), |parts| Calls::read(parts.entries, entry));
            let read = read.unwrap_or_default();
            *calls_held += TEXT + read.len();
            read
        });
        calls.at(address)
    }

    fn frame(
        &mut self,
        asked: Asked<'_>,
        entry: Option<usize>,
        location: Option<(u64, u32)>,
        inlined: bool,
    ) -> DwarfFrame {
        let name = entry.and_then(|entry| self.name(asked, entry));
        DwarfFrame {
            language: name.as_ref().map_or(self.language, |name| name.language),
            name,
            file: location.and_then(|(file, _)| self.file(asked, file)),
            line: location.map(|(_, line)| line).filter(|line| *line != 0),
            inlined,
        }
    }

    fn name(&mut self, asked: Asked<'_>, entry: usize) -> Option<Arc<FunctionName>> {
        let Self { names, head, scopes, .. } = self;
        let name = names.entry(entry).or_insert_with(|| {
            asked.entries(head.as_ref(), |parts| {
                let names = Names::of(parts.scope, parts.entries, entry);
                let is_alone = names.linkage.is_none() && scope::is_scoped(names.language);
                let declared = names.declared.filter(|_| is_alone);
                let scope = declared.and_then(|place| scope::path(parts, scopes, place));
                FunctionName::new(names, scope).map(Arc::new)
            })?
        });
        name.clone()
    }

    fn file(&mut self, asked: Asked<'_>, file: u64) -> Option<Arc<str>> {
        let path = self.files.entry(file).or_insert_with(|| {
            asked.whole(|parts, _| lines::path(parts.lines, file).map(Arc::from))?
        });
        path.clone()
    }
}
