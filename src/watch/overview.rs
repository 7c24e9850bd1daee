//! What is going on in a scope: who holds how much, how often it changes, what
//! expires next, how far consumers are behind. For screens: nothing here
//! changes the store.

use std::collections::{BTreeMap, VecDeque};
use std::ops::ControlFlow;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::store::{
    Change, Consumer, Error, Holdings, JobCounts, Keys, Limits, Name, Namespace, Result, Snapshot,
    namespace_of,
};

/// What expires within this time expires soon.
pub const SOON: Duration = Duration::from_mins(1);

/// Seconds that a rate is taken over.
pub const RATE_SECONDS: i64 = 10;

/// The most changes read at once. Of a burst that is larger, the newest count.
const MOST_CHANGES: i64 = 100_000;

/// The newest changes that are kept whole.
const RECENT: usize = 32;

/// What each row of an overview is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// A group, named as in scope.
    Group,
    /// A namespace; groups without one are the row with the empty name.
    Namespace,
}

/// One group or namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its name.
    pub name: Name<'static>,
    /// Live keys.
    pub keys: i64,
    /// Bytes of live keys and values.
    pub bytes: i64,
    /// Groups with a live key; 1 for a group.
    pub groups: i64,
    /// Its quota; none for a group.
    pub limits: Limits,
    /// Live entries that expire within [`SOON`].
    pub soon: i64,
    /// Changes within the last [`RATE_SECONDS`].
    pub changes: i64,
    /// Jobs that somebody has tried.
    pub jobs: JobCounts,
}

/// A consumer and how many changes it has yet to handle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lag {
    /// The consumer.
    pub consumer: Consumer,
    /// Numbers between its position and the newest.
    pub behind: i64,
}

/// A look at a scope.
#[derive(Clone, Debug)]
pub struct Overview {
    /// When.
    pub at: Timestamp,
    /// The newest change.
    pub newest: i64,
    /// All of it.
    pub holdings: Holdings,
    /// What holds a key, has a quota or has changed of late, by name.
    pub rows: Vec<Row>,
    /// The consumers, by name.
    pub consumers: Vec<Lag>,
    /// The groups, named as in scope, that hold jobs which somebody has tried.
    pub queues: Vec<(Name<'static>, JobCounts)>,
}

/// The log as far as it has been followed: how many changes each second had,
/// and in which group.
#[derive(Debug)]
pub struct Pulse {
    /// How far back it remembers.
    memory: Duration,
    /// Position of the last change that is counted.
    position: Option<i64>,
    /// By second since 1970, oldest first: changes of each group as stored.
    seconds: VecDeque<(i64, BTreeMap<Name<'static>, i64>)>,
    recent: VecDeque<Change>,
}

/// What a look found in the log, to be counted once the look is through.
#[derive(Debug)]
pub struct News {
    position: i64,
    /// Whether something in between was not seen.
    gap: bool,
    changes: Vec<Change>,
}

impl Pulse {
    /// One that has seen nothing, and will remember as much as `memory`.
    #[must_use]
    pub fn new(memory: Duration) -> Self {
        Self { memory, position: None, seconds: VecDeque::new(), recent: VecDeque::new() }
    }

    /// The changes since the last look; at the first one, those of the time
    /// that is remembered.
    pub fn read(&self, tx: &Snapshot<'_>) -> Result<News> {
        let span = tx.log_span()?;
        let start = match self.position {
            // A log that was set back is as good as a new one.
            Some(position) if position <= span.newest => position,
            _ => tx.log_position_at(tx.now.before(self.memory))?,
        };
        let after = start.max(span.oldest - 1).max(span.newest.saturating_sub(MOST_CHANGES));
        let mut changes = Vec::new();
        match tx.changes(after, None, false, |change| {
            changes.push(change);
            Ok(ControlFlow::Continue(()))
        }) {
            Ok(()) | Err(Error::Trimmed { .. }) => {}
            Err(e) => return Err(e),
        }
        let gap = self.position.is_some_and(|position| position > span.newest);
        Ok(News { position: span.newest, gap, changes })
    }

    /// Counts what [`Pulse::read`] found, and forgets what is too old.
    pub fn count(&mut self, news: News, now: Timestamp) {
        if news.gap {
            self.seconds.clear();
            self.recent.clear();
        }
        self.position = Some(news.position);
        for change in news.changes {
            let second = change.at.0.div_euclid(1000);
            // Clocks of writers may differ by a little.
            let at = self.seconds.partition_point(|(other, _)| *other < second);
            if self.seconds.get(at).is_none_or(|(other, _)| *other != second) {
                self.seconds.insert(at, (second, BTreeMap::new()));
            }
            *self.seconds[at].1.entry(change.group.clone()).or_default() += 1;
            self.recent.push_back(change);
            if self.recent.len() > RECENT {
                self.recent.pop_front();
            }
        }
        let oldest = now.before(self.memory).0.div_euclid(1000);
        while self.seconds.front().is_some_and(|(second, _)| *second < oldest) {
            self.seconds.pop_front();
        }
    }

    /// Changes of each of the last `seconds` whole seconds before `now`,
    /// oldest first.
    #[must_use]
    pub fn by_second(&self, seconds: usize, now: Timestamp) -> Vec<i64> {
        let mut counts = vec![0; seconds];
        let end = now.0.div_euclid(1000);
        for (second, groups) in &self.seconds {
            let ago = usize::try_from(end - 1 - second).unwrap_or(usize::MAX);
            if let Some(at) = seconds.checked_sub(1).and_then(|last| last.checked_sub(ago)) {
                counts[at] = groups.values().sum();
            }
        }
        counts
    }

    /// Changes of each group within the last [`RATE_SECONDS`] before `now`.
    fn of_late(&self, now: Timestamp) -> BTreeMap<&Name<'static>, i64> {
        let first = now.0.div_euclid(1000) - RATE_SECONDS;
        let mut counts = BTreeMap::new();
        for (_, groups) in self.seconds.iter().filter(|(second, _)| *second >= first) {
            for (group, count) in groups {
                *counts.entry(group).or_default() += count;
            }
        }
        counts
    }

    /// The newest changes, newest first, without their values.
    pub fn recent(&self) -> impl Iterator<Item = &Change> {
        self.recent.iter().rev()
    }
}

/// Looks at the scope; changes are those that `pulse` has counted.
pub fn overview(tx: &Snapshot<'_>, by: By, pulse: &Pulse) -> Result<Overview> {
    let holdings = tx.holdings()?;
    let newest = tx.log_span()?.newest;
    let mut rows: BTreeMap<Name<'static>, Row> = BTreeMap::new();
    let empty = |name: &Name<'static>| Row {
        name: name.clone(),
        keys: 0,
        bytes: 0,
        groups: 0,
        limits: Limits::default(),
        soon: 0,
        changes: 0,
        jobs: JobCounts::default(),
    };
    let row_of = |stored: &Name<'static>| -> Name<'static> {
        match by {
            By::Group => tx.scope.name_of(stored).into_owned(),
            By::Namespace => namespace_of(stored).map_or_else(
                || Name::from(String::new()),
                |namespace: Namespace| Name::from(namespace.as_str().to_owned()),
            ),
        }
    };
    tx.groups(&Keys::default(), |group| {
        let name = row_of(&group.name);
        let row = rows.entry(name.clone()).or_insert_with(|| empty(&name));
        row.keys += group.keys;
        row.bytes += group.bytes;
        row.groups += 1;
        Ok(ControlFlow::Continue(()))
    })?;
    if by == By::Namespace {
        for usage in tx.namespaces()? {
            let name = Name::from(usage.namespace.as_str().to_owned());
            rows.entry(name.clone()).or_insert_with(|| empty(&name)).limits = usage.limits;
        }
    }
    for (stored, soon) in tx.expiring_by(tx.now.after(SOON))? {
        let name = row_of(&stored);
        rows.entry(name.clone()).or_insert_with(|| empty(&name)).soon += soon;
    }
    for (stored, changes) in pulse.of_late(tx.now) {
        let name = row_of(stored);
        rows.entry(name.clone()).or_insert_with(|| empty(&name)).changes += changes;
    }
    let mut queues = Vec::new();
    for (stored, jobs) in tx.jobs_by_group()? {
        let name = row_of(&stored);
        let sum = &mut rows.entry(name.clone()).or_insert_with(|| empty(&name)).jobs;
        sum.leased += jobs.leased;
        sum.waiting += jobs.waiting;
        sum.dead += jobs.dead;
        queues.push((tx.scope.name_of(&stored).into_owned(), jobs));
    }
    let consumers = tx.consumers()?.into_iter().map(|consumer| {
        let behind = (newest - consumer.position).max(0);
        Lag { consumer, behind }
    });
    Ok(Overview {
        at: tx.now,
        newest,
        holdings,
        rows: rows.into_values().collect(),
        consumers: consumers.collect(),
        queues,
    })
}
