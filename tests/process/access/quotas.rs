//! Quotas under contention: many processes, one limit.

use std::process::{Command, Stdio};
use std::thread;

use rusqlite::{Connection, StatementStatus};

const LARDER: &str = env!("CARGO_BIN_EXE_larder");

struct Store(tempfile::TempDir);

impl Store {
    fn new() -> Self {
        Self(tempfile::Builder::new().prefix("larder-quota-").tempdir().unwrap())
    }

    fn larder(&self, args: &[&str]) -> Command {
        let mut command = Command::new(LARDER);
        command
            .env_clear()
            .arg("--db")
            .arg(self.0.path().join("store.db"))
            .args(["--busy-timeout", "2m"])
            .args(args)
            .stdin(Stdio::null());
        command
    }

    #[track_caller]
    fn ok(&self, args: &[&str]) -> String {
        let output = self.larder(args).output().unwrap();
        assert!(output.status.success(), "{args:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// 50 processes at a time, 10 writes each; how often each status came.
    fn storm(&self, args: impl Fn(usize, usize) -> Vec<String> + Sync) -> Vec<(i32, usize)> {
        let codes: Vec<i32> = thread::scope(|scope| {
            let workers: Vec<_> = (0..50)
                .map(|process| {
                    let args = &args;
                    scope.spawn(move || {
                        (0..10)
                            .map(|write| {
                                let args = args(process, write);
                                let args: Vec<&str> = args.iter().map(String::as_str).collect();
                                self.larder(&args)
                                    .stderr(Stdio::null())
                                    .status()
                                    .unwrap()
                                    .code()
                                    .unwrap_or(-1)
                            })
                            .collect::<Vec<_>>()
                    })
                })
                .collect();
            workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
        });
        let mut counts = std::collections::BTreeMap::new();
        for code in codes {
            *counts.entry(code).or_insert(0) += 1;
        }
        counts.into_iter().collect()
    }
}

#[test]
fn five_hundred_inserts_against_a_hundred_keys() {
    let store = Store::new();
    store.ok(&["quota", "set", "a", "--max-keys", "100"]);
    let counts = store.storm(|process, write| {
        ["-n", "a", "set", "g", &format!("{process}-{write}"), "v"].map(str::to_owned).to_vec()
    });
    assert_eq!(counts, [(0, 100), (4, 400)]);
    assert_eq!(store.ok(&["-n", "a", "count"]), "100\n");
}

#[test]
fn bytes_to_the_last_one() {
    let store = Store::new();
    // 40 entries of 25 bytes are 1000 exactly.
    store.ok(&["quota", "set", "a", "--max-bytes", "1k"]);
    let counts = store.storm(|process, write| {
        [
            "-n",
            "a",
            "set",
            &format!("g{}", process % 3),
            &format!("{process:02}-{write:02}"),
            "twenty bytes of value",
        ]
        .map(|arg| arg.chars().take(20).collect())
        .to_vec()
    });
    assert_eq!(counts, [(0, 40), (4, 460)]);
    assert_eq!(store.ok(&["quota", "show", "a"]), "a\t40\tnone\t1000\t1000\t3\tnone\n");
}

#[test]
fn groups_under_contention() {
    let store = Store::new();
    store.ok(&["quota", "set", "a", "--max-groups", "7"]);
    let counts = store.storm(|process, write| {
        ["-n", "a", "set", &format!("g{process}-{write}"), "k", "v"].map(str::to_owned).to_vec()
    });
    assert_eq!(counts, [(0, 7), (4, 493)]);
}

/// What a check costs must not depend on how much is there: counted in steps
/// of SQLite's virtual machine, for a write that fits and for one that does
/// not, with few keys and with many.
#[test]
fn a_check_costs_the_same_however_much_is_there() {
    let store = Store::new();
    let steps = |keys: usize| {
        let path = store.0.path().join("store.db");
        let namespace = format!("n{keys}");
        store.ok(&["quota", "set", &namespace, "--max-keys", &keys.to_string(), "--max-bytes", "1G"]);
        let conn = Connection::open(path).unwrap();
        conn.execute_batch("BEGIN").unwrap();
        {
            let mut insert = conn
                .prepare("INSERT INTO entries(group_name,entry_key,entry_value)VALUES(?1,?2,'v')")
                .unwrap();
            for key in 0..keys - 1 {
                insert.execute([format!("{namespace}:g"), format!("{key:06}")]).unwrap();
            }
        }
        conn.execute_batch("COMMIT").unwrap();
        // Triggers are a part of the statement that fires them.
        let cost = |key: &str, fits: bool| {
            let mut insert = conn
                .prepare("INSERT INTO entries(group_name,entry_key,entry_value)VALUES(?1,?2,'v')")
                .unwrap();
            let done = insert.execute([format!("{namespace}:g"), key.to_owned()]);
            assert_eq!(done.is_ok(), fits, "{done:?}");
            insert.get_status(StatementStatus::VmStep)
        };
        (cost("x", true), cost("y", false))
    };
    let (few, many) = (steps(10), steps(20_000));
    for (few, many) in [(few.0, many.0), (few.1, many.1)] {
        assert!(few > 50 && many < few + few / 4, "{few} steps with 10 keys, {many} with 20,000");
    }
}
