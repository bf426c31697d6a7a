//! One mapped ELF file: its identity, segments and sections.

use std::borrow::Cow;
use std::fmt;
use std::fs::File;
use std::ops::Deref;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use memmap2::Mmap;
use object::elf;
use object::read::elf::{ElfFile64, FileHeader, ProgramHeader};
use object::{CompressionFormat, Endianness, Object, ObjectSection};

use super::{ObjectError, SectionBytes};
use crate::address::{ElfAddress, FileOffset};

/// The most bytes that one compressed section may decompress to.
pub const MAX_DECOMPRESSED: u64 = 1 << 30;

/// The most bytes that one compressed byte may stand for: zlib's own limit is 1032, and debug
/// information under zstd stays far below.
const MAX_EXPANSION: u64 = 1032;

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
        self.offset_of(address).is_some()
    }

    /// Where the byte at an address lies in the file.
    #[must_use]
    pub fn offset_of(&self, address: ElfAddress) -> Option<FileOffset> {
        let within = address.0.checked_sub(self.address.0)?;
        (within < self.size).then(|| self.offset.plus(within))
    }

    /// The address of a byte of the file.
    #[must_use]
    pub fn address_of(&self, offset: FileOffset) -> Option<ElfAddress> {
        let within = offset.0.checked_sub(self.offset.0)?;
        (within < self.size).then(|| self.address.plus(within))
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

/// The bytes of a file.
#[derive(Debug)]
enum Data {
    Mapped(Mmap),
    Owned(Vec<u8>),
}

impl Deref for Data {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Mapped(bytes) => bytes,
            Self::Owned(bytes) => bytes,
        }
    }
}

/// One 64-bit x86-64 ELF file, mapped read-only.
#[derive(Debug)]
pub struct ObjectFile {
    path: PathBuf,
    seen: Option<(PathBuf, PathBuf)>,
    data: Data,
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
        let file = open_regular(path)?;
        Self::map(&file, path)
    }

    /// Opens a file for its symbols and debug information only: its segments are ignored, since
    /// separate debug files keep the program's headers without the bytes.
    ///
    /// # Errors
    /// As [`ObjectFile::open`].
    pub fn open_debug(path: &Path) -> Result<Self, ObjectError> {
        let file = open_regular(path)?;
        Self::map_as(&file, path, Segments::Ignore)
    }

    /// Maps an open file; `path` is what messages call it.
    ///
    /// # Errors
    /// As [`ObjectFile::open`].
    pub fn map(file: &File, path: &Path) -> Result<Self, ObjectError> {
        Self::map_as(file, path, Segments::Check)
    }

    /// A file that only memory holds, such as the vdso; `path` is what messages call it.
    ///
    /// # Errors
    /// The bytes are no whole ELF file of this machine.
    pub fn from_bytes(bytes: Vec<u8>, path: &Path) -> Result<Self, ObjectError> {
        Self::parse(path.to_owned(), Data::Owned(bytes), Segments::Check)
    }

    /// As [`ObjectFile::from_bytes`], for symbols and debug information only: see
    /// [`ObjectFile::open_debug`].
    ///
    /// # Errors
    /// The bytes are no whole ELF file of this machine.
    pub fn debug_from_bytes(bytes: Vec<u8>, path: &Path) -> Result<Self, ObjectError> {
        Self::parse(path.to_owned(), Data::Owned(bytes), Segments::Ignore)
    }

    /// The same file, which its process sees as `path` below `root`, such as `/proc/PID/root`.
    #[must_use]
    pub fn below(mut self, root: PathBuf, path: PathBuf) -> Self {
        self.seen = Some((root, path));
        self
    }

    fn map_as(file: &File, path: &Path, segments: Segments) -> Result<Self, ObjectError> {
        let open_error = |source| ObjectError::Open { path: path.to_owned(), source };
        if file.metadata().map_err(open_error)?.len() == 0 {
            let hint = ", it is empty".to_owned();
            return Err(ObjectError::NotElf { path: path.to_owned(), hint });
        }
        // SAFETY: the mapping is read-only and private. A file that is truncated while mapped would
        // raise SIGBUS; executables that run cannot be written to, and every tool that maps them
        // shares this limit.
        let data = unsafe { Mmap::map(file) }.map_err(open_error)?;
        Self::parse(path.to_owned(), Data::Mapped(data), segments)
    }

    fn parse(path: PathBuf, data: Data, check: Segments) -> Result<Self, ObjectError> {
        check_machine(&path, &data)?;
        let damaged = |what: String| ObjectError::Damaged { path: path.clone(), what };
        let header = elf::FileHeader64::<Endianness>::parse(&*data)
            .map_err(|error| damaged(error.to_string()))?;
        let endian = header.endian().map_err(|error| damaged(error.to_string()))?;
        let program_headers =
            header.program_headers(endian, &*data).map_err(|error| damaged(error.to_string()))?;
        let mut segments = Vec::new();
        for program_header in program_headers {
            if program_header.p_type(endian) == elf::PT_LOAD && check == Segments::Check {
                segments.push(load_segment(program_header, endian, data.len()).map_err(damaged)?);
            }
        }
        let entry = ElfAddress(header.e_entry(endian));
        let file =
            ElfFile64::<Endianness>::parse(&*data).map_err(|error| damaged(error.to_string()))?;
        let build_id = file.build_id().ok().flatten().map(|bytes| BuildId(bytes.to_vec()));
        Ok(Self { path, seen: None, segments, entry, build_id, data })
    }

    /// The path it was opened by.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The root of the process that uses it, as we reach that, and its path as that process sees it.
    #[must_use]
    pub fn seen(&self) -> (&Path, &Path) {
        match &self.seen {
            Some((root, path)) => (root, path),
            None => (Path::new("/"), &self.path),
        }
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
        self.segments.iter().find_map(|segment| segment.offset_of(address))
    }

    /// The virtual address of a byte of the file; of an executable segment where several hold it.
    #[must_use]
    pub fn address_of(&self, offset: FileOffset) -> Option<ElfAddress> {
        let executable = self.segments.iter().filter(|segment| segment.executable);
        executable.chain(&self.segments).find_map(|segment| segment.address_of(offset))
    }

    /// Whether an address lies in the file bytes of an executable segment.
    #[must_use]
    pub fn is_code(&self, address: ElfAddress) -> bool {
        self.segments.iter().any(|segment| segment.executable && segment.contains(address))
    }

    /// `size` bytes at a virtual address, as the file has them (before relocation).
    #[must_use]
    pub fn bytes_at(&self, address: ElfAddress, size: u64) -> Option<&[u8]> {
        let segment = self.segments.iter().find(|segment| segment.contains(address))?;
        let start = segment.offset_of(address)?.0;
        if size > segment.offset.0 + segment.size - start {
            return None;
        }
        self.data.get(usize::try_from(start).ok()?..usize::try_from(start + size).ok()?)
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
    /// no bytes in the file, where it is damaged, or where it claims to decompress to more than
    /// [`MAX_DECOMPRESSED`].
    #[must_use]
    pub fn section(&self, name: &str) -> Option<(ElfAddress, Cow<'_, [u8]>)> {
        let elf = self.elf().ok()?;
        let section = elf.section_by_name(name)?;
        let data = section.compressed_data().ok()?;
        if data.format != CompressionFormat::None {
            let most = MAX_EXPANSION.saturating_mul(data.data.len() as u64);
            if data.uncompressed_size > most.min(MAX_DECOMPRESSED) {
                return None;
            }
        }
        let bytes = data.decompress().ok()?;
        if bytes.is_empty() { None } else { Some((ElfAddress(section.address()), bytes)) }
    }

    /// As [`ObjectFile::section`], without a borrow: see [`SectionBytes`].
    #[must_use]
    pub fn shared_section(self: &Arc<Self>, name: &str) -> Option<SectionBytes> {
        Some(match self.section(name)?.1 {
            Cow::Owned(bytes) => SectionBytes::decompressed(bytes),
            Cow::Borrowed(bytes) => {
                let start = (bytes.as_ptr() as usize).checked_sub(self.data.as_ptr() as usize)?;
                SectionBytes::mapped(Arc::clone(self), start..start.checked_add(bytes.len())?)
            }
        })
    }
}

/// What to make of the program headers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Segments {
    Check,
    Ignore,
}

/// Opens a regular file, without ever blocking on another kind of file.
pub(super) fn open_regular(path: &Path) -> Result<File, ObjectError> {
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
    File::open(path).map_err(open_error)
}

/// Reads one `PT_LOAD` header; the error says what does not hold.
fn load_segment(
    header: &elf::ProgramHeader64<Endianness>,
    endian: Endianness,
    file_size: usize,
) -> Result<LoadSegment, String> {
    let (offset, size) = (header.p_offset(endian), header.p_filesz(endian));
    if offset.checked_add(size).is_none_or(|end| end > file_size as u64) {
        let end = offset.saturating_add(size);
        return Err(format!("a segment ends at byte {end} of a file of {file_size} bytes"));
    }
    let (address, memory_size) = (header.p_vaddr(endian), header.p_memsz(endian));
    if address.checked_add(memory_size.max(size)).is_none() {
        return Err(format!("the segment at {address:#x} ends beyond the address space"));
    }
    Ok(LoadSegment {
        address: ElfAddress(address),
        offset: FileOffset(offset),
        size,
        memory_size,
        executable: header.p_flags(endian) & elf::PF_X != 0,
    })
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

#[cfg(test)]
mod tests;
