//! Loads the libraries of one executable, each by its name and by who asks for it.

use std::ffi::{OsStr, OsString};
use std::io::{ErrorKind, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::cache::Cache;
use super::search::{directories, preloads};
use super::token::Tokens;
use super::{Environment, Library, machine, root};
use crate::object::file::open_regular;
use crate::object::{Dynamic, ObjectError, ObjectFile};

/// The longest path that is believed; Linux's `PATH_MAX`.
pub(super) const MAX_NAME: usize = 4096;

/// The most files that are loaded for one executable.
const MAX_LIBRARIES: usize = 1024;

/// How often a file is looked for at all: files decide how many places there are.
const MAX_LOOKS: usize = 64 << 10;

const TOO_MANY_PLACES: &str = "there are too many directories to search";

/// The largest `/etc/ld.so.preload` that is read.
const MAX_PRELOAD: u64 = 64 << 10;

/// One loaded file: the executable is the first.
struct Loaded {
    library: Library,
    /// Every name that it was found by.
    names: Vec<OsString>,
    identity: Option<(u64, u64)>,
    dynamic: Dynamic,
    /// What `$ORIGIN` means in it.
    origin: PathBuf,
    /// Who asked for it first.
    loader: Option<usize>,
}

pub(super) struct Loader<'a> {
    environment: &'a Environment,
    loaded: Vec<Loaded>,
    missing: Vec<String>,
    cache: Option<Cache>,
    levels: &'static [&'static str],
    platform: &'static str,
    /// What `$LIB` means.
    library: OsString,
    looks: usize,
    /// Whether the environment has no force.
    is_secure: bool,
}

impl<'a> Loader<'a> {
    pub(super) fn new(
        executable: &Arc<ObjectFile>,
        path: &Path,
        environment: &'a Environment,
    ) -> Self {
        let resolved = root::resolve(&environment.root, path).unwrap_or_else(|| path.to_owned());
        let library = Library {
            name: path.as_os_str().to_owned(),
            path: path.to_owned(),
            object: Arc::clone(executable),
        };
        let cache = root::resolve(&environment.root, Path::new("/etc/ld.so.cache"))
            .and_then(|path| Cache::read(&root::below(&environment.root, &path)));
        let mut loader = Self {
            environment,
            loaded: Vec::new(),
            missing: Vec::new(),
            cache,
            levels: machine::levels(),
            platform: machine::platform(),
            library: OsString::from("lib"),
            looks: 0,
            is_secure: gains_rights(&root::below(&environment.root, &resolved)),
        };
        loader.add(library, None);
        if let Some(executable) = loader.loaded.first_mut() {
            executable.origin = parent(&resolved);
        }
        loader
    }

    pub(super) fn run(mut self) -> (Vec<Library>, Vec<String>) {
        self.load_interpreter();
        self.load_preloads();
        let mut next = 0;
        while let Some(asking) = self.loaded.get(next) {
            for name in asking.dynamic.needed.clone() {
                self.load(&name, next);
            }
            next += 1;
        }
        let libraries = self.loaded.into_iter().skip(1).map(|loaded| loaded.library);
        (libraries.collect(), self.missing)
    }

    fn load_interpreter(&mut self) {
        let Some(path) = self.loaded[0].library.object.interpreter() else { return };
        if let Some(real) = root::resolve(&self.environment.root, &path) {
            self.library = library_name(&parent(&real));
        }
        self.load(path.as_os_str(), 0);
    }

    fn load_preloads(&mut self) {
        if self.loaded.len() < 2 {
            // Without a dynamic linker nobody looks at them.
            return;
        }
        let ours = self.environment.preload.clone().filter(|_| !self.is_secure);
        let mut names: Vec<_> = ours.iter().flat_map(|text| preloads(text.as_bytes())).collect();
        let all = self.read("/etc/ld.so.preload");
        names.extend(preloads(&all));
        for name in names {
            self.load(name, 0);
        }
    }

    fn read(&self, path: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        if let Some(path) = root::resolve(&self.environment.root, Path::new(path))
            && let Ok(file) = open_regular(&root::below(&self.environment.root, &path))
        {
            // What could be read is what is used.
            let _ = file.take(MAX_PRELOAD).read_to_end(&mut bytes);
        }
        bytes
    }

    /// Loads what `asking` needs by a name, unless it is there already.
    fn load(&mut self, name: &OsStr, asking: usize) {
        let has_name = |loaded: &Loaded| {
            loaded.names.iter().any(|known| known == name)
                || loaded.dynamic.soname.as_deref() == Some(name)
                || loaded.library.path.as_os_str() == name
        };
        if self.loaded.iter().skip(1).any(has_name) {
            return;
        }
        let found = if self.loaded.len() > MAX_LIBRARIES {
            Err(format!("more than {MAX_LIBRARIES} libraries are needed"))
        } else if self.looks > MAX_LOOKS {
            Err(TOO_MANY_PLACES.to_owned())
        } else {
            self.find(name, asking)
        };
        match found {
            Ok((path, object)) => {
                let name = name.to_owned();
                self.add(Library { name, path, object: Arc::new(object) }, Some(asking));
            }
            Err(why) => {
                let text = format!("{}: {why}", name.display());
                if self.missing.len() < MAX_LIBRARIES && !self.missing.contains(&text) {
                    self.missing.push(text);
                }
            }
        }
    }

    fn add(&mut self, library: Library, loader: Option<usize>) {
        let metadata = std::fs::metadata(library.object.path()).ok();
        let identity = metadata.map(|file| (file.dev(), file.ino()));
        let same = |loaded: &&mut Loaded| identity.is_some() && loaded.identity == identity;
        if let Some(known) = self.loaded.iter_mut().find(same) {
            known.names.push(library.name);
            return;
        }
        self.loaded.push(Loaded {
            names: vec![library.name.clone()],
            identity,
            dynamic: library.object.dynamic(),
            origin: parent(&library.path),
            loader,
            library,
        });
    }

    fn find(&mut self, name: &OsStr, asking: usize) -> Result<(PathBuf, ObjectFile), String> {
        if name.as_bytes().contains(&b'/') {
            let path = PathBuf::from(self.tokens(asking).expand(name));
            let path = match &self.environment.directory {
                Some(directory) => directory.join(path),
                None => path,
            };
            return match self.open(&path)? {
                Look::Found(object) => Ok((path, object)),
                Look::Refused(why) => Err(why),
                Look::Absent => Err("there is no such file".to_owned()),
            };
        }
        let mut refused = None;
        for path in self.places(name, asking) {
            match self.open(&path)? {
                Look::Found(object) => return Ok((path, object)),
                Look::Refused(why) => refused = Some(why),
                Look::Absent => {}
            }
        }
        Err(refused.unwrap_or_else(|| "it is in no directory that is searched".to_owned()))
    }

    /// Every path that a name may lie at, in the order of `_dl_map_object`.
    fn places(&self, name: &OsStr, asking: usize) -> Vec<PathBuf> {
        let dynamic = &self.loaded[asking].dynamic;
        let mut places = Vec::new();
        if dynamic.runpath.is_none() {
            let mut holder = Some(asking);
            while let Some(index) = holder {
                let of = &self.loaded[index];
                if of.dynamic.runpath.is_none() {
                    self.push(&mut places, name, of.dynamic.rpath.as_deref(), b":", index);
                }
                holder = of.loader;
            }
        }
        let library_path = self.environment.library_path.as_deref();
        let library_path = library_path.filter(|path| !path.is_empty() && !self.is_secure);
        self.push(&mut places, name, library_path, b":;", 0);
        self.push(&mut places, name, dynamic.runpath.as_deref(), b":", asking);
        let cached = self.cache.as_ref().and_then(|cache| cache.find(name, self.levels));
        let is_default = |path: &Path| {
            machine::DEFAULT_DIRECTORIES.iter().any(|directory| path.starts_with(directory))
        };
        places.extend(cached.filter(|path| !(dynamic.no_default && is_default(path))));
        if !dynamic.no_default {
            for directory in machine::DEFAULT_DIRECTORIES {
                self.push_directory(&mut places, Path::new(directory), name);
            }
        }
        places
    }

    fn push(
        &self,
        places: &mut Vec<PathBuf>,
        name: &OsStr,
        list: Option<&OsStr>,
        separators: &[u8],
        holder: usize,
    ) {
        let Some(list) = list else { return };
        let working = self.environment.directory.as_deref();
        for directory in directories(list, separators, &self.tokens(holder), working) {
            self.push_directory(places, &directory, name);
        }
    }

    /// The builds for levels of processors come before the plain one.
    fn push_directory(&self, places: &mut Vec<PathBuf>, directory: &Path, name: &OsStr) {
        let levels = self.levels.iter();
        places.extend(levels.map(|l| directory.join("glibc-hwcaps").join(l).join(name)));
        places.push(directory.join(name));
    }

    fn tokens(&self, holder: usize) -> Tokens<'_> {
        let origin = &self.loaded[holder].origin;
        Tokens { origin, library: &self.library, platform: self.platform }
    }

    /// Opens what lies at a path that the target sees. The error is one at which the dynamic
    /// linker, too, would look no further.
    fn open(&mut self, path: &Path) -> Result<Look, String> {
        self.looks += 1;
        if self.looks > MAX_LOOKS {
            return Err(TOO_MANY_PLACES.to_owned());
        }
        if path.as_os_str().len() > MAX_NAME {
            return Ok(Look::Absent);
        }
        let Some(resolved) = root::resolve(&self.environment.root, path) else {
            return Ok(Look::Absent);
        };
        match ObjectFile::open(&root::below(&self.environment.root, &resolved)) {
            Ok(object) => Ok(Look::Found(object)),
            Err(ObjectError::Open { source, .. }) if source.kind() == ErrorKind::NotFound => {
                Ok(Look::Absent)
            }
            Err(error @ (ObjectError::Open { .. } | ObjectError::Foreign { .. })) => {
                Ok(Look::Refused(error.to_string()))
            }
            Err(error) => Err(error.to_string()),
        }
    }
}

/// What one look gave.
enum Look {
    Found(ObjectFile),
    Absent,
    /// A file that the dynamic linker passes over.
    Refused(String),
}

fn parent(path: &Path) -> PathBuf {
    path.parent().unwrap_or(Path::new("/")).to_owned()
}

/// What `$LIB` means where the dynamic linker lies in a directory: its last parts, from the one
/// that begins with `lib` on.
fn library_name(directory: &Path) -> OsString {
    let names: Vec<_> = directory.components().map(|component| component.as_os_str()).collect();
    let from = names.iter().rposition(|name| name.as_bytes().starts_with(b"lib"));
    let path: PathBuf = names[from.unwrap_or(names.len())..].iter().collect();
    if path.as_os_str().is_empty() { "lib".into() } else { path.into_os_string() }
}

/// Whether a program gains rights when it is started by us: then the dynamic linker does not
/// believe the environment.
fn gains_rights(path: &Path) -> bool {
    let Ok(file) = std::fs::metadata(path) else { return false };
    let (user, group) = (rustix::process::getuid(), rustix::process::getgid());
    file.mode() & 0o4000 != 0 && file.uid() != user.as_raw()
        || file.mode() & 0o2000 != 0 && file.gid() != group.as_raw()
}
