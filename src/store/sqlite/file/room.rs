//! Room on the disk: the write-ahead log's, and that of the file it is moved
//! into.
//!
//! Three things keep a full disk from being a trap.
//!
//! * **The log is short.** The writer whose commit takes it past a limit moves
//!   it into the file. What lies behind its last commit counts for nothing
//!   (a transaction that was rolled back, or whose process was killed) and is
//!   cut off: by the next writer, or by a reader who finds much of it.
//! * **The log can always be moved.** No transaction is committed that makes the
//!   file longer than the blocks it has, so a commit that was acknowledged needs
//!   no more room afterwards.
//! * **Some is kept back.** A transaction that makes the file longer also sees to
//!   it that there are [`SLACK`] blocks behind its end. Where the log can find no
//!   room for a transaction that does not, those are given up: a delete or a
//!   purge is a way out of a full disk.

use nix::errno::Errno;
use nix::fcntl::{FallocateFlags, fallocate};
use nix::unistd::truncate;
use rusqlite::ffi;

use crate::model::{Error, Result};
use crate::store::sqlite::connection::Store;
use crate::store::sqlite::file::descriptors::Descriptor;
use crate::store::sqlite::file::path::{self, beside};
use crate::store::sqlite::file::vfs;
use crate::store::sqlite::file::waiting::{Patience, as_writer, leave_queue};

/// Frames in the write-ahead log at which the committing writer checkpoints.
/// A frame is one page; opening a log that was left behind costs every reader
/// about 2 µs a frame.
const CHECKPOINT_FRAMES: u64 = 64;

/// Frames at which a reader looks whether they are of use to anybody: no writer
/// leaves so many unless it was killed.
const LONG: u64 = 1024;

const PAGE: u64 = 4096;
const FRAME: u64 = PAGE + 24;
const LOG_HEADER: u64 = 32;

/// Bytes of the file's blocks that are behind its last page: enough for the log
/// of some deletes.
const SLACK: u64 = CHECKPOINT_FRAMES * PAGE;

/// The size of the database file, and of the blocks it has.
#[derive(Clone, Copy)]
pub(in crate::store::sqlite) struct Extent {
    pub length: u64,
    pub blocks: u64,
}

/// What has been done already to make room for a transaction.
#[derive(Default)]
pub(in crate::store::sqlite) struct Relief {
    moved: bool,
    slack_given: bool,
    /// Frames of the log when it began.
    pub frames: u64,
    /// Whether the transaction makes the file longer.
    pub grows: bool,
}

impl Store {
    /// Size of the write-ahead log in frames, 0 if it is unknown.
    pub(in crate::store::sqlite) fn wal_frames(&self) -> u64 {
        let log = path::metadata(&beside(&self.options.path, "-wal"));
        log.map_or(0, |meta| meta.len() / FRAME)
    }

    /// What follows a commit: the checkpoint, if this commit took the log past
    /// another multiple of the limit. It cannot undo the commit, so it cannot
    /// fail the write.
    ///
    /// A long log that did not grow is written over from its beginning: what is
    /// behind that counts for nothing, such as what a killed import left. It is
    /// cut off.
    pub(in crate::store::sqlite) fn checkpoint_if_due(&self, frames_before: u64) {
        let frames = self.wal_frames();
        let written_over = frames == frames_before && frames >= CHECKPOINT_FRAMES;
        if written_over || frames / CHECKPOINT_FRAMES > frames_before / CHECKPOINT_FRAMES {
            self.checkpoint();
        }
    }

    /// Moves the log into the file, unless somebody is reading or writing.
    pub fn checkpoint(&self) {
        self.move_log();
        // SQLite has cut the file to its last page.
        if self.wal_frames() == 0
            && let Ok(meta) = path::metadata(&self.options.path)
        {
            let _ = self.allocate(meta.len(), meta.len());
        }
    }

    /// Like [`Store::checkpoint`], and what room comes of it is for anybody.
    pub(in crate::store::sqlite) fn move_log(&self) {
        let _none = Patience::none();
        let _ = self.conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    }

    /// After the log was opened: shortens it if it is long and of no use, or
    /// moves it into the file if the writer was killed before it could. Else
    /// every process that comes alone reads all of it.
    pub(in crate::store::sqlite) fn tidy_long_log(&self) {
        if vfs::log_length() / FRAME < LONG {
            return;
        }
        let _none = Patience::none();
        let Ok((used, moved)) = self.log_use() else { return };
        if self.wal_frames().saturating_sub(used) >= LONG / 2 {
            self.cut_log();
        } else if moved == 0 {
            self.checkpoint();
        }
    }

    /// Frames of the log up to the last commit, and how many of them are in the
    /// file already; an error where there is no log, or somebody is in the way.
    fn log_use(&self) -> Result<(u64, u64)> {
        let (busy, used, moved): (i64, i64, i64) =
            self.conn.query_row("PRAGMA wal_checkpoint(NOOP)", [], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })?;
        match (busy, u64::try_from(used), u64::try_from(moved)) {
            (0, Ok(used), Ok(moved)) => Ok((used, moved)),
            _ => Err(Error::Busy("the log is in use".into())),
        }
    }

    /// Cuts off the log behind its last commit, unless somebody is writing.
    fn cut_log(&self) {
        let version = || self.conn.query_row("PRAGMA data_version", [], |row| row.get::<_, i64>(0));
        let cut = || -> Result<()> {
            let before = version()?;
            let (used, _) = self.log_use()?;
            let page = self.conn.query_row("PRAGMA page_size", [], |row| row.get::<_, u32>(0))?;
            self.as_only_writer(|| {
                // Nobody committed meanwhile, and nobody can now.
                let log = beside(&self.options.path, "-wal");
                let end = LOG_HEADER + used * (u64::from(page) + 24);
                if version()? == before && path::metadata(&log).is_ok_and(|meta| meta.len() > end) {
                    let _ = truncate(&log, i64::try_from(end).unwrap_or(i64::MAX));
                }
                Ok(())
            })
        };
        let _ = cut();
    }

    /// Does something while nobody else can write, and writes nothing.
    fn as_only_writer<T>(&self, f: impl FnOnce() -> Result<T>) -> Result<T> {
        as_writer(|| self.conn.execute_batch("BEGIN IMMEDIATE"))?;
        leave_queue();
        let result = f();
        let _ = self.conn.execute_batch("ROLLBACK");
        result
    }

    fn pages(&self) -> Result<u64> {
        let count: i64 = self.conn.query_row("PRAGMA page_count", [], |row| row.get(0))?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// Before a commit: sees to it that the file has blocks for all its pages,
    /// and some more, if the transaction under way makes it longer.
    pub(in crate::store::sqlite) fn reserve(&self, file: Extent, relief: &mut Relief) -> Result<()> {
        let needed = self.pages()? * PAGE;
        relief.grows = needed > file.length;
        if !relief.grows || needed + SLACK <= file.blocks {
            return Ok(());
        }
        match self.allocate(file.length, needed) {
            Err(Errno::ENOSPC | Errno::EDQUOT) => Err(full()),
            // Where blocks cannot be had beforehand, there is nothing to it.
            _ => Ok(()),
        }
    }

    /// Sees to it that the file, which has a length, has blocks as if it were
    /// longer, and some more.
    fn allocate(&self, length: u64, needed: u64) -> nix::Result<()> {
        let Ok(database) = Descriptor::to_write(&self.options.path) else { return Ok(()) };
        let allocate = |bytes: u64| {
            let signed = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
            let (start, more) = (signed(length), signed(bytes.saturating_sub(length)));
            fallocate(&*database, FallocateFlags::FALLOC_FL_KEEP_SIZE, start, more)
        };
        // Twice the slack, so that not every transaction has to ask.
        allocate(needed + 2 * SLACK).or_else(|_| allocate(needed + SLACK))
    }

    /// Makes room for a transaction that found none, if there is more to be had.
    pub(in crate::store::sqlite) fn make_room(&self, relief: &mut Relief) -> bool {
        if !std::mem::replace(&mut relief.moved, true) {
            self.move_log();
            if self.wal_frames() > 0 {
                self.cut_log();
            }
            if self.wal_frames() < relief.frames {
                return true;
            }
        }
        if relief.grows {
            // Moving the log has given up what the next delete may need.
            self.checkpoint();
            return false;
        }
        !std::mem::replace(&mut relief.slack_given, true) && self.give_slack().is_ok()
    }

    /// Gives up the blocks behind the file's last page.
    fn give_slack(&self) -> Result<()> {
        let database = Descriptor::to_write(&self.options.path).map_err(|e| Error::io("the store", e))?;
        self.as_only_writer(|| {
            // Behind what the file will have once all the log is moved into it.
            let start = self.pages()? * PAGE;
            let flags = FallocateFlags::FALLOC_FL_PUNCH_HOLE | FallocateFlags::FALLOC_FL_KEEP_SIZE;
            fallocate(&*database, flags, i64::try_from(start).unwrap_or(i64::MAX), 1 << 40)
                .map_err(|e| Error::io("the store", e.into()))
        })
    }
}

fn full() -> Error {
    rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_FULL), None).into()
}
