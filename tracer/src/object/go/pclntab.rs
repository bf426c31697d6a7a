//! The header of pclntab and its function table. Go: runtime/symtab.go, internal/abi/symtab.go,
//! cmd/link/internal/ld/pcln.go, 1.18 to 1.27.

use std::ops::Range;

use crate::address::ElfAddress;
use crate::object::ObjectFile;

use super::read::{u32_at, u64_at};

/// Go 1.18 and 1.19.
const MAGIC_118: u32 = 0xffff_fff0;
/// Go 1.20 on.
const MAGIC_120: u32 = 0xffff_fff1;
/// Go 1.16 and 1.17, and Go 1.2 to 1.15: other tables altogether.
const MAGICS_TOO_OLD: [u32; 2] = [0xffff_fffa, 0xffff_fffb];
/// Words of the header after its first 8 bytes.
const WORDS: usize = 8;
/// Bytes of the header before its words: the magic, two zeros, the quantum, the pointer size.
const PREFIX: usize = 8;
/// The header's first bytes after the magic, amd64.
const MACHINE: [u8; 4] = [0, 0, 1, 8];
/// Sections that start with the header.
const SECTIONS: [&str; 2] = [".gopclntab", ".data.rel.ro.gopclntab"];
/// What the linker aligns the header to, at least.
const ALIGNMENT: usize = 8;

/// Which form the records have. It does not tell the Go version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// Go 1.18 and 1.19: `_func` of 40 bytes, `inlinedCall` of 20.
    Go118,
    /// Go 1.20 on: `_func` of 44 bytes, with a start line; `inlinedCall` of 16.
    Go120,
}

impl Layout {
    /// Where a record's single bytes start: the function id, the flags, a pad, and the count of
    /// function data.
    pub(super) fn tail(self) -> usize {
        match self {
            Self::Go118 => 36,
            Self::Go120 => 40,
        }
    }

    /// Bytes of a record with its lists of PC data and function data.
    fn record_size(self, record: &[u8]) -> Option<usize> {
        let pcdata_count = u32_at(record, PCDATA_COUNT)? as usize;
        let funcdata_count = usize::from(*record.get(self.tail() + 3)?);
        (pcdata_count + funcdata_count).checked_mul(4)?.checked_add(self.tail() + 4)
    }
}

/// Where a record has the count of its PC data.
pub(super) const PCDATA_COUNT: usize = 28;

/// A pclntab whose header and function table hold together.
#[derive(Clone, Debug)]
pub(super) struct Pclntab {
    /// Address of its header.
    pub(super) address: ElfAddress,
    pub(super) layout: Layout,
    /// The base of all functions, as the header states it: 0 from Go 1.26 on, and where it stands
    /// in a relocation.
    pub(super) text_start: u64,
    /// Offsets of its tables from the header, as the header states them.
    pub(super) name_offset: u64,
    pub(super) unit_offset: u64,
    /// How many functions it has.
    pub(super) count: usize,
    /// Its tables, as ranges of the file.
    pub(super) names: Range<usize>,
    pub(super) units: Range<usize>,
    pub(super) files: Range<usize>,
    pub(super) values: Range<usize>,
    /// The function table and the `_func` records, up to the end of the segment.
    pub(super) functions: Range<usize>,
}

/// Finds the pclntab of `object`. `Ok(None)`: it has none. `Err`: why the best candidate is none.
pub(super) fn find(object: &ObjectFile) -> Result<Option<Pclntab>, String> {
    let mut problem = None;
    let mut accept = |address| match parse(object, address) {
        Ok(table) => Some(table),
        Err(what) => {
            problem.get_or_insert(what);
            None
        }
    };
    // The sections, then wherever the header's first bytes are: GNU ld merges the section into
    // .data.rel.ro in position-independent files up to Go 1.25.
    let sections = SECTIONS.iter().filter_map(|name| object.section(name)).map(|found| found.0);
    let found = sections.into_iter().find_map(&mut accept);
    if let Some(table) = found.or_else(|| candidates(object).find_map(&mut accept)) {
        return Ok(Some(table));
    }
    problem.map_or(Ok(None), Err)
}

/// Addresses of all aligned bytes that look as a header starts.
fn candidates(object: &ObjectFile) -> impl Iterator<Item = ElfAddress> {
    object.segments().iter().flat_map(|segment| {
        let bytes = object.bytes_at(segment.address, segment.size).unwrap_or_default();
        let skip = segment.address.0.wrapping_neg() as usize % ALIGNMENT;
        let looks = |word: &[u8]| {
            matches!(u32_at(word, 0), Some(MAGIC_118 | MAGIC_120)) && word.ends_with(&MACHINE)
        };
        bytes
            .get(skip..)
            .unwrap_or_default()
            .chunks_exact(ALIGNMENT)
            .enumerate()
            .filter(move |(_, word)| looks(word))
            .map(move |(index, _)| segment.address.plus((skip + index * ALIGNMENT) as u64))
    })
}

/// Reads and checks the header at `address` and its function table.
fn parse(object: &ObjectFile, address: ElfAddress) -> Result<Pclntab, String> {
    let segment = object
        .segments()
        .iter()
        .find(|segment| segment.contains(address))
        .ok_or("its address lies in no segment")?;
    let limit = segment.size - (address.0 - segment.address.0);
    let bytes = object.bytes_at(address, limit).ok_or("its address lies in no segment")?;
    let start = object
        .offset_of(address)
        .and_then(|offset| usize::try_from(offset.0).ok())
        .ok_or("its address lies in no segment")?;

    let layout = match u32_at(bytes, 0) {
        Some(MAGIC_118) => Layout::Go118,
        Some(MAGIC_120) => Layout::Go120,
        Some(magic) if MAGICS_TOO_OLD.contains(&magic) => {
            return Err("it is of Go 1.17 or older".to_owned());
        }
        _ => return Err("it does not start with a known magic number".to_owned()),
    };
    if bytes.get(4..PREFIX) != Some(&MACHINE) {
        return Err("its header is not that of an amd64 program".to_owned());
    }
    let mut words = [0u64; WORDS];
    for (index, word) in words.iter_mut().enumerate() {
        *word = u64_at(bytes, PREFIX + index * 8).ok_or("its header is cut short")?;
    }
    let [count, _, text_start, names, units, files, values, functions] = words;
    let header = (PREFIX + WORDS * 8) as u64;
    let ordered = header <= names
        && names < units
        && units <= files
        && files < values
        && values < functions
        && functions < bytes.len() as u64;
    if !ordered {
        return Err("the offsets in its header are out of order".to_owned());
    }
    // All offsets lie within `bytes` now, so they fit.
    let within = |from: u64, to: u64| start + from as usize..start + to as usize;
    let table = Pclntab {
        address,
        layout,
        text_start,
        name_offset: names,
        unit_offset: units,
        count: usize::try_from(count).map_err(|_| "its function count is absurd")?,
        names: within(names, units),
        units: within(units, files),
        files: within(files, values),
        values: within(values, functions),
        functions: within(functions, bytes.len() as u64),
    };
    let functions = object.data().get(table.functions.clone()).unwrap_or_default();
    check_functions(functions, table.count)?;
    check_records(functions, table.count, layout)?;
    Ok(table)
}

/// Bytes of an entry of the function table: entry offset, record offset.
pub(super) const ENTRY: usize = 8;

/// What the linker aligns records to.
const RECORD_ALIGNMENT: usize = 8;

/// Each record ends where the next one begins: its size tells the layout, whatever the magic number
/// says.
fn check_records(bytes: &[u8], count: usize, layout: Layout) -> Result<(), String> {
    let starts = || (0..count).filter_map(|index| u32_at(bytes, index * ENTRY + 4));
    let follow = starts().zip(starts().skip(1)).all(|(start, next)| {
        let (start, next) = (start as usize, next as usize);
        let end = bytes.get(start..).and_then(|record| Some(start + layout.record_size(record)?));
        end.and_then(|end| next.checked_sub(end)).is_some_and(|gap| gap < RECORD_ALIGNMENT)
    });
    if follow { Ok(()) } else { Err("its function records are of another layout".to_owned()) }
}

/// The function table is sorted, its records lie behind it, and an end offset closes it.
fn check_functions(bytes: &[u8], count: usize) -> Result<(), String> {
    let records = count
        .checked_mul(ENTRY)
        .and_then(|size| size.checked_add(4))
        .filter(|&size| size <= bytes.len())
        .ok_or("its function table does not fit")?;
    if count == 0 {
        return Err("it has no functions".to_owned());
    }
    let mut previous = 0;
    for entry in bytes[..count * ENTRY].chunks_exact(ENTRY) {
        let offset = u32_at(entry, 0).unwrap_or_default();
        let record = u32_at(entry, 4).unwrap_or_default() as usize;
        if offset < previous {
            return Err("its function table is not sorted".to_owned());
        }
        if record < records || record >= bytes.len() {
            return Err("a function record lies outside it".to_owned());
        }
        previous = offset;
    }
    if u32_at(bytes, count * ENTRY).is_none_or(|end| end < previous) {
        return Err("its function table is not closed".to_owned());
    }
    Ok(())
}
