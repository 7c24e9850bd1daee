//! Opening for less than everything makes no difference but in speed.

use super::*;

/// Opens the fixture's file in each of the ways.
fn ways(f: &Fixture) -> [Store; 3] {
    let options = StoreOptions { clock: f.clock.clone(), ..StoreOptions::new(f.path()) };
    [Store::open(&options), Store::open_to_read(&options), Store::open_to_get(&options)]
        .map(|opened| opened.unwrap().expect("a store"))
}

#[test]
fn every_way_reads_everything() {
    let f = Fixture::new();
    f.set("shop:g", "k", "v");
    for store in ways(&f) {
        let mut keys = Vec::new();
        let read = store.read(|tx| {
            keys.clear();
            tx.entries("shop:g", &Keys::default(), false, |entry| {
                keys.push(entry.key);
                Ok(ControlFlow::Continue(()))
            })?;
            Ok((tx.get("shop:g", "k")?.value, tx.count("shop:g")?, tx.log_span()?.newest))
        });
        assert_eq!(read.unwrap(), (Some(b"v".to_vec()), 1, 1));
        assert_eq!(keys, ["k"]);
    }
}

#[test]
fn every_way_writes_by_the_rules() {
    let f = Fixture::new();
    f.limit("shop", Limits { keys: Some(3), ..Limits::default() });
    for (n, store) in ways(&f).into_iter().enumerate() {
        let before = f.seq();
        for change in 1..=2 {
            let set = |tx: &Transaction<'_>| {
                tx.set("shop:g", format!("k{n}"), b"v", Expiry::Never, &Condition::Any)
            };
            assert_eq!(store.write(set).unwrap().version, before + change);
        }
        assert_eq!(f.seq(), before + 2);
        f.recount();
    }
    for store in ways(&f) {
        let refused = store.write(|tx| tx.set("shop:g", "k4", b"v", Expiry::Never, &Condition::Any));
        assert!(matches!(refused, Err(Error::Quota { .. })), "{refused:?}");
    }
}

#[test]
fn a_schema_that_is_loaded_again_is_loaded_whole() {
    let f = Fixture::new();
    f.set("g", "k", "v");
    let stores = ways(&f);
    // Changes the schema's number and nothing else.
    f.plain().execute_batch("VACUUM").unwrap();
    for store in &stores {
        assert_eq!(store.read(|tx| tx.get("g", "k")).unwrap().value.unwrap(), b"v");
        let before = f.seq();
        store.write(|tx| tx.set("g", "k", b"v", Expiry::Never, &Condition::Any)).unwrap();
        assert_eq!(f.seq(), before + 1);
        f.plain().execute_batch("VACUUM").unwrap();
    }
    f.recount();
}

/// A process that writes for a long time goes by the rules of its own larder. Had
/// a later one given the store a new schema meanwhile, it would have kept the
/// books of the old one in it.
#[test]
fn a_write_finds_that_the_schema_is_another() {
    let f = Fixture::new();
    f.set("g", "k", "v");
    let stores = ways(&f);
    f.plain().execute_batch("DROP TRIGGER larder_update; PRAGMA user_version=99").unwrap();
    for store in stores {
        let refused = store.write(|tx| tx.set("g", "k", b"w", Expiry::Never, &Condition::Any));
        assert!(matches!(refused, Err(Error::Newer { version: 99, .. })), "{refused:?}");
    }
    f.plain().execute_batch("PRAGMA user_version=3; CREATE TABLE mine(a)").unwrap();
    let altered = f.store.write(|tx| tx.set("g", "k", b"w", Expiry::Never, &Condition::Any));
    assert!(matches!(altered, Err(Error::Altered { .. })), "{altered:?}");
    assert_eq!(f.store.read(|tx| tx.get("g", "k")).unwrap().value.unwrap(), b"v");
}

#[test]
fn every_way_migrates_what_go_store_left() {
    for way in [Store::open, Store::open_to_read, Store::open_to_get] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("old.db");
        // A statement longer than larder's own, which no limit on larder's may
        // hide.
        let comment = "-".repeat(2000);
        Connection::open(&path)
            .unwrap()
            .execute_batch(&format!(
                "CREATE TABLE kv(grp TEXT NOT NULL,key TEXT NOT NULL,value TEXT NOT NULL,PRIMARY KEY(grp,key)--{comment}
                 );INSERT INTO kv VALUES('g','k','old')"
            ))
            .unwrap();
        let store = way(&StoreOptions::new(&path)).unwrap().expect("a store");
        assert_eq!(store.read(|tx| tx.get("g", "k")).unwrap().value.unwrap(), b"old");
        let version = |value: &[u8]| {
            store.write(|tx| tx.set("g", "k", value, Expiry::Never, &Condition::Any)).unwrap().version
        };
        assert_eq!(version(b"new") + 1, version(b"newer"));
    }
}

#[test]
fn no_way_takes_a_schema_whose_pages_are_wrong() {
    let page =
        |wrong: &str, name: &str| format!("UPDATE sqlite_schema SET rootpage={wrong} WHERE name='{name}'");
    let of = |name: &str| format!("(SELECT rootpage FROM sqlite_schema WHERE name='{name}')");
    let mut wrongs = vec![
        page(&of("larder_expiry"), "sqlite_autoindex_entries_1"),
        page(&of("larder_groups"), "larder_namespaces"),
        page("'2'", "larder_grants"),
        page("3", "larder_update"),
        "INSERT INTO sqlite_schema SELECT type,name,tbl_name,rootpage,sql FROM sqlite_schema WHERE name='entries'"
            .into(),
        "INSERT INTO sqlite_schema SELECT type,name,tbl_name,3,sql FROM sqlite_schema WHERE name='entries'".into(),
        "INSERT INTO sqlite_schema VALUES('index','sqlite_autoindex_entries_2','entries',3,NULL)".into(),
        "INSERT INTO sqlite_schema VALUES('table','other','other',3,'CREATE TABLE other(')".into(),
        "INSERT INTO sqlite_schema VALUES(NULL,NULL,NULL,NULL,NULL)".into(),
        "DELETE FROM sqlite_schema WHERE name='sqlite_autoindex_entries_1'".into(),
    ];
    for name in ["entries", "larder_expiry", "larder_changes", "larder_groups", "larder_grants"] {
        wrongs.extend(["0", "1", "99999", "-5", "NULL"].map(|wrong| page(wrong, name)));
    }
    for wrong in wrongs {
        let f = Fixture::new();
        f.set("g", "k", "v");
        let path = f.path();
        f.plain().execute_batch(&format!("PRAGMA writable_schema=ON;{wrong}")).unwrap();
        for way in [Store::open, Store::open_to_read, Store::open_to_get] {
            let value = way(&StoreOptions::new(&path))
                .and_then(|store| store.expect("a store").read(|tx| tx.get("g", "k")));
            let refused = matches!(value, Err(Error::Unusable { .. } | Error::Altered { .. }));
            assert!(refused, "{wrong}: {value:?}");
        }
    }
}

#[test]
fn another_table_beside_larders_is_no_matter() {
    let f = Fixture::new();
    f.set("g", "k", "v");
    f.plain().execute_batch("CREATE TABLE other(a PRIMARY KEY);INSERT INTO other VALUES(1)").unwrap();
    for store in ways(&f) {
        assert_eq!(store.read(|tx| tx.get("g", "k")).unwrap().value.unwrap(), b"v");
    }
}

/// What a due entry holds is nobody's concern any more.
#[test]
fn a_due_entry_that_makes_no_sense_is_due() {
    let f = Fixture::new();
    f.set_until("g", "k", "v", 10);
    f.plain().execute_batch("UPDATE entries SET updated_at='x'").unwrap();
    f.now(10);
    assert_eq!(f.get("g", "k"), None);
}
