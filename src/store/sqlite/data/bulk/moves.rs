//! Entries under another name: copies, and renames that never need room for
//! both at once.

use std::ops::ControlFlow;

use super::{Bulk, DELETE};
use crate::model::{
    ChangeKind, Condition, Entry, Error, Expiry, Keys, Level, Name, Result, check_size, entry_bytes,
    namespace_of,
};
use crate::store::rules::{self, Usage};

/// Most entries, and about the most bytes of values, that are read before they
/// are written.
const PAGE: usize = 500;
const PAGE_BYTES: i64 = 1 << 20;

impl Bulk<'_> {
    /// Writes the entry under `key` under another name too, if `condition` holds
    /// of what is there; its time to live goes with it. Returns the copy,
    /// without its value.
    pub fn copy<'n>(
        &mut self,
        group: impl Into<Name<'n>>,
        key: impl Into<Name<'n>>,
        to_group: impl Into<Name<'n>>,
        to_key: impl Into<Name<'n>>,
        condition: &Condition,
    ) -> Result<Entry> {
        let (to_group, to_key) = (&to_group.into(), &to_key.into());
        self.tx.permit(Level::Write, to_group)?;
        let entry = self.tx.get(group, key)?;
        self.put(to_group, to_key, &entry, condition)
    }

    /// Gives the entry under `key` another name, if `condition` holds of what is
    /// there; its time to live stays. Returns it, without its value.
    ///
    /// The log has the `delete` first, so that who follows it never holds more
    /// than the store; a quota is asked about what is there afterwards.
    pub fn rename<'n>(
        &mut self,
        group: impl Into<Name<'n>>,
        key: impl Into<Name<'n>>,
        to_group: impl Into<Name<'n>>,
        to_key: impl Into<Name<'n>>,
        condition: &Condition,
    ) -> Result<Entry> {
        let (group, key) = (&group.into(), &key.into());
        let (to_group, to_key) = (&to_group.into(), &to_key.into());
        self.tx.permit(Level::Write, group)?;
        self.tx.permit(Level::Write, to_group)?;
        let entry = self.tx.get(group, key)?;
        self.tx.check(to_group, to_key, condition)?;
        check_size(to_key, entry.value.as_deref().unwrap_or_default())?;
        if group == to_group && key == to_key {
            return Ok(Entry { value: None, ..entry });
        }
        if !self.grows(group, &entry, to_group, to_key)? {
            self.delete(group, key, &Condition::Any)?;
            return self.put_unlimited(to_group, to_key, &entry);
        }
        self.delete(group, key, &Condition::Any)?;
        self.put(to_group, to_key, &entry, &Condition::Any)
    }

    /// [`Bulk::copy`] of every live entry of a group, under the same keys;
    /// what is there under others stays. Returns how many.
    pub fn copy_group<'n>(
        &mut self,
        group: impl Into<Name<'n>>,
        to_group: impl Into<Name<'n>>,
        condition: &Condition,
    ) -> Result<i64> {
        let (group, to_group) = (&group.into(), &to_group.into());
        self.tx.permit(Level::Write, to_group)?;
        self.hold_of_group(to_group, condition)?;
        self.each(group, |bulk, entry| {
            let key = &entry.key.clone();
            bulk.put(to_group, key, &entry, &Condition::Any).map(drop)
        })
    }

    /// [`Bulk::rename`] of every live entry of a group, which is gone
    /// afterwards: the log has the entries under their new names, then one
    /// `delete_group`. Returns how many.
    pub fn rename_group<'n>(
        &mut self,
        group: impl Into<Name<'n>>,
        to_group: impl Into<Name<'n>>,
        condition: &Condition,
    ) -> Result<i64> {
        let (group, to_group) = (&group.into(), &to_group.into());
        self.tx.permit(Level::Write, group)?;
        self.tx.permit(Level::Write, to_group)?;
        self.hold_of_group(to_group, condition)?;
        if group == to_group {
            return self.tx.count(group);
        }
        let stored = self.tx.scope.stored_name(group).into_owned();
        // In one namespace nothing is more afterwards than it was before.
        let within = namespace_of(&stored) == namespace_of(&self.tx.scope.stored_name(to_group));
        let moved = self.each(group, |bulk, entry| {
            let key = &entry.key.clone();
            bulk.remove_unlogged(group, key)?;
            if within {
                bulk.put_unlimited(to_group, key, &entry).map(drop)
            } else {
                bulk.put(to_group, key, &entry, &Condition::Any).map(drop)
            }
        })?;
        for key in self.rows_left(&stored)? {
            // What is left has expired.
            self.delete(group, &key, &Condition::Any)?;
        }
        self.append_delete_group(&stored)?;
        Ok(moved)
    }

    /// Gives `f` every live entry of a group as it is now.
    fn each(&mut self, group: &Name<'_>, mut f: impl FnMut(&mut Self, Entry) -> Result<()>) -> Result<i64> {
        let mut moved = 0;
        let mut position = None;
        loop {
            let mut page = Vec::new();
            let mut bytes = 0;
            self.tx.entries_past(group, &Keys::default(), true, &mut position, |entry| {
                bytes += entry.bytes;
                page.push(entry);
                let full = page.len() >= PAGE || bytes >= PAGE_BYTES;
                Ok(if full { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
            })?;
            for entry in page {
                moved += 1;
                f(self, entry)?;
            }
            if position.is_none() {
                break;
            }
        }
        if moved == 0 {
            return Err(Error::Absent(format!("there is no group {}", group.quoted())));
        }
        Ok(moved)
    }

    /// Refuses unless `condition` holds of a group as a whole.
    fn hold_of_group(&mut self, group: &Name<'_>, condition: &Condition) -> Result<()> {
        if *condition == Condition::Absent {
            self.flush()?;
            let keys = self.tx.count(group)?;
            if keys > 0 {
                let held = if keys == 1 { "a key".to_owned() } else { format!("{keys} keys") };
                return Err(Error::Condition(format!("group {} exists, with {held}", group.quoted())));
            }
        }
        Ok(())
    }

    /// Writes an entry under another name.
    fn put(
        &mut self,
        group: &Name<'_>,
        key: &Name<'_>,
        entry: &Entry,
        condition: &Condition,
    ) -> Result<Entry> {
        let value = entry.value.as_deref().unwrap_or_default();
        check_size(key, value)?;
        let expiry = entry.expires_at.map_or(Expiry::Never, Expiry::At);
        let version = self.set(group, key, value, expiry, condition)?;
        Ok(self.written(group, key, entry, version))
    }

    /// The same, whatever the quota.
    fn put_unlimited(&mut self, group: &Name<'_>, key: &Name<'_>, entry: &Entry) -> Result<Entry> {
        let at = self.group(group)?;
        let row = self.tx.row(&self.tally.group(at).stored, key, false)?;
        let value = entry.value.as_deref().unwrap_or_default();
        let expires_at = entry.expires_at.map(|at| at.0);
        let new = rules::Row { expires_at, bytes: entry_bytes(key, value) };
        let put = rules::put(&self.standing(at, row.as_ref()), new);
        self.write_row(at, key, value, row.as_ref(), new)?;
        let version = self.settle(at, key, value, expires_at, put.by)?.version;
        Ok(self.written(group, key, entry, version))
    }

    fn written(&self, group: &Name<'_>, key: &Name<'_>, entry: &Entry, version: i64) -> Entry {
        Entry {
            group: self.tx.scope.stored_name(group).into_owned(),
            key: key.clone().into_owned(),
            value: None,
            version,
            bytes: entry_bytes(key, entry.value.as_deref().unwrap_or_default()),
            updated_at: self.tx.now,
            expires_at: entry.expires_at,
        }
    }

    /// Removes a row of which the `delete_group` to come will speak.
    fn remove_unlogged(&mut self, group: &Name<'_>, key: &Name<'_>) -> Result<()> {
        let at = self.group(group)?;
        let Some(row) = self.tx.row(&self.tally.group(at).stored, key, false)? else { return Ok(()) };
        self.tx.conn.prepare_cached(DELETE)?.execute([row.id])?;
        let gone = rules::Row { expires_at: row.expires_at, bytes: row.bytes };
        let removal = rules::remove(gone, self.tx.now.0, self.tally.group(at).keys, true);
        self.tally.count(at, removal.by);
        Ok(())
    }

    /// Whether there must be room for an entry under its other name: in another
    /// namespace, or in one that would hold more than it may afterwards, and
    /// more than now.
    fn grows(
        &mut self,
        group: &Name<'_>,
        entry: &Entry,
        to_group: &Name<'_>,
        to_key: &Name<'_>,
    ) -> Result<bool> {
        let to = self.group(to_group)?;
        if !self.tally.namespace_of(to).is_limited() {
            return Ok(false);
        }
        let stored = self.tx.scope.stored_name(to_group);
        if namespace_of(&entry.group) != namespace_of(&stored) {
            return Ok(true);
        }
        let there = self.tx.row(&stored, to_key, false)?;
        let bytes = entry_bytes(to_key, entry.value.as_deref().unwrap_or_default())
            - entry.bytes
            - there.as_ref().map_or(0, |row| row.bytes);
        let new_group = there.is_none() && self.tally.group(to).keys == 0;
        let from = self.group(group)?;
        let last_of_group = self.tally.group(from).keys == 1;
        let groups = i64::from(new_group && !last_of_group);
        let namespace = self.tally.namespace_of(from);
        Ok(rules::outgrows(namespace.limits, namespace.usage, Usage { keys: 0, bytes, groups }))
    }

    fn rows_left(&self, stored: &Name<'_>) -> Result<Vec<Name<'static>>> {
        let mut query = self.tx.conn.prepare_cached("SELECT entry_key FROM entries WHERE group_name=?1")?;
        let rows = query.query_map([stored], |row| Ok(Name::of(row.get_ref(0)?).into_owned()))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    fn append_delete_group(&mut self, stored: &Name<'static>) -> Result<()> {
        let at = self.stored_group(stored.clone())?;
        self.append(ChangeKind::DeleteGroup, at, None, None, None, 0)?;
        self.deleted_group = Some(stored.clone());
        Ok(())
    }
}
