//! Runs the command lines of `--check` and `--exec`.

use std::ffi::OsStr;
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::exit::{Exit, Failure};
use crate::process::{Child, Supervised, exit_code};
use crate::watch::Control;

/// How long a command may go on after SIGTERM, before SIGKILL.
const GRACE_AFTER_TERM: Duration = Duration::from_secs(5);

/// A command line for `sh`, in a process group of its own.
pub struct Shell<'a> {
    command: &'a OsStr,
    timeout: Duration,
    grace: Duration,
    inner: Command,
}

/// How a command ended.
pub struct Ended {
    /// The status, as the shell would give it: 128 plus the number of the
    /// signal that ended it.
    pub code: u8,
    /// Whether it had to be ended because of its timeout.
    pub timed_out: bool,
    /// The signal that told larder itself to end meanwhile.
    pub stop: Option<Signal>,
    /// Whether that signal ended the command too, whatever its status.
    interrupted: bool,
}

impl Ended {
    /// What went wrong, to follow the subject of a sentence.
    pub fn failure(&self) -> Option<String> {
        if self.timed_out {
            Some("took longer than --exec-timeout".into())
        } else if self.interrupted || (self.stop.is_some() && self.code != 0) {
            Some("was ended by a signal to larder".into())
        } else {
            (self.code != 0).then(|| format!("failed with status {}", self.code))
        }
    }

    /// How a run ends that was asked to end by a signal: as if by that signal.
    pub fn signal_exit(&self) -> Option<Exit> {
        self.stop.map(|signal| Exit::Child(128 + u8::try_from(signal as i32).unwrap_or(0)))
    }
}

impl<'a> Shell<'a> {
    /// `grace` is what the command has left when larder is asked to end.
    /// `quiet`: standard output belongs to records, so the command's goes to
    /// standard error.
    pub fn new(command: &'a OsStr, timeout: Duration, grace: Duration, quiet: bool) -> Self {
        let words = ["sh".into(), "-c".into(), command.to_owned()];
        let mut inner = Child::command(Path::new("/bin/sh"), &words);
        inner.stdin(Stdio::null());
        if quiet && let Ok(stderr) = std::io::stderr().as_fd().try_clone_to_owned() {
            inner.stdout(stderr);
        }
        Self { command, timeout, grace, inner }
    }

    /// Sets a variable of the command's environment.
    pub fn variable(&mut self, name: &str, value: impl AsRef<OsStr>) {
        self.inner.env(name, value);
    }

    /// Names the file with the new text.
    pub fn candidate(mut self, path: &Path) -> Self {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        self.variable("LARDER_CANDIDATE", path);
        self
    }

    /// Runs the command to its end. At its timeout, at the end of the grace, or
    /// at a second signal its process group gets SIGTERM, and SIGKILL 5 seconds
    /// later.
    pub fn run(self, control: &Control) -> anyhow::Result<Ended> {
        let shown = crate::text::quote(&self.command.to_string_lossy());
        let io_error = |e| Failure::io(&format!("cannot run {shown}"), e);
        let child = Child::start(self.inner).map_err(io_error)?;
        wait(child, self.timeout, self.grace, control).map_err(io_error)
    }
}

fn wait(child: Child, timeout: Duration, grace: Duration, control: &Control) -> std::io::Result<Ended> {
    let mut ended = Ended { code: 0, timed_out: false, stop: None, interrupted: false };
    let mut command = Supervised::new(child);
    command.end_at(Instant::now() + timeout, GRACE_AFTER_TERM);
    loop {
        let (asked, signals) = (control.first_signal(), control.signals());
        let now = Instant::now();
        if !command.is_told() {
            if ended.stop.is_none() && asked.is_some() {
                ended.stop = asked;
                command.end_at(now + grace, GRACE_AFTER_TERM);
            }
            if signals > 1 {
                command.end_now(now, GRACE_AFTER_TERM);
            }
        }
        if let Some(status) = command.step(now)? {
            ended.code = exit_code(status);
            return Ok(ended);
        }
        if command.is_told() {
            ended.timed_out |= ended.stop.is_none();
            ended.interrupted |= ended.stop.is_some();
        }
        let left = command.time_left(now).unwrap_or(timeout).max(Duration::from_millis(1));
        if asked.is_some() {
            // A run that has been asked to end is not kept waiting.
            std::thread::sleep(left.min(Duration::from_millis(10)));
        } else {
            // SIGCHLD ends the wait as soon as the command does.
            control.wait(&[], left);
        }
    }
}
