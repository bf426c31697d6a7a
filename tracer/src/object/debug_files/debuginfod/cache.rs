//! The cache on disk, as elfutils' client lays it out: `BUILDID/debuginfo`, empty for a while where
//! no server had it.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::FetchError;
use crate::object::BuildId;

/// How long no server is asked again for what none had: elfutils' `cache_miss_s`.
const FORGET_ABSENCE: Duration = Duration::from_secs(600);

/// The longest build id, in bytes.
const MAX_ID: usize = 64;

/// What the cache knows of a build id.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Cached {
    /// The file.
    File(PathBuf),
    /// No server had it a moment ago.
    Nowhere,
    /// Nothing.
    Unknown,
}

#[derive(Debug)]
pub(super) struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// `DEBUGINFOD_CACHE_PATH`, else the folder of the user's caches.
    pub(super) fn find(variable: impl Fn(&str) -> Option<OsString>) -> Option<Self> {
        let folder =
            |name: &str| variable(name).map(PathBuf::from).filter(|folder| folder.is_absolute());
        let folder = folder("DEBUGINFOD_CACHE_PATH")
            .or_else(|| Some(folder("XDG_CACHE_HOME")?.join("debuginfod_client")))
            .or_else(|| Some(folder("HOME")?.join(".cache/debuginfod_client")))?;
        Some(Self { folder })
    }

    pub(super) fn look(&self, id: &BuildId) -> Cached {
        let path = self.place(id);
        let Ok(metadata) = fs::metadata(&path) else { return Cached::Unknown };
        if !metadata.is_file() {
            return Cached::Unknown;
        }
        if metadata.len() > 0 {
            return Cached::File(path);
        }
        let age = metadata.modified().ok().and_then(|time| time.elapsed().ok());
        if age.is_some_and(|age| age < FORGET_ABSENCE) {
            return Cached::Nowhere;
        }
        let _ = fs::remove_file(&path);
        Cached::Unknown
    }

    /// Notes that no server had it. Where that fails, they are asked again next time.
    pub(super) fn note_absence(&self, id: &BuildId) {
        let path = self.place(id);
        if let Some(folder) = path.parent() {
            let _ = fs::create_dir_all(folder);
        }
        let _ = OpenOptions::new().write(true).create_new(true).open(path);
    }

    /// Stores what `write` writes; nothing of it stays where that fails.
    pub(super) fn store(
        &self,
        id: &BuildId,
        write: impl FnOnce(&mut File) -> Result<(), FetchError>,
    ) -> Result<Option<PathBuf>, FetchError> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let path = self.place(id);
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| FetchError::Cache { path, source }
        };
        let folder = path.parent().unwrap_or(&self.folder);
        fs::create_dir_all(folder).map_err(failed(folder))?;
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let partial = folder.join(format!("debuginfo.{}-{number}", std::process::id()));
        let file = OpenOptions::new().write(true).create_new(true).open(&partial);
        let stored = file.map_err(failed(&partial)).and_then(|mut file| {
            write(&mut file)?;
            fs::rename(&partial, &path).map_err(failed(&path))
        });
        if let Err(error) = stored {
            let _ = fs::remove_file(&partial);
            return Err(error);
        }
        Ok(Some(path))
    }

    fn place(&self, id: &BuildId) -> PathBuf {
        let id = BuildId(id.0.iter().copied().take(MAX_ID).collect());
        self.folder.join(id.to_string()).join("debuginfo")
    }
}
