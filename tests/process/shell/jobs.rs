//! Sharing work: push, take, ack, nack.

use std::collections::BTreeSet;
use std::process::Child;

use nix::sys::signal::Signal;
use serde_json::Value;

use super::lock::{signal, start, until};
use crate::common::{Test, status};

fn push(t: &Test, args: &[&str]) -> String {
    let output = t.run([&["push"], args].concat()).output();
    assert_eq!((status(&output), output.stderr.as_slice()), (0, &b""[..]));
    String::from_utf8(output.stdout).expect("a key").trim_end().to_owned()
}

/// A job, by the way without a command.
fn take(t: &Test, args: &[&str]) -> Value {
    t.run([&["take"], args].concat()).json()
}

fn text(value: &Value) -> &str {
    value.as_str().expect("text")
}

fn end(mut child: Child) -> (i32, String, String) {
    let status = child.wait().expect("wait");
    let output = child.wait_with_output().expect("output");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

#[test]
fn a_job_goes_from_hand_to_hand() {
    let t = Test::new();
    let first = push(&t, &["q", "one"]);
    let second = push(&t, &["q", "--value=-"]);
    assert!(first < second && second.starts_with('1'), "{first} {second}");
    t.run(["push", "q", "-"]).stdin("three").output();
    t.run(["set", "q", "plain", "four"]).ok("");
    let script = "printf '%s|' \"$(cat)\" $LARDER_TYPE $LARDER_GROUP $LARDER_KEY $LARDER_SEQ $LARDER_ATTEMPT ${#LARDER_RECEIPT}; echo";
    let taken = t.run(["take", "q", "--drain", "--", "/bin/sh", "-c", script]).output();
    let taken = String::from_utf8(taken.stdout).expect("text");
    let lines: Vec<&str> = taken.lines().collect();
    assert_eq!(lines[0], format!("one|set|q|{first}|1|1|24|"));
    assert_eq!(lines[1], format!("-|set|q|{second}|2|1|24|"));
    assert!(lines[2].starts_with("three|set|q|"));
    assert_eq!(lines[3], "four|set|q|plain|4|1|24|");
    t.run(["list", "q"]).ok("");
    t.run(["check"]).ok("");
}

#[test]
fn without_a_command_a_job_is_printed_and_answered_for() {
    let t = Test::new();
    let key = push(&t, &["q", "v", "--ttl", "1h"]);
    let job = take(&t, &["q"]);
    assert_eq!(
        (text(&job["group"]), text(&job["key"]), text(&job["value"]), &job["attempt"]),
        ("q", key.as_str(), "v", &1.into())
    );
    assert!(text(&job["until"]).ends_with('Z'));
    let receipt = text(&job["receipt"]).to_owned();
    let shown = t.run(["list", "q", "--json"]).json();
    assert_eq!((&shown["attempts"], &shown["leased_until"]), (&1.into(), &job["until"]));
    assert!(!shown.to_string().contains(&receipt));
    let long = String::from_utf8(t.run(["list", "q", "--long"]).output().stdout).expect("text");
    assert!(long.contains(&format!("\tleased until {} by process ", text(&job["until"]))), "{long}");
    let info = t.run(["info", "--json"]).json();
    assert_eq!((&info["jobs_leased"], &info["jobs_waiting"]), (&1.into(), &0.into()));
    // Nobody else's.
    t.run(["take", "q", "--timeout", "50ms"]).fails(6, "larder: take: timed out after --timeout\n");
    let no = format!(
        "larder: ack: the receipt for key \"{key}\" in group \"q\" is not valid: the lease has expired, was ended, or belongs to another worker\n"
    );
    t.run(["ack", "q", &key, "another"]).fails(3, &no);
    t.run(["--json", "nack", "q", &key, "another"]).json_error(3, "condition_failed");
    t.run(["nack", "q", &key, &receipt, "--delay", "50ms"]).ok("");
    t.run(["ack", "q", &key, &receipt]).fails(3, no);
    let again = take(&t, &["q", "--timeout", "1m"]);
    assert_eq!(again["attempt"], 2);
    // Written anew meanwhile, it is another job.
    t.run(["set", "q", &key, "new"]).ok("");
    t.run(["ack", "q", &key, text(&again["receipt"])])
        .fails_with(3, "the entry was overwritten, and is a new job");
    let new = take(&t, &["q"]);
    assert_eq!((text(&new["value"]), &new["attempt"]), ("new", &1.into()));
    t.run(["ack", "q", &key, text(&new["receipt"])]).ok("");
    t.run(["take", "q", "--drain"]).fails(1, "larder: take: no job is left in group \"q\"\n");
    t.run(["list", "q"]).ok("");
}

#[test]
fn a_job_that_fails_comes_back_and_is_moved_in_the_end() {
    let t = Test::new();
    let key = push(&t, &["q", "bad"]);
    let script = "echo $LARDER_ATTEMPT; exit 7";
    let args = ["take", "q", "--drain", "--retry", "3", "--backoff", "20ms", "--", "/bin/sh", "-c", script];
    let output = t.run(args).output();
    assert_eq!((status(&output), output.stdout.as_slice()), (0, &b"1\n2\n3\n"[..]));
    let told = String::from_utf8(output.stderr).expect("text");
    let job = format!("larder: take: job \"{key}\" of \"q\": the command exited with status 7");
    assert_eq!(
        told,
        format!(
            "{job} (attempt 1); it is free again in 20ms\n{job} (attempt 2); it is free again in 40ms\n{job} (attempt 3); moved to \"q.dead\"\n"
        )
    );
    t.run(["list", "q"]).ok("");
    t.run(["get", "q.dead", &key]).ok("bad");
    let letter = t.run(["list", "q.dead", "--json"]).json();
    assert_eq!(
        (&letter["attempts"], text(&letter["failure"]), text(&letter["dead_from"])),
        (&3.into(), "exited with status 7", "q")
    );
    t.run(["take", "q", "--dead", "q"])
        .fails(2, "larder: take: failed jobs cannot be moved to their own group\n");
    // From there it can be taken again.
    t.run(["take", "q.dead", "--drain", "--", "/bin/sh", "-c", "echo $LARDER_ATTEMPT"]).ok("1\n");
    t.run(["check"]).ok("");
}

#[test]
fn the_scope_names_the_groups() {
    let t = Test::new();
    t.run(["-n", "ns", "push", "q", "v"]).output();
    let script = "echo $LARDER_NAMESPACE $LARDER_GROUP; larder list q";
    let t = &t;
    let printed =
        t.sh(&format!("larder -n ns take q --drain --retry 1 -- sh -c '{script}; exit 1'")).output();
    assert!(String::from_utf8_lossy(&printed.stdout).starts_with("ns q\n1"), "{printed:?}");
    let letter = t.run(["-n", "ns", "--json", "list", "q.dead"]).json();
    assert_eq!((text(&letter["namespace"]), text(&letter["dead_from"])), ("ns", "q"));
    t.run(["list"]).ok("ns:q.dead\n");
    let job = take(t, &["-n", "ns", "q.dead"]);
    assert_eq!((text(&job["namespace"]), text(&job["group"])), ("ns", "q.dead"));
}

#[test]
fn nonsense_is_refused() {
    let t = Test::new();
    for args in [
        &["take", "q", "--lease", "10ms"][..],
        &["take", "q", "--lease", "5"],
        &["take", "q", "--retry", "0"],
        &["take", "q", "--jobs", "0", "--", "true"],
        &["take", "q", "--jobs", "2"],
        &["take", "q", "--count", "x", "--", "true"],
        &["take", "q", "--backoff", "0s", "--", "true"],
        &["take", "q", "--drain", "--timeout", "1s"],
        &["take"],
        &["push", "q"],
        &["push", "q", "v", "--delay", "0s"],
        &["push", "q", "v", "--ttl", "90000000d"],
        &["ack", "q", "k"],
        &["nack", "q", "k", "r", "--delay", "-1s"],
    ] {
        let output = t.run(args).output();
        assert_eq!(status(&output), 2, "{args:?}");
        assert!(String::from_utf8(output.stderr).expect("text").lines().count() <= 2, "{args:?}");
    }
    // Nothing of it has made a store, and neither does looking into none.
    t.run(["take", "q", "--drain", "--", "true"]).ok("");
    t.run(["take", "q", "--drain"]).fails(1, "larder: take: no job is left in group \"q\"\n");
    t.run(["ack", "q", "k", "r"]).fails_with(3, "is not valid");
    assert!(!t.db().exists());
    t.run(["push", "q", "v"]).output();
    t.run(["take", "q", "--", "no-such-command"]).fails_with(127, "there is no command \"no-such-command\"");
    t.run(["take", "q", "--count", "0", "--", "true"]).ok("");
    t.run(["count", "q"]).ok("1\n");
}

/// A worker waits by the bell, also for what is delayed.
#[test]
fn workers_wait_for_jobs() {
    let t = Test::new();
    let worker = start(&t, &["take", "q", "--count", "3", "--", "/bin/cat"]);
    let other = start(&t, &["take", "q", "--timeout", "100ms", "--", "/bin/cat"]);
    assert_eq!(end(other), (6, String::new(), "larder: take: timed out after --timeout\n".into()));
    push(&t, &["q", "a"]);
    push(&t, &["q", "b", "--delay", "300ms"]);
    until("the first job", || t.run(["count", "q"]).output().stdout == b"1\n");
    t.execute("INSERT INTO entries(group_name,entry_key,entry_value)VALUES('q','foreign','c')");
    let (code, mut printed, told) = end(worker);
    assert!(printed.starts_with('a'));
    printed.retain(|c| c != 'a');
    assert!(code == 0 && ["bc", "cb"].contains(&&*printed) && told.is_empty(), "{printed} {told}");
}

#[test]
fn a_worker_runs_many_at_once() {
    let t = Test::new();
    for n in 0..4 {
        push(&t, &["q", &n.to_string()]);
    }
    // Each waits until all four run.
    let script = "touch $(cat); while [ $(ls | grep -c '^[0-3]$') -lt 4 ]; do sleep 0.01; done";
    t.run(["take", "q", "--jobs", "4", "--drain", "--", "/bin/sh", "-c", script]).ok("");
    t.run(["list", "q"]).ok("");
}

/// The job of a worker that is killed comes back when the lease has run out,
/// and its command does not go on beside the next worker.
#[test]
fn a_killed_worker_frees_its_job() {
    let t = Test::new();
    push(&t, &["q", "v"]);
    let script = "echo $$ > pid; exec sleep 600";
    let mut worker = start(&t, &["take", "q", "--lease", "1s", "--", "/bin/sh", "-c", script]);
    until("the command", || t.path("pid").exists() && !t.read("pid").is_empty());
    signal(&worker, Signal::SIGKILL);
    worker.wait().expect("wait");
    let pid = String::from_utf8(t.read("pid")).expect("text");
    until("the end of its command", || {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
        stat.map_or(true, |stat| stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('Z')))
    });
    let job = take(&t, &["q", "--timeout", "1m"]);
    assert_eq!(job["attempt"], 2);
}

/// A stopped worker knows nothing of the time. Its job goes to another one;
/// and when it wakes, its command is ended before it could report success.
#[test]
fn a_stopped_worker_loses_its_job() {
    let t = Test::new();
    push(&t, &["q", "v"]);
    let script =
        "echo started > started; while [ ! -e go ]; do sleep 0.01; done; sleep 0.3; echo late >> done";
    let worker = start(&t, &["take", "q", "--lease", "300ms", "--count", "1", "--", "/bin/sh", "-c", script]);
    until("the command", || t.path("started").exists());
    signal(&worker, Signal::SIGSTOP);
    let job = take(&t, &["q", "--timeout", "1m"]);
    assert_eq!(job["attempt"], 2);
    signal(&worker, Signal::SIGCONT);
    let (code, _, told) = end(worker);
    assert_eq!(code, 0);
    assert!(told.contains("its lease has expired; ending the command"), "{told}");
    assert!(!t.path("done").exists());
    t.run(["ack", "q", text(&job["key"]), text(&job["receipt"])]).ok("");
}

/// The command of a stopped worker succeeds while that is stopped: it is too
/// late to say so.
#[test]
fn a_late_success_does_not_count() {
    let t = Test::new();
    let key = push(&t, &["q", "v"]);
    let script = "echo x > started; while [ ! -e go ]; do sleep 0.01; done; echo x > ended";
    let worker = start(&t, &["take", "q", "--lease", "300ms", "--count", "1", "--", "/bin/sh", "-c", script]);
    until("the command", || t.path("started").exists());
    signal(&worker, Signal::SIGSTOP);
    t.write("go", "");
    until("its end", || t.path("ended").exists());
    let job = take(&t, &["q", "--timeout", "1m"]);
    signal(&worker, Signal::SIGCONT);
    let (code, _, told) = end(worker);
    assert_eq!((code, told.contains("lease has expired")), (0, true), "{told}");
    t.run(["get", "q", &key]).ok("v");
    t.run(["ack", "q", &key, text(&job["receipt"])]).ok("");
}

#[test]
fn a_lease_is_renewed_while_the_command_runs() {
    let t = Test::new();
    push(&t, &["q", "v"]);
    let script = "echo x > started; while [ ! -e go ]; do sleep 0.01; done";
    let worker = start(&t, &["take", "q", "--lease", "300ms", "--drain", "--", "/bin/sh", "-c", script]);
    until("the command", || t.path("started").exists());
    let held = |t: &Test| text(&t.run(["list", "q", "--json"]).json()["leased_until"]).to_owned();
    let first = held(&t);
    // Four times: longer than one lease.
    let mut seen = BTreeSet::from([first]);
    until("renewals", || {
        seen.insert(held(&t));
        seen.len() > 4
    });
    t.write("go", "");
    assert_eq!(end(worker), (0, String::new(), String::new()));
    t.run(["list", "q"]).ok("");
}

/// A signal ends a worker when the job in hand is done; a second one does not
/// wait, and the job it had is free, as if it had not been tried.
#[test]
fn signals_end_a_worker() {
    let t = Test::new();
    push(&t, &["q", "a"]);
    push(&t, &["q", "b"]);
    let script = "echo x > started; while [ ! -e go ]; do sleep 0.01; done";
    let worker = start(&t, &["take", "q", "--", "/bin/sh", "-c", script]);
    until("the command", || t.path("started").exists());
    signal(&worker, Signal::SIGTERM);
    std::thread::sleep(std::time::Duration::from_millis(50));
    t.write("go", "");
    assert_eq!(end(worker), (0, String::new(), String::new()));
    t.run(["count", "q"]).ok("1\n");
    std::fs::remove_file(t.path("go")).expect("remove");
    std::fs::remove_file(t.path("started")).expect("remove");
    let worker = start(&t, &["take", "q", "--", "/bin/sh", "-c", script]);
    until("the command", || t.path("started").exists());
    signal(&worker, Signal::SIGTERM);
    std::thread::sleep(std::time::Duration::from_millis(50));
    signal(&worker, Signal::SIGTERM);
    let (code, _, told) = end(worker);
    assert_eq!(code, 0);
    assert!(told.ends_with("the command was ended; it is free again in 0ms\n"), "{told}");
    assert_eq!(take(&t, &["q"])["attempt"], 1);
}

/// What a command has started outlives it by as much as 5 seconds after its
/// lease was lost. A worker that waited for that lost the leases on its other
/// jobs.
#[test]
fn what_a_command_leaves_behind_holds_up_no_other_job() {
    let t = Test::new();
    push(&t, &["q", "stays"]);
    let lost = push(&t, &["q", "lost"]);
    let script =
        "if [ $(cat) = stays ]; then echo x > stays; while [ ! -e go ]; do sleep 0.01; done; exit; fi
        trap '' TERM; sleep 600 > /dev/null 2>&1 & echo x > started; trap - TERM; wait";
    let args = ["take", "q", "--jobs", "2", "--count", "2", "--lease", "1s", "--", "/bin/sh", "-c", script];
    let worker = start(&t, &args);
    until("the commands", || t.path("started").exists() && t.path("stays").exists());
    // Another process has it all of a sudden.
    t.execute(&format!("UPDATE larder_leases SET receipt='another' WHERE entry_key='{lost}'"));
    until("its end", || {
        t.run(["list", "q", "--json"])
            .json_lines()
            .iter()
            .any(|job| job["free_at"].is_null() && job["leased_until"].is_null())
    });
    t.write("go", "");
    let (code, _, told) = end(worker);
    assert_eq!((code, told.matches("its lease has expired").count()), (0, 1), "{told}");
    assert_eq!(t.run(["list", "q"]).output().stdout, format!("{lost}\n").as_bytes());
}

/// Whoever waits for nothing takes no time from anybody.
#[test]
fn an_idle_worker_does_not_spin() {
    let t = Test::new();
    push(&t, &["q", "first"]);
    t.run(["take", "q", "--count", "1", "--", "true"]).ok("");
    push(&t, &["q", "v", "--delay", "1h"]);
    t.run(["set", "q", "held", "v"]).ok("");
    assert_eq!(take(&t, &["q"])["key"], "held");
    t.run(["set", "q", "held", "anew"]).ok("");
    let worker = start(&t, &["take", "q", "--", "true"]);
    // It has opened the store and looked, once it holds the file.
    std::thread::sleep(std::time::Duration::from_millis(700));
    let ticks = || {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", worker.id())).expect("its times");
        let fields: Vec<&str> = stat.rsplit(") ").next().expect("fields").split(' ').collect();
        fields[11].parse::<u64>().expect("user time") + fields[12].parse::<u64>().expect("system time")
    };
    let before = ticks();
    std::thread::sleep(std::time::Duration::from_secs(3));
    // A hundredth of a second each; a worker that spins takes all 300.
    let spent = ticks() - before;
    assert!(spent <= 10, "{spent} ticks in 3 seconds");
    signal(&worker, Signal::SIGTERM);
    assert_eq!(end(worker), (0, String::new(), String::new()));
}

#[test]
fn quotas_and_grants_mean_what_they_mean_everywhere() {
    let t = Test::new();
    t.run(["quota", "set", "ns", "--max-keys", "1"]).ok("");
    t.run(["-n", "ns", "push", "q", "v"]).output();
    let refused = t.run(["-n", "ns", "push", "q", "v"]).output();
    assert_eq!(status(&refused), 4);
    // The move to the dead letters is no new key.
    t.run(["-n", "ns", "-q", "take", "q", "--drain", "--retry", "1", "--", "false"]).ok("");
    t.run(["-n", "ns", "count", "q.dead"]).ok("1\n");
}
