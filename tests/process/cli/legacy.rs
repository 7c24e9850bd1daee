//! Programs of go-store's older generation, which keep a table `kv`, at a
//! larder store; and what larder says when it takes a file of go-store's over.

use crate::common::Test;

const KV: &str = "CREATE TABLE IF NOT EXISTS kv (grp TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (grp, key))";

/// Such a program made its table in a larder store and wrote there. What it had
/// acknowledged was in no list, `get` did not find it, and `check` found
/// nothing wrong.
#[test]
fn a_kv_that_appears_later_is_named_and_merged() {
    let t = Test::new();
    t.run(["set", "g", "k", "v"]).ok("");
    t.execute(&format!("{KV}; INSERT INTO kv VALUES('g','new','seed'),('g','k','other'),('g','same','s')"));
    t.execute("INSERT INTO entries(group_name,entry_key,entry_value) VALUES('g','same','s')");
    // Whoever only reads changes nothing.
    t.run(["get", "g", "new"]).fails(1, "larder: get: no key \"new\" in group \"g\"\n");
    assert_eq!(t.run(["info", "--json"]).json()["kv_rows"], 3);
    t.run(["check"]).exits(
        7,
        "go-store's table kv: 3 rows are not merged into the store yet\n",
        "larder: check: 1 finding in the store\n\
         hint: the next command that writes merges the table kv unless a quota is in the way, and so does 'larder check --repair'\n",
    );
    let shown = t.db().display().to_string();
    t.run(["set", "g", "x", "y"]).exits(
        0,
        "",
        format!(
            "larder: merged go-store's table kv into {shown:?}: 1 entry; 1 whose key has another value are in the change log only\n"
        ),
    );
    t.run(["set", "g", "x", "y"]).ok("");
    t.run(["get", "g", "new"]).ok("seed");
    t.run(["get", "g", "k"]).ok("v");
    t.run(["list", "g"]).ok("k\nnew\nsame\nx\n");
    assert_eq!(t.number("SELECT count(*) FROM larder_changes WHERE entry_value='other'"), 1);
    assert_eq!(t.number("SELECT count(*) FROM sqlite_schema WHERE name='kv'"), 0);
    assert!(t.run(["info", "--json"]).json().get("kv_rows").is_none());
    t.run(["check"]).ok("");
}

#[test]
fn a_repair_merges_it_too() {
    let t = Test::new();
    t.run(["set", "g", "k", "v"]).ok("");
    t.execute(
        "CREATE TABLE KV (grp TEXT, key TEXT, value TEXT, expires_at INTEGER, PRIMARY KEY (grp, key)) WITHOUT ROWID;
         INSERT INTO kv VALUES('g','new','seed',NULL),('g','due','old',5)",
    );
    let shown = t.db().display().to_string();
    t.run(["check", "--repair"]).ok(format!(
        "go-store's table kv: 2 rows are not merged into the store yet\n\
         repaired: merged go-store's table kv into {shown:?}: 2 entries\n"
    ));
    t.run(["list", "g"]).ok("k\nnew\n");
    t.run(["check"]).ok("");
}

/// go-store itself cannot open the file then. Somebody else's quota is no
/// reason to refuse a write.
#[test]
fn a_kv_past_a_quota_stays_and_is_named() {
    let t = Test::new();
    t.run(["set", "ns:g", "k", "v"]).ok("");
    t.run(["quota", "set", "ns", "--max-keys", "1"]).ok("");
    t.execute(&format!("{KV}; INSERT INTO kv VALUES('ns:g','new','seed'),('g','new','seed')"));
    let shown = t.db().display().to_string();
    let told = format!(
        "larder: go-store's table kv in {shown:?} was not merged: it would exceed a quota; raise the quota, or drop the table\n"
    );
    t.run(["set", "g", "k", "v"]).exits(0, "", &told);
    t.run(["-q", "set", "g", "k", "v"]).ok("");
    t.run(["list", "g"]).ok("k\n");
    t.run(["check", "--repair"]).exits(
        7,
        "go-store's table kv: 2 rows are not merged into the store yet\n",
        format!(
            "{told}larder: check: 1 finding in the store\n\
             hint: the next command that writes merges the table kv unless a quota is in the way, and so does 'larder check --repair'\n"
        ),
    );
    t.run(["-q", "quota", "set", "ns", "--max-keys", "2"]).ok("");
    assert_eq!(t.run(["set", "g", "k", "v"]).output().status.code(), Some(0));
    t.run(["get", "ns:g", "new"]).ok("seed");
    t.run(["check"]).ok("");
}

/// The hint was to write, which does not help.
#[test]
fn a_kv_with_rows_that_no_entry_can_be_is_left_to_people() {
    let t = Test::new();
    t.run(["set", "g", "k", "v"]).ok("");
    t.execute(&format!("{KV}; INSERT INTO kv VALUES(x'67','new','seed'),('g','new','seed')"));
    let told = String::from_utf8(t.run(["set", "g", "k", "v"]).output().stderr).unwrap();
    assert!(told.contains("was not merged: it has an invalid row"), "{told}");
    let statement =
        "DELETE FROM kv WHERE grp IS NULL OR key IS NULL OR typeof(grp)='blob' OR typeof(key)='blob'";
    t.run(["check"]).exits(
        7,
        "go-store's table kv: 2 rows are not merged into the store yet\n",
        format!(
            "larder: check: 1 finding in the store\n\
             hint: the rows that no entry can be have to go first: {statement}; then run 'larder check' again\n"
        ),
    );
    t.execute(statement);
    assert_eq!(t.run(["check", "--repair"]).output().status.code(), Some(0));
    t.run(["get", "g", "new"]).ok("seed");
}

/// A table is go-store's by its columns, not by its name.
#[test]
fn a_kv_of_ones_own_is_left_alone() {
    let t = Test::new();
    t.run(["set", "g", "k", "v"]).ok("");
    t.execute("CREATE TABLE kv(key,value); INSERT INTO kv VALUES(1,2)");
    t.run(["set", "g", "k", "w"]).ok("");
    t.run(["check"]).ok("");
    assert_eq!(t.number("SELECT count(*) FROM kv"), 1);
}

/// A mere `list` migrated a file without a word, and the program that used it
/// failed from then on: "no such table: kv".
#[test]
fn a_migration_is_told_once() {
    let file = || {
        let t = Test::new();
        std::fs::create_dir_all(t.db().parent().unwrap()).unwrap();
        t.execute(&format!("{KV}; INSERT INTO kv VALUES('g','a','1'),('g','b','2')"));
        t
    };
    let t = file();
    let shown = t.db().display().to_string();
    let told = format!("migrated {shown:?} from go-store's table kv: 2 entries");
    t.run(["list"]).exits(0, "g\n", format!("larder: {told}\n"));
    t.run(["list"]).ok("g\n");
    let t = file();
    t.run(["-q", "list"]).ok("g\n");
    let t = file();
    let output = t.run(["--json", "count"]).output();
    let note: serde_json::Value = serde_json::from_slice(&output.stderr).unwrap();
    assert_eq!((&note["note"], output.status.code()), (&"migrated".into(), Some(0)));
    let t = file();
    assert!(t.run(["check"]).output().stderr.starts_with(b"larder: migrated "));
}

/// An index on the time of expiry, or a view for reports, is a natural thing to
/// have in a go-store file; it was refused as somebody else's database.
#[test]
fn a_go_store_file_may_have_views_and_indexes() {
    let t = Test::new();
    std::fs::create_dir_all(t.db().parent().unwrap()).unwrap();
    t.execute(
        "CREATE TABLE entries (group_name TEXT NOT NULL, entry_key TEXT NOT NULL, entry_value TEXT NOT NULL, expires_at INTEGER, PRIMARY KEY (group_name, entry_key));
         INSERT INTO entries VALUES('g','k','v',NULL);
         CREATE INDEX mine ON entries(expires_at);
         CREATE VIEW report AS SELECT group_name,count(*) n FROM entries GROUP BY 1;
         CREATE TABLE notes(a);
         CREATE TRIGGER noted AFTER INSERT ON notes BEGIN SELECT 1; END",
    );
    t.run(["-q", "get", "g", "k"]).ok("v");
    t.run(["check"]).ok("");
    assert_eq!(t.number("SELECT n FROM report"), 1);
    assert_eq!(t.number("SELECT count(*) FROM sqlite_schema WHERE name IN('mine','noted')"), 2);
}

#[test]
fn what_keeps_a_go_store_file_from_being_migrated_is_named() {
    for (sql, why) in [
        (
            "CREATE TRIGGER \"my own\" AFTER INSERT ON entries BEGIN SELECT 1; END",
            "it has the trigger \"my own\"; without it, it can be migrated: DROP TRIGGER \"my own\"",
        ),
        (
            "CREATE INDEX mine ON entries(upper(entry_key))",
            "it has the index \"mine\"; without it, it can be migrated: DROP INDEX \"mine\"",
        ),
        (
            "PRAGMA user_version=7",
            "it is marked as another program's database (user_version 7); if it is go-store's: PRAGMA user_version=0",
        ),
    ] {
        let t = Test::new();
        std::fs::create_dir_all(t.db().parent().unwrap()).unwrap();
        t.execute(&format!(
            "CREATE TABLE entries (group_name TEXT NOT NULL, entry_key TEXT NOT NULL, entry_value TEXT NOT NULL, PRIMARY KEY (group_name, entry_key)); {sql}"
        ));
        let before = std::fs::read(t.db()).unwrap();
        let shown = t.db().display().to_string();
        t.run(["set", "g", "k", "v"])
            .fails(7, format!("larder: set: {shown:?} is not a larder store: {why}\n"));
        assert!(std::fs::read(t.db()).unwrap() == before, "{sql}");
    }
}
