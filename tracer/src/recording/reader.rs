//! Reads a recording, as a source of events.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustc_hash::FxHashMap;
use tracer_common::event::{Frame, MAX_FRAMES};
use tracer_common::reason::{End, Loss, Reason};

use super::block::{self, Found};
use super::entry::{self, Entry};
use super::{
    MAGIC, MAX_PLACES, MAX_TABLE_FRAMES, MAX_TABLE_THREADS, RecordedNames, RecordingError, TRAILER,
};
use crate::address::FileOffset;
use crate::event::{Event, EventError, EventSource, Hit};
use crate::object::{BuildId, ModuleIdentity, Modules};
use crate::sink::{ProbeLabel, Start};
use crate::stack::ClockOffset;

/// A recording, read from its start on.
pub struct Recording {
    /// What was known before the first hit.
    pub start: Start,
    /// The version of cgotrace that wrote it.
    pub version: String,
    /// What probes are called, by cookie.
    pub labels: FxHashMap<u64, String>,
    /// From the times of hits to the calendar.
    pub clock: ClockOffset,
    /// The modules of what was read so far.
    pub modules: Modules,
    /// What is at the end; `None` as long as that is not reached.
    pub rest: Option<Rest>,
    path: PathBuf,
    input: BufReader<File>,
    /// Where the current block starts, and where the next one does.
    at: u64,
    next: u64,
    /// Where the names start; where there are none, the end.
    end: u64,
    block: Vec<u8>,
    /// How many bytes of the block are read.
    used: usize,
    time: u64,
    stacks: Vec<Stack>,
    frames: usize,
    threads: Vec<entry::Thread>,
    /// How many stacks were read in all.
    pub(super) stack_number: u64,
}

/// The end of a recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rest {
    /// It is whole.
    Whole {
        /// Events that were lost, by the name of the reason.
        lost: BTreeMap<&'static str, u64>,
        /// From the first armed probe to the end.
        duration: Duration,
    },
    /// It was cut short.
    Cut,
}

struct Stack {
    /// Counts from 1 through the whole recording.
    number: u64,
    end: End,
    reason: Option<Reason>,
    frames: Arc<[Frame]>,
}

impl Recording {
    /// Opens a recording, and reads its start.
    ///
    /// # Errors
    /// The file cannot be read, or is no recording that this version reads.
    pub fn open(path: &Path) -> Result<Self, RecordingError> {
        let failed = |source| RecordingError::Read { path: path.to_owned(), source };
        let mut input = BufReader::new(File::open(path).map_err(failed)?);
        let mut magic = Vec::new();
        input.by_ref().take(MAGIC.len() as u64).read_to_end(&mut magic).map_err(failed)?;
        if magic.len() < MAGIC.len() || magic[..8] != MAGIC[..8] {
            return Err(RecordingError::NoRecording { path: path.to_owned() });
        }
        if magic != MAGIC {
            return Err(RecordingError::Version { path: path.to_owned(), version: magic[8] });
        }
        let mut recording = Self {
            start: Start::default(),
            version: String::new(),
            labels: FxHashMap::default(),
            clock: ClockOffset(0),
            modules: Modules::default(),
            rest: None,
            path: path.to_owned(),
            input,
            at: MAGIC.len() as u64,
            next: MAGIC.len() as u64,
            end: u64::MAX,
            block: Vec::new(),
            used: 0,
            time: 0,
            stacks: Vec::new(),
            frames: 0,
            threads: Vec::new(),
            stack_number: 0,
        };
        match recording.next_entry()? {
            Some(Entry::Start(start)) => recording.begin(start),
            Some(_) => return Err(recording.damaged("it does not begin with its start")),
            None => {}
        }
        Ok(recording)
    }

    fn begin(&mut self, start: entry::Start) {
        let path = |bytes| PathBuf::from(OsString::from_vec(bytes));
        self.version = start.version;
        self.clock = ClockOffset(start.clock);
        self.labels = start.labels.into_iter().collect();
        let probes = start.probes.into_iter().map(|probe| ProbeLabel {
            name: probe.name,
            names: probe.names,
            module: path(probe.module),
            offset: FileOffset(probe.offset),
        });
        self.start = Start { probes: probes.collect(), executable: start.executable.map(path) };
    }

    /// The names; `None` where the recording was cut short, and has none. To be called before the
    /// first event is read.
    ///
    /// # Errors
    /// The file cannot be read, or what it holds are no names.
    pub fn names(&mut self) -> Result<Option<RecordedNames>, RecordingError> {
        let (at, next) = (self.at, self.next);
        let (block, used) = (std::mem::take(&mut self.block), self.used);
        let names = self.read_names();
        self.input.seek(SeekFrom::Start(next)).map_err(|source| self.failed(source))?;
        (self.at, self.next, self.block, self.used) = (at, next, block, used);
        self.rest = None;
        names
    }

    fn read_names(&mut self) -> Result<Option<RecordedNames>, RecordingError> {
        let mut trailer = Vec::new();
        let length = self.input.seek(SeekFrom::End(0)).map_err(|source| self.failed(source))?;
        let Some(last) = length.checked_sub(16) else { return Ok(None) };
        self.input
            .seek(SeekFrom::Start(last))
            .and_then(|_| self.input.read_to_end(&mut trailer))
            .map_err(|source| self.failed(source))?;
        let Some(Ok(position)) = trailer.strip_prefix(&TRAILER).map(<[u8; 8]>::try_from) else {
            return Ok(None);
        };
        let position = u64::from_le_bytes(position);
        self.input.seek(SeekFrom::Start(position)).map_err(|source| self.failed(source))?;
        (self.at, self.next, self.used) = (position, position, 0);
        self.end = last;
        let mut names = RecordedNames::default();
        while let Some(entry) = self.next_entry()? {
            match entry {
                Entry::Names(entry) if names.len() < MAX_PLACES => {
                    let chain = entry.chain.into_iter().map(Into::into).collect();
                    names.insert(entry.module, entry.offset, chain);
                }
                Entry::Names(_) => return Err(self.damaged("there are too many names")),
                _ => return Err(self.damaged("there are no names where they should be")),
            }
        }
        if self.rest.is_some() {
            return Err(self.damaged("the names end too early"));
        }
        self.end = position;
        Ok(Some(names))
    }

    /// The next entry; `None` at the end, or where it was cut: then the rest says so.
    fn next_entry(&mut self) -> Result<Option<Entry>, RecordingError> {
        while self.used >= self.block.len() {
            if self.rest.is_some() || self.next >= self.end {
                return Ok(None);
            }
            self.at = self.next;
            match block::read(&mut self.input) {
                Ok(Found::Block(bytes, length)) => {
                    (self.block, self.used) = (bytes, 0);
                    self.next += length;
                }
                Ok(Found::End | Found::Cut) => {
                    self.rest = Some(Rest::Cut);
                    return Ok(None);
                }
                Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                    return Err(self.damaged(&error.to_string()));
                }
                Err(source) => return Err(self.failed(source)),
            }
        }
        let rest = self.block.get(self.used..).unwrap_or_default();
        match postcard::take_from_bytes(rest) {
            Ok((entry, after)) => {
                self.used = self.block.len() - after.len();
                Ok(Some(entry))
            }
            Err(error) => Err(self.damaged(&format!("an entry makes no sense: {error}"))),
        }
    }

    /// The event that an entry makes, if it makes one.
    fn act(&mut self, entry: Entry) -> Result<Option<Event>, RecordingError> {
        match entry {
            Entry::Hit(hit) => return self.hit(hit).map(Event::Hit).map(Some),
            Entry::Stack(stack) => self.add_stack(stack)?,
            Entry::Thread(thread) => {
                if self.threads.len() >= MAX_TABLE_THREADS {
                    return Err(self.damaged("there are too many threads"));
                }
                self.threads.push(thread);
            }
            Entry::Module(module) => {
                let path = PathBuf::from(OsString::from_vec(module.path));
                let identity = ModuleIdentity { path, build_id: module.build_id.map(BuildId) };
                if self.modules.add(identity).is_none() {
                    return Err(self.damaged("there are too many modules"));
                }
            }
            Entry::Forget => {
                self.stacks.clear();
                self.threads.clear();
                self.frames = 0;
            }
            Entry::End(end) => self.finish(end)?,
            Entry::Start(_) | Entry::Names(_) => {
                return Err(self.damaged("an entry stands where it must not"));
            }
        }
        Ok(None)
    }

    fn hit(&mut self, hit: entry::Hit) -> Result<Hit, RecordingError> {
        self.time = self.time.wrapping_add_signed(hit.time);
        let thread = self.threads.get(hit.thread as usize);
        let stack = self.stacks.get(hit.stack as usize);
        let (Some(thread), Some(stack)) = (thread, stack) else {
            return Err(self.damaged("a hit has no thread or no stack"));
        };
        Ok(Hit {
            time: self.time,
            pid: thread.pid,
            tid: thread.tid,
            cookie: hit.cookie,
            goroutine: hit.goroutine,
            cgroup: thread.cgroup,
            comm: thread.comm.clone(),
            end: stack.end,
            reason: stack.reason,
            stack: stack.number,
            frames: Arc::clone(&stack.frames),
        })
    }

    fn add_stack(&mut self, stack: entry::Stack) -> Result<(), RecordingError> {
        self.frames += stack.frames.len() + 1;
        if stack.frames.len() > MAX_FRAMES || self.frames > MAX_TABLE_FRAMES + MAX_FRAMES + 1 {
            return Err(self.damaged("there are too many frames"));
        }
        let reason = Reason::from_number(stack.reason);
        let (Some(end), true) =
            (End::from_number(stack.end), (stack.reason == 0) == reason.is_none())
        else {
            return Err(self.damaged("a stack ends for a reason that is not known"));
        };
        self.stack_number += 1;
        let frames = stack.frames.into_iter().map(Into::into).collect();
        self.stacks.push(Stack { number: self.stack_number, end, reason, frames });
        Ok(())
    }

    fn finish(&mut self, end: entry::End) -> Result<(), RecordingError> {
        let mut lost = BTreeMap::new();
        for (name, count) in end.lost {
            let Some(loss) = Loss::ALL.iter().find(|loss| loss.name() == name) else {
                return Err(self.damaged("events were lost for a reason that is not known"));
            };
            lost.insert(loss.name(), count);
        }
        self.rest = Some(Rest::Whole { lost, duration: Duration::from_nanos(end.duration) });
        Ok(())
    }

    fn failed(&self, source: io::Error) -> RecordingError {
        RecordingError::Read { path: self.path.clone(), source }
    }

    fn damaged(&self, what: &str) -> RecordingError {
        RecordingError::Damaged { path: self.path.clone(), at: self.at, what: what.to_owned() }
    }
}

impl EventSource for Recording {
    fn next_event(&mut self) -> Result<Option<Event>, EventError> {
        loop {
            match self.next_entry().map_err(said)? {
                None => {
                    // Whoever wrote the last block wrote the end too.
                    self.rest.get_or_insert(Rest::Cut);
                    return Ok(None);
                }
                Some(entry) => {
                    if let Some(event) = self.act(entry).map_err(said)? {
                        return Ok(Some(event));
                    }
                }
            }
        }
    }
}

fn said(error: RecordingError) -> EventError {
    EventError::Source(error.to_string())
}
