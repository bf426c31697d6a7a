//! A section's bytes that keep alive what they lie in, so that a reader needs no lifetime.

use std::fmt;
use std::ops::{Deref, Range};
use std::sync::Arc;

use super::ObjectFile;

/// The bytes of one section: a range of the mapped file, or its decompressed copy.
#[derive(Clone, Default)]
pub struct SectionBytes(Source);

#[derive(Clone, Default)]
enum Source {
    #[default]
    Absent,
    Mapped(Arc<ObjectFile>, Range<usize>),
    Decompressed(Arc<[u8]>),
}

impl SectionBytes {
    pub(super) fn mapped(object: Arc<ObjectFile>, range: Range<usize>) -> Self {
        Self(Source::Mapped(object, range))
    }

    pub(super) fn decompressed(bytes: Vec<u8>) -> Self {
        Self(Source::Decompressed(bytes.into()))
    }
}

impl Deref for SectionBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            Source::Absent => &[],
            Source::Mapped(object, range) => object.data().get(range.clone()).unwrap_or_default(),
            Source::Decompressed(bytes) => bytes,
        }
    }
}

impl fmt::Debug for SectionBytes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SectionBytes({} bytes)", self.len())
    }
}
