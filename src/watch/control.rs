//! What ends a watch from outside: signals and the clock.

use std::cell::Cell;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

use crate::exit::{Exit, Failure};

/// Why a run ends early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// SIGINT, SIGTERM or SIGHUP.
    Signal,
    /// `--timeout` is up.
    Timeout,
    /// Nobody reads the output any more.
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

/// Signals as a descriptor, and the deadline of the run.
///
/// The signals are blocked in every thread made afterwards, and in every child
/// that is not given [`fresh_signals`].
#[derive(Debug)]
pub struct Control {
    signals: SignalFd,
    deadline: Option<Instant>,
    signals_seen: Cell<u32>,
    /// Whether a reader's going away ends the run.
    watch_stdout: bool,
}

impl Control {
    /// Takes over SIGINT, SIGTERM, SIGHUP (unless it was ignored at the start,
    /// as under nohup) and SIGCHLD. `timeout` counts from now.
    pub fn install(timeout: Option<Duration>, watch_stdout: bool) -> anyhow::Result<Self> {
        let mut set = SigSet::empty();
        for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGCHLD] {
            set.add(signal);
        }
        if !is_ignored(Signal::SIGHUP) {
            set.add(Signal::SIGHUP);
        }
        let told = |e: nix::errno::Errno| Failure::io("signals", e.into());
        set.thread_block().map_err(told)?;
        let signals =
            SignalFd::with_flags(&set, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC).map_err(told)?;
        let deadline = timeout.map(|timeout| Instant::now() + timeout);
        Ok(Self { signals, deadline, signals_seen: Cell::new(0), watch_stdout })
    }

    /// Reads the signals that have come; SIGCHLD only wakes.
    fn take_signals(&self) {
        while let Ok(Some(info)) = self.signals.read_signal() {
            if info.ssi_signo != Signal::SIGCHLD as u32 {
                self.signals_seen.set(self.signals_seen.get() + 1);
            }
        }
    }

    /// How many signals have asked for an end so far.
    #[must_use]
    pub fn signals(&self) -> u32 {
        self.take_signals();
        self.signals_seen.get()
    }

    /// Whether the run should end, without waiting.
    #[must_use]
    pub fn stopped(&self) -> Option<Stop> {
        if self.signals() > 0 {
            return Some(Stop::Signal);
        }
        if self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Some(Stop::Timeout);
        }
        None
    }

    /// Sleeps until a descriptor is readable, `at_most` has passed, or the run
    /// should end.
    pub fn wait(&self, readable: &[BorrowedFd<'_>], at_most: Duration) -> Wake {
        if let Some(stop) = self.stopped() {
            return Wake::Stop(stop);
        }
        let stdout = std::io::stdout();
        let mut fds = vec![PollFd::new(self.signals.as_fd(), PollFlags::POLLIN)];
        fds.extend(readable.iter().map(|fd| PollFd::new(*fd, PollFlags::POLLIN)));
        if self.watch_stdout {
            // No event asked for: a pipe without a reader reports POLLERR.
            fds.push(PollFd::new(stdout.as_fd(), PollFlags::empty()));
        }
        let at_most =
            self.deadline.map_or(at_most, |d| at_most.min(d.saturating_duration_since(Instant::now())));
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
        loop {
            let mut fds =
                [PollFd::new(fd, PollFlags::POLLOUT), PollFd::new(self.signals.as_fd(), PollFlags::POLLIN)];
            let left = self.deadline.map(|d| d.saturating_duration_since(Instant::now()));
            let timeout = left.map_or(PollTimeout::NONE, poll_timeout);
            let ready = poll(&mut fds, timeout).unwrap_or(0);
            // A write that can go on goes on: the change in hand comes first.
            if ready > 0 && fds[0].revents().is_some_and(|r| !r.is_empty()) {
                return Ok(());
            }
            if let Some(stop) = self.stopped() {
                return Err(stop);
            }
        }
    }
}

/// Lets the command have all signals. A child inherits the mask, and one that
/// has SIGTERM blocked cannot be asked to end.
#[allow(unsafe_code)]
pub fn fresh_signals(command: &mut Command) {
    // SAFETY: runs between fork and exec, where only async-signal-safe calls
    // are allowed: this is one, sigprocmask, on a set that lies on the stack.
    unsafe {
        command.pre_exec(|| SigSet::empty().thread_set_mask().map_err(Into::into));
    }
}

/// Rounded up: waking early would only mean going back to sleep.
fn poll_timeout(duration: Duration) -> PollTimeout {
    let millis = duration.as_nanos().div_ceil(1_000_000);
    PollTimeout::try_from(millis).unwrap_or(PollTimeout::MAX)
}

/// Whether a signal is ignored, by the kernel's word.
fn is_ignored(signal: Signal) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok())
        .unwrap_or(0);
    mask & (1 << (signal as u32 - 1)) != 0
}
