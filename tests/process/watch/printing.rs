use std::io::Read;
use std::process::Command;

use nix::sys::signal::Signal;

use crate::common::watcher::{Watcher, unread, until};
use crate::common::{LARDER, Test};

fn store() -> Test {
    let t = Test::new();
    t.run(["set", "g", "first", "1"]).ok("");
    t
}

#[test]
fn prints_every_kind_of_change() {
    let t = store();
    let mut w = Watcher::start(&t, &["--after", "0"]);
    t.run(["set", "g", "a\tb\nc\\d", "x"]).ok("");
    t.run(["delete", "g", "first"]).ok("");
    t.run(["set", "g", "gone", "x", "--ttl", "1ms"]).ok("");
    assert_eq!(
        w.take(5),
        [
            "1\tset\tg\tfirst",
            "2\tset\tg\ta\\tb\\nc\\\\d",
            "3\tdelete\tg\tfirst",
            "4\tset\tg\tgone",
            "5\texpire\tg\tgone"
        ]
    );
    t.run(["delete", "g", "--all"]).ok("");
    assert_eq!(w.line(), "6\tdelete_group\tg\t");
    w.finish();
    assert!(w.rest().is_empty());
}

#[test]
fn chooses_by_group_key_and_scope() {
    let t = Test::new();
    for (group, key) in [("*", "*"), ("a", "x"), ("a", "*"), ("ab", "x"), ("t:a", "y"), ("A", "x")] {
        t.run(["set", group, key, "v"]).ok("");
    }
    t.run(["delete", "a", "--all"]).ok("");
    let lines = |args: &[&str], n: usize| {
        let mut all = vec!["--after", "0"];
        all.extend(args);
        let mut w = Watcher::start(&t, &all);
        let lines = w.take(n);
        w.finish();
        assert!(w.rest().is_empty(), "{args:?}");
        lines
    };
    assert_eq!(lines(&["*"], 1), ["1\tset\t*\t*"]);
    assert_eq!(lines(&["a", "[*]"], 2), ["3\tset\ta\t*", "7\tdelete_group\ta\t"]);
    assert_eq!(lines(&["a", "x"], 2), ["2\tset\ta\tx", "7\tdelete_group\ta\t"]);
    assert_eq!(
        lines(&["--groups", "a*"], 4),
        ["2\tset\ta\tx", "3\tset\ta\t*", "4\tset\tab\tx", "7\tdelete_group\ta\t"]
    );
    assert_eq!(lines(&["-n", "t"], 1), ["5\tset\ta\ty"]);
    // A scope's groups have no prefix in it.
    t.run(["-n", "t", "watch", "--groups", "t:*", "--after", "0", "--timeout", "50ms"])
        .fails(6, "larder: watch: timed out after --timeout\n");
}

#[test]
fn json_carries_values() {
    let t = Test::new();
    t.run(["-n", "t", "set", "g", "k", "v", "--expire-at", "2100-01-01T00:00:00Z"]).ok("");
    t.run(["set", "g", "b", "-"]).stdin([0xff, 0xfe]).ok("");
    let w = Watcher::start(&t, &["--after", "0", "--json", "--count", "2"]);
    let records: Vec<serde_json::Value> =
        w.rest().iter().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(records.len(), 2);
    assert_eq!(
        (
            &records[0]["seq"],
            &records[0]["type"],
            records[0].get("namespace"),
            &records[0]["group"],
            &records[0]["key"],
            &records[0]["value"],
            &records[0]["expires_at"]
        ),
        (
            &1.into(),
            &"set".into(),
            None,
            &"t:g".into(),
            &"k".into(),
            &"v".into(),
            &"2100-01-01T00:00:00.000Z".into()
        )
    );
    assert_eq!(
        (&records[1]["value_b64"], records[1].get("value"), records[1].get("namespace")),
        (&"//4=".into(), None, None)
    );
}

#[test]
fn snapshot_then_changes_without_gap_or_overlap() {
    let t = Test::new();
    for key in ["b", "a", "c"] {
        t.run(["set", "g", key, key]).ok("");
    }
    t.run(["set", "h", "x", "1"]).ok("");
    t.run(["delete", "g", "c"]).ok("");
    let w = Watcher::start(&t, &["g", "--snapshot", "--count", "3"]);
    assert_eq!(w.take(2), ["2\tset\tg\ta", "1\tset\tg\tb"]);
    t.run(["set", "g", "a", "2"]).ok("");
    assert_eq!(w.rest(), ["6\tset\tg\ta"]);
}

#[test]
fn waits_for_a_store_to_appear() {
    let t = Test::new();
    let mut w = Watcher::start(&t, &["--interval", "10ms"]);
    assert!(t.files().is_empty());
    t.run(["set", "g", "k", "v"]).ok("");
    assert_eq!(w.line(), "1\tset\tg\tk");
    w.finish();
}

#[test]
fn bounds_and_positions() {
    let t = store();
    t.run(["watch", "--after", "0", "--count", "0"]).ok("");
    t.run(["watch", "--snapshot", "--count", "0"]).ok("");
    t.run(["watch", "--listen", ":0", "--count", "0"]).ok("");
    t.run(["watch", "--after", "0", "--count", "0", "--", "/bin/echo", "ran"]).ok("");
    t.run(["watch", "--snapshot", "--consumer", "c", "--count", "0"]).ok("");
    t.run(["consumer", "list"]).ok("");
    t.run(["--db", "absent.db", "watch", "--count", "0"]).ok("");
    t.run(["watch", "--timeout", "20ms"]).fails(6, "larder: watch: timed out after --timeout\n");
    t.run(["watch", "--after", "7"]).fails(2, "larder: watch: position 7 is past the newest change, 1\n");
    for key in ["2", "3", "4"] {
        t.run(["set", "g", key, "x"]).ok("");
    }
    t.run(["purge", "--keep-changes", "2"]).ok("");
    t.run(["watch", "--after", "1"]).fails(
        9,
        "larder: watch: changes after 1 have been trimmed; oldest retained: 3\nhint: start with --snapshot to begin with the current entries\n",
    );
    t.run(["watch", "--after", "2", "--count", "2"]).ok("3\tset\tg\t3\n4\tset\tg\t4\n");
    t.run(["watch", "g", "[", "--count", "1"])
        .output()
        .status
        .code()
        .filter(|c| *c == 2)
        .expect("a bad pattern is a usage error");
}

/// Somebody else's lock on the store does not lengthen a watch.
#[test]
fn its_time_is_up_under_a_lock_too() {
    let t = store();
    t.run(["set", "g", "due", "x", "--ttl", "1ms"]).ok("");
    let other = t.sql();
    other.execute_batch("BEGIN IMMEDIATE").expect("lock the store");
    t.run(["--busy-timeout", "1h", "watch", "--timeout", "200ms"])
        .fails(6, "larder: watch: timed out after --timeout\n");
}

#[test]
fn ends_when_the_store_is_deleted_or_replaced() {
    for replace in [false, true] {
        let t = store();
        let mut w = Watcher::start(&t, &["--after", "0"]);
        w.line();
        let db = t.db();
        if replace {
            std::fs::copy(&db, t.path("copy.db")).expect("copy");
            std::fs::rename(t.path("copy.db"), &db).expect("replace");
        } else {
            std::fs::remove_file(&db).expect("delete");
        }
        let (status, errors) = w.end();
        assert_eq!(status.code(), Some(7));
        assert!(errors.ends_with("was deleted or replaced while being watched\n"), "{errors}");
    }
}

#[test]
fn signals_end_it_cleanly() {
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        let t = store();
        let mut w = Watcher::start(&t, &["--after", "0"]);
        w.line();
        w.signal(signal);
        assert_eq!(w.end().0.code(), Some(0), "{signal}");
    }
    // nohup: a hang-up that was ignored at the start stays ignored.
    let t = store();
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' HUP; exec \"$0\" watch --after 0", LARDER]);
    let mut w = Watcher::spawn(&t, command);
    w.line();
    w.signal(Signal::SIGHUP);
    t.run(["set", "g", "k", "v"]).ok("");
    assert_eq!(w.line(), "2\tset\tg\tk");
    w.finish();
}

#[test]
fn a_closed_pipe_ends_it_quietly() {
    let t = store();
    t.sh("larder watch --after 0 | head -n 1").ok("1\tset\tg\tfirst\n");
}

/// A watch that is stuck in a write must neither hold up writers nor ignore a
/// signal.
#[test]
fn a_reader_that_stopped_reading_costs_nobody_anything() {
    let t = store();
    let value = "x".repeat(3000);
    let (mut child, stdout) = unread(&t, &["--after", "0", "--json"]);
    for i in 0..100 {
        t.run(["set", "g", &format!("k{i}"), &value]).ok("");
    }
    let wal = || std::fs::metadata(format!("{}-wal", t.db().display())).map_or(0, |meta| meta.len());
    assert!(wal() < 1 << 20, "the write-ahead log grew to {} bytes", wal());
    let pid = nix::unistd::Pid::from_raw(i32::try_from(child.id()).expect("a process id"));
    nix::sys::signal::kill(pid, Signal::SIGTERM).expect("signal the watch");
    let mut status = None;
    until("the end of a stuck watch", || {
        status = child.try_wait().expect("wait");
        status.is_some()
    });
    assert_eq!(status.and_then(|s| s.code()), Some(0));
    drop(stdout);
}

/// A watch whose reader had stopped reading ended on SIGTERM in the middle of a
/// line, and with status 0.
#[test]
fn a_signal_leaves_whole_lines_or_an_error() {
    let t = Test::new();
    let line = |n: usize, size: usize| {
        format!("{{\"op\":\"set\",\"group\":\"g\",\"key\":\"{n}\",\"value\":\"{}\"}}\n", "x".repeat(size))
    };
    let many: String = (0..200).fold(String::new(), |all, n| all + &line(n, 1500));
    t.run(["batch", "-"]).stdin(many).ok("");
    for (after, status, whole) in [("0", 0, true), ("200", 10, false)] {
        let (mut child, mut stdout) = unread(&t, &["--json", "--after", after]);
        let mut first = [0];
        stdout.read_exact(&mut first).expect("the beginning of a line");
        let pid = nix::unistd::Pid::from_raw(i32::try_from(child.id()).expect("a process id"));
        nix::sys::signal::kill(pid, Signal::SIGTERM).expect("signal the watch");
        let ended = child.wait().expect("its end");
        let mut rest = Vec::new();
        stdout.read_to_end(&mut rest).expect("what it wrote");
        assert_eq!((ended.code(), rest.ends_with(b"\n")), (Some(status), whole), "--after {after}");
        t.run(["set", "g", "long", "-"]).stdin("x".repeat(1 << 20)).ok("");
    }
}
