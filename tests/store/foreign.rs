//! Other programs on the same file: the bookkeeping holds for them.

use larder::clock::Timestamp;

use crate::{Fixture, shell};

const COLUMNS: &str = "entries(group_name,entry_key,entry_value,expires_at)";

fn fixture() -> (Fixture, i64) {
    let now = Timestamp::now().0;
    (Fixture::at(now), now)
}

#[test]
fn every_kind_of_statement_is_logged() {
    for recursive in ["OFF", "ON"] {
        let (f, now) = fixture();
        let run = |sql: &str| {
            let before = f.seq();
            shell(&f.path(), &format!("PRAGMA recursive_triggers={recursive};{sql}")).unwrap();
            f.recount();
            f.log(before)
        };
        let far = now + 1_000_000;
        assert_eq!(run(&format!("INSERT INTO {COLUMNS} VALUES('g','k','1',{far})")), ["set g k 1"]);
        assert_eq!(run(&format!("INSERT OR IGNORE INTO {COLUMNS} VALUES('g','k','2',NULL)")), [""; 0]);
        assert_eq!(
            run(&format!("INSERT INTO {COLUMNS} VALUES('g','k','2',NULL)ON CONFLICT DO NOTHING")),
            [""; 0]
        );
        let replaced = run(&format!("INSERT OR REPLACE INTO {COLUMNS} VALUES('g','k','3',NULL)"));
        if recursive == "ON" {
            assert_eq!(replaced, ["delete g k", "set g k 3"]);
        } else {
            assert_eq!(replaced, ["set g k 3"]);
        }
        assert_eq!(
            run(&format!(
                "INSERT INTO {COLUMNS} VALUES('g','k','4',NULL)ON CONFLICT(group_name,entry_key)DO UPDATE SET entry_value=excluded.entry_value,expires_at=excluded.expires_at"
            )),
            ["set g k 4"]
        );
        assert_eq!(run("UPDATE entries SET entry_value='5' WHERE entry_key='k'"), ["set g k 5"]);
        assert_eq!(run(&format!("UPDATE entries SET expires_at={far}")), ["set g k 5"]);
        assert_eq!(run("DELETE FROM entries"), ["delete g k"]);
        let past = now - 10;
        assert_eq!(run(&format!("INSERT INTO {COLUMNS} VALUES('g','k','6',{past})")), ["set g k 6"]);
        assert_eq!(f.get("g", "k"), None);
        assert_eq!(
            run(&format!("INSERT OR IGNORE INTO {COLUMNS} VALUES('g','k','7',{past})")),
            ["expire g k", "set g k 7"]
        );
        assert_eq!(
            run(&format!("INSERT OR REPLACE INTO {COLUMNS} VALUES('g','k','8',{past})")),
            ["expire g k", "set g k 8"]
        );
        assert_eq!(run("UPDATE entries SET expires_at=NULL"), ["expire g k", "set g k 8"]);
        assert_eq!(f.get("g", "k").as_deref(), Some("8"));
        let version = f.store.read(|tx| tx.get("g", "k")).unwrap().version;
        assert_eq!(version, f.seq());
        assert_eq!(
            run(
                "BEGIN;UPDATE entries SET entry_value='9';INSERT INTO entries(group_name,entry_key,entry_value)VALUES('g','l','x');COMMIT"
            ),
            ["set g k 9", "set g l x"]
        );
        assert_eq!(run("BEGIN;DELETE FROM entries;ROLLBACK"), [""; 0]);
    }
}

#[test]
fn their_clock_is_milliseconds_since_1970() {
    let (f, now) = fixture();
    shell(&f.path(), &format!("INSERT INTO {COLUMNS} VALUES('g','k','v',NULL)")).unwrap();
    let entry = f.store.read(|tx| tx.get("g", "k")).unwrap();
    assert!((now..=Timestamp::now().0).contains(&entry.updated_at.0));
    assert_eq!(entry.updated_at.0, f.number("SELECT at FROM larder_changes ORDER BY seq DESC LIMIT 1"));
}

#[test]
fn go_stores_own_statements_work_beside_larder() {
    let (f, _) = fixture();
    shell(
        &f.path(),
        "CREATE TABLE IF NOT EXISTS entries(group_name TEXT NOT NULL,entry_key TEXT NOT NULL,entry_value TEXT NOT NULL,expires_at INTEGER,PRIMARY KEY(group_name,entry_key));
         INSERT INTO entries(group_name,entry_key,entry_value)VALUES('g','k','v')ON CONFLICT(group_name,entry_key)DO UPDATE SET entry_value=excluded.entry_value,expires_at=NULL;
         CREATE TABLE IF NOT EXISTS journal_entries(id INTEGER PRIMARY KEY,note TEXT);
         CREATE INDEX IF NOT EXISTS journal_note ON journal_entries(note);",
    )
    .unwrap();
    assert_eq!(f.get("g", "k").as_deref(), Some("v"));
    // Another process of larder accepts the file with those tables in it.
    f.scoped("x");
}

#[test]
fn nothing_is_displaced_unseen() {
    for recursive in ["OFF", "ON"] {
        let (f, _) = fixture();
        f.set("g", "1", "v");
        f.set("g", "2", "w");
        let before = f.seq();
        for sql in [
            "INSERT INTO entries(rowid,group_name,entry_key,entry_value)VALUES(1,'g','3','v')",
            "INSERT OR REPLACE INTO entries(rowid,group_name,entry_key,entry_value)VALUES(1,'g','3','v')",
            "INSERT OR REPLACE INTO entries(rowid,group_name,entry_key,entry_value)VALUES(1,'g','2','v')",
            "UPDATE OR REPLACE entries SET entry_key='1' WHERE entry_key='2'",
            "UPDATE entries SET group_name='h' WHERE entry_key='2'",
            "UPDATE OR REPLACE entries SET rowid=1 WHERE rowid=2",
            "UPDATE OR REPLACE entries SET _rowid_=1 WHERE rowid=2",
            "UPDATE OR REPLACE entries SET oid=1 WHERE rowid=2",
            "UPDATE OR REPLACE entries SET ROWID=1 WHERE rowid=2",
            "INSERT INTO entries(rowid,group_name,entry_key,entry_value)VALUES(-1,'g','3','v')",
            "INSERT INTO entries(rowid,group_name,entry_key,entry_value)VALUES(0,'g','3','v')",
            "INSERT INTO entries(group_name,entry_key,entry_value)VALUES('g','3',NULL)",
            "INSERT INTO entries(group_name,entry_key,entry_value)VALUES(x'67','3','v')",
            "INSERT INTO entries(group_name,entry_key,entry_value)VALUES('g',x'33','v')",
        ] {
            let script = format!("PRAGMA recursive_triggers={recursive};{sql}");
            assert!(shell(&f.path(), &script).is_err(), "{sql}");
            assert_eq!((f.keys("g"), f.seq()), (vec!["1".into(), "2".into()], before), "{sql}");
        }
        f.recount();
        f.set("g", "3", "still writable");
    }
}

#[test]
fn a_row_under_its_own_rowid_can_be_replaced() {
    let (f, _) = fixture();
    f.set("g", "1", "v");
    shell(
        &f.path(),
        "INSERT OR REPLACE INTO entries(rowid,group_name,entry_key,entry_value)VALUES(1,'g','1','w'),(9,'g','9','v')",
    )
    .unwrap();
    assert_eq!((f.get("g", "1").as_deref(), f.get("g", "9").as_deref()), (Some("w"), Some("v")));
    f.recount();
}

#[test]
fn names_with_odd_bytes_are_counted_where_they_belong() {
    let (f, _) = fixture();
    shell(
        &f.path(),
        "INSERT INTO entries(group_name,entry_key,entry_value)VALUES
         ('a:x'||char(0)||'y','k','v'),('a'||char(0)||':x','k','v'),(':x','k','v'),('é:x','k','v'),
         ('a:','k','v'),('a:b:c','k','v'),('a-Z9:x','k','v'),('a_b:x','k','v'),(CAST(x'613aff' AS TEXT),CAST(x'ff' AS TEXT),CAST(x'fe' AS TEXT))",
    )
    .unwrap();
    f.recount();
    let count = |ns: &str| {
        f.number(&format!("SELECT ifnull((SELECT keys FROM larder_namespaces WHERE namespace='{ns}'),0)"))
    };
    assert_eq!((count("a"), count("a-Z9"), count("")), (4, 1, 4));
    let scoped = f.scoped("a");
    assert_eq!(scoped.read(|tx| tx.count_all()).unwrap(), 4);
    assert_eq!(scoped.read(|tx| tx.count("x\0y")).unwrap(), 1);
}
