//! Stacks written by hand, for the tests of outputs.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses a part")]

use std::collections::BTreeMap;
use std::sync::Arc;

use tracer::address::{FileOffset, RuntimeAddress};
use tracer::object::{BuildId, ModuleIdentity};
use tracer::sink::{ProbeLabel, Start};
use tracer::stack::{Entry, Stack, StackFrame, Time};
use tracer::symbol::Language;
use tracer_common::reason::{End, Reason};

/// 2026-01-31 12:00:00.123456789 UTC.
const TIME: Time = Time(1_769_860_800_123_456_789);

pub fn frame(function: &str, language: Language, file: &str, line: u32) -> StackFrame {
    StackFrame {
        function: Some(function.to_owned()),
        symbol: Some(function.to_owned()),
        language,
        file: Some(file.to_owned()),
        line: Some(line),
        inlined: false,
        module: module("/srv/app"),
        address: RuntimeAddress(0x46_ab5d),
        offset: Some(FileOffset(0x6_ab5d)),
        exact: false,
    }
}

fn module(path: &str) -> Option<Arc<ModuleIdentity>> {
    let build_id = Some(BuildId(vec![0xab, 0xcd, 0xef]));
    Some(Arc::new(ModuleIdentity { path: path.into(), build_id }))
}

pub fn nameless(address: u64, place: Option<(&str, u64)>) -> StackFrame {
    StackFrame {
        function: None,
        symbol: None,
        language: Language::Unknown,
        file: None,
        line: None,
        inlined: false,
        module: place.and_then(|(path, _)| module(path)),
        address: RuntimeAddress(address),
        offset: place.map(|(_, offset)| FileOffset(offset)),
        exact: false,
    }
}

pub fn stack(end: End, entries: Vec<Entry>) -> Stack {
    Stack {
        time: TIME,
        pid: Some(4242),
        tid: Some(4245),
        comm: b"app".to_vec(),
        cgroup: None,
        goroutine: Some(1),
        probe: "animal_print".to_owned(),
        end,
        entries: entries.into(),
    }
}

pub fn whole() -> Stack {
    let probed =
        StackFrame { exact: true, ..frame("animal_print", Language::C, "/src/c/api.c", 24) };
    let inlined =
        StackFrame { inlined: true, ..frame("app.helper", Language::Go, "/src/app/app.go", 31) };
    let library = StackFrame {
        symbol: Some("_ZN3lib4walkEi".to_owned()),
        module: module("/usr/lib/libwalk.so.1"),
        ..frame("lib::walk(int)", Language::Cpp, "/src/walk.cc", 7)
    };
    let rust = StackFrame { line: None, ..frame("rs::run", Language::Rust, "/src/run.rs", 0) };
    let unnamed_file =
        StackFrame { file: None, line: None, ..frame("runtime.goexit", Language::Asm, "", 0) };
    let entries = vec![
        Entry::Frame(probed),
        Entry::Frame(library),
        Entry::Frame(rust),
        Entry::Frame(nameless(0x46_ac00, Some(("/srv/app", 0x6_ac00)))),
        Entry::Frame(inlined),
        Entry::Frame(frame("app.DoStuff", Language::Go, "/src/app/app.go", 40)),
        Entry::Frame(unnamed_file),
    ];
    stack(End::Goexit, entries)
}

pub fn gap() -> Stack {
    let entries = vec![
        Entry::Frame(frame("animal_print", Language::C, "/src/c/api.c", 24)),
        Entry::Frame(nameless(0x7f12_3456_7890, None)),
        Entry::Gap(Reason::UnknownMapping),
    ];
    Stack { goroutine: None, cgroup: Some(77), ..stack(End::Error, entries) }
}

fn limit() -> Stack {
    let entries = vec![Entry::Frame(frame("deep", Language::C, "/src/deep.c", 1))];
    Stack { pid: None, tid: None, ..stack(End::Limit, entries) }
}

/// Every value that a target chooses tries to steer the terminal.
pub fn hostile() -> Stack {
    let entries = vec![
        Entry::Frame(StackFrame {
            module: module("/srv/\u{1b}]0;lib\u{7}"),
            ..frame("a\u{1b}[31mb\r\n", Language::C, "/src/\u{202e}c.ipa", 1)
        }),
        Entry::Frame(nameless(1, Some(("/srv/\u{9b}31m", 2)))),
    ];
    let comm = b"\x1b[2J\xff".to_vec();
    Stack { comm, probe: "p\u{9b}\n".to_owned(), ..stack(End::Thread, entries) }
}

/// Go calls C, C calls Go, Go calls Rust, a function of which is inlined.
fn crossing() -> Stack {
    let place = |at: u64, frame: StackFrame| StackFrame {
        address: RuntimeAddress(0x40_0000 + at),
        offset: Some(FileOffset(at)),
        ..frame
    };
    let go = |function, line| frame(function, Language::Go, "/src/app/app.go", line);
    let runtime = |function| frame(function, Language::Go, "/go/src/runtime/cgo.go", 9);
    let rust = frame("rs::leaf", Language::Rust, "/src/rs.rs", 3);
    let inlined =
        StackFrame { inlined: true, ..frame("rs::small", Language::Rust, "/src/rs.rs", 1) };
    let stub = StackFrame {
        file: None,
        line: None,
        ..frame("_cgo_0123456789ab_Cfunc_visit", Language::C, "", 0)
    };
    let frames = vec![
        place(0x1000, StackFrame { exact: true, ..inlined }),
        place(0x1000, StackFrame { exact: true, ..rust }),
        place(0x1100, runtime("runtime.asmcgocall")),
        place(0x1200, runtime("runtime.cgocall")),
        place(0x1300, go("app._Cfunc_rs_leaf", 5)),
        place(0x1400, go("app.visit", 12)),
        place(0x1500, runtime("_cgoexp_0123456789ab_goVisit")),
        place(0x1600, runtime("runtime.cgocallback")),
        place(0x1700, runtime("crosscall2")),
        place(0x1800, frame("goVisit", Language::C, "/src/c/visit.c", 7)),
        place(0x1900, stub),
        place(0x1a00, runtime("runtime.asmcgocall")),
        place(0x1b00, go("main.main", 30)),
        place(0x1c00, runtime("runtime.main")),
        place(0x1d00, runtime("runtime.goexit")),
    ];
    stack(End::Goexit, frames.into_iter().map(Entry::Frame).collect())
}

pub fn cases() -> BTreeMap<&'static str, Stack> {
    BTreeMap::from([
        ("crossing", crossing()),
        ("gap", gap()),
        ("hostile", hostile()),
        ("limit", limit()),
        ("whole", whole()),
    ])
}

pub fn start() -> Start {
    let probe = ProbeLabel {
        name: "animal_print".to_owned(),
        names: vec!["animal_print".to_owned(), "animal_show".to_owned()],
        module: "/srv/app".into(),
        offset: FileOffset(0x6_ab5d),
    };
    Start { probes: vec![probe], executable: Some("/srv/app".into()) }
}
