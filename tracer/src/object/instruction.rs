//! Where instructions begin. A breakpoint inside an instruction would turn it into another one, so
//! an address that a user gives is checked before it is probed.

use gimli::{BaseAddresses, EhFrame, LittleEndian, UnwindSection};
use iced_x86::{Decoder, DecoderOptions};

use super::ObjectFile;
use crate::address::ElfAddress;

/// Where the function at an address begins, by the unwind information, which stripped files keep.
pub(super) fn function_start(object: &ObjectFile, address: ElfAddress) -> Option<ElfAddress> {
    let (at, bytes) = object.section(".eh_frame")?;
    let bases = BaseAddresses::default().set_eh_frame(at.0);
    let mut section = EhFrame::new(&bytes, LittleEndian);
    section.set_address_size(8);
    let entry = section.fde_for_address(&bases, address.0, EhFrame::cie_from_offset).ok()?;
    Some(ElfAddress(entry.initial_address()))
}

/// Whether an instruction begins at `address`, by decoding the function from its `start`.
pub(super) fn begins_at(object: &ObjectFile, start: ElfAddress, address: ElfAddress) -> bool {
    let Some(distance) = address.0.checked_sub(start.0) else { return false };
    let Some(code) = object.bytes_at(start, distance) else { return false };
    let mut decoder = Decoder::with_ip(64, code, start.0, DecoderOptions::NONE);
    while decoder.can_decode() {
        // One that reaches beyond `address` is cut off there, and so is invalid.
        if decoder.decode().is_invalid() {
            return false;
        }
    }
    true
}
