//! What ends a watch from outside: signals and the clock.

use std::cell::{Cell, RefCell};
use std::os::fd::{AsFd, BorrowedFd};
use std::rc::Weak;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;

use crate::exit::Exit;
use crate::process::Signals;
use crate::store::Upkeep;

/// Why a run ends early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// SIGINT, SIGTERM or SIGHUP.
    Signal,
    /// `--timeout` is up.
    Timeout,
    /// The output has no reader any more.
    Closed,
}

impl Stop {
    /// How such a run ends.
    #[must_use]
    pub fn exit(self) -> Exit {
        match self {
            Self::Signal | Self::Closed => Exit::Success,
            Self::Timeout => Exit::Busy,
        }
    }
}

/// Why waiting ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake {
    /// It is time to look at the log again.
    Look,
    /// The run is over.
    Stop(Stop),
}

/// Signals and the deadline of the run.
pub struct Control {
    signals: Signals,
    deadline: Option<Instant>,
    signals_seen: Cell<usize>,
    first_signal: Cell<Option<Signal>>,
    /// Whether a reader's going away ends the run.
    watch_stdout: bool,
    /// What goes on while somebody waits.
    upkeep: RefCell<Option<Weak<dyn Upkeep>>>,
}

impl Control {
    /// Takes over the signals. `timeout` counts from now.
    pub fn install(timeout: Option<Duration>, watch_stdout: bool) -> anyhow::Result<Self> {
        let signals = Signals::take_over()?;
        let deadline = timeout.map(|timeout| Instant::now() + timeout);
        let (signals_seen, first_signal) = (Cell::new(0), Cell::new(None));
        Ok(Self { signals, deadline, signals_seen, first_signal, watch_stdout, upkeep: RefCell::default() })
    }

    /// Has this go on during every wait, as long as it lives.
    pub fn attend(&self, upkeep: Weak<dyn Upkeep>) {
        self.upkeep.replace(Some(upkeep));
    }

    /// How many signals have asked for an end so far.
    #[must_use]
    pub fn signals(&self) -> usize {
        let come = self.signals.take();
        self.first_signal.set(self.first_signal.get().or(come.first().copied()));
        self.signals_seen.set(self.signals_seen.get() + come.len());
        self.signals_seen.get()
    }

    /// The first signal that has asked for an end.
    #[must_use]
    pub fn first_signal(&self) -> Option<Signal> {
        let _ = self.signals();
        self.first_signal.get()
    }

    /// How much time the run has left; `None` is unlimited.
    #[must_use]
    pub fn left(&self) -> Option<Duration> {
        self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }

    /// Whether the run should end, without waiting.
    #[must_use]
    pub fn stopped(&self) -> Option<Stop> {
        let _ = self.signals();
        self.requested()
    }

    /// Whether what has been read so far, or the clock, asks for an end.
    fn requested(&self) -> Option<Stop> {
        if self.signals_seen.get() > 0 {
            return Some(Stop::Signal);
        }
        if self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Some(Stop::Timeout);
        }
        None
    }

    /// Sleeps until a descriptor is readable, `at_most` has passed, or the run
    /// should end. A signal that nobody has read yet ends the wait at once: who
    /// waits for a child reads the signals, then looks at the child, then waits,
    /// and misses no SIGCHLD.
    /// It may end early: callers look at their own deadlines.
    pub fn wait(&self, readable: &[BorrowedFd<'_>], at_most: Duration) -> Wake {
        let Some(upkeep) = self.upkeep.borrow().as_ref().and_then(Weak::upgrade) else {
            return self.sleep(readable, at_most);
        };
        let mut fds = readable.to_vec();
        fds.extend(upkeep.descriptors());
        let left = upkeep.time_left();
        let wake = self.sleep(&fds, left.map_or(at_most, |left| at_most.min(left)));
        if wake == Wake::Look {
            upkeep.look();
        }
        wake
    }

    /// Like [`Control::wait`], with nothing going on meanwhile.
    pub fn sleep(&self, readable: &[BorrowedFd<'_>], at_most: Duration) -> Wake {
        if let Some(stop) = self.requested() {
            return Wake::Stop(stop);
        }
        let stdout = std::io::stdout();
        let mut fds = vec![PollFd::new(self.signals.as_fd(), PollFlags::POLLIN)];
        fds.extend(readable.iter().map(|fd| PollFd::new(*fd, PollFlags::POLLIN)));
        if self.watch_stdout {
            // No event asked for: a pipe without a reader reports POLLERR.
            fds.push(PollFd::new(stdout.as_fd(), PollFlags::empty()));
        }
        let at_most = self.left().map_or(at_most, |left| at_most.min(left));
        let ready = poll(&mut fds, poll_timeout(at_most)).unwrap_or(0);
        if ready > 0
            && self.watch_stdout
            && fds.last().and_then(|fd| fd.revents()).is_some_and(|r| r.contains(PollFlags::POLLERR))
        {
            return Wake::Stop(Stop::Closed);
        }
        self.stopped().map_or(Wake::Look, Wake::Stop)
    }

    /// Waits until `fd` takes a write, or the run should end.
    pub fn wait_writable(&self, fd: BorrowedFd<'_>) -> Result<(), Stop> {
        let upkeep = self.upkeep.borrow().as_ref().and_then(Weak::upgrade);
        loop {
            let mut fds = vec![
                PollFd::new(fd, PollFlags::POLLOUT),
                PollFd::new(self.signals.as_fd(), PollFlags::POLLIN),
            ];
            let heard = upkeep.iter().flat_map(|upkeep| upkeep.descriptors());
            fds.extend(heard.map(|fd| PollFd::new(fd, PollFlags::POLLIN)));
            let left = [self.left(), upkeep.as_ref().and_then(|upkeep| upkeep.time_left())];
            let left = left.into_iter().flatten().min();
            let ready = poll(&mut fds, left.map_or(PollTimeout::NONE, poll_timeout)).unwrap_or(0);
            // A write that can go on goes on: the change in hand comes first.
            if ready > 0 && fds[0].revents().is_some_and(|r| !r.is_empty()) {
                return Ok(());
            }
            if let Some(stop) = self.stopped() {
                return Err(stop);
            }
            if let Some(upkeep) = &upkeep {
                upkeep.look();
            }
        }
    }
}

/// Rounded up: waking early would only mean going back to sleep.
pub(super) fn poll_timeout(duration: Duration) -> PollTimeout {
    let millis = duration.as_nanos().div_ceil(1_000_000);
    PollTimeout::try_from(millis).unwrap_or(PollTimeout::MAX)
}
