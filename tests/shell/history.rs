use crate::harness::Test;

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
        "larder: history: the change log begins at version 3; older changes are gone\n"
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
