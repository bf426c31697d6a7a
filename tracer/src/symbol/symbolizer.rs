//! Which namer names what.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::cache::Cache;
use super::{NativeNamer, SourceDirectory, SourceFrame, Symbolize, go, shown_path};
use crate::address::FileOffset;
use crate::object::go::GoModule;
use crate::object::{
    BuildId, DebugFileError, DebugFiles, Fetched, Fetcher, FoundDebugFile, ModuleNumber, ObjectFile,
};

/// How many bytes of answers one generation of the cache holds: some ten thousand places.
const CACHED: usize = 16 << 20;

/// Names frames of every module that was added. Needs no process: only the files.
#[derive(Debug)]
pub struct Symbolizer {
    modules: FxHashMap<ModuleNumber, Module>,
    cache: Cache,
    debug_files: DebugFiles,
    source_directories: Vec<SourceDirectory>,
    fetcher: Option<Fetcher>,
    refused: Vec<DebugFileError>,
}

#[derive(Debug)]
struct Module {
    object: Arc<ObjectFile>,
    go: Option<Arc<GoModule>>,
    native: NativeNamer,
    /// What servers were asked for, by build id.
    wanted: Option<BuildId>,
}

impl Default for Symbolizer {
    fn default() -> Self {
        Self::with_debug_files(DebugFiles::default())
    }
}

impl Symbolizer {
    /// A symbolizer that finds separate debug files by `debug_files`.
    #[must_use]
    pub fn with_debug_files(debug_files: DebugFiles) -> Self {
        Self {
            modules: FxHashMap::default(),
            cache: Cache::new(CACHED),
            debug_files,
            source_directories: Vec::new(),
            fetcher: None,
            refused: Vec::new(),
        }
    }

    /// Shows source files in other directories than debug information has them.
    pub fn set_source_directories(&mut self, directories: Vec<SourceDirectory>) {
        self.source_directories = directories;
    }

    /// Asks servers for the debug information of modules that have none. Naming goes on meanwhile,
    /// with what is known, and [`Symbolizer::update`] takes what has come.
    pub fn set_fetcher(&mut self, fetcher: Fetcher) {
        self.fetcher = Some(fetcher);
    }

    /// Adds a module under its number, with Go's tables where it has them, and its debug file if
    /// there is one. Nothing of them is read before the first name is asked for.
    pub fn add(
        &mut self,
        number: ModuleNumber,
        object: Arc<ObjectFile>,
        go: Option<Arc<GoModule>>,
    ) {
        let FoundDebugFile { file, wanted, refused } = self.debug_files.find(&object);
        self.refused.extend(refused);
        if let (Some(fetcher), Some(id)) = (&mut self.fetcher, &wanted) {
            fetcher.request(id);
        }
        let native =
            NativeNamer::with_debug_files(Arc::clone(&object), file, self.debug_files.clone());
        self.modules.insert(number, Module { object, go, native, wanted });
    }

    /// Uses what has come from servers, without waiting. Whether names have changed by it.
    pub fn update(&mut self) -> bool {
        let mut has_changed = false;
        while let Some(Fetched { id, result }) = self.fetcher.as_mut().and_then(Fetcher::take) {
            let path = match result {
                Ok(Some(path)) => path,
                Ok(None) => continue,
                Err(error) => {
                    self.refused.push(error.into());
                    continue;
                }
            };
            for (number, module) in &mut self.modules {
                if module.wanted.take_if(|wanted| *wanted == id).is_none() {
                    continue;
                }
                let object = &module.object;
                let found = match self.debug_files.accept(object, &id, &path) {
                    Ok(found) => found,
                    Err(error) => {
                        self.refused.push(error);
                        continue;
                    }
                };
                if let (Some(fetcher), Some(next)) = (&mut self.fetcher, &found.wanted) {
                    fetcher.request(next);
                }
                module.wanted = found.wanted;
                let (object, files) = (Arc::clone(object), self.debug_files.clone());
                module.native = NativeNamer::with_debug_files(object, found.file, files);
                self.cache.forget(*number);
                has_changed = true;
            }
        }
        has_changed
    }

    /// Debug files sought since the last call that were found and not used, or that debug
    /// information refers to and that are missing.
    pub fn take_refused(&mut self) -> Vec<DebugFileError> {
        std::mem::take(&mut self.refused)
    }
}

impl Symbolize for Symbolizer {
    fn symbolize(&mut self, number: ModuleNumber, offset: FileOffset) -> Vec<SourceFrame> {
        if let Some(frames) = self.cache.get(number, offset) {
            return frames.to_vec();
        }
        let Some(module) = self.modules.get_mut(&number) else { return Vec::new() };
        let mut frames = module.name(offset);
        for frame in &mut frames {
            frame.file = frame.file.take().map(|file| shown_path(&self.source_directories, file));
        }
        self.refused.extend(module.native.take_refused());
        self.cache.insert(number, offset, frames.clone());
        frames
    }
}

impl Module {
    fn name(&mut self, offset: FileOffset) -> Vec<SourceFrame> {
        let Some(address) = self.object.address_of(offset) else { return Vec::new() };
        match &self.go {
            Some(go) if go.text_contains(address) => {
                let frames = go::name(go, address);
                // Native code lies in Go's text too, where Go's own linker put it there.
                if frames.is_empty() { self.native.name(address) } else { frames }
            }
            _ => self.native.name(address),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::compile;

    #[test]
    fn a_place_is_named_by_module_and_offset() {
        let program = compile("a.c", "int main(void) { return 0; }", &["-g"]);
        let object = program.open();
        let main = object.offset_of(crate::address::ElfAddress(program.address("main"))).unwrap();
        let mut symbolizer = Symbolizer::default();
        symbolizer.add(ModuleNumber(3), object, None);
        // The file may go: what was mapped stays.
        drop(program);
        for _ in 0..2 {
            let frames = symbolizer.symbolize(ModuleNumber(3), main);
            assert_eq!(frames.len(), 1);
            assert_eq!(frames[0].function, "main");
        }
        assert_eq!(symbolizer.symbolize(ModuleNumber(4), main), []);
        assert_eq!(symbolizer.symbolize(ModuleNumber(3), FileOffset(u64::MAX)), []);
    }
    #[test]
    fn a_stripped_module_is_named_by_its_debug_file() {
        let program = compile("a.c", "int main(void) { return 0; }", &["-g"]);
        let main = crate::address::ElfAddress(program.address("main"));
        program.run("objcopy", &["--only-keep-debug", "program", "main.debug"]);
        program.run("strip", &["program"]);
        let object = program.open();
        let offset = object.offset_of(main).unwrap();
        let mut files = DebugFiles::default();
        files.give(&object, &program.directory().join("main.debug")).unwrap();
        let mut symbolizer = Symbolizer::with_debug_files(files);
        symbolizer.add(ModuleNumber(1), Arc::clone(&object), None);
        let frames = symbolizer.symbolize(ModuleNumber(1), offset);
        assert_eq!((frames[0].function.as_str(), frames[0].line), ("main", Some(1)));
        // Without it, there is no name at all.
        let mut symbolizer = Symbolizer::default();
        symbolizer.add(ModuleNumber(1), object, None);
        assert_eq!(symbolizer.symbolize(ModuleNumber(1), offset), []);
    }
}
