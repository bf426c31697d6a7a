//! Debug information from debuginfod servers, before probes are armed or names are shown.
//!
//! Here it is waited for, so that the first stack has its names: nothing can be missed yet. What
//! comes later, or is asked for later, is taken by the symbolizer without waiting.

use std::sync::Arc;
use std::time::Instant;

use crate::object::{DebugFiles, DebuginfodClient, Fetched, Fetcher, ObjectFile};

/// Asks for what is missing of the debug information of these files, and waits until all has come,
/// or for as long as one file may take. The fetcher, with what has not come yet; `None` where no server is named.
pub(super) fn debug_information<'a>(
    objects: impl Iterator<Item = &'a Arc<ObjectFile>>,
    debug_files: &mut DebugFiles,
    warn: &mut dyn FnMut(String),
) -> Option<Fetcher> {
    let mut fetcher = Fetcher::new(DebuginfodClient::from_environment()?);
    let mut lacking = Vec::new();
    for object in objects {
        if let Some(id) = debug_files.find(object).wanted {
            fetcher.request(&id);
            lacking.push((object, Some(id)));
        }
    }
    let deadline = Instant::now() + fetcher.timeout();
    let mut none_came = 0;
    while let Some(Fetched { id, result }) = fetcher.wait(deadline) {
        let path = match result {
            Ok(Some(path)) => path,
            Ok(None) => continue,
            Err(error) => {
                none_came += 1;
                // One server that fails fails for all files.
                if none_came == 1 {
                    warn(error.to_string());
                }
                continue;
            }
        };
        for (object, wanted) in &mut lacking {
            if wanted.take_if(|wanted| *wanted == id).is_none() {
                continue;
            }
            match debug_files.accept(object, &id, &path) {
                Ok(found) => *wanted = found.wanted,
                Err(error) => warn(error.to_string()),
            }
            wanted.iter().for_each(|next| fetcher.request(next));
        }
    }
    if fetcher.open() > 0 {
        warn(format!(
            "debug information of {} files has not come from the servers of DEBUGINFOD_URLS within \
             {} s; names that need it are missing until it does",
            fetcher.open(),
            fetcher.timeout().as_secs()
        ));
    }
    Some(fetcher)
}
