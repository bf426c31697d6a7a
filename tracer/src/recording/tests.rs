use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use proptest::prelude::*;
use rustc_hash::FxHashMap;
use tracer_common::event::{FRAME_EXACT, FRAME_GAP, Frame};
use tracer_common::reason::{End, Loss, Reason};

use super::*;
use crate::address::FileOffset;
use crate::event::{Event, EventSource, Hit};
use crate::object::{BuildId, ModuleIdentity, ModuleNumber, Modules};
use crate::sink::{ProbeLabel, Start};
use crate::stack::ClockOffset;
use crate::symbol::{Language, SourceFrame, Symbolize};

/// Names each place by its number, and each offset of 0x10 not at all.
struct Names;

impl Symbolize for Names {
    fn symbolize(&mut self, module: ModuleNumber, offset: FileOffset) -> Vec<SourceFrame> {
        if offset.0 == 0x10 {
            return Vec::new();
        }
        let name = |inlined| SourceFrame {
            function: format!("f{}+{:x}", module.0, offset.0),
            symbol: "_f".to_owned(),
            language: Language::Rust,
            file: Some("/src/a.rs".to_owned()),
            line: Some(3),
            inlined,
        };
        vec![name(true), name(false)]
    }
}

/// Bytes that the test keeps while the recorder writes them.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn start() -> Start {
    let probe = ProbeLabel {
        name: "animal_print".to_owned(),
        names: vec!["animal_print".to_owned(), "alias".to_owned()],
        module: "/srv/app".into(),
        offset: FileOffset(0x6_ab5d),
    };
    Start { probes: vec![probe], executable: Some("/srv/app".into()) }
}

fn modules() -> Modules {
    let mut modules = Modules::default();
    let build_id = Some(BuildId(vec![1, 2, 3]));
    modules.add(ModuleIdentity { path: "/srv/app".into(), build_id });
    modules.add(ModuleIdentity { path: "/lib/libc.so.6".into(), build_id: None });
    modules
}

fn hit(time: u64, tid: u32, stack: u64, frames: &[Frame]) -> Hit {
    Hit {
        time,
        pid: 4242,
        tid,
        cookie: 77,
        goroutine: Some(u64::from(tid) + 1),
        cgroup: None,
        comm: b"app\xff".to_vec(),
        end: End::Goexit,
        reason: None,
        stack,
        frames: frames.into(),
    }
}

const fn frame(module: u16, offset: u32, flags: u16) -> Frame {
    Frame { address: 0x40_0000 + offset as u64, offset, module, flags }
}

/// Two stacks: one twice, by two threads; one with a gap, that failed.
fn hits() -> Vec<Hit> {
    let whole = [frame(1, 0x10, FRAME_EXACT), frame(2, 0x21, 0)];
    let gap = Frame { address: 0, offset: 4, module: 0, flags: FRAME_GAP };
    let failed = [frame(2, 0x30, FRAME_EXACT), gap, frame(0, 0, 0)];
    vec![
        hit(1_000_000, 1, 0xaaaa, &whole),
        Hit { end: End::Error, reason: Some(Reason::NoRule), ..hit(1_500_000, 2, 0xbbbb, &failed) },
        // Another CPU's, earlier.
        hit(900_000, 3, 0xaaaa, &whole),
    ]
}

struct Written {
    _directory: tempfile::TempDir,
    path: PathBuf,
}

impl Written {
    fn with(bytes: &[u8]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("hits.cgotrace");
        std::fs::write(&path, bytes).unwrap();
        Self { _directory: directory, path }
    }
}

/// The bytes of a recording of `hits`; without its end where it is not `finished`.
fn record(hits: &[Hit], finished: bool) -> Vec<u8> {
    let bytes = Shared::default();
    let labels = FxHashMap::from_iter([(77, "animal_print".to_owned())]);
    let out = Box::new(bytes.clone());
    let mut recorder = Recorder::new(out, &start(), &labels, ClockOffset(10)).unwrap();
    let modules = modules();
    for hit in hits {
        recorder.write(hit, &modules).unwrap();
    }
    recorder.flush().unwrap();
    if finished {
        let lost = [(Loss::RingFull.name(), 5)].into();
        let duration = Duration::from_millis(1500);
        recorder.finish(&mut Names, &lost, duration, &mut |_, _| {}).unwrap();
    }
    drop(recorder);
    std::mem::take(&mut *bytes.0.lock().unwrap())
}

fn events(recording: &mut Recording) -> Vec<Hit> {
    std::iter::from_fn(|| match recording.next_event().unwrap()? {
        Event::Hit(hit) => Some(hit),
        other => panic!("{other:?}"),
    })
    .collect()
}

/// All but the stack's number, which is the source's own.
fn assert_same(read: &[Hit], written: &[Hit]) {
    assert_eq!(read.len(), written.len());
    for (read, written) in read.iter().zip(written) {
        assert_eq!(*read, Hit { stack: read.stack, ..written.clone() });
    }
}

#[test]
fn all_that_was_recorded_comes_back() {
    let written = Written::with(&record(&hits(), true));
    let mut recording = Recording::open(&written.path).unwrap();
    assert_eq!(recording.start.probes, start().probes);
    assert_eq!(recording.start.executable, start().executable);
    assert_eq!(recording.clock, ClockOffset(10));
    assert_eq!(recording.labels[&77], "animal_print");
    assert_eq!(recording.version, env!("CARGO_PKG_VERSION"));
    let mut names = recording.names().unwrap().expect("names");
    let read = events(&mut recording);
    assert_same(&read, &hits());
    assert_eq!((read[0].stack, read[1].stack, read[2].stack), (1, 2, 1));
    let known: Vec<_> = recording.modules.iter().map(|(_, module)| module.clone()).collect();
    let expected: Vec<_> = modules().iter().map(|(_, module)| module.clone()).collect();
    assert_eq!(known, expected);
    let lost = [("ring-full", 5)].into();
    let duration = Duration::from_millis(1500);
    assert_eq!(recording.rest, Some(Rest::Whole { lost, duration }));
    // A caller is looked up one byte before its return address, the others where they are.
    let mut name = |module, offset| names.symbolize(ModuleNumber(module), FileOffset(offset));
    assert_eq!(name(2, 0x20), Names.symbolize(ModuleNumber(2), FileOffset(0x20)));
    assert_eq!(name(2, 0x30), Names.symbolize(ModuleNumber(2), FileOffset(0x30)));
    assert_eq!(name(1, 0x10), []);
    assert_eq!(name(2, 0x21), []);
}

#[test]
fn one_that_was_cut_is_readable_up_to_the_cut() {
    let whole = record(&hits(), false);
    let written = Written::with(&whole);
    let mut recording = Recording::open(&written.path).unwrap();
    assert!(recording.names().unwrap().is_none());
    assert_same(&events(&mut recording), &hits());
    assert_eq!(recording.rest, Some(Rest::Cut));
    // Wherever it is cut, what is read is a beginning of what was written.
    for length in 0..whole.len() {
        let written = Written::with(&whole[..length]);
        match Recording::open(&written.path) {
            Err(RecordingError::NoRecording { .. }) => assert!(length < MAGIC.len()),
            Err(error) => panic!("{error}"),
            Ok(mut recording) => {
                let read = events(&mut recording);
                assert_same(&read, &hits()[..read.len()]);
                assert_eq!(recording.rest, Some(Rest::Cut));
            }
        }
    }
}

#[test]
fn what_is_no_recording_is_refused() {
    let error = |bytes: &[u8]| {
        let written = Written::with(bytes);
        Recording::open(&written.path).err().map(|error| error.to_string()).unwrap_or_default()
    };
    assert!(error(b"").contains("it is no recording"));
    assert!(error(b"\x7fELF and so on, much longer").contains("it is no recording"));
    assert!(error(b"cgotrace\x02\x00").contains("version 2"));
    let missing = Recording::open(Path::new("/nowhere/hits")).err().unwrap().to_string();
    assert!(missing.starts_with("cannot read the recording /nowhere/hits: "), "{missing}");
}

/// All that a recording says, in words; `None` where it is cut or damaged.
fn content(bytes: &[u8]) -> Option<String> {
    let written = Written::with(bytes);
    let mut recording = Recording::open(&written.path).ok()?;
    let names = recording.names().ok()?;
    let mut hits = Vec::new();
    while let Some(event) = recording.next_event().ok()? {
        hits.push(event);
    }
    let rest = recording.rest.filter(|rest| *rest != Rest::Cut)?;
    let (labels, modules) = (recording.labels, recording.modules);
    Some(format!("{:?} {labels:?} {modules:?} {names:?} {hits:?} {rest:?}", recording.start))
}

#[test]
fn a_changed_byte_is_found_or_changes_nothing() {
    let whole = record(&hits(), true);
    let said = content(&whole).expect("a whole recording");
    let mut found = 0;
    for at in MAGIC.len()..whole.len() - TRAILER.len() - 8 {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        match content(&bytes) {
            None => found += 1,
            // The last bits of a compressed stream may mean nothing.
            Some(other) => assert_eq!(other, said, "byte {at}"),
        }
    }
    assert!(found > whole.len() * 8 / 10);
}

#[test]
fn the_tables_are_bounded_and_nothing_is_lost() {
    // More frames, and more threads, than the tables hold.
    let frames: Vec<_> = (0..512).map(|offset| frame(1, offset, 0)).collect();
    let count = MAX_TABLE_FRAMES as u64 / 512 * 5 / 2;
    let deep: Vec<_> = (1..count).map(|stack| hit(stack, 1, stack, &frames)).collect();
    let threads = (0..MAX_TABLE_THREADS as u32 * 5 / 2).map(|tid| hit(5, tid, 1, &frames[..1]));
    for hits in [deep, threads.collect()] {
        let written = Written::with(&record(&hits, true));
        let mut recording = Recording::open(&written.path).unwrap();
        assert_same(&events(&mut recording), &hits);
    }
}

proptest! {
    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let mut content = MAGIC.to_vec();
        // Bytes that are a block, so that entries are reached too.
        let mut block = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        block.write_all(&bytes).unwrap();
        let block = block.finish().unwrap();
        content.extend((block.len() as u32).to_le_bytes());
        content.extend(block);
        for content in [content, [MAGIC.as_slice(), &bytes].concat()] {
            let written = Written::with(&content);
            if let Ok(mut recording) = Recording::open(&written.path) {
                let _ = recording.names();
                while let Ok(Some(_)) = recording.next_event() {}
            }
        }
    }

    #[test]
    fn any_hits_come_back(
        hits in proptest::collection::vec(
            (any::<u64>(), 0u32..3, 1u64..5, any::<u64>(), any::<Option<u64>>(), any::<Option<u64>>()),
            0..50,
        ),
    ) {
        let hits: Vec<_> = hits
            .into_iter()
            .map(|(time, tid, stack, cookie, goroutine, cgroup)| {
                let frames = vec![frame(1, stack as u32 * 100, 0); stack as usize];
                Hit { cookie, goroutine, cgroup, ..hit(time, tid, stack, &frames) }
            })
            .collect();
        let written = Written::with(&record(&hits, true));
        let mut recording = Recording::open(&written.path).unwrap();
        prop_assert!(recording.names().unwrap().is_some());
        assert_same(&events(&mut recording), &hits);
        let known: FxHashMap<_, _> = hits.iter().map(|hit| (hit.stack, Arc::clone(&hit.frames))).collect();
        prop_assert_eq!(recording.stack_number, known.len() as u64);
    }
}
