//! A command under way, at the head of its own process group.

use std::ffi::OsString;
use std::io::IsTerminal;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Command, ExitStatus};

use nix::sys::signal::{SigSet, Signal, killpg};
use nix::unistd::{Pid, getpgrp, tcgetpgrp, tcsetpgrp};

use super::Moment;
use super::signals::{end_with_parent, fresh_signals, not_after};

/// A running command.
#[derive(Debug)]
pub struct Child {
    inner: std::process::Child,
    group: Pid,
    /// Whether the terminal was handed to the command's group.
    has_terminal: bool,
}

impl Child {
    /// The command for `program`, called by the first of `words`, in a process
    /// group of its own. Streams and environment are the caller's to set.
    #[must_use]
    pub fn command(program: &Path, words: &[OsString]) -> Command {
        let mut command = Command::new(program);
        if let Some((name, args)) = words.split_first() {
            command.arg0(name).args(args);
        }
        command.process_group(0);
        fresh_signals(&mut command);
        command
    }

    /// Makes the command start before `moment` or not at all, which is told by
    /// [`Child::is_too_late`].
    pub fn start_before(command: &mut Command, moment: Moment) {
        not_after(command, moment);
    }

    /// Makes the kernel kill the command when the thread that starts it ends,
    /// as in a process that is killed. What the command itself has started
    /// lives on.
    pub fn end_with_parent(command: &mut Command) {
        end_with_parent(command);
    }

    /// Whether a start failed because it was too late for it.
    #[must_use]
    pub fn is_too_late(error: &std::io::Error) -> bool {
        error.raw_os_error() == Some(nix::libc::ETIME)
    }

    /// Starts it.
    pub fn start(mut command: Command) -> std::io::Result<Self> {
        let inner = command.spawn()?;
        let group = Pid::from_raw(i32::try_from(inner.id()).unwrap_or(i32::MAX));
        Ok(Self { inner, group, has_terminal: false })
    }

    /// Starts it in the foreground: if this process has the terminal, the
    /// command gets it, as from a shell, and may read from it.
    pub fn start_in_foreground(command: Command) -> std::io::Result<Self> {
        let mut child = Self::start(command)?;
        let stdin = std::io::stdin();
        if stdin.is_terminal() && tcgetpgrp(&stdin).is_ok_and(|group| group == getpgrp()) {
            // Handing the terminal back from the background would stop us.
            let mut set = SigSet::empty();
            set.add(Signal::SIGTTOU);
            let _ = set.thread_block();
            child.has_terminal = tcsetpgrp(&stdin, child.group).is_ok();
            // It may have asked for the terminal before it had it.
            child.signal(Signal::SIGCONT);
        }
        Ok(child)
    }

    /// The standard library's handle, for the streams.
    pub fn streams(&mut self) -> &mut std::process::Child {
        &mut self.inner
    }

    /// Its status, if it has ended.
    pub fn ended(&mut self) -> std::io::Result<Option<ExitStatus>> {
        let status = self.inner.try_wait()?;
        if status.is_some() && std::mem::take(&mut self.has_terminal) {
            let _ = tcsetpgrp(std::io::stdin(), getpgrp());
        }
        Ok(status)
    }

    /// Ends it at once, with everything it started, for want of what it takes
    /// to attend to it.
    pub fn abandon(&mut self) {
        self.signal(Signal::SIGKILL);
        let _ = self.inner.wait();
        // Gives the terminal back.
        let _ = self.ended();
    }

    /// Whether anything is left of the command's group.
    #[must_use]
    pub fn has_group(&self) -> bool {
        killpg(self.group, None).is_ok()
    }

    /// Sends a signal to the command and everything in its group.
    pub fn signal(&self, signal: Signal) {
        let _ = killpg(self.group, signal);
    }
}

/// A status as the shell would give it: 128 plus the signal's number for a
/// command that a signal ended.
#[must_use]
pub fn exit_code(status: ExitStatus) -> u8 {
    let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
    u8::try_from(code).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// The holder of a lock was held up between taking it and starting its
    /// command: the command ran beside the next holder.
    #[test]
    fn a_command_starts_in_time_or_not_at_all() {
        let touch = |moment| {
            let dir = tempfile::tempdir().unwrap();
            let file = dir.path().join("ran");
            let mut command = Child::command(Path::new("/bin/touch"), &["touch".into(), file.clone().into()]);
            Child::start_before(&mut command, moment);
            let started = Child::start(command);
            let late = started.as_ref().err().map(Child::is_too_late);
            if let Ok(mut child) = started {
                child.streams().wait().unwrap();
            }
            (late, file.exists())
        };
        let hour = Duration::from_hours(1);
        assert_eq!(touch(Moment::now().after(hour)), (None, true));
        assert_eq!(touch(Moment::now().before(Duration::from_nanos(1))), (Some(true), false));
    }
}
