//! Expiries: what has expired, and where the entries of a range that expire are
//! found, by the index that knows no others.
//!
//! There are three: of the whole store, of each namespace, of each group. The
//! index has to be named wherever expired rows are sought: without statistics
//! SQLite may take the primary key, and walk all that is there. So a look costs
//! what has expired in its own range, however much has expired elsewhere.
//!
//! Who follows the log removes what has expired in the whole store, in small
//! steps.

use std::time::{Duration, Instant};

use rusqlite::types::{ToSqlOutput, Value};
use rusqlite::{ToSql, params};

use crate::clock::Timestamp;
use crate::model::{Expired, Level, Name, Namespace, Result};
use crate::store::sqlite::connection::Store;
use crate::store::sqlite::data::columns::moment;
use crate::store::sqlite::transaction::{Snapshot, Transaction};

/// Most rows, and about the most time, of a step of [`Store::expire_due`]:
/// several watchers may be at it beside each other and beside writers.
const EXPIRE_STEP: i64 = 512;
const EXPIRE_BUDGET: Duration = Duration::from_millis(5);

/// The expiring entries of the whole store, of a namespace or of a group.
pub(in crate::store::sqlite) struct Expiries {
    /// What follows FROM, up to a condition on `expires_at`: `?1` is
    /// [`Expiries::of`].
    pub rows: &'static str,
    pub of: Range,
}

/// Whose they are, as the index has it.
pub(in crate::store::sqlite) enum Range {
    Store,
    Namespace(String),
    Group(Name<'static>),
}

impl ToSql for Range {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        match self {
            Self::Store => Ok(ToSqlOutput::Owned(Value::Null)),
            Self::Namespace(prefix) => prefix.to_sql(),
            Self::Group(name) => name.to_sql(),
        }
    }
}

impl Expiries {
    /// Those of the namespace whose prefix is `?1`.
    pub const OF_NAMESPACE: &str =
        "entries INDEXED BY larder_namespace_expiry WHERE substr(group_name,1,instr(group_name,':'))=?1";

    /// Those of a stored group.
    pub fn of_group(stored: Name<'static>) -> Self {
        Self { rows: "entries INDEXED BY larder_group_expiry WHERE group_name=?1", of: Range::Group(stored) }
    }

    /// Those of a namespace.
    pub fn of_namespace(namespace: &Namespace) -> Self {
        Self { rows: Self::OF_NAMESPACE, of: Range::Namespace(namespace.first_group()) }
    }

    /// Those of the store.
    fn of_store() -> Self {
        Self { rows: "entries INDEXED BY larder_expiry WHERE ?1 IS NULL", of: Range::Store }
    }
}

impl Snapshot<'_> {
    /// How many live entries of each group expire by `until`, by name as
    /// stored: of groups that may be read, and have one. Time grows with those
    /// that expire, not with the store.
    pub fn expiring_by(&self, until: Timestamp) -> Result<Vec<(Name<'static>, i64)>> {
        self.permit_some(Level::Read)?;
        let Expiries { rows, of } = self.expiries(None);
        let mut query = self.conn.prepare_cached(&format!(
            "SELECT group_name,count(*)FROM {rows} AND expires_at>?2 AND expires_at<=?3 GROUP BY group_name"
        ))?;
        let mut rows = query.query(params![of, self.now.0, until.0])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let name = Name::of(row.get_ref(0)?).into_owned();
            if self.may(Level::Read, &self.scope.name_of(&name))? {
                found.push((name, row.get(1)?));
            }
        }
        Ok(found)
    }

    /// Those of one group, named as in scope, or of the scope.
    pub(in crate::store::sqlite) fn expiries(&self, group: Option<&Name<'_>>) -> Expiries {
        match (group, &self.scope.0) {
            (Some(group), _) => Expiries::of_group(self.scope.stored_name(group).into_owned()),
            (None, Some(namespace)) => Expiries::of_namespace(namespace),
            (None, None) => Expiries::of_store(),
        }
    }

    /// How many of them have expired.
    pub(in crate::store::sqlite) fn due_among(&self, Expiries { rows, of }: &Expiries) -> Result<i64> {
        let mut query =
            self.conn.prepare_cached(&format!("SELECT count(*)FROM {rows} AND expires_at<=?2"))?;
        Ok(query.query_row(params![of, self.now.0], |row| row.get(0))?)
    }

    /// When the next of them expires that has not yet.
    pub(in crate::store::sqlite) fn next_among(
        &self,
        Expiries { rows, of }: &Expiries,
    ) -> Result<Option<Timestamp>> {
        let mut query =
            self.conn.prepare_cached(&format!("SELECT min(expires_at)FROM {rows} AND expires_at>?2"))?;
        Ok(query.query_row(params![of, self.now.0], |row| Ok(moment(row.get_ref(0)?)))?)
    }

    /// When the next entry of the whole store expires; in the past if one has
    /// expired and is not yet claimed.
    pub(in crate::store::sqlite) fn next_due(&self) -> Result<Option<Timestamp>> {
        let mut query =
            self.conn.prepare_cached("SELECT min(expires_at)FROM entries WHERE expires_at IS NOT NULL")?;
        Ok(query.query_row([], |row| Ok(moment(row.get_ref(0)?)))?)
    }
}

impl Transaction<'_> {
    /// Removes up to `limit` expired entries of the whole store, whatever the
    /// scope, until `enough` says so: an expired entry is gone for everyone,
    /// and whoever notices first reports it. Returns how many went.
    fn expire_some(&self, limit: i64, enough: impl Fn() -> bool) -> Result<i64> {
        let ids: Vec<i64> = self
            .conn
            .prepare_cached("SELECT rowid FROM entries WHERE expires_at<=?1 ORDER BY expires_at LIMIT ?2")?
            .query_map(params![self.now.0, limit], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        self.by_the_rules(|writer| {
            let mut gone = 0;
            for id in ids {
                gone += i64::from(writer.expire_row(id)?);
                if enough() {
                    break;
                }
            }
            Ok(gone)
        })
    }
}

impl Store {
    /// Removes some of what has expired in the whole store, so that the log
    /// reports it: what a few milliseconds under the write lock allow. Waits
    /// for that lock no longer than `patience`. `None` if `may` says no.
    pub(in crate::store::sqlite) fn expire_due(
        &self,
        patience: Duration,
        may: impl Fn(&Transaction<'_>) -> Result<bool>,
    ) -> Result<Option<Expired>> {
        let before = self.busy_timeout.replace(patience);
        let expired = self.write_quietly(|tx| {
            if !may(tx)? {
                return Ok(None);
            }
            let first = tx.next_due()?;
            let started = Instant::now();
            let entries = tx.expire_some(EXPIRE_STEP, || started.elapsed() >= EXPIRE_BUDGET)?;
            Ok(Some(Expired { first, next: tx.next_due()?, entries }))
        });
        self.busy_timeout.set(before);
        if matches!(expired, Ok(Some(Expired { entries: 1.., .. }))) {
            self.ring();
        }
        expired
    }
}
