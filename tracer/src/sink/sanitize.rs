//! Names from a target are untrusted: what could steer a terminal is shown escaped.

use std::borrow::Cow;
use std::fmt::Write;
use std::ops::RangeInclusive;

/// Characters that are not seen, and change how what follows is read: directions, joiners, tags.
const INVISIBLE: [RangeInclusive<char>; 12] = [
    '\u{ad}'..='\u{ad}',
    '\u{61c}'..='\u{61c}',
    '\u{180e}'..='\u{180e}',
    '\u{200b}'..='\u{200f}',
    '\u{2028}'..='\u{202e}',
    '\u{2060}'..='\u{206f}',
    '\u{feff}'..='\u{feff}',
    '\u{fff9}'..='\u{fffb}',
    '\u{fe00}'..='\u{fe0f}',
    '\u{1d173}'..='\u{1d17a}',
    '\u{e0000}'..='\u{e0fff}',
    '\u{3164}'..='\u{3164}',
];

/// Whether a character must not reach a terminal as it is.
#[must_use]
pub fn is_hostile(char: char) -> bool {
    char.is_control() || (!char.is_ascii() && INVISIBLE.iter().any(|range| range.contains(&char)))
}

/// Text with every hostile character as an escape: `\n`, `\x1b`, `\u{202e}`.
#[must_use]
pub fn sanitize(text: &str) -> Cow<'_, str> {
    if !text.contains(is_hostile) {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len() + 16);
    text.chars().for_each(|char| push(&mut clean, char));
    Cow::Owned(clean)
}

/// As [`sanitize`], for bytes that should be UTF-8: a byte that is not is shown as `\xff`.
#[must_use]
pub fn sanitize_bytes(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return sanitize(text);
    }
    let mut clean = String::with_capacity(bytes.len() + 16);
    for chunk in bytes.utf8_chunks() {
        chunk.valid().chars().for_each(|char| push(&mut clean, char));
        for byte in chunk.invalid() {
            push_byte(&mut clean, *byte);
        }
    }
    Cow::Owned(clean)
}

/// As [`sanitize`], for a message of our own that may span lines: line feeds stay.
#[must_use]
pub fn sanitize_lines(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for char in text.chars() {
        if char == '\n' { clean.push(char) } else { push(&mut clean, char) }
    }
    clean
}

fn push(clean: &mut String, char: char) {
    match char {
        '\n' => clean.push_str("\\n"),
        '\r' => clean.push_str("\\r"),
        '\t' => clean.push_str("\\t"),
        _ if !is_hostile(char) => clean.push(char),
        _ => match u8::try_from(char) {
            Ok(byte) if byte.is_ascii() => push_byte(clean, byte),
            _ => clean.extend(char.escape_unicode()),
        },
    }
}

fn push_byte(clean: &mut String, byte: u8) {
    // A String takes every write.
    let _ = write!(clean, "\\x{byte:02x}");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_of_all_languages_stay() {
        for name in ["main.(*T).Do·f", "naïve::日本語", "a b\\c", "operator<<", "🦀"] {
            assert!(matches!(sanitize(name), Cow::Borrowed(same) if same == name), "{name}");
        }
    }

    #[test]
    fn what_steers_a_terminal_is_escaped() {
        for (name, shown) in [
            ("a\x1b[31mb", "a\\x1b[31mb"),
            ("a\rb\nc\td", "a\\rb\\nc\\td"),
            ("a\0\x07\x7f", "a\\x00\\x07\\x7f"),
            ("a\u{9b}31m", "a\\u{9b}31m"),
            ("a\u{202e}b\u{2066}c", "a\\u{202e}b\\u{2066}c"),
            ("a\u{200b}\u{feff}\u{e0041}", "a\\u{200b}\\u{feff}\\u{e0041}"),
            ("a\u{2028}b", "a\\u{2028}b"),
        ] {
            assert_eq!(sanitize(name), shown);
            assert_eq!(sanitize_bytes(name.as_bytes()), shown);
        }
    }

    #[test]
    fn bytes_that_are_not_utf8_are_shown() {
        assert_eq!(sanitize_bytes(b"a\xffb\xc3"), "a\\xffb\\xc3");
        // A raw C1 byte, which an 8-bit terminal would obey.
        assert_eq!(sanitize_bytes(b"\x9b31m\x1b"), "\\x9b31m\\x1b");
    }

    #[test]
    fn messages_keep_their_lines() {
        assert_eq!(sanitize_lines("a\nb\x1b\r"), "a\nb\\x1b\\r");
    }

    proptest! {
        #[test]
        fn nothing_hostile_is_left(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            prop_assert!(!sanitize_bytes(&bytes).contains(is_hostile));
            let text = String::from_utf8_lossy(&bytes);
            prop_assert!(!sanitize(&text).contains(is_hostile));
        }
    }
}
