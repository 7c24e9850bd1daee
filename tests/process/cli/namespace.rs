use crate::common::Test;

#[test]
fn lists_use_limits_and_the_next_expiry() {
    let t = Test::new();
    t.run(["namespace", "list"]).ok("");
    t.run(["-n", "a", "set", "g", "k", "123"]).ok("");
    t.run(["-n", "A", "set", "g", "k", "1", "--expire-at", "2100-01-01T00:00:00Z"]).ok("");
    t.run(["-n", "A", "set", "h", "k", "1", "--expire-at", "2101-01-01T00:00:00Z"]).ok("");
    t.run(["set", "no namespace", "k", "v"]).ok("");
    t.run(["quota", "set", "z", "--max-bytes", "1KiB"]).ok("");
    t.run(["namespace", "list"]).ok(
        "A\t2\t4\t2\tnone\tnone\tnone\t2100-01-01T00:00:00.000Z\na\t1\t4\t1\tnone\tnone\tnone\tnever\nz\t0\t0\t0\tnone\t1024\tnone\tnever\n",
    );
    t.run(["-n", "a", "namespace", "list", "--json"]).ok(
        "{\"namespace\":\"a\",\"keys\":1,\"bytes\":4,\"groups\":1,\"max_keys\":null,\"max_bytes\":null,\"max_groups\":null,\"next_expiry\":null}\n",
    );
}

#[test]
fn delete_takes_everything_and_nothing_else() {
    let t = Test::new();
    for (namespace, group) in [("a", "g"), ("a", "h*"), ("a", ""), ("A", "g"), ("ab", "g"), ("a-b", "g")] {
        t.run(["-n", namespace, "set", group, "k", "v"]).ok("");
        t.run(["-n", namespace, "set", group, "k2", "v"]).ok("");
    }
    t.run(["set", "a", "k", "v"]).ok("");
    t.run(["quota", "set", "a", "--max-keys", "10"]).ok("");
    t.run(["namespace", "delete", "a"])
        .fails(2, "larder: namespace: deleting namespace a needs confirmation\nhint: confirm with --yes\n");
    t.run(["-n", "b", "namespace", "delete", "a", "--yes"])
        .fails(2, "larder: namespace: namespace a cannot be named from within namespace b\n");
    let before = t.number("SELECT max(seq) FROM larder_changes");
    t.run(["--json", "namespace", "delete", "a", "--yes"]).ok("{\"deleted\":6}\n");
    assert_eq!(
        t.number(&format!(
            "SELECT count(*) FROM larder_changes WHERE seq>{before} AND type='delete_group' AND entry_key IS NULL"
        )),
        3
    );
    assert_eq!(t.number("SELECT max(seq) FROM larder_changes"), before + 3);
    t.run(["list"]).ok("A:g\na\na-b:g\nab:g\n");
    t.run(["quota", "show"]).ok("");
    t.run(["namespace", "delete", "a", "--yes"]).ok("");
}

/// The named watch positions of a deleted namespace stayed: no list of the
/// namespace showed them any more, and they held back the change log for nobody.
#[test]
fn delete_takes_the_consumers_too() {
    let t = Test::new();
    t.run(["-n", "a", "set", "g", "k", "v"]).ok("");
    t.execute(
        "INSERT INTO larder_consumers(name,position,updated_at) VALUES('a:c',0,0),('a',0,0),('ab:c',0,0),('a-b:c',0,0)",
    );
    assert_eq!(t.number("SELECT count(*) FROM larder_consumers"), 4);
    t.run(["namespace", "delete", "a", "--yes"]).ok("");
    t.run(["-n", "a", "consumer", "list"]).ok("");
    assert_eq!(t.number("SELECT count(*) FROM larder_consumers"), 3);
}

#[test]
fn delete_of_nothing_creates_no_store() {
    let t = Test::new();
    t.run(["namespace", "delete", "a", "--yes"]).ok("");
    assert_eq!(t.files(), Vec::<String>::new());
}
