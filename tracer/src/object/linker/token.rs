//! The dynamic linker's own names inside paths: `$ORIGIN`, `$LIB`, `$PLATFORM`, with or without
//! braces.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

/// What the names stand for.
pub(super) struct Tokens<'a> {
    /// The directory of the file that the path stands in.
    pub(super) origin: &'a Path,
    /// `lib64`, `lib/x86_64-linux-gnu`: the last part of where this system's libraries lie.
    pub(super) library: &'a OsStr,
    /// The kind of processor.
    pub(super) platform: &'a str,
}

impl Tokens<'_> {
    /// Replaces the names in `text`; what is none of them stays.
    pub(super) fn expand(&self, text: &OsStr) -> OsString {
        let mut rest = text.as_bytes();
        let mut out = Vec::with_capacity(rest.len());
        while let Some(at) = rest.iter().position(|byte| *byte == b'$') {
            out.extend_from_slice(&rest[..at]);
            rest = &rest[at + 1..];
            let (name, after) = split(rest);
            let value = match name {
                b"ORIGIN" => Some(self.origin.as_os_str().as_bytes()),
                b"LIB" => Some(self.library.as_bytes()),
                b"PLATFORM" => Some(self.platform.as_bytes()),
                _ => None,
            };
            match value {
                Some(value) => {
                    out.extend_from_slice(value);
                    rest = after;
                }
                None => out.push(b'$'),
            }
        }
        out.extend_from_slice(rest);
        OsString::from_vec(out)
    }
}

/// The name that a text begins with, and what follows it.
fn split(text: &[u8]) -> (&[u8], &[u8]) {
    let is_letter = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let end = |text: &[u8]| text.iter().position(|byte| !is_letter(byte)).unwrap_or(text.len());
    match text.strip_prefix(b"{") {
        None => text.split_at(end(text)),
        Some(inner) => {
            let (name, after) = inner.split_at(end(inner));
            after.strip_prefix(b"}").map_or((&[][..], text), |after| (name, after))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // What glibc 2.36 makes of them, seen with LD_DEBUG=libs.
    #[test]
    fn names_are_replaced_and_nothing_else_is() {
        let tokens =
            Tokens { origin: Path::new("/o"), library: OsStr::new("lib64"), platform: "cpu" };
        for (text, expected) in [
            ("$ORIGIN", "/o"),
            ("$ORIGIN/../lib", "/o/../lib"),
            ("${ORIGIN}x", "/ox"),
            ("/a/$LIB/${PLATFORM}/$LIB", "/a/lib64/cpu/lib64"),
            ("$ORIGINx/$ORIGIN_", "$ORIGINx/$ORIGIN_"),
            ("${ORIGIN/$", "${ORIGIN/$"),
            ("$$LIB", "$lib64"),
            ("$OTHER", "$OTHER"),
            ("", ""),
        ] {
            assert_eq!(tokens.expand(OsStr::new(text)), expected, "{text}");
        }
    }
}
