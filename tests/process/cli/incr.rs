use crate::common::Test;

#[test]
fn adds_and_prints_the_sum() {
    let t = Test::new();
    t.run(["incr", "g", "k"]).ok("1\n");
    t.run(["incr", "g", "k", "--by", "41"]).ok("42\n");
    t.run(["incr", "g", "k", "--by", "-50"]).ok("-8\n");
    t.run(["incr", "g", "k", "--by=0"]).ok("-8\n");
    t.run(["--json", "incr", "g", "k"]).ok("{\"value\":-7,\"version\":5}\n");
    t.run(["get", "g", "k"]).ok("-7");
    t.run(["-n", "a", "incr", "g", "k"]).ok("1\n");
    t.run(["get", "a:g", "k"]).ok("1");
}

#[test]
fn keeps_the_time_to_live_and_forgets_a_due_number() {
    let t = Test::new();
    t.run(["set", "g", "k", "5", "--expire-at", "2100-01-01T00:00:00Z"]).ok("");
    t.run(["incr", "g", "k"]).ok("6\n");
    assert_eq!(t.run(["--json", "get", "g", "k"]).json()["expires_at"], "2100-01-01T00:00:00.000Z");
    t.make_due("g", "k");
    t.run(["incr", "g", "k"]).ok("1\n");
    t.run(["ttl", "g", "k"]).ok("never\n");
}

#[test]
fn what_is_not_a_number_stays() {
    let t = Test::new();
    for value in ["", "x", "1.5", "1 ", "9223372036854775808"] {
        t.run(["set", "g", "k", value]).ok("");
        t.run(["incr", "g", "k"])
            .fails(8, "larder: incr: the value of \"k\" in \"g\" is not a 64-bit integer\n");
        t.run(["get", "g", "k"]).ok(value);
    }
    t.run(["set", "g", "k", "9223372036854775807"]).ok("");
    t.run(["incr", "g", "k"])
        .fails(8, "larder: incr: 9223372036854775807 plus 1 does not fit into a 64-bit integer\n");
    t.run(["incr", "g", "k", "--json"]).json_error(8, "bad_data");
    t.run(["get", "g", "k"]).ok("9223372036854775807");
}

#[test]
fn usage() {
    let t = Test::new();
    for by in ["x", "1.5", "", "9223372036854775808"] {
        t.run(["incr", "g", "k", &format!("--by={by}")]).fails_with(2, "--by");
    }
    t.run(["incr", "g"]).fails_with(2, "<KEY>");
    assert_eq!(t.files(), [""; 0]);
}

/// A rate counter needs it: with two commands, incr and then expire, whoever is
/// killed between them leaves a count that is never gone.
#[test]
fn a_number_that_starts_can_have_a_time_to_live() {
    let t = Test::new();
    let left = || t.run(["--json", "ttl", "g", "n"]).json()["ttl_ms"].as_i64();
    t.run(["incr", "g", "n", "--ttl", "1h"]).ok("1\n");
    let first = left().unwrap();
    assert!((3_000_000..=3_600_000).contains(&first));
    t.run(["incr", "g", "n", "--ttl", "7d", "--by", "2"]).ok("3\n");
    assert!(left().unwrap() <= first);
    t.make_due("g", "n");
    t.run(["incr", "g", "n", "--ttl", "7d"]).ok("1\n");
    assert!(left().unwrap() > 3_600_000);
    t.run(["incr", "g", "stays"]).ok("1\n");
    t.run(["incr", "g", "stays", "--ttl", "1h"]).ok("2\n");
    t.run(["ttl", "g", "stays"]).ok("never\n");
    t.run(["incr", "g", "n", "--ttl", "9000000d"]).fails(
        2,
        "larder: incr: the TTL ends past the year 9999\nhint: without one, an entry never expires\n",
    );
}

/// `echo` ends its line, and so does a file: the message showed no reason.
#[test]
fn a_newline_behind_the_number_is_named() {
    let t = Test::new();
    for value in ["5\n", "-5\r\n"] {
        t.run(["set", "g", "n", "-"]).stdin(value).ok("");
        t.run(["incr", "g", "n"]).fails(
            8,
            "larder: incr: the value of \"n\" in \"g\" is not a 64-bit integer: it ends with a newline\n",
        );
    }
}
