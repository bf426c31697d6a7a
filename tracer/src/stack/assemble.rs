//! One hit, its modules and its names to one [`Stack`].

use std::sync::Arc;

use rustc_hash::FxHashMap;
use tracer_common::event::{FRAME_EXACT, FRAME_GAP, Frame};
use tracer_common::reason::Reason;

use super::{ClockOffset, Entry, Stack, StackFrame};
use crate::address::{FileOffset, RuntimeAddress};
use crate::event::Hit;
use crate::object::{ModuleNumber, Modules};
use crate::symbol::{Language, Symbolize};

#[cfg(test)]
mod tests;

/// How many entries are remembered, of all stacks together.
const REMEMBERED: usize = 128 << 10;

/// Joins hits of one source with names. What was named before is not named again, within bounds.
#[derive(Debug, Default)]
pub struct Assembler {
    known: FxHashMap<u64, Arc<[Entry]>>,
    /// How many entries those have together.
    size: usize,
}

impl Assembler {
    /// The stack of a hit of the probe called `probe`.
    pub fn assemble(
        &mut self,
        hit: &Hit,
        probe: &str,
        modules: &Modules,
        symbols: &mut dyn Symbolize,
        clock: ClockOffset,
    ) -> Stack {
        let some = |number| if number == 0 { None } else { Some(number) };
        Stack {
            time: clock.time(hit.time),
            pid: some(hit.pid),
            tid: some(hit.tid),
            comm: hit.comm.clone(),
            cgroup: hit.cgroup,
            goroutine: hit.goroutine,
            probe: probe.to_owned(),
            end: hit.end,
            entries: self.entries(hit, modules, symbols),
        }
    }

    fn entries(
        &mut self,
        hit: &Hit,
        modules: &Modules,
        symbols: &mut dyn Symbolize,
    ) -> Arc<[Entry]> {
        if let Some(entries) = self.known.get(&hit.stack) {
            return Arc::clone(entries);
        }
        let entries: Arc<[Entry]> = entries(hit, modules, symbols).into();
        if hit.stack != 0 {
            if self.size + entries.len() > REMEMBERED {
                self.known.clear();
                self.size = 0;
            }
            self.size += entries.len();
            self.known.insert(hit.stack, Arc::clone(&entries));
        }
        entries
    }
}

fn entries(hit: &Hit, modules: &Modules, symbols: &mut dyn Symbolize) -> Vec<Entry> {
    let mut entries = Vec::with_capacity(hit.frames.len() + 1);
    for frame in hit.frames.iter() {
        add_frame(&mut entries, frame, modules, symbols);
    }
    // Where the walk could not go on, what lies beyond is missing.
    entries.extend(hit.reason.map(Entry::Gap));
    entries
}

/// Why there is a gap.
pub(super) fn gap_reason(gap: &Frame) -> Reason {
    let reason = u8::try_from(gap.offset).ok().and_then(Reason::from_number);
    // Another version's reason is a gap all the same.
    reason.unwrap_or(Reason::NoRule)
}

/// Adds the chain of inlined calls at one physical frame, and the frame itself.
fn add_frame(
    entries: &mut Vec<Entry>,
    frame: &Frame,
    modules: &Modules,
    symbols: &mut dyn Symbolize,
) {
    if frame.flags & FRAME_GAP != 0 {
        entries.push(Entry::Gap(gap_reason(frame)));
        return;
    }
    let exact = frame.flags & FRAME_EXACT != 0;
    let unnamed = StackFrame {
        function: None,
        symbol: None,
        language: Language::Unknown,
        file: None,
        line: None,
        inlined: false,
        module: None,
        address: RuntimeAddress(frame.address),
        offset: None,
        exact,
    };
    let Some(module) = modules.get(frame.module) else {
        entries.push(Entry::Frame(unnamed));
        return;
    };
    let offset = FileOffset(frame.offset.into());
    let unnamed = StackFrame { module: Some(Arc::clone(module)), offset: Some(offset), ..unnamed };
    // A return address may be the first byte of the next line, or of the next function.
    let lookup = if exact { offset } else { offset.minus(1) };
    let chain = symbols.symbolize(ModuleNumber(frame.module), lookup);
    if chain.is_empty() {
        entries.push(Entry::Frame(unnamed));
        return;
    }
    entries.extend(chain.into_iter().map(|source| {
        Entry::Frame(StackFrame {
            function: Some(source.function),
            symbol: Some(source.symbol),
            language: source.language,
            file: source.file,
            line: source.line,
            inlined: source.inlined,
            ..unnamed.clone()
        })
    }));
}
