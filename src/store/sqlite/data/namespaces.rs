//! Namespaces: who uses how much, and clearing one out.

use std::ops::ControlFlow;

use rusqlite::params;

use crate::model::{Error, Holdings, Keys, Level, Limits, Namespace, NamespaceUsage, Result};
use crate::store::sqlite::data::columns::name;
use crate::store::sqlite::data::expiries::Expiries;
use crate::store::sqlite::transaction::{Snapshot, Transaction};

impl Snapshot<'_> {
    /// Live use of one namespace, as far as it may be read: counters less what
    /// has expired.
    pub fn usage(&self, namespace: &Namespace) -> Result<NamespaceUsage> {
        self.permit_namespace(namespace, Level::Read)?;
        if self.sees_all()? {
            return self.known_usage(namespace);
        }
        let Holdings { keys, bytes, groups, next_expiry, .. } = self.visible_holdings()?;
        let limits = self.known_limits(namespace)?;
        Ok(NamespaceUsage { namespace: namespace.clone(), keys, bytes, groups, limits, next_expiry })
    }

    pub(in crate::store::sqlite) fn known_usage(&self, namespace: &Namespace) -> Result<NamespaceUsage> {
        let expiries = Expiries::of_namespace(namespace);
        let (keys, bytes, groups): (i64, i64, i64) = self.conn.query_row(
            "SELECT ifnull(sum(keys),0),ifnull(sum(bytes),0),ifnull(sum(groups),0)FROM larder_namespaces WHERE namespace=?1",
            [namespace.as_str()],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )?;
        let (due_keys, due_bytes, due_groups): (i64, i64, i64) = self.conn.query_row(
            &format!("SELECT ifnull(sum(n),0),ifnull(sum(b),0),count(*)FILTER(WHERE n=(SELECT keys FROM larder_groups WHERE group_name=d.group_name))FROM(SELECT group_name,count(*)n,sum(octet_length(entry_key)+octet_length(entry_value))b FROM {} AND expires_at<=?2 GROUP BY group_name)d", expiries.rows),
            params![expiries.of, self.now.0],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )?;
        Ok(NamespaceUsage {
            namespace: namespace.clone(),
            keys: keys - due_keys,
            bytes: bytes - due_bytes,
            groups: groups - due_groups,
            limits: self.known_limits(namespace)?,
            next_expiry: self.next_among(&expiries)?,
        })
    }

    /// Every namespace in scope that holds a live key or has a quota, by name.
    pub fn namespaces(&self) -> Result<Vec<NamespaceUsage>> {
        self.permit_some(Level::Read)?;
        let only = self.scope.0.as_ref().map(Namespace::as_str);
        let mut query = self
            .conn
            .prepare("SELECT namespace FROM larder_namespaces WHERE namespace<>''AND(?1 IS NULL OR namespace=?1)ORDER BY namespace")?;
        let names = query.query_map([only], |row| row.get_ref(0).map(name))?;
        let mut found = Vec::new();
        for name in names {
            // A name that is none can only come from another client.
            let Some(namespace) = Namespace::new(&name?) else { continue };
            let usage = self.usage(&namespace)?;
            if usage.keys > 0 || usage.limits != Limits::default() {
                found.push(usage);
            }
        }
        Ok(found)
    }
}

impl Transaction<'_> {
    /// Deletes all of the scope's namespace: every group, as one
    /// `delete_group` change each, the quota, the consumers. Returns how many
    /// live keys there were. A closed one stays closed, with its grants: whoever
    /// uses the name next must not find it open to everybody.
    ///
    /// # Errors
    /// [`Error::Usage`] without a namespace in scope.
    pub fn delete_namespace(&self) -> Result<i64> {
        let Some(namespace) = &self.scope.0 else {
            return Err(Error::Usage("no namespace to delete".into()));
        };
        self.permit_scope(Level::Admin)?;
        self.by_the_rules(|writer| writer.expire_among(&self.expiries(None)))?;
        let mut groups = Vec::new();
        self.groups(&Keys::default(), |group| {
            groups.push(self.scope.name_of(&group.name).into_owned());
            Ok(ControlFlow::Continue(()))
        })?;
        let mut deleted = 0;
        for group in groups {
            deleted += self.delete_group(&group)?;
        }
        self.set_limits(namespace, Limits::default())?;
        // Left behind they would hold back the log for nobody.
        self.conn.execute(
            "DELETE FROM larder_consumers WHERE name>=?1 AND name<?2",
            [namespace.first_group(), namespace.past_last_group()],
        )?;
        self.conn
            .execute("DELETE FROM larder_namespaces WHERE namespace=?1 AND keys=0", [namespace.as_str()])?;
        Ok(deleted)
    }
}
