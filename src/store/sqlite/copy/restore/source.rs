//! The backup that is to be restored: reading it, and refusing what is none.

use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use nix::unistd::AccessFlags;
use rusqlite::Connection;

use crate::model::{Error, Result};
use crate::store::sqlite::attend::may_go_on;
use crate::store::sqlite::check::examine::{FindingKind, examine};
use crate::store::sqlite::check::repair;
use crate::store::sqlite::connection::{Store, StoreOptions};
use crate::store::sqlite::copy::{
    Progress, Scratch, Stage, close, copy_pages, immutable, io_error, own_right, serious,
};
use crate::store::sqlite::file::path::{self, beside};
use crate::store::sqlite::schema::migrate;
use crate::store::sqlite::schema::upgrade;
use crate::store::sqlite::schema::verify::{self, Seal};
use crate::text::quote;

use super::{STREAM, on_copy};

/// The backup must be a file, and another one than the store.
pub(super) fn refuse(from: &Path, store: &Path) -> Result<()> {
    let meta = fs::metadata(from).map_err(|e| io_error(from, e))?;
    own_right(from, AccessFlags::R_OK)?;
    if !meta.is_file() {
        return Err(Error::unusable(from, "is not a file, so it is not a backup"));
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
pub(super) fn copy(from: &Path, scratch: &Scratch, progress: Progress<'_>) -> Result<()> {
    let has_log = fs::metadata(beside(from, "-wal")).is_ok_and(|meta| meta.len() > 0);
    if is_hot(&beside(from, "-journal")) {
        let why = "has an unfinished transaction in its -journal; open it once with larder or sqlite3 first";
        return Err(Error::unusable(from, why));
    }
    let mut copy = scratch.connect().map_err(|e| e.settle(&scratch.path))?;
    let result = if has_log {
        // Who only reads needs neither the right to change it nor its form.
        let source = Store::connect_to_read(StoreOptions::new(from))?;
        source.retry(|| {
            source.reading(|tx| {
                refuse_stranger(tx.conn.connection(), from)?;
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

/// Bytes of a database's header.
const HEADER: usize = 100;

/// Bytes read at once.
const CHUNK: usize = 256 << 10;

/// Takes the bytes of a backup off a stream into the scratch file; all of them,
/// or the stream is refused.
pub(super) fn receive(stream: &mut dyn Read, scratch: &Scratch, progress: Progress<'_>) -> Result<()> {
    let from = Path::new(STREAM);
    let spool = |e| io_error(&scratch.path, e);
    let mut file = fs::OpenOptions::new().write(true).open(&scratch.path).map_err(spool)?;
    let mut chunk = vec![0; CHUNK];
    // What is read and not yet written: in the end nothing, before the header
    // is there all that has come.
    let mut held = 0;
    let mut come: u64 = 0;
    let mut promised = None;
    let (page, pages) = loop {
        if !may_go_on() {
            return Err(Error::Interrupted);
        }
        let read = match stream.read(&mut chunk[held..]) {
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => continue,
            read => read.map_err(|e| io_error(from, e))?,
        };
        held += read;
        come += read as u64;
        let (page, pages) = match promised {
            Some(promised) => promised,
            None if held >= HEADER => *promised.insert(length(&chunk[..HEADER], from)?),
            None if read > 0 => continue,
            None if held == 0 => return Err(Error::unusable(from, "is empty")),
            None => return Err(Error::unusable(from, "is truncated")),
        };
        if come > page * pages {
            return Err(Error::unusable(from, "continues past the end of the backup"));
        }
        if read == 0 {
            break (page, pages);
        }
        file.write_all(&chunk[..held]).map_err(spool)?;
        held = 0;
        progress(Stage::Receiving, come / page, pages);
    };
    if come < page * pages {
        return Err(Error::unusable(from, format!("is truncated after {come} of {} bytes", page * pages)));
    }
    let accepted = immutable(&scratch.path).and_then(|conn| refuse_stranger(&conn, from));
    accepted.map_err(|e| unsound(e, from).settle_copy(from, &scratch.path))
}

/// The size of a page and their number, as the header of a database says.
fn length(header: &[u8], from: &Path) -> Result<(u64, u64)> {
    let number = |at: usize| u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    if !header.starts_with(b"SQLite format 3\0") {
        return Err(Error::unusable(from, "is not a backup of a larder store"));
    }
    let page = match u16::from_be_bytes([header[16], header[17]]) {
        1 => 65536,
        page => u64::from(page),
    };
    // A number of pages that an old SQLite left behind counts for nothing.
    if page < 512 || number(28) == 0 || number(24) != number(92) {
        return Err(Error::unusable(
            from,
            "does not record its length, so it can only be restored as a file",
        ));
    }
    Ok((page, number(28).into()))
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
    let meta = fs::metadata(path).map_err(|e| io_error(path, e))?;
    let log = fs::metadata(beside(path, "-wal")).is_ok_and(|meta| meta.len() > 0);
    Ok((meta.len(), meta.mtime(), meta.mtime_nsec(), log))
}

/// A backup in which SQLite cannot find its way: there is nothing to be done
/// about it but to take another one.
fn unsound(e: Error, from: &Path) -> Error {
    let corrupt = e.failure().is_some_and(|e| e.code == rusqlite::ErrorCode::DatabaseCorrupt);
    if corrupt { Error::unusable(from, "is damaged; restore another backup") } else { e }
}

/// Refuses a copy that is not sound, counts again what is counted wrong, and
/// puts wrong marks right.
pub(super) fn prepare(from: &Path, scratch: &Scratch) -> Result<()> {
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
