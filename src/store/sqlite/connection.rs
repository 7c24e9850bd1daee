//! One connection to one file: waiting, transactions, checkpoints, the bell.

use std::cell::{Cell, OnceCell};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::stat::{UtimensatFlags, utimensat};
use nix::sys::time::TimeSpec;
use rusqlite::Connection;

use crate::clock::{Clock, Timestamp};
use crate::model::{Error, Result, Scope};
use crate::store::Caller;
use crate::store::sqlite::data::author::author;
use crate::store::sqlite::data::bulk;
use crate::store::sqlite::file::path;
use crate::store::sqlite::file::room::{Extent, Relief};
use crate::store::sqlite::file::vfs;
use crate::store::sqlite::file::waiting::{self, Patience};
use crate::store::sqlite::schema::Part;
use crate::store::sqlite::schema::legacy::Migrated;
use crate::store::sqlite::schema::verify::{self, Seal};
use crate::store::sqlite::transaction::{Reading, Snapshot, Transaction};
use crate::store::sqlite::vault;
use crate::text::quote;

/// How often a snapshot is taken anew that took longer than a millisecond.
const SNAPSHOT_ATTEMPTS: u32 = 10;

/// How a store is opened.
#[derive(Clone, Debug)]
pub struct StoreOptions {
    /// The file. Relative paths are taken from the current directory.
    pub path: PathBuf,
    /// The namespace, or the whole store.
    pub scope: Scope,
    /// How long to wait for other processes' locks.
    pub busy_timeout: Duration,
    /// Where the time comes from.
    pub clock: Clock,
    /// Who asks; `None` is the process's own user and groups.
    pub caller: Option<Caller>,
}

impl StoreOptions {
    /// The whole store at `path`, a timeout of five seconds, the system's
    /// clock.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            scope: Scope::default(),
            busy_timeout: Duration::from_secs(5),
            clock: Clock::System,
            caller: None,
        }
    }
}

/// An open store. Every operation runs inside [`Store::read`] or
/// [`Store::write`].
#[derive(Debug)]
pub struct Store {
    pub(in crate::store::sqlite) conn: Connection,
    pub(in crate::store::sqlite) options: StoreOptions,
    /// How long operations wait for other processes' locks.
    pub(in crate::store::sqlite) busy_timeout: Cell<Duration>,
    /// The file that was opened, by device and inode.
    pub(in crate::store::sqlite) file: Option<(u64, u64)>,
    /// The caller's real user id.
    pub(in crate::store::sqlite) uid: u32,
    /// The user id that owns the file.
    pub(in crate::store::sqlite) owner: u32,
    /// The part of the schema that is loaded, if not all of it is.
    pub(in crate::store::sqlite) part: Cell<Option<Part>>,
    /// The cookie of the schema that was found to be larder's: a write makes
    /// sure that it still is that one.
    pub(in crate::store::sqlite) verified: Cell<Option<i64>>,
    /// The version of the schema, if it is an older one that cannot be upgraded
    /// for want of write access.
    pub(in crate::store::sqlite) older: Cell<Option<i32>>,
    /// What became of go-store's tables when it was opened.
    pub(in crate::store::sqlite) migrated: Cell<Option<Migrated>>,
}

impl Store {
    /// The store's absolute path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.options.path
    }

    /// What opening the store did with go-store's tables, if there were any.
    pub fn migrated(&self) -> Option<Migrated> {
        self.migrated.get()
    }

    /// Whether the caller is root or owns the file.
    pub(in crate::store::sqlite) fn is_trusted(&self) -> bool {
        self.uid == 0 || self.uid == self.owner
    }

    /// Device and inode of what is at the store's path now.
    pub fn identity(&self) -> Result<(u64, u64)> {
        let io_error = |e| Error::io(format!("store {}", quote(&self.options.path.to_string_lossy())), e);
        path::metadata(&self.options.path).map(|meta| (meta.dev(), meta.ino())).map_err(io_error)
    }

    /// The namespace this store was opened for.
    #[must_use]
    pub fn scope(&self) -> &Scope {
        &self.options.scope
    }

    /// A number that is another one after other connections have committed,
    /// and costs no transaction of ours to read.
    pub fn data_version(&self) -> Result<i64> {
        let read = || {
            let mut query = self.conn.prepare_cached("PRAGMA data_version")?;
            Ok(query.query_row([], |row| row.get(0))?)
        };
        self.retry(read).map_err(|e| e.settle(&self.options.path))
    }

    /// The present, by the store's clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.options.clock.now()
    }

    /// How long later operations wait for other processes' locks.
    pub fn set_busy_timeout(&self, timeout: Duration) {
        self.busy_timeout.set(timeout);
    }

    /// Runs `f` on one consistent snapshot. It may run again if the store was
    /// locked in between, so it must not have effects of its own before its
    /// last read.
    pub fn read<T>(&self, mut f: impl FnMut(&Snapshot<'_>) -> Result<T>) -> Result<T> {
        let mut result = self.retry(|| self.reading(&mut f));
        if self.part.get().is_some() && matches!(&result, Err(e) if e.is_unknown_object()) {
            self.load_all()?;
            result = self.retry(|| self.reading(&mut f));
        }
        result.map_err(|e| match self.older.get() {
            Some(version) if e.is_unknown_object() => Error::unusable(
                &self.options.path,
                format!(
                    "has schema {version}, too old for this; any command with write permission upgrades it"
                ),
            ),
            _ => e.settle(&self.options.path),
        })
    }

    /// Runs `f` in a transaction that holds the write lock from its start, and
    /// commits what it did, durably, if it returns `Ok`. It may run again after
    /// a rollback.
    pub fn write<T>(&self, f: impl FnMut(&Transaction<'_>) -> Result<T>) -> Result<T> {
        let value = self.write_quietly(f)?;
        self.ring();
        Ok(value)
    }

    /// Like [`Store::write`], for what no watcher needs to hear of.
    pub(in crate::store::sqlite) fn write_quietly<T>(
        &self,
        mut f: impl FnMut(&Transaction<'_>) -> Result<T>,
    ) -> Result<T> {
        let mut relief = Relief::default();
        let mut attempt = |relief: &mut Relief| {
            self.prepare_writer()?;
            bulk::prepare(&self.conn);
            waiting::let_others_go_first();
            let mut before = None;
            let result = self.writing(|tx| {
                let file = self.still_there()?;
                self.still_ours(tx)?;
                relief.frames = self.wal_frames();
                before = Some(relief.frames);
                let value = f(tx)?;
                self.reserve(file, relief)?;
                Ok(value)
            });
            match (&result, before) {
                (Ok(_), Some(before)) => self.checkpoint_if_due(before),
                // What spilled into the log before it was rolled back would
                // keep its room on the disk, and be read by every opener.
                (Err(_), Some(before)) if self.wal_frames() > before => self.move_log(),
                _ => {}
            }
            result
        };
        let result = self.retry(|| {
            loop {
                match attempt(&mut relief) {
                    Err(e) if e.is_full() && self.make_room(&mut relief) => {}
                    result => return result,
                }
            }
        });
        result.map_err(|e| e.settle(&self.options.path))
    }

    /// Refuses to write to a file that lost its name while this process waited
    /// for the lock: nobody would ever read the write again.
    fn still_there(&self) -> Result<Extent> {
        let meta = path::metadata(&self.options.path).ok();
        if let Some(meta) = meta.filter(|meta| Some((meta.dev(), meta.ino())) == self.file) {
            return Ok(Extent { length: meta.len(), blocks: meta.blocks() * 512 });
        }
        Err(Error::Busy(format!(
            "the store {} was removed or replaced meanwhile",
            quote(&self.options.path.to_string_lossy())
        )))
    }

    /// Refuses to write by the rules of this larder to a schema that is not its
    /// own any more, as after a later larder's upgrade.
    fn still_ours(&self, tx: &Snapshot<'_>) -> Result<()> {
        let cookie = tx.schema_cookie()?;
        if self.verified.get() == Some(cookie) {
            return Ok(());
        }
        match verify::verify(tx.conn.connection(), &self.options.path)? {
            Seal::Intact { .. } => self.verified.set(Some(cookie)),
            Seal::Older(_) | Seal::Unmarked => {
                return Err(Error::unusable(&self.options.path, "is no longer a larder store"));
            }
        }
        Ok(())
    }

    /// What only writing needs; cheap enough to repeat.
    pub(in crate::store::sqlite) fn prepare_writer(&self) -> Result<()> {
        // Indexes have to be known to be kept.
        if self.part.get() == Some(Part::Entries) {
            self.load_all()?;
        }
        // Looked up before anybody has to wait for it.
        let _ = author(self.uid);
        self.conn
            .execute_batch("PRAGMA synchronous=FULL;PRAGMA wal_autocheckpoint=0;PRAGMA temp_store=MEMORY")?;
        Ok(())
    }

    /// One look, whatever is in the file.
    pub(in crate::store::sqlite) fn reading<T>(
        &self,
        f: impl FnOnce(&Snapshot<'_>) -> Result<T>,
    ) -> Result<T> {
        let now = self.begin_to_read()?;
        self.ended(f(&self.snapshot(now)))
    }

    /// One transaction that holds the write lock, whatever is in the file.
    pub(in crate::store::sqlite) fn writing<T>(
        &self,
        f: impl FnOnce(&Transaction<'_>) -> Result<T>,
    ) -> Result<T> {
        waiting::as_writer(|| self.conn.execute_batch("BEGIN IMMEDIATE"))?;
        waiting::leave_queue();
        // After the wait for the lock, which may have been long: what others
        // wrote meanwhile lies in this transaction's past.
        let now = self.options.clock.now();
        self.ended(f(&Transaction::new(&self.conn, self.snapshot(now))))
    }

    fn snapshot(&self, now: Timestamp) -> Snapshot<'_> {
        vfs::set_now(now);
        Snapshot {
            conn: Reading(&self.conn),
            now,
            scope: &self.options.scope,
            caller: self.options.caller.as_ref(),
            uid: self.uid,
            owner: self.owner,
            rights: OnceCell::new(),
        }
    }

    /// Commits what came to something, and undoes the rest.
    fn ended<T>(&self, result: Result<T>) -> Result<T> {
        let result = result.and_then(|value| {
            self.conn.execute_batch("COMMIT")?;
            Ok(value)
        });
        if result.is_err() && !self.conn.is_autocommit() {
            // The error that brought us here is the one to report.
            let _ = self.conn.execute_batch("ROLLBACK");
        }
        result
    }

    /// Takes a snapshot, and says of what moment it is.
    ///
    /// A process may be held up at any point. With a time from well before its
    /// snapshot it would show an entry that was gone beside one that was
    /// written since, with a time from well after it the other way round: so
    /// both are taken in one millisecond.
    fn begin_to_read(&self) -> Result<Timestamp> {
        let mut before = self.options.clock.now();
        for _ in 0..SNAPSHOT_ATTEMPTS {
            // BEGIN alone takes no snapshot yet.
            self.conn.execute_batch("BEGIN;PRAGMA data_version")?;
            let now = self.options.clock.now();
            if now == before {
                return Ok(now);
            }
            self.conn.execute_batch("COMMIT")?;
            before = now;
        }
        self.conn.execute_batch("BEGIN;PRAGMA data_version")?;
        Ok(before)
    }

    /// Starts over while the store is locked, until the busy timeout is up.
    pub(in crate::store::sqlite) fn retry<T>(&self, mut f: impl FnMut() -> Result<T>) -> Result<T> {
        let _patience = Patience::new(&self.options.path, self.busy_timeout.get());
        loop {
            match f() {
                Err(e) if e.is_busy() && waiting::wait_for_lock(0) => {}
                other => return other,
            }
        }
    }

    /// The bell: touches the database's times, which a watcher waits for. By
    /// name, because closing a descriptor of the database would drop the
    /// process's locks on it.
    pub(in crate::store::sqlite) fn ring(&self) {
        if vault::ring(&self.options.path) {
            return;
        }
        let _ = utimensat(
            nix::fcntl::AT_FDCWD,
            &self.options.path,
            &TimeSpec::UTIME_NOW,
            &TimeSpec::UTIME_NOW,
            UtimensatFlags::FollowSymlink,
        );
    }
}
