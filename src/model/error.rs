//! What can go wrong in a store, named by outcome.

use std::path::{Path, PathBuf};

use crate::model::Name;
use crate::text::{io_reason, quote};

/// Shorthand for results of the store.
pub type Result<T> = std::result::Result<T, Error>;

/// An outcome other than success. Messages are one line, carry no SQL, and
/// quote names so that control characters in them stay visible.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The key is absent, or expired.
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
    #[error("{} has schema {version}, newer than this larder supports ({known}); upgrade larder", quote(&.path.to_string_lossy()))]
    Newer {
        /// The store's path.
        path: PathBuf,
        /// The version of its schema.
        version: i32,
        /// The newest version that this larder knows.
        known: i32,
    },
    /// Whoever attended to long work asked for its end; what it had changed is
    /// rolled back.
    #[error("interrupted")]
    Interrupted,
    /// A file beside the database that would be taken for a part of it is not
    /// to be trusted.
    #[error("{} {why}, so it is not accepted as part of the store", quote(&.file.to_string_lossy()))]
    Companion {
        /// The file.
        file: PathBuf,
        /// The reason, to be read after the file.
        why: &'static str,
    },
    /// Data that cannot be worked with: not an integer, too large.
    #[error("{0}")]
    BadData(String),
    /// A request that is invalid whatever the store holds.
    #[error("{0}")]
    Usage(String),
    /// The change log no longer reaches back to the position asked for.
    #[error("changes after {after} have been trimmed; oldest retained: {oldest}")]
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
    /// The engine reported something that it has yet to interpret.
    #[error("{0}")]
    Engine(Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// The operating system's refusal while doing `what`.
    pub fn io(what: impl Into<String>, source: std::io::Error) -> Self {
        Self::Io { what: what.into(), source }
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
            | Self::Engine(_) => false,
        }
    }

    /// The file at `path` is no usable store, because it … `why`.
    pub fn unusable(path: &Path, why: impl Into<String>) -> Self {
        Self::Unusable { path: path.to_owned(), why: why.into() }
    }
}

/// A file as messages call it; `-` is standard input.
pub(crate) fn shown(path: &Path) -> String {
    if path == Path::new("-") { "standard input".into() } else { quote(&path.to_string_lossy()) }
}
