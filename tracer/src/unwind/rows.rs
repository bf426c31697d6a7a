//! Plain rows: which rule holds over which addresses.

use tracer_common::rule::Rule;

use crate::address::ElfAddress;

/// One rule over a range of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// First address.
    pub start: ElfAddress,
    /// One past the last address.
    pub end: ElfAddress,
    /// The rule.
    pub rule: Rule,
}

/// Sorts rows and makes them disjoint: where two overlap, the one that starts first holds. Empty
/// rows go.
pub(super) fn sort(mut rows: Vec<Row>) -> Vec<Row> {
    rows.sort_by_key(|row| row.start);
    let mut end = ElfAddress(0);
    rows.retain_mut(|row| {
        row.start = row.start.max(end);
        if row.start >= row.end {
            return false;
        }
        end = row.end;
        true
    });
    rows
}

/// Both lists as one: where they overlap, `above` holds. Both are sorted and disjoint, and so is
/// the result.
pub(super) fn overlay(below: Vec<Row>, above: &[Row]) -> Vec<Row> {
    if above.is_empty() {
        return below;
    }
    let mut result = Vec::with_capacity(below.len() + above.len() * 2);
    let mut above = above.iter().copied().peekable();
    for mut row in below {
        while let Some(&over) = above.peek() {
            if over.start >= row.end {
                break;
            }
            if over.start > row.start {
                result.push(Row { end: over.start, ..row });
            }
            row.start = row.start.max(over.end);
            if over.end > row.end {
                // It reaches past this row, over the next ones.
                break;
            }
            result.push(over);
            above.next();
        }
        if row.start < row.end {
            result.push(row);
        }
    }
    result.extend(above);
    result
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SPACE: u64 = 60;

    fn rows() -> impl Strategy<Value = Vec<Row>> {
        let row = (0..SPACE, 0..9u64, 1..5i32).prop_map(|(start, length, offset)| Row {
            start: ElfAddress(start),
            end: ElfAddress(start + length),
            rule: Rule::frame(6, offset * 8),
        });
        proptest::collection::vec(row, 0..12)
    }

    fn at(rows: &[Row], address: u64) -> Option<Rule> {
        let address = ElfAddress(address);
        rows.iter().find(|row| row.start <= address && address < row.end).map(|row| row.rule)
    }

    fn is_disjoint(rows: &[Row]) -> bool {
        rows.iter().all(|row| row.start < row.end)
            && rows.windows(2).all(|pair| pair[0].end <= pair[1].start)
    }

    proptest! {
        #[test]
        fn sorting_keeps_the_row_that_starts_first(plain in rows()) {
            let sorted = sort(plain.clone());
            prop_assert!(is_disjoint(&sorted));
            let mut by_start = plain;
            by_start.sort_by_key(|row| row.start);
            for address in 0..SPACE + 10 {
                // Something holds where something held, and the first one where only one does.
                let holding: Vec<_> = by_start
                    .iter()
                    .filter(|row| (row.start.0..row.end.0).contains(&address))
                    .map(|row| row.rule)
                    .collect();
                let found = at(&sorted, address);
                prop_assert_eq!(found.is_some(), !holding.is_empty());
                prop_assert!(found.is_none_or(|rule| holding.contains(&rule)));
            }
        }

        #[test]
        fn the_upper_rows_win(below in rows(), above in rows()) {
            let (below, above) = (sort(below), sort(above));
            let both = overlay(below.clone(), &above);
            prop_assert!(is_disjoint(&both));
            for address in 0..SPACE + 10 {
                let expected = at(&above, address).or_else(|| at(&below, address));
                prop_assert_eq!(at(&both, address), expected);
            }
        }
    }
}
