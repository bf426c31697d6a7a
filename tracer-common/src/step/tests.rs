//! Each kind of rule over memory whose words are laid out by hand.

extern crate std;

use std::collections::HashMap;

use super::*;

/// Memory of single words.
#[derive(Default)]
struct Words(HashMap<u64, u64>);

impl Words {
    fn of(words: &[(u64, u64)]) -> Self {
        Self(words.iter().copied().collect())
    }
}

impl Memory for Words {
    fn word(&mut self, address: u64) -> Option<u64> {
        self.0.get(&address).copied()
    }

    fn distant(&mut self, address: u64) -> Option<u64> {
        self.word(address)
    }
}

const STACK: u64 = 0x7fff_0000;
const CALLER: u64 = 0x40_1234;

/// An innermost frame: every register known, each with a value of its own.
fn innermost() -> Registers {
    let mut registers = Registers { pc: 0x40_0010, known: 0xff, exact: 1, ..Registers::default() };
    for (index, value) in registers.values.iter_mut().enumerate() {
        *value = 0x1111 * (index as u64 + 1);
    }
    registers.values[index::SP as usize] = STACK;
    registers
}

fn value(registers: &Registers, register: u8) -> Option<u64> {
    registers.is_known(register as u64).then_some(registers.values[register as usize])
}

/// Runs a step that must fail.
fn reason(mut registers: Registers, rule: &Rule, memory: &[(u64, u64)]) -> Reason {
    match step(&mut registers, rule, &mut Words::of(memory)) {
        Outcome::Failed(reason) => reason,
        other => panic!("{other:?}"),
    }
}

/// Runs a step that must give a caller.
fn caller(mut registers: Registers, rule: &Rule, memory: &[(u64, u64)]) -> Registers {
    assert_eq!(step(&mut registers, rule, &mut Words::of(memory)), Outcome::Caller);
    registers
}

#[test]
fn a_frame_restores_what_it_saved() {
    // push r15; push rbx; sub rsp, 8: the CFA is SP + 32.
    let rule = Rule::frame(index::SP, 32)
        .with_saved(index::R15, 3)
        .with_saved(index::RBX, 4)
        .with_saved(index::R12, saved::LOST);
    let memory = [(STACK + 8, 0xb), (STACK + 16, 0xf), (STACK + 24, CALLER)];
    let up = caller(innermost(), &rule, &memory);
    assert_eq!(up.pc, CALLER);
    assert_eq!(up.exact, 0);
    assert_eq!(value(&up, index::SP), Some(STACK + 32));
    assert_eq!(value(&up, index::R15), Some(0xf));
    assert_eq!(value(&up, index::RBX), Some(0xb));
    // Unchanged, lost, and gone with the innermost frame.
    assert_eq!(value(&up, index::RBP), Some(0x2222));
    assert_eq!(value(&up, index::R13), Some(0x4444));
    assert_eq!(value(&up, index::R12), None);
    assert_eq!(value(&up, index::R10), None);
}

#[test]
fn a_lost_register_is_found_again_where_it_was_saved() {
    let mut registers = innermost();
    registers.known &= !(1 << index::R14);
    let rule = Rule::frame(index::SP, 16).with_saved(index::R14, 3);
    let up = caller(registers, &rule, &[(STACK, 0xe), (STACK + 8, CALLER)]);
    assert_eq!(value(&up, index::R14), Some(0xe));
}

#[test]
fn the_cfa_may_be_based_on_any_register_that_is_known() {
    for register in 0..8 {
        let mut registers = innermost();
        registers.values[register as usize] = STACK + 0x100;
        registers.values[index::SP as usize] =
            STACK + if register == index::SP { 0x100 } else { 0 };
        let rule = Rule::frame(register, -16);
        let rule = if register == index::SP { Rule::frame(register, 16) } else { rule };
        let cfa = registers.values[register as usize].wrapping_add(rule.cfa_offset as i64 as u64);
        let up = caller(registers, &rule, &[(cfa - 8, CALLER)]);
        assert_eq!(value(&up, index::SP), Some(cfa));

        registers.known &= !(1 << register);
        assert_eq!(reason(registers, &rule, &[(cfa - 8, CALLER)]), Reason::RegisterLost);
    }
}

#[test]
fn a_frame_must_lie_above_its_callee() {
    for offset in [0, -8] {
        let rule = Rule::frame(index::SP, offset);
        let memory = [(STACK - 8, CALLER), (STACK - 16, CALLER)];
        assert_eq!(reason(innermost(), &rule, &memory), Reason::NoProgress);
    }
    let up = caller(innermost(), &Rule::frame(index::SP, 8), &[(STACK, CALLER)]);
    assert_eq!(value(&up, index::SP), Some(STACK + 8));
}

#[test]
fn a_switch_may_lead_anywhere() {
    let other = 0xc000_1000;
    let mut registers = innermost();
    registers.values[index::RBP as usize] = other;
    let mut rule = Rule::frame(index::RBP, 16).with_saved(index::RBP, 3);
    let memory = [(other, 0xbb), (other + 8, CALLER)];
    rule.kind = kind::SWITCH;
    assert!(other > STACK);
    let up = caller(registers, &rule, &memory);
    assert_eq!((up.pc, value(&up, index::SP)), (CALLER, Some(other + 16)));
    assert_eq!(value(&up, index::RBP), Some(0xbb));

    let low = 0x1_0000;
    registers.values[index::RBP as usize] = low;
    let memory = [(low, 0xbb), (low + 8, CALLER)];
    let up = caller(registers, &rule, &memory);
    assert_eq!(value(&up, index::SP), Some(low + 16));
    rule.kind = kind::FRAME;
    assert_eq!(reason(registers, &rule, &memory), Reason::NoProgress);
}

#[test]
fn a_realigned_frame_dereferences_its_cfa_and_saves_below_rbp() {
    // gcc's realigned function: CFA = [rbp - 24], RBP at [rbp], R13 at [rbp - 8].
    let base = STACK + 0x80;
    let cfa = STACK + 0x100;
    let mut registers = innermost();
    registers.values[index::RBP as usize] = base;
    let mut rule = Rule::frame(index::RBP, -24).with_saved(index::RBP, 1).with_saved(index::R13, 2);
    rule.kind = kind::DEREFERENCE;
    rule.saved_base = 1;
    let memory = [(base, 0xbb), (base - 8, 0xd), (base - 24, cfa), (cfa - 8, CALLER)];
    let up = caller(registers, &rule, &memory);
    assert_eq!((up.pc, value(&up, index::SP)), (CALLER, Some(cfa)));
    assert_eq!(value(&up, index::RBP), Some(0xbb));
    assert_eq!(value(&up, index::R13), Some(0xd));

    assert_eq!(reason(registers, &rule, &memory[..2]), Reason::StackUnreadable);
    registers.known &= !(1 << index::RBP);
    assert_eq!(reason(registers, &rule, &memory), Reason::RegisterLost);
}

#[test]
fn registers_below_rbp_need_rbp() {
    let mut rule = Rule::frame(index::R10, 0).with_saved(index::RBP, 1);
    rule.saved_base = 1;
    let mut registers = innermost();
    registers.values[index::R10 as usize] = STACK + 16;
    registers.known &= !(1 << index::RBP);
    assert_eq!(reason(registers, &rule, &[(STACK + 8, CALLER)]), Reason::RegisterLost);
}

#[test]
fn a_plt_stub_has_pushed_from_its_param_on() {
    let mut rule = Rule::frame(index::SP, 8);
    rule.kind = kind::PLT;
    rule.param = 11;
    let memory = [(STACK, CALLER), (STACK + 8, CALLER + 1)];
    for byte in 0..16 {
        let mut registers = innermost();
        registers.pc = 0x40_1020 + byte;
        let up = caller(registers, &rule, &memory);
        let pushed = u64::from(byte >= 11);
        assert_eq!((up.pc, value(&up, index::SP)), (CALLER + pushed, Some(STACK + 8 + 8 * pushed)));
    }
}

/// The goroutine's stack as asmcgocall leaves it: the frame at B holds the caller's RBP and the
/// return address.
const G: u64 = 0xc000_0000;
const HIGH: u64 = 0xc100_0000;
const FRAME: u64 = HIGH - 0x500;

fn goroutine(g_offset: u64, depth_offset: u64, goid: u64) -> [(u64, u64); 6] {
    [
        (STACK + g_offset, G),
        (STACK + depth_offset, 0x500),
        (G + 8, HIGH),
        (G + goid, 77),
        (FRAME, 0xbb),
        (FRAME + 8, CALLER),
    ]
}

#[test]
fn asmcgocall_leads_to_the_goroutine_without_rbp() {
    // Go 1.21, Go 1.22 to 1.27 and the offset of goid in 1.23 and 1.24.
    for (g, depth, goid) in [(48, 40, 152), (8, 0, 152), (8, 0, 160)] {
        let rule = Rule::asmcgocall(g, depth, goid);
        let memory = goroutine(g.into(), depth.into(), goid as u64);
        let mut registers = innermost();
        // Stale, and not even known.
        registers.known &= !(1 << index::RBP);
        let up = caller(registers, &rule, &memory);
        assert_eq!((up.pc, up.exact, up.goroutine), (CALLER, 0, 77));
        assert_eq!(value(&up, index::SP), Some(FRAME + 16));
        assert_eq!(value(&up, index::RBP), Some(0xbb));
        for register in [index::RBX, index::R12, index::R13, index::R14, index::R15, index::R10] {
            assert_eq!(value(&up, register), None);
        }
    }
}

#[test]
fn asmcgocall_on_g0_has_no_g_and_the_depth_is_the_frame() {
    let frame = STACK + 0x400;
    let memory = [(STACK + 8, 0), (STACK, frame), (frame, 0xbb), (frame + 8, CALLER)];
    let up = caller(innermost(), &Rule::asmcgocall(8, 0, 152), &memory);
    assert_eq!((up.pc, value(&up, index::SP)), (CALLER, Some(frame + 16)));
    assert_eq!((value(&up, index::RBP), up.goroutine), (Some(0xbb), 0));
}

#[test]
fn the_innermost_goroutine_counts_and_one_that_cannot_be_read_is_unknown() {
    let memory = goroutine(8, 0, 152);
    let mut registers = innermost();
    registers.goroutine = 5;
    assert_eq!(caller(registers, &Rule::asmcgocall(8, 0, 152), &memory).goroutine, 5);
    // The offset is not known, or the word not readable.
    assert_eq!(caller(innermost(), &Rule::asmcgocall(8, 0, 0), &memory).goroutine, 0);
    assert_eq!(caller(innermost(), &Rule::asmcgocall(8, 0, 160), &memory).goroutine, 0);
}

#[test]
fn asmcgocall_needs_all_its_words() {
    let whole = goroutine(8, 0, 152);
    for missing in [0, 1, 2, 4, 5] {
        let memory: std::vec::Vec<_> = whole
            .iter()
            .enumerate()
            .filter(|(index, _)| *index != missing)
            .map(|(_, word)| *word)
            .collect();
        let rule = Rule::asmcgocall(8, 0, 152);
        assert_eq!(reason(innermost(), &rule, &memory), Reason::StackUnreadable, "{missing}");
    }
}

#[test]
fn a_signal_gives_back_every_register() {
    // struct sigcontext: r8–r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip; at uc + 40.
    let memory: std::vec::Vec<_> =
        (0..17).map(|slot| (STACK + 40 + slot * 8, 0x9000 + slot)).collect();
    let mut registers = innermost();
    registers.known = 1 << index::SP;
    registers.exact = 0;
    let rule = Rule::of_kind(kind::SIGNAL);
    let up = caller(registers, &rule, &memory);
    assert_eq!((up.pc, up.exact, up.known), (0x9010, 1, 0xff));
    assert_eq!(up.lookup_pc(), 0x9010);
    let expected = [
        (index::R10, 2),
        (index::R12, 4),
        (index::R13, 5),
        (index::R14, 6),
        (index::R15, 7),
        (index::RBP, 10),
        (index::RBX, 11),
        (index::SP, 15),
    ];
    for (register, slot) in expected {
        assert_eq!(value(&up, register), Some(0x9000 + slot), "{register}");
        let without: std::vec::Vec<_> =
            memory.iter().filter(|word| word.1 != 0x9000 + slot).copied().collect();
        assert_eq!(reason(registers, &rule, &without), Reason::StackUnreadable);
    }
}

#[test]
fn what_cannot_be_read_ends_the_walk() {
    let rule = Rule::frame(index::SP, 24).with_saved(index::RBX, 3);
    assert_eq!(reason(innermost(), &rule, &[(STACK + 16, CALLER)]), Reason::StackUnreadable);
    assert_eq!(reason(innermost(), &rule, &[(STACK + 8, 0)]), Reason::StackUnreadable);
}

#[test]
fn a_return_address_is_one_of_user_space() {
    let rule = Rule::frame(index::SP, 8);
    for bad in [0, 4095, 1 << 47, u64::MAX, 0xffff_ffff_8100_0000] {
        assert_eq!(reason(innermost(), &rule, &[(STACK, bad)]), Reason::BadReturnAddress);
    }
    for good in [4096, (1 << 47) - 1] {
        assert_eq!(caller(innermost(), &rule, &[(STACK, good)]).pc, good);
    }
}

/// What a signal handler made look called (Go's sigpanic) returns to the instruction itself.
#[test]
fn the_caller_of_an_injected_call_is_exact() {
    let mut rule = Rule::frame(index::SP, 8);
    assert_eq!(caller(innermost(), &rule, &[(STACK, 0x5000)]).lookup_pc(), 0x4fff);
    rule.param = 1;
    assert_eq!(caller(innermost(), &rule, &[(STACK, 0x5000)]).lookup_pc(), 0x5000);
}

#[test]
fn ends_and_missing_rules_say_what_they_are() {
    for end in End::ALL {
        let outcome = step(&mut innermost(), &Rule::end(*end), &mut Words::default());
        assert_eq!(outcome, Outcome::End(*end));
    }
    for expected in Reason::ALL {
        assert_eq!(reason(innermost(), &Rule::none(*expected), &[]), *expected);
    }
    // A rule that no version of this program makes.
    assert_eq!(reason(innermost(), &Rule::of_kind(99), &[]), Reason::NoRule);
}

/// No rule and no register can make a step panic, whatever it reads.
#[test]
fn any_rule_over_any_registers_gives_an_outcome() {
    struct Anything(u64);
    impl Memory for Anything {
        fn word(&mut self, address: u64) -> Option<u64> {
            // xorshift: reproducible, and as wild as an attacker's stack.
            self.0 ^= address;
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            (self.0 & 7 != 0).then_some(self.0)
        }

        fn distant(&mut self, address: u64) -> Option<u64> {
            self.word(address)
        }
    }
    let mut memory = Anything(0x9e37_79b9_7f4a_7c15);
    let mut random = |limit: u64| memory.word(limit).unwrap_or(u64::MAX);
    let mut cases = std::vec::Vec::new();
    for _ in 0..20_000 {
        let mut rule = Rule::of_kind((random(1) % 9) as u8);
        rule.cfa_register = random(2) as u8;
        rule.saved_base = (random(3) & 1) as u8;
        rule.param = random(4) as u8;
        rule.cfa_offset = random(5) as i32;
        rule.saved = core::array::from_fn(|i| random(6 + i as u64) as u8);
        let mut registers = innermost();
        registers.values = core::array::from_fn(|i| random(i as u64));
        registers.known = random(9) as u32;
        registers.pc = random(10);
        cases.push((rule, registers));
    }
    for (rule, mut registers) in cases {
        let _ = step(&mut registers, &rule, &mut memory);
    }
}
