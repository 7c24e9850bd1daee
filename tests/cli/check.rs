use crate::harness::Test;

#[test]
fn silence_is_health() {
    let t = Test::new();
    t.run(["check"]).ok("");
    assert_eq!(t.files(), Vec::<String>::new());
    t.run(["set", "g", "k", "v"]).ok("");
    t.run(["check"]).ok("");
    t.run(["check", "--repair"]).ok("");
    let record = t.run(["--json", "check"]).json();
    assert_eq!((&record["ok"], &record["findings"]), (&true.into(), &0.into()));
}

#[test]
fn a_finding_is_a_line_and_status_7() {
    let t = Test::new();
    t.run(["set", "g", "k", "v"]).ok("");
    t.execute("UPDATE larder_groups SET keys=5; UPDATE larder_changes SET total=9 WHERE seq=1");
    let found = "group \"g\": the counters say 5 keys and 2 bytes, a recount 1 and 2\n\
                 namespace \"\": the counters say 1 keys, 2 bytes and 1 groups, a recount 5, 2 and 1\n\
                 change log: change 1: the running sum is wrong\n";
    t.run(["check"]).exits(
        7,
        found,
        "larder: check: 3 findings in the store\n\
         hint: 'larder check --repair' rebuilds what can be derived\n",
    );
    t.run(["check", "--repair"]).ok(format!(
        "{found}repaired: counted keys, bytes and groups again\n\
         repaired: started the change log over, at 3; older changes are gone from it\n"
    ));
    t.run(["check"]).ok("");
    t.run(["get", "g", "k"]).ok("v");
}

#[test]
fn what_cannot_be_derived_is_left() {
    let t = Test::new();
    t.run(["set", "g", "k", "v"]).ok("");
    t.execute("INSERT INTO larder_grants VALUES('ns','nobody-knows','*',1)");
    t.run(["check", "--repair"]).exits(
        7,
        "grant to \"nobody-knows\" in \"ns\": nobody can use it\n",
        "larder: check: 1 finding in the store\nhint: what is left cannot be derived; restore a backup\n",
    );
}

#[test]
fn what_is_no_store_is_named() {
    let t = Test::new();
    t.write("text", "not a store");
    t.run(["--db", "text", "check"]).fails_with(7, "is not a larder store");
    t.run(["--db", "text", "check", "--repair"]).fails_with(7, "is not a larder store");
    assert_eq!(t.read("text"), b"not a store");
}
