use crate::common::Test;

fn store(value: &[u8]) -> Test {
    let t = Test::new();
    t.run(["set", "g", "k", "-"]).stdin(value).ok("");
    t
}

#[test]
fn exactly_the_stored_bytes_off_a_terminal() {
    for value in [&b""[..], b"v", b"v\n", b"\n\n", b"\x1b[31m\x07\x00\xff", "é\r\n".as_bytes()] {
        let t = store(value);
        t.run(["get", "g", "k"]).ok(value);
        t.run(["get", "g", "k", "--newline", "never"]).ok(value);
        t.run(["get", "g", "k", "-o", "out"]).ok("");
        assert_eq!(t.read("out"), value);
        let mut line = value.to_vec();
        if line.last() != Some(&b'\n') {
            line.push(b'\n');
        }
        t.run(["get", "g", "k", "--newline=always"]).ok(line);
    }
}

#[test]
fn a_terminal_is_treated_as_one() {
    let shown =
        |value: &[u8], args: &[&str]| store(value).run(["get", "g", "k"].iter().chain(args)).on_terminal(80);
    assert_eq!(shown(b"v", &[]), (0, "v\n".into(), String::new()));
    assert_eq!(shown(b"v\n", &[]), (0, "v\n".into(), String::new()));
    assert_eq!(shown(b"v", &["--newline", "never"]), (0, "v".into(), String::new()));
    assert_eq!(
        shown(b"a\tb\n\x1b[31mred\x07\r", &[]),
        (0, "a\tb\n\\x1b[31mred\\x07\\r\n".into(), String::new())
    );
    for binary in [&b"\xff"[..], b"nul\0"] {
        let (code, screen, stderr) = shown(binary, &[]);
        assert_eq!((code, screen.as_str()), (8, ""));
        assert!(stderr.contains("-o FILE"), "{stderr}");
    }
    // Into a file it goes whole, whatever the terminal.
    let t = store(b"\xff");
    assert_eq!(t.run(["get", "g", "k", "-o", "out"]).on_terminal(80), (0, String::new(), String::new()));
    assert_eq!(t.read("out"), b"\xff");
}

#[test]
fn absent_and_due() {
    let t = Test::new();
    t.run(["get", "g", "k"]).fails(1, "larder: get: no key \"k\" in group \"g\"\n");
    assert_eq!(t.files(), [""; 0], "a read creates nothing");
    t.run(["set", "g", "k", "v"]).ok("");
    t.run(["get", "g", "K"]).fails(1, "larder: get: no key \"K\" in group \"g\"\n");
    t.run(["get", "g", "k\nl"]).fails(1, "larder: get: no key \"k\\nl\" in group \"g\"\n");
    t.make_due("g", "k");
    t.run(["get", "g", "k"]).fails(1, "larder: get: no key \"k\" in group \"g\"\n");
    let error = t.run(["get", "g", "k", "--json"]).json_error(1, "not_found");
    assert_eq!(error["message"], "get: no key \"k\" in group \"g\"");
    t.run(["get", "g", "k", "-o", "out"]).fails_with(1, "no key");
    assert!(!t.path("out").exists());
}

#[test]
fn a_default() {
    let t = Test::new();
    t.run(["get", "g", "k", "--default", "d"]).ok("d");
    t.run(["get", "g", "k", "--default", ""]).ok("");
    t.run(["get", "g", "k", "--default=-1"]).ok("-1");
    assert_eq!(t.files(), [""; 0]);
    let record = t.run(["--json", "-n", "a", "get", "g", "k", "--default", "d"]).json();
    assert_eq!(record, serde_json::json!({"namespace":"a","group":"g","key":"k","value":"d","default":true}));
    t.run(["set", "g", "k", "v"]).ok("");
    t.run(["get", "g", "k", "--default", "d"]).ok("v");
    t.make_due("g", "k");
    t.run(["get", "g", "k", "--default", "d", "-o", "out"]).ok("");
    assert_eq!(t.read("out"), b"d");
    t.run(["get", "g", "k", "--default", "d", "--version", "9"]).ok("d");
}

#[test]
fn the_record() {
    let t = Test::new();
    t.run(["-n", "a", "set", "g", "k", "vé", "--ttl", "1h"]).ok("");
    let record = t.run(["-n", "a", "--json", "get", "g", "k"]).json();
    assert_eq!(record["namespace"], "a");
    assert_eq!(record["group"], "g");
    assert_eq!(record["key"], "k");
    assert_eq!(record["value"], "vé");
    assert_eq!(record["version"], 1);
    assert_eq!(record["bytes"], 4);
    let left = record["ttl_ms"].as_i64().unwrap();
    assert!((3_000_000..=3_600_000).contains(&left));
    for field in ["updated_at", "expires_at"] {
        let time = record[field].as_str().unwrap();
        assert!(time.len() == "2026-01-01T00:00:00.000Z".len() && time.ends_with('Z'), "{time}");
    }
    t.run(["-n", "a", "--json", "get", "g", "k", "-o", "out"]).ok("");
    let written: serde_json::Value = serde_json::from_slice(&t.read("out")).unwrap();
    assert_eq!(written["value"], "vé");
}

#[test]
fn an_older_version() {
    let t = Test::new();
    t.run(["set", "g", "k", "one"]).ok("");
    t.run(["set", "g", "k", "two"]).ok("");
    t.run(["delete", "g", "k"]).ok("");
    t.run(["get", "g", "k", "--version", "1"]).ok("one");
    t.run(["get", "g", "k", "--version", "2"]).ok("two");
    t.run(["get", "g", "k", "--version", "3"])
        .fails(1, "larder: get: key \"k\" in group \"g\" has no version 3\n");
    t.run(["get", "g", "k", "--version", "x"]).fails_with(2, "--version");
    // One that was due long ago has nothing left to live.
    t.run(["set", "g", "due", "v", "--ttl", "1h"]).ok("");
    t.make_due("g", "due");
    t.execute("UPDATE larder_changes SET expires_at=1 WHERE entry_key='due'");
    let version = t.number("SELECT min(seq)FROM larder_changes WHERE entry_key='due'").to_string();
    assert_eq!(t.run(["--json", "get", "g", "due", "--version", &version]).json()["ttl_ms"], 0);
    t.execute("DELETE FROM larder_changes WHERE seq<2");
    t.run(["get", "g", "k", "--version", "1"])
        .fails(1, "larder: get: key \"k\" in group \"g\" has no version 1; the change log begins at 2\n");
}

#[test]
fn places_that_take_no_output() {
    let t = store(b"v");
    t.run(["get", "g", "k", "-o", "absent/out"])
        .fails(10, "larder: get: \"absent/out\": No such file or directory\n");
    t.run(["get", "g", "k", "-o", "."]).fails(10, "larder: get: \".\": Is a directory\n");
    t.run(["get", "g", "k", "-o", "/dev/full"])
        .fails(10, "larder: get: \"/dev/full\": No space left on device\n");
    t.sh("larder get g k > /dev/full").fails(10, "larder: get: standard output: No space left on device\n");
    t.sh("larder --json get g k > /dev/full").fails(
        10,
        "{\"error\":\"io\",\"code\":10,\"message\":\"get: standard output: No space left on device\"}\n",
    );
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let t = Test::new();
    t.run(["set", "g", "k", "-"]).stdin(vec![b'x'; 1 << 20]).ok("");
    t.sh("{ larder get g k; echo $? >&2; } | head -c 1").exits(0, "x", "0\n");
    t.sh("{ larder --json get g k; echo $? >&2; } | true").exits(0, "", "0\n");
}

#[test]
fn usage() {
    let t = Test::new();
    for (args, words) in [
        (&["get"][..], "<GROUP> <KEY>..."),
        (&["get", "g"], "<KEY>..."),
        (&["get", "g", "k", "x", "--version", "1"], "--version takes one KEY"),
        (&["get", "g", "k", "x", "--newline", "always"], "--newline takes one KEY"),
        (&["get", "g", "k", "--newline", "sometimes"], "[possible values: auto, always, never]"),
    ] {
        t.run(args).fails_with(2, words);
        t.run(args.iter().chain(&["--json"])).json_error(2, "usage");
    }
}

#[test]
fn the_store_is_no_place_for_a_value() {
    let t = Test::new();
    t.run(["set", "g", "k", "v"]).ok("");
    std::os::unix::fs::symlink(t.db(), t.path("link")).unwrap();
    let mut wal = t.db().into_os_string();
    wal.push("-wal");
    for file in [t.db().into_os_string(), wal, t.path("link").into()] {
        let output = t.run(["get".as_ref(), "g".as_ref(), "k".as_ref(), "-o".as_ref(), file.as_os_str()]);
        output.fails_with(2, "is the store itself");
    }
    t.run(["get", "g", "k", "-o", "-"]).ok("v");
    assert!(!t.path("-").exists());
}

/// Rust's own streams take a closed one for an empty or a patient one.
#[test]
fn closed_streams_are_errors_where_they_are_needed() {
    let t = Test::new();
    t.run(["set", "g", "k", "v"]).ok("");
    let io = "Bad file descriptor";
    t.sh("larder set g k - <&-").fails_with(10, io);
    t.sh("larder set g k - 0>/dev/null").fails_with(10, io);
    t.sh("larder import - <&-").fails_with(10, io);
    t.run(["get", "g", "k"]).ok("v");
    t.sh("larder get g k >&-").fails_with(10, io);
    t.sh("larder get g k 1</dev/null").fails_with(10, io);
    t.sh("larder export g >&-").fails_with(10, io);
    t.sh("larder render g - <&-").fails_with(10, io);
    t.sh("larder watch --after 0 --count 1 >&-").fails_with(10, io);
    // Who prints nothing needs none, and nobody's file takes their place.
    t.sh("larder set g k w <&- >&- 2>&-").ok("");
    t.sh("larder get g k 2>&-").ok("w");
    t.sh("larder lock l k --ttl 9s -- sh -c 'echo lost; exec 5>victim; : >&5' >&- 2>&-").output();
    assert_eq!(t.read("victim"), b"");
}

#[test]
fn a_value_that_cannot_be_written_leaves_the_file_there() {
    let t = Test::new();
    t.run(["set", "g", "big", "-"]).stdin(vec![b'x'; 1 << 20]).ok("");
    t.write("out", "precious");
    t.sh("ulimit -f 100; larder get g big -o out").fails_with(10, "\"out\"");
    assert_eq!(t.read("out"), b"precious");
    t.run(["get", "g", "big", "-o", "out"]).ok("");
    assert_eq!(t.read("out").len(), 1 << 20);
    assert_eq!(t.files().iter().filter(|name| name.contains("larder-")).count(), 0);
}

#[test]
fn several_keys() {
    let t = Test::new();
    t.run(["get", "g", "a", "b"]).fails(1, "larder: get: no keys \"a\", \"b\" in group \"g\"\n");
    assert_eq!(t.files(), [""; 0], "a read creates nothing");
    t.run(["set", "g", "a", "1"]).ok("");
    t.run(["set", "g", "t\tk", "two\nlines\\"]).ok("");
    t.run(["set", "g", "empty", ""]).ok("");
    t.run(["set", "g", "bin", "-"]).stdin(&b"\xff\0"[..]).ok("");
    // In the order asked for, however often.
    t.run(["get", "g", "t\tk", "a", "empty", "bin", "a"])
        .ok(&b"t\\tk\ttwo\\nlines\\\\\na\t1\nempty\t\nbin\t\xff\0\na\t1\n"[..]);
    t.run(["get", "g", "a", "t\tk"]).ok(t.run(["list", "g", "--values", "--glob", "[at]*"]).output().stdout);
    // What is there is printed, and the message names what is not.
    t.run(["get", "g", "no", "a", "K\nl"]).exits(
        1,
        "a\t1\n",
        "larder: get: no keys \"no\", \"K\\nl\" in group \"g\"\n",
    );
    t.run(["get", "g", "a", "no"]).exits(1, "a\t1\n", "larder: get: no key \"no\" in group \"g\"\n");
    t.run(["get", "g", "a", "no", "--default", "d\te"]).ok("a\t1\nno\td\\te\n");
    t.make_due("g", "a");
    t.run(["get", "g", "a", "empty"]).exits(1, "empty\t\n", "larder: get: no key \"a\" in group \"g\"\n");
    t.run(["get", "--", "g", "-a", "-b"]).fails_with(1, "\"-a\", \"-b\"");
}

#[test]
fn several_records() {
    let t = Test::new();
    t.run(["-n", "a", "set", "g", "k", "v"]).ok("");
    t.run(["-n", "a", "set", "g", "bin", "-"]).stdin(&b"\xff"[..]).ok("");
    let records = t.run(["-n", "a", "--json", "get", "g", "bin", "k"]).json_lines();
    assert_eq!(records[0]["value_b64"], "/w==");
    assert_eq!((&records[1]["namespace"], &records[1]["value"]), (&"a".into(), &"v".into()));
    let records = t.run(["-n", "a", "--json", "get", "g", "k", "no", "--default", "d"]).json_lines();
    assert_eq!(records[0]["version"], 1);
    assert_eq!(
        records[1],
        serde_json::json!({"namespace":"a","group":"g","key":"no","value":"d","default":true})
    );
    let output = t.run(["--json", "get", "a:g", "k", "no", "x"]).output();
    let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(out.starts_with("{\"group\":\"a:g\",\"key\":\"k\"") && out.lines().count() == 1, "{out}");
    assert_eq!(
        err,
        "{\"error\":\"not_found\",\"code\":1,\"message\":\"get: no keys \\\"no\\\", \\\"x\\\" in group \\\"a:g\\\"\"}\n"
    );
}

#[test]
fn several_into_a_file_and_onto_a_terminal() {
    let t = Test::new();
    t.write("out", "precious");
    t.run(["set", "g", "a", "1\t"]).ok("");
    t.run(["set", "g", "b", "-"]).stdin(&b"\x1b[31m\xff"[..]).ok("");
    t.run(["get", "g", "a", "no", "-o", "out"]).fails(1, "larder: get: no key \"no\" in group \"g\"\n");
    assert_eq!(t.read("out"), b"precious");
    t.run(["get", "g", "a", "b", "-o", "out"]).ok("");
    assert_eq!(t.read("out"), b"a\t1\\t\nb\t\x1b[31m\xff\n");
    t.run(["--json", "get", "g", "a", "b", "-o", "out"]).ok("");
    assert_eq!(t.read("out").split(|b| *b == b'\n').count(), 3);
    let (code, screen, stderr) = t.run(["get", "g", "a", "b"]).on_terminal(80);
    let listed = t.run(["list", "g", "--values"]).on_terminal(80);
    assert_eq!((code, screen, stderr), listed);
}
