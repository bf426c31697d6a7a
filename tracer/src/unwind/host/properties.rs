//! A walk over the packed tables is the walk over the plain rows.

use proptest::prelude::*;
use tracer_common::map::{Mapping, Module};
use tracer_common::reason::{End, Reason};
use tracer_common::registers::{Registers, SAVED, index};
use tracer_common::rule::{Rule, kind};
use tracer_common::step::Memory;
use tracer_common::walk::{Location, Target};

use super::{Host, walk};
use crate::address::FileOffset;
use crate::unwind::{ModuleRows, Tables};

/// Where module number n is mapped.
fn base(module: u64) -> u64 {
    0x10_0000 * module
}

/// A stack whose words are all return addresses or places on it, by their address alone.
#[derive(Clone)]
struct Words {
    seed: u64,
    modules: u64,
}

impl Memory for Words {
    fn word(&mut self, address: u64) -> Option<u64> {
        let mixed = (address ^ self.seed).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
        let module = 1 + mixed % self.modules;
        Some(base(module) + (mixed >> 8) % 0x3000)
    }

    fn distant(&mut self, address: u64) -> Option<u64> {
        self.word(address)
    }
}

/// The plain rows, without tables.
struct Plain<'a> {
    modules: &'a [ModuleRows],
    memory: Words,
}

impl Memory for Plain<'_> {
    fn word(&mut self, address: u64) -> Option<u64> {
        self.memory.word(address)
    }

    fn distant(&mut self, address: u64) -> Option<u64> {
        self.memory.distant(address)
    }
}

impl Target for Plain<'_> {
    fn locate(&mut self, address: u64) -> Result<Location, Reason> {
        let module = u16::try_from(address / base(1)).map_err(|_| Reason::UnknownMapping)?;
        if module == 0 || usize::from(module) > self.modules.len() {
            return Err(Reason::UnknownMapping);
        }
        Ok(Location { module, offset: address % base(1) })
    }

    fn rule(&mut self, location: Location) -> Result<Rule, Reason> {
        Ok(self.modules[usize::from(location.module) - 1].rule(FileOffset(location.offset)))
    }

    fn land(&mut self, _: &mut Registers) -> bool {
        false
    }
}

fn rule() -> impl Strategy<Value = Rule> {
    let frame = (prop_oneof![Just(index::SP), Just(index::RBP)], 1..20i32, 0..SAVED as u8, 0..6u8);
    let odd = (any::<u8>(), 0..SAVED as u8, 1..20i32, 0..6u8).prop_map(|(n, saved, words, how)| {
        // Each kind that has a CFA, by each register, and what a kind's parameter may be.
        let kinds = [kind::FRAME, kind::SWITCH, kind::DEREFERENCE, kind::PLT];
        Rule {
            kind: kinds[usize::from(n & 3)],
            saved_base: n >> 2 & 1,
            param: n >> 5,
            ..Rule::frame(n >> 3 & 7, words * 8).with_saved(saved, how)
        }
    });
    prop_oneof![
        60 => frame.prop_map(|(register, words, saved, how)| {
            Rule::frame(register, words * 8).with_saved(saved, how)
        }),
        12 => odd,
        2 => prop_oneof![Just(Rule::asmcgocall(8, 0, 152)), Just(Rule::asmcgocall(48, 40, 0))],
        2 => Just(Rule::of_kind(kind::SIGNAL)),
        1 => Just(Rule::end(End::Thread)),
        1 => Just(Rule::none(Reason::UnsupportedRule)),
    ]
}

/// Rows over all that a return address can name, so that only rules decide.
fn module() -> impl Strategy<Value = ModuleRows> {
    let rows =
        proptest::collection::vec((prop_oneof![4 => 1..9u64, 1 => 1..300u64], rule()), 1..300);
    rows.prop_map(|lengths| {
        let mut rows = Vec::new();
        let mut offset = 0;
        for (length, rule) in lengths {
            rows.push((FileOffset(offset), rule));
            offset += length;
        }
        ModuleRows { segments: Vec::new(), rows, end: FileOffset(0x3000.max(offset)) }
    })
}

proptest! {
    #[test]
    fn packed_tables_unwind_as_the_plain_rows(
        rows in proptest::collection::vec(module(), 1..4),
        seed in any::<u64>(),
        start in 0..0x3000u64,
    ) {
        let memory = Words { seed, modules: rows.len() as u64 };
        let mut values = [0x7000_0000_0000; 8];
        values[usize::from(index::RBP)] += 0x100;
        let registers =
            Registers { pc: base(1) + start, values, known: 0x7f, exact: 1, ..Registers::default() };

        let mut tables = Tables::default();
        let mut modules = vec![Module::default()];
        let mut mappings = Vec::new();
        for (rows, number) in rows.iter().zip(1..) {
            modules.push(tables.add_module(rows).unwrap());
            let start = base(number);
            mappings.push(Mapping { start, end: start + base(1), offset: 0, module: number });
        }
        let mut packed = Host {
            tables: &tables,
            modules: &modules,
            mappings: &mappings,
            memory: memory.clone(),
        };
        let packed = walk(registers, &mut packed);
        let plain = walk(registers, &mut Plain { modules: &rows, memory });
        prop_assert_eq!(packed, plain);
    }
}
