//! `render --watch`: what it writes, runs and says.

use std::os::unix::fs::MetadataExt;
use std::process::Command;

use nix::sys::signal::Signal;

use crate::common::watcher::{Watcher, until};
use crate::common::{LARDER, Test};

/// A rendering of group g to `out` that goes on, with a short debounce.
fn follow(t: &Test, args: &[&str]) -> Watcher {
    follow_slowly(t, "50ms", args)
}

fn follow_slowly(t: &Test, debounce: &str, args: &[&str]) -> Watcher {
    let mut command = Command::new(LARDER);
    command.args(["render", "g", "t.hbs", "-o", "out", "--watch", "--debounce", debounce]).args(args);
    Watcher::spawn(t, command)
}

fn ends(mut w: Watcher, stderr: &str) {
    w.signal(Signal::SIGTERM);
    let (status, errors) = w.end();
    assert_eq!((status.code(), errors.as_str()), (Some(0), stderr));
}

const CAT: &str = "cat \"$LARDER_TARGET\"";

#[test]
fn every_kind_of_change_renders_again() {
    let t = Test::new();
    t.write("t.hbs", "{{#each this}}{{@key}}={{this}};{{/each}}\n");
    t.run(["set", "g", "a", "1"]).ok("");
    let w = follow(&t, &["--exec", CAT]);
    assert_eq!(w.line(), "a=1;");
    t.run(["set", "g", "b", "2"]).ok("");
    assert_eq!(w.line(), "a=1;b=2;");
    // Another group, and another namespace's group of that name: nothing.
    t.run(["set", "h", "b", "2"]).ok("");
    t.run(["-n", "g", "set", "g", "b", "2"]).ok("");
    t.run(["set", "g", "c", "3", "--ttl", "2s"]).ok("");
    assert_eq!(w.line(), "a=1;b=2;c=3;");
    assert_eq!(w.line(), "a=1;b=2;");
    // A client that rings no bell.
    t.execute("INSERT OR REPLACE INTO entries(group_name,entry_key,entry_value) VALUES('g','a','9')");
    assert_eq!(w.line(), "a=9;b=2;");
    t.run(["delete", "g", "--all"]).ok("");
    assert_eq!(w.line(), "");
    ends(w, "");
}

#[test]
fn a_namespaces_own_group() {
    let t = Test::new();
    t.write("t.hbs", "{{a}}\n");
    t.run(["set", "n:g", "a", "1"]).ok("");
    let w = follow(&t, &["-n", "n", "--exec", "cat out; echo $LARDER_NAMESPACE"]);
    assert_eq!(w.take(2), ["1", "n"]);
    t.run(["set", "g", "a", "2"]).ok("");
    t.run(["set", "n:g", "a", "3"]).ok("");
    assert_eq!(w.take(2), ["3", "n"]);
    ends(w, "");
}

#[test]
fn a_burst_is_one_rendering_and_a_stream_is_several() {
    let t = Test::new();
    t.write("t.hbs", "{{a}}\n");
    t.run(["set", "g", "a", "0"]).ok("");
    let w = follow_slowly(&t, "500ms", &["--exec", CAT]);
    assert_eq!(w.line(), "0");
    let conn = t.sql();
    for i in 1..=20 {
        conn.execute("UPDATE entries SET entry_value=?1", [i]).unwrap();
    }
    assert_eq!(w.line(), "20");
    // A group that is never quiet is rendered all the same.
    let mut i = 20;
    let mut line = None;
    until("a rendering", || {
        i += 1;
        conn.execute("UPDATE entries SET entry_value=?1", [i]).unwrap();
        line = w.try_line();
        line.is_some()
    });
    assert!(line.unwrap().parse::<i64>().unwrap() > 20);
    ends(w, "");
}

/// Only the first error of a kind was told: whoever mended it was not told what
/// else was wrong.
#[test]
fn another_error_is_told_too() {
    let t = Test::new();
    t.write("t.hbs", "{{a}} {{b}}\n");
    t.run(["set", "g", "a", "1"]).ok("");
    let w = follow(&t, &[]);
    until("the first complaint", || w.errors().lines().count() == 1);
    t.run(["delete", "g", "a"]).ok("");
    until("the second complaint", || w.errors().lines().count() == 2);
    t.run(["set", "g", "b", "1"]).ok("");
    until("the third complaint", || w.errors().lines().count() == 3);
    let errors = w.errors();
    assert!(errors.lines().last().is_some_and(|line| line.contains("no value for \"a\" in")), "{errors}");
}

#[test]
fn a_missing_name_keeps_the_last_good_file_and_is_told_once() {
    let t = Test::new();
    t.write("t.hbs", "{{a}} {{b}}\n");
    let told = |names: &str, left: &str| {
        format!("larder: render: \"t.hbs\": no value for {names} in group \"g\"; {left} is unchanged\n")
    };
    // No store yet: the names are missing, and it waits.
    let w = follow(&t, &["--exec", CAT]);
    until("the first complaint", || !w.errors().is_empty());
    // Both at once: one alone would be another complaint.
    let both = r#"{"op":"set","group":"g","key":"a","value":"1"}
{"op":"set","group":"g","key":"b","value":"1"}"#;
    t.run(["batch", "-"]).stdin(both).ok("");
    assert_eq!(w.line(), "1 1");
    t.run(["delete", "g", "a"]).ok("");
    until("the second complaint", || w.errors().lines().count() == 2);
    t.run(["set", "g", "c", "1"]).ok("");
    t.run(["set", "g", "b", "2"]).ok("");
    t.run(["set", "g", "a", "2"]).ok("");
    assert_eq!(w.line(), "2 2");
    t.run(["delete", "g", "a"]).ok("");
    until("the third complaint", || w.errors().lines().count() == 3);
    assert_eq!(t.read("out"), b"2 2\n");
    let again = told("\"a\"", "\"out\"");
    ends(w, &format!("{}{again}{again}", told("\"a\", \"b\"", "\"out\"")));
}

#[test]
fn the_same_text_is_not_written_again() {
    let t = Test::new();
    t.write("t.hbs", "{{a}}\n");
    t.write("out", "1\n");
    t.run(["set", "g", "a", "1"]).ok("");
    let before = std::fs::metadata(t.path("out")).unwrap();
    let w = follow(&t, &["--exec", CAT, "--json"]);
    t.run(["set", "g", "b", "1"]).ok("");
    t.run(["set", "g", "a", "1"]).ok("");
    std::thread::sleep(std::time::Duration::from_millis(300));
    let after = std::fs::metadata(t.path("out")).unwrap();
    assert_eq!((before.ino(), before.ctime_nsec()), (after.ino(), after.ctime_nsec()));
    t.run(["set", "g", "a", "2"]).ok("");
    assert_eq!(w.line(), "{\"bytes\":2,\"changed\":true,\"output\":\"out\"}");
    // The command's own output goes to standard error.
    until("the command", || w.errors() == "2\n");
    ends(w, "2\n");
}

#[test]
fn what_cannot_be_written_is_tried_again() {
    let t = Test::new();
    t.write("t.hbs", "{{a}}\n");
    t.run(["set", "g", "a", "1"]).ok("");
    std::os::unix::fs::symlink("absent/out", t.path("out")).unwrap();
    let w = follow(&t, &["--exec", CAT]);
    until("a complaint", || !w.errors().is_empty());
    t.run(["set", "g", "a", "2"]).ok("");
    std::fs::create_dir(t.path("absent")).unwrap();
    assert_eq!(w.line(), "2");
    // The link is followed each time.
    std::fs::remove_file(t.path("out")).unwrap();
    std::os::unix::fs::symlink("other", t.path("out")).unwrap();
    t.run(["set", "g", "a", "3"]).ok("");
    assert_eq!(w.line(), "3");
    assert_eq!((t.read("absent/out"), t.read("other")), (b"2\n".to_vec(), b"3\n".to_vec()));
    ends(w, "larder: render: \"absent/out\": No such file or directory\n");
}

#[test]
fn a_refused_text_stays_out_and_is_told_once() {
    let t = Test::new();
    t.write("t.hbs", "{{a}}\n");
    t.run(["set", "g", "a", "good"]).ok("");
    let w = follow(&t, &["--check", "echo c >>checks; ! grep -q bad \"$LARDER_CANDIDATE\"", "--exec", CAT]);
    assert_eq!(w.line(), "good");
    t.run(["set", "g", "a", "bad"]).ok("");
    until("a refusal", || !w.errors().is_empty());
    t.run(["set", "g", "other", "x"]).ok("");
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert_eq!(t.read("out"), b"good\n");
    assert_eq!(t.read("checks"), b"c\nc\n");
    t.run(["set", "g", "a", "better"]).ok("");
    assert_eq!(w.line(), "better");
    ends(w, "larder: render: the check failed with status 1; \"out\" is unchanged\n");
}

#[test]
fn a_failing_command_is_tried_again() {
    let t = Test::new();
    t.write("t.hbs", "{{a}}\n");
    t.run(["set", "g", "a", "1"]).ok("");
    let w = follow(&t, &["--exec", "echo x >>tries; [ $(wc -l <tries) -eq 2 ] && echo done"]);
    assert_eq!(w.line(), "done");
    ends(w, "larder: render: the command of --exec failed with status 1; attempt 2 in 1 s\n");
}

#[test]
fn a_signal_lets_the_command_finish() {
    let t = Test::new();
    t.write("t.hbs", "{{a}}\n");
    t.run(["set", "g", "a", "1"]).ok("");
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        let _ = std::fs::remove_file(t.path("out"));
        let mut w = follow(&t, &["--exec", "echo started; sleep 0.3; echo finished"]);
        assert_eq!(w.line(), "started");
        w.signal(signal);
        assert_eq!(w.line(), "finished");
        let (status, errors) = w.end();
        assert_eq!((status.code(), errors.as_str()), (Some(0), ""));
    }
    // A second signal is an order.
    let _ = std::fs::remove_file(t.path("out"));
    let mut w = follow(&t, &["--exec", "echo started; sleep 600"]);
    assert_eq!(w.line(), "started");
    w.signal(Signal::SIGINT);
    w.signal(Signal::SIGTERM);
    let (status, _) = w.end();
    assert_eq!(status.code(), Some(0));
}

#[test]
fn a_signal_ends_a_single_rendering_as_that_signal() {
    let t = Test::new();
    t.write("t.hbs", "{{a}}\n");
    t.run(["set", "g", "a", "1"]).ok("");
    let start = |args: &[&str]| {
        let mut command = Command::new(LARDER);
        command.args(["render", "g", "t.hbs", "-o", "out"]).args(args);
        Watcher::spawn(&t, command)
    };
    let slow = "echo started; sleep 600";
    // It may still put things in order, and call that a success.
    let orderly = "trap 'exit 0' TERM; echo started; sleep 600 & wait";
    for (signal, status) in [(Signal::SIGINT, 130), (Signal::SIGTERM, 143), (Signal::SIGHUP, 129)] {
        for command in [slow, orderly] {
            let mut w = start(&["--check", command, "--exec", "touch ran"]);
            assert_eq!(w.line(), "started");
            w.signal(signal);
            let errors = "larder: render: the check was ended by a signal to larder; \"out\" is unchanged\n";
            let (ended, stderr) = w.end();
            assert_eq!((ended.code(), stderr.as_str()), (Some(status), errors), "{signal} {command}");
            assert!(!t.path("out").exists() && !t.path("ran").exists());
            let mut w = start(&["--exec", command]);
            assert_eq!(w.line(), "started");
            w.signal(signal);
            let errors = "larder: render: \"out\" is replaced, but the command after it was ended by a signal to larder\n";
            let (ended, stderr) = w.end();
            assert_eq!((ended.code(), stderr.as_str()), (Some(status), errors), "{signal} {command}");
            std::fs::remove_file(t.path("out")).unwrap();
        }
        // To a rendering that goes on it is the ordinary end.
        let mut w = follow(&t, &["--check", slow]);
        assert_eq!(w.line(), "started");
        w.signal(signal);
        w.signal(if signal == Signal::SIGTERM { Signal::SIGINT } else { Signal::SIGTERM });
        let (ended, stderr) = w.end();
        assert_eq!((ended.code(), stderr.as_str()), (Some(0), ""), "{signal}");
    }
}

#[test]
fn a_store_that_goes_away_ends_it() {
    let t = Test::new();
    t.write("t.hbs", "{{a}}\n");
    t.run(["set", "g", "a", "1"]).ok("");
    let mut w = follow(&t, &["--exec", CAT]);
    assert_eq!(w.line(), "1");
    std::fs::remove_file(t.db()).unwrap();
    let (status, errors) = w.end();
    assert_eq!(status.code(), Some(7), "{errors}");
    assert_eq!(t.read("out"), b"1\n");
}
