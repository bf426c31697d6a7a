//! The BPF object loads into this kernel, and knows a file of ours.
#![cfg(feature = "privileged-tests")]

use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use memmap2::Mmap;
use tracer::bpf::Kernel;

#[test]
fn the_programs_load_and_tell_what_the_verifier_did() {
    let (kernel, _, _) = Kernel::load(false).expect("load");
    for figures in kernel.figures() {
        println!("{figures:?}");
    }
    let walk = kernel.figures().iter().find(|figures| figures.name == "probe").expect("probe");
    assert!(walk.verified_instructions.is_some_and(|count| count < 1_000_000));
}

#[test]
fn the_kernel_names_the_inode_of_a_mapped_file() {
    let (mut kernel, _, _) = Kernel::load(false).expect("load");
    let path = Path::new("/proc/self/exe");
    let file = File::open(path).expect("open");
    // SAFETY: a read-only mapping of our own executable, which nobody writes to.
    let mapping = unsafe { Mmap::map(&file) }.expect("map");
    let key = kernel.module_key(path, &mapping).expect("key");
    assert_eq!(key.inode, file.metadata().expect("stat").ino());
    assert_ne!(key.device, 0);
}
