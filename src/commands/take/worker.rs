//! A worker: takes jobs, runs the command for each, and keeps the leases.

use std::process::ExitStatus;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::Signal;
use std::os::unix::process::ExitStatusExt;

use super::queue::Queue;
use crate::clock::Timestamp;
use crate::exit::{Exit, Failure};
use crate::model::{Change, ChangeKind, Ended, Error, Job, Outcome};
use crate::output::print_note;
use crate::process::{Child, Moment, Signals, Supervised};
use crate::text::quote;
use crate::units;
use crate::watch::Handler;

/// How long a command may go on after the worker was asked to end, before it
/// gets SIGTERM; and after that, or after its lease was lost, before SIGKILL.
const GRACE: Duration = Duration::from_secs(10);
const GRACE_AFTER_TERM: Duration = Duration::from_secs(5);

/// The same for a worker that is out of time.
const GRACE_AFTER_TIMEOUT: Duration = Duration::from_secs(1);

/// How long a worker waits that found no process to run a command in, or the
/// store locked.
const BREATH: Duration = Duration::from_millis(500);

/// What a worker is to do.
pub struct Plan {
    /// Commands at a time.
    pub jobs: usize,
    /// Ends after so many.
    pub count: Option<u64>,
    /// Ends when no job is left.
    pub drain: bool,
    /// Ends then.
    pub deadline: Option<Instant>,
    /// Says nothing of jobs that fail.
    pub quiet: bool,
}

impl Plan {
    pub fn is_out_of_time(&self) -> bool {
        self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }

    pub fn time_left(&self) -> Option<Duration> {
        self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }
}

/// The end of a run whose `--timeout` is up.
pub fn out_of_time() -> anyhow::Error {
    Failure::new(Exit::Busy, "timed out after --timeout").into()
}

/// Why a worker takes no more jobs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stop {
    Signal,
    Timeout,
}

/// A job in hand, and its command.
struct Running {
    job: Job,
    command: Supervised,
    /// When the lease ends.
    ends: Moment,
    renew_at: Moment,
    /// Whether the lease was lost, so that nothing is to be reported.
    lost: bool,
}

pub struct Worker {
    queue: Queue,
    handler: Handler,
    signals: Signals,
    plan: Plan,
    running: Vec<Running>,
    /// What became of jobs, to be reported.
    through: Vec<(Job, Outcome)>,
    taken: u64,
    stop: Option<Stop>,
    /// When commands are asked to end of a worker that is.
    tell_at: Option<Instant>,
    /// Before that nothing is taken.
    rest_until: Option<Instant>,
}

impl Worker {
    pub fn new(queue: Queue, handler: Handler, signals: Signals, plan: Plan) -> Self {
        Self {
            queue,
            handler,
            signals,
            plan,
            running: Vec::new(),
            through: Vec::new(),
            taken: 0,
            stop: None,
            tell_at: None,
            rest_until: None,
        }
    }

    /// Works until asked to end.
    pub fn run(mut self) -> anyhow::Result<Exit> {
        let ended = self.work();
        if ended.is_err() {
            // Nothing keeps their leases any more.
            for running in &mut self.running {
                running.command.end_now(Instant::now(), GRACE_AFTER_TIMEOUT);
            }
            for mut running in self.running.drain(..) {
                while running.command.step(Instant::now()).is_ok_and(|status| status.is_none()) {
                    std::thread::sleep(Duration::from_millis(5));
                }
            }
        }
        ended
    }

    fn work(&mut self) -> anyhow::Result<Exit> {
        loop {
            self.hear();
            self.attend()?;
            let wanted = self.wanted();
            if !self.through.is_empty() || (wanted > 0 && self.queue.is_ready()?) {
                self.turn(wanted)?;
            }
            if self.running.is_empty() && self.through.is_empty() {
                let counted = self.plan.count.is_some_and(|count| self.taken >= count);
                let drained = self.plan.drain && self.rest_until.is_none() && !self.queue.has_jobs();
                match self.stop {
                    Some(Stop::Timeout) => return Err(out_of_time()),
                    Some(Stop::Signal) => return Ok(Exit::Success),
                    None if counted || drained => return Ok(Exit::Success),
                    None => {}
                }
            }
            self.sleep();
        }
    }

    /// Takes note of signals and of the time.
    fn hear(&mut self) {
        let signals = self.signals.take().len();
        if signals > 0 {
            // The second one does not wait.
            let again = self.stop == Some(Stop::Signal) || signals > 1;
            self.stop = self.stop.or(Some(Stop::Signal));
            let at = Instant::now() + if again { Duration::ZERO } else { GRACE };
            self.tell_at = Some(self.tell_at.map_or(at, |before| before.min(at)));
        }
        if self.plan.is_out_of_time() && self.stop.is_none() {
            self.stop = Some(Stop::Timeout);
            self.tell_at = Some(Instant::now());
        }
        if self.rest_until.is_some_and(|until| Instant::now() >= until) {
            self.rest_until = None;
        }
    }

    /// How many jobs could be taken on.
    fn wanted(&self) -> usize {
        if self.stop.is_some() || self.rest_until.is_some() {
            return 0;
        }
        let free = self.plan.jobs - self.running.len();
        let left = self.plan.count.map_or(u64::MAX, |count| count.saturating_sub(self.taken));
        free.min(usize::try_from(left).unwrap_or(usize::MAX))
    }

    /// Looks after the commands: leases first, so that one which is over is
    /// noticed before a command's success is.
    fn attend(&mut self) -> anyhow::Result<()> {
        let lease = self.queue.terms().lease;
        let must_end = self.tell_at.is_some_and(|at| Instant::now() >= at);
        let mut still = Vec::with_capacity(self.running.len());
        for mut running in std::mem::take(&mut self.running) {
            if !running.lost && running.ends.left().is_zero() {
                self.note(&running.job, "its lease has expired; ending the command");
                running.lost = true;
                // What it has started must not work on beside the next worker.
                running.command.end_now(Instant::now(), GRACE_AFTER_TERM);
            }
            if must_end {
                let timeout = self.stop == Some(Stop::Timeout);
                let grace = if timeout { GRACE_AFTER_TIMEOUT } else { GRACE_AFTER_TERM };
                running.command.end_now(Instant::now(), grace);
            }
            let status =
                running.command.step_aside(Instant::now()).map_err(|e| Failure::io("the command", e))?;
            if let Some(status) = status {
                self.end(running, status);
                continue;
            }
            if !running.lost && running.renew_at.left().is_zero() {
                match self.queue.renew(&running.job) {
                    Ok(ends) => {
                        running.ends = ends;
                        running.renew_at = ends.before(lease * 2 / 3);
                    }
                    Err(Error::Condition(_)) => running.ends = Moment::now(),
                    // There is some of the lease left to try again in.
                    Err(Error::Busy(_)) => running.renew_at = Moment::now().after(lease / 10),
                    Err(e) => {
                        still.push(running);
                        self.running.append(&mut still);
                        return Err(e.into());
                    }
                }
            }
            still.push(running);
        }
        self.running = still;
        Ok(())
    }

    /// A command has ended.
    fn end(&mut self, running: Running, status: ExitStatus) {
        let Running { job, command, lost, .. } = running;
        if lost {
            return;
        }
        let outcome = match (status.success(), command.is_told()) {
            (true, _) => Outcome::Done,
            // It was asked to end: that says nothing about the job.
            (_, true) => Outcome::Returned,
            _ => Outcome::Failed(reason(status)),
        };
        self.through.push((job, outcome));
    }

    /// Reports what is through, takes what is wanted, and starts it.
    fn turn(&mut self, wanted: usize) -> anyhow::Result<()> {
        let holds = !self.running.is_empty() || !self.through.is_empty();
        let turn = match self.queue.turn(&self.through, wanted, holds) {
            Ok(turn) => turn,
            // With jobs in hand a locked store is no reason to let them go.
            Err(Error::Busy(_)) if holds && self.stop != Some(Stop::Timeout) => return Ok(()),
            Err(e) => return Err(e.into()),
        };
        for ((job, outcome), ended) in std::mem::take(&mut self.through).into_iter().zip(turn.ended) {
            self.tell(&job, &outcome, ended, turn.now);
        }
        for job in turn.taken {
            self.taken += 1;
            self.start(job);
        }
        Ok(())
    }

    fn start(&mut self, job: Job) {
        let ends = self.queue.moment(job.until);
        let change = Change {
            seq: job.entry.version,
            at: job.entry.updated_at,
            kind: ChangeKind::Set,
            group: job.entry.group.clone(),
            key: Some(job.entry.key.clone()),
            value: job.entry.value.clone(),
            expires_at: job.entry.expires_at,
            bytes: job.entry.bytes,
            by: None,
        };
        let started = self.handler.start(&change, |command| {
            command.env("LARDER_ATTEMPT", job.attempt.to_string()).env("LARDER_RECEIPT", &job.receipt);
            Child::start_before(command, ends);
            Child::end_with_parent(command);
        });
        match started {
            Ok(child) => {
                let renew_at = ends.before(self.queue.terms().lease * 2 / 3);
                self.running.push(Running {
                    job,
                    command: Supervised::new(child),
                    ends,
                    renew_at,
                    lost: false,
                });
            }
            Err(e) if Child::is_too_late(&e) => self.through.push((job, Outcome::Returned)),
            Err(e)
                if matches!(e.raw_os_error().map(Errno::from_raw), Some(Errno::EAGAIN | Errno::ENOMEM)) =>
            {
                self.note(&job, &format!("the command cannot be run now: {e}"));
                self.rest_until = Some(Instant::now() + BREATH);
                self.taken -= 1;
                self.through.push((job, Outcome::Returned));
            }
            Err(e) => self.through.push((job, Outcome::Failed(format!("cannot be run: {e}")))),
        }
    }

    /// Says what became of a job that is not simply done.
    fn tell(&self, job: &Job, outcome: &Outcome, ended: Ended, now: Timestamp) {
        let attempt = job.attempt;
        let reason = match outcome {
            Outcome::Failed(reason) => format!("the command {reason} (attempt {attempt})"),
            Outcome::Returned => "the command was ended".into(),
            Outcome::Done => "the command has succeeded".into(),
        };
        let what = match ended {
            Ended::Done => return,
            Ended::Free(at) => {
                format!("{reason}; it is free again in {}", units::human_span(at.since(now)))
            }
            Ended::Dead => format!("{reason}; moved to {}", quote(&self.queue.terms().dead)),
            Ended::Anew if *outcome == Outcome::Done => return,
            Ended::Anew => format!("{reason}; it was overwritten, and is a new job"),
            Ended::NotHeld => format!("{reason}, but its lease had expired: it may be done again"),
        };
        self.note(job, &what);
    }

    fn note(&self, job: &Job, what: &str) {
        if !self.plan.quiet {
            let group = quote(&self.queue.terms().group);
            print_note(&format!("take: job {} of {group}: {what}", job.entry.key.quoted()));
        }
    }

    /// Sleeps until there is something to do.
    fn sleep(&mut self) {
        let now = Instant::now();
        let mut most = self.plan.time_left().filter(|_| self.stop.is_none());
        let mut sooner = |left: Duration| most = Some(most.map_or(left, |most| most.min(left)));
        for running in &self.running {
            if let Some(left) = running.command.time_left(now) {
                sooner(left);
                continue;
            }
            sooner(running.renew_at.left().min(running.ends.left()));
            if let Some(at) = self.tell_at {
                sooner(at.saturating_duration_since(now));
            }
        }
        if let Some(until) = self.rest_until {
            sooner(until.saturating_duration_since(now));
        }
        if !self.through.is_empty() {
            // The store was locked, or a command could not be started.
            sooner(Duration::from_millis(20));
        }
        let wants = self.wanted() > 0;
        self.queue.wait(&self.signals, most, wants);
    }
}

/// How a command ended that failed.
fn reason(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exited with status {code}"),
        (_, Some(number)) => {
            let name =
                Signal::try_from(number).map_or_else(|_| number.to_string(), |signal| signal.to_string());
            format!("was ended by {name}")
        }
        _ => "ended".into(),
    }
}
