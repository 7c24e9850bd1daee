//! What a process is given before anything else: three standard streams, and
//! signals that fail a write instead of ending the run.
//!
//! The first two Rust's own start-up would do, which larder's program does
//! without; the watch takes SIGINT, SIGTERM and SIGHUP off a queue of its own.
// The library offers no safe way to set a signal's action: a handler that did
// anything could interrupt the program at the worst place. Here there is none,
// or one that does nothing.
#![allow(unsafe_code)]

use std::sync::OnceLock;

use nix::errno::Errno;
use nix::libc::{self, c_int};
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};

/// What the signals did when the process was started.
static BEFORE: OnceLock<[(Signal, SigAction); 2]> = OnceLock::new();

/// Readies the process.
pub fn begin() {
    open_standard_streams();
    // SAFETY: nothing is called when the signal comes.
    let pipe = unsafe { sigaction(Signal::SIGPIPE, &action(SigHandler::SigIgn)) };
    // SAFETY: the handler touches nothing, so it may run at any point.
    let size = unsafe { sigaction(Signal::SIGXFSZ, &action(SigHandler::Handler(nothing))) };
    if let (Ok(pipe), Ok(size)) = (pipe, size) {
        let _ = BEFORE.set([(Signal::SIGPIPE, pipe), (Signal::SIGXFSZ, size)]);
    }
}

/// Gives the signals back as they were, for a program that takes over this
/// process: one that reads a pipe to its end, or was started with SIGPIPE
/// ignored, relies on what it was given.
pub fn restore() {
    for (signal, action) in BEFORE.get().into_iter().flatten() {
        // SAFETY: what the process was started with is no handler in it.
        let _ = unsafe { sigaction(*signal, action) };
    }
}

/// Takes the number of a standard stream that the caller closed: else the next
/// file to be opened gets it, and what is printed goes into that file, here or
/// in a command that larder runs. What takes it fails as a closed stream does:
/// it cannot be read where standard input was, nor written elsewhere.
fn open_standard_streams() {
    for stream in 0..3 {
        let access = if stream == 0 { libc::O_WRONLY } else { libc::O_RDONLY };
        // SAFETY: the calls take numbers and a string that ends in NUL, and
        // give numbers. The lowest free number is the one just found closed.
        unsafe {
            let closed = libc::fcntl(stream, libc::F_GETFD) == -1 && Errno::last() == Errno::EBADF;
            if closed && libc::open(c"/dev/null".as_ptr(), access) != stream {
                libc::abort();
            }
        }
    }
}

fn action(handler: SigHandler) -> SigAction {
    SigAction::new(handler, SaFlags::SA_RESTART, SigSet::empty())
}

/// Lets a write past RLIMIT_FSIZE fail like one to a full disk, which is
/// reported and undone, instead of ending the process in mid-write. A handler,
/// not SIG_IGN: commands that larder runs get the default back.
extern "C" fn nothing(_signal: c_int) {}
