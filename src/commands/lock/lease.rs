//! The lock's entry: who holds the lock, as JSON.
//!
//! With one holder the value is one record. Where several may hold it, it is an
//! array of records, each with its slot; the entry expires with the last of
//! them, and each record says for itself when it ends.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::LockArgs;
use crate::clock::Timestamp;
use crate::model::{Condition, Error, Expiry, Result};
use crate::process::Moment;
use crate::store::{Snapshot, Transaction};
use crate::users;

/// What a holder's record says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    pub holder: String,
    pub host: String,
    pub pid: u32,
    pub since: String,
    pub until: String,
    pub token: i64,
    /// Which of the holders this is, where there may be several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot: Option<u16>,
}

/// What the entry under the key is.
#[derive(Debug)]
pub enum Standing {
    /// Nothing, or a lock that nobody holds.
    Free,
    /// No lock; it goes after this time, or never.
    Other(Option<Duration>),
    /// Held by at least one.
    Held(Vec<Live>),
}

/// A lease that has not run out.
#[derive(Clone, Debug)]
pub struct Live {
    pub lease: Lease,
    /// When it ends; `None` if the entry's expiry was taken away.
    pub ends: Option<Timestamp>,
}

/// A lease that this process has.
#[derive(Debug)]
pub struct Own {
    pub lease: Lease,
    /// Of the entry.
    pub version: i64,
    /// When the lease ends unless it is renewed.
    pub until: Moment,
}

/// One record, or several.
#[derive(Deserialize)]
#[serde(untagged)]
enum Value {
    One(Lease),
    Several(Vec<Lease>),
}

impl Standing {
    /// As it is now.
    pub fn of(tx: &Snapshot<'_>, args: &LockArgs) -> Result<Self> {
        let entry = match tx.get(&args.group, &args.key) {
            Ok(entry) => entry,
            Err(Error::NotFound { .. }) => return Ok(Self::Free),
            Err(e) => return Err(e),
        };
        let live = match serde_json::from_slice(&entry.value.unwrap_or_default()) {
            Ok(Value::One(lease)) => vec![Live { lease, ends: entry.expires_at }],
            Ok(Value::Several(leases)) => {
                leases.into_iter().filter_map(|lease| Live::at(lease, tx.now)).collect()
            }
            Err(_) => return Ok(Self::Other(entry.expires_at.map(|at| left(at, tx.now)))),
        };
        Ok(if live.is_empty() { Self::Free } else { Self::Held(live) })
    }
}

impl Live {
    /// One of several; `None` if it has run out.
    fn at(lease: Lease, now: Timestamp) -> Option<Self> {
        let ends = Timestamp::parse_written(&lease.until)?;
        (ends > now).then_some(Self { lease, ends: Some(ends) })
    }
}

/// How long until `at`.
pub fn left(at: Timestamp, now: Timestamp) -> Duration {
    Duration::from_millis(u64::try_from(at.since(now)).unwrap_or(0))
}

/// When a lease ends that is written in this transaction: others judge by the
/// wall clock, and some of its time may have passed since the transaction began.
fn end(tx: &Transaction<'_>, ttl: Duration) -> Moment {
    let spent = Duration::from_millis(u64::try_from(Timestamp::now().since(tx.now)).unwrap_or(0));
    Moment::now().after(ttl).before(spent)
}

/// The lowest slot that nobody has.
fn free_slot(live: &[Live]) -> u16 {
    // With one record and no slot, it is the first.
    let taken = |slot| live.iter().any(|one| one.lease.slot.unwrap_or(1) == slot);
    (1..=u16::MAX).find(|slot| !taken(*slot)).unwrap_or(u16::MAX)
}

/// Those who hold the lock, to be written beside.
fn others(tx: &Snapshot<'_>, args: &LockArgs) -> Result<Vec<Live>> {
    match Standing::of(tx, args)? {
        Standing::Free => Ok(Vec::new()),
        Standing::Held(live) => Ok(live),
        Standing::Other(_) => Err(lost(args)),
    }
}

fn lost(args: &LockArgs) -> Error {
    Error::Condition(format!("{} is no longer held", args.lock()))
}

/// Takes the lock.
///
/// # Errors
/// [`Error::Condition`] if it is taken.
pub fn take(tx: &Transaction<'_>, args: &LockArgs) -> Result<Own> {
    let live = others(tx, args)?;
    if live.len() >= usize::from(args.holders) {
        return Err(lost(args));
    }
    let until = end(tx, args.ttl);
    let ends = tx.now.after(args.ttl);
    let lease = Lease {
        holder: own_name(),
        host: users::host(),
        pid: std::process::id(),
        since: tx.now.to_string(),
        until: ends.to_string(),
        // The log has grown by the time anybody else takes the lock.
        token: tx.log_span()?.newest + 1,
        slot: (args.holders > 1).then(|| free_slot(&live)),
    };
    let condition = if live.is_empty() { &Condition::Absent } else { &Condition::Any };
    let version = write(tx, args, &lease, ends, live, condition)?;
    Ok(Own { lease, version, until })
}

/// Renews a lease.
///
/// # Errors
/// [`Error::Condition`] if it was lost.
pub fn renew(tx: &Transaction<'_>, args: &LockArgs, own: &Own) -> Result<Own> {
    let live = beside(tx, args, own)?;
    let until = end(tx, args.ttl);
    let ends = tx.now.after(args.ttl);
    let lease = Lease { until: ends.to_string(), ..own.lease.clone() };
    let version = write(tx, args, &lease, ends, live, &condition(own))?;
    Ok(Own { lease, version, until })
}

/// Gives a lease back.
///
/// # Errors
/// [`Error::Condition`] if it is somebody else's by now, or nobody's.
pub fn release(tx: &Transaction<'_>, args: &LockArgs, own: &Own) -> Result<()> {
    let live = beside(tx, args, own)?;
    let Some(last) = live.iter().filter_map(|one| one.ends).max() else {
        tx.delete(&args.group, &args.key, &condition(own))?;
        return Ok(());
    };
    let leases: Vec<_> = live.into_iter().map(|one| one.lease).collect();
    let value = serde_json::to_vec(&leases).unwrap_or_default();
    tx.set(&args.group, &args.key, &value, Expiry::At(last), &Condition::Any)?;
    Ok(())
}

/// What must hold for the entry: where there is one holder, nobody has touched
/// it since.
fn condition(own: &Own) -> Condition {
    if own.lease.slot.is_none() { Condition::Version(own.version) } else { Condition::Any }
}

/// The other holders, if this one's lease is among them still.
fn beside(tx: &Transaction<'_>, args: &LockArgs, own: &Own) -> Result<Vec<Live>> {
    if own.lease.slot.is_none() {
        return Ok(Vec::new());
    }
    let (mine, others): (Vec<_>, _) =
        others(tx, args)?.into_iter().partition(|one| one.lease.token == own.lease.token);
    if mine.is_empty() { Err(lost(args)) } else { Ok(others) }
}

fn write(
    tx: &Transaction<'_>,
    args: &LockArgs,
    lease: &Lease,
    ends: Timestamp,
    live: Vec<Live>,
    condition: &Condition,
) -> Result<i64> {
    let last = live.iter().filter_map(|one| one.ends).fold(ends, Ord::max);
    let value = if lease.slot.is_none() {
        serde_json::to_vec(lease)
    } else {
        let others = live.into_iter().map(|one| Lease { slot: one.lease.slot.or(Some(1)), ..one.lease });
        let mut leases: Vec<_> = others.chain([lease.clone()]).collect();
        leases.sort_by_key(|lease| lease.slot);
        serde_json::to_vec(&leases)
    };
    Ok(tx.set(&args.group, &args.key, &value.unwrap_or_default(), Expiry::At(last), condition)?.version)
}

/// The user's name, else the number.
fn own_name() -> String {
    let uid = nix::unistd::getuid().as_raw();
    users::name_of_user(uid).unwrap_or_else(|| uid.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn live(slot: Option<u16>) -> Live {
        let lease = Lease {
            holder: "u".into(),
            host: "h".into(),
            pid: 1,
            since: "2026-01-01T00:00:00.000Z".into(),
            until: "2026-01-01T00:01:00.000Z".into(),
            token: 7,
            slot,
        };
        Live { lease, ends: None }
    }

    #[test]
    fn the_lowest_free_slot_is_taken() {
        assert_eq!(free_slot(&[]), 1);
        assert_eq!(free_slot(&[live(None)]), 2);
        assert_eq!(free_slot(&[live(Some(1)), live(Some(3))]), 2);
        assert_eq!(free_slot(&[live(Some(2))]), 1);
    }

    #[test]
    fn a_lease_says_itself_when_it_ends() {
        let lease = live(Some(1)).lease;
        let ends = Timestamp::parse_written(&lease.until).unwrap();
        assert!(Live::at(lease.clone(), ends).is_none());
        assert_eq!(Live::at(lease.clone(), Timestamp(ends.0 - 1)).unwrap().ends, Some(ends));
        assert!(Live::at(Lease { until: "soon".into(), ..lease }, ends).is_none());
    }
}
