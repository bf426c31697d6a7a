//! The host walker on this very thread, beside glibc's own unwinder.

use std::arch::asm;
use std::ffi::{c_int, c_void};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use tracer_common::event::FRAME_EXACT;
use tracer_common::map::NO_MODULE;
use tracer_common::registers::index;

use super::*;
use crate::address::FileOffset;
use crate::object::ObjectFile;
use crate::unwind::{ModuleRows, module_rows};

unsafe extern "C" {
    /// execinfo.h: return addresses of this thread's frames, innermost first.
    fn backtrace(buffer: *mut *mut c_void, size: c_int) -> c_int;
}

/// This thread: registers, a copy of its stack, and glibc's return addresses from here on.
#[inline(never)]
fn capture() -> (Registers, MemoryCopies, Vec<u64>) {
    let mut values = [0u64; 8];
    let pc: u64;
    // SAFETY: stores registers to an array of eight words and changes nothing else.
    unsafe {
        asm!(
            "mov [{values} + 0], rbx",
            "mov [{values} + 8], rbp",
            "mov [{values} + 16], r12",
            "mov [{values} + 24], r13",
            "mov [{values} + 32], r14",
            "mov [{values} + 40], r15",
            "mov [{values} + 48], rsp",
            "lea {pc}, [rip]",
            values = in(reg) values.as_mut_ptr(),
            pc = out(reg) pc,
            options(nostack),
        );
    }
    let stack = mappings_of("/proc/self/maps")
        .into_iter()
        .find(|map| (map.start..map.end).contains(&values[usize::from(index::SP)]))
        .unwrap();
    let start = values[usize::from(index::SP)];
    let mut bytes = vec![0; (stack.end - start) as usize];
    File::open("/proc/self/mem").unwrap().read_exact_at(&mut bytes, start).unwrap();

    let mut buffer = [std::ptr::null_mut(); 256];
    // SAFETY: the buffer has as many entries as stated.
    let count = unsafe { backtrace(buffer.as_mut_ptr(), 256) };
    let theirs = buffer[..count as usize].iter().map(|address| *address as u64).collect();
    let registers = Registers { pc, values, known: 0x7f, exact: 1, ..Registers::default() };
    (registers, MemoryCopies(vec![MemoryCopy { start, bytes }]), theirs)
}

struct Map {
    start: u64,
    end: u64,
    offset: u64,
    executable: bool,
    path: String,
}

fn mappings_of(file: &str) -> Vec<Map> {
    let hex = |text: &str| u64::from_str_radix(text, 16).unwrap();
    let text = std::fs::read_to_string(file).unwrap();
    text.lines()
        .map(|line| {
            let fields: Vec<_> = line.split_whitespace().collect();
            let (start, end) = fields[0].split_once('-').unwrap();
            Map {
                start: hex(start),
                end: hex(end),
                offset: hex(fields[2]),
                executable: fields[1].contains('x'),
                path: fields.get(5).map(ToString::to_string).unwrap_or_default(),
            }
        })
        .collect()
}

#[test]
fn this_thread_is_walked_as_glibc_walks_it() {
    let (registers, memory, theirs) = std::thread::spawn(capture).join().unwrap();
    let mut tables = Tables::default();
    let mut modules = vec![Module::default()];
    let mut mappings = Vec::new();
    for map in mappings_of("/proc/self/maps") {
        if !map.executable || !map.path.starts_with('/') {
            continue;
        }
        let object = ObjectFile::open(Path::new(&map.path)).unwrap();
        let rows = module_rows(&object, None, &[]).unwrap();
        modules.push(tables.add_module(&rows).unwrap());
        let module = modules.len() as u64 - 1;
        mappings.push(Mapping { start: map.start, end: map.end, offset: map.offset, module });
    }
    let mut host = Host { tables: &tables, modules: &modules, mappings: &mappings, memory };
    let stack = walk(registers, &mut host);
    assert_eq!((stack.end, stack.reason), (End::Thread, None));
    // The first of theirs is in `capture` itself, at the call of `backtrace`.
    let ours: Vec<_> = stack.frames[1..].iter().map(|frame| frame.address).collect();
    assert_eq!(ours, theirs[1..]);
    assert!(ours.len() > 5, "{ours:x?}");
    assert!(stack.frames.iter().all(|frame| frame.module != NO_MODULE));
}

/// A target of one module without rows.
fn bare<'a>(tables: &'a Tables, modules: &'a [Module], mappings: &'a [Mapping]) -> Stack {
    let memory = MemoryCopies::default();
    let mut host = Host { tables, modules, mappings, memory };
    let registers = Registers { pc: 0x5000, known: 0x7f, exact: 1, ..Registers::default() };
    walk(registers, &mut host)
}

#[test]
fn what_is_not_known_is_a_reason() {
    let tables = Tables::default();
    let modules = [Module::default(), Module::default()];
    let stack = bare(&tables, &modules, &[]);
    assert_eq!((stack.end, stack.reason), (End::Error, Some(Reason::UnknownMapping)));
    assert_eq!((stack.frames.len(), stack.frames[0].address), (1, 0x5000));

    let mapping = Mapping { start: 0x5000, end: 0x6000, offset: 0x200, module: 1 };
    let stack = bare(&tables, &modules, &[mapping]);
    assert_eq!((stack.end, stack.reason), (End::Error, Some(Reason::UnknownModule)));
    assert_eq!((stack.frames[0].module, stack.frames[0].offset), (1, 0x200));

    let known = [Module::default(), Module { pages: 1, ..Module::default() }];
    let stack = bare(&tables, &known, &[mapping]);
    assert_eq!((stack.end, stack.reason), (End::Error, Some(Reason::NoRule)));
}

#[test]
fn a_stack_without_a_bottom_ends_at_the_limit() {
    /// Every word is a return address into the module.
    struct Endless;
    impl Memory for Endless {
        fn word(&mut self, _: u64) -> Option<u64> {
            Some(0x5010)
        }
        fn distant(&mut self, _: u64) -> Option<u64> {
            None
        }
    }
    let mut tables = Tables::default();
    let rows = ModuleRows {
        segments: Vec::new(),
        rows: vec![(FileOffset(0x200), Rule::frame(index::SP, 8))],
        end: FileOffset(0x300),
    };
    let modules = [Module::default(), tables.add_module(&rows).unwrap()];
    let mappings = [Mapping { start: 0x5000, end: 0x5100, offset: 0x200, module: 1 }];
    let mut host =
        Host { tables: &tables, modules: &modules, mappings: &mappings, memory: Endless };
    let registers = Registers { pc: 0x5020, known: 0x7f, exact: 1, ..Registers::default() };
    let stack = walk(registers, &mut host);
    assert_eq!((stack.end, stack.reason), (End::Limit, None));
    assert_eq!(stack.frames.len(), MAX_FRAMES);
    // The first is where it stands, the others are return addresses.
    let frame = |index: usize| (stack.frames[index].address, stack.frames[index].flags);
    assert_eq!(frame(0), (0x5020, FRAME_EXACT));
    assert_eq!(frame(1), (0x5010, 0));
    assert_eq!((stack.frames[1].module, stack.frames[1].offset), (1, 0x210));
}
