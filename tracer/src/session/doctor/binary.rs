//! One binary: what can be probed, unwound and named in it.

use std::path::Path;
use std::sync::Arc;

use object::elf;
use object::read::elf::FileHeader;
use object::{Endianness, Object};

use super::{Area, State};
use crate::object::go::GoModule;
use crate::object::{DebugFiles, Dwarf, Language, Library, ObjectFile, Symbols, libraries_of};
use crate::session::options::NameOptions;
use crate::session::target::own_environment;
use crate::unwind::module_rows;

/// The releases of Go (1.N) that tests run with.
const TESTED_GO: std::ops::RangeInclusive<u32> = 21..=27;

/// Looks at the binary at `path`.
pub(super) fn examine(path: &Path, names: &NameOptions, area: &mut Area) {
    let object = match ObjectFile::open(path) {
        Ok(object) => Arc::new(object),
        Err(error) => {
            let next = "name the program's own file, an x86-64 ELF executable or library";
            return area.problem("file", error.to_string(), next);
        }
    };
    let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    area.ok("file", path.display().to_string());
    area.ok("kind", kind(&object));
    match object.build_id() {
        Some(id) => area.ok("build id", id.to_string()),
        None => area.note(
            "build id",
            "none",
            "link with -Wl,--build-id: it tells builds apart, and finds debug files",
        ),
    }
    let go = examine_go(&object, area);
    let (libraries, missing) = libraries_of(&object, &path, &own_environment());
    let objects = [&object].into_iter().chain(libraries.iter().map(|library| &library.object));
    let debug_files = names.debug_files(objects).unwrap_or_else(|error| {
        let next = "name the one of this very build, or none";
        area.problem("debug file", error.to_string(), next);
        DebugFiles::default()
    });
    examine_symbols(&object, &debug_files, area);
    examine_rows(&object, go.as_ref(), area);
    show_libraries(libraries, missing, area);
}

fn kind(object: &ObjectFile) -> String {
    let is_fixed = elf::FileHeader64::<Endianness>::parse(object.data())
        .is_ok_and(|header| header.e_type(Endianness::Little) == elf::ET_EXEC);
    let what = match (is_fixed, object.interpreter()) {
        (true, Some(_)) => "executable at a fixed address, dynamically linked",
        (true, None) => "executable at a fixed address, statically linked",
        (false, Some(_)) => "position-independent executable (PIE)",
        (false, None) if object.dynamic().soname.is_none() && object.entry().0 != 0 => {
            "static position-independent executable, or a library without a name"
        }
        (false, None) => "shared library",
    };
    format!("64-bit x86-64 ELF, {what}")
}

fn has_section(object: &ObjectFile, name: &str) -> bool {
    object.elf().is_ok_and(|elf| elf.section_by_name(name).is_some())
}

/// What Go tells of itself.
fn examine_go(object: &Arc<ObjectFile>, area: &mut Area) -> Option<GoModule> {
    let go = match GoModule::find(object) {
        Ok(Some(go)) => go,
        Ok(None) => {
            area.ok("Go", "no Go code");
            return None;
        }
        Err(refusal) => {
            let next = "Go frames will be missing: build with a Go release that cgotrace knows \
                        (1.21 to 1.27), or report this";
            area.note("Go", refusal.to_string(), next);
            return None;
        }
    };
    match go.version() {
        None => area.note("Go", "the version is not stated", "build without tools that remove it"),
        Some(version) => {
            let patch = version.patch.map_or(String::new(), |patch| format!(".{patch}"));
            let text = format!("Go {}.{}{patch}", version.major, version.minor);
            if version.major == 1 && TESTED_GO.contains(&version.minor) {
                area.ok("Go", text);
            } else {
                area.note("Go", text, "look at the stacks with care: Go 1.21 to 1.27 are tested");
            }
        }
    }
    // The system's linkers leave their names there; Go's own does not.
    let is_external = has_section(object, ".comment") || has_section(object, ".eh_frame_hdr");
    let linker = if is_external { "the system's linker (external)" } else { "Go's (internal)" };
    area.ok("linked by", linker);
    let count = go.functions().filter(|function| function.is_go()).count();
    let section = [".gopclntab", ".data.rel.ro.gopclntab"];
    let how = section.into_iter().find(|name| has_section(object, name));
    let how = how.map_or("found by its first bytes".to_owned(), |name| format!("section {name}"));
    area.ok("pclntab", format!("{how}, {count} Go functions"));
    let uses_cgo = go.functions().any(|function| function.name().contains("._Cfunc_"));
    if uses_cgo {
        area.ok("cgo", "it calls C functions");
    } else {
        let next = "functions of Go can be probed on entry; for native code build with cgo";
        area.note("cgo", "no call of a C function", next);
    }
    Some(go)
}

/// What names functions: the file itself, and its separate debug file.
fn examine_symbols(object: &Arc<ObjectFile>, debug_files: &DebugFiles, area: &mut Area) {
    let found = debug_files.find(object);
    if let Some(file) = &found.file {
        area.ok("debug file", file.path().display().to_string());
    }
    for refused in found.refused {
        area.note("debug file", refused.to_string(), "install the one of this very build");
    }
    let debug_file = found.file.as_ref();
    let functions = Symbols::read(object, debug_file).functions().len();
    let has_symbols = |file: &Arc<ObjectFile>| has_section(file, ".symtab");
    if has_symbols(object) || debug_file.is_some_and(has_symbols) {
        area.ok("symbols", format!("{functions} functions"));
    } else {
        let next = "native functions that are not exported have no names: use the file before \
                    `strip`, give its debug file (--debug-file), or probe by address";
        area.note("symbols", format!("stripped; {functions} exported functions"), next);
    }
    let dwarf = Dwarf::find(object, debug_file, debug_files);
    let languages = dwarf.map(|dwarf| dwarf.languages());
    let named: Vec<_> = languages
        .unwrap_or_default()
        .into_iter()
        .filter(|language| *language != Language::Go)
        .map(Language::name)
        .collect();
    if named.is_empty() {
        let next =
            "compile native code with -g, so that frames have files, lines and inlined calls";
        area.note("debug information", "none of native code", next);
    } else {
        area.ok("debug information", format!("DWARF of {}", named.join(", ")));
    }
}

/// What unwinds.
fn examine_rows(object: &ObjectFile, go: Option<&GoModule>, area: &mut Area) {
    let native = module_rows(object, None, &[]);
    let all = module_rows(object, go, &[]);
    match (native, all) {
        (Ok(native), Ok(all)) => {
            let (native, all) = (native.rows.len(), all.rows.len());
            let text = format!("{all} rows, {native} of .eh_frame before Go's are laid over them");
            if object.section(".eh_frame").is_some() {
                area.ok("unwind rows", text);
            } else {
                let next = "stacks end at native frames: compile native code with \
                            -fasynchronous-unwind-tables, and link Go with -linkmode=external";
                area.note("unwind rows", format!("{all} rows, no .eh_frame"), next);
            }
        }
        (Err(error), _) | (_, Err(error)) => {
            area.problem("unwind rows", error.to_string(), "no stack goes through this file");
        }
    }
}

/// What the dynamic linker will load.
fn show_libraries(libraries: Vec<Library>, missing: Vec<String>, area: &mut Area) {
    for library in libraries {
        let (name, path) = (library.name.to_string_lossy(), library.path.display().to_string());
        let text = if name == path { path } else { format!("{name} at {path}") };
        area.add(State::Ok, "library", text);
    }
    for what in missing {
        let next = "set LD_LIBRARY_PATH as the program has it";
        area.note("library", what, next);
    }
}
