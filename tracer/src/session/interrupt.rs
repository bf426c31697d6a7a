//! Ctrl-C: the first ends a session in order, the second at once.

use std::io;
use std::thread;

use tokio::signal::unix::{SignalKind, signal};

/// Lets every SIGINT but the first end this process at once, as if nothing listened for it. Its
/// probes go with it.
///
/// A session that was asked to end may take a while to, or may hang in its output, so this is
/// looked after by a thread of its own, which lives as long as the process.
///
/// # Errors
/// There is no thread or no signal to be had.
pub(super) fn second_one_kills() -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut first = {
        let _inside = runtime.enter();
        signal(SignalKind::interrupt())?
    };
    let wait = move || {
        runtime.block_on(first.recv());
        // SAFETY: SIG_DFL is no function of ours that would run in a handler's context, and SIGINT
        // can have it. tokio's handler, which this replaces, has told of the first one already.
        unsafe { libc::signal(libc::SIGINT, libc::SIG_DFL) };
    };
    thread::Builder::new().name("interrupts".to_owned()).spawn(wait).map(drop)
}
