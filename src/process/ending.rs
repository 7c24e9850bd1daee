//! Ending a command that does not end by itself: SIGTERM, time to comply,
//! SIGKILL; its whole process group, whoever of it is left.

use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::Child;

/// How often it is looked whether anything of the group is left.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// A command that was told to end.
#[derive(Clone, Copy, Debug)]
pub struct Ending {
    kill_at: Instant,
    killed: bool,
}

impl Ending {
    /// Tells the command's group to end, and wakes it if it was stopped.
    #[must_use]
    pub fn begin(child: &Child, grace: Duration) -> Self {
        child.signal(Signal::SIGTERM);
        child.signal(Signal::SIGCONT);
        Self::already_told(Instant::now() + grace)
    }

    /// A group that has had its SIGTERM, and gets SIGKILL at a moment.
    #[must_use]
    pub fn already_told(kill_at: Instant) -> Self {
        Self { kill_at, killed: false }
    }

    /// Kills the group if its time is up; how long until the next call.
    pub fn pursue(&mut self, child: &Child) -> Duration {
        let left = self.kill_at.saturating_duration_since(Instant::now());
        if !left.is_zero() {
            return left;
        }
        if !std::mem::replace(&mut self.killed, true) {
            child.signal(Signal::SIGKILL);
        }
        Duration::from_millis(100)
    }

    /// Once the command itself has ended: gives what is left of its group the
    /// rest of the time, and kills it then.
    pub fn finish(self, child: &Child) {
        while !self.killed && child.has_group() {
            if Instant::now() >= self.kill_at {
                child.signal(Signal::SIGKILL);
                return;
            }
            sleep(LOOK_AGAIN);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};
    use std::path::Path;
    use std::process::Stdio;

    use super::*;

    /// A shell, and what it said in its first line.
    fn started(script: &str) -> (Child, String) {
        let mut command = Child::command(Path::new("/bin/sh"), &["sh".into(), "-c".into(), script.into()]);
        command.stdout(Stdio::piped());
        let mut child = Child::start(command).unwrap();
        let mut line = String::new();
        let stdout = child.streams().stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        (child, line.trim().to_owned())
    }

    fn wait(child: &mut Child) {
        while child.ended().unwrap().is_none() {
            sleep(LOOK_AGAIN);
        }
    }

    /// Gone, or a zombie that nobody collects.
    fn is_over(pid: &str) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"));
        stat.map_or(true, |stat| stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('Z')))
    }

    #[test]
    fn a_group_outlives_its_leader_by_no_more_than_the_grace() {
        let (mut child, member) = started("(trap '' TERM; sleep 600) & sleep 0.1; echo $!; wait");
        let ending = Ending::begin(&child, Duration::from_millis(50));
        wait(&mut child);
        assert!(!is_over(&member));
        ending.finish(&child);
        while !is_over(&member) {
            sleep(LOOK_AGAIN);
        }
    }

    #[test]
    fn a_leader_that_does_not_comply_is_killed() {
        let (mut child, _) = started("trap '' TERM; echo ready; sleep 600");
        let mut ending = Ending::begin(&child, Duration::from_millis(20));
        while child.ended().unwrap().is_none() {
            sleep(ending.pursue(&child).min(LOOK_AGAIN));
        }
        ending.finish(&child);
    }

    #[test]
    fn a_group_that_complies_is_not_waited_for() {
        let (mut child, _) = started("echo ready; exec sleep 600");
        let ending = Ending::begin(&child, Duration::from_hours(1));
        wait(&mut child);
        ending.finish(&child);
    }
}
