//! Many writers, many watchers, one order.

use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use nix::sys::signal::Signal;

use crate::common::watcher::Watcher;
use crate::common::{LARDER, Test};

const WRITERS: usize = 20;
const CHANGES: usize = 100;

/// 20 writers make 100 changes each while three watch: one undisturbed, one
/// killed and resumed ten times, one stopped for a while. Each sees every
/// change, in order; nothing twice within a run, and a resumed consumer
/// repeats at most what the killed one had not yet marked as handled.
#[test]
fn complete_ordered_and_without_repeats() {
    let t = Test::new();
    t.run(["set", "start", "k", "v"]).ok("");
    let total = WRITERS * CHANGES;
    let steady = Watcher::start(&t, &["w", "--after", "1", "--count", &total.to_string()]);
    let stopped = Watcher::start(&t, &["w", "--after", "1", "--count", &total.to_string()]);
    let writing = AtomicBool::new(true);
    let mut runs: Vec<Vec<i64>> = Vec::new();
    thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let t = &t;
                scope.spawn(move || {
                    for i in 0..CHANGES {
                        let status = Command::new(LARDER)
                            .args(["set", "w", &format!("{writer}-{i}"), "v", "--busy-timeout", "60s"])
                            .env_clear()
                            .env("HOME", t.home())
                            .status()
                            .expect("run larder set");
                        assert!(status.success(), "{status}");
                    }
                })
            })
            .collect();
        stopped.signal(Signal::SIGSTOP);
        for _ in 0..10 {
            let mut killed = Watcher::start(
                &t,
                &["w", "--consumer", "c"]
                    .iter()
                    .chain(if runs.is_empty() { ["--after", "1"].iter() } else { [].iter() })
                    .copied()
                    .collect::<Vec<_>>(),
            );
            let mut seen: Vec<i64> = killed.take(20).iter().map(|line| seq(line)).collect();
            killed.signal(Signal::SIGKILL);
            killed.end();
            seen.extend(killed.rest().iter().map(|line| seq(line)));
            runs.push(seen);
        }
        for writer in writers {
            writer.join().expect("a writer");
        }
        writing.store(false, Ordering::Relaxed);
        stopped.signal(Signal::SIGCONT);
    });
    let first = 2;
    let last = i64::try_from(total).expect("small") + 1;
    let expected: Vec<i64> = (first..=last).collect();
    for watcher in [steady, stopped] {
        let seen: Vec<i64> = watcher.rest().iter().map(|line| seq(line)).collect();
        assert_eq!(seen, expected);
    }
    // The last run of the consumer reads to the end.
    let mut rest = Watcher::start(&t, &["w", "--consumer", "c"]);
    let mut seen = vec![seq(&rest.line())];
    while *seen.last().expect("one") < last {
        seen.push(seq(&rest.line()));
    }
    rest.finish();
    runs.push(seen);
    let mut reached = first - 1;
    for run in &runs {
        assert!(run.windows(2).all(|pair| pair[1] == pair[0] + 1), "a gap or a repeat within {run:?}");
        assert!(run[0] <= reached + 1, "changes after {reached} were lost: the next run began at {}", run[0]);
        reached = reached.max(*run.last().expect("not empty"));
    }
    assert_eq!(reached, last);
}

/// Two watches claim the same due entries: each is in the log once.
#[test]
fn an_expiry_is_reported_once() {
    let t = Test::new();
    t.run(["set", "start", "k", "v"]).ok("");
    let watchers: Vec<Watcher> =
        (0..2).map(|_| Watcher::start(&t, &["e", "--after", "1", "--count", "100"])).collect();
    for i in 0..50 {
        t.run(["set", "e", &format!("k{i}"), "v", "--ttl", "30ms"]).ok("");
    }
    let logs: Vec<Vec<String>> = watchers.iter().map(Watcher::rest).collect();
    assert_eq!(logs[0].len(), 100);
    assert_eq!(logs[0], logs[1]);
    assert_eq!(t.number("SELECT count(*) FROM larder_changes WHERE type='expire'"), 50);
    assert_eq!(t.number("SELECT count(*) FROM larder_changes WHERE type='delete'"), 0);
}

#[test]
fn survives_vacuum_checkpoint_and_trimming_ahead_of_it() {
    let t = Test::new();
    t.run(["set", "g", "k", "0"]).ok("");
    let mut w = Watcher::start(&t, &["--after", "0"]);
    w.line();
    for i in 1..=5 {
        t.run(["set", "g", "k", &i.to_string()]).ok("");
        assert_eq!(w.line(), format!("{}\tset\tg\tk", i + 1));
        t.run(["purge", "--keep-changes", "1", "--vacuum"]).ok("");
        t.sql().query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).expect("checkpoint");
    }
    w.finish();
}

fn seq(line: &str) -> i64 {
    line.split('\t')
        .next()
        .and_then(|seq| seq.parse().ok())
        .unwrap_or_else(|| panic!("no sequence number: {line}"))
}
