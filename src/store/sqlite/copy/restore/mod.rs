//! Restore: a backup in the place of the store.
//!
//! A restore does not put another file in the place of a sound store. It
//! overwrites the store's pages in one transaction, so whoever has it open
//! (larder, go-store, the sqlite3 shell) sees the old store or the restored
//! one, writers wait as for any other writer, and a kill at any moment leaves
//! the old store. Only what is no longer a store is replaced by name, when
//! nobody has it open, and is kept under another name. Who may write the store
//! but not its directory can replace no name: the copy is made elsewhere, and
//! a damaged store is overwritten as far as SQLite can still write to it.
//!
//! Numbers never return: the restored change log is one row of type `origin`,
//! two above the newest number of the store it replaces, and every entry has
//! that number as its version. So a version seen before the restore matches
//! nothing after it, and a watch position from before is a trimmed one.

mod overwrite;
mod replace;
mod source;

use std::fs;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use crate::model::{Error, Result};
use crate::store::sqlite::attend::may_go_on;
use crate::store::sqlite::check::repair;
use crate::store::sqlite::check::salvage;
use crate::store::sqlite::connection::{Store, StoreOptions};
use crate::store::sqlite::copy::{Progress, Scratch, Stage, busy, close, io_error};
use crate::store::sqlite::file::path::{self, Place};
use crate::store::sqlite::transaction::Transaction;
use crate::store::sqlite::vault;

use overwrite::overwrite;
use replace::{replace, undo_replacement};

/// How far the numbers jump when the replaced store can no longer say how far
/// it had come.
const LEAP: i64 = 1_000_000_000;

/// What stands for the path of a stream, which has none. Other paths are
/// absolute.
const STREAM: &str = "-";

/// What a restore did.
#[derive(Clone, Debug)]
pub struct Restored {
    /// Number of the restored log's origin: above every earlier version.
    pub seq: i64,
    /// Live keys and expired ones.
    pub entries: i64,
    /// Where the file went that was no usable store.
    pub kept: Option<PathBuf>,
}

/// What is restored.
pub enum Source<'a> {
    /// A file, which is not changed.
    File(&'a Path),
    /// A stream with the bytes of such a file. Where there is nothing to read
    /// yet, reading it may end with [`ErrorKind::WouldBlock`]: then it is asked
    /// whether to go on.
    Stream(&'a mut dyn Read),
}

/// Replaces the store of `options` by the backup `from`, which is verified
/// first. Where the store's directory cannot be written, the copy is made in
/// `spare`.
///
/// # Errors
/// [`Error::Unusable`] if `from` is no sound store, or if something that larder
/// does not know stands at the store's path; [`Error::Busy`] if a damaged store
/// is in use; [`Error::Denied`] for a vault, as the copy would lie where the
/// caller can change it after it was verified; [`Error::Interrupted`] if whoever
/// attends asked for an end before the restore was done, and then nothing has
/// changed.
pub fn restore(
    options: &StoreOptions,
    from: Source<'_>,
    spare: &Path,
    progress: Progress<'_>,
) -> Result<Restored> {
    // Whatever fails after somebody has asked for an end fails because of it.
    restore_attended(options, from, spare, progress)
        .map_err(|e| if may_go_on() { e } else { Error::Interrupted })
}

fn restore_attended(
    options: &StoreOptions,
    from: Source<'_>,
    spare: &Path,
    progress: Progress<'_>,
) -> Result<Restored> {
    let path = path::resolve(&options.path)?;
    if vault::is_held(&path) {
        return Err(Error::Denied("only root may restore a vault".into()));
    }
    let options = StoreOptions { path, ..options.clone() };
    let from = match from {
        Source::File(path) => {
            let path = path::resolve(path)?;
            source::refuse(&path, &options.path)?;
            (path, None)
        }
        Source::Stream(stream) => (PathBuf::from(STREAM), Some(stream)),
    };
    undo_replacement(&options.path)?;
    let present = match present(&options) {
        Ok(present) => present,
        Err(e @ (Error::Unusable { .. } | Error::Altered { .. })) => {
            is_file(&options.path)?;
            salvage::permit_replacement(&options.path, e)?;
            Present::Ruin
        }
        Err(e) => return Err(e),
    };
    let parent = options.path.parent().unwrap_or(Path::new("/"));
    path::make_directory(parent).map_err(|e| io_error(&options.path, e))?;
    let (scratch, beside) = match Scratch::beside(&options.path) {
        Err(e) if matches!(present, Present::Store(_)) && is_read_only(&e) => {
            (Scratch::within(spare, &options.path)?, false)
        }
        scratch => (scratch?, true),
    };
    let (from, stream) = from;
    match stream {
        None => source::copy(&from, &scratch, progress)?,
        Some(stream) => source::receive(stream, &scratch, progress)?,
    }
    progress(Stage::Checking, 0, 0);
    source::prepare(&from, &scratch)?;
    if let Present::Store(mut store) = present {
        match overwrite(&mut store, &scratch, progress, |tx| repair::above_all(tx, 0)) {
            Err(e) if e.is_damage() => {}
            other => return other.map_err(|e| e.settle(&options.path)),
        }
        // Under a new name it would belong to the caller, who would be trusted
        // from then on.
        if !(beside && salvage::is_trusted(&options.path)) {
            let overwritten =
                overwrite(&mut store, &scratch, progress, |tx| Ok(number_above(tx.conn.connection())));
            return overwritten.map_err(|e| {
                if e.is_damage() { cannot_replace(&options.path) } else { e.settle(&options.path) }
            });
        }
    }
    let restored = replace(&options, &scratch)?;
    // The files beside the store are made by whoever made it: in a vault nobody
    // but root may.
    if let Ok(Some(store)) = Store::open(&options) {
        let _ = store.read(|tx| tx.log_span());
    }
    Ok(restored)
}

/// What is at the place of the store.
enum Present {
    Nothing,
    Store(Box<Store>),
    Ruin,
}

/// Looks for a store that the caller may restore.
fn present(options: &StoreOptions) -> Result<Present> {
    if path::inspect(&options.path)? == Place::Missing {
        return Ok(Present::Nothing);
    }
    let store = match Store::open(options)? {
        Some(store) => store,
        None => Store::create(options)?,
    };
    store.read(|tx| tx.permit_store())?;
    Ok(Present::Store(Box::new(store)))
}

/// Whether a file stands there. A directory, a device or a file with a second
/// name is no ruin, whatever is in it; a file of one byte may be one.
fn is_file(path: &Path) -> Result<bool> {
    let short = fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.len() == 1 && meta.nlink() == 1);
    Ok(short || path::inspect(path)? == Place::File)
}

fn is_read_only(error: &Error) -> bool {
    let Error::Io { source, .. } = error else { return false };
    matches!(source.kind(), ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem)
}

fn cannot_replace(path: &Path) -> Error {
    let why =
        "is too damaged to be overwritten; its owner can restore it, with write permission on the directory";
    Error::unusable(path, why)
}

/// Changes the copy, in one transaction, and leaves it without a log.
fn on_copy<T>(scratch: &Scratch, f: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
    let conn = scratch.connect()?;
    conn.execute_batch("BEGIN IMMEDIATE")?;
    let scope = crate::store::Scope::default();
    let value = f(&Transaction::unchecked(&conn, crate::clock::Timestamp::now(), &scope))?;
    conn.execute_batch("COMMIT")?;
    let left: i64 = conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    if left != 0 {
        return Err(busy());
    }
    close(conn)?;
    Ok(value)
}

/// Starts the copy's log over at `seq`; says how many entries it has.
fn renumber(scratch: &Scratch, seq: i64) -> Result<(i64, i64)> {
    on_copy(scratch, |tx| {
        let seq = repair::above_all(tx, seq.saturating_sub(2))?;
        repair::restart_log(tx, seq, true)?;
        let entries = tx.conn.query_row("SELECT count(*)FROM entries", [], |row| row.get(0))?;
        Ok((seq, entries))
    })
}

/// A number above all that a damaged store still knows, with room for what may
/// have been lost.
fn number_above(conn: &Connection) -> i64 {
    repair::highest_left(conn).unwrap_or(0).max(0).saturating_add(LEAP)
}
