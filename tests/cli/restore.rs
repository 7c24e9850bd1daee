use crate::harness::Test;

fn with_backup() -> Test {
    let t = Test::new();
    t.run(["set", "g", "k", "old"]).ok("");
    t.run(["set", "g", "more", "v"]).ok("");
    t.run(["quota", "set", "ns", "--max-keys", "3"]).ok("");
    t.run(["backup", "b.db"]).ok("");
    t
}

#[test]
fn everything_is_as_in_the_backup() {
    let t = with_backup();
    t.run(["set", "g", "k", "new"]).ok("");
    t.run(["set", "h", "k", "v"]).ok("");
    t.run(["quota", "clear", "ns"]).ok("");
    t.run(["restore", "b.db", "--yes"]).ok("");
    t.run(["list"]).ok("g\n");
    t.run(["list", "g", "--values"]).ok("k\told\nmore\tv\n");
    assert_eq!(t.number("SELECT max_keys FROM larder_namespaces WHERE namespace='ns'"), 3);
}

/// A client that saw version 3 before the restore must not find that a later
/// write has made it version 3 once more: its compare-and-set would hit a value
/// it never saw.
#[test]
fn no_version_returns() {
    let t = with_backup();
    t.run(["set", "g", "k", "new"]).ok("");
    let before = t.run(["--json", "info"]).json()["seq"].as_i64().unwrap();
    let record = t.run(["--json", "restore", "b.db", "--yes"]).json();
    assert!(record["seq"].as_i64().unwrap() > before);
    assert_eq!(record["entries"], 2);
    for version in 1..=before {
        t.run(["set", "g", "k", "x", "--if-version", &version.to_string()]).fails_with(3, "is at version");
    }
    let entry = t.run(["--json", "get", "g", "k"]).json();
    assert!(entry["version"].as_i64().unwrap() > before);
    t.run(["watch", "--after", &before.to_string(), "--count", "1"]).fails_with(9, "no longer all kept");
    t.run(["check"]).ok("");
}

#[test]
fn a_store_is_made_if_there_is_none() {
    let t = with_backup();
    t.run(["--db", "deep/er/n.db", "restore", "b.db", "--yes"]).ok("");
    t.run(["--db", "deep/er/n.db", "get", "g", "k"]).ok("old");
}

#[test]
fn refusals() {
    let t = with_backup();
    t.run(["restore", "b.db"]).fails(
        2,
        "larder: restore: this replaces everything in the store\n\
         hint: say so with --yes; 'larder backup' keeps what is there now\n",
    );
    t.run(["restore", "absent", "--yes"]).fails(
        10,
        format!("larder: restore: {:?}: No such file or directory\n", t.path("absent").to_string_lossy()),
    );
    t.run(["-n", "ns", "restore", "b.db", "--yes"]).fails_with(2, "the whole store");
    t.write("text", "not a store");
    t.run(["restore", "text", "--yes"]).fails_with(7, "is not a larder store");
    t.run(["get", "g", "k"]).ok("old");
}
