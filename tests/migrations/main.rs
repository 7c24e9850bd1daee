//! Files of go-store, in every form they have had: built here as go-store built
//! them, opened by larder, and afterwards still good for go-store. Files of
//! earlier larders, kept as those made them.

mod earlier;
mod forms;

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::process::{Command, Output, Stdio};

use larder::clock::{Clock, Timestamp};
use larder::store::{ChangeKind, Condition, Error, Expiry, Keys, Name, Store, StoreOptions};
use rusqlite::{Connection, params};

use forms::{FORMS, Form, NOW, Row, long, rows};

fn open(path: &std::path::Path) -> Store {
    let options = StoreOptions { clock: Clock::manual(Timestamp(NOW)), ..StoreOptions::new(path) };
    Store::open(&options).unwrap().expect("a store")
}

fn is_live(row: &Row) -> bool {
    row.expires_at.is_none_or(|at| at > NOW)
}

#[test]
fn every_row_comes_through_byte_for_byte() {
    for form in FORMS {
        for mode in ["delete", "wal"] {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("old.db");
            forms::build(&path, form, mode);
            let store = open(&path);
            let rows = rows(form);
            store
                .read(|tx| {
                    for ((group, key), row) in &rows {
                        let found = tx.get(group, key);
                        if !is_live(row) {
                            assert!(
                                matches!(found, Err(Error::NotFound { .. })),
                                "{form:?} {group:?} {key:?}"
                            );
                            continue;
                        }
                        let entry = found?;
                        assert_eq!(
                            entry.value.as_deref(),
                            Some(row.value.as_slice()),
                            "{form:?} {group:?} {key:?}"
                        );
                        assert_eq!(
                            entry.expires_at.map(|at| at.0),
                            row.expires_at,
                            "{form:?} {group:?} {key:?}"
                        );
                        assert_eq!(entry.updated_at.0, NOW);
                    }
                    // No row too many, and the counters agree.
                    let mut live: BTreeMap<&str, i64> = BTreeMap::new();
                    for ((group, _), _) in rows.iter().filter(|(_, row)| is_live(row)) {
                        *live.entry(group).or_default() += 1;
                    }
                    let mut groups = Vec::new();
                    tx.groups(&Keys::default(), |group| {
                        groups.push((group.name, group.keys));
                        Ok(ControlFlow::Continue(()))
                    })?;
                    let want: Vec<_> = live.iter().map(|(group, n)| (Name::from(*group), *n)).collect();
                    assert_eq!(groups, want, "{form:?}");
                    assert_eq!(tx.count_all()?, live.values().sum::<i64>());
                    Ok(())
                })
                .unwrap();
            drop(store);
            let conn = Connection::open(&path).unwrap();
            let number = |sql: &str| conn.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
            assert_eq!(
                number("SELECT count(*) FROM entries"),
                i64::try_from(rows.len()).unwrap(),
                "due rows stay"
            );
            assert_eq!(
                number("SELECT count(*) FROM sqlite_schema WHERE name IN('kv','larder_old_entries')"),
                0
            );
            assert_eq!(
                number(
                    "SELECT count(*) FROM (SELECT group_name,count(*),sum(length(CAST(entry_key AS BLOB))+length(CAST(entry_value AS BLOB))) FROM entries GROUP BY 1 EXCEPT SELECT group_name,keys,bytes FROM larder_groups)"
                ),
                0
            );
        }
    }
}

#[test]
fn the_first_write_after_it_is_the_first_change() {
    for form in FORMS {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("old.db");
        forms::build(&path, form, "wal");
        let store = open(&path);
        let before = store.read(|tx| tx.log_span()).unwrap().newest;
        let entry = store.write(|tx| tx.set("g", "new", b"v", Expiry::Never, &Condition::Absent)).unwrap();
        assert_eq!(entry.version, before + 1);
        // What came from the old file has a version to compare with.
        let old = store.read(|tx| tx.get("", "")).unwrap();
        assert!(old.version >= 1);
        store.write(|tx| tx.set("", "", b"w", Expiry::Never, &Condition::Version(old.version))).unwrap();
        // Its due rows expire like any other.
        if rows(form).values().any(|row| !is_live(row)) {
            store.write(|tx| tx.set("due", "expired", b"v", Expiry::Never, &Condition::Absent)).unwrap();
            let mut kinds = Vec::new();
            store
                .read(|tx| {
                    tx.changes(before + 2, None, false, |change| {
                        kinds.push(change.kind);
                        Ok(ControlFlow::Continue(()))
                    })
                })
                .unwrap();
            assert_eq!(kinds, [ChangeKind::Expire, ChangeKind::Set], "{form:?}");
        }
    }
}

#[test]
fn the_loser_of_a_conflict_is_in_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("old.db");
    forms::build(&path, Form::Both, "wal");
    let store = open(&path);
    let mut log = Vec::new();
    store
        .read(|tx| {
            tx.changes(0, None, true, |change| {
                log.push((change.seq, change.kind, change.key, change.value));
                Ok(ControlFlow::Continue(()))
            })
        })
        .unwrap();
    let set = |seq, value: &[u8]| (seq, ChangeKind::Set, Some("both".into()), Some(value.to_vec()));
    assert_eq!(log, [set(2, b"from kv"), set(3, b"from entries")]);
    let entry = store.read(|tx| tx.get("conflict", "both")).unwrap();
    assert_eq!((entry.version, entry.value.as_deref()), (3, Some(&b"from entries"[..])));
    let lost = store.read(|tx| tx.get_version("conflict", "both", 2)).unwrap();
    assert_eq!(lost.value.as_deref(), Some(&b"from kv"[..]));
}

#[test]
fn the_journal_stays_untouched() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("old.db");
    forms::build(&path, Form::Journal, "wal");
    let read = || {
        let conn = Connection::open(&path).unwrap();
        let mut query = conn
            .prepare("SELECT sql FROM sqlite_schema WHERE tbl_name='journal_entries' AND sql IS NOT NULL UNION ALL SELECT entry_id||measurement FROM journal_entries")
            .unwrap();
        let rows = query.query_map([], |row| row.get::<_, String>(0)).unwrap();
        rows.collect::<rusqlite::Result<Vec<_>>>().unwrap()
    };
    let before = read();
    assert_eq!(before.len(), 4);
    open(&path).write(|tx| tx.set("g", "k", b"v", Expiry::Never, &Condition::Any)).unwrap();
    assert_eq!(read(), before);
}

#[test]
fn go_store_goes_on_working() {
    for form in FORMS {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("old.db");
        forms::build(&path, form, "wal");
        open(&path);
        let conn = Connection::open(&path).unwrap();
        // What it runs when it opens a file.
        conn.execute_batch(forms::ENTRIES).unwrap();
        let has_expiry: bool = conn
            .query_row(
                "SELECT count(*) FROM pragma_table_info('entries') WHERE name='expires_at'",
                [],
                |row| row.get(0),
            )
            .unwrap();
        assert!(has_expiry, "or it would add the column");
        let upsert = "INSERT INTO entries (group_name, entry_key, entry_value, expires_at) VALUES (?, ?, ?, ?) ON CONFLICT(group_name, entry_key) DO UPDATE SET entry_value = excluded.entry_value, expires_at = excluded.expires_at";
        conn.execute(upsert, params!["g", "go", "one", None::<i64>]).unwrap();
        conn.execute(upsert, params!["g", "go", "two", 9_000_000_000_000i64]).unwrap();
        let value: String = conn
            .query_row(
                "SELECT entry_value FROM entries WHERE group_name = ? AND entry_key = ?",
                ["g", "go"],
                |row| row.get(0),
            )
            .unwrap();
        assert_eq!(value, "two");
        let store = open(&path);
        let entry = store.read(|tx| tx.get("g", "go")).unwrap();
        assert_eq!(
            (entry.value.as_deref(), entry.version),
            (Some(&b"two"[..]), store.read(|tx| tx.log_span()).unwrap().newest)
        );
        assert_eq!(
            conn.execute("DELETE FROM entries WHERE group_name = ? AND entry_key = ?", ["g", "go"]).unwrap(),
            1
        );
        conn.execute("DELETE FROM entries WHERE expires_at IS NOT NULL AND expires_at <= ?", [NOW]).unwrap();
        conn.execute("DELETE FROM entries WHERE group_name = ?", ["long"]).unwrap();
        assert_eq!(store.read(|tx| tx.count("long")).unwrap(), 0);
        assert!(matches!(store.read(|tx| tx.get("long", long())), Err(Error::NotFound { .. })));
    }
}

fn larder(home: &std::path::Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_larder"));
    command.env_clear().env("HOME", home).env("LARDER_DB", home.join("old.db")).args(args);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

#[test]
fn twenty_first_openers_race() {
    for form in FORMS {
        for mode in ["delete", "wal"] {
            let dir = tempfile::tempdir().unwrap();
            forms::build(&dir.path().join("old.db"), form, mode);
            let crowd: Vec<_> = (0..20)
                .map(|i| {
                    let key = format!("k{i}");
                    let args: &[&str] = match i % 4 {
                        0 => &["get", "", ""],
                        1 => &["set", "race", &key, "v"],
                        2 => &["incr", "race", "counter"],
                        _ => &["count", "unicode"],
                    };
                    larder(dir.path(), args).spawn().unwrap()
                })
                .collect();
            let mut said = String::new();
            for (i, child) in crowd.into_iter().enumerate() {
                let Output { status, stderr, .. } = child.wait_with_output().unwrap();
                let told = String::from_utf8_lossy(&stderr);
                assert!(status.success(), "{form:?} {mode} opener {i}: {status} {told}");
                said.push_str(&told);
            }
            // Whoever does it says so, and nobody else.
            assert!(
                said.starts_with("larder: migrated ") && said.lines().count() == 1,
                "{form:?} {mode}: {said}"
            );
            let store = open(&dir.path().join("old.db"));
            assert_eq!(store.read(|tx| tx.get("race", "counter")).unwrap().value.unwrap(), b"5");
            assert_eq!(store.read(|tx| tx.count("race")).unwrap(), 6);
            for ((group, key), row) in rows(form).iter().filter(|(_, row)| is_live(row)) {
                let entry = store.read(|tx| tx.get(group, key)).unwrap();
                assert_eq!(entry.value.as_deref(), Some(row.value.as_slice()), "{form:?} {group:?} {key:?}");
            }
        }
    }
}

/// Killed before, in the middle of and after the migration, the file is the old
/// one or the new one, and either opens.
#[test]
fn a_kill_at_any_moment_loses_no_row() {
    for (form, delay) in
        FORMS.into_iter().zip([0u64, 400, 900]).chain(FORMS.into_iter().rev().zip([2000, 4000, 6000]))
    {
        for round in 0..6u64 {
            let dir = tempfile::tempdir().unwrap();
            forms::build(&dir.path().join("old.db"), form, if round % 2 == 0 { "wal" } else { "delete" });
            let mut child = larder(dir.path(), &["get", "", ""]).spawn().unwrap();
            // Not a wait for something to happen: the moment of the kill is what varies.
            std::thread::sleep(std::time::Duration::from_micros(delay + round * 317));
            let _ = child.kill();
            child.wait().unwrap();
            let output = larder(dir.path(), &["count"]).output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            let store = open(&dir.path().join("old.db"));
            for ((group, key), row) in rows(form).iter().filter(|(_, row)| is_live(row)) {
                let entry = store.read(|tx| tx.get(group, key)).unwrap();
                assert_eq!(entry.value.as_deref(), Some(row.value.as_slice()), "{form:?} {group:?} {key:?}");
            }
        }
    }
}

#[test]
fn a_store_is_migrated_once() {
    for form in FORMS {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("old.db");
        forms::build(&path, form, "delete");
        open(&path);
        let first = std::fs::read(&path).unwrap();
        open(&path);
        assert!(std::fs::read(&path).unwrap() == first, "{form:?}");
    }
}
