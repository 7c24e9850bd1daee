//! Stores of earlier larders. `tests/data/schema-1.db` was made by larder with
//! schema 1: entries of every kind, expired ones, a quota, grants, consumers;
//! `schema-2.db` is what larder with schema 2 made of it.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::types::Value;

use super::*;

/// The versions that a file is kept of.
const EARLIER: [i64; 2] = [1, 2];

/// The version of what any command makes of it.
const NEWEST: i64 = 3;

fn fixture(version: i64) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/data/schema-{version}.db"))
}

/// A home with the store of an earlier schema.
fn home(version: i64) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::copy(fixture(version), dir.path().join("old.db")).unwrap();
    dir
}

fn rows(conn: &Connection, sql: &str) -> Vec<Vec<Value>> {
    let mut query = conn.prepare(sql).unwrap();
    let columns = query.column_count();
    let rows = query.query_map([], |row| (0..columns).map(|column| row.get(column)).collect()).unwrap();
    rows.collect::<rusqlite::Result<_>>().unwrap()
}

/// Everything that a store of either schema holds.
fn content(path: &Path) -> Vec<Vec<Vec<Value>>> {
    let conn = Connection::open(path).unwrap();
    [
        "SELECT rowid,group_name,entry_key,entry_value,expires_at,version,updated_at FROM entries ORDER BY rowid",
        "SELECT seq,at,type,group_name,entry_key,entry_value,expires_at,bytes,total FROM larder_changes ORDER BY seq",
        "SELECT group_name,keys,bytes,namespace FROM larder_groups ORDER BY group_name",
        "SELECT namespace,keys,bytes,groups,max_keys,max_bytes,max_groups,over FROM larder_namespaces ORDER BY namespace",
        "SELECT * FROM larder_replaced",
        "SELECT name,position,updated_at,holder FROM larder_consumers ORDER BY name",
        "SELECT namespace,principal,groups,level FROM larder_grants WHERE level>0 ORDER BY namespace,principal",
    ]
    .map(|sql| rows(&conn, sql))
    .into()
}

fn schema(path: &Path) -> Vec<Vec<Value>> {
    rows(
        &Connection::open(path).unwrap(),
        "SELECT type,name,tbl_name,sql FROM sqlite_schema ORDER BY type,name",
    )
}

fn version(path: &Path) -> i64 {
    let conn = Connection::open(path).unwrap();
    conn.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap()
}

fn fresh_schema() -> Vec<Vec<Value>> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("fresh.db");
    Store::create(&StoreOptions::new(&path)).unwrap();
    schema(&path)
}

#[track_caller]
fn ok(home: &Path, args: &[&str]) -> String {
    let Output { status, stdout, stderr } = larder(home, args).output().unwrap();
    assert!(status.success() && stderr.is_empty(), "{args:?}: {status} {}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).unwrap()
}

/// Before there was a road from one schema to the next, the first change of the
/// schema would have made every store in use an unusable one.
#[test]
fn nothing_but_the_schema_changes() {
    let fresh = fresh_schema();
    for (earlier, way) in EARLIER
        .into_iter()
        .flat_map(|earlier| [Store::open, Store::open_to_read, Store::open_to_get].map(|way| (earlier, way)))
    {
        let before = content(&fixture(earlier));
        assert!(before.iter().enumerate().all(|(n, table)| (n == 4) == table.is_empty()), "{before:?}");
        let dir = home(earlier);
        let path = dir.path().join("old.db");
        let store = way(&StoreOptions::new(&path)).unwrap().expect("a store");
        assert_eq!(store.read(|tx| tx.get("plain", "a")).unwrap().version, 12);
        assert_eq!(content(&path), before);
        assert_eq!(schema(&path), fresh);
        assert_eq!(version(&path), NEWEST);
        let closed = "SELECT namespace FROM larder_grants WHERE(principal,groups,level)=('nobody','*',0)";
        let closed = rows(&Connection::open(&path).unwrap(), closed);
        assert_eq!(closed, [[Value::Text("vault".into())]]);
        let set = store.write(|tx| tx.set("plain", "a", b"tre", Expiry::Never, &Condition::Version(12)));
        assert_eq!(set.unwrap().version, 19);
    }
}

#[test]
fn any_command_upgrades() {
    let commands: &[&[&str]] = &[
        &["get", "plain", "a"],
        &["list"],
        &["count"],
        &["info"],
        &["check"],
        &["set", "plain", "new", "v"],
        &["delete", "plain", "a"],
        &["purge"],
        &["export"],
        &["namespace", "list"],
        &["quota", "show"],
        &["consumer", "list"],
        &["history", "plain", "a"],
        &["backup", "copy.db"],
        &["access", "list"],
    ];
    let fresh = fresh_schema();
    for (command, earlier) in commands.iter().flat_map(|command| EARLIER.map(|earlier| (command, earlier))) {
        let dir = home(earlier);
        let copy = dir.path().join("copy.db");
        let command: Vec<&str> = command
            .iter()
            .map(|word| if *word == "copy.db" { copy.to_str().unwrap() } else { word })
            .collect();
        ok(dir.path(), &command);
        let path = dir.path().join("old.db");
        assert_eq!((version(&path), schema(&path)), (NEWEST, fresh.clone()), "{command:?} {earlier}");
        assert_eq!(ok(dir.path(), &["check"]), "", "{command:?}");
        assert_eq!(ok(dir.path(), &["-n", "shop", "list"]), "cart\nother\n");
    }
}

#[test]
fn a_backup_of_it_can_be_restored_and_stays_as_it_is() {
    // As it lies, and with a log beside it.
    for (logged, earlier) in [false, true].into_iter().flat_map(|logged| EARLIER.map(|n| (logged, n))) {
        for existing in [false, true] {
            let dir = tempfile::tempdir().unwrap();
            let backup = dir.path().join("backup.db");
            fs::copy(fixture(earlier), &backup).unwrap();
            let client = Connection::open(&backup).unwrap();
            if logged {
                client
                    .execute_batch("INSERT INTO entries(group_name,entry_key,entry_value)VALUES('g','k','v')")
                    .unwrap();
            }
            let before = content(&backup);
            if existing {
                ok(dir.path(), &["set", "g", "k", "v"]);
            }
            ok(dir.path(), &["restore", backup.to_str().unwrap(), "--yes"]);
            assert_eq!((version(&backup), content(&backup)), (earlier, before), "logged {logged}");
            drop(client);
            let path = dir.path().join("old.db");
            assert_eq!((version(&path), schema(&path)), (NEWEST, fresh_schema()));
            assert_eq!(ok(dir.path(), &["check"]), "");
            assert_eq!(ok(dir.path(), &["count"]), format!("{}\n", 8 + usize::from(logged)));
        }
    }
}

#[test]
fn an_altered_one_is_refused_and_can_be_repaired() {
    let dir = home(1);
    let path = dir.path().join("old.db");
    Connection::open(&path)
        .unwrap()
        .execute_batch("DROP TRIGGER larder_delete;UPDATE larder_groups SET keys=99")
        .unwrap();
    let refused = larder(dir.path(), &["get", "plain", "a"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(7));
    let told = String::from_utf8(refused.stderr).unwrap();
    assert!(told.contains("has been altered: the trigger larder_delete is missing"), "{told}");
    assert_eq!(version(&path), 1);
    ok(dir.path(), &["check", "--repair"]);
    assert_eq!(ok(dir.path(), &["count"]), "8\n");
    assert_eq!((version(&path), schema(&path)), (NEWEST, fresh_schema()));
    assert_eq!(ok(dir.path(), &["check"]), "");
}

#[test]
fn twenty_openers_race() {
    for earlier in [1, 2, 1, 2, 2] {
        let dir = home(earlier);
        let crowd: Vec<_> = (0..20)
            .map(|n| {
                let key = format!("k{n}");
                let args: &[&str] = match n % 4 {
                    0 => &["get", "plain", "a"],
                    1 => &["set", "race", &key, "v"],
                    2 => &["incr", "race", "counter"],
                    _ => &["count", "plain"],
                };
                larder(dir.path(), args).spawn().unwrap()
            })
            .collect();
        for (n, child) in crowd.into_iter().enumerate() {
            let Output { status, stderr, .. } = child.wait_with_output().unwrap();
            let told = String::from_utf8_lossy(&stderr);
            assert!(status.success() && told.is_empty(), "opener {n}: {status} {told}");
        }
        assert_eq!(ok(dir.path(), &["get", "race", "counter"]), "5");
        assert_eq!(ok(dir.path(), &["count", "race"]), "6\n");
        assert_eq!(schema(&dir.path().join("old.db")), fresh_schema());
        assert_eq!(ok(dir.path(), &["check"]), "");
    }
}
