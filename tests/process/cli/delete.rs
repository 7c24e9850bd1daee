use crate::common::Test;

fn store() -> Test {
    let t = Test::new();
    for (group, key) in [("g", "a1"), ("g", "a2"), ("g", "b"), ("h", "a1"), ("ns:g", "a1"), ("ns:h", "a1")] {
        t.run(["set", group, key, "v"]).ok("");
    }
    t
}

#[test]
fn keys() {
    let t = store();
    t.run(["delete", "g", "a1"]).ok("");
    t.run(["del", "g", "a2", "absent"]).ok("");
    t.run(["rm", "g", "a1"]).ok("");
    t.run(["list", "g"]).ok("b\n");
    t.run(["--json", "delete", "g", "b", "absent", "b"]).ok("{\"deleted\":1}\n");
    t.run(["list"]).ok("h\nns:g\nns:h\n");
    assert_eq!(t.run(["delete", "h", "a1"]).on_terminal(80).0, 0);
}

#[test]
fn what_is_not_there_is_deleted_already() {
    let t = Test::new();
    t.run(["delete", "g", "k"]).ok("");
    t.run(["delete", "g", "--all"]).ok("");
    t.run(["delete", "g", "--glob", "*"]).ok("");
    t.run(["delete", "--groups", "*", "--yes"]).ok("");
    t.run(["--json", "delete", "g", "k"]).ok("{\"deleted\":0}\n");
    assert_eq!(t.files(), [""; 0]);
    t.run(["set", "g", "k", "v"]).ok("");
    t.make_due("g", "k");
    t.run(["--json", "delete", "g", "k"]).ok("{\"deleted\":0}\n");
}

#[test]
fn by_pattern() {
    let t = store();
    t.run(["delete", "g", "--glob", "a*", "--dry-run"]).ok("a1\na2\n");
    t.run(["--json", "delete", "g", "--glob", "a*"]).ok("{\"deleted\":2}\n");
    t.run(["list", "g"]).ok("b\n");
    t.run(["delete", "g", "--glob", "["]).fails_with(2, "has no closing ]");
    t.run(["count", "h"]).ok("1\n");
}

#[test]
fn a_whole_group() {
    let t = store();
    t.run(["--json", "delete", "g", "--all", "--dry-run"]).ok("{\"deleted\":3,\"dry_run\":true}\n");
    t.run(["delete", "g", "--all", "--dry-run"]).ok("a1\na2\nb\n");
    t.run(["count", "g"]).ok("3\n");
    t.run(["--json", "delete", "g", "--all"]).ok("{\"deleted\":3}\n");
    t.run(["list"]).ok("h\nns:g\nns:h\n");
    let kinds = t.number("SELECT count(*) FROM larder_changes WHERE type='delete_group' AND group_name='g'");
    assert_eq!((kinds, t.number("SELECT count(*) FROM larder_changes WHERE type='delete'")), (1, 0));
}

#[test]
fn many_groups() {
    let t = store();
    t.run(["delete", "--groups", "*g"]).fails_with(2, "--yes");
    t.run(["delete", "--groups", "*g", "--yes", "--dry-run"]).ok("g\nns:g\n");
    t.run(["-n", "ns", "delete", "--groups", "*", "--yes", "--dry-run"]).ok("g\nh\n");
    t.run(["-n", "ns", "--json", "delete", "--groups", "g*", "--yes"]).ok("{\"deleted\":1}\n");
    t.run(["list"]).ok("g\nh\nns:h\n");
    t.run(["--json", "delete", "--groups", "*", "--yes"]).ok("{\"deleted\":5}\n");
    t.run(["list"]).ok("");
    t.run(["count"]).ok("0\n");
}

#[test]
fn a_group_is_a_name_and_never_a_pattern() {
    let t = store();
    t.run(["delete", "*", "--all"]).ok("");
    t.run(["delete", "g", "*"]).ok("");
    t.run(["count"]).ok("6\n");
    t.run(["set", "*", "*", "v"]).ok("");
    t.run(["delete", "*", "*"]).ok("");
    t.run(["count"]).ok("6\n");
    // Tenants whose names differ in case alone.
    t.run(["-n", "NS", "delete", "g", "--all"]).ok("");
    t.run(["-n", "NS", "delete", "--groups", "*", "--yes"]).ok("");
    t.run(["count"]).ok("6\n");
}

#[test]
fn conditions() {
    let t = Test::new();
    t.run(["delete", "g", "k", "--if-version", "1"])
        .fails(3, "larder: delete: the key does not exist: there is no store\n");
    assert_eq!(t.files(), [""; 0]);
    t.run(["set", "g", "k", "v"]).ok("");
    t.run(["delete", "g", "absent", "--if-version", "1"])
        .fails(3, "larder: delete: key \"absent\" in group \"g\" does not exist\n");
    t.run(["delete", "g", "absent", "--if-value", ""]).fails_with(3, "does not exist");
    t.run(["delete", "g", "k", "--if-version", "2"])
        .fails(3, "larder: delete: key \"k\" in group \"g\" is at version 1, not 2\n");
    t.run(["delete", "g", "k", "--if-value", "-w"]).fails_with(3, "has another value");
    t.run(["delete", "g", "k", "--if-value", "w", "--json"]).json_error(3, "condition_failed");
    t.run(["delete", "g", "k", "l", "--if-version", "1"])
        .fails(2, "larder: delete: a condition takes exactly one KEY\n");
    t.run(["delete", "g", "--all", "--if-version", "1"]).fails_with(2, "");
    t.run(["delete", "g", "k", "--if-version", "1", "--if-value", "v"]).fails_with(2, "cannot be used with");
    t.run(["get", "g", "k"]).ok("v");
    t.run(["delete", "g", "k", "--if-version", "1"]).ok("");
    t.run(["set", "g", "k", "v"]).ok("");
    t.run(["delete", "g", "k", "--if-value", "v"]).ok("");
    t.run(["count"]).ok("0\n");
    t.run(["set", "g", "k", "v"]).ok("");
    t.make_due("g", "k");
    t.run(["delete", "g", "k", "--if-value", "v"]).fails_with(3, "does not exist");
}

#[test]
fn a_dry_run_holds_the_condition_too() {
    let t = Test::new();
    t.run(["set", "g", "k", "v"]).ok("");
    t.run(["delete", "g", "k", "--if-version", "1", "--dry-run"]).ok("k\n");
    t.run(["delete", "g", "k", "--if-version", "2", "--dry-run"]).fails_with(3, "is at version 1, not 2");
    t.run(["delete", "g", "absent", "--if-value", "v", "--dry-run"]).fails_with(3, "does not exist");
    t.run(["get", "g", "k"]).ok("v");
}

#[test]
fn usage() {
    let t = Test::new();
    for (args, words) in [
        (&["delete"][..], "GROUP"),
        (&["delete", "g"], "--all"),
        (&["delete", "g", "k", "--all"], "cannot be used with"),
        (&["delete", "g", "k", "--glob", "x"], "cannot be used with"),
        (&["delete", "g", "--groups", "x", "--yes"], "cannot be used with"),
        (&["delete", "--all"], "GROUP"),
        (&["delete", "g", "k", "--if-version", "x"], "--if-version"),
    ] {
        t.run(args).fails_with(2, words);
        t.run(args.iter().chain(&["--json"])).json_error(2, "usage");
    }
}
