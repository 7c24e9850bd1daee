//! Groups: what is in them, how many, and all of them at once.

use std::ops::ControlFlow;

use rusqlite::{OptionalExtension, ToSql, params};

use crate::clock::Timestamp;
use crate::model::{Entry, Group, Keys, Level, Name, Result};
use crate::store::sqlite::data::columns::{moment, value_bytes};
use crate::store::sqlite::transaction::{Snapshot, Transaction};

impl Snapshot<'_> {
    /// Streams the live entries of a group in byte order of their keys until
    /// `each` breaks. Values are read only if asked for.
    pub fn entries<'n>(
        &self,
        group: impl Into<Name<'n>>,
        keys: &Keys<'_>,
        with_values: bool,
        each: impl FnMut(Entry) -> Result<ControlFlow<()>>,
    ) -> Result<()> {
        self.entries_past(group, keys, with_values, &mut None, each)
    }

    /// Like [`Transaction::entries`], from past `position`, the last name that
    /// a listing came to, which moves along: a later transaction can go on where
    /// this one ended.
    pub fn entries_past<'n>(
        &self,
        group: impl Into<Name<'n>>,
        keys: &Keys<'_>,
        with_values: bool,
        position: &mut Option<Name<'static>>,
        mut each: impl FnMut(Entry) -> Result<ControlFlow<()>>,
    ) -> Result<()> {
        let group = &group.into();
        self.permit(Level::Read, group)?;
        let stored = self.scope.stored_name(group);
        let value = if with_values { "entry_value" } else { "NULL" };
        let bound = if keys.high().is_some() { "AND entry_key<?4" } else { "AND ?4 IS NULL" };
        let low: (&str, Box<dyn ToSql>) = match position.take() {
            Some(position) => (">", Box::new(position)),
            None => (">=", Box::new(keys.low())),
        };
        let mut query = self.conn.prepare_cached(&format!(
            "SELECT entry_key,{value},version,octet_length(entry_key)+octet_length(entry_value),updated_at,expires_at FROM entries WHERE group_name=?1 AND entry_key{}?2 {bound} AND(expires_at IS NULL OR expires_at>?3)ORDER BY entry_key",
            low.0
        ))?;
        let mut rows = query.query(params![stored, low.1, self.now.0, keys.high()])?;
        while let Some(row) = rows.next()? {
            let key = Name::of(row.get_ref(0)?);
            if !keys.wants(&key) {
                continue;
            }
            let entry = Entry {
                group: stored.clone().into_owned(),
                key: key.into_owned(),
                value: with_values.then(|| row.get_ref(1).map(value_bytes)).transpose()?,
                version: row.get(2)?,
                bytes: row.get(3)?,
                updated_at: Timestamp(row.get(4)?),
                expires_at: moment(row.get_ref(5)?),
            };
            if each(entry)?.is_break() {
                *position = Some(Name::of(row.get_ref(0)?).into_owned());
                break;
            }
        }
        Ok(())
    }

    /// A page of live entries of the scope, or of one group of it, that were
    /// written no later than version `newest`, in byte order of group and key,
    /// from past `after`. Pages in separate transactions make a listing that
    /// keeps no snapshot open; what changes in between has a later version.
    pub fn entries_page(
        &self,
        group: Option<&str>,
        after: Option<&Entry>,
        newest: i64,
        limit: usize,
        with_values: bool,
    ) -> Result<Vec<Entry>> {
        self.permit_range(Level::Read, group)?;
        let hides_some = group.is_none() && !self.sees_all()?;
        let (first, past) = self.scope.range_of(group);
        let value = if with_values { "entry_value" } else { "NULL" };
        let place = |e: &Entry| (e.group.clone(), e.key.clone());
        let mut from = after.map_or((first.into(), "".into()), place);
        let mut past_it = after.is_some();
        let mut query = self.conn.prepare_cached(&format!(
            "SELECT group_name,entry_key,{value},version,octet_length(entry_key)+octet_length(entry_value),updated_at,expires_at FROM entries WHERE(group_name,entry_key)>=(?1,?2)AND NOT(?7 AND group_name=?1 AND entry_key=?2)AND(?3 IS NULL OR group_name<?3)AND version<=?4 AND(expires_at IS NULL OR expires_at>?5)ORDER BY group_name,entry_key LIMIT ?6"
        ))?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        loop {
            let from_there = params![from.0, from.1, past, newest, self.now.0, limit, past_it];
            let rows = query.query_map(from_there, |row| {
                Ok(Entry {
                    group: Name::of(row.get_ref(0)?).into_owned(),
                    key: Name::of(row.get_ref(1)?).into_owned(),
                    value: with_values.then(|| row.get_ref(2).map(value_bytes)).transpose()?,
                    version: row.get(3)?,
                    bytes: row.get(4)?,
                    updated_at: Timestamp(row.get(5)?),
                    expires_at: moment(row.get_ref(6)?),
                })
            })?;
            let mut page: Vec<Entry> = rows.collect::<rusqlite::Result<_>>()?;
            // An empty page means the end, so one that is all hidden is passed.
            let Some(last) = page.last().filter(|_| hides_some) else { return Ok(page) };
            (from, past_it) = (place(last), true);
            let mut seen = Vec::new();
            for entry in page.drain(..) {
                if self.may(Level::Read, &self.scope.name_of(&entry.group))? {
                    seen.push(entry);
                }
            }
            if !seen.is_empty() {
                return Ok(seen);
            }
        }
    }

    /// Streams the groups of the scope that hold a live key and may be read,
    /// in byte order of their names, until `each` breaks.
    pub fn groups(&self, names: &Keys<'_>, each: impl FnMut(Group) -> Result<ControlFlow<()>>) -> Result<()> {
        self.groups_past(names, &mut None, each)
    }

    /// Like [`Transaction::groups`], from past `position`, which moves along: a
    /// later transaction can go on where this one ended.
    pub fn groups_past(
        &self,
        names: &Keys<'_>,
        position: &mut Option<Name<'static>>,
        mut each: impl FnMut(Group) -> Result<ControlFlow<()>>,
    ) -> Result<()> {
        self.permit_some(Level::Read)?;
        let from: (&str, Box<dyn ToSql>) = match position.take() {
            Some(position) => (">", Box::new(position)),
            None => (">=", Box::new(self.scope.stored(&names.low()).into_owned())),
        };
        let past = match names.high() {
            Some(high) => Some(self.scope.stored(&high).into_owned()),
            None => self.scope.range().1,
        };
        // Groups come one by one, each with its own expired rows: a listing
        // that stops early has looked at no more than it shows.
        let bound = if past.is_some() { "AND g.group_name<?2" } else { "AND ?2 IS NULL" };
        let mut query = self.conn.prepare_cached(&format!(
            "SELECT g.group_name,g.keys-count(e.rowid),g.bytes-ifnull(sum(octet_length(e.entry_key)+octet_length(e.entry_value)),0)FROM larder_groups g LEFT JOIN entries e INDEXED BY larder_group_expiry ON e.group_name=g.group_name AND e.expires_at<=?3 WHERE g.group_name{}?1 {bound} GROUP BY g.group_name ORDER BY g.group_name",
            from.0
        ))?;
        let mut rows = query.query(params![from.1, past, self.now.0])?;
        while let Some(row) = rows.next()? {
            let stored = Name::of(row.get_ref(0)?).into_owned();
            let group = Group { name: stored, keys: row.get(1)?, bytes: row.get(2)? };
            let name = self.scope.name_of(&group.name);
            if group.keys <= 0 || !names.wants(&name) || !self.may(Level::Read, &name)? {
                continue;
            }
            if each(group)?.is_break() {
                *position = Some(Name::of(row.get_ref(0)?).into_owned());
                break;
            }
        }
        Ok(())
    }

    /// Live keys of a group: its counter less the expired rows, both by index.
    pub fn count<'n>(&self, group: impl Into<Name<'n>>) -> Result<i64> {
        let group = &group.into();
        self.permit(Level::Read, group)?;
        let stored = self.scope.stored_name(group);
        let keys = self
            .conn
            .prepare_cached("SELECT keys FROM larder_groups WHERE group_name=?1")?
            .query_row([&stored], |row| row.get::<_, i64>(0))
            .optional()?;
        let Some(keys) = keys else { return Ok(0) };
        Ok(keys - self.due_among(&self.expiries(Some(group)))?)
    }

    /// Live keys in scope that may be read.
    pub fn count_all(&self) -> Result<i64> {
        self.permit_some(Level::Read)?;
        if !self.sees_all()? {
            let mut keys = 0;
            self.groups(&Keys::default(), |group| {
                keys += group.keys;
                Ok(ControlFlow::Continue(()))
            })?;
            return Ok(keys);
        }
        let namespace = self.scope.0.as_ref().map(crate::store::Namespace::as_str);
        let keys: i64 = self.conn.query_row(
            "SELECT ifnull(sum(keys),0)FROM larder_namespaces WHERE ?1 IS NULL OR namespace=?1",
            [namespace],
            |row| row.get(0),
        )?;
        Ok(keys - self.due_among(&self.expiries(None))?)
    }
}

impl Transaction<'_> {
    /// Deletes a whole group, as one `delete_group` change; returns how many
    /// live keys it held. Its expired entries go first, as the expiries they
    /// are.
    pub fn delete_group<'n>(&self, group: impl Into<Name<'n>>) -> Result<i64> {
        let group = &group.into();
        self.by_the_rules(|writer| writer.delete_group(group))
    }
}
