use crate::common::Test;

#[test]
fn the_number_alone() {
    let t = Test::new();
    t.run(["count"]).ok("0\n");
    t.run(["count", "g"]).ok("0\n");
    t.run(["--json", "count", "g"]).ok("{\"count\":0}\n");
    assert_eq!(t.files(), [""; 0]);
    for (group, key) in [("g", "a"), ("g", "b"), ("h", "a"), ("a:g", "k"), ("A:g", "k")] {
        t.run(["set", group, key, "v"]).ok("");
    }
    t.run(["count", "g"]).ok("2\n");
    t.run(["count"]).ok("5\n");
    t.run(["count", "absent"]).ok("0\n");
    t.run(["-n", "a", "count"]).ok("1\n");
    t.run(["-n", "a", "count", "g"]).ok("1\n");
    t.run(["count", "--json"]).ok("{\"count\":5}\n");
    t.run(["count", "g", "--glob", "[a-m]"]).ok("2\n");
    t.run(["count", "g", "--glob", "b*"]).ok("1\n");
    t.run(["count", "--glob", "*:g"]).ok("2\n");
    t.run(["-n", "a", "count", "--glob", "g"]).ok("1\n");
    t.run(["count", "--glob", "[a"]).fails_with(2, "has no closing ]");
    t.run(["count", "g", "h"]).fails_with(2, "'h'");
    t.make_due("g", "a");
    t.run(["count", "g"]).ok("1\n");
    t.run(["count"]).ok("4\n");
    t.run(["count", "g", "--glob", "*"]).ok("1\n");
    t.run(["count", "--glob", "g"]).ok("1\n");
    assert_eq!(t.run(["count", "g"]).on_terminal(80), (0, "1\n".into(), String::new()));
}
