//! The live screen, and what it prints into a pipe.

use nix::sys::signal::Signal;
use serde_json::json;

use super::person::Person;
use crate::common::Test;

fn filled() -> Test {
    let t = Test::new();
    t.run(["set", "small", "k", "v", "--ttl", "30s"]).ok("");
    t.run(["set", "large", "k", &"x".repeat(99)]).ok("");
    t.run(["-n", "ns", "set", "busy", "k", "v"]).ok("");
    t.run(["-n", "ns", "set", "busy", "k", "v"]).ok("");
    t.run(["quota", "set", "ns", "--max-keys", "2"]).ok("");
    // As if it had been long ago, so that nothing here depends on speed.
    t.execute("UPDATE larder_changes SET at=1 WHERE seq<>2");
    t
}

#[test]
fn a_pipe_gets_the_rows_once() {
    let t = filled();
    t.run(["top", "--sort", "bytes"])
        .ok("large\t1\t100\t1\t0\t0\t0\nns:busy\t1\t2\t0\t0\t0\t0\nsmall\t1\t2\t0\t1\t0\t0\n");
    t.run(["top", "--sort", "name", "--limit", "1"]).ok("large\t1\t100\t1\t0\t0\t0\n");
    t.run(["top", "--sort", "expiring", "--limit", "1"]).ok("small\t1\t2\t0\t1\t0\t0\n");
    t.run(["top", "--by", "namespace", "--sort", "keys"]).ok("\t2\t102\t1\t1\t0\t0\nns\t1\t2\t0\t0\t0\t0\n");
    t.run(["-n", "ns", "top"]).ok("busy\t1\t2\t0\t0\t0\t0\n");
    assert_eq!(
        t.run(["--json", "top", "--limit", "1"]).json(),
        json!({ "group": "large", "keys": 1, "bytes": 100, "changes": 1, "expiring": 0, "leased": 0, "dead": 0 })
    );
    assert_eq!(
        t.run(["-n", "ns", "--json", "top", "--by", "namespace"]).json(),
        json!({
            "namespace": "ns", "groups": 1, "keys": 1, "bytes": 2, "changes": 0, "expiring": 0,
            "leased": 0, "dead": 0,
            "max_keys": 2, "max_bytes": null, "max_groups": null
        })
    );
}

#[test]
fn jobs_have_columns_where_there_are_any() {
    let t = Test::new();
    for (group, key) in
        [("jobs", "leased"), ("jobs", "free"), ("jobs", "back"), ("jobs.dead", "d"), ("jobs.dead", "new")]
    {
        t.run(["set", group, key, "v"]).ok("");
    }
    // As `take` leaves it: a lease in force, one that has run out, a job that
    // failed for good, one that was written anew since, and one that is gone.
    t.execute(
        "INSERT INTO larder_leases(group_name,entry_key,version,free_at,receipt,dead_from)VALUES\
         ('jobs','leased',1,9000000000000,'r',NULL),('jobs','back',3,1,'r',NULL),('jobs.dead','d',4,0,NULL,'jobs'),\
         ('jobs.dead','new',1,0,NULL,'jobs'),('jobs','gone',1,9000000000000,'r',NULL)",
    );
    t.run(["top", "--sort", "dead"]).ok("jobs.dead\t2\t6\t2\t0\t0\t1\njobs\t3\t17\t3\t0\t1\t0\n");
    t.run(["top", "--sort", "leased", "--limit", "1"]).ok("jobs\t3\t17\t3\t0\t1\t0\n");
    t.execute("UPDATE larder_changes SET at=1");
    let (_, shown, _) = t.run(["top", "--sort", "name"]).env("TERM", "dumb").on_terminal(80);
    assert_eq!(
        shown,
        "GROUP      KEYS  BYTES  CHANGES/S  EXPIRING  LEASED  DEAD\n\
         jobs          3   17 B          -         -       1     -\n\
         jobs.dead     2    6 B          -         -       -     1\n"
    );
}

#[test]
fn a_terminal_without_a_cursor_gets_a_table_once() {
    let t = filled();
    let (status, shown, stderr) =
        t.run(["top", "--by", "namespace", "--sort", "name"]).env("TERM", "dumb").on_terminal(80);
    assert_eq!((status, stderr.as_str()), (0, ""));
    assert_eq!(
        shown,
        "NAMESPACE  KEYS  BYTES  CHANGES/S  EXPIRING  USE OF LIMIT\n\
         (none)        2  102 B        0.1         1  -\n\
         ns            1    2 B          -         -  █████░░░░░  50%\n"
    );
}

#[test]
fn nothing_is_made_or_changed() {
    let t = Test::new();
    t.run(["top"]).ok("");
    assert!(t.files().is_empty());
    let old = t.write("old.db", include_bytes!("../../data/schema-1.db"));
    let before = std::fs::read(&old).unwrap();
    t.run(["--db", "old.db", "top"]).fails(
        7,
        "larder: top: the store is of an older version\nhint: any other command upgrades it, such as 'larder info'\n",
    );
    let mut person = Person::types(&t, &["--db", "old.db", "top"], 80);
    let (status, shown) = person.ends();
    assert!(status == 7 && !shown.contains('\u{1b}'), "{shown:?}");
    assert_eq!(std::fs::read(&old).unwrap(), before);
    assert_eq!(t.files(), ["old.db"]);
}

/// What somebody does to end it.
type End = fn(&mut Person);

const ENTERED: &str = "\u{1b}[?1049h";
const LEFT: &str = "\u{1b}[?1049l";

/// A screen that is left behind, or a terminal that does not echo, spoils the
/// shell that comes back.
#[test]
fn the_terminal_comes_back_however_it_ends() {
    let t = filled();
    let ends: [(&str, End); 5] = [
        ("q", |person| person.presses("q")),
        ("escape", |person| person.presses("\u{1b}")),
        ("Ctrl-C", |person| person.presses("\u{3}")),
        ("SIGTERM", |person| person.signals(Signal::SIGTERM)),
        ("SIGHUP", |person| person.signals(Signal::SIGHUP)),
    ];
    for (name, end) in ends {
        let mut person = Person::types(&t, &["top", "--interval", "1h"], 80);
        person.sees("q quit");
        assert!(!person.terminal_is_as_before(), "{name}: no key would come before Enter");
        end(&mut person);
        let (status, shown) = person.ends();
        assert_eq!(status, 0, "{name}");
        assert!(person.terminal_is_as_before(), "{name}");
        let (entered, left) = (shown.find(ENTERED), shown.rfind(LEFT));
        assert!(entered.is_some() && left > entered && shown.contains("\u{1b}[?25h"), "{name}: {shown:?}");
    }
}

#[test]
fn keys_change_what_is_shown() {
    let t = filled();
    let mut person = Person::types(&t, &["top", "--interval", "1h"], 100);
    person.sees("3 groups by changes, every 1h");
    person.sees("large");
    person.presses("n");
    person.sees("2 namespaces by changes");
    person.sees("50%");
    person.presses("s");
    person.sees("2 namespaces by keys");
    person.presses("g");
    person.sees("3 groups by keys");
    person.presses(" ");
    person.sees("PAUSED");
    person.presses("q");
    assert_eq!(person.ends().0, 0);
}

#[test]
fn changes_are_followed() {
    let t = Test::new();
    let mut person = Person::types(&t, &["top", "--interval", "20ms"], 100);
    person.sees("There is no store yet.");
    t.run(["set", "first", "k\u{1b}", "v"]).ok("");
    person.sees("first");
    person.sees("k\\x1b");
    t.run(["watch", "--consumer", "mails", "--count", "0"]).ok("");
    person.sees("mails");
    std::fs::remove_dir_all(t.path(".local")).unwrap();
    t.run(["set", "other", "k", "v"]).ok("");
    person.sees("other");
    person.presses("q");
    assert_eq!(person.ends().0, 0);
}
