use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use tracer_common::reason::{End, Reason};

use super::*;
use crate::object::{ModuleIdentity, ObjectFile};
use crate::symbol::SourceFrame;

/// Names by exact offset, and what was asked for.
#[derive(Default)]
struct Names {
    known: HashMap<(u16, u64), Vec<SourceFrame>>,
    asked: Vec<(u16, u64)>,
}

impl Symbolize for Names {
    fn symbolize(&mut self, module: ModuleNumber, offset: FileOffset) -> Vec<SourceFrame> {
        self.asked.push((module.0, offset.0));
        self.known.get(&(module.0, offset.0)).cloned().unwrap_or_default()
    }
}

fn source(function: &str, inlined: bool) -> SourceFrame {
    SourceFrame {
        function: function.to_owned(),
        symbol: format!("_{function}"),
        language: Language::C,
        file: Some("/src/a.c".to_owned()),
        line: Some(9),
        inlined,
    }
}

/// One module, number 1: any ELF file will do.
fn modules() -> Modules {
    let object = ObjectFile::open(&std::env::current_exe().unwrap()).unwrap();
    let mut modules = Modules::default();
    modules.add(ModuleIdentity::of(Path::new("/srv/app"), &object));
    modules
}

fn hit(end: End, reason: Option<Reason>, frames: &[(u64, u32, u16, u16)]) -> Hit {
    Hit {
        time: 5,
        pid: 1,
        tid: 0,
        cookie: 0,
        goroutine: Some(3),
        cgroup: None,
        comm: b"app".to_vec(),
        end,
        reason,
        stack: 0,
        frames: frames
            .iter()
            .map(|&(address, offset, module, flags)| Frame { address, offset, module, flags })
            .collect(),
    }
}

fn assemble(
    hit: &Hit,
    probe: &str,
    modules: &Modules,
    symbols: &mut dyn Symbolize,
    clock: ClockOffset,
) -> Stack {
    Assembler::default().assemble(hit, probe, modules, symbols, clock)
}

fn functions(stack: &Stack) -> Vec<String> {
    stack
        .entries
        .iter()
        .map(|entry| match entry {
            Entry::Gap(reason) => format!("gap {}", reason.name()),
            Entry::Frame(frame) => {
                let name = frame.function.clone().unwrap_or_else(|| format!("{:x}", frame.address));
                if frame.inlined { format!("{name} inlined") } else { name }
            }
        })
        .collect()
}

#[test]
fn a_caller_is_named_one_byte_before_its_return_address() {
    let mut names = Names::default();
    names.known.insert((1, 0x100), vec![source("inner", false)]);
    names.known.insert((1, 0x1ff), vec![source("leaf", true), source("outer", false)]);
    let hit = hit(End::Goexit, None, &[(0x40_0100, 0x100, 1, 1), (0x40_0200, 0x200, 1, 0)]);
    let stack = assemble(&hit, "inner", &modules(), &mut names, ClockOffset(10));
    assert_eq!(names.asked, [(1, 0x100), (1, 0x1ff)]);
    assert_eq!(functions(&stack), ["inner", "leaf inlined", "outer"]);
    let Entry::Frame(leaf) = &stack.entries[1] else { panic!("{stack:?}") };
    let expected = StackFrame {
        function: Some("leaf".to_owned()),
        symbol: Some("_leaf".to_owned()),
        language: Language::C,
        file: Some("/src/a.c".to_owned()),
        line: Some(9),
        inlined: true,
        module: modules().get(1).cloned(),
        address: RuntimeAddress(0x40_0200),
        offset: Some(FileOffset(0x200)),
        exact: false,
    };
    assert_eq!(*leaf, expected);
    assert!(stack.is_complete());
    assert_eq!(stack.problems(), Vec::<&str>::new());
    assert_eq!((stack.time.0, stack.pid, stack.tid), (15, Some(1), None));
}

#[test]
fn what_has_no_name_keeps_its_address() {
    let mut names = Names::default();
    let hit = hit(End::Thread, None, &[(0x40_0100, 0x100, 1, 1), (0x7f00, 0, 0, 0), (1, 2, 77, 0)]);
    let stack = assemble(&hit, "p", &modules(), &mut names, ClockOffset(0));
    let place = |entry: &Entry| match entry {
        Entry::Frame(frame) => (frame.module.is_some(), frame.offset.map(|offset| offset.0)),
        Entry::Gap(_) => panic!("{entry:?}"),
    };
    let places: Vec<_> = stack.entries.iter().map(place).collect();
    assert_eq!(places, [(true, Some(0x100)), (false, None), (false, None)]);
    assert_eq!(names.asked, [(1, 0x100)]);
    assert!(stack.is_complete());
}

#[test]
fn a_failed_walk_has_a_gap_after_its_last_frame() {
    let hit = hit(End::Error, Some(Reason::NoRule), &[(0x40_0100, 0x100, 1, 1)]);
    let stack = assemble(&hit, "p", &modules(), &mut Names::default(), ClockOffset(0));
    assert_eq!(functions(&stack), ["400100", "gap no-unwind-rule"]);
    assert_eq!(stack.problems(), ["no-unwind-rule"]);
    assert!(!stack.is_complete());
}

#[test]
fn a_stack_that_is_too_deep_is_not_complete() {
    let hit = hit(End::Limit, None, &[(0x40_0100, 0x100, 1, 1)]);
    let stack = assemble(&hit, "p", &modules(), &mut Names::default(), ClockOffset(0));
    assert_eq!(functions(&stack), ["400100"]);
    assert_eq!(stack.problems(), ["limit"]);
}

#[test]
fn a_stack_is_named_once() {
    let mut assembler = Assembler::default();
    let (modules, mut names) = (modules(), Names::default());
    let frames = [(0x40_0100, 0x100, 1, 1)];
    let first = Hit { stack: 7, ..hit(End::Goexit, None, &frames) };
    let again = Hit { time: 9, ..first.clone() };
    let other = Hit { stack: 8, ..hit(End::Error, Some(Reason::NoRule), &frames) };
    let mut assemble = |hit| assembler.assemble(hit, "p", &modules, &mut names, ClockOffset(0));
    let stacks = [assemble(&first), assemble(&again), assemble(&other)];
    assert!(Arc::ptr_eq(&stacks[0].entries, &stacks[1].entries));
    assert_eq!(stacks[1].time.0, 9);
    assert_eq!(functions(&stacks[2]), ["400100", "gap no-unwind-rule"]);
    assert_eq!(names.asked, [(1, 0x100), (1, 0x100)]);
}

#[test]
fn what_is_remembered_is_bounded() {
    let mut assembler = Assembler::default();
    let (modules, mut names) = (modules(), Names::default());
    let frames = [(0x40_0100, 0x100, 1, 1); 512];
    for stack in 1..2000 {
        let hit = Hit { stack, ..hit(End::Goexit, None, &frames) };
        assembler.assemble(&hit, "p", &modules, &mut names, ClockOffset(0));
        assert!(assembler.size <= REMEMBERED && assembler.known.len() * 512 == assembler.size);
    }
}

#[test]
fn the_summary_counts_each_stack_once() {
    let mut summary = super::super::Summary::default();
    let mut unnamed = super::super::Summary::default();
    for (end, reason) in [
        (End::Goexit, None),
        (End::Error, Some(Reason::NoRule)),
        (End::Error, Some(Reason::NoRule)),
        (End::Limit, None),
    ] {
        let hit = hit(end, reason, &[]);
        unnamed.count_hit(&hit);
        summary.count(&assemble(&hit, "p", &modules(), &mut Names::default(), ClockOffset(0)));
    }
    // A gap before an early end is the first problem.
    let gap = (0, Reason::RegisterLost as u32, 0, FRAME_GAP);
    let hit = hit(End::Error, Some(Reason::NoRule), &[(1, 1, 1, 1), gap]);
    unnamed.count_hit(&hit);
    summary.count(&assemble(&hit, "p", &modules(), &mut Names::default(), ClockOffset(0)));
    assert_eq!(summary, unnamed);
    assert_eq!(summary.incomplete["register-lost"], 1);
    summary.lose("ring-full", 0);
    assert!(summary.lost.is_empty());
    summary.lose("ring-full", 2);
    assert_eq!((summary.events, summary.complete, summary.incomplete()), (5, 1, 4));
    assert_eq!(summary.incomplete["no-unwind-rule"], 2);
    assert_eq!(summary.incomplete["limit"], 1);
    assert_eq!(summary.lost(), 2);
}
