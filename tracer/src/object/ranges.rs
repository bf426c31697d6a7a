//! Ranges of addresses that may overlap, looked up by address.

/// Sorted half-open ranges with a value each.
#[derive(Clone, Debug)]
pub(crate) struct Ranges<T> {
    entries: Vec<Entry<T>>,
}

#[derive(Clone, Debug)]
struct Entry<T> {
    begin: u64,
    end: u64,
    /// The greatest end of this entry and all before it: where a search backwards may stop.
    reach: u64,
    value: T,
}

impl<T> Ranges<T> {
    /// Sorts `(begin, end, value)`; empty ranges are dropped, equal ones keep their order.
    pub(crate) fn new(ranges: impl IntoIterator<Item = (u64, u64, T)>) -> Self {
        let mut entries: Vec<_> = ranges
            .into_iter()
            .filter(|(begin, end, _)| begin < end)
            .map(|(begin, end, value)| Entry { begin, end, reach: end, value })
            .collect();
        entries.sort_by_key(|entry| entry.begin);
        let mut reach = 0;
        for entry in &mut entries {
            reach = entry.end.max(reach);
            entry.reach = reach;
        }
        Self { entries }
    }

    /// Every range that holds `address`, as `(begin, end, value)`; the last to begin comes first.
    pub(crate) fn containing(&self, address: u64) -> impl Iterator<Item = (u64, u64, &T)> {
        let before = self.entries.partition_point(|entry| entry.begin <= address);
        self.entries[..before]
            .iter()
            .rev()
            .take_while(move |entry| entry.reach > address)
            .filter(move |entry| entry.end > address)
            .map(|entry| (entry.begin, entry.end, &entry.value))
    }

    /// Every range, as `(begin, end, value)`, by its begin.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, u64, &T)> {
        self.entries.iter().map(|entry| (entry.begin, entry.end, &entry.value))
    }

    /// How many ranges there are.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn finds_exactly_what_a_plain_search_finds(
            ranges in prop::collection::vec((0u64..60, 0u64..60), 0..20), address in 0u64..64,
        ) {
            let numbered = || ranges.iter().enumerate().map(|(i, r)| (r.0, r.1, i));
            let mut found: Vec<_> =
                Ranges::new(numbered()).containing(address).map(|(.., i)| *i).collect();
            found.sort_unstable();
            let expected: Vec<_> = numbered()
                .filter(|(begin, end, _)| (*begin..*end).contains(&address))
                .map(|(.., i)| i)
                .collect();
            prop_assert_eq!(found, expected);
        }
    }
}
