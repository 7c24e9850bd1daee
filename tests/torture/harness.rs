//! What the tests share: chance that can be repeated, a home for a store, and
//! the oldest files larder must still open.

#![allow(dead_code, clippy::print_stdout)]

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use rusqlite::Connection;
use tempfile::TempDir;

pub use crate::skip::skip;

/// The program under test.
pub const LARDER: &str = env!("CARGO_BIN_EXE_larder");

/// Every status the contract knows for a command that runs no other program.
pub const DOCUMENTED: std::ops::RangeInclusive<i32> = 0..=10;

/// Chance, repeatable: SplitMix64.
pub struct Rng(u64);

impl Rng {
    /// The chance of one test. The seed is printed, and shown when it fails.
    pub fn new(test: &str) -> Self {
        let seed = match std::env::var("LARDER_TORTURE_SEED").ok().and_then(|seed| seed.parse().ok()) {
            Some(seed) => seed,
            None => {
                u64::from(std::process::id()) << 20
                    ^ std::time::SystemTime::now()
                        .duration_since(std::time::UNIX_EPOCH)
                        .map_or(0, |since| u64::from(since.subsec_nanos()))
            }
        };
        println!("{test}: LARDER_TORTURE_SEED={seed}");
        Self(seed)
    }

    /// Chance that is the same in every run, unless a seed is given.
    pub fn fixed(test: &str, seed: u64) -> Self {
        if std::env::var_os("LARDER_TORTURE_SEED").is_some() {
            return Self::new(test);
        }
        println!("{test}: LARDER_TORTURE_SEED={seed}");
        Self(seed)
    }

    /// Another stream of chance, for a thread.
    pub fn fork(&mut self) -> Self {
        Self(self.next())
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `n`.
    pub fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % n.max(1) as u64).unwrap()
    }

    /// True once in `n`.
    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub fn bytes(&mut self, n: usize) -> Vec<u8> {
        (0..n).map(|_| self.next().to_le_bytes()[0]).collect()
    }
}

/// `base`, times LARDER_TORTURE.
pub fn size(base: usize) -> usize {
    let factor = std::env::var("LARDER_TORTURE").ok().and_then(|n| n.parse::<usize>().ok());
    base * factor.unwrap_or(1).max(1)
}

/// A directory with a store in it.
pub struct Home {
    dir: TempDir,
}

impl Home {
    pub fn new() -> Self {
        Self { dir: tempfile::Builder::new().prefix("larder-torture-").tempdir().unwrap() }
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    pub fn file(&self, name: impl AsRef<Path>) -> PathBuf {
        self.path().join(name)
    }

    pub fn db(&self) -> PathBuf {
        self.file("s.db")
    }

    /// larder on this home's store, with nothing of the caller's environment.
    pub fn command<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(LARDER);
        self.prepare(&mut command);
        command.args(args);
        command
    }

    /// A shell script in which `$L` is larder.
    pub fn sh(&self, script: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        self.prepare(&mut command);
        command.env("L", LARDER).env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin").args(["-c", script]);
        command
    }

    fn prepare(&self, command: &mut Command) {
        command.env_clear().env("HOME", self.path()).env("LARDER_DB", self.db()).current_dir(self.path());
        command.stdin(Stdio::null());
    }

    pub fn run<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Output {
        self.command(args).output().unwrap()
    }

    /// Runs what must succeed and returns what it printed.
    #[track_caller]
    pub fn ok<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> String {
        done(&self.run(args))
    }

    #[track_caller]
    pub fn sh_ok(&self, script: &str) -> String {
        done(&self.sh(script).output().unwrap())
    }

    pub fn start<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Child {
        self.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// The store must be sound, down to its counters and its log.
    #[track_caller]
    pub fn check(&self) {
        let output = self.run(["check"]);
        assert!(output.status.success(), "check: {}", told(&output));
    }

    pub fn sql(&self) -> Connection {
        let conn = Connection::open(self.db()).unwrap();
        conn.busy_timeout(std::time::Duration::from_secs(20)).unwrap();
        conn
    }

    pub fn number(&self, sql: &str) -> i64 {
        self.sql().query_row(sql, [], |row| row.get(0)).unwrap()
    }

    /// All entries, in order: group, key and value.
    #[track_caller]
    pub fn dump(&self) -> Vec<(String, String, String)> {
        dump_of(&self.db())
    }
}

/// All entries of a store through larder: group, key and value.
#[track_caller]
pub fn dump_of(db: &Path) -> Vec<(String, String, String)> {
    let list = |args: &[&str]| {
        let output = Command::new(LARDER).env_clear().arg("--db").arg(db).args(args).output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", told(&output));
        String::from_utf8(output.stdout).unwrap()
    };
    let mut all = Vec::new();
    for group in list(&["list"]).lines() {
        for line in list(&["list", "--values", "--", group]).lines() {
            let (key, value) = line.split_once('\t').unwrap_or((line, ""));
            all.push((group.to_owned(), key.to_owned(), value.to_owned()));
        }
    }
    all
}

/// Status and streams of a run, for a failing test's message.
pub fn told(output: &Output) -> String {
    format!(
        "{} stdout {:?} stderr {:?}",
        output.status,
        String::from_utf8_lossy(&output.stdout).chars().take(400).collect::<String>(),
        String::from_utf8_lossy(&output.stderr)
    )
}

#[track_caller]
pub fn done(output: &Output) -> String {
    assert!(output.status.success(), "{}", told(output));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The forms of go-store's files, oldest first, each with the same entries:
/// group `g`, keys `k0` … with the values `v0` ….
pub const OLD_FORMS: [&str; 5] = ["kv", "kv+expiry", "entries", "both", "entries+journal"];

/// Writes a file of an old form with `rows` entries.
pub fn old_store(path: &Path, form: &str, rows: usize) {
    let conn = Connection::open(path).unwrap();
    conn.execute_batch("PRAGMA journal_mode=WAL;BEGIN").unwrap();
    let entries = "CREATE TABLE entries (group_name TEXT NOT NULL, entry_key TEXT NOT NULL, entry_value TEXT NOT NULL, expires_at INTEGER, PRIMARY KEY(group_name, entry_key))";
    let kv =
        "CREATE TABLE kv (grp TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (grp, key))";
    let statements: Vec<&str> = match form {
        "kv" => vec![kv],
        "kv+expiry" => vec![kv, "ALTER TABLE kv ADD COLUMN expires_at INTEGER"],
        "entries" => vec![entries],
        "both" => vec![kv, entries],
        _ => vec![
            entries,
            "CREATE TABLE journal_entries (entry_id INTEGER PRIMARY KEY AUTOINCREMENT, bucket_name TEXT)",
            "INSERT INTO journal_entries(bucket_name) VALUES('stays')",
        ],
    };
    for statement in statements {
        conn.execute_batch(statement).unwrap();
    }
    for row in 0..rows {
        let table = match form {
            "kv" | "kv+expiry" => "kv(grp,key,value)",
            "both" if row % 2 == 0 => "kv(grp,key,value)",
            _ => "entries(group_name,entry_key,entry_value)",
        };
        let sql = format!("INSERT INTO {table} VALUES('g',?1,?2)");
        conn.prepare_cached(&sql).unwrap().execute([format!("k{row}"), format!("v{row}")]).unwrap();
    }
    conn.execute_batch("COMMIT").unwrap();
    conn.pragma_update(None, "wal_checkpoint", "TRUNCATE").unwrap();
}
