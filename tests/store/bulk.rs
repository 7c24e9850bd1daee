//! A bulk writer keeps the books itself, with the triggers switched off. Both
//! ways must leave the same file, to the last row of every table.

use std::path::Path;
use std::time::Duration;

use larder::clock::{Clock, Timestamp};
use larder::store::{Condition, Error, Expiry, Limits, Namespace, Scope, Store, StoreOptions};

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
        _ => Op::Set(group, key, value(random), expiry, condition),
    }
}

/// What an operation said, refusals included.
type Said = Result<i64, String>;

fn refusal(result: Result<i64, Error>) -> Result<Said, Error> {
    match result {
        Ok(number) => Ok(Ok(number)),
        Err(error) if error.is_refusal() => Ok(Err(error.to_string())),
        Err(error) => Err(error),
    }
}

fn by_triggers(store: &Store, ops: &[Op]) -> Vec<Said> {
    let run = |tx: &larder::store::Transaction<'_>, op: &Op| match op {
        Op::Set(g, k, v, expiry, condition) => tx.set(g, k, v, *expiry, condition).map(|e| e.version),
        Op::Delete(g, k, condition) => tx.delete(g, k, condition).map(i64::from),
        Op::Expire(g, k, expiry) => tx.expire(g, k, *expiry, &Condition::Any).map(|e| e.version),
        Op::Incr(g, k, by) => tx.incr(g, k, *by).map(|(sum, version)| sum * 1000 + version),
    };
    store.write(|tx| ops.iter().map(|op| refusal(run(tx, op))).collect()).unwrap()
}

fn in_bulk(store: &Store, ops: &[Op]) -> Vec<Said> {
    store
        .bulk(|bulk| {
            ops.iter()
                .map(|op| {
                    refusal(match op {
                        Op::Set(g, k, v, expiry, condition) => bulk.set(g, k, v, *expiry, condition),
                        Op::Delete(g, k, condition) => bulk.delete(g, k, condition).map(i64::from),
                        Op::Expire(g, k, expiry) => bulk.expire(g, k, *expiry, &Condition::Any),
                        Op::Incr(g, k, by) => bulk.incr(g, k, *by).map(|(sum, version)| sum * 1000 + version),
                    })
                })
                .collect()
        })
        .unwrap()
}

/// Every row of every table that writing touches.
fn dump(path: &Path) -> Vec<String> {
    let conn = rusqlite::Connection::open(path).unwrap();
    let mut rows = Vec::new();
    for table in [
        "SELECT rowid,hex(group_name),hex(entry_key),hex(entry_value),typeof(entry_value),expires_at,version,updated_at FROM entries ORDER BY 1",
        "SELECT 'change',seq,at,type,hex(group_name),hex(entry_key),hex(entry_value),typeof(entry_value),expires_at,bytes,total FROM larder_changes ORDER BY seq",
        "SELECT 'group',hex(group_name),keys,bytes,namespace FROM larder_groups ORDER BY group_name",
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

struct Pair {
    _dir: tempfile::TempDir,
    clock: Clock,
    now: i64,
    triggers: Store,
    bulk: Store,
}

impl Pair {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let now = 1_800_000_000_000;
        let clock = Clock::manual(Timestamp(now));
        let open = |name: &str| {
            let mut options = StoreOptions::new(dir.path().join(name));
            options.clock = clock.clone();
            Store::create(&options).unwrap()
        };
        let (triggers, bulk) = (open("triggers.db"), open("bulk.db"));
        Self { _dir: dir, clock, now, triggers, bulk }
    }

    fn both(&self, f: impl Fn(&Store)) {
        f(&self.triggers);
        f(&self.bulk);
    }

    fn pass(&mut self, millis: i64) {
        self.now += millis;
        self.clock.set(Timestamp(self.now));
    }

    /// Runs the operations both ways; returns how many ran into a quota.
    fn run(&self, ops: &[Op]) -> usize {
        let (expected, got) = (by_triggers(&self.triggers, ops), in_bulk(&self.bulk, ops));
        assert_eq!(expected, got, "{ops:?}");
        got.iter().filter(|said| matches!(said, Err(why) if why.contains("may hold"))).count()
    }

    fn compare(&self) {
        let (expected, got) = (dump(self.triggers.path()), dump(self.bulk.path()));
        for (expected, got) in expected.iter().zip(&got) {
            assert_eq!(expected, got);
        }
        assert_eq!(expected.len(), got.len());
    }
}

#[test]
fn leaves_what_the_triggers_leave() {
    let mut over_quota = 0;
    for seed in 1..=6u64 {
        let mut pair = Pair::new();
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
                pair.both(|store| store.write(|tx| tx.set_limits(&name, limits)).unwrap());
            }
            if random.below(6) == 0 {
                let group = random.pick(&GROUPS);
                pair.both(|store| {
                    store.write(|tx| tx.delete_group(group)).unwrap();
                });
            }
            let ops: Vec<Op> = (0..=random.below(40)).map(|_| op(&mut random, Timestamp(pair.now))).collect();
            over_quota += pair.run(&ops);
            pair.compare();
            pair.pass(i64::try_from(random.below(200)).unwrap());
        }
    }
    assert!(over_quota > 50, "{over_quota}");
}

#[test]
fn bounds_the_log_as_the_triggers_do() {
    let mut pair = Pair::new();
    let mut random = Random(99);
    for position in [None, Some(25)] {
        let ops: Vec<Op> = (0..60).map(|_| op(&mut random, Timestamp(pair.now))).collect();
        pair.run(&ops);
        // As if the log had grown by more bytes than it keeps.
        pair.both(|store| {
            let conn = rusqlite::Connection::open(store.path()).unwrap();
            conn.execute_batch(
                "UPDATE larder_changes SET total=total+70000000 WHERE seq=(SELECT max(seq) FROM larder_changes)",
            )
            .unwrap();
            if let Some(position) = position {
                conn.execute("INSERT INTO larder_consumers VALUES('c',?1,0,'',NULL)", [position]).unwrap();
            }
        });
        pair.pass(700_000);
        for _ in 0..4 {
            let ops: Vec<Op> = (0..10).map(|_| op(&mut random, Timestamp(pair.now))).collect();
            pair.run(&ops);
            pair.compare();
        }
    }
    let oldest = pair.bulk.read(|tx| tx.log_span()).unwrap().oldest;
    assert!(oldest > 10, "the log was trimmed: {oldest}");
}

#[test]
fn many_groups_do_not_stay_in_memory() {
    let pair = Pair::new();
    let names: Vec<String> = (0..5000).map(|n| format!("n{}:{}", n % 70, n / 2)).collect();
    pair.triggers
        .write(|tx| {
            for (n, group) in names.iter().chain(&names).enumerate() {
                tx.set(group, n.to_string(), b"v", Expiry::Never, &Condition::Any)?;
            }
            Ok(())
        })
        .unwrap();
    pair.bulk
        .bulk(|bulk| {
            for (n, group) in names.iter().chain(&names).enumerate() {
                bulk.set(group, n.to_string(), b"v", Expiry::Never, &Condition::Any)?;
            }
            Ok(())
        })
        .unwrap();
    pair.compare();
}

#[test]
fn works_in_its_scope() {
    let pair = Pair::new();
    let scoped = |store: &Store| {
        let mut options = StoreOptions::new(store.path());
        options.clock = pair.clock.clone();
        options.scope = Scope(Namespace::new("a"));
        Store::create(&options).unwrap()
    };
    let (triggers, bulk) = (scoped(&pair.triggers), scoped(&pair.bulk));
    let mut random = Random(7);
    let ops: Vec<Op> = (0..100).map(|_| op(&mut random, Timestamp(pair.now))).collect();
    assert_eq!(by_triggers(&triggers, &ops), in_bulk(&bulk, &ops));
    pair.compare();
}

#[test]
fn a_rehearsal_leaves_nothing() {
    let pair = Pair::new();
    let before = dump(pair.bulk.path());
    let version =
        pair.bulk.rehearse(|bulk| bulk.set("g", "k", b"v", Expiry::Never, &Condition::Any)).unwrap();
    assert_eq!(version, 1);
    assert_eq!(dump(pair.bulk.path()), before);
    // The triggers run again after it.
    pair.bulk.write(|tx| tx.set("g", "k", b"v", Expiry::Never, &Condition::Any)).unwrap();
    pair.triggers.write(|tx| tx.set("g", "k", b"v", Expiry::Never, &Condition::Any)).unwrap();
    pair.compare();
}

#[test]
fn a_large_group_goes_in_one_change() {
    let mut pair = Pair::new();
    let soon = Expiry::At(Timestamp(pair.now + 10));
    let fill = |keys: usize| {
        move |store: &Store| {
            store
                .bulk(|bulk| {
                    for group in ["a:x", "a:y", "b:x"] {
                        for key in 0..keys {
                            let expiry = if key % 7 == 0 { soon } else { Expiry::Never };
                            bulk.set(group, key.to_string(), b"value", expiry, &Condition::Any)?;
                        }
                    }
                    Ok(())
                })
                .unwrap();
        }
    };
    // Beyond and below the size from which the triggers are switched off.
    fill(2000)(&pair.bulk);
    fill(500)(&pair.triggers);
    pair.pass(20);
    for (store, live) in [(&pair.bulk, 2000 - 286), (&pair.triggers, 500 - 72)] {
        let newest = store.read(|tx| tx.log_span()).unwrap().newest;
        assert_eq!(store.write(|tx| tx.delete_group("a:x")).unwrap(), live);
        let left = rusqlite::Connection::open(store.path()).unwrap();
        let number = |sql: &str| left.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
        assert_eq!(number("SELECT count(*) FROM entries WHERE group_name='a:x'"), 0);
        assert_eq!(number("SELECT count(*) FROM larder_groups WHERE group_name='a:x'"), 0);
        let log = format!(
            "SELECT group_concat(type) FROM (SELECT type FROM larder_changes WHERE seq>{newest} GROUP BY type ORDER BY min(seq))"
        );
        assert_eq!(left.query_row(&log, [], |row| row.get::<_, String>(0)).unwrap(), "expire,delete_group");
        assert_eq!(number("SELECT count(*) FROM larder_changes WHERE type='delete_group'"), 1);
        for column in ["keys", "bytes", "groups"] {
            let sum = match column {
                "keys" => "count(*)",
                "bytes" => "sum(octet_length(entry_key)+octet_length(entry_value))",
                _ => "count(DISTINCT group_name)",
            };
            assert_eq!(
                number(&format!("SELECT {column} FROM larder_namespaces WHERE namespace='a'")),
                number(&format!("SELECT {sum} FROM entries WHERE group_name LIKE 'a:%'")),
                "{column}"
            );
        }
    }
}
