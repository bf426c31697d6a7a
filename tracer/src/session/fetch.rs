//! Debug information from debuginfod servers, before probes are armed.
//!
//! Here it is waited for, so that the first stack has its names: nothing can be missed yet. What
//! comes later, or is asked for later, is taken by the symbolizer without waiting.

use std::sync::Arc;
use std::time::Instant;

use super::target::TargetFile;
use crate::object::{DebugFiles, DebuginfodClient, Fetched, Fetcher};

/// Asks for the debug information of these files, and waits until all has come, or for as long as
/// one file may take. The fetcher, with what has not come yet; `None` where no server is named.
pub(super) fn debug_information<'a>(
    files: impl Iterator<Item = &'a TargetFile>,
    debug_files: &mut DebugFiles,
    warn: &mut dyn FnMut(String),
) -> Option<Fetcher> {
    let mut fetcher = Fetcher::new(DebuginfodClient::from_environment()?);
    let mut lacking = Vec::new();
    for file in files {
        let Some(id) = file.object.build_id() else { continue };
        if !debug_files.find(&file.object).has_debug_information {
            fetcher.request(id);
            lacking.push(&file.object);
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
        for object in lacking.iter().filter(|object| object.build_id() == Some(&id)) {
            if let Err(error) = debug_files.give(&Arc::clone(object), &path) {
                warn(error.to_string());
            }
        }
    }
    if fetcher.open() > 0 {
        warn(format!(
            "debug information of {} files has not come from the servers of DEBUGINFOD_URLS; names \
             are added when it does",
            fetcher.open()
        ));
    }
    Some(fetcher)
}
