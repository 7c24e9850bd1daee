//! `--debounce` and `--restart`.

use nix::sys::signal::Signal;

use crate::common::Test;
use crate::common::watcher::{Watcher, until};

const POSITION: &str = "SELECT ifnull(max(position),-1)FROM larder_consumers";

/// Gone, or a zombie that nobody collects.
fn is_over(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.is_empty() || stat.contains(") Z ")
}

#[test]
fn a_burst_is_handed_over_as_json_lines() {
    let t = Test::new();
    t.run(["set", "g", "k", "v"]).ok("");
    t.run(["set", "g", "l", "-"]).stdin(b"\xff\n".to_vec()).ok("");
    t.run(["-n", "t", "set", "g", "k", "-", "--ttl", "1h"]).stdin("x".repeat(100_000)).ok("");
    t.run(["delete", "g", "--all"]).ok("");
    let printed = t.run(["watch", "--after", "0", "--count", "4", "--json"]).output().stdout;
    assert_eq!(String::from_utf8_lossy(&printed).lines().count(), 4);
    // The count ends the burst, long before it is quiet for an hour.
    t.run(["watch", "--after", "0", "--count", "4", "--debounce", "1h", "--", "/bin/cat"]).ok(printed);
    let scoped = ["-n", "t", "watch", "--after", "0", "--count", "1"];
    let printed = t.run(scoped.iter().chain(&["--json"])).output().stdout;
    t.run(scoped.iter().chain(&["--debounce", "1ms", "--", "/bin/cat"])).ok(printed);
    // Not more than the count, and the rest is for the next run.
    for (count, lines) in [("3", "3\n"), ("1", "1\n")] {
        let after: &[&str] = if count == "3" { &["--after", "0"] } else { &[] };
        let args = ["watch", "--consumer", "c", "--count", count, "--debounce", "1h"];
        t.run(args.iter().chain(after).chain(&["--", "/bin/sh", "-c", "grep -c seq"])).ok(lines);
    }
}

#[test]
fn the_environment_has_what_all_changes_share() {
    let t = Test::new();
    t.run(["-n", "t", "set", "g", "k", "v"]).ok("");
    t.run(["-n", "t", "set", "g", "k", "w"]).ok("");
    t.run(["-n", "t", "set", "g", "l", "w"]).ok("");
    t.run(["-n", "t", "delete", "g", "l"]).ok("");
    t.run(["-n", "t", "set", "h", "k", "v"]).ok("");
    let seen = |after: &str, count: &str, expected: &str| {
        let script =
            "echo $LARDER_SEQ ${LARDER_TYPE-none} $LARDER_NAMESPACE ${LARDER_GROUP-none} ${LARDER_KEY-none}";
        let args = ["-n", "t", "watch", "--debounce", "1h", "--after", after, "--count", count, "--"];
        t.run(args.iter().chain(&["/bin/sh", "-c", script]))
            .env("LARDER_KEY", "of an outer watch")
            .env("LARDER_GROUP", "of an outer watch")
            .env("LARDER_TYPE", "of an outer watch")
            .ok(expected);
    };
    seen("0", "1", "1 set t g k\n");
    seen("0", "2", "2 set t g k\n");
    seen("0", "3", "3 set t g none\n");
    seen("0", "4", "4 none t g none\n");
    seen("2", "2", "4 none t g l\n");
    seen("0", "5", "5 none t none none\n");
}

#[test]
fn a_failing_burst_is_retried_whole_and_moves_no_position() {
    let t = Test::new();
    for key in ["a", "b", "c"] {
        t.run(["set", "g", key, "v"]).ok("");
    }
    let args = |more: &[&'static str], script: &'static str| {
        let mut args = vec!["watch", "--consumer", "w", "--count", "3", "--debounce", "1h"];
        args.extend(more);
        args.extend(["--", "/bin/sh", "-c", script]);
        args
    };
    t.run(args(&["--after", "0", "--retry", "1"], "grep -c seq; exit 42")).exits(
        42,
        "3\n3\n",
        "larder: watch: 3 changes (1 to 3): \"/bin/sh\" failed with status 42; attempt 2 in 100ms\n\
         larder: watch: 3 changes (1 to 3): \"/bin/sh\" failed with status 42; giving up\n",
    );
    assert_eq!(t.number(POSITION), 0);
    t.run(args(&[], "grep -c seq; [ -e tried ] || { : > tried; exit 1; }")).exits(
        0,
        "3\n3\n",
        "larder: watch: 3 changes (1 to 3): \"/bin/sh\" failed with status 1; attempt 2 in 100ms\n",
    );
    assert_eq!(t.number(POSITION), 3);
    t.run(["watch", "--after", "0", "--count", "1", "--retry", "0", "--debounce", "1h", "--", "/bin/false"])
        .exits(
            1,
            "",
            "larder: watch: change 1 (set \"g\" \"a\"): \"/bin/false\" failed with status 1; giving up\n",
        );
}

/// Changes that come while the command runs are in its next burst, all of them.
#[test]
fn what_comes_while_the_command_runs_is_the_next_burst() {
    let t = Test::new();
    t.run(["set", "g", "k", "v"]).ok("");
    let script = "grep -c seq; while [ ! -e go ]; do sleep 0.01; done";
    let mut w = Watcher::start(
        &t,
        &["--after", "0", "--consumer", "c", "--debounce", "10ms", "--", "/bin/sh", "-c", script],
    );
    assert_eq!(w.line(), "1");
    assert_eq!(t.number(POSITION), 0);
    t.run(["batch", "-"])
        .stdin(
            "{\"op\":\"set\",\"group\":\"g\",\"key\":\"a\",\"value\":\"v\"}\n\
             {\"op\":\"set\",\"group\":\"g\",\"key\":\"b\",\"value\":\"v\"}\n",
        )
        .ok("");
    t.write("go", "");
    assert_eq!(w.line(), "2");
    until("the position to move", || t.number(POSITION) == 3);
    w.finish();
}

/// A signal in the pause before a burst is over, and the end of the time: what
/// was read already has its command.
#[test]
fn what_was_collected_is_handled_before_the_end() {
    let t = Test::new();
    t.run(["set", "g", "k", "v", "--ttl", "1h"]).ok("");
    t.make_due("g", "k");
    let args =
        ["--after", "1", "--consumer", "c", "--debounce", "1h", "--", "/bin/sh", "-c", "echo $LARDER_TYPE"];
    let mut w = Watcher::start(&t, &args);
    // It removes what is due when it reads, and has read it with that.
    until("the watch to read", || t.number("SELECT count(*)FROM entries") == 0);
    w.signal(Signal::SIGTERM);
    let (status, errors) = w.end();
    assert_eq!((status.code(), errors.as_str()), (Some(0), ""));
    assert_eq!(w.rest(), ["expire"]);
    assert_eq!(t.number(POSITION), 2);
    t.run([
        "watch",
        "--after",
        "0",
        "--timeout",
        "1s",
        "--debounce",
        "1h",
        "--",
        "/bin/sh",
        "-c",
        "echo $LARDER_SEQ",
    ])
    .exits(6, "2\n", "larder: watch: timed out after --timeout\n");
}

/// A new change ends the command and all that it started before the next one
/// begins, and the next one gets what the one before did not handle.
#[test]
fn a_restart_ends_the_command_and_loses_nothing() {
    for traps in ["", "trap 'exit 0' TERM;"] {
        let t = Test::new();
        let script =
            format!("{traps} lines=$(grep -c seq); sleep 1000 & echo $! $lines; while :; do wait; done");
        t.run(["set", "g", "k", "1"]).ok("");
        let mut w = Watcher::start(
            &t,
            &["--after", "0", "--consumer", "c", "--restart", "--", "/bin/sh", "-c", &script],
        );
        let mut before: Option<String> = None;
        for lines in 1..=3 {
            let line = w.line();
            let (pid, count) = line.split_once(' ').expect("two words");
            assert_eq!(count, lines.to_string());
            assert!(!is_over(pid));
            if let Some(before) = before.replace(pid.to_owned()) {
                assert!(is_over(&before), "two commands run");
            }
            if lines < 3 {
                t.run(["set", "g", "k", &lines.to_string()]).ok("");
            }
        }
        // The watch does not leave its command behind, nor wait for it.
        w.finish();
        assert!(is_over(&before.expect("a process")));
        // It was ended, whatever it said: its changes are not handled.
        assert_eq!(t.number(POSITION), 0);
        t.run([
            "watch",
            "--consumer",
            "c",
            "--count",
            "3",
            "--restart",
            "--",
            "/bin/sh",
            "-c",
            "grep -c seq",
        ])
        .ok("3\n");
        assert_eq!(t.number(POSITION), 3);
    }
}

#[test]
fn a_command_that_ended_by_itself_has_handled_its_changes() {
    let t = Test::new();
    t.run(["set", "g", "before", "v"]).ok("");
    let script = "grep -c seq; [ $LARDER_KEY = short ] || exec sleep 1000";
    let mut w =
        Watcher::start(&t, &["--after", "1", "--consumer", "c", "--restart", "--", "/bin/sh", "-c", script]);
    t.run(["set", "g", "short", "v"]).ok("");
    assert_eq!(w.line(), "1");
    until("the position to move", || t.number(POSITION) == 2);
    t.run(["set", "g", "long", "v"]).ok("");
    assert_eq!(w.line(), "1");
    w.finish();
    assert_eq!(t.number(POSITION), 2);
}

/// Else a steady stream would end a command that takes its time for ever, and
/// what waits for the consumer would grow for ever.
#[test]
fn a_full_burst_is_left_to_finish() {
    let t = Test::new();
    let line = |n| format!("{{\"op\":\"set\",\"group\":\"g\",\"key\":\"{n}\",\"value\":\"v\"}}");
    let lines: Vec<String> = (0..4096).map(line).collect();
    t.run(["batch", "-"]).stdin(lines.join("\n")).ok("");
    let script = "grep -c seq; while [ ! -e go ]; do sleep 0.01; done";
    let mut w =
        Watcher::start(&t, &["--after", "0", "--consumer", "c", "--restart", "--", "/bin/sh", "-c", script]);
    assert_eq!(w.line(), "4096");
    t.run(["set", "g", "k", "v"]).ok("");
    t.write("go", "");
    assert_eq!(w.line(), "1");
    until("the position to move", || t.number(POSITION) == 4097);
    w.finish();
}

#[test]
fn a_snapshot_is_a_burst() {
    let t = Test::new();
    for key in ["a", "b"] {
        t.run(["set", "g", key, "v"]).ok("");
    }
    let count = ["--", "/bin/sh", "-c", "grep -c seq"];
    for (args, lines) in [
        (&["--count", "2", "--debounce", "1h"][..], "2\n"),
        (&["--count", "1", "--debounce", "1h"], "1\n"),
        (&["--count", "2", "--restart"], "2\n"),
        (&["--count", "2", "--debounce", "1h", "--consumer", "c"], "2\n"),
        (&["--count", "2", "--restart", "--consumer", "d"], "2\n"),
    ] {
        t.run(["watch", "--snapshot"].iter().chain(args).chain(&count)).ok(lines);
    }
    // A server starts with what there is, and anew with what comes.
    let mut w = Watcher::start(
        &t,
        &["--snapshot", "--restart", "--", "/bin/sh", "-c", "grep -c seq; exec sleep 1000"],
    );
    assert_eq!(w.line(), "2");
    t.run(["set", "g", "c", "v"]).ok("");
    assert_eq!(w.line(), "3");
    w.finish();
}

/// The watch ends with an error: not without its command.
#[test]
fn a_watch_that_fails_ends_its_command_too() {
    let t = Test::new();
    t.run(["set", "g", "k", "v"]).ok("");
    t.run(["backup", "b.db"]).ok("");
    let mut w =
        Watcher::start(&t, &["--after", "0", "--restart", "--", "/bin/sh", "-c", "echo $$; exec sleep 1000"]);
    let pid = w.line();
    t.run(["restore", "b.db", "--yes"]).ok("");
    assert_eq!(w.end().0.code(), Some(9));
    assert!(is_over(&pid));
}

#[test]
fn without_a_command_they_are_usage_errors() {
    let t = Test::new();
    for args in [&["--debounce", "1s"][..], &["--restart"]] {
        t.run(["watch"].iter().chain(args)).fails_with(2, "CMD");
    }
    t.run(["watch", "--debounce", "soon", "--", "/bin/true"]).fails_with(2, "--debounce");
    t.run(["watch", "--restart", "--", "no-such-command"])
        .fails(127, "larder: watch: there is no command \"no-such-command\"\n");
    assert!(!t.db().exists());
}
