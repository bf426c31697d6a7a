//! The function symbols of one file, by address.
//!
//! What counts, and what it names; each rule has its test in `symbols/rules.rs`:
//!
//! - A function is a symbol of type FUNC or IFUNC, or one without a type that other files can call
//!   and that lies inside a section of code: hand-written assembly. Local labels are none.
//! - It lies in an executable segment. Undefined and absolute symbols, sections, files, thread-local
//!   ones, data and the linker's own marks are left out: nothing is named or probed by them.
//! - All names of one address are one function. The preferred name is one with a size, then one
//!   that is no IFUNC, then a global before a local before a weak one, then the file's order.
//! - A function holds the bytes that its preferred name's size says, and no others: not the gap
//!   behind it. One without a size holds its first byte, where no function with a size does.
//! - Where functions overlap or nest, the one that begins last holds the byte: its entry is its
//!   own. Behind a nested one the outer one goes on.

use std::collections::BTreeMap;
use std::sync::Arc;

use object::elf;
use object::read::elf::{FileHeader, SectionHeader, SectionTable, Sym};
use object::{Endianness, SectionIndex};
use rustc_hash::FxHashSet;

use super::ranges::Ranges;
use super::{Language, ObjectFile, demangle};
use crate::address::{ElfAddress, FileOffset};

/// How many bytes of names a byte of the file may stand for.
const MAX_SHARING: usize = 4;

/// How a symbol is bound; the order is that of preference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Binding {
    /// Seen by other files.
    Global,
    /// Seen in its own file only.
    Local,
    /// Gives way to a global one.
    Weak,
}

/// One name of a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alias {
    /// The linkage name, without a symbol version.
    pub name: String,
    /// How it is bound.
    pub binding: Binding,
    /// Bytes of the function; 0 where the symbol does not say.
    pub size: u64,
    /// Whether it is an indirect function: the address is its resolver's.
    pub is_ifunc: bool,
    /// Whether the symbol has no type: a label of assembly, which may be called or jumped to.
    pub is_label: bool,
}

/// One function: an address and all its names, the preferred one first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionSymbol {
    /// Where it begins.
    pub address: ElfAddress,
    /// Where that lies in the file.
    pub offset: FileOffset,
    /// Its names; at least one.
    pub aliases: Vec<Alias>,
}

impl FunctionSymbol {
    /// The preferred linkage name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.aliases.first().map_or("", |alias| &alias.name)
    }

    /// Bytes of the function, as its preferred name says; 0 where none says.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.aliases.first().map_or(0, |alias| alias.size)
    }

    /// Whether all its names are those of indirect functions: it is their resolver, without a name
    /// of its own.
    #[must_use]
    pub fn is_ifunc(&self) -> bool {
        self.aliases.iter().all(|alias| alias.is_ifunc)
    }

    /// The preferred name for people, and the language that the name alone gives away.
    #[must_use]
    pub fn demangled(&self) -> (String, Language) {
        demangle(self.name()).unwrap_or_else(|| (self.name().to_owned(), Language::Unknown))
    }
}

/// The function symbols of one module.
#[derive(Clone, Debug)]
pub struct Symbols {
    functions: Vec<FunctionSymbol>,
    extents: Ranges<usize>,
    debug_file: Option<Arc<ObjectFile>>,
    /// What IFUNCs resolve to, by the resolver's address.
    implementations: BTreeMap<ElfAddress, ElfAddress>,
}

impl Symbols {
    /// Reads `.symtab` and `.dynsym` of a file. A table that is damaged counts as absent.
    #[must_use]
    pub fn of(object: &ObjectFile) -> Self {
        Self::read(object, None)
    }

    /// Reads the symbols of a file and of its separate debug file, where it has one; the file's
    /// own segments say what is code. That the two belong together is the caller's to check.
    #[must_use]
    pub fn read(image: &ObjectFile, debug_file: Option<&Arc<ObjectFile>>) -> Self {
        let mut found = Vec::new();
        for source in [Some(image), debug_file.map(Arc::as_ref)].into_iter().flatten() {
            collect(source, image, &mut found);
        }
        Self { debug_file: debug_file.cloned(), ..Self::group(image, found) }
    }

    /// The debug file that they were read from, beside the file itself.
    #[must_use]
    pub fn debug_file(&self) -> Option<&Arc<ObjectFile>> {
        self.debug_file.as_ref()
    }

    fn group(image: &ObjectFile, mut found: Vec<(u64, Alias)>) -> Self {
        found.sort_by_key(|(address, alias)| {
            (*address, alias.size == 0, alias.is_ifunc, alias.binding)
        });
        let mut functions: Vec<FunctionSymbol> = Vec::new();
        let mut seen = FxHashSet::default();
        for (address, alias) in found {
            let address = ElfAddress(address);
            match functions.last_mut() {
                Some(function) if function.address == address => {
                    if seen.insert(alias.name.clone()) {
                        function.aliases.push(alias);
                    }
                }
                _ => {
                    let Some(offset) = image.offset_of(address) else { continue };
                    seen.clear();
                    seen.insert(alias.name.clone());
                    functions.push(FunctionSymbol { address, offset, aliases: vec![alias] });
                }
            }
        }
        let extents = Ranges::new(functions.iter().enumerate().map(|(index, function)| {
            let begin = function.address.0;
            (begin, begin.saturating_add(function.size()), index)
        }));
        Self { functions, extents, debug_file: None, implementations: BTreeMap::new() }
    }

    /// Notes what IFUNCs resolve to, by the address of their resolver: see
    /// [`ifunc_implementations`](super::ifunc_implementations).
    pub fn learn_ifuncs(&mut self, found: impl IntoIterator<Item = (ElfAddress, ElfAddress)>) {
        self.implementations.extend(found);
    }

    /// What the IFUNCs of a resolver are known to resolve to.
    #[must_use]
    pub fn implementation(&self, resolver: ElfAddress) -> Option<ElfAddress> {
        self.implementations.get(&resolver).copied()
    }

    /// Every function, by address.
    #[must_use]
    pub fn functions(&self) -> &[FunctionSymbol] {
        &self.functions
    }

    /// The function that begins at an address.
    #[must_use]
    pub fn at(&self, address: ElfAddress) -> Option<&FunctionSymbol> {
        let index = self.functions.binary_search_by_key(&address, |f| f.address).ok()?;
        self.functions.get(index)
    }

    /// The function that an address lies in. A function without a size holds its first byte only:
    /// where it ends is not known, and a neighbour's name would be a guess. Of functions that
    /// overlap, the one that begins last.
    #[must_use]
    pub fn containing(&self, address: ElfAddress) -> Option<&FunctionSymbol> {
        let sized = self.extents.containing(address.0).next();
        sized.and_then(|(.., index)| self.functions.get(*index)).or_else(|| self.at(address))
    }
}

/// Adds every function symbol of `source` that is code of `image`.
fn collect(source: &ObjectFile, image: &ObjectFile, found: &mut Vec<(u64, Alias)>) {
    let Ok(header) = elf::FileHeader64::<Endianness>::parse(source.data()) else { return };
    let Ok(endian) = header.endian() else { return };
    let Ok(sections) = header.sections(endian, source.data()) else { return };
    // Many symbols may share one long name.
    let mut room = source.data().len().saturating_mul(MAX_SHARING);
    for kind in [elf::SHT_SYMTAB, elf::SHT_DYNSYM] {
        let Ok(table) = sections.symbols(endian, source.data(), kind) else { continue };
        for symbol in table.iter() {
            let address = symbol.st_value(endian);
            // An absolute symbol is a number, not a place in the file.
            let is_place = !symbol.is_undefined(endian) && !symbol.is_absolute(endian);
            if !is_place || !image.is_code(ElfAddress(address)) {
                continue;
            }
            let is_function = match symbol.st_type() {
                elf::STT_FUNC | elf::STT_GNU_IFUNC => true,
                elf::STT_NOTYPE => is_assembly_function(symbol, &sections, endian),
                _ => false,
            };
            let binding = match symbol.st_bind() {
                elf::STB_LOCAL => Binding::Local,
                elf::STB_WEAK => Binding::Weak,
                _ => Binding::Global,
            };
            let Ok(name) = symbol.name(endian, table.strings()) else { continue };
            let name = String::from_utf8_lossy(without_version(name)).into_owned();
            if !is_function || name.is_empty() || is_linker_mark(&name) {
                continue;
            }
            let Some(left) = room.checked_sub(name.len()) else { return };
            room = left;
            let is_ifunc = symbol.st_type() == elf::STT_GNU_IFUNC;
            let (size, is_label) = (symbol.st_size(endian), symbol.st_type() == elf::STT_NOTYPE);
            found.push((address, Alias { name, binding, size, is_ifunc, is_label }));
        }
    }
}

/// Whether a symbol without a type is a function of hand-written assembly: other files can call
/// it, and it lies inside a section of code (the linker's end marks lie just behind one).
fn is_assembly_function(
    symbol: &elf::Sym64<Endianness>,
    sections: &SectionTable<'_, elf::FileHeader64<Endianness>>,
    endian: Endianness,
) -> bool {
    if symbol.st_bind() == elf::STB_LOCAL {
        return false;
    }
    let index = SectionIndex(usize::from(symbol.st_shndx(endian)));
    sections.section(index).is_ok_and(|section| {
        let code = u64::from(elf::SHF_EXECINSTR);
        let within = symbol.st_value(endian).checked_sub(section.sh_addr(endian));
        section.sh_flags(endian) & code != 0
            && within.is_some_and(|within| within < section.sh_size(endian))
    })
}

/// Marks that linkers put into code; Go's stand at the address of a true function.
fn is_linker_mark(name: &str) -> bool {
    matches!(
        name,
        "etext" | "_etext" | "__etext" | "__executable_start" | "runtime.text" | "runtime.etext"
    )
}

/// `memcpy` of `memcpy@@GLIBC_2.14`.
fn without_version(name: &[u8]) -> &[u8] {
    match name.iter().position(|byte| *byte == b'@') {
        None | Some(0) => name,
        Some(at) => &name[..at],
    }
}

#[cfg(test)]
mod rules;
#[cfg(test)]
mod tests;
