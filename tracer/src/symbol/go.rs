//! Go code by pclntab, which every Go binary has, stripped or not.

use super::{Language, SourceFrame};
use crate::address::ElfAddress;
use crate::object::go::GoModule;

/// The chain of functions at an address; empty where it lies in no Go function.
pub(super) fn name(go: &GoModule, address: ElfAddress) -> Vec<SourceFrame> {
    let frames = go.frames_at(address).into_iter();
    frames
        .map(|frame| SourceFrame {
            symbol: frame.function.clone(),
            function: frame.function,
            language: Language::Go,
            file: Some(frame.file).filter(|file| !file.is_empty()),
            line: Some(frame.line).filter(|&line| line != 0),
            inlined: frame.inlined,
        })
        .collect()
}
