use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::common::{LARDER, Test};

pub fn start(t: &Test, args: &[&str]) -> Child {
    Command::new(LARDER)
        .args(args)
        .env_clear()
        .env("HOME", t.home())
        .env("PATH", "/usr/bin:/bin")
        .current_dir(t.home())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("start larder")
}

pub fn signal(child: &Child, signal: Signal) {
    kill(Pid::from_raw(i32::try_from(child.id()).expect("a process id")), signal).expect("signal");
}

#[track_caller]
pub fn until(what: &str, mut ready: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_mins(1);
    while !ready() {
        assert!(Instant::now() < end, "{what} does not happen");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn is_held(t: &Test) -> bool {
    t.run(["count", "l"]).output().stdout == b"1\n"
}

#[test]
fn the_command_runs_with_a_visible_lease_and_its_status_counts() {
    let t = Test::new();
    let lease = t.path("lease");
    t.sh(
        "larder lock l k --ttl 10s -- sh -c 'larder get l k > lease; echo token $LARDER_LOCK_TOKEN; exit 7'",
    )
    .exits(7, "token 1\n", "");
    let lease: serde_json::Value =
        serde_json::from_slice(&std::fs::read(lease).expect("a lease")).expect("JSON");
    for field in ["holder", "host", "pid", "since", "until", "token"] {
        assert!(!lease[field].is_null(), "{field} is missing in {lease}");
    }
    t.run(["list", "l"]).ok("");
    t.sh("larder lock l k --ttl 10s -- sh -c 'kill -9 $$'").exits(137, "", "");
}

#[test]
fn tokens_rise_and_contenders_all_finish() {
    let t = Test::new();
    let mut contenders: Vec<Child> = (0..20)
        .map(|_| {
            start(
                &t,
                &[
                    "lock",
                    "l",
                    "k",
                    "--ttl",
                    "30s",
                    "--",
                    "/bin/sh",
                    "-c",
                    "[ ! -e inside ] && touch inside && echo $LARDER_LOCK_TOKEN >> tokens && rm inside",
                ],
            )
        })
        .collect();
    for contender in &mut contenders {
        assert_eq!(
            contender.wait().expect("wait").code(),
            Some(0),
            "two were inside at once, or one starved"
        );
    }
    let tokens: Vec<i64> = String::from_utf8(t.read("tokens"))
        .expect("text")
        .lines()
        .map(|n| n.parse().expect("a number"))
        .collect();
    assert_eq!(tokens.len(), 20);
    assert!(tokens.windows(2).all(|pair| pair[0] < pair[1]), "{tokens:?}");
}

#[test]
fn a_taken_lock_is_said_to_be_taken() {
    let t = Test::new();
    let mut holder = start(
        &t,
        &["lock", "l", "k", "--ttl", "30s", "--", "/bin/sh", "-c", "while [ ! -e go ]; do sleep 0.01; done"],
    );
    until("the lock", || is_held(&t));
    for patience in [&["--try"][..], &["--wait", "20ms"]] {
        let args = [&["lock", "l", "k", "--ttl", "1s"], patience, &["--", "true"]].concat();
        let output = t.run(args).env("PATH", "/usr/bin:/bin").output();
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(6));
        assert!(error.starts_with("larder: lock: the lock \"k\" in \"l\" is held by "), "{error}");
    }
    // Another waits, and wakes when it is free.
    let mut waiter = start(&t, &["lock", "l", "k", "--ttl", "30s", "--wait", "1m", "--", "true"]);
    t.write("go", "");
    assert_eq!(waiter.wait().expect("wait").code(), Some(0));
    assert_eq!(holder.wait().expect("wait").code(), Some(0));
}

#[test]
fn a_killed_holder_frees_it_after_its_ttl() {
    let t = Test::new();
    let mut holder = start(&t, &["lock", "l", "k", "--ttl", "300ms", "--", "sleep", "0.1"]);
    until("the lock", || is_held(&t));
    signal(&holder, Signal::SIGKILL);
    holder.wait().expect("wait");
    t.run(["lock", "l", "k", "--ttl", "1s", "--wait", "1m", "--", "/bin/true"]).ok("");
}

#[test]
fn the_lease_is_renewed_while_the_command_runs() {
    let t = Test::new();
    let mut holder = start(
        &t,
        &[
            "lock",
            "l",
            "k",
            "--ttl",
            "150ms",
            "--",
            "/bin/sh",
            "-c",
            "while [ ! -e go ]; do sleep 0.01; done",
        ],
    );
    until("three renewals", || {
        is_held(&t) && t.number("SELECT count(*) FROM larder_changes WHERE type='set'") >= 4
    });
    t.write("go", "");
    assert_eq!(holder.wait().expect("wait").code(), Some(0));
    assert_eq!(t.number("SELECT count(*) FROM larder_changes WHERE type='expire'"), 0);
}

#[test]
fn a_lost_lease_ends_the_command_and_its_children() {
    let t = Test::new();
    let holder = start(
        &t,
        &["lock", "l", "k", "--ttl", "150ms", "--", "/bin/sh", "-c", "sleep 1000 & echo $! > pid; wait"],
    );
    until("the command", || std::fs::read_to_string(t.path("pid")).is_ok_and(|pid| pid.ends_with('\n')));
    t.run(["set", "l", "k", "mine now"]).ok("");
    let output = holder.wait_with_output().expect("wait");
    assert_eq!(output.status.code(), Some(125));
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "larder: lock: the lease on \"k\" in \"l\" was lost; ending the command\n"
    );
    let pid = String::from_utf8(t.read("pid")).expect("text");
    until("the child's end", || {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
        stat.is_empty() || stat.contains(") Z ")
    });
    // What somebody else put there is left alone.
    t.run(["get", "l", "k"]).ok("mine now");
}

#[test]
fn a_lost_lease_is_told_as_json() {
    let t = Test::new();
    let script = "echo x > begun; exec sleep 1000";
    let holder = start(&t, &["--json", "lock", "l", "k", "--ttl", "150ms", "--", "/bin/sh", "-c", script]);
    until("the command", || t.path("begun").exists());
    t.run(["set", "l", "k", "mine now"]).ok("");
    let output = holder.wait_with_output().expect("wait");
    assert_eq!(
        (output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()),
        (
            Some(125),
            "{\"error\":\"io\",\"code\":125,\"message\":\"lock: the lease on \\\"k\\\" in \\\"l\\\" was lost; ending the command\"}\n"
        )
    );
}

#[test]
fn signals_are_passed_on() {
    let t = Test::new();
    let holder = start(
        &t,
        &[
            "lock",
            "l",
            "k",
            "--ttl",
            "30s",
            "--",
            "/bin/sh",
            "-c",
            "trap 'echo caught; exit 3' TERM; echo ready > ready; while :; do sleep 0.01; done",
        ],
    );
    until("the command", || t.path("ready").exists());
    signal(&holder, Signal::SIGTERM);
    let output = holder.wait_with_output().expect("wait");
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(3), b"caught\n".as_slice()));
    t.run(["list", "l"]).ok("");
}

#[test]
fn bad_input_is_answered_and_never_hangs() {
    let t = Test::new();
    t.run(["lock", "l", "k", "--ttl", "99ms", "--", "/bin/true"])
        .fails(2, "larder: lock: a lease shorter than 100ms cannot be renewed in time\n");
    t.run(["lock", "l", "k", "--ttl", "1s", "--", "no-such-command"])
        .fails(127, "larder: lock: there is no command \"no-such-command\"\n");
    assert!(!t.db().exists(), "a command that cannot run must not leave a store behind");
    t.sh("larder lock l k --ttl 10s -- larder lock l k --ttl 10s -- true").fails(
        6,
        "larder: lock: the lock \"k\" in \"l\" is held by an enclosing command\nhint: waiting for it would never end; use another key\n",
    );
    t.write("garbage", "x".repeat(5000));
    let output = t.run(["--db", "garbage", "lock", "l", "k", "--ttl", "1s", "--", "/bin/true"]).output();
    assert_eq!(output.status.code(), Some(125));
}

/// The leader of the command's group ended on SIGTERM, and larder with it: what
/// else was in the group and ignored the signal worked on beside the next
/// holder, for ever.
#[test]
fn a_lost_lease_ends_those_too_that_ignore_sigterm() {
    let t = Test::new();
    let script = "(trap '' TERM; while :; do sleep 0.05; done) & echo $! > pid; wait";
    let holder = start(&t, &["lock", "l", "k", "--ttl", "150ms", "--", "/bin/sh", "-c", script]);
    until("the command", || std::fs::read_to_string(t.path("pid")).is_ok_and(|pid| pid.ends_with('\n')));
    t.run(["set", "l", "k", "mine now"]).ok("");
    assert_eq!(holder.wait_with_output().expect("wait").status.code(), Some(125));
    let pid = String::from_utf8(t.read("pid")).expect("text");
    until("the end of what ignores SIGTERM", || {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
        stat.is_empty() || stat.contains(") Z ")
    });
}

/// The check knew the innermost lock only, so a lock in a lock in itself waited
/// for ever; and it compared numbers of one store with those of another, so a
/// stranger's lock was refused as the command's own.
#[test]
fn the_whole_chain_of_locks_is_known_and_the_store_they_are_in() {
    let t = Test::new();
    let own = "larder: lock: the lock \"a\" in \"l\" is held by an enclosing command\n\
        hint: waiting for it would never end; use another key\n";
    t.sh("larder lock l a --ttl 10s -- larder lock l b --ttl 10s -- larder lock l a --ttl 10s -- true")
        .fails(6, own);
    t.sh("larder lock l a --ttl 10s -- larder --db other.db lock l a --ttl 10s -- larder lock l a --ttl 10s -- true")
        .fails(6, own);
    // Both tokens are the first of their store.
    let stranger = start(
        &t,
        &[
            "--db",
            "second.db",
            "lock",
            "l",
            "a",
            "--ttl",
            "30s",
            "--",
            "/bin/sh",
            "-c",
            ": >up; while [ ! -e go ]; do sleep 0.01; done",
        ],
    );
    until("the stranger", || t.path("up").exists());
    let output = t
        .sh("larder --db first.db lock l a --ttl 10s -- larder --db second.db lock l a --ttl 10s --try -- true")
        .output();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        error.starts_with("larder: lock: the lock \"a\" in \"l\" is held by ")
            && !error.contains("an enclosing command"),
        "{error}"
    );
    t.write("go", "");
    assert_eq!(stranger.wait_with_output().expect("wait").status.code(), Some(0));
}

/// It was waited for in silence, for ever.
#[test]
fn an_entry_that_is_not_a_lock_is_told_at_once() {
    let t = Test::new();
    t.run(["set", "l", "k", "v"]).ok("");
    for patience in [&[][..], &["--try"], &["--wait", "1h"]] {
        let args = [&["lock", "l", "k", "--ttl", "1s"], patience, &["--", "/bin/true"]].concat();
        t.run(args).fails(
            8,
            "larder: lock: the entry \"k\" in \"l\" is not a lock\nhint: delete it, or use another key\n",
        );
    }
    // One that goes is somebody's own lease.
    t.run(["set", "l", "k", "v", "--ttl", "1h"]).ok("");
    t.run(["lock", "l", "k", "--ttl", "1s", "--try", "--", "/bin/true"])
        .fails(6, "larder: lock: the lock \"k\" in \"l\" is held by an entry that is not a lock\n");
}

/// For cron: no mail when the last run still goes on, and a status that is not
/// the command's.
#[test]
fn a_taken_lock_can_be_answered_as_the_caller_likes() {
    let t = Test::new();
    t.run(["set", "l", "k", "v", "--ttl", "1h"]).ok("");
    let taken = "larder: lock: the lock \"k\" in \"l\" is held by an entry that is not a lock\n";
    let lock = ["lock", "l", "k", "--ttl", "1s"];
    t.run([&lock[..], &["--try", "--conflict-status", "75", "--", "/bin/true"]].concat()).fails(75, taken);
    t.run([&lock[..], &["--wait", "1ms", "--conflict-status", "75", "--", "/bin/true"]].concat())
        .fails(75, taken);
    t.run([&["-q"], &lock[..], &["--try", "--", "/bin/true"]].concat()).fails(6, "");
    t.run([&["-q"], &lock[..], &["--try", "--conflict-status", "0", "--", "/bin/true"]].concat()).ok("");
    let output = t.run([&lock[..], &["--conflict-status", "256", "--", "/bin/true"]].concat()).output();
    assert_eq!(output.status.code(), Some(2));
    t.run(["lock", "l", "k", "--ttl", "9000000d", "--", "/bin/true"]).fails(
        2,
        "larder: lock: the TTL ends past the year 9999\nhint: without one, an entry never expires\n",
    );
}

/// --try and --wait bound the wait for the lock, and the wait for a locked
/// store went on top of it, for the whole of --busy-timeout and deaf to
/// signals.
#[test]
fn a_locked_store_is_waited_for_no_longer_than_the_lock() {
    let t = Test::new();
    t.run(["set", "g", "k", "v"]).ok("");
    let holder = t.sql();
    holder.execute_batch("BEGIN IMMEDIATE").expect("lock the store");
    let lock = |how: &[&'static str]| {
        [&["lock", "l", "k", "--ttl", "1m", "--busy-timeout", "1h"], how, &["--", "/bin/true"]].concat()
    };
    for how in [&["--try"][..], &["--wait", "100ms"]] {
        t.run(lock(how)).fails_with(6, "stayed locked by another process");
    }
    let waiting = start(&t, &lock(&["--wait", "1h"]));
    let pid = waiting.id();
    // It waits once it has the lock of the queue.
    until("the wait", || {
        let infos = std::fs::read_dir(format!("/proc/{pid}/fdinfo")).expect("fdinfo");
        infos
            .flatten()
            .any(|info| std::fs::read_to_string(info.path()).unwrap_or_default().contains("OFDLCK"))
    });
    signal(&waiting, Signal::SIGTERM);
    assert_eq!(waiting.wait_with_output().expect("wait").status.code(), Some(143));
    holder.execute_batch("COMMIT").expect("unlock the store");
    t.run(lock(&["--try"])).ok("");
}

/// A holder of one of `holders`, that says so and waits for the file `go-NAME`.
fn holder(t: &Test, name: &str, holders: &str, more: &[&str]) -> Child {
    let script = format!(
        "echo $LARDER_LOCK_SLOT $LARDER_LOCK_TOKEN > {name}.new; mv {name}.new {name}; while [ ! -e go-{name} ]; do sleep 0.01; done"
    );
    let args = [&["lock", "l", "k", "--ttl", "30s", "--holders", holders], more, &["--", "/bin/sh", "-c"]];
    let mut args = args.concat();
    args.push(&script);
    start(t, &args)
}

/// Slot and token of a holder, once it has them.
fn slot(t: &Test, name: &str) -> (i64, i64) {
    until(name, || t.path(name).exists());
    let text = String::from_utf8(t.read(name)).expect("text");
    let (slot, token) = text.trim().split_once(' ').expect("two words");
    (slot.parse().expect("a slot"), token.parse().expect("a token"))
}

#[test]
fn so_many_hold_a_lock_at_once() {
    let t = Test::new();
    let mut first = holder(&t, "first", "2", &[]);
    assert_eq!(slot(&t, "first").0, 1);
    let mut second = holder(&t, "second", "2", &[]);
    let (number, token) = slot(&t, "second");
    assert_eq!(number, 2);
    assert!(token > slot(&t, "first").1);
    // No third, and nobody who wants it for himself.
    for holders in ["2", "1"] {
        let refused =
            t.run(["lock", "l", "k", "--ttl", "1s", "--holders", holders, "--try", "--", "/bin/true"]);
        let output = refused.output();
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(6));
        assert!(error.ends_with(" and 1 more\n"), "{error}");
    }
    let value = t.run(["get", "l", "k"]).output().stdout;
    let holders: serde_json::Value = serde_json::from_slice(&value).expect("JSON");
    assert_eq!((&holders[0]["slot"], &holders[1]["slot"]), (&1.into(), &2.into()), "{holders}");
    // Another waits for the slot that is freed first.
    let mut third = holder(&t, "third", "2", &["--wait", "1m"]);
    t.write("go-first", "");
    assert_eq!(first.wait().expect("wait").code(), Some(0));
    let (number, newest) = slot(&t, "third");
    assert_eq!(number, 1);
    assert!(newest > token);
    t.write("go-second", "");
    t.write("go-third", "");
    assert_eq!(second.wait().expect("wait").code(), Some(0));
    assert_eq!(third.wait().expect("wait").code(), Some(0));
    t.run(["list", "l"]).ok("");
}

#[test]
fn a_killed_holder_of_several_frees_its_slot_alone() {
    let t = Test::new();
    let short = ["lock", "l", "k", "--ttl", "300ms", "--holders", "2", "--", "/bin/sh", "-c"];
    let mut killed = start(&t, &[&short[..], &["while :; do sleep 0.01; done"]].concat());
    until("the lock", || is_held(&t));
    let stays = start(
        &t,
        &[&short[..], &["while [ ! -e go ]; do sleep 0.01; done; echo $LARDER_LOCK_SLOT"]].concat(),
    );
    until("both", || t.run(["get", "l", "k"]).output().stdout.windows(8).any(|w| w == b"\"slot\":2"));
    signal(&killed, Signal::SIGKILL);
    killed.wait().expect("wait");
    let line = "echo $LARDER_LOCK_SLOT";
    t.sh(&format!("larder lock l k --ttl 30s --holders 2 --wait 1m -- sh -c '{line}'")).ok("1\n");
    t.write("go", "");
    let output = stays.wait_with_output().expect("wait");
    assert_eq!((output.status.code(), &output.stdout[..]), (Some(0), &b"2\n"[..]));
}

#[test]
fn several_holders_lose_a_lock_that_is_deleted() {
    let t = Test::new();
    let holders: Vec<_> = (0..2)
        .map(|_| {
            start(
                &t,
                &[
                    "lock",
                    "l",
                    "k",
                    "--ttl",
                    "150ms",
                    "--holders",
                    "2",
                    "--",
                    "/bin/sh",
                    "-c",
                    "echo up >> up; sleep 600",
                ],
            )
        })
        .collect();
    until("both", || std::fs::read_to_string(t.path("up")).is_ok_and(|up| up.lines().count() == 2));
    t.run(["delete", "l", "k"]).ok("");
    for holder in holders {
        assert_eq!(holder.wait_with_output().expect("wait").status.code(), Some(125));
    }
    t.run(["list", "l"]).ok("");
}

#[test]
fn a_lock_may_be_held_again_within_itself_while_there_is_room() {
    let t = Test::new();
    let inner = "larder lock l k --ttl 10s --holders 2 -- sh -c 'echo $LARDER_LOCK_SLOT'";
    t.sh(&format!("larder lock l k --ttl 10s --holders 2 -- {inner}")).ok("2\n");
    t.sh(&format!(
        "larder lock l k --ttl 10s --holders 2 -- larder lock l k --ttl 10s --holders 2 -- {inner}"
    ))
    .fails_with(6, "is held by an enclosing command");
    t.run(["lock", "l", "k", "--ttl", "1s", "--holders", "0", "--", "/bin/true"]).fails_with(2, "--holders");
}
