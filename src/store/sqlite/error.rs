//! What can go wrong in a store, named by outcome.

use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags};
use nix::unistd::{AccessFlags, faccessat};
use rusqlite::ErrorCode;
use rusqlite::ffi;

use crate::store::sqlite::data::name::Name;
use crate::store::sqlite::file::companions;
use crate::store::sqlite::file::path::beside;
use crate::text::{io_reason, quote};

/// Shorthand for results of the store.
pub type Result<T> = std::result::Result<T, Error>;

/// An outcome other than success. Messages are one line, carry no SQL, and
/// quote names so that control characters in them stay visible.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The key is absent, or due.
    #[error("no key {} in group {}", .key.quoted(), .group.quoted())]
    NotFound {
        /// Group as the caller named it.
        group: Name<'static>,
        /// Key as the caller named it.
        key: Name<'static>,
    },
    /// A named thing other than a key (namespace, consumer, version) is absent.
    #[error("{0}")]
    Absent(String),
    /// A compare-and-set condition did not hold.
    #[error("{0}")]
    Condition(String),
    /// A namespace's limit would be exceeded.
    #[error("namespace {namespace} may hold {limit} {what}, holds {used}, and this write needs {asked} more")]
    Quota {
        /// The namespace whose limit it is.
        namespace: String,
        /// `keys`, `bytes` or `groups`.
        what: &'static str,
        /// The limit.
        limit: i64,
        /// Live use before the write.
        used: i64,
        /// What the write would have added.
        asked: i64,
    },
    /// The caller lacks a grant.
    #[error("{0}")]
    Denied(String),
    /// Something stayed locked past the deadline.
    #[error("{0}")]
    Busy(String),
    /// The file is no store larder can use.
    #[error("{} {why}", shown(.path))]
    Unusable {
        /// The store's path.
        path: PathBuf,
        /// The reason, to be read after the path.
        why: String,
    },
    /// The file is a store, and its schema is no longer as larder made it.
    #[error("{} has been altered: {what}", quote(&.path.to_string_lossy()))]
    Altered {
        /// The store's path.
        path: PathBuf,
        /// What differs.
        what: String,
        /// What mends it.
        remedy: String,
    },
    /// The file is a store of a larder to come.
    #[error("{} has schema {version}, newer than this larder knows ({}); upgrade larder", quote(&.path.to_string_lossy()), crate::store::sqlite::schema::VERSION)]
    Newer {
        /// The store's path.
        path: PathBuf,
        /// The version of its schema.
        version: i32,
    },
    /// Whoever attended to long work asked for its end; what it had changed is
    /// rolled back.
    #[error("interrupted")]
    Interrupted,
    /// A file beside the database that would be taken for a part of it is not
    /// to be trusted.
    #[error("{} {why}, so it is not taken for a part of the store", quote(&.file.to_string_lossy()))]
    Companion {
        /// The file.
        file: PathBuf,
        /// The reason, to be read after the file.
        why: &'static str,
    },
    /// Data that cannot be worked with: not an integer, too large.
    #[error("{0}")]
    BadData(String),
    /// A request that makes no sense whatever the store holds.
    #[error("{0}")]
    Usage(String),
    /// The change log no longer reaches back to the position asked for.
    #[error("changes after {after} are no longer all kept; the oldest that is left is {oldest}")]
    Trimmed {
        /// The position asked for.
        after: i64,
        /// Sequence number of the oldest change that is left.
        oldest: i64,
    },
    /// The operating system refused.
    #[error("{what}: {}", io_reason(.source))]
    Io {
        /// What was being done, and to what.
        what: String,
        /// The refusal.
        source: std::io::Error,
    },
    /// SQLite reported something the connection layer has yet to interpret.
    #[error("{}", sqlite_reason(.0))]
    Sqlite(#[from] rusqlite::Error),
}

impl Error {
    /// The operating system's refusal while doing `what`.
    pub fn io(what: impl Into<String>, source: std::io::Error) -> Self {
        Self::Io { what: what.into(), source }
    }

    /// Whether rolling back and starting over may succeed.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        match self {
            Self::Sqlite(rusqlite::Error::SqliteFailure(e, _)) => {
                matches!(e.code, ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
                    || e.extended_code & 0xff == ffi::SQLITE_PROTOCOL
            }
            _ => false,
        }
    }

    /// Whether a statement named a table that is not loaded.
    pub(in crate::store::sqlite) fn is_unknown_object(&self) -> bool {
        matches!(
            self,
            Self::Sqlite(rusqlite::Error::SqliteFailure(e, _)) if e.extended_code == ffi::SQLITE_ERROR
        )
    }

    /// Whether the store stayed as it was because of what was asked, so that
    /// the transaction can go on with something else.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::NotFound { .. }
            | Self::Absent(_)
            | Self::Condition(_)
            | Self::Quota { .. }
            | Self::Denied(_)
            | Self::BadData(_)
            | Self::Usage(_) => true,
            Self::Busy(_)
            | Self::Unusable { .. }
            | Self::Altered { .. }
            | Self::Newer { .. }
            | Self::Interrupted
            | Self::Companion { .. }
            | Self::Trimmed { .. }
            | Self::Io { .. }
            | Self::Sqlite(_) => false,
        }
    }

    /// Whether a trigger refused a write for the sake of a quota.
    pub(crate) fn is_quota_abort(&self) -> bool {
        matches!(
            self,
            Self::Sqlite(rusqlite::Error::SqliteFailure(e, Some(message)))
                if e.extended_code == ffi::SQLITE_CONSTRAINT_TRIGGER
                    && message == "larder: quota exceeded"
        )
    }

    /// Turns what SQLite said about the file at `path` into an outcome.
    pub(crate) fn settle(self, path: &Path) -> Self {
        let Self::Sqlite(error) = self else { return self };
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
                    Self::unusable(path, "holds a row larder cannot read; run 'larder check'")
                }
                other => Self::Sqlite(other),
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
                _ => Self::unusable(path, "refused a write its own schema should allow; run 'larder check'"),
            },
            _ => Self::unusable(path, "cannot be read as larder's schema"),
        }
    }

    /// The file at `path` is no usable store, because it … `why`.
    pub fn unusable(path: &Path, why: impl Into<String>) -> Self {
        Self::Unusable { path: path.to_owned(), why: why.into() }
    }
}

const NOT_EVEN_READABLE: &str = "neither it nor its directory can be written, which here reading needs too";

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

/// A file as messages call it; `-` is standard input.
pub(in crate::store::sqlite) fn shown(path: &Path) -> String {
    if path == Path::new("-") { "standard input".into() } else { quote(&path.to_string_lossy()) }
}

fn sqlite_reason(error: &rusqlite::Error) -> String {
    match error {
        rusqlite::Error::SqliteFailure(e, _) => {
            format!("the store failed: {}", ffi::code_to_str(e.extended_code))
        }
        _ => "the store holds something unexpected".into(),
    }
}
