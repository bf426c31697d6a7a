//! Names near to one that was not found.

use std::borrow::Cow;

use memchr::memmem::Finder;

/// How many names are offered.
const OFFERED: usize = 5;

/// The longest names that are compared letter by letter.
const MAX_COMPARED: usize = 64;

/// Up to five of `names` that the user may have meant, the nearest first: those that hold what was
/// asked for or are held by it, and those that differ by few letters. Case does not matter.
pub(super) fn near<'a>(wanted: &str, names: impl Iterator<Item = Cow<'a, str>>) -> Vec<String> {
    let wanted = wanted.to_ascii_lowercase().replace(['*', '?'], "");
    if wanted.is_empty() {
        return Vec::new();
    }
    let finder = Finder::new(&wanted);
    let holds = |name: &str| finder.find(name.to_ascii_lowercase().as_bytes()).is_some();
    let mut best: Vec<(usize, usize, Cow<'_, str>)> = Vec::new();
    for name in names {
        let Some(distance) = distance(&wanted, &name, &holds) else { continue };
        let entry = (distance, name.len(), name);
        if best.contains(&entry) {
            continue;
        }
        let at = best.partition_point(|other| *other < entry);
        if at < OFFERED {
            best.insert(at, entry);
            best.truncate(OFFERED);
        }
    }
    best.into_iter().map(|(.., name)| name.into_owned()).collect()
}

/// How far a name is from what was wanted, which is in lower case; `None` for too far.
fn distance(wanted: &str, name: &str, holds: &impl Fn(&str) -> bool) -> Option<usize> {
    let last = last_part(name);
    if name.eq_ignore_ascii_case(wanted) || last.eq_ignore_ascii_case(wanted) {
        return Some(0);
    }
    let few = (wanted.len() / 3).clamp(1, 5);
    let edits = edits(wanted, name, few).into_iter().chain(edits(wanted, last, few)).min();
    // To hold the other is worth as much as one or two wrong letters.
    let half_or_more =
        last.len() >= 4 && (wanted.len().div_ceil(2)..=wanted.len()).contains(&last.len());
    let shared = if wanted.len() >= 3 && holds(name) {
        Some(1)
    } else if half_or_more && wanted.contains(&last.to_ascii_lowercase()) {
        Some(2)
    } else {
        None
    };
    edits.into_iter().chain(shared).min()
}

/// `DoStuff` of `github.com/a/app.DoStuff`, `add` of `shop::add`.
fn last_part(name: &str) -> &str {
    let divider = name.bytes().rposition(|byte| matches!(byte, b'.' | b':' | b'/'));
    divider.map_or(name, |at| &name[at + 1..])
}

/// The least number of letters to insert, delete or change, if it is at most `limit`; `left` is in
/// lower case, and the case of `right` does not count.
fn edits(left: &str, right: &str, limit: usize) -> Option<usize> {
    let (left, right) = (left.as_bytes(), right.as_bytes());
    if left.len().abs_diff(right.len()) > limit || left.len().max(right.len()) > MAX_COMPARED {
        return None;
    }
    let mut row = [0usize; MAX_COMPARED + 1];
    for (column, cell) in row.iter_mut().enumerate() {
        *cell = column;
    }
    for (line, a) in left.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = line + 1;
        let mut least = row[0];
        for (column, b) in right.iter().enumerate() {
            let changed = diagonal + usize::from(*a != b.to_ascii_lowercase());
            diagonal = row[column + 1];
            row[column + 1] = changed.min(diagonal + 1).min(row[column] + 1);
            least = least.min(row[column + 1]);
        }
        if least > limit {
            return None;
        }
    }
    Some(row[right.len()]).filter(|edits| *edits <= limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 8] = [
        "animal_print",
        "animal_make_dog",
        "animal_make_cat",
        "app.DoStuff",
        "shop::add(int)",
        "main.main",
        "malloc",
        "x",
    ];

    #[test]
    fn near_names_come_first() {
        let offered = |wanted| near(wanted, NAMES.into_iter().map(Cow::Borrowed));
        assert_eq!(offered("animal_pirnt"), ["animal_print"]);
        assert_eq!(offered("DoStuff"), ["app.DoStuff"]);
        assert_eq!(offered("dostuf"), ["app.DoStuff"]);
        assert_eq!(offered("make"), ["animal_make_cat", "animal_make_dog"]);
        assert_eq!(offered("my_malloc"), ["malloc"]);
        assert!(offered("quite_another").is_empty());
        assert!(offered("*").is_empty());
    }

    #[test]
    fn at_most_five_are_offered_and_none_twice() {
        let names: Vec<String> = (0..100).map(|number| format!("name_{}", number / 2)).collect();
        let offered = near("name_", names.iter().map(|name| name.as_str().into()));
        assert_eq!(offered, ["name_0", "name_1", "name_2", "name_3", "name_4"]);
    }

    #[test]
    fn edits_are_counted() {
        assert_eq!(edits("kitten", "sitting", 5), Some(3));
        assert_eq!(edits("kitten", "sitting", 2), None);
        assert_eq!(edits("", "ab", 2), Some(2));
        assert_eq!(edits("same", "same", 1), Some(0));
    }
}
