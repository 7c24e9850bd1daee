//! Quotas: limits of a namespace. The rules hold them; here they are set and
//! shown.

use rusqlite::{OptionalExtension, params};

use crate::model::{Level, Limits, Namespace, Result};
use crate::store::sqlite::transaction::{Snapshot, Transaction};

impl Snapshot<'_> {
    /// The limits of a namespace; all `None` if it has no quota.
    pub fn limits(&self, namespace: &Namespace) -> Result<Limits> {
        self.permit_namespace(namespace, Level::Read)?;
        self.known_limits(namespace)
    }

    pub(in crate::store::sqlite) fn known_limits(&self, namespace: &Namespace) -> Result<Limits> {
        let found = self
            .conn
            .query_row(
                "SELECT max_keys,max_bytes,max_groups FROM larder_namespaces WHERE namespace=?1",
                [namespace.as_str()],
                |row| Ok(Limits { keys: row.get(0)?, bytes: row.get(1)?, groups: row.get(2)? }),
            )
            .optional()?;
        Ok(found.unwrap_or_default())
    }
}

impl Transaction<'_> {
    /// Replaces the limits of a namespace. Limits below today's use are fine:
    /// they stop growth and delete nothing.
    pub fn set_limits(&self, namespace: &Namespace, limits: Limits) -> Result<()> {
        self.permit_namespace(namespace, Level::Admin)?;
        if limits == Limits::default() {
            self.conn.execute(
                "UPDATE larder_namespaces SET max_keys=NULL,max_bytes=NULL,max_groups=NULL WHERE namespace=?1",
                [namespace.as_str()],
            )?;
            return Ok(());
        }
        self.conn.execute(
            "INSERT INTO larder_namespaces(namespace,max_keys,max_bytes,max_groups)VALUES(?1,?2,?3,?4)ON CONFLICT(namespace)DO UPDATE SET max_keys=excluded.max_keys,max_bytes=excluded.max_bytes,max_groups=excluded.max_groups",
            params![namespace.as_str(), limits.keys, limits.bytes, limits.groups],
        )?;
        Ok(())
    }
}
