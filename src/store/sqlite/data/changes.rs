//! The change log: reading what the triggers wrote.

use std::ops::ControlFlow;

use rusqlite::types::ValueRef;
use rusqlite::{OptionalExtension, Row, params};

use crate::clock::Timestamp;
use crate::model::{Change, ChangeKind, Entry, Error, Level, LogMark, LogSpan, Name, Result};
use crate::store::sqlite::data::columns::{moment, name, value_bytes};
use crate::store::sqlite::transaction::Snapshot;
use crate::text::quote;

impl Snapshot<'_> {
    /// The mark of the change at `seq`; `None` if it is not in the log.
    pub(in crate::store::sqlite) fn log_mark(&self, seq: i64) -> Result<Option<LogMark>> {
        let mut query = self.conn.prepare_cached("SELECT at FROM larder_changes WHERE seq=?1")?;
        Ok(query.query_row([seq], |row| Ok(LogMark(Timestamp(row.get(0)?)))).optional()?)
    }

    /// Makes sure that the log was not set back since it was read up to
    /// `position`, where `mark` stood: by a client that put an older copy in
    /// its place. The log's extent, if all is well.
    ///
    /// # Errors
    /// [`Error::Trimmed`] if it ends before that position, or has another
    /// change there.
    pub(in crate::store::sqlite) fn check_mark(
        &self,
        position: i64,
        mark: Option<LogMark>,
    ) -> Result<LogSpan> {
        let span = self.log_span()?;
        let same = match (mark, self.log_mark(position)?) {
            (Some(then), Some(now)) => then == now,
            _ => true,
        };
        if position <= span.newest && same {
            return Ok(span);
        }
        Err(Error::Trimmed { after: position, oldest: span.oldest })
    }

    /// The extent of the change log.
    pub fn log_span(&self) -> Result<LogSpan> {
        let mut query = self.conn.prepare_cached(
            "SELECT o.seq,n.seq,n.total-o.total FROM(SELECT seq,total FROM larder_changes ORDER BY seq LIMIT 1)o,(SELECT seq,total FROM larder_changes ORDER BY seq DESC LIMIT 1)n",
        )?;
        Ok(query.query_row([], |row| {
            Ok(LogSpan { oldest: row.get(0)?, newest: row.get(1)?, bytes: row.get(2)? })
        })?)
    }

    /// Streams the changes of the scope, or of one group of it, after position
    /// `after`, in order, until `each` breaks.
    ///
    /// # Errors
    /// [`Error::Trimmed`] if changes after `after` are gone from the log.
    pub fn changes(
        &self,
        after: i64,
        group: Option<&str>,
        with_values: bool,
        each: impl FnMut(Change) -> Result<ControlFlow<()>>,
    ) -> Result<()> {
        self.changes_between(after, i64::MAX, group, with_values, each)
    }

    /// The position up to which to read, so that a look at the log after
    /// `after` passes at most `rows` changes, whomever they concern.
    pub fn log_step(&self, after: i64, span: LogSpan, rows: i64) -> Result<i64> {
        if span.newest.saturating_sub(after) <= rows {
            return Ok(span.newest);
        }
        let mut query = self
            .conn
            .prepare_cached("SELECT seq FROM larder_changes WHERE seq>?1 ORDER BY seq LIMIT 1 OFFSET ?2")?;
        let end = query.query_row(params![after, rows - 1], |row| row.get(0)).optional()?;
        Ok(end.unwrap_or(span.newest))
    }

    /// The position after which changes happened at `at` or later, as far as
    /// the log goes back and clocks were in step: found by halving.
    pub fn log_position_at(&self, at: Timestamp) -> Result<i64> {
        let span = self.log_span()?;
        let mut query = self
            .conn
            .prepare_cached("SELECT seq,at FROM larder_changes WHERE seq>?1 ORDER BY seq LIMIT 1")?;
        let (mut low, mut high) = (span.oldest - 1, span.newest);
        while low < high {
            let middle = low + (high - low) / 2;
            let (seq, then): (i64, i64) = query.query_row([middle], |row| Ok((row.get(0)?, row.get(1)?)))?;
            if then < at.0 { low = seq } else { high = middle }
        }
        Ok(low)
    }

    /// Like [`Transaction::changes`], up to position `last`.
    ///
    /// # Errors
    /// As there.
    pub fn changes_between(
        &self,
        after: i64,
        last: i64,
        group: Option<&str>,
        with_values: bool,
        mut each: impl FnMut(Change) -> Result<ControlFlow<()>>,
    ) -> Result<()> {
        self.permit_range(Level::Read, group)?;
        let hides_some = group.is_none() && !self.sees_all()?;
        let span = self.log_span()?;
        if !span.reaches_back_to(after) {
            return Err(Error::Trimmed { after, oldest: span.oldest });
        }
        let (first, past) = self.scope.range_of(group);
        let value = if with_values { "entry_value" } else { "NULL" };
        let mut query = self.conn.prepare_cached(&format!(
            "SELECT seq,at,type,group_name,entry_key,{value},expires_at,bytes,by FROM larder_changes WHERE seq>?1 AND seq<=?4 AND group_name>=?2 AND(?3 IS NULL OR group_name<?3)ORDER BY seq"
        ))?;
        let mut rows = query.query(params![after, first, past, last])?;
        while let Some(row) = rows.next()? {
            let Some(change) = read_change(row, with_values)? else { continue };
            if hides_some && !self.may(Level::Read, &self.scope.name_of(&change.group))? {
                continue;
            }
            if each(change)?.is_break() {
                break;
            }
        }
        Ok(())
    }

    /// An entry as it was at `version`, if it still is at that version or the
    /// log still has that change. Its `updated_at` is the time of the change.
    pub fn get_version(&self, group: &str, key: &str, version: i64) -> Result<Entry> {
        self.permit(Level::Read, group)?;
        let stored = self.scope.stored(group);
        let found = self
            .conn
            .prepare_cached(
                "SELECT entry_value,at,expires_at,bytes FROM larder_changes WHERE seq=?1 AND type='set'AND group_name=?2 AND entry_key=?3",
            )?
            .query_row(params![version, stored, key], |row| {
                Ok(Entry {
                    group: stored.to_string().into(),
                    key: key.to_owned().into(),
                    value: Some(value_bytes(row.get_ref(0)?)),
                    version,
                    updated_at: Timestamp(row.get(1)?),
                    expires_at: moment(row.get_ref(2)?),
                    bytes: row.get(3)?,
                })
            })
            .optional()?;
        if let Some(entry) = found {
            return Ok(entry);
        }
        if let Ok(entry) = self.get(group, key)
            && entry.version == version
        {
            return Ok(entry);
        }
        let span = self.log_span()?;
        let why = if version < span.oldest {
            format!("; the change log begins at {}", span.oldest)
        } else {
            String::new()
        };
        Err(Error::Absent(format!(
            "key {} in group {} has no version {version}{why}",
            quote(key),
            quote(group)
        )))
    }

    /// What the log knows of a key, newest first: its own changes, and
    /// deletions of its whole group from while it was there. Values are read
    /// only if asked for, and only those of the changes returned.
    pub fn history(
        &self,
        group: &str,
        key: &str,
        limit: Option<i64>,
        with_values: bool,
    ) -> Result<Vec<Change>> {
        self.permit(Level::Read, group)?;
        let stored = self.scope.stored(group);
        let mut query = self.conn.prepare(
            "SELECT seq,at,type,group_name,entry_key,NULL,expires_at,bytes,by FROM larder_changes WHERE group_name=?1 AND(entry_key=?2 OR type='delete_group')ORDER BY seq",
        )?;
        let mut rows = query.query(params![stored, key])?;
        let mut history: Vec<Change> = Vec::new();
        while let Some(row) = rows.next()? {
            let Some(change) = read_change(row, false)? else { continue };
            let was_there = history.last().is_none_or(|last| last.kind == ChangeKind::Set);
            if change.key.is_some() || (was_there && !history.is_empty()) {
                history.push(change);
            }
        }
        history.reverse();
        if let Some(limit) = limit {
            history.truncate(usize::try_from(limit).unwrap_or(0));
        }
        if with_values {
            let mut value = self.conn.prepare("SELECT entry_value FROM larder_changes WHERE seq=?1")?;
            for change in history.iter_mut().filter(|change| change.kind == ChangeKind::Set) {
                change.value = Some(value.query_row([change.seq], |row| Ok(value_bytes(row.get_ref(0)?)))?);
            }
        }
        Ok(history)
    }
}

/// A row of the log: seq, at, type, group, key, value, expiry, bytes, author. `None`
/// for the row of type 'origin', which is nobody's change.
fn read_change(row: &Row<'_>, with_value: bool) -> Result<Option<Change>> {
    let Some(kind) = ChangeKind::from_log(row.get_ref(2)?.as_bytes().unwrap_or_default()) else {
        return Ok(None);
    };
    let key = row.get_ref(4)?;
    Ok(Some(Change {
        seq: row.get(0)?,
        at: Timestamp(row.get(1)?),
        kind,
        group: Name::of(row.get_ref(3)?).into_owned(),
        key: (key != ValueRef::Null).then(|| Name::of(key).into_owned()),
        value: (with_value && kind == ChangeKind::Set)
            .then(|| row.get_ref(5).map(value_bytes))
            .transpose()?,
        expires_at: moment(row.get_ref(6)?),
        bytes: row.get(7)?,
        by: (row.get_ref(8)? != ValueRef::Null).then(|| row.get_ref(8).map(name)).transpose()?,
    }))
}
