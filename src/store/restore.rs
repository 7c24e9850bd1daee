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

use std::fs::{self, File};
use std::io::{Error as IoError, ErrorKind};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::unistd::AccessFlags;
use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use super::connection::{Store, StoreOptions};
use super::copy::{
    Progress, STEP, Scratch, absolute, busy, close, copy_pages, forget_companions, immutable, lock_whole,
    own_right, serious, sync_directory, told,
};
use super::error::{Error, Result, quote};
use super::findings::{FindingKind, examine};
use super::opening::no_triggers;
use super::place::{self, Place, beside};
use super::repair;
use super::seal::{self, Seal};
use super::transaction::Transaction;
use super::{held, migrations, ruin, upgrades};

/// How far the numbers jump when the replaced store can no longer say how far
/// it had come.
const LEAP: i64 = 1_000_000_000;

/// What a restore did.
#[derive(Clone, Debug)]
pub struct Restored {
    /// Number of the restored log's origin: above every earlier version.
    pub seq: i64,
    /// Live keys and due ones.
    pub entries: i64,
    /// Where the file went that was no usable store.
    pub kept: Option<PathBuf>,
}

/// Replaces the store of `options` by the backup `from`, which is verified
/// first and not changed. Where the store's directory cannot be written, the
/// copy is made in `spare`.
///
/// # Errors
/// [`Error::Unusable`] if `from` is no sound store, or if something that larder
/// does not know stands at the store's path; [`Error::Busy`] if a damaged store
/// is in use; [`Error::Denied`] for a vault, as the copy would lie where the
/// caller can change it after it was verified.
pub fn restore(
    options: &StoreOptions,
    from: &Path,
    spare: &Path,
    progress: Progress<'_>,
) -> Result<Restored> {
    let from = absolute(from)?;
    let path = absolute(&options.path)?;
    if held::is_held(&path) {
        return Err(Error::Denied("only root may restore a vault".into()));
    }
    // A symbolic link to the store keeps pointing at it.
    let path = fs::canonicalize(&path).unwrap_or(path);
    let options = StoreOptions { path, ..options.clone() };
    refuse_source(&from, &options.path)?;
    let present = match present(&options) {
        Ok(present) => present,
        Err(e @ (Error::Unusable { .. } | Error::Altered { .. })) => {
            is_file(&options.path)?;
            ruin::permit_replacement(&options.path, e)?;
            Present::Ruin
        }
        Err(e) => return Err(e),
    };
    let parent = options.path.parent().unwrap_or(Path::new("/"));
    place::make_directory(parent).map_err(|e| told(&options.path, e))?;
    let (scratch, beside) = match Scratch::beside(&options.path) {
        Err(e) if matches!(present, Present::Store(_)) && is_read_only(&e) => {
            (Scratch::within(spare, &options.path)?, false)
        }
        scratch => (scratch?, true),
    };
    copy_source(&from, &scratch, progress)?;
    prepare(&from, &scratch)?;
    if let Present::Store(mut store) = present {
        match overwrite(&mut store, &scratch, |tx| repair::above_all(tx, 0)) {
            Err(e) if e.is_damage() => {}
            other => return other.map_err(|e| e.settle(&options.path)),
        }
        // Under a new name it would belong to the caller, who would be trusted
        // from then on.
        if !(beside && ruin::is_trusted(&options.path)) {
            return overwrite(&mut store, &scratch, |tx| Ok(number_above(tx.conn))).map_err(|e| {
                if e.is_damage() { cannot_replace(&options.path) } else { e.settle(&options.path) }
            });
        }
    }
    replace(&options, &scratch)
}

/// What stands at the place of the store.
enum Present {
    Nothing,
    Store(Box<Store>),
    Ruin,
}

/// Looks for a store that the caller may restore.
fn present(options: &StoreOptions) -> Result<Present> {
    if place::inspect(&options.path)? == Place::Missing {
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
    Ok(short || place::inspect(path)? == Place::File)
}

fn is_read_only(error: &Error) -> bool {
    let Error::Io { source, .. } = error else { return false };
    matches!(source.kind(), ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem)
}

fn cannot_replace(path: &Path) -> Error {
    let why = "is too damaged to be overwritten; its owner can restore it, in a directory he can write";
    Error::unusable(path, why)
}

/// The backup must be a file, and another one than the store.
fn refuse_source(from: &Path, store: &Path) -> Result<()> {
    let meta = fs::metadata(from).map_err(|e| told(from, e))?;
    own_right(from, AccessFlags::R_OK)?;
    if !meta.is_file() {
        return Err(Error::unusable(from, "is not a file, so not a backup"));
    }
    if place::identity(store) == Some((meta.dev(), meta.ino())) {
        return Err(Error::Usage(format!("{} is the store itself", quote(&from.to_string_lossy()))));
    }
    Ok(())
}

/// Copies the backup to the scratch file. A file with a log beside it is a
/// store that may be in use, or was killed, and is read like one; any other is
/// read without leaving a trace, wherever it lies, and must not change
/// meanwhile.
fn copy_source(from: &Path, scratch: &Scratch, progress: Progress<'_>) -> Result<()> {
    let has_log = fs::metadata(beside(from, "-wal")).is_ok_and(|meta| meta.len() > 0);
    let mut copy = scratch.connect()?;
    let result = if has_log {
        let Some(source) = Store::open_untouched(&StoreOptions::new(from))? else {
            return Err(Error::unusable(from, "is empty"));
        };
        source.retry(|| {
            source.in_transaction("BEGIN", |tx| {
                tx.log_span()?;
                copy_pages(&source.conn, &mut copy, progress)
            })
        })
    } else {
        let before = stamp(from)?;
        let result = immutable(from).and_then(|source| {
            source.execute_batch("BEGIN")?;
            if matches!(seal::verify(&source, from)?, Seal::Unmarked) {
                return Err(Error::unusable(from, "is not a backup of a larder store"));
            }
            copy_pages(&source, &mut copy, progress)
        });
        if result.is_ok() && stamp(from)? != before {
            return Err(Error::Busy(format!("{} changed while it was read", quote(&from.to_string_lossy()))));
        }
        result
    };
    result.map_err(|e| unsound(e, from).settle_copy(from, &scratch.path))?;
    close(copy).map_err(|e| e.settle(&scratch.path))
}

/// What changes when a file is written to.
fn stamp(path: &Path) -> Result<(u64, i64, i64, bool)> {
    let meta = fs::metadata(path).map_err(|e| told(path, e))?;
    let log = fs::metadata(beside(path, "-wal")).is_ok_and(|meta| meta.len() > 0);
    Ok((meta.len(), meta.mtime(), meta.mtime_nsec(), log))
}

/// A backup in which SQLite cannot find its way: there is nothing to be done
/// about it but to take another one.
fn unsound(e: Error, from: &Path) -> Error {
    let corrupt = matches!(
        &e,
        Error::Sqlite(rusqlite::Error::SqliteFailure(e, _)) if e.code == rusqlite::ErrorCode::DatabaseCorrupt
    );
    if corrupt { Error::unusable(from, "is damaged; restore another backup") } else { e }
}

/// Refuses a copy that is not sound, counts again what is counted wrong, and
/// puts wrong marks right.
fn prepare(from: &Path, scratch: &Scratch) -> Result<()> {
    let wrong = |e: Error| unsound(e, from).settle(from);
    let findings = immutable(&scratch.path).and_then(|conn| examine(&conn)).map_err(wrong)?;
    if let Some(finding) = serious(&findings) {
        return Err(Error::unusable(from, format!("cannot be restored: {}", finding.what)));
    }
    if findings.iter().any(|finding| finding.kind == FindingKind::Counters) {
        on_copy(scratch, repair::recount)?;
    }
    if findings.iter().any(|finding| finding.kind == FindingKind::Mark) {
        on_copy(scratch, |tx| migrations::mark(tx.conn, seal::edition(tx.conn)?))?;
    }
    on_copy(scratch, |tx| upgrades::run(tx.conn, from))
}

/// Changes the copy, in one transaction, and leaves it without a log.
fn on_copy<T>(scratch: &Scratch, f: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
    let conn = scratch.connect()?;
    no_triggers(&conn)?;
    conn.execute_batch("BEGIN IMMEDIATE")?;
    let scope = super::Scope::default();
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

/// Overwrites the store with the copy in one transaction, numbered as `number`
/// says.
fn overwrite(
    store: &mut Store,
    scratch: &Scratch,
    number: impl Fn(&Transaction<'_>) -> Result<i64>,
) -> Result<Restored> {
    let options = store.options.clone();
    let page_size = |conn: &Connection| conn.query_row("PRAGMA page_size", [], |row| row.get::<_, i64>(0));
    let wanted = page_size(&store.conn)?;
    if wanted != page_size(&immutable(&scratch.path)?)? {
        // Only outside WAL can a page size change.
        let copy = scratch.connect()?;
        copy.execute_batch(&format!(
            "PRAGMA journal_mode=DELETE;PRAGMA page_size={wanted};VACUUM;PRAGMA journal_mode=WAL"
        ))?;
        close(copy)?;
    }
    // A second connection looks at the numbers while the first one writes.
    let witness = Store::connect_unverified(options)?;
    no_triggers(&witness.conn)?;
    let newest = || {
        // Damage that was met on the way may keep SQLite from ending it.
        let mut newest = None;
        let ended = witness.in_transaction("BEGIN", |tx| {
            newest = Some(number(tx)?);
            Ok(())
        });
        newest.map_or_else(|| ended.map(|()| 0), Ok)
    };
    loop {
        let newest_before = witness.retry(newest)?;
        let (seq, entries) = renumber(scratch, newest_before)?;
        store.prepare_writer()?;
        let source = scratch.connect()?;
        let overwritten = witness.retry(|| {
            let backup = Backup::new(&source, &mut store.conn)?;
            // The first step takes the write lock, which is held to the end:
            // the numbers that are read now are the last ones.
            if !matches!(backup.step(1)?, StepResult::Done | StepResult::More) {
                return Err(busy());
            }
            if newest()? > seq {
                return Ok(false);
            }
            loop {
                match backup.step(STEP)? {
                    StepResult::Done => return Ok(true),
                    StepResult::More => {}
                    _ => return Err(busy()),
                }
            }
        });
        drop(source);
        match overwritten {
            Ok(true) => {
                store.checkpoint_if_due(0);
                store.ring();
                return Ok(Restored { seq, entries, kept: None });
            }
            // Somebody wrote between the look and the lock: number again.
            Ok(false) => {}
            Err(e) => return Err(e),
        }
    }
}

/// Puts the copy in the place of what is no longer a store, or of nothing.
fn replace(options: &StoreOptions, scratch: &Scratch) -> Result<Restored> {
    let path = options.path.clone();
    let io = |e: IoError| told(&path, e);
    let there = is_file(&path)?;
    let floor = if there { last_number(options) } else { 0 };
    let (seq, entries) = renumber(scratch, floor).map_err(|e| e.settle(&path))?;
    if !there {
        forget_companions(&path);
        scratch.persist(&path)?;
        return Ok(Restored { seq, entries, kept: None });
    }
    let old = fs::OpenOptions::new().read(true).write(true).open(&path).map_err(io)?;
    lock_whole(&old).map_err(|_| {
        Error::Busy(format!(
            "the damaged store {} is in use; end the processes that have it open",
            quote(&path.to_string_lossy())
        ))
    })?;
    let meta = old.metadata().map_err(io)?;
    fs::set_permissions(&scratch.path, fs::Permissions::from_mode(meta.mode() & 0o777)).map_err(io)?;
    // Only root can; for everybody else the owner is the same already.
    let _ = std::os::unix::fs::chown(&scratch.path, Some(meta.uid()), Some(meta.gid()));
    File::open(&scratch.path).and_then(|file| file.sync_all()).map_err(io)?;
    // The old file gets its second name first: from here to the end it has
    // two, and a store with two names is refused by whoever comes by. At no
    // moment is there no store, and no log is ever beside a file that is not
    // its own.
    let kept = second_name(&path)?;
    for suffix in ["-wal", "-journal"] {
        match fs::rename(beside(&path, suffix), beside(&kept, suffix)) {
            Err(e) if e.kind() != ErrorKind::NotFound => return Err(io(e)),
            _ => {}
        }
    }
    let _ = fs::remove_file(beside(&path, "-shm"));
    fs::rename(&scratch.path, &path).map_err(io)?;
    sync_directory(&path)?;
    Ok(Restored { seq, entries, kept: Some(kept) })
}

/// A number above all that a damaged store still knows, with room for what may
/// have been lost.
fn number_above(conn: &Connection) -> i64 {
    repair::highest_left(conn).unwrap_or(0).max(0).saturating_add(LEAP)
}

fn last_number(options: &StoreOptions) -> i64 {
    Store::open_to_check(options).map_or(LEAP, |store| number_above(&store.conn))
}

/// Links the file to a name that is free: `NAME.damaged`, `NAME.damaged-2`, …
fn second_name(path: &Path) -> Result<PathBuf> {
    for number in 1.. {
        let suffix = if number == 1 { ".damaged".to_owned() } else { format!(".damaged-{number}") };
        let name = beside(path, &suffix);
        match fs::hard_link(path, &name) {
            Ok(()) => return Ok(name),
            Err(e) if e.kind() == ErrorKind::AlreadyExists && number < 1000 => {}
            Err(e) => return Err(told(path, e)),
        }
    }
    Err(told(path, IoError::from(ErrorKind::AlreadyExists)))
}
