//! Separate debug files: where a stripped file's symbols and DWARF lie, and whether a file that is
//! found there belongs to it.
//!
//! Looks where gdb looks: by build id, then by the name in `.gnu_debuglink`. Servers are asked only
//! through a [`Fetcher`].

mod companions;
mod crc;
mod debuginfod;
mod mini;

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use object::{Object, ObjectSection, SectionFlags, elf};

use super::linker::root;
use super::{BuildId, ObjectError, ObjectFile};
pub use companions::Companions;
pub use debuginfod::{Client, FetchError, Fetched, Fetcher};

/// Where distributions install debug files.
const SYSTEM_DIRECTORY: &str = "/usr/lib/debug";

/// Why a debug file was not used.
#[derive(Debug, thiserror::Error)]
pub enum DebugFileError {
    /// It cannot be read.
    #[error(transparent)]
    Unreadable(ObjectError),
    /// It is no ELF file.
    #[error("cannot use the debug file {}: it is not an ELF file{hint}", path.display())]
    NotElf {
        /// The file.
        path: PathBuf,
        /// What it seems to be, with a leading comma, or nothing.
        hint: String,
    },
    /// It is of another build.
    #[error(
        "cannot use the debug file {} for {}: {why}; use the one of the same build",
        debug.display(), of.display()
    )]
    Other {
        /// The debug file.
        debug: PathBuf,
        /// The file that it was to describe.
        of: PathBuf,
        /// What differs.
        why: String,
    },
    /// It tells nothing.
    #[error(
        "cannot use the debug file {}: it has neither symbols nor debug information itself",
        path.display()
    )]
    Empty {
        /// The debug file.
        path: PathBuf,
    },
    /// A directory of debug files is none.
    #[error("cannot look for debug files in {}: it is no directory; name one that is", path.display())]
    NoDirectory {
        /// What was named.
        path: PathBuf,
    },
    /// No server gave it.
    #[error(transparent)]
    NotFetched(#[from] FetchError),
    /// Debug information refers to a file that is not there.
    #[error(
        "cannot find {}, {what} of {}: some names and lines are missing; put it there, or name its \
         directory by --debug-dir",
        path.display(), of.display()
    )]
    Missing {
        /// Where it should be.
        path: PathBuf,
        /// The file that refers to it.
        of: PathBuf,
        /// What it is.
        what: &'static str,
    },
}

impl From<ObjectError> for DebugFileError {
    fn from(error: ObjectError) -> Self {
        match error {
            // Nobody asked to trace it.
            ObjectError::NotElf { path, hint } => Self::NotElf { path, hint },
            error => Self::Unreadable(error),
        }
    }
}

/// What was found for one file.
#[derive(Debug, Default)]
pub struct FoundDebugFile {
    /// The debug file.
    pub file: Option<Arc<ObjectFile>>,
    /// What is missing and a server may have, by build id: debug information, where neither file
    /// has any, or the common file that `dwz` made, where they refer to one.
    pub wanted: Option<BuildId>,
    /// Files that lie where it should, but are not used.
    pub refused: Vec<DebugFileError>,
}

/// Finds debug files. Opens files; remembers only those that the user or a server gave.
#[derive(Clone, Debug)]
pub struct DebugFiles {
    directories: Vec<PathBuf>,
    /// A file, and the debug file that the user gave for it.
    given: Vec<(Arc<ObjectFile>, Arc<ObjectFile>)>,
    /// Common files that servers gave, by build id.
    common: Vec<(BuildId, Arc<ObjectFile>)>,
}

impl Default for DebugFiles {
    fn default() -> Self {
        let directories = vec![SYSTEM_DIRECTORY.into()];
        Self { directories, given: Vec::new(), common: Vec::new() }
    }
}

impl DebugFiles {
    /// Looks in a further directory, which has a folder `.build-id`, or the target's directories
    /// below it, or both: `/proc/PID/root/usr/lib/debug`.
    pub fn add_directory(&mut self, directory: &Path) {
        if !self.directories.iter().any(|known| known == directory) {
            self.directories.push(directory.to_owned());
        }
    }

    /// Uses the debug file at `path` for `object` (this very one, not another that was opened from
    /// the same file), before any other.
    ///
    /// # Errors
    /// It cannot be read, has neither symbols nor DWARF, or is of another build: the build ids
    /// differ, or without them both the checksum and the places of code do.
    pub fn give(&mut self, object: &Arc<ObjectFile>, path: &Path) -> Result<(), DebugFileError> {
        let file = open(path)?;
        if let Some(why) = differs(object, &file) {
            return Err(other(object, &file, why));
        }
        self.given.push((Arc::clone(object), Arc::new(file)));
        Ok(())
    }

    /// Uses the file at `path`, which a server gave for the build `id` that [`DebugFiles::find`]
    /// wanted for `object`. What is found then, and wanted next.
    ///
    /// # Errors
    /// As [`DebugFiles::give`].
    pub fn accept(
        &mut self,
        object: &Arc<ObjectFile>,
        id: &BuildId,
        path: &Path,
    ) -> Result<FoundDebugFile, DebugFileError> {
        if object.build_id() == Some(id) {
            self.give(object, path)?;
        } else if !self.common.iter().any(|(known, _)| known == id) {
            let file = companions::open_supplement(path, &id.0, object.path())?;
            self.common.push((id.clone(), file));
        }
        Ok(self.find(object))
    }

    /// The debug file of `object`. None is sought for a file that has symbols and DWARF itself.
    #[must_use]
    pub fn find(&self, object: &Arc<ObjectFile>) -> FoundDebugFile {
        let mut found = FoundDebugFile::default();
        let given = self.given.iter().find(|(of, _)| Arc::ptr_eq(of, object));
        match given {
            Some((_, file)) => found.file = Some(Arc::clone(file)),
            None => self.seek(object, &mut found),
        }
        let source = found.file.iter().chain([object]).find(|file| has(file, ".debug_info"));
        found.wanted = match source {
            Some(source) => Companions::of(self, object, source).missing_supplement(source),
            None if given.is_none() => object.build_id().cloned(),
            None => None,
        };
        found
    }

    fn seek(&self, object: &Arc<ObjectFile>, found: &mut FoundDebugFile) {
        if has(object, ".symtab") && has(object, ".debug_info") {
            return;
        }
        let link = Link::of(object);
        let by_id = self.by_build_id(object).into_iter().map(|path| (path, None));
        let by_name = link.iter().flat_map(|link| {
            self.by_name(object, link).into_iter().map(move |path| (path, Some(link)))
        });
        for (path, link) in by_id.chain(by_name) {
            match candidate(object, &path, link) {
                Ok(Some(file)) => {
                    found.file = Some(Arc::new(file));
                    break;
                }
                Ok(None) => {}
                Err(error) => found.refused.push(error),
            }
        }
        if found.file.is_none() && !has(object, ".symtab") {
            match mini::read(object) {
                Some(Ok(file)) => found.file = Some(Arc::new(file)),
                Some(Err(error)) => found.refused.push(error.into()),
                None => {}
            }
        }
    }

    fn by_build_id(&self, object: &ObjectFile) -> Vec<PathBuf> {
        let id = object.build_id();
        id.map(|id| places_of_build_id(self, object, id, ".debug")).unwrap_or_default()
    }

    fn by_name(&self, object: &ObjectFile, link: &Link) -> Vec<PathBuf> {
        let (outside, inside) = directory_of(object);
        let mut places = vec![outside.join(&link.name), outside.join(".debug").join(&link.name)];
        let inside = inside.strip_prefix("/").unwrap_or(&inside);
        places.extend(self.for_file(object).map(|d| d.join(inside).join(&link.name)));
        places
    }

    /// The directories to look in for the debug information of `object`: that of its own root too.
    fn for_file(&self, object: &ObjectFile) -> impl Iterator<Item = PathBuf> {
        let (root, _) = split_root(object);
        let own = (root != Path::new("/")).then(|| {
            let real = root::resolve(&root, Path::new(SYSTEM_DIRECTORY));
            root::below(&root, &real.unwrap_or_else(|| SYSTEM_DIRECTORY.into()))
        });
        own.into_iter().chain(self.directories.iter().cloned())
    }
}

/// `.build-id/ab/cdef….debug` in every directory; short ids tell nothing.
fn places_of_build_id(
    files: &DebugFiles,
    object: &ObjectFile,
    id: &BuildId,
    suffix: &str,
) -> Vec<PathBuf> {
    if id.0.len() < 2 {
        return Vec::new();
    }
    let text = id.to_string();
    let (first, rest) = text.split_at(2);
    let name = Path::new(".build-id").join(first).join(format!("{rest}{suffix}"));
    files.for_file(object).map(|directory| directory.join(&name)).collect()
}

/// The directory of a file, as we reach it and as its own process sees it.
fn directory_of(object: &ObjectFile) -> (PathBuf, PathBuf) {
    let parent = |path: &Path| path.parent().unwrap_or(Path::new("/")).to_owned();
    let (root, path) = split_root(object);
    // `/proc/PID/exe` and symbolic links lie elsewhere than the file.
    let real = parent(&root::resolve(&root, &path).unwrap_or(path));
    (root::below(&root, &real), real)
}

/// The root that a file's path starts from, and the path as seen from there.
fn split_root(object: &ObjectFile) -> (PathBuf, PathBuf) {
    let (root, path) = object.seen();
    let mut parts = path.components();
    let head: Vec<_> = parts.by_ref().take(4).collect();
    if let [Component::RootDir, Component::Normal(proc), _, Component::Normal(directory)] = head[..]
        && proc == "proc"
        && directory == "root"
    {
        return (head.iter().collect(), Path::new("/").join(parts.as_path()));
    }
    (root.to_owned(), path.to_owned())
}

/// Opens what may lie at a path; `None` where nothing does.
fn candidate(
    object: &ObjectFile,
    path: &Path,
    link: Option<&Link>,
) -> Result<Option<ObjectFile>, DebugFileError> {
    let identity = |path: &Path| std::fs::metadata(path).map(|file| (file.dev(), file.ino()));
    let Ok(found) = identity(path) else { return Ok(None) };
    if identity(&root::below(object.seen().0, object.seen().1)).is_ok_and(|own| own == found) {
        return Ok(None);
    }
    let file = open(path)?;
    let why = match (build_ids(object, &file), link) {
        (Some((own, its)), _) if own != its => Some(build_ids_differ(own, its)),
        (Some(_), _) => None,
        (None, Some(link)) => {
            let crc = crc::of(file.data());
            let differs = format!("its CRC32 is {crc:08x}, not {:08x}", link.crc);
            (crc != link.crc).then_some(differs)
        }
        (None, None) => Some("it has no build id".to_owned()),
    };
    match why {
        Some(why) => Err(other(object, &file, why)),
        None => Ok(Some(file)),
    }
}

fn open(path: &Path) -> Result<ObjectFile, DebugFileError> {
    let file = ObjectFile::open_debug(path)?;
    if has(&file, ".symtab") || has(&file, ".debug_info") {
        Ok(file)
    } else {
        Err(DebugFileError::Empty { path: path.to_owned() })
    }
}

fn other(object: &ObjectFile, debug: &ObjectFile, why: String) -> DebugFileError {
    DebugFileError::Other { debug: debug.path().to_owned(), of: object.path().to_owned(), why }
}

/// Whether a file has a section, with bytes of its own.
fn has(object: &ObjectFile, name: &str) -> bool {
    let elf = object.elf().ok();
    let section = elf.as_ref().and_then(|elf| elf.section_by_name(name));
    section.is_some_and(|section| section.file_range().is_some_and(|(_, size)| size > 0))
}

fn build_ids<'a>(
    object: &'a ObjectFile,
    debug: &'a ObjectFile,
) -> Option<(&'a BuildId, &'a BuildId)> {
    Some((object.build_id()?, debug.build_id()?))
}

fn build_ids_differ(own: &BuildId, its: &BuildId) -> String {
    format!("its build id is {its}, not {own}")
}

/// Why a file that the user gave is not the debug file: by the build ids, else by the checksum or
/// the places of code, of which either is enough.
fn differs(object: &ObjectFile, debug: &ObjectFile) -> Option<String> {
    if let Some((own, its)) = build_ids(object, debug) {
        return (own != its).then(|| build_ids_differ(own, its));
    }
    if Link::of(object).is_some_and(|link| link.crc == crc::of(debug.data())) {
        return None;
    }
    let (own, its) = (code_sections(object), code_sections(debug));
    if own.is_empty() {
        Some("neither a build id nor sections of code show that it belongs to it".to_owned())
    } else {
        (own != its).then(|| "its code lies at other addresses".to_owned())
    }
}

/// Address and size of every section of code; a debug file keeps the headers.
fn code_sections(object: &ObjectFile) -> Vec<(u64, u64)> {
    let Ok(elf) = object.elf() else { return Vec::new() };
    let code = u64::from(elf::SHF_EXECINSTR);
    let sections = elf.sections().filter(
        |section| matches!(section.flags(), SectionFlags::Elf { sh_flags } if sh_flags & code != 0),
    );
    sections.map(|section| (section.address(), section.size())).collect()
}

/// What `.gnu_debuglink` says: a file name and that file's checksum.
struct Link {
    name: PathBuf,
    crc: u32,
}

impl Link {
    fn of(object: &ObjectFile) -> Option<Self> {
        let (_, bytes) = object.section(".gnu_debuglink")?;
        let end = bytes.iter().position(|byte| *byte == 0)?;
        let crc = bytes.get(end.checked_add(1)?.checked_next_multiple_of(4)?..)?;
        // A name, not a path: it does not lead anywhere else.
        let name = PathBuf::from(Path::new(OsStr::from_bytes(&bytes[..end])).file_name()?);
        Some(Self { name, crc: u32::from_le_bytes(*crc.first_chunk()?) })
    }
}

/// Reads what a file says of its debug files, without looking for any.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn fuzz_parts(object: &ObjectFile) {
    let _ = (Link::of(object).is_some(), mini::read(object).is_some());
    companions::fuzz_parts(object);
}

#[cfg(test)]
mod tests;
