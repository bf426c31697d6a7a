//! Words as the dynamic linker leaves them, at load bias zero.
//!
//! In a position-independent file a pointer is a RELATIVE relocation. GNU ld also writes the value
//! into the file; other linkers leave zero there and keep it in the relocation alone.

use object::elf;
use object::read::elf::{Dyn, FileHeader, ProgramHeader};
use object::{Endianness, pod};

use crate::address::ElfAddress;
use crate::object::ObjectFile;

use super::read::u64_at;

/// The RELATIVE relocations of a file that carry their value (`DT_RELA`).
pub(super) struct Relocations<'a> {
    object: &'a ObjectFile,
    entries: &'a [elf::Rela64<Endianness>],
}

impl<'a> Relocations<'a> {
    /// Those of `object`; none where it has none or where they are damaged.
    pub(super) fn of(object: &'a ObjectFile) -> Self {
        Self { object, entries: entries(object).unwrap_or_default() }
    }

    /// Addresses of the words that become `value`.
    pub(super) fn places_of(&self, value: u64) -> impl Iterator<Item = ElfAddress> {
        self.relative().filter(move |entry| entry.1 == value).map(|entry| entry.0)
    }

    /// `count` words from `address` on, relocated.
    pub(super) fn words(&self, address: ElfAddress, count: usize) -> Option<Vec<u64>> {
        let size = count.checked_mul(8)?;
        let bytes = self.object.bytes_at(address, size as u64)?;
        let mut words =
            (0..count).map(|index| u64_at(bytes, index * 8)).collect::<Option<Vec<_>>>()?;
        for (place, value) in self.relative() {
            let within = place.0.wrapping_sub(address.0);
            if within % 8 == 0
                && let Some(word) = words.get_mut((within / 8) as usize)
            {
                *word = value;
            }
        }
        Some(words)
    }

    fn relative(&self) -> impl Iterator<Item = (ElfAddress, u64)> {
        let endian = Endianness::Little;
        self.entries
            .iter()
            .filter(move |entry| entry.r_type(endian, false) == elf::R_X86_64_RELATIVE)
            .map(move |entry| {
                (ElfAddress(entry.r_offset.get(endian)), entry.r_addend.get(endian) as u64)
            })
    }
}

fn entries(object: &ObjectFile) -> Option<&[elf::Rela64<Endianness>]> {
    let data = object.data();
    let endian = Endianness::Little;
    let header = elf::FileHeader64::<Endianness>::parse(data).ok()?;
    let dynamic = header
        .program_headers(endian, data)
        .ok()?
        .iter()
        .find_map(|segment| segment.dynamic(endian, data).ok().flatten())?;
    let value = |tag| {
        dynamic.iter().find(|entry| entry.d_tag(endian) == tag).map(|entry| entry.d_val(endian))
    };
    let size = value(elf::DT_RELASZ)?;
    let bytes = object.bytes_at(ElfAddress(value(elf::DT_RELA)?), size)?;
    let count = bytes.len() / size_of::<elf::Rela64<Endianness>>();
    pod::slice_from_bytes(bytes, count).ok().map(|(entries, _)| entries)
}
