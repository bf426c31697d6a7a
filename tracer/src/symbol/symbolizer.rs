//! Which namer names what.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::cache::Cache;
use super::{NativeNamer, SourceFrame, Symbolize, go};
use crate::address::FileOffset;
use crate::object::go::GoModule;
use crate::object::{ModuleNumber, ObjectFile};

/// How many answers one generation of the cache holds.
const CACHED: usize = 64 << 10;

/// Names frames of every module that was added. Needs no process: only the files.
#[derive(Debug)]
pub struct Symbolizer {
    modules: FxHashMap<ModuleNumber, Module>,
    cache: Cache,
}

#[derive(Debug)]
struct Module {
    object: Arc<ObjectFile>,
    go: Option<Arc<GoModule>>,
    native: NativeNamer,
}

impl Default for Symbolizer {
    fn default() -> Self {
        Self { modules: FxHashMap::default(), cache: Cache::new(CACHED) }
    }
}

impl Symbolizer {
    /// Adds a module under its number, with Go's tables where it has them. Nothing else is read
    /// before the first name is asked for.
    pub fn add(
        &mut self,
        number: ModuleNumber,
        object: Arc<ObjectFile>,
        go: Option<Arc<GoModule>>,
    ) {
        let native = NativeNamer::new(Arc::clone(&object), None);
        self.modules.insert(number, Module { object, go, native });
    }
}

impl Symbolize for Symbolizer {
    fn symbolize(&mut self, number: ModuleNumber, offset: FileOffset) -> Vec<SourceFrame> {
        if let Some(frames) = self.cache.get(number, offset) {
            return frames.to_vec();
        }
        let Some(module) = self.modules.get_mut(&number) else { return Vec::new() };
        let frames = module.name(offset);
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
}
