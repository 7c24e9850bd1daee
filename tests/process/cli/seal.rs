//! A store whose schema somebody has altered, or made with a newer larder.

use crate::common::Test;

const AGAIN: &str = "'larder check --repair' rebuilds it";
const BACKUP: &str = "'larder check' shows details; 'larder restore FILE --yes' replaces it with a backup";

/// Alters the default store, and expects both kinds of access to be refused
/// with this message after the path, the file untouched.
#[track_caller]
fn refused(sql: &str, why: &str) {
    refused_with(sql, why, None);
}

/// Alters the default store, and expects it to be refused for `what` was
/// altered, with a hint at what mends it.
#[track_caller]
fn altered(sql: &str, what: &str, hint: &str) {
    refused_with(sql, &format!("has been altered: {what}"), Some(hint));
}

#[track_caller]
fn refused_with(sql: &str, why: &str, hint: Option<&str>) {
    let why = match hint {
        Some(hint) => format!("{why}\nhint: {hint}"),
        None => why.to_owned(),
    };
    let t = Test::new();
    t.run(["set", "g", "k", "v"]).ok("");
    t.execute(&format!("{sql}; PRAGMA wal_checkpoint(TRUNCATE)"));
    let before = std::fs::read(t.db()).unwrap();
    let shown = t.db().display().to_string();
    t.run(["get", "g", "k"]).fails(7, format!("larder: get: {shown:?} {why}\n"));
    t.run(["set", "g", "k", "w"]).fails(7, format!("larder: set: {shown:?} {why}\n"));
    t.run(["--json", "list"]).json_error(7, "unusable_store");
    assert!(std::fs::read(t.db()).unwrap() == before, "{sql}");
}

#[test]
fn a_newer_schema() {
    refused("PRAGMA user_version=4", "has schema 4, newer than this larder supports (3); upgrade larder");
    refused(
        "PRAGMA user_version=2000000000",
        "has schema 2000000000, newer than this larder supports (3); upgrade larder",
    );
    refused("PRAGMA user_version=0", "has an unknown schema (0)");
    refused("PRAGMA user_version=-1", "has an unknown schema (-1)");
}

#[test]
fn triggers_that_do_less_or_more() {
    for name in ["larder_arrive", "larder_insert", "larder_update", "larder_delete"] {
        altered(&format!("DROP TRIGGER {name}"), &format!("the trigger {name} is missing"), AGAIN);
    }
    altered(
        "DROP TRIGGER larder_delete; CREATE TRIGGER larder_delete AFTER DELETE ON entries BEGIN SELECT 1; END",
        "the trigger larder_delete is not larder's",
        AGAIN,
    );
    altered(
        "CREATE TRIGGER spy AFTER INSERT ON entries BEGIN DELETE FROM larder_changes; END",
        "the trigger \"spy\" is not larder's",
        "'larder check --repair' drops it, and so does: DROP TRIGGER \"spy\"",
    );
    altered(
        "CREATE TRIGGER \"new\nline\" AFTER DELETE ON larder_changes BEGIN SELECT 1; END",
        "the trigger \"new\\nline\" is not larder's",
        "'larder check --repair' drops it",
    );
    altered(
        "CREATE TABLE mine(a); CREATE TRIGGER larder_more AFTER INSERT ON mine BEGIN SELECT 1; END",
        "the trigger \"larder_more\" is not larder's",
        "'larder check --repair' drops it, and so does: DROP TRIGGER \"larder_more\"",
    );
}

#[test]
fn tables_views_and_indexes() {
    altered("DROP TABLE larder_grants", "the table larder_grants is missing", BACKUP);
    for name in ["larder_expiry", "larder_group_expiry", "larder_namespace_expiry"] {
        altered(&format!("DROP INDEX {name}"), &format!("the index {name} is missing"), AGAIN);
    }
    altered(
        "ALTER TABLE entries ADD COLUMN colour TEXT",
        "the table entries is not larder's",
        "'larder check --repair' removes the column, and so does: ALTER TABLE entries DROP COLUMN \"colour\"",
    );
    altered(
        "CREATE VIEW larder_shown AS SELECT * FROM entries",
        "the view \"larder_shown\" is not larder's",
        "'larder check --repair' drops it, and so does: DROP VIEW \"larder_shown\"",
    );
    for index in [
        "CREATE UNIQUE INDEX \"my idx\" ON entries(entry_value)",
        "CREATE INDEX \"my idx\" ON entries(upper(entry_value))",
        "CREATE INDEX \"my idx\" ON entries(entry_value) WHERE length(entry_value)>1",
        "CREATE INDEX \"my idx\" ON larder_grants(principal)",
    ] {
        altered(
            index,
            "the index \"my idx\" is not larder's",
            "'larder check --repair' drops it, and so does: DROP INDEX \"my idx\"",
        );
    }
    for (sql, name) in
        [("CREATE TABLE larder_more(x)", "larder_more"), ("CREATE TABLE LARDER_more(x)", "LARDER_more")]
    {
        altered(
            sql,
            &format!("the table \"{name}\" is not larder's"),
            &format!("give it a name of its own: ALTER TABLE \"{name}\" RENAME TO ..., or drop it"),
        );
    }
    altered(
        "ALTER TABLE entries RENAME TO was; CREATE VIEW entries AS SELECT * FROM was",
        "the view entries is not larder's",
        "give the table its name back: DROP VIEW entries; ALTER TABLE \"was\" RENAME TO entries",
    );
}

/// A view for reports, an index, or a table with a view and a trigger of its own
/// made every command end with 7, and every running watch. Nothing of it can
/// run when larder reads and writes its own tables.
#[test]
fn a_view_an_index_and_tables_of_ones_own_are_welcome() {
    let t = Test::new();
    t.run(["set", "g", "k", "v"]).ok("");
    t.execute(
        "CREATE VIEW report AS SELECT group_name,count(*) n FROM entries GROUP BY 1;
         CREATE INDEX mine ON entries(entry_value COLLATE NOCASE);
         CREATE TABLE notes(id INTEGER PRIMARY KEY,note TEXT CHECK(note<>'bad'),long AS(length(note)));
         CREATE INDEX long ON notes(upper(note));
         CREATE TRIGGER seen INSTEAD OF DELETE ON report BEGIN DELETE FROM entries WHERE group_name=old.group_name; END;
         CREATE TRIGGER noted AFTER INSERT ON notes BEGIN INSERT INTO entries(group_name,entry_key,entry_value)VALUES('notes',new.id,new.note); END;
         INSERT INTO notes(note)VALUES('hello')",
    );
    t.run(["get", "notes", "1"]).ok("hello");
    t.run(["set", "g", "k", "w"]).ok("");
    t.run(["watch", "--count", "1", "--after", "2"]).ok("3\tset\tg\tk\n");
    t.run(["check"]).ok("");
    t.run(["backup", "b.db"]).ok("");
    t.run(["purge", "--vacuum"]).ok("");
    t.execute("DELETE FROM report WHERE group_name='g'");
    t.run(["get", "g", "k"]).fails(1, "larder: get: no key \"k\" in group \"g\"\n");
    t.run(["restore", "b.db", "--yes"]).ok("");
    t.run(["get", "g", "k"]).ok("w");
    t.run(["check"]).ok("");
}

/// A copy made from a dump was said to have other columns, although it is whole.
#[test]
fn what_is_whole_is_not_called_damaged() {
    let t = Test::new();
    t.run(["set", "g", "k", "v"]).ok("");
    t.execute("PRAGMA application_id=0; PRAGMA user_version=0");
    t.run(["get", "g", "k"])
        .fails_with(7, "lost its mark, such as a copy made from a dump; run 'larder check --repair'");
    assert_eq!(t.run(["check", "--repair"]).output().status.code(), Some(0));
    t.run(["get", "g", "k"]).ok("v");
}

/// Foreign keys were on, and SQLite's check computed what any table said: a
/// CHECK, an index expression or a REFERENCES beside larder's tables could keep
/// `check`, `backup`, `restore` and `delete` busy for ever.
#[test]
fn nothing_of_other_tables_runs() {
    const ENDLESS: &str = "instr(hex(zeroblob(3000000)),hex(zeroblob(1000000))||'1')";
    let t = Test::new();
    t.run(["set", "g", "k", "v"]).ok("");
    t.run(["set", "g", "gone", "v"]).ok("");
    t.execute(&format!(
        "CREATE TABLE checked(a CHECK(NOT {ENDLESS}));
         CREATE TABLE child(a DEFAULT 'g' CHECK(a='x' OR NOT {ENDLESS}),b DEFAULT 'k',FOREIGN KEY(a,b) REFERENCES entries(group_name,entry_key) ON DELETE SET DEFAULT);
         CREATE TABLE strict(a REFERENCES larder_changes(seq) ON DELETE RESTRICT);
         PRAGMA ignore_check_constraints=1;
         INSERT INTO checked VALUES(1); INSERT INTO child VALUES('g','gone'); INSERT INTO strict VALUES(1);
         CREATE TABLE indexed(a); INSERT INTO indexed VALUES(1);
         CREATE INDEX slow ON indexed(iif(a IS NULL,{ENDLESS},0));
         PRAGMA writable_schema=ON;
         UPDATE sqlite_schema SET sql=replace(sql,'a IS NULL','a IS NOT NULL') WHERE name='slow'"
    ));
    t.run(["delete", "g", "gone"]).ok("");
    t.run(["check"]).ok("");
    t.run(["backup", "b.db"]).ok("");
    t.run(["purge", "--keep-changes", "1", "--vacuum"]).ok("");
    t.run(["restore", "b.db", "--yes"]).ok("");
    t.run(["get", "g", "k"]).ok("v");
}

#[test]
fn what_other_programs_may_add() {
    let t = Test::new();
    t.run(["set", "g", "k", "v"]).ok("");
    t.execute("CREATE TABLE journal_entries(id INTEGER PRIMARY KEY AUTOINCREMENT, note TEXT UNIQUE); CREATE INDEX notes ON journal_entries(note); ANALYZE");
    t.run(["get", "g", "k"]).ok("v");
    t.run(["set", "g", "k", "w"]).ok("");
    t.execute("VACUUM");
    t.run(["get", "g", "k"]).ok("w");
    t.run(["set", "g", "l", "x"]).ok("");
}

#[test]
fn a_log_that_somebody_emptied() {
    let t = Test::new();
    t.run(["set", "g", "k", "v"]).ok("");
    t.execute("DELETE FROM larder_changes");
    t.run(["get", "g", "k"]).ok("v");
    t.run(["set", "g", "k", "w"]).fails_with(7, "has an empty change log");
    t.run(["get", "g", "k"]).ok("v");
}
