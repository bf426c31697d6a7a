use std::io;
use std::sync::mpsc::SyncSender;

use tracer_common::reason::End;

use super::*;
use crate::sink::Sink;
use crate::stack::{Entry, Stack, StackFrame};

/// How long a thread may take for what takes no time.
const PATIENCE: Duration = Duration::from_secs(20);

/// A sink whose reader takes a stack only when the test does.
struct Slow {
    written: SyncSender<String>,
}

impl Sink for Slow {
    fn write(&mut self, stack: &Stack) -> io::Result<()> {
        let mut shown = stack.probe.clone();
        for entry in stack.entries.iter() {
            if let Entry::Frame(StackFrame { function: Some(function), .. }) = entry {
                shown += " ";
                shown += function;
            }
        }
        self.written.send(shown).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }

    fn finish(&mut self, _: &Summary) -> io::Result<()> {
        Ok(())
    }
}

struct Failing;

impl Sink for Failing {
    fn write(&mut self, _: &Stack) -> io::Result<()> {
        Err(io::ErrorKind::StorageFull.into())
    }

    fn finish(&mut self, _: &Summary) -> io::Result<()> {
        Ok(())
    }
}

fn start(sink: Box<dyn Sink + Send>) -> (Queue, NamingThread) {
    let (queue, jobs) = queue();
    let naming = Naming {
        symbols: Symbolizer::default(),
        labels: FxHashMap::from_iter((0..8).map(|cookie| (cookie, format!("probe {cookie}")))),
        clock: ClockOffset(0),
        output: Output::of_sink(Ok(sink)).unwrap(),
    };
    (queue, NamingThread::start(naming, jobs).unwrap())
}

fn hit(cookie: u64, frames: &Arc<[Frame]>) -> Hit {
    Hit {
        time: 0,
        pid: 0,
        tid: 0,
        cookie,
        goroutine: None,
        cgroup: None,
        comm: b"worker".to_vec(),
        end: End::Goexit,
        reason: None,
        stack: 0,
        frames: Arc::clone(frames),
    }
}

fn frames(count: usize) -> Arc<[Frame]> {
    vec![Frame::default(); count].into()
}

#[test]
fn hits_are_written_in_their_order() {
    let (written, read) = std::sync::mpsc::sync_channel(100);
    let (queue, thread) = start(Box::new(Slow { written }));
    let shared = frames(2);
    for cookie in 0..4 {
        assert!(queue.hit(hit(cookie, &shared)));
    }
    queue.end(Duration::from_secs(3), vec![("ring-full", 5), ("no-walk-slot", 0)]);
    let named = thread.join(&mut |_| {}).unwrap();
    assert_eq!(read.iter().collect::<Vec<_>>(), ["probe 0", "probe 1", "probe 2", "probe 3"]);
    assert_eq!((named.summary.events, named.summary.complete), (4, 4));
    assert_eq!(named.summary.lost, [("ring-full", 5)].into());
    assert_eq!(named.summary.duration, Duration::from_secs(3));
    assert!(!named.is_output_closed);
}

/// Deep stacks that nothing else keeps weigh more: fewer may wait.
#[test]
fn what_finds_no_room_is_refused_at_once_and_room_comes_back() {
    for (own, most) in [(false, MOST_WAITING / size_of::<Job>()), (true, MOST_WAITING / 512 / 16)] {
        let (written, read) = std::sync::mpsc::sync_channel(0);
        let (queue, thread) = start(Box::new(Slow { written }));
        let shared = frames(512);
        let one = || if own { hit(1, &frames(512)) } else { hit(1, &shared) };
        let mut taken = 0;
        while queue.hit(one()) {
            taken += 1;
            assert!(taken <= most, "{taken} hits wait");
        }
        assert!(taken > most / 2, "only {taken} of {most} may wait");
        // One is being written and goes on once it is read; then there is room for one.
        read.recv_timeout(PATIENCE).unwrap();
        let deadline = Instant::now() + PATIENCE;
        while !queue.hit(one()) {
            assert!(Instant::now() < deadline, "no room came back");
        }
        drop(read);
        assert!(thread.join(&mut |_| {}).unwrap().is_output_closed);
    }
}

#[test]
fn a_thread_that_cannot_write_is_over_and_says_why() {
    let (queue, thread) = start(Box::new(Failing));
    assert!(!thread.is_over());
    assert!(queue.hit(hit(0, &frames(0))));
    let deadline = Instant::now() + PATIENCE;
    while !thread.is_over() {
        assert!(Instant::now() < deadline, "it goes on");
        std::thread::yield_now();
    }
    // Nobody minds what comes later.
    queue.hit(hit(0, &frames(0)));
    queue.end(Duration::ZERO, Vec::new());
    assert!(matches!(thread.join(&mut |_| {}), Err(SessionError::Output(_))));
}

#[test]
fn modules_have_the_numbers_of_their_order() {
    let (written, read) = std::sync::mpsc::sync_channel(100);
    let (queue, thread) = start(Box::new(Slow { written }));
    let program = crate::object::compile("a.c", "int main(void) { return 0; }", &["-g"]);
    let object = program.open();
    let main = object.offset_of(crate::address::ElfAddress(program.address("main"))).unwrap();
    for _ in 0..2 {
        let identity = ModuleIdentity::of(program.directory(), &object);
        queue.add_module(identity, Arc::clone(&object), None);
    }
    let frame = Frame {
        module: 2,
        offset: u32::try_from(main.0).unwrap(),
        flags: tracer_common::event::FRAME_EXACT,
        ..Frame::default()
    };
    queue.hit(hit(0, &vec![frame].into()));
    queue.end(Duration::ZERO, Vec::new());
    assert_eq!(thread.join(&mut |_| {}).unwrap().summary.events, 1);
    assert_eq!(read.iter().collect::<Vec<_>>(), ["probe 0 main"]);
}
