//! What the user asks to probe, parsed from text.

use std::ffi::OsStr;
use std::fmt;
use std::path::Path;

use regex::Regex;

use super::ObjectFile;
use crate::address::{ElfAddress, FileOffset};

/// The most bytes of a pattern's text.
const MAX_TEXT: usize = 4096;

/// One pattern of `--func`.
///
/// | text | matches |
/// | --- | --- |
/// | `animal_print` | functions of exactly this name |
/// | `animal_*` | a glob: `*` is any text, `?` one character, all else is literal |
/// | `/^animal_(make\|print)/` | a regular expression, anywhere in the name |
/// | `0x46ab5d` | the function at a virtual address of the ELF file |
/// | `app+0x6ab5d` | what lies at a file offset of the module `app` |
/// | `libz.so.1:inflate` | any of these in another module, by file name, path or soname |
///
/// A `:` divides module and pattern; `::` does not, nor do `go:` and `type:`, which begin names of
/// Go's own. A text that begins and ends with `/` is a regular expression unless a shared library's
/// path and `:/` stand before it.
#[derive(Clone, Debug)]
pub struct Pattern {
    text: String,
    module: Option<String>,
    kind: Kind,
}

#[derive(Clone, Debug)]
pub(super) enum Kind {
    /// This name.
    Exact(String),
    /// A glob. Where a function's name is the text itself (`main.(*T).Get`), it means that one.
    Glob { literal: String, expression: Regex },
    /// A regular expression.
    Regex(Regex),
    /// A virtual address.
    Address(ElfAddress),
    /// A file offset.
    Offset(FileOffset),
}

/// A text that is no pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot read the pattern `{}`: {why}", text.escape_debug())]
pub struct PatternError {
    /// The text.
    pub text: String,
    /// What is wrong and what to write.
    pub why: String,
}

impl Pattern {
    /// Parses one pattern.
    ///
    /// # Errors
    /// It is empty or too long, its regular expression is wrong, or its address is no hexadecimal
    /// number of 64 bits.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let refuse = |why: String| PatternError { text: text.to_owned(), why };
        if text.len() > MAX_TEXT {
            let text = text.chars().take(40).chain(['…']).collect();
            return Err(PatternError { text, why: format!("it is longer than {MAX_TEXT} bytes") });
        }
        let (module, rest) = match divide(text) {
            Some(("", _)) => return Err(refuse("no module stands before the `:`".to_owned())),
            Some((module, rest)) => (Some(module), rest),
            None => (None, text),
        };
        if rest.is_empty() {
            return Err(refuse("it is empty; name a function, such as `animal_*`".to_owned()));
        }
        if module.is_none()
            && let Some((name, digits)) = rest.rsplit_once("+0x")
            && !name.is_empty()
            && !is_regex(rest)
        {
            let kind = Kind::Offset(FileOffset(hexadecimal(digits).map_err(refuse)?));
            return Ok(Self { text: text.to_owned(), module: Some(name.to_owned()), kind });
        }
        let kind = parse_kind(rest).map_err(refuse)?;
        Ok(Self { text: text.to_owned(), module: module.map(str::to_owned), kind })
    }

    /// The module that it names, if it names one.
    #[must_use]
    pub fn module(&self) -> Option<&str> {
        self.module.as_deref()
    }

    /// Whether it means functions of this module: it names none and `is_target`, or it names this
    /// one by path, file name or soname.
    #[must_use]
    pub fn is_for(&self, path: &Path, object: &ObjectFile, is_target: bool) -> bool {
        let Some(module) = self.module() else { return is_target };
        let module = OsStr::new(module);
        path.as_os_str() == module
            || path.file_name() == Some(module)
            || object.path().as_os_str() == module
            || object.dynamic().soname.as_deref() == Some(module)
    }

    pub(super) fn kind(&self) -> &Kind {
        &self.kind
    }

    /// The text that near names are sought for; `None` where no name was given.
    pub(super) fn wanted_name(&self) -> Option<&str> {
        match &self.kind {
            Kind::Exact(name) | Kind::Glob { literal: name, .. } => Some(name),
            _ => None,
        }
    }

    /// Whether a name matches. A glob's literal text is the caller's to prefer.
    pub(super) fn matches(&self, name: &str) -> bool {
        match &self.kind {
            Kind::Exact(wanted) => wanted == name,
            Kind::Glob { expression, .. } | Kind::Regex(expression) => expression.is_match(name),
            Kind::Address(_) | Kind::Offset(_) => false,
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.text.escape_debug())
    }
}

fn is_regex(text: &str) -> bool {
    text.len() >= 2 && text.starts_with('/') && text.ends_with('/')
}

/// Divides `module:pattern` at the first single colon that is not the pattern's own.
fn divide(text: &str) -> Option<(&str, &str)> {
    let bytes = text.as_bytes();
    let is_colon = |at: Option<usize>| at.and_then(|at| bytes.get(at)) == Some(&b':');
    let at = (0..bytes.len()).find(|&at| {
        is_colon(Some(at)) && !is_colon(at.checked_sub(1)) && !is_colon(at.checked_add(1))
    })?;
    let (module, rest) = (&text[..at], &text[at + 1..]);
    let is_library = module.ends_with(".so") || module.contains(".so.");
    if is_regex(text) && !(is_library && rest.starts_with('/')) {
        return None;
    }
    // A module's name has no call, type argument or path of a language in it.
    let is_name = !module.contains(['(', ')', '<', '>', '*', '{', '}', ' ']);
    let is_go = matches!(module, "go" | "type");
    (is_name && !module.contains("::") && !is_go).then_some((module, rest))
}

fn parse_kind(text: &str) -> Result<Kind, String> {
    if is_regex(text) {
        let inner = &text[1..text.len() - 1];
        if inner.is_empty() {
            return Err("the regular expression is empty; write `/./` for every name".to_owned());
        }
        let expression = Regex::new(inner).map_err(|error| {
            // The last line says what is wrong; those before it draw a picture.
            let text = error.to_string();
            let why = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
            format!("the regular expression is wrong: {why}")
        })?;
        return Ok(Kind::Regex(expression));
    }
    if text.starts_with('/') {
        return Err("a regular expression ends with `/`; a path is followed by `:`".to_owned());
    }
    if let Some(digits) = text.strip_prefix("0x") {
        return Ok(Kind::Address(ElfAddress(hexadecimal(digits)?)));
    }
    if !text.contains(['*', '?']) {
        return Ok(Kind::Exact(text.to_owned()));
    }
    let mut expression = String::from("(?s)^");
    for character in text.chars() {
        match character {
            '*' => expression.push_str(".*"),
            '?' => expression.push('.'),
            other => expression.push_str(&regex::escape(other.encode_utf8(&mut [0; 4]))),
        }
    }
    expression.push('$');
    let expression = Regex::new(&expression).map_err(|_| "the glob is too large".to_owned())?;
    Ok(Kind::Glob { literal: text.to_owned(), expression })
}

fn hexadecimal(digits: &str) -> Result<u64, String> {
    let wrong = || "an address is `0x` and up to 16 hexadecimal digits".to_owned();
    if digits.starts_with('+') {
        return Err(wrong());
    }
    u64::from_str_radix(digits, 16).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn kind(text: &str) -> (Option<String>, String) {
        let pattern = Pattern::parse(text).unwrap();
        let kind = match pattern.kind() {
            Kind::Exact(name) => format!("exact {name}"),
            Kind::Glob { literal, .. } => format!("glob {literal}"),
            Kind::Regex(expression) => format!("regex {expression}"),
            Kind::Address(address) => format!("address {address:x}"),
            Kind::Offset(offset) => format!("offset {offset:x}"),
        };
        (pattern.module, kind)
    }

    #[test]
    fn each_form_is_recognised() {
        for (text, module, expected) in [
            ("animal_print", None, "exact animal_print"),
            ("animal_*", None, "glob animal_*"),
            ("/^a.c$/", None, "regex ^a.c$"),
            ("/a:/b/", None, "regex a:/b"),
            ("0x46ab5d", None, "address 46ab5d"),
            ("app+0x6ab5d", Some("app"), "offset 6ab5d"),
            ("libstdc++.so.6+0x10", Some("libstdc++.so.6"), "offset 10"),
            ("libz.so.1:inflate*", Some("libz.so.1"), "glob inflate*"),
            ("libz.so.1:/^inf/", Some("libz.so.1"), "regex ^inf"),
            ("/usr/lib/libz.so.1:/^inf/", Some("/usr/lib/libz.so.1"), "regex ^inf"),
            ("/opt/app:main", Some("/opt/app"), "exact main"),
            ("libx.so:shop::add", Some("libx.so"), "exact shop::add"),
            ("libx.so:0x10", Some("libx.so"), "address 10"),
            ("shop::add", None, "exact shop::add"),
            ("shop::add(int)", None, "exact shop::add(int)"),
            ("<a as b::C>::d", None, "exact <a as b::C>::d"),
            ("go:textfipsstart", None, "exact go:textfipsstart"),
            ("main.(*T).Get", None, "glob main.(*T).Get"),
            ("main.Map[go.shape.int]", None, "exact main.Map[go.shape.int]"),
        ] {
            assert_eq!(kind(text), (module.map(str::to_owned), expected.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_is_no_pattern_says_what_to_write() {
        for (text, why) in [
            ("", "it is empty"),
            ("lib.so:", "it is empty"),
            (":name", "no module"),
            ("//", "the regular expression is empty"),
            ("/(/", "unclosed group"),
            ("/name", "ends with `/`"),
            ("0x", "hexadecimal"),
            ("0xzz", "hexadecimal"),
            ("0x11112222333344445", "hexadecimal"),
            ("app+0x", "hexadecimal"),
            ("0x+1", "hexadecimal"),
        ] {
            let error = Pattern::parse(text).unwrap_err();
            assert!(error.why.contains(why), "{text}: {error}");
        }
        let error = Pattern::parse(&"a".repeat(5000)).unwrap_err();
        assert!(error.to_string().len() < 200, "{error}");
    }

    #[test]
    fn globs_are_whole_and_literal_elsewhere() {
        let matches = |pattern: &str, name| Pattern::parse(pattern).unwrap().matches(name);
        assert!(matches("animal_*", "animal_print"));
        assert!(!matches("animal_*", "an_animal_print"));
        assert!(matches("a?c", "abc"));
        assert!(!matches("a.?", "abc"));
        assert!(matches("main.Map[*]", "main.Map[int]"));
        assert!(matches("*a/b*", "x.com/a/b.F"));
        assert!(matches("/(?i)ANIMAL/", "my_animal"));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in ".{0,40}") {
            let _ = Pattern::parse(&text);
        }

        #[test]
        fn a_name_matches_itself(name in "[a-zA-Z_][a-zA-Z0-9_.]{0,20}") {
            prop_assert!(Pattern::parse(&name).unwrap().matches(&name));
            let glob = format!("{name}*");
            prop_assert!(Pattern::parse(&glob).unwrap().matches(&name));
        }
    }
}
