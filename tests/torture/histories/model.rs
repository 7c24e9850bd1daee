//! What a store is to the calls of a history, and the search for an order of
//! the calls that explains their results.
//!
//! The search is Wing and Gong's, with Lowe's memory of what was tried: some
//! order must exist in which every call has the result it reported, and in
//! which a call that ended before another one began comes first.

use std::collections::{BTreeMap, HashSet};

/// A key, by its number.
pub type Key = usize;

/// What a call asks for. Every value, and every number added, occurs once in a
/// history, so that a change can be told from every other.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Act {
    Get(Key),
    Set(Key, i64, Only),
    Delete(Key),
    Incr(Key, i64),
    /// From, to, how much: two changes, one transaction.
    Transfer(Key, Key, i64),
    /// Of the keys of the bank.
    Count,
    /// Of the keys of the bank, with values and versions.
    List,
}

/// The condition of a set.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Only {
    Always,
    IfAbsent,
    IfVersion(i64),
}

/// What a call reported.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// It was killed: done, or not.
    Unknown,
    /// Value and version, of a get.
    Found(Option<(i64, i64)>),
    /// Value and version, of a set or an incr.
    Written(i64, i64),
    /// The condition did not hold.
    Refused,
    /// Whether there was something, of a delete.
    Deleted(bool),
    /// Of a transfer.
    Done,
    Number(usize),
    Entries(BTreeMap<Key, (i64, i64)>),
}

/// One call, from before it began to after it was answered (or was dead).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Call {
    pub act: Act,
    pub outcome: Outcome,
    pub begin: u64,
    pub end: u64,
}

impl Call {
    pub fn keys(&self) -> Vec<Key> {
        match self.act {
            Act::Get(key) | Act::Set(key, ..) | Act::Delete(key) | Act::Incr(key, _) => vec![key],
            Act::Transfer(from, to, _) => vec![from, to],
            Act::Count | Act::List => super::BANK.collect(),
        }
    }
}

/// A value, and its version unless a killed call or a transfer wrote it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Entry {
    value: i64,
    version: Option<i64>,
}

/// The entries, and the highest version that was seen.
#[derive(Clone, PartialEq, Eq, Hash, Default, Debug)]
pub struct State {
    entries: BTreeMap<Key, Entry>,
    newest: i64,
}

impl State {
    fn with(&self, key: Key, value: i64, version: Option<i64>) -> Self {
        let mut next = self.clone();
        next.entries.insert(key, Entry { value, version });
        next.newest = next.newest.max(version.unwrap_or(0));
        next
    }

    fn without(&self, key: Key) -> Self {
        let mut next = self.clone();
        next.entries.remove(&key);
        next
    }

    fn value(&self, key: Key) -> i64 {
        self.entries.get(&key).map_or(0, |entry| entry.value)
    }

    /// What is known once `key` was read: none if it cannot be.
    fn read(&self, key: Key, found: Option<(i64, i64)>) -> Option<Self> {
        match (self.entries.get(&key), found) {
            (None, None) => Some(self.clone()),
            (Some(entry), Some((value, version))) if entry.value == value => match entry.version {
                Some(known) => (known == version).then(|| self.clone()),
                None => Some(self.with(key, value, Some(version))),
            },
            _ => None,
        }
    }

    /// Whether the condition may hold, and whether it may not.
    fn may(&self, key: Key, only: Only) -> (bool, bool) {
        let holds = match (only, self.entries.get(&key)) {
            (Only::Always, _) => true,
            (Only::IfAbsent, entry) => entry.is_none(),
            (Only::IfVersion(_), None) => false,
            (Only::IfVersion(version), Some(entry)) => match entry.version {
                Some(known) => known == version,
                None => return (true, true),
            },
        };
        (holds, !holds)
    }

    /// Every state that the call may lead to, if it takes effect now.
    fn after(&self, call: &Call) -> Vec<Self> {
        let unknown = call.outcome == Outcome::Unknown;
        let mut next: Vec<Self> = if unknown { vec![self.clone()] } else { Vec::new() };
        match (&call.act, &call.outcome) {
            (Act::Get(key), Outcome::Found(found)) => next.extend(self.read(*key, *found)),
            (Act::Set(key, value, only), outcome) => {
                let (may, may_not) = self.may(*key, *only);
                match outcome {
                    Outcome::Unknown if may => next.push(self.with(*key, *value, None)),
                    Outcome::Written(_, version) if may && *version > self.newest => {
                        next.push(self.with(*key, *value, Some(*version)));
                    }
                    Outcome::Refused if may_not => next.push(self.clone()),
                    _ => {}
                }
            }
            (Act::Delete(key), Outcome::Unknown) => next.push(self.without(*key)),
            (Act::Delete(key), Outcome::Deleted(was)) if *was == self.entries.contains_key(key) => {
                next.push(self.without(*key));
            }
            (Act::Incr(key, by), Outcome::Unknown) => next.push(self.with(*key, self.value(*key) + by, None)),
            (Act::Incr(key, by), Outcome::Written(value, version))
                if self.value(*key) + by == *value && *version > self.newest =>
            {
                next.push(self.with(*key, *value, Some(*version)));
            }
            (Act::Transfer(from, to, by), Outcome::Done | Outcome::Unknown) => {
                let half = self.with(*from, self.value(*from) - by, None);
                next.push(half.with(*to, half.value(*to) + by, None));
            }
            (Act::Count, Outcome::Number(number)) if *number == self.entries.len() => {
                next.push(self.clone());
            }
            (Act::List, Outcome::Entries(found)) if found.len() == self.entries.len() => {
                let read = |state: Self, (key, entry): (&Key, &(i64, i64))| state.read(*key, Some(*entry));
                next.extend(found.iter().try_fold(self.clone(), read));
            }
            _ => {}
        }
        next
    }
}

/// How far a search has come: calls before `first` are all in the order, and
/// so are those `ahead` of it.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Node {
    first: usize,
    ahead: Vec<usize>,
    state: State,
}

/// Finds an order of the calls that explains all results.
///
/// # Errors
/// There is none; the message shows where the search came no further.
pub fn linearizable(calls: &[Call]) -> Result<(), String> {
    let mut calls = calls.to_vec();
    calls.sort_by_key(|call| call.begin);
    let mut open = vec![Node { first: 0, ahead: Vec::new(), state: State::default() }];
    let mut seen = HashSet::new();
    let mut furthest = open[0].clone();
    while let Some(node) = open.pop() {
        if node.first == calls.len() {
            return Ok(());
        }
        if node.first + node.ahead.len() > furthest.first + furthest.ahead.len() {
            furthest = node.clone();
        }
        let mut earliest_end = u64::MAX;
        for (at, call) in calls.iter().enumerate().skip(node.first) {
            if call.begin > earliest_end {
                break;
            }
            if node.ahead.contains(&at) {
                continue;
            }
            earliest_end = earliest_end.min(call.end);
            for state in node.state.after(call) {
                let mut next = Node { first: node.first, ahead: node.ahead.clone(), state };
                next.ahead.push(at);
                next.ahead.sort_unstable();
                while next.ahead.first() == Some(&next.first) {
                    next.ahead.remove(0);
                    next.first += 1;
                }
                if seen.insert(next.clone()) {
                    open.push(next);
                }
            }
        }
    }
    let near = furthest.first.saturating_sub(6)..calls.len().min(furthest.first + 12);
    let shown: Vec<String> = near
        .map(|at| {
            let placed = at < furthest.first || furthest.ahead.contains(&at);
            format!("{} {:?}", if placed { "placed" } else { "      " }, calls[at])
        })
        .collect();
    Err(format!("no order explains {} calls; at {:?}:\n{}", calls.len(), furthest.state, shown.join("\n")))
}
