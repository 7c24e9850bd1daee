use std::io::Read;
use std::process::Child;

use nix::sys::signal::Signal;

use super::lock::{signal, start, until};
use crate::common::Test;

/// What a wait came to: status, standard output, standard error.
fn end(mut child: Child) -> (Option<i32>, String, String) {
    let (mut out, mut err) = (String::new(), String::new());
    child.stdout.take().expect("a pipe").read_to_string(&mut out).expect("text");
    child.stderr.take().expect("a pipe").read_to_string(&mut err).expect("text");
    (child.wait().expect("wait").code(), out, err)
}

fn printed(out: &str) -> (Option<i32>, String, String) {
    (Some(0), out.to_owned(), String::new())
}

/// Whether a process sleeps in poll, as one that waits does.
fn sleeps(child: &Child) -> bool {
    let wchan = std::fs::read_to_string(format!("/proc/{}/syscall", child.id())).unwrap_or_default();
    // poll or ppoll, on x86-64 and on arm64; where it cannot be read, it is not known.
    wchan.is_empty() || ["7 ", "271 ", "73 "].iter().any(|call| wchan.starts_with(call))
}

/// A wait that has begun to wait.
fn waiting(t: &Test, args: &[&str]) -> Child {
    let child = start(t, args);
    until("the wait", || sleeps(&child));
    child
}

#[test]
fn what_holds_already_is_not_waited_for() {
    let t = Test::new();
    t.run(["wait", "g", "k", "--absent"]).ok("");
    assert_eq!(t.files(), [""; 0], "a wait creates nothing");
    t.run(["set", "g", "k", "v\n\n"]).ok("");
    t.run(["wait", "g", "k"]).ok("v\n\n");
    t.run(["wait", "g", "k", "--value", "v\n\n"]).ok("v\n\n");
    t.run(["wait", "g", "k", "--newer-than", "0"]).ok("v\n\n");
    t.run(["wait", "g", "other", "--absent"]).ok("");
    t.run(["--json", "wait", "g", "other", "--absent"]).ok("");
    let record = t.run(["--json", "wait", "g", "k"]).json();
    assert_eq!(record, t.run(["--json", "get", "g", "k"]).json());
    t.run(["-n", "a", "set", "g", "k", "--value=-x"]).ok("");
    assert_eq!(t.run(["-n", "a", "--json", "wait", "g", "k", "--value=-x"]).json()["namespace"], "a");
    assert_eq!(t.run(["wait", "g", "k"]).on_terminal(80), (0, "v\n\n".into(), String::new()));
}

#[test]
fn the_time_is_up() {
    let t = Test::new();
    let up = "larder: wait: timed out after --timeout\n";
    t.run(["wait", "g", "k", "--timeout", "50ms"]).fails(6, up);
    assert_eq!(t.files(), [""; 0], "a wait creates nothing");
    t.run(["set", "g", "k", "v"]).ok("");
    t.run(["wait", "g", "k", "--absent", "--timeout", "50ms"]).fails(6, up);
    t.run(["wait", "g", "k", "--value", "w", "--timeout", "50ms"]).fails(6, up);
    t.run(["wait", "g", "k", "--newer-than", "1", "--timeout", "50ms"]).fails(6, up);
    t.run(["--json", "wait", "g", "x", "--timeout", "50ms"]).json_error(6, "busy");
    // A store that somebody locks takes no longer.
    let conn = t.sql();
    conn.execute_batch("PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE").expect("lock the store");
    t.run(["wait", "g", "x", "--timeout", "50ms"]).fails(6, up);
}

#[test]
fn each_condition_ends_it() {
    let t = Test::new();
    let exists = waiting(&t, &["wait", "g", "k"]);
    t.run(["set", "g", "other", "o"]).ok("");
    t.run(["set", "g", "k", "one"]).ok("");
    assert_eq!(end(exists), printed("one"));
    let value = waiting(&t, &["wait", "g", "k", "--value", "two"]);
    let newer = waiting(&t, &["wait", "g", "k", "--newer-than", "2"]);
    let absent = waiting(&t, &["wait", "g", "k", "--absent"]);
    t.run(["set", "g", "k", "two"]).ok("");
    assert_eq!(end(value), printed("two"));
    assert_eq!(end(newer), printed("two"));
    t.run(["delete", "g", "k"]).ok("");
    assert_eq!(end(absent), printed(""));
    // Gone is not newer, and there again is.
    let newer = waiting(&t, &["wait", "g", "k", "--newer-than", "3"]);
    t.run(["set", "g", "k", "three"]).ok("");
    assert_eq!(end(newer), printed("three"));
}

#[test]
fn an_expiry_ends_it_without_anybody_writing() {
    let t = Test::new();
    t.run(["set", "g", "k", "v", "--ttl", "400ms"]).ok("");
    let seq = t.number("SELECT max(seq)FROM larder_changes");
    let absent = start(&t, &["wait", "g", "k", "--absent", "--timeout", "1m"]);
    assert_eq!(end(absent), printed(""));
    t.run(["get", "g", "k"]).fails_with(1, "no key");
    assert_eq!(t.number("SELECT max(seq)FROM larder_changes"), seq, "a wait writes nothing");
}

#[test]
fn foreign_writers_are_heard() {
    let t = Test::new();
    t.run(["set", "g", "other", "v"]).ok("");
    let wait = waiting(&t, &["wait", "g", "k", "--value", "5"]);
    t.execute("INSERT INTO entries(group_name,entry_key,entry_value)VALUES('g','k','5')");
    assert_eq!(end(wait), printed("5"));
}

#[test]
fn a_store_may_come_later_and_be_replaced() {
    let t = Test::new();
    let wait = waiting(&t, &["wait", "g", "k"]);
    assert_eq!(t.files(), [""; 0], "a wait creates nothing");
    t.run(["set", "g", "other", "v"]).ok("");
    std::fs::remove_dir_all(t.db().parent().expect("a directory")).expect("remove the store");
    t.run(["set", "g", "k", "of the second"]).ok("");
    assert_eq!(end(wait), printed("of the second"));
    let absent = waiting(&t, &["wait", "g", "k", "--absent"]);
    std::fs::remove_dir_all(t.db().parent().expect("a directory")).expect("remove the store");
    assert_eq!(end(absent), printed(""));
}

#[test]
fn signals_end_it() {
    let t = Test::new();
    for (sent, status) in [(Signal::SIGTERM, 143), (Signal::SIGINT, 130), (Signal::SIGHUP, 129)] {
        let wait = waiting(&t, &["wait", "g", "k"]);
        signal(&wait, sent);
        assert_eq!(end(wait), (Some(status), String::new(), String::new()));
    }
}

/// What is written between the look and the wait must end the wait, and not be
/// found by a look some time later.
#[test]
fn nothing_is_missed_between_looking_and_waiting() {
    let t = Test::new();
    t.run(["set", "g", "k", "0"]).ok("");
    for round in 1..=60 {
        let value = round.to_string();
        let wait = start(&t, &["wait", "g", "k", "--value", &value, "--timeout", "1m"]);
        std::thread::sleep(std::time::Duration::from_micros(round * 150));
        t.run(["set", "g", "k", &value]).ok("");
        assert_eq!(end(wait), printed(&value));
    }
}

#[test]
fn usage() {
    let t = Test::new();
    for (args, words) in [
        (&["wait", "g"][..], "<KEY>"),
        (&["wait", "g", "k", "--absent", "--value", "v"], "cannot be used with"),
        (&["wait", "g", "k", "--newer-than", "x"], "--newer-than"),
        (&["wait", "g", "k", "--timeout", "5"], "add a unit"),
    ] {
        let output = t.run(args.iter().copied()).output();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(2) && stderr.contains(words), "{args:?}: {stderr}");
    }
}
