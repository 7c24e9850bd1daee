use crate::common::Test;

#[test]
fn a_missing_store_is_told_and_not_made() {
    let t = Test::new();
    let output = t.run(["info"]).output();
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0));
    assert_eq!(lines[0], format!("path: {}", t.db().display()));
    assert_eq!((lines[1], lines.last()), ("exists: no", Some(&"access: open")));
    let facts = t.run(["info", "--json"]).json();
    assert_eq!((&facts["exists"], &facts["seq"]), (&false.into(), &0.into()));
    assert!(t.files().is_empty(), "{:?}", t.files());
}

#[test]
fn the_path_is_absolute() {
    let t = Test::new();
    let facts = t.run(["info", "--json", "--db", "here.db"]).json();
    assert_eq!(facts["path"], t.path("here.db").to_str().unwrap());
}

#[test]
fn counts_live_entries_and_the_log() {
    let t = Test::new();
    t.run(["set", "g", "a", "12"]).ok("");
    t.run(["set", "g", "b", "12", "--ttl", "1h"]).ok("");
    t.run(["set", "ns:h", "c", "12"]).ok("");
    t.run(["delete", "g", "a"]).ok("");
    let facts = t.run(["info", "--json"]).json();
    for (name, value) in [
        ("schema_version", 3),
        ("keys", 2),
        ("bytes", 6),
        ("groups", 2),
        ("namespaces", 1),
        ("consumers", 0),
        ("log_oldest", 1),
        ("log_newest", 4),
        ("log_bytes", 9),
        ("seq", 4),
    ] {
        assert_eq!(facts[name], value, "{name} in {facts}");
    }
    assert_eq!(facts["exists"], true);
    assert!(facts["file_bytes"].as_i64().unwrap() + facts["wal_bytes"].as_i64().unwrap() > 4096, "{facts}");
    assert!(facts["next_expiry"].as_str().unwrap().ends_with('Z'), "{facts}");
    assert!(facts["sqlite_version"].as_str().unwrap().starts_with("3."), "{facts}");
    t.make_due("g", "b");
    let facts = t.run(["info", "--json"]).json();
    assert_eq!((&facts["keys"], &facts["groups"]), (&1.into(), &1.into()));
    assert!(facts["next_expiry"].is_null(), "{facts}");
    let inside = t.run(["-n", "ns", "info", "--json"]).json();
    assert_eq!((&inside["keys"], &inside["groups"]), (&1.into(), &1.into()));
    let outside = t.run(["-n", "other", "info", "--json"]).json();
    assert_eq!((&outside["keys"], &outside["namespaces"]), (&0.into(), &0.into()));
}

#[test]
fn seq_is_where_a_watch_can_start() {
    let t = Test::new();
    t.run(["set", "g", "a", "1"]).ok("");
    let seq = t.run(["info", "--json"]).json()["seq"].to_string();
    t.run(["set", "g", "b", "2"]).ok("");
    t.run(["watch", "--after", &seq, "--count", "1"]).ok("2\tset\tg\tb\n");
}

#[test]
fn numbers_for_scripts_words_for_people() {
    let t = Test::new();
    t.run(["set", "g", "k", &"x".repeat(4095)]).ok("");
    let piped = String::from_utf8(t.run(["info"]).output().stdout).unwrap();
    assert!(piped.contains("\nbytes: 4096\n") && piped.contains("\nnext expiry: never\n"), "{piped}");
    let (_, shown, _) = t.run(["info"]).on_terminal(80);
    // One below the other.
    assert!(shown.contains("\nbytes:        4.0 KiB\n"), "{shown}");
    assert!(shown.contains("\nchanges:      1 to 1\n"), "{shown}");
    // And what is used of the quotas.
    assert!(!shown.contains("LIMIT"), "{shown}");
    t.run(["quota", "set", "ns", "--max-keys", "4"]).ok("");
    t.run(["-n", "ns", "set", "g", "k", "v"]).ok("");
    let (_, shown, _) = t.run(["info", "--color", "never"]).on_terminal(80);
    let table =
        "\n\nNAMESPACE  LIMIT ON  USED  LIMIT  USE\nns         keys         1      4  ███░░░░░░░  25%\n";
    assert!(shown.ends_with(table), "{shown}");
}

#[test]
fn what_is_no_store_is_refused() {
    let t = Test::new();
    t.write("text", "not a database, but long enough to have a header of a hundred bytes".repeat(3));
    t.run(["info", "--db", "text"]).fails_with(7, "text");
    t.run(["info", "--db", "."]).fails_with(7, "is a directory");
}
