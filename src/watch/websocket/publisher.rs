//! Publishes what the log has, on a thread of its own: the clients wait for
//! nobody, least of all for whoever reads the standard output of the watch or
//! for the command that it runs.
//!
//! It reads at its own position, so that a change is published once, in order,
//! whenever the other sink gets to it. It only reads: what has expired is
//! removed by the watch itself.

use std::os::fd::AsFd;
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, poll};

use super::waker::{self, Sleeper, Waker};
use super::{Hub, STACK};
use crate::exit::Failure;
use crate::model::{Error, Result};
use crate::store::Feed;
use crate::watch::control::poll_timeout;

/// How long a look waits for other processes' locks; it is taken again until
/// the publisher is to end.
const SLICE: Duration = Duration::from_millis(100);

/// How long it may take to publish what the watch has read, once that has
/// ended.
const CATCH_UP: Duration = Duration::from_secs(1);

/// A running publisher; dropping it ends it where it is.
pub struct Publisher {
    last: Arc<OnceLock<Last>>,
    waker: Arc<Waker>,
    thread: Option<JoinHandle<()>>,
}

/// Where a publisher ends.
#[derive(Clone, Copy, Debug)]
struct Last {
    /// Once everything up to here has been published,
    position: i64,
    /// or at this time.
    by: Instant,
}

impl Publisher {
    /// Publishes on `hub` what the feed has that `open` gives, `count`
    /// changes at the most. Where that comes to an end the hub is closed.
    ///
    /// # Errors
    /// The operating system has no thread or descriptor left.
    pub fn start(
        hub: Arc<Hub>,
        count: Option<u64>,
        open: impl Fn() -> Result<Feed> + Send + 'static,
    ) -> anyhow::Result<Self> {
        let io_error = |e| Failure::io("listen", e);
        let (waker, sleeper) = waker::pair().map_err(io_error)?;
        let (waker, last) = (Arc::new(waker), Arc::new(OnceLock::new()));
        let (its_waker, its_last) = (Arc::clone(&waker), Arc::clone(&last));
        let thread = std::thread::Builder::new().name("publish".into()).stack_size(STACK);
        let thread = thread.spawn(move || {
            let mut work = Work { hub: &hub, left: count, last: &its_last, waker: &its_waker, sleeper };
            if let Err(error) = work.run(&open) {
                hub.close_for(Some(&error));
            }
        });
        Ok(Self { last, waker, thread: Some(thread.map_err(io_error)?) })
    }

    /// What is to be called when the watch has heard that there is something
    /// new: where the kernel has no bell to spare for the publisher, that is
    /// how it hears.
    pub fn bell(&self) -> impl Fn() + 'static {
        let waker = Arc::clone(&self.waker);
        move || waker.wake()
    }

    /// Ends it, after everything up to `position` has been published.
    pub fn finish(mut self, position: i64) {
        self.end(Last { position, by: Instant::now() + CATCH_UP });
    }

    fn end(&mut self, last: Last) {
        // Only the first word counts.
        let _ = self.last.set(last);
        self.waker.wake();
        if let Some(thread) = self.thread.take() {
            // A panic there has been reported already.
            let _ = thread.join();
        }
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.end(Last { position: i64::MIN, by: Instant::now() });
    }
}

/// What the thread has.
struct Work<'a> {
    hub: &'a Hub,
    /// Changes that may still be published.
    left: Option<u64>,
    last: &'a OnceLock<Last>,
    waker: &'a Waker,
    sleeper: Sleeper,
}

impl Work<'_> {
    fn run(&mut self, open: &dyn Fn() -> Result<Feed>) -> Result<()> {
        let Some(mut feed) = self.unlocked(open)? else { return Ok(()) };
        feed.only_read();
        feed.set_patience(SLICE);
        while self.left != Some(0) {
            self.waker.clear(&mut self.sleeper);
            let Some(changes) = self.unlocked(|| feed.next(true))? else { return Ok(()) };
            for change in &changes {
                if self.left == Some(0) {
                    return Ok(());
                }
                self.hub.publish(change);
                self.left = self.left.map(|left| left - 1);
            }
            if self.last.get().is_some_and(|last| feed.position() >= last.position) || self.is_over() {
                return Ok(());
            }
            if changes.is_empty() && !feed.is_behind() {
                self.sleep(&feed);
            }
        }
        Ok(())
    }

    /// Sleeps until there may be something new, or the end is near.
    fn sleep(&self, feed: &Feed) {
        let mut fds = vec![PollFd::new(self.sleeper.as_fd(), PollFlags::POLLIN)];
        fds.extend(feed.descriptors().into_iter().map(|fd| PollFd::new(fd, PollFlags::POLLIN)));
        let end = self.last.get().map(|last| last.by.saturating_duration_since(Instant::now()));
        let left = end.map_or(feed.time_left(), |end| end.min(feed.time_left()));
        // Interrupted or failed: looking again is right either way.
        let _ = poll(&mut fds, poll_timeout(left));
    }

    fn is_over(&self) -> bool {
        self.last.get().is_some_and(|last| Instant::now() >= last.by)
    }

    /// Does `f` again while the store is locked; `None` if the end came first.
    fn unlocked<T>(&self, mut f: impl FnMut() -> Result<T>) -> Result<Option<T>> {
        loop {
            match f() {
                Err(Error::Busy(_)) if self.is_over() => return Ok(None),
                Err(Error::Busy(_)) => {}
                done => return done.map(Some),
            }
        }
    }
}
