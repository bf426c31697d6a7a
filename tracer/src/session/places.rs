//! What is known of code that lies in no file that could be read: what the process calls the
//! mapping.
//!
//! Only for what is shown: nothing is unwound or named by it. A process that has ended has no
//! mappings, and its frames stay bare addresses.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustc_hash::FxHashMap;

use crate::object::ModuleIdentity;
use crate::process::{MappingName, mapping_names};
use crate::stack::{Entry, Stack};

/// How long mappings are believed to stay as they were: events must not wait for `/proc`.
const BELIEVED: Duration = Duration::from_secs(1);

/// How many processes are remembered.
const MAX_PROCESSES: usize = 64;

/// The mappings of processes, as they were a moment ago.
#[derive(Debug, Default)]
pub(super) struct Places {
    known: FxHashMap<u32, (Instant, Vec<MappingName>)>,
}

impl Places {
    /// Gives each frame of a live stack without a module the name of its mapping.
    pub(super) fn name(&mut self, stack: &mut Stack) {
        let lacks = |entry: &Entry| matches!(entry, Entry::Frame(frame) if frame.module.is_none());
        let Some(pid) = stack.pid.filter(|_| stack.entries.iter().any(lacks)) else { return };
        let mappings = self.of(pid);
        let mut entries = stack.entries.to_vec();
        for entry in &mut entries {
            let Entry::Frame(frame) = entry else { continue };
            if frame.module.is_some() {
                continue;
            }
            // A return address may be the first byte behind the mapping.
            let address =
                if frame.exact { frame.address.0 } else { frame.address.0.wrapping_sub(1) };
            let mapping = mappings.iter().find(|it| it.start.0 <= address && address < it.end.0);
            frame.module = mapping.map(|mapping| {
                let path = Path::new(&mapping.name).to_owned();
                Arc::new(ModuleIdentity { path, build_id: None })
            });
        }
        stack.entries = entries.into();
    }

    fn of(&mut self, pid: u32) -> &[MappingName] {
        let is_fresh = |(read, _): &(Instant, _)| read.elapsed() < BELIEVED;
        if !self.known.get(&pid).is_some_and(is_fresh) {
            if self.known.len() >= MAX_PROCESSES {
                self.known.clear();
            }
            self.known.insert(pid, (Instant::now(), mapping_names(pid)));
        }
        self.known.get(&pid).map_or(&[], |(_, mappings)| mappings)
    }
}

#[cfg(test)]
mod tests {
    use tracer_common::reason::End;

    use super::*;
    use crate::address::RuntimeAddress;
    use crate::stack::{StackFrame, Time};
    use crate::symbol::Language;

    fn frame(address: u64) -> Entry {
        Entry::Frame(StackFrame {
            function: None,
            symbol: None,
            language: Language::Unknown,
            file: None,
            line: None,
            inlined: false,
            module: None,
            address: RuntimeAddress(address),
            offset: None,
            exact: true,
        })
    }

    #[test]
    fn frames_without_a_module_have_the_name_of_their_mapping() {
        let memory = memmap2::MmapMut::map_anon(4096 * 4).unwrap();
        let on_stack = 0u8;
        let addresses = [memory.as_ptr() as u64 + 4096, &raw const on_stack as u64, 16];
        let mut stack = Stack {
            time: Time(0),
            pid: Some(std::process::id()),
            tid: None,
            comm: Vec::new(),
            cgroup: None,
            goroutine: None,
            probe: String::new(),
            end: End::Error,
            entries: addresses.map(frame).into(),
        };
        Places::default().name(&mut stack);
        let name = |index: usize| match &stack.entries[index] {
            Entry::Frame(frame) => frame.module.as_ref().map(|it| it.path.display().to_string()),
            Entry::Gap(_) => None,
        };
        assert_eq!(name(0).as_deref(), Some("[anon]"));
        // Threads of tests have stacks that are no process's first.
        assert_eq!(name(1).as_deref(), Some("[anon]"));
        assert_eq!(name(2), None);
    }
}
