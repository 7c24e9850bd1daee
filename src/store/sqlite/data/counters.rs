//! The tally: what groups and namespaces hold, kept in memory while one
//! transaction writes entries.

use std::collections::HashMap;

use rusqlite::{CachedStatement, Connection, OptionalExtension, params};

use crate::model::{Limits, Name, Result, namespace_of};
use crate::store::rules::Usage;
use crate::store::sqlite::transaction::Snapshot;

/// Groups that are kept at once, so that memory does not grow with the input.
const MOST_GROUPS: usize = 4096;

/// From this many on they are found by an index: most transactions know one.
const INDEXED: usize = 8;

pub(super) const GROUP_USAGE: &str = "SELECT keys,bytes FROM larder_groups WHERE group_name=?1";
pub(super) const NAMESPACE_USAGE: &str =
    "SELECT keys,bytes,groups,max_keys,max_bytes,max_groups FROM larder_namespaces WHERE namespace=?1";
const NEW_GROUP: &str = "INSERT INTO larder_groups(group_name,keys,bytes)VALUES(?1,?2,?3)";
const GROUP: &str = "UPDATE larder_groups SET keys=?2,bytes=?3 WHERE group_name=?1";
const NO_GROUP: &str = "DELETE FROM larder_groups WHERE group_name=?1";
const NEW_NAMESPACE: &str = "INSERT INTO larder_namespaces(namespace,keys,bytes,groups)VALUES(?1,?2,?3,?4)";
const NAMESPACE: &str = "UPDATE larder_namespaces SET keys=?2,bytes=?3,groups=?4 WHERE namespace=?1";

/// What is in `larder_groups` and `larder_namespaces`, and will. Groups are
/// known by where they are in it, until it is written.
#[derive(Default)]
pub(in crate::store::sqlite) struct Tally {
    group_index: HashMap<Name<'static>, usize>,
    groups: Vec<Group>,
    namespaces: Vec<Namespace>,
    namespace_index: HashMap<String, usize>,
}

/// A group as it will be in `larder_groups`.
pub(in crate::store::sqlite) struct Group {
    pub stored: Name<'static>,
    pub keys: i64,
    pub bytes: i64,
    /// Where in `namespaces`.
    namespace: usize,
    /// Whether it has a row now.
    stands: bool,
    /// Whether that row has to go, because the group was empty in between: with
    /// it goes what else is known of the group.
    ended: bool,
    changed: bool,
}

/// A namespace as it will be in `larder_namespaces`.
#[derive(Default)]
pub(in crate::store::sqlite) struct Namespace {
    name: String,
    pub usage: Usage,
    pub limits: Limits,
    stands: bool,
    changed: bool,
}

impl Namespace {
    pub fn is_limited(&self) -> bool {
        self.limits != Limits::default()
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
        if self.groups.len() < INDEXED {
            return self.groups.iter().position(|group| group.stored == *stored);
        }
        self.group_index.get(stored).copied()
    }

    /// Reads what a group holds, and where it is now.
    pub fn load(&mut self, tx: &Snapshot<'_>, stored: Name<'static>) -> Result<usize> {
        let name = namespace_of(&stored).map_or(String::new(), |namespace| namespace.as_str().to_owned());
        let namespace = match self.find_namespace(&name) {
            Some(at) => at,
            None => self.load_namespace(tx, name)?,
        };
        let found = tx
            .conn
            .prepare_cached(GROUP_USAGE)?
            .query_row([&stored], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let (keys, bytes) = found.unwrap_or((0, 0));
        let at = self.groups.len();
        self.groups.push(Group {
            stored,
            keys,
            bytes,
            namespace,
            stands: found.is_some(),
            ended: false,
            changed: false,
        });
        if self.groups.len() == INDEXED {
            let all = self.groups.iter().enumerate();
            self.group_index = all.map(|(at, group)| (group.stored.clone(), at)).collect();
        } else if self.groups.len() > INDEXED {
            self.group_index.insert(self.groups[at].stored.clone(), at);
        }
        Ok(at)
    }

    fn find_namespace(&self, name: &str) -> Option<usize> {
        if self.namespaces.len() < INDEXED {
            return self.namespaces.iter().position(|namespace| namespace.name == name);
        }
        self.namespace_index.get(name).copied()
    }

    fn load_namespace(&mut self, tx: &Snapshot<'_>, name: String) -> Result<usize> {
        let found = tx
            .conn
            .prepare_cached(NAMESPACE_USAGE)?
            .query_row([&name], |row| {
                Ok(Namespace {
                    name: String::new(),
                    usage: Usage { keys: row.get(0)?, bytes: row.get(1)?, groups: row.get(2)? },
                    limits: Limits { keys: row.get(3)?, bytes: row.get(4)?, groups: row.get(5)? },
                    stands: true,
                    changed: false,
                })
            })
            .optional()?;
        let at = self.namespaces.len();
        self.namespaces.push(Namespace { name, ..found.unwrap_or_default() });
        if self.namespaces.len() == INDEXED {
            let all = self.namespaces.iter().enumerate();
            self.namespace_index = all.map(|(at, namespace)| (namespace.name.clone(), at)).collect();
        } else if self.namespaces.len() > INDEXED {
            self.namespace_index.insert(self.namespaces[at].name.clone(), at);
        }
        Ok(at)
    }

    /// Moves the counters of a group and its namespace.
    pub fn count(&mut self, at: usize, by: Usage) {
        if by == Usage::default() {
            return;
        }
        let group = &mut self.groups[at];
        group.keys += by.keys;
        group.bytes += by.bytes;
        group.changed = true;
        group.ended |= group.keys == 0;
        let namespace = &mut self.namespaces[group.namespace];
        namespace.usage += by;
        namespace.changed = true;
    }

    /// Writes what changed and forgets everything.
    pub fn write(&mut self, conn: &Connection) -> Result<()> {
        let (mut new, mut old, mut gone) = (None, None, None);
        for group in self.groups.iter().filter(|group| group.changed) {
            if group.stands && group.ended {
                first(&mut gone, conn, NO_GROUP)?.execute([&group.stored])?;
            }
            if group.keys != 0 {
                let write = if group.stands && !group.ended {
                    first(&mut old, conn, GROUP)
                } else {
                    first(&mut new, conn, NEW_GROUP)
                };
                write?.execute(params![group.stored, group.keys, group.bytes])?;
            }
        }
        let (mut new, mut old) = (None, None);
        for Namespace { name, usage, stands, .. } in self.namespaces.iter().filter(|it| it.changed) {
            let write =
                if *stands { first(&mut old, conn, NAMESPACE) } else { first(&mut new, conn, NEW_NAMESPACE) };
            write?.execute(params![name, usage.keys, usage.bytes, usage.groups])?;
        }
        *self = Self::default();
        Ok(())
    }
}

/// The statement, prepared when it is first needed.
pub(in crate::store::sqlite) fn first<'s, 'a>(
    statement: &'s mut Option<CachedStatement<'a>>,
    conn: &'a Connection,
    sql: &str,
) -> rusqlite::Result<&'s mut CachedStatement<'a>> {
    Ok(match statement {
        Some(statement) => statement,
        None => statement.insert(conn.prepare_cached(sql)?),
    })
}
