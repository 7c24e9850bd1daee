use larder::store::{Condition, Error, Expiry};
use rusqlite::params;

use crate::{Fixture, START};

/// What the triggers keep, in changes and bytes: the soft bounds spare what is
/// younger than ten minutes or waits for a consumer, the hard ones nothing.
const SOFT: (i64, i64) = (100_000, 64 << 20);
const HARD: (i64, i64) = (4_000_000, 1 << 30);
const TEN_MINUTES: i64 = 600_000;

/// Replaces the log by two old changes and one new one, so far apart in
/// numbers and bytes.
fn stretch(f: &Fixture, changes: i64, bytes: i64, age: i64) {
    let conn = f.plain();
    conn.execute_batch("BEGIN; DELETE FROM larder_changes").unwrap();
    for (seq, at, total) in [
        (1, START - age, 1),
        (2, START - age, 2),
        (1 + changes, START, bytes),
        (2 + changes, START, bytes + 1),
    ] {
        conn.execute(
            "INSERT INTO larder_changes VALUES(?1,?2,'set','old','k','v',NULL,1,?3,NULL)",
            params![seq, at, total],
        )
        .unwrap();
    }
    conn.execute_batch("COMMIT").unwrap();
}

fn oldest(f: &Fixture) -> i64 {
    f.store.read(|tx| tx.log_span()).unwrap().oldest
}

#[test]
fn the_log_bounds_itself_with_every_write() {
    for (changes, bytes) in [(SOFT.0 + 10, 10), (10, SOFT.1 + 10)] {
        let f = Fixture::new();
        stretch(&f, changes, bytes, TEN_MINUTES + 1);
        f.set("g", "k", "v");
        assert_eq!(oldest(&f), 1 + changes, "{changes} changes, {bytes} bytes");
        // An update makes room as an insert does.
        stretch(&f, changes, bytes, TEN_MINUTES + 1);
        f.set("g", "k", "w");
        assert_eq!(oldest(&f), 1 + changes, "{changes} changes, {bytes} bytes");
    }
}

#[test]
fn what_is_within_bounds_or_young_stays() {
    for (changes, bytes, age) in [
        (SOFT.0 - 10, SOFT.1 - 10, TEN_MINUTES * 1000),
        (SOFT.0 + 10, SOFT.1 + 10, TEN_MINUTES),
        (HARD.0 - 10, HARD.1 - 10, 0),
    ] {
        let f = Fixture::new();
        stretch(&f, changes, bytes, age);
        f.set("g", "k", "v");
        f.set("g", "k", "w");
        assert_eq!(oldest(&f), 1, "{changes} changes, {bytes} bytes, {age} ms");
    }
}

#[test]
fn the_hard_bounds_spare_nothing() {
    for (changes, bytes) in [(HARD.0 + 10, 10), (10, HARD.1 + 10)] {
        let f = Fixture::new();
        stretch(&f, changes, bytes, 0);
        f.plain()
            .execute_batch("INSERT INTO larder_consumers(name,position,updated_at)VALUES('c',0,0)")
            .unwrap();
        f.set("g", "k", "v");
        assert_eq!(oldest(&f), 1 + changes, "{changes} changes, {bytes} bytes");
    }
}

#[test]
fn a_consumer_holds_back_what_it_has_yet_to_handle() {
    let f = Fixture::new();
    stretch(&f, SOFT.0 + 10, 10, TEN_MINUTES + 1);
    f.plain()
        .execute_batch(
            "INSERT INTO larder_consumers(name,position,updated_at)VALUES('slow',1,0),('quick',9,0)",
        )
        .unwrap();
    f.set("g", "k", "v");
    assert_eq!(oldest(&f), 2, "the slower of two has handled change 1");
    f.plain().execute_batch("DELETE FROM larder_consumers WHERE name='slow'").unwrap();
    f.set("g", "k", "v");
    assert_eq!(oldest(&f), 1 + SOFT.0 + 10);
}

/// A write once made room for two changes whatever its size: large values
/// after many small ones grew the file until all the small ones were gone.
#[test]
fn a_large_value_makes_room_for_its_size() {
    let f = Fixture::new();
    let conn = f.plain();
    conn.execute_batch(&format!(
        "BEGIN; DELETE FROM larder_changes;
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<3000)
         INSERT INTO larder_changes SELECT i,{old},'set','old','k','',NULL,1,i,NULL FROM n;
         INSERT INTO larder_changes VALUES(4000,{START},'set','old','k','',NULL,1,{total},NULL);
         COMMIT",
        old = START - TEN_MINUTES - 1,
        total = SOFT.1 + 4000,
    ))
    .unwrap();
    f.set("g", "k", &"x".repeat(1 << 20));
    assert_eq!(oldest(&f), 1 + 2 + 1024);
    f.set("g", "k", &"y".repeat(1 << 20));
    assert_eq!(oldest(&f), 1 + 2 * (2 + 1024));
}

#[test]
fn the_newest_change_always_stays() {
    let f = Fixture::new();
    stretch(&f, HARD.0 + 10, HARD.1 + 10, TEN_MINUTES + 1);
    f.set("g", "k", "v");
    f.store.write(|tx| tx.delete("g", "k", &Condition::Any)).unwrap();
    let newest = f.seq();
    f.plain().execute("DELETE FROM larder_changes WHERE seq<?1", [newest]).unwrap();
    assert_eq!(f.set("g", "k", "v").version, newest + 1);
}

#[test]
fn an_empty_log_stops_writers_instead_of_losing_changes() {
    let f = Fixture::new();
    f.set("g", "k", "v");
    f.plain().execute_batch("DELETE FROM larder_changes").unwrap();
    let error = f.try_set("g", "k", "w").unwrap_err();
    assert!(matches!(error, Error::Unusable { .. }), "{error}");
    let foreign =
        f.plain().execute("INSERT INTO entries(group_name,entry_key,entry_value)VALUES('g','l','v')", []);
    assert!(foreign.is_err());
    assert_eq!(f.get("g", "k").as_deref(), Some("v"));
}

#[test]
fn a_group_goes_as_one_change() {
    let f = Fixture::new();
    f.set("g", "1", "v");
    f.set("g", "2", "v");
    f.set_until("g", "due", "v", START + 10);
    f.set("h", "1", "v");
    f.now(10);
    let before = f.seq();
    assert_eq!(f.store.write(|tx| tx.delete_group("g")).unwrap(), 2);
    assert_eq!(f.log(before), ["expire g due", "delete_group g"]);
    assert_eq!(f.keys("h"), ["1"]);
    // What is written to the group afterwards is on its own again.
    f.set("g", "1", "w");
    f.store.write(|tx| tx.delete("g", "1", &Condition::Any)).unwrap();
    assert_eq!(f.log(before + 2), ["set g 1 w", "delete g 1"]);
    // An absent group, one of due entries only: no change for the group.
    let before = f.seq();
    assert_eq!(f.store.write(|tx| tx.delete_group("absent")).unwrap(), 0);
    f.set_until("g", "due", "v", START + 20);
    f.now(20);
    assert_eq!(f.store.write(|tx| tx.delete_group("g")).unwrap(), 0);
    assert_eq!(f.log(before), ["set g due v", "expire g due"]);
    f.recount();
}

#[test]
fn two_groups_deleted_one_after_the_other() {
    let f = Fixture::new();
    for group in ["g", "h"] {
        f.set(group, "1", "v");
        f.set(group, "2", "v");
    }
    let before = f.seq();
    f.store
        .write(|tx| {
            tx.delete_group("g")?;
            // The log's newest change speaks for g, not for h.
            tx.delete("h", "1", &Condition::Any)?;
            tx.set("g", "3", b"v", Expiry::Never, &Condition::Any)?;
            tx.delete_group("h")?;
            tx.delete_group("g")
        })
        .unwrap();
    assert_eq!(
        f.log(before),
        ["delete_group g", "delete h 1", "set g 3 v", "delete_group h", "delete_group g"]
    );
    f.recount();
}

#[test]
fn a_position_that_was_trimmed_says_so() {
    let f = Fixture::new();
    for value in ["1", "2", "3", "4"] {
        f.set("g", "k", value);
    }
    f.plain().execute_batch("DELETE FROM larder_changes WHERE seq<3").unwrap();
    assert_eq!(f.log(2), ["set g k 3", "set g k 4"]);
    let error = f
        .store
        .read(|tx| tx.changes(1, None, false, |_| Ok(std::ops::ControlFlow::Continue(()))))
        .unwrap_err();
    assert!(matches!(error, Error::Trimmed { after: 1, oldest: 3 }), "{error}");
}
