//! Time: rows a millisecond either side of now, before 1970, at the end of
//! time; and a clock that is set back between two commands.

use larder::clock::{Clock, Timestamp};
use larder::store::{Condition, Expiry, KeepChanges, Store, StoreOptions};

use crate::harness::{Home, Rng, size};

const NOON: i64 = 1_800_000_000_000;

fn store(home: &Home, clock: &Clock) -> Store {
    let mut options = StoreOptions::new(home.db());
    options.clock = clock.clone();
    Store::create(&options).unwrap()
}

fn set(store: &Store, key: &str, expiry: Expiry) -> i64 {
    store.write(|tx| tx.set("g", key, b"v", expiry, &Condition::Any)).unwrap().version
}

fn has(store: &Store, key: &str) -> bool {
    store.read(|tx| Ok(tx.get("g", key).is_ok())).unwrap()
}

#[test]
fn a_millisecond_decides() {
    let home = Home::new();
    let clock = Clock::manual(Timestamp(NOON));
    let store = store(&home, &clock);
    for (key, at) in [("before", NOON + 9), ("now", NOON + 10), ("after", NOON + 11)] {
        set(&store, key, Expiry::At(Timestamp(at)));
    }
    clock.set(Timestamp(NOON + 10));
    assert!(!has(&store, "before") && !has(&store, "now") && has(&store, "after"));
    assert_eq!(store.read(|tx| tx.count("g")).unwrap(), 1);
    assert_eq!(store.purge(None, KeepChanges::Bounded, |_| {}).unwrap().entries, 2);
    assert!(has(&store, "after"));
    home.check();
}

#[test]
fn times_at_the_ends_of_time() {
    let home = Home::new();
    let clock = Clock::manual(Timestamp(NOON));
    let store = store(&home, &clock);
    let ends = [("last", i64::MAX), ("first", i64::MIN), ("negative", -1), ("zero", 0), ("one", 1)];
    for (key, at) in ends {
        set(&store, key, Expiry::At(Timestamp(at)));
    }
    for (key, at) in ends {
        assert_eq!(has(&store, key), at > NOON, "{key}");
    }
    // From outside, too: shown, listed, purged, without a panic.
    for words in
        [&["--json", "get", "g", "last"][..], &["list", "g", "--long"], &["ttl", "g", "last"], &["info"]]
    {
        home.ok(words);
    }
    // Negative clocks come from boards without a battery.
    clock.set(Timestamp(-5));
    assert!(has(&store, "negative") && has(&store, "zero") && !has(&store, "first"));
    set(&store, "early", Expiry::At(Timestamp(-1)));
    assert!(has(&store, "early"));
    clock.set(Timestamp(i64::MAX));
    assert!(!has(&store, "last"));
    clock.set(Timestamp(NOON));
    store.purge(None, KeepChanges::Bounded, |_| {}).unwrap();
    assert!(has(&store, "last"));
    home.check();
}

#[test]
fn a_clock_set_back_costs_nothing_live() {
    let mut rng = Rng::new("a_clock_set_back_costs_nothing_live");
    let home = Home::new();
    let clock = Clock::manual(Timestamp(NOON));
    let store = store(&home, &clock);
    let mut now = NOON;
    let mut due: Vec<(String, Option<i64>)> = Vec::new();
    let mut last = 0;
    for step in 0..size(1500) {
        now += [1, 50, 3_600_000, -40, -7_200_000, -1][rng.below(6)];
        clock.set(Timestamp(now));
        let key = format!("k{step}");
        let at = (!rng.one_in(3)).then(|| now + 1 + i64::try_from(rng.below(5_000_000)).unwrap());
        let version = set(&store, &key, at.map_or(Expiry::Never, |at| Expiry::At(Timestamp(at))));
        assert!(version > last, "sequence numbers fell from {last} to {version}");
        last = version;
        due.push((key, at));
        if rng.one_in(40) {
            store.purge(None, KeepChanges::Younger(std::time::Duration::from_mins(1)), |_| {}).unwrap();
            // What was due at the moment of the purge may be gone for good.
            due.retain(|(_, at)| at.is_none_or(|at| at > now));
        }
    }
    for (key, at) in &due {
        assert!(at.is_some_and(|at| at <= now) || has(&store, key), "{key} was live and is gone");
    }
    let newest = store.read(|tx| tx.log_span()).unwrap();
    assert!(newest.newest >= last);
    home.check();
}
