//! What indirect functions (IFUNCs) resolve to. Only the resolver knows, and it asks the
//! processor; so this reads what the dynamic linker has written into the memory of a process that
//! has the library loaded. Nothing is run, and what memory says is checked against the file.

use std::collections::BTreeMap;

use object::{Object, ObjectSymbol, ObjectSymbolTable, RelocationFlags, RelocationTarget, elf};
use rustc_hash::FxHashMap;

use super::{ObjectFile, Symbols, instruction};
use crate::address::{ElfAddress, RuntimeAddress};

/// The most relocations of one file that are looked at.
const MAX_RELOCATIONS: usize = 1 << 20;

/// A module of a running process.
#[derive(Clone, Copy, Debug)]
pub struct Placed<'a> {
    /// The file.
    pub object: &'a ObjectFile,
    /// How far its run-time addresses lie above those in the file, wrapping.
    pub bias: u64,
}

/// The implementations that a process uses of the IFUNCs of `library`, by the address of the
/// resolver. They stand in relocated words of the library itself and of `others`, the modules that
/// import from it; `read` gives the eight bytes at an address. What no one there uses is left out.
#[must_use]
pub fn ifunc_implementations(
    symbols: &Symbols,
    library: Placed<'_>,
    others: &[Placed<'_>],
    read: &mut dyn FnMut(RuntimeAddress) -> Option<u64>,
) -> BTreeMap<ElfAddress, ElfAddress> {
    let resolvers = Resolvers::of(symbols);
    let mut found = BTreeMap::new();
    if resolvers.by_address.is_empty() {
        return found;
    }
    for (module, is_library) in
        [(&library, true)].into_iter().chain(others.iter().map(|other| (other, false)))
    {
        for (slot, resolver) in resolvers.slots(module.object, is_library) {
            if found.contains_key(&resolver) {
                continue;
            }
            let Some(value) = read(RuntimeAddress(slot.0.wrapping_add(module.bias))) else {
                continue;
            };
            let implementation = ElfAddress(value.wrapping_sub(library.bias));
            if is_function(library.object, symbols, implementation) {
                found.insert(resolver, implementation);
            }
        }
    }
    found
}

/// Whether a function begins there: another symbol's, or one that unwind information knows. A word
/// that is not resolved yet, or belongs to another library, points elsewhere.
fn is_function(library: &ObjectFile, symbols: &Symbols, address: ElfAddress) -> bool {
    library.is_code(address)
        && match symbols.at(address) {
            Some(function) => !function.is_ifunc(),
            None => instruction::function_start(library, address) == Some(address),
        }
}

/// The resolvers of one library.
struct Resolvers<'a> {
    by_address: Vec<ElfAddress>,
    /// `None` for a name with several: of old and new versions.
    by_name: FxHashMap<&'a str, Option<ElfAddress>>,
}

impl<'a> Resolvers<'a> {
    fn of(symbols: &'a Symbols) -> Self {
        let mut resolvers = Self { by_address: Vec::new(), by_name: FxHashMap::default() };
        for function in symbols.functions() {
            let mut names = function.aliases.iter().filter(|alias| alias.is_ifunc).peekable();
            if names.peek().is_some() {
                resolvers.by_address.push(function.address);
            }
            for alias in names {
                let entry = resolvers.by_name.entry(&alias.name);
                entry.and_modify(|known| *known = None).or_insert(Some(function.address));
            }
        }
        resolvers
    }

    /// The words of a module that hold an implementation, each with its resolver.
    fn slots(&self, module: &ObjectFile, is_library: bool) -> Vec<(ElfAddress, ElfAddress)> {
        let Ok(elf) = module.elf() else { return Vec::new() };
        let (Some(relocations), table) = (elf.dynamic_relocations(), elf.dynamic_symbol_table())
        else {
            return Vec::new();
        };
        let mut slots = Vec::new();
        for (at, relocation) in relocations.take(MAX_RELOCATIONS) {
            let RelocationFlags::Elf { r_type } = relocation.flags() else { continue };
            let resolver = match (r_type, relocation.target()) {
                (elf::R_X86_64_IRELATIVE, _) if is_library => {
                    let resolver = ElfAddress(relocation.addend().cast_unsigned());
                    self.by_address.binary_search(&resolver).is_ok().then_some(resolver)
                }
                (
                    elf::R_X86_64_GLOB_DAT | elf::R_X86_64_JUMP_SLOT | elf::R_X86_64_64,
                    RelocationTarget::Symbol(index),
                ) if relocation.addend() == 0 => {
                    let symbol = table.as_ref().and_then(|table| table.symbol_by_index(index).ok());
                    let name = symbol.as_ref().and_then(|symbol| symbol.name().ok());
                    name.and_then(|name| *self.by_name.get(name)?)
                }
                _ => None,
            };
            slots.extend(resolver.map(|resolver| (ElfAddress(at), resolver)));
        }
        slots
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::unix::fs::FileExt;
    use std::path::Path;
    use std::process::{Child, Command, Stdio};
    use std::sync::Arc;

    use super::*;
    use crate::object::{Compiled, Pattern, ProbeError, compile, resolve};

    const SOURCE: &str = r#"
        #include <stdio.h>
        static __attribute__((noipa)) int slow(int x) { return x; }
        static __attribute__((noipa)) int fast(int x) { return x + 1; }
        static int (*choose(void))(int) { return &slow == &fast ? slow : fast; }
        int quick(int x) __attribute__((ifunc("choose")));
        int unused(int x) __attribute__((ifunc("choose_unused")));
        static int (*choose_unused(void))(int) { return slow; }
        int main(void) {
            quick(1);
            puts("ready"); fflush(stdout);
            return getchar();
        }"#;

    /// A process, killed in the end.
    struct Running(Child);

    impl Running {
        fn start(program: &Compiled) -> Self {
            let mut command = Command::new(program.program());
            let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
            let mut line = String::new();
            let mut output = std::io::BufReader::new(child.stdout.as_mut().unwrap());
            std::io::BufRead::read_line(&mut output, &mut line).unwrap();
            assert_eq!(line, "ready\n");
            Self(child)
        }

        fn bias(&self, path: &Path, object: &ObjectFile) -> u64 {
            let maps = std::fs::read_to_string(format!("/proc/{}/maps", self.0.id())).unwrap();
            let line = maps.lines().find(|line| line.ends_with(path.to_str().unwrap())).unwrap();
            let start = u64::from_str_radix(line.split('-').next().unwrap(), 16).unwrap();
            start - object.segments()[0].address.0
        }

        fn read(&self, address: RuntimeAddress) -> Option<u64> {
            let memory = File::open(format!("/proc/{}/mem", self.0.id())).ok()?;
            let mut word = [0; 8];
            memory.read_exact_at(&mut word, address.0).ok()?;
            Some(u64::from_le_bytes(word))
        }
    }

    impl Drop for Running {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    #[test]
    fn a_process_tells_what_its_linker_chose() {
        for arguments in [&["-O1"][..], &["-O1", "-no-pie"]] {
            let program = compile("a.c", SOURCE, arguments);
            let object = program.open();
            let mut symbols = Symbols::of(&object);
            let running = Running::start(&program);
            let path = program.program().canonicalize().unwrap();
            let library = Placed { object: &object, bias: running.bias(&path, &object) };
            let resolve = |symbols: &Symbols, pattern| {
                resolve(&object, symbols, [], &[Pattern::parse(pattern).unwrap()], 9)
            };
            assert!(matches!(resolve(&symbols, "quick"), Err(ProbeError::Ifunc { .. })));
            let found = ifunc_implementations(&symbols, library, &[], &mut |at| running.read(at));
            symbols.learn_ifuncs(found);
            let points = resolve(&symbols, "quick").unwrap();
            assert_eq!(points.len(), 1);
            assert_eq!(points[0].address.0, program.address("fast"));
            assert_eq!(points[0].display, "quick");
            assert_eq!(points[0].names, ["quick", "fast"]);
            // Nobody uses this one, and the resolver can be probed by its own name.
            assert!(matches!(resolve(&symbols, "unused"), Err(ProbeError::Ifunc { .. })));
            let points = resolve(&symbols, "choose").unwrap();
            assert_eq!(points[0].address.0, program.address("choose"));
            assert_eq!(points[0].names, ["choose"]);
        }
    }

    #[test]
    fn an_importer_and_the_c_library_agree() {
        let source = r#"
            #include <stdio.h>
            #include <string.h>
            int main(int argc, char **argv) {
                size_t (*volatile length)(const char *) = strlen;
                printf("ready\n"); fflush(stdout);
                return (int)length(argv[0]) + getchar();
            }"#;
        let program = compile("a.c", source, &["-O0"]);
        let running = Running::start(&program);
        let maps = std::fs::read_to_string(format!("/proc/{}/maps", running.0.id())).unwrap();
        let line = maps.lines().find(|line| line.contains("/libc.so"));
        let path = line.and_then(|line| line.find('/').map(|at| &line[at..]));
        let Some(path) = path.map(Path::new) else { return };
        let libc = Arc::new(ObjectFile::open(path).unwrap());
        let symbols = Symbols::of(&libc);
        let strlen =
            symbols.functions().iter().find(|f| f.aliases.iter().any(|a| a.name == "strlen"));
        let Some(strlen) = strlen.filter(|function| function.is_ifunc()) else { return };
        let library = Placed { object: &libc, bias: running.bias(path, &libc) };
        let object = program.open();
        let own = Placed {
            object: &object,
            bias: running.bias(&program.program().canonicalize().unwrap(), &object),
        };
        let read = &mut |at| running.read(at);
        let inside = ifunc_implementations(&symbols, library, &[], read);
        // A library that has no words of its own for it: only the importer's are left.
        let nothing = Placed { object: &libc, bias: library.bias };
        let mut only_importer = |at: RuntimeAddress| {
            let within = at.0.wrapping_sub(own.bias);
            (within < 1 << 20).then(|| running.read(at)).flatten()
        };
        let outside = ifunc_implementations(&symbols, nothing, &[own], &mut only_importer);
        assert_eq!(inside.get(&strlen.address), outside.get(&strlen.address));
        assert!(inside.contains_key(&strlen.address));
    }
}
