use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

use crate::common::Test;

fn store() -> Test {
    let t = Test::new();
    for (group, key, value) in [
        ("g", "b", "2"),
        ("g", "a", "1"),
        ("g", "B", "3"),
        ("h", "x", "4"),
        ("a:g", "k", "5"),
        ("A:g", "k", "6"),
    ] {
        t.run(["set", group, key, value]).ok("");
    }
    t
}

#[test]
fn keys_and_groups_in_byte_order() {
    let t = store();
    t.run(["list", "g"]).ok("B\na\nb\n");
    t.run(["ls", "g"]).ok("B\na\nb\n");
    t.run(["list"]).ok("A:g\na:g\ng\nh\n");
    t.run(["list", "absent"]).ok("");
    t.run(["-n", "a", "list"]).ok("g\n");
    t.run(["-n", "a", "list", "g"]).ok("k\n");
    t.run(["-n", "b", "list"]).ok("");
}

#[test]
fn an_empty_list_is_done() {
    let t = Test::new();
    t.run(["list"]).ok("");
    t.run(["list", "g", "--long"]).ok("");
    t.run(["--json", "list", "g"]).ok("");
    assert_eq!(t.files(), [""; 0]);
}

#[test]
fn patterns() {
    let t = store();
    t.run(["list", "g", "--glob", "[ab]"]).ok("a\nb\n");
    t.run(["list", "g", "--glob", "?"]).ok("B\na\nb\n");
    t.run(["list", "g", "--glob", "b"]).ok("b\n");
    t.run(["list", "g", "--glob", ""]).ok("");
    t.run(["list", "g", "--glob", "[^a]"]).ok("B\nb\n");
    t.run(["list", "--glob", "*:g"]).ok("A:g\na:g\n");
    t.run(["list", "--glob", "a*"]).ok("a:g\n");
    t.run(["-n", "a", "list", "--glob", "a*"]).ok("");
    t.run(["list", "g", "--glob", "[a"]).fails_with(2, "has no closing ]");
    t.run(["list", "g", "--glob", "[a", "--json"]).json_error(2, "usage");
    // A GROUP is a name, never a pattern.
    t.run(["list", "*"]).ok("");
}

#[test]
fn pages() {
    let t = store();
    t.run(["list", "g", "--limit", "2"]).ok("B\na\n");
    t.run(["list", "g", "--limit", "2", "--after", "a"]).ok("b\n");
    t.run(["list", "g", "--after", "A"]).ok("B\na\nb\n");
    t.run(["list", "g", "--after", "b"]).ok("");
    t.run(["list", "g", "--limit", "0"]).ok("");
    t.run(["list", "--after", "a:g", "--limit", "1"]).ok("g\n");
    t.run(["list", "g", "--glob", "[ab]", "--after", "a"]).ok("b\n");
    for limit in ["x", "-1", "1.5", "", "99999999999999999999"] {
        t.run(["list", "g", &format!("--limit={limit}")]).fails_with(2, "--limit");
    }
}

/// A store whose group `g` fills a pipe and several pages; and its listing.
fn long_store() -> (Test, String) {
    let t = Test::new();
    let mut operations = String::new();
    let mut names = String::new();
    for at in 0..8_000 {
        writeln!(operations, r#"{{"op":"set","group":"g","key":"a-key-{at:010}","value":"v"}}"#).unwrap();
        writeln!(names, "a-key-{at:010}").unwrap();
    }
    t.run(["batch", "-"]).stdin(operations).ok("");
    (t, names)
}

#[test]
fn longer_than_a_page() {
    let (t, names) = long_store();
    t.run(["list", "g"]).ok(&names);
    let some: String = names.split_inclusive('\n').take(2_500).collect();
    t.run(["list", "g", "--limit", "2500"]).ok(&some);
    let some: String = names.split_inclusive('\n').filter(|name| name.contains('7')).skip(1_200).collect();
    let after = names.split('\n').filter(|name| name.contains('7')).nth(1_199).unwrap();
    t.run(["list", "g", "--glob", "*7*", "--after", after]).ok(&some);
}

/// A reader who stops in the middle of `list | less` once kept a snapshot
/// open, and the log could not be reset for as long as the pager was up.
#[test]
fn a_paused_reader_keeps_no_snapshot_open() {
    let (t, names) = long_store();
    let mut list = Command::new(env!("CARGO_BIN_EXE_larder"))
        .env_clear()
        .env("HOME", t.home())
        .args(["list", "g"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(list.stdout.take().unwrap());
    let mut listed = String::new();
    out.read_line(&mut listed).unwrap();
    t.run(["set", "h", "k", "v"]).ok("");
    let busy: i64 = t.sql().query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).unwrap();
    assert_eq!(busy, 0);
    assert!(list.try_wait().unwrap().is_none(), "it still waits for its reader");
    out.read_to_string(&mut listed).unwrap();
    assert!(list.wait().unwrap().success());
    assert_eq!(listed, names);
}

#[test]
fn with_values() {
    let t = Test::new();
    t.run(["set", "g", "tab\tnl\n\\", "a\tb\nc\\"]).ok("");
    t.run(["set", "g", "until", "v", "--expire-at", "2100-01-01T00:00:00Z"]).ok("");
    t.run(["list", "g", "--values"]).ok("tab\\tnl\\n\\\\\ta\\tb\\nc\\\\\nuntil\tv\n");
    let output = t.run(["list", "g", "--long"]).output();
    let text = String::from_utf8(output.stdout).unwrap();
    let fields: Vec<Vec<&str>> = text.lines().map(|line| line.split('\t').collect()).collect();
    assert_eq!(fields.len(), 2);
    assert_eq!(
        (fields[0][0], fields[0][1], fields[0][2], fields[0][3]),
        ("tab\\tnl\\n\\\\", "a\\tb\\nc\\\\", "14", "1")
    );
    assert_eq!((fields[0].len(), fields[0][5]), (6, "never"));
    assert_eq!(fields[1][5], "2100-01-01T00:00:00.000Z");
    t.run(["list", "--values"]).fails_with(2, "<GROUP>");
}

#[test]
fn records() {
    let t = store();
    let records = t.run(["--json", "list", "g", "--limit", "2"]).json_lines();
    assert_eq!(records.len(), 2);
    assert_eq!(
        (&records[0]["key"], &records[0]["value"], &records[0]["version"]),
        (&"B".into(), &"3".into(), &3.into())
    );
    let groups = t.run(["--json", "list"]).json_lines();
    assert_eq!(groups[1], serde_json::json!({"group":"a:g","keys":1,"bytes":2}));
    let scoped = t.run(["-n", "a", "--json", "list"]).json();
    assert_eq!(scoped, serde_json::json!({"namespace":"a","group":"g","keys":1,"bytes":2}));
    assert_eq!(groups[2], serde_json::json!({"group":"g","keys":3,"bytes":6}));
}

#[test]
fn a_name_with_a_newline_needs_another_form() {
    let t = Test::new();
    t.run(["set", "g", "a\nb", "v"]).ok("");
    t.run(["set", "x\ny", "k", "v"]).ok("");
    t.run(["list", "g"])
        .fails(8, "larder: list: the name \"a\\nb\" holds a newline\nhint: list with -0 or --json\n");
    t.run(["list", "g", "-0"]).ok("a\nb\0");
    t.run(["list", "-0", "--glob", "x*"]).ok("x\ny\0");
    assert_eq!(t.run(["--json", "list", "g"]).json()["key"], "a\nb");
    t.run(["list", "--glob", "x*"]).fails_with(8, "holds a newline");
    t.run(["list", "g", "-0", "--values"]).ok("a\\nb\tv\0");
    // Nothing of the list comes before the error.
    t.run(["set", "g", "a", "v"]).ok("");
    t.run(["list", "g"]).fails_with(8, "holds a newline");
    t.run(["list", "g", "--after", "a\nb"]).ok("");
    t.run(["list", "g", "--limit", "1"]).ok("a\n");
    t.run(["delete", "g", "--all", "--dry-run"]).fails_with(8, "holds a newline");
}

#[test]
fn a_name_with_a_nul_byte_needs_another_form_than_the_nul_byte() {
    let t = Test::new();
    let line = |key: &str| format!("{{\"op\":\"set\",\"group\":\"g\",\"key\":\"{key}\",\"value\":\"v\"}}\n");
    t.run(["batch", "-"]).stdin(line("a") + &line("a\\u0000b")).ok("");
    t.run(["list", "g", "-0"])
        .fails(8, "larder: list: the name \"a\\0b\" holds a NUL byte\nhint: list with --json\n");
    t.run(["list", "g"]).ok("a\na\0b\n");
}

#[test]
fn values_are_their_bytes() {
    let t = Test::new();
    t.run(["set", "g", "b", "-"]).stdin(*b"\xff\t\n\\\0\xfe").ok("");
    t.run(["list", "g", "--values"]).ok(b"b\t\xff\\t\\n\\\\\0\xfe\n");
    t.run(["list", "g", "--values", "-0"]).fails_with(8, "the value of \"b\" holds a NUL byte");
}

#[test]
fn due_entries_are_not_listed() {
    let t = store();
    t.make_due("g", "a");
    t.make_due("h", "x");
    t.run(["list", "g"]).ok("B\nb\n");
    t.run(["list"]).ok("A:g\na:g\ng\n");
    t.run(["list", "h"]).ok("");
    t.run(["list", "g", "--limit", "2"]).ok("B\nb\n");
}

#[test]
fn control_characters_never_reach_a_terminal() {
    let t = Test::new();
    t.run(["set", "g", "a\x1b[31m\n\u{9b}", "v\x07"]).ok("");
    for args in [&["list", "g"][..], &["list", "g", "--values"], &["list", "g", "--long"]] {
        let (code, screen, stderr) = t.run(args).on_terminal(60);
        assert_eq!((code, stderr.as_str()), (0, ""), "{args:?}");
        assert!(!screen.contains(['\x07', '\u{9b}']) && !screen.contains("\x1b[31m"), "{screen:?}");
        assert!(screen.contains("a\\x1b"), "{screen:?}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let t = Test::new();
    t.run(["set", "g", "key 000000", "v"]).ok("");
    t.execute(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<20000)
         INSERT INTO entries(group_name,entry_key,entry_value) SELECT 'g',printf('key %06d',i),'v' FROM n",
    );
    t.sh("{ larder list g; echo $? >&2; } | head -n 1").exits(0, "key 000000\n", "0\n");
    t.sh("larder list g > /dev/full").fails(10, "larder: list: standard output: No space left on device\n");
}
