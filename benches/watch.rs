//! The watch, measured: how late, how idle, how large. `cargo bench --bench
//! watch` prints figure, limit and verdict; latencies are absolute because a
//! person or a script waits for them, everything else is a count or a size.

// A bench reports on standard output.
#![allow(clippy::print_stdout, missing_docs)]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use larder::store::{Condition, Expiry, Store, StoreOptions};

const LARDER: &str = env!("CARGO_BIN_EXE_larder");

fn main() {
    let full = std::env::var_os("LARDER_BENCH").is_some_and(|v| v == "full");
    println!("{:<58} {:>12} {:>12}", "", "measured", "limit");
    latency(full);
    foreign_latency();
    idle();
    wal_with_three_watchers();
    memory(if full { 1_000_000 } else { 100_000 });
}

fn row(what: &str, measured: f64, limit: f64, unit: &str) {
    let verdict = if measured <= limit { "ok" } else { "MISS" };
    println!("{what:<58} {measured:>9.3} {unit:<2} {limit:>9.1} {unit:<2} {verdict}");
}

struct Watcher {
    child: Child,
    lines: Receiver<Instant>,
}

impl Watcher {
    fn start(path: &std::path::Path) -> Self {
        let mut child = Command::new(LARDER)
            .arg("--db")
            .arg(path)
            .args(["watch", "--after", "0"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("start larder watch");
        let stdout = child.stdout.take().expect("its output");
        let (send, lines) = channel();
        thread::spawn(move || {
            for _ in BufReader::new(stdout).lines().map_while(Result::ok) {
                if send.send(Instant::now()).is_err() {
                    break;
                }
            }
        });
        Self { child, lines }
    }

    fn line(&self) -> Instant {
        self.lines.recv_timeout(Duration::from_mins(1)).expect("a line from the watch")
    }

    /// User and system time so far, in seconds, and resident memory in KiB.
    fn usage(&self) -> (f64, f64) {
        let read =
            |name: &str| std::fs::read_to_string(format!("/proc/{}/{name}", self.child.id())).expect("/proc");
        let stat = read("stat");
        let after_name = stat.rsplit(") ").next().unwrap_or_default();
        let field =
            |n: usize| after_name.split(' ').nth(n).and_then(|f| f.parse::<f64>().ok()).unwrap_or(0.0);
        let status = read("status");
        let rss = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let rss = rss.and_then(|v| v.split_whitespace().next()).and_then(|v| v.parse().ok());
        // Clock ticks are hundredths of a second on every Linux there is.
        ((field(11) + field(12)) / 100.0, rss.unwrap_or(0.0))
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn set(store: &Store, key: &str) {
    store.write(|tx| tx.set("g", key, b"value", Expiry::Never, &Condition::Any)).expect("set");
}

/// A store with one entry, and a watch that has shown it.
fn watched() -> (tempfile::TempDir, Store, Watcher) {
    let dir = tempfile::tempdir().expect("a directory");
    let store = Store::create(&StoreOptions::new(dir.path().join("store.db"))).expect("a store");
    set(&store, "first");
    let watcher = Watcher::start(store.path());
    watcher.line();
    (dir, store, watcher)
}

/// Milliseconds from `since` to the line, sorted.
fn sorted(mut late: Vec<f64>) -> Vec<f64> {
    late.sort_by(f64::total_cmp);
    late
}

fn millis_to(line: Instant, since: Instant) -> f64 {
    line.saturating_duration_since(since).as_secs_f64() * 1000.0
}

fn latency(full: bool) {
    let (_dir, store, watcher) = watched();
    let late = sorted(
        (0..if full { 10_000 } else { 1000 })
            .map(|i| {
                set(&store, &format!("k{i}"));
                let committed = Instant::now();
                thread::sleep(Duration::from_millis(1));
                millis_to(watcher.line(), committed)
            })
            .collect(),
    );
    row("commit to line, with the bell, median", late[late.len() / 2], 1.0, "ms");
    row("commit to line, with the bell, p99", late[late.len() * 99 / 100], 1.0, "ms");
}

fn foreign_latency() {
    let (_dir, store, watcher) = watched();
    let conn = rusqlite::Connection::open(store.path()).expect("open as a foreign client");
    let late = sorted(
        (0..20)
            .map(|i| {
                conn.execute(
                    "INSERT INTO entries(group_name,entry_key,entry_value) VALUES('f',?1,'v')",
                    [format!("k{i}")],
                )
                .expect("insert");
                let committed = Instant::now();
                millis_to(watcher.line(), committed)
            })
            .collect(),
    );
    row("commit to line, foreign writer, worst of 20", late[19], 300.0, "ms");
}

fn idle() {
    let (_dir, _store, watcher) = watched();
    let (before, _) = watcher.usage();
    thread::sleep(Duration::from_secs(20));
    let (after, _) = watcher.usage();
    row("CPU of an idle watch, a minute", (after - before) * 3.0, 0.1, "s");
}

// Sizes here are far from where a float loses whole numbers.
#[allow(clippy::cast_precision_loss)]
fn wal_with_three_watchers() {
    let (_dir, store, first) = watched();
    let watchers = [first, Watcher::start(store.path()), Watcher::start(store.path())];
    watchers[1..].iter().for_each(|watcher| {
        watcher.line();
    });
    let mut wal = store.path().as_os_str().to_owned();
    wal.push("-wal");
    let mut largest = 0;
    for i in 0..20_000 {
        set(&store, &format!("k{}", i % 100));
        if i % 100 == 0 {
            largest = largest.max(std::fs::metadata(&wal).map_or(0, |meta| meta.len()));
        }
    }
    for watcher in &watchers {
        (0..20_000).for_each(|_| {
            watcher.line();
        });
    }
    row("write-ahead log, 20,000 writes, three watches, MiB", largest as f64 / 1_048_576.0, 16.0, "");
}

fn memory(changes: usize) {
    let (_dir, store, watcher) = watched();
    let write = |n: usize| {
        for batch in 0..n / 100 {
            let write = store.write(|tx| {
                for i in 0..100 {
                    let value = batch.to_string();
                    tx.set("g", format!("k{i}"), value.as_bytes(), Expiry::Never, &Condition::Any)?;
                }
                Ok(())
            });
            write.expect("set");
        }
        (0..n).for_each(|_| {
            watcher.line();
        });
        watcher.usage().1
    };
    let early = write(changes / 10);
    let late = write(changes);
    row(&format!("memory after {changes} changes against a tenth, ratio"), late / early, 1.2, "");
}
