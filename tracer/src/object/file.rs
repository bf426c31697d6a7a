//! One mapped ELF file: its identity, segments and sections.

use std::borrow::Cow;
use std::fmt;
use std::fs::File;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use memmap2::Mmap;
use object::elf;
use object::read::elf::{ElfFile64, FileHeader, ProgramHeader};
use object::{Endianness, Object, ObjectSection};

use super::ObjectError;
use crate::address::{ElfAddress, FileOffset};

/// One loadable segment (`PT_LOAD`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoadSegment {
    /// Virtual address of its first byte.
    pub address: ElfAddress,
    /// File offset of its first byte.
    pub offset: FileOffset,
    /// Bytes in the file; within the file, checked.
    pub size: u64,
    /// Bytes in memory.
    pub memory_size: u64,
    /// Whether it is executable.
    pub executable: bool,
}

impl LoadSegment {
    /// Whether the file bytes of this segment hold an address.
    #[must_use]
    pub fn contains(&self, address: ElfAddress) -> bool {
        address.0.wrapping_sub(self.address.0) < self.size
    }
}

/// The GNU build id.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct BuildId(pub Vec<u8>);

impl fmt::Display for BuildId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for BuildId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "BuildId({self})")
    }
}

/// One 64-bit x86-64 ELF file, mapped read-only.
#[derive(Debug)]
pub struct ObjectFile {
    path: PathBuf,
    data: Mmap,
    segments: Vec<LoadSegment>,
    entry: ElfAddress,
    build_id: Option<BuildId>,
}

impl ObjectFile {
    /// Opens and maps the file at `path`.
    ///
    /// # Errors
    /// The file cannot be opened, is no regular file, or no whole ELF file of this machine.
    pub fn open(path: &Path) -> Result<Self, ObjectError> {
        let open_error = |source| ObjectError::Open { path: path.to_owned(), source };
        // A named pipe would block: look before opening.
        let kind = std::fs::metadata(path).map_err(open_error)?.file_type();
        let what = if kind.is_dir() {
            Some("a directory")
        } else if kind.is_fifo() {
            Some("a named pipe")
        } else if kind.is_char_device() || kind.is_block_device() {
            Some("a device")
        } else if kind.is_socket() {
            Some("a socket")
        } else {
            None
        };
        if let Some(what) = what {
            return Err(ObjectError::NotAFile { path: path.to_owned(), what });
        }
        let file = File::open(path).map_err(open_error)?;
        Self::map(&file, path)
    }

    /// Maps an open file; `path` is what messages call it.
    ///
    /// # Errors
    /// As [`ObjectFile::open`].
    pub fn map(file: &File, path: &Path) -> Result<Self, ObjectError> {
        let open_error = |source| ObjectError::Open { path: path.to_owned(), source };
        if file.metadata().map_err(open_error)?.len() == 0 {
            let hint = ", it is empty".to_owned();
            return Err(ObjectError::NotElf { path: path.to_owned(), hint });
        }
        // SAFETY: the mapping is read-only and private. A file that is truncated while mapped would
        // raise SIGBUS; executables that run cannot be written to, and every tool that maps them
        // shares this limit.
        let data = unsafe { Mmap::map(file) }.map_err(open_error)?;
        Self::parse(path.to_owned(), data)
    }

    fn parse(path: PathBuf, data: Mmap) -> Result<Self, ObjectError> {
        check_machine(&path, &data)?;
        let damaged = |what: String| ObjectError::Damaged { path: path.clone(), what };
        let header = elf::FileHeader64::<Endianness>::parse(&*data)
            .map_err(|error| damaged(error.to_string()))?;
        let endian = header.endian().map_err(|error| damaged(error.to_string()))?;
        let program_headers =
            header.program_headers(endian, &*data).map_err(|error| damaged(error.to_string()))?;
        let mut segments = Vec::new();
        for program_header in program_headers {
            if program_header.p_type(endian) != elf::PT_LOAD {
                continue;
            }
            let (offset, size) = (program_header.p_offset(endian), program_header.p_filesz(endian));
            if offset.checked_add(size).is_none_or(|end| end > data.len() as u64) {
                return Err(damaged(format!(
                    "a segment ends at byte {} of a file of {} bytes",
                    offset.saturating_add(size),
                    data.len()
                )));
            }
            segments.push(LoadSegment {
                address: ElfAddress(program_header.p_vaddr(endian)),
                offset: FileOffset(offset),
                size,
                memory_size: program_header.p_memsz(endian),
                executable: program_header.p_flags(endian) & elf::PF_X != 0,
            });
        }
        let entry = ElfAddress(header.e_entry(endian));
        let file =
            ElfFile64::<Endianness>::parse(&*data).map_err(|error| damaged(error.to_string()))?;
        let build_id = file.build_id().ok().flatten().map(|bytes| BuildId(bytes.to_vec()));
        Ok(Self { path, segments, entry, build_id, data })
    }

    /// The path it was opened by.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The whole file.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// Its loadable segments, in the file's order.
    #[must_use]
    pub fn segments(&self) -> &[LoadSegment] {
        &self.segments
    }

    /// The entry point; zero for most shared libraries.
    #[must_use]
    pub fn entry(&self) -> ElfAddress {
        self.entry
    }

    /// Its build id, if it has one.
    #[must_use]
    pub fn build_id(&self) -> Option<&BuildId> {
        self.build_id.as_ref()
    }

    /// Where the byte at a virtual address lies in the file.
    #[must_use]
    pub fn offset_of(&self, address: ElfAddress) -> Option<FileOffset> {
        let segment = self.segments.iter().find(|segment| segment.contains(address))?;
        Some(segment.offset.plus(address.0 - segment.address.0))
    }

    /// The virtual address of a byte of the file; of an executable segment where several hold it.
    #[must_use]
    pub fn address_of(&self, offset: FileOffset) -> Option<ElfAddress> {
        let holds = |s: &&LoadSegment| offset.0.wrapping_sub(s.offset.0) < s.size;
        let segment = self
            .segments
            .iter()
            .filter(|segment| segment.executable)
            .find(holds)
            .or_else(|| self.segments.iter().find(holds))?;
        Some(segment.address.plus(offset.0 - segment.offset.0))
    }

    /// `size` bytes at a virtual address, as the file has them (before relocation).
    #[must_use]
    pub fn bytes_at(&self, address: ElfAddress, size: u64) -> Option<&[u8]> {
        let segment = self.segments.iter().find(|segment| segment.contains(address))?;
        let within = address.0 - segment.address.0;
        if size > segment.size - within {
            return None;
        }
        let start = usize::try_from(segment.offset.0 + within).ok()?;
        self.data.get(start..start.checked_add(usize::try_from(size).ok()?)?)
    }

    /// The parsed view of the `object` crate. Parsing is lazy and cheap.
    ///
    /// # Errors
    /// The section headers are damaged.
    pub fn elf(&self) -> Result<ElfFile64<'_, Endianness>, ObjectError> {
        ElfFile64::parse(self.data()).map_err(|error| ObjectError::Damaged {
            path: self.path.clone(),
            what: error.to_string(),
        })
    }

    /// A section's address and its bytes, decompressed; `None` where there is none, where it has
    /// no bytes in the file, or where it is damaged.
    #[must_use]
    pub fn section(&self, name: &str) -> Option<(ElfAddress, Cow<'_, [u8]>)> {
        let elf = self.elf().ok()?;
        let section = elf.section_by_name(name)?;
        let address = ElfAddress(section.address());
        let bytes = section.uncompressed_data().ok()?;
        if bytes.is_empty() { None } else { Some((address, bytes)) }
    }
}

/// Tells a file for another machine from no ELF file at all, before the parser sees it.
fn check_machine(path: &Path, data: &[u8]) -> Result<(), ObjectError> {
    if !data.starts_with(&elf::ELFMAG) {
        let hint = if data.starts_with(b"#!") { ", it is a script" } else { "" }.to_owned();
        return Err(ObjectError::NotElf { path: path.to_owned(), hint });
    }
    let foreign =
        |what: &str| ObjectError::Foreign { path: path.to_owned(), what: what.to_owned() };
    match data.get(4).copied() {
        Some(elf::ELFCLASS32) => return Err(foreign("a 32-bit program")),
        Some(elf::ELFCLASS64) => {}
        _ => {
            let what = "its ELF class is neither 32 nor 64 bit".to_owned();
            return Err(ObjectError::Damaged { path: path.to_owned(), what });
        }
    }
    if data.get(5) == Some(&elf::ELFDATA2MSB) {
        return Err(foreign("a big-endian program"));
    }
    match data.get(18..20).map(|bytes| u16::from_le_bytes([bytes[0], bytes[1]])) {
        Some(elf::EM_X86_64) => Ok(()),
        Some(elf::EM_AARCH64) => Err(foreign("an arm64 program")),
        Some(machine) => Err(foreign(&format!("for another machine (ELF machine {machine})"))),
        None => Err(ObjectError::Damaged {
            path: path.to_owned(),
            what: "the ELF header is cut short".to_owned(),
        }),
    }
}
