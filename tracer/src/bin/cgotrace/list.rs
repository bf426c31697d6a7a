//! `cgotrace list`.

use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;

use serde::Serialize;
use tracer::object::Language;
use tracer::session::{ListedFunction, list};
use tracer::sink::sanitize::{sanitize, sanitize_bytes};
use tracer::sink::write_json_line;

use crate::cli::{ListArguments, ListFormat};
use crate::notices;

/// The widest column of names; a longer name pushes its line's rest aside.
const WIDEST_NAME: usize = 48;

/// Exit status: 0, or 1 where there is nothing to list.
pub(crate) fn main(arguments: ListArguments) -> ExitCode {
    let mut warn = |text: String| notices::say(&format!("warning: {text}"));
    let names = arguments.names.into_options();
    let listed = match list(&arguments.binary, arguments.pattern.as_deref(), &names, &mut warn) {
        Ok(listed) => listed,
        Err(error) => {
            notices::say_error(&error.into());
            return ExitCode::FAILURE;
        }
    };
    let mut out = BufWriter::new(io::stdout().lock());
    let written = match arguments.format {
        ListFormat::Text => write_table(&mut out, &listed),
        ListFormat::Json => {
            listed.iter().try_for_each(|one| write_json_line(&mut out, &record(one)))
        }
    };
    crate::output::ended(written.and_then(|()| out.flush()))
}

/// A block for each module and language, a line for each function.
fn write_table(out: &mut impl Write, listed: &[ListedFunction]) -> io::Result<()> {
    let is_same =
        |a: &ListedFunction, b: &ListedFunction| (&a.module, a.language) == (&b.module, b.language);
    for (index, functions) in listed.chunk_by(is_same).enumerate() {
        let [first, ..] = functions else { continue };
        if index != 0 {
            writeln!(out)?;
        }
        let many = if functions.len() == 1 { "function" } else { "functions" };
        let (language, module) = (language(first.language), path(&first.module));
        writeln!(out, "{language} in {module}: {} {many}", functions.len())?;
        let names: Vec<_> = functions.iter().map(|function| sanitize(&function.name)).collect();
        let widths = names.iter().map(|name| name.chars().count());
        let width = widths.max().unwrap_or(0).min(WIDEST_NAME);
        for (function, name) in functions.iter().zip(names) {
            let size = function.size.map_or_else(|| "?".to_owned(), |size| size.to_string());
            let source = match (&function.file, function.line) {
                (Some(file), Some(line)) => format!("  {}:{line}", sanitize(file)),
                (Some(file), None) => format!("  {}", sanitize(file)),
                _ => String::new(),
            };
            let line = format!("{size:>8}  {name:width$}{source}");
            writeln!(out, "{}", line.trim_end())?;
        }
    }
    Ok(())
}

fn language(language: Language) -> &'static str {
    match language {
        Language::C => "C",
        Language::Cpp => "C++",
        Language::Rust => "Rust",
        Language::Go => "Go",
        Language::Asm => "assembly",
        Language::Unknown => "unknown language",
    }
}

fn path(path: &Path) -> std::borrow::Cow<'_, str> {
    sanitize_bytes(path.as_os_str().as_encoded_bytes())
}

/// One function in JSON.
#[derive(Serialize)]
struct Record<'a> {
    kind: &'static str,
    language: &'static str,
    name: &'a str,
    symbols: &'a [String],
    file: Option<&'a str>,
    line: Option<u32>,
    address: String,
    offset: String,
    size: Option<u64>,
    module: std::borrow::Cow<'a, str>,
}

fn record(function: &ListedFunction) -> Record<'_> {
    Record {
        kind: "function",
        language: function.language.name(),
        name: &function.name,
        symbols: &function.symbols,
        file: function.file.as_deref(),
        line: function.line,
        address: format!("{:#x}", function.address.0),
        offset: format!("{:#x}", function.offset.0),
        size: function.size,
        module: function.module.to_string_lossy(),
    }
}

#[cfg(test)]
mod tests {
    use tracer::address::{ElfAddress, FileOffset};

    use super::*;

    fn function(language: Language, name: &str, line: Option<u32>) -> ListedFunction {
        ListedFunction {
            language,
            name: name.to_owned(),
            symbols: vec![format!("_{name}")],
            file: line.map(|_| "/src/a.c".to_owned()),
            line,
            address: ElfAddress(0x40_1000),
            offset: FileOffset(0x1000),
            size: line.map(u64::from),
            module: "/srv/app".into(),
        }
    }

    #[test]
    fn a_table_has_a_block_for_each_language() {
        let listed = [
            function(Language::C, "short", Some(7)),
            function(Language::C, "much_longer\x1b[2J", None),
            function(Language::Go, "main.main", Some(12)),
        ];
        let mut out = Vec::new();
        write_table(&mut out, &listed).unwrap();
        let expected = "\
C in /srv/app: 2 functions
       7  short               /src/a.c:7
       ?  much_longer\\x1b[2J

Go in /srv/app: 1 function
      12  main.main  /src/a.c:12
";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn json_has_every_key() {
        let mut out = Vec::new();
        write_json_line(&mut out, &record(&function(Language::Rust, "f\u{202e}", None))).unwrap();
        let expected = concat!(
            r#"{"kind":"function","language":"rust","name":"f\u202e","symbols":["_f\u202e"],"#,
            r#""file":null,"line":null,"address":"0x401000","offset":"0x1000","size":null,"#,
            r#""module":"/srv/app"}"#,
            "\n"
        );
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
