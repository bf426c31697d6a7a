//! Which addresses of a program are named: some of every function that its symbols tell.

use anyhow::{Result, ensure};
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::process::Command;
use xtask::tool::command;

/// The functions of a program by their first address, from `nm`.
pub(crate) struct Functions {
    by_address: BTreeMap<u64, Function>,
    /// Every symbol's address.
    places: BTreeMap<String, u64>,
}

struct Function {
    size: u64,
    names: Vec<String>,
}

impl Functions {
    /// Those that `nm` tells of a program.
    pub(crate) fn of(program: &Path) -> Result<Self> {
        let said = command::output(
            Command::new("nm").args(["--print-size", "--defined-only"]).arg(program),
        )?;
        let mut functions = Self { by_address: BTreeMap::new(), places: BTreeMap::new() };
        for line in said.lines() {
            functions.add(line);
        }
        ensure!(!functions.by_address.is_empty(), "{} has no functions", program.display());
        Ok(functions)
    }

    /// Reads `ADDRESS SIZE TYPE NAME`, where the size may be missing.
    fn add(&mut self, line: &str) -> Option<()> {
        let number = |text: &str| u64::from_str_radix(text, 16).ok();
        let (address, rest) = line.split_once(' ')?;
        let address = number(address)?;
        let (first, after) = rest.split_once(' ')?;
        let (size, kind, name) = match first.len() {
            1 => (0, first, after),
            _ => {
                let (kind, name) = after.split_once(' ')?;
                (number(first)?, kind, name)
            }
        };
        self.places.insert(name.to_owned(), address);
        // Go's linker marks where some of its text begins and ends, and makes code of its own.
        let is_mark = name.starts_with("go:textfips") || name.starts_with("go:link.");
        if size > 0 && matches!(kind, "t" | "T" | "w" | "W") && !is_mark {
            let new = || Function { size: 0, names: Vec::new() };
            let function = self.by_address.entry(address).or_insert_with(new);
            function.size = function.size.max(size);
            function.names.push(name.to_owned());
        }
        Some(())
    }

    /// The address of a symbol.
    pub(super) fn address(&self, name: &str) -> Option<u64> {
        self.places.get(name).copied()
    }

    /// Drops those that do not begin in this range.
    pub(super) fn only(&mut self, range: &Range<u64>) {
        self.by_address.retain(|address, _| range.contains(address));
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.by_address.len()
    }

    /// Whether a function begins at an address.
    pub(super) fn begins(&self, address: u64) -> bool {
        self.by_address.contains_key(&address)
    }

    /// Whether a function ends before an address.
    pub(super) fn ends(&self, address: u64) -> bool {
        let before = self.by_address.range(..address).next_back();
        before.is_some_and(|(begin, function)| begin + function.size == address)
    }

    /// All names of the functions that hold an address.
    pub(super) fn names(&self, address: u64) -> impl Iterator<Item = &str> {
        // Functions may lie in one another; none is deep.
        let before = self.by_address.range(..=address).rev().take(8);
        before
            .filter(move |(begin, function)| address - **begin < function.size)
            .flat_map(|(_, function)| function.names.iter().map(String::as_str))
    }

    /// At least `count` addresses, or all there are, the same in each run: of every function, its
    /// first address now and then, and pseudo-random ones.
    pub(crate) fn sample(&self, count: usize) -> Vec<u64> {
        let bytes: u64 = self.by_address.values().map(|function| function.size).sum();
        let each = count.div_ceil(self.by_address.len().max(1)) as u64;
        let mut addresses = Vec::new();
        for (begin, function) in &self.by_address {
            // A small function cannot give its share: the larger ones give more.
            let share = (function.size as u128 * count as u128).div_ceil(bytes as u128) as u64;
            let wanted = each.max(share);
            if wanted >= function.size {
                addresses.extend(*begin..*begin + function.size);
                continue;
            }
            if mix(*begin).is_multiple_of(8) {
                addresses.push(*begin);
            }
            let offset = |number| mix(begin.wrapping_mul(31).wrapping_add(number)) % function.size;
            addresses.extend((0..wanted).map(|number| begin + offset(number)));
        }
        addresses.sort_unstable();
        addresses.dedup();
        addresses
    }
}

/// The finalizer of splitmix64: the same on every machine and in every run.
fn mix(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn functions(lines: &[&str]) -> Functions {
        let mut functions = Functions { by_address: BTreeMap::new(), places: BTreeMap::new() };
        for line in lines {
            functions.add(line);
        }
        functions
    }

    #[test]
    fn every_function_has_its_share() {
        let functions = functions(&[
            "0000000000001000 0000000000000004 t small",
            "0000000000002000 0000000000001000 T large",
            "0000000000002000 0000000000001000 W alias of large",
            "0000000000004000 D data",
            "0000000000005000 T without_size",
        ]);
        let sample = functions.sample(100);
        assert!(sample.len() >= 95, "{}", sample.len());
        assert_eq!(sample[..4], [0x1000, 0x1001, 0x1002, 0x1003]);
        assert!(sample[4..].iter().all(|address| (0x2000..0x3000).contains(address)));
        assert_eq!(functions.names(0x2abc).collect::<Vec<_>>(), ["large", "alias of large"]);
        assert_eq!(functions.address("data"), Some(0x4000));
        assert!(functions.begins(0x1000) && !functions.begins(0x5000));
    }
}
