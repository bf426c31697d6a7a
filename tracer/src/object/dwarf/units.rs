//! The units of one `.debug_info`, and what is kept of those that were read.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gimli::{
    Abbreviations, DebugAddrBase, DebugInfoOffset, DebugLocListsBase, DebugRngListsBase,
    DebugStrOffsetsBase,
};
use rustc_hash::FxHashMap;

use super::{Sections, Slice};

/// The most units of which something is kept; more than this, and all is forgotten.
const MAX_HEADS: usize = 4096;

/// Where the units of one `.debug_info` begin.
#[derive(Debug, Default)]
pub(super) struct Units {
    /// Ascending.
    starts: Vec<usize>,
    /// What is kept of units, by where they begin.
    heads: Mutex<FxHashMap<usize, Arc<Head>>>,
}

/// What is kept of a unit, so that neither its abbreviations nor its line program are read for
/// each name.
#[derive(Debug)]
struct Head {
    abbreviations: Arc<Abbreviations>,
    low_pc: u64,
    str_offsets_base: DebugStrOffsetsBase,
    addr_base: DebugAddrBase,
    loclists_base: DebugLocListsBase,
    rnglists_base: DebugRngListsBase,
}

impl Units {
    /// Units by where they begin, ascending.
    pub(super) fn new(starts: Vec<usize>) -> Self {
        Self { starts, heads: Mutex::default() }
    }

    /// Those of a `.debug_info`.
    pub(super) fn of(sections: &Sections<'_>) -> Self {
        let mut starts = Vec::new();
        let mut headers = sections.units();
        while let Ok(Some(header)) = headers.next() {
            starts.extend(header.debug_info_offset().map(|offset| offset.0));
        }
        Self::new(starts)
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.starts.len()
    }

    /// Reads the unit of this index, its lines too.
    pub(super) fn read<'a>(
        &self,
        sections: &Sections<'a>,
        index: usize,
    ) -> Option<gimli::Unit<Slice<'a>>> {
        let header = sections.unit_header(DebugInfoOffset(*self.starts.get(index)?)).ok()?;
        sections.unit(header).ok()
    }

    /// The unit of this index without its name and its lines; quick from the second time on.
    pub(super) fn entries<'a>(
        &self,
        sections: &Sections<'a>,
        index: usize,
    ) -> Option<gimli::Unit<Slice<'a>>> {
        let start = *self.starts.get(index)?;
        let head = self.heads().get(&start).map(Arc::clone);
        let Some(head) = head else {
            let unit = self.read(sections, index)?;
            self.keep(&unit);
            return Some(unit);
        };
        let header = sections.unit_header(DebugInfoOffset(start)).ok()?;
        Some(gimli::Unit {
            header,
            abbreviations: Arc::clone(&head.abbreviations),
            name: None,
            comp_dir: None,
            low_pc: head.low_pc,
            str_offsets_base: head.str_offsets_base,
            addr_base: head.addr_base,
            loclists_base: head.loclists_base,
            rnglists_base: head.rnglists_base,
            line_program: None,
            dwo_id: None,
        })
    }

    /// Keeps what the entries of a unit are read with, where they do not lie elsewhere.
    pub(super) fn keep(&self, unit: &gimli::Unit<Slice<'_>>) {
        let (Some(start), None) = (unit.header.debug_info_offset(), unit.dwo_id) else { return };
        let mut heads = self.heads();
        if heads.len() >= MAX_HEADS {
            heads.clear();
        }
        let head = Head {
            // A copy has no spare room, which is a third of what was read.
            abbreviations: Arc::new(Abbreviations::clone(&unit.abbreviations)),
            low_pc: unit.low_pc,
            str_offsets_base: unit.str_offsets_base,
            addr_base: unit.addr_base,
            loclists_base: unit.loclists_base,
            rnglists_base: unit.rnglists_base,
        };
        heads.insert(start.0, Arc::new(head));
    }

    /// Forgets what was kept.
    pub(super) fn forget(&self) {
        self.heads().clear();
    }

    /// The unit that an offset in `.debug_info` lies in, as an index.
    pub(super) fn holding(&self, offset: usize) -> Option<usize> {
        self.starts.partition_point(|start| *start <= offset).checked_sub(1)
    }

    /// The unit that begins at an offset in `.debug_info`, as an index.
    pub(super) fn beginning_at(&self, offset: usize) -> Option<usize> {
        self.starts.binary_search(&offset).ok()
    }

    fn heads(&self) -> MutexGuard<'_, FxHashMap<usize, Arc<Head>>> {
        self.heads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
