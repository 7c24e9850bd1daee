//! Stores with damaged pages, with and without a head, and files that were
//! never stores: what check says, and what a restore does with them.

use std::fs;

use crate::common::Test;

const PAGE: usize = 4096;

const RESTORE: &str =
    "hint: damage cannot be repaired; 'larder restore FILE --yes' replaces the store with a backup\n";

/// A store of some hundred pages without a log, and a backup of it.
fn filled() -> Test {
    let t = Test::new();
    t.run(["set", "g", "k", "v"]).ok("");
    t.execute(
        "INSERT INTO entries(group_name,entry_key,entry_value) WITH RECURSIVE n(n) AS \
         (SELECT 1 UNION ALL SELECT n+1 FROM n WHERE n<400) SELECT 'bulk','k'||n,hex(zeroblob(150)) FROM n; \
         PRAGMA wal_checkpoint(TRUNCATE)",
    );
    t.run(["backup", "good.db"]).ok("");
    for suffix in ["-wal", "-shm"] {
        let _ = fs::remove_file(t.path(format!(".local/share/larder/larder.db{suffix}")));
    }
    t
}

/// Overwrites pages, counted from 1, with what cannot be a page.
fn ruin(t: &Test, first: usize, count: usize) {
    let mut content = fs::read(t.db()).unwrap();
    content[(first - 1) * PAGE..(first - 1 + count) * PAGE].fill(0xa5);
    fs::write(t.db(), content).unwrap();
}

fn root_of(t: &Test, table: &str) -> usize {
    let root = t.number(&format!("SELECT rootpage FROM sqlite_schema WHERE name='{table}'"));
    for suffix in ["-wal", "-shm"] {
        let _ = fs::remove_file(t.path(format!(".local/share/larder/larder.db{suffix}")));
    }
    usize::try_from(root).unwrap()
}

/// Expects the restore to put the store aside as it was.
#[track_caller]
fn is_replaced(t: &Test) {
    let kept = t.path(".local/share/larder/larder.db.damaged");
    let before = fs::read(t.db()).unwrap();
    t.run(["restore", "good.db", "--yes"]).exits(
        0,
        "",
        format!("larder: the damaged store is kept as {:?}\n", kept.to_string_lossy()),
    );
    assert!(fs::read(kept).unwrap() == before, "what was put aside is not the damaged store");
    t.run(["check"]).ok("");
    t.run(["get", "g", "k"]).ok("v");
    t.run(["count"]).ok("401\n");
}

#[test]
fn a_damaged_page_is_found_and_named() {
    let t = filled();
    let root = root_of(&t, "larder_expiry");
    ruin(&t, root, 1);
    let found = format!("SQLite: Tree {root} page {root}: btreeInitPage() returns error code 11\n");
    let told = format!("larder: check: 1 finding in the store\n{RESTORE}");
    t.run(["check"]).exits(7, &found, &told);
    t.run(["check", "--repair"]).exits(7, &found, &told);
}

#[test]
fn every_page_of_the_data_can_be_the_damaged_one() {
    for (table, offset, count) in [
        ("entries", 0, 1),
        ("larder_changes", 0, 1),
        ("larder_grants", 0, 1),
        ("larder_grants", 6, 2),
        ("larder_grants", 50, 4),
    ] {
        let t = filled();
        let root = root_of(&t, table);
        ruin(&t, root + offset, count);
        let output = t.run(["check"]).output();
        let (out, err) =
            (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        assert_eq!(output.status.code(), Some(7), "{table}+{offset}: {out}{err}");
        assert!(out.lines().any(|line| line.contains("btreeInitPage")), "{table}+{offset}: {out}");
        let sum = format!(
            "{} in the store\n{RESTORE}",
            match out.lines().count() {
                1 => "1 finding".to_owned(),
                more => format!("{more} findings"),
            }
        );
        assert_eq!(err, format!("larder: check: {sum}"));
        let output = t.run(["--json", "check", "--repair"]).output();
        assert_eq!(output.status.code(), Some(7));
        let lines: Vec<serde_json::Value> = String::from_utf8(output.stdout)
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert!(lines.iter().any(|line| line["finding"] == "damage"), "{lines:?}");
        assert_eq!(lines.last().unwrap()["ok"], false);
        assert_eq!(lines.last().unwrap()["findings"], lines.len() - 1);
        // Overwritten in place or put aside: it is the backup afterwards.
        assert!(t.run(["restore", "good.db", "--yes"]).output().status.success(), "{table}+{offset}");
        t.run(["check"]).ok("");
        t.run(["count"]).ok("401\n");
    }
}

#[test]
fn a_store_whose_numbers_cannot_be_read_is_put_aside() {
    for table in ["entries", "larder_changes"] {
        let t = filled();
        let root = root_of(&t, table);
        ruin(&t, root, 1);
        is_replaced(&t);
        let seq = t.run(["--json", "info"]).json()["seq"].as_i64().unwrap();
        assert!(seq > 401, "{table}: number {seq} may have been given out before");
    }
}

const HEADLESS: &str = "SQLite: the file is truncated, or its header is invalid; nothing else can be read\n";

#[test]
fn a_store_without_its_head_is_still_known() {
    let heads: [fn(&Test); 4] = [
        |t| ruin(t, 1, 1),
        |t| {
            let mut content = fs::read(t.db()).unwrap();
            content[..100].fill(0xa5);
            fs::write(t.db(), content).unwrap();
        },
        |t| fs::OpenOptions::new().write(true).open(t.db()).unwrap().set_len(20_000).unwrap(),
        |t| fs::OpenOptions::new().write(true).open(t.db()).unwrap().set_len(100).unwrap(),
    ];
    for behead in heads {
        let t = filled();
        behead(&t);
        let told = format!("larder: check: 1 finding in the store\n{RESTORE}");
        t.run(["check"]).exits(7, HEADLESS, &told);
        t.run(["check", "--repair"]).exits(7, HEADLESS, &told);
        is_replaced(&t);
    }
}

/// A dump of a store has the text of its schema in it, and is no store.
#[test]
fn what_never_was_a_store_is_left_alone() {
    let t = filled();
    let schema = t.sql().query_row("SELECT group_concat(type||name||sql)FROM sqlite_schema", [], |row| {
        row.get::<_, String>(0)
    });
    t.write("dump", schema.unwrap());
    t.write("text", "precious");
    t.write("byte", "x");
    for name in ["dump", "text", "byte"] {
        let before = t.read(name);
        let path = t.path(name);
        let shown = path.to_string_lossy();
        let why = "is not a larder store (not an SQLite file)";
        t.run(["--db", name, "check"]).fails(7, format!("larder: check: {shown:?} {why}\n"));
        t.run(["--db", name, "restore", "good.db", "--yes"])
            .fails(7, format!("larder: restore: {shown:?} {why}; to replace it, move it away first\n"));
        assert_eq!(t.read(name), before);
    }
}

#[test]
fn a_damaged_backup_does_not_send_back_to_check() {
    let t = filled();
    let root = root_of(&t, "entries");
    let mut content = t.read("good.db");
    content.truncate(20 * PAGE);
    t.write("cut.db", &content);
    t.run(["restore", "cut.db", "--yes"]).fails(
        7,
        format!(
            "larder: restore: {:?} is damaged; restore another backup\n",
            t.path("cut.db").to_string_lossy()
        ),
    );
    let mut content = t.read("good.db");
    content[(root - 1) * PAGE..root * PAGE].fill(0xa5);
    t.write("page.db", &content);
    t.run(["restore", "page.db", "--yes"]).fails(
        7,
        format!(
            "larder: restore: {:?} cannot be restored: SQLite: Tree {root} page {root}: btreeInitPage() returns error code 11\n",
            t.path("page.db").to_string_lossy()
        ),
    );
    t.run(["count"]).ok("401\n");
}
