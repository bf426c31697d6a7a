//! Files that debug information refers to: where they may lie, and which are theirs.
//!
//! `.dwo` and `.dwp` (split DWARF), and what `dwz` has put into a common file. Whether a `.dwo`
//! holds the unit that is sought is the reader's to check.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gimli::{EndianSlice, LittleEndian, Reader};

use super::{DebugFileError, DebugFiles, directory_of, has, places_of_build_id};
use crate::object::linker::root;
use crate::object::{BuildId, ObjectFile};

/// The longest checksum of a common file.
const MAX_CHECKSUM: u64 = 64;

/// Where the companions of one module's debug information may lie.
#[derive(Clone, Debug)]
pub struct Companions {
    root: PathBuf,
    /// The module's directory and that of its debug file, as we reach them.
    beside: Vec<PathBuf>,
    /// What a package beside them would be called.
    packages: Vec<PathBuf>,
    files: DebugFiles,
}

impl Companions {
    /// Those of the module `image`, whose debug information lies in `source`, which may be the
    /// same.
    #[must_use]
    pub fn of(files: &DebugFiles, image: &ObjectFile, source: &ObjectFile) -> Self {
        let mut all = Self {
            root: image.seen().0.to_owned(),
            beside: Vec::new(),
            packages: Vec::new(),
            files: files.clone(),
        };
        for file in [image, source] {
            let (directory, _) = directory_of(file);
            let Some(name) = file.path().file_name() else { continue };
            let mut names = vec![with_suffix(name, ".dwp")];
            if let Some(stem) = name.as_bytes().strip_suffix(b".debug") {
                names.push(with_suffix(OsStr::from_bytes(stem), ".dwp"));
            }
            all.packages.extend(names.iter().map(|name| directory.join(name)));
            if !all.beside.contains(&directory) {
                all.beside.push(directory);
            }
        }
        if let Some(id) = image.build_id() {
            all.packages.extend(places_of_build_id(files, image, id, ".dwp"));
        }
        all
    }

    /// The package of split units, where there is one.
    pub(crate) fn package(&self, refused: &mut Vec<DebugFileError>) -> Option<Arc<ObjectFile>> {
        self.packages.iter().find_map(|path| open(path, ".debug_cu_index", refused))
    }

    /// The files that may hold a split unit, by the name and the directory that its skeleton
    /// states: those that are there.
    pub(crate) fn split(
        &self,
        name: &str,
        directory: &str,
        refused: &mut Vec<DebugFileError>,
    ) -> Vec<Arc<ObjectFile>> {
        let stated = Path::new(directory).join(name);
        let mut places = self.as_stated(&stated);
        for beside in &self.beside {
            places.extend(relative(Path::new(name)).map(|name| beside.join(name)));
            places.extend(stated.file_name().map(|name| beside.join(name)));
        }
        for directory in &self.files.directories {
            places.extend(relative(&stated).map(|path| directory.join(path)));
            // Or a folder of such files alone. Which unit a file holds is checked by its id.
            places.extend(relative(Path::new(name)).map(|name| directory.join(name)));
            places.extend(stated.file_name().map(|name| directory.join(name)));
        }
        let mut seen = Vec::new();
        let mut found = Vec::new();
        for path in places {
            if !seen.contains(&path) {
                found.extend(open(&path, ".debug_info.dwo", refused));
                seen.push(path);
            }
        }
        found
    }

    /// The common file that `dwz` made for `source` and others, if `source` refers to one.
    pub(crate) fn supplement(
        &self,
        source: &ObjectFile,
        refused: &mut Vec<DebugFileError>,
    ) -> Option<Arc<ObjectFile>> {
        let link = SupplementLink::of(source)?;
        let given = self.files.common.iter().find(|(id, _)| id.0 == link.id);
        if let Some((_, file)) = given {
            return Some(Arc::clone(file));
        }
        let mut places = Vec::new();
        if link.name.is_absolute() {
            places.extend(self.as_stated(&link.name));
        } else {
            let (directory, _) = directory_of(source);
            places.push(directory.join(&link.name));
        }
        let id = BuildId(link.id.clone());
        places.extend(places_of_build_id(&self.files, source, &id, ".debug"));
        places.extend(link.name.file_name().into_iter().flat_map(|name| {
            self.files.directories.iter().map(move |directory| directory.join(".dwz").join(name))
        }));
        let before = refused.len();
        for path in places {
            if !is_file(&path) {
                continue;
            }
            match open_supplement(&path, &link.id, source.path()) {
                Ok(file) => return Some(file),
                Err(error) => refused.push(error),
            }
        }
        if refused.len() == before {
            refused.push(DebugFileError::Missing {
                path: link.name,
                of: source.path().to_owned(),
                what: "the common file that dwz made",
            });
        }
        None
    }

    /// The build id of the common file that `source` refers to, where there is none here. What
    /// DWARF 5 has in its place is a checksum, which no server knows.
    pub(super) fn missing_supplement(&self, source: &ObjectFile) -> Option<BuildId> {
        let link = SupplementLink::of(source).filter(|link| link.is_build_id)?;
        let is_missing = self.supplement(source, &mut Vec::new()).is_none();
        is_missing.then_some(BuildId(link.id))
    }

    /// An absolute path as the module's process sees it, then as we do.
    fn as_stated(&self, path: &Path) -> Vec<PathBuf> {
        let mut places = Vec::new();
        if self.root != Path::new("/") {
            let real = root::resolve(&self.root, path);
            places.extend(real.map(|real| root::below(&self.root, &real)));
        }
        places.push(path.to_owned());
        places
    }
}

/// A relative path below a directory; `None` where it leads out of it.
fn relative(path: &Path) -> Option<PathBuf> {
    let path = path.strip_prefix("/").unwrap_or(path);
    let leads_out = path.components().any(|part| part == std::path::Component::ParentDir);
    (!leads_out).then(|| path.to_owned())
}

fn with_suffix(name: &OsStr, suffix: &str) -> PathBuf {
    let mut name = name.to_owned();
    name.push(suffix);
    name.into()
}

/// Opens what may lie at a path; `None` where nothing does, or it has no such section.
fn open(path: &Path, section: &str, refused: &mut Vec<DebugFileError>) -> Option<Arc<ObjectFile>> {
    if !is_file(path) {
        return None;
    }
    open_with(path, section).map_err(|error| refused.push(error)).ok()
}

fn is_file(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|file| file.is_file())
}

fn open_with(path: &Path, section: &str) -> Result<Arc<ObjectFile>, DebugFileError> {
    let file = ObjectFile::open_debug(path)?;
    if !has(&file, section) {
        return Err(DebugFileError::Empty { path: path.to_owned() });
    }
    Ok(Arc::new(file))
}

/// Opens the common file `id` of dwz, to which the file at `of` refers.
pub(super) fn open_supplement(
    path: &Path,
    id: &[u8],
    of: &Path,
) -> Result<Arc<ObjectFile>, DebugFileError> {
    let file = open_with(path, ".debug_str")?;
    if identifier(&file).is_none_or(|own| own != id) {
        let (debug, of) = (path.to_owned(), of.to_owned());
        let why = format!("it is not the common file {} of dwz", BuildId(id.to_owned()));
        return Err(DebugFileError::Other { debug, of, why });
    }
    Ok(file)
}

/// What a file says of its common file: its name and its identifier.
struct SupplementLink {
    name: PathBuf,
    id: Vec<u8>,
    /// Whether that is a build id, not only a checksum.
    is_build_id: bool,
}

impl SupplementLink {
    /// By `.gnu_debugaltlink` (name, zero, build id), or `.debug_sup` of DWARF 5.
    fn of(source: &ObjectFile) -> Option<Self> {
        if let Some((_, bytes)) = source.section(".gnu_debugaltlink") {
            let end = bytes.iter().position(|byte| *byte == 0)?;
            let (name, id) = (bytes.get(..end)?, bytes.get(end + 1..)?);
            let name = OsStr::from_bytes(name).into();
            return Some(Self { name, id: id.to_owned(), is_build_id: id.len() > 1 });
        }
        let sup = Sup::of(source).filter(|sup| !sup.is_supplement)?;
        let name = OsStr::from_bytes(&sup.name).into();
        Some(Self { name, id: sup.checksum, is_build_id: false })
    }
}

/// The identifier of a common file: what it says in `.debug_sup`, else its build id.
fn identifier(file: &ObjectFile) -> Option<Vec<u8>> {
    match Sup::of(file) {
        Some(sup) => sup.is_supplement.then_some(sup.checksum),
        None => file.build_id().map(|id| id.0.clone()),
    }
}

/// The section `.debug_sup`: DWARF 5, 7.3.6.
struct Sup {
    is_supplement: bool,
    name: Vec<u8>,
    checksum: Vec<u8>,
}

impl Sup {
    fn of(file: &ObjectFile) -> Option<Self> {
        let (_, bytes) = file.section(".debug_sup")?;
        let mut bytes = EndianSlice::new(&bytes, LittleEndian);
        let _version = bytes.read_u16().ok()?;
        let is_supplement = bytes.read_u8().ok()? != 0;
        let name = bytes.read_null_terminated_slice().ok()?.to_vec();
        let length = bytes.read_uleb128().ok().filter(|length| *length <= MAX_CHECKSUM)?;
        let checksum = bytes.split(usize::try_from(length).ok()?).ok()?.to_vec();
        Some(Self { is_supplement, name, checksum })
    }
}

/// Reads what a file says of its common file.
#[cfg(any(test, feature = "fuzzing"))]
pub(super) fn fuzz_parts(object: &ObjectFile) {
    let _ = (SupplementLink::of(object).is_some(), identifier(object));
}
