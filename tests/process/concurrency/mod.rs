//! Many processes at once: what each of them was told is true in the end.
//! Crowds that only must not fail are in `torture`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use larder::store::{Limits, Namespace, Store, StoreOptions};
use rusqlite::Connection;

/// A home, and a store that is yet to be.
struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn db(&self) -> PathBuf {
        self.0.path().join("s.db")
    }

    fn start(&self, args: &[&str]) -> Child {
        command(self.0.path()).args(args).spawn().unwrap()
    }

    fn ok(&self, args: &[&str]) -> String {
        let output = self.start(args).wait_with_output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Starts all, waits for all; each has to end with one of these statuses.
    fn crowd(&self, lines: &[Vec<String>], allowed: &[i32]) -> Vec<Output> {
        let children: Vec<Child> = lines
            .iter()
            .map(|line| self.start(&line.iter().map(String::as_str).collect::<Vec<_>>()))
            .collect();
        lines
            .iter()
            .zip(children)
            .map(|(line, child)| {
                let output = child.wait_with_output().unwrap();
                let code = output.status.code().unwrap_or(-1);
                assert!(
                    allowed.contains(&code),
                    "{line:?}: {code} {}",
                    String::from_utf8_lossy(&output.stderr)
                );
                output
            })
            .collect()
    }
}

fn command(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_larder"));
    command.env_clear().env("HOME", home).env("LARDER_DB", home.join("s.db"));
    // 50 processes share two cores and a disk with other tests.
    command.arg("--busy-timeout=60s");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn line(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[test]
fn increments_add_up() {
    let home = Home::new();
    // The first of them create the store, too.
    let crowd: Vec<_> = (0..20).map(|_| line(&["incr", "g", "k"])).collect();
    let mut seen = BTreeSet::new();
    for _ in 0..5 {
        for output in home.crowd(&crowd, &[0]) {
            let sum: u32 = String::from_utf8(output.stdout).unwrap().trim().parse().unwrap();
            assert!(seen.insert(sum), "{sum} was told twice");
        }
    }
    assert_eq!(home.ok(&["get", "g", "k"]), "100");
    assert_eq!(seen, (1..=100).collect());
}

#[test]
fn if_absent_has_one_winner() {
    let home = Home::new();
    for round in 0..5 {
        let key = format!("leader {round}");
        let crowd: Vec<_> =
            (0..20).map(|i| line(&["set", "g", &key, &i.to_string(), "--if-absent"])).collect();
        let outputs = home.crowd(&crowd, &[0, 3]);
        let winners: Vec<_> = (0..20).filter(|i| outputs[*i].status.success()).collect();
        assert_eq!(winners.len(), 1);
        assert_eq!(home.ok(&["get", "g", &key]), winners[0].to_string());
    }
}

#[test]
fn every_version_has_one_successor() {
    let home = Home::new();
    home.ok(&["set", "g", "k", "start"]);
    for _ in 0..5 {
        let record: serde_json::Value = serde_json::from_str(&home.ok(&["--json", "get", "g", "k"])).unwrap();
        let (version, value) = (record["version"].to_string(), record["value"].as_str().unwrap().to_owned());
        let crowd: Vec<_> = (0..20)
            .map(|i| {
                // Half compare versions, half compare values.
                let next = format!("{value}.{i}");
                if i % 2 == 0 {
                    line(&["set", "g", "k", &next, "--if-version", &version])
                } else {
                    line(&["set", "g", "k", &next, "--if-value", &value])
                }
            })
            .collect();
        let outputs = home.crowd(&crowd, &[0, 3]);
        let winners: Vec<_> = (0..20).filter(|i| outputs[*i].status.success()).collect();
        assert_eq!(winners.len(), 1);
        assert_eq!(home.ok(&["get", "g", "k"]), format!("{value}.{}", winners[0]));
    }
}

#[test]
fn a_delete_with_a_condition_happens_once() {
    let home = Home::new();
    home.ok(&["set", "g", "k", "job"]);
    let crowd: Vec<_> = (0..20).map(|_| line(&["delete", "g", "k", "--if-value", "job"])).collect();
    let outputs = home.crowd(&crowd, &[0, 3]);
    assert_eq!(outputs.iter().filter(|output| output.status.success()).count(), 1);
}

#[test]
fn a_quota_is_filled_and_never_passed() {
    let home = Home::new();
    let limits = Limits { keys: Some(7), ..Limits::default() };
    let store = Store::create(&StoreOptions::new(home.db())).unwrap();
    store.write(|tx| tx.set_limits(&Namespace::new("a").unwrap(), limits)).unwrap();
    let crowd: Vec<_> = (0..20).map(|i| line(&["-n", "a", "set", "g", &i.to_string(), "v"])).collect();
    let outputs = home.crowd(&crowd, &[0, 4]);
    assert_eq!(outputs.iter().filter(|output| output.status.success()).count(), 7);
    assert_eq!(home.ok(&["-n", "a", "count"]), "7\n");
}

#[test]
fn versions_are_in_the_order_of_commits_and_never_twice() {
    let home = Home::new();
    let crowd: Vec<_> =
        (0..50).map(|i| line(&["--json", "set", &format!("g{}", i % 3), &i.to_string(), "v"])).collect();
    let mut versions = BTreeSet::new();
    for output in home.crowd(&crowd, &[0]) {
        let record: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert!(versions.insert(record["version"].as_i64().unwrap()));
    }
    assert_eq!(versions, (1..=50).collect());
    let log: BTreeMap<i64, i64> = {
        let conn = Connection::open(home.db()).unwrap();
        let mut query = conn.prepare("SELECT seq,at FROM larder_changes WHERE type='set'").unwrap();
        let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        rows.collect::<rusqlite::Result<_>>().unwrap()
    };
    // The present is taken while the lock is held: times follow the order.
    assert!(log.values().is_sorted(), "{log:?}");
}

#[test]
fn a_foreign_client_in_the_crowd() {
    let home = Home::new();
    home.ok(&["set", "g", "counter", "0"]);
    let foreign = |i: usize| {
        let sql = format!(
            "PRAGMA busy_timeout=60000; INSERT OR REPLACE INTO entries(group_name,entry_key,entry_value) VALUES('g','foreign {i}','v')"
        );
        Command::new("sqlite3")
            .arg(home.db())
            .arg(sql)
            .env_clear()
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .ok()
    };
    // Where there is no sqlite3, the crowd is larder's alone.
    let others: Vec<_> = (0..10).filter_map(foreign).collect();
    let crowd: Vec<_> = (0..20).map(|_| line(&["incr", "g", "counter"])).collect();
    home.crowd(&crowd, &[0]);
    let n = others.len();
    for other in others {
        let output = other.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    assert_eq!(home.ok(&["get", "g", "counter"]), "20");
    assert_eq!(home.ok(&["count", "g"]), format!("{}\n", n + 1));
    let conn = Connection::open(home.db()).unwrap();
    let seq: i64 = conn.query_row("SELECT max(seq) FROM larder_changes", [], |row| row.get(0)).unwrap();
    assert_eq!(seq, 1 + 20 + i64::try_from(n).unwrap());
}

/// A reader sees all of a transaction or nothing of it.
#[test]
fn readers_never_see_half_a_write() {
    let home = Home::new();
    for key in ["1", "2", "3", "4"] {
        home.ok(&["set", "g", key, "0"]);
    }
    let store = Store::open(&StoreOptions::new(home.db())).unwrap().unwrap();
    std::thread::scope(|scope| {
        let db = home.db();
        let writer = scope.spawn(move || {
            let conn = Connection::open(db).unwrap();
            conn.busy_timeout(std::time::Duration::from_mins(1)).unwrap();
            for i in 1..=50 {
                conn.execute_batch(&format!("UPDATE entries SET entry_value='{i}'")).unwrap();
            }
        });
        while !writer.is_finished() {
            let mut values = BTreeSet::new();
            store
                .read(|tx| {
                    values.clear();
                    for key in ["1", "2", "3", "4"] {
                        values.insert(tx.get("g", key)?.value);
                    }
                    Ok(())
                })
                .unwrap();
            assert_eq!(values.len(), 1, "{values:?}");
        }
    });
    assert_eq!(home.ok(&["get", "g", "4"]), "50");
}

/// Of a hundred and more writers that were started at once many ended with 6:
/// all of them went on trying for the lock, and so took the processor from the
/// one that had it. Nobody holds the lock for long here, and each has the
/// patience that is the default.
#[test]
fn five_hundred_writers_at_once_do_not_fail() {
    let home = Home::new();
    let start = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_larder"));
        command.env_clear().env("HOME", home.0.path()).env("LARDER_DB", home.db());
        command.args(["incr", "g", "n"]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let writers: Vec<Child> = (0..500).map(|_| start()).collect();
    for writer in writers {
        let output = writer.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    assert_eq!(home.ok(&["get", "g", "n"]), "500");
}

/// A TTL was counted from before the wait for the lock: a `set --ttl 1s` that
/// had to wait for two said 0, and its entry was gone already.
#[test]
fn a_ttl_counts_from_the_write_and_not_from_the_wait() {
    let home = Home::new();
    home.ok(&["set", "g", "old", "v"]);
    let writing = |args: &[&str]| {
        let holder = Connection::open(home.db()).unwrap();
        holder.execute_batch("BEGIN IMMEDIATE").unwrap();
        let writer = home.start(args);
        std::thread::sleep(std::time::Duration::from_millis(300));
        holder.execute_batch("COMMIT").unwrap();
        let output = writer.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    writing(&["set", "g", "new", "v", "--ttl", "1h"]);
    writing(&["expire", "g", "old", "--ttl", "1h"]);
    let conn = Connection::open(home.db()).unwrap();
    for key in ["new", "old"] {
        let sql = "SELECT expires_at-updated_at FROM entries WHERE entry_key=?1";
        let ttl: i64 = conn.query_row(sql, [key], |row| row.get(0)).unwrap();
        assert_eq!(ttl, 3_600_000, "{key}");
    }
}

/// A writer that was stopped at the head of the queue kept the others waiting
/// a second for each write, and each of those left a thread and a descriptor
/// behind: a stream would have run out of them.
#[test]
fn a_stopped_writer_at_the_head_of_the_queue_costs_little() {
    use std::io::{BufRead, BufReader, Write};

    use nix::sys::signal::{Signal, kill};
    use nix::unistd::Pid;

    let home = Home::new();
    home.ok(&["set", "g", "k", "v"]);
    let holder = Connection::open(home.db()).unwrap();
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut stopped = home.start(&["set", "g", "stopped", "v"]);
    let pid = Pid::from_raw(i32::try_from(stopped.id()).unwrap());
    // It is at the head once it has the lock of the queue on its descriptor.
    let at_head = || {
        let infos = std::fs::read_dir(format!("/proc/{pid}/fdinfo")).unwrap();
        infos
            .flatten()
            .any(|info| std::fs::read_to_string(info.path()).unwrap_or_default().contains("OFDLCK"))
    };
    while !at_head() {
        assert!(stopped.try_wait().unwrap().is_none(), "it did not wait");
        std::thread::yield_now();
    }
    kill(pid, Signal::SIGSTOP).unwrap();
    holder.execute_batch("COMMIT").unwrap();
    let mut stream = command(home.0.path());
    let mut stream = stream.args(["batch", "--stream", "-"]).stdin(Stdio::piped()).spawn().unwrap();
    let mut lines = stream.stdin.take().unwrap();
    let mut answers = BufReader::new(stream.stdout.take().unwrap()).lines();
    let held = |what| std::fs::read_dir(format!("/proc/{}/{what}", stream.id())).unwrap().count();
    let mut descriptors = 0;
    for n in 0..6 {
        writeln!(lines, "{{\"op\":\"set\",\"group\":\"g\",\"key\":\"k{n}\",\"value\":\"v\"}}").unwrap();
        assert!(answers.next().unwrap().unwrap().contains("\"ok\":true"));
        // The second write opens what it looks at the queue with.
        if n < 2 {
            descriptors = held("fd");
        }
        assert!(held("task") <= 2, "a thread was left for each write");
        assert!(held("fd") <= descriptors + 1, "a descriptor was left for each write");
    }
    drop(lines);
    assert!(stream.wait().unwrap().success());
    kill(pid, Signal::SIGCONT).unwrap();
    assert!(stopped.wait().unwrap().success());
    assert_eq!(home.ok(&["count", "g"]).trim(), "8");
}
