use std::process::{Command, Stdio};

use nix::sys::signal::Signal;

use crate::common::{LARDER, Test};

#[test]
fn streams_and_status_are_replayed_byte_for_byte() {
    let t = Test::new();
    let script = "echo run >> runs; printf 'out\\377\\n'; printf 'err\\000' >&2; exit 3";
    for _ in 0..3 {
        let output = t
            .run(["memo", "m", "k", "--ttl", "1h", "--cache-failures", "--", "/bin/sh", "-c", script])
            .output();
        assert_eq!(
            (output.status.code(), output.stdout.as_slice(), output.stderr.as_slice()),
            (Some(3), b"out\xff\n".as_slice(), b"err\0".as_slice())
        );
    }
    assert_eq!(t.read("runs"), b"run\n");
}

#[test]
fn failures_are_not_kept_unless_asked() {
    let t = Test::new();
    for _ in 0..2 {
        t.run(["memo", "m", "k", "--ttl", "1h", "--", "/bin/sh", "-c", "echo run >> runs; exit 4"])
            .exits(4, "", "");
    }
    assert_eq!(t.read("runs"), b"run\nrun\n");
    t.run(["list", "m"]).ok("");
}

#[test]
fn twenty_callers_run_it_once() {
    let t = Test::new();
    let callers: Vec<_> = (0..20)
        .map(|_| {
            Command::new(LARDER)
                .args([
                    "memo",
                    "m",
                    "k",
                    "--ttl",
                    "1h",
                    "--",
                    "/bin/sh",
                    "-c",
                    "echo run >> runs; sleep 0.2; echo result",
                ])
                .env_clear()
                .env("HOME", t.home())
                .env("PATH", "/usr/bin:/bin")
                .current_dir(t.home())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .expect("start larder")
        })
        .collect();
    for caller in callers {
        let output = caller.wait_with_output().expect("wait");
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(
            (output.status.code(), output.stdout.as_slice(), errors.as_str()),
            (Some(0), b"result\n".as_slice(), "")
        );
    }
    assert_eq!(t.read("runs"), b"run\n");
}

/// Past its time a result is replayed to all but the one who renews it.
#[test]
fn stale_answers_while_one_renews() {
    let t = Test::new();
    let memo = |script: &str| {
        let mut command = Command::new(LARDER);
        command
            .args(["memo", "m", "k", "--ttl", "1ms", "--stale", "1h", "--", "/bin/sh", "-c", script])
            .env_clear()
            .env("HOME", t.home())
            .env("PATH", "/usr/bin:/bin")
            .current_dir(t.home())
            .stdout(Stdio::piped());
        command
    };
    assert_eq!(memo("echo old").output().expect("run").stdout, b"old\n");
    let renewing =
        memo("touch renewing; while [ ! -e go ]; do sleep 0.01; done; echo new").spawn().expect("start");
    while !t.path("renewing").exists() {
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    assert_eq!(memo("echo never").output().expect("run").stdout, b"old\n");
    t.write("go", "");
    assert_eq!(renewing.wait_with_output().expect("wait").stdout, b"new\n");
}

#[test]
fn a_killed_maker_holds_up_nobody() {
    let t = Test::new();
    let mut maker = Command::new(LARDER)
        .args(["memo", "m", "k", "--ttl", "1h", "--", "/bin/sh", "-c", "echo $$ > making; exec sleep 1000"])
        .env_clear()
        .env("HOME", t.home())
        .env("PATH", "/usr/bin:/bin")
        .current_dir(t.home())
        .stdout(Stdio::null())
        .spawn()
        .expect("start larder");
    while !std::fs::read_to_string(t.path("making")).is_ok_and(|pid| pid.ends_with('\n')) {
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    maker.kill().expect("kill");
    maker.wait().expect("wait");
    t.run(["memo", "m", "k", "--ttl", "1h", "--", "/bin/echo", "made"]).ok("made\n");
    let pid: i32 = String::from_utf8(t.read("making")).expect("text").trim().parse().expect("a process id");
    let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL);
}

#[test]
fn bad_input() {
    let t = Test::new();
    t.run(["memo", "m", "k", "--ttl", "1h", "--", "no-such-command"])
        .fails(127, "larder: memo: there is no command \"no-such-command\"\n");
    t.run(["set", "m", "k", "mine"]).ok("");
    t.run(["memo", "m", "k", "--ttl", "1h", "--", "/bin/true"]).fails(
        8,
        "larder: memo: the entry \"k\" in \"m\" is not a memo result\nhint: delete it, or use another key\n",
    );
    t.run(["get", "m", "k"]).ok("mine");
}

/// Nobody would ever get the result that a command waits for to make it.
#[test]
fn a_result_cannot_wait_for_itself() {
    let t = Test::new();
    let message = "larder: memo: memo \"k\" in \"m\" is waiting for itself (nested call)\n\
                   hint: waiting for it would never end; use another key\n";
    t.sh("larder memo m k --ttl 1h -- larder memo m k --ttl 1h -- echo never").fails(125, message);
    t.sh(
        "larder memo m k --ttl 1h -- larder memo m other --ttl 1h -- larder memo m k --ttl 1h -- echo never",
    )
    .fails(125, message);
    t.sh("larder --json memo m k --ttl 1h -- larder --json memo m k --ttl 1h -- echo never")
        .json_error(125, "io");
    t.sh("larder memo m k --ttl 1h -- larder memo m other --ttl 1h -- echo made").ok("made\n");
}

/// A command that outlives the run it was started by may make the result anew.
#[test]
fn what_was_left_behind_is_not_part_of_a_run() {
    let t = Test::new();
    t.sh(
        "larder memo m k --ttl 1h -- sh -c '(while [ ! -e go ]; do sleep 0.01; done; larder memo m k --ttl 1h -- echo again >later; touch done) >/dev/null 2>&1 & exit 1'",
    )
    .exits(1, "", "");
    let mut other = Command::new(LARDER)
        .args(["memo", "m", "k", "--ttl", "1h", "--", "/bin/sh", "-c", "touch go; sleep 0.3; exit 1"])
        .env_clear()
        .env("HOME", t.home())
        .env("PATH", "/usr/bin:/bin")
        .current_dir(t.home())
        .spawn()
        .expect("start larder");
    while !t.path("done").exists() {
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    assert_eq!(other.wait().expect("wait").code(), Some(1));
    assert_eq!(t.read("later"), b"again\n");
}

#[test]
fn what_cannot_be_passed_on_is_kept_all_the_same() {
    for (sink, why) in [(">/dev/full", "No space left on device"), (">&-", "Bad file descriptor")] {
        let t = Test::new();
        let message = format!("larder: memo: standard output: {why}\n");
        let script = format!("larder memo m k --ttl 1h -- sh -c 'echo run >>runs; echo result' {sink}");
        t.sh(&script).fails(125, &message);
        t.sh(&script).fails(125, &message);
        assert_eq!(t.read("runs"), b"run\n");
        t.run(["memo", "m", "k", "--ttl", "1h", "--", "/bin/false"]).ok("result\n");
    }
    let t = Test::new();
    t.sh("larder memo m k --ttl 1h -- sh -c 'sleep 0.1; echo result' | true").ok("");
    t.run(["memo", "m", "k", "--ttl", "1h", "--", "/bin/false"]).ok("result\n");
}

/// A command that ends with 0 on SIGTERM left half an output, which was kept as
/// a success and replayed for the whole TTL; with --cache-failures Ctrl-C was
/// enough.
#[test]
fn what_a_signal_cut_short_is_not_kept() {
    let t = Test::new();
    // Under nohup SIGHUP is ignored, by memo as well.
    let own = std::fs::read_to_string("/proc/self/status").expect("status");
    let ignored = own.lines().find_map(|line| line.strip_prefix("SigIgn:\t")).expect("signals");
    let hears_hangup = ignored.ends_with(['0', '2', '4', '6', '8', 'a', 'c', 'e']);
    for (signal, status) in [(Signal::SIGTERM, "0"), (Signal::SIGINT, "7"), (Signal::SIGHUP, "0")] {
        if signal == Signal::SIGHUP && !hears_hangup {
            continue;
        }
        let script =
            format!("trap 'exit {status}' TERM INT HUP; echo half; : >ready; while :; do sleep 0.01; done");
        let memo = crate::shell::lock::start(
            &t,
            &["memo", "m", "k", "--ttl", "1h", "--cache-failures", "--", "/bin/sh", "-c", &script],
        );
        crate::shell::lock::until("the command", || t.path("ready").exists());
        crate::shell::lock::signal(&memo, signal);
        let output = memo.wait_with_output().expect("wait");
        assert_eq!(output.status.code(), status.parse().ok(), "{signal}");
        assert_eq!(output.stdout, b"half\n");
        t.run(["list", "m"]).ok("");
        std::fs::remove_file(t.path("ready")).expect("ready");
    }
}

#[test]
fn no_result_is_kept_past_the_year_9999() {
    let t = Test::new();
    for durations in [&["--ttl", "9000000d"][..], &["--ttl", "1h", "--stale", "9000000d"]] {
        let args = [&["memo", "m", "k"], durations, &["--", "/bin/true"]].concat();
        t.run(args).fails(2, "larder: memo: --ttl plus --stale ends past the year 9999\n");
    }
}

/// Where a user may have no more threads memo panicked, and the command that
/// it had started went on unwatched.
#[test]
fn no_thread_is_an_error_and_no_panic() {
    use std::os::unix::fs::{PermissionsExt, chown};

    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let t = Test::new();
    std::fs::copy(crate::common::LARDER, t.path("larder")).expect("copy larder");
    std::fs::set_permissions(t.home(), std::fs::Permissions::from_mode(0o755)).expect("open the home");
    std::fs::create_dir(t.path("own")).expect("a directory");
    // A user of no other test: the limit counts all that a user runs.
    let user = 7_700_031;
    chown(t.path("own"), Some(user), None).expect("give it away");
    // Room for larder and its command, and for no thread of larder's.
    let script = format!(
        "cd own; exec setpriv --reuid {user} --clear-groups prlimit --nproc=2 ../larder --db s.db memo m k --ttl 1h -- /bin/sleep 60"
    );
    t.sh(&script).fails_with(125, "larder: memo: \"/bin/sleep\": Resource temporarily unavailable");
    t.sh(&format!("pgrep -U {user} sleep")).fails(1, "");
}

/// The store was looked for at the start only. One that was removed while the
/// command ran was made anew, with nothing in it but the result.
#[test]
fn a_store_that_must_exist_is_not_made_anew() {
    let t = Test::new();
    t.run(["set", "g", "k", "v"]).ok("");
    let command =
        ["memo", "m", "k", "--ttl", "1h", "--", "/bin/sh", "-c", "rm .local/share/larder/*; echo made"];
    let output = t.run(["--must-exist"].into_iter().chain(command)).output();
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(0), b"made\n".as_slice()));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.starts_with("larder: memo: the result was not kept: there is no store at "), "{told}");
    assert!(!t.db().exists());
}

#[test]
fn for_ever_and_anew() {
    let t = Test::new();
    let memo = |options: &str, command: &str| t.sh(&format!("larder memo c k {options} -- {command}"));
    memo("--forever", "echo one").ok("one\n");
    memo("--forever", "echo two").ok("one\n");
    memo("--ttl 1h", "echo two").ok("one\n");
    t.run(["ttl", "c", "k"]).ok("never\n");
    memo("--ttl 1h --refresh", "echo three").ok("three\n");
    memo("--forever", "echo four").ok("three\n");
    let left = String::from_utf8(t.run(["ttl", "c", "k"]).output().stdout).unwrap();
    assert!(left.trim().parse::<i64>().is_ok_and(|left| left <= 3_600_000), "{left}");
    // A failure leaves what was there.
    memo("--forever --refresh", "false").exits(1, "", "");
    memo("--forever", "echo five").ok("three\n");
    memo("--ttl 1h --stale 1h --refresh", "echo six").ok("six\n");
    t.run(["set", "c", "k", "no result"]).ok("");
    memo("--forever --refresh", "echo seven").fails_with(8, "is not a memo result");
    memo("--forever --ttl 1h", "true").fails_with(2, "cannot be used with");
    memo("--forever --stale 1h", "true").fails_with(2, "cannot be used with");
    memo("", "true").fails_with(2, "--ttl <DUR>|--forever");
}
