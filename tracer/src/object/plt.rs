//! Stubs of the procedure linkage table: which function each jumps to.
//!
//! A stub reads a slot of the global offset table and jumps there. The slot's relocation names the
//! function. Nothing is told by the order of stubs: only by what their instructions do.

use std::collections::BTreeMap;

use iced_x86::{Code, Decoder, DecoderOptions, OpKind, Register};
use object::read::elf::{FileHeader, Rela, SectionHeader, Sym};
use object::{Endianness, elf};

use super::{ObjectFile, Symbols};
use crate::address::ElfAddress;

/// The sections that hold stubs, and the size of a stub where the section does not say.
const SECTIONS: [(&[u8], u64); 3] = [(b".plt", 16), (b".plt.sec", 16), (b".plt.got", 8)];

/// The most instructions of one stub.
const MAX_INSTRUCTIONS: usize = 4;

/// The longest name of a function.
const MAX_NAME: usize = 64 << 10;

/// The stubs of one file.
#[derive(Clone, Debug, Default)]
pub struct Stubs {
    /// Begin and end of each, and the linkage name of its function, by begin.
    stubs: Vec<(u64, u64, String)>,
}

impl Stubs {
    /// Reads the stubs of a file. `symbols` tells the names of its own indirect functions, whose
    /// relocations have an address in place of a name. What is damaged counts as absent.
    #[must_use]
    pub fn of(object: &ObjectFile, symbols: &Symbols) -> Self {
        let mut stubs = Self::default();
        let _ = stubs.collect(object, symbols);
        stubs.stubs.sort();
        stubs
    }

    /// The linkage name of the function that the stub at an address jumps to.
    #[must_use]
    pub fn containing(&self, address: ElfAddress) -> Option<&str> {
        let after = self.stubs.partition_point(|(begin, ..)| *begin <= address.0);
        let (_, end, name) = self.stubs.get(after.checked_sub(1)?)?;
        (address.0 < *end).then_some(name)
    }

    fn collect(&mut self, object: &ObjectFile, symbols: &Symbols) -> Option<()> {
        let data = object.data();
        let header = elf::FileHeader64::<Endianness>::parse(data).ok()?;
        let endian = header.endian().ok()?;
        let sections = header.sections(endian, data).ok()?;
        let relocated = Relocated::read(data, header, endian, symbols)?;
        // A name may be shared by many relocations.
        let mut room = data.len().saturating_mul(2);
        for section in sections.iter() {
            let name = sections.section_name(endian, section).unwrap_or_default();
            let Some((_, size)) = SECTIONS.iter().find(|(known, _)| *known == name) else {
                continue;
            };
            let Ok(bytes) = section.data(endian, data) else { continue };
            let start = section.sh_addr(endian);
            let mut size = match section.sh_entsize(endian) {
                stated @ (8 | 16) => stated,
                _ => *size,
            };
            // Stubs that begin with a landing mark are of twice the size.
            if bytes.starts_with(&ENDBR64) {
                size = 16;
            }
            for (at, stub) in (start..).step_by(size as usize).zip(bytes.chunks(size as usize)) {
                let Some(name) = function_of(stub, at, &relocated) else { continue };
                room = room.checked_sub(name.len())?;
                self.stubs.push((at, at.saturating_add(stub.len() as u64), name.to_owned()));
            }
        }
        Some(())
    }
}

const ENDBR64: [u8; 4] = [0xf3, 0x0f, 0x1e, 0xfa];

/// The function that a stub at an address leads to: by the slot that it jumps through, or by the
/// number of the relocation that it hands to the dynamic linker.
fn function_of<'a>(stub: &[u8], at: u64, relocated: &'a Relocated) -> Option<&'a str> {
    let mut decoder = Decoder::with_ip(64, stub, at, DecoderOptions::NONE);
    let mut pushed = None;
    for _ in 0..MAX_INSTRUCTIONS {
        if !decoder.can_decode() {
            return None;
        }
        let instruction = decoder.decode();
        match instruction.code() {
            Code::Endbr64 => {}
            // The linker mold leaves the number in R11.
            Code::Mov_r32_imm32 if instruction.op0_register() == Register::R11D => {}
            Code::Pushq_imm32 => pushed = usize::try_from(instruction.immediate32to64()).ok(),
            Code::Jmp_rm64 => {
                let is_slot = instruction.op0_kind() == OpKind::Memory
                    && instruction.memory_base() == Register::RIP;
                let slot = instruction.memory_displacement64();
                return relocated.slots.get(&slot).filter(|_| is_slot).map(String::as_str);
            }
            Code::Jmp_rel32_64 => return relocated.jumps.get(pushed?)?.as_deref(),
            _ => return None,
        }
    }
    None
}

/// What relocations put into slots.
struct Relocated {
    /// The function's name by the slot's address.
    slots: BTreeMap<u64, String>,
    /// Those of `.rela.plt`, by number.
    jumps: Vec<Option<String>>,
}

impl Relocated {
    fn read(
        data: &[u8],
        header: &elf::FileHeader64<Endianness>,
        endian: Endianness,
        symbols: &Symbols,
    ) -> Option<Self> {
        let sections = header.sections(endian, data).ok()?;
        let table = sections.symbols(endian, data, elf::SHT_DYNSYM).ok()?;
        let mut found = Self { slots: BTreeMap::new(), jumps: Vec::new() };
        let mut room = data.len().saturating_mul(2);
        for section in sections.iter() {
            let Ok(Some((relocations, _))) = section.rela(endian, data) else { continue };
            let is_jumps = sections.section_name(endian, section) == Ok(b".rela.plt");
            for relocation in relocations {
                let name = match relocation.r_type(endian, false) {
                    elf::R_X86_64_JUMP_SLOT | elf::R_X86_64_GLOB_DAT => {
                        let index = relocation.symbol(endian, false)?;
                        let name = table.symbol(index).ok().and_then(|symbol| {
                            let name = symbol.name(endian, table.strings()).ok()?;
                            let is_name = !name.is_empty() && name.len() <= MAX_NAME;
                            is_name.then(|| String::from_utf8_lossy(name).into_owned())
                        });
                        name.filter(|name| !name.is_empty())
                    }
                    // The address is that of the function that finds the one to call.
                    elf::R_X86_64_IRELATIVE => {
                        let resolver = relocation.r_addend(endian).cast_unsigned();
                        let function = symbols.at(ElfAddress(resolver));
                        let names = function.into_iter().flat_map(|function| &function.aliases);
                        names.filter(|alias| alias.is_ifunc).map(|alias| alias.name.clone()).next()
                    }
                    _ => None,
                };
                room = room.checked_sub(name.as_ref().map_or(0, String::len))?;
                if let Some(name) = &name {
                    found.slots.insert(relocation.r_offset(endian), name.clone());
                }
                if is_jumps {
                    found.jumps.push(name);
                }
            }
        }
        Some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::{Compiled, compile};
    use crate::symbol::NativeNamer;

    const SOURCE: &str = "#include <stdlib.h>\n#include <stdio.h>\n\
        int (*volatile taken)(const char *) = puts;\n\
        int main(int n, char **v) { taken(\"a\"); printf(\"%d\", n); void *p = malloc(rand());\n\
        free(p); puts(v[0]); return abs(n) + rand(); }";

    /// Every stub as `objdump` names it, with its addresses.
    fn judged(program: &Compiled) -> Vec<(u64, String)> {
        let text = program.run("objdump", &["-d", "-j.plt", "-j.plt.sec", "-j.plt.got", "program"]);
        let mut name: Option<String> = None;
        let mut found = Vec::new();
        for line in text.lines() {
            if let Some(label) = line.strip_suffix(">:") {
                let label = label.split_once('<').unwrap().1;
                // The first entry of `.plt`, the way to the dynamic linker, is `name@plt-0x10`.
                name = Some(label.to_owned()).filter(|label| label.ends_with("@plt"));
            } else if let (Some((at, _)), Some(name)) = (line.split_once(":\t"), &name) {
                let at = u64::from_str_radix(at.trim(), 16).unwrap();
                found.push((at, name.clone()));
            }
        }
        found
    }

    #[test]
    fn stubs_are_named_as_objdump_names_them() {
        for arguments in [
            &["-O1"][..],
            &["-O1", "-no-pie"],
            &["-O1", "-fcf-protection", "-Wl,-z,ibtplt"],
            &["-O1", "-Wl,-z,now"],
            &["-O1", "-shared", "-fPIC"],
            &["-O1", "-fno-plt"],
        ] {
            let program = compile("a.c", SOURCE, arguments);
            for strip in [false, true] {
                if strip {
                    program.run("strip", &["program"]);
                }
                let expected = judged(&program);
                assert!(!expected.is_empty(), "{arguments:?}");
                let mut namer = NativeNamer::new(program.open(), None);
                for (address, name) in expected {
                    let frames = namer.name(ElfAddress(address));
                    let context = format!("{arguments:?} {address:#x} {frames:?}");
                    assert_eq!(frames.len(), 1, "{context} {name}");
                    assert_eq!(frames[0].symbol, name, "{context}");
                    assert_eq!(frames[0].function, name, "{context}");
                }
            }
        }
    }

    /// Its relocation has an address in place of a name.
    #[test]
    fn an_indirect_function_of_the_file_itself_is_named() {
        let source = "static int one(int x) { return x; }\n\
            static int (*choose(void))(int) { return one; }\n\
            int _Z5twicei(int x) __attribute__((ifunc(\"choose\"), visibility(\"hidden\")));\n\
            int main(int n, char **v) { return _Z5twicei(n); }";
        let program = compile("a.c", source, &["-O1", "-fPIC"]);
        let object = program.open();
        let text = program.run("objdump", &["-d", "-j.plt", "-j.plt.sec", "-j.plt.got", "program"]);
        let line = text.lines().find(|line| line.contains("<*ABS*+") && line.ends_with("@plt>:"));
        let line = line.expect("a stub");
        let at = u64::from_str_radix(line.split(' ').next().unwrap(), 16).unwrap();
        let frames = NativeNamer::new(object, None).name(ElfAddress(at));
        assert_eq!(frames[0].symbol, "_Z5twicei@plt");
        assert_eq!(frames[0].function, "twice(int)@plt");
    }
}
