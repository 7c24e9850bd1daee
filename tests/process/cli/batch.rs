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
            "the value of \"here\" in \"g\" is not a 64-bit integer",
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
        (
            set("g", "k", ",\"namespace\":\"a b\""),
            8,
            "\"a b\" is not a namespace: only A-Z, a-z, 0-9 and - are allowed",
        ),
        (
            "{\"op\":\"getx\",\"group\":\"g\",\"key\":\"k\"}".into(),
            8,
            "\"getx\" is not an operation: set, delete, expire, incr, get, list, count or ttl",
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
        .fails_with(8, "line 1: its namespace is \"other\", but this command works in \"app\"");
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

#[test]
fn reads_see_the_writes_before_them() {
    let t = Test::new();
    t.run(["set", "g", "old", "o", "--ttl", "1h"]).ok("");
    let lines = r#"{"op":"get","group":"g","key":"k"}
{"op":"set","group":"g","key":"k","value":"v"}
{"op":"get","group":"g","key":"k"}
{"op":"list","group":"g"}

{"op":"count","group":"g"}
{"op":"delete","group":"g","key":"old"}
{"op":"ttl","group":"g","key":"old"}
{"op":"set","group":"h","key":"n","value":"7","ttl_ms":60000}
{"op":"incr","group":"h","key":"n"}
{"op":"count"}
{"op":"list"}
{"op":"list","glob":"h*"}
{"op":"count","group":"g","glob":"x*"}
{"op":"list","group":"g","after":"k"}
{"op":"list","group":"g","limit":0}
{"op":"ttl","group":"g","key":"k"}
"#;
    let answers = t.run(["batch", "-"]).stdin(lines).json_lines();
    let missing = |line: u64, key: &str| serde_json::json!({"line":line,"ok":false,"error":"not_found","code":1,"message":format!("no key \"{key}\" in group \"g\"")});
    let names = |line: u64, names: &[&str]| serde_json::json!({"line":line,"ok":true,"names":names});
    let count = |line: u64, count: u64| serde_json::json!({"line":line,"ok":true,"count":count});
    assert_eq!(answers[0], missing(1, "k"));
    let entry = &answers[1];
    assert_eq!((&entry["line"], &entry["ok"], &entry["group"]), (&3.into(), &true.into(), &"g".into()));
    assert_eq!((&entry["key"], &entry["value"], &entry["version"]), (&"k".into(), &"v".into(), &2.into()));
    assert_eq!(answers[2], names(4, &["k", "old"]));
    assert_eq!(answers[3], count(6, 2));
    assert_eq!(answers[4], missing(8, "old"));
    assert_eq!(answers[5], count(11, 2));
    assert_eq!(answers[6], names(12, &["g", "h"]));
    assert_eq!(answers[7], names(13, &["h"]));
    assert_eq!(answers[8], count(14, 0));
    assert_eq!(answers[9], names(15, &[]));
    assert_eq!(answers[10], names(16, &[]));
    assert_eq!(answers[11], serde_json::json!({"line":17,"ok":true,"ttl_ms":null}));
    assert_eq!(answers.len(), 12);
    t.run(["get", "h", "n"]).ok("8");
    assert_eq!(t.run(["check"]).output().status.code(), Some(0));
    // What failed has done nothing and told nothing.
    let failing = "{\"op\":\"get\",\"group\":\"g\",\"key\":\"k\"}\n{\"op\":\"delete\",\"group\":\"g\",\"key\":\"k\"}\n{\"op\":\"get\",\"group\":\"g\",\"key\":\"k\",\"if_version\":1}\n";
    t.run(["batch", "-"]).stdin(failing).fails(8, "larder: batch: line 3: get takes no condition\n");
    t.run(["get", "g", "k"]).ok("v");
    let with_total = t.run(["--json", "batch", "-"]).stdin("{\"op\":\"count\"}\n").json_lines();
    assert_eq!(with_total, [count(1, 2), serde_json::json!({"operations": 1})]);
}

#[test]
fn a_stream_answers_reads() {
    let t = Test::new();
    let lines = r#"{"op":"get","group":"g","key":"k"}
{"op":"list"}
{"op":"count","group":"g"}
{"op":"list","group":"g","key":"k"}
"#;
    let answers = t.run(["batch", "-", "--stream"]).stdin(lines).json_lines();
    assert_eq!(t.files(), [""; 0], "a read creates nothing");
    assert_eq!(answers[0]["error"], "not_found");
    assert_eq!(answers[1], serde_json::json!({"line":2,"ok":true,"names":[]}));
    assert_eq!(answers[2], serde_json::json!({"line":3,"ok":true,"count":0}));
    assert_eq!((&answers[3]["code"], &answers[3]["ok"]), (&8.into(), &false.into()));
    t.run(["batch", "-"]).stdin("{\"op\":\"count\"}").ok("{\"line\":1,\"ok\":true,\"count\":0}\n");
    assert_eq!(t.files(), [""; 0], "a read creates nothing");
    t.run(["-n", "a", "set", "g", "bin", "-"]).stdin(&b"\xff"[..]).ok("");
    t.execute("INSERT INTO entries(group_name,entry_key,entry_value)VALUES('a:g',CAST(x'ff' AS TEXT),'odd')");
    let lines = r#"{"op":"get","group":"g","key":"bin"}
{"op":"get","group":"g","key_b64":"/w==","namespace":"a"}
{"op":"set","group":"g","key":"new","value":"1"}
{"op":"list","group":"g"}
{"op":"delete","group":"g","key":"new"}
{"op":"count"}
{"op":"get","group":"g","key":"k","namespace":"b"}
"#;
    let answers = t.run(["-n", "a", "batch", "-", "--stream"]).stdin(lines).json_lines();
    assert_eq!((&answers[0]["namespace"], &answers[0]["value_b64"]), (&"a".into(), &"/w==".into()));
    assert_eq!((&answers[1]["key_b64"], &answers[1]["value"]), (&"/w==".into(), &"odd".into()));
    assert_eq!(
        answers[3],
        serde_json::json!({"line":4,"ok":true,"names":["bin","new"],"names_b64":["/w=="]})
    );
    assert_eq!(answers[5], serde_json::json!({"line":6,"ok":true,"count":2}));
    assert_eq!((&answers[6]["code"], &answers[6]["ok"]), (&8.into(), &false.into()));
    // Without a scope a namespace stands beside a group, and confines nothing by itself.
    let answers = t
        .run(["batch", "-", "--stream"])
        .stdin("{\"op\":\"get\",\"namespace\":\"a\",\"group\":\"g\",\"key\":\"bin\"}\n{\"op\":\"count\",\"namespace\":\"a\"}\n")
        .json_lines();
    assert_eq!((&answers[0]["group"], &answers[1]["code"]), (&"a:g".into(), &8.into()));
}

/// Reads take no lock that keeps writers out, and wait for none.
#[test]
fn reads_do_not_wait_for_a_writer() {
    let t = Test::new();
    t.run(["set", "g", "k", "v"]).ok("");
    let conn = t.sql();
    conn.execute_batch("BEGIN IMMEDIATE").expect("lock the store");
    let line = "{\"op\":\"count\",\"group\":\"g\"}\n";
    for args in [&["batch", "-"][..], &["batch", "-", "--stream"]] {
        t.run(args.iter().chain(&["--busy-timeout", "1ms"]))
            .stdin(line)
            .ok("{\"line\":1,\"ok\":true,\"count\":1}\n");
    }
}
