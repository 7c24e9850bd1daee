//! What the store should do, done to a plain map.

use std::collections::{BTreeMap, BTreeSet};

use larder::store::{ChangeKind, Condition, Expiry, Limits, namespace_of};

use crate::operations::Op;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub value: Vec<u8>,
    pub expires_at: Option<i64>,
    pub version: i64,
    pub updated_at: i64,
}

/// A change as the test compares it: kind, stored group, key, value, expiry.
pub type Logged = (ChangeKind, String, Option<String>, Option<Vec<u8>>, Option<i64>);

/// What the store should hold: every row, the due ones included.
#[derive(Clone, Debug, Default)]
pub struct Model {
    pub now: i64,
    pub seq: i64,
    pub rows: BTreeMap<(String, String), Row>,
    pub limits: BTreeMap<String, Limits>,
    /// Changes of the step under way. Expiries that one statement causes have
    /// no promised order among themselves: they stand in one set.
    pub log: Vec<Expected>,
}

#[derive(Clone, Debug)]
pub enum Expected {
    One(Logged),
    AnyOrder(Vec<Logged>),
}

/// Why the model refuses an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    NotFound,
    Condition,
    Quota,
    BadData,
}

pub type Outcome<T> = std::result::Result<T, Refusal>;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    pub keys: i64,
    pub bytes: i64,
    pub groups: i64,
}

impl Usage {
    pub fn exceeds(self, limits: Limits) -> (bool, bool, bool) {
        let past = |limit: Option<i64>, used: i64| limit.is_some_and(|limit| used > limit);
        (past(limits.keys, self.keys), past(limits.bytes, self.bytes), past(limits.groups, self.groups))
    }
}

pub fn namespace(stored: &str) -> String {
    namespace_of(&stored.into()).map_or(String::new(), |ns| ns.as_str().to_owned())
}

pub fn size(key: &str, value: &[u8]) -> i64 {
    i64::try_from(key.len() + value.len()).unwrap()
}

impl Model {
    pub fn is_due(&self, row: &Row) -> bool {
        row.expires_at.is_some_and(|at| at <= self.now)
    }

    pub fn live(&self, group: &str, key: &str) -> Option<&Row> {
        self.rows.get(&(group.to_owned(), key.to_owned())).filter(|row| !self.is_due(row))
    }

    pub fn usage(&self, ns: &str, with_due: bool) -> Usage {
        let mut usage = Usage::default();
        let mut groups = BTreeSet::new();
        for ((group, key), row) in &self.rows {
            if namespace(group) == ns && (with_due || !self.is_due(row)) {
                usage.keys += 1;
                usage.bytes += size(key, &row.value);
                groups.insert(group);
            }
        }
        usage.groups = i64::try_from(groups.len()).unwrap();
        usage
    }

    pub fn is_past_limit(&self, ns: &str) -> bool {
        let limits = self.limits.get(ns).copied().unwrap_or_default();
        self.usage(ns, false).exceeds(limits) != (false, false, false)
    }

    pub fn push(
        &mut self,
        kind: ChangeKind,
        group: &str,
        key: Option<&str>,
        value: Option<&[u8]>,
        expires_at: Option<i64>,
    ) {
        self.seq += 1;
        let change = (kind, group.to_owned(), key.map(str::to_owned), value.map(<[u8]>::to_vec), expires_at);
        self.log.push(Expected::One(change));
    }

    /// Removes rows one statement removes, each with its change.
    pub fn remove(&mut self, ids: Vec<(String, String)>) {
        let mut changes = Vec::new();
        for id in ids {
            let row = self.rows.remove(&id).unwrap();
            let kind = if self.is_due(&row) { ChangeKind::Expire } else { ChangeKind::Delete };
            changes.push((kind, id.0, Some(id.1), None, row.expires_at));
            self.seq += 1;
        }
        self.log.push(Expected::AnyOrder(changes));
    }

    pub fn due(&self, wanted: impl Fn(&str) -> bool) -> Vec<(String, String)> {
        self.rows
            .iter()
            .filter(|((g, _), row)| wanted(g) && self.is_due(row))
            .map(|(id, _)| id.clone())
            .collect()
    }

    /// Every write of an entry ends here. `fresh`: to the quota it is a new key
    /// even if one is there, because the writer deletes that one first.
    pub fn write(
        &mut self,
        group: &str,
        key: &str,
        value: &[u8],
        expires_at: Option<i64>,
        fresh: bool,
    ) -> Outcome<i64> {
        let before = self.clone();
        let id = (group.to_owned(), key.to_owned());
        if self.rows.get(&id).is_some_and(|row| fresh || self.is_due(row)) {
            self.remove(vec![id.clone()]);
        }
        let ns = namespace(group);
        let limits = self.limits.get(&ns).copied().unwrap_or_default();
        let old = self.live(group, key).map(|row| size(key, &row.value));
        let group_is_new = !self.rows.iter().any(|((g, _), row)| g == group && !self.is_due(row));
        self.push(ChangeKind::Set, group, Some(key), Some(value), expires_at);
        let version = self.seq;
        self.rows.insert(id, Row { value: value.to_vec(), expires_at, version, updated_at: self.now });
        if self.usage(&ns, true).exceeds(limits) != (false, false, false) {
            let swept = self.due(|g| namespace(g) == ns);
            self.remove(swept);
        }
        let (keys, bytes, groups) = self.usage(&ns, false).exceeds(limits);
        let is_due = expires_at.is_some_and(|at| at <= self.now);
        let grows = old.is_none_or(|old| size(key, value) > old);
        if !is_due && (keys && old.is_none() || bytes && grows || groups && group_is_new) {
            *self = before;
            return Err(Refusal::Quota);
        }
        Ok(version)
    }

    pub fn hold(&self, group: &str, key: &str, condition: &Condition) -> Outcome<()> {
        let live = self.live(group, key);
        let holds = match condition {
            Condition::Any => true,
            Condition::Absent => live.is_none(),
            Condition::Present => live.is_some(),
            Condition::Version(version) => live.is_some_and(|row| row.version == *version),
            Condition::Value(value) => live.is_some_and(|row| row.value == *value),
        };
        holds.then_some(()).ok_or(Refusal::Condition)
    }

    pub fn set(
        &mut self,
        group: &str,
        key: &str,
        value: &[u8],
        expiry: Expiry,
        condition: &Condition,
    ) -> Outcome<i64> {
        self.hold(group, key, condition)?;
        let expires_at = match expiry {
            Expiry::Never => None,
            Expiry::At(at) => Some(at.0),
            Expiry::After(ttl) => Some(larder::clock::Timestamp(self.now).after(ttl).0),
            Expiry::Keep => self.live(group, key).and_then(|row| row.expires_at),
        };
        self.write(group, key, value, expires_at, false)
    }

    pub fn delete(&mut self, group: &str, key: &str, condition: &Condition) -> Outcome<bool> {
        self.hold(group, key, condition)?;
        let was_live = self.live(group, key).is_some();
        let id = (group.to_owned(), key.to_owned());
        if self.rows.contains_key(&id) {
            self.remove(vec![id]);
        }
        Ok(was_live)
    }

    pub fn delete_group(&mut self, group: &str) -> i64 {
        let due = self.due(|g| g == group);
        self.remove(due);
        let before = self.rows.len();
        self.rows.retain(|(g, _), _| g != group);
        let gone = before - self.rows.len();
        if gone > 0 {
            self.push(ChangeKind::DeleteGroup, group, None, None, None);
        }
        i64::try_from(gone).unwrap()
    }

    pub fn expire(&mut self, group: &str, key: &str, expiry: Expiry) -> Outcome<i64> {
        let value = self.live(group, key).ok_or(Refusal::NotFound)?.value.clone();
        self.set(group, key, &value, expiry, &Condition::Any)
    }

    pub fn incr(&mut self, group: &str, key: &str, by: i64) -> Outcome<(i64, i64)> {
        let old = match self.live(group, key) {
            None => 0,
            Some(row) => {
                let text = std::str::from_utf8(&row.value).map_err(|_| Refusal::BadData)?;
                text.parse::<i64>().map_err(|_| Refusal::BadData)?
            }
        };
        let sum = old.checked_add(by).ok_or(Refusal::BadData)?;
        let version = self.set(group, key, sum.to_string().as_bytes(), Expiry::Keep, &Condition::Any)?;
        Ok((sum, version))
    }
}

pub fn run_in_model(model: &mut Model, op: &Op) -> Outcome<String> {
    Ok(match op {
        Op::Set(g, k, value, expiry, condition) => format!("{}", model.set(g, k, value, *expiry, condition)?),
        Op::Get(g, k) => {
            let row = model.live(g, k).ok_or(Refusal::NotFound)?;
            format!("{:?} {} {:?} {}", Some(&row.value), row.version, row.expires_at, row.updated_at)
        }
        Op::Delete(g, k, condition) => format!("{}", model.delete(g, k, condition)?),
        Op::DeleteGroup(g) => format!("{}", model.delete_group(g)),
        Op::Expire(g, k, expiry) => format!("{}", model.expire(g, k, *expiry)?),
        Op::Incr(g, k, by) => format!("{:?}", model.incr(g, k, *by)?),
    })
}
