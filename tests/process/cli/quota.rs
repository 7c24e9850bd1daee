use crate::common::Test;

const HINT: &str = "hint: delete something, or raise the limit with 'larder quota set'\n";

#[test]
fn sets_only_what_is_named_and_zero_is_none() {
    let t = Test::new();
    t.run(["quota", "set", "a", "--max-keys", "2", "--max-bytes", "1k"]).ok("");
    t.run(["quota", "set", "a", "--max-groups", "3"]).ok("");
    t.run(["quota", "show"]).ok("a\t0\t2\t0\t1000\t0\t3\n");
    t.run(["quota", "set", "a", "--max-bytes", "0"]).ok("");
    t.run(["quota", "show", "a", "--json"]).ok(
        "{\"namespace\":\"a\",\"keys\":0,\"max_keys\":2,\"bytes\":0,\"max_bytes\":null,\"groups\":0,\"max_groups\":3}\n",
    );
    t.run(["quota", "clear", "a"]).ok("");
    t.run(["quota", "show"]).ok("");
    t.run(["quota", "show", "a"]).ok("a\t0\tnone\t0\tnone\t0\tnone\n");
}

#[test]
fn limits_that_make_no_sense_are_usage_errors() {
    let t = Test::new();
    for bad in ["-1", "x", "1.5", "99999999999999999999", "", "10k"] {
        assert_eq!(t.run(["quota", "set", "a", "--max-keys", bad]).output().status.code(), Some(2), "{bad}");
    }
    for bad in ["-1", "x", "1.5M", "99999999999G", ""] {
        assert_eq!(t.run(["quota", "set", "a", "--max-bytes", bad]).output().status.code(), Some(2), "{bad}");
    }
    t.run(["quota", "set", "a"]).fails(
        2,
        "larder: quota: no limit given\nhint: give --max-keys, --max-bytes or --max-groups; 0 is no limit\n",
    );
    t.run(["quota", "show", "a:b"]).fails(
        2,
        "larder: quota: invalid value 'a:b' for '[NS]': a namespace has only A-Z, a-z, 0-9 and -\nhint: see 'larder quota show --help'\n",
    );
    assert_eq!(t.files(), Vec::<String>::new());
}

#[test]
fn a_scope_names_no_other_namespace() {
    let t = Test::new();
    for args in
        [&["quota", "set", "b", "--max-keys", "1"][..], &["quota", "show", "b"], &["quota", "clear", "b"]]
    {
        t.run([&["-n", "a"], args].concat())
            .fails(2, "larder: quota: namespace b cannot be named from within namespace a\n");
    }
    t.run(["-n", "a", "quota", "show"]).ok("a\t0\tnone\t0\tnone\t0\tnone\n");
}

#[test]
fn each_limit_stops_growth_and_is_named() {
    let t = Test::new();
    t.run(["quota", "set", "a", "--max-keys", "2", "--max-bytes", "10", "--max-groups", "1"]).ok("");
    t.run(["-n", "a", "set", "g", "k1", "123"]).ok("");
    t.run(["-n", "a", "set", "g", "k2", "123"]).ok("");
    t.run(["-n", "a", "set", "g", "k3", ""]).fails(
        4,
        format!("larder: set: namespace a may hold 2 keys, holds 2, and this write needs 1 more\n{HINT}"),
    );
    t.run(["-n", "a", "set", "g", "k1", "1234"]).fails(
        4,
        format!("larder: set: namespace a may hold 10 bytes, holds 10, and this write needs 1 more\n{HINT}"),
    );
    t.run(["-n", "a", "delete", "g", "k2"]).ok("");
    t.run(["-n", "a", "set", "h", "k2", ""]).fails(
        4,
        format!("larder: set: namespace a may hold 1 groups, holds 1, and this write needs 1 more\n{HINT}"),
    );
    // Other namespaces, and groups without one, are not concerned.
    t.run(["-n", "A", "set", "h", "k", "a long value"]).ok("");
    t.run(["-n", "ab", "set", "h", "k", "a long value"]).ok("");
    t.run(["set", "a", "k", "a long value"]).ok("");
    // Without -n the namespace is the prefix of the group.
    t.run(["--json", "set", "a:h", "k2", ""]).fails(
        4,
        "{\"error\":\"quota_exceeded\",\"code\":4,\"message\":\"set: namespace a may hold 1 groups, holds 1, and this write needs 1 more\",\"hint\":\"delete something, or raise the limit with 'larder quota set'\"}\n",
    );
}

#[test]
fn a_limit_below_use_stops_growth_only() {
    let t = Test::new();
    for key in ["k1", "k2", "k3"] {
        t.run(["-n", "a", "set", "g", key, "12345"]).ok("");
    }
    t.run(["quota", "set", "a", "--max-keys", "1", "--max-bytes", "3"]).ok("");
    t.run(["-n", "a", "set", "g", "k1", "1234"]).ok("");
    t.run(["-n", "a", "set", "g", "k1", "4321"]).ok("");
    assert_eq!(t.run(["-n", "a", "set", "g", "k1", "12345"]).output().status.code(), Some(4));
    assert_eq!(t.run(["-n", "a", "set", "g", "k4", ""]).output().status.code(), Some(4));
    t.run(["-n", "a", "delete", "g", "k1"]).ok("");
    t.run(["-n", "a", "count"]).ok("2\n");
}

#[test]
fn what_is_due_costs_nothing_and_goes_as_an_expiry() {
    let t = Test::new();
    t.run(["quota", "set", "a", "--max-keys", "2"]).ok("");
    t.run(["-n", "a", "set", "g", "k1", "v", "--ttl", "1h"]).ok("");
    t.run(["-n", "a", "set", "h", "k2", "v"]).ok("");
    t.make_due("a:g", "k1");
    t.run(["quota", "show", "a"]).ok("a\t1\t2\t3\tnone\t1\tnone\n");
    t.run(["-n", "a", "set", "h", "k3", "v"]).ok("");
    let log: Vec<String> = t
        .sql()
        .prepare("SELECT type||' '||group_name||' '||ifnull(entry_key,'')FROM larder_changes ORDER BY seq DESC LIMIT 2")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    assert_eq!(log, ["expire a:g k1", "set a:h k3"]);
    t.run(["-n", "a", "list"]).ok("h\n");
}

/// The counters include a due row until it goes. A due entry that is written
/// over was let past a limit set below that count, because the row was there.
#[test]
fn writing_over_what_is_due_is_growth() {
    let t = Test::new();
    t.run(["-n", "a", "set", "g", "k1", "v"]).ok("");
    t.run(["-n", "a", "set", "g", "k2", "value", "--ttl", "1h"]).ok("");
    t.make_due("a:g", "k2");
    t.run(["quota", "set", "a", "--max-keys", "1"]).ok("");
    assert_eq!(t.run(["-n", "a", "set", "g", "k2", "v"]).output().status.code(), Some(4));
    t.run(["quota", "set", "a", "--max-keys", "0", "--max-bytes", "5"]).ok("");
    t.run(["-n", "a", "set", "g", "k2", "xx"]).fails(
        4,
        format!("larder: set: namespace a may hold 5 bytes, holds 3, and this write needs 4 more\n{HINT}"),
    );
    t.run(["-n", "a", "set", "g", "k2", ""]).ok("");
    t.run(["quota", "show", "a"]).ok("a\t2\tnone\t5\t5\t1\tnone\n");
}

#[test]
fn another_sqlite_client_is_held_to_the_quota() {
    let t = Test::new();
    t.run(["quota", "set", "a", "--max-keys", "2", "--max-bytes", "8"]).ok("");
    let row =
        |key: &str, value: &str| format!("(group_name,entry_key,entry_value)VALUES('a:g','{key}','{value}')");
    let shell = |sql: String| {
        t.sh(&format!("sqlite3 -cmd '.timeout 10000' .local/share/larder/larder.db \"{sql}\" 2>&1")).output()
    };
    let refused = |sql: String| {
        let output = shell(sql.clone());
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(text.contains("larder: quota exceeded"), "{sql}: {text}");
    };
    assert!(shell(format!("INSERT INTO entries{}", row("k1", "12"))).status.success());
    assert!(shell(format!("INSERT OR REPLACE INTO entries{}", row("k1", "34"))).status.success());
    assert!(shell(format!("INSERT INTO entries{}", row("k2", "12"))).status.success());
    t.run(["quota", "show", "a"]).ok("a\t2\t2\t8\t8\t1\tnone\n");
    refused(format!("INSERT INTO entries{}", row("k3", "")));
    refused(format!("INSERT OR REPLACE INTO entries{}", row("k3", "")));
    refused(format!("INSERT OR REPLACE INTO entries{}", row("k2", "123")));
    refused(format!("REPLACE INTO entries{}", row("k2", "123")));
    refused(format!(
        "INSERT INTO entries{} ON CONFLICT(group_name,entry_key)DO UPDATE SET entry_value=excluded.entry_value",
        row("k2", "123")
    ));
    refused("UPDATE entries SET entry_value='123' WHERE entry_key='k2'".into());
    refused("UPDATE entries SET entry_value=entry_value||'3'".into());
    t.run(["-n", "a", "list", "g", "--values"]).ok("k1\t34\nk2\t12\n");
    t.run(["quota", "show", "a"]).ok("a\t2\t2\t8\t8\t1\tnone\n");
}
