//! One JSON object a line, without a character that could steer a terminal.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, Serializer};

use super::sanitize::is_hostile;

/// Writes a record as one line, in one call.
///
/// # Errors
/// The output cannot be written.
pub fn write_json_line(out: &mut impl Write, record: &impl Serialize) -> io::Result<()> {
    let mut line = Vec::with_capacity(1024);
    record.serialize(&mut Serializer::with_formatter(&mut line, Escaped))?;
    line.push(b'\n');
    out.write_all(&line)
}

/// Each hostile character is written as `\u009b`.
struct Escaped;

impl Formatter for Escaped {
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut rest = fragment;
        while let Some((at, char)) = rest.char_indices().find(|&(_, char)| is_hostile(char)) {
            CompactFormatter.write_string_fragment(writer, &rest[..at])?;
            for unit in char.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            rest = &rest[at + char.len_utf8()..];
        }
        CompactFormatter.write_string_fragment(writer, rest)
    }
}
