//! What of the search depends on the processor: x86-64.

use std::arch::is_x86_feature_detected;
use std::fs::File;
use std::io::Read;

/// The flags of a library for this machine in `ld.so.cache` (`FLAG_X8664_LIB64 | FLAG_ELF_LIBC6`,
/// glibc `sysdeps/x86_64/dl-cache.h`).
pub(super) const CACHE_FLAGS: u32 = 0x303;

/// Where libraries lie by default; each distribution's `ld.so` knows some of them.
pub(super) const DEFAULT_DIRECTORIES: [&str; 6] = [
    "/lib/x86_64-linux-gnu",
    "/usr/lib/x86_64-linux-gnu",
    "/lib64",
    "/usr/lib64",
    "/lib",
    "/usr/lib",
];

/// The levels of the processor that libraries may be built for, the best first (glibc
/// `sysdeps/x86_64/dl-hwcaps_subdirs.c`).
pub(super) fn levels() -> &'static [&'static str] {
    // LAHF and SAHF belong to the second level too; every processor with the others has them.
    let v2 = is_x86_feature_detected!("cmpxchg16b")
        && is_x86_feature_detected!("popcnt")
        && is_x86_feature_detected!("sse3")
        && is_x86_feature_detected!("sse4.1")
        && is_x86_feature_detected!("sse4.2")
        && is_x86_feature_detected!("ssse3");
    let v3 = v2
        && is_x86_feature_detected!("avx")
        && is_x86_feature_detected!("f16c")
        && is_x86_feature_detected!("fma")
        && has_haswell();
    let v4 = v3
        && is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512cd")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl");
    let from = match (v4, v3, v2) {
        (true, ..) => 0,
        (_, true, _) => 1,
        (.., true) => 2,
        _ => 3,
    };
    &["x86-64-v4", "x86-64-v3", "x86-64-v2"][from..]
}

/// What `$PLATFORM` stands for (glibc `sysdeps/x86/cpu-features.c`).
pub(super) fn platform() -> &'static str {
    if has_haswell() && is_intel() { "haswell" } else { "x86_64" }
}

fn is_intel() -> bool {
    let mut text = String::new();
    let file = File::open("/proc/cpuinfo");
    let read = file.and_then(|file| file.take(4096).read_to_string(&mut text));
    read.is_ok() && text.contains("GenuineIntel")
}

fn has_haswell() -> bool {
    is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("lzcnt")
        && is_x86_feature_detected!("movbe")
        && is_x86_feature_detected!("popcnt")
}
