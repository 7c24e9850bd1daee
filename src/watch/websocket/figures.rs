//! Figures of the scope for the page: made on request, for all who want them
//! at once, and never so often that they load the machine.

use std::sync::{Arc, Mutex, TryLockError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::protocol::{MAX_MESSAGE, STORE_STATS};
use crate::clock::Timestamp;
use crate::store;
use crate::watch::overview::{Overview, Pulse};

/// How often there are new ones.
pub const EVERY: Duration = Duration::from_secs(1);

/// A look may take this part of the time.
const SHARE: u32 = 10;

/// How far back changes are counted.
pub const MEMORY: Duration = Duration::from_mins(5);

/// The most namespaces and consumers that are listed.
const LISTED: usize = 100;

/// Looks at the scope.
pub trait Survey: Send {
    /// The figures, of what may be seen; `None` if there is no store.
    fn look(&mut self) -> store::Result<Option<Value>>;
}

/// The newest figures.
pub struct Figures(Mutex<Newest>);

struct Newest {
    survey: Box<dyn Survey>,
    /// When they were made, how long that took, and the message.
    made: Option<(Instant, Duration, Arc<str>)>,
}

impl Figures {
    /// Figures that have yet to be made.
    #[must_use]
    pub fn new(survey: Box<dyn Survey>) -> Self {
        Self(Mutex::new(Newest { survey, made: None }))
    }

    /// The message, made anew if it is old. `None` while another client is
    /// making it, or if there is nothing to look at.
    pub fn message(&self, now: fn() -> Timestamp) -> store::Result<Option<Arc<str>>> {
        let mut newest = match self.0.try_lock() {
            Ok(newest) => newest,
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Poisoned(newest)) => newest.into_inner(),
        };
        if let Some((made, took, message)) = &newest.made
            && made.elapsed() < EVERY.max(*took * SHARE).mul_f32(0.9)
        {
            return Ok(Some(Arc::clone(message)));
        }
        let began = Instant::now();
        let Some(data) = newest.survey.look()? else { return Ok(None) };
        let message =
            json!({ "type": "stats", "channel": STORE_STATS, "data": data, "timestamp": now().to_string() });
        let message: Arc<str> = message.to_string().into();
        newest.made = Some((Instant::now(), began.elapsed(), Arc::clone(&message)));
        Ok(Some(message))
    }
}

/// What the page gets of a look. Lists are cut so that it fits a message: the
/// largest namespaces and the slowest consumers are in them.
#[must_use]
pub fn data(found: &Overview, pulse: &Pulse) -> Value {
    let mut listed = LISTED;
    loop {
        let data = with_lists(found, pulse, listed);
        if listed == 0 || data.to_string().len() <= MAX_MESSAGE - 256 {
            return data;
        }
        listed /= 2;
    }
}

fn with_lists(found: &Overview, pulse: &Pulse, listed: usize) -> Value {
    let mut rows: Vec<_> = found.rows.iter().collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.bytes));
    let namespaces: Vec<Value> = rows
        .iter()
        .take(listed)
        .map(|row| {
            json!({
                "namespace": row.name.as_str().filter(|name| !name.is_empty()),
                "keys": row.keys, "bytes": row.bytes, "groups": row.groups,
                "max_keys": row.limits.keys, "max_bytes": row.limits.bytes, "max_groups": row.limits.groups,
                "changes": row.changes, "expiring": row.soon,
            })
        })
        .collect();
    let mut lags: Vec<_> = found.consumers.iter().collect();
    lags.sort_by_key(|lag| std::cmp::Reverse(lag.behind));
    let consumers: Vec<Value> = lags
        .iter()
        .take(listed)
        .map(|lag| {
            json!({
                "name": lag.consumer.name, "lag": lag.behind,
                "updated_at": lag.consumer.updated_at.to_string(),
            })
        })
        .collect();
    let mut queues: Vec<_> = found.queues.iter().collect();
    queues.sort_by_key(|(_, jobs)| std::cmp::Reverse((jobs.dead, jobs.leased)));
    let jobs: Vec<Value> = queues
        .iter()
        .take(listed)
        .map(|(group, jobs)| {
            json!({
                "group": String::from_utf8_lossy(group.as_bytes()),
                "leased": jobs.leased, "waiting": jobs.waiting, "dead": jobs.dead,
            })
        })
        .collect();
    let seconds = usize::try_from(MEMORY.as_secs()).unwrap_or_default();
    json!({
        "at": found.at.to_string(),
        "seq": found.newest,
        "keys": found.holdings.keys, "bytes": found.holdings.bytes, "groups": found.holdings.groups,
        "next_expiry": found.holdings.next_expiry.map(|at| at.to_string()),
        "namespaces_omitted": rows.len() - namespaces.len(),
        "consumers_omitted": lags.len() - consumers.len(),
        "jobs_omitted": queues.len() - jobs.len(),
        "namespaces": namespaces,
        "consumers": consumers,
        "jobs": jobs,
        "per_second": pulse.by_second(seconds, found.at),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Consumer, Holdings, JobCounts, Limits};
    use crate::watch::overview::{Lag, Row};

    /// Names have no length that could be relied on.
    #[test]
    fn a_message_is_never_too_large() {
        let row = |length: usize| Row {
            name: "n".repeat(length).into(),
            keys: i64::MAX,
            bytes: i64::MAX,
            groups: i64::MAX,
            limits: Limits { keys: Some(i64::MAX), bytes: Some(i64::MAX), groups: Some(i64::MAX) },
            soon: i64::MAX,
            changes: i64::MAX,
            jobs: JobCounts::default(),
        };
        let consumer = Consumer {
            name: "\u{1}".repeat(255),
            position: 0,
            updated_at: Timestamp(0),
            holder: String::new(),
        };
        for (length, count) in [(1, 1000), (1000, 1000), (MAX_MESSAGE, 3)] {
            let found = Overview {
                at: Timestamp(0),
                newest: i64::MAX,
                holdings: Holdings::default(),
                rows: vec![row(length); count],
                consumers: vec![Lag { consumer: consumer.clone(), behind: 1 }; 1000],
                queues: vec![("q".repeat(length).into(), JobCounts::default()); count],
            };
            let data = data(&found, &Pulse::new(MEMORY));
            assert!(data.to_string().len() <= MAX_MESSAGE - 256);
            let listed = data["namespaces"].as_array().unwrap().len();
            assert_eq!(data["namespaces_omitted"], count - listed);
            assert_eq!(data["per_second"].as_array().unwrap().len(), 300);
        }
    }
}
