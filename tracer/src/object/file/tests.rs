use std::io::Write;

use super::*;
use crate::object::compile;

fn open_bytes(bytes: &[u8]) -> Result<ObjectFile, ObjectError> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    ObjectFile::open(file.path())
}

fn program() -> Vec<u8> {
    std::fs::read(compile("a.c", "int main(void) { return 0; }", &["-g", "-gz"]).program()).unwrap()
}

fn put(bytes: &mut [u8], at: usize, value: u64) {
    bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
}

fn get(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap())
}

#[test]
fn what_is_no_program_is_refused_by_name() {
    let text = |result: Result<ObjectFile, ObjectError>| result.unwrap_err().to_string();
    assert!(text(open_bytes(b"")).contains("it is empty"));
    assert!(text(open_bytes(b"#!/bin/sh\n")).contains("it is a script"));
    assert!(text(open_bytes(b"\x7fELF")).contains("neither 32 nor 64"));
    let mut bytes = program();
    bytes[4] = 1;
    assert!(text(open_bytes(&bytes)).contains("32-bit"));
    bytes[4] = 2;
    bytes[18] = 183;
    assert!(text(open_bytes(&bytes)).contains("arm64"));
    assert!(text(ObjectFile::open(Path::new("/"))).contains("a directory"));
    assert!(text(ObjectFile::open(Path::new("/dev/null"))).contains("a device"));
    assert!(text(ObjectFile::open(Path::new("/no/such/file"))).contains("cannot open"));
}

#[test]
fn every_truncation_is_refused_or_harmless() {
    let bytes = program();
    for length in (0..bytes.len()).step_by(97).chain(0..130) {
        if let Ok(object) = open_bytes(&bytes[..length]) {
            assert!(object.segments().iter().all(|s| s.offset.0 + s.size <= length as u64));
        }
    }
}

#[test]
fn segments_outside_of_file_or_address_space_are_refused() {
    let good = program();
    let table = usize::try_from(get(&good, 32)).unwrap();
    let load = (0..20).map(|index| table + 56 * index).find(|at| good[*at] == 1).unwrap();
    // p_offset, p_vaddr, p_filesz of the first PT_LOAD.
    for (field, value) in [(8, u64::MAX), (8, 1 << 40), (16, u64::MAX - 4), (32, 1 << 40)] {
        let mut bytes = good.clone();
        put(&mut bytes, load + field, value);
        let error = open_bytes(&bytes).unwrap_err();
        assert!(matches!(error, ObjectError::Damaged { .. }), "{field} {value:#x}: {error}");
    }
}

#[test]
fn a_section_that_claims_to_be_enormous_is_not_decompressed() {
    let good = program();
    let object = open_bytes(&good).unwrap();
    let (_, info) = object.section(".debug_info").unwrap();
    assert!(matches!(info, Cow::Owned(_)), "-gz compresses");
    let elf = object.elf().unwrap();
    let section = elf.section_by_name(".debug_info").unwrap();
    // The compression header: type, reserved, size.
    let header = section.compressed_file_range().unwrap().offset - 24;
    for size in [1 << 62, MAX_DECOMPRESSED + 1, 100 << 20] {
        let mut bytes = good.clone();
        put(&mut bytes, usize::try_from(header).unwrap() + 8, size);
        assert!(open_bytes(&bytes).unwrap().section(".debug_info").is_none(), "{size}");
    }
}

#[test]
fn addresses_and_offsets_are_each_others_inverse() {
    let object = open_bytes(&program()).unwrap();
    for segment in object.segments().iter().filter(|segment| segment.executable) {
        for within in [0, segment.size / 2, segment.size - 1] {
            let address = segment.address.plus(within);
            let offset = object.offset_of(address).unwrap();
            assert_eq!(offset, segment.offset.plus(within));
            assert_eq!(object.address_of(offset), Some(address));
            assert!(object.is_code(address));
        }
        let left = object.bytes_at(segment.address, segment.size).unwrap();
        assert_eq!(left.len() as u64, segment.size);
        assert!(object.bytes_at(segment.address, segment.size + 1).is_none());
        assert!(object.bytes_at(segment.address, u64::MAX).is_none());
    }
    assert_eq!(object.offset_of(ElfAddress(u64::MAX)), None);
    assert_eq!(object.address_of(FileOffset(u64::MAX)), None);
}

#[test]
fn a_shared_section_is_the_section() {
    let object = Arc::new(open_bytes(&program()).unwrap());
    for name in [".text", ".debug_info", ".dynstr"] {
        assert_eq!(&*object.shared_section(name).unwrap(), &*object.section(name).unwrap().1);
    }
    assert!(object.shared_section(".bss").is_none());
    assert!(object.shared_section(".nothing").is_none());
}
