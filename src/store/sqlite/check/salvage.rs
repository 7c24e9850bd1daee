//! Salvage: files that are no longer stores, told apart from files that never
//! were.
//!
//! A store that is to be replaced, or asked what is wrong with it, may be in
//! any state. Another program's database, or a text file given as `--db` by
//! mistake, is left alone.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;

use rusqlite::Connection;

use crate::model::{Error, Result};
use crate::store::sqlite::copy::io_error;
use crate::store::sqlite::file::descriptors::Descriptor;
use crate::store::sqlite::file::path::beside;
use crate::store::sqlite::schema;

/// How far into a file its schema is looked for; SQLite writes it early.
const REACH: u64 = 16 << 20;

/// `application_id` and `user_version` of the file.
pub(in crate::store::sqlite) fn marks(conn: &Connection) -> Result<(i32, i32)> {
    let mark = |pragma: &str| conn.query_row(pragma, [], |row| row.get(0));
    Ok((mark("PRAGMA application_id")?, mark("PRAGMA user_version")?))
}

impl Error {
    /// Whether SQLite could not read what it should have found in the file.
    pub(in crate::store::sqlite) fn is_damage(&self) -> bool {
        use rusqlite::Error as E;
        use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
        match self.sqlite() {
            Some(E::SqliteFailure(e, _)) => matches!(e.code, DatabaseCorrupt | NotADatabase),
            Some(
                E::InvalidColumnType(..)
                | E::FromSqlConversionFailure(..)
                | E::IntegralValueOutOfRange(..)
                | E::QueryReturnedNoRows
                | E::Utf8Error(..),
            ) => true,
            _ => false,
        }
    }
}

/// Whether the file is, or was once, a store of this larder's or an older one's.
pub(in crate::store::sqlite) fn was_store(path: &Path) -> Result<bool> {
    let file = Descriptor::to_read(path).map_err(|e| io_error(path, e))?;
    let mut head = [0; 100];
    let read = file.read_at(&mut head, 0).map_err(|e| io_error(path, e))?;
    if head.starts_with(b"SQLite format 3\0") {
        let (version, application) = (number(&head[60..64]), number(&head[68..72]));
        if version > schema::VERSION {
            return Ok(false);
        }
        return Ok(application == schema::APPLICATION_ID || holds_schema(&file, path)?);
    }
    // After a power cut some file systems leave a zeroed header.
    let wiped = head[..read].iter().all(|byte| *byte == 0);
    Ok(wiped || fs::metadata(beside(path, "-wal")).is_ok() || holds_schema(&file, path)?)
}

fn number(bytes: &[u8]) -> i32 {
    bytes.try_into().map_or(0, i32::from_be_bytes)
}

/// Whether one of larder's tables is in a schema as SQLite writes it: type,
/// name and table in one piece, on a page that is a leaf of a table. No text
/// looks like that, and no archive keeps pages where a page can be.
fn holds_schema(file: &File, path: &Path) -> Result<bool> {
    let mut content = Vec::new();
    let mut file = file;
    file.seek(SeekFrom::Start(0))
        .and_then(|_| file.take(REACH).read_to_end(&mut content))
        .map_err(|e| io_error(path, e))?;
    let start = b"tablelarder_";
    let mut from = 0;
    while let Some(at) = content[from..].windows(start.len()).position(|window| window == start) {
        let at = from + at;
        let record = &content[at + "table".len()..];
        let ours = schema::CURRENT.tables.iter().any(|table| {
            let name = table.name.as_bytes();
            record.strip_prefix(name).is_some_and(|rest| rest.starts_with(name))
        });
        let leaf = (9..=16).any(|bits| content[at >> bits << bits] == 13);
        if ours && leaf {
            return Ok(true);
        }
        from = at + 1;
    }
    Ok(false)
}

/// Lets the caller replace what larder cannot open, because of `refusal`.
pub(in crate::store::sqlite) fn permit_replacement(path: &Path, refusal: Error) -> Result<()> {
    if !was_store(path)? {
        return Err(match refusal {
            Error::Unusable { path, why } => {
                Error::Unusable { path, why: format!("{why}; to replace it, move it away first") }
            }
            other => other,
        });
    }
    if is_trusted(path) {
        return Ok(());
    }
    Err(Error::Denied("only the store's owner and root may replace a damaged store".into()))
}

/// What a damaged store says about grants cannot be relied upon, so only those
/// are let in whom they never bound.
pub(in crate::store::sqlite) fn is_trusted(path: &Path) -> bool {
    let uid = nix::unistd::getuid().as_raw();
    uid == 0 || fs::metadata(path).is_ok_and(|meta| meta.uid() == uid)
}
