use crate::common::{Test, author};

#[test]
fn versions_are_shown_printed_and_brought_back() {
    let t = Test::new();
    t.run(["set", "g", "k", "one"]).ok("");
    t.run(["set", "g", "other", "x"]).ok("");
    t.run(["set", "g", "k", "three", "--expire-at", "2100-01-01T00:00:00Z"]).ok("");
    t.run(["delete", "g", "k"]).ok("");
    t.run(["delete", "g", "--all"]).ok("");
    let shown = String::from_utf8(t.run(["history", "g", "k"]).output().stdout).expect("text");
    let lines: Vec<Vec<&str>> = shown.lines().map(|line| line.split('\t').collect()).collect();
    assert_eq!(
        lines.iter().map(|l| (l[0], l[1], l[3], l[4])).collect::<Vec<_>>(),
        [
            ("4", "delete", "-", "2100-01-01T00:00:00.000Z"),
            ("3", "set", "6", "2100-01-01T00:00:00.000Z"),
            ("1", "set", "4", "never"),
        ]
    );
    t.run(["get", "g", "k"]).fails(1, "larder: get: no key \"k\" in group \"g\"\n");
    t.run(["get", "g", "k", "--version", "1"]).ok("one");
    t.run(["get", "g", "k", "--version", "2"])
        .fails(1, "larder: get: key \"k\" in group \"g\" has no version 2\n");
    t.run(["set", "g", "k", "--from-version", "3"]).ok("");
    t.run(["get", "g", "k"]).ok("three");
    t.run(["ttl", "g", "k"]).ok("never\n");
    assert_eq!(t.run(["--json", "history", "g", "k", "--limit", "1"]).json()["version"], 6);
    // As JSON each change carries what it wrote.
    let lines = String::from_utf8(t.run(["--json", "history", "g", "k"]).output().stdout).expect("text");
    let changes: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let shown: Vec<_> =
        changes.iter().map(|c| (c["seq"].as_i64(), c["type"].as_str(), c["value"].as_str())).collect();
    assert_eq!(
        shown,
        [
            (Some(6), Some("set"), Some("three")),
            (Some(4), Some("delete"), None),
            (Some(3), Some("set"), Some("three")),
            (Some(1), Some("set"), Some("one"))
        ]
    );
    assert_eq!((&changes[3]["group"], &changes[3]["key"]), (&"g".into(), &"k".into()));
}

#[test]
fn a_trimmed_log_says_where_it_begins() {
    let t = Test::new();
    for value in ["1", "2", "3"] {
        t.run(["set", "g", "k", value]).ok("");
    }
    t.run(["purge", "--keep-changes", "1"]).ok("");
    let output = t.run(["history", "g", "k"]).output();
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "larder: history: the change log begins at version 3; older changes have been trimmed\n"
    );
    assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), 1);
    t.run(["get", "g", "k", "--version", "1"])
        .fails(1, "larder: get: key \"k\" in group \"g\" has no version 1; the change log begins at 3\n");
    t.run(["set", "g", "k", "--from-version", "1"])
        .fails(1, "larder: set: key \"k\" in group \"g\" has no version 1; the change log begins at 3\n");
    t.run(["history", "g", "never"]).fails(
        1,
        "larder: history: key \"never\" in group \"g\" has no history; the change log begins at version 3\n",
    );
    t.run(["--db", "absent", "history", "g", "k"]).fails(1, "larder: history: no key \"k\" in group \"g\"\n");
}

/// The log said what was written and not by whom, so of several people who
/// share a store nobody could tell who had changed a key.
#[test]
fn changes_tell_who_wrote() {
    let t = Test::new();
    let lines = "{\"op\":\"set\",\"group\":\"g\",\"key\":\"b\",\"value\":\"1\"}\n{\"op\":\"delete\",\"group\":\"g\",\"key\":\"b\"}\n";
    t.write("lines", lines);
    let entries = "{\"group\":\"ns:g\",\"key\":\"a\",\"value\":\"1\"}\n{\"group\":\"ns:g\",\"key\":\"b\",\"value\":\"1\"}\n";
    t.write("entries", entries);
    t.run(["set", "g", "k", "v"]).ok("");
    t.run(["set", "g", "k", "v2", "--ttl", "1h"]).ok("");
    t.run(["expire", "g", "k", "--never"]).ok("");
    t.run(["incr", "g", "n"]).ok("1\n");
    t.run(["batch", "lines"]).ok("");
    t.run(["import", "entries"]).ok("");
    t.run(["batch", "lines", "--stream"]).ok(
        "{\"line\":1,\"ok\":true,\"version\":9}\n{\"line\":2,\"ok\":true,\"version\":10,\"deleted\":1}\n",
    );
    t.run(["quota", "set", "ns", "--max-keys", "2"]).ok("");
    t.make_due("ns:g", "a");
    // Makes room in the namespace first.
    let third = "{\"group\":\"ns:g\",\"key\":\"c\",\"value\":\"1\"}\n";
    t.write("third", third);
    t.run(["import", "third"]).ok("");
    t.run(["delete", "ns:g", "c"]).ok("");
    t.run(["delete", "g", "--all"]).ok("");
    t.execute("INSERT INTO entries(group_name,entry_key,entry_value)VALUES('g','k','foreign');DELETE FROM entries WHERE group_name='g'");
    let text =
        String::from_utf8(t.run(["--json", "watch", "--after", "0", "--timeout", "300ms"]).output().stdout);
    let text = text.expect("text");
    let by: Vec<_> = text
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON").get("by").cloned())
        .collect();
    assert!(by.len() > 12, "{text}");
    let (larder, other) = by.split_at(by.len() - 2);
    assert!(larder.iter().all(|by| by.as_ref().is_some_and(|by| *by == author())), "{text}");
    assert_eq!(other, [None, None]);
    let shown = t.run(["--json", "history", "g", "k", "--limit", "3"]).output().stdout;
    let by: Vec<_> = String::from_utf8(shown)
        .expect("text")
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON").get("by").cloned())
        .collect();
    assert_eq!(by, [None, None, Some(author().into())]);
}
