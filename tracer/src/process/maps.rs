//! `/proc/PID/maps`: which files are mapped where.
//!
//! Format: fs/proc/task_mmu.c, `show_map_vma`.

use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use super::ProcessError;
use crate::address::{FileOffset, RuntimeAddress};

/// The number of a device, as maps and `stat` show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Device {
    /// The driver.
    pub major: u32,
    /// The one of the driver's devices.
    pub minor: u32,
}

impl fmt::Display for Device {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.major, self.minor)
    }
}

/// One mapping of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// Its first address.
    pub start: RuntimeAddress,
    /// One past its last address.
    pub end: RuntimeAddress,
    /// The file offset of `start`.
    pub offset: FileOffset,
    /// Whether the process may write there.
    pub writable: bool,
    /// Whether code can run there.
    pub executable: bool,
    /// The file, as the process sees it, without the mark of a deleted one.
    pub path: PathBuf,
    /// Whether the file has no name any more: removed, or replaced.
    pub deleted: bool,
    /// The file's inode number.
    pub inode: u64,
    /// The file system's device. On overlayfs and btrfs `stat` may show another.
    pub device: Device,
}

/// The root that a process sees, as we reach it, and a path of `/proc/PID/maps` as the process sees
/// it. `/` and the path itself for a process that sees the same files as we do, and where no such
/// file is found below its root.
#[must_use]
pub fn root_of(pid: u32, path: &Path) -> (PathBuf, PathBuf) {
    let ours = PathBuf::from("/");
    let root = PathBuf::from(format!("/proc/{pid}/root"));
    let namespace = |process: &str| std::fs::read_link(format!("/proc/{process}/ns/mnt")).ok();
    let identity = |path: &Path| std::fs::metadata(path).map(|it| (it.dev(), it.ino())).ok();
    let is_ours = namespace(&pid.to_string()) == namespace("self")
        && identity(&root).is_some_and(|it| Some(it) == identity(&ours));
    // The kernel shows paths from the root of the namespace, where the process has another root.
    let within = std::fs::read_link(&root).ok();
    let inside = within.as_deref().and_then(|root| path.strip_prefix(root).ok()).unwrap_or(path);
    let inside = inside.strip_prefix("/").unwrap_or(inside);
    if is_ours || std::fs::symlink_metadata(root.join(inside)).is_err() {
        return (ours, path.to_owned());
    }
    let inside = ours.join(inside);
    (root, inside)
}

/// The executable file mappings of a process, by address.
///
/// # Errors
/// There is no such process, or the rights are missing.
pub fn executable_mappings(pid: u32) -> Result<Vec<Mapping>, ProcessError> {
    let mut mappings = file_mappings(pid)?;
    mappings.retain(|mapping| mapping.executable);
    Ok(mappings)
}

/// All file mappings of a process, by address.
pub(super) fn file_mappings(pid: u32) -> Result<Vec<Mapping>, ProcessError> {
    let path = PathBuf::from(format!("/proc/{pid}/maps"));
    let text = std::fs::read(&path).map_err(|error| ProcessError::of(pid, path, error))?;
    Ok(parse_maps(&text))
}

/// The kernel's code in every process, as our own process has it: all 64-bit processes of one boot
/// have the same. `None` where the kernel gives none.
#[must_use]
pub fn vdso() -> Option<Vec<u8>> {
    let text = std::fs::read_to_string("/proc/self/maps").ok()?;
    let line = text.lines().find(|line| line.ends_with(" [vdso]"))?;
    let (start, end) = line.split(' ').next()?.split_once('-')?;
    let (start, end) = (hex(start)?, hex(end)?);
    let size = usize::try_from(end.checked_sub(start)?).ok()?;
    let mut image = vec![0; size];
    File::open("/proc/self/mem").ok()?.read_exact_at(&mut image, start).ok()?;
    Some(image)
}

/// All file mappings of a maps text. A line that is none, or is not understood, is left out.
#[must_use]
pub fn parse_maps(text: &[u8]) -> Vec<Mapping> {
    text.split(|&byte| byte == b'\n').filter_map(parse_line).collect()
}

/// A mapping of any kind, and what the kernel calls it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MappingName {
    /// Its first address.
    pub start: RuntimeAddress,
    /// One past its last address.
    pub end: RuntimeAddress,
    /// `[heap]`, `/memfd:jit (deleted)`, a path; `[anon]` where it has no name.
    pub name: OsString,
}

/// The most mappings that are listed of one process.
const MAX_LISTED: usize = 16 << 10;

/// All mappings of a process by name; none where it has ended or may not be looked at.
#[must_use]
pub fn mapping_names(pid: u32) -> Vec<MappingName> {
    let text = std::fs::read(format!("/proc/{pid}/maps")).unwrap_or_default();
    text.split(|&byte| byte == b'\n').filter_map(parse_name).take(MAX_LISTED).collect()
}

fn parse_name(line: &[u8]) -> Option<MappingName> {
    let mut rest = line;
    let (start, end) = field(&mut rest)?.split_once('-')?;
    let (start, end) = (RuntimeAddress(hex(start)?), RuntimeAddress(hex(end)?));
    // Permissions, offset, device; the inode may be the last of the line.
    for _ in 0..3 {
        field(&mut rest)?;
    }
    let name = match rest.iter().position(|&byte| byte == b' ') {
        Some(at) => rest.get(at..)?.trim_ascii_start(),
        None => &[],
    };
    let name = if name.is_empty() { "[anon]".into() } else { unescape(name).into_os_string() };
    Some(MappingName { start, end, name })
}

/// `start-end perms offset major:minor inode   path`
fn parse_line(line: &[u8]) -> Option<Mapping> {
    let mut rest = line;
    let range = field(&mut rest)?;
    let permissions = field(&mut rest)?.as_bytes();
    let offset = hex(field(&mut rest)?)?;
    let (major, minor) = field(&mut rest)?.split_once(':')?;
    let inode = field(&mut rest)?.parse().ok()?;
    let name = rest.trim_ascii_start();
    // `[heap]`, `//anon`, `anon_inode:…` and the like are no files.
    if !name.starts_with(b"/") || name.starts_with(b"//") {
        return None;
    }
    let (start, end) = range.split_once('-')?;
    let (start, end) = (hex(start)?, hex(end)?);
    if start >= end {
        return None;
    }
    let (name, deleted) = match name.strip_suffix(b" (deleted)") {
        Some(name) => (name, true),
        None => (name, false),
    };
    Some(Mapping {
        start: RuntimeAddress(start),
        end: RuntimeAddress(end),
        offset: FileOffset(offset),
        writable: permissions.get(1) == Some(&b'w'),
        executable: permissions.get(2) == Some(&b'x'),
        path: unescape(name),
        deleted,
        inode,
        device: Device {
            major: u32::try_from(hex(major)?).ok()?,
            minor: u32::try_from(hex(minor)?).ok()?,
        },
    })
}

/// The next word before a space.
fn field<'a>(rest: &mut &'a [u8]) -> Option<&'a str> {
    let end = rest.iter().position(|&byte| byte == b' ')?;
    let (word, after) = rest.split_at(end);
    *rest = &after[1..];
    std::str::from_utf8(word).ok()
}

fn hex(digits: &str) -> Option<u64> {
    // `from_str_radix` would take a sign.
    if digits.starts_with('+') { None } else { u64::from_str_radix(digits, 16).ok() }
}

/// The kernel escapes the line feed, and nothing else: a backslash may be a backslash.
fn unescape(name: &[u8]) -> PathBuf {
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name;
    while let Some((&first, tail)) = rest.split_first() {
        if let Some(tail) = rest.strip_prefix(b"\\012") {
            bytes.push(b'\n');
            rest = tail;
        } else {
            bytes.push(first);
            rest = tail;
        }
    }
    Path::new(&OsString::from_vec(bytes)).to_owned()
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_every_field() {
        let text = b"55d0a1c00000-55d0a1c21000 r-xp 00002000 fd:1a 1234567                    /usr/bin/my app\n";
        let expected = Mapping {
            start: RuntimeAddress(0x55d0_a1c0_0000),
            end: RuntimeAddress(0x55d0_a1c2_1000),
            offset: FileOffset(0x2000),
            writable: false,
            executable: true,
            path: "/usr/bin/my app".into(),
            deleted: false,
            inode: 1_234_567,
            device: Device { major: 0xfd, minor: 0x1a },
        };
        assert_eq!(parse_maps(text), [expected]);
    }

    #[test]
    fn only_files_count() {
        let text = b"\
00400000-00401000 r--p 00000000 08:01 7 /srv/app
00401000-00402000 r-xp 00001000 08:01 7 /srv/app
00403000-00404000 rw-p 00000000 00:00 0 
01000000-01021000 rw-p 00000000 00:00 0                                  [heap]
7f0000000000-7f0000001000 rw-s 00000000 00:0e 1057 anon_inode:[perf_event]
7f0000002000-7f0000003000 rw-s 00000000 00:01 5 //anon
7ffd00000000-7ffd00002000 r-xp 00000000 00:00 0                          [vdso]
ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]
";
        let found: Vec<_> =
            parse_maps(text).iter().map(|mapping| (mapping.start.0, mapping.executable)).collect();
        assert_eq!(found, [(0x40_0000, false), (0x40_1000, true)]);
    }

    #[test]
    fn every_mapping_has_a_name() {
        let name = |line: &str| {
            let found = parse_name(line.as_bytes())?;
            Some((found.start.0, found.end.0, found.name.into_string().unwrap()))
        };
        for (rest, expected) in [
            ("00:00 0", "[anon]"),
            ("00:00 0 ", "[anon]"),
            ("00:00 0                  [heap]", "[heap]"),
            ("00:01 5   /memfd:jit (deleted)", "/memfd:jit (deleted)"),
            ("00:0e 1057 anon_inode:[perf_event]", "anon_inode:[perf_event]"),
            ("08:01 7   /srv/my app", "/srv/my app"),
        ] {
            let found = name(&format!("1000-2000 r-xp 00000000 {rest}"));
            assert_eq!(found, Some((0x1000, 0x2000, expected.to_owned())), "{rest}");
        }
        assert_eq!(name("1000-zz r-xp 0 00:00 0"), None);
        assert_eq!(name(""), None);
    }

    #[test]
    fn odd_paths() {
        let path = |name: &[u8]| {
            let line = [b"1000-2000 r-xp 0 08:01 7 ".as_slice(), name].concat();
            parse_maps(&line).pop().map(|m| (m.path.as_os_str().as_bytes().to_vec(), m.deleted))
        };
        assert_eq!(path(b"/a b (deleted)"), Some((b"/a b".to_vec(), true)));
        assert_eq!(path(b"/a\\012b"), Some((b"/a\nb".to_vec(), false)));
        assert_eq!(path(b"/a\\040b\\"), Some((b"/a\\040b\\".to_vec(), false)));
        assert_eq!(path(b"/\xff"), Some((b"/\xff".to_vec(), false)));
    }

    #[test]
    fn damaged_lines_are_left_out() {
        for line in [
            "",
            "1000-2000",
            "2000-1000 r-xp 0 08:01 7 /a",
            "1000-+2000 r-xp 0 08:01 7 /a",
            "1000-2000 r-xp zz 08:01 7 /a",
            "1000-2000 r-xp 0 0801 7 /a",
            "1000-2000 r-xp 0 08:01 -7 /a",
            "1000-2000 r-xp 0 100000000:01 7 /a",
        ] {
            assert_eq!(parse_maps(line.as_bytes()), [], "{line}");
        }
    }

    #[test]
    fn finds_this_function_in_this_process() {
        let pid = std::process::id();
        let address = finds_this_function_in_this_process as fn() as usize as u64;
        let mappings = executable_mappings(pid).unwrap();
        let own = mappings.iter().find(|m| m.start.0 <= address && address < m.end.0).unwrap();
        assert_eq!(own.path, std::env::current_exe().unwrap());
        let opened = own.open(pid).unwrap().metadata().unwrap();
        let expected = std::fs::metadata(&own.path).unwrap();
        assert_eq!((opened.dev(), opened.ino()), (expected.dev(), expected.ino()));
    }

    #[test]
    fn the_vdso_is_an_elf_image() {
        // Every machine that runs the tests has one.
        assert!(vdso().unwrap().starts_with(b"\x7fELF"));
    }

    #[test]
    fn this_process_has_our_root() {
        for pid in [std::process::id(), 1 << 30] {
            assert_eq!(root_of(pid, Path::new("/proc")), ("/".into(), "/proc".into()));
        }
    }

    #[test]
    fn no_process_no_mappings() {
        // Above the largest number that the kernel gives.
        assert!(matches!(executable_mappings(1 << 30), Err(ProcessError::Gone { .. })));
    }

    proptest! {
        #[test]
        fn random_text_never_panics(text in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = (parse_maps(&text), parse_name(&text));
        }

        #[test]
        fn random_fields_never_panic(line in "[0-9a-f]{0,17}-[0-9a-f]{0,17} [rwxp-]{0,4} [0-9a-f]{0,17} [0-9a-f]{0,9}:[0-9]{0,3} [0-9]{0,21} */.{0,9}") {
            let _ = parse_maps(line.as_bytes());
        }
    }
}
