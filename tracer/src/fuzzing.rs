//! What fuzzers run: each function takes any bytes, and must neither panic, nor hang, nor allocate
//! without bounds.
//!
//! `cargo xtask fuzz` runs them with changing bytes; a plain test replays the corpora that are kept
//! in `fuzz/corpus`, findings of the past included. A new format gets a function here, a file in
//! `fuzz/fuzz_targets`, and a folder of seeds.

use std::fs::File;
use std::io::Write;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::sync::Arc;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use rustix::fs::{MemfdFlags, memfd_create};

use crate::address::ElfAddress;
use crate::event::EventSource;
use crate::object::go::{self, GoModule};
use crate::object::{Dwarf, ObjectFile, Symbols, fuzz_parts};
use crate::recording::Recording;
use crate::symbol::NativeNamer;
use crate::unwind::module_rows;

/// Where the code of a wrapped input lies, and its size.
const CODE: u64 = 0x1000;
const CODE_SIZE: u64 = 0x1000;

/// Where the sections of a wrapped input lie.
const SECTIONS: u64 = 0x10_0000;

/// A whole ELF file: headers, symbols, notes, dynamic section, what lies packed in it.
pub fn elf(bytes: &[u8]) {
    let Some(object) = open(bytes.to_vec()) else { return };
    let symbols = Symbols::of(&object);
    for function in symbols.functions().iter().take(256) {
        let _ = (function.demangled(), symbols.containing(function.address.plus(1)));
    }
    let _ = (object.dynamic(), object.debug_address(), object.interpreter());
    fuzz_parts(&object);
    let mut namer = NativeNamer::new(Arc::clone(&object), None);
    for segment in object.segments().iter().filter(|segment| segment.executable) {
        for at in 0..segment.size.min(64) {
            let _ = namer.name(segment.address.plus(at * 7));
        }
    }
}

/// DWARF sections one behind the other, each after its length in two bytes: see
/// [`DWARF_SECTIONS`].
pub fn dwarf(bytes: &[u8]) {
    let mut rest = bytes;
    let mut sections = Vec::new();
    for name in DWARF_SECTIONS {
        let Some((length, after)) = rest.split_first_chunk() else { break };
        let length = usize::from(u16::from_le_bytes(*length)).min(after.len());
        let (section, after) = after.split_at(length);
        sections.push((name, section));
        rest = after;
    }
    let Some(object) = wrapped(&sections) else { return };
    let Some(mut dwarf) = Dwarf::read(&object, &object) else { return };
    for at in (0..CODE_SIZE).step_by(64) {
        let _ = dwarf.frames_at(ElfAddress(CODE + at));
    }
    let _ = dwarf.languages();
    let _ = dwarf.declared_at((0..CODE_SIZE).step_by(256).map(|at| ElfAddress(CODE + at)));
    let _ = dwarf.inlined_into("a");
}

/// The sections of [`dwarf`], in their order.
pub const DWARF_SECTIONS: [&str; 10] = [
    ".debug_info",
    ".debug_abbrev",
    ".debug_line",
    ".debug_str",
    ".debug_line_str",
    ".debug_ranges",
    ".debug_rnglists",
    ".debug_addr",
    ".debug_str_offsets",
    ".debug_aranges",
];

/// The bytes of `.eh_frame`, and again as those of `.debug_frame`.
pub fn cfi(bytes: &[u8]) {
    for name in [".eh_frame", ".debug_frame"] {
        if let Some(object) = wrapped(&[(name, bytes)]) {
            let _ = module_rows(&object, None, &[]);
        }
    }
}

/// A whole ELF file with Go's tables.
pub fn pclntab(bytes: &[u8]) {
    let Some(object) = open(bytes.to_vec()) else { return };
    let Ok(Some(go)) = GoModule::find(&object) else { return };
    for function in go.functions().take(1024) {
        let _ = (function.name(), function.func_id(), function.flags(), function.is_go());
        let _ = function.pcsp().map(|values| values.take(4096).count());
        for at in [0, 1, 16, 33] {
            let _ = go.frames_at(function.entry.plus(at));
        }
    }
    let _ = module_rows(&object, Some(&go), &[]);
}

/// What follows the magic of Go's buildinfo.
pub fn buildinfo(bytes: &[u8]) {
    let mut section = b"\xff Go buildinf:".to_vec();
    section.extend(bytes);
    if let Some(object) = wrapped(&[(".go.buildinfo", &section)]) {
        let _ = go::fuzz_version(&object);
    }
    // Without section headers, a search finds it.
    if let Some(object) = wrapped(&[]) {
        let mut file = object.data().to_vec();
        file.resize(SECTIONS as usize & 0xffff, 0);
        file.extend(&section);
        let _ = open(file).map(|object| go::fuzz_version(&object));
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = go::GoVersion::parse(text);
    }
}

/// The contents of the blocks of a recording, each after its length in two bytes; after a length of
/// zero, what ends the file.
pub fn recording(bytes: &[u8]) {
    let mut file = crate::recording::MAGIC.to_vec();
    let mut rest = bytes;
    while let Some((length, after)) = rest.split_first_chunk() {
        let length = usize::from(u16::from_le_bytes(*length)).min(after.len());
        let (content, after) = after.split_at(length);
        rest = after;
        if length == 0 {
            break;
        }
        let mut block = ZlibEncoder::new(vec![0; 4], Compression::fast());
        let Some(mut block) = block.write_all(content).and_then(|()| block.finish()).ok() else {
            return;
        };
        let size = block.len() as u32 - 4;
        block[..4].copy_from_slice(&size.to_le_bytes());
        file.extend(block);
    }
    file.extend(rest);
    let Ok(memory) = memfd_create("recording", MemfdFlags::CLOEXEC) else { return };
    let mut memory = File::from(memory);
    if memory.write_all(&file).is_err() {
        return;
    }
    let path = format!("/proc/self/fd/{}", memory.as_raw_fd());
    let Ok(mut recording) = Recording::open(Path::new(&path)) else { return };
    let _ = recording.names();
    while let Ok(Some(_)) = recording.next_event() {}
}

fn open(bytes: Vec<u8>) -> Option<Arc<ObjectFile>> {
    ObjectFile::from_bytes(bytes, Path::new("/fuzzed")).ok().map(Arc::new)
}

/// A sound ELF file with a segment of code and these sections.
fn wrapped(sections: &[(&str, &[u8])]) -> Option<Arc<ObjectFile>> {
    let header = 64 + 2 * 56;
    let mut names = b"\0".to_vec();
    let mut body = Vec::new();
    // Name, type, flags, address, offset, size, link, info, alignment, entry size.
    let mut headers: Vec<[u64; 10]> = vec![[0; 10]];
    let mut add = |name: &str, bytes: &[u8], kind, flags, names: &mut Vec<u8>| {
        let offset = header + body.len() as u64;
        let at = names.len() as u64;
        names.extend(name.bytes().chain([0]));
        let size = bytes.len() as u64;
        headers.push([at, kind, flags, SECTIONS + offset, offset, size, 0, 0, 1, 0]);
        body.extend(bytes);
    };
    add(".text", &[0xcc; CODE_SIZE as usize], 1, 6, &mut names);
    for (name, bytes) in sections {
        add(name, bytes, 1, 2, &mut names);
    }
    let all = names.clone();
    add(".shstrtab", &[all.as_slice(), b".shstrtab\0"].concat(), 3, 0, &mut names);
    headers[1][3] = CODE;
    let size = body.len() as u64;
    let mut file = b"\x7fELF\x02\x01\x01".to_vec();
    file.resize(16, 0);
    let mut put = |value: u64, bytes: usize| file.extend(&value.to_le_bytes()[..bytes]);
    [(3, 2), (62, 2), (1, 4), (CODE, 8), (64, 8), (header + size, 8), (0, 4)]
        .into_iter()
        .for_each(|(value, bytes)| put(value, bytes));
    let count = headers.len() as u64;
    [64, 56, 2, 64, count, count - 1].into_iter().for_each(|value| put(value, 2));
    for (flags, offset, address, size) in
        [(5, header, CODE, CODE_SIZE), (4, 0, SECTIONS, header + size)]
    {
        [(1, 4), (flags, 4), (offset, 8), (address, 8), (address, 8), (size, 8), (size, 8), (1, 8)]
            .into_iter()
            .for_each(|(value, bytes)| put(value, bytes));
    }
    file.extend(&body);
    for fields in headers {
        let widths = [4, 4, 8, 8, 8, 8, 4, 4, 8, 8];
        for (value, width) in fields.into_iter().zip(widths) {
            file.extend(&value.to_le_bytes()[..width]);
        }
    }
    open(file)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn what_is_wrapped_is_read() {
        let object = wrapped(&[(".eh_frame", b"abc"), (".debug_info", b"defg")]).unwrap();
        assert_eq!(&*object.section(".eh_frame").unwrap().1, b"abc");
        assert_eq!(&*object.section(".debug_info").unwrap().1, b"defg");
        assert!(object.is_code(ElfAddress(CODE)));
        assert_eq!(object.bytes_at(ElfAddress(CODE), 1), Some(&[0xcc][..]));
    }

    /// Every input that is kept, those that have found mistakes included.
    #[test]
    fn kept_inputs_do_no_harm() {
        type Target = (&'static str, fn(&[u8]));
        let targets: [Target; 6] = [
            ("elf", elf),
            ("dwarf", dwarf),
            ("cfi", cfi),
            ("pclntab", pclntab),
            ("buildinfo", buildinfo),
            ("recording", recording),
        ];
        for (name, run) in targets {
            let folder =
                PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(name);
            let mut inputs = 0;
            for entry in std::fs::read_dir(&folder).unwrap() {
                run(&std::fs::read(entry.unwrap().path()).unwrap());
                inputs += 1;
            }
            assert!(inputs > 0, "{} is empty", folder.display());
        }
    }
}
