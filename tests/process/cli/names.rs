//! Names of groups and keys that are not UTF-8. larder takes no such names as
//! arguments; other clients write them, and then nothing may lose them.

use serde_json::json;

use crate::common::Test;

/// A store in which another client has left the keys FF and FE in group g, and
/// the key k in group FD, in namespace a too.
fn odd() -> Test {
    let t = Test::new();
    t.run(["set", "g", "k", "v"]).ok("");
    t.execute(
        "INSERT INTO entries(group_name,entry_key,entry_value)VALUES
         ('g',CAST(x'ff' AS TEXT),'1'),('g',CAST(x'fe0a' AS TEXT),'2'),
         (CAST(x'fd' AS TEXT),'k','3'),(CAST(x'613afd' AS TEXT),'k','4')",
    );
    t
}

/// Names were shown with U+FFFD in place of what is no text, so two keys became
/// one on the way through an export, and a name that was listed could not be
/// found again.
#[test]
fn an_export_is_imported_as_it_was() {
    let t = odd();
    let lines = t.run(["export"]).json_lines();
    let names: Vec<_> =
        lines.iter().map(|l| [&l["group"], &l["group_b64"], &l["key"], &l["key_b64"]]).collect();
    let null = &serde_json::Value::Null;
    assert_eq!(
        names,
        [
            [null, &json!("YTr9"), &json!("k"), null],
            [&json!("g"), null, &json!("k"), null],
            [&json!("g"), null, null, &json!("/go=")],
            [&json!("g"), null, null, &json!("/w==")],
            [null, &json!("/Q=="), &json!("k"), null],
        ]
    );
    for format in ["jsonl", "json"] {
        t.sh(&format!("rm -f c.db*; larder export --format {format} | larder --db c.db import -")).ok("");
        t.sh("larder export | sed 's/\"version.*//' >a; larder --db c.db export | sed 's/\"version.*//' >b; cmp a b")
            .ok("");
    }
    // In a namespace its prefix is no part of the name.
    let scoped = t.run(["-n", "a", "export"]).json();
    assert_eq!((&scoped["namespace"], &scoped["group_b64"]), (&json!("a"), &json!("/Q==")));
    t.sh("larder -n a export | larder --db d.db import -").ok("");
    t.run(["--db", "d.db", "list"]).ok(b"a:\xfd\n");
    t.run(["export", "g", "--format", "csv", "-o", "out"]).fails(
        8,
        "larder: export: the key \"\\xfe\\n\" is not UTF-8, which csv cannot hold; export it as jsonl, which has key_b64\n",
    );
    t.run(["-n", "a", "export", "--format", "csv", "-o", "out"])
        .fails_with(8, "the group \"\\xfd\" is not UTF-8, which csv");
    t.run(["export", "g", "--format", "env"]).fails_with(8, "export it as jsonl, which has key_b64");
    assert!(!t.path("out").exists());
}

#[test]
fn a_list_prints_names_byte_for_byte() {
    let t = odd();
    t.run(["list", "g", "-0"]).ok(b"k\0\xfe\n\0\xff\0");
    t.run(["list", "g", "--values"]).ok(b"k\tv\n\xfe\\n\t2\n\xff\t1\n");
    t.run(["list", "g"]).fails_with(8, "the name \"\\xfe\\n\" holds a newline");
    t.run(["list"]).ok(b"a:\xfd\ng\n\xfd\n");
    t.run(["-n", "a", "list"]).ok(b"\xfd\n");
    t.run(["list", "g", "--limit", "1", "--after", "k", "-0"]).ok(b"\xfe\n\0");
    let keys = t.run(["--json", "list", "g"]).json_lines();
    assert_eq!(
        (keys[1].get("key"), &keys[1]["key_b64"], &keys[1]["value"]),
        (None, &json!("/go="), &json!("2"))
    );
    let groups = t.run(["--json", "list"]).json_lines();
    assert_eq!(groups[2], json!({"group_b64": "/Q==", "keys": 1, "bytes": 2}));
    let (status, shown, _) = t.run(["list", "g"]).on_terminal(80);
    assert_eq!((status, shown.as_str()), (0, "k\n\\xfe\\n\n\\xff\n"));
    t.run(["count", "g", "--glob", "?"]).ok("2\n");
}

/// No command could name such a key: a pattern did not match it, and a line of
/// a batch had no field for it.
#[test]
fn a_batch_names_them_in_base64() {
    let t = odd();
    let ops = r#"{"op":"set","group":"g","key_b64":"/w==","value":"new","if_value":"1"}
{"op":"expire","group":"g","key_b64":"/w==","ttl_ms":100000}
{"op":"delete","group":"g","key_b64":"/go="}
{"op":"incr","group_b64":"/Q==","key":"k"}
{"op":"set","namespace":"a","group_b64":"/Q==","key_b64":"/w==","value":""}
"#;
    t.run(["batch", "-"]).stdin(ops).ok("");
    t.run(["list", "g", "--values"]).ok(b"k\tv\n\xff\tnew\n");
    let lines = t.run(["export"]).json_lines();
    assert_eq!(lines.len(), 5);
    assert_eq!((&lines[1]["group_b64"], &lines[1]["key_b64"]), (&json!("YTr9"), &json!("/w==")));
    assert_eq!((&lines[4]["group_b64"], &lines[4]["value"]), (&json!("/Q=="), &json!("4")));
    for (line, why) in [
        (
            r#"{"op":"delete","group":"g","key":"k","key_b64":"aw=="}"#,
            "it has both key and key_b64; give one of them",
        ),
        (r#"{"op":"delete","key":"k"}"#, "it has neither group nor group_b64"),
        (r#"{"op":"delete","group":"g","key_b64":"k"}"#, "it is not valid base64"),
        (
            r#"{"op":"incr","group":"g","key_b64":"/w=="}"#,
            "the value of \"\\xff\" in \"g\" is not a 64-bit integer",
        ),
        (r#"{"op":"expire","group":"g","key_b64":"+g==","never":true}"#, "no key \"\\xfa\" in group \"g\""),
    ] {
        let status = if line.contains("never") { 1 } else { 8 };
        t.run(["batch", "-"]).stdin(line).fails_with(status, why);
    }
    // Text in base64 is that text.
    t.run(["batch", "-"]).stdin(r#"{"op":"delete","group_b64":"Zw==","key_b64":"aw=="}"#).ok("");
    t.run(["get", "g", "k"]).fails_with(1, "no key");
}

#[test]
fn a_delete_by_pattern_takes_them_too() {
    let t = odd();
    t.run(["delete", "g", "--glob", "*", "--dry-run"]).fails_with(8, "holds a newline");
    t.run(["delete", "g", "--glob", "[^k]*"]).ok("");
    t.run(["list", "g"]).ok("k\n");
    t.run(["-n", "a", "delete", "--groups", "?", "--yes", "--dry-run"]).ok(b"\xfd\n");
    t.run(["-n", "a", "delete", "--groups", "?", "--yes"]).ok("");
    t.run(["list"]).ok(b"g\n\xfd\n");
    t.run(["delete", "--groups", "*", "--yes"]).ok("");
    t.run(["list"]).ok("");
    t.run(["check"]).ok("");
    let t = odd();
    t.run(["namespace", "delete", "a", "--yes"]).ok("");
    t.run(["delete", "g", "--all"]).ok("");
    t.run(["list"]).ok(b"\xfd\n");
}

#[test]
fn a_template_can_still_be_filled() {
    let t = odd();
    t.write("t", "{{k}}");
    t.run(["render", "g", "t"]).ok("v");
    t.write("t", "{{#each this}}{{this}}{{/each}}");
    t.run(["render", "g", "t"]).fails_with(8, "\\xff");
}
