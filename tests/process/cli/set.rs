use std::os::unix::ffi::OsStrExt;

use crate::common::Test;

#[test]
fn stores_and_is_silent() {
    let t = Test::new();
    t.run(["set", "g", "k", "v"]).ok("");
    t.run(["get", "g", "k"]).ok("v");
    t.run(["set", "g", "k", "w"]).ok("");
    t.run(["get", "g", "k"]).ok("w");
    let record = t.run(["--json", "set", "g", "k", "x"]).json();
    assert_eq!((&record["group"], &record["key"]), (&"g".into(), &"k".into()));
    assert_eq!((&record["version"], &record["bytes"]), (&3.into(), &2.into()));
    assert!(record["expires_at"].is_null() && record["ttl_ms"].is_null());
    assert!(record.get("value").is_none(), "{record}");
    assert!(record["updated_at"].as_str().unwrap().ends_with('Z'), "{record}");
}

#[test]
fn empty_names_and_values_are_legal() {
    let t = Test::new();
    for args in [["", "k", "v"], ["g", "", "v"], ["g", "k", ""], ["", "", ""]] {
        t.run(["set"].iter().chain(&args)).ok("");
        t.run(["get", args[0], args[1]]).ok(args[2]);
    }
    t.run(["list"]).ok("\ng\n");
    t.run(["list", "g"]).ok("\nk\n");
    t.run(["count", ""]).ok("2\n");
    t.run(["count"]).ok("4\n");
}

#[test]
fn where_the_value_comes_from() {
    let t = Test::new();
    t.run(["set", "g", "k", "-"]).stdin("from\0standard\u{ff}input\n").ok("");
    t.run(["get", "g", "k"]).ok("from\0standard\u{ff}input\n");
    t.run(["set", "g", "k", "-"]).stdin(b"\xff\xfe\x00\n".as_slice()).ok("");
    t.run(["get", "g", "k"]).ok(b"\xff\xfe\x00\n");
    t.run(["set", "g", "k", "-"]).ok("");
    t.run(["get", "g", "k"]).ok("");
    t.run(["set", "g", "k", "--value=-"]).ok("");
    t.run(["get", "g", "k"]).ok("-");
    t.run(["set", "g", "k", "--value", "--json"]).ok("");
    t.run(["get", "g", "k"]).ok("--json");
    t.run(["set", "g", "k", "--value="]).ok("");
    t.run(["get", "g", "k"]).ok("");
    t.run(["set", "g", "k", "--", "-n"]).ok("");
    t.run(["get", "g", "k"]).ok("-n");
    t.run(["set", "g", "k", "--", "-"]).stdin("still standard input").ok("");
    t.run(["get", "g", "k"]).ok("still standard input");
    t.run(["set", "--", "--group", "-k", "v"]).ok("");
    t.run(["get", "--", "--group", "-k"]).ok("v");
    let file = t.write("value.bin", b"\x00\xffbytes\r\n");
    t.run(["set", "g", "k", "--file", "value.bin"]).ok("");
    t.run(["get", "g", "k"]).ok(b"\x00\xffbytes\r\n");
    t.run(["set".as_ref(), "g".as_ref(), "l".as_ref(), "--file".as_ref(), file.as_os_str()]).ok("");
    t.run(["get", "g", "l"]).ok(b"\x00\xffbytes\r\n");
    t.run(["set", "g", "empty", "--file", "/dev/null"]).ok("");
    t.run(["get", "g", "empty"]).ok("");
}

#[test]
fn a_value_that_is_no_text_is_stored_as_it_is() {
    let t = Test::new();
    let value = std::ffi::OsStr::from_bytes(b"\xff\x80v");
    t.run(["set".as_ref(), "g".as_ref(), "k".as_ref(), value]).ok("");
    t.run(["get", "g", "k"]).ok(b"\xff\x80v");
    let storage =
        t.sql().query_row("SELECT typeof(entry_value) FROM entries", [], |row| row.get::<_, String>(0));
    assert_eq!(storage.unwrap(), "blob");
    assert_eq!(t.run(["--json", "get", "g", "k"]).json()["value_b64"], "/4B2");
    t.run(["set", "g", "k", "é"]).ok("");
    let storage =
        t.sql().query_row("SELECT typeof(entry_value) FROM entries", [], |row| row.get::<_, String>(0));
    assert_eq!(storage.unwrap(), "text");
}

#[test]
fn a_name_that_is_no_text_is_refused() {
    let t = Test::new();
    let odd = std::ffi::OsStr::from_bytes(b"\xff");
    t.run(["set".as_ref(), odd, "k".as_ref(), "v".as_ref()]).fails_with(2, "UTF-8");
    t.run(["set".as_ref(), "g".as_ref(), odd, "v".as_ref()]).fails_with(2, "UTF-8");
    assert_eq!(t.files(), [""; 0]);
}

#[test]
fn names_with_odd_characters_are_just_names() {
    let t = Test::new();
    for name in
        ["*", "[a]", "a/b", "a\nb", "a\tb", "ünï", "a:b", ":", "-", " ", "\u{202e}", "a'b\"c;--", "%s", "\\n"]
    {
        t.run(["set", "--", name, name, name]).stdin(name).ok("");
        t.run(["get", "--", name, name]).ok(name);
        t.run(["count", "--", name]).ok("1\n");
    }
}

#[test]
fn no_value_is_a_usage_error_that_names_the_dash() {
    let t = Test::new();
    let message = "larder: set: the VALUE is missing\nhint: give it as the third argument, or - to read it from standard input\n";
    t.run(["set", "g", "k"]).stdin("not read").fails(2, message);
    t.run(["set", "g", "-"]).stdin("not read").fails(2, message);
    let error = t.run(["set", "g", "k", "--json"]).json_error(2, "usage");
    assert!(error["hint"].as_str().unwrap().contains(", or - to read"), "{error}");
    assert_eq!(t.files(), [""; 0]);
}

#[test]
fn usage_errors_store_nothing() {
    let t = Test::new();
    for (args, words) in [
        (&["set"][..], "<GROUP> <KEY>"),
        (&["set", "g"], "<KEY>"),
        (&["set", "g", "k", "-5"], "'-5'"),
        (&["set", "g", "k", "a", "b"], "'b'"),
        (&["set", "g", "k", "v", "--ttl", "5"], "\"5\" is not a duration"),
        (&["set", "g", "k", "v", "--ttl", ""], "'--ttl <DUR>'"),
        (&["set", "g", "k", "v", "--ttl", "0s"], "longer than zero"),
        (&["set", "g", "k", "v", "--ttl=-5m"], "not a duration"),
        (&["set", "g", "k", "v", "--ttl", "5M"], "not a duration"),
        (&["set", "g", "k", "v", "--ttl", "8000y"], "ends past the year 9999"),
        (
            &["set", "g", "k", "v", "--expire-at", "9999-12-31T23:59:59-14:00"],
            "\"9999-12-31T23:59:59-14:00\" is past the year 9999",
        ),
        (&["set", "g", "k", "v", "--ttl", "1ns"], "shorter than the smallest"),
        (&["set", "g", "k", "v", "--ttl", "5 parsecs"], "not a duration"),
        (&["set", "g", "k", "v", "--expire-at", "tomorrow"], "not a time"),
        (&["set", "g", "k", "v", "--expire-at", "2030-01-01"], "not a time"),
        (&["set", "g", "k", "v", "--expire-at", "2030-02-30T00:00:00Z"], "not a time"),
        (
            &["set", "g", "k", "v", "--expire-at", "2001-01-01T00:00:00Z"],
            "2001-01-01T00:00:00.000Z is in the past",
        ),
        (&["set", "g", "k", "v", "--ttl", "5m", "--keep-ttl"], "cannot be used with"),
        (
            &["set", "g", "k", "v", "--ttl", "5m", "--expire-at", "2099-01-01T00:00:00Z"],
            "cannot be used with",
        ),
        (&["set", "g", "k", "v", "--if-absent", "--if-present"], "cannot be used with"),
        (&["set", "g", "k", "v", "--if-version", "1", "--if-value", "x"], "cannot be used with"),
        (&["set", "g", "k", "v", "--if-version", "x"], "'--if-version <N>'"),
        (&["set", "g", "k", "v", "--file", "x"], "cannot be used with"),
        (&["set", "g", "k", "v", "--value", "x"], "cannot be used with"),
        (&["set", "g", "k", "v", "--from-version", "1"], "cannot be used with"),
        (&["set", "g", "k", "v", "--nonsense"], "'--nonsense'"),
        (&["set", "g", "k", "v", "-n", ""], "--namespace is set but empty"),
        (&["set", "g", "k", "v", "-n", "a b"], "not a namespace"),
        (&["set", "g", "k", "v", "-n", "a:b"], "not a namespace"),
        (&["set", "g", "k", "v", "-n", "a_b"], "not a namespace"),
        (&["set", "g", "k", "v", "-n", "ä"], "not a namespace"),
    ] {
        t.run(args).fails_with(2, words);
        t.run(args.iter().chain(&["--json"])).json_error(2, "usage");
        assert_eq!(t.files(), [""; 0], "{args:?}");
    }
}

#[test]
fn a_file_that_cannot_be_read() {
    let t = Test::new();
    t.run(["set", "g", "k", "--file", "absent"])
        .fails(10, "larder: set: \"absent\": No such file or directory\n");
    t.run(["set", "g", "k", "--file", "."]).fails(10, "larder: set: \".\": Is a directory\n");
    t.run(["set", "g", "k", "--file", ""]).fails_with(2, "--file");
    t.run(["set", "g", "k", "--file", "absent", "--json"]).json_error(10, "io");
    assert_eq!(t.files(), [""; 0]);
}

#[test]
fn time_to_live() {
    let t = Test::new();
    let left = |t: &Test| t.run(["--json", "ttl", "g", "k"]).json()["ttl_ms"].as_i64();
    t.run(["set", "g", "k", "v", "--ttl", "1h30m"]).ok("");
    assert!((5_000_000..=5_400_000).contains(&left(&t).unwrap()));
    t.run(["set", "g", "k", "v", "--keep-ttl"]).ok("");
    assert!((5_000_000..=5_400_000).contains(&left(&t).unwrap()));
    t.run(["set", "g", "k", "v"]).ok("");
    assert_eq!(left(&t), None);
    t.run(["set", "g", "k", "v", "--keep-ttl"]).ok("");
    assert_eq!(left(&t), None);
    t.run(["set", "g", "k", "v", "--expire-at", "2100-01-01T02:00:00.5+02:00"]).ok("");
    assert_eq!(t.run(["--json", "get", "g", "k"]).json()["expires_at"], "2100-01-01T00:00:00.500Z");
    t.make_due("g", "k");
    t.run(["set", "g", "k", "v", "--keep-ttl"]).ok("");
    assert_eq!(left(&t), None, "a due entry has no time to keep");
}

#[test]
fn conditions() {
    let t = Test::new();
    t.run(["set", "g", "k", "v", "--if-present"])
        .fails(3, "larder: set: key \"k\" in group \"g\" does not exist\n");
    t.run(["set", "g", "k", "v", "--if-version", "1"])
        .fails(3, "larder: set: key \"k\" in group \"g\" does not exist\n");
    t.run(["set", "g", "k", "v", "--if-value", ""])
        .fails(3, "larder: set: key \"k\" in group \"g\" does not exist\n");
    t.run(["set", "g", "k", "1", "--if-absent"]).ok("");
    t.run(["set", "g", "k", "2", "--if-absent"])
        .fails(3, "larder: set: key \"k\" in group \"g\" exists, at version 1\n");
    t.run(["set", "g", "k", "2", "--if-version", "7"])
        .fails(3, "larder: set: key \"k\" in group \"g\" is at version 1, not 7\n");
    t.run(["set", "g", "k", "2", "--if-value", "x"])
        .fails(3, "larder: set: key \"k\" in group \"g\" has another value, at version 1\n");
    t.run(["set", "g", "k", "2", "--if-value", "x", "--json"]).json_error(3, "condition_failed");
    t.run(["get", "g", "k"]).ok("1");
    t.run(["set", "g", "k", "2", "--if-version", "1"]).ok("");
    t.run(["set", "g", "k", "-x", "--if-value", "2", "--value=3"]).fails_with(2, "");
    t.run(["set", "g", "k", "--value=-3", "--if-value", "2"]).ok("");
    t.run(["set", "g", "k", "4", "--if-value", "-3"]).ok("");
    t.run(["set", "g", "k", "5", "--if-present"]).ok("");
    t.run(["get", "g", "k"]).ok("5");
    t.make_due("g", "k");
    t.run(["set", "g", "k", "6", "--if-present"])
        .fails(3, "larder: set: key \"k\" in group \"g\" does not exist\n");
    t.run(["set", "g", "k", "6", "--if-absent"]).ok("");
    t.run(["get", "g", "k"]).ok("6");
}

#[test]
fn an_older_version_comes_back() {
    let t = Test::new();
    t.run(["set", "g", "k", "one"]).ok("");
    t.run(["set", "g", "k", "two"]).ok("");
    t.run(["set", "g", "k", "--from-version", "1"]).ok("");
    t.run(["get", "g", "k"]).ok("one");
    t.run(["set", "g", "k", "--from-version", "9"])
        .fails(1, "larder: set: key \"k\" in group \"g\" has no version 9\n");
    t.run(["set", "g", "other", "--from-version", "1"])
        .fails(1, "larder: set: key \"other\" in group \"g\" has no version 1\n");
}

#[test]
fn a_namespace_is_a_prefix_of_the_group() {
    let t = Test::new();
    t.run(["-n", "a", "set", "g", "k", "v"]).ok("");
    t.run(["get", "a:g", "k"]).ok("v");
    t.run(["get", "g", "k"]).fails(1, "larder: get: no key \"k\" in group \"g\"\n");
    t.run(["get", "g", "k"]).env("LARDER_NAMESPACE", "a").ok("v");
    t.run(["get", "g", "k", "--namespace", "b"]).env("LARDER_NAMESPACE", "a").fails_with(1, "no key");
    t.run(["-n", "A", "get", "g", "k"]).fails_with(1, "no key");
    t.run(["-n", "b", "set", "a:g", "k", "w"]).ok("");
    t.run(["get", "b:a:g", "k"]).ok("w");
    t.run(["get", "a:g", "k"]).ok("v");
    let record = t.run(["--json", "get", "a:g", "k"]).json();
    assert_eq!((record.get("namespace"), &record["group"]), (None, &"a:g".into()));
    let record = t.run(["-n", "a", "--json", "get", "g", "k"]).json();
    assert_eq!((&record["namespace"], &record["group"]), (&"a".into(), &"g".into()));
}

#[test]
fn a_value_over_the_limit_is_refused_before_the_store_is_touched() {
    let t = Test::new();
    // A sparse file: its length alone is too much.
    let file = std::fs::File::create(t.path("huge")).unwrap();
    file.set_len(1 << 30).unwrap();
    t.run(["set", "g", "k", "--file", "huge"]).fails(
        8,
        "larder: set: key and value have 1073741825 bytes together; the most an entry can hold is 999000000\n",
    );
    assert_eq!(t.files(), ["huge"]);
}

#[test]
fn what_the_disk_does_not_take_is_an_error() {
    let t = Test::new();
    t.sh("larder --json set g k v > /dev/full").fails(
        10,
        "{\"error\":\"io\",\"code\":10,\"message\":\"set: standard output: No space left on device\"}\n",
    );
    // A limit on file sizes must not kill the process before it can say so.
    t.run(["set", "g", "k", "v"]).ok("");
    t.sh("ulimit -f 100; head -c 1000000 /dev/zero | larder set g large -").fails_with(10, "");
    t.run(["get", "g", "k"]).ok("v");
    t.run(["count", "g"]).ok("1\n");
}
