//! `/etc/ld.so.cache`: which library lies where, as `ldconfig` wrote it down.
//!
//! Layout: glibc 2.33 and later, `sysdeps/generic/dl-cache.h`. The file may be anyone's.

use std::ffi::OsStr;
use std::io::Read;
use std::ops::Range;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::machine;
use crate::object::file::open_regular;

/// The largest cache that is read, in bytes; one of five thousand libraries has half a megabyte.
const MAX_SIZE: u64 = 4 << 20;

const OLD_MAGIC: &[u8] = b"ld.so-1.7.0";
const OLD_HEADER: usize = 16;
const OLD_ENTRY: usize = 12;
const MAGIC: &[u8] = b"glibc-ld.so.cache1.1";
const HEADER: usize = 48;
const ENTRY: usize = 24;
const EXTENSION_MAGIC: u32 = 0xeaa4_2174;
/// The section of an extension that names levels of processors.
const TAG_LEVELS: u32 = 1;
/// Set in an entry's upper half where the lower half is the number of a level's name.
const IS_LEVEL: u32 = 1 << 30;
/// Bits beside it that say which level the library's own notes ask for.
const LEVEL_MASK: u32 = (1 << 10) - 1;

/// The bytes of a cache, from the header on that all its offsets count from.
#[derive(Debug)]
pub(super) struct Cache(Vec<u8>);

impl Cache {
    /// Reads the file; `None` where there is none, or none that this `ld.so` could use.
    pub(super) fn read(path: &Path) -> Option<Self> {
        let mut bytes = Vec::new();
        open_regular(path).ok()?.take(MAX_SIZE).read_to_end(&mut bytes).ok()?;
        Self::parse(bytes)
    }

    pub(super) fn parse(mut bytes: Vec<u8>) -> Option<Self> {
        if bytes.starts_with(OLD_MAGIC) {
            let libraries = usize::try_from(word(&bytes, 12)?).ok()?;
            let old = libraries.checked_mul(OLD_ENTRY)?.checked_add(OLD_HEADER)?;
            let start = old.checked_next_multiple_of(8)?;
            bytes.get(start..)?;
            bytes.drain(..start);
        }
        let order = *bytes.get(28)?;
        // 0 says nothing, 2 says little-endian.
        (bytes.starts_with(MAGIC) && matches!(order & 3, 0 | 2)).then_some(Self(bytes))
    }

    /// Where a library lies: the build for the best of `levels`, else the plain one.
    pub(super) fn find(&self, name: &OsStr, levels: &[&str]) -> Option<PathBuf> {
        let count = usize::try_from(word(&self.0, 20)?).ok()?;
        let entries = self.0.get(HEADER..)?.chunks_exact(ENTRY).take(count);
        let mut best: Option<(usize, &[u8])> = None;
        for entry in entries {
            let field = |at| word(entry, at);
            if field(0) != Some(machine::CACHE_FLAGS)
                || self.text(field(4)?) != Some(name.as_bytes())
            {
                continue;
            }
            let (low, high) = (field(16)?, field(20)?);
            let rank = if high & !LEVEL_MASK == IS_LEVEL {
                let level = self.level(low);
                levels.iter().position(|known| level == Some(known.as_bytes()))
            } else {
                (low == 0 && high == 0).then_some(levels.len())
            };
            if let (Some(rank), Some(path)) = (rank, self.text(field(8)?))
                && best.is_none_or(|(known, _)| rank < known)
            {
                best = Some((rank, path));
            }
        }
        best.map(|(_, path)| PathBuf::from(OsStr::from_bytes(path)))
    }

    /// The name of a level, by its number.
    fn level(&self, number: u32) -> Option<&[u8]> {
        let extension = self.0.get(usize::try_from(word(&self.0, 32)?).ok()?..)?;
        if word(extension, 0)? != EXTENSION_MAGIC {
            return None;
        }
        let sections = extension.get(8..)?.chunks_exact(16);
        let mut sections = sections.take(usize::try_from(word(extension, 4)?).ok()?);
        let section = sections.find(|section| word(section, 0) == Some(TAG_LEVELS))?;
        let (offset, size) = (word(section, 8)?, word(section, 12)?);
        let numbers = self.0.get(range(offset, size)?)?;
        let at = usize::try_from(number).ok()?.checked_mul(4)?;
        self.text(word(numbers, at)?)
    }

    /// The text at an offset, without its zero byte.
    fn text(&self, offset: u32) -> Option<&[u8]> {
        let bytes = self.0.get(usize::try_from(offset).ok()?..)?;
        let bytes = &bytes[..bytes.len().min(super::load::MAX_NAME)];
        bytes.iter().position(|byte| *byte == 0).map(|length| &bytes[..length])
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..)?.first_chunk::<4>()?;
    Some(u32::from_le_bytes(*bytes))
}

fn range(offset: u32, size: u32) -> Option<Range<usize>> {
    let start = usize::try_from(offset).ok()?;
    Some(start..start.checked_add(usize::try_from(size).ok()?)?)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use proptest::prelude::*;

    use super::*;

    const LEVELS: [&str; 2] = ["x86-64-v3", "x86-64-v2"];

    /// A cache of (name, path, level), as `ldconfig` lays it out.
    fn cache(entries: &[(&str, &str, Option<u32>)]) -> Vec<u8> {
        let strings_at = HEADER + entries.len() * ENTRY;
        let mut strings: Vec<u8> = Vec::new();
        let mut add = |text: &str| {
            let at = u32::try_from(strings_at + strings.len()).unwrap();
            strings.extend(text.bytes().chain([0]));
            at
        };
        let mut body = Vec::new();
        for (name, path, level) in entries {
            body.extend([machine::CACHE_FLAGS, add(name), add(path), 0].map(u32::to_le_bytes));
            let high = if level.is_some() { IS_LEVEL | 3 } else { 0 };
            body.extend([level.unwrap_or(0), high].map(u32::to_le_bytes));
        }
        let names = [add("x86-64-v2"), add("x86-64-v3"), add("x86-64-v4")];
        strings.resize(strings.len().next_multiple_of(4), 0);
        let extension = u32::try_from(strings_at + strings.len()).unwrap();
        let sections = [EXTENSION_MAGIC, 2, 0, 0, 0, 0, TAG_LEVELS, 0, extension + 40, 12];
        let count = u32::try_from(entries.len()).unwrap();
        let header = [count, 0, 2, extension, 0, 0, 0].map(u32::to_le_bytes);
        let mut bytes = MAGIC.to_vec();
        bytes.extend(header.concat());
        bytes.extend(body.concat());
        bytes.extend(strings);
        bytes.extend(sections.map(u32::to_le_bytes).concat());
        bytes.extend(names.map(u32::to_le_bytes).concat());
        bytes
    }

    fn find(bytes: &[u8], name: &str, levels: &[&str]) -> Option<PathBuf> {
        Cache::parse(bytes.to_vec())?.find(OsStr::new(name), levels)
    }

    #[test]
    fn the_best_build_that_the_processor_can_run_is_taken() {
        let bytes = cache(&[
            ("liba.so", "/lib/v4/liba.so", Some(2)),
            ("liba.so", "/lib/v2/liba.so", Some(0)),
            ("liba.so", "/lib/v3/liba.so", Some(1)),
            ("liba.so", "/lib/liba.so", None),
            ("libb.so", "/lib/libb.so", None),
        ]);
        assert_eq!(find(&bytes, "liba.so", &LEVELS).unwrap(), Path::new("/lib/v3/liba.so"));
        assert_eq!(find(&bytes, "liba.so", &LEVELS[1..]).unwrap(), Path::new("/lib/v2/liba.so"));
        assert_eq!(find(&bytes, "liba.so", &[]).unwrap(), Path::new("/lib/liba.so"));
        assert_eq!(find(&bytes, "libb.so", &LEVELS).unwrap(), Path::new("/lib/libb.so"));
        assert_eq!(find(&bytes, "libc.so", &LEVELS), None);
    }

    #[test]
    fn the_old_format_may_stand_before_it() {
        for libraries in 0..4u32 {
            let mut bytes = OLD_MAGIC.to_vec();
            bytes.push(0);
            bytes.extend(libraries.to_le_bytes());
            bytes.resize((OLD_HEADER + OLD_ENTRY * libraries as usize).next_multiple_of(8), 1);
            bytes.extend(cache(&[("liba.so", "/lib/liba.so", None)]));
            assert_eq!(find(&bytes, "liba.so", &[]).unwrap(), Path::new("/lib/liba.so"));
        }
    }

    #[test]
    fn this_systems_cache_is_read_as_ldconfig_prints_it() {
        let Some(cache) = Cache::read(Path::new("/etc/ld.so.cache")) else { return };
        let Ok(output) = Command::new("/sbin/ldconfig").arg("-p").output() else { return };
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        // name (libc6,x86-64) => path; those for other processors' levels say so.
        for line in text.lines().filter(|line| line.contains("(libc6,x86-64)")) {
            let (name, path) = line.trim().split_once(" (libc6,x86-64) => ").unwrap();
            assert_eq!(cache.find(OsStr::new(name), &[]).unwrap(), Path::new(path), "{name}");
        }
    }

    proptest! {
        #[test]
        fn damage_is_no_panic(changes in prop::collection::vec((0usize..400, any::<u8>()), 1..20)) {
            let mut bytes = cache(&[("a", "/a", Some(1)), ("a", "/b", None)]);
            for (at, byte) in changes {
                let at = at % bytes.len();
                bytes[at] = byte;
            }
            let _ = find(&bytes, "a", &LEVELS);
        }
    }
}
