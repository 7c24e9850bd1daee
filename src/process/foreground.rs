//! A command in this process's own place at the terminal.

use std::io;
use std::os::fd::AsFd;
use std::process::{Command, ExitStatus};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::Signals;
use super::signals::fresh_signals;

/// Runs a command to its end in this process's own group, so that both stop
/// and go on together when the terminal says so. What the terminal sends is
/// the command's to act upon; a SIGTERM or SIGHUP that came is passed on, and
/// told.
pub fn run_in_foreground(
    mut command: Command,
    signals: &Signals,
) -> io::Result<(ExitStatus, Option<Signal>)> {
    fresh_signals(&mut command);
    let mut child = command.spawn()?;
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap_or(i32::MAX));
    let mut told = None;
    loop {
        for signal in signals.take() {
            // The terminal has sent it to the command, too.
            if signal != Signal::SIGINT {
                let _ = kill(pid, signal);
                told = told.or(Some(signal));
            }
        }
        if let Some(status) = child.try_wait()? {
            return Ok((status, told));
        }
        let _ = poll(&mut [PollFd::new(signals.as_fd(), PollFlags::POLLIN)], PollTimeout::NONE);
    }
}
