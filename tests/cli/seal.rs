//! A store whose schema somebody has altered, or made with a newer larder.

use crate::harness::Test;

/// Alters the default store, and expects both kinds of access to be refused
/// with this message after the path, the file untouched.
#[track_caller]
fn refused(sql: &str, why: &str) {
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
    refused("PRAGMA user_version=3", "has schema 3, newer than this larder knows (2); upgrade larder");
    refused(
        "PRAGMA user_version=2000000000",
        "has schema 2000000000, newer than this larder knows (2); upgrade larder",
    );
    refused("PRAGMA user_version=0", "has an unknown schema (0)");
    refused("PRAGMA user_version=-1", "has an unknown schema (-1)");
}

#[test]
fn triggers_that_do_less_or_more() {
    for name in ["larder_arrive", "larder_insert", "larder_update", "larder_delete"] {
        refused(&format!("DROP TRIGGER {name}"), &format!("has been altered: the trigger {name} is missing"));
    }
    refused(
        "DROP TRIGGER larder_delete; CREATE TRIGGER larder_delete AFTER DELETE ON entries BEGIN SELECT 1; END",
        "has been altered: the trigger larder_delete is not larder's",
    );
    refused(
        "CREATE TRIGGER spy AFTER INSERT ON entries BEGIN DELETE FROM larder_changes; END",
        "has been altered: the trigger \"spy\" is not larder's",
    );
    refused(
        "CREATE TRIGGER \"new\nline\" AFTER DELETE ON larder_changes BEGIN SELECT 1; END",
        "has been altered: the trigger \"new\\nline\" is not larder's",
    );
}

#[test]
fn tables_views_and_indexes() {
    refused("DROP TABLE larder_grants", "has been altered: the table larder_grants is missing");
    for name in ["larder_expiry", "larder_group_expiry", "larder_namespace_expiry"] {
        refused(&format!("DROP INDEX {name}"), &format!("has been altered: the index {name} is missing"));
    }
    refused(
        "ALTER TABLE entries ADD COLUMN colour TEXT",
        "has been altered: the table entries is not larder's",
    );
    refused(
        "CREATE VIEW shown AS SELECT * FROM entries",
        "has been altered: the view \"shown\" is not larder's",
    );
    refused(
        "CREATE INDEX mine ON entries(entry_value)",
        "has been altered: the index \"mine\" is not larder's",
    );
    refused(
        "CREATE UNIQUE INDEX mine ON entries(entry_value)",
        "has been altered: the index \"mine\" is not larder's",
    );
    refused("CREATE TABLE larder_more(x)", "has been altered: the table \"larder_more\" is not larder's");
    refused("CREATE TABLE LARDER_more(x)", "has been altered: the table \"LARDER_more\" is not larder's");
    refused(
        "ALTER TABLE entries RENAME TO was; CREATE VIEW entries AS SELECT * FROM was",
        "has been altered: the index larder_expiry is not larder's",
    );
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
