//! The Go version that a binary states about itself. Go: debug/buildinfo/buildinfo.go.

use crate::object::ObjectFile;

use super::read::take_uvarint;

/// How `.go.buildinfo` starts.
const MAGIC: &[u8; 14] = b"\xff Go buildinf:";
/// The section's alignment, by which it is found where there are no section headers.
const ALIGNMENT: usize = 16;
/// The byte of flags; bit 1: the strings follow in line (Go 1.18 on).
const FLAGS: usize = 15;
const FLAG_INLINE: u8 = 2;
/// Where the in-line strings start.
const STRINGS: usize = 32;

/// A Go release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GoVersion {
    /// Always 1 so far.
    pub major: u32,
    /// The release: 21 of "go1.21.13".
    pub minor: u32,
    /// The patch, where the version states one: 13 of "go1.21.13"; none of "go1.27rc1".
    pub patch: Option<u32>,
}

impl GoVersion {
    /// Reads "go1.21.13", "go1.27rc1", "go1.24.3 X:nocoverageredesign", "devel go1.25-abcdef …".
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.strip_prefix("devel ").unwrap_or(text).strip_prefix("go")?;
        let (major, rest) = take_number(text)?;
        let (minor, rest) = take_number(rest.strip_prefix('.')?)?;
        let patch = rest.strip_prefix('.').and_then(take_number).map(|(patch, _)| patch);
        Some(Self { major, minor, patch })
    }
}

fn take_number(text: &str) -> Option<(u32, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    Some((digits.parse().ok()?, rest))
}

/// The version in `object`; `None` where it states none, or in the format of Go 1.17 and before.
pub(super) fn version(object: &ObjectFile) -> Option<GoVersion> {
    if let Some((_, bytes)) = object.section(".go.buildinfo") {
        return parse(&bytes);
    }
    let data = object.data();
    object
        .segments()
        .iter()
        .filter(|segment| !segment.executable)
        .filter_map(|segment| {
            let start = usize::try_from(segment.offset.0).ok()?;
            data.get(start..start.checked_add(usize::try_from(segment.size).ok()?)?)
        })
        .flat_map(|bytes| (0..bytes.len()).step_by(ALIGNMENT).filter_map(|at| bytes.get(at..)))
        .find(|bytes| bytes.starts_with(MAGIC))
        .and_then(parse)
}

/// Reads the bytes of a `.go.buildinfo`.
fn parse(bytes: &[u8]) -> Option<GoVersion> {
    if !bytes.starts_with(MAGIC) || bytes.get(FLAGS)? & FLAG_INLINE == 0 {
        return None;
    }
    let mut rest = bytes.get(STRINGS..)?;
    let length = usize::try_from(take_uvarint(&mut rest)?).ok()?;
    GoVersion::parse(std::str::from_utf8(rest.get(..length)?).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(major: u32, minor: u32, patch: Option<u32>) -> Option<GoVersion> {
        Some(GoVersion { major, minor, patch })
    }

    #[test]
    fn versions_of_all_forms_are_read() {
        assert_eq!(GoVersion::parse("go1.21.13"), version(1, 21, Some(13)));
        assert_eq!(GoVersion::parse("go1.21"), version(1, 21, None));
        assert_eq!(GoVersion::parse("go1.27rc1"), version(1, 27, None));
        assert_eq!(GoVersion::parse("go1.24.3 X:aliastypeparams"), version(1, 24, Some(3)));
        assert_eq!(GoVersion::parse("devel go1.25-d1fe9f Tue"), version(1, 25, None));
        for text in ["", "go", "go1", "gox.21", "1.21", "go1.99999999999", "unknown"] {
            assert_eq!(GoVersion::parse(text), None, "{text}");
        }
    }

    /// The layout that debug/buildinfo documents: magic, pointer size, flags, strings at 32.
    fn buildinfo(flags: u8, length: u8, text: &[u8]) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend([8, flags]);
        bytes.resize(STRINGS, 0);
        bytes.push(length);
        bytes.extend(text);
        bytes
    }

    #[test]
    fn in_line_strings_are_read_and_pointers_refused() {
        assert_eq!(parse(&buildinfo(2, 8, b"go1.22.10")), version(1, 22, Some(1)));
        assert_eq!(parse(&buildinfo(2, 9, b"go1.22.10")), version(1, 22, Some(10)));
        assert_eq!(parse(&buildinfo(0, 9, b"go1.22.10")), None);
    }

    #[test]
    fn damage_is_no_version() {
        let whole = buildinfo(2, 9, b"go1.22.10");
        for length in 0..whole.len() {
            assert_eq!(parse(&whole[..length]), None, "{length} bytes");
        }
        assert_eq!(parse(&buildinfo(2, 200, b"go1.22.10")), None);
        assert_eq!(parse(&buildinfo(2, 4, b"\xff\xfe\xfd\xfc")), None);
    }
}
