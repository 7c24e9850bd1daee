use crate::common::Test;

fn log(t: &Test) -> Vec<String> {
    let conn = t.sql();
    let mut query = conn
        .prepare("SELECT type||' '||group_name||' '||ifnull(entry_key,'-')FROM larder_changes WHERE seq>0 ORDER BY seq")
        .expect("the log");
    let rows = query.query_map([], |row| row.get::<_, String>(0)).expect("the log");
    rows.map(|row| row.expect("a change")).filter(|row| !row.starts_with("origin")).collect()
}

fn is_sound(t: &Test) {
    let output = t.run(["check"]).output();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn a_key_is_copied_with_its_time_to_live() {
    let t = Test::new();
    t.run(["copy", "g", "a", "b"]).fails(1, "larder: copy: no key \"a\" in group \"g\"\n");
    assert_eq!(t.files(), [""; 0], "it made a store");
    t.run(["set", "g", "a", "-", "--ttl", "1h"]).stdin(&b"\xff\0"[..]).ok("");
    t.run(["copy", "g", "a", "b"]).ok("");
    t.run(["get", "g", "b"]).ok(&b"\xff\0"[..]);
    t.run(["get", "g", "a"]).ok(&b"\xff\0"[..]);
    let of = |group: &str, key: &str| t.run(["--json", "get", group, key]).json()["expires_at"].clone();
    assert!(of("g", "a").is_string());
    assert_eq!(of("g", "a"), of("g", "b"));
    t.run(["set", "g", "stays", "v"]).ok("");
    t.run(["copy", "g", "stays", "b"]).ok("");
    assert!(of("g", "b").is_null());
    let record = t.run(["--json", "copy", "g", "a", "a", "--to-group", "h"]).json();
    assert_eq!((&record["group"], &record["key"], &record["bytes"]), (&"h".into(), &"a".into(), &3.into()));
    assert!(record.get("value").is_none() && record["ttl_ms"].is_i64());
    t.run(["copy", "g", "no", "x"]).fails(1, "larder: copy: no key \"no\" in group \"g\"\n");
    t.run(["copy", "g", "a", "b", "--if-absent"])
        .fails(3, "larder: copy: key \"b\" in group \"g\" exists, at version 4\n");
    t.run(["copy", "g", "a", "c", "--if-absent"]).ok("");
    is_sound(&t);
    t.make_due("g", "a");
    t.run(["copy", "g", "a", "d"]).fails_with(1, "no key \"a\"");
}

#[test]
fn a_key_is_renamed_and_the_log_tells_both_ends() {
    let t = Test::new();
    t.run(["set", "g", "a", "v", "--ttl", "1h"]).ok("");
    let before = t.run(["--json", "get", "g", "a"]).json();
    t.run(["rename", "g", "a", "b"]).ok("");
    t.run(["get", "g", "a"]).fails_with(1, "no key");
    let after = t.run(["--json", "get", "g", "b"]).json();
    assert_eq!((&after["value"], &after["expires_at"]), (&before["value"], &before["expires_at"]));
    assert_eq!(log(&t), ["set g a", "delete g a", "set g b"]);
    t.run(["mv", "g", "b", "b", "--to-group", "h"]).ok("");
    t.run(["list"]).ok("h\n");
    // Over what is there, and not with --if-absent.
    t.run(["set", "h", "old", "x"]).ok("");
    t.run(["rename", "h", "b", "old", "--if-absent"])
        .fails(3, "larder: rename: key \"old\" in group \"h\" exists, at version 6\n");
    t.run(["list", "h"]).ok("b\nold\n");
    t.run(["rename", "h", "b", "old"]).ok("");
    t.run(["list", "h", "--values"]).ok("old\tv\n");
    t.make_due("h", "old");
    t.run(["set", "h", "new", "n"]).ok("");
    t.run(["rename", "h", "new", "old", "--if-absent"]).ok("");
    assert_eq!(log(&t)[9..], ["delete h new", "expire h old", "set h old"]);
    is_sound(&t);
}

#[test]
fn a_whole_group() {
    let t = Test::new();
    t.run(["copy", "g", "--to-group", "h"]).fails(1, "larder: copy: there is no group \"g\"\n");
    assert_eq!(t.files(), [""; 0], "it made a store");
    for (key, value) in [("a", "1"), ("b", "2"), ("c", "3")] {
        t.run(["set", "g", key, value]).ok("");
    }
    t.run(["set", "g", "due", "x", "--ttl", "1h"]).ok("");
    t.make_due("g", "due");
    t.run(["set", "h", "a", "other"]).ok("");
    t.run(["set", "h", "mine", "m"]).ok("");
    assert_eq!(t.run(["--json", "copy", "g", "--to-group", "h"]).json(), serde_json::json!({"copied": 3}));
    t.run(["list", "h", "--values"]).ok("a\t1\nb\t2\nc\t3\nmine\tm\n");
    t.run(["count", "g"]).ok("3\n");
    let seen = log(&t).len();
    t.run(["rename", "g", "--to-group", "h", "--if-absent"])
        .fails(3, "larder: rename: group \"h\" exists, with 4 keys\n");
    t.run(["rename", "g", "--to-group", "new", "--if-absent"]).ok("");
    t.run(["list"]).ok("h\nnew\n");
    assert_eq!(log(&t)[seen..], ["set new a", "set new b", "set new c", "expire g due", "delete_group g -"]);
    is_sound(&t);
    assert_eq!(
        t.run(["--json", "rename", "new", "--to-group", "h"]).json(),
        serde_json::json!({"renamed": 3})
    );
    t.run(["list", "h", "--values"]).ok("a\t1\nb\t2\nc\t3\nmine\tm\n");
    is_sound(&t);
}

#[test]
fn more_than_is_held_at_once() {
    let t = Test::new();
    let lines: Vec<String> =
        (0..1700).map(|n| format!("{{\"group\":\"g\",\"key\":\"{n}\",\"value\":\"{n}\"}}\n")).collect();
    t.run(["import", "-"]).stdin(lines.concat()).ok("");
    t.run(["rename", "g", "--to-group", "h"]).ok("");
    t.run(["copy", "h", "--to-group", "g"]).ok("");
    t.run(["count", "g"]).ok("1700\n");
    t.run(["count", "h"]).ok("1700\n");
    t.run(["get", "g", "1699"]).ok("1699");
    is_sound(&t);
}

/// A rename was a copy and a delete: where the namespace was full, it was
/// refused for the moment in which both would have been there.
#[test]
fn a_rename_at_the_limit_needs_no_room() {
    let t = Test::new();
    t.run(["set", "n:g", "a", "vvvvvvvv"]).ok("");
    t.run(["set", "n:g", "b", "v"]).ok("");
    for (limit, value) in [("--max-keys", "2"), ("--max-groups", "1"), ("--max-bytes", "11")] {
        t.run(["quota", "set", "n", limit, value]).ok("");
    }
    t.run(["-n", "n", "rename", "g", "a", "c"]).ok("");
    t.run(["-n", "n", "rename", "g", "--to-group", "h"]).ok("");
    t.run(["-n", "n", "rename", "h", "b", "c"]).ok("");
    t.run(["-n", "n", "rename", "h", "c", "c", "--to-group", "g"]).ok("");
    t.run(["list", "n:g", "--values"]).ok("c\tv\n");
    t.run(["-n", "n", "set", "g", "d", "vvvvvvvv"]).ok("");
    // What does grow is refused, and nothing of it is done.
    t.run(["-n", "n", "rename", "g", "c", "longer"]).fails_with(4, "may hold 11 bytes");
    t.run(["-n", "n", "rename", "g", "c", "c", "--to-group", "h"]).fails_with(4, "may hold 1 group");
    t.run(["-n", "n", "copy", "g", "c", "e"]).fails_with(4, "may hold 2 keys");
    t.run(["-n", "n", "copy", "g", "--to-group", "h"]).fails_with(4, "namespace n may hold");
    t.run(["list", "n:g", "--values"]).ok("c\tv\nd\tvvvvvvvv\n");
    // A limit below what is there stops growth, and a rename is none.
    t.run(["quota", "set", "n", "--max-keys", "1"]).ok("");
    t.run(["-n", "n", "rename", "g", "c", "x"]).ok("");
    t.run(["-n", "n", "rename", "g", "--to-group", "h"]).ok("");
    // Into another namespace there must be room.
    t.run(["quota", "set", "m", "--max-keys", "1"]).ok("");
    t.run(["rename", "n:h", "--to-group", "m:h"]).fails_with(4, "namespace m may hold 1 key");
    t.run(["rename", "n:h", "x", "x", "--to-group", "m:h"]).ok("");
    t.run(["list", "n:h"]).ok("d\n");
    t.run(["list", "m:h"]).ok("x\n");
    is_sound(&t);
}

#[test]
fn scoped_names_stay_in_their_namespace() {
    let t = Test::new();
    t.run(["-n", "a", "set", "g", "k", "v"]).ok("");
    t.run(["-n", "a", "copy", "g", "k", "k", "--to-group", "b:g"]).ok("");
    t.run(["list"]).ok("a:b:g\na:g\n");
    let record = t.run(["-n", "a", "--json", "rename", "g", "k", "j"]).json();
    assert_eq!(
        (&record["namespace"], &record["group"], &record["key"]),
        (&"a".into(), &"g".into(), &"j".into())
    );
    t.run(["-n", "b", "rename", "g", "j", "k"]).fails_with(1, "no key \"j\" in group \"g\"");
}

#[test]
fn usage() {
    let t = Test::new();
    t.run(["set", "g", "k", "v"]).ok("");
    for verb in ["copy", "rename"] {
        let same = format!(
            "larder: {verb}: source and target are the same\nhint: 'larder {verb}' takes another key, or another group with --to-group\n"
        );
        t.run([verb, "g", "k", "k"]).fails(2, same.clone());
        t.run([verb, "g", "k", "k", "--to-group", "g", "--if-absent"]).fails(2, same.clone());
        t.run([verb, "g", "--to-group", "g"]).fails(2, same);
        t.run([verb, "g", "k", "--to-group", "h"]).fails(
            2,
            format!(
                "larder: {verb}: the TO_KEY is missing\nhint: to keep the name, repeat it: larder {verb} g k k --to-group G\n"
            ),
        );
        t.run([verb, "g"]).fails_with(2, "no target given");
        t.run([verb]).fails_with(2, "<GROUP>");
        t.run([verb, "g", "k", "k", "x"]).fails_with(2, "'x'");
    }
    t.run(["list", "g", "--values"]).ok("k\tv\n");
}
