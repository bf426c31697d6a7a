//! One record of the ring buffer to an event.
//!
//! Layouts: `tracer_common::event`. Fields are read by their offset, little endian; the bytes are
//! not trusted, so every length and every enumeration is checked.

use std::mem::offset_of;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use tracer_common::event::{
    Control, FRAME_EXACT, FRAME_GAP, Frame, HitHeader, KIND_HIT, KIND_HIT_AGAIN, KIND_PROCESS,
    KIND_UNKNOWN_MODULE, MAX_FRAMES, MAX_STACKS,
};
use tracer_common::map::{ModuleKey, ProcessKey};
use tracer_common::reason::{End, Loss, Reason};

use super::{Event, EventError, Hit};

#[cfg(test)]
mod tests;

/// Decodes the records of one ring buffer, in their order.
///
/// The kernel side sends the frames of a stack once, and its number from then on.
#[derive(Debug, Default)]
pub struct Decoder {
    stacks: FxHashMap<u64, Arc<[Frame]>>,
}

impl Decoder {
    /// The event that the bytes of one whole record hold.
    ///
    /// # Errors
    /// The record is shorter or longer than its kind and its count of frames say, or a field holds
    /// a value that this version does not write.
    pub fn decode(&mut self, record: &[u8]) -> Result<Event, EventError> {
        let kind = Fields(record).u32(0)?;
        match kind {
            KIND_HIT => {
                let hit = hit(record, frames(record)?)?;
                self.remember(&hit);
                Ok(Event::Hit(hit))
            }
            KIND_HIT_AGAIN => self.again(record),
            KIND_PROCESS | KIND_UNKNOWN_MODULE => control(record).map(Event::Control),
            _ => Err(EventError::Unknown { what: "the kind", value: kind.into() }),
        }
    }

    /// Twice what the kernel side remembers: two CPUs may send what only one could note.
    fn remember(&mut self, hit: &Hit) {
        if self.stacks.len() < 2 * MAX_STACKS {
            self.stacks.entry(hit.stack).or_insert_with(|| Arc::clone(&hit.frames));
        }
    }

    /// A hit of a stack that was sent before.
    fn again(&self, record: &[u8]) -> Result<Event, EventError> {
        check_length(record, size_of::<HitHeader>())?;
        let stack = Fields(record).u64(offset_of!(HitHeader, stack))?;
        let count = Fields(record).u32(offset_of!(HitHeader, frames))?;
        match self.stacks.get(&stack) {
            Some(frames) if frames.len() == count as usize => {
                hit(record, Arc::clone(frames)).map(Event::Hit)
            }
            Some(_) => Err(unknown("the count of frames of a known stack", count)),
            None => Ok(Event::Lost(Loss::StackForgotten, 1)),
        }
    }
}

/// The frames that follow the header.
fn frames(record: &[u8]) -> Result<Arc<[Frame]>, EventError> {
    let count = Fields(record).u32(offset_of!(HitHeader, frames))?;
    let frames = usize::try_from(count).unwrap_or(usize::MAX);
    if frames > MAX_FRAMES {
        return Err(unknown("the count of frames", count));
    }
    check_length(record, size_of::<HitHeader>() + frames * size_of::<Frame>())?;
    record[size_of::<HitHeader>()..]
        .chunks_exact(size_of::<Frame>())
        .map(|bytes| frame(Fields(bytes)))
        .collect()
}

fn hit(record: &[u8], frames: Arc<[Frame]>) -> Result<Hit, EventError> {
    let header = Fields(record);
    let (end, reason) =
        ending(header.u8(offset_of!(HitHeader, end))?, header.u8(offset_of!(HitHeader, reason))?)?;
    let comm = header.bytes::<16>(offset_of!(HitHeader, comm))?;
    let length = comm.iter().position(|&byte| byte == 0).unwrap_or(comm.len());
    let some = |value| if value == 0 { None } else { Some(value) };
    Ok(Hit {
        time: header.u64(offset_of!(HitHeader, time))?,
        pid: header.u32(offset_of!(HitHeader, pid))?,
        tid: header.u32(offset_of!(HitHeader, tid))?,
        cookie: header.u64(offset_of!(HitHeader, cookie))?,
        goroutine: some(header.u64(offset_of!(HitHeader, goroutine))?),
        cgroup: some(header.u64(offset_of!(HitHeader, cgroup))?),
        comm: comm[..length].to_vec(),
        end,
        reason,
        stack: header.u64(offset_of!(HitHeader, stack))?,
        frames,
    })
}

/// An error has a reason, and nothing else has.
fn ending(end: u8, reason: u8) -> Result<(End, Option<Reason>), EventError> {
    let end = End::from_number(end).ok_or_else(|| unknown("the end", end))?;
    match (end, reason) {
        (End::Error, _) => match Reason::from_number(reason) {
            Some(reason) => Ok((end, Some(reason))),
            None => Err(unknown("the reason", reason)),
        },
        (_, 0) => Ok((end, None)),
        _ => Err(unknown("the reason of a walk that did not fail", reason)),
    }
}

fn frame(fields: Fields<'_>) -> Result<Frame, EventError> {
    let flags = fields.u16(offset_of!(Frame, flags))?;
    if flags & !(FRAME_EXACT | FRAME_GAP) != 0 {
        return Err(unknown("the flags of a frame", flags));
    }
    Ok(Frame {
        address: fields.u64(offset_of!(Frame, address))?,
        offset: fields.u32(offset_of!(Frame, offset))?,
        module: fields.u16(offset_of!(Frame, module))?,
        flags,
    })
}

fn control(record: &[u8]) -> Result<Control, EventError> {
    check_length(record, size_of::<Control>())?;
    let fields = Fields(record);
    let process = offset_of!(Control, process);
    let module = offset_of!(Control, module);
    Ok(Control {
        kind: fields.u32(offset_of!(Control, kind))?,
        pid: fields.u32(offset_of!(Control, pid))?,
        process: ProcessKey {
            tgid: fields.u32(process + offset_of!(ProcessKey, tgid))?,
            exec: fields.u32(process + offset_of!(ProcessKey, exec))?,
            mm: fields.u64(process + offset_of!(ProcessKey, mm))?,
        },
        address: fields.u64(offset_of!(Control, address))?,
        module: ModuleKey {
            inode: fields.u64(module + offset_of!(ModuleKey, inode))?,
            device: fields.u32(module + offset_of!(ModuleKey, device))?,
            generation: fields.u32(module + offset_of!(ModuleKey, generation))?,
        },
    })
}

fn check_length(record: &[u8], need: usize) -> Result<(), EventError> {
    match record.len() {
        have if have < need => Err(EventError::Short { have, need }),
        have if have > need => Err(unknown("the length of the record", have as u64)),
        _ => Ok(()),
    }
}

fn unknown(what: &'static str, value: impl Into<u64>) -> EventError {
    EventError::Unknown { what, value: value.into() }
}

/// Reads little-endian fields of a record by their offset in bytes.
#[derive(Clone, Copy)]
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn bytes<const SIZE: usize>(self, offset: usize) -> Result<[u8; SIZE], EventError> {
        let need = offset + SIZE;
        self.0
            .get(offset..need)
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or(EventError::Short { have: self.0.len(), need })
    }

    fn u8(self, offset: usize) -> Result<u8, EventError> {
        self.bytes(offset).map(u8::from_le_bytes)
    }

    fn u16(self, offset: usize) -> Result<u16, EventError> {
        self.bytes(offset).map(u16::from_le_bytes)
    }

    fn u32(self, offset: usize) -> Result<u32, EventError> {
        self.bytes(offset).map(u32::from_le_bytes)
    }

    fn u64(self, offset: usize) -> Result<u64, EventError> {
        self.bytes(offset).map(u64::from_le_bytes)
    }
}
