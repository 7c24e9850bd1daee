//! Columns: how names and values stand in them.

use crate::clock::Timestamp;
use std::borrow::Cow;

use rusqlite::ToSql;
use rusqlite::types::{ToSqlOutput, ValueRef};

use crate::model::Name;

/// Binds a value as TEXT if it is UTF-8, else as BLOB.
pub(in crate::store::sqlite) struct Stored<'a>(pub &'a [u8]);

impl ToSql for Stored<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match std::str::from_utf8(self.0) {
            Ok(_) => ValueRef::Text(self.0),
            Err(_) => ValueRef::Blob(self.0),
        }))
    }
}

/// The bytes of a stored value, whatever its storage class.
pub(in crate::store::sqlite) fn value_bytes(value: ValueRef<'_>) -> Vec<u8> {
    match value {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes.to_vec(),
        ValueRef::Integer(i) => i.to_string().into_bytes(),
        ValueRef::Real(r) => r.to_string().into_bytes(),
        ValueRef::Null => Vec::new(),
    }
}

/// A moment as stored. What is no integer only another program can have stored;
/// a fraction of a millisecond counts as the next one, so that the entry is due
/// exactly when SQLite says so, and text is later than every number.
pub(in crate::store::sqlite) fn moment(value: ValueRef<'_>) -> Option<Timestamp> {
    match value {
        ValueRef::Integer(at) => Some(Timestamp(at)),
        #[allow(clippy::cast_possible_truncation)]
        ValueRef::Real(at) => Some(Timestamp(at.ceil() as i64)),
        ValueRef::Null | ValueRef::Text(_) | ValueRef::Blob(_) => None,
    }
}

/// Text of larder's own tables. What is not UTF-8 can only come from another
/// client; it is shown with replacement characters rather than refused. Groups
/// and keys are a [`Name`].
pub(in crate::store::sqlite) fn name(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        other => String::from_utf8_lossy(&value_bytes(other)).into_owned(),
    }
}

impl<'a> Name<'a> {
    /// The name in a column.
    pub(in crate::store::sqlite) fn of(value: ValueRef<'a>) -> Self {
        match value {
            ValueRef::Text(bytes) => Self::stored(bytes, false),
            ValueRef::Blob(bytes) => Self::stored(bytes, true),
            other => Self::stored(Cow::Owned(value_bytes(other)), false),
        }
    }
}

impl ToSql for Name<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let bytes = self.as_bytes();
        Ok(ToSqlOutput::Borrowed(if self.is_blob() { ValueRef::Blob(bytes) } else { ValueRef::Text(bytes) }))
    }
}
