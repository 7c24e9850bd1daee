//! What SQLite reports, read as an outcome.

use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags};
use nix::unistd::{AccessFlags, faccessat};
use rusqlite::ErrorCode;
use rusqlite::ffi;

use crate::model::Error;
use crate::store::sqlite::file::companions;
use crate::store::sqlite::file::path::beside;
use crate::text::quote;

/// What SQLite said, in words without SQL.
#[derive(Debug)]
struct SqliteError(rusqlite::Error);

impl std::fmt::Display for SqliteError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            rusqlite::Error::SqliteFailure(e, _) => {
                write!(f, "the store failed: {}", ffi::code_to_str(e.extended_code))
            }
            _ => f.write_str("the store contains unexpected data"),
        }
    }
}

impl std::error::Error for SqliteError {}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        Self::Engine(Box::new(SqliteError(error)))
    }
}

impl Error {
    /// What SQLite reported, if the error is that and not interpreted yet.
    pub(in crate::store::sqlite) fn sqlite(&self) -> Option<&rusqlite::Error> {
        let Self::Engine(error) = self else { return None };
        error.downcast_ref::<SqliteError>().map(|error| &error.0)
    }

    /// The code of what SQLite reported.
    pub(in crate::store::sqlite) fn failure(&self) -> Option<&ffi::Error> {
        match self.sqlite() {
            Some(rusqlite::Error::SqliteFailure(failure, _)) => Some(failure),
            _ => None,
        }
    }

    /// Whether rolling back and starting over may succeed.
    #[must_use]
    pub(in crate::store::sqlite) fn is_busy(&self) -> bool {
        self.failure().is_some_and(|e| {
            matches!(e.code, ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
                || e.extended_code & 0xff == ffi::SQLITE_PROTOCOL
        })
    }

    /// Whether there was no room on the disk.
    pub(in crate::store::sqlite) fn is_full(&self) -> bool {
        self.failure().is_some_and(|e| e.code == ErrorCode::DiskFull)
    }

    /// Whether a statement named a table that is not loaded.
    pub(in crate::store::sqlite) fn is_unknown_object(&self) -> bool {
        self.failure().is_some_and(|e| e.extended_code == ffi::SQLITE_ERROR)
    }

    /// Turns what SQLite said about the file at `path` into an outcome.
    pub(crate) fn settle(self, path: &Path) -> Self {
        let Self::Engine(error) = self else { return self };
        let error = match error.downcast::<SqliteError>() {
            Ok(error) => error.0,
            Err(other) => return Self::Engine(other),
        };
        if let Some(refusal) = companions::refusal() {
            return refusal;
        }
        let rusqlite::Error::SqliteFailure(failure, message) = &error else {
            return match error {
                // A column that does not hold what the schema says it holds.
                rusqlite::Error::InvalidColumnType(..)
                | rusqlite::Error::FromSqlConversionFailure(..)
                | rusqlite::Error::IntegralValueOutOfRange(..)
                | rusqlite::Error::QueryReturnedNoRows
                | rusqlite::Error::Utf8Error(..) => {
                    Self::unusable(path, "contains a row that larder cannot read; run 'larder check'")
                }
                other => other.into(),
            };
        };
        let io = |kind: std::io::ErrorKind, why: &'static str| {
            Self::io(format!("store {}", quote(&path.to_string_lossy())), std::io::Error::new(kind, why))
        };
        match failure.code {
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed => {
                Self::Busy(format!(
                    "the store {} stayed locked by another process",
                    quote(&path.to_string_lossy())
                ))
            }
            ErrorCode::OperationInterrupted => Self::Interrupted,
            ErrorCode::NotADatabase => Self::unusable(path, "is not a larder store (not an SQLite file)"),
            ErrorCode::DatabaseCorrupt => {
                Self::unusable(path, "is damaged; run 'larder check', or restore a backup")
            }
            ErrorCode::DiskFull => io(std::io::ErrorKind::StorageFull, "no space left on device"),
            // A reader makes -wal and -shm where they are missing.
            ErrorCode::ReadOnly
                if matches!(
                    failure.extended_code,
                    ffi::SQLITE_READONLY_DIRECTORY
                        | ffi::SQLITE_READONLY_CANTINIT
                        | ffi::SQLITE_READONLY_RECOVERY
                ) =>
            {
                io(std::io::ErrorKind::PermissionDenied, NOT_EVEN_READABLE)
            }
            ErrorCode::ReadOnly => io(std::io::ErrorKind::ReadOnlyFilesystem, "cannot be written"),
            ErrorCode::PermissionDenied => io(std::io::ErrorKind::PermissionDenied, "permission denied"),
            // Exhaustion first: by its name nobody can reach a file of a vault.
            ErrorCode::CannotOpen => match companions::exhaustion()
                .map(|errno| (path.to_owned(), errno))
                .or_else(|| unreachable_part(path))
            {
                Some((file, errno)) => {
                    Self::io(format!("store {}", quote(&file.to_string_lossy())), errno.into())
                }
                None => io(std::io::ErrorKind::PermissionDenied, NOT_EVEN_READABLE),
            },
            // A new store begins without a log.
            ErrorCode::SystemIoFailure if failure.extended_code == ffi::SQLITE_IOERR_DELETE => {
                Self::Companion { file: beside(path, "-wal"), why: "is in the way and cannot be removed" }
            }
            ErrorCode::SystemIoFailure => {
                io(std::io::ErrorKind::Other, "input/output error, or a file size limit")
            }
            ErrorCode::OutOfMemory => io(std::io::ErrorKind::OutOfMemory, "out of memory"),
            ErrorCode::TooBig => Self::BadData(
                "the value is larger than SQLite can hold (1,000,000,000 bytes with its key)".into(),
            ),
            ErrorCode::ConstraintViolation => match message.as_deref() {
                Some(m) if m.starts_with("NOT NULL constraint failed: entries.version") => {
                    Self::unusable(path, "has an empty change log; run 'larder check --repair'")
                }
                _ => Self::unusable(
                    path,
                    "refused a write that its own schema should allow; run 'larder check'",
                ),
            },
            _ => Self::unusable(path, "cannot be read as larder's schema"),
        }
    }
}

const NOT_EVEN_READABLE: &str = "reading needs write permission here, to create the -wal and -shm files";

/// The file of the store that the process may not use as SQLite needs it, and
/// why. Asked by name: closing a descriptor would drop the process's locks.
fn unreachable_part(path: &Path) -> Option<(PathBuf, Errno)> {
    let needs = |suffix: &str, access| {
        let file = beside(path, suffix);
        let refused = faccessat(AT_FDCWD, &file, access, AtFlags::AT_EACCESS).err();
        refused.filter(|errno| *errno != Errno::ENOENT).map(|errno| (file, errno))
    };
    let both = AccessFlags::R_OK | AccessFlags::W_OK;
    needs("", AccessFlags::R_OK).or_else(|| needs("-wal", both)).or_else(|| needs("-shm", both))
}
