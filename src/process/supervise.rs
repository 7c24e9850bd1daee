//! Supervising a command: SIGTERM when it is to end, time to comply, SIGKILL;
//! for its whole process group, whoever of it is left.
//!
//! Callers wait in their own ways, and call [`Supervised::step`] whenever
//! something may have happened.

use std::process::ExitStatus;
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::Child;

/// How often it is looked whether anything of the group is left.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// How often a command is looked at that was killed.
const SOON: Duration = Duration::from_millis(100);

/// A command under way, and when it is to end.
#[derive(Debug)]
pub struct Supervised {
    child: Child,
    stage: Stage,
    /// How the command ended, while something is left of its group.
    ended: Option<ExitStatus>,
}

/// How far it has come.
#[derive(Clone, Copy, Debug)]
enum Stage {
    /// It runs for as long as it likes.
    Running,
    /// It gets SIGTERM at a moment, and SIGKILL after the grace.
    Limited { at: Instant, grace: Duration },
    /// It was asked to end, and gets SIGKILL at a moment.
    Told { kill_at: Instant },
    /// It got SIGKILL.
    Killed,
}

impl Supervised {
    /// Supervises a command that may run for as long as it likes.
    #[must_use]
    pub fn new(child: Child) -> Self {
        Self { child, stage: Stage::Running, ended: None }
    }

    /// The command is to end at a moment: SIGTERM then, and SIGKILL after
    /// `grace`. Of two moments the earlier one holds.
    pub fn end_at(&mut self, at: Instant, grace: Duration) {
        match self.stage {
            Stage::Running => self.stage = Stage::Limited { at, grace },
            Stage::Limited { at: known, .. } if at <= known => self.stage = Stage::Limited { at, grace },
            _ => {}
        }
    }

    /// The command is to end now; with `grace`, unless another one was set
    /// before.
    pub fn end_now(&mut self, now: Instant, grace: Duration) {
        let grace = match self.stage {
            Stage::Running => grace,
            Stage::Limited { grace, .. } => grace,
            Stage::Told { .. } | Stage::Killed => return,
        };
        self.child.signal(Signal::SIGTERM);
        // One that was stopped could not comply.
        self.child.signal(Signal::SIGCONT);
        self.stage = Stage::Told { kill_at: now + grace };
    }

    /// Whether the command was asked to end.
    #[must_use]
    pub fn is_told(&self) -> bool {
        matches!(self.stage, Stage::Told { .. } | Stage::Killed)
    }

    /// Passes a signal on to the command and everything in its group.
    pub fn signal(&self, signal: Signal) {
        self.child.signal(signal);
    }

    /// Does what it is time for; the status once the command has ended. If it
    /// was asked to end, what is left of its group then has the rest of the
    /// grace, and is killed.
    pub fn step(&mut self, now: Instant) -> std::io::Result<Option<ExitStatus>> {
        if let Some(status) = self.child.ended()? {
            self.finish();
            return Ok(Some(status));
        }
        match self.stage {
            Stage::Limited { at, grace } if now >= at => self.end_now(now, grace),
            Stage::Told { kill_at } if now >= kill_at => {
                self.child.signal(Signal::SIGKILL);
                self.stage = Stage::Killed;
            }
            _ => {}
        }
        Ok(None)
    }

    /// Like [`Supervised::step`], without waiting for what is left of the group:
    /// the status comes once that is gone, or killed. For who looks after
    /// several commands.
    pub fn step_aside(&mut self, now: Instant) -> std::io::Result<Option<ExitStatus>> {
        if self.ended.is_none() {
            self.ended = self.child.ended()?;
        }
        match (self.ended, self.stage) {
            (Some(_), Stage::Told { kill_at }) if now < kill_at && self.child.has_group() => Ok(None),
            (Some(status), Stage::Told { .. }) => {
                self.child.signal(Signal::SIGKILL);
                self.stage = Stage::Killed;
                Ok(Some(status))
            }
            (Some(status), _) => Ok(Some(status)),
            (None, _) => self.step(now),
        }
    }

    /// How long until the next step, unless the command ends before; `None` is
    /// unlimited.
    #[must_use]
    pub fn time_left(&self, now: Instant) -> Option<Duration> {
        if self.ended.is_some() {
            return Some(LOOK_AGAIN);
        }
        match self.stage {
            Stage::Running => None,
            Stage::Limited { at, .. } => Some(at.saturating_duration_since(now)),
            Stage::Told { kill_at } => Some(kill_at.saturating_duration_since(now)),
            Stage::Killed => Some(SOON),
        }
    }

    /// Once the command itself has ended.
    fn finish(&self) {
        let Stage::Told { kill_at } = self.stage else { return };
        while self.child.has_group() {
            if Instant::now() >= kill_at {
                self.child.signal(Signal::SIGKILL);
                return;
            }
            sleep(LOOK_AGAIN);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};
    use std::os::unix::process::ExitStatusExt;
    use std::path::Path;
    use std::process::Stdio;

    use super::*;

    const GRACE: Duration = Duration::from_secs(5);

    /// A shell, and what it said in its first line.
    fn started(script: &str) -> (Supervised, String) {
        let mut command = Child::command(Path::new("/bin/sh"), &["sh".into(), "-c".into(), script.into()]);
        command.stdout(Stdio::piped());
        let mut child = Child::start(command).unwrap();
        let mut line = String::new();
        let stdout = child.streams().stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        (Supervised::new(child), line.trim().to_owned())
    }

    /// Its status, at a moment: nothing more becomes due.
    fn wait(command: &mut Supervised, at: Instant) -> ExitStatus {
        loop {
            if let Some(status) = command.step(at).unwrap() {
                return status;
            }
            sleep(LOOK_AGAIN);
        }
    }

    /// Gone, or a zombie that nobody collects.
    fn is_over(pid: &str) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"));
        stat.map_or(true, |stat| stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('Z')))
    }

    #[test]
    fn a_command_ends_by_itself() {
        let (mut command, _) = started("echo ready; exit 3");
        let now = Instant::now();
        assert_eq!(command.time_left(now), None);
        assert_eq!(wait(&mut command, now).code(), Some(3));
        assert!(!command.is_told());
    }

    #[test]
    fn sigterm_comes_at_its_moment_and_sigkill_after_the_grace() {
        let (mut command, _) = started("trap '' TERM; echo ready; while :; do sleep 600; done");
        let now = Instant::now();
        let after = |secs| now + Duration::from_secs(secs);
        command.end_at(after(10), GRACE);
        // The earlier moment holds.
        command.end_at(after(20), GRACE);
        assert_eq!(command.time_left(after(4)), Some(Duration::from_secs(6)));
        assert!(command.step(after(9)).unwrap().is_none());
        assert!(!command.is_told());
        assert!(command.step(after(10)).unwrap().is_none());
        assert!(command.is_told());
        // It has been told, and that it was.
        command.end_now(after(11), Duration::ZERO);
        assert_eq!(command.time_left(after(11)), Some(Duration::from_secs(4)));
        assert!(command.step(after(14)).unwrap().is_none());
        assert_eq!(wait(&mut command, after(15)).signal(), Some(9));
    }

    #[test]
    fn a_command_that_complies_keeps_its_status() {
        let (mut command, _) = started("trap 'exit 7' TERM; echo ready; while :; do sleep 0.01; done");
        let now = Instant::now();
        command.end_at(now + GRACE, GRACE);
        command.end_now(now, Duration::ZERO);
        assert_eq!(command.time_left(now), Some(GRACE));
        assert_eq!(wait(&mut command, now).code(), Some(7));
    }

    /// One that was stopped kept its SIGTERM until somebody continued it.
    #[test]
    fn a_command_that_was_stopped_can_comply() {
        let (mut command, _) = started("trap 'exit 7' TERM; echo ready; while :; do sleep 0.01; done");
        command.signal(Signal::SIGSTOP);
        let now = Instant::now();
        command.end_now(now, GRACE);
        assert_eq!(wait(&mut command, now).code(), Some(7));
    }

    #[test]
    fn a_group_outlives_its_leader_by_no_more_than_the_grace() {
        let (mut command, member) = started("(trap '' TERM; sleep 600) & sleep 0.1; echo $!; wait");
        assert!(!is_over(&member));
        let now = Instant::now();
        command.end_now(now, Duration::from_millis(50));
        wait(&mut command, now);
        while !is_over(&member) {
            sleep(LOOK_AGAIN);
        }
    }
}
