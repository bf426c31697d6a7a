//! The runtime's `moduledata`: where text starts and ends, and where function data lies.
//! Go: runtime/symtab.go, 1.18 to 1.27.

use crate::address::ElfAddress;
use crate::object::ObjectFile;

use super::buildinfo::GoVersion;
use super::pclntab::{Layout, Pclntab};
use super::read::u64_at;
use super::relocation::Relocations;

/// Words read of it: as many as any version needs.
const WORDS: usize = 45;
/// Word indexes that are the same in all versions.
const HEADER: usize = 0;
const NAMES: usize = 1;
const UNITS: usize = 4;
const FUNCTION_COUNT: usize = 17;
const TEXT: usize = 22;
const TEXT_END: usize = 23;
const TYPES: usize = 37;

/// What is needed of a moduledata.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moduledata {
    /// `text` and `etext`: the addresses that Go functions lie in.
    pub(super) text: ElfAddress,
    pub(super) text_end: ElfAddress,
    /// `gofunc`: the base of function data offsets.
    pub(super) function_data: ElfAddress,
}

/// The moduledata that belongs to `table`.
///
/// It is the word-aligned place that points to the header and, one and four words on, to the
/// name and unit tables.
pub(super) fn find(
    object: &ObjectFile,
    table: &Pclntab,
    version: Option<GoVersion>,
) -> Result<Moduledata, String> {
    if let Some(GoVersion { major: 1, minor, .. }) = version
        && (minor < 20) != (table.layout == Layout::Go118)
    {
        return Err(format!("its magic number is not that of Go 1.{minor}"));
    }
    let relocations = Relocations::of(object);
    let places = in_file(object, table.address.0).chain(relocations.places_of(table.address.0));
    let mut words = None;
    for place in places {
        let Some(candidate) = relocations.words(place, WORDS) else { continue };
        if candidate[HEADER] == table.address.0
            && candidate[NAMES] == table.address.0.wrapping_add(table.name_offset)
            && candidate[UNITS] == table.address.0.wrapping_add(table.unit_offset)
        {
            words = Some(candidate);
            break;
        }
    }
    let words = words.ok_or("no moduledata points to it")?;
    // ftab holds one entry more than there are functions: the end.
    if words[FUNCTION_COUNT] != table.count as u64 + 1 {
        return Err("its moduledata has another number of functions".to_owned());
    }
    let (text, text_end) = (words[TEXT], words[TEXT_END]);
    if text >= text_end || text_end - text > u64::from(u32::MAX) {
        return Err("its moduledata has no sane text range".to_owned());
    }
    // The runtime itself refuses to start otherwise.
    if table.text_start != 0 && table.text_start != text {
        return Err("its header and its moduledata have different text".to_owned());
    }
    Ok(Moduledata {
        text: ElfAddress(text),
        text_end: ElfAddress(text_end),
        function_data: ElfAddress(words[function_data_index(table.layout, version, &words)]),
    })
}

/// The index of `gofunc`.
fn function_data_index(layout: Layout, version: Option<GoVersion>, words: &[u64]) -> usize {
    let recent = match version {
        Some(version) => (version.major, version.minor) >= (1, 27),
        // From Go 1.27 on a length follows `types`; before, the end address did.
        None => words[TYPES + 1] < words[TYPES],
    };
    match layout {
        Layout::Go118 => 38,
        Layout::Go120 if recent => 43,
        Layout::Go120 => 40,
    }
}

/// Addresses of the aligned words that hold `value` in the file.
fn in_file(object: &ObjectFile, value: u64) -> impl Iterator<Item = ElfAddress> {
    object.segments().iter().flat_map(move |segment| {
        let bytes = object.bytes_at(segment.address, segment.size).unwrap_or_default();
        let skip = segment.address.0.wrapping_neg() as usize % 8;
        bytes
            .get(skip..)
            .unwrap_or_default()
            .chunks_exact(8)
            .enumerate()
            .filter(move |(_, word)| u64_at(word, 0) == Some(value))
            .map(move |(index, _)| segment.address.plus((skip + index * 8) as u64))
    })
}
