//! Other SQLite clients at the store as a whole: an older copy in its place,
//! its triggers changed, its pages packed.

use rusqlite::Connection;
use rusqlite::backup::Backup;

use nix::sys::signal::Signal;

use crate::common::Test;
use crate::common::watcher::{Watcher, until};

/// A store of three changes, its copy, and two more changes.
fn copied() -> Test {
    let t = Test::new();
    for key in ["1", "2", "3"] {
        t.run(["set", "g", key, "v"]).ok("");
    }
    copy(&t.sql(), &mut Connection::open(t.path("copy.db")).expect("a copy"));
    for key in ["4", "5"] {
        t.run(["set", "g", key, "v"]).ok("");
    }
    t
}

fn copy(from: &Connection, to: &mut Connection) {
    let backup = Backup::new(from, to).expect("begin a copy");
    backup.run_to_completion(1000, std::time::Duration::ZERO, None).expect("copy");
}

/// What `.restore` of the sqlite3 shell does.
fn restore(t: &Test) {
    copy(&Connection::open(t.path("copy.db")).expect("the copy"), &mut t.sql());
}

const TRIMMED: &str = "larder: watch: changes after 5 have been trimmed; oldest retained: 0\n\
                       hint: start with --snapshot to begin with the current entries\n";

const EVERY_KIND: [&[&str]; 4] = [
    &[],
    &["--consumer", "c"],
    &["--consumer", "c", "--", "/bin/sh", "-c", "echo $LARDER_SEQ"],
    &["--listen", ":0", "--token-file", "token", "--quiet"],
];

#[test]
fn an_older_copy_in_its_place_ends_a_watch() {
    for kind in EVERY_KIND {
        let t = copied();
        let mut w = Watcher::start(&t, &[&["--after", "0"], kind].concat());
        w.take(5);
        if kind.contains(&"--consumer") {
            until("the position", || t.number("SELECT position FROM larder_consumers") == 5);
        }
        restore(&t);
        let (status, errors) = w.end();
        assert_eq!((status.code(), errors.as_str()), (Some(9), TRIMMED), "{kind:?}");
    }
}

/// The log has passed the old position again before the watch looks: what is
/// there now is not what it read.
#[test]
fn a_copy_that_has_grown_past_the_position_ends_it_too() {
    let t = copied();
    let mut w = Watcher::start(&t, &["--after", "0"]);
    w.take(5);
    w.signal(Signal::SIGSTOP);
    restore(&t);
    for key in ["other 4", "other 5", "other 6"] {
        t.run(["set", "g", key, "v"]).ok("");
    }
    w.signal(Signal::SIGCONT);
    let (status, errors) = w.end();
    assert_eq!((status.code(), errors.as_str()), (Some(9), TRIMMED));
    assert!(w.rest().is_empty());
}

/// A change in hand while the log is set back must not take the consumer to a
/// position that is yet to come.
#[test]
fn a_position_is_not_moved_to_what_is_yet_to_come() {
    for later in [0, 3] {
        let t = Test::new();
        for key in ["1", "2"] {
            t.run(["set", "g", key, "v"]).ok("");
        }
        t.run(["watch", "--consumer", "c", "--after", "0", "--count", "1"]).ok("1\tset\tg\t1\n");
        copy(&t.sql(), &mut Connection::open(t.path("copy.db")).expect("a copy"));
        t.run(["set", "g", "3", "v"]).ok("");
        t.run(["consumer", "reset", "c", "--to", "2"]).ok("");
        let script = "echo $LARDER_SEQ; while [ ! -e go ]; do sleep 0.01; done";
        let mut w = Watcher::start(&t, &["--consumer", "c", "--", "/bin/sh", "-c", script]);
        assert_eq!(w.line(), "3");
        restore(&t);
        for key in 0..later {
            t.run(["set", "g", &format!("other {key}"), "v"]).ok("");
        }
        t.write("go", "");
        let (status, errors) = w.end();
        assert_eq!(status.code(), Some(9), "{errors}");
        assert_eq!(t.number("SELECT position FROM larder_consumers"), 1);
    }
}

#[test]
fn a_lost_trigger_ends_a_watch_and_a_vacuum_does_not() {
    let t = copied();
    let mut w = Watcher::start(&t, &["--after", "0"]);
    w.take(5);
    t.execute("VACUUM");
    t.run(["set", "g", "6", "v"]).ok("");
    assert_eq!(w.line(), "6\tset\tg\t6");
    // Gone and back in one transaction: nothing was missed.
    t.run(["set", "g", "7", "v"]).ok("");
    t.make_due("g", "7");
    assert_eq!(w.take(2), ["7\tset\tg\t7", "8\texpire\tg\t7"]);
    t.execute("DROP TRIGGER larder_insert");
    let (status, errors) = w.end();
    assert_eq!(
        (status.code(), errors),
        (
            Some(7),
            format!(
                "larder: watch: {:?} has been altered: the trigger larder_insert is missing\nhint: 'larder check --repair' rebuilds it\n",
                t.db().display().to_string()
            )
        )
    );
}
