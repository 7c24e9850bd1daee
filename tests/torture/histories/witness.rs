//! The change log as a witness: it gives the order of all writes, and every
//! result must be right in it. That looks across keys too, at any length.

use std::collections::{BTreeMap, BTreeSet};

use super::model::{Act, Call, Key, Only, Outcome};

/// A change as a watch reports it: its value, or none for a delete.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Change {
    pub seq: i64,
    pub key: Key,
    pub value: Option<i64>,
}

/// What every key held, and since which change.
#[derive(Default)]
struct Past(BTreeMap<Key, Vec<(i64, Option<i64>)>>);

impl Past {
    /// Value and version of a key when the last change was `seq`.
    fn at(&self, seq: i64, key: Key) -> Option<(i64, i64)> {
        let changes = self.0.get(&key)?;
        let (version, value) = changes[..changes.partition_point(|(of, _)| *of <= seq)].last()?;
        value.map(|value| (value, *version))
    }

    fn now(&self, key: Key) -> Option<(i64, i64)> {
        self.at(i64::MAX, key)
    }
}

/// Which call made a change, if one can have: the one that was told this
/// version, else one that was not told any.
fn maker(calls: &[Call], change: &Change, old: i64, told: Option<&usize>) -> Option<usize> {
    let makes = |call: &Call| match (&call.act, change.value) {
        (Act::Set(key, value, _), Some(now)) => *key == change.key && *value == now,
        (Act::Incr(key, by), Some(now)) => *key == change.key && old + by == now,
        (Act::Transfer(from, to, by), Some(now)) => {
            (*from == change.key && old - by == now) || (*to == change.key && old + by == now)
        }
        (Act::Delete(key), None) => *key == change.key,
        _ => false,
    };
    if let Some(at) = told {
        return makes(&calls[*at]).then_some(*at);
    }
    let untold = |call: &Call| matches!(call.outcome, Outcome::Unknown | Outcome::Done);
    calls.iter().position(|call| untold(call) && makes(call))
}

/// Whether a call that changed nothing is right when the last change was `seq`.
fn is_right(call: &Call, past: &Past, seq: i64) -> bool {
    match (&call.act, &call.outcome) {
        (Act::Get(key), Outcome::Found(found)) => past.at(seq, *key) == *found,
        (Act::Set(key, _, Only::IfAbsent), Outcome::Refused) => past.at(seq, *key).is_some(),
        (Act::Set(key, _, Only::IfVersion(version)), Outcome::Refused) => {
            past.at(seq, *key).is_none_or(|(_, now)| now != *version)
        }
        (Act::Delete(key), Outcome::Deleted(false)) => past.at(seq, *key).is_none(),
        (Act::Count, Outcome::Number(number)) => {
            super::BANK.filter(|key| past.at(seq, *key).is_some()).count() == *number
        }
        (Act::List, Outcome::Entries(found)) => {
            let mut bank = super::BANK;
            bank.all(|key| past.at(seq, key) == found.get(&key).copied())
        }
        _ => false,
    }
}

/// Compares all results with the log.
///
/// # Errors
/// What does not fit.
pub fn compare(calls: &[Call], log: &[Change]) -> Result<(), String> {
    let mut told = BTreeMap::new();
    for (at, call) in calls.iter().enumerate() {
        if let Outcome::Written(_, version) = call.outcome
            && let Some(other) = told.insert(version, at)
        {
            return Err(format!("one version twice: {call:?} and {:?}", calls[other]));
        }
    }
    let (mut past, mut last, mut deletes) = (Past::default(), 0, BTreeMap::<Key, Vec<i64>>::new());
    // Writes by the change that shows them; the last one of a transfer.
    let mut made: BTreeMap<usize, Vec<i64>> = BTreeMap::new();
    for (at, change) in log.iter().enumerate() {
        if change.seq <= last {
            return Err(format!("{change:?} comes after {last}"));
        }
        last = change.seq;
        let old = past.now(change.key);
        if change.value.is_none() {
            if old.is_none() {
                return Err(format!("{change:?}, and nothing was there"));
            }
            deletes.entry(change.key).or_default().push(change.seq);
        } else {
            let by = maker(calls, change, old.map_or(0, |(value, _)| value), told.get(&change.seq));
            let Some(by) = by else { return Err(format!("nobody made {change:?}; before: {old:?}")) };
            let shown = made.entry(by).or_default();
            let second = matches!(calls[by].act, Act::Transfer(..)) && shown.len() == 1;
            if second && log[at - 1].seq != shown[0] {
                return Err(format!("{:?} is torn apart by {:?}", calls[by], log[at - 1]));
            }
            if !shown.is_empty() && !second {
                return Err(format!("{:?} was done twice, by {change:?} too", calls[by]));
            }
            shown.push(change.seq);
            let held = match calls[by].act {
                Act::Set(_, _, Only::IfAbsent) => old.is_none(),
                Act::Set(_, _, Only::IfVersion(version)) => old.is_some_and(|(_, now)| now == version),
                _ => true,
            };
            if !held {
                return Err(format!("{:?} was done, and found {old:?}", calls[by]));
            }
        }
        past.0.entry(change.key).or_default().push((change.seq, change.value));
    }
    for (at, call) in calls.iter().enumerate() {
        let changes = made.get(&at).map_or(0, Vec::len);
        let right = match (&call.act, &call.outcome) {
            (Act::Transfer(..), Outcome::Done) => changes == 2,
            (Act::Transfer(..), _) => changes != 1,
            (_, Outcome::Written(..)) => changes == 1,
            _ => true,
        };
        if !right {
            return Err(format!("{changes} changes of {call:?}"));
        }
    }
    in_real_time(calls, &made)?;
    let order = Order::new(calls, &made);
    // Between the two changes of a transfer nobody can look.
    let halves: BTreeSet<i64> = made.values().filter(|seqs| seqs.len() == 2).map(|seqs| seqs[0]).collect();
    for call in calls {
        let (from, to) = order.between(call);
        let reads = !matches!(call.outcome, Outcome::Written(..) | Outcome::Done | Outcome::Unknown);
        if !reads || call.outcome == Outcome::Deleted(true) {
            continue;
        }
        let mut points = log
            .iter()
            .map(|change| change.seq)
            .filter(|seq| (from..=to).contains(seq) && !halves.contains(seq));
        if !is_right(call, &past, from) && !points.any(|seq| is_right(call, &past, seq)) {
            return Err(format!("{call:?} is wrong at every change from {from} to {to}"));
        }
    }
    deleted(calls, &order, &deletes)
}

/// A write that ended before another one began has the lower number.
fn in_real_time(calls: &[Call], made: &BTreeMap<usize, Vec<i64>>) -> Result<(), String> {
    let mut writes: Vec<(i64, &Call)> = made.iter().map(|(at, seqs)| (seqs[0], &calls[*at])).collect();
    writes.sort_by_key(|(seq, _)| *seq);
    let mut latest: Option<&Call> = None;
    for (_, call) in writes {
        if let Some(latest) = latest.filter(|latest| call.end < latest.begin) {
            return Err(format!("{call:?} ended before {latest:?} began, and has a higher number"));
        }
        latest = latest.filter(|latest| latest.begin >= call.begin).or(Some(call));
    }
    Ok(())
}

/// When writes with a known place in the log began and ended.
struct Order {
    /// End and last change, by end; the changes run up.
    ended: Vec<(u64, i64)>,
    /// Begin and first change, by begin; the changes are those still to come.
    begun: Vec<(u64, i64)>,
}

impl Order {
    fn new(calls: &[Call], made: &BTreeMap<usize, Vec<i64>>) -> Self {
        let mut ended: Vec<_> =
            made.iter().map(|(at, seqs)| (calls[*at].end, seqs[seqs.len() - 1])).collect();
        ended.sort_unstable();
        let mut highest = 0;
        for (_, seq) in &mut ended {
            highest = highest.max(*seq);
            *seq = highest;
        }
        let mut begun: Vec<_> = made.iter().map(|(at, seqs)| (calls[*at].begin, seqs[0])).collect();
        begun.sort_unstable();
        let mut lowest = i64::MAX;
        for (_, seq) in begun.iter_mut().rev() {
            lowest = lowest.min(*seq);
            *seq = lowest;
        }
        Self { ended, begun }
    }

    /// The first and the last change that may be the newest one for a call.
    fn between(&self, call: &Call) -> (i64, i64) {
        let before = self.ended.partition_point(|(end, _)| *end < call.begin);
        let after = self.begun.partition_point(|(begin, _)| *begin <= call.end);
        let from = before.checked_sub(1).map_or(0, |at| self.ended[at].1);
        (from, self.begun.get(after).map_or(i64::MAX, |(_, seq)| *seq - 1))
    }
}

/// Deletes are not told a number. Each that found something has a change of its
/// own, made while it was under way; and each change has a delete of its own,
/// which may have been killed. (Where there is a pairing for the one and a
/// pairing for the other, there is one for both.)
fn deleted(calls: &[Call], order: &Order, changes: &BTreeMap<Key, Vec<i64>>) -> Result<(), String> {
    let keys: BTreeSet<Key> = calls.iter().flat_map(Call::keys).collect();
    for key in keys {
        let of = |outcome: Outcome| {
            let same =
                calls.iter().filter(move |call| call.act == Act::Delete(key) && call.outcome == outcome);
            same.map(|call| order.between(call)).map(|(from, to)| (to, from))
        };
        let changes = changes.get(&key).map_or(&[][..], |changes| &changes[..]);
        // Whoever has the least time is served first.
        let mut sure: Vec<(i64, i64)> = of(Outcome::Deleted(true)).collect();
        sure.sort_unstable();
        let mut free = changes.to_vec();
        for (to, from) in &sure {
            match free.iter().position(|seq| from < seq && seq <= to) {
                Some(at) => drop(free.remove(at)),
                None => {
                    return Err(format!("no change shows a delete of key {key} after {from}, up to {to}"));
                }
            }
        }
        let mut makers: Vec<(i64, i64)> = sure.into_iter().chain(of(Outcome::Unknown)).collect();
        makers.sort_unstable();
        for seq in changes {
            match makers.iter().position(|(to, from)| from < seq && seq <= to) {
                Some(at) => drop(makers.remove(at)),
                None => return Err(format!("nobody made change {seq}, a delete of key {key}")),
            }
        }
    }
    Ok(())
}
