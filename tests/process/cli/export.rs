use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use crate::common::Test;

fn filled() -> Test {
    let t = Test::new();
    t.execute_set("b", "k2", "two\nlines");
    t.execute_set("b", "k1", "");
    t.execute_set("a:x", "é", "\"q\",");
    t.run(["set", "a:x", "bin", "-"]).stdin(b"\xff\x00".to_vec()).ok("");
    t.run(["set", "b", "due", "v", "--ttl", "1h"]).ok("");
    t.make_due("b", "due");
    t.run(["set", "b", "until", "v", "--expire-at", "2100-01-01T00:00:00Z"]).ok("");
    // Times of writing would differ in every run.
    t.execute("DROP TRIGGER larder_update; UPDATE entries SET updated_at=0");
    t
}

trait Fill {
    fn execute_set(&self, group: &str, key: &str, value: &str);
}

impl Fill for Test {
    fn execute_set(&self, group: &str, key: &str, value: &str) {
        self.run(["set", group, key, "-"]).stdin(value).ok("");
    }
}

/// The trigger that `filled` took away, out of a fresh store.
fn whole(t: &Test) {
    let fresh = Test::new();
    fresh.run(["set", "g", "k", "v"]).ok("");
    let trigger: String = fresh
        .sql()
        .query_row("SELECT sql FROM sqlite_schema WHERE name='larder_update'", [], |row| row.get(0))
        .unwrap();
    t.execute(&trigger);
}

const LINES: &str = r#"{"group":"a:x","key":"bin","value_b64":"/wA=","version":4,"bytes":5,"updated_at":"1970-01-01T00:00:00.000Z","expires_at":null}
{"group":"a:x","key":"é","value":"\"q\",","version":3,"bytes":6,"updated_at":"1970-01-01T00:00:00.000Z","expires_at":null}
{"group":"b","key":"k1","value":"","version":2,"bytes":2,"updated_at":"1970-01-01T00:00:00.000Z","expires_at":null}
{"group":"b","key":"k2","value":"two\nlines","version":1,"bytes":11,"updated_at":"1970-01-01T00:00:00.000Z","expires_at":null}
{"group":"b","key":"until","value":"v","version":6,"bytes":6,"updated_at":"1970-01-01T00:00:00.000Z","expires_at":"2100-01-01T00:00:00.000Z"}
"#;

fn first_two() -> String {
    LINES.split_inclusive('\n').take(2).collect()
}

#[test]
fn json_lines_in_byte_order() {
    let t = filled();
    whole(&t);
    t.run(["export"]).ok(LINES);
    t.run(["export", "--json"]).ok(LINES);
    t.run(["export", "a:x"]).ok(first_two());
    let scoped = first_two().replace("\"group\":\"a:x\"", "\"namespace\":\"a\",\"group\":\"x\"");
    t.run(["-n", "a", "export"]).ok(&scoped);
    t.run(["-n", "a", "export", "x"]).ok(&scoped);
    t.run(["-n", "a", "export", "--format", "csv"]).ok(
        "namespace,group,key,value,value_b64,expires_at,version,bytes,updated_at\n\
         a,x,bin,,/wA=,,4,5,1970-01-01T00:00:00.000Z\n\
         a,x,é,\"\"\"q\"\",\",,,3,6,1970-01-01T00:00:00.000Z\n",
    );
    t.sh("larder -n a export | larder --db c.db import -").ok("");
    t.run(["--db", "c.db", "list", "a:x"]).ok("bin\né\n");
    t.run(["-n", "A", "export"]).ok("");
    t.run(["export", "*"]).ok("");
}

#[test]
fn an_array() {
    let t = filled();
    whole(&t);
    let expected = format!("[\n{}\n]\n", LINES.trim_end().replace("\n{", ",\n{"));
    t.run(["export", "--format", "json"]).ok(expected);
    t.run(["export", "none", "--format", "json"]).ok("[]\n");
}

#[test]
fn a_table() {
    let t = filled();
    whole(&t);
    t.run(["export", "--format", "csv"]).ok("\
namespace,group,key,value,value_b64,expires_at,version,bytes,updated_at
,a:x,bin,,/wA=,,4,5,1970-01-01T00:00:00.000Z
,a:x,é,\"\"\"q\"\",\",,,3,6,1970-01-01T00:00:00.000Z
,b,k1,,,,2,2,1970-01-01T00:00:00.000Z
,b,k2,\"two\nlines\",,,1,11,1970-01-01T00:00:00.000Z
,b,until,v,,2100-01-01T00:00:00.000Z,6,6,1970-01-01T00:00:00.000Z
");
}

#[test]
fn assignments() {
    let t = Test::new();
    for (key, value) in [("A", "plain"), ("B_1", "it's $HOME `x` \\ \"q\""), ("C", "two\nlines\n"), ("D", "")]
    {
        t.execute_set("config", key, value);
    }
    t.run(["export", "config", "--format", "env"])
        .ok("A=plain\nB_1=\"it's \\$HOME \\`x\\` \\\\ \\\"q\\\"\"\nC=\"two\nlines\n\"\nD=\n");
    // As a shell reads it.
    t.sh("larder export config --format env >f; . ./f; printf '%s|%s|%s|%s' \"$A\" \"$B_1\" \"$C\" \"$D\"")
        .ok("plain|it's $HOME `x` \\ \"q\"|two\nlines\n|");
    t.execute_set("config", "not-a-name", "v");
    t.run(["export", "config", "--format", "env", "-o", "out"]).fails(
        8,
        "larder: export: the key \"not-a-name\" is not a valid variable name: letters, digits and _, not a digit first\n",
    );
    assert!(!t.path("out").exists());
    t.run(["export", "--format", "env"]).fails(
        2,
        "larder: export: the env format cannot hold group names\nhint: name one group: larder export GROUP --format env\n",
    );
}

#[test]
fn assignments_are_printed_all_or_none() {
    let t = Test::new();
    t.execute_set("g", "A", "1");
    for (value, why) in [(&b"\xff"[..], "is not UTF-8"), (b"a\0b", "holds a NUL byte")] {
        t.run(["set", "g", "Z", "-"]).stdin(value).ok("");
        t.run(["export", "g", "--format", "env"]).fails(8, format!("larder: export: the value of Z {why}\n"));
    }
    t.execute_set("g", "Z", "2");
    t.run(["export", "g", "--format", "env"]).ok("A=1\nZ=2\n");
    t.execute_set("g", "é", "3");
    t.run(["export", "g", "--format", "env"]).fails(
        8,
        "larder: export: the key \"é\" is not a valid variable name: letters, digits and _, not a digit first\n",
    );
}

#[test]
fn a_missing_store() {
    let t = Test::new();
    t.run(["export"]).ok("");
    t.run(["export", "g", "--format", "env"]).ok("");
    t.run(["export", "--format", "json"]).ok("[]\n");
    assert_eq!(t.files(), [""; 0]);
}

#[test]
fn into_a_file() {
    let t = filled();
    whole(&t);
    t.run(["export", "-o", "new.jsonl"]).ok("");
    assert_eq!(t.read("new.jsonl"), LINES.as_bytes());
    let old = t.write("old", "before");
    std::fs::set_permissions(&old, std::fs::Permissions::from_mode(0o640)).unwrap();
    symlink("old", t.path("link")).unwrap();
    let before = std::fs::metadata(&old).unwrap().ino();
    t.run(["export", "-o", "link"]).ok("");
    assert_eq!(t.read("old"), LINES.as_bytes());
    let after = std::fs::metadata(&old).unwrap();
    assert_eq!(after.mode() & 0o7777, 0o640);
    assert_ne!(after.ino(), before);
    assert!(t.path("link").is_symlink());
    assert!(!t.files().iter().any(|name| name.contains(".larder-")));
}

#[test]
fn a_dash_is_standard_output() {
    let t = filled();
    whole(&t);
    t.run(["export", "-o", "-"]).ok(LINES);
    assert!(!t.path("-").exists());
    t.run(["export", "-o", "./-"]).ok("");
    assert_eq!(t.read("-"), LINES.as_bytes());
}

#[test]
fn the_store_is_no_place_for_an_export() {
    let t = Test::new();
    t.execute_set("g", "k", "v");
    t.write("t.hbs", "{{k}}");
    let refused = "is the store itself\nhint: name another file; 'larder backup' copies the store\n";
    symlink(t.db(), t.path("link")).unwrap();
    t.run(["export", "-o", "link"]).fails(2, format!("larder: export: \"link\" {refused}"));
    for more in ["--in-place", "--watch", "--diff"] {
        t.run(["render", "g", "t.hbs", "-o", "link", more])
            .fails(2, format!("larder: render: \"link\" {refused}"));
    }
    t.run(["get", "g", "k"]).ok("v");
}

#[test]
fn a_failure_leaves_the_file() {
    let t = Test::new();
    t.execute_set("g", "ok", "1");
    t.execute_set("g", "zz-bad", "1");
    t.write("old", "before");
    t.run(["export", "g", "--format", "env", "-o", "old"]).fails_with(8, "zz-bad");
    assert_eq!(t.read("old"), b"before");
    let absent = "\"no/such/file\": No such file or directory\n";
    t.run(["export", "-o", "no/such/file"]).fails(10, format!("larder: export: {absent}"));
    t.run(["get", "g", "ok", "-o", "no/such/file"]).fails(10, format!("larder: get: {absent}"));
    t.run(["export", "-o", "."]).fails(10, "larder: export: \".\": Is a directory\n");
    t.run(["export", "-o", "old/x"]).fails(10, "larder: export: \"old/x\": Not a directory\n");
}

#[test]
fn a_closed_pipe_ends_quietly() {
    let t = Test::new();
    let lines: Vec<String> =
        (0..5000).map(|n| format!("{{\"group\":\"g\",\"key\":\"{n}\",\"value\":\"v\"}}\n")).collect();
    t.write("in", lines.concat());
    t.run(["import", "in"]).ok("");
    t.sh("larder export | head -n 1 | wc -l").ok("1\n");
}

#[test]
fn a_terminal_is_safe() {
    let t = Test::new();
    t.execute_set("g", "k", "a\u{9b}31mb");
    let (code, shown, stderr) = t.run(["export", "g", "--format", "csv"]).on_terminal(200);
    assert_eq!((code, stderr.as_str()), (0, ""));
    assert!(shown.contains("a\\x9b31mb"), "{shown:?}");
}

/// Every command that replaces a file kept its text in a hidden one beside it
/// until it was whole. One that was ended by a signal, or killed, left that
/// file there for ever, with values that others might read.
#[test]
fn an_export_that_is_ended_leaves_nothing() {
    let t = Test::new();
    if !t.can_trace() {
        return;
    }
    t.run(["set", "g", "k", &"v".repeat(100_000)]).ok("");
    t.write("t.hbs", "{{k}}");
    t.write("old", "as before");
    let before = t.files();
    // Held up while the text is made safe: it is whole by then.
    for command in ["export -o old", "get g k -o old", "--json get g k -o old", "render g t.hbs -o old"] {
        for signal in ["SIGINT", "SIGTERM", "SIGHUP", "SIGKILL"] {
            let inject = format!("strace -qq -o strace.log -e trace=fsync -e inject=fsync:signal={signal}");
            t.sh(&format!("{inject} larder {command}; rm strace.log")).output();
            assert_eq!(t.files(), before, "{command}: {signal}");
            assert_eq!(t.read("old"), b"as before", "{command}: {signal}");
        }
    }
    t.run(["export", "-o", "old"]).ok("");
    assert!(t.read("old").len() > 100_000);
    assert_eq!(t.files(), before);
}

/// Between its name beside the file and its place, no signal ends an export; a
/// kill there leaves the hidden file, and the next one to that file removes it.
#[test]
fn what_a_killed_export_left_goes_with_the_next() {
    let t = Test::new();
    if !t.can_trace() {
        return;
    }
    t.run(["set", "g", "k", "v"]).ok("");
    t.write("old", "as before");
    let before = t.files();
    let inject = |signal: &str| {
        let script = format!(
            "strace -qq -o strace.log -e trace=rename,renameat,renameat2 \
             -e inject=rename,renameat,renameat2:error=EIO:signal={signal} larder get g k -o old; rm strace.log"
        );
        t.sh(&script).output();
        assert_eq!(t.read("old"), b"as before", "{signal}");
    };
    inject("SIGTERM");
    assert_eq!(t.files(), before);
    inject("SIGKILL");
    assert!(t.path(".old.larder-0").exists());
    t.run(["export", "-o", "other"]).ok("");
    assert!(t.path(".old.larder-0").exists());
    t.run(["get", "g", "k", "-o", "old"]).ok("");
    assert!(!t.path(".old.larder-0").exists());
    assert_eq!(t.read("old"), b"v");
}

/// A file whose owner the new one cannot be given was replaced all the same,
/// and became the caller's: its owner could no longer read it.
#[test]
fn a_file_of_another_owner_is_left_alone() {
    let t = Test::new();
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    t.execute_set("g", "k", "v");
    let file = t.write("old", "as before");
    std::os::unix::fs::chown(t.home(), Some(65534), Some(65534)).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o666)).unwrap();
    t.sh("chown -R 65534:65534 .local; umask 0; cp \"$(command -v larder)\" .; chmod 755 larder").ok("");
    let user = "setpriv --reuid 65534 --regid 65534 --clear-groups ./larder get g k";
    t.sh(&format!("{user} -o old")).fails(
        10,
        "larder: get: \"old\": a new file cannot be given the owner 0:0\n\
         hint: it can be written to, but not replaced: omit -o, and redirect the output into it\n",
    );
    assert_eq!(t.read("old"), b"as before");
    t.sh(&format!("{user} > old")).ok("");
    assert_eq!(t.read("old"), b"v");
}
