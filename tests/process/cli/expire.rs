use crate::common::Test;

#[test]
fn changes_the_time_and_nothing_else() {
    let t = Test::new();
    t.run(["set", "g", "k", "v"]).ok("");
    t.run(["expire", "g", "k", "--ttl", "1h"]).ok("");
    let left = t.run(["--json", "ttl", "g", "k"]).json()["ttl_ms"].as_i64().unwrap();
    assert!((3_000_000..=3_600_000).contains(&left));
    t.run(["get", "g", "k"]).ok("v");
    let record = t.run(["--json", "expire", "g", "k", "--at", "2100-01-01T00:00:00Z"]).json();
    assert_eq!((&record["expires_at"], &record["version"]), (&"2100-01-01T00:00:00.000Z".into(), &3.into()));
    assert!(record.get("value").is_none());
    let last = t.run(["--json", "expire", "g", "k", "--at", "9999-12-31T23:59:59.999Z"]).json();
    assert_eq!(last["expires_at"], "9999-12-31T23:59:59.999Z");
    t.run(["expire", "g", "k", "--never"]).ok("");
    t.run(["ttl", "g", "k"]).ok("never\n");
    // A value that is no text comes through unchanged.
    t.run(["set", "g", "b", "-"]).stdin(b"\xff\x00".as_slice()).ok("");
    t.run(["expire", "g", "b", "--ttl", "1h"]).ok("");
    t.run(["get", "g", "b"]).ok(b"\xff\x00");
}

#[test]
fn absent_and_due() {
    let t = Test::new();
    t.run(["expire", "g", "k", "--never"]).fails(1, "larder: expire: no key \"k\" in group \"g\"\n");
    assert_eq!(t.files(), [""; 0]);
    t.run(["set", "g", "k", "v"]).ok("");
    t.run(["expire", "g", "absent", "--ttl", "1h"])
        .fails(1, "larder: expire: no key \"absent\" in group \"g\"\n");
    t.make_due("g", "k");
    t.run(["expire", "g", "k", "--never"]).fails(1, "larder: expire: no key \"k\" in group \"g\"\n");
    t.run(["expire", "g", "k", "--never", "--json"]).json_error(1, "not_found");
}

#[test]
fn usage() {
    let t = Test::new();
    for (args, words) in [
        (&["expire", "g", "k"][..], "--ttl <DUR>"),
        (&["expire", "g", "k", "--ttl", "1h", "--never"], "cannot be used with"),
        (&["expire", "g", "k", "--ttl", "1"], "not a duration"),
        (&["expire", "g", "k", "--ttl", "0ms"], "longer than zero"),
        (&["expire", "g", "k", "--at", "noon"], "not a time"),
        (&["expire", "g", "k", "--at", "9999-12-31T23:59:59-00:01"], "is past the year 9999"),
        (&["expire", "g", "k", "--at", "2001-01-01T00:00:00Z"], "in the past"),
        (&["expire", "g"], "<KEY>"),
    ] {
        t.run(args).fails_with(2, words);
        t.run(args.iter().chain(&["--json"])).json_error(2, "usage");
    }
    assert_eq!(t.files(), [""; 0]);
}

#[test]
fn several_keys_or_none() {
    let t = Test::new();
    t.run(["set", "g", "a", "1"]).ok("");
    t.run(["set", "g", "b", "2"]).ok("");
    t.run(["expire", "g", "a", "b", "missing", "--ttl", "1h"])
        .fails(1, "larder: expire: no key \"missing\" in group \"g\"\n");
    t.run(["ttl", "g", "a"]).ok("never\n");
    t.run(["expire", "g", "a", "b", "--at", "2100-01-01T00:00:00Z"]).ok("");
    for key in ["a", "b"] {
        assert_eq!(t.run(["--json", "get", "g", key]).json()["expires_at"], "2100-01-01T00:00:00.000Z");
    }
    let output = t.run(["--json", "expire", "g", "a", "b", "--never"]).output();
    let lines = String::from_utf8(output.stdout).unwrap();
    assert_eq!(lines.lines().map(|line| line.contains("\"group\":\"g\"")).collect::<Vec<_>>(), [true, true]);
}
