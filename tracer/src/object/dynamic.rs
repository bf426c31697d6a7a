//! What a file asks of the dynamic linker: its interpreter, the libraries it needs, where to look.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use object::Endianness;
use object::elf;
use object::read::elf::{Dyn, FileHeader, ProgramHeader};

use super::ObjectFile;
use crate::address::ElfAddress;

/// The longest name that is believed; Linux's `PATH_MAX`.
const MAX_NAME: usize = 4096;

/// The longest list of directories that is believed.
const MAX_SEARCH_PATH: usize = 64 << 10;

/// The most libraries that one file may need.
const MAX_NEEDED: usize = 4096;

/// The dynamic section's names, as they stand in the file: `$ORIGIN` is not expanded, lists are
/// not split at their colons.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dynamic {
    /// The libraries it needs (`DT_NEEDED`), in order.
    pub needed: Vec<OsString>,
    /// The name it wants to be known by (`DT_SONAME`).
    pub soname: Option<OsString>,
    /// Where to look first (`DT_RPATH`); without force where there is a runpath.
    pub rpath: Option<OsString>,
    /// Where to look after `LD_LIBRARY_PATH` (`DT_RUNPATH`).
    pub runpath: Option<OsString>,
    /// Whether what it needs is not to be sought in the default directories (`DF_1_NODEFLIB`).
    pub no_default: bool,
}

impl ObjectFile {
    /// What the dynamic section says; empty for a static file. Entries that are damaged are left
    /// out, since the dynamic linker would not find them either.
    #[must_use]
    pub fn dynamic(&self) -> Dynamic {
        self.read_dynamic().unwrap_or_default()
    }

    fn read_dynamic(&self) -> Option<Dynamic> {
        let (header, endian) = self.header()?;
        let entries = header
            .program_headers(endian, self.data())
            .ok()?
            .iter()
            .find_map(|segment| segment.dynamic(endian, self.data()).ok().flatten())?;
        let entries = || {
            entries
                .iter()
                .map(|entry| (entry.tag(endian), entry.val(endian)))
                .take_while(|(tag, _)| *tag != elf::DT_NULL)
        };
        let (_, strings) = entries().find(|(tag, _)| *tag == elf::DT_STRTAB)?;
        let text = |at: u64, limit| self.c_string(ElfAddress(strings.wrapping_add(at)), limit);
        let first = |wanted, limit| {
            entries().find(|(tag, _)| *tag == wanted).and_then(|(_, at)| text(at, limit))
        };
        Some(Dynamic {
            needed: entries()
                .filter(|(tag, _)| *tag == elf::DT_NEEDED)
                .take(MAX_NEEDED)
                .filter_map(|(_, at)| text(at, MAX_NAME))
                .collect(),
            soname: first(elf::DT_SONAME, MAX_NAME),
            rpath: first(elf::DT_RPATH, MAX_SEARCH_PATH),
            runpath: first(elf::DT_RUNPATH, MAX_SEARCH_PATH),
            no_default: entries().any(|(tag, flags)| {
                tag == elf::DT_FLAGS_1 && flags & u64::from(elf::DF_1_NODEFLIB) != 0
            }),
        })
    }

    /// Where the dynamic linker of a process leaves the address of its list of modules: the value
    /// of the `DT_DEBUG` entry, which executables have.
    #[must_use]
    pub fn debug_address(&self) -> Option<ElfAddress> {
        let (header, endian) = self.header()?;
        let segments = header.program_headers(endian, self.data()).ok()?;
        let (segment, entries) = segments.iter().find_map(|segment| {
            Some((segment, segment.dynamic(endian, self.data()).ok().flatten()?))
        })?;
        let index = entries.iter().position(|entry| entry.tag(endian) == elf::DT_DEBUG)?;
        let value = size_of_val(&entries[index]) as u64 / 2;
        let within = size_of_val(&entries[..index]) as u64 + value;
        Some(ElfAddress(segment.p_vaddr(endian)).plus(within))
    }

    /// The dynamic linker it asks for (`PT_INTERP`); `None` for a static file or a library.
    #[must_use]
    pub fn interpreter(&self) -> Option<PathBuf> {
        let (header, endian) = self.header()?;
        let path = header
            .program_headers(endian, self.data())
            .ok()?
            .iter()
            .find_map(|segment| segment.interpreter(endian, self.data()).ok().flatten())?;
        (!path.is_empty() && path.len() <= MAX_NAME).then(|| OsStr::from_bytes(path).into())
    }

    fn header(&self) -> Option<(&elf::FileHeader64<Endianness>, Endianness)> {
        let header = elf::FileHeader64::<Endianness>::parse(self.data()).ok()?;
        Some((header, header.endian().ok()?))
    }

    /// The text at an address, up to its zero byte; `None` where it is empty or too long.
    fn c_string(&self, address: ElfAddress, limit: usize) -> Option<OsString> {
        let start = usize::try_from(self.offset_of(address)?.0).ok()?;
        let bytes = self.data().get(start..)?;
        let bytes = &bytes[..bytes.len().min(limit)];
        let length = bytes.iter().position(|byte| *byte == 0)?;
        (length > 0).then(|| OsStr::from_bytes(&bytes[..length]).to_owned())
    }
}

#[cfg(test)]
mod tests;
