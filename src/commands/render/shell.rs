//! Runs the command lines of `--check` and `--exec`.

use std::ffi::OsStr;
use std::os::fd::AsFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::exit::Failure;
use crate::watch::{Control, Stop, fresh_signals};

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
    /// Whether larder itself was told to end meanwhile.
    pub stop: Option<Stop>,
}

impl Ended {
    /// What went wrong, to follow the subject of a sentence.
    pub fn failure(&self) -> Option<String> {
        if self.timed_out {
            Some("took longer than --exec-timeout".into())
        } else if self.stop.is_some() && self.code != 0 {
            Some("was ended by a signal to larder".into())
        } else {
            (self.code != 0).then(|| format!("failed with status {}", self.code))
        }
    }
}

impl<'a> Shell<'a> {
    /// `grace` is what the command has left when larder is told to end.
    /// `quiet`: standard output belongs to records, so the command's goes to
    /// standard error.
    pub fn new(command: &'a OsStr, timeout: Duration, grace: Duration, quiet: bool) -> Self {
        let mut inner = Command::new("/bin/sh");
        inner.arg("-c").arg(command).stdin(Stdio::null()).process_group(0);
        if quiet && let Ok(stderr) = std::io::stderr().as_fd().try_clone_to_owned() {
            inner.stdout(stderr);
        }
        fresh_signals(&mut inner);
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
    pub fn run(mut self, control: &Control) -> anyhow::Result<Ended> {
        let shown = crate::store::quote(&self.command.to_string_lossy());
        let told = |e| Failure::io(&format!("cannot run {shown}"), e);
        let mut child = self.inner.spawn().map_err(told)?;
        self.wait(&mut child, control).map_err(told)
    }

    fn wait(&self, child: &mut Child, control: &Control) -> std::io::Result<Ended> {
        let group = Pid::from_raw(i32::try_from(child.id()).unwrap_or(i32::MAX));
        let mut ended = Ended { code: 0, timed_out: false, stop: None };
        let mut signal_at = Instant::now() + self.timeout;
        let mut signal = Signal::SIGTERM;
        loop {
            if let Some(status) = child.try_wait()? {
                if signal == Signal::SIGKILL {
                    // What the shell started must not outlive it.
                    let _ = killpg(group, signal);
                }
                let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
                ended.code = u8::try_from(code).unwrap_or(1);
                return Ok(ended);
            }
            let now = Instant::now();
            if ended.stop.is_none() && signal == Signal::SIGTERM {
                ended.stop = control.stopped();
                if ended.stop.is_some() {
                    signal_at = signal_at.min(now + self.grace);
                }
            }
            if now >= signal_at || (signal == Signal::SIGTERM && control.signals() > 1) {
                ended.timed_out |= ended.stop.is_none();
                let _ = killpg(group, signal);
                signal = Signal::SIGKILL;
                signal_at = now + GRACE_AFTER_TERM;
            }
            let left = signal_at.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
            if control.stopped().is_some() {
                // Its descriptor is readable from now on and wakes at once.
                std::thread::sleep(left.min(Duration::from_millis(10)));
            } else {
                // SIGCHLD ends the wait as soon as the command does.
                control.wait(&[], left);
            }
        }
    }
}
