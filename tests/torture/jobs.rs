//! Ten workers, a thousand jobs, SIGKILL and SIGSTOP at random: each job is
//! done, none by two workers within a lease.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::process::Child;
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::harness::{Home, Rng, size};

/// Says in one file when it begins and ends, by whom it was started. Some take
/// their time, some fail at first.
const SCRIPT: &str = r#"
echo "b $LARDER_KEY $LARDER_ATTEMPT $PPID" >> log
case $LARDER_KEY in *3) sleep 0.2 ;; esac
case $LARDER_KEY.$LARDER_ATTEMPT in *7.1) echo "f $LARDER_KEY $LARDER_ATTEMPT $PPID" >> log; exit 1 ;; esac
echo "e $LARDER_KEY $LARDER_ATTEMPT $PPID" >> log
"#;

const WORKERS: usize = 10;

fn worker(home: &Home, number: usize) -> Child {
    let told = File::options().create(true).append(true).open(home.file("told")).unwrap();
    let jobs = if number.is_multiple_of(3) { "3" } else { "1" };
    home.command(["take", "q", "--lease", "1s", "--retry", "1000", "--backoff", "10ms", "--jobs", jobs])
        .args(["--", "/bin/sh", "-c", SCRIPT])
        .env("PATH", "/usr/bin:/bin")
        .stderr(told)
        .spawn()
        .unwrap()
}

fn signal(child: &Child, signal: Signal) {
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), signal).unwrap();
}

#[test]
fn no_job_is_lost_and_none_is_in_two_hands() {
    let mut rng = Rng::new("no_job_is_lost_and_none_is_in_two_hands");
    let home = Home::new();
    let count = size(1000);
    let line = |n| format!("{{\"op\":\"set\",\"group\":\"q\",\"key\":\"j{n:06}\",\"value\":\"{n}\"}}\n");
    let lines: Vec<String> = (0..count).map(line).collect();
    fs::write(home.file("lines"), lines.concat()).unwrap();
    home.ok(["batch", "lines"]);
    let mut workers: Vec<Child> = (0..WORKERS).map(|n| worker(&home, n)).collect();
    let mut stopped: BTreeMap<usize, Instant> = BTreeMap::new();
    let mut victims = BTreeSet::new();
    let mut blows = size(60);
    let deadline = Instant::now() + Duration::from_secs(size(240) as u64);
    while home.ok(["count", "q"]) != "0\n" {
        assert!(Instant::now() < deadline, "{} jobs are left", home.ok(["count", "q"]));
        sleep(Duration::from_millis(20 + rng.below(60) as u64));
        let woken: Vec<usize> =
            stopped.iter().filter(|(_, at)| Instant::now() >= **at).map(|(n, _)| *n).collect();
        for n in woken {
            stopped.remove(&n);
            signal(&workers[n], Signal::SIGCONT);
        }
        if blows == 0 {
            continue;
        }
        let n = rng.below(WORKERS);
        if rng.one_in(2) {
            victims.insert(workers[n].id());
            signal(&workers[n], Signal::SIGKILL);
            workers[n].wait().unwrap();
            stopped.remove(&n);
            workers[n] = worker(&home, n);
        } else if !stopped.contains_key(&n) && stopped.len() < WORKERS / 2 {
            victims.insert(workers[n].id());
            signal(&workers[n], Signal::SIGSTOP);
            stopped.insert(n, Instant::now() + Duration::from_millis(rng.below(2500) as u64));
        }
        blows -= 1;
    }
    for n in stopped.keys() {
        signal(&workers[*n], Signal::SIGCONT);
    }
    for child in &mut workers {
        signal(child, Signal::SIGTERM);
        assert_eq!(child.wait().unwrap().code(), Some(0));
    }
    home.check();
    assert_eq!(home.ok(["list"]), "");
    assert_eq!(home.ok(["--json", "info"]).matches("\"jobs_leased\":0").count(), 1);
    judge(&home, count, &victims);
}

/// What the commands have written, in the order of its writing.
fn judge(home: &Home, count: usize, victims: &BTreeSet<u32>) {
    let notes = fs::read_to_string(home.file("told")).unwrap();
    let mut open: BTreeMap<String, (u32, u32)> = BTreeMap::new();
    let mut newest: BTreeMap<String, u32> = BTreeMap::new();
    let mut done = BTreeSet::new();
    for line in fs::read_to_string(home.file("log")).unwrap().lines() {
        let fields: Vec<&str> = line.split(' ').collect();
        let [what, key, attempt, worker] = fields[..] else { panic!("{line}") };
        let (attempt, worker): (u32, u32) = (attempt.parse().unwrap(), worker.parse().unwrap());
        if what == "b" {
            let before = newest.insert(key.to_owned(), attempt).unwrap_or(0);
            assert!(attempt > before, "{line}: attempt {before} was before it");
            // A slow machine may lose a lease without anybody's doing; then the
            // worker says so.
            if let Some((earlier, by)) = open.insert(key.to_owned(), (attempt, worker)) {
                let told_so = notes.contains(&format!("job \"{key}\" of \"q\": its lease has expired"));
                assert!(victims.contains(&by) || told_so, "{line}: attempt {earlier} by {by} had not ended");
            }
            continue;
        }
        if open.get(key).is_some_and(|(open, _)| *open == attempt) {
            open.remove(key);
        }
        if what == "e" {
            done.insert(key.to_owned());
        }
    }
    assert_eq!(done.len(), count);
    for (key, attempts) in newest.iter().filter(|(key, _)| key.ends_with('7')) {
        assert!(*attempts > 1, "{key} had failed once");
    }
}
