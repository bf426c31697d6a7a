//! Where code lies, as all judges can say it: a file and an offset in it. So address space
//! randomization does not matter, and neither does how a tool names a shared library's addresses.

use anyhow::{Context, Result};
use std::fmt::{self, Display, Formatter};
use std::fs;
use std::path::Path;
use std::sync::Arc;

/// A place in a mapped file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Place {
    /// The file, without symbolic links.
    pub(super) module: Arc<str>,
    /// The file offset. Of a caller it is that of the return address.
    pub(super) offset: u64,
}

impl Display for Place {
    fn fmt(&self, to: &mut Formatter<'_>) -> fmt::Result {
        let name = self.module.rsplit('/').next().unwrap_or(&self.module);
        write!(to, "{name}+{:#x}", self.offset)
    }
}

/// The name of a file that all judges agree on.
pub(super) fn module_name(path: &str) -> Arc<str> {
    fs::canonicalize(path).map_or_else(|_| path.into(), |real| real.to_string_lossy().into())
}

/// The executable mappings of a process.
pub(super) struct Maps(Vec<Mapping>);

struct Mapping {
    start: u64,
    end: u64,
    offset: u64,
    module: Arc<str>,
}

impl Maps {
    /// Those of a process, now.
    pub(super) fn of(pid: u64) -> Result<Self> {
        let file = format!("/proc/{pid}/maps");
        let text = fs::read_to_string(&file).with_context(|| format!("read {file}"))?;
        Ok(Self(text.lines().filter_map(mapping).collect()))
    }

    /// The place of a run-time address. `None` where no code is mapped.
    pub(super) fn place(&self, address: u64) -> Option<Place> {
        let holds = |mapping: &&Mapping| (mapping.start..mapping.end).contains(&address);
        self.0.iter().find(holds).map(|mapping| Place {
            module: mapping.module.clone(),
            offset: address - mapping.start + mapping.offset,
        })
    }

    /// The run-time address of a place. `None` where its file is not mapped.
    pub(super) fn address(&self, place: &Place) -> Option<u64> {
        self.0.iter().filter(|mapping| mapping.module == place.module).find_map(|mapping| {
            let within = place.offset.checked_sub(mapping.offset)?;
            (within < mapping.end - mapping.start).then_some(mapping.start + within)
        })
    }
}

/// A line of `/proc/PID/maps`, where it is an executable mapping.
fn mapping(line: &str) -> Option<Mapping> {
    let mut words = line.split_ascii_whitespace();
    let (start, end) = words.next()?.split_once('-')?;
    let rights = words.next()?;
    let offset = words.next()?;
    let name = words.nth(2).unwrap_or_default();
    let number = |text| u64::from_str_radix(text, 16).ok();
    rights.contains('x').then_some(Mapping {
        start: number(start)?,
        end: number(end)?,
        offset: number(offset)?,
        module: if Path::new(name).is_absolute() { module_name(name) } else { name.into() },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_and_its_address_are_each_others() {
        let text = "1000-3000 r--p 00000000 fe:00 7  /nowhere/app\n\
                    3000-5000 r-xp 00002000 fe:00 7  /nowhere/app\n\
                    9000-a000 r-xp 00000000 00:00 0  [vdso]";
        let maps = Maps(text.lines().filter_map(mapping).collect());
        let place = maps.place(0x3010).expect("mapped");
        assert_eq!((&*place.module, place.offset), ("/nowhere/app", 0x2010));
        assert_eq!(maps.address(&place), Some(0x3010));
        assert_eq!(maps.place(0x1010), None, "not executable");
        assert_eq!(maps.place(0x9001).map(|place| place.to_string()), Some("[vdso]+0x1".into()));
        assert_eq!(maps.address(&Place { offset: 0x4000, ..place }), None);
    }
}
