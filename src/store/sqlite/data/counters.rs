//! The tally: what groups and namespaces hold, kept in memory while one
//! transaction writes many entries.

use std::collections::HashMap;

use rusqlite::{OptionalExtension, params};

use crate::model::{Limits, Name, Result, namespace_of};
use crate::store::sqlite::transaction::Transaction;

/// Groups that are kept at once, so that memory does not grow with the input.
const MOST_GROUPS: usize = 4096;

/// What the triggers would keep in `larder_groups` and `larder_namespaces`.
/// Groups are known by where they are in it, until it is written.
#[derive(Default)]
pub(in crate::store::sqlite) struct Tally {
    group_index: HashMap<Name<'static>, usize>,
    groups: Vec<Group>,
    namespace_index: HashMap<String, usize>,
    namespaces: Vec<Namespace>,
}

/// A group as it will be in `larder_groups`.
pub(in crate::store::sqlite) struct Group {
    pub stored: Name<'static>,
    pub keys: i64,
    bytes: i64,
    /// Where in `namespaces`.
    namespace: usize,
    changed: bool,
}

/// A namespace as it will be in `larder_namespaces`.
#[derive(Default)]
pub(in crate::store::sqlite) struct Namespace {
    name: String,
    keys: i64,
    bytes: i64,
    groups: i64,
    limits: Limits,
    changed: bool,
}

impl Namespace {
    pub fn is_limited(&self) -> bool {
        self.limits != Limits::default()
    }

    /// Whether it would be past a limit with this much more in it.
    pub fn would_be_over(&self, keys: i64, bytes: i64, groups: i64) -> bool {
        let Limits { keys: most_keys, bytes: most_bytes, groups: most_groups } = self.limits;
        most_keys.is_some_and(|most| self.keys + keys > most)
            || most_bytes.is_some_and(|most| self.bytes + bytes > most)
            || most_groups.is_some_and(|most| self.groups + groups > most)
    }
}

impl Namespace {
    /// Whether this much more in it, where it is more, would take it past a
    /// limit.
    pub fn would_outgrow(&self, bytes: i64, groups: i64) -> bool {
        bytes > 0 && self.limits.bytes.is_some_and(|most| self.bytes + bytes > most)
            || groups > 0 && self.limits.groups.is_some_and(|most| self.groups + groups > most)
    }
}

impl Tally {
    pub fn is_full(&self) -> bool {
        self.groups.len() >= MOST_GROUPS
    }

    pub fn group(&self, at: usize) -> &Group {
        &self.groups[at]
    }

    pub fn namespace_of(&self, at: usize) -> &Namespace {
        &self.namespaces[self.groups[at].namespace]
    }

    /// Where a group is, by its stored name.
    pub fn find(&self, stored: &Name<'static>) -> Option<usize> {
        self.group_index.get(stored).copied()
    }

    /// Reads what a group holds, and where it is now.
    pub fn load(&mut self, tx: &Transaction<'_>, stored: Name<'static>) -> Result<usize> {
        let name = namespace_of(&stored).map_or(String::new(), |namespace| namespace.as_str().to_owned());
        let namespace = match self.namespace_index.get(&name) {
            Some(at) => *at,
            None => self.load_namespace(tx, name)?,
        };
        let (keys, bytes) = tx
            .conn
            .prepare_cached("SELECT keys,bytes FROM larder_groups WHERE group_name=?1")?
            .query_row([&stored], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?
            .unwrap_or((0, 0));
        let at = self.groups.len();
        self.group_index.insert(stored.clone(), at);
        self.groups.push(Group { stored, keys, bytes, namespace, changed: false });
        Ok(at)
    }

    fn load_namespace(&mut self, tx: &Transaction<'_>, name: String) -> Result<usize> {
        let found = tx
            .conn
            .prepare_cached("SELECT keys,bytes,groups,max_keys,max_bytes,max_groups FROM larder_namespaces WHERE namespace=?1")?
            .query_row([&name], |row| {
                Ok(Namespace {
                    name: String::new(),
                    keys: row.get(0)?,
                    bytes: row.get(1)?,
                    groups: row.get(2)?,
                    limits: Limits { keys: row.get(3)?, bytes: row.get(4)?, groups: row.get(5)? },
                    changed: false,
                })
            })
            .optional()?;
        let at = self.namespaces.len();
        self.namespace_index.insert(name.clone(), at);
        self.namespaces.push(Namespace { name, ..found.unwrap_or_default() });
        Ok(at)
    }

    /// Moves the counters of a group and its namespace by the difference.
    pub fn count(&mut self, at: usize, keys: i64, bytes: i64, groups: i64) {
        let group = &mut self.groups[at];
        group.keys += keys;
        group.bytes += bytes;
        group.changed = true;
        let namespace = &mut self.namespaces[group.namespace];
        namespace.keys += keys;
        namespace.bytes += bytes;
        namespace.groups += groups;
        namespace.changed = true;
    }

    /// Writes what changed and forgets everything.
    pub fn write(&mut self, tx: &Transaction<'_>) -> Result<()> {
        let mut write = tx.conn.prepare_cached(
            "INSERT INTO larder_groups(group_name,keys,bytes)VALUES(?1,?2,?3)ON CONFLICT(group_name)DO UPDATE SET keys=excluded.keys,bytes=excluded.bytes",
        )?;
        let mut remove = tx.conn.prepare_cached("DELETE FROM larder_groups WHERE group_name=?1")?;
        for group in self.groups.iter().filter(|group| group.changed) {
            if group.keys == 0 {
                remove.execute([&group.stored])?;
            } else {
                write.execute(params![group.stored, group.keys, group.bytes])?;
            }
        }
        let mut write = tx.conn.prepare_cached(
            "INSERT INTO larder_namespaces(namespace,keys,bytes,groups)VALUES(?1,?2,?3,?4)ON CONFLICT(namespace)DO UPDATE SET keys=excluded.keys,bytes=excluded.bytes,groups=excluded.groups",
        )?;
        for namespace in self.namespaces.iter().filter(|namespace| namespace.changed) {
            write.execute(params![namespace.name, namespace.keys, namespace.bytes, namespace.groups])?;
        }
        *self = Self::default();
        Ok(())
    }
}
