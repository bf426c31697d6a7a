//! Which namer names what.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::cache::Cache;
use super::{NativeNamer, SourceFrame, Symbolize};
use crate::address::FileOffset;
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
    native: NativeNamer,
}

impl Default for Symbolizer {
    fn default() -> Self {
        Self { modules: FxHashMap::default(), cache: Cache::new(CACHED) }
    }
}

impl Symbolizer {
    /// Adds a module under its number. Nothing is read before the first name is asked for.
    pub fn add(&mut self, number: ModuleNumber, object: Arc<ObjectFile>) {
        let native = NativeNamer::new(Arc::clone(&object), None);
        self.modules.insert(number, Module { object, native });
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
        self.native.name(address)
    }
}
