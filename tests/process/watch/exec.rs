use std::process::Command;

use nix::sys::signal::Signal;

use crate::common::watcher::{Watcher, until};
use crate::common::{LARDER, Test};

#[test]
fn a_command_gets_value_and_facts() {
    let t = Test::new();
    t.run(["-n", "t", "set", "g", "k", "hello"]).ok("");
    t.run(["set", "g", "k", "-"]).stdin("x".repeat(1 << 20)).ok("");
    t.run(["delete", "g", "--all"]).ok("");
    t.run([
        "watch", "--after", "0", "--count", "3", "--", "/bin/sh", "-c",
        "echo \"$LARDER_SEQ $LARDER_TYPE ${LARDER_NAMESPACE-none} $LARDER_GROUP ${LARDER_KEY-none} $(/usr/bin/wc -c) $#\"",
        "sh", "an argument; echo no shell",
    ])
    .ok("1 set none t:g k 5 1\n2 set none g k 1048576 1\n3 delete_group none g none 0 1\n");
    t.run([
        "-n",
        "t",
        "watch",
        "--after",
        "0",
        "--count",
        "1",
        "--",
        "/bin/sh",
        "-c",
        "echo $LARDER_NAMESPACE $LARDER_GROUP",
    ])
    .ok("t g\n");
}

/// A key that no environment takes ended the watch, and the position of its
/// consumer stayed before it: one writer stopped a queue for good.
#[test]
fn a_key_too_long_for_a_variable_stops_no_consumer() {
    let t = Test::new();
    let line =
        |key: String| format!("{{\"op\":\"set\",\"group\":\"g\",\"key\":\"{key}\",\"value\":\"v\"}}\n");
    // With its name the first is as long as it may be; the second is longer.
    t.run(["batch", "-"])
        .stdin(line("k".repeat(131_060)) + &line("k".repeat(131_061)) + &line("k".into()))
        .ok("");
    t.run([
        "watch",
        "--after",
        "0",
        "--count",
        "3",
        "--consumer",
        "c",
        "--",
        "/bin/sh",
        "-c",
        "echo ${#LARDER_KEY} ${LARDER_KEY+set} ${LARDER_OMITTED-none} $LARDER_GROUP $(cat)",
    ])
    .ok("131060 set none g v\n0 LARDER_KEY g v\n1 set none g v\n");
}

#[test]
fn no_descriptor_of_the_store_is_inherited() {
    let t = Test::new();
    t.run(["set", "g", "k", "v"]).ok("");
    let output = t
        .run([
            "watch",
            "--after",
            "0",
            "--count",
            "1",
            "--consumer",
            "c",
            "--",
            "/bin/ls",
            "-l",
            "/proc/self/fd",
        ])
        .output();
    let listing = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && listing.contains(" 0 -> "), "{listing}");
    assert!(!listing.contains("larder.db"), "{listing}");
}

#[test]
fn a_failing_command_is_retried_and_named() {
    let t = Test::new();
    t.run(["set", "g", "k", "v"]).ok("");
    t.run(["set", "g", "l", "v"]).ok("");
    // Fails twice, then succeeds: the change is handled at the third attempt.
    t.run(["watch", "--after", "0", "--count", "1", "--", "/bin/sh", "-c", "echo x >> tries; [ $(/usr/bin/wc -l < tries) -gt 2 ]"])
        .exits(0, "", "larder: watch: change 1 (set \"g\" \"k\"): \"/bin/sh\" failed with status 1; attempt 2 in 100ms\nlarder: watch: change 1 (set \"g\" \"k\"): \"/bin/sh\" failed with status 1; attempt 3 in 200ms\n");
    t.run(["watch", "--after", "0", "--retry", "0", "--consumer", "c", "--", "/bin/sh", "-c", "exit 42"])
        .exits(
            42,
            "",
            "larder: watch: change 1 (set \"g\" \"k\"): \"/bin/sh\" failed with status 42; giving up\n",
        );
    // The position did not move.
    t.run(["watch", "--count", "1", "--consumer", "c", "--", "/bin/sh", "-c", "echo $LARDER_SEQ"]).ok("1\n");
    t.run(["watch", "--after", "0", "--retry", "0", "--", "/bin/sh", "-c", "kill -9 $$"]).exits(
        137,
        "",
        "larder: watch: change 1 (set \"g\" \"k\"): \"/bin/sh\" failed with status 137; giving up\n",
    );
}

#[test]
fn a_command_that_cannot_run_is_known_at_once() {
    let t = Test::new();
    t.write("plain", "not a program");
    t.run(["watch", "--", "no-such-command"])
        .fails(127, "larder: watch: there is no command \"no-such-command\"\n");
    t.run(["watch", "--", "./plain"])
        .fails(126, "larder: watch: the command \"./plain\" is not executable\n");
    assert!(!t.db().exists());
}

#[test]
fn a_signal_lets_the_command_finish() {
    let t = Test::new();
    t.run(["set", "g", "k", "v"]).ok("");
    t.run(["set", "g", "l", "v"]).ok("");
    let mut command = Command::new(LARDER);
    command.args([
        "watch",
        "--after",
        "0",
        "--consumer",
        "c",
        "--",
        "/bin/sh",
        "-c",
        "echo begun; while [ ! -e go ]; do sleep 0.01; done; echo done",
    ]);
    let mut w = Watcher::spawn(&t, command);
    assert_eq!(w.line(), "begun");
    w.signal(Signal::SIGTERM);
    t.write("go", "");
    assert_eq!(w.line(), "done");
    let (status, errors) = w.end();
    assert_eq!((status.code(), errors.as_str()), (Some(0), ""));
    assert!(w.rest().is_empty(), "a second command was started");
    // What was handled stays handled.
    t.run(["watch", "--count", "1", "--consumer", "c", "--", "/bin/sh", "-c", "echo $LARDER_SEQ"]).ok("2\n");
}

#[test]
fn a_second_signal_ends_the_command_and_its_children() {
    let t = Test::new();
    t.run(["set", "g", "k", "v"]).ok("");
    let mut command = Command::new(LARDER);
    command.args(["watch", "--after", "0", "--", "/bin/sh", "-c", "sleep 1000 & echo $!; wait"]);
    let mut w = Watcher::spawn(&t, command);
    let grandchild = w.line();
    w.signal(Signal::SIGTERM);
    // Two signals of one kind that are pending together are one.
    until("the first signal to be noticed", || {
        let status = std::fs::read_to_string(format!("/proc/{}/status", w.pid())).unwrap_or_default();
        status.contains("ShdPnd:\t0000000000000000")
    });
    std::thread::sleep(std::time::Duration::from_millis(20));
    w.signal(Signal::SIGTERM);
    let (status, _) = w.end();
    assert_eq!(status.code(), Some(0));
    until("the end of the grandchild", || {
        let stat = std::fs::read_to_string(format!("/proc/{grandchild}/stat")).unwrap_or_default();
        stat.is_empty() || stat.contains(") Z ")
    });
}

/// Out of time, the watch ends its command, whatever that does with a signal,
/// and all that it started; the change was not handled.
#[test]
fn out_of_time_the_command_is_ended() {
    for (trap, json) in [("", false), ("trap '' TERM;", false), ("trap 'exit 0' TERM;", true)] {
        let t = Test::new();
        t.run(["set", "g", "k", "v"]).ok("");
        let script = format!("{trap} sleep 1000 & echo $!; while :; do wait; done");
        let mut args = vec!["--after", "0", "--consumer", "c", "--timeout", "300ms"];
        args.extend(json.then_some("--json"));
        args.extend(["--", "/bin/sh", "-c", &script]);
        let mut w = Watcher::start(&t, &args);
        let (status, errors) = w.end();
        assert_eq!(status.code(), Some(6), "{trap}: {errors}");
        let told = if json {
            "{\"error\":\"busy\",\"code\":6,\"message\":\"watch: timed out after --timeout\"}\n"
        } else {
            "larder: watch: timed out after --timeout\n"
        };
        assert_eq!(errors, told, "{trap}");
        let position = "SELECT ifnull(max(position),0)FROM larder_consumers";
        assert_eq!(t.number(position), 0);
        for grandchild in w.rest() {
            until("the end of the grandchild", || {
                let stat = std::fs::read_to_string(format!("/proc/{grandchild}/stat")).unwrap_or_default();
                stat.is_empty() || stat.contains(") Z ")
            });
        }
    }
}

#[test]
fn giving_up_is_an_error_like_any_other() {
    let t = Test::new();
    t.run(["set", "g", "k", "v"]).ok("");
    let error = t
        .run(["--json", "watch", "--after", "0", "--retry", "0", "--", "/bin/sh", "-c", "exit 42"])
        .json_error(42, "io");
    assert_eq!(
        error["message"],
        "watch: change 1 (set \"g\" \"k\"): \"/bin/sh\" failed with status 42; giving up"
    );
    t.run(["--json", "watch", "--", "no-such-command"]).json_error(127, "io");
}

/// A passing want of processes ended a watch with status 10, and with it the
/// only one who took the consumer's changes.
#[test]
fn a_command_that_finds_no_process_is_tried_again() {
    use std::os::unix::fs::{PermissionsExt, chown};

    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let t = Test::new();
    std::fs::copy(LARDER, t.path("larder")).expect("copy larder");
    std::fs::set_permissions(t.home(), std::fs::Permissions::from_mode(0o755)).expect("open the home");
    std::fs::create_dir(t.path("own")).expect("a directory");
    // A user of no other test: the limit counts all that a user runs.
    let user = 7_700_032;
    chown(t.path("own"), Some(user), None).expect("give it away");
    let larder = |processes: u32, args: &str| {
        format!(
            "cd own; exec setpriv --reuid {user} --clear-groups prlimit --nproc={processes} ../larder --db s.db {args}"
        )
    };
    t.sh(&larder(9, "set g k v")).ok("");
    t.sh(&larder(1, "watch --after 0 --count 1 --retry 1 -- /bin/true")).fails(
        10,
        "larder: watch: change 1 (set \"g\" \"k\"): cannot run \"/bin/true\": Resource temporarily unavailable; attempt 2 in 100ms\nlarder: watch: cannot run \"/bin/true\": Resource temporarily unavailable\n",
    );
    // Somebody else has what the command needs, and gives it back.
    let mut rival = Command::new("setpriv");
    rival.args(["--reuid", &user.to_string(), "--clear-groups", "/bin/sleep", "600"]);
    let mut rival = rival.spawn().expect("a process of the user's");
    let mut command = Command::new("/bin/sh");
    command.args(["-c", &larder(3, "watch --after 0 --count 1 -- /bin/echo done")]);
    let mut w = Watcher::spawn(&t, command);
    until("the first attempt", || w.errors().contains("attempt 2 in 100ms"));
    rival.kill().expect("end it");
    rival.wait().expect("its end");
    assert_eq!(w.line(), "done");
    assert_eq!(w.end().0.code(), Some(0));
}
