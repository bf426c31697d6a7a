//! Names of native code: DWARF first, the symbol table where that is silent.

use std::sync::Arc;

use super::{Language, SourceFrame};
use crate::address::ElfAddress;
use crate::object::{
    DebugFileError, DebugFiles, Dwarf, DwarfFrame, FunctionSymbol, ObjectFile, Stubs, Symbols,
    demangle,
};

/// Names native code of one module. Reads symbols and DWARF when the first name is asked for.
#[derive(Debug)]
pub struct NativeNamer {
    image: Arc<ObjectFile>,
    debug_file: Option<Arc<ObjectFile>>,
    debug_files: DebugFiles,
    tables: Option<Tables>,
}

#[derive(Debug)]
struct Tables {
    symbols: Symbols,
    stubs: Stubs,
    dwarf: Option<Dwarf>,
}

impl NativeNamer {
    /// A namer of the module `image`. Symbols and DWARF of `debug_file`, its separate debug file,
    /// are used beside the module's own; whether the two belong together is the caller's to check.
    #[must_use]
    pub fn new(image: Arc<ObjectFile>, debug_file: Option<Arc<ObjectFile>>) -> Self {
        Self::with_debug_files(image, debug_file, DebugFiles::default())
    }

    /// As [`NativeNamer::new`]; files that debug information refers to are sought where
    /// `debug_files` looks.
    #[must_use]
    pub fn with_debug_files(
        image: Arc<ObjectFile>,
        debug_file: Option<Arc<ObjectFile>>,
        debug_files: DebugFiles,
    ) -> Self {
        Self { image, debug_file, debug_files, tables: None }
    }

    /// Files that debug information refers to, sought since the last call, that are missing or are
    /// not used.
    pub fn take_refused(&mut self) -> Vec<DebugFileError> {
        let dwarf = self.tables.as_ref().and_then(|tables| tables.dwarf.as_ref());
        dwarf.map(Dwarf::take_refused).unwrap_or_default()
    }

    /// The chain of functions at an address: the innermost inlined one first, the physical one
    /// last. Empty where neither DWARF nor a symbol's extent holds it: a neighbour is never named.
    pub fn name(&mut self, address: ElfAddress) -> Vec<SourceFrame> {
        let tables = self.tables.get_or_insert_with(|| {
            Tables::read(&self.image, self.debug_file.as_ref(), &self.debug_files)
        });
        if !self.image.is_code(address) {
            return Vec::new();
        }
        let frames = tables.dwarf.as_mut().map(|dwarf| dwarf.frames_at(address));
        let mut frames = frames.unwrap_or_default();
        let symbol = tables.symbols.containing(address);
        // A resolver is not the function that it resolves.
        let symbol = symbol.filter(|symbol| !symbol.is_ifunc());
        let Some(physical) = frames.pop() else {
            let named = symbol.map(|symbol| by_symbol(symbol.name()));
            let stub = || tables.stubs.containing(address).map(of_stub);
            return named.or_else(stub).into_iter().collect();
        };
        // A function may begin with code of a call that was inlined into it. At its very entry that
        // call has not begun: nothing has run.
        if tables.symbols.at(address).is_some() {
            frames.clear();
        }
        let mut named: Vec<_> =
            frames.into_iter().filter_map(|frame| by_dwarf(frame, None)).collect();
        match by_dwarf(physical, symbol) {
            Some(frame) => named.push(frame),
            // Without its function, a chain of inlined calls has no end.
            None => named.clear(),
        }
        named
    }
}

impl Tables {
    fn read(
        image: &Arc<ObjectFile>,
        debug_file: Option<&Arc<ObjectFile>>,
        debug_files: &DebugFiles,
    ) -> Self {
        let symbols = Symbols::read(image, debug_file);
        Self {
            stubs: Stubs::of(image, &symbols),
            symbols,
            dwarf: Dwarf::find(image, debug_file, debug_files),
        }
    }
}

/// A frame that only a symbol knows.
fn by_symbol(symbol: &str) -> SourceFrame {
    let (function, language) =
        demangle(symbol).unwrap_or_else(|| (symbol.to_owned(), Language::Unknown));
    let symbol = symbol.to_owned();
    SourceFrame { function, symbol, language, file: None, line: None, inlined: false }
}

/// A frame in the stub of a function.
fn of_stub(name: &str) -> SourceFrame {
    let mut frame = by_symbol(name);
    frame.function.push_str("@plt");
    frame.symbol.push_str("@plt");
    // Neither the one's language nor the other's: the linker made it.
    SourceFrame { language: Language::Unknown, ..frame }
}

/// A frame of DWARF; `symbol` is that of the physical function, where there is one.
fn by_dwarf(frame: DwarfFrame, symbol: Option<&FunctionSymbol>) -> Option<SourceFrame> {
    let DwarfFrame { name, language, file, line, inlined } = frame;
    let (function, symbol) = match (name, symbol) {
        (Some(name), None) => (name.shown().to_owned(), name.symbol().to_owned()),
        (Some(name), Some(symbol)) => match own_symbol(symbol, name.symbol()) {
            // A symbol that is not mangled has no scope: `extern "C"`, `no_mangle`.
            Some(own) if name.linkage.is_none() => (name.plain.clone(), own.to_owned()),
            Some(own) => (name.shown().to_owned(), own.to_owned()),
            // Some compilers leave out the linkage name of a function that no one else calls.
            None if name.linkage.is_none() => match demangle(symbol.name()) {
                // Types in it are spelled in another way: `(lambda at …)`, `{lambda(int)#1}`.
                Some((shown, _)) if shown.contains(without_arguments(&name.plain)) => {
                    (shown, symbol.name().to_owned())
                }
                _ => (name.shown().to_owned(), name.plain.clone()),
            },
            None => (name.shown().to_owned(), name.symbol().to_owned()),
        },
        (None, symbol) => (shown(symbol?.name()), symbol?.name().to_owned()),
    };
    let file = file.map(|file| file.to_string());
    Some(SourceFrame { function, symbol, language, file, line, inlined })
}

/// The symbol that the linker knows the code of a function by: its name, or that of the part that
/// a compiler made of it, `parse.cold` or `parse.isra.0` of `parse`.
fn own_symbol<'s>(symbol: &'s FunctionSymbol, name: &str) -> Option<&'s str> {
    let mut names = symbol.aliases.iter().map(|alias| alias.name.as_str());
    let is_part = |alias: &str| alias.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'));
    names.clone().find(|alias| *alias == name).or_else(|| names.find(|alias| is_part(alias)))
}

/// `sort` of `sort<int*>`; an operator such as `operator<` as it is.
fn without_arguments(name: &str) -> &str {
    let end = name.find('<').filter(|&at| at > 0 && !name.starts_with("operator<"));
    end.and_then(|end| name.get(..end)).unwrap_or(name)
}

fn shown(symbol: &str) -> String {
    demangle(symbol).map_or_else(|| symbol.to_owned(), |(name, _)| name)
}

#[cfg(test)]
mod hostile;
#[cfg(test)]
mod tests;
