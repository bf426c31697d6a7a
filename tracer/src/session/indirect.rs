//! What indirect functions (IFUNCs) of a library resolve to, as read from a process that uses it:
//! one of the target, or else cgotrace itself, on the same processor with the same dynamic linker.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::FileExt;

use super::target::TargetFile;
use crate::address::{ElfAddress, RuntimeAddress};
use crate::object::{ObjectFile, Placed, Symbols, ifunc_implementations};
use crate::process::{self, Mapping};

/// The most processes that are looked into.
const MAX_PROCESSES: usize = 16;

/// The implementations of the IFUNCs of `library`, by the address of their resolver.
pub(super) fn implementations(
    symbols: &Symbols,
    library: &TargetFile,
    processes: &[u32],
) -> BTreeMap<ElfAddress, ElfAddress> {
    let mut found = BTreeMap::new();
    let own = std::process::id();
    for &pid in processes.iter().take(MAX_PROCESSES).chain([&own]) {
        for (resolver, implementation) in in_process(symbols, library, pid).unwrap_or_default() {
            found.entry(resolver).or_insert(implementation);
        }
    }
    found
}

/// What one process knows; `None` where it does not have the library or may not be looked at.
fn in_process(
    symbols: &Symbols,
    library: &TargetFile,
    pid: u32,
) -> Option<BTreeMap<ElfAddress, ElfAddress>> {
    let mappings = process::executable_mappings(pid).ok()?;
    let memory = File::open(format!("/proc/{pid}/mem")).ok()?;
    let place = |mapping: &Mapping| {
        let object = ObjectFile::map(&mapping.open(pid).ok()?, &mapping.path).ok()?;
        // A mapping starts at the page that its segment starts in.
        let length = mapping.end.0.wrapping_sub(mapping.start.0);
        let mut segments = object.segments().iter().filter(|segment| segment.executable);
        let segment = *segments.find(|s| s.offset.0.wrapping_sub(mapping.offset.0) < length)?;
        let within = segment.offset.0 - mapping.offset.0;
        let bias = mapping.start.0.wrapping_add(within).wrapping_sub(segment.address.0);
        Some((object, bias))
    };
    let mut library_bias = None;
    let mut others = Vec::new();
    for (object, bias) in mappings.iter().filter_map(place) {
        if is_same(&object, &library.object) {
            library_bias = Some(bias);
        } else {
            others.push((object, bias));
        }
    }
    let library = Placed { object: &library.object, bias: library_bias? };
    let others: Vec<_> =
        others.iter().map(|(object, bias)| Placed { object, bias: *bias }).collect();
    let mut read = |address: RuntimeAddress| {
        let mut word = [0; 8];
        memory.read_exact_at(&mut word, address.0).ok()?;
        Some(u64::from_le_bytes(word))
    };
    Some(ifunc_implementations(symbols, library, &others, &mut read))
}

/// Whether two files are one build: by build id, or else by their bytes.
fn is_same(one: &ObjectFile, other: &ObjectFile) -> bool {
    match (one.build_id(), other.build_id()) {
        (Some(one), Some(other)) => one == other,
        (None, None) => one.data() == other.data(),
        _ => false,
    }
}
