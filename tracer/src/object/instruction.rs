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

/// Whether the kernel can put a uprobe on the instruction at `address`: it refuses some prefixes,
/// and for processes that start later it does so without a word (arch/x86/kernel/uprobes.c,
/// `is_prefix_bad`).
#[must_use]
pub fn can_be_probed(object: &ObjectFile, address: ElfAddress) -> bool {
    const LOCK_ES_CS_SS_DS: [u8; 5] = [0xf0, 0x26, 0x2e, 0x36, 0x3e];
    const OTHERS: [u8; 6] = [0x64, 0x65, 0x66, 0x67, 0xf2, 0xf3];
    let bytes = (0..15).map_while(|at| object.bytes_at(address.plus(at), 1)?.first().copied());
    let mut prefixes =
        bytes.take_while(|byte| LOCK_ES_CS_SS_DS.contains(byte) || OTHERS.contains(byte));
    !prefixes.any(|prefix| LOCK_ES_CS_SS_DS.contains(&prefix))
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
