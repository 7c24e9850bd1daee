use larder::store::{Condition, Error, Expiry, Limits};

use crate::{Fixture, START, ns, shell};

fn keys(limit: i64) -> Limits {
    Limits { keys: Some(limit), ..Limits::default() }
}

fn bytes(limit: i64) -> Limits {
    Limits { bytes: Some(limit), ..Limits::default() }
}

fn groups(limit: i64) -> Limits {
    Limits { groups: Some(limit), ..Limits::default() }
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, Error>, message: &str) {
    match result {
        Err(error @ Error::Quota { .. }) => assert_eq!(error.to_string(), message),
        other => panic!("{other:?}"),
    }
}

#[test]
fn each_limit_names_itself() {
    let f = Fixture::new();
    f.limit("a", keys(1));
    f.set("a:g", "k", "v");
    refused(f.try_set("a:g", "l", "v"), "namespace a may hold 1 keys, holds 1, and this write needs 1 more");
    f.limit("a", bytes(5));
    refused(
        f.try_set("a:g", "k", "12345"),
        "namespace a may hold 5 bytes, holds 2, and this write needs 4 more",
    );
    f.set("a:g", "k", "1234");
    f.limit("a", groups(1));
    refused(
        f.try_set("a:h", "k", "v"),
        "namespace a may hold 1 groups, holds 1, and this write needs 1 more",
    );
    f.set("a:g", "l", "v");
    assert_eq!(f.get("a:h", "k"), None);
    f.recount();
}

#[test]
fn a_limit_holds_for_its_namespace_alone() {
    let f = Fixture::new();
    f.limit("a", keys(1));
    f.set("a:g", "k", "v");
    for group in ["A:g", "ab:g", "a", "a;", ":a", "é:a", "a\0:g", "a b:g", "b:a:g"] {
        f.set(group, "k", "v");
        f.set(group, "l", "v");
    }
    assert!(matches!(f.try_set("a:other:colon", "k", "v"), Err(Error::Quota { .. })));
    assert!(matches!(f.try_set("a:", "k", "v"), Err(Error::Quota { .. })));
    f.recount();
}

#[test]
fn due_entries_make_room() {
    let f = Fixture::new();
    f.limit("a", keys(2));
    f.set_until("a:g", "goes", "v", START + 10);
    f.set("a:g", "stays", "v");
    assert!(matches!(f.try_set("a:g", "new", "v"), Err(Error::Quota { .. })));
    f.now(10);
    let before = f.seq();
    f.set("a:g", "new", "v");
    assert_eq!(f.log(before), ["set a:g new v", "expire a:g goes"]);
    assert!(matches!(f.try_set("a:g", "more", "v"), Err(Error::Quota { .. })));
    f.recount();
}

#[test]
fn a_limit_below_use_stops_growth_and_deletes_nothing() {
    let f = Fixture::new();
    for key in ["1", "2", "3"] {
        f.set("a:g", key, "value");
    }
    f.limit("a", Limits { keys: Some(1), bytes: Some(5), groups: Some(1) });
    assert_eq!(f.keys("a:g"), ["1", "2", "3"]);
    // Over what is there, no larger than it was.
    f.set("a:g", "1", "VALUE");
    f.set("a:g", "1", "v");
    assert!(matches!(f.try_set("a:g", "1", "va"), Err(Error::Quota { .. })));
    assert!(matches!(f.try_set("a:g", "4", ""), Err(Error::Quota { .. })));
    f.recount();
}

/// A due entry costs nothing, so to write over it is to add an entry. The
/// update once went unchecked while the namespace was over its limit.
#[test]
fn writing_over_a_due_entry_is_a_new_entry() {
    for limits in [keys(2), bytes(4), groups(2)] {
        // In the real present, which is the foreign client's.
        let now = larder::clock::Timestamp::now().0;
        let f = Fixture::at(now);
        f.set_until("a:1", "k", "v", now - 1000);
        f.set("a:2", "k", "v");
        f.set("a:3", "k", "v");
        f.limit("a", limits);
        assert!(matches!(f.try_set("a:1", "k", "v"), Err(Error::Quota { .. })), "{limits:?}");
        let revived = shell(&f.path(), "UPDATE entries SET expires_at=NULL WHERE group_name='a:1'");
        assert!(revived.unwrap_err().contains("larder: quota exceeded"), "{limits:?}");
        f.recount();
    }
}

/// The sweep of due entries once made the trigger forget which live entry an
/// INSERT OR REPLACE was replacing, and refuse it as a new one.
#[test]
fn replacing_is_no_growth_even_while_due_entries_are_swept() {
    let now = larder::clock::Timestamp::now().0;
    let f = Fixture::at(now);
    f.set("a:g", "1", "v");
    f.set("a:g", "2", "v");
    f.set_until("a:g", "due", "v", now - 1000);
    f.limit("a", keys(1));
    let sql = "INSERT OR REPLACE INTO entries(group_name,entry_key,entry_value)VALUES('a:g','1','w')";
    shell(&f.path(), sql).unwrap();
    assert_eq!(f.get("a:g", "1").as_deref(), Some("w"));
    f.recount();
}

#[test]
fn foreign_clients_meet_the_quota_too() {
    let columns = "entries(group_name,entry_key,entry_value)";
    for recursive in ["OFF", "ON"] {
        let f = Fixture::at(larder::clock::Timestamp::now().0);
        f.limit("a", Limits { keys: Some(2), bytes: Some(8), groups: Some(1) });
        let run = |sql: &str| shell(&f.path(), &format!("PRAGMA recursive_triggers={recursive};{sql}"));
        run(&format!("INSERT INTO {columns} VALUES('a:g','1','v'),('a:g','2','v')")).unwrap();
        for sql in [
            format!("INSERT INTO {columns} VALUES('a:g','3','')"),
            format!("INSERT OR REPLACE INTO {columns} VALUES('a:g','3','')"),
            format!("INSERT OR IGNORE INTO {columns} VALUES('a:g','3','')"),
            format!("REPLACE INTO {columns} VALUES('a:h','1','')"),
            format!("INSERT OR REPLACE INTO {columns} VALUES('a:g','1','too long')"),
            format!(
                "INSERT INTO {columns} VALUES('a:g','1','too long')ON CONFLICT DO UPDATE SET entry_value=excluded.entry_value"
            ),
            "UPDATE entries SET entry_value='too long' WHERE entry_key='1'".into(),
            "UPDATE OR IGNORE entries SET entry_value='too long'".into(),
            "UPDATE OR REPLACE entries SET entry_value='too long'".into(),
        ] {
            let error = run(&sql).expect_err(&sql);
            assert!(error.contains("larder: quota exceeded"), "{sql}: {error}");
        }
        assert_eq!((f.keys("a:g").len(), f.seq()), (2, 2), "nothing of it stays");
        run(&format!("INSERT OR REPLACE INTO {columns} VALUES('a:g','1','12345')")).unwrap();
        run(&format!("INSERT OR IGNORE INTO {columns} VALUES('a:g','1','ignored')")).unwrap();
        assert_eq!(f.get("a:g", "1").as_deref(), Some("12345"));
        f.recount();
    }
}

#[test]
fn a_refused_transaction_leaves_nothing() {
    let f = Fixture::new();
    f.limit("a", keys(1));
    let result = f.store.write(|tx| {
        for key in ["1", "2"] {
            tx.set("a:g", key, b"v", Expiry::Never, &Condition::Any)?;
        }
        Ok(())
    });
    assert!(matches!(result, Err(Error::Quota { .. })));
    assert_eq!((f.keys("a:g").len(), f.seq()), (0, 0));
    // In the scope, the message names the namespace all the same.
    let scoped = f.scoped("a");
    scoped.write(|tx| tx.set("g", "1", b"v", Expiry::Never, &Condition::Any)).unwrap();
    refused(
        scoped.write(|tx| tx.set("g", "2", b"v", Expiry::Never, &Condition::Any)),
        "namespace a may hold 1 keys, holds 1, and this write needs 1 more",
    );
    assert_eq!(f.store.read(|tx| tx.limits(&ns("a"))).unwrap(), keys(1));
}
