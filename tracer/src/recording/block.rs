//! Blocks: entries, compressed together.
//!
//! A block is the length of what follows (4 bytes, little endian), and a zlib stream, which ends
//! with a checksum of its content.

use std::io::{self, Read, Write};

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use serde::Serialize;

/// A block is written once its entries have so many bytes.
const FULL: usize = 256 << 10;
/// No block has more, compressed or not: one entry is far below.
pub(super) const MAX_BYTES: usize = 16 << 20;

/// Entries that are not written yet.
#[derive(Default)]
pub(super) struct Block {
    bytes: Vec<u8>,
}

impl Block {
    /// Adds an entry.
    pub(super) fn add(&mut self, entry: &impl Serialize) -> io::Result<()> {
        let bytes = std::mem::take(&mut self.bytes);
        self.bytes = postcard::to_extend(entry, bytes).map_err(io::Error::other)?;
        Ok(())
    }

    /// Whether it should be written.
    pub(super) fn is_full(&self) -> bool {
        self.bytes.len() >= FULL
    }

    /// Writes and empties it. How many bytes were written: none where there is no entry.
    pub(super) fn write(&mut self, out: &mut impl Write) -> io::Result<u64> {
        if self.bytes.is_empty() {
            return Ok(0);
        }
        let mut encoder = ZlibEncoder::new(vec![0; 4], Compression::fast());
        encoder.write_all(&self.bytes)?;
        let mut block = encoder.finish()?;
        let length = u32::try_from(block.len() - 4).map_err(io::Error::other)?;
        block[..4].copy_from_slice(&length.to_le_bytes());
        out.write_all(&block)?;
        // A block that is written is there for whoever reads it after a crash.
        out.flush()?;
        self.bytes.clear();
        Ok(block.len() as u64)
    }
}

/// What came of reading a block.
pub(super) enum Found {
    /// Its content, and how many bytes it takes in the file.
    Block(Vec<u8>, u64),
    /// The input ends here.
    End,
    /// The input ends within the block.
    Cut,
}

/// Reads the block at which `input` stands.
///
/// # Errors
/// The input cannot be read, or holds no block of this version: then the kind is `InvalidData`.
pub(super) fn read(input: &mut impl Read) -> io::Result<Found> {
    let mut head = Vec::new();
    input.by_ref().take(4).read_to_end(&mut head)?;
    let Ok(head) = <[u8; 4]>::try_from(head.as_slice()) else {
        return Ok(if head.is_empty() { Found::End } else { Found::Cut });
    };
    let length = u32::from_le_bytes(head) as usize;
    if length > MAX_BYTES {
        return Err(invalid("a block is too long"));
    }
    let mut packed = Vec::new();
    input.by_ref().take(length as u64).read_to_end(&mut packed)?;
    if packed.len() < length {
        return Ok(Found::Cut);
    }
    let mut bytes = Vec::new();
    let limit = MAX_BYTES as u64 + 1;
    let mut decoder = ZlibDecoder::new(packed.as_slice());
    decoder
        .by_ref()
        .take(limit)
        .read_to_end(&mut bytes)
        .map_err(|error| invalid(&format!("a block is damaged: {error}")))?;
    if decoder.total_in() != packed.len() as u64 {
        return Err(invalid("a block is not as long as it says"));
    }
    if bytes.len() > MAX_BYTES {
        return Err(invalid("a block holds too much"));
    }
    Ok(Found::Block(bytes, length as u64 + 4))
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
