//! Which files are probed or gone through, where, and for whom.

use std::fs::File;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::SessionError;
use super::indirect;
use super::learn::cannot_open;
use super::options::TargetSpec;
use crate::bpf::Scope;
use crate::object::go::GoModule;
use crate::object::{
    DebugFiles, Environment, FunctionSymbol, GoEntry, ObjectError, ObjectFile, Pattern, ProbeError,
    ProbePoint, Symbols, can_be_probed, libraries_of, resolve, unprobed_copies,
};
use crate::process::{self, FileIdentity, Process};

/// One file of a target.
pub(super) struct TargetFile {
    /// Its path, as the user or the process names it.
    pub(super) path: PathBuf,
    /// The path that reaches the very file, also where it was replaced.
    pub(super) attach_path: PathBuf,
    /// The file.
    pub(super) object: Arc<ObjectFile>,
    /// Go's tables in it.
    pub(super) go: Option<Arc<GoModule>>,
    /// Whether processes load it when they start, and so never give it up.
    pub(super) is_lasting: bool,
}

impl TargetFile {
    /// Reads Go's tables; a refusal is no fault, the rest is traced all the same.
    pub(super) fn new(
        path: PathBuf,
        attach_path: PathBuf,
        object: Arc<ObjectFile>,
        is_lasting: bool,
        warn: &mut dyn FnMut(String),
    ) -> Self {
        let go = GoModule::find(&object).unwrap_or_else(|refusal| {
            warn(refusal.to_string());
            None
        });
        Self { path, attach_path, object, go: go.map(Arc::new), is_lasting }
    }

    /// The places that patterns mean in this file.
    pub(super) fn probe_points(
        &self,
        patterns: &[Pattern],
        limit: usize,
        debug_files: &DebugFiles,
        processes: &[u32],
        warn: &mut dyn FnMut(String),
    ) -> Result<Vec<ProbePoint>, SessionError> {
        let debug_file = debug_files.find(&self.object).file;
        let mut symbols = Symbols::read(&self.object, debug_file.as_ref());
        // Looking into processes is only for who needs it.
        let is_indirect = |function: &FunctionSymbol| function.aliases.iter().any(|a| a.is_ifunc);
        if symbols.functions().iter().any(is_indirect) {
            symbols.learn_ifuncs(indirect::implementations(&symbols, self, processes));
        }
        let functions = self.go.iter().flat_map(|go| go.functions()).filter(|f| f.is_go());
        let functions = functions.map(|function| GoEntry {
            name: function.name(),
            address: function.entry,
            size: function.end.0.saturating_sub(function.entry.0),
        });
        let points = resolve(&self.object, &symbols, functions, patterns, limit)?;
        let copies = unprobed_copies(&symbols, &points);
        if let Some(first) = copies.first() {
            let more = match copies.len() {
                1 => String::new(),
                number => format!(" and {} more", number - 1),
            };
            warn(format!(
                "calls of copies that the compiler made are not seen: {first}{more}; name them, too"
            ));
        }
        Ok(points)
    }
}

/// A program that is traced: its executable, and the libraries that are known of it.
pub(super) struct Target {
    /// The executable first.
    pub(super) files: Vec<TargetFile>,
    /// Whose calls.
    pub(super) scopes: Vec<Scope>,
    /// The processes that run it now.
    pub(super) processes: Vec<u32>,
    /// What they have mapped and could not be read, in words.
    unread: Vec<String>,
}

impl Target {
    /// All targets of a session.
    pub(super) fn all(
        spec: &TargetSpec,
        warn: &mut dyn FnMut(String),
    ) -> Result<Vec<Self>, SessionError> {
        match spec {
            TargetSpec::Binary(path) => Ok(vec![Self::of_binary(path, warn)?]),
            TargetSpec::Processes { binary, pids } => {
                Self::of_processes(binary.as_deref(), pids, warn)
            }
            TargetSpec::Command { program, .. } => {
                let mut target = Self::of_binary(&process::resolve(program)?, warn)?;
                target.processes.clear();
                Ok(vec![target])
            }
        }
    }

    /// The executable that every process of a session runs, and what its dynamic linker will load.
    fn of_binary(path: &Path, warn: &mut dyn FnMut(String)) -> Result<Self, SessionError> {
        let object = Arc::new(ObjectFile::open(path)?);
        let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let processes = match FileIdentity::of(&path) {
            Ok(identity) => process::running(identity)?,
            Err(_) => Vec::new(),
        };
        let (libraries, missing) = libraries_of(&object, &path, &own_environment());
        missing.into_iter().for_each(&mut *warn);
        let mut files = vec![TargetFile::new(path.clone(), path, object, true, warn)];
        for library in libraries {
            let path = library.path;
            files.push(TargetFile::new(path.clone(), path, library.object, true, warn));
        }
        Ok(Self { files, scopes: vec![Scope::All], processes, unread: Vec::new() })
    }

    /// The executables of running processes, one target a file, with what they have mapped.
    fn of_processes(
        binary: Option<&Path>,
        pids: &[u32],
        warn: &mut dyn FnMut(String),
    ) -> Result<Vec<Self>, SessionError> {
        let named = match binary {
            Some(path) => {
                ObjectFile::open(path)?;
                Some((path, FileIdentity::of(path).ok()))
            }
            None => None,
        };
        let mut targets: Vec<(FileIdentity, Self)> = Vec::new();
        for &pid in pids {
            let process = Process::inspect(pid)?;
            if let Some((path, identity)) = named
                && identity != Some(process.program)
            {
                let (runs, binary) = (process.executable, path.to_owned());
                if path.canonicalize().is_ok_and(|path| path == runs) {
                    return Err(SessionError::OtherFile { pid, binary });
                }
                return Err(SessionError::OtherProgram { pid, runs, binary });
            }
            let scope = NonZeroU32::new(pid).map_or(Scope::All, Scope::Process);
            if let Some((_, known)) = targets.iter_mut().find(|(id, _)| *id == process.program) {
                if !known.processes.contains(&pid) {
                    known.scopes.push(scope);
                    known.processes.push(pid);
                }
                continue;
            }
            let executable = PathBuf::from(format!("/proc/{pid}/exe"));
            let file = File::open(&executable)
                .map_err(|source| ObjectError::Open { path: executable.clone(), source })?;
            let (root, path) = process::root_of(pid, &process.executable);
            let object = Arc::new(ObjectFile::map(&file, &process.executable)?.below(root, path));
            let mut files =
                vec![TargetFile::new(process.executable, executable, object, true, warn)];
            let (libraries, unread) = mapped_libraries(pid, &files[0], warn);
            files.extend(libraries);
            let target = Self { files, scopes: vec![scope], processes: vec![pid], unread };
            targets.push((process.program, target));
        }
        Ok(targets.into_iter().map(|(_, target)| target).collect())
    }

    /// The path of the executable.
    pub(super) fn path(&self) -> &Path {
        self.files.first().map_or(Path::new(""), |file| &file.path)
    }

    /// The places that the patterns mean, by file: those of the executable, and those of the
    /// libraries that patterns name. A library named by a path that nothing has loaded yet is
    /// added: it may be loaded later.
    pub(super) fn probe_points(
        &mut self,
        patterns: &[Pattern],
        limit: usize,
        debug_files: &DebugFiles,
        warn: &mut dyn FnMut(String),
    ) -> Result<Vec<Vec<ProbePoint>>, SessionError> {
        for pattern in patterns {
            if !self.files.iter().zip(0..).any(|(file, at)| is_for(pattern, file, at == 0)) {
                let library = library_by_path(pattern, warn);
                // It may be one of these.
                if library.is_err() {
                    self.unread.drain(..).for_each(&mut *warn);
                }
                self.files.push(library?);
            }
        }
        let mut found = 0;
        let mut points = Vec::new();
        for (at, file) in self.files.iter().enumerate() {
            let own: Vec<_> =
                patterns.iter().filter(|p| is_for(p, file, at == 0)).cloned().collect();
            let meant = if own.is_empty() {
                Vec::new()
            } else {
                file.probe_points(&own, limit, debug_files, &self.processes, warn)?
            };
            let (good, bad): (Vec<_>, Vec<_>) =
                meant.into_iter().partition(|point| can_be_probed(&file.object, point.address));
            for point in bad {
                let (name, path) = (point.display, file.path.clone());
                let refusal = SessionError::CannotBeProbed { name, path };
                if good.is_empty() {
                    return Err(refusal);
                }
                warn(refusal.to_string());
            }
            found += good.len();
            points.push(good);
        }
        if found > limit {
            let path = self.path().to_owned();
            return Err(ProbeError::TooMany { path, found, limit }.into());
        }
        Ok(points)
    }
}

pub(super) fn is_for(pattern: &Pattern, file: &TargetFile, is_executable: bool) -> bool {
    pattern.is_for(&file.path, &file.object, is_executable)
}

/// Where a program that we start would look for its libraries. One that others start may look
/// elsewhere; what it loads then is learnt from it.
pub(super) fn own_environment() -> Environment {
    Environment {
        library_path: std::env::var_os("LD_LIBRARY_PATH"),
        preload: std::env::var_os("LD_PRELOAD"),
        directory: std::env::current_dir().ok(),
        ..Environment::default()
    }
}

/// The file that a pattern names by its path.
pub(super) fn library_by_path(
    pattern: &Pattern,
    warn: &mut dyn FnMut(String),
) -> Result<TargetFile, SessionError> {
    let no_module = || SessionError::NoModule { pattern: pattern.to_string() };
    let path = Path::new(pattern.module().ok_or_else(no_module)?);
    if path.components().count() < 2 {
        return Err(no_module());
    }
    let object = Arc::new(ObjectFile::open(path)?);
    let absolute = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    // The path as the pattern has it, so that the pattern is for it.
    Ok(TargetFile::new(path.to_owned(), absolute, object, false, warn))
}

/// What a process has mapped besides its executable, and why some of it cannot be read: a stack that
/// goes through that says so.
fn mapped_libraries(
    pid: u32,
    executable: &TargetFile,
    warn: &mut dyn FnMut(String),
) -> (Vec<TargetFile>, Vec<String>) {
    // What it could not find is no matter: the process runs.
    let (loaded, _) = libraries_of(&executable.object, &executable.path, &environment_of(pid));
    let (mut files, mut unread) = (Vec::<TargetFile>::new(), Vec::new());
    for mapping in process::executable_mappings(pid).unwrap_or_default() {
        let known = files.iter().any(|file| file.path == mapping.path);
        if known || mapping.path == executable.path {
            continue;
        }
        let (attach_path, file) = match mapping.reach(pid) {
            Ok(reached) => reached,
            Err(error) => {
                unread.push(cannot_open(pid, &mapping, &error));
                continue;
            }
        };
        let Ok(object) = ObjectFile::map(&file, &mapping.path) else { continue };
        let (root, path) = process::root_of(pid, &mapping.path);
        let object = object.below(root, path);
        let is_lasting = loaded.iter().any(|library| {
            library.object.build_id() == object.build_id()
                && library.path.file_name() == mapping.path.file_name()
        });
        files.push(TargetFile::new(mapping.path, attach_path, Arc::new(object), is_lasting, warn));
    }
    (files, unread)
}

/// Where a running process has looked for its libraries.
fn environment_of(pid: u32) -> Environment {
    Environment {
        library_path: process::environment_variable(pid, "LD_LIBRARY_PATH"),
        preload: process::environment_variable(pid, "LD_PRELOAD"),
        root: format!("/proc/{pid}/root").into(),
        directory: None,
    }
}
