//! Bulk writing: what the triggers do, done in memory for many writes at once.
//!
//! A trigger costs each row several look-ups in the log and the counters. Here
//! one transaction keeps sequence number, usage and limits in memory, writes
//! entries and changes directly, and writes the counters once at the end. The
//! triggers are switched off for this connection alone (the schema stays as it
//! is), and what a reader or another writer finds is to the last row what the
//! triggers would have left: `tests/store/bulk.rs` compares the two.
//!
//! A write that would take a namespace past a limit is handed to the triggers:
//! making room from due entries and refusing are their business alone.

mod moves;

use rusqlite::config::DbConfig;
use rusqlite::types::ValueRef;
use rusqlite::{CachedStatement, params};

use crate::clock::Timestamp;
use crate::model::{Condition, Error, Expiry, Level, Name, Result, entry_bytes};
use crate::store::sqlite::connection::Store;
use crate::store::sqlite::data::columns::Stored;
use crate::store::sqlite::data::counters::Tally;
use crate::store::sqlite::data::entries::{Row, add_integers, parse_integer};
use crate::store::sqlite::data::purge::{HARD, SOFT, SOFT_AGE_MILLIS};
use crate::store::sqlite::transaction::Transaction;

/// The log is bounded after this many writes, so that it does not grow with the
/// input.
const WRITES_BETWEEN_BOUNDS: i64 = 50_000;

/// Page cache for a bulk writer, in KiB: keys that come in no order touch
/// index pages all over.
const CACHE_KIB: i64 = 16 * 1024;

/// A write transaction for many writes. Its operations mean what those of
/// [`Transaction`] mean.
///
/// After an operation fails with anything but a refusal
/// ([`Error::is_refusal`]) the transaction must be given up.
pub struct Bulk<'a> {
    tx: &'a Transaction<'a>,
    insert: CachedStatement<'a>,
    update: CachedStatement<'a>,
    log: CachedStatement<'a>,
    /// Newest change: its number, and the log's running total.
    newest: i64,
    total: i64,
    /// The group whose `delete_group` is the newest change.
    deleted_group: Option<Name<'static>>,
    /// Writes since the log was last bounded, and how many changes may go for
    /// them.
    writes: i64,
    room: i64,
    tally: Tally,
    /// The group of the last write; most writes stay in their group.
    last: Option<usize>,
}

impl Store {
    /// Like [`Store::write`], for many writes at once.
    pub fn bulk<T>(&self, mut f: impl FnMut(&mut Bulk<'_>) -> Result<T>) -> Result<T> {
        self.conn.execute_batch(&format!("PRAGMA cache_size=-{CACHE_KIB}"))?;
        let _switch = TriggersOff::new(&self.conn)?;
        self.write(|tx| {
            let mut bulk = Bulk::new(tx)?;
            let value = f(&mut bulk)?;
            bulk.flush()?;
            Ok(value)
        })
    }

    /// Like [`Store::bulk`], but nothing stays of what was written.
    pub fn rehearse<T>(&self, mut f: impl FnMut(&mut Bulk<'_>) -> Result<T>) -> Result<T> {
        let mut rehearsed = None;
        let outcome = self.bulk(|bulk| -> Result<()> {
            rehearsed = None;
            rehearsed = Some(f(bulk)?);
            Err(Error::Condition("only a rehearsal".into()))
        });
        match (rehearsed, outcome) {
            (Some(value), Err(Error::Condition(_))) => Ok(value),
            (_, Err(error)) => Err(error),
            (_, Ok(())) => Err(Error::Busy("the rehearsal was not undone".into())),
        }
    }
}

/// Keeps the triggers from running on one connection while it lives.
struct TriggersOff<'a>(&'a rusqlite::Connection);

impl<'a> TriggersOff<'a> {
    fn new(conn: &'a rusqlite::Connection) -> Result<Self> {
        switch_triggers(conn, false)?;
        Ok(Self(conn))
    }
}

impl Drop for TriggersOff<'_> {
    fn drop(&mut self) {
        // SQLite has no reason to refuse: the setting is a bit in memory.
        let _ = switch_triggers(self.0, true);
    }
}

fn switch_triggers(conn: &rusqlite::Connection, on: bool) -> Result<()> {
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, on)?;
    Ok(())
}

impl Transaction<'_> {
    /// Removes every row of a group whose `delete_group` is the newest change,
    /// which speaks for all of them: only the counters are left to keep.
    pub(in crate::store::sqlite) fn remove_rows_of_group(&self, stored: &Name<'_>) -> Result<()> {
        let _switch = TriggersOff::new(self.conn)?;
        for sql in [
            "UPDATE larder_namespaces SET(keys,bytes,groups)=(SELECT n.keys-g.keys,n.bytes-g.bytes,n.groups-1 FROM larder_namespaces n,larder_groups g WHERE n.namespace=g.namespace AND g.group_name=?1)WHERE namespace=(SELECT namespace FROM larder_groups WHERE group_name=?1)",
            "DELETE FROM larder_groups WHERE group_name=?1",
            "DELETE FROM entries WHERE group_name=?1",
        ] {
            self.conn.prepare_cached(sql)?.execute([stored])?;
        }
        Ok(())
    }
}

impl<'a> Bulk<'a> {
    fn new(tx: &'a Transaction<'a>) -> Result<Self> {
        let mut bulk = Self {
            tx,
            insert: tx.conn.prepare_cached(
                "INSERT INTO entries VALUES(?1,?2,?3,?4,?5,?6)ON CONFLICT(group_name,entry_key)DO NOTHING",
            )?,
            update: tx.conn.prepare_cached(
                "UPDATE entries SET entry_value=?1,expires_at=?2,version=?3,updated_at=?4 WHERE rowid=?5",
            )?,
            log: tx
                .conn
                .prepare_cached("INSERT INTO larder_changes VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10)")?,
            newest: 0,
            total: 0,
            deleted_group: None,
            writes: 0,
            room: 0,
            tally: Tally::default(),
            last: None,
        };
        bulk.reload()?;
        Ok(bulk)
    }

    /// Reads where the log stands.
    fn reload(&mut self) -> Result<()> {
        let mut query = self.tx.conn.prepare_cached(
            "SELECT seq,total,iif(type='delete_group',group_name,NULL)FROM larder_changes ORDER BY seq DESC LIMIT 1",
        )?;
        (self.newest, self.total, self.deleted_group) = query.query_row([], |row| {
            let group = row.get_ref(2)?;
            let group = (group != ValueRef::Null).then(|| Name::of(group).into_owned());
            Ok((row.get(0)?, row.get(1)?, group))
        })?;
        Ok(())
    }

    /// The present, the same for every operation of the transaction.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.tx.now
    }

    /// The newest change's sequence number.
    #[must_use]
    pub fn newest(&self) -> i64 {
        self.newest
    }

    /// [`Transaction::set`]; returns the version.
    pub fn set<'n>(
        &mut self,
        group: impl Into<Name<'n>>,
        key: impl Into<Name<'n>>,
        value: &[u8],
        expiry: Expiry,
        condition: &Condition,
    ) -> Result<i64> {
        let (group, key) = (&group.into(), &key.into());
        let at = self.group(group)?;
        let limited = self.tally.namespace_of(at).is_limited();
        let bytes = entry_bytes(key, value);
        let expires_at = match expiry {
            Expiry::Never => Some(None),
            Expiry::At(time) => Some(Some(time.0)),
            Expiry::After(ttl) => Some(Some(self.tx.now.after(ttl).0)),
            Expiry::Keep => None,
        };
        // Most writes are of new keys: try that before looking.
        if let Some(expires_at) = expires_at
            && !limited
            && matches!(condition, Condition::Any | Condition::Absent)
            && self.insert_new(at, key, value, expires_at)?
        {
            return Ok(self.newest);
        }
        let with_value = matches!(condition, Condition::Value(_));
        let row = self.tx.row(&self.tally.group(at).stored, key, with_value)?;
        self.tx.hold(group, key, row.as_ref(), condition)?;
        let (new_keys, new_groups) = match &row {
            Some(_) => (0, 0),
            None => (1, i64::from(self.tally.group(at).keys == 0)),
        };
        let new_bytes = bytes - row.as_ref().map_or(0, |row| row.bytes);
        if limited && self.tally.namespace_of(at).would_be_over(new_keys, new_bytes, new_groups) {
            return self.set_by_triggers(group, key, value, expiry);
        }
        let expires_at = expires_at.unwrap_or_else(|| {
            row.as_ref().filter(|row| row.is_live(self.tx.now)).and_then(|row| row.expires_at)
        });
        self.write_row(at, key, value, expires_at, row)
    }

    /// Writes an entry over `row`, what is there, and logs and counts it.
    fn write_row(
        &mut self,
        at: usize,
        key: &Name<'_>,
        value: &[u8],
        expires_at: Option<i64>,
        row: Option<Row>,
    ) -> Result<i64> {
        let Some(row) = row else {
            self.insert_new(at, key, value, expires_at)?;
            return Ok(self.newest);
        };
        let bytes = entry_bytes(key, value);
        if !row.is_live(self.tx.now) {
            self.append("expire", at, key, None, row.expires_at, 0)?;
        }
        self.update.execute(params![Stored(value), expires_at, self.newest + 1, self.tx.now.0, row.id])?;
        self.append("set", at, key, Some(value), expires_at, bytes)?;
        self.tally.count(at, 0, bytes - row.bytes, 0);
        self.bound_now_and_then(value)?;
        Ok(self.newest)
    }

    /// Inserts, logs and counts an entry; `false` if its key has a row.
    fn insert_new(
        &mut self,
        at: usize,
        key: &Name<'_>,
        value: &[u8],
        expires_at: Option<i64>,
    ) -> Result<bool> {
        let inserted = self.insert.execute(params![
            self.tally.group(at).stored,
            key,
            Stored(value),
            expires_at,
            self.newest + 1,
            self.tx.now.0
        ])?;
        if inserted == 0 {
            return Ok(false);
        }
        let bytes = entry_bytes(key, value);
        self.append("set", at, key, Some(value), expires_at, bytes)?;
        self.tally.count(at, 1, bytes, i64::from(self.tally.group(at).keys == 0));
        self.bound_now_and_then(value)?;
        Ok(true)
    }

    /// The way of a write that needs room: counters are brought up to date,
    /// and the triggers decide.
    fn set_by_triggers(
        &mut self,
        group: &Name<'_>,
        key: &Name<'_>,
        value: &[u8],
        expiry: Expiry,
    ) -> Result<i64> {
        self.flush()?;
        switch_triggers(self.tx.conn, true)?;
        let result = self.tx.set(group, key, value, expiry, &Condition::Any);
        switch_triggers(self.tx.conn, false)?;
        self.tx.sign()?;
        self.reload()?;
        Ok(result?.version)
    }

    /// [`Transaction::delete`].
    pub fn delete<'n>(
        &mut self,
        group: impl Into<Name<'n>>,
        key: impl Into<Name<'n>>,
        condition: &Condition,
    ) -> Result<bool> {
        let (group, key) = (&group.into(), &key.into());
        let at = self.group(group)?;
        let row = self.tx.row(&self.tally.group(at).stored, key, matches!(condition, Condition::Value(_)))?;
        self.tx.hold(group, key, row.as_ref(), condition)?;
        let Some(row) = row else { return Ok(false) };
        self.tx.conn.prepare_cached("DELETE FROM entries WHERE rowid=?1")?.execute([row.id])?;
        let live = row.is_live(self.tx.now);
        // A group's delete_group speaks for all its rows.
        if self.deleted_group.as_ref() != Some(&self.tally.group(at).stored) {
            self.append(if live { "delete" } else { "expire" }, at, key, None, row.expires_at, 0)?;
        }
        self.tally.count(at, -1, -row.bytes, -i64::from(self.tally.group(at).keys == 1));
        Ok(live)
    }

    /// [`Transaction::expire`]; returns the version.
    pub fn expire<'n>(
        &mut self,
        group: impl Into<Name<'n>>,
        key: impl Into<Name<'n>>,
        expiry: Expiry,
        condition: &Condition,
    ) -> Result<i64> {
        let (group, key) = (&group.into(), &key.into());
        self.group(group)?;
        let entry = self.tx.get(group, key)?;
        self.set(group, key, entry.value.as_deref().unwrap_or_default(), expiry, condition)
    }

    /// [`Transaction::incr`]; returns the sum and the version.
    pub fn incr<'n>(
        &mut self,
        group: impl Into<Name<'n>>,
        key: impl Into<Name<'n>>,
        by: i64,
    ) -> Result<(i64, i64)> {
        let (group, key) = (&group.into(), &key.into());
        self.group(group)?;
        let old = match self.tx.get(group, key) {
            Ok(entry) => parse_integer(group, key, &entry.value.unwrap_or_default())?,
            Err(Error::NotFound { .. }) => 0,
            Err(e) => return Err(e),
        };
        let sum = add_integers(old, by)?;
        let version = self.set(group, key, sum.to_string().as_bytes(), Expiry::Keep, &Condition::Any)?;
        Ok((sum, version))
    }

    /// Appends a change.
    fn append(
        &mut self,
        kind: &str,
        at: usize,
        key: &Name<'_>,
        value: Option<&[u8]>,
        expires_at: Option<i64>,
        bytes: i64,
    ) -> Result<()> {
        self.log.execute(params![
            self.newest + 1,
            self.tx.now.0,
            kind,
            self.tally.group(at).stored,
            key,
            value.map(Stored),
            expires_at,
            bytes,
            self.total + bytes,
            self.tx.author()
        ])?;
        self.newest += 1;
        self.total += bytes;
        self.deleted_group = None;
        Ok(())
    }

    /// Where in the tally a group is, as the caller names it.
    fn group(&mut self, group: &Name<'_>) -> Result<usize> {
        if let Some(last) = self.last
            && self.tx.scope.name_of(&self.tally.group(last).stored) == *group
        {
            return Ok(last);
        }
        self.tx.permit(Level::Write, group)?;
        let stored = self.tx.scope.stored_name(group).into_owned();
        if let Some(at) = self.tally.find(&stored) {
            self.last = Some(at);
            return Ok(at);
        }
        if self.tally.is_full() {
            self.flush()?;
        }
        let at = self.tally.load(self.tx, stored)?;
        self.last = Some(at);
        Ok(at)
    }

    fn bound_now_and_then(&mut self, value: &[u8]) -> Result<()> {
        self.writes += 1;
        self.room += 2 + i64::try_from(value.len() / 1024).unwrap_or(0);
        if self.writes < WRITES_BETWEEN_BOUNDS {
            return Ok(());
        }
        self.bound()
    }

    /// Bounds the log as the triggers do: for every write, up to two of the
    /// oldest changes go, and one more for each KiB of its value.
    fn bound(&mut self) -> Result<()> {
        self.writes = 0;
        let limit = std::mem::take(&mut self.room);
        let held: i64 = self
            .tx
            .conn
            .prepare_cached("SELECT ifnull((SELECT min(position)FROM larder_consumers),?1)")?
            .query_row([self.newest], |row| row.get(0))?;
        let beyond = |seq: i64, total: i64, (changes, bytes): (i64, i64)| {
            seq < self.newest - changes || total < self.total - bytes
        };
        let mut keep = None;
        {
            let mut query = self
                .tx
                .conn
                .prepare_cached("SELECT seq,at,total FROM larder_changes ORDER BY seq LIMIT ?1+1")?;
            let mut rows = query.query([limit])?;
            let mut passed = false;
            while let Some(row) = rows.next()? {
                let (seq, at, total) = (row.get(0)?, row.get::<_, i64>(1)?, row.get(2)?);
                let goes = beyond(seq, total, HARD)
                    || beyond(seq, total, SOFT)
                        && at < self.tx.now.0.saturating_sub(SOFT_AGE_MILLIS)
                        && seq <= held;
                keep = passed.then_some(seq);
                if !goes {
                    break;
                }
                passed = true;
            }
        }
        if let Some(keep) = keep {
            self.tx.conn.prepare_cached("DELETE FROM larder_changes WHERE seq<?1")?.execute([keep])?;
        }
        Ok(())
    }

    /// Bounds the log and writes the counters.
    fn flush(&mut self) -> Result<()> {
        if self.writes > 0 {
            self.bound()?;
        }
        self.last = None;
        self.tx.signed_up_to(self.newest);
        self.tally.write(self.tx)
    }
}
