//! kill -9 at any moment: what was acknowledged is there, what was not is
//! there whole or not at all.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Child;
use std::thread;
use std::time::Duration;

use crate::harness::{Home, OLD_FORMS, Rng, old_store, size, told};

/// How long a victim may live. It follows the machine: about every other run
/// should get through, however slow or busy it is.
struct Mercy(Duration);

impl Mercy {
    fn new() -> Self {
        Self(Duration::from_millis(8))
    }

    /// Lets a process run for a random while, then kills it. Whether it had
    /// ended by itself, with success: then what it did is acknowledged.
    fn kill(&mut self, mut child: Child, rng: &mut Rng) -> bool {
        thread::sleep(Duration::from_nanos(rng.next() % u64::try_from(self.0.as_nanos()).unwrap()));
        child.kill().unwrap();
        let output = child.wait_with_output().unwrap();
        let failed = output.status.code().is_some_and(|code| code != 0);
        assert!(!failed, "failed before it was killed: {}", told(&output));
        let sure = output.status.success();
        self.0 = if sure { self.0.mul_f64(0.9) } else { self.0.mul_f64(1.1) };
        self.0 = self.0.clamp(Duration::from_millis(1), Duration::from_secs(1));
        sure
    }
}

/// What one writer knows: what was acknowledged, and what may have happened.
#[derive(Default)]
struct Ledger {
    /// Last acknowledged value of a key, and the later ones in doubt.
    keys: BTreeMap<String, (Option<usize>, Vec<usize>)>,
    /// Acknowledged and doubtful increments.
    sure: usize,
    doubt: usize,
    kills: usize,
}

fn write_and_be_killed(home: &Home, name: &str, kills: usize, mut rng: Rng) -> Ledger {
    let mut ledger = Ledger::default();
    let (mut number, mut mercy) = (0, Mercy::new());
    while ledger.kills < kills {
        number += 1;
        let key = format!("k{}", rng.below(40));
        let increment = rng.one_in(4);
        let child = if increment {
            home.start(["incr", name, "counter"])
        } else {
            home.start(["set", name, &key, &number.to_string()])
        };
        let sure = mercy.kill(child, &mut rng);
        ledger.kills += usize::from(!sure);
        match (increment, sure) {
            (true, true) => ledger.sure += 1,
            (true, false) => ledger.doubt += 1,
            (false, true) => *ledger.keys.entry(key).or_default() = (Some(number), Vec::new()),
            (false, false) => ledger.keys.entry(key).or_default().1.push(number),
        }
    }
    ledger
}

fn compare(home: &Home, name: &str, ledger: &Ledger) {
    let listed = home.ok(["list", name, "--values"]);
    let found: BTreeMap<&str, usize> = listed
        .lines()
        .map(|line| line.split_once('\t').unwrap())
        .map(|(key, value)| (key, value.parse().unwrap()))
        .collect();
    for (key, (sure, doubt)) in &ledger.keys {
        let value = found.get(key.as_str()).copied();
        assert!(
            value == *sure || value.is_some_and(|value| doubt.contains(&value)),
            "{name} {key} is {value:?}; acknowledged {sure:?}, in doubt {doubt:?}"
        );
    }
    let counter = found.get("counter").copied().unwrap_or(0);
    assert!(
        (ledger.sure..=ledger.sure + ledger.doubt).contains(&counter),
        "{name}: counter {counter}, {} acknowledged, {} in doubt",
        ledger.sure,
        ledger.doubt
    );
}

#[test]
fn four_writers_killed_a_thousand_times_lose_nothing() {
    let mut rng = Rng::new("four_writers_killed_a_thousand_times_lose_nothing");
    let rounds = 10;
    let kills = size(1000) / rounds / 4;
    let mut acknowledged = 0;
    for _ in 0..rounds {
        let home = Home::new();
        let names: Vec<String> = (0..4).map(|writer| format!("w{writer}")).collect();
        let ledgers: Vec<Ledger> = thread::scope(|scope| {
            let handles: Vec<_> = names
                .iter()
                .map(|name| {
                    let (home, rng) = (&home, rng.fork());
                    scope.spawn(move || write_and_be_killed(home, name, kills, rng))
                })
                .collect();
            handles.into_iter().map(|handle| handle.join().unwrap()).collect()
        });
        for (name, ledger) in names.iter().zip(&ledgers) {
            compare(&home, name, ledger);
        }
        home.check();
        acknowledged += ledgers.iter().map(|ledger| ledger.sure).sum::<usize>();
    }
    assert!(acknowledged > 0, "nothing was ever acknowledged");
}

#[test]
fn a_killed_batch_is_whole_or_absent() {
    let mut rng = Rng::new("a_killed_batch_is_whole_or_absent");
    let home = Home::new();
    home.ok(["set", "start", "k", "v"]);
    let (mut killed, mut batch, mut mercy) = (0, 0, Mercy::new());
    while killed < size(300) {
        batch += 1;
        let file = home.file(format!("batch{batch}"));
        let lines: Vec<String> = (0..50)
            .map(|n| format!(r#"{{"op":"set","group":"b{batch}","key":"k{n}","value":"{n}"}}"#))
            .collect();
        fs::write(&file, lines.join("\n") + "\n").unwrap();
        let child = home.start([std::ffi::OsStr::new("batch"), file.as_os_str()]);
        let sure = mercy.kill(child, &mut rng);
        killed += usize::from(!sure);
        let group = format!("b{batch}");
        let keys: usize = home.ok(["count", &group]).trim().parse().unwrap();
        let logged = home.number(&format!("SELECT count(*)FROM larder_changes WHERE group_name='{group}'"));
        assert!(keys == 50 || (keys == 0 && !sure), "batch {batch}: {keys} keys, acknowledged: {sure}");
        assert_eq!(logged, i64::try_from(keys).unwrap(), "batch {batch}: the log tells another story");
        fs::remove_file(file).unwrap();
    }
    home.check();
}

#[test]
fn a_killed_migration_can_be_done_again() {
    let mut rng = Rng::new("a_killed_migration_can_be_done_again");
    let rows = 400;
    for form in OLD_FORMS {
        let pristine = Home::new();
        old_store(&pristine.db(), form, rows);
        let (mut kills, mut mercy) = (0, Mercy::new());
        while kills < size(50) {
            let home = Home::new();
            fs::copy(pristine.db(), home.db()).unwrap();
            // Killed again and again on the same file, until one gets through.
            loop {
                let child = if rng.one_in(2) {
                    home.start(["list", "g"])
                } else {
                    home.start(["set", "other", "k", "v"])
                };
                if mercy.kill(child, &mut rng) {
                    break;
                }
                kills += 1;
            }
            let listed = home.ok(["list", "g", "--values"]);
            assert_eq!(listed.lines().count(), rows, "{form}");
            for line in listed.lines() {
                let (key, value) = line.split_once('\t').unwrap();
                assert_eq!(key[1..], value[1..], "{form}");
            }
            home.check();
        }
    }
}

/// Killed while the schema of an earlier larder is upgraded, the file has the
/// old schema or the new one, and nothing else of it has changed.
#[test]
fn a_killed_upgrade_can_be_done_again() {
    for earlier in ["schema-1.db", "schema-2.db"] {
        upgrades_are_killed(earlier);
    }
}

fn upgrades_are_killed(earlier: &str) {
    let mut rng = Rng::new(earlier);
    let rows = 3000;
    let pristine = Home::new();
    let earlier = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(earlier);
    fs::copy(earlier, pristine.db()).unwrap();
    {
        let conn = rusqlite::Connection::open(pristine.db()).unwrap();
        conn.execute_batch(&format!(
            "WITH n(i)AS(VALUES(1)UNION ALL SELECT i+1 FROM n WHERE i<{rows})INSERT INTO entries(group_name,entry_key,entry_value,expires_at)SELECT 'g','k'||i,'v'||i,9000000000000 FROM n;PRAGMA wal_checkpoint(TRUNCATE)"
        ))
        .unwrap();
    }
    let (mut kills, mut mercy) = (0, Mercy::new());
    while kills < size(50) {
        let home = Home::new();
        fs::copy(pristine.db(), home.db()).unwrap();
        loop {
            let child = if rng.one_in(2) {
                home.start(["list", "g"])
            } else {
                home.start(["set", "other", "k", "v"])
            };
            if mercy.kill(child, &mut rng) {
                break;
            }
            kills += 1;
        }
        let listed = home.ok(["list", "g", "--values"]);
        assert_eq!(listed.lines().count(), rows);
        for line in listed.lines() {
            let (key, value) = line.split_once('\t').unwrap();
            assert_eq!(key[1..], value[1..]);
        }
        assert_eq!(home.ok(["consumer", "list"]).lines().count(), 3);
        home.check();
    }
}
