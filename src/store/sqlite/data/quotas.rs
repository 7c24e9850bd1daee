//! Quotas: limits of a namespace. The triggers hold them; here they are set,
//! shown, and explained when a write ran into one.

use rusqlite::{OptionalExtension, params};

use crate::model::{Error, Level, Limits, Name, Namespace, Result, entry_bytes, namespace_of};
use crate::store::sqlite::transaction::Transaction;

impl Transaction<'_> {
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

    /// Says which limit stopped a write of `value` under `key`. Called after
    /// the refusal, in the same transaction, so use is as the trigger saw it
    /// but for due entries, which are taken off here.
    pub(in crate::store::sqlite) fn quota_error(
        &self,
        stored: &Name<'_>,
        key: &Name<'_>,
        value: &[u8],
    ) -> Result<Error> {
        let Some(namespace) = namespace_of(stored) else {
            return Ok(Error::Condition("a quota was exceeded".into()));
        };
        let limits = self.known_limits(&namespace)?;
        let used = self.known_usage(&namespace)?;
        let old: Option<i64> = self
            .conn
            .query_row(
                "SELECT octet_length(entry_key)+octet_length(entry_value)FROM entries WHERE group_name=?1 AND entry_key=?2 AND(expires_at IS NULL OR expires_at>?3)",
                params![stored, key, self.now.0],
                |row| row.get(0),
            )
            .optional()?;
        let group_is_new = self.conn.query_row(
            "SELECT NOT EXISTS(SELECT 1 FROM entries WHERE group_name=?1 AND(expires_at IS NULL OR expires_at>?2))",
            params![stored, self.now.0],
            |row| row.get::<_, bool>(0),
        )?;
        let asked_keys = i64::from(old.is_none());
        let asked_bytes = entry_bytes(key, value) - old.unwrap_or(0);
        let asked_groups = i64::from(group_is_new);
        let candidates = [
            ("keys", limits.keys, used.keys, asked_keys),
            ("bytes", limits.bytes, used.bytes, asked_bytes),
            ("groups", limits.groups, used.groups, asked_groups),
        ];
        let hit = candidates
            .into_iter()
            .find_map(|(what, limit, used, asked)| {
                limit.filter(|l| asked > 0 && used.saturating_add(asked) > *l).map(|l| (what, l, used, asked))
            })
            .unwrap_or(("bytes", limits.bytes.unwrap_or(0), used.bytes, asked_bytes));
        let (what, limit, used, asked) = hit;
        Ok(Error::Quota { namespace: namespace.as_str().to_owned(), what, limit, used, asked })
    }
}
