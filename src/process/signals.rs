//! Signals as a descriptor, so that waiting for them is waiting like any other.

use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::process::CommandExt;
use std::process::Command;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

use super::Moment;
use crate::exit::Failure;

/// SIGINT, SIGTERM, SIGHUP and SIGCHLD, blocked and readable.
///
/// The mask is inherited by threads made afterwards, and by every child that
/// is not given `fresh_signals`.
#[derive(Debug)]
pub struct Signals {
    fd: SignalFd,
}

impl Signals {
    /// Takes the signals over. SIGHUP is left alone if it was ignored at the
    /// start, as under nohup.
    pub fn take_over() -> anyhow::Result<Self> {
        let mut set = SigSet::empty();
        for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGCHLD] {
            set.add(signal);
        }
        if !is_ignored(Signal::SIGHUP) {
            set.add(Signal::SIGHUP);
        }
        Self::block(set)
    }

    /// Takes over SIGINT, SIGTERM and SIGHUP, but for those that were ignored
    /// at the start, as SIGINT is in what a script runs in the background.
    pub fn take_over_unignored() -> anyhow::Result<Self> {
        let all = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP];
        Self::block(all.into_iter().filter(|signal| !is_ignored(*signal)).collect())
    }

    fn block(set: SigSet) -> anyhow::Result<Self> {
        let io_error = |e: nix::errno::Errno| Failure::io("signals", e.into());
        set.thread_block().map_err(io_error)?;
        let fd =
            SignalFd::with_flags(&set, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC).map_err(io_error)?;
        Ok(Self { fd })
    }

    /// The signals that have come since the last call, without SIGCHLD, which
    /// only wakes.
    #[must_use]
    pub fn take(&self) -> Vec<Signal> {
        let mut taken = Vec::new();
        while let Ok(Some(info)) = self.fd.read_signal() {
            let signal = i32::try_from(info.ssi_signo).ok().and_then(|number| Signal::try_from(number).ok());
            taken.extend(signal.filter(|signal| *signal != Signal::SIGCHLD));
        }
        taken
    }
}

impl Signals {
    /// A question that can be asked for as long as one likes: whether no
    /// signal, SIGCHLD included, waits to be taken.
    pub fn quiet(&self) -> std::io::Result<impl Fn() -> bool + 'static> {
        let fd = self.as_fd().try_clone_to_owned()?;
        Ok(move || {
            let mut fds = [PollFd::new(fd.as_fd(), PollFlags::POLLIN)];
            poll(&mut fds, PollTimeout::ZERO).is_ok_and(|ready| ready == 0)
        })
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Lets the command have all signals. A child inherits the mask, and one that
/// has SIGTERM blocked cannot be asked to end.
#[allow(unsafe_code)]
pub(super) fn fresh_signals(command: &mut Command) {
    // SAFETY: runs between fork and exec, where only async-signal-safe calls
    // are allowed: this is one, sigprocmask, on a set that lies on the stack.
    unsafe {
        command.pre_exec(|| SigSet::empty().thread_set_mask().map_err(Into::into));
    }
}

/// Makes the command fail to start, with ETIME, if it is later than `moment`
/// when its program would begin: between a look at the clock before and the
/// start this process may have been held up.
#[allow(unsafe_code)]
pub(super) fn not_after(command: &mut Command, moment: Moment) {
    // SAFETY: runs between fork and exec, where only async-signal-safe calls
    // are allowed: this is one, clock_gettime, and makes an error of a number.
    unsafe {
        command.pre_exec(move || {
            if Moment::now() < moment {
                Ok(())
            } else {
                Err(std::io::Error::from_raw_os_error(nix::libc::ETIME))
            }
        });
    }
}

/// Has the command end with the thread that starts it.
#[allow(unsafe_code)]
pub(super) fn end_with_parent(command: &mut Command) {
    let parent = std::process::id();
    // SAFETY: runs between fork and exec, where only async-signal-safe calls
    // are allowed: these are two, prctl and getppid.
    unsafe {
        command.pre_exec(move || {
            nix::sys::prctl::set_pdeathsig(Signal::SIGKILL)?;
            // It may have died before it was asked to.
            if u32::try_from(nix::unistd::getppid().as_raw()).is_ok_and(|now| now == parent) {
                Ok(())
            } else {
                Err(std::io::Error::from_raw_os_error(nix::libc::ESRCH))
            }
        });
    }
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
