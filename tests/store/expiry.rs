use std::ops::ControlFlow;

use larder::clock::Timestamp;
use larder::store::{Condition, Error, Expiry, KeepChanges, Keys};

use crate::{Fixture, START, ns};

#[test]
fn an_entry_is_due_at_its_millisecond_and_not_before() {
    let f = Fixture::new();
    f.set_until("g", "k", "v", START + 1000);
    f.now(999);
    assert_eq!(f.get("g", "k").as_deref(), Some("v"));
    f.now(1000);
    assert_eq!(f.get("g", "k"), None);
}

#[test]
fn the_triggers_see_the_same_millisecond() {
    // A deleted row is logged as what it was: the comparison in SQL, made of
    // floating-point days, must not be a millisecond off.
    for start in [START, 1, 0, 951_868_799_999, 253_402_300_799_000, 1_795_395_723_004] {
        for (due, kind) in [(start, "expire"), (start + 1, "delete")] {
            let f = Fixture::at(start - 5);
            f.set_until("g", "k", "v", due);
            f.clock.set(Timestamp(start));
            f.store.write(|tx| tx.delete("g", "k", &Condition::Any)).unwrap();
            assert_eq!(f.log(1), [format!("{kind} g k")], "now {start}, due {due}");
            let at = f.number("SELECT at FROM larder_changes ORDER BY seq DESC LIMIT 1");
            assert_eq!(at, start);
        }
    }
}

#[test]
fn a_due_entry_is_invisible_everywhere() {
    let f = Fixture::new();
    f.set("a:g", "stays", "v");
    let due = f.set_until("a:g", "goes", "v", START + 10);
    f.set_until("a:alone", "goes", "v", START + 10);
    f.set_until("g", "goes", "5", START + 10);
    f.now(10);
    let scoped = f.scoped("a");
    assert_eq!(f.get("a:g", "goes"), None);
    assert_eq!(f.keys("a:g"), ["stays"]);
    scoped
        .read(|tx| {
            let mut groups = Vec::new();
            tx.groups(&Keys::default(), |group| {
                groups.push((group.name, group.keys, group.bytes));
                Ok(ControlFlow::Continue(()))
            })?;
            assert_eq!(groups, [("a:g".into(), 1, 6)]);
            assert_eq!((tx.count("g")?, tx.count("alone")?, tx.count_all()?), (1, 0, 1));
            let usage = tx.usage(&ns("a"))?;
            assert_eq!((usage.keys, usage.bytes, usage.groups, usage.next_expiry), (1, 6, 1, None));
            assert_eq!(tx.namespaces()?.len(), 1);
            Ok(())
        })
        .unwrap();
    // To every condition it is absent.
    for (condition, holds) in [
        (Condition::Absent, true),
        (Condition::Present, false),
        (Condition::Version(due.version), false),
        (Condition::Value(b"v".to_vec()), false),
    ] {
        let attempt = f.store.write(|tx| {
            tx.set("a:g", "goes", b"w", Expiry::Never, &condition)?;
            // Only the outcome is wanted.
            Err::<(), _>(Error::Absent("undone".into()))
        });
        assert_eq!(matches!(attempt, Err(Error::Absent(_))), holds, "{condition:?}");
        let deleted = f.store.write(|tx| {
            let deleted = tx.delete("a:alone", "goes", &condition)?;
            assert!(!deleted);
            Err::<(), _>(Error::Absent("undone".into()))
        });
        assert_eq!(matches!(deleted, Err(Error::Absent(_))), holds, "{condition:?}");
    }
    assert!(matches!(
        f.store.write(|tx| tx.expire("a:g", "goes", Expiry::Never, &Condition::Any)),
        Err(Error::NotFound { .. })
    ));
    // A counter starts anew, without the old time to live.
    assert_eq!(f.store.write(|tx| tx.incr("g", "goes", 1)).unwrap().0, 1);
    assert_eq!(f.store.read(|tx| tx.get("g", "goes")).unwrap().expires_at, None);
    // --keep-ttl has none to keep.
    let kept = f.store.write(|tx| tx.set("a:g", "goes", b"w", Expiry::Keep, &Condition::Any)).unwrap();
    assert_eq!(kept.expires_at, None);
    assert!(!f.store.write(|tx| tx.delete("a:alone", "goes", &Condition::Any)).unwrap());
    f.recount();
}

#[test]
fn namespaces_without_a_live_key_are_not_listed() {
    let f = Fixture::new();
    f.set_until("a:g", "k", "v", START + 10);
    assert_eq!(f.store.read(|tx| tx.namespaces()).unwrap().len(), 1);
    f.now(10);
    assert_eq!(f.store.read(|tx| tx.namespaces()).unwrap().len(), 0);
}

#[test]
fn a_clock_set_back_brings_an_entry_back() {
    let f = Fixture::new();
    f.set_until("g", "k", "v", START + 10);
    f.now(20);
    assert_eq!(f.get("g", "k"), None);
    f.now(5);
    assert_eq!(f.get("g", "k").as_deref(), Some("v"));
    assert_eq!(f.store.read(|tx| tx.count("g")).unwrap(), 1);
    // Positions in the log keep growing all the same.
    let before = f.seq();
    f.now(-1_000_000);
    assert_eq!(f.set("g", "k", "w").version, before + 1);
    assert_eq!(f.log(before), ["set g k w"]);
}

#[test]
fn purge_takes_what_is_due_and_nothing_else() {
    let f = Fixture::new();
    f.store
        .write(|tx| {
            for n in 0..2500 {
                let expiry = Expiry::At(Timestamp(START + n % 3));
                tx.set("g", format!("{n}"), b"v", expiry, &Condition::Any)?;
            }
            Ok(())
        })
        .unwrap();
    f.set("g", "stays", "v");
    f.set_until("h", "other group", "v", START);
    f.now(1);
    let before = f.seq();
    let purged = f.store.purge(Some("g"), KeepChanges::Bounded, |_| {}).unwrap();
    let gone = (0..2500).filter(|n| n % 3 <= 1).count();
    assert_eq!(purged.entries, i64::try_from(gone).unwrap());
    let log = f.log(before);
    assert_eq!(log.len(), gone);
    assert!(log.iter().all(|change| change.starts_with("expire g ")));
    assert_eq!(f.store.read(|tx| tx.count("g")).unwrap(), 2500 - i64::try_from(gone).unwrap() + 1);
    assert_eq!(f.number("SELECT count(*) FROM entries WHERE group_name='h'"), 1);
    f.recount();
}

#[test]
fn the_end_of_time_is_a_time() {
    let f = Fixture::new();
    f.set_until("g", "k", "v", i64::MAX);
    assert_eq!(f.get("g", "k").as_deref(), Some("v"));
    assert_eq!(f.store.read(|tx| tx.count("g")).unwrap(), 1);
    f.set_until("g", "past", "v", i64::MIN);
    assert_eq!(f.get("g", "past"), None);
    f.recount();
}

/// The clock may be set back while a purge is at work: what it found is not
/// due any more. Where more than a page of entries shared one expiry the same
/// page was found again and again until the clock had caught up.
#[test]
fn a_purge_ends_though_the_clock_is_set_back() {
    let f = Fixture::new();
    let due = Expiry::At(Timestamp(START + 10));
    f.store
        .bulk(|bulk| {
            for n in 0..9000 {
                bulk.set("g", &*format!("k{n}"), b"v", due, &Condition::Any)?;
            }
            Ok(())
        })
        .unwrap();
    f.now(10);
    let mut calls = 0;
    let purged = f.store.purge(None, larder::store::KeepChanges::Bounded, |_| {
        f.now(0);
        calls += 1;
        assert!(calls < 300, "it goes round in circles");
    });
    let gone = purged.unwrap().entries;
    assert!(gone < 9000, "{gone}");
    f.now(10);
    let rest = f.store.purge(None, larder::store::KeepChanges::Bounded, |_| {}).unwrap().entries;
    assert_eq!(gone + rest, 9000);
}

/// A reader that was held up between its look at the clock and its snapshot
/// showed an entry that had expired beside one that was written after the
/// first was seen to be gone.
#[test]
fn a_snapshot_and_its_time_belong_together() {
    let f = Fixture::new();
    f.set_until("g", "expires", "v", START + 10);
    let writer = f.scoped("a");
    let keys = f
        .store
        .read(|tx| {
            // What happens while the reader is held up.
            f.now(10);
            writer.write(|tx| tx.set("g", "later", b"v", Expiry::Never, &Condition::Any))?;
            let mut keys = Vec::new();
            for group in ["g", "a:g"] {
                tx.entries(group, &Keys::default(), false, |entry| {
                    keys.push(entry.key.as_str().unwrap_or_default().to_owned());
                    Ok(ControlFlow::Continue(()))
                })?;
            }
            Ok(keys)
        })
        .unwrap();
    assert_eq!(keys, ["expires"]);
}
