//! The names that a recording holds.

use rustc_hash::FxHashMap;

use crate::address::FileOffset;
use crate::object::ModuleNumber;
use crate::symbol::{SourceDirectory, SourceFrame, Symbolize, shown_path};

/// Names by module and file offset, as they were when the recording ended.
#[derive(Debug, Default)]
pub struct RecordedNames {
    names: FxHashMap<(u16, u32), Vec<SourceFrame>>,
    source_directories: Vec<SourceDirectory>,
}

impl RecordedNames {
    /// Shows source files in other directories than the recording has them.
    pub fn set_source_directories(&mut self, directories: Vec<SourceDirectory>) {
        self.source_directories = directories;
    }

    pub(super) fn insert(&mut self, module: u16, offset: u32, chain: Vec<SourceFrame>) {
        self.names.insert((module, offset), chain);
    }

    pub(super) fn len(&self) -> usize {
        self.names.len()
    }
}

impl Symbolize for RecordedNames {
    fn symbolize(&mut self, module: ModuleNumber, offset: FileOffset) -> Vec<SourceFrame> {
        let offset = u32::try_from(offset.0).ok();
        let chain = offset.and_then(|offset| self.names.get(&(module.0, offset)));
        let mut chain = chain.cloned().unwrap_or_default();
        for frame in &mut chain {
            frame.file = frame.file.take().map(|file| shown_path(&self.source_directories, file));
        }
        chain
    }
}
