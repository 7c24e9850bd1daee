//! Jobs: entries as work that is shared.

use std::time::Duration;

use super::Entry;
use crate::clock::Timestamp;

/// How jobs are taken from a group.
#[derive(Clone, Debug)]
pub struct Terms {
    /// The group.
    pub group: String,
    /// How long a job is the taker's without being renewed.
    pub lease: Duration,
    /// A job that has failed so often, or was given up with its lease, is tried
    /// no more.
    pub retry: i64,
    /// The pause after the first failure; each later one is twice as long.
    pub backoff: Duration,
    /// The group that such a job is moved to.
    pub dead: String,
    /// Who takes, for those who look.
    pub holder: String,
}

/// A job leased to the holder of the receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// The entry as it was when it was taken.
    pub entry: Entry,
    /// How often it has been taken now, this time included.
    pub attempt: i64,
    /// What to show to keep or end the lease.
    pub receipt: String,
    /// When the lease ends.
    pub until: Timestamp,
}

/// What became of a job that was in hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is done.
    Done,
    /// It failed, for this reason.
    Failed(String),
    /// It is given back untried: it is free at once, and the attempt does not
    /// count.
    Returned,
}

/// What a lease came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The job is gone, for good.
    Done,
    /// The job is free again, from then on.
    Free(Timestamp),
    /// The job has failed too often and is in the group for that.
    Dead,
    /// The entry was overwritten meanwhile: that is a new job, and free.
    Anew,
    /// The receipt was no longer valid: the lease had expired, or was ended.
    NotHeld,
}

/// What there is to take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outlook {
    /// When the next job will be free that is leased or waits; `now` or
    /// earlier if there may be one now.
    pub next: Option<Timestamp>,
    /// Whether the group holds any job, leased or not.
    pub left: bool,
}

/// What one turn of a worker did.
#[derive(Clone, Debug)]
pub struct Turn {
    /// When it was.
    pub now: Timestamp,
    /// What became of the jobs in hand, in their order.
    pub ended: Vec<Ended>,
    /// The jobs that were taken.
    pub taken: Vec<Job>,
    /// The newest change of the store then.
    pub newest: i64,
    /// What is left; asked only where less was taken than was wanted.
    pub outlook: Option<Outlook>,
}

/// What is known of a job besides its entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobState {
    /// How often it was taken, or was until it was moved here.
    pub attempts: i64,
    /// Until when it is leased, if it is.
    pub leased_until: Option<Timestamp>,
    /// Who has it.
    pub holder: Option<String>,
    /// When it will be free, if it waits.
    pub free_at: Option<Timestamp>,
    /// How the last attempt ended that failed.
    pub failure: Option<String>,
    /// The group that it failed in, as stored.
    pub dead_from: Option<String>,
}

/// How many jobs of a group or a scope are in hand, wait, or have failed for good.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JobCounts {
    /// Leased.
    pub leased: i64,
    /// Delayed, or paused after a failure.
    pub waiting: i64,
    /// Failed too often, and moved to where they are.
    pub dead: i64,
}
