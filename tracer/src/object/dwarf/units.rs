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

#[cfg(test)]
mod tests {
    use super::super::UnitRef;
    use super::super::entry::Extent;
    use super::super::source::Source;
    use super::*;
    use crate::object::{Companions, DebugFiles, compile};

    #[test]
    fn an_offset_lies_in_the_unit_before_it() {
        let units = Units::new(vec![0, 10, 30]);
        assert_eq!(
            [0, 9, 10, 29, 30, 99].map(|at| units.holding(at)),
            [0, 0, 1, 1, 2, 2].map(Some)
        );
        assert_eq!([0, 10, 11].map(|at| units.beginning_at(at)), [Some(0), Some(1), None]);
        assert_eq!(Units::default().holding(5), None);
    }

    /// Every attribute of a unit, and where its code lies.
    fn told(sections: &Sections<'_>, unit: &gimli::Unit<Slice<'_>>) -> String {
        let unit = UnitRef::new(sections, unit);
        let mut told = String::new();
        let mut entries = unit.entries_raw(None).unwrap();
        while !entries.is_empty() {
            let Some(abbreviation) = entries.read_abbreviation().unwrap() else { continue };
            for specification in abbreviation.attributes() {
                let value = entries.read_attribute(*specification).unwrap().value();
                told.push_str(&format!("{value:?} {:?}\n", unit.attr_string(value)));
            }
        }
        let each = |begin, end| told.push_str(&format!("{begin:#x} {end:#x}\n"));
        Extent::of_unit(unit).unwrap().for_each(unit, &mut Default::default(), each).unwrap();
        told
    }

    #[test]
    fn a_unit_that_was_kept_reads_as_the_whole_one() {
        let source = "
__attribute__((cold)) int odd(int x) { return x * 3; }
int main(int argc, char **argv) { return argc > 3 ? odd(argc) : 0; }
";
        for version in ["-gdwarf-4", "-gdwarf-5"] {
            let program = compile("a.c", source, &["-O2", version]);
            let object = program.open();
            let companions = Companions::of(&DebugFiles::default(), &object, &object);
            let source = Source::open(&object, companions).unwrap();
            let sections = source.borrow();
            let units = Units::of(&sections);
            assert!(units.len() > 0);
            for index in 0..units.len() {
                let whole = told(&sections, &units.read(&sections, index).unwrap());
                for pass in ["first", "kept"] {
                    let unit = units.entries(&sections, index).unwrap();
                    assert_eq!(unit.line_program.is_none(), pass == "kept");
                    assert_eq!(told(&sections, &unit), whole, "{version} {pass}");
                }
            }
            units.forget();
            assert!(units.heads().is_empty());
        }
    }
}
