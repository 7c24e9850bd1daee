use crate::common::Test;

#[test]
fn milliseconds_off_a_terminal() {
    let t = Test::new();
    t.run(["set", "g", "k", "v", "--ttl", "1h"]).ok("");
    let output = t.run(["ttl", "g", "k"]).output();
    let left: i64 = String::from_utf8(output.stdout).unwrap().trim_end().parse().unwrap();
    assert!((3_000_000..=3_600_000).contains(&left), "{left}");
    let left = t.run(["--json", "ttl", "g", "k"]).json()["ttl_ms"].as_i64().unwrap();
    assert!((3_000_000..=3_600_000).contains(&left), "{left}");
}

#[test]
fn never() {
    let t = Test::new();
    t.run(["set", "g", "k", "v"]).ok("");
    t.run(["ttl", "g", "k"]).ok("never\n");
    t.run(["ttl", "g", "k", "--json"]).ok("{\"ttl_ms\":null}\n");
}

#[test]
fn for_people_on_a_terminal() {
    let t = Test::new();
    t.run(["set", "g", "k", "v", "--ttl", "30d"]).ok("");
    let (code, shown, stderr) = t.run(["ttl", "g", "k"]).on_terminal(80);
    assert_eq!((code, stderr.as_str()), (0, ""));
    assert!(shown.starts_with("29d"), "{shown:?}");
}

#[test]
fn absent_and_due() {
    let t = Test::new();
    let absent = "larder: ttl: no key \"k\" in group \"g\"\n";
    t.run(["ttl", "g", "k"]).fails(1, absent);
    assert_eq!(t.files(), [""; 0]);
    t.run(["set", "g", "k", "v"]).ok("");
    t.make_due("g", "k");
    t.run(["ttl", "g", "k"]).fails(1, absent);
    t.run(["--json", "ttl", "g", "k"]).json_error(1, "not_found");
}
