//! Copies of a function that a compiler made for some of its callers.

use rustc_hash::FxHashSet;

use super::{ProbePoint, Symbols};

/// What GCC appends to the name of a copy. `.part` and `.cold` are no copies but pieces: what leads
/// there has passed the function's entry or was inlined.
const COPIES: [&str; 2] = [".constprop.", ".isra."];

/// Linkage names of the copies of probed functions that are not probed themselves: a call of
/// `work.constprop.0` is no call of `work`.
#[must_use]
pub fn unprobed_copies(symbols: &Symbols, points: &[ProbePoint]) -> Vec<String> {
    let called = || points.iter().filter(|point| point.is_called);
    let names: FxHashSet<_> = called().flat_map(|p| &p.names).map(String::as_str).collect();
    let probed: FxHashSet<_> = points.iter().map(|point| point.address.0).collect();
    let aliases = symbols
        .functions()
        .iter()
        .filter(|function| !probed.contains(&function.address.0))
        .flat_map(|function| &function.aliases);
    let is_copy = |name: &str| {
        COPIES.iter().filter_map(|copy| name.find(copy)).any(|at| {
            let original = name.get(..at).unwrap_or_default();
            names.contains(original) && !super::is_cold_part(name)
        })
    };
    aliases.filter(|alias| is_copy(&alias.name)).map(|alias| alias.name.clone()).collect()
}

#[cfg(test)]
mod tests {
    use crate::object::{Pattern, Symbols, compile, resolve, unprobed_copies};

    #[test]
    fn copies_are_told_until_they_are_probed_too() {
        let function = |name: &str| {
            format!(
                "__asm__(\".text\\n.type {name}, @function\\n{name}:\\n  ret\\n\
                 .size {name}, .-{name}\\n\");\n"
            )
        };
        let names = [
            "work",
            "work.constprop.0",
            "work.isra.0.constprop.1",
            "work.part.0",
            "work.constprop.0.cold",
            "worker.isra.0",
        ];
        let source: String = names.into_iter().map(function).collect();
        let program = compile("a.c", &format!("{source}int main(void) {{ return 0; }}"), &[]);
        let object = program.open();
        let symbols = Symbols::of(&object);
        let copies = |pattern: &str| {
            let pattern = Pattern::parse(pattern).unwrap();
            let points = resolve(&object, &symbols, [], &[pattern], 10).unwrap();
            unprobed_copies(&symbols, &points)
        };
        assert_eq!(copies("work"), ["work.constprop.0", "work.isra.0.constprop.1"]);
        assert_eq!(copies("work*"), [""; 0]);
        assert_eq!(copies("main"), [""; 0]);
    }
}
