//! larder writes by its rules, any other client's SQL runs the triggers. The same
//! operations at the same time must leave the same file, to the last row of every
//! table: by SQL, by larder one by one, and by larder in bulk.

use std::path::Path;
use std::time::Duration;

use larder::clock::{Clock, Timestamp};
use larder::store::{
    Condition, Error, Expiry, KeepChanges, Limits, Namespace, Scope, Store, StoreOptions, Transaction,
};
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};

/// A small random number generator (xorshift), for repeatable runs.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[usize::try_from(self.below(from.len() as u64)).unwrap()]
    }
}

#[derive(Debug)]
enum Op {
    Set(&'static str, String, Vec<u8>, Expiry, Condition),
    Delete(&'static str, String, Condition),
    Expire(&'static str, String, Expiry),
    Incr(&'static str, String, i64),
    DeleteGroup(&'static str),
}

const GROUPS: [&str; 9] = ["a:x", "a:y", "a:", "b:x", "A:x", "x", "", "é:x", "a"];

fn op(random: &mut Random, now: Timestamp) -> Op {
    let group = random.pick(&GROUPS);
    let key = random.pick(&["", "k", "longer key", "é", "1", "2", "3", "4"]).to_owned();
    let value = |random: &mut Random| match random.below(40) {
        // Makes more room in the log than a small one.
        9 => vec![b'v'; 3000],
        n if n % 4 == 2 => vec![],
        n if n % 4 == 0 => vec![0xff; usize::try_from(random.below(30)).unwrap()],
        n if n % 4 == 1 => random.below(100).to_string().into_bytes(),
        _ => vec![b'v'; usize::try_from(random.below(30)).unwrap()],
    };
    let expiry = match random.below(4) {
        0 => Expiry::Never,
        1 => Expiry::Keep,
        // As of a write that waited for its turn for too long.
        _ if random.below(12) == 0 => Expiry::At(now.after(Duration::ZERO)),
        _ => Expiry::At(now.after(Duration::from_millis(1 + random.below(400)))),
    };
    let condition = match random.below(8) {
        0 => Condition::Absent,
        1 => Condition::Present,
        2 => Condition::Version(i64::try_from(random.below(50)).unwrap()),
        3 => Condition::Value(value(random)),
        _ => Condition::Any,
    };
    match random.below(8) {
        0 => Op::Delete(group, key, condition),
        1 => Op::Expire(group, key, expiry),
        2 => Op::Incr(group, key, 7),
        3 if random.below(4) == 0 => Op::DeleteGroup(group),
        _ => Op::Set(group, key, value(random), expiry, condition),
    }
}

/// What an operation said: a number, or the kind of its refusal.
type Said = Result<i64, &'static str>;

fn said(result: Result<i64, Error>) -> Result<Said, Error> {
    Ok(Err(match result {
        Ok(number) => return Ok(Ok(number)),
        Err(Error::Condition(_)) => "condition",
        Err(Error::Quota { .. }) => "quota",
        Err(Error::NotFound { .. }) => "missing",
        Err(Error::BadData(_)) => "integer",
        Err(error) => return Err(error),
    }))
}

fn one_by_one(store: &Store, ops: &[Op]) -> Vec<Said> {
    let run = |tx: &Transaction<'_>, op: &Op| match op {
        Op::Set(g, k, v, expiry, condition) => tx.set(*g, k, v, *expiry, condition).map(|e| e.version),
        Op::Delete(g, k, condition) => tx.delete(*g, k, condition).map(i64::from),
        Op::Expire(g, k, expiry) => tx.expire(*g, k, *expiry, &Condition::Any).map(|e| e.version),
        Op::Incr(g, k, by) => tx.incr(*g, k, *by).map(|(sum, version)| sum * 1000 + version),
        Op::DeleteGroup(g) => tx.delete_group(*g),
    };
    store.write(|tx| ops.iter().map(|op| said(run(tx, op))).collect()).unwrap()
}

fn in_bulk(store: &Store, ops: &[Op]) -> Vec<Said> {
    let mut all = Vec::new();
    for ops in ops.chunk_by(|a, b| !matches!((a, b), (Op::DeleteGroup(_), _) | (_, Op::DeleteGroup(_)))) {
        if let [op @ Op::DeleteGroup(_)] = ops {
            all.extend(one_by_one(store, std::slice::from_ref(op)));
            continue;
        }
        let some: Vec<Said> = store
            .bulk(|bulk| {
                ops.iter()
                    .map(|op| {
                        said(match op {
                            Op::Set(g, k, v, expiry, condition) => bulk.set(*g, k, v, *expiry, condition),
                            Op::Delete(g, k, condition) => bulk.delete(*g, k, condition).map(i64::from),
                            Op::Expire(g, k, expiry) => bulk.expire(*g, k, *expiry, &Condition::Any),
                            Op::Incr(g, k, by) => {
                                bulk.incr(*g, k, *by).map(|(sum, version)| sum * 1000 + version)
                            }
                            Op::DeleteGroup(_) => unreachable!("a transaction of its own"),
                        })
                    })
                    .collect()
            })
            .unwrap();
        all.extend(some);
    }
    all
}

/// A value as larder stores it.
struct Value<'a>(&'a [u8]);

impl rusqlite::ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let text = std::str::from_utf8(self.0).is_ok();
        Ok(ToSqlOutput::Borrowed(if text { ValueRef::Text(self.0) } else { ValueRef::Blob(self.0) }))
    }
}

/// A client that knows the table and nothing else. It has the time from larder's
/// last transaction on this thread.
struct Plain {
    conn: Connection,
    prefix: &'static str,
    now: i64,
}

impl Plain {
    fn run(&self, ops: &[Op]) -> Vec<Said> {
        self.conn.execute_batch("BEGIN IMMEDIATE").unwrap();
        let all = ops.iter().map(|op| self.op(op)).collect();
        self.conn.execute_batch("COMMIT").unwrap();
        all
    }

    fn op(&self, op: &Op) -> Said {
        match op {
            Op::Set(g, k, v, expiry, condition) => self.set(g, k, v, *expiry, condition),
            Op::Delete(g, k, condition) => {
                let live = self.live(g, k);
                holds(condition, live.as_ref())?;
                let sql = "DELETE FROM entries WHERE group_name=?1 AND entry_key=?2";
                self.conn.execute(sql, [&self.group(g), k]).unwrap();
                Ok(i64::from(live.is_some()))
            }
            Op::Expire(g, k, expiry) => {
                let (_, value, _) = self.live(g, k).ok_or("missing")?;
                self.set(g, k, &value, *expiry, &Condition::Any)
            }
            Op::Incr(g, k, by) => {
                let live = self.live(g, k);
                let integer = |value: Vec<u8>| String::from_utf8(value).ok()?.parse::<i64>().ok();
                let (old, expiry) = match live {
                    Some((_, value, _)) => (integer(value).ok_or("integer")?, Expiry::Keep),
                    None => (0, Expiry::Never),
                };
                let sum = old + by;
                let version = self.set(g, k, sum.to_string().as_bytes(), expiry, &Condition::Any)?;
                Ok(sum * 1000 + version)
            }
            Op::DeleteGroup(g) => {
                let group = self.group(g);
                let sql = "DELETE FROM entries WHERE group_name=?1 AND expires_at<=?2";
                self.conn.execute(sql, params![group, self.now]).unwrap();
                let sql = "SELECT count(*)FROM entries WHERE group_name=?1";
                let live: i64 = self.conn.query_row(sql, [&group], |row| row.get(0)).unwrap();
                if live > 0 {
                    let sql = "INSERT INTO larder_changes SELECT seq+1,?1,'delete_group',?2,NULL,NULL,NULL,0,total,NULL FROM larder_changes ORDER BY seq DESC LIMIT 1";
                    self.conn.execute(sql, params![self.now, group]).unwrap();
                    self.conn.execute("DELETE FROM entries WHERE group_name=?1", [&group]).unwrap();
                }
                Ok(live)
            }
        }
    }

    fn group(&self, group: &str) -> String {
        format!("{}{group}", self.prefix)
    }

    /// Version, value and expiry of a live entry.
    fn live(&self, group: &str, key: &str) -> Option<(i64, Vec<u8>, Option<i64>)> {
        let sql = "SELECT version,CAST(entry_value AS BLOB),expires_at FROM entries WHERE group_name=?1 AND entry_key=?2 AND(expires_at IS NULL OR expires_at>?3)";
        let row = self.conn.query_row(sql, params![self.group(group), key, self.now], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        });
        row.optional().unwrap()
    }

    fn set(&self, group: &str, key: &str, value: &[u8], expiry: Expiry, condition: &Condition) -> Said {
        let live = self.live(group, key);
        holds(condition, live.as_ref())?;
        let expires_at = match expiry {
            Expiry::Never => None,
            Expiry::At(at) => Some(at.0),
            Expiry::After(_) => unreachable!("not among the operations"),
            Expiry::Keep => live.and_then(|(_, _, at)| at),
        };
        let stored = self.group(group);
        let sql = "UPDATE entries SET entry_value=?3,expires_at=?4 WHERE group_name=?1 AND entry_key=?2";
        let mut done = self.conn.execute(sql, params![stored, key, Value(value), expires_at]);
        if matches!(done, Ok(0)) {
            let sql = "INSERT INTO entries(group_name,entry_key,entry_value,expires_at)VALUES(?1,?2,?3,?4)";
            done = self.conn.execute(sql, params![stored, key, Value(value), expires_at]);
        }
        match done {
            Err(e) if e.to_string() == "larder: quota exceeded" => return Err("quota"),
            done => assert_eq!(done.unwrap(), 1),
        }
        // Its own, also where that has gone again as it was written.
        let sql = "SELECT max(seq)FROM larder_changes WHERE type='set'AND group_name=?1 AND entry_key=?2";
        Ok(self.conn.query_row(sql, [&stored, key], |row| row.get(0)).unwrap())
    }

    /// Removes what has expired, oldest first, and what is left of namespaces.
    fn purge(&self) {
        let sql = "SELECT rowid FROM entries WHERE expires_at<=?1 ORDER BY expires_at,rowid";
        let mut query = self.conn.prepare(sql).unwrap();
        let ids: Vec<i64> =
            query.query_map([self.now], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        for id in &ids {
            self.conn.execute("DELETE FROM entries WHERE rowid=?1", [id]).unwrap();
        }
        if !ids.is_empty() {
            let sql = "DELETE FROM larder_namespaces WHERE keys=0 AND coalesce(max_keys,max_bytes,max_groups)IS NULL";
            self.conn.execute(sql, []).unwrap();
        }
    }
}

fn holds(condition: &Condition, live: Option<&(i64, Vec<u8>, Option<i64>)>) -> Result<(), &'static str> {
    let holds = match (condition, live) {
        (Condition::Any, _) => true,
        (Condition::Absent, live) => live.is_none(),
        (Condition::Present, live) => live.is_some(),
        (Condition::Version(version), live) => live.is_some_and(|(at, ..)| at == version),
        (Condition::Value(value), live) => live.is_some_and(|(_, is, _)| is == value),
    };
    holds.then_some(()).ok_or("condition")
}

/// Every row of every table that writing touches.
fn dump(path: &Path) -> Vec<String> {
    let conn = Connection::open(path).unwrap();
    let mut rows = Vec::new();
    for table in [
        "SELECT rowid,hex(group_name),hex(entry_key),hex(entry_value),typeof(entry_value),expires_at,version,updated_at FROM entries ORDER BY 1",
        "SELECT 'change',seq,at,type,hex(group_name),hex(entry_key),hex(entry_value),typeof(entry_value),expires_at,bytes,total FROM larder_changes ORDER BY seq",
        "SELECT 'group',hex(group_name),keys,bytes,namespace,taken FROM larder_groups ORDER BY group_name",
        "SELECT 'namespace',namespace,keys,bytes,groups,over FROM larder_namespaces ORDER BY namespace",
        "SELECT 'scratch',bytes FROM larder_replaced",
    ] {
        let mut query = conn.prepare(table).unwrap();
        let columns = query.column_count();
        let mut found = query.query([]).unwrap();
        while let Some(row) = found.next().unwrap() {
            let fields: Vec<_> = (0..columns).map(|at| format!("{:?}", row.get_ref(at).unwrap())).collect();
            rows.push(fields.join(" "));
        }
    }
    rows
}

/// The same store three times: written to by SQL, one by one, and in bulk.
struct Three {
    _dir: tempfile::TempDir,
    clock: Clock,
    now: i64,
    plain: Store,
    single: Store,
    bulk: Store,
}

impl Three {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let now = 1_800_000_000_000;
        let clock = Clock::manual(Timestamp(now));
        let open = |name: &str| {
            let mut options = StoreOptions::new(dir.path().join(name));
            options.clock = clock.clone();
            Store::create(&options).unwrap()
        };
        let (plain, single, bulk) = (open("plain.db"), open("single.db"), open("bulk.db"));
        Self { _dir: dir, clock, now, plain, single, bulk }
    }

    fn all(&self, f: impl Fn(&Store)) {
        [&self.plain, &self.single, &self.bulk].into_iter().for_each(f);
    }

    fn pass(&mut self, millis: i64) {
        self.now += millis;
        self.clock.set(Timestamp(self.now));
    }

    fn client(&self) -> Plain {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE;
        let conn = Connection::open_with_flags_and_vfs(self.plain.path(), flags, c"larder").unwrap();
        conn.execute_batch("PRAGMA synchronous=OFF").unwrap();
        self.plain.read(|_| Ok(())).unwrap();
        Plain { conn, prefix: "", now: self.now }
    }

    /// Runs the operations all ways; returns how many ran into a quota.
    fn run(&self, ops: &[Op]) -> usize {
        let expected = self.client().run(ops);
        assert_eq!(expected, one_by_one(&self.single, ops), "{ops:?}");
        assert_eq!(expected, in_bulk(&self.bulk, ops), "{ops:?}");
        expected.iter().filter(|said| **said == Err("quota")).count()
    }

    fn compare(&self) {
        let expected = dump(self.plain.path());
        for store in [&self.single, &self.bulk] {
            let got = dump(store.path());
            for (expected, got) in expected.iter().zip(&got) {
                assert_eq!(expected, got);
            }
            assert_eq!(expected.len(), got.len());
        }
    }
}

#[test]
fn leave_what_the_triggers_leave() {
    let mut over_quota = 0;
    for seed in 1..=6u64 {
        let mut three = Three::new();
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let limit = |random: &mut Random, n| {
            (random.below(3) > 0).then(|| i64::try_from(1 + random.below(n)).unwrap())
        };
        for _ in 0..40 {
            if random.below(4) == 0 {
                let name = Namespace::new(random.pick(&["a", "b", "A"])).unwrap();
                let limits = Limits {
                    keys: limit(&mut random, 20),
                    bytes: limit(&mut random, 300),
                    groups: limit(&mut random, 3),
                };
                three.all(|store| store.write(|tx| tx.set_limits(&name, limits)).unwrap());
            }
            if random.below(4) == 0 {
                // As of a queue: it ends with the group.
                let group = random.pick(&GROUPS);
                three.all(|store| {
                    let conn = Connection::open(store.path()).unwrap();
                    conn.execute("UPDATE larder_groups SET taken=7 WHERE group_name=?1", [group]).unwrap();
                });
            }
            if random.below(8) == 0 {
                three.client().purge();
                for store in [&three.single, &three.bulk] {
                    store.purge(None, KeepChanges::Bounded, |_| {}).unwrap();
                }
            }
            let ops: Vec<Op> =
                (0..=random.below(40)).map(|_| op(&mut random, Timestamp(three.now))).collect();
            over_quota += three.run(&ops);
            three.compare();
            // The clock is sometimes set back.
            three.pass(i64::try_from(random.below(200)).unwrap() - 20);
        }
    }
    assert!(over_quota > 50, "{over_quota}");
}

#[test]
fn bound_the_log_as_the_triggers_do() {
    for seed in 1..=4u64 {
        let mut three = Three::new();
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        for position in [None, Some(25), Some(70)] {
            for _ in 0..6 {
                let ops: Vec<Op> = (0..10).map(|_| op(&mut random, Timestamp(three.now))).collect();
                three.run(&ops);
                // So that some changes are too young to go, and not in order.
                three.pass(i64::try_from(random.below(400_000)).unwrap() - 150_000);
            }
            // As if the log had grown by more bytes than it keeps.
            three.all(|store| {
                let conn = Connection::open(store.path()).unwrap();
                conn.execute_batch(
                    "UPDATE larder_changes SET total=total+70000000 WHERE seq=(SELECT max(seq) FROM larder_changes)",
                )
                .unwrap();
                if let Some(position) = position {
                    let sql = "INSERT INTO larder_consumers VALUES('c',?1,0,'',NULL)ON CONFLICT DO UPDATE SET position=excluded.position";
                    conn.execute(sql, [position]).unwrap();
                }
            });
            for _ in 0..8 {
                three.pass(200_000);
                let ops: Vec<Op> = (0..10).map(|_| op(&mut random, Timestamp(three.now))).collect();
                three.run(&ops);
                three.compare();
            }
        }
        let oldest = three.bulk.read(|tx| tx.log_span()).unwrap().oldest;
        assert!(oldest > 10, "the log was trimmed: {oldest}");
    }
}

#[test]
fn many_groups_do_not_stay_in_memory() {
    let three = Three::new();
    let names: Vec<String> = (0..5000).map(|n| format!("n{}:{}", n % 70, n / 2)).collect();
    let client = three.client();
    client.conn.execute_batch("BEGIN").unwrap();
    for (n, group) in names.iter().chain(&names).enumerate() {
        client.set(group, &n.to_string(), b"v", Expiry::Never, &Condition::Any).unwrap();
    }
    client.conn.execute_batch("COMMIT").unwrap();
    three
        .bulk
        .bulk(|bulk| {
            for (n, group) in names.iter().chain(&names).enumerate() {
                bulk.set(group, n.to_string(), b"v", Expiry::Never, &Condition::Any)?;
            }
            Ok(())
        })
        .unwrap();
    assert!(dump(three.plain.path()) == dump(three.bulk.path()));
}

#[test]
fn work_in_their_scope() {
    let three = Three::new();
    let scoped = |store: &Store| {
        let mut options = StoreOptions::new(store.path());
        options.clock = three.clock.clone();
        options.scope = Scope(Namespace::new("a"));
        Store::create(&options).unwrap()
    };
    let (single, bulk) = (scoped(&three.single), scoped(&three.bulk));
    let mut random = Random(7);
    let ops: Vec<Op> = (0..100).map(|_| op(&mut random, Timestamp(three.now))).collect();
    let expected = Plain { prefix: "a:", ..three.client() }.run(&ops);
    assert_eq!(expected, one_by_one(&single, &ops));
    assert_eq!(expected, in_bulk(&bulk, &ops));
    three.compare();
}

#[test]
fn a_rehearsal_leaves_nothing() {
    let three = Three::new();
    let before = dump(three.bulk.path());
    let version =
        three.bulk.rehearse(|bulk| bulk.set("g", "k", b"v", Expiry::Never, &Condition::Any)).unwrap();
    assert_eq!(version, 1);
    assert_eq!(dump(three.bulk.path()), before);
    three.run(&[Op::Set("g", "k".into(), b"v".into(), Expiry::Never, Condition::Any)]);
    three.compare();
}

#[test]
fn a_large_group_goes_in_one_change() {
    let mut three = Three::new();
    let soon = Expiry::At(Timestamp(three.now + 10));
    three.all(|store| {
        store
            .bulk(|bulk| {
                for group in ["a:x", "a:y", "b:x"] {
                    for key in 0..2000 {
                        let expiry = if key % 7 == 0 { soon } else { Expiry::Never };
                        bulk.set(group, key.to_string(), b"value", expiry, &Condition::Any)?;
                    }
                }
                Ok(())
            })
            .unwrap();
    });
    three.pass(20);
    let newest = three.single.read(|tx| tx.log_span()).unwrap().newest;
    three.run(&[Op::DeleteGroup("a:x")]);
    three.compare();
    let left = Connection::open(three.single.path()).unwrap();
    let log = format!(
        "SELECT group_concat(type||n) FROM (SELECT type,count(*)n FROM larder_changes WHERE seq>{newest} GROUP BY type ORDER BY min(seq))"
    );
    let log: String = left.query_row(&log, [], |row| row.get(0)).unwrap();
    assert_eq!(log, "expire286,delete_group1");
}
