//! One function of pclntab: its `_func` record. Go: runtime/runtime2.go, `_func`.

use crate::address::ElfAddress;

use super::GoModule;
use super::pclntab::PCDATA_COUNT;
use super::read::{c_string_at, u32_at};
use super::value::PcValues;

/// Bits of [`GoFunction::flags`]. Go: internal/abi/symtab.go.
pub mod flag {
    /// The bottom of a stack, or where a signal starts one.
    pub const TOP_FRAME: u8 = 1;
    /// It writes SP other than by the frame: its SP table is wrong from there on.
    pub const SP_WRITE: u8 = 2;
    /// It is written in assembly.
    pub const ASM: u8 = 4;
}

/// Byte offsets in `_func`, both layouts.
const NAME: usize = 4;
const SP: usize = 16;
const FILE: usize = 20;
const LINE: usize = 24;
const UNIT: usize = 32;
/// Index of the inline tree's index among the PC data, and of the tree among function data.
const PCDATA_INLINE: usize = 2;
const FUNCDATA_INLINE: usize = 3;

/// One function of a Go binary.
#[derive(Clone, Copy, Debug)]
pub struct GoFunction<'a> {
    module: &'a GoModule,
    record: &'a [u8],
    /// Its first address.
    pub entry: ElfAddress,
    /// One past its last address; padding included.
    pub end: ElfAddress,
}

impl<'a> GoFunction<'a> {
    pub(super) fn new(
        module: &'a GoModule,
        record: &'a [u8],
        entry: ElfAddress,
        end: ElfAddress,
    ) -> Self {
        Self { module, record, entry, end }
    }

    /// Its name as the runtime has it: `main.(*T).Method`, `main.Map[go.shape.int]`.
    #[must_use]
    pub fn name(&self) -> String {
        self.word(NAME).map(|offset| self.module.name_at(offset)).unwrap_or_default()
    }

    /// The number by which the runtime knows its special functions; 0 for all others. The
    /// numbers differ between versions.
    #[must_use]
    pub fn func_id(&self) -> u8 {
        self.record.get(self.tail()).copied().unwrap_or_default()
    }

    /// Its flags, see [`flag`].
    #[must_use]
    pub fn flags(&self) -> u8 {
        self.record.get(self.tail() + 1).copied().unwrap_or_default()
    }

    /// Whether it is Go code: C functions that Go's own linker linked in are listed too, without
    /// any table.
    #[must_use]
    pub fn is_go(&self) -> bool {
        self.word(SP).is_some_and(|offset| offset != 0)
    }

    /// Bytes on the stack between SP and the return address, by offset from the entry; `None` for
    /// a function that is not Go.
    #[must_use]
    pub fn pcsp(&self) -> Option<PcValues<'a>> {
        self.values(SP)
    }

    /// Its bytes as the file has them.
    #[must_use]
    pub fn code(&self) -> Option<&'a [u8]> {
        self.module.object.bytes_at(self.entry, self.end.0 - self.entry.0)
    }

    /// Bytes from its entry to its end.
    pub(super) fn size(&self) -> u32 {
        u32::try_from(self.end.0 - self.entry.0).unwrap_or(u32::MAX)
    }

    /// The source file and line at a byte offset from the entry.
    pub(super) fn line_at(&self, offset: u32) -> Option<(String, u32)> {
        let file = u32::try_from(self.values(FILE)?.at(offset)?).ok()?;
        let line = u32::try_from(self.values(LINE)?.at(offset)?).ok()?;
        Some((self.module.file_at(self.word(UNIT)?, file)?, line))
    }

    /// Its inline tree, an offset in the function data, and which of the tree's calls holds where.
    pub(super) fn inlines(&self) -> Option<(u32, PcValues<'a>)> {
        let pcdata_count = self.word(PCDATA_COUNT)? as usize;
        let funcdata_count = usize::from(*self.record.get(self.tail() + 3)?);
        if pcdata_count <= PCDATA_INLINE || funcdata_count <= FUNCDATA_INLINE {
            return None;
        }
        let lists = self.tail() + 4;
        let values = self.values(lists + PCDATA_INLINE * 4)?;
        let funcdata = pcdata_count.checked_add(FUNCDATA_INLINE)?.checked_mul(4)?;
        let tree = self.word(lists.checked_add(funcdata)?).filter(|&offset| offset != u32::MAX)?;
        Some((tree, values))
    }

    fn tail(&self) -> usize {
        self.module.layout().tail()
    }

    fn word(&self, at: usize) -> Option<u32> {
        u32_at(self.record, at)
    }

    /// The table by PC whose offset stands at byte `at` of the record.
    fn values(&self, at: usize) -> Option<PcValues<'a>> {
        let offset = self.word(at).filter(|&offset| offset != 0)? as usize;
        Some(PcValues::new(self.module.values().get(offset..)?, self.size()))
    }

    /// The module that it belongs to.
    pub(super) fn module(&self) -> &'a GoModule {
        self.module
    }
}

impl GoModule {
    /// The name at an offset of the table of names.
    pub(super) fn name_at(&self, offset: u32) -> String {
        let name = c_string_at(self.bytes(&self.table.names), offset as usize);
        String::from_utf8_lossy(name.unwrap_or_default()).into_owned()
    }

    /// The file with number `file` of the compilation unit whose files start at `unit`.
    fn file_at(&self, unit: u32, file: u32) -> Option<String> {
        let index = usize::try_from(unit.checked_add(file)?).ok()?;
        let offset = u32_at(self.bytes(&self.table.units), index.checked_mul(4)?)?;
        if offset == u32::MAX {
            return None;
        }
        let name = c_string_at(self.bytes(&self.table.files), offset as usize)?;
        Some(String::from_utf8_lossy(name).into_owned())
    }
}
