//! Writes a recording.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

use rustc_hash::{FxHashMap, FxHashSet};
use tracer_common::event::{FRAME_EXACT, FRAME_GAP};
use tracer_common::map::NO_MODULE;

use super::block::Block;
use super::entry::{self, Entry};
use super::{MAGIC, MAX_PLACES, MAX_TABLE_FRAMES, MAX_TABLE_THREADS, TRAILER};
use crate::address::FileOffset;
use crate::event::Hit;
use crate::object::{ModuleNumber, Modules};
use crate::sink::Start;
use crate::stack::ClockOffset;
use crate::symbol::Symbolize;

/// A recording that is being written.
pub struct Recorder {
    out: Box<dyn Write + Send>,
    /// Bytes written so far.
    position: u64,
    block: Block,
    /// How many modules are written.
    modules: usize,
    /// The last hit's time.
    time: u64,
    stacks: FxHashMap<u64, u32>,
    /// How many stacks were written since the tables were last forgotten, and their frames.
    stack_count: u32,
    frames: usize,
    threads: FxHashMap<entry::Thread, u32>,
    places: FxHashSet<(u16, u32)>,
}

impl Recorder {
    /// Writes the head. `labels` are what probes are called, by cookie.
    ///
    /// # Errors
    /// `out` cannot be written.
    pub fn new(
        mut out: Box<dyn Write + Send>,
        start: &Start,
        labels: &FxHashMap<u64, String>,
        clock: ClockOffset,
    ) -> io::Result<Self> {
        out.write_all(&MAGIC)?;
        let bytes = |path: &Path| path.as_os_str().as_bytes().to_vec();
        let mut labels: Vec<_> =
            labels.iter().map(|(cookie, name)| (*cookie, name.clone())).collect();
        labels.sort_unstable();
        let probes = start.probes.iter().map(|probe| entry::Probe {
            name: probe.name.clone(),
            names: probe.names.clone(),
            module: bytes(&probe.module),
            offset: probe.offset.0,
        });
        let start = entry::Start {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            clock: clock.0,
            executable: start.executable.as_deref().map(bytes),
            probes: probes.collect(),
            labels,
        };
        let mut recorder = Self {
            out,
            position: MAGIC.len() as u64,
            block: Block::default(),
            modules: 0,
            time: 0,
            stacks: FxHashMap::default(),
            stack_count: 0,
            frames: 0,
            threads: FxHashMap::default(),
            places: FxHashSet::default(),
        };
        recorder.block.add(&Entry::Start(start))?;
        recorder.flush()?;
        Ok(recorder)
    }

    /// Adds a hit. It is in the file after the next [`Recorder::flush`] at the latest.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&mut self, hit: &Hit, modules: &Modules) -> io::Result<()> {
        self.add_modules(modules)?;
        if self.frames > MAX_TABLE_FRAMES || self.threads.len() >= MAX_TABLE_THREADS {
            self.block.add(&Entry::Forget)?;
            self.stacks.clear();
            self.threads.clear();
            (self.stack_count, self.frames) = (0, 0);
        }
        let (thread, stack) = (self.thread(hit)?, self.stack(hit)?);
        self.block.add(&Entry::Hit(entry::Hit {
            time: hit.time.wrapping_sub(self.time).cast_signed(),
            thread,
            stack,
            cookie: hit.cookie,
            goroutine: hit.goroutine,
        }))?;
        self.time = hit.time;
        if self.block.is_full() { self.flush() } else { Ok(()) }
    }

    /// Writes what was added.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn flush(&mut self) -> io::Result<()> {
        self.position += self.block.write(&mut self.out)?;
        Ok(())
    }

    /// Names every place that was met, and ends the recording. `progress` hears how many places of
    /// how many are named.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn finish(
        &mut self,
        symbols: &mut dyn Symbolize,
        lost: &BTreeMap<&'static str, u64>,
        duration: Duration,
        progress: &mut dyn FnMut(usize, usize),
    ) -> io::Result<()> {
        let lost = lost.iter().map(|(reason, count)| ((*reason).to_owned(), *count)).collect();
        let duration = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.block.add(&Entry::End(entry::End { lost, duration }))?;
        self.flush()?;
        let names = self.position;
        let mut places: Vec<_> = std::mem::take(&mut self.places).into_iter().collect();
        // In order, one module after the other: what is read of it stays at hand.
        places.sort_unstable();
        for (done, &(module, offset)) in places.iter().enumerate() {
            progress(done, places.len());
            let chain = symbols.symbolize(ModuleNumber(module), FileOffset(offset.into()));
            let chain = chain.into_iter().map(Into::into).collect();
            self.block.add(&Entry::Names(entry::Names { module, offset, chain }))?;
            if self.block.is_full() {
                self.flush()?;
            }
        }
        self.flush()?;
        self.out.write_all(&[TRAILER, names.to_le_bytes()].concat())?;
        self.out.flush()
    }

    /// Modules are never removed, and their numbers go up.
    fn add_modules(&mut self, modules: &Modules) -> io::Result<()> {
        for (_, module) in modules.iter().skip(self.modules) {
            self.block.add(&Entry::Module(entry::Module {
                path: module.path.as_os_str().as_bytes().to_vec(),
                build_id: module.build_id.as_ref().map(|id| id.0.clone()),
            }))?;
            self.modules += 1;
        }
        Ok(())
    }

    fn thread(&mut self, hit: &Hit) -> io::Result<u32> {
        let thread = entry::Thread {
            pid: hit.pid,
            tid: hit.tid,
            cgroup: hit.cgroup,
            comm: hit.comm.clone(),
        };
        if let Some(number) = self.threads.get(&thread) {
            return Ok(*number);
        }
        self.block.add(&Entry::Thread(thread.clone()))?;
        let number = self.threads.len() as u32;
        self.threads.insert(thread, number);
        Ok(number)
    }

    fn stack(&mut self, hit: &Hit) -> io::Result<u32> {
        if let Some(number) = self.stacks.get(&hit.stack) {
            return Ok(*number);
        }
        for frame in hit.frames.iter() {
            let is_place = frame.module != NO_MODULE && frame.flags & FRAME_GAP == 0;
            if is_place && self.places.len() < MAX_PLACES {
                let before = u32::from(frame.flags & FRAME_EXACT == 0);
                self.places.insert((frame.module, frame.offset.wrapping_sub(before)));
            }
        }
        self.block.add(&Entry::Stack(entry::Stack {
            end: hit.end as u8,
            reason: hit.reason.map_or(0, |reason| reason as u8),
            frames: hit.frames.iter().map(Into::into).collect(),
        }))?;
        let number = self.stack_count;
        self.stack_count += 1;
        // One without frames takes room too.
        self.frames += hit.frames.len() + 1;
        if hit.stack != 0 {
            self.stacks.insert(hit.stack, number);
        }
        Ok(number)
    }
}
