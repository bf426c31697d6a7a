//! The very file that a process has mapped: also where it was replaced, or lies in another mount
//! namespace.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::PathBuf;

use super::maps::file_mappings;
use super::{Device, Mapping, root_of};

/// How much of the start of a file is compared: headers and build id lie there.
const COMPARED: usize = 4096;

/// What a debugger, or a probe of ours, writes over the first byte of an instruction.
const BREAKPOINT: u8 = 0xcc;

impl Mapping {
    /// Opens the mapped file itself: see [`Mapping::reach`].
    ///
    /// # Errors
    /// As there.
    pub fn open(&self, pid: u32) -> io::Result<File> {
        self.reach(pid).map(|(_, file)| file)
    }

    /// The path that leads to the mapped file itself while the process has it mapped, and the file:
    /// by the kernel's link, where that is for us, else by its path below the process's root.
    /// Another file that lies there now is refused.
    ///
    /// # Errors
    /// The process has ended, the rights are missing, or only the link leads to the file and is not
    /// for us.
    pub fn reach(&self, pid: u32) -> io::Result<(PathBuf, File)> {
        // The link needs CAP_CHECKPOINT_RESTORE in the first user namespace; the path does not.
        let link = PathBuf::from(format!("/proc/{pid}/map_files/{:x}-{:x}", self.start, self.end));
        let denied = match File::open(&link) {
            Ok(file) => return Ok((link, file)),
            Err(error) => error,
        };
        if self.deleted {
            let why = "it was removed or replaced, and the link to it needs CAP_CHECKPOINT_RESTORE";
            return Err(io::Error::new(denied.kind(), format!("{why}: {denied}")));
        }
        let (root, path) = root_of(pid, &self.path);
        let path = root.join(path.strip_prefix("/").unwrap_or(&path));
        // What lies there is the process's to choose: a pipe would block.
        let file = File::options().read(true).custom_flags(libc::O_NONBLOCK).open(&path)?;
        let found = file.metadata()?;
        let device =
            Device { major: rustix::fs::major(found.dev()), minor: rustix::fs::minor(found.dev()) };
        match self.differs(device, found.ino(), || self.is_start_of(&file, pid)) {
            Some(why) => {
                let text = format!("another file lies there than the one that is mapped ({why})");
                Err(io::Error::new(io::ErrorKind::NotFound, text))
            }
            None => Ok((path, file)),
        }
    }

    /// Why a file with these numbers is not the mapped one.
    fn differs(
        &self,
        device: Device,
        inode: u64,
        is_start: impl FnOnce() -> Option<bool>,
    ) -> Option<String> {
        if inode != self.inode {
            return Some(format!("inode {inode}, not {}", self.inode));
        }
        // As long as a file is mapped, no other one of its device gets its number. On overlayfs and
        // btrfs `stat` shows another device than maps does: there the bytes tell.
        let is_other = device != self.device && is_start() == Some(false);
        is_other.then(|| format!("its first bytes differ, on device {device}, not {}", self.device))
    }

    /// Whether the process has mapped the start of this file as the start of its own; `None` where
    /// its memory does not tell.
    fn is_start_of(&self, file: &File, pid: u32) -> Option<bool> {
        let is_start = |it: &&Self| {
            (it.device, it.inode, &it.path) == (self.device, self.inode, &self.path)
                && it.offset.0 == 0
                && !it.writable
        };
        let start = file_mappings(pid).ok()?.iter().find(is_start)?.start;
        let memory = File::open(format!("/proc/{pid}/mem")).ok()?;
        let (mut own, mut mapped) = ([0; COMPARED], [0; COMPARED]);
        let count = file.read_at(&mut own, 0).ok()?;
        memory.read_exact_at(mapped.get_mut(..count)?, start.0).ok()?;
        let mut pairs = own.iter().zip(&mapped).take(count);
        Some(count > 0 && pairs.all(|(own, mapped)| own == mapped || *mapped == BREAKPOINT))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::address::{FileOffset, RuntimeAddress};

    const DEVICE: Device = Device { major: 8, minor: 1 };

    fn mapping(path: &Path, inode: u64) -> Mapping {
        Mapping {
            start: RuntimeAddress(1),
            end: RuntimeAddress(2),
            offset: FileOffset(0),
            writable: false,
            executable: true,
            path: path.to_owned(),
            deleted: false,
            inode,
            device: DEVICE,
        }
    }

    /// Where the kernel does not let us follow its link, the path must lead to the same file.
    #[test]
    fn another_file_at_the_path_is_refused_with_the_reason() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let inode = file.as_file().metadata().unwrap().ino();
        let mut mapping = mapping(file.path(), inode);
        let pid = std::process::id();
        assert!(mapping.open(pid).is_ok());
        mapping.inode = inode + 1;
        let error = mapping.open(pid).unwrap_err().to_string();
        let expected = format!("(inode {inode}, not {})", inode + 1);
        assert!(error.contains(&expected), "{error}");
        mapping.deleted = true;
        let error = mapping.open(pid).unwrap_err().to_string();
        assert!(error.contains("it was removed or replaced"), "{error}");
    }

    #[test]
    fn an_inode_of_another_device_is_decided_by_the_first_bytes() {
        let mapping = mapping(Path::new("/a"), 7);
        let other = Device { minor: 2, ..DEVICE };
        let differs =
            |device, inode, bytes: Option<bool>| mapping.differs(device, inode, || bytes).is_some();
        for bytes in [None, Some(true), Some(false)] {
            assert!(!differs(DEVICE, 7, bytes), "{bytes:?}");
            assert!(differs(DEVICE, 8, bytes) && differs(other, 8, bytes), "{bytes:?}");
        }
        assert!(!differs(other, 7, None) && !differs(other, 7, Some(true)));
        let why = mapping.differs(other, 7, || Some(false)).unwrap();
        assert_eq!(why, "its first bytes differ, on device 8:2, not 8:1");
    }

    #[test]
    fn the_memory_of_a_process_tells_the_start_of_its_file() {
        let pid = std::process::id();
        let own = std::env::current_exe().unwrap();
        let mappings = file_mappings(pid).unwrap();
        let mapping = mappings.iter().find(|it| it.executable && it.path == own).unwrap();
        assert_eq!(mapping.is_start_of(&File::open(&own).unwrap(), pid), Some(true));
        let bytes = std::fs::read(&own).unwrap();
        let copy = tempfile::NamedTempFile::new().unwrap();
        let is_start = |bytes: &[u8]| {
            std::fs::write(copy.path(), bytes).unwrap();
            mapping.is_start_of(&File::open(copy.path()).unwrap(), pid)
        };
        assert_eq!(is_start(&bytes), Some(true));
        let mut changed = bytes.clone();
        changed[100] ^= 1;
        assert_eq!(is_start(&changed), Some(false));
        assert_eq!(is_start(b""), Some(false));
        let nowhere = Mapping { inode: mapping.inode + 1, ..mapping.clone() };
        assert_eq!(nowhere.is_start_of(&File::open(&own).unwrap(), pid), None);
    }
}
