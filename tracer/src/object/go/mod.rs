//! Go's own tables in an ELF file: buildinfo, pclntab, moduledata.
//!
//! Every Go binary has them, stripped or not. They are believed only after their parts have been
//! checked against each other. Only addresses of the file are known here: nothing of processes.

mod buildinfo;
mod function;
mod inline;
mod moduledata;
mod pclntab;
mod read;
mod relocation;
mod value;

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use object::{Object, ObjectSection};

use crate::address::ElfAddress;

use super::ObjectFile;
pub use buildinfo::GoVersion;
pub use function::{GoFunction, flag};
use moduledata::Moduledata;
use pclntab::{ENTRY, Layout, Pclntab};
use read::u32_at;
pub use value::PcValues;

/// Sections that only a Go binary has.
const GO_SECTIONS: [&str; 4] =
    [".go.buildinfo", ".gopclntab", ".data.rel.ro.gopclntab", ".note.go.buildid"];
/// How many functions with inlined calls are checked before function data are believed.
const CHECKED_FUNCTIONS: usize = 256;

/// Why the tables of a Go binary are not believed.
#[derive(Debug, thiserror::Error)]
pub enum GoRefusal {
    /// A part does not fit another, or its version is not known.
    #[error(
        "cannot read the Go tables of {}: {what}; Go functions of this file cannot be traced \
         through; build it with Go 1.21 or later, and leave the sections of the file as the Go \
         linker made them",
        path.display()
    )]
    Unsound {
        /// The file.
        path: PathBuf,
        /// What does not hold.
        what: String,
    },
}

/// The Go part of one ELF file.
#[derive(Clone, Debug)]
pub struct GoModule {
    object: Arc<ObjectFile>,
    version: Option<GoVersion>,
    table: Pclntab,
    data: Moduledata,
}

/// One function at an address, as the Go tables name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GoFrame {
    /// Its name as the runtime has it.
    pub function: String,
    /// Its source file; empty where the tables do not name one.
    pub file: String,
    /// The line, from 1; 0 where the tables have none.
    pub line: u32,
    /// Whether this call was inlined into the next frame.
    pub inlined: bool,
}

impl GoModule {
    /// The Go part of `object`; `Ok(None)` where it holds no Go code.
    ///
    /// # Errors
    /// It holds Go code, and its tables are of another Go or contradict themselves.
    pub fn find(object: &Arc<ObjectFile>) -> Result<Option<Self>, GoRefusal> {
        let refuse = |what| GoRefusal::Unsound { path: object.path().to_owned(), what };
        if !may_be_go(object) {
            return Ok(None);
        }
        let version = buildinfo::version(object);
        let Some(table) =
            pclntab::find(object).map_err(|what| refuse(format!("pclntab: {what}")))?
        else {
            return match version {
                Some(_) => Err(refuse("it has a Go version but no pclntab".to_owned())),
                None => Ok(None),
            };
        };
        let data = moduledata::find(object, &table, version)
            .map_err(|what| refuse(format!("pclntab: {what}")))?;
        let module = Self { object: Arc::clone(object), version, table, data };
        module.check().map_err(refuse)?;
        Ok(Some(module))
    }

    /// What the parsers do not see alone: text lies in the file, function data fit.
    fn check(&self) -> Result<(), String> {
        let end = u32_at(self.functions_bytes(), self.table.count * ENTRY).unwrap_or(u32::MAX);
        if u64::from(end) > self.data.text_end.0 - self.data.text.0 {
            return Err("pclntab has functions outside of the text".to_owned());
        }
        let size = self.data.text_end.0 - self.data.text.0;
        if self.object.bytes_at(self.data.text, size).is_none() {
            return Err("the text that moduledata states is not in the file".to_owned());
        }
        let sound =
            self.functions().filter_map(|f| inline::check(&f)).take(CHECKED_FUNCTIONS).all(|ok| ok);
        if !sound {
            return Err("the inlined calls do not fit; its Go version may be too new".to_owned());
        }
        Ok(())
    }

    /// The file.
    #[must_use]
    pub fn object(&self) -> &Arc<ObjectFile> {
        &self.object
    }

    /// The Go version, where the binary states one.
    #[must_use]
    pub fn version(&self) -> Option<GoVersion> {
        self.version
    }

    /// The addresses that Go functions lie in. With Go's own linker C functions lie there too.
    #[must_use]
    pub fn text(&self) -> Range<ElfAddress> {
        self.data.text..self.data.text_end
    }

    /// Whether `address` lies in [`GoModule::text`].
    #[must_use]
    pub fn text_contains(&self, address: ElfAddress) -> bool {
        self.text().contains(&address)
    }

    /// All functions by address, those that are not Go (see [`GoFunction::is_go`]) included.
    pub fn functions(&self) -> impl Iterator<Item = GoFunction<'_>> {
        (0..self.table.count).filter_map(|index| self.function(index))
    }

    /// The Go function that holds `address`.
    #[must_use]
    pub fn function_at(&self, address: ElfAddress) -> Option<GoFunction<'_>> {
        if !self.text_contains(address) {
            return None;
        }
        let offset = u32::try_from(address.0 - self.data.text.0).ok()?;
        // The last function that starts at or before the offset.
        let (mut low, mut high) = (0, self.table.count);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.entry_offset(middle)? <= offset { low = middle + 1 } else { high = middle }
        }
        let function = self.function(low.checked_sub(1)?)?;
        (address < function.end && function.is_go()).then_some(function)
    }

    /// The functions at `address`: the innermost inlined one first, the physical one last; empty
    /// where no Go function is. For a caller's frame `address` is the return address less one.
    #[must_use]
    pub fn frames_at(&self, address: ElfAddress) -> Vec<GoFrame> {
        let Some(function) = self.function_at(address) else { return Vec::new() };
        let offset = u32::try_from(address.0 - function.entry.0).unwrap_or(u32::MAX);
        inline::frames(&function, offset)
    }

    fn layout(&self) -> Layout {
        self.table.layout
    }

    fn bytes(&self, range: &Range<usize>) -> &[u8] {
        self.object.data().get(range.clone()).unwrap_or_default()
    }

    fn functions_bytes(&self) -> &[u8] {
        self.bytes(&self.table.functions)
    }

    fn values(&self) -> &[u8] {
        self.bytes(&self.table.values)
    }

    /// Function data from its base to the end of its segment.
    fn function_data(&self) -> Option<&[u8]> {
        let base = self.data.function_data;
        let segment = self.object.segments().iter().find(|segment| segment.contains(base))?;
        self.object.bytes_at(base, segment.size - (base.0 - segment.address.0))
    }

    fn entry_offset(&self, index: usize) -> Option<u32> {
        u32_at(self.functions_bytes(), index * ENTRY)
    }

    fn function(&self, index: usize) -> Option<GoFunction<'_>> {
        let bytes = self.functions_bytes();
        let entry = self.data.text.plus(self.entry_offset(index)?.into());
        // The entry after the last one is the end alone.
        let end = self.data.text.plus(self.entry_offset(index + 1)?.into());
        let record = bytes.get(u32_at(bytes, index * ENTRY + 4)? as usize..)?;
        Some(GoFunction::new(self, record, entry, end))
    }
}

/// What a file states of its Go version, for fuzzing.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn fuzz_version(object: &ObjectFile) -> Option<GoVersion> {
    buildinfo::version(object)
}

/// Whether to look for Go's tables at all: a scan of a large C library would be wasted.
fn may_be_go(object: &ObjectFile) -> bool {
    let Ok(elf) = object.elf() else { return false };
    let mut names = elf.sections().filter_map(|section| section.name().ok()).peekable();
    names.peek().is_none() || names.any(|name| GO_SECTIONS.contains(&name))
}

#[cfg(test)]
mod tests;
