//! Mappings, functions and locations of a profile, each once.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::super::label::line_name;
use super::super::sanitize::{sanitize, sanitize_bytes};
use super::super::tree::Interner;
use super::super::view::Line;
use super::proto;
use crate::object::ModuleIdentity;
use crate::stack::StackFrame;

/// Mappings end at a page's end.
const PAGE: u64 = 4096;

/// The table of texts.
#[derive(Debug)]
pub(super) struct Texts(Interner<Arc<str>>);

impl Default for Texts {
    fn default() -> Self {
        let mut texts = Self(Interner::new(4 * Interner::<()>::MOST));
        texts.index("");
        texts
    }
}

impl Texts {
    /// The index of a text; the empty one's where there are too many.
    pub(super) fn index(&mut self, text: &str) -> i64 {
        let known = self.0.known(text);
        known.or_else(|| self.0.number_of(text.into())).map_or(0, i64::from)
    }

    pub(super) fn label(&mut self, key: &str, text: &str) -> proto::Label {
        let (key, text) = (self.index(key), self.index(&sanitize(text)));
        proto::Label { key, str: text, num: 0, num_unit: 0 }
    }

    pub(super) fn number(&mut self, key: &str, number: u64) -> proto::Label {
        let num = i64::try_from(number).unwrap_or(i64::MAX);
        proto::Label { key: self.index(key), str: 0, num, num_unit: 0 }
    }

    pub(super) fn table(&self) -> Vec<String> {
        self.0.values().iter().map(|text| text.as_ref().to_owned()).collect()
    }
}

/// Where the code of stacks lies.
#[derive(Debug)]
pub(super) struct Places {
    mappings: Vec<Mapping>,
    by_module: FxHashMap<Arc<ModuleIdentity>, usize>,
    functions: Interner<proto::Function>,
    locations: Interner<proto::Location>,
}

/// One module, as it lay in the process in which it was first seen: from there on, addresses of
/// other processes are translated to this one.
#[derive(Debug, Default)]
struct Mapping {
    /// Where the file's first byte would lie.
    start: Option<u64>,
    /// The highest offset that a stack named.
    highest: u64,
    filename: i64,
    build_id: i64,
    has_functions: bool,
    has_filenames: bool,
    has_line_numbers: bool,
    has_inline_frames: bool,
}

impl Default for Places {
    fn default() -> Self {
        Self {
            mappings: Vec::new(),
            by_module: FxHashMap::default(),
            functions: Interner::new(Interner::<()>::MOST),
            locations: Interner::new(Interner::<()>::MOST),
        }
    }
}

impl Places {
    /// The location of something that is no code.
    pub(super) fn pseudo(&mut self, name: &str, texts: &mut Texts) -> Option<u32> {
        let line = self.line(name, name, "", None, texts)?;
        self.location(0, 0, vec![line])
    }

    /// The same, where there are as many locations as may be.
    pub(super) fn beyond(&mut self, name: &str, texts: &mut Texts) -> Option<u32> {
        let name = texts.index(name);
        let function = proto::Function { name, system_name: name, ..proto::Function::default() };
        let function_id = u64::from(self.functions.add(function)?) + 1;
        let line = vec![proto::Line { function_id, line: 0 }];
        self.locations.add(proto::Location { line, ..proto::Location::default() })
    }

    /// The locations of a stack, the innermost first: one for each physical frame. `None` where
    /// they are too many.
    pub(super) fn path(&mut self, lines: &[Line<'_>], texts: &mut Texts) -> Option<Vec<u32>> {
        let mut path = Vec::with_capacity(lines.len());
        // A chain of inlined calls belongs to the physical frame behind it.
        let mut chain = Vec::new();
        let mut inlined: Option<&StackFrame> = None;
        for line in lines {
            let Line::Frame(frame) = line else {
                // The physical frame is among the hidden ones.
                if let Some(frame) = inlined.take() {
                    path.push(self.frame(frame, std::mem::take(&mut chain), texts)?);
                }
                path.push(self.pseudo(&line_name(line), texts)?);
                continue;
            };
            let name = line_name(line);
            let symbol = frame.symbol.as_deref().map_or(name.clone(), sanitize);
            let file = sanitize(frame.file.as_deref().unwrap_or_default());
            chain.push(self.line(&name, &symbol, &file, frame.line, texts)?);
            if frame.inlined {
                inlined = Some(frame);
            } else {
                inlined = None;
                path.push(self.frame(frame, std::mem::take(&mut chain), texts)?);
            }
        }
        if let Some(frame) = inlined {
            path.push(self.frame(frame, chain, texts)?);
        }
        Some(path)
    }

    fn line(
        &mut self,
        name: &str,
        symbol: &str,
        file: &str,
        line: Option<u32>,
        texts: &mut Texts,
    ) -> Option<proto::Line> {
        let function = proto::Function {
            name: texts.index(name),
            system_name: texts.index(symbol),
            filename: texts.index(file),
            ..proto::Function::default()
        };
        let number = self.functions.number_of(function)?;
        Some(proto::Line { function_id: u64::from(number) + 1, line: line.map_or(0, i64::from) })
    }

    fn frame(
        &mut self,
        frame: &StackFrame,
        lines: Vec<proto::Line>,
        texts: &mut Texts,
    ) -> Option<u32> {
        // By pprof's custom, a caller's address lies in its call instruction, not behind it.
        let back = u64::from(!frame.exact);
        let (Some(module), Some(offset)) = (&frame.module, frame.offset) else {
            return self.location(0, frame.address.0.wrapping_sub(back), lines);
        };
        let index = self.mapping(module, texts);
        let mapping = self.mappings.get_mut(index)?;
        let base = frame.address.0.wrapping_sub(offset.0);
        let start = *mapping.start.get_or_insert(base);
        mapping.highest = mapping.highest.max(offset.0);
        mapping.has_functions |= frame.function.is_some();
        mapping.has_filenames |= frame.file.is_some();
        mapping.has_line_numbers |= frame.line.is_some();
        mapping.has_inline_frames |= lines.len() > 1;
        let address = start.wrapping_add(offset.0).wrapping_sub(back);
        self.location(u64::try_from(index).ok()? + 1, address, lines)
    }

    fn location(&mut self, mapping_id: u64, address: u64, line: Vec<proto::Line>) -> Option<u32> {
        self.locations.number_of(proto::Location { id: 0, mapping_id, address, line })
    }

    fn mapping(&mut self, module: &Arc<ModuleIdentity>, texts: &mut Texts) -> usize {
        if let Some(&index) = self.by_module.get(module) {
            return index;
        }
        let path = sanitize_bytes(module.path.as_os_str().as_encoded_bytes());
        let build_id = module.build_id.as_ref().map(ToString::to_string).unwrap_or_default();
        self.mappings.push(Mapping {
            filename: texts.index(&path),
            build_id: texts.index(&build_id),
            ..Mapping::default()
        });
        let index = self.mappings.len() - 1;
        self.by_module.insert(Arc::clone(module), index);
        index
    }

    /// The tables, with ids from 1.
    pub(super) fn tables(
        &self,
    ) -> (Vec<proto::Mapping>, Vec<proto::Location>, Vec<proto::Function>) {
        let mappings = (1..).zip(&self.mappings).map(|(id, mapping)| {
            let start = mapping.start.unwrap_or(0);
            let size = (mapping.highest / PAGE).saturating_add(1).saturating_mul(PAGE);
            proto::Mapping {
                id,
                memory_start: start,
                memory_limit: start.saturating_add(size),
                file_offset: 0,
                filename: mapping.filename,
                build_id: mapping.build_id,
                has_functions: mapping.has_functions,
                has_filenames: mapping.has_filenames,
                has_line_numbers: mapping.has_line_numbers,
                has_inline_frames: mapping.has_inline_frames,
            }
        });
        let locations = (1..).zip(self.locations.values());
        let locations = locations.map(|(id, location)| proto::Location { id, ..location.clone() });
        let functions = (1..).zip(self.functions.values());
        let functions = functions.map(|(id, function)| proto::Function { id, ..*function });
        (mappings.collect(), locations.collect(), functions.collect())
    }
}
