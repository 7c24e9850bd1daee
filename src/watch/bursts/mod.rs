//! Runs a command once for a burst of changes, and, if it is to be restarted,
//! ends it for the next burst.
//!
//! Unlike a [`Sink`](super::Sink) it reads the feed itself: what comes while a
//! command runs, or before a burst is over, decides what happens next.

mod burst;

use std::process::ExitStatus;
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::control::{Control, Stop, Wake};
use super::exec::{
    ExecOptions, FIRST_PAUSE, GRACE, GRACE_AFTER_TERM, GRACE_AFTER_TIMEOUT, LONGEST_PAUSE, is_temporary,
};
use super::handler::Handler;
use super::{Plan, SKIPPED_BEFORE_MOVE, SLICE, patiently};
use crate::exit::{Exit, Failure};
use crate::model::Change;
use crate::output::print_note;
use crate::process::{Supervised, exit_code};
use crate::store::Feed;
use crate::text::quote;
use burst::Burst;

/// A stream that never falls quiet is handed over after this many times the
/// quiet it is to have.
const MOST_DEBOUNCES: u32 = 10;

/// How often a command is looked at that was told to end, and how long a look
/// may wait where a signal has been seen already.
const SOON: Duration = Duration::from_millis(100);
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// The command, and the changes it is to have.
#[derive(Debug)]
pub struct Bursts {
    options: ExecOptions,
    handler: Handler,
    /// How long no further change must come for a burst to be over.
    debounce: Duration,
    /// Whether a burst ends a command that still runs.
    restart: bool,
    burst: Burst,
    /// When the first and the last change of the news were read.
    since: Option<(Instant, Instant)>,
    command: Option<Running>,
    /// Attempts at this burst that failed, when to make the next one, and the
    /// pause before the one after that.
    attempt: u32,
    again: Option<Instant>,
    pause: Duration,
    /// Changes left to read.
    left: Option<u64>,
    /// Whether some of what was read last is not wanted any more.
    cut_short: bool,
    /// What asked the run to end.
    stop: Option<Stop>,
    /// The consumer's position as stored.
    remembered: i64,
}

#[derive(Debug)]
struct Running {
    command: Supervised,
    /// Ended for the next burst.
    superseded: bool,
    /// Started after the run was asked to end, for what was collected before.
    late: bool,
    /// The end of the run has been passed on to it.
    told: bool,
    /// Ended because the watch is out of time.
    cut: bool,
}

impl Bursts {
    /// Bursts for the command; fails at once if there is no such program.
    pub fn new(options: ExecOptions, debounce: Duration, restart: bool) -> Result<Self, Failure> {
        let handler = Handler::new(options.command.clone(), options.store.clone(), options.scope.clone())?;
        Ok(Self {
            options,
            handler,
            debounce,
            restart,
            burst: Burst::default(),
            since: None,
            command: None,
            attempt: 0,
            again: None,
            pause: FIRST_PAUSE,
            left: None,
            cut_short: false,
            stop: None,
            remembered: 0,
        })
    }

    /// Hands over what is there at the feed's position, in bursts, and takes it
    /// off `plan.count`; `Some` if the run ends with it. A command that is to be
    /// restarted, with no position to move, does not end by itself: there the
    /// snapshot is the first burst of [`Bursts::run`].
    pub fn deliver_snapshot(
        &mut self,
        feed: &Feed,
        plan: &mut Plan<'_>,
        control: &Control,
    ) -> anyhow::Result<Option<Exit>> {
        self.left = plan.count;
        let joined = self.restart && plan.consumer.is_none();
        let mut last = None;
        while self.left != Some(0) {
            let page = feed.snapshot(&mut last, true)?;
            if page.is_empty() {
                break;
            }
            self.collect(page);
            if joined {
                self.burst.give();
                self.burst.take_back();
                self.burst.trim();
            } else if self.burst.is_full(false)
                && let Some(exit) = self.drive(None, plan, control)?
            {
                return Ok(Some(exit));
            }
            // A part of the snapshot is not the snapshot: no position is stored.
            if let Some(stop) = control.stopped() {
                let ended = if joined { None } else { self.drive(None, plan, control)? };
                return Ok(Some(ended.unwrap_or(stop.exit())));
            }
        }
        if !joined && let Some(exit) = self.drive(None, plan, control)? {
            return Ok(Some(exit));
        }
        plan.count = self.left;
        Ok(None)
    }

    /// Hands over what comes until something ends the run; says how it ends.
    /// No command is left behind.
    pub fn run(&mut self, feed: &mut Feed, plan: &Plan<'_>, control: &Control) -> anyhow::Result<Exit> {
        self.left = plan.count;
        self.remembered = feed.position();
        feed.set_patience(SLICE.min(plan.patience));
        let ended = self.drive(Some(feed), plan, control);
        if let Some(mut running) = self.command.take() {
            running.command.end_now(Instant::now(), GRACE_AFTER_TERM);
            while let Ok(None) = running.command.step(Instant::now()) {
                sleep(LOOK_AGAIN);
            }
        }
        Ok(ended?.unwrap_or(Exit::Success))
    }

    /// Goes on until the run ends, which is `Some`, or, without a feed, all that
    /// was collected is handled.
    fn drive(
        &mut self,
        mut feed: Option<&mut Feed>,
        plan: &Plan<'_>,
        control: &Control,
    ) -> anyhow::Result<Option<Exit>> {
        loop {
            // The signals are read before the command is looked at.
            let signals = control.signals();
            self.stop = self.stop.or_else(|| control.stopped());
            if let Some(exit) = self.look(feed.as_deref(), plan, control)? {
                return Ok(Some(exit));
            }
            if self.command.is_none() && self.burst.is_empty() {
                if self.left == Some(0) {
                    return Ok(Some(Exit::Success));
                }
                if feed.is_none() {
                    return Ok(None);
                }
            }
            if let Some(stop) = self.stop
                && self.wind_up(stop, signals)?
            {
                return Ok(Some(stop.exit()));
            }
            let mut behind = false;
            let reads = self.reads(plan);
            if let Some(feed) = feed.as_deref_mut().filter(|_| reads) {
                match patiently(control, plan.patience, || feed.next(true))? {
                    Ok(changes) => self.collect(changes),
                    Err(stop) => {
                        self.stop = Some(stop);
                        continue;
                    }
                }
                if let Some(exit) = self.pass_over(feed, plan, control)? {
                    return Ok(Some(exit));
                }
                behind = feed.is_behind() && self.reads(plan);
            }
            if self.stop.is_none() {
                self.hand_over(feed.is_some(), behind, plan)?;
            }
            if !behind {
                self.sleep(feed.as_deref(), plan, control);
            }
        }
    }

    /// Whether more changes are wanted now.
    fn reads(&self, plan: &Plan<'_>) -> bool {
        let idle = self.command.is_none() && self.again.is_none();
        self.stop.is_none()
            && self.left != Some(0)
            && (idle || self.restart)
            // What a consumer has yet to handle is kept whole; then a command
            // whose changes are too many is ended no more.
            && !self.burst.is_full(plan.consumer.is_none())
    }

    /// Adds what was read, up to the count.
    fn collect(&mut self, changes: Vec<Change>) {
        for change in changes {
            match &mut self.left {
                Some(0) => {
                    self.cut_short = true;
                    break;
                }
                Some(left) => *left -= 1,
                None => {}
            }
            self.burst.push(change);
            let now = Instant::now();
            self.since = Some((self.since.map_or(now, |(first, _)| first), now));
        }
    }

    /// Moves the consumer over many changes that were not chosen.
    fn pass_over(&mut self, feed: &Feed, plan: &Plan<'_>, control: &Control) -> anyhow::Result<Option<Exit>> {
        let Some(name) = plan.consumer.filter(|_| self.burst.is_empty()) else { return Ok(None) };
        if feed.position() - self.remembered < SKIPPED_BEFORE_MOVE {
            return Ok(None);
        }
        if let Err(stop) = patiently(control, Duration::MAX, || feed.handled_all(name))? {
            return Ok(Some(stop.exit()));
        }
        self.remembered = feed.position();
        Ok(None)
    }

    /// When the burst is over, if there is one.
    fn over_at(&self, live: bool, plan: &Plan<'_>, now: Instant) -> Option<Instant> {
        if !self.burst.has_news() {
            return None;
        }
        let full = self.burst.is_full(plan.consumer.is_none());
        match self.since {
            Some((first, last)) if live && !full && self.left != Some(0) => {
                let quiet = last.checked_add(self.debounce);
                let most = first.checked_add(self.debounce.saturating_mul(MOST_DEBOUNCES));
                // What no clock reaches does not come.
                quiet.into_iter().chain(most).min()
            }
            _ => Some(now),
        }
    }

    /// Starts the command where that is due, or ends it to be started anew.
    fn hand_over(&mut self, live: bool, behind: bool, plan: &Plan<'_>) -> anyhow::Result<()> {
        let now = Instant::now();
        let over = !behind && self.over_at(live, plan, now).is_some_and(|at| now >= at);
        match &mut self.command {
            Some(running) if over && !running.superseded => {
                running.command.end_now(now, GRACE_AFTER_TERM);
                running.superseded = true;
            }
            None if over => {
                (self.attempt, self.pause) = (0, FIRST_PAUSE);
                if plan.consumer.is_none() {
                    self.burst.trim();
                }
                self.start(false)?;
            }
            None if self.again.is_some_and(|at| now >= at) => self.start(false)?,
            _ => {}
        }
        Ok(())
    }

    /// Starts the command with all that was collected.
    fn start(&mut self, late: bool) -> anyhow::Result<()> {
        self.again = None;
        self.since = None;
        self.burst.give();
        let input = Arc::new(self.burst.lines(&self.options.scope)?);
        let Some(facts) = self.burst.facts() else { return Ok(()) };
        match self.handler.start_on(&facts, &input, |_| ()) {
            Ok(child) => {
                let command = Supervised::new(child);
                self.command = Some(Running { command, superseded: false, late, told: false, cut: false });
                Ok(())
            }
            Err(e) => {
                let temporary = is_temporary(&e);
                let error = Failure::io(&format!("cannot run {}", self.shown()), e);
                if self.is_last() || !temporary {
                    return Err(error);
                }
                self.try_again(&error.to_string());
                Ok(())
            }
        }
    }

    /// Looks whether the command has ended, and what that means.
    fn look(
        &mut self,
        feed: Option<&Feed>,
        plan: &Plan<'_>,
        control: &Control,
    ) -> anyhow::Result<Option<Exit>> {
        let Some(running) = &mut self.command else { return Ok(None) };
        let stepped = running.command.step_aside(Instant::now());
        let Some(status) = stepped.map_err(|e| Failure::io(&self.shown(), e))? else { return Ok(None) };
        let Some(running) = self.command.take() else { return Ok(None) };
        if running.cut {
            return Ok(Some(Stop::Timeout.exit()));
        }
        // Of a command that was ended, the status says nothing.
        if running.superseded || (self.restart && running.told) {
            self.burst.take_back();
            return Ok(None);
        }
        if !status.success() {
            return self.failed(status);
        }
        let last = self.burst.handled();
        (self.attempt, self.pause) = (0, FIRST_PAUSE);
        let (Some(feed), Some(name), Some(last)) = (feed, plan.consumer, last) else { return Ok(None) };
        // With all of it handled, what was passed over is behind us too.
        let all = self.burst.is_empty() && !self.cut_short;
        let moved = patiently(control, Duration::MAX, || {
            if all { feed.handled_all(name) } else { feed.handled(name, &last) }
        })?;
        if let Err(stop) = moved {
            return Ok(Some(stop.exit()));
        }
        self.remembered = if all { feed.position() } else { last.seq };
        Ok(None)
    }

    /// The command failed; `Some` if the run ends with it.
    fn failed(&mut self, status: ExitStatus) -> anyhow::Result<Option<Exit>> {
        let (what, shown, code) = (self.what(), self.shown(), exit_code(status));
        if let Some(stop) = self.stop {
            print_note(&format!(
                "watch: {what}: {shown} ended with status {code} while the watch was ending"
            ));
            return Ok(Some(stop.exit()));
        }
        let failed = format!("{shown} failed with status {code}");
        if self.is_last() {
            return Err(Failure::new(Exit::Child(code), format!("{what}: {failed}; giving up")).into());
        }
        self.try_again(&failed);
        Ok(None)
    }

    fn is_last(&self) -> bool {
        self.options.retry.is_some_and(|most| self.attempt >= most)
    }

    fn try_again(&mut self, failed: &str) {
        self.attempt += 1;
        let (what, next, pause) = (self.what(), self.attempt + 1, self.pause);
        print_note(&format!("watch: {what}: {failed}; attempt {next} in {}ms", pause.as_millis()));
        self.again = Some(Instant::now() + pause);
        self.pause = (pause * 2).min(LONGEST_PAUSE);
    }

    /// The run is to end. A command under way is told, or has time to end by
    /// itself; what was collected still gets its command, unless that would be
    /// ended at once. True if nothing is left to wait for.
    fn wind_up(&mut self, stop: Stop, signals: usize) -> anyhow::Result<bool> {
        let now = Instant::now();
        let Some(running) = &mut self.command else {
            if self.restart || self.again.is_some() || self.burst.is_empty() {
                return Ok(true);
            }
            self.start(true)?;
            return Ok(false);
        };
        if !std::mem::replace(&mut running.told, true) {
            match stop {
                Stop::Timeout if !running.late => {
                    running.command.end_now(now, GRACE_AFTER_TIMEOUT);
                    running.cut = true;
                }
                _ if self.restart => running.command.end_now(now, GRACE_AFTER_TERM),
                _ => running.command.end_at(now + GRACE, GRACE_AFTER_TERM),
            }
        }
        if signals > usize::from(stop == Stop::Signal) {
            running.command.end_now(now, GRACE_AFTER_TERM);
        }
        Ok(false)
    }

    /// Sleeps until something may be due.
    fn sleep(&self, feed: Option<&Feed>, plan: &Plan<'_>, control: &Control) {
        let now = Instant::now();
        let command = self.command.as_ref().and_then(|running| running.command.time_left(now));
        // What ends a command that runs was seen already.
        let over = self.over_at(feed.is_some(), plan, now);
        let over = over.filter(|_| !self.command.as_ref().is_some_and(|running| running.superseded));
        let due = over.into_iter().chain(self.again).min();
        let due = due.map(|at| at.saturating_duration_since(now));
        let at_most = command.map(|left| left.min(SOON)).into_iter().chain(due).min();
        let wake = match feed.filter(|_| self.reads(plan)) {
            Some(feed) => {
                let left = feed.time_left();
                control.sleep(&feed.descriptors(), at_most.map_or(left, |at_most| at_most.min(left)))
            }
            None => control.wait(&[], at_most.unwrap_or(Duration::from_secs(1))),
        };
        if let Wake::Stop(_) = wake
            && self.stop.is_some()
        {
            sleep(LOOK_AGAIN);
        }
    }

    fn shown(&self) -> String {
        quote(&self.options.command[0].to_string_lossy())
    }

    fn what(&self) -> String {
        self.burst.describe(&self.options.scope)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::model::{ChangeKind, Scope};

    #[test]
    fn a_stream_that_never_falls_quiet_is_handed_over() {
        let options = ExecOptions {
            command: vec!["/bin/true".into()],
            retry: None,
            store: "s.db".into(),
            scope: Scope(None),
        };
        let second = Duration::from_secs(1);
        let mut bursts = Bursts::new(options, second, false).unwrap();
        let plan = Plan::default();
        let now = Instant::now();
        assert_eq!(bursts.over_at(true, &plan, now), None);
        let change = Change {
            seq: 1,
            at: Timestamp(0),
            kind: ChangeKind::Set,
            group: "g".into(),
            key: Some("k".into()),
            value: None,
            expires_at: None,
            bytes: 0,
            by: None,
        };
        bursts.collect(vec![change]);
        for (last, over) in [(0, 1), (8, 9), (9, 10), (11, 10)] {
            bursts.since = Some((now, now + second * last));
            assert_eq!(bursts.over_at(true, &plan, now), Some(now + second * over), "{last}");
        }
        // The longest durations are beyond any clock.
        bursts.debounce = Duration::MAX;
        assert_eq!(bursts.over_at(true, &plan, now), None);
        bursts.left = Some(0);
        assert_eq!(bursts.over_at(true, &plan, now), Some(now));
    }
}
