use crate::common::Test;
use crate::common::watcher::Watcher;

fn store(changes: usize) -> Test {
    let t = Test::new();
    for i in 1..=changes {
        t.run(["set", "g", &format!("k{i}"), "v"]).ok("");
    }
    t
}

#[test]
fn a_position_is_kept_and_moved() {
    let t = store(3);
    t.run(["watch", "--consumer", "c", "--after", "1", "--count", "1"]).ok("2\tset\tg\tk2\n");
    t.run(["watch", "--consumer", "c", "--count", "1"]).ok("3\tset\tg\tk3\n");
    t.run(["watch", "--consumer", "c", "--after", "1"]).fails(
        2,
        "larder: watch: consumer \"c\" has a position already\nhint: move it with 'larder consumer reset NAME --to SEQ'\n",
    );
    t.run(["consumer", "reset", "c", "--to", "2"]).ok("");
    t.run(["watch", "--consumer", "c", "--count", "1"]).ok("3\tset\tg\tk3\n");
    let listed = t.run(["--json", "consumer", "list"]).json();
    assert_eq!((&listed["name"], &listed["position"], &listed["lag"]), (&"c".into(), &3.into(), &0.into()));
    t.run(["consumer", "reset", "c", "--to", "9"])
        .fails(2, "larder: consumer: position 9 is past the newest change, 3\n");
    t.run(["consumer", "delete", "c"]).ok("");
    t.run(["consumer", "delete", "c"]).fails(1, "larder: consumer: there is no consumer \"c\"\n");
    t.run(["consumer", "list"]).ok("");
}

#[test]
fn what_to_do_with_a_consumer_must_be_said() {
    let said = |command: &str| {
        format!(
            "larder: {command}: 'larder {command}' requires a subcommand but one was not provided [subcommands: "
        )
    };
    for command in ["consumer", "quota"] {
        Test::new().run([command]).fails_with(2, &said(command));
    }
}

/// The position is stored without waiting for a change.
#[test]
fn a_consumer_can_be_made_and_no_more() {
    let t = store(2);
    t.run(["watch", "--consumer", "c", "--after", "1", "--count", "0"]).ok("");
    assert_eq!(t.number("SELECT position FROM larder_consumers"), 1);
}

#[test]
fn a_new_consumer_starts_now_and_its_position_is_stored_at_once() {
    let t = store(2);
    let mut w = Watcher::start(&t, &["--consumer", "c", "--count", "1"]);
    crate::common::watcher::until("the consumer's row", || {
        t.number("SELECT count(*) FROM larder_consumers") == 1
    });
    assert_eq!(t.number("SELECT position FROM larder_consumers"), 2);
    t.run(["set", "g", "new", "v"]).ok("");
    assert_eq!(w.line(), "3\tset\tg\tnew");
    assert_eq!(w.end().0.code(), Some(0));
}

#[test]
fn one_holder_at_a_time_and_a_killed_one_frees_the_name() {
    let t = store(1);
    let w = Watcher::start(&t, &["--consumer", "c", "--after", "0"]);
    w.line();
    let output = t.run(["watch", "--consumer", "c"]).output();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(6));
    assert!(
        errors.starts_with(&format!("larder: watch: consumer \"c\" is in use by process {} on ", w.pid())),
        "{errors}"
    );
    assert_eq!(t.run(["consumer", "delete", "c"]).output().status.code(), Some(6));
    // Another name is free.
    t.run(["watch", "--consumer", "d", "--after", "0", "--count", "1"]).ok("1\tset\tg\tk1\n");
    drop(w);
    t.run(["set", "g", "k2", "v"]).ok("");
    t.run(["watch", "--consumer", "c", "--count", "1"]).ok("2\tset\tg\tk2\n");
}

#[test]
fn names_are_the_namespaces_own() {
    let t = store(1);
    t.run(["-n", "t", "set", "g", "k", "v"]).ok("");
    t.run(["-n", "t", "watch", "--consumer", "c", "--after", "0", "--count", "1"]).ok("2\tset\tg\tk\n");
    t.run(["-n", "u", "consumer", "list"]).ok("");
    t.run(["-n", "u", "consumer", "delete", "c"]).fails(1, "larder: consumer: there is no consumer \"c\"\n");
    assert_eq!(t.run(["--json", "consumer", "list"]).json()["name"], "t:c");
}

#[test]
fn a_consumer_holds_back_trimming() {
    let t = store(5);
    t.run(["watch", "--consumer", "c", "--after", "1", "--count", "1"]).ok("2\tset\tg\tk2\n");
    t.run(["purge", "--keep-changes", "1"]).ok("");
    t.run(["watch", "--consumer", "c", "--count", "3"]).ok("3\tset\tg\tk3\n4\tset\tg\tk4\n5\tset\tg\tk5\n");
    t.run(["consumer", "delete", "c"]).ok("");
    t.run(["purge", "--keep-changes", "1"]).ok("");
    assert_eq!(t.number("SELECT min(seq) FROM larder_changes"), 5);
}

/// Changes it does not listen to must not make a consumer hold back the log
/// for ever: its position follows once enough of them have gone by.
#[test]
fn a_quiet_consumer_follows_the_log() {
    let t = store(1);
    let mut w = Watcher::start(&t, &["quiet", "--consumer", "c", "--after", "0", "--interval", "10ms"]);
    crate::common::watcher::until("the consumer's row", || {
        t.number("SELECT count(*) FROM larder_consumers") == 1
    });
    t.execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<1500) INSERT INTO entries(group_name,entry_key,entry_value) SELECT 'g','n'||i,'v' FROM n");
    crate::common::watcher::until("the move", || t.number("SELECT position FROM larder_consumers") == 1501);
    w.finish();
}

#[test]
fn a_snapshot_belongs_to_a_new_consumer() {
    let t = store(2);
    t.run(["watch", "--consumer", "c", "--snapshot", "--count", "2"]).ok("1\tset\tg\tk1\n2\tset\tg\tk2\n");
    // The count ended it before the position was stored: it starts over.
    t.run(["set", "g", "k3", "v"]).ok("");
    let mut w = Watcher::start(&t, &["--consumer", "c", "--snapshot"]);
    w.take(3);
    crate::common::watcher::until("the consumer's row", || {
        t.number("SELECT count(*) FROM larder_consumers") == 1
    });
    w.finish();
    t.run(["set", "g", "k4", "v"]).ok("");
    t.run(["watch", "--consumer", "c", "--count", "1"]).ok("4\tset\tg\tk4\n");
    assert_eq!(t.run(["watch", "--consumer", "c", "--snapshot"]).output().status.code(), Some(2));
}
