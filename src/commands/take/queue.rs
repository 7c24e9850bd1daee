//! The queue as a worker sees it: when to try, and what to wait for.

use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::os::fd::AsFd;

use crate::model::{Error, Job, Outcome, Outlook, Result, Terms, Turn};
use crate::process::{Moment, Signals};
use crate::store::{Hearing, Store};

/// How long a job may go unnoticed of which nothing is heard.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// A group of jobs, and what was seen of it last.
pub struct Queue {
    store: Store,
    /// The file that was opened.
    identity: (u64, u64),
    terms: Terms,
    /// Hears of what is written.
    ears: Hearing,
    /// What there was when there was no job to take, and the store's state of
    /// then; `None` if there may be one.
    idle: Option<(Outlook, i64)>,
    /// How far the log is known to bring no job.
    seen: i64,
    patience: Duration,
}

impl Queue {
    /// The group, if the caller may take from it.
    pub fn new(store: Store, terms: Terms, patience: Duration) -> Result<Self> {
        store.read(|tx| tx.permit_taking(&terms))?;
        let identity = store.identity()?;
        let ears = store.hearing();
        Ok(Self { store, identity, terms, ears, idle: None, seen: 0, patience })
    }

    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    /// Whether there may be a job to take. While nothing is written and nothing
    /// comes free that costs no transaction.
    pub fn is_ready(&mut self) -> Result<bool> {
        self.ears.hear();
        let Some((outlook, version)) = self.idle else { return Ok(true) };
        if self.store.identity().ok() != Some(self.identity) {
            return Err(Error::unusable(self.store.path(), "was deleted or replaced while jobs were taken"));
        }
        // Read before the outlook: what comes in between is looked at twice.
        let now = self.store.data_version()?;
        let outlook = if now == version {
            outlook
        } else {
            let mut seen = self.seen;
            let outlook = self.store.read(|tx| {
                seen = self.seen;
                tx.outlook(&self.terms.group, &mut seen)
            })?;
            self.seen = seen;
            self.idle = Some((outlook, now));
            outlook
        };
        Ok(outlook.next.is_some_and(|next| next <= self.store.now()))
    }

    /// Whether the group held any job when it was looked at last.
    pub fn has_jobs(&self) -> bool {
        self.idle.is_none_or(|(outlook, _)| outlook.left)
    }

    /// Reports what became of jobs in hand, and takes up to `wanted`. With a
    /// lease to keep, a locked store is not waited for long.
    pub fn turn(&mut self, through: &[(Job, Outcome)], wanted: usize, holds: bool) -> Result<Turn> {
        let patience = if holds { self.patience.min(self.terms.lease / 3) } else { self.patience };
        self.store.set_busy_timeout(patience);
        let version = self.store.data_version()?;
        let turn = self.store.turn(&self.terms, through, wanted)?;
        if let Some(outlook) = turn.outlook {
            self.idle = Some((outlook, version));
            self.seen = turn.newest;
        } else if wanted > 0 || !through.is_empty() {
            self.idle = None;
        }
        Ok(turn)
    }

    /// One job, if there is one.
    pub fn try_take(&mut self) -> Result<Option<Job>> {
        if !self.is_ready()? {
            return Ok(None);
        }
        Ok(self.turn(&[], 1, false)?.taken.pop())
    }

    /// Keeps a job for another lease; how long that is from now.
    pub fn renew(&self, job: &Job) -> Result<Moment> {
        self.store.set_busy_timeout(self.patience.min(self.terms.lease / 6));
        self.store.renew(&self.terms, job).map(|until| self.moment(until))
    }

    /// When a time comes, by the clock that goes on while the machine sleeps.
    pub fn moment(&self, at: crate::clock::Timestamp) -> Moment {
        let left = u64::try_from(at.since(self.store.now())).unwrap_or(0);
        Moment::now().after(Duration::from_millis(left))
    }

    /// Sleeps until a signal, or `at_most`; and where more jobs are wanted
    /// until there may be one.
    pub fn wait(&self, signals: &Signals, at_most: Option<Duration>, wants_more: bool) {
        let mut fds = vec![PollFd::new(signals.as_fd(), PollFlags::POLLIN)];
        let mut sleep = at_most.unwrap_or(LOOK_AGAIN).min(LOOK_AGAIN);
        let heard = self.ears.descriptors();
        if wants_more {
            fds.extend(heard.iter().map(|fd| PollFd::new(*fd, PollFlags::POLLIN)));
            if let Some((Outlook { next: Some(next), .. }, _)) = self.idle {
                let left = u64::try_from(next.since(self.store.now())).unwrap_or(0);
                sleep = sleep.min(Duration::from_millis(left));
            }
        }
        let millis = sleep.as_nanos().div_ceil(1_000_000);
        let _ = poll(&mut fds, PollTimeout::try_from(millis).unwrap_or(PollTimeout::MAX));
    }
}
