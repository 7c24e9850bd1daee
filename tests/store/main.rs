//! The store without the program: time passed in, foreign clients beside it.

mod expiry;
mod foreign;
mod jobs;
mod log;
mod opening;
mod permits;
mod quotas;
mod rules;
mod versions;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::Command;

use larder::clock::{Clock, Timestamp};
use larder::store::{
    Change, Condition, Entry, Error, Expiry, Keys, Limits, Name, Namespace, Result, Scope, Store,
    StoreOptions, Transaction,
};
use rusqlite::Connection;

/// The moment at which every fixture starts, unless told otherwise.
const START: i64 = 1_800_000_000_000;

/// A store in a temporary directory, with a clock that stands still.
struct Fixture {
    dir: tempfile::TempDir,
    clock: Clock,
    store: Store,
}

impl Fixture {
    fn new() -> Self {
        Self::at(START)
    }

    /// The present is `now`; for tests with clients whose clock is the system's.
    fn at(now: i64) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Clock::manual(Timestamp(now));
        let store = open(&dir.path().join("store.db"), &clock, None);
        Self { dir, clock, store }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("store.db")
    }

    fn scoped(&self, namespace: &str) -> Store {
        open(&self.path(), &self.clock, Some(namespace))
    }

    /// Sets the clock to this many milliseconds after the start.
    fn now(&self, after_start: i64) {
        self.clock.set(Timestamp(START + after_start));
    }

    fn set(&self, group: &str, key: &str, value: &str) -> Entry {
        self.try_set(group, key, value).unwrap()
    }

    fn try_set(&self, group: &str, key: &str, value: &str) -> Result<Entry> {
        self.store.write(|tx| tx.set(group, key, value.as_bytes(), Expiry::Never, &Condition::Any))
    }

    /// Sets an entry that is due at a moment.
    fn set_until(&self, group: &str, key: &str, value: &str, due: i64) -> Entry {
        let expiry = Expiry::At(Timestamp(due));
        self.store.write(|tx| tx.set(group, key, value.as_bytes(), expiry, &Condition::Any)).unwrap()
    }

    fn get(&self, group: &str, key: &str) -> Option<String> {
        match self.store.read(|tx| tx.get(group, key)) {
            Ok(entry) => Some(String::from_utf8(entry.value.unwrap()).unwrap()),
            Err(Error::NotFound { .. }) => None,
            Err(e) => panic!("{e}"),
        }
    }

    fn keys(&self, group: &str) -> Vec<String> {
        let mut keys = Vec::new();
        let each = |entry: Entry| {
            keys.push(entry.key.as_str().unwrap().to_owned());
            Ok(ControlFlow::Continue(()))
        };
        let mut each = each;
        self.store.read(|tx| tx.entries(group, &Keys::default(), false, &mut each)).unwrap();
        keys
    }

    fn limit(&self, namespace: &str, limits: Limits) {
        self.store.write(|tx| tx.set_limits(&ns(namespace), limits)).unwrap();
    }

    /// Changes after a position, as `type group key value`.
    fn log(&self, after: i64) -> Vec<String> {
        let mut log = Vec::new();
        self.store
            .read(|tx| {
                tx.changes(after, None, true, |change| {
                    log.push(line(&change));
                    Ok(ControlFlow::Continue(()))
                })
            })
            .unwrap();
        log
    }

    fn seq(&self) -> i64 {
        self.store.read(|tx| tx.log_span()).unwrap().newest
    }

    /// A plain connection that knows nothing of larder.
    fn plain(&self) -> Connection {
        let conn = Connection::open(self.path()).unwrap();
        conn.busy_timeout(std::time::Duration::from_secs(10)).unwrap();
        conn
    }

    fn number(&self, sql: &str) -> i64 {
        self.plain().query_row(sql, [], |row| row.get(0)).unwrap()
    }

    /// Checks the counters against a recount.
    fn recount(&self) {
        let conn = self.plain();
        for (counted, kept) in [
            (
                "SELECT group_name,count(*),sum(length(CAST(entry_key AS BLOB))+length(CAST(entry_value AS BLOB)))FROM entries GROUP BY 1",
                "SELECT group_name,keys,bytes FROM larder_groups",
            ),
            (
                "SELECT namespace,sum(keys),sum(bytes),count(*)FROM larder_groups GROUP BY 1",
                "SELECT namespace,keys,bytes,groups FROM larder_namespaces WHERE keys<>0 OR bytes<>0 OR groups<>0",
            ),
        ] {
            for sql in [format!("{counted} EXCEPT {kept}"), format!("{kept} EXCEPT {counted}")] {
                assert!(!conn.prepare(&sql).unwrap().exists([]).unwrap(), "{sql}");
            }
        }
    }
}

fn open(path: &Path, clock: &Clock, namespace: Option<&str>) -> Store {
    Store::create(&StoreOptions {
        clock: clock.clone(),
        scope: Scope(namespace.map(ns)),
        ..StoreOptions::new(path)
    })
    .unwrap()
}

fn ns(name: &str) -> Namespace {
    Namespace::new(name).unwrap()
}

fn text<'a>(name: &'a Name<'_>) -> &'a str {
    name.as_str().unwrap()
}

fn line(change: &Change) -> String {
    let mut line = format!("{} {}", change.kind.as_str(), text(&change.group));
    if let Some(key) = &change.key {
        line.push_str(&format!(" {}", text(key)));
    }
    if let Some(value) = &change.value {
        line.push_str(&format!(" {}", String::from_utf8_lossy(value)));
    }
    line
}

/// Runs SQL in another process, the system's sqlite3 shell; where there is
/// none, on a plain connection. `Err` is what the client was told.
fn shell(path: &Path, sql: &str) -> std::result::Result<String, String> {
    let run = Command::new("sqlite3").arg("-batch").arg("-bail").arg(path).arg(sql).env_clear().output();
    match run {
        Ok(output) if output.status.success() => Ok(String::from_utf8(output.stdout).unwrap()),
        Ok(output) => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        Err(_) => {
            let conn = Connection::open(path).unwrap();
            conn.execute_batch(sql).map(|()| String::new()).map_err(|e| e.to_string())
        }
    }
}
