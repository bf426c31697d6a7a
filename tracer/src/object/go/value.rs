//! Tables of a value by PC. Go: runtime/symtab.go, `pcvalue` and `step`.

use std::ops::Range;

use super::read::take_uvarint;

/// The runs of one table: ranges of byte offsets from the function's entry, and their value.
#[derive(Clone, Debug)]
pub struct PcValues<'a> {
    bytes: &'a [u8],
    offset: u32,
    value: i32,
    /// The function's size: runs end there.
    size: u32,
    first: bool,
}

impl<'a> PcValues<'a> {
    /// The table that starts with `bytes`, of a function of `size` bytes.
    pub(super) fn new(bytes: &'a [u8], size: u32) -> Self {
        Self { bytes, offset: 0, value: -1, size, first: true }
    }

    /// The value at a byte offset from the function's entry.
    #[must_use]
    pub fn at(mut self, offset: u32) -> Option<i32> {
        self.find(|(range, _)| range.contains(&offset)).map(|(_, value)| value)
    }
}

impl Iterator for PcValues<'_> {
    type Item = (Range<u32>, i32);

    fn next(&mut self) -> Option<Self::Item> {
        while self.offset < self.size {
            let delta = take_uvarint(&mut self.bytes)?;
            if delta == 0 && !self.first {
                return None;
            }
            // Zigzag: the sign is in the lowest bit.
            let delta = (delta >> 1) as i32 ^ -((delta & 1) as i32);
            // One byte is the smallest step of amd64. Only the first run may be empty.
            let length = take_uvarint(&mut self.bytes)?;
            if length == 0 && !self.first {
                return None;
            }
            self.first = false;
            self.value = self.value.wrapping_add(delta);
            let start = self.offset;
            self.offset = start.saturating_add(length).min(self.size);
            if start != self.offset {
                return Some((start..self.offset, self.value));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(bytes: &[u8], size: u32) -> Vec<(Range<u32>, i32)> {
        PcValues::new(bytes, size).collect()
    }

    #[test]
    fn runs_start_at_minus_one_and_add_up() {
        // +1 for 4 bytes, +8 for 300 bytes, -8 for 2 bytes.
        let bytes = [2, 4, 16, 0xac, 0x02, 15, 2, 0];
        assert_eq!(runs(&bytes, 306), [(0..4, 0), (4..304, 8), (304..306, 0)]);
        assert_eq!(PcValues::new(&bytes, 306).at(304), Some(0));
        assert_eq!(PcValues::new(&bytes, 306).at(303), Some(8));
        assert_eq!(PcValues::new(&bytes, 306).at(306), None);
    }

    #[test]
    fn the_first_difference_may_be_zero() {
        assert_eq!(runs(&[0, 5, 2, 3, 0], 8), [(0..5, -1), (5..8, 0)]);
    }

    #[test]
    fn an_empty_first_run_is_passed_over() {
        assert_eq!(runs(&[2, 0, 2, 3, 0], 8), [(0..3, 1)]);
    }

    #[test]
    fn runs_never_pass_the_function() {
        assert_eq!(runs(&[2, 100, 16, 100, 0], 10), [(0..10, 0)]);
    }

    #[test]
    fn damaged_bytes_end_the_table() {
        assert_eq!(runs(&[], 8), []);
        assert_eq!(runs(&[2], 8), []);
        assert_eq!(runs(&[0x80, 0x80, 0x80, 0x80, 0x80, 0x80], 8), []);
        assert_eq!(runs(&[2, 4, 16, 0, 16, 0, 16, 4], 100), [(0..4, 0)]);
        // Differences that overflow wrap.
        assert_eq!(
            runs(&[0xfe, 0xff, 0xff, 0xff, 0x0f, 1, 2, 1], 2),
            [(0..1, i32::MAX - 1), (1..2, i32::MAX)]
        );
    }
}
