//! Hostile files: whatever a file's schema tries, larder names what it does
//! not like, within two seconds and 256 MiB, and runs none of it.

use std::time::{Duration, Instant};

use crate::harness::{Home, OLD_FORMS, old_store, told};

const ENDLESS: &str = "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM n) SELECT count(*) FROM n";

/// Every command of this list must refuse the file with 7, soon, in little
/// memory, naming `word`.
fn refused(home: &Home, what: &str, word: &str) {
    let before = std::fs::read(home.db()).unwrap();
    for words in [
        "get g k0",
        "list",
        "list g --values",
        "count",
        "set g k0 v",
        "delete g k0",
        "delete g --all",
        "purge",
        "incr g n",
        "info",
        "backup copy.db",
        "check",
    ] {
        let start = Instant::now();
        let output = home.sh(&format!("ulimit -v 262144; exec \"$L\" {words}")).output().unwrap();
        let took = start.elapsed();
        assert_eq!(output.status.code(), Some(7), "{what}, {words}: {}", told(&output));
        let said = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
        let said = String::from_utf8_lossy(&said);
        assert!(said.contains(word), "{what}, {words}: {word} is not named: {said}");
        // The limit is two seconds for larder alone; a loaded machine is slower.
        assert!(took < Duration::from_secs(10), "{what}, {words}: took {took:?}");
    }
    assert!(std::fs::read(home.db()).unwrap() == before, "{what}: the file was changed");
}

#[test]
fn additions_to_a_store_are_refused_by_name() {
    for (what, sql, word) in [
        ("a trigger", "CREATE TRIGGER evil AFTER INSERT ON entries BEGIN DELETE FROM entries; END", "evil"),
        (
            "a trigger on the log",
            "CREATE TRIGGER evil BEFORE INSERT ON larder_changes BEGIN SELECT RAISE(IGNORE); END",
            "evil",
        ),
        (
            "an endless trigger",
            &format!("CREATE TRIGGER evil AFTER UPDATE ON entries BEGIN {ENDLESS}; END"),
            "evil",
        ),
        ("a view of larder's", &format!("CREATE VIEW larder_evil AS {ENDLESS}"), "larder_evil"),
        ("a unique index", "CREATE UNIQUE INDEX evil ON entries(entry_value,entry_key)", "evil"),
        ("an expression index", "CREATE INDEX evil ON entries(replace(entry_value,'a',entry_key))", "evil"),
        (
            "a weaker trigger",
            "DROP TRIGGER larder_delete; CREATE TRIGGER larder_delete AFTER DELETE ON entries BEGIN SELECT 1; END",
            "larder_delete",
        ),
        ("a missing trigger", "DROP TRIGGER larder_update", "larder_update"),
        ("a generated column", "ALTER TABLE entries ADD COLUMN evil TEXT AS (upper(entry_value))", "entries"),
        ("a further column", "ALTER TABLE entries ADD COLUMN evil TEXT DEFAULT 'x'", "entries"),
        ("a table of larder's", "CREATE TABLE larder_evil(x)", "larder_evil"),
        (
            "a view in the place of a table",
            &format!("DROP TABLE larder_groups; CREATE VIEW larder_groups AS {ENDLESS}"),
            "larder_groups",
        ),
        (
            "a newline in a name",
            "CREATE TRIGGER \"evil\n\x1b[31mname\" AFTER DELETE ON entries BEGIN SELECT 1; END",
            "evil\\n",
        ),
    ] {
        let home = Home::new();
        home.ok(["set", "g", "k0", "v"]);
        home.sql().execute_batch(sql).unwrap();
        home.sql().execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
        refused(&home, what, word);
    }
}

/// SQLite loads the whole schema at every opening, in time that grows with the
/// square of its tables: a hundred thousand held a `get` up for half a minute.
#[test]
fn tables_without_number_are_refused() {
    let home = Home::new();
    home.ok(["set", "g", "k0", "v"]);
    home.sql()
        .execute_batch(
            "PRAGMA writable_schema=ON;
             WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM n LIMIT 110000) INSERT INTO sqlite_schema SELECT 'table','t'||n,'t'||n,0,'create virtual table t'||n||' using x' FROM n;
             PRAGMA wal_checkpoint(TRUNCATE)",
        )
        .unwrap();
    refused(&home, "110,000 tables", "more than 500");
    let before = std::fs::read(home.db()).unwrap();
    let start = Instant::now();
    let output = home.sh("ulimit -v 262144; exec \"$L\" check --repair").output().unwrap();
    assert_eq!(output.status.code(), Some(7), "{}", told(&output));
    assert!(start.elapsed() < Duration::from_secs(10), "took {:?}", start.elapsed());
    assert!(std::fs::read(home.db()).unwrap() == before, "the file was changed");
}

#[test]
fn old_files_with_additions_are_refused_by_name() {
    for form in OLD_FORMS {
        let table = if form.starts_with("kv") { "kv" } else { "entries" };
        let column = if table == "kv" { "key" } else { "entry_key" };
        for (what, sql, word) in [
            (
                "a trigger",
                format!("CREATE TRIGGER evil AFTER INSERT ON {table} BEGIN {ENDLESS}; END"),
                "evil",
            ),
            ("an index", format!("CREATE INDEX evil ON {table}({column} || 'x')"), "evil"),
            (
                "a generated column",
                format!("ALTER TABLE {table} ADD COLUMN evil TEXT AS ({column} || 'x')"),
                table,
            ),
            (
                "a view in its place",
                format!("ALTER TABLE {table} RENAME TO real; CREATE VIEW {table} AS {ENDLESS}"),
                table,
            ),
        ] {
            let home = Home::new();
            old_store(&home.db(), form, 3);
            home.sql().execute_batch(&sql).unwrap();
            home.sql().execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
            refused(&home, &format!("{form} with {what}"), word);
        }
    }
}

/// A view may stand beside what is migrated, and is neither run nor rewritten.
#[test]
fn a_view_beside_an_old_table_never_runs() {
    for form in OLD_FORMS {
        let home = Home::new();
        old_store(&home.db(), form, 3);
        home.sql().execute_batch(&format!("CREATE VIEW evil AS {ENDLESS}")).unwrap();
        let start = Instant::now();
        for words in ["get g k0", "set g k0 v", "check", "backup copy.db", "purge --vacuum"] {
            let output = home.sh(&format!("ulimit -v 262144; exec \"$L\" {words}")).output().unwrap();
            assert_eq!(output.status.code(), Some(0), "{form}, {words}: {}", told(&output));
        }
        assert!(start.elapsed() < Duration::from_secs(10), "{form}: took {:?}", start.elapsed());
        let view: String = home
            .sql()
            .query_row("SELECT sql FROM sqlite_schema WHERE name='evil'", [], |row| row.get(0))
            .unwrap();
        assert_eq!(view, format!("CREATE VIEW evil AS {ENDLESS}"));
    }
}

/// The schema is text in the file: it can be edited to say what no SQL could
/// make it say.
#[test]
fn an_edited_schema_is_refused() {
    for (what, edit) in [
        ("no SQL at all", "UPDATE sqlite_schema SET sql='nonsense' WHERE name='larder_insert'"),
        (
            "a root page beyond the file",
            "UPDATE sqlite_schema SET rootpage=999999 WHERE name='larder_groups'",
        ),
        ("one root page for two tables", "UPDATE sqlite_schema SET rootpage=2 WHERE name='larder_changes'"),
        (
            "a table renamed",
            "UPDATE sqlite_schema SET name='entriez', tbl_name='entriez' WHERE name='entries'",
        ),
        (
            "a column declared away",
            "UPDATE sqlite_schema SET sql=replace(sql,',updated_at INTEGER NOT NULL DEFAULT 0','') WHERE name='entries'",
        ),
    ] {
        let home = Home::new();
        home.ok(["set", "g", "k0", "v"]);
        home.sh_ok(&format!(
            "sqlite3 s.db \"PRAGMA writable_schema=ON; {edit}; PRAGMA wal_checkpoint(TRUNCATE)\""
        ));
        for words in
            ["get g k0", "list g --values", "set g k0 w", "check", "check --repair", "backup copy.db"]
        {
            let output = home.sh(&format!("ulimit -v 262144; exec \"$L\" {words}")).output().unwrap();
            let code = output.status.code();
            // Some of it shows only when the page is read.
            assert!(matches!(code, Some(0 | 7)), "{what}, {words}: {}", told(&output));
            if code == Some(0) && words.starts_with("get") {
                assert_eq!(output.stdout, b"v", "{what}");
            }
        }
    }
}

/// Rows, too, can be anything: they are shown or refused, never obeyed.
#[test]
fn odd_rows_are_shown_or_refused() {
    let home = Home::new();
    home.ok(["set", "g", "k0", "v"]);
    home.sql()
        .execute_batch(
            "INSERT INTO entries(group_name,entry_key,entry_value) VALUES('','',''),('g',char(0)||'nul','x'),('g',CAST(x'ff' AS TEXT),'x'),('g','int',12),('g','real',1.5);
             INSERT INTO entries(group_name,entry_key,entry_value,expires_at) VALUES('g','late','x',9223372036854775807);",
        )
        .unwrap();
    // The log is strict about types, so what has a time that is none, or a
    // name that is no text, does not get in.
    for row in
        ["'g','text','x','soon'", "'g','real','x',1.5e12+0.5", "x'00','k','v',NULL", "'g',x'00','v',NULL"]
    {
        let sql = format!("INSERT INTO entries(group_name,entry_key,entry_value,expires_at) VALUES({row})");
        assert!(home.sql().execute_batch(&sql).is_err(), "{row}");
    }
    for words in [
        "list",
        "list g --json",
        "list g --values -0",
        "count g",
        "get g int",
        "get g real",
        "info",
        "purge",
        "check",
    ] {
        let output = home.sh(&format!("ulimit -v 262144; exec \"$L\" {words}")).output().unwrap();
        assert!(matches!(output.status.code(), Some(0 | 2 | 7 | 8)), "{words}: {}", told(&output));
    }
}
