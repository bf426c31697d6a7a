//! Linkage names of Rust and C++ to names for people.
//!
//! Names come from the traced file. Both schemes have back references, so a short name may stand
//! for an enormous text: input and output are bounded.

mod cpp;

use std::fmt::{self, Write};

use cpp_demangle::{DemangleOptions, ParseOptions};

use super::Language;

/// The longest linkage name that is demangled, in bytes.
const MAX_MANGLED: usize = 32 << 10;

/// The longest demangled name, in bytes.
const MAX_DEMANGLED: usize = 16 << 10;

/// The deepest nesting of a C++ name.
const MAX_DEPTH: u32 = 96;

/// A linkage name of Rust or C++ for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Demangled {
    /// The whole name.
    pub full: String,
    /// The form that people write, where it differs: C++ without parameters and return type,
    /// `shop::add` of `shop::add(int)`; Rust without the function's own type arguments and without
    /// the brackets around a type, `zoo::Animal<i32>::feed` of `<zoo::Animal<i32>>::feed::<u8>`.
    pub short: Option<String>,
    /// Which of the two languages it is.
    pub language: Language,
}

impl Demangled {
    /// Demangles a linkage name of Rust (both schemes, without the hash) or C++; `None` for any
    /// other name.
    #[must_use]
    pub fn of(symbol: &str) -> Option<Self> {
        if !looks_mangled(symbol) {
            return None;
        }
        if let Some(full) = rust(symbol) {
            let short = short_rust(&full);
            return Some(Self { full, short, language: Language::Rust });
        }
        let name = parse_cpp(symbol)?;
        let full = full_cpp(symbol, &name)?;
        let short = short_cpp(&name).filter(|short| *short != full);
        Some(Self { full, short, language: Language::Cpp })
    }

    /// The form that people write.
    #[must_use]
    pub fn into_short(self) -> String {
        self.short.unwrap_or(self.full)
    }

    /// Whether one of its forms fits.
    #[must_use]
    pub fn fits(&self, fits: impl Fn(&str) -> bool) -> bool {
        fits(&self.full) || self.short.as_deref().is_some_and(fits)
    }
}

/// Demangles a linkage name of Rust (both schemes, without the hash) or C++, and says which it is;
/// `None` for any other name.
#[must_use]
pub fn demangle(symbol: &str) -> Option<(String, Language)> {
    if !looks_mangled(symbol) {
        return None;
    }
    if let Some(name) = rust(symbol) {
        return Some((name, Language::Rust));
    }
    full_cpp(symbol, &parse_cpp(symbol)?).map(|name| (name, Language::Cpp))
}

/// The shorter form of a Rust name, if there is one. A type as a trait keeps its brackets.
fn short_rust(name: &str) -> Option<String> {
    let arguments = name.ends_with('>').then(|| opening_bracket(name)).flatten();
    let without = arguments.and_then(|at| name[..at].strip_suffix("::"));
    let plain = without.unwrap_or(name);
    let inherent = plain.starts_with('<').then(|| closing_bracket(plain)).flatten();
    let inherent = inherent.map(|end| (&plain[1..end], &plain[end + 1..]));
    match inherent.filter(|(of, _)| !of.contains(" as ")) {
        Some((of, rest)) => Some(format!("{of}{rest}")),
        None => without.map(str::to_owned),
    }
}

/// Where the bracket that `text` ends with was opened.
fn opening_bracket(text: &str) -> Option<usize> {
    let mut depth = 0usize;
    brackets(text).rev().find_map(|(at, opens)| {
        depth = if opens { depth.checked_sub(1)? } else { depth + 1 };
        (depth == 0).then_some(at)
    })
}

/// Where the bracket that `text` begins with is closed.
fn closing_bracket(text: &str) -> Option<usize> {
    let mut depth = 0usize;
    brackets(text).find_map(|(at, opens)| {
        depth = if opens { depth + 1 } else { depth.checked_sub(1)? };
        (depth == 0).then_some(at)
    })
}

/// Every bracket, and whether it opens. The one of `->` is none.
fn brackets(text: &str) -> impl DoubleEndedIterator<Item = (usize, bool)> {
    let bytes = text.as_bytes();
    bytes.iter().enumerate().filter_map(move |(at, byte)| match byte {
        b'<' => Some((at, true)),
        b'>' if at == 0 || bytes[at - 1] != b'-' => Some((at, false)),
        _ => None,
    })
}

/// A quick look, before any parsing.
fn looks_mangled(symbol: &str) -> bool {
    (symbol.starts_with("_Z") || symbol.starts_with("_R")) && symbol.len() <= MAX_MANGLED
}

fn rust(symbol: &str) -> Option<String> {
    // The legacy scheme borrowed C++'s; only the hash at its end tells it from that.
    if symbol.starts_with("_Z") && !has_hash(symbol) {
        return None;
    }
    let name = rustc_demangle::try_demangle(symbol).ok()?;
    bounded(format_args!("{name:#}"))
}

/// Whether the last part of a legacy name is a hash: `17h` and 16 hexadecimal digits before the
/// `E` that ends it. What LLVM appends does not count.
fn has_hash(symbol: &str) -> bool {
    let name = symbol.split_once(".llvm.").map_or(symbol, |(name, _)| name).as_bytes();
    name.iter().rposition(|byte| *byte == b'E').is_some_and(|end| {
        let hash = end.checked_sub(19).and_then(|start| name.get(start..end));
        hash.and_then(|hash| hash.strip_prefix(b"17h"))
            .is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    })
}

fn parse_cpp(symbol: &str) -> Option<cpp_demangle::Symbol<&str>> {
    if !symbol.starts_with("_Z") {
        return None;
    }
    let parse = ParseOptions::default().recursion_limit(MAX_DEPTH);
    cpp_demangle::Symbol::new_with_options(symbol, &parse).ok()
}

/// The whole name, or the short one where its parameters might be wrong.
fn full_cpp(symbol: &str, name: &cpp_demangle::Symbol<&str>) -> Option<String> {
    let text = print_cpp(name, DemangleOptions::new())?;
    cpp::with_parameters(symbol, text).or_else(|| short_cpp(name))
}

/// The name without parameters and return type.
fn short_cpp(name: &cpp_demangle::Symbol<&str>) -> Option<String> {
    print_cpp(name, DemangleOptions::new().no_params().no_return_type()).map(cpp::tidy)
}

fn print_cpp(name: &cpp_demangle::Symbol<&str>, options: DemangleOptions) -> Option<String> {
    let mut out = Bounded::default();
    name.structured_demangle(&mut out, &options.recursion_limit(MAX_DEPTH)).ok()?;
    Some(out.0)
}

fn bounded(text: fmt::Arguments<'_>) -> Option<String> {
    let mut out = Bounded::default();
    out.write_fmt(text).ok()?;
    Some(out.0)
}

/// Text that refuses to grow beyond [`MAX_DEMANGLED`].
#[derive(Default)]
struct Bounded(String);

impl Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if text.len() > MAX_DEMANGLED - self.0.len() {
            return Err(fmt::Error);
        }
        self.0.push_str(text);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // The expected names are those of `c++filt` and `rustfilt`.
    #[test]
    fn each_scheme_is_told_from_the_others() {
        let rust = |name: &str| Some((name.to_owned(), Language::Rust));
        let cpp = |name: &str| Some((name.to_owned(), Language::Cpp));
        assert_eq!(demangle("_ZN4core3ptr4read17h0123456789abcdefE"), rust("core::ptr::read"));
        assert_eq!(demangle("_RNvCs1234_7mycrate3foo"), rust("mycrate::foo"));
        assert_eq!(demangle("_ZN4shop3addEi"), cpp("shop::add(int)"));
        assert_eq!(demangle("_ZN4shop3addE"), cpp("shop::add"));
        for plain in ["main", "_Z", "_start", "main.main", "_ZN", "_R", ""] {
            assert_eq!(demangle(plain), None, "{plain}");
        }
    }

    #[test]
    fn parameters_can_be_left_out() {
        let forms = |symbol| Demangled::of(symbol).map(|name| (name.full, name.short));
        let add = ("shop::add(int)".to_owned(), Some("shop::add".to_owned()));
        assert_eq!(forms("_ZN4shop3addEi"), Some(add));
        let read = ("core::ptr::read".to_owned(), None);
        assert_eq!(forms("_ZN4core3ptr4read17h0123456789abcdefE"), Some(read));
        assert_eq!(forms("main"), None);
    }

    #[test]
    fn a_hash_is_told_whatever_follows_it() {
        for symbol in [
            "_ZN3foo17h05af221e174051e9E",
            "_ZN3foo17h05af221e174051e9E.llvm.9D1C9369",
            "_ZN3foo17h05af221e174051e9E.llvm.9D1C9369@@16",
        ] {
            assert_eq!(demangle(symbol), Some(("foo".to_owned(), Language::Rust)), "{symbol}");
        }
        let cpp = Some(("foo::h05af221e174051e".to_owned(), Language::Cpp));
        assert_eq!(demangle("_ZN3foo16h05af221e174051eE"), cpp);
    }

    // Linkage names as rustc made them.
    #[test]
    fn rust_has_a_shorter_form() {
        for (symbol, long, short) in [
            ("_RINvCsdrzbAzSuyJg_3zoo4leafhEB2_", "zoo::leaf::<u8>", Some("zoo::leaf")),
            (
                "_RINvCsdrzbAzSuyJg_3zoo4leafFlElEB2_",
                "zoo::leaf::<fn(i32) -> i32>",
                Some("zoo::leaf"),
            ),
            (
                "_RNvMCsdrzbAzSuyJg_3zooINtB2_6AnimallE5speakB2_",
                "<zoo::Animal<i32>>::speak",
                Some("zoo::Animal<i32>::speak"),
            ),
            (
                "_RINvXs_CsdrzbAzSuyJg_3zooINtB5_6AnimallENtB5_4Loud4makehEB5_",
                "<zoo::Animal<i32> as zoo::Loud>::make::<u8>",
                Some("<zoo::Animal<i32> as zoo::Loud>::make"),
            ),
            (
                "_RINvMNtNtCsgEmfK2I1SDS_4core3fmt2rtNtB3_8Argument9new_debughECsdrzbAzSuyJg_3zoo",
                "<core::fmt::rt::Argument>::new_debug::<u8>",
                Some("core::fmt::rt::Argument::new_debug"),
            ),
            ("_RNCNvCsdrzbAzSuyJg_3zoo5entry0B3_", "zoo::entry::{closure#0}", None),
            ("_RNvCsdrzbAzSuyJg_3zoo5apply", "zoo::apply", None),
        ] {
            assert_eq!(demangle(symbol), Some((long.to_owned(), Language::Rust)));
            let found = Demangled::of(symbol).and_then(|name| name.short);
            assert_eq!(found.as_deref(), short, "{symbol}");
        }
        for odd in ["<", ">", "<>", "a::<", "a::<b", "<a", "<a>>", "->", "<->", "::<>", "é::<é>"]
        {
            let _ = short_rust(odd);
        }
    }

    #[test]
    fn a_name_that_doubles_itself_again_and_again_is_refused() {
        // f(a<int, int>, b<a<int, int>, a<int, int>>, …): each names the one before it twice.
        let doubling = |levels: u32| {
            let mut name = "_Z1f1aIiiE".to_owned();
            for level in 0..levels {
                let digit = |seq| char::from_digit(seq, 36).unwrap().to_ascii_uppercase();
                let back = format!("S{}_", digit(2 * level));
                name.push_str(
                    &format!("1bI{back}{back}E").replace('b', ["b", "c"][level as usize % 2]),
                );
            }
            name
        };
        let (text, _) = demangle(&doubling(1)).unwrap();
        assert_eq!(text, "f(a<int, int>, b<a<int, int>, a<int, int> >)");
        assert_eq!(demangle(&doubling(17)), None);
    }
}
