//! Random operations against a plain map. After every step the store and the
//! map agree: data, what is due, counters of groups and namespaces (against a
//! recount too), versions, the outcome of quotas and conditions, and the change
//! log, change by change.
//!
//! Writers are larder, in and out of a namespace, and a foreign SQLite client
//! with and without `recursive_triggers`. Time is set by hand, forwards, onto
//! the very millisecond of an expiry, and sometimes back.
//!
//! `LARDER_MODEL_STEPS` raises the number of steps, `LARDER_MODEL_SEED` repeats
//! a failure: the seed is printed with it.

mod map;
mod operations;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use larder::clock::{Clock, Timestamp};
use larder::store::{
    Change, Error, KeepChanges, Keys, Limits, Name, Namespace, Result, Scope, Store, StoreOptions,
};
use rusqlite::{Connection, OpenFlags, params};

use map::{Expected, Logged, Model, Outcome, Refusal, Row, Usage, namespace, run_in_model, size};
use operations::{GROUPS, KEYS, Op, Random, VALUES, random_op, run_in_bulk, run_in_store};

const STEPS: u64 = 3000;

fn refusal(error: &Error) -> Refusal {
    match error {
        Error::NotFound { .. } => Refusal::NotFound,
        Error::Condition(_) => Refusal::Condition,
        Error::Quota { used, limit, asked, .. } => {
            assert!(used + asked > *limit && *asked >= 0, "a refusal that explains itself: {error}");
            Refusal::Quota
        }
        Error::BadData(_) => Refusal::BadData,
        other => panic!("unexpected: {other:?}"),
    }
}

struct World {
    path: std::path::PathBuf,
    clock: Clock,
    whole: Store,
    scoped: Store,
    foreign: Connection,
    model: Model,
    random: Random,
    /// What was done, for the failure's story.
    story: Vec<String>,
}

impl World {
    fn new(path: &Path, seed: u64) -> Self {
        let now = 1_800_000_000_000;
        let clock = Clock::manual(Timestamp(now));
        let whole = create(path, &clock, None);
        let scoped = create(path, &clock, Some("a"));
        let foreign = foreign(path);
        let model = Model { now, ..Model::default() };
        Self {
            path: path.to_owned(),
            clock,
            whole,
            scoped,
            foreign,
            model,
            random: Random(seed),
            story: Vec::new(),
        }
    }

    fn tell(&mut self, what: impl Into<String>) {
        self.story.push(what.into());
    }

    fn step(&mut self) {
        self.model.log.clear();
        let before = self.model.seq;
        match self.random.below(30) {
            0..=10 => self.operations(1),
            11..=13 => self.bulk(),
            14..=16 => {
                let n = 2 + self.random.below(3);
                self.operations(n);
            }
            17..=22 => self.foreign_statement(),
            23 => self.purge(),
            24 => self.change_quota(),
            25..=27 => self.time_passes(),
            28 => self.reopen(),
            _ => self.delete_by_foreigner(),
        }
        self.compare(before);
    }

    /// Some operations in one transaction: all, or none if one is refused.
    fn operations(&mut self, n: u64) {
        let scoped = self.random.chance(3);
        let mut ops = Vec::new();
        while (ops.len() as u64) < n {
            let op = random_op(&mut self.random, &self.model);
            let (Op::Set(g, ..)
            | Op::Get(g, _)
            | Op::Delete(g, ..)
            | Op::DeleteGroup(g)
            | Op::Expire(g, ..)
            | Op::Incr(g, ..)) = &op;
            if !scoped || g.starts_with("a:") {
                ops.push(op);
            }
        }
        self.tell(format!("scoped={scoped} {ops:?}"));
        let store = if scoped { &self.scoped } else { &self.whole };
        let got = store.write(|tx| ops.iter().map(|op| run_in_store(tx, op)).collect::<Result<Vec<_>>>());
        let kept = self.model.clone();
        let want = ops.iter().map(|op| run_in_model(&mut self.model, op)).collect::<Outcome<Vec<_>>>();
        if want.is_err() {
            self.model = kept;
        }
        assert_eq!(got.map_err(|e| refusal(&e)), want);
    }

    /// Some operations by the bulk writer, which keeps the books without the
    /// triggers. What it refuses leaves nothing; the others are done.
    fn bulk(&mut self) {
        let scoped = self.random.chance(3);
        let mut ops = Vec::new();
        for _ in 0..self.random.below(8) {
            let op = random_op(&mut self.random, &self.model);
            let (Op::Set(g, ..) | Op::Delete(g, ..) | Op::Expire(g, ..) | Op::Incr(g, ..)) = &op else {
                continue;
            };
            if !scoped || g.starts_with("a:") {
                ops.push(op);
            }
        }
        self.tell(format!("bulk, scoped={scoped} {ops:?}"));
        let store = if scoped { &self.scoped } else { &self.whole };
        let scope = store.scope().clone();
        let got = store.bulk(|bulk| {
            let outcomes = ops.iter().map(|op| run_in_bulk(bulk, &scope, op));
            Ok(outcomes.map(|outcome| outcome.map_err(|e| refusal(&e))).collect::<Vec<_>>())
        });
        let want: Vec<_> = ops.iter().map(|op| run_in_model(&mut self.model, op)).collect();
        assert_eq!(got.unwrap(), want);
    }

    fn foreign_statement(&mut self) {
        let (group, key) = (self.random.pick(GROUPS), self.random.pick(KEYS));
        let value = self.random.pick(VALUES);
        let offset = self.random.pick(&[None, None, None, Some(-5i64), Some(0), Some(1), Some(30)]);
        // A row that is due when it is written, into a namespace that is past a
        // limit already, may be refused or swept away: nobody will see it.
        let is_past = self.model.is_past_limit(&namespace(group));
        let expires_at = offset.filter(|by| *by > 0 || !is_past).map(|by| self.model.now + by);
        let recursive = self.random.chance(2);
        let form = self.random.below(7);
        self.foreign.execute_batch(&format!("PRAGMA recursive_triggers={recursive}")).unwrap();
        let sql = match form {
            0 => {
                "INSERT INTO entries(group_name,entry_key,entry_value,expires_at)VALUES(?1,?2,?3,?4)ON CONFLICT(group_name,entry_key)DO UPDATE SET entry_value=excluded.entry_value,expires_at=excluded.expires_at"
            }
            1 | 2 => {
                "INSERT OR REPLACE INTO entries(group_name,entry_key,entry_value,expires_at)VALUES(?1,?2,?3,?4)"
            }
            3 => {
                "INSERT OR IGNORE INTO entries(group_name,entry_key,entry_value,expires_at)VALUES(?1,?2,?3,?4)"
            }
            4 => "UPDATE entries SET entry_value=?3,expires_at=?4 WHERE group_name=?1 AND entry_key=?2",
            5 => {
                "UPDATE OR REPLACE entries SET entry_value=?3,expires_at=?4 WHERE group_name=?1 AND entry_key=?2"
            }
            _ => {
                "INSERT INTO entries(group_name,entry_key,entry_value,expires_at)VALUES(?1,?2,?3,?4)ON CONFLICT DO NOTHING"
            }
        };
        self.tell(format!(
            "foreign, recursive_triggers {recursive}: {sql} {group:?} {key:?} {value:?} {expires_at:?}"
        ));
        let exists = self.model.rows.contains_key(&(group.to_owned(), key.to_owned()));
        let live = self.model.live(group, key).is_some();
        let want = match form {
            3 | 6 if live => Ok(0),
            4 | 5 if !exists => Ok(0),
            1 | 2 => self.model.write(group, key, value, expires_at, recursive),
            _ => self.model.write(group, key, value, expires_at, false),
        };
        self.use_present_time();
        let text = std::str::from_utf8(value).ok();
        let got = match text {
            Some(text) => self.foreign.execute(sql, params![group, key, text, expires_at]),
            None => self.foreign.execute(sql, params![group, key, value, expires_at]),
        };
        match (got, want) {
            (Ok(_), Ok(_)) => {}
            (Err(error), Err(Refusal::Quota)) => assert_eq!(error.to_string(), "larder: quota exceeded"),
            (got, want) => panic!("the foreign statement gave {got:?}, the model {want:?}"),
        }
    }

    fn delete_by_foreigner(&mut self) {
        let group = self.random.pick(GROUPS);
        self.tell(format!("foreign: DELETE {group:?}"));
        let ids: Vec<_> = self.model.rows.keys().filter(|(g, _)| g == group).cloned().collect();
        let n = ids.len();
        self.model.remove(ids);
        self.use_present_time();
        let gone = self.foreign.execute("DELETE FROM entries WHERE group_name=?1", [group]).unwrap();
        assert_eq!(gone, n);
    }

    fn purge(&mut self) {
        let group = self.random.chance(2).then(|| self.random.pick(GROUPS));
        let scoped = group.is_none() && self.random.chance(2);
        self.tell(format!("purge {group:?} scoped={scoped}"));
        let store = if scoped { &self.scoped } else { &self.whole };
        let purged = store.purge(group, KeepChanges::Bounded, |_| {}).unwrap();
        let due = self.model.due(|g| group.is_none_or(|only| g == only) && (!scoped || g.starts_with("a:")));
        assert_eq!((purged.entries, purged.changes), (i64::try_from(due.len()).unwrap(), 0));
        self.model.remove(due);
    }

    fn change_quota(&mut self) {
        let ns = self.random.pick(&["a", "b"]);
        let mut limit =
            |most: u64| (!self.random.chance(3)).then(|| i64::try_from(self.random.below(most)).unwrap());
        let limits = Limits { keys: limit(9), bytes: limit(60), groups: limit(4) };
        self.tell(format!("quota {ns}: {limits:?}"));
        self.whole.write(|tx| tx.set_limits(&Namespace::new(ns).unwrap(), limits)).unwrap();
        self.model.limits.insert(ns.to_owned(), limits);
    }

    fn time_passes(&mut self) {
        let next = self.model.rows.values().filter_map(|row| row.expires_at).find(|at| *at > self.model.now);
        self.model.now = match self.random.below(8) {
            0 => self.model.now - 20,
            1..=2 => next.unwrap_or(self.model.now + 1),
            3 => next.unwrap_or(self.model.now + 1) - 1,
            _ => self.model.now + 1 + i64::try_from(self.random.below(30)).unwrap(),
        };
        self.tell(format!("now {}", self.model.now));
        self.clock.set(Timestamp(self.model.now));
    }

    fn reopen(&mut self) {
        // Opened to read, a store must still write as one opened to write.
        let ways = [Store::open, Store::open_to_read, Store::open_to_get];
        let way = usize::try_from(self.random.below(3)).unwrap();
        self.tell(format!("reopen in way {way}"));
        let open = |namespace| ways[way](&options(&self.path, &self.clock, namespace)).unwrap().unwrap();
        (self.whole, self.scoped) = (open(None), open(Some("a")));
        self.foreign = foreign(&self.path);
    }

    /// The foreign connection takes its time from where larder's last
    /// transaction on this thread took its own.
    fn use_present_time(&self) {
        self.whole.read(|_| Ok(())).unwrap();
    }

    fn compare(&self, before: i64) {
        let model = &self.model;
        // The log, change by change.
        let mut log: Vec<Change> = Vec::new();
        let span = self.whole.read(|tx| {
            tx.changes(before, None, true, |change| {
                log.push(change);
                Ok(ControlFlow::Continue(()))
            })?;
            tx.log_span()
        });
        assert_eq!(span.unwrap().newest, model.seq, "the sequence; log {log:#?}");
        let mut rest = log.as_slice();
        for expected in &model.log {
            let n = match expected {
                Expected::One(_) => 1,
                Expected::AnyOrder(set) => set.len(),
            };
            let (now, later) = rest.split_at_checked(n).expect("the log is shorter than expected");
            let got: Vec<Logged> = now.iter().map(logged).collect();
            match expected {
                Expected::One(one) => assert_eq!(&got[0], one),
                Expected::AnyOrder(set) => assert_eq!(sorted(got), sorted(set.clone())),
            }
            rest = later;
        }
        assert!(rest.is_empty(), "changes nobody expected: {rest:#?}");
        let first = before + 1;
        assert!(log.iter().zip(first..).all(|(change, seq)| change.seq == seq && change.at.0 == model.now));
        // The data, as larder shows it, in both scopes.
        for (store, prefix) in [(&self.whole, ""), (&self.scoped, "a:")] {
            compare_scope(store, model, prefix);
        }
        // The rows, due ones included, and the counters against a recount.
        let mut rows = BTreeMap::new();
        let mut query = self
            .foreign
            .prepare_cached("SELECT group_name,entry_key,CAST(entry_value AS BLOB),expires_at,version,updated_at FROM entries")
            .unwrap();
        let mut found = query.query([]).unwrap();
        while let Some(row) = found.next().unwrap() {
            rows.insert(
                (row.get(0).unwrap(), row.get(1).unwrap()),
                Row {
                    value: row.get(2).unwrap(),
                    expires_at: row.get(3).unwrap(),
                    version: row.get(4).unwrap(),
                    updated_at: row.get(5).unwrap(),
                },
            );
        }
        assert_eq!(rows, model.rows);
        for recount in [
            "SELECT group_name,count(*),sum(length(CAST(entry_key AS BLOB))+length(CAST(entry_value AS BLOB)))FROM entries GROUP BY 1 EXCEPT SELECT group_name,keys,bytes FROM larder_groups",
            "SELECT group_name,keys,bytes FROM larder_groups EXCEPT SELECT group_name,count(*),sum(length(CAST(entry_key AS BLOB))+length(CAST(entry_value AS BLOB)))FROM entries GROUP BY 1",
            "SELECT namespace,sum(keys),sum(bytes),count(*)FROM larder_groups GROUP BY 1 EXCEPT SELECT namespace,keys,bytes,groups FROM larder_namespaces",
            "SELECT namespace,keys,bytes,groups FROM larder_namespaces WHERE keys<>0 EXCEPT SELECT namespace,sum(keys),sum(bytes),count(*)FROM larder_groups GROUP BY 1",
            "SELECT 1,2,3,4 FROM larder_namespaces WHERE keys=0 AND(bytes<>0 OR groups<>0)",
        ] {
            assert!(!self.foreign.prepare_cached(recount).unwrap().exists([]).unwrap(), "{recount}");
        }
        for ns in rows.keys().map(|(group, _)| namespace(group)).chain(model.limits.keys().cloned()) {
            let Some(name) = Namespace::new(&ns) else { continue };
            let usage = self.whole.read(|tx| tx.usage(&name)).unwrap();
            let shown = Usage { keys: usage.keys, bytes: usage.bytes, groups: usage.groups };
            assert_eq!(shown, model.usage(&ns, false), "live use of {ns}");
            assert_eq!(usage.limits, model.limits.get(&ns).copied().unwrap_or_default());
        }
    }
}

fn compare_scope(store: &Store, model: &Model, prefix: &str) {
    let live = || model.rows.iter().filter(|((g, _), row)| g.starts_with(prefix) && !model.is_due(row));
    let mut want: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
    for ((group, key), row) in live() {
        let sums = want.entry(group).or_default();
        *sums = (sums.0 + 1, sums.1 + size(key, &row.value));
    }
    store
        .read(|tx| {
            let mut groups = Vec::new();
            tx.groups(&Keys::default(), |group| {
                groups.push(group);
                Ok(ControlFlow::Continue(()))
            })?;
            let got: Vec<_> = groups.iter().map(|g| (g.name.as_str().unwrap(), (g.keys, g.bytes))).collect();
            assert_eq!(got, want.iter().map(|(g, sums)| (*g, *sums)).collect::<Vec<_>>(), "groups");
            assert_eq!(tx.count_all()?, i64::try_from(live().count()).unwrap(), "count");
            for stored in GROUPS.iter().filter(|g| g.starts_with(prefix)) {
                let group = tx.scope.named(stored);
                assert_eq!(
                    tx.count(group)?,
                    want.get(stored).map_or(0, |sums| sums.0),
                    "count of {stored:?}"
                );
                let mut rest = live().filter(|((g, _), _)| g == stored);
                tx.entries(group, &Keys::default(), true, |entry| {
                    let ((_, key), row) = rest.next().expect("an entry the model does not have");
                    assert_eq!(
                        (&entry.key, entry.value.as_deref()),
                        (&key.into(), Some(row.value.as_slice()))
                    );
                    assert_eq!(entry.bytes, size(key, &row.value));
                    assert_eq!((entry.version, entry.updated_at.0), (row.version, row.updated_at));
                    assert_eq!(entry.expires_at.map(|at| at.0), row.expires_at);
                    Ok(ControlFlow::Continue(()))
                })?;
                assert!(rest.next().is_none(), "an entry is missing in {stored:?}");
            }
            Ok(())
        })
        .unwrap();
}

fn logged(change: &Change) -> Logged {
    let expires_at = change.expires_at.map(|at| at.0);
    let text = |name: &Name<'_>| name.as_str().unwrap().to_owned();
    let key = change.key.as_ref().map(text);
    (change.kind, text(&change.group), key, change.value.clone(), expires_at)
}

fn sorted(mut changes: Vec<Logged>) -> Vec<Logged> {
    changes.sort_by(|a, b| (&a.1, &a.2).cmp(&(&b.1, &b.2)));
    changes
}

fn create(path: &Path, clock: &Clock, namespace: Option<&str>) -> Store {
    Store::create(&options(path, clock, namespace)).unwrap()
}

fn options(path: &Path, clock: &Clock, namespace: Option<&str>) -> StoreOptions {
    let scope = Scope(namespace.and_then(Namespace::new));
    StoreOptions { clock: clock.clone(), scope, ..StoreOptions::new(path) }
}

/// A plain connection, but for the source of its time.
fn foreign(path: &Path) -> Connection {
    let conn =
        Connection::open_with_flags_and_vfs(path, OpenFlags::SQLITE_OPEN_READ_WRITE, c"larder").unwrap();
    conn.execute_batch("PRAGMA synchronous=OFF").unwrap();
    conn
}

fn from_environment(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect(name))
}

#[test]
fn random_operations_agree_with_a_map() {
    let clock_seed = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros();
    let seed = from_environment("LARDER_MODEL_SEED").unwrap_or_else(|| u64::try_from(clock_seed()).unwrap());
    let steps = from_environment("LARDER_MODEL_STEPS").unwrap_or(STEPS);
    let dir = tempfile::tempdir().unwrap();
    let mut world = World::new(&dir.path().join("store.db"), seed);
    for step in 0..steps {
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| world.step()));
        // The first panic has told what differs; this one tells how to repeat it.
        if result.is_err() {
            let mut story = String::new();
            for line in world.story.iter().rev().take(12).rev() {
                let _ = writeln!(story, "  {line}");
            }
            panic!("step {step} failed; repeat with LARDER_MODEL_SEED={seed}\n{story}");
        }
    }
}
