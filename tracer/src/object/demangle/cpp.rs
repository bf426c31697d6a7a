//! Names of C++ as people and compilers write them, where the crate's text is another.

use std::borrow::Cow;

/// The text of a whole name with its parameters, as `c++filt` has it; `None` where it cannot be
/// relied on, and the name without parameters has to do.
///
/// The crate spreads a pack of types wrongly over the parameters that it stands for (`Dp`), puts the
/// `&`, `*` or `const` of a nested type behind its scope (`Outer&::Inner` for `Outer::Inner&`), and
/// drops the first parameter of some constructors of `std` that are templates.
pub(super) fn with_parameters(symbol: &str, text: String) -> Option<String> {
    let is_template_constructor = || symbol.contains("C1I") || symbol.contains("C2I");
    let doubtful = symbol.contains("Dp")
        || symbol.starts_with("_ZNS") && is_template_constructor()
        || ["&::", "*::", " const::"].iter().any(|scope| is_misplaced(&text, scope));
    (!doubtful).then(|| tidy(text))
}

/// Whether `scope` stands behind a type. What is local to a function stands behind its parameters:
/// `shop::add() const::{lambda()#1}`.
fn is_misplaced(text: &str, scope: &str) -> bool {
    let mut places = text.match_indices(scope);
    places.any(|(at, _)| !text.get(..at).is_some_and(|before| before.trim_end().ends_with(')')))
}

/// The same name in the usual spelling: thunks, literal operators, empty packs.
pub(super) fn tidy(text: String) -> String {
    let mut text = text;
    if text.contains(", >") {
        text = text.replace(", >", ">");
    }
    if let Some(literal) = literal_operator(&text) {
        text = literal;
    }
    match thunk(&text) {
        Cow::Owned(thunk) => thunk,
        Cow::Borrowed(_) => text,
    }
}

/// `operator"" _km` for `operator_km::operator ""`.
fn literal_operator(text: &str) -> Option<String> {
    const BEHIND: &str = "::operator \"\"";
    let at = text.find(BEHIND)?;
    let before = text.get(..at)?;
    let start = before.rfind("operator")?;
    let name = before.get(start + "operator".len()..)?;
    let is_name = name.chars().all(|c| c == '_' || c.is_alphanumeric());
    let (front, back) = (text.get(..start)?, text.get(at + BEHIND.len()..)?);
    (is_name && !name.is_empty()).then(|| format!("{front}operator\"\" {name}{back}"))
}

/// `non-virtual thunk to a::b()` for `{virtual override thunk({offset(-8)}, a::b())}`.
fn thunk(text: &str) -> Cow<'_, str> {
    let inner = text.strip_prefix("{virtual override thunk(");
    let Some(mut rest) = inner.and_then(|rest| rest.strip_suffix(")}")) else { return text.into() };
    let (mut offsets, mut is_virtual) = (0, false);
    while let Some((offset, after)) = rest.split_once("}, ").filter(|(o, _)| o.starts_with('{')) {
        // A covariant one changes its result too; the first offset is that of `this`.
        is_virtual |= offsets == 0 && offset.starts_with("{virtual");
        offsets += 1;
        rest = after;
    }
    let kind = match (offsets, is_virtual) {
        (0, _) => return text.into(),
        (1, true) => "virtual thunk",
        (1, false) => "non-virtual thunk",
        _ => "covariant return thunk",
    };
    format!("{kind} to {rest}").into()
}

#[cfg(test)]
mod tests {
    use crate::object::demangle;

    // What c++filt of binutils makes of them.
    #[test]
    fn names_are_those_of_other_demanglers() {
        for (symbol, expected) in [
            ("_Zli2_xy", "operator\"\" _x(unsigned long long)"),
            ("_ZN1nli3_kmEy", "n::operator\"\" _km(unsigned long long)"),
            ("_ZThn8_N1a1bEv", "non-virtual thunk to a::b()"),
            ("_ZTv0_n24_N1a1bEv", "virtual thunk to a::b()"),
            ("_ZTch0_h16_N1a1bEv", "covariant return thunk to a::b()"),
            ("_ZN1p3runER1mI1oJEE", "p::run(m<o>&)"),
            ("_ZZNK1A1fEvENKUlvE_clEv", "A::f() const::{lambda()#1}::operator()() const"),
        ] {
            assert_eq!(demangle(symbol).unwrap().0, expected, "{symbol}");
        }
    }

    #[test]
    fn parameters_that_might_be_wrong_are_left_out() {
        for (symbol, expected) in [
            // int n::v<int, char const (&) [2]>(int&&, char const (&) [2])
            ("_ZN1n1vIJiRA2_KcEEEiDpOT_", "n::v<int, char const (&) [2]>"),
            // int n::v<>()
            ("_ZN1n1vIJEEEiDpOT_", "n::v<>"),
            // ll::R::R(ll::M&, ll::M::Delegate*)
            ("_ZN2ll1RC1ERNS_1MEPNS1_8DelegateE", "ll::R::R"),
            // std::string::basic_string<char*>(char*, char*, std::allocator<char> const&)
            ("_ZNSsC1IPcEET_S1_RKSaIcE", "std::string::string<char*>"),
        ] {
            assert_eq!(demangle(symbol).unwrap().0, expected, "{symbol}");
        }
    }
}
