//! go-store at the same table: its own statements, played by a connection that
//! knows nothing of larder, are watched, counted and held to quotas.

use rusqlite::params;

use crate::common::Test;
use crate::common::watcher::{Watcher, until};

const SET: &str = "INSERT INTO entries (group_name, entry_key, entry_value, expires_at) VALUES (?, ?, ?, NULL) ON CONFLICT(group_name, entry_key) DO UPDATE SET entry_value = excluded.entry_value, expires_at = NULL";
const SET_WITH_TTL: &str = "INSERT INTO entries (group_name, entry_key, entry_value, expires_at) VALUES (?, ?, ?, ?) ON CONFLICT(group_name, entry_key) DO UPDATE SET entry_value = excluded.entry_value, expires_at = excluded.expires_at";
const DELETE: &str = "DELETE FROM entries WHERE group_name = ? AND entry_key = ?";
const DELETE_GROUP: &str = "DELETE FROM entries WHERE group_name = ?";
const PURGE: &str =
    "DELETE FROM entries WHERE expires_at IS NOT NULL AND expires_at <= ? RETURNING group_name, entry_key";
const GROUPS_BY_PREFIX: &str =
    "SELECT DISTINCT group_name FROM entries WHERE group_name LIKE ? ESCAPE '^' ORDER BY group_name";

fn millis(ahead: i64) -> i64 {
    larder::clock::Timestamp::now().0 + ahead
}

#[test]
fn its_statements_are_followed_and_counted() {
    let t = Test::new();
    t.run(["set", "t:cfg", "larder", "1"]).ok("");
    let go = t.sql();
    go.execute(SET, params!["t:cfg", "colour", "blue"]).expect("set");
    go.execute(SET, params!["t:cfg", "colour", "green"]).expect("set over");
    go.execute(SET_WITH_TTL, params!["t:tmp", "a", "1", millis(3_600_000)]).expect("set with TTL");
    // Its lazy delete of an entry that it finds due, and its purge.
    go.execute(SET_WITH_TTL, params!["t:tmp", "lazy", "1", millis(-1)]).expect("set due");
    go.execute(DELETE, params!["t:tmp", "lazy"]).expect("lazy delete");
    go.execute(SET_WITH_TTL, params!["t:tmp", "purged", "1", millis(-1)]).expect("set due");
    let purged: Vec<String> = go
        .prepare(PURGE)
        .and_then(|mut s| s.query_map([millis(0)], |row| row.get(1))?.collect())
        .expect("purge");
    assert_eq!(purged, ["purged"]);
    go.execute(DELETE, params!["t:cfg", "colour"]).expect("delete");
    let groups: Vec<String> = go
        .prepare(GROUPS_BY_PREFIX)
        .and_then(|mut s| s.query_map(["t:%"], |row| row.get(0))?.collect())
        .expect("groups");
    assert_eq!(groups, ["t:cfg", "t:tmp"]);
    for group in groups {
        go.execute(DELETE_GROUP, [group]).expect("delete group");
    }
    let w = Watcher::start(&t, &["-n", "t", "--after", "0", "--count", "11"]);
    assert_eq!(
        w.rest(),
        [
            "1\tset\tcfg\tlarder",
            "2\tset\tcfg\tcolour",
            "3\tset\tcfg\tcolour",
            "4\tset\ttmp\ta",
            "5\tset\ttmp\tlazy",
            "6\texpire\ttmp\tlazy",
            "7\tset\ttmp\tpurged",
            "8\texpire\ttmp\tpurged",
            "9\tdelete\tcfg\tcolour",
            "10\tdelete\tcfg\tlarder",
            "11\tdelete\ttmp\ta",
        ]
    );
    t.run(["-n", "t", "count"]).ok("0\n");
}

#[test]
fn its_writes_arrive_without_a_bell() {
    let t = Test::new();
    t.run(["set", "g", "k", "v"]).ok("");
    let mut w = Watcher::start(&t, &["--after", "0"]);
    w.line();
    t.sql().execute(SET, params!["g", "foreign", "v"]).expect("set");
    assert_eq!(w.line(), "2\tset\tg\tforeign");
    w.finish();
}

/// Heard of without waiting for the interval, whatever becomes of the log in
/// between. Written until heard: a slow disk may make one commit visible only
/// after the last look for it.
#[test]
fn its_writes_are_heard() {
    let t = Test::new();
    t.run(["set", "g", "k", "v"]).ok("");
    let mut w = Watcher::start(&t, &["g", "--after", "0", "--interval", "1h"]);
    w.line();
    let go = t.sql();
    let (mut n, mut lines) = (0, Vec::new());
    for upheaval in ["", "PRAGMA wal_checkpoint(TRUNCATE)", "VACUUM"] {
        go.execute_batch(upheaval).expect(upheaval);
        let before = n;
        until("a change", || {
            n += 1;
            go.execute(SET, params!["g", format!("k{n}"), "v"]).expect("set");
            std::thread::sleep(std::time::Duration::from_millis(100));
            while let Some(line) = w.try_line() {
                lines.push(line);
            }
            lines.len() > before
        });
    }
    for (n, line) in (1..).zip(&lines) {
        assert_eq!(*line, format!("{}\tset\tg\tk{n}", n + 1));
    }
    w.finish();
}

/// The moment anybody made a view, or a table with a trigger, every running
/// watch ended with 7, and every queue with it.
#[test]
fn a_watch_goes_on_whatever_others_make_beside_it() {
    let t = Test::new();
    t.run(["set", "g", "k", "v"]).ok("");
    let mut w = Watcher::start(&t, &["--after", "1"]);
    let made = [
        "CREATE VIEW report AS SELECT group_name,count(*) FROM entries GROUP BY 1",
        "CREATE TABLE notes(note); CREATE TRIGGER noted AFTER INSERT ON notes BEGIN SELECT 1; END",
        "CREATE INDEX mine ON entries(entry_value)",
        "DROP VIEW report; DROP INDEX mine; DROP TABLE notes",
    ];
    let other = t.sql();
    for (seq, sql) in (2..).zip(made) {
        other.execute_batch(sql).expect(sql);
        t.run(["set", "g", "k", sql]).ok("");
        assert_eq!(w.line(), format!("{seq}\tset\tg\tk"), "{sql}");
    }
    w.finish();
}

#[test]
fn its_expiries_are_heard() {
    let t = Test::new();
    t.run(["set", "g", "k", "v"]).ok("");
    let mut w = Watcher::start(&t, &["--after", "0", "--interval", "1h"]);
    w.line();
    let go = t.sql();
    let mut line = None;
    let mut n = 0;
    until("an expiry", || {
        n += 1;
        go.execute(SET_WITH_TTL, params!["g", format!("k{n}"), "v", millis(50)]).expect("set");
        std::thread::sleep(std::time::Duration::from_millis(150));
        while let Some(next) = w.try_line() {
            line = Some(next);
        }
        line.as_ref().is_some_and(|line| line.contains("\texpire\t"))
    });
    w.finish();
}

#[test]
fn it_is_held_to_quotas() {
    let t = Test::new();
    t.run(["set", "t:g", "a", "1"]).ok("");
    t.execute("UPDATE larder_namespaces SET max_keys=2 WHERE namespace='t'");
    let go = t.sql();
    go.execute(SET, params!["t:g", "b", "1"]).expect("the second key");
    let refused = go.execute(SET, params!["t:g", "c", "1"]).expect_err("the third key");
    assert!(refused.to_string().contains("larder: quota exceeded"), "{refused}");
    go.execute(SET, params!["t:g", "b", "over"]).expect("an overwrite");
    t.run(["-n", "t", "count"]).ok("2\n");
}

/// A snapshot began its next page at the last key with U+FFFD in place of what
/// was no text, which lies behind many others: those were never shown.
#[test]
fn names_that_are_not_utf8_are_passed_on_byte_for_byte() {
    let t = Test::new();
    t.run(["set", "g", "", "v"]).ok("");
    let mut shown = vec!["1\tset\tg\t".to_owned()];
    t.execute(
        "WITH n(i)AS(SELECT 0 UNION ALL SELECT i+1 FROM n WHERE i<299)INSERT INTO entries(group_name,entry_key,entry_value)SELECT 'g',CAST(x'80' AS TEXT)||printf('%03d',i),'v'FROM n",
    );
    shown.extend((0..300).map(|key| format!("{}\tset\tg\t\u{fffd}{key:03}", key + 2)));
    t.execute("INSERT INTO entries(group_name,entry_key,entry_value)VALUES('g','é','v')");
    shown.push("302\tset\tg\té".to_owned());
    for form in [&["--json"][..], &[]] {
        let output = t.run([&["watch", "--snapshot", "--count", "302"][..], form].concat()).output();
        assert_eq!(output.stdout.split(|b| *b == b'\n').count(), 303);
    }
    let output = t.run(["watch", "--snapshot", "--count", "302"]).output();
    assert_eq!(String::from_utf8_lossy(&output.stdout).lines().collect::<Vec<_>>(), shown);
    assert!(output.stdout.starts_with(b"1\tset\tg\t\n2\tset\tg\t\x80000\n"));
}

#[test]
fn a_command_gets_names_byte_for_byte() {
    let t = Test::new();
    t.run(["set", "g", "k", "v"]).ok("");
    t.execute("INSERT INTO entries(group_name,entry_key,entry_value)VALUES(CAST(x'613afd' AS TEXT),CAST(x'ff09' AS TEXT),'v')");
    let facts = "printf '%s|%s|%s' \"${LARDER_NAMESPACE-none}\" \"$LARDER_GROUP\" \"$LARDER_KEY\"";
    let watch = ["watch", "--after", "1", "--count", "1"];
    t.run([&watch[..], &["--", "/bin/sh", "-c", facts]].concat()).ok(b"none|a:\xfd|\xff\t");
    t.run([&["-n", "a"], &watch[..], &["--", "/bin/sh", "-c", facts]].concat()).ok(b"a|\xfd|\xff\t");
    t.run(watch).ok(b"2\tset\ta:\xfd\t\xff\\t\n");
    let change = t.run([&["-n", "a", "--json"], &watch[..]].concat()).json();
    assert_eq!((&change["namespace"], &change["group_b64"]), (&"a".into(), &"/Q==".into()));
    assert_eq!((change.get("group"), change.get("key"), &change["key_b64"]), (None, None, &"/wk=".into()));
}
