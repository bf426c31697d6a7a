//! What can be probed in a binary: the functions that patterns would find, with where they come
//! from. Needs no rights.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::SessionError;
use super::fetch;
use super::options::NameOptions;
use super::target::{TargetFile, is_for, library_by_path, own_environment};
use crate::address::{ElfAddress, FileOffset};
use crate::object::{
    DebugFiles, Dwarf, FoundDebugFile, Language, ObjectFile, Pattern, Symbols, libraries_of,
};
use crate::symbol::shown_path;

/// One function that can be probed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedFunction {
    /// Its language; unknown where neither debug information nor its name tells.
    pub language: Language,
    /// The demangled name.
    pub name: String,
    /// Every linkage name of its place, the preferred one first.
    pub symbols: Vec<String>,
    /// The source file, where debug information has it.
    pub file: Option<String>,
    /// The line in it, from 1.
    pub line: Option<u32>,
    /// Its virtual address in the file.
    pub address: ElfAddress,
    /// Its offset in the file.
    pub offset: FileOffset,
    /// Bytes of its code, where a table tells.
    pub size: Option<u64>,
    /// The file.
    pub module: PathBuf,
}

/// The functions of `binary` that `pattern` names, or all of them; of a library that it needs
/// where the pattern names that. By module, language, name and address. Debug files that `names`
/// has must each be of one of these files. `warn` hears what could not be read.
///
/// # Errors
/// The binary or a debug file cannot be read or used, or nothing is found.
pub fn list(
    binary: &Path,
    pattern: Option<&str>,
    names: &NameOptions,
    warn: &mut dyn FnMut(String),
) -> Result<Vec<ListedFunction>, SessionError> {
    let pattern = Pattern::parse(pattern.unwrap_or("*"))?;
    let object = Arc::new(ObjectFile::open(binary)?);
    let path = std::fs::canonicalize(binary).unwrap_or_else(|_| binary.to_owned());
    let mut listed = Vec::new();
    let files = files(&pattern, path, object, warn)?;
    let objects = files.iter().map(|file| &file.object);
    let mut debug_files = names.debug_files(objects.clone())?;
    let _ = fetch::debug_information(objects, &mut debug_files, warn);
    for file in &files {
        of_file(file, &pattern, &debug_files, &mut listed, warn)?;
    }
    for function in &mut listed {
        let file = function.file.take();
        function.file = file.map(|file| shown_path(&names.source_directories, file));
    }
    listed.sort_by(|a, b| key(a).cmp(&key(b)));
    Ok(listed)
}

fn key(function: &ListedFunction) -> (&Path, &'static str, &str, ElfAddress) {
    (&function.module, function.language.name(), &function.name, function.address)
}

/// The files that the pattern is for: the binary, or libraries.
fn files(
    pattern: &Pattern,
    path: PathBuf,
    object: Arc<ObjectFile>,
    warn: &mut dyn FnMut(String),
) -> Result<Vec<TargetFile>, SessionError> {
    let binary = TargetFile::new(path.clone(), path.clone(), Arc::clone(&object), true, warn);
    if is_for(pattern, &binary, true) {
        return Ok(vec![binary]);
    }
    let (libraries, missing) = libraries_of(&object, &path, &own_environment());
    let mut found = Vec::new();
    for library in libraries {
        if pattern.is_for(&library.path, &library.object, false) {
            let path = library.path;
            found.push(TargetFile::new(path.clone(), path, library.object, true, warn));
        }
    }
    if found.is_empty() {
        missing.into_iter().for_each(&mut *warn);
        found.push(library_by_path(pattern, warn)?);
    }
    Ok(found)
}

fn of_file(
    file: &TargetFile,
    pattern: &Pattern,
    debug_files: &DebugFiles,
    listed: &mut Vec<ListedFunction>,
    warn: &mut dyn FnMut(String),
) -> Result<(), SessionError> {
    let FoundDebugFile { file: debug_file, refused, .. } = debug_files.find(&file.object);
    refused.iter().for_each(|refused| warn(refused.to_string()));
    let (patterns, limit) = (std::slice::from_ref(pattern), usize::MAX);
    // Copies of a function are said where it is probed.
    let points = file.probe_points(patterns, limit, debug_files, &[], &mut |_| ())?;
    let symbols = Symbols::read(&file.object, debug_file.as_ref());
    let native = points.iter().filter(|point| point.language != Language::Go);
    let dwarf = Dwarf::find(&file.object, debug_file.as_ref(), debug_files);
    let mut declared = dwarf
        .as_ref()
        .map(|dwarf| dwarf.declared_at(native.map(|point| point.address)))
        .unwrap_or_default();
    let missing = dwarf.map(|dwarf| dwarf.take_refused()).unwrap_or_default();
    missing.iter().for_each(|missing| warn(missing.to_string()));
    for point in points {
        let symbol_size = symbols.at(point.address).map(|symbol| symbol.size());
        let mut function = ListedFunction {
            language: point.language,
            name: point.display,
            symbols: point.names,
            file: None,
            line: None,
            address: point.address,
            offset: point.offset,
            size: symbol_size.filter(|&size| size != 0),
            module: file.path.clone(),
        };
        if point.language == Language::Go {
            let go = file.go.as_ref().and_then(|go| Some((go, go.function_at(point.address)?)));
            if let Some((go, entry)) = go {
                let frame = go.frames_at(point.address).pop();
                let (source, line) = frame.map_or((String::new(), 0), |it| (it.file, it.line));
                function.file = Some(source).filter(|source| !source.is_empty());
                function.line = Some(line).filter(|&line| line != 0);
                function.size = Some(entry.end.0.saturating_sub(entry.entry.0));
            }
        } else if let Some(declared) = declared.remove(&point.address) {
            if declared.language != Language::Unknown {
                function.language = declared.language;
            }
            (function.file, function.line) = (declared.file, declared.line);
        }
        listed.push(function);
    }
    Ok(())
}
