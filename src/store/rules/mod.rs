//! The rules: what a write does to the entry, the change log, the counters and
//! the quota of its namespace.
//!
//! From what stands and what is asked these functions say what follows; they
//! read and write nothing. Every write of larder's own goes through them. The
//! triggers in the file say the same in SQL, for clients that know nothing of
//! larder, and `tests/store/rules.rs` drives the same operations down both ways.
//!
//! Times are Unix milliseconds. A row counts, until it is removed, also when it
//! has expired; whoever needs its room removes it first, as an expiry.

use crate::model::Limits;

/// What the change log keeps by itself, in changes and bytes: first what is only
/// exceeded by younger changes or ones that a consumer has yet to handle, then
/// what is never exceeded.
pub const SOFT: (i64, i64) = (100_000, 67_108_864);
/// See [`SOFT`].
pub const HARD: (i64, i64) = (4_000_000, 1_073_741_824);
/// How old a change is at least before it goes for the sake of [`SOFT`].
pub const SOFT_AGE_MILLIS: i64 = 600_000;

/// A set makes room in the log for so many changes, and for one more with each
/// so many bytes of its value.
const ROOM: usize = 2;
const BYTES_OF_ROOM: usize = 1024;

/// Which limits are exceeded.
struct Past {
    keys: bool,
    bytes: bool,
    groups: bool,
}

fn past(limits: Limits, used: Usage) -> Past {
    let past = |limit: Option<i64>, used| limit.is_some_and(|limit| used > limit);
    Past {
        keys: past(limits.keys, used.keys),
        bytes: past(limits.bytes, used.bytes),
        groups: past(limits.groups, used.groups),
    }
}

/// What a namespace holds, or by how much that changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Rows.
    pub keys: i64,
    /// Bytes of their keys and values.
    pub bytes: i64,
    /// Groups with a row.
    pub groups: i64,
}

impl std::ops::AddAssign for Usage {
    fn add_assign(&mut self, by: Self) {
        self.keys += by.keys;
        self.bytes += by.bytes;
        self.groups += by.groups;
    }
}

/// A row under a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// When it expires, if ever.
    pub expires_at: Option<i64>,
    /// Bytes of key plus value.
    pub bytes: i64,
}

impl Row {
    /// Whether it has expired: it is gone for everyone, and there only until it
    /// is removed.
    #[must_use]
    pub fn is_expired(self, now: i64) -> bool {
        self.expires_at.is_some_and(|at| at <= now)
    }
}

/// What a write finds.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    /// The present.
    pub now: i64,
    /// The row under the key.
    pub row: Option<Row>,
    /// Rows of its group.
    pub group_keys: i64,
    /// What its namespace holds.
    pub usage: Usage,
    /// What its namespace may hold.
    pub limits: Limits,
}

/// What a set does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Put {
    /// Whether the row that is written over has expired, which is logged as a
    /// change of its own before the set.
    pub expires_first: bool,
    /// How the counters move.
    pub by: Usage,
    /// Whether the namespace would be past a limit. Then the expired rows of
    /// the namespace are removed after the set, and [`admit`] says whether it
    /// may be.
    pub past_limit: bool,
}

/// What follows from setting `new` under a key.
#[must_use]
pub fn put(standing: &Standing, new: Row) -> Put {
    let Standing { now, row, group_keys, mut usage, limits } = *standing;
    let by = match row {
        Some(old) => Usage { bytes: new.bytes - old.bytes, ..Usage::default() },
        None => Usage { keys: 1, bytes: new.bytes, groups: i64::from(group_keys == 0) },
    };
    usage += by;
    let Past { keys, bytes, groups } = past(limits, usage);
    Put { expires_first: row.is_some_and(|row| row.is_expired(now)), by, past_limit: keys || bytes || groups }
}

/// The expired rows of a group, but for the row that is written over.
#[derive(Clone, Copy, Debug)]
pub struct Expired {
    /// Whether it is the group that is written to.
    pub own: bool,
    /// Rows of the group before the write.
    pub group_keys: i64,
    /// Those of them that have expired.
    pub keys: i64,
    /// The bytes of those.
    pub bytes: i64,
}

/// Why a set is refused: the limit, what counts towards it now and how much
/// more was asked for. What has expired does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// `keys`, `bytes` or `groups`.
    pub what: &'static str,
    /// The limit.
    pub limit: i64,
    /// How much of it is used.
    pub used: i64,
    /// How much more the set takes.
    pub asked: i64,
}

/// Whether a set past a limit may be, once the expired rows of the namespace
/// are gone. A set that takes no more than before always may.
///
/// # Errors
/// The limit that it would exceed.
pub fn admit(standing: &Standing, new: Row, expired: &[Expired]) -> Result<(), Refusal> {
    let Standing { now, row, group_keys, usage, limits } = *standing;
    let Put { expires_first, by, .. } = put(standing, new);
    let (mut after, mut left) = (usage, group_keys + by.keys);
    after += by;
    let mut go = |keys: i64, bytes: i64| {
        after.keys -= keys;
        after.bytes -= bytes;
    };
    for group in expired {
        go(group.keys, group.bytes);
    }
    // What expires while it waits for the lock is written and gone at once.
    if new.is_expired(now) {
        go(1, new.bytes);
        left -= 1;
    }
    left -= expired.iter().filter(|group| group.own).map(|group| group.keys).sum::<i64>();
    after.groups -= i64::from(left == 0) + emptied(expired);
    let is_new = row.is_none() || expires_first;
    let grows = is_new || by.bytes > 0;
    let over = past(limits, after);
    let over = over.bytes && grows || is_new && (over.keys || over.groups && left == 1);
    if left > 0 && over { Err(refusal(standing, new, expired)) } else { Ok(()) }
}

/// Other groups of which everything has expired.
fn emptied(expired: &[Expired]) -> i64 {
    expired.iter().map(|group| i64::from(!group.own && group.keys == group.group_keys)).sum()
}

fn refusal(standing: &Standing, new: Row, expired: &[Expired]) -> Refusal {
    let Standing { now, row, group_keys, usage, limits } = *standing;
    let (old, live) = match row {
        Some(row) if row.is_expired(now) => (Some(row), None),
        row => (None, row),
    };
    let gone = |of: fn(&Expired) -> i64| expired.iter().map(of).sum::<i64>();
    let own_gone: i64 = expired.iter().filter(|group| group.own).map(|group| group.keys).sum();
    let own_live = group_keys - own_gone - i64::from(old.is_some());
    let own_emptied = i64::from(group_keys > 0 && own_live == 0);
    let candidates = [
        (
            "keys",
            limits.keys,
            usage.keys - gone(|group| group.keys) - i64::from(old.is_some()),
            i64::from(live.is_none()),
        ),
        (
            "bytes",
            limits.bytes,
            usage.bytes - gone(|group| group.bytes) - old.map_or(0, |old| old.bytes),
            new.bytes - live.map_or(0, |live| live.bytes),
        ),
        ("groups", limits.groups, usage.groups - emptied(expired) - own_emptied, i64::from(own_live == 0)),
    ];
    let hit = candidates.into_iter().find_map(|(what, limit, used, asked)| {
        let limit = limit.filter(|limit| asked > 0 && used.saturating_add(asked) > *limit)?;
        Some(Refusal { what, limit, used, asked })
    });
    let (what, limit, used, asked) = candidates[1];
    hit.unwrap_or(Refusal { what, limit: limit.unwrap_or(0), used, asked })
}

/// Whether a namespace would be past a limit with `by` more in it, as far as it
/// is more: what is moved within it asks for no room otherwise.
#[must_use]
pub fn outgrows(limits: Limits, mut usage: Usage, by: Usage) -> bool {
    usage += by;
    let Past { keys, bytes, groups } = past(limits, usage);
    by.keys > 0 && keys || by.bytes > 0 && bytes || by.groups > 0 && groups
}

/// What removing a row does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Removal {
    /// The change that is logged.
    pub change: Option<Gone>,
    /// How the counters move.
    pub by: Usage,
}

/// How a row went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gone {
    /// It was deleted while it was live.
    Deleted,
    /// It had expired.
    Expired,
}

/// What follows from removing a row of a group with `group_keys` rows. Nothing
/// is logged while the newest change says that the whole group goes.
#[must_use]
pub fn remove(row: Row, now: i64, group_keys: i64, group_goes: bool) -> Removal {
    let change = if row.is_expired(now) { Gone::Expired } else { Gone::Deleted };
    Removal {
        change: (!group_goes).then_some(change),
        by: Usage { keys: -1, bytes: -row.bytes, groups: -i64::from(group_keys == 1) },
    }
}

/// How the counters move when a whole group goes.
#[must_use]
pub fn remove_group(group_keys: i64, group_bytes: i64) -> Usage {
    Usage { keys: -group_keys, bytes: -group_bytes, groups: -i64::from(group_keys > 0) }
}

/// Where a change is in the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Its number.
    pub seq: i64,
    /// The sum of the bytes of all changes up to it.
    pub total: i64,
}

impl Place {
    /// Where the change after this one stands, which brings so many bytes.
    #[must_use]
    pub fn next(self, bytes: i64) -> Self {
        Self { seq: self.seq + 1, total: self.total + bytes }
    }

    fn is_beyond(self, newest: Self, (changes, bytes): (i64, i64)) -> bool {
        self.seq < newest.seq - changes || self.total < newest.total - bytes
    }
}

/// How many of the oldest changes a set looks at, for those that may go.
#[must_use]
pub fn room(value_bytes: usize) -> usize {
    ROOM + value_bytes / BYTES_OF_ROOM
}

/// Whether the log, whose oldest change this is, has grown so far that any may
/// go.
#[must_use]
pub fn is_long(oldest: Place, newest: Place) -> bool {
    oldest.is_beyond(newest, SOFT)
}

/// Whether it can have, whatever its oldest change is.
#[must_use]
pub fn may_be_long(newest: Place) -> bool {
    is_long(Place::default(), newest)
}

/// Whether a change that happened at `at` goes, while consumers hold back those
/// after `held`.
#[must_use]
pub fn goes(change: Place, at: i64, newest: Place, now: i64, held: i64) -> bool {
    change.is_beyond(newest, HARD)
        || change.is_beyond(newest, SOFT) && at < now.saturating_sub(SOFT_AGE_MILLIS) && change.seq <= held
}

#[cfg(test)]
mod tests;
