//! Entries, and what a write says about them.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::model::{Error, Name, Result};

/// The most bytes key and value of an entry can have together: SQLite's limit
/// for a row, less room for the other columns. Lower for the group's sake.
pub const MAX_ENTRY_BYTES: usize = 999_000_000;

/// A live entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Group as stored: with the namespace's prefix.
    pub group: Name<'static>,
    /// Key.
    pub key: Name<'static>,
    /// Value; `None` where only the facts about it were asked for.
    pub value: Option<Vec<u8>>,
    /// Sequence number of the change that wrote it.
    pub version: i64,
    /// Bytes of key plus value, the measure of quotas.
    pub bytes: i64,
    /// When it was written.
    pub updated_at: Timestamp,
    /// When it goes, if ever.
    pub expires_at: Option<Timestamp>,
}

/// A live entry, as long as the scan stands on it.
#[derive(Clone, Debug)]
pub struct EntryRef<'a> {
    /// Group as stored: with the namespace's prefix.
    pub group: Name<'a>,
    /// Key.
    pub key: Name<'a>,
    /// Value.
    pub value: &'a [u8],
    /// Sequence number of the change that wrote it.
    pub version: i64,
    /// When it was written.
    pub updated_at: Timestamp,
    /// When it goes, if ever.
    pub expires_at: Option<Timestamp>,
}

impl EntryRef<'_> {
    /// Bytes of key plus value, the measure of quotas.
    #[must_use]
    pub fn bytes(&self) -> i64 {
        entry_bytes(&self.key, self.value)
    }
}

/// What a write does about the time to live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    /// The entry stays until deleted.
    Never,
    /// The entry expires at this time.
    At(Timestamp),
    /// The entry expires this long after it is written.
    After(Duration),
    /// The entry keeps what it has.
    Keep,
}

/// What must hold for a write to happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Nothing.
    Any,
    /// No live entry under the key.
    Absent,
    /// A live entry under the key.
    Present,
    /// A live entry with this version.
    Version(i64),
    /// A live entry with this value.
    Value(Vec<u8>),
}

/// Refuses an entry SQLite could not hold, before any transaction opens.
pub fn check_size(key: impl AsRef<[u8]>, value: &[u8]) -> Result<()> {
    check_length(key, value.len() as u64)
}

/// [`check_size`] of a value that has yet to be read.
pub fn check_length(key: impl AsRef<[u8]>, value_bytes: u64) -> Result<()> {
    let bytes = value_bytes.saturating_add(key.as_ref().len() as u64);
    if bytes > MAX_ENTRY_BYTES as u64 {
        return Err(Error::BadData(format!(
            "key and value have {bytes} bytes together; the most an entry can hold is {MAX_ENTRY_BYTES}"
        )));
    }
    Ok(())
}

pub(crate) fn entry_bytes(key: &Name<'_>, value: &[u8]) -> i64 {
    i64::try_from(key.len() + value.len()).unwrap_or(i64::MAX)
}
