//! What a signal may do to a run.
//!
//! SIGPIPE is ignored by Rust's start-up; the watch takes SIGINT, SIGTERM and
//! SIGHUP off a queue of its own. That leaves SIGXFSZ.
// The library offers no safe way to set a handler: one that did anything could
// interrupt the program at the worst place. This one does nothing.
#![allow(unsafe_code)]

use nix::libc::c_int;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};

extern "C" fn nothing(_signal: c_int) {}

/// Lets a write past RLIMIT_FSIZE fail like one to a full disk, which is
/// reported and undone, instead of ending the process in mid-write. A handler,
/// not SIG_IGN: commands that larder runs get the default back.
pub fn survive_file_size_limit() {
    let action = SigAction::new(SigHandler::Handler(nothing), SaFlags::SA_RESTART, SigSet::empty());
    // SAFETY: the handler touches nothing, so it may run at any point.
    let _ = unsafe { sigaction(Signal::SIGXFSZ, &action) };
}
