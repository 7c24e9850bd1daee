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
use std::io::{Error as IoError, ErrorKind, Read};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::unistd::AccessFlags;
use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use crate::store::sqlite::attend::may_go_on;
use crate::store::sqlite::check::examine::{FindingKind, examine};
use crate::store::sqlite::check::repair;
use crate::store::sqlite::check::salvage;
use crate::store::sqlite::connection::{Store, StoreOptions};
use crate::store::sqlite::copy::{
    Progress, STEP, Scratch, Stage, busy, close, copy_pages, forget_companions, immutable, lock_whole,
    own_right, serious, sync_directory, told, unsigned,
};
use crate::store::sqlite::error::{Error, Result};
use crate::store::sqlite::file::descriptors::Descriptor;
use crate::store::sqlite::file::open::no_triggers;
use crate::store::sqlite::file::path::{self, Place, beside};
use crate::store::sqlite::file::waiting;
use crate::store::sqlite::schema::migrate;
use crate::store::sqlite::schema::upgrade;
use crate::store::sqlite::schema::verify::{self, Seal};
use crate::store::sqlite::transaction::Transaction;
use crate::store::sqlite::vault;
use crate::text::quote;

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
/// caller can change it after it was verified; [`Error::Interrupted`] if whoever
/// attends asked for an end before the restore was done, and then nothing has
/// changed.
pub fn restore(
    options: &StoreOptions,
    from: &Path,
    spare: &Path,
    progress: Progress<'_>,
) -> Result<Restored> {
    // Whatever fails after somebody has asked for an end fails because of it.
    restore_attended(options, from, spare, progress)
        .map_err(|e| if may_go_on() { e } else { Error::Interrupted })
}

fn restore_attended(
    options: &StoreOptions,
    from: &Path,
    spare: &Path,
    progress: Progress<'_>,
) -> Result<Restored> {
    let from = path::resolve(from)?;
    let path = path::resolve(&options.path)?;
    if vault::is_held(&path) {
        return Err(Error::Denied("only root may restore a vault".into()));
    }
    let options = StoreOptions { path, ..options.clone() };
    refuse_source(&from, &options.path)?;
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
    path::make_directory(parent).map_err(|e| told(&options.path, e))?;
    let (scratch, beside) = match Scratch::beside(&options.path) {
        Err(e) if matches!(present, Present::Store(_)) && is_read_only(&e) => {
            (Scratch::within(spare, &options.path)?, false)
        }
        scratch => (scratch?, true),
    };
    copy_source(&from, &scratch, progress)?;
    progress(Stage::Checking, 0, 0);
    prepare(&from, &scratch)?;
    if let Present::Store(mut store) = present {
        match overwrite(&mut store, &scratch, progress, |tx| repair::above_all(tx, 0)) {
            Err(e) if e.is_damage() => {}
            other => return other.map_err(|e| e.settle(&options.path)),
        }
        // Under a new name it would belong to the caller, who would be trusted
        // from then on.
        if !(beside && salvage::is_trusted(&options.path)) {
            let overwritten = overwrite(&mut store, &scratch, progress, |tx| Ok(number_above(tx.conn)));
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

/// What stands at the place of the store.
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
    if path::is_mount(from) {
        return Err(Error::unusable(from, path::MOUNTED));
    }
    if path::identity(store) == Some((meta.dev(), meta.ino())) {
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
    if is_hot(&beside(from, "-journal")) {
        let why = "has an unfinished transaction in its -journal; open it once with larder or sqlite3 first";
        return Err(Error::unusable(from, why));
    }
    let mut copy = scratch.connect().map_err(|e| e.settle(&scratch.path))?;
    let result = if has_log {
        // Who only reads needs neither the right to change it nor its form.
        let source = Store::connect_to_read(StoreOptions::new(from))?;
        no_triggers(&source.conn).map_err(|e| e.settle(from))?;
        source.retry(|| {
            source.in_transaction("BEGIN", |tx| {
                refuse_stranger(tx.conn, from)?;
                copy_pages(&source.conn, &mut copy, progress)
            })
        })
    } else {
        let before = stamp(from)?;
        let result = immutable(from).and_then(|source| {
            source.execute_batch("BEGIN")?;
            refuse_stranger(&source, from)?;
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

/// A file of another program's, or of a later larder, is no backup.
fn refuse_stranger(conn: &Connection, from: &Path) -> Result<()> {
    let unmarked = matches!(verify::verify(conn, from)?, Seal::Unmarked);
    if unmarked && !migrate::is_go_store(conn, from)? {
        return Err(Error::unusable(from, "is not a backup of a larder store"));
    }
    Ok(())
}

/// Whether SQLite would have to undo something in the file first: reading past
/// that journal would see the half of a transaction.
fn is_hot(journal: &Path) -> bool {
    let mut magic = [0; 8];
    let read = File::open(journal).and_then(|mut file| file.read_exact(&mut magic));
    read.is_ok() && magic == [0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7]
}

/// Makes a store of the copy of a go-store file; the file itself stays as it
/// is.
fn adopt(from: &Path, scratch: &Scratch) -> Result<()> {
    let seal = immutable(&scratch.path).and_then(|conn| verify::verify(&conn, from));
    if !matches!(seal, Ok(Seal::Unmarked)) {
        // What else is wrong with it is told in the words of a check.
        return Ok(());
    }
    let migrated = (|| {
        let copy = Store::connect_unverified(StoreOptions::new(&scratch.path))?;
        migrate::adopt(&copy, false)?;
        close(copy.conn)
    })();
    migrated.map_err(|e| match e {
        Error::Unusable { why, .. } => Error::unusable(from, why),
        other => other.settle(&scratch.path),
    })
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
    let wrong = |e: Error| unsound(e, from).settle_copy(from, &scratch.path);
    adopt(from, scratch)?;
    let findings = immutable(&scratch.path).and_then(|conn| examine(&conn)).map_err(wrong)?;
    if let Some(finding) = serious(&findings) {
        return Err(Error::unusable(from, format!("cannot be restored: {}", finding.what)));
    }
    if findings.iter().any(|finding| finding.kind == FindingKind::Counters) {
        on_copy(scratch, repair::recount).map_err(wrong)?;
    }
    if findings.iter().any(|finding| finding.kind == FindingKind::Mark) {
        on_copy(scratch, |tx| migrate::mark(tx.conn, verify::edition(tx.conn)?)).map_err(wrong)?;
    }
    on_copy(scratch, |tx| upgrade::run(tx.conn, from)).map_err(wrong)
}

/// Changes the copy, in one transaction, and leaves it without a log.
fn on_copy<T>(scratch: &Scratch, f: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
    let conn = scratch.connect()?;
    no_triggers(&conn)?;
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

/// How far above the newest number the copy is numbered in each round. At
/// first as closely as can be; whoever writes meanwhile takes the next numbers,
/// and the copy has to be numbered anew. From then on it is numbered so far
/// above that no writer gets there: numbers only have to grow.
const HEADWAY: [i64; 3] = [0, 1 << 24, 1 << 32];

/// Overwrites the store with the copy in one transaction, numbered above what
/// `number` says is the newest.
fn overwrite(
    store: &mut Store,
    scratch: &Scratch,
    progress: Progress<'_>,
    number: impl Fn(&Transaction<'_>) -> Result<i64>,
) -> Result<Restored> {
    let options = store.options.clone();
    // Elsewhere who writes keeps readers out, ourselves included.
    store.retry(|| migrate::switch_to_wal(&store.conn))?;
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
    for headway in HEADWAY {
        let newest_before = witness.retry(newest)?;
        let (seq, entries) = renumber(scratch, newest_before.saturating_add(headway))?;
        store.prepare_writer()?;
        let source = scratch.connect()?;
        let overwritten = witness.retry(|| {
            let backup = Backup::new(&source, &mut store.conn)?;
            // The first step takes the write lock, which is held to the end:
            // the numbers that are read now are the last ones.
            let first = waiting::as_writer(|| backup.step(1))?;
            waiting::leave_queue();
            if !matches!(first, StepResult::Done | StepResult::More) {
                return Err(busy());
            }
            if newest()? > seq {
                return Ok(false);
            }
            loop {
                // The last step commits; after it there is no way back.
                if !may_go_on() {
                    return Err(Error::Interrupted);
                }
                let step = backup.step(STEP)?;
                let pages = backup.progress();
                let (total, left) = (unsigned(pages.pagecount), unsigned(pages.remaining));
                progress(Stage::Writing, total.saturating_sub(left), total);
                match step {
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
    Err(busy())
}

/// Puts the copy in the place of what is no longer a store, or of nothing.
fn replace(options: &StoreOptions, scratch: &Scratch) -> Result<Restored> {
    let path = options.path.clone();
    let io = |e: IoError| told(&path, e);
    let there = is_file(&path)?;
    let floor = if there { last_number(options) } else { 0 };
    let (seq, entries) = renumber(scratch, floor).map_err(|e| e.settle(&path))?;
    if !may_go_on() {
        return Err(Error::Interrupted);
    }
    if !there {
        forget_companions(&path);
        scratch.persist(&path)?;
        return Ok(Restored { seq, entries, kept: None });
    }
    let old = Descriptor::to_write(&path).map_err(io)?;
    let meta = old.metadata().map_err(io)?;
    let _locked = lock_whole(old).map_err(|_| in_use(&path))?;
    // From the first new name on it is done to the end.
    if !may_go_on() {
        return Err(Error::Interrupted);
    }
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

/// Makes up for a restore that was killed when a damaged store had its second
/// name already, and not yet a file in its place: it gets back its log and is
/// left with its first name. Nobody else can do it, as a store with two names
/// is refused by whoever comes by.
fn undo_replacement(path: &Path) -> Result<()> {
    let Ok(meta) = fs::symlink_metadata(path) else { return Ok(()) };
    if !meta.is_file() || meta.nlink() != 2 || !salvage::is_trusted(path) {
        return Ok(());
    }
    let is_same = |name: &PathBuf| {
        fs::symlink_metadata(name).is_ok_and(|other| (other.dev(), other.ino()) == (meta.dev(), meta.ino()))
    };
    let Some(kept) = second_names(path).find(is_same) else { return Ok(()) };
    let io = |e: IoError| told(path, e);
    let file = Descriptor::to_write(path).map_err(io)?;
    // The restore may be under way, and well.
    let _locked = lock_whole(file).map_err(|_| in_use(path))?;
    if fs::symlink_metadata(path).map_err(io)?.ino() != meta.ino() || !is_same(&kept) {
        return Ok(());
    }
    for suffix in ["-wal", "-journal"] {
        let (old, new) = (beside(&kept, suffix), beside(path, suffix));
        if fs::symlink_metadata(&new).is_err() && fs::symlink_metadata(&old).is_ok() {
            fs::rename(old, new).map_err(io)?;
        }
    }
    fs::remove_file(&kept).map_err(io)?;
    sync_directory(path)
}

fn in_use(path: &Path) -> Error {
    Error::Busy(format!(
        "the damaged store {} is in use; end the processes that have it open",
        quote(&path.to_string_lossy())
    ))
}

/// What a damaged store may be called: `NAME.damaged`, `NAME.damaged-2`, …
fn second_names(path: &Path) -> impl Iterator<Item = PathBuf> {
    (1..=1000).map(|number| {
        beside(path, &if number == 1 { ".damaged".to_owned() } else { format!(".damaged-{number}") })
    })
}

/// A number above all that a damaged store still knows, with room for what may
/// have been lost.
fn number_above(conn: &Connection) -> i64 {
    repair::highest_left(conn).unwrap_or(0).max(0).saturating_add(LEAP)
}

fn last_number(options: &StoreOptions) -> i64 {
    Store::open_to_check(options).map_or(LEAP, |store| number_above(&store.conn))
}

/// Links the file to the first of its second names that is free.
fn second_name(path: &Path) -> Result<PathBuf> {
    for name in second_names(path) {
        match fs::hard_link(path, &name) {
            Ok(()) => return Ok(name),
            Err(e) if e.kind() == ErrorKind::AlreadyExists => {}
            Err(e) => return Err(told(path, e)),
        }
    }
    Err(told(path, IoError::from(ErrorKind::AlreadyExists)))
}
