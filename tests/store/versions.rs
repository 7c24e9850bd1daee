use larder::store::{Condition, Error, Expiry};

use crate::{Fixture, START};

#[test]
fn a_version_is_the_number_of_the_change_and_never_returns() {
    let f = Fixture::new();
    assert_eq!(f.set("g", "k", "1").version, 1);
    assert_eq!(f.set("g", "k", "2").version, 2);
    assert_eq!(f.set("h", "k", "3").version, 3);
    f.store.write(|tx| tx.delete("g", "k", &Condition::Any)).unwrap();
    assert_eq!(f.set("g", "k", "4").version, 5);
    // Over a due entry: its expiry takes a number first.
    f.set_until("g", "due", "5", START + 1);
    f.now(1);
    assert_eq!(f.set("g", "due", "6").version, 8);
    assert_eq!(f.store.read(|tx| tx.get("g", "due")).unwrap().version, 8);
    assert_eq!(f.log(5), ["set g due 5", "expire g due", "set g due 6"]);
}

#[test]
fn a_write_that_fails_uses_up_nothing() {
    let f = Fixture::new();
    f.set("g", "k", "1");
    let refused = f.store.write(|tx| {
        tx.set("g", "other", b"x", Expiry::Never, &Condition::Any)?;
        tx.set("g", "k", b"x", Expiry::Never, &Condition::Version(7))
    });
    assert!(matches!(refused, Err(Error::Condition(_))));
    assert_eq!((f.seq(), f.get("g", "other")), (1, None));
}

#[test]
fn compare_and_set() {
    let f = Fixture::new();
    let first = f.set("g", "k", "1");
    let set = |value: &str, condition: Condition| {
        f.store.write(|tx| tx.set("g", "k", value.as_bytes(), Expiry::Never, &condition)).map(|e| e.version)
    };
    assert!(matches!(set("2", Condition::Absent), Err(Error::Condition(_))));
    assert!(matches!(set("2", Condition::Version(first.version + 1)), Err(Error::Condition(_))));
    assert!(matches!(set("2", Condition::Value(b"0".to_vec())), Err(Error::Condition(_))));
    assert_eq!(set("2", Condition::Version(first.version)).unwrap(), 2);
    assert_eq!(set("3", Condition::Value(b"2".to_vec())).unwrap(), 3);
    assert_eq!(set("4", Condition::Present).unwrap(), 4);
}

#[test]
fn a_value_compares_by_its_bytes_whoever_stored_it() {
    let f = Fixture::new();
    let conn = f.plain();
    // As TEXT, as BLOB, and as a number that the column turns into text.
    conn.execute_batch(
        "INSERT INTO entries(group_name,entry_key,entry_value)VALUES('g','text','5'),('g','blob',x'35'),('g','number',5)",
    )
    .unwrap();
    for key in ["text", "blob", "number"] {
        assert_eq!(f.get("g", key).as_deref(), Some("5"), "{key}");
        let condition = Condition::Value(b"5".to_vec());
        f.store.write(|tx| tx.set("g", key, b"6", Expiry::Never, &condition)).unwrap();
        assert_eq!(f.store.write(|tx| tx.incr("g", key, 1)).unwrap().0, 7, "{key}");
    }
    f.recount();
}

#[test]
fn an_older_version_is_read_from_the_log() {
    let f = Fixture::new();
    f.set("g", "k", "one");
    f.set("g", "k", "two");
    f.store.write(|tx| tx.delete("g", "k", &Condition::Any)).unwrap();
    let value =
        |version| f.store.read(|tx| tx.get_version("g", "k", version)).map(|entry| entry.value.unwrap());
    assert_eq!(value(1).unwrap(), b"one");
    assert_eq!(value(2).unwrap(), b"two");
    // A deletion, another key's change, a version that never was.
    f.set("g", "other", "x");
    for version in [3, 4, 0, -1, 99] {
        assert!(matches!(value(version), Err(Error::Absent(_))), "{version}");
    }
}

#[test]
fn the_present_version_needs_no_log() {
    let f = Fixture::new();
    f.set("g", "k", "one");
    f.set("g", "k", "two");
    f.set("h", "k", "three");
    f.plain().execute_batch("DELETE FROM larder_changes WHERE seq<3").unwrap();
    let entry = f.store.read(|tx| tx.get_version("g", "k", 2)).unwrap();
    assert_eq!(entry.value.as_deref(), Some(&b"two"[..]));
    let error = f.store.read(|tx| tx.get_version("g", "k", 1)).unwrap_err();
    assert_eq!(error.to_string(), "key \"k\" in group \"g\" has no version 1; the change log begins at 3");
}

#[test]
fn counters() {
    let f = Fixture::new();
    let incr = |key: &str, by: i64| f.store.write(|tx| tx.incr("g", key, by)).map(|(sum, _)| sum);
    assert_eq!(incr("new", 1).unwrap(), 1);
    assert_eq!(incr("new", -3).unwrap(), -2);
    f.set("g", "limit", &i64::MAX.to_string());
    assert!(matches!(incr("limit", 1), Err(Error::BadData(_))));
    assert_eq!(incr("limit", -1).unwrap(), i64::MAX - 1);
    assert_eq!(incr("new", i64::MIN + 2).unwrap(), i64::MIN);
    assert!(matches!(incr("new", -1), Err(Error::BadData(_))));
    for text in ["", "x", "1.5", " 1", "1\n", "0x10", "9223372036854775808"] {
        f.set("g", "text", text);
        assert!(matches!(incr("text", 1), Err(Error::BadData(_))), "{text:?}");
        assert_eq!(f.get("g", "text").as_deref(), Some(text));
    }
    // A counter keeps its time to live.
    f.set_until("g", "short", "1", START + 50);
    incr("short", 1).unwrap();
    assert_eq!(f.store.read(|tx| tx.get("g", "short")).unwrap().expires_at.unwrap().0, START + 50);
}
