//! Code that Go's assembler made, and the rules that the runtime's sources state for it.

use tracer_common::reason::{End, Reason};
use tracer_common::registers::index;
use tracer_common::rule::{Rule, kind, saved};

use super::super::switch;
use super::*;

// What objdump shows of them, with what it means for the rows.
const ASMCGOCALL_121: &str = include_str!("fixtures/asmcgocall-1.21.txt");
const ASMCGOCALL_127: &str = include_str!("fixtures/asmcgocall-1.27.txt");
const CROSSCALL2_121: &str = include_str!("fixtures/crosscall2-1.21.txt");
const CROSSCALL2_127: &str = include_str!("fixtures/crosscall2-1.27.txt");
const SYSTEMSTACK: &str = include_str!("fixtures/systemstack-1.27.txt");
const MCALL: &str = include_str!("fixtures/mcall-1.27.txt");

const ENTRY: u64 = 0x40_0000;

/// The bytes of plain digits, or of objdump's lines: offset, bytes and instruction, between tabs.
fn bytes(text: &str) -> Vec<u8> {
    let digits: Vec<char> = match text.contains('\t') {
        true => text
            .lines()
            .filter_map(|line| line.split('\t').nth(1))
            .flat_map(str::chars)
            .filter(char::is_ascii_hexdigit)
            .collect(),
        false => text.chars().collect(),
    };
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(&pair.iter().collect::<String>(), 16).unwrap())
        .collect()
}

/// Gives the rule at each byte offset, `None` where there is no row.
fn rules(rows: &[Row], size: usize) -> Vec<Option<Rule>> {
    (0..size as u64)
        .map(|offset| {
            let address = ElfAddress(ENTRY + offset);
            let mut holding = rows.iter().filter(|row| row.start <= address && address < row.end);
            let rule = holding.next().map(|row| row.rule);
            assert!(holding.next().is_none(), "two rows at {offset:#x}");
            rule
        })
        .collect()
}

fn switch_rules(
    code: &[u8],
    depths: &[(Range<u32>, i32)],
    after: Rule,
    asmcgocall: bool,
) -> Vec<Option<Rule>> {
    let body = Body { entry: ElfAddress(ENTRY), code, depths: depths.to_vec() };
    let mut rows = Vec::new();
    switch::rows(&body, after, asmcgocall.then_some(Asmcgocall { goid: 152 }), &mut rows);
    rules(&rows, code.len())
}

fn border_rules(code: &[u8], depths: &[(Range<u32>, i32)]) -> Vec<Option<Rule>> {
    let body = Body { entry: ElfAddress(ENTRY), code, depths: depths.to_vec() };
    let mut rows = Vec::new();
    border(&body, &mut rows);
    rules(&rows, code.len())
}

const UNSUPPORTED: Rule = Rule::none(Reason::UnsupportedRule);

fn lost(mut rule: Rule) -> Rule {
    rule.saved = [saved::LOST; SAVED];
    rule
}

/// CFA = RBP + 16, RBP at CFA − 16, the rest lost, another stack.
fn by_rbp() -> Rule {
    let mut rule = lost(Rule::frame(index::RBP, 16));
    rule.saved[usize::from(index::RBP)] = 3;
    rule.kind = kind::SWITCH;
    rule
}

/// CFA = SP + 8, RBP unchanged, the rest lost.
fn at_entry() -> Rule {
    let mut rule = lost(Rule::frame(index::SP, 8));
    rule.saved[usize::from(index::RBP)] = saved::SAME;
    rule
}

#[test]
fn asmcgocall_has_its_rule_at_the_calls_of_c_alone() {
    // Code, the SP table as cmd/internal/obj makes it from push and pop, the two calls of C, the
    // depth of g and of depth in its frame, the two `ret`.
    let cases = [
        (ASMCGOCALL_121, [0x66..0x68, 0xa4..0xa6], (48, 40), [0x87, 0xb3]),
        (ASMCGOCALL_127, [0x5f..0x64, 0xa5..0xaa], (8, 0), [0x82, 0xb6]),
    ];
    for (code, calls, (g, depth), returns) in cases {
        let code = bytes(code);
        let size = code.len() as u32;
        let depths = [
            (0..1, 0),
            (1..returns[0] as u32, 8),
            (returns[0] as u32..returns[0] as u32 + 1, 0),
            (returns[0] as u32 + 1..size - 1, 8),
            (size - 1..size, 0),
        ];
        let rules = switch_rules(&code, &depths, UNSUPPORTED, true);
        for (offset, rule) in rules.iter().enumerate() {
            let expected = if calls.iter().any(|call| call.contains(&offset)) {
                Rule::asmcgocall(g, depth, 152)
            } else if offset == 0 || returns.contains(&offset) {
                at_entry()
            } else if offset < 4 {
                lost(Rule::frame(index::SP, 16)).with_saved(index::RBP, 3)
            } else if (calls[0].end..returns[0]).contains(&offset) || offset >= calls[1].end {
                // RBP is stale where C has called back.
                UNSUPPORTED
            } else {
                by_rbp()
            };
            assert_eq!(*rule, Some(expected), "at {offset:#x}");
        }
    }
}

#[test]
fn asmcgocall_of_an_unknown_frame_size_is_not_guessed() {
    // `sub rsp, 64` becomes `sub rsp, 48`.
    let mut code = bytes(ASMCGOCALL_121);
    for at in 0..code.len() - 8 {
        if code[at..].starts_with(&[0x48, 0x83, 0xec, 0x40]) {
            code[at + 3] = 0x30;
        }
    }
    let depths = [(0..1, 0), (1..code.len() as u32, 8)];
    let rules = switch_rules(&code, &depths, UNSUPPORTED, true);
    assert_eq!(rules[0x66], Some(UNSUPPORTED));
    assert_eq!(rules[0xa4], Some(UNSUPPORTED));
    assert!(rules.iter().flatten().all(|rule| rule.kind != kind::ASMCGOCALL));
}

#[test]
fn crosscall2_restores_the_registers_of_c() {
    // Words below the CFA of RBX, RBP, R12–R15 during the call, and the CFA's offset from SP.
    let cases = [
        (CROSSCALL2_121, 0x38..0x3d, 80, [7, 2, 6, 5, 4, 3]),
        (CROSSCALL2_127, 0x3c..0x41, 88, [8, 2, 7, 6, 5, 4]),
    ];
    for (code, call, cfa, words) in cases {
        let code = bytes(code);
        let size = code.len() as u32;
        let pushed = code[0] == 0x55;
        let base = if pushed { 8 } else { 0 };
        // `sub rsp, 48` and `sub rsp, 24`, and back.
        let (first, second) = if pushed { (8, 0x2e) } else { (4, 0x2a) };
        let third = call.end as u32 + 4;
        let last = size - if pushed { 2 } else { 1 };
        let depths = [
            (0..u32::from(pushed), 0),
            (u32::from(pushed)..first, base),
            (first..second, base + 48),
            (second..third, base + 72),
            (third..last, base + 48),
            (last..size - u32::from(pushed), base),
            (size - 1..size, 0),
        ]
        .into_iter()
        .filter(|(range, _)| !range.is_empty())
        .collect::<Vec<_>>();
        let rules = border_rules(&code, &depths);
        let mut expected = Rule::frame(index::SP, cfa);
        expected.saved = words.map(|words| words + 1);
        for offset in call.clone() {
            assert_eq!(rules[offset], Some(expected), "at {offset:#x}");
        }
        // At its entry and at its return every register is the C caller's own.
        assert_eq!(rules[0], Some(Rule::frame(index::SP, 8)));
        assert_eq!(rules[code.len() - 1], Some(Rule::frame(index::SP, 8)));
    }
}

#[test]
fn what_a_border_function_overwrites_unsaved_is_lost() {
    // xor ebx, ebx; push r12; xor r12d, r12d; call +0; nop
    let code = bytes("31db41544531e4e80000000090");
    let rules = border_rules(&code, &[(0..4, 0), (4..13, 8)]);
    let entry = Rule::frame(index::SP, 8);
    assert_eq!(rules[0], Some(entry));
    assert_eq!(rules[2], Some(entry.with_saved(index::RBX, saved::LOST)));
    let mut pushed = Rule::frame(index::SP, 16).with_saved(index::RBX, saved::LOST);
    pushed.saved[usize::from(index::R12)] = 3;
    assert_eq!(rules[7], Some(pushed));
    // After the call what was not saved is Go's.
    let mut called = lost(Rule::frame(index::SP, 16));
    called.saved[usize::from(index::R12)] = 3;
    assert_eq!(rules[12], Some(called));
}

#[test]
fn a_border_function_with_a_branch_has_no_rule_behind_it() {
    // je +0; nop
    let rules = border_rules(&bytes("740090"), &[(0..3, 0)]);
    assert_eq!(rules[0], Some(Rule::frame(index::SP, 8)));
    assert_eq!(rules[2], Some(UNSUPPORTED));
}

#[test]
fn systemstack_is_found_by_rbp() {
    let code = bytes(SYSTEMSTACK);
    let rules = switch_rules(&code, &[(0..1, 0), (1..148, 8)], UNSUPPORTED, false);
    // The call of the function on g0, and that of badsystemstack.
    for offset in [0x48, 0x49, 0x91, 0x92] {
        assert_eq!(rules[offset], Some(by_rbp()), "at {offset:#x}");
    }
    // Both ways out: `ret` and the tail call.
    for offset in [0x80, 0x88] {
        assert_eq!(rules[offset], Some(at_entry()), "at {offset:#x}");
    }
}

#[test]
fn mcall_ends_once_it_has_left_the_goroutine() {
    let code = bytes(MCALL);
    let size = code.len() as u32;
    let end = Rule::end(End::Runtime);
    let rules = switch_rules(&code, &[(0..1, 0), (1..size, 8)], end, false);
    assert_eq!(rules[0], Some(at_entry()));
    assert_eq!(rules[4], Some(by_rbp()));
    // `mov rsp, [r14+56]` itself still runs on the goroutine.
    assert_eq!(rules[0x43], Some(by_rbp()));
    assert!(rules[0x47..].iter().all(|rule| *rule == Some(end)));
}

#[test]
fn a_frameless_function_that_keeps_sp_in_r12_is_found_by_it() {
    // mov r12, rsp; mov rsp, [r10+56]; and rsp, -16; call rax; mov rsp, r12; ret: as racecall.
    let code = bytes("4989e4498b62384883e4f0ffd04c89e4c3");
    let size = code.len() as u32;
    let rules = switch_rules(&code, &[(0..size, 0)], UNSUPPORTED, false);
    let mut by_r12 = lost(Rule::frame(index::R12, 8));
    by_r12.saved[usize::from(index::RBP)] = saved::SAME;
    by_r12.kind = kind::SWITCH;
    assert_eq!(rules[3], Some(at_entry()));
    assert_eq!(rules[11], Some(by_r12));
    assert_eq!(rules[12], Some(by_r12));
}

#[test]
fn a_frameless_function_that_keeps_nothing_is_not_guessed() {
    // mov rsp, [rbx]; call rax
    let rules = switch_rules(&bytes("488b23ffd0"), &[(0..5, 0)], UNSUPPORTED, false);
    assert_eq!(rules[0], Some(at_entry()));
    assert_eq!(rules[3], Some(UNSUPPORTED));
}
