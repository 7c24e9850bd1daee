//! Waking a thread that sleeps on descriptors.

use std::io::{Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};

/// The end that wakes; cheap while the sleeper is awake anyway.
#[derive(Debug)]
pub struct Waker {
    woken: AtomicBool,
    bell: UnixStream,
}

/// The end that sleeps.
#[derive(Debug)]
pub struct Sleeper(UnixStream);

/// The two ends.
pub fn pair() -> std::io::Result<(Waker, Sleeper)> {
    let (bell, ear) = UnixStream::pair()?;
    bell.set_nonblocking(true)?;
    ear.set_nonblocking(true)?;
    Ok((Waker { woken: AtomicBool::new(false), bell }, Sleeper(ear)))
}

impl Waker {
    /// Makes the sleeper's descriptor readable.
    pub fn wake(&self) {
        if !self.woken.swap(true, Ordering::SeqCst) {
            // Full or closed: then it is readable, or nobody sleeps there.
            let _ = (&self.bell).write(&[1]);
        }
    }

    /// Forgets the wake-ups so far. To be called before looking for what they
    /// were about: one that comes later is not lost. Emptied before the flag
    /// falls, so that a set flag always means a byte in the pipe or a sleeper
    /// about to look.
    pub fn clear(&self, sleeper: &mut Sleeper) {
        let mut waste = [0; 64];
        while matches!(sleeper.0.read(&mut waste), Ok(n) if n > 0) {}
        self.woken.store(false, Ordering::SeqCst);
    }
}

impl AsFd for Sleeper {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
