//! Entries: one key at a time.

use rusqlite::{OptionalExtension, params};

use crate::clock::Timestamp;
use crate::model::{Condition, Entry, Error, Expiry, Level, Name, Result, entry_bytes};
use crate::store::sqlite::data::columns::moment;
use crate::store::sqlite::data::columns::value_bytes;
use crate::store::sqlite::transaction::{Snapshot, Transaction};

/// What an existing row says, live or expired.
pub(in crate::store::sqlite) struct Row {
    pub id: i64,
    pub version: i64,
    pub expires_at: Option<i64>,
    /// Bytes of key plus value.
    pub bytes: i64,
    /// `None` where it was not asked for.
    pub value: Option<Vec<u8>>,
}

impl Row {
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|at| at > now.0)
    }
}

pub(in crate::store::sqlite) const ROW: &str = "SELECT rowid,version,expires_at,octet_length(entry_key)+octet_length(entry_value),NULL FROM entries WHERE group_name=?1 AND entry_key=?2";
const ROW_WITH_VALUE: &str = "SELECT rowid,version,expires_at,octet_length(entry_key)+octet_length(entry_value),entry_value FROM entries WHERE group_name=?1 AND entry_key=?2";

impl Snapshot<'_> {
    /// The live entry under `key`.
    pub fn get<'n>(&self, group: impl Into<Name<'n>>, key: impl Into<Name<'n>>) -> Result<Entry> {
        let (group, key) = (&group.into(), &key.into());
        self.permit(Level::Read, group)?;
        let stored = self.scope.stored_name(group);
        let mut query = self.conn.prepare_cached(
            "SELECT entry_value,version,updated_at,expires_at FROM entries WHERE group_name=?1 AND entry_key=?2",
        )?;
        let found = query
            .query_row(params![stored, key], |row| {
                let expires_at = moment(row.get_ref(3)?);
                if expires_at.is_some_and(|at| at <= self.now) {
                    return Ok(None);
                }
                let value = value_bytes(row.get_ref(0)?);
                Ok(Some(Entry {
                    bytes: entry_bytes(key, &value),
                    group: "".into(),
                    key: "".into(),
                    value: Some(value),
                    version: row.get(1)?,
                    updated_at: Timestamp(row.get(2)?),
                    expires_at,
                }))
            })
            .optional()?;
        match found.flatten() {
            Some(entry) => Ok(Entry { group: stored.into_owned(), key: key.clone().into_owned(), ..entry }),
            None => Err(not_found(group, key)),
        }
    }

    /// Whether `condition` holds, without writing anything: the rehearsal of a
    /// write, so it needs the access that the write would.
    pub fn check<'n>(
        &self,
        group: impl Into<Name<'n>>,
        key: impl Into<Name<'n>>,
        condition: &Condition,
    ) -> Result<()> {
        let (group, key) = (&group.into(), &key.into());
        self.permit(Level::Write, group)?;
        let row = self.row(&self.scope.stored_name(group), key, matches!(condition, Condition::Value(_)))?;
        self.hold(group, key, row.as_ref(), condition)
    }

    /// The row under a key, live or expired.
    pub(in crate::store::sqlite) fn row(
        &self,
        stored: &Name<'_>,
        key: &Name<'_>,
        with_value: bool,
    ) -> Result<Option<Row>> {
        let sql = if with_value { ROW_WITH_VALUE } else { ROW };
        let row = self.conn.prepare_cached(sql)?.query_row([stored, key], |row| {
            Ok(Row {
                id: row.get(0)?,
                version: row.get(1)?,
                expires_at: moment(row.get_ref(2)?).map(|at| at.0),
                bytes: row.get(3)?,
                value: with_value.then(|| row.get_ref(4).map(value_bytes)).transpose()?,
            })
        });
        Ok(row.optional()?)
    }

    /// Refuses unless `condition` holds of `row`.
    pub(in crate::store::sqlite) fn hold(
        &self,
        group: &Name<'_>,
        key: &Name<'_>,
        row: Option<&Row>,
        condition: &Condition,
    ) -> Result<()> {
        let live = row.filter(|row| row.is_live(self.now));
        let failed = |why: String| {
            let (key, group) = (key.quoted(), group.quoted());
            Err(Error::Condition(format!("key {key} in group {group} {why}")))
        };
        match (condition, live) {
            (Condition::Any, _) | (Condition::Absent, None) | (Condition::Present, Some(_)) => Ok(()),
            (Condition::Absent, Some(row)) => failed(format!("exists, at version {}", row.version)),
            (_, None) => failed("does not exist".into()),
            (Condition::Version(version), Some(row)) if *version == row.version => Ok(()),
            (Condition::Version(version), Some(row)) => {
                failed(format!("is at version {}, not {version}", row.version))
            }
            (Condition::Value(value), Some(row)) if row.value.as_ref() == Some(value) => Ok(()),
            (Condition::Value(_), Some(row)) => {
                failed(format!("has another value, at version {}", row.version))
            }
        }
    }
}

/// What `echo 5 | larder set g n -` stores.
fn is_integer_with_newline(value: &[u8]) -> bool {
    let line = value.strip_suffix(b"\n").and_then(|line| std::str::from_utf8(line).ok());
    line.is_some_and(|line| line.trim_end_matches('\r').parse::<i64>().is_ok())
}

impl Transaction<'_> {
    /// Writes an entry, new or over what is there, if `condition` holds.
    /// Returns its facts, without the value.
    pub fn set<'n>(
        &self,
        group: impl Into<Name<'n>>,
        key: impl Into<Name<'n>>,
        value: &[u8],
        expiry: Expiry,
        condition: &Condition,
    ) -> Result<Entry> {
        let (group, key) = (&group.into(), &key.into());
        let written = self.by_the_rules(|writer| writer.write(group, key, value, expiry, condition))?;
        Ok(Entry {
            group: self.scope.stored_name(group).into_owned(),
            key: key.clone().into_owned(),
            value: None,
            version: written.version,
            bytes: entry_bytes(key, value),
            updated_at: self.now,
            expires_at: written.expires_at.map(Timestamp),
        })
    }

    /// Deletes one entry if `condition` holds; `false` if there was no live
    /// one. An expired one is logged as an expiry.
    pub fn delete<'n>(
        &self,
        group: impl Into<Name<'n>>,
        key: impl Into<Name<'n>>,
        condition: &Condition,
    ) -> Result<bool> {
        let (group, key) = (group.into(), key.into());
        self.by_the_rules(|writer| writer.delete(group, key, condition))
    }

    /// Changes when a live entry expires, and nothing else about it.
    pub fn expire<'n>(
        &self,
        group: impl Into<Name<'n>>,
        key: impl Into<Name<'n>>,
        expiry: Expiry,
        condition: &Condition,
    ) -> Result<Entry> {
        let (group, key) = (&group.into(), &key.into());
        self.permit(Level::Write, group)?;
        let entry = self.get(group, key)?;
        self.set(group, key, entry.value.as_deref().unwrap_or_default(), expiry, condition)
    }

    /// Adds to an integer, which starts at 0; its time to live stays. Returns
    /// the sum and the version.
    pub fn incr<'n>(
        &self,
        group: impl Into<Name<'n>>,
        key: impl Into<Name<'n>>,
        by: i64,
    ) -> Result<(i64, i64)> {
        self.incr_or_start(group, key, by, Expiry::Never)
    }

    /// Like [`Transaction::incr`]; an integer that starts with it gets `expiry`.
    pub fn incr_or_start<'n>(
        &self,
        group: impl Into<Name<'n>>,
        key: impl Into<Name<'n>>,
        by: i64,
        expiry: Expiry,
    ) -> Result<(i64, i64)> {
        let (group, key) = (&group.into(), &key.into());
        self.by_the_rules(|writer| writer.incr_or_start(group, key, by, expiry))
    }
}

/// A stored value as the integer that `incr` takes it for.
pub(in crate::store::sqlite) fn parse_integer(group: &Name<'_>, key: &Name<'_>, value: &[u8]) -> Result<i64> {
    std::str::from_utf8(value).ok().and_then(|text| text.parse::<i64>().ok()).ok_or_else(|| {
        let more = if is_integer_with_newline(value) { ": it ends with a newline" } else { "" };
        Error::BadData(format!(
            "the value of {} in {} is not a 64-bit integer{more}",
            key.quoted(),
            group.quoted()
        ))
    })
}

pub(in crate::store::sqlite) fn add_integers(old: i64, by: i64) -> Result<i64> {
    old.checked_add(by)
        .ok_or_else(|| Error::BadData(format!("{old} plus {by} does not fit into a 64-bit integer")))
}

pub(in crate::store::sqlite) fn not_found(group: &Name<'_>, key: &Name<'_>) -> Error {
    Error::NotFound { group: group.clone().into_owned(), key: key.clone().into_owned() }
}
