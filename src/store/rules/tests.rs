use std::collections::{BTreeMap, BTreeSet};

use super::*;

/// What is in SQL too is the same there.
#[test]
fn the_triggers_know_the_same_numbers() {
    let triggers = include_str!("../sqlite/schema/triggers.sql");
    let (statements, comments): (Vec<_>, Vec<_>) =
        triggers.lines().partition(|line| line.starts_with("DELETE FROM larder_changes"));
    assert_eq!(statements.len(), 2, "an insert and an update bound the log");
    for statement in statements {
        for part in [
            format!("ORDER BY seq LIMIT {ROOM}+length(CAST(new.entry_value AS BLOB))/{BYTES_OF_ROOM})"),
            format!("o.seq<s-{} OR o.total<t-{} OR", HARD.0, HARD.1),
            format!("(o.seq<s-{} OR o.total<t-{})AND o.at<n.at-{SOFT_AGE_MILLIS} AND", SOFT.0, SOFT.1),
        ] {
            assert!(statement.contains(&part), "{part} in {statement}");
        }
    }
    let grouped = |n: i64| {
        let digits = n.to_string();
        let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy).collect();
        groups.join(",")
    };
    let comments = comments.join(" ");
    for told in [
        format!("{} changes or {} MiB", grouped(SOFT.0), SOFT.1 >> 20),
        format!("{} changes or {} GiB", grouped(HARD.0), HARD.1 >> 30),
        format!("than {} minutes", ["ten"][usize::from(SOFT_AGE_MILLIS != 600_000)]),
    ] {
        assert!(comments.contains(&told), "{told}");
    }
}

fn row(bytes: i64, expires_at: Option<i64>) -> Row {
    Row { expires_at, bytes }
}

#[test]
fn a_new_key_counts_and_a_written_one_by_its_difference() {
    let standing =
        Standing { now: 10, row: None, group_keys: 0, usage: Usage::default(), limits: Limits::default() };
    let first = put(&standing, row(5, None));
    assert_eq!(
        first,
        Put { expires_first: false, by: Usage { keys: 1, bytes: 5, groups: 1 }, past_limit: false }
    );
    let over = Standing { row: Some(row(5, Some(10))), group_keys: 1, ..standing };
    let second = put(&over, row(3, None));
    assert_eq!(
        second,
        Put { expires_first: true, by: Usage { keys: 0, bytes: -2, groups: 0 }, past_limit: false }
    );
}

#[test]
fn a_row_that_goes_is_logged_as_what_it_was() {
    assert_eq!(remove(row(5, Some(11)), 10, 1, false).change, Some(Gone::Deleted));
    assert_eq!(remove(row(5, Some(10)), 10, 1, false).change, Some(Gone::Expired));
    let announced = remove(row(5, None), 10, 2, true);
    assert_eq!(announced, Removal { change: None, by: Usage { keys: -1, bytes: -5, groups: 0 } });
}

#[test]
fn the_log_is_cut_where_it_is_long_and_old() {
    let newest = Place { seq: 5_000_000, total: 0 };
    let at = |seq| Place { seq, total: 0 };
    let (now, old) = (2_000_000_000, 0);
    assert!(!is_long(at(newest.seq - SOFT.0), newest));
    assert!(is_long(at(newest.seq - SOFT.0 - 1), newest));
    assert!(goes(at(4_899_999), old, newest, now, i64::MAX));
    assert!(!goes(at(4_899_999), now - SOFT_AGE_MILLIS, newest, now, i64::MAX), "too young");
    assert!(!goes(at(4_899_999), old, newest, now, 4_899_998), "a consumer has yet to see it");
    assert!(goes(at(999_999), now, newest, now, 0), "never more than that");
    assert_eq!((room(0), room(1023), room(1024), room(10_000)), (2, 2, 3, 11));
    assert_eq!(at(7).next(3), Place { seq: 8, total: 3 });
}

/// A small random number generator (xorshift), for repeatable runs.
struct Random(u64);

impl Random {
    fn below(&mut self, n: i64) -> i64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n.unsigned_abs()).cast_signed()
    }
}

/// One namespace in memory, kept by the rules alone.
#[derive(Default)]
struct Namespace {
    rows: BTreeMap<(i64, i64), Row>,
    usage: Usage,
    limits: Limits,
    now: i64,
}

impl Namespace {
    fn keys(&self, group: i64) -> i64 {
        i64::try_from(self.rows.keys().filter(|(of, _)| *of == group).count()).unwrap()
    }

    fn standing(&self, at: (i64, i64)) -> Standing {
        Standing {
            now: self.now,
            row: self.rows.get(&at).copied(),
            group_keys: self.keys(at.0),
            usage: self.usage,
            limits: self.limits,
        }
    }

    /// The expired rows but for one, by group.
    fn expired(&self, but: (i64, i64)) -> Vec<Expired> {
        let groups: BTreeSet<i64> = self.rows.keys().map(|(group, _)| *group).collect();
        let of = |group: i64| {
            let rows: Vec<_> = self
                .rows
                .iter()
                .filter(|(at, row)| at.0 == group && **at != but && row.is_expired(self.now))
                .map(|(_, row)| row.bytes)
                .collect();
            Expired {
                own: group == but.0,
                group_keys: self.keys(group),
                keys: i64::try_from(rows.len()).unwrap(),
                bytes: rows.iter().sum(),
            }
        };
        groups.into_iter().map(of).filter(|expired| expired.keys > 0).collect()
    }

    fn set(&mut self, at: (i64, i64), new: Row) -> Result<(), Refusal> {
        let standing = self.standing(at);
        let put = put(&standing, new);
        if put.past_limit {
            admit(&standing, new, &self.expired(at))?;
        }
        self.usage += put.by;
        self.rows.insert(at, new);
        if put.past_limit {
            let expired: Vec<_> =
                self.rows.iter().filter(|(_, row)| row.is_expired(self.now)).map(|(at, _)| *at).collect();
            for at in expired {
                self.remove(at);
            }
        }
        Ok(())
    }

    fn remove(&mut self, at: (i64, i64)) {
        let group_keys = self.keys(at.0);
        if let Some(row) = self.rows.remove(&at) {
            self.usage += remove(row, self.now, group_keys, false).by;
        }
    }

    /// Counted anew: what is live, or all there is.
    fn count(&self, live: bool) -> Usage {
        let rows = || self.rows.iter().filter(|(_, row)| !live || !row.is_expired(self.now));
        let groups: BTreeSet<i64> = rows().map(|((group, _), _)| *group).collect();
        Usage {
            keys: i64::try_from(rows().count()).unwrap(),
            bytes: rows().map(|(_, row)| row.bytes).sum(),
            groups: i64::try_from(groups.len()).unwrap(),
        }
    }
}

/// Random sets and removals in one namespace with limits: the counters are what
/// a recount gives, and a set is refused exactly if it takes more of what is
/// live past a limit.
#[test]
fn counters_and_quota_hold_whatever_comes() {
    let mut refused = 0;
    for seed in 1..=40u64 {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut namespace = Namespace { now: 1000, ..Namespace::default() };
        for _ in 0..400 {
            let at = (random.below(4), random.below(4));
            match random.below(12) {
                0 => {
                    let mut limit = |n| (random.below(3) > 0).then(|| 1 + random.below(n));
                    namespace.limits = Limits { keys: limit(8), bytes: limit(60), groups: limit(4) };
                }
                1 => namespace.remove(at),
                2 => namespace.now += random.below(30),
                _ => {
                    let lasts = random.below(40) - 2;
                    let expires_at = (random.below(2) == 0).then_some(namespace.now + lasts);
                    let new = row(1 + random.below(12), expires_at);
                    let before = namespace.count(true);
                    let old = namespace.rows.get(&at).copied().filter(|row| !row.is_expired(namespace.now));
                    let group_is_new = !namespace
                        .rows
                        .iter()
                        .any(|(of, row)| of.0 == at.0 && !row.is_expired(namespace.now));
                    let asked = [
                        ("keys", namespace.limits.keys, before.keys, i64::from(old.is_none())),
                        (
                            "bytes",
                            namespace.limits.bytes,
                            before.bytes,
                            new.bytes - old.map_or(0, |old| old.bytes),
                        ),
                        ("groups", namespace.limits.groups, before.groups, i64::from(group_is_new)),
                    ];
                    let expected = asked.into_iter().find_map(|(what, limit, used, asked)| {
                        let limit = limit.filter(|limit| asked > 0 && used + asked > *limit)?;
                        Some(Refusal { what, limit, used, asked })
                    });
                    let came_to = namespace.set(at, new);
                    if new.is_expired(namespace.now) {
                        // Gone as it is written: who is the last of it makes
                        // room for itself.
                        continue;
                    }
                    assert_eq!(came_to.err(), expected);
                    refused += i32::from(expected.is_some());
                    if expected.is_none() {
                        assert_eq!(namespace.rows.get(&at), Some(&new));
                    }
                }
            }
            assert_eq!(namespace.usage, namespace.count(false));
        }
    }
    assert!(refused > 1000, "{refused}");
}
