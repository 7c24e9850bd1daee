//! Threads that serve a command.

use std::io;
use std::thread::{Builder, JoinHandle};

/// Starts a thread. Where a user may have no more of them that is an error,
/// not a panic.
pub fn spawn<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> io::Result<JoinHandle<T>> {
    Builder::new().spawn(work)
}
