use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use crate::common::{LARDER, Test};

fn set(group: &str, key: &str, more: &str) -> String {
    format!("{{\"op\":\"set\",\"group\":\"{group}\",\"key\":\"{key}\",\"value\":\"v\"{more}}}\n")
}

#[test]
fn all_kinds_of_operations() {
    let t = Test::new();
    t.run(["set", "g", "old", "x"]).ok("");
    let lines = "\
{\"op\":\"set\",\"group\":\"g\",\"key\":\"a\",\"value\":\"1\",\"ttl_ms\":3600000}
{\"op\":\"set\",\"group\":\"g\",\"key\":\"a\",\"value\":\"2\",\"keep_ttl\":true}

{\"op\":\"set\",\"group\":\"g\",\"key\":\"bin\",\"value_b64\":\"/wA=\",\"expires_at\":\"2100-01-01T00:00:00Z\"}
{\"op\":\"delete\",\"group\":\"g\",\"key\":\"old\",\"if_value\":\"x\"}
{\"op\":\"delete\",\"group\":\"g\",\"key\":\"absent\"}
{\"op\":\"expire\",\"group\":\"g\",\"key\":\"bin\",\"never\":true}
{\"op\":\"incr\",\"group\":\"g\",\"key\":\"n\",\"by\":5}
{\"op\":\"incr\",\"group\":\"g\",\"key\":\"n\"}";
    t.run(["batch", "-"]).stdin(lines).ok("");
    t.run(["list", "g"]).ok("a\nbin\nn\n");
    t.run(["get", "g", "a"]).ok("2");
    t.run(["get", "g", "n"]).ok("6");
    t.run(["get", "g", "bin"]).ok(b"\xff\x00");
    t.run(["ttl", "g", "bin"]).ok("never\n");
    assert!(t.run(["ttl", "g", "a", "--json"]).json()["ttl_ms"].as_i64().unwrap() > 3_000_000);
    t.write("f", set("g", "k", ""));
    t.run(["batch", "f", "--json"]).ok("{\"operations\":1}\n");
}

#[test]
fn one_failing_line_undoes_all() {
    let t = Test::new();
    t.run(["quota", "set", "app", "--max-keys", "2"]).ok("");
    t.run(["set", "g", "here", "v"]).ok("");
    for (line, code, message) in [
        (set("g", "here", ",\"if_absent\":true"), 3, "key \"here\" in group \"g\" exists, at version 1"),
        (set("g", "new", ",\"if_present\":true"), 3, "key \"new\" in group \"g\" does not exist"),
        (set("g", "here", ",\"if_version\":7"), 3, "key \"here\" in group \"g\" is at version 1, not 7"),
        (
            set("g", "here", ",\"if_value\":\"w\""),
            3,
            "key \"here\" in group \"g\" has another value, at version 1",
        ),
        (
            "{\"op\":\"delete\",\"group\":\"g\",\"key\":\"new\",\"if_version\":1}".into(),
            3,
            "key \"new\" in group \"g\" does not exist",
        ),
        (
            "{\"op\":\"expire\",\"group\":\"g\",\"key\":\"new\",\"ttl_ms\":5}".into(),
            1,
            "no key \"new\" in group \"g\"",
        ),
        (
            "{\"op\":\"incr\",\"group\":\"g\",\"key\":\"here\"}".into(),
            8,
            "the value of \"here\" in \"g\" is not an integer of 64 bits",
        ),
        ("nonsense".into(), 8, "it is not a JSON object"),
        (set("g", "k", ",\"iff_absent\":true").trim().into(), 8, ""),
        (
            set("g", "k", ",\"ttl_ms\":5,\"expires_at\":\"2100-01-01T00:00:00Z\""),
            8,
            "it has both ttl_ms and expires_at; give one of them",
        ),
        (
            set("g", "k", ",\"expires_at\":\"2000-01-01T00:00:00Z\""),
            8,
            "2000-01-01T00:00:00.000Z is in the past",
        ),
        (
            set("g", "k", ",\"ttl_ms\":9223372036854775807"),
            8,
            "ttl_ms is 9223372036854775807; it ends past the year 9999",
        ),
        (
            set("g", "k", ",\"expires_at\":\"9999-12-31T23:59:59-14:00\""),
            8,
            "expires_at is \"9999-12-31T23:59:59-14:00\", past the year 9999",
        ),
        (
            set("g", "k", ",\"expires_at\":\"10000-01-01T00:00:00.000Z\""),
            8,
            "10000-01-01T00:00:00.000Z is past the year 9999",
        ),
        (
            "{\"op\":\"expire\",\"group\":\"g\",\"key\":\"here\",\"ttl_ms\":253402300799999}".into(),
            8,
            "ttl_ms is 253402300799999; it ends past the year 9999",
        ),
        (set("g", "k", ",\"namespace\":\"a b\""), 8, "\"a b\" is no namespace: A-Z a-z 0-9 -"),
        (
            "{\"op\":\"get\",\"group\":\"g\",\"key\":\"k\"}".into(),
            8,
            "\"get\" is no operation: set, delete, expire or incr",
        ),
    ] {
        let run = t.run(["batch", "-"]).stdin(format!("{}\n{line}", set("g", "first", "")));
        if message.is_empty() {
            run.fails_with(code, "line 3: unknown field `iff_absent`");
        } else {
            run.fails(code, format!("larder: batch: line 3: {message}\n"));
        }
        t.run(["list", "g"]).ok("here\n");
    }
    let over: String = ["1", "2", "3"].map(|key| set("g", key, "")).concat();
    t.run(["-n", "app", "batch", "-"])
        .stdin(over.clone())
        .fails_with(4, "line 3: namespace app may hold 2 keys");
    t.run(["-n", "app", "count"]).ok("0\n");
    t.run(["-n", "app", "--json", "batch", "-"]).stdin(over).json_error(4, "quota_exceeded");
    t.run(["-n", "app", "batch", "-"])
        .stdin(set("g", "k", ",\"namespace\":\"other\""))
        .fails_with(8, "line 1: its namespace is \"other\", not \"app\"");
}

#[test]
fn no_store_is_made_for_nonsense() {
    let t = Test::new();
    t.run(["batch", "-"]).stdin("{\n").fails_with(8, "line 1: ");
    t.run(["batch", "-"])
        .stdin(set("g", "k", ",\"ttl_ms\":9223372036854775807"))
        .fails(8, "larder: batch: line 1: ttl_ms is 9223372036854775807; it ends past the year 9999\n");
    t.run(["batch", "absent"]).fails(10, "larder: batch: \"absent\": No such file or directory\n");
    assert_eq!(t.files(), [""; 0]);
}

#[test]
fn a_stream_answers_line_by_line() {
    let t = Test::new();
    let lines = format!(
        "{}\n{}nonsense\n{}{}{}{}",
        set("g", "a", ""),
        set("g", "a", ",\"if_absent\":true"),
        "{\"op\":\"delete\",\"group\":\"g\",\"key\":\"a\"}\n",
        "{\"op\":\"delete\",\"group\":\"g\",\"key\":\"a\"}\n",
        "{\"op\":\"incr\",\"group\":\"g\",\"key\":\"n\",\"by\":-3}\n",
        set("g", "z", "").trim_end(),
    );
    t.run(["batch", "-", "--stream"]).stdin(lines).ok("\
{\"line\":1,\"ok\":true,\"version\":1}
{\"line\":3,\"ok\":false,\"error\":\"condition_failed\",\"code\":3,\"message\":\"key \\\"a\\\" in group \\\"g\\\" exists, at version 1\"}
{\"line\":4,\"ok\":false,\"error\":\"bad_data\",\"code\":8,\"message\":\"it is not a JSON object\"}
{\"line\":5,\"ok\":true,\"version\":2,\"deleted\":1}
{\"line\":6,\"ok\":true,\"version\":2,\"deleted\":0}
{\"line\":7,\"ok\":true,\"version\":3,\"value\":-3}
{\"line\":8,\"ok\":true,\"version\":4}
");
    t.run(["list", "g"]).ok("n\nz\n");
}

#[test]
fn a_stream_goes_on_after_a_quota() {
    let t = Test::new();
    t.run(["quota", "set", "app", "--max-keys", "1"]).ok("");
    let lines = [set("g", "1", ""), set("g", "2", ""), set("g", "1", "")].concat();
    let answers = t.run(["-n", "app", "batch", "-", "--stream"]).stdin(lines).json_lines();
    let codes: Vec<_> = answers.iter().map(|answer| answer["code"].as_i64().unwrap_or(0)).collect();
    assert_eq!(codes, [0, 4, 0]);
    assert_eq!(t.number("SELECT keys FROM larder_namespaces WHERE namespace='app'"), 1);
}

#[test]
fn a_stream_answers_while_it_runs() {
    let t = Test::new();
    let mut child = Command::new(LARDER)
        .args(["batch", "-", "--stream"])
        .env_clear()
        .env("HOME", t.home())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut answers = BufReader::new(child.stdout.take().unwrap()).lines();
    for number in 1..=5 {
        // Half a line must wait for its other half.
        let line = set("g", &number.to_string(), "");
        input.write_all(&line.as_bytes()[..10]).unwrap();
        input.write_all(&line.as_bytes()[10..]).unwrap();
        let answer = answers.next().unwrap().unwrap();
        assert_eq!(answer, format!("{{\"line\":{number},\"ok\":true,\"version\":{number}}}"));
        // What is answered, other processes see.
        t.run(["get", "g", &number.to_string()]).ok("v");
    }
    // Others may write in between.
    t.run(["set", "g", "other", "x"]).ok("");
    input.write_all(set("g", "last", "").as_bytes()).unwrap();
    assert_eq!(answers.next().unwrap().unwrap(), "{\"line\":6,\"ok\":true,\"version\":7}");
    drop(input);
    assert!(answers.next().is_none());
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_long_stream_keeps_the_books() {
    let t = Test::new();
    let lines: Vec<String> = (0..5000).map(|n| set(&format!("g{}", n % 3), &n.to_string(), "")).collect();
    let answers = t.run(["batch", "-", "--stream"]).stdin(lines.concat()).json_lines();
    assert_eq!(answers.len(), 5000);
    for (at, answer) in answers.iter().enumerate() {
        assert_eq!(
            (answer["line"].as_u64(), answer["version"].as_u64()),
            (Some(at as u64 + 1), Some(at as u64 + 1))
        );
    }
    assert_eq!(t.number("SELECT sum(keys) FROM larder_groups"), 5000);
    assert_eq!(t.number("SELECT count(*) FROM larder_changes WHERE type='set'"), 5000);
    assert_eq!(t.number("SELECT count(*) FROM entries e JOIN larder_changes c ON c.seq=e.version AND c.entry_key=e.entry_key"), 5000);
}

#[test]
fn a_stream_of_nothing() {
    let t = Test::new();
    t.run(["batch", "-", "--stream"]).ok("");
    t.run(["batch", "-", "--stream"]).stdin("\n\n").ok("");
    assert_eq!(t.files(), [""; 0]);
    t.sh("printf '%s\\n' '{\"op\":\"set\",\"group\":\"g\",\"key\":\"k\",\"value\":\"v\"}' | larder batch - --stream | true").ok("");
}
