//! Ctrl-C: the first ends a session in order, the second at once.

/// Lets the next SIGINT end this process at once, as if nothing listened for it: a session that has
/// been asked to end may take a while to, and must not be deaf meanwhile. Its probes go with it.
pub(super) fn next_one_kills() {
    // SAFETY: SIG_DFL is no function of ours that would run in a handler's context, and SIGINT can
    // have it. tokio's handler, which this replaces, has told of the first one already.
    unsafe { libc::signal(libc::SIGINT, libc::SIG_DFL) };
}
