use crate::common::Test;

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
        "{found}repaired: recounted keys, bytes and groups\n\
         repaired: restarted the change log, at 3; older changes are lost\n"
    ));
    t.run(["check"]).ok("");
    t.run(["get", "g", "k"]).ok("v");
}

/// No repair knows what they were meant to be: the hint names the command that
/// removes them, and it does.
#[test]
fn what_only_people_can_remove_is_left_to_them() {
    let t = Test::new();
    t.run(["set", "g", "k", "v"]).ok("");
    t.execute(
        "INSERT INTO larder_grants VALUES('ns','nobody-knows','*',1);
         INSERT INTO larder_namespaces(namespace,max_keys) VALUES('ns',-1)",
    );
    let found = "quota of \"ns\": invalid\n\
                 grant to \"nobody-knows\" in \"ns\": unusable\n";
    let told = "larder: check: 2 findings in the store\n\
                hint: 'larder access revoke NS PRINCIPAL' removes a grant; 'larder quota clear NS' removes a quota\n";
    t.run(["check"]).exits(7, found, told);
    t.run(["check", "--repair"]).exits(7, found, told);
    t.run(["access", "revoke", "ns", "nobody"]).fails(
        2,
        "larder: access: \"nobody\" is not a principal\n\
         hint: expected user:NAME, user:ID, group:NAME, group:ID or everyone\n",
    );
    t.run(["access", "revoke", "ns", "nobody-knows"]).ok("");
    t.run(["quota", "clear", "ns"]).ok("");
    t.run(["check"]).ok("");
}

/// Nobody can have relied on these, and no command could name them.
#[test]
fn what_cannot_be_a_namespace_is_removed() {
    let t = Test::new();
    t.run(["set", "g", "k", "v"]).ok("");
    t.execute(
        "INSERT INTO larder_grants VALUES('n s','everyone','*',1);
         INSERT INTO larder_namespaces(namespace,max_keys) VALUES('n:s',1);
         UPDATE larder_namespaces SET max_keys=1 WHERE namespace=''",
    );
    let found = "quota of \"\": invalid\n\
                 quota of \"n:s\": invalid\n\
                 grant to \"everyone\" in \"n s\": unusable\n";
    t.run(["check"]).exits(
        7,
        found,
        "larder: check: 3 findings in the store\n\
         hint: 'larder check --repair' rebuilds what can be derived\n",
    );
    t.run(["check", "--repair"])
        .ok(format!("{found}repaired: removed 3 quotas and grants of invalid namespaces\n"));
    t.run(["check"]).ok("");
}

#[test]
fn wrong_marks_are_found_and_put_right() {
    let t = Test::new();
    t.run(["set", "g", "k", "v"]).ok("");
    t.execute("PRAGMA application_id=5");
    t.run(["get", "g", "k"]).ok("v");
    t.run(["backup", "b.db"]).ok("");
    let found = "the mark application_id is 5, not larder's\n";
    t.run(["check"]).exits(
        7,
        found,
        "larder: check: 1 finding in the store\n\
         hint: 'larder check --repair' rebuilds what can be derived\n",
    );
    t.run(["check", "--repair"]).ok(format!("{found}repaired: marked the file as larder's\n"));
    assert_eq!(t.number("PRAGMA application_id"), 0x6c61_7264);
    t.run(["check"]).ok("");
    t.run(["restore", "b.db", "--yes"]).ok("");
    t.run(["check"]).ok("");
    t.execute("PRAGMA user_version=0");
    t.run(["get", "g", "k"]).fails_with(7, "has an unknown schema (0)");
    t.run(["check", "--repair"])
        .ok("the mark user_version is 0, not 3\nrepaired: marked the file as larder's\n");
    t.run(["get", "g", "k"]).ok("v");
    // An older version's mark on what is to the letter ours.
    t.execute("PRAGMA user_version=1");
    t.run(["get", "g", "k"]).fails_with(7, "has been altered");
    t.run(["check", "--repair"])
        .ok("the mark user_version is 1, not 3\nrepaired: marked the file as larder's\n");
    // A newer larder may mean something else by the same words.
    t.execute("PRAGMA user_version=4");
    t.run(["check", "--repair"]).fails_with(7, "has schema 4, newer than this larder supports (3)");
    assert_eq!(t.number("PRAGMA user_version"), 4);
}

#[test]
fn names_that_are_not_utf8_are_found() {
    let t = Test::new();
    t.run(["set", "g", "k", "v"]).ok("");
    t.execute(
        "INSERT INTO entries(group_name,entry_key,entry_value)
         VALUES('g',CAST(x'ff61' AS TEXT),'v'),(CAST(x'fe' AS TEXT),'k','v')",
    );
    let found = "key \"\\xffa\" in group \"g\": its name is not UTF-8\n\
                 key \"k\" in group \"\\xfe\": the group's name is not UTF-8\n";
    let told = "larder: check: 2 findings in the store\n\
                hint: 'larder delete GROUP --glob P', or a line of 'larder batch' with the key_b64 that 'larder export' shows, deletes an entry whose name is not UTF-8\n";
    t.run(["check"]).exits(7, found, told);
    t.run(["check", "--repair"]).exits(7, found, told);
    let output = t.run(["--json", "check"]).output();
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("{\"finding\":\"data\","));
}

#[test]
fn what_is_no_store_is_named() {
    let t = Test::new();
    t.write("text", "not a store");
    t.run(["--db", "text", "check"]).fails_with(7, "is not a larder store");
    t.run(["--db", "text", "check", "--repair"]).fails_with(7, "is not a larder store");
    assert_eq!(t.read("text"), b"not a store");
}
