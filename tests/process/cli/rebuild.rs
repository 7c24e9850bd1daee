//! Tools that alter the table of entries, and the repair that builds it anew.

use larder::store::{Caller, Error, Namespace, Scope, Store, StoreOptions};

use crate::common::Test;

const AGAIN: &str = "repaired: rebuilt the index larder_expiry\n\
                     repaired: rebuilt the index larder_group_expiry\n\
                     repaired: rebuilt the index larder_namespace_expiry\n\
                     repaired: rebuilt the trigger larder_arrive\n\
                     repaired: rebuilt the trigger larder_insert\n\
                     repaired: rebuilt the trigger larder_update\n\
                     repaired: rebuilt the trigger larder_delete\n";

fn filled() -> Test {
    let t = Test::new();
    t.run(["set", "g", "k", "v"]).ok("");
    t.run(["set", "g", "later", "w", "--ttl", "1h"]).ok("");
    t.run(["set", "g", "binary", "-"]).stdin([0xff, 0]).ok("");
    t
}

/// Alters the store; expects the opener's hint; repairs it, and expects these
/// lines of the repair, and every entry where it was. Returns the rest of what
/// the repair says.
#[track_caller]
fn repaired(sql: &str, hint: &str, lines: &str) -> Test {
    let t = filled();
    let facts = |t: &Test| t.run(["export"]).output().stdout;
    let before = facts(&t);
    t.execute(sql);
    let shown = t.db().display().to_string();
    let told =
        format!("larder: get: {shown:?} has been altered: the table entries is not larder's\nhint: {hint}\n");
    t.run(["get", "g", "k"]).fails(7, told);
    let output = t.run(["check", "--repair"]).output();
    let text = String::from_utf8(output.stdout).unwrap();
    let done: String = text.split_inclusive('\n').filter(|line| line.starts_with("repaired: ")).collect();
    assert_eq!((output.status.code(), done.as_str()), (Some(0), lines), "{text}");
    assert_eq!(String::from_utf8_lossy(&facts(&t)), String::from_utf8_lossy(&before));
    t.run(["check"]).ok("");
    t.run(["set", "g", "new", "v"]).ok("");
    t.run(["check"]).ok("");
    t
}

/// `check` called it damage that only a backup mends, and there was no way to
/// the entries but a backup that lacked the newest of them.
#[test]
fn a_column_that_was_added() {
    let hint =
        "'larder check --repair' removes the column, and so does: ALTER TABLE entries DROP COLUMN \"note\"";
    repaired(
        "ALTER TABLE entries ADD COLUMN note",
        hint,
        &format!(
            "repaired: rebuilt the table entries, with 3 entries\n\
             repaired: dropped its column \"note\", which was empty\n{AGAIN}"
        ),
    );
    // The statement that is named does it, too.
    let t = filled();
    t.execute("ALTER TABLE entries ADD COLUMN note; ALTER TABLE entries DROP COLUMN note");
    t.run(["check"]).ok("");
}

/// Nobody's data goes: a tool that added a column had a use for it.
#[test]
fn what_is_in_a_column_of_ones_own_is_kept() {
    let t = filled();
    t.execute(
        "ALTER TABLE entries ADD COLUMN note; DROP TRIGGER larder_update;
         UPDATE entries SET note='mine' WHERE entry_key='k';
         CREATE INDEX mine ON entries(entry_value); CREATE INDEX odd ON entries(upper(note));
         CREATE TRIGGER spy AFTER INSERT ON entries BEGIN SELECT 1; END",
    );
    let output = t.run(["check", "--repair"]).output();
    let text = String::from_utf8(output.stdout).unwrap();
    for line in [
        "repaired: dropped the trigger \"spy\", which is not larder's: CREATE TRIGGER spy AFTER INSERT ON entries BEGIN SELECT 1; END",
        "repaired: rebuilt the table entries, with 3 entries",
        "repaired: dropped its column \"note\"; its contents, 1 in all, are now in the table \"entries_note\"",
        "repaired: dropped the index \"odd\": CREATE INDEX odd ON entries(upper(note))",
    ] {
        assert!(text.lines().any(|l| l == line), "{text}");
    }
    assert_eq!(output.status.code(), Some(0));
    t.run(["check"]).ok("");
    assert_eq!(
        t.number("SELECT count(*) FROM entries_note WHERE (group_name,entry_key,note)=('g','k','mine')"),
        1
    );
    assert_eq!(t.number("SELECT count(*) FROM sqlite_schema WHERE name='mine'"), 1);
}

/// Its SQL text has quotes then, and nothing else has changed.
#[test]
fn a_table_that_was_renamed_and_renamed_back() {
    repaired(
        "ALTER TABLE entries RENAME TO e2; ALTER TABLE e2 RENAME TO entries",
        "'larder check --repair' rebuilds it, with every entry",
        &format!("repaired: rebuilt the table entries, with 3 entries\n{AGAIN}"),
    );
}

#[test]
fn a_column_that_was_renamed() {
    repaired(
        "ALTER TABLE entries RENAME COLUMN entry_value TO \"my value\"",
        "'larder check --repair' rebuilds it, with every entry",
        &format!(
            "repaired: rebuilt the table entries, with 3 entries\n\
             repaired: used its column \"my value\" as entry_value\n{AGAIN}"
        ),
    );
}

/// As DB Browser does it: copied, dropped, renamed. Indexes and triggers go.
#[test]
fn a_table_that_a_tool_made_anew() {
    repaired(
        "CREATE TABLE copy(updated_at INTEGER,version INTEGER,group_name TEXT,entry_key TEXT,entry_value TEXT,expires_at INTEGER);
         INSERT INTO copy SELECT updated_at,version,group_name,entry_key,entry_value,expires_at FROM entries;
         DROP TABLE entries; ALTER TABLE copy RENAME TO entries",
        "'larder check --repair' rebuilds it, with every entry",
        &format!("repaired: rebuilt the table entries, with 3 entries\n{AGAIN}"),
    );
}

/// Versions cannot be known again, times of expiry can as far as the log has
/// them; and what was written meanwhile, unlogged, is counted.
#[test]
fn columns_that_were_dropped() {
    let t = filled();
    t.execute(
        "CREATE TABLE copy(group_name TEXT,entry_key TEXT,entry_value TEXT,version INTEGER);
         INSERT INTO copy SELECT group_name,entry_key,entry_value,version FROM entries;
         DROP TABLE entries; ALTER TABLE copy RENAME TO entries;
         INSERT INTO entries VALUES('g','meanwhile','x',0)",
    );
    let output = t.run(["check", "--repair"]).output();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains("expiry times are those in the change log"), "{text}");
    assert!(text.contains("restarted the change log"), "{text}");
    t.run(["check"]).ok("");
    t.run(["list", "g"]).ok("binary\nk\nlater\nmeanwhile\n");
    t.run(["ttl", "g", "k"]).ok("never\n");
    assert_ne!(t.run(["ttl", "g", "later"]).output().stdout, b"never\n");
}

/// A repair that cannot keep every row does nothing, and says what is in its
/// way.
#[test]
fn rows_that_no_table_of_larders_can_hold() {
    let t = filled();
    t.execute(
        "CREATE TABLE copy(group_name TEXT,entry_key TEXT,entry_value TEXT,expires_at INTEGER);
         INSERT INTO copy SELECT group_name,entry_key,entry_value,expires_at FROM entries;
         INSERT INTO copy VALUES('g','k','twice',NULL);
         DROP TABLE entries; ALTER TABLE copy RENAME TO entries",
    );
    let told = "larder: check: 9 findings in the store\n\
                hint: its rows must be corrected first: one lacks a group or key, or has the key of another; then run 'larder check' again\n";
    let output = t.run(["check", "--repair"]).output();
    assert_eq!((output.status.code(), String::from_utf8(output.stderr).unwrap().as_str()), (Some(7), told));
    assert_eq!(t.number("SELECT count(*) FROM entries"), 4);
    t.execute("DELETE FROM entries WHERE entry_value='twice'");
    assert_eq!(t.run(["check", "--repair"]).output().status.code(), Some(0));
    t.run(["get", "g", "k"]).ok("v");
}

/// The hint was to drop a column, which is no way back.
#[test]
fn a_table_under_another_name() {
    let t = filled();
    t.execute("ALTER TABLE entries RENAME TO was; CREATE VIEW entries AS SELECT * FROM was");
    let shown = t.db().display().to_string();
    let hint = "give the table its name back: DROP VIEW entries; ALTER TABLE \"was\" RENAME TO entries";
    t.run(["get", "g", "k"]).fails(
        7,
        format!("larder: get: {shown:?} has been altered: the view entries is not larder's\nhint: {hint}\n"),
    );
    // It would make an empty one.
    assert_eq!(t.run(["check", "--repair"]).output().status.code(), Some(7));
    t.execute("DROP VIEW entries; ALTER TABLE \"was\" RENAME TO entries");
    assert_eq!(t.run(["check", "--repair"]).output().status.code(), Some(0));
    t.run(["list", "g"]).ok("binary\nk\nlater\n");
}

/// A copy made from a dump has lost the file's marks and its journal mode, and
/// nothing else.
#[test]
fn a_copy_made_from_a_dump_is_marked_again() {
    let t = filled();
    let copy = rusqlite::Connection::open(t.path("copy.db")).unwrap();
    let original = t.sql();
    let mut query = original
        .prepare("SELECT type,name,sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type='trigger',type='index'")
        .unwrap();
    let objects = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
    let objects: Vec<(String, String, String)> = objects.unwrap().collect::<Result<_, _>>().unwrap();
    copy.execute("ATTACH ?1 AS original", [t.db().to_str().unwrap()]).unwrap();
    for (kind, name, sql) in objects {
        copy.execute_batch(&sql).unwrap();
        if kind == "table" {
            let columns: String = copy
                .query_row("SELECT group_concat(name) FROM pragma_table_info(?1)", [&name], |row| row.get(0))
                .unwrap();
            copy.execute_batch(&format!(
                "INSERT INTO main.{name}({columns}) SELECT {columns} FROM original.{name}"
            ))
            .unwrap();
        }
    }
    drop(copy);
    let shown = t.path("copy.db").display().to_string();
    t.run(["--db", "copy.db", "get", "g", "k"]).fails(
        7,
        format!("larder: get: {shown:?} is a larder store that lost its mark, such as a copy made from a dump; run 'larder check --repair'\n"),
    );
    t.run(["--db", "copy.db", "check", "--repair"]).ok(format!(
        "the mark application_id is 0, not larder's\n\
         the mark user_version is 0, not {}\n\
         repaired: marked the file as larder's\n\
         repaired: set the journal back to WAL, from delete\n",
        larder::store::schema::VERSION
    ));
    t.run(["--db", "copy.db", "check"]).ok("");
    assert_eq!(t.run(["--db", "copy.db", "export"]).output().stdout, t.run(["export"]).output().stdout);
}

/// Nothing told that a store had left WAL, and nothing brought it back.
#[test]
fn another_journal_mode_is_told_and_set_back() {
    let t = filled();
    t.execute("PRAGMA journal_mode=DELETE");
    let told = "larder: check: the journal mode is delete, not WAL: readers and writers block each other; 'larder check --repair' sets it back\n";
    t.run(["check"]).exits(0, "", told);
    assert_eq!(t.run(["info", "--json"]).json()["journal_mode"], "delete");
    let info = String::from_utf8(t.run(["info"]).output().stdout).unwrap();
    assert!(info.contains("\njournal: delete, not wal; 'larder check --repair' sets it back\n"), "{info}");
    // Everything works there.
    t.run(["set", "g", "k", "w"]).ok("");
    t.run(["check", "--repair"]).ok("repaired: set the journal back to WAL, from delete\n");
    assert_eq!(t.run(["info", "--json"]).json()["journal_mode"], "wal");
    t.run(["check"]).ok("");
}

/// A larder store in UTF-16 was let in. Names compare otherwise there: a
/// namespace listed and exported another one's groups, and bytes counted double.
#[test]
fn a_store_in_utf_16_is_refused() {
    let t = filled();
    let schema: Vec<String> = {
        let original = t.sql();
        let mut query = original.prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL").unwrap();
        let rows = query.query_map([], |row| row.get(0)).unwrap();
        rows.collect::<Result<_, _>>().unwrap()
    };
    let other = rusqlite::Connection::open(t.path("wide.db")).unwrap();
    other.execute_batch("PRAGMA encoding='UTF-16le'; PRAGMA journal_mode=WAL").unwrap();
    for sql in schema {
        other.execute_batch(&sql).unwrap();
    }
    other.execute_batch("INSERT INTO larder_changes(seq,at,type,group_name,bytes,total)VALUES(0,0,'origin','',0,0);PRAGMA application_id=1818325604").unwrap();
    other.pragma_update(None, "user_version", larder::store::schema::VERSION).unwrap();
    drop(other);
    let shown = t.path("wide.db").display().to_string();
    let hint = "copy it as text: sqlite3 FILE .dump | sqlite3 NEW, then 'larder --db NEW check --repair'";
    for command in [&["get", "g", "k"][..], &["set", "g", "k", "v"], &["list"]] {
        t.run([&["--db", "wide.db"], command].concat()).fails(
            7,
            format!(
                "larder: {}: {shown:?} has been altered: its text is UTF-16, not UTF-8\nhint: {hint}\n",
                command[0]
            ),
        );
    }
    t.run(["--db", "wide.db", "check", "--repair"]).exits(
        7,
        "its text is UTF-16, not UTF-8\n",
        format!("larder: check: 1 finding in the store\nhint: {hint}; then run 'larder check' again\n"),
    );
    t.run(["restore", "wide.db", "--yes"]).fails_with(7, "its text is UTF-16, not UTF-8");
    t.run(["get", "g", "k"]).ok("v");
}

/// A client whose triggers were off could leave a time of expiry with a
/// fraction: every command that read the row ended with 7.
#[test]
fn a_fraction_of_a_millisecond_stops_no_reader() {
    let t = filled();
    let other = t.sql();
    // An exact number is stored as the integer that it is.
    other
        .execute_batch(
            "INSERT INTO entries(group_name,entry_key,entry_value,expires_at)VALUES('g','exact','v',9.0e12)",
        )
        .unwrap();
    t.run(["get", "g", "exact"]).ok("v");
    let refused = other
        .execute_batch("INSERT INTO entries(group_name,entry_key,entry_value,expires_at)VALUES('g','frac','v',9.0e12+.5)")
        .unwrap_err();
    assert!(refused.to_string().contains("INTEGER column larder_changes.expires_at"), "{refused}");
    other.set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false).unwrap();
    other.execute_batch("UPDATE entries SET expires_at=9.0e12+.5 WHERE entry_key='k'").unwrap();
    t.run(["get", "g", "k"]).ok("v");
    for command in [
        &["list", "g", "--long"][..],
        &["export"],
        &["info"],
        &["ttl", "g", "k"],
        &["history", "g", "k"],
        &["namespace", "list"],
    ] {
        assert_eq!(t.run(command).output().status.code(), Some(0), "{command:?}");
    }
    let output = t.run(["check", "--repair"]).output();
    assert!(
        String::from_utf8_lossy(&output.stdout)
            .contains("repaired: rounded 1 expiry times down to whole milliseconds\n")
    );
    t.run(["check"]).ok("");
}

/// A namespace that lost its last grant is closed by a row that grants nothing
/// to nobody: to a repair or a restore it could look like one to be tidied away.
#[test]
fn a_closed_namespace_without_grants_stays_closed() {
    let t = filled();
    t.run(["set", "ns:g", "k", "secret"]).ok("");
    t.run(["access", "grant", "ns", "user:1", "read"]).ok("");
    t.run(["access", "revoke", "ns", "user:1"]).ok("");
    let is_closed = |what: &str| {
        let options = StoreOptions {
            scope: Scope(Namespace::new("ns")),
            caller: Some(Caller { uid: 7_700_001, groups: vec![7_700_001] }),
            ..StoreOptions::new(t.db())
        };
        let store = Store::open(&options).unwrap().unwrap();
        let read = store.read(|tx| tx.get("g", "k"));
        assert!(matches!(read, Err(Error::Denied(_))), "{what}: {read:?}");
    };
    is_closed("at first");
    t.run(["backup", "b.db"]).ok("");
    t.execute(
        "DROP TRIGGER larder_insert; UPDATE larder_groups SET keys=9; ALTER TABLE entries ADD COLUMN note",
    );
    t.execute("INSERT INTO larder_grants VALUES('n s','everyone','*',1)");
    assert_eq!(t.run(["check", "--repair"]).output().status.code(), Some(0));
    is_closed("repaired");
    t.run(["access", "open", "ns", "--yes"]).ok("");
    assert_eq!(t.run(["restore", "b.db", "--yes"]).output().status.code(), Some(0));
    is_closed("restored");
    t.run(["check"]).ok("");
}
