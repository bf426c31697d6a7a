//! Gaps: a walk that cannot step goes on at asmcgocall's call, or ends with its reason.

extern crate std;

use std::collections::BTreeMap;
use std::vec::Vec;

use super::*;
use crate::registers::stack;
use crate::rule::Rule;

/// Code by address: each "function" is one rule. Memory by address.
#[derive(Default)]
struct Fake {
    rules: BTreeMap<u64, Rule>,
    words: BTreeMap<u64, u64>,
    landing: Option<(u64, u64)>,
}

impl Memory for Fake {
    fn word(&mut self, address: u64) -> Option<u64> {
        self.words.get(&address).copied()
    }

    fn distant(&mut self, address: u64) -> Option<u64> {
        self.word(address)
    }
}

impl Target for Fake {
    fn locate(&mut self, address: u64) -> Result<Location, Reason> {
        // A function is 0x100 bytes of module 1.
        Ok(Location { module: 1, offset: address & !0xff })
    }

    fn rule(&mut self, location: Location) -> Result<Rule, Reason> {
        self.rules.get(&location.offset).copied().ok_or(Reason::NoRule)
    }

    fn land(&mut self, registers: &mut Registers) -> bool {
        let Some((pc, sp)) = self.landing else { return false };
        registers.pc = pc;
        registers.values[index::SP as usize] = sp;
        true
    }
}

const LEAF: u64 = 0x1_0000;
const BARE: u64 = 0x2_0000;
const ASMCGOCALL: u64 = 0x3_0000;
const CGOCALL: u64 = 0x4_0000;
const GOEXIT: u64 = 0x5_0000;

/// leaf ← bare (no rule) ← … ← asmcgocall ⇒ cgocall ← goexit.
fn target() -> Fake {
    let plain = Rule::frame(index::SP, 8);
    let mut fake = Fake { landing: Some((ASMCGOCALL + 5, 0x7000_0200)), ..Fake::default() };
    fake.rules.insert(LEAF, plain);
    fake.rules.insert(ASMCGOCALL, Rule::asmcgocall(8, 0, 0));
    fake.rules.insert(CGOCALL, plain);
    fake.rules.insert(GOEXIT, Rule::end(End::Goexit));
    // leaf's return address; bare's frame is what no rule tells.
    fake.words.insert(0x7000_0000, BARE + 5);
    // asmcgocall on g0: depth at SP, g at SP + 8; g.stack.hi is at g + 8.
    fake.words.insert(0x7000_0200, 0x100);
    fake.words.insert(0x7000_0208, 0xc000);
    fake.words.insert(0xc008, 0x9000_1000);
    // The goroutine's stack: RBP and the return address into cgocall, then cgocall's.
    fake.words.insert(0x9000_0f00, 0);
    fake.words.insert(0x9000_0f08, CGOCALL + 5);
    fake.words.insert(0x9000_0f10, GOEXIT + 1);
    fake
}

fn walk(target: &mut Fake) -> (Walk, Vec<Frame>) {
    let mut registers = Registers { pc: LEAF, exact: 1, known: 0xff, ..Registers::default() };
    registers.values[index::SP as usize] = 0x7000_0000;
    let mut walk = Walk { registers, count: 0, end: 0, reason: 0, gap: 0, landing: 0 };
    let mut frames = [Frame::default(); MAX_FRAMES];
    assert!((0..MAX_FRAMES as u32).any(|index| advance(&mut walk, &mut frames, index, target)));
    let frames = frames[..walk.count as usize].to_vec();
    (walk, frames)
}

fn addresses(frames: &[Frame]) -> Vec<u64> {
    frames.iter().map(|frame| frame.address).collect()
}

#[test]
fn the_callers_follow_the_gap() {
    let (walk, frames) = walk(&mut target());
    assert_eq!((walk.end, walk.reason), (End::Goexit as u8, 0));
    assert_eq!(addresses(&frames), [LEAF, BARE + 5, 0, ASMCGOCALL + 5, CGOCALL + 5, GOEXIT + 1]);
    assert_eq!(frames[2].flags, FRAME_GAP);
    assert_eq!(frames[2].offset, u32::from(Reason::NoRule as u8));
    assert_eq!(walk.registers.stack, u32::from(stack::GOROUTINE));
}

#[test]
fn a_claim_that_is_not_asmcgocalls_is_not_believed() {
    let mut target = target();
    target.landing = Some((CGOCALL + 5, 0x9000_0f10));
    let (walk, frames) = walk(&mut target);
    assert_eq!((walk.end, walk.reason), (End::Error as u8, Reason::NoRule as u8));
    assert_eq!(addresses(&frames), [LEAF, BARE + 5]);
}

#[test]
fn without_a_landing_the_walk_ends_with_its_reason() {
    let mut target = target();
    target.landing = None;
    let (walk, frames) = walk(&mut target);
    assert_eq!((walk.end, walk.reason), (End::Error as u8, Reason::NoRule as u8));
    assert_eq!(addresses(&frames), [LEAF, BARE + 5]);
}

#[test]
fn a_step_that_fails_half_way_lands_from_its_own_frame() {
    // bare has a rule now, but its return address cannot be read.
    let mut target = target();
    target.rules.insert(BARE, Rule::frame(index::SP, 0x40));
    let (walk, frames) = walk(&mut target);
    assert_eq!(walk.end, End::Goexit as u8);
    assert_eq!(frames[2].offset, u32::from(Reason::StackUnreadable as u8));
    assert_eq!(frames.len(), 6);
}
