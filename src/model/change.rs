//! Changes, and their log.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::model::Name;

/// What happened to an entry or a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// An entry was written.
    Set,
    /// An entry was deleted while it was live.
    Delete,
    /// An entry expired and was removed.
    Expire,
    /// A whole group was deleted at once.
    DeleteGroup,
}

impl ChangeKind {
    /// The name in the log and in every output.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Set => "set",
            Self::Delete => "delete",
            Self::Expire => "expire",
            Self::DeleteGroup => "delete_group",
        }
    }

    pub(crate) fn from_log(text: &[u8]) -> Option<Self> {
        [Self::Set, Self::Delete, Self::Expire, Self::DeleteGroup]
            .into_iter()
            .find(|kind| kind.as_str().as_bytes() == text)
    }
}

/// One row of the change log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Position in the log; the version of the entry a `set` wrote.
    pub seq: i64,
    /// When it happened, by the clock of the writer.
    pub at: Timestamp,
    /// What happened.
    pub kind: ChangeKind,
    /// Group as stored: with the namespace's prefix.
    pub group: Name<'static>,
    /// Key; `None` for a whole group.
    pub key: Option<Name<'static>>,
    /// The value set; `None` for other kinds, or where it was not asked for.
    pub value: Option<Vec<u8>>,
    /// When the entry expires, or when it expired.
    pub expires_at: Option<Timestamp>,
    /// Bytes of key plus value of a `set`, else 0.
    pub bytes: i64,
    /// Who wrote, as `user:NAME@HOST`; `None` of a client that is not larder.
    pub by: Option<String>,
}

/// How far the retained log reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogSpan {
    /// Sequence number of the oldest row that is left.
    pub oldest: i64,
    /// Sequence number of the newest row; 0 in a store never written to.
    pub newest: i64,
    /// Bytes of keys and values between the two.
    pub bytes: i64,
}

impl LogSpan {
    /// Whether every change after `position` is still there.
    #[must_use]
    pub fn reaches_back_to(self, position: i64) -> bool {
        position >= self.oldest - 1
    }
}

/// What tells a change from another one that has the same number, in a log
/// that was set back and has grown again: when it happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogMark(pub(crate) Timestamp);

impl Change {
    /// What is in the log at its number.
    #[must_use]
    pub fn mark(&self) -> LogMark {
        LogMark(self.at)
    }
}

/// How much of the change log a purge leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeepChanges {
    /// What the log keeps by itself.
    Bounded,
    /// Changes younger than this.
    Younger(Duration),
    /// This many of the newest.
    Newest(u64),
}

/// What a purge did, or would do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Purged {
    /// Due entries removed.
    pub entries: i64,
    /// Changes trimmed from the log.
    pub changes: i64,
}

/// What a step of expiring did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expired {
    /// Expiry of the first entry to expire, before the step.
    pub first: Option<Timestamp>,
    /// When the next one is.
    pub next: Option<Timestamp>,
    /// Entries that went.
    pub entries: i64,
}
