//! Writing entries: [the rules](crate::store::rules) over the file.
//!
//! One writer keeps sequence number, usage and limits in memory, writes entries
//! and changes directly, and writes the counters once at the end. No trigger
//! runs on larder's connections; what a reader or another writer finds is to the
//! last row what the triggers leave after the same operation in SQL:
//! `tests/store/rules.rs` compares the two.

mod moves;
mod oldest;
mod reads;

use std::collections::BTreeMap;

use rusqlite::types::ValueRef;
use rusqlite::{CachedStatement, Connection, OptionalExtension, params};

use self::oldest::Oldest;
use crate::clock::Timestamp;
use crate::model::{ChangeKind, Condition, Error, Expiry, Level, Name, Result, entry_bytes, namespace_of};
use crate::store::rules::{self, Gone, Place, Refusal, Standing, Usage};
use crate::store::sqlite::connection::Store;
use crate::store::sqlite::data::columns::{Stored, moment};
use crate::store::sqlite::data::counters::{self, Tally, first};
use crate::store::sqlite::data::entries::{ROW, Row, add_integers, parse_integer};
use crate::store::sqlite::data::expiries::Expiries;
use crate::store::sqlite::transaction::Transaction;

/// Page cache for a bulk writer, in KiB: keys that come in no order touch
/// index pages all over.
const CACHE_KIB: i64 = 16 * 1024;

const INSERT: &str = "INSERT INTO entries VALUES(?1,?2,?3,?4,?5,?6)";
const INSERT_NEW: &str =
    "INSERT INTO entries VALUES(?1,?2,?3,?4,?5,?6)ON CONFLICT(group_name,entry_key)DO NOTHING";
const UPDATE: &str =
    "UPDATE entries SET entry_value=?1,expires_at=?2,version=?3,updated_at=?4 WHERE rowid=?5";
const DELETE: &str = "DELETE FROM entries WHERE rowid=?1";
const LOG: &str = "INSERT INTO larder_changes VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10)";

const NEWEST: &str =
    "SELECT seq,total,iif(type='delete_group',group_name,NULL)FROM larder_changes ORDER BY seq DESC LIMIT 1";

/// Prepares what a write needs in any case, so that nobody waits for that.
pub(in crate::store::sqlite) fn prepare(conn: &Connection) {
    for sql in [NEWEST, ROW, counters::GROUP_USAGE, counters::NAMESPACE_USAGE, LOG] {
        // What is wrong shows when it is used.
        let _ = conn.prepare_cached(sql);
    }
}

/// A write transaction for many writes. Its operations mean what those of
/// [`Transaction`] mean.
///
/// After an operation fails with anything but a refusal
/// ([`Error::is_refusal`]) the transaction must be given up.
pub struct Bulk<'a> {
    tx: &'a Transaction<'a>,
    insert: Option<CachedStatement<'a>>,
    update: Option<CachedStatement<'a>>,
    delete: Option<CachedStatement<'a>>,
    log: Option<CachedStatement<'a>>,
    /// Whether more than one write is to be expected, most of new keys.
    many: bool,
    newest: Place,
    /// The group whose `delete_group` is the newest change.
    deleted_group: Option<Name<'static>>,
    oldest: Oldest,
    tally: Tally,
    /// The group of the last write; most writes stay in their group.
    last: Option<usize>,
    /// What of `insert` and `log` is bound and stays so from one row to the next.
    insert_bound: Option<usize>,
    log_bound: Option<(usize, ChangeKind)>,
}

/// What a set came to.
#[derive(Clone, Copy)]
pub(in crate::store::sqlite) struct Written {
    pub version: i64,
    pub expires_at: Option<i64>,
}

impl Store {
    /// Like [`Store::write`], for many writes at once.
    pub fn bulk<T>(&self, mut f: impl FnMut(&mut Bulk<'_>) -> Result<T>) -> Result<T> {
        self.conn.execute_batch(&format!("PRAGMA cache_size=-{CACHE_KIB}"))?;
        self.write(|tx| {
            let mut bulk = Bulk::new(tx, true)?;
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

impl Transaction<'_> {
    /// Writes by the rules, and the counters after it.
    pub(in crate::store::sqlite) fn by_the_rules<T>(
        &self,
        f: impl FnOnce(&mut Bulk<'_>) -> Result<T>,
    ) -> Result<T> {
        let mut writer = Bulk::new(self, false)?;
        let value = f(&mut writer)?;
        writer.flush()?;
        Ok(value)
    }
}

impl<'a> Bulk<'a> {
    fn new(tx: &'a Transaction<'a>, many: bool) -> Result<Self> {
        let mut query = tx.conn.prepare_cached(NEWEST)?;
        let newest = query.query_row([], |row| {
            let group = row.get_ref(2)?;
            let group = (group != ValueRef::Null).then(|| Name::of(group).into_owned());
            Ok((Place { seq: row.get(0)?, total: row.get(1)? }, group))
        });
        let Some((newest, deleted_group)) = newest.optional()? else {
            let path = tx.conn.path().unwrap_or_default();
            return Err(Error::unusable(
                path.as_ref(),
                "has an empty change log; run 'larder check --repair'",
            ));
        };
        Ok(Self {
            tx,
            insert: None,
            update: None,
            delete: None,
            log: None,
            many,
            newest,
            deleted_group,
            oldest: Oldest::default(),
            tally: Tally::default(),
            last: None,
            insert_bound: None,
            log_bound: None,
        })
    }

    /// The present, the same for every operation of the transaction.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.tx.now
    }

    /// The newest change's sequence number.
    #[must_use]
    pub fn newest(&self) -> i64 {
        self.newest.seq
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
        Ok(self.write(&group.into(), &key.into(), value, expiry, condition)?.version)
    }

    pub(in crate::store::sqlite) fn write(
        &mut self,
        group: &Name<'_>,
        key: &Name<'_>,
        value: &[u8],
        expiry: Expiry,
        condition: &Condition,
    ) -> Result<Written> {
        let at = self.group(group)?;
        self.write_at(at, group, key, value, expiry, condition)
    }

    /// Sets a value under a group's stored name, whoever may write to it.
    pub(in crate::store::sqlite) fn put_stored(
        &mut self,
        stored: &Name<'_>,
        key: &Name<'_>,
        value: &[u8],
        expiry: Expiry,
    ) -> Result<()> {
        let at = self.stored_group(stored.clone().into_owned())?;
        self.write_at(at, stored, key, value, expiry, &Condition::Any)?;
        Ok(())
    }

    fn write_at(
        &mut self,
        mut at: usize,
        group: &Name<'_>,
        key: &Name<'_>,
        value: &[u8],
        expiry: Expiry,
        condition: &Condition,
    ) -> Result<Written> {
        let now = self.tx.now;
        let bytes = entry_bytes(key, value);
        let expires_at = match expiry {
            Expiry::Never => Some(None),
            Expiry::At(time) => Some(Some(time.0)),
            Expiry::After(ttl) => Some(Some(now.after(ttl).0)),
            Expiry::Keep => None,
        };
        // Most of many writes are of new keys: try that before looking.
        if let Some(expires_at) = expires_at
            && self.many
            && !self.tally.namespace_of(at).is_limited()
            && matches!(condition, Condition::Any | Condition::Absent)
            && self.insert(at, key, value, expires_at)?
        {
            let put = rules::put(&self.standing(at, None), rules::Row { expires_at, bytes });
            return self.settle(at, key, value, expires_at, put.by);
        }
        let with_value = matches!(condition, Condition::Value(_));
        let row = self.tx.row(&self.tally.group(at).stored, key, with_value)?;
        self.tx.hold(group, key, row.as_ref(), condition)?;
        let expires_at = expires_at
            .unwrap_or_else(|| row.as_ref().filter(|row| row.is_live(now)).and_then(|row| row.expires_at));
        let new = rules::Row { expires_at, bytes };
        let mut put = rules::put(&self.standing(at, row.as_ref()), new);
        let mut expired = Vec::new();
        if put.past_limit {
            // What has expired is counted in the file.
            let stored = self.tally.group(at).stored.clone();
            self.flush()?;
            at = self.stored_group(stored)?;
            expired = self.admit(at, row.as_ref(), new)?;
            put = rules::put(&self.standing(at, row.as_ref()), new);
        }
        self.write_row(at, key, value, row.as_ref(), new)?;
        if !put.past_limit {
            return self.settle(at, key, value, expires_at, put.by);
        }
        // The room that the expired ones leave is made after the set, in the
        // order of their rows; its own is among them if it has expired as well.
        if new.is_expired(now.0) {
            let id = row.as_ref().map_or_else(|| self.tx.conn.last_insert_rowid(), |row| row.id);
            expired.insert(expired.partition_point(|other| *other < id), id);
        }
        self.append(ChangeKind::Set, at, Some(key), Some(value), expires_at, bytes)?;
        let version = self.newest.seq;
        self.tally.count(at, put.by);
        for id in expired {
            self.expire_row(id)?;
        }
        self.bound(value.len())?;
        Ok(Written { version, expires_at })
    }

    /// Writes over `row`, what is there; one that has expired is logged as gone
    /// first.
    fn write_row(
        &mut self,
        at: usize,
        key: &Name<'_>,
        value: &[u8],
        row: Option<&Row>,
        new: rules::Row,
    ) -> Result<()> {
        let Some(row) = row else {
            return self.insert(at, key, value, new.expires_at).map(drop);
        };
        if !row.is_live(self.tx.now) {
            self.append(ChangeKind::Expire, at, Some(key), None, row.expires_at, 0)?;
        }
        let version = self.newest.next(new.bytes).seq;
        first(&mut self.update, self.tx.conn, UPDATE)?.execute(params![
            Stored(value),
            new.expires_at,
            version,
            self.tx.now.0,
            row.id
        ])?;
        Ok(())
    }

    /// What a write to a group finds.
    fn standing(&self, at: usize, row: Option<&Row>) -> Standing {
        let namespace = self.tally.namespace_of(at);
        Standing {
            now: self.tx.now.0,
            row: row.map(|row| rules::Row { expires_at: row.expires_at, bytes: row.bytes }),
            group_keys: self.tally.group(at).keys,
            usage: namespace.usage,
            limits: namespace.limits,
        }
    }

    /// Inserts a row; `false` if its key has one.
    fn insert(&mut self, at: usize, key: &Name<'_>, value: &[u8], expires_at: Option<i64>) -> Result<bool> {
        let stored = &self.tally.group(at).stored;
        let version = self.newest.seq + 1;
        let insert = first(&mut self.insert, self.tx.conn, if self.many { INSERT_NEW } else { INSERT })?;
        if self.insert_bound != Some(at) {
            insert.raw_bind_parameter(1, stored)?;
            insert.raw_bind_parameter(6, self.tx.now.0)?;
            self.insert_bound = Some(at);
        }
        insert.raw_bind_parameter(2, key)?;
        insert.raw_bind_parameter(3, Stored(value))?;
        insert.raw_bind_parameter(4, expires_at)?;
        insert.raw_bind_parameter(5, version)?;
        Ok(insert.raw_execute()? > 0)
    }

    /// Logs, counts and bounds after a row was written.
    fn settle(
        &mut self,
        at: usize,
        key: &Name<'_>,
        value: &[u8],
        expires_at: Option<i64>,
        by: Usage,
    ) -> Result<Written> {
        self.append(ChangeKind::Set, at, Some(key), Some(value), expires_at, entry_bytes(key, value))?;
        self.tally.count(at, by);
        self.bound(value.len())?;
        Ok(Written { version: self.newest.seq, expires_at })
    }

    /// The expired rows, by rowid, that go for the sake of a set past a limit,
    /// but for the one that is written over. The counters in the file are up to
    /// date.
    fn admit(&mut self, at: usize, row: Option<&Row>, new: rules::Row) -> Result<Vec<i64>> {
        let stored = &self.tally.group(at).stored;
        let namespace = namespace_of(stored);
        let prefix = namespace.as_ref().map_or(":".to_owned(), |namespace| namespace.first_group());
        let mut ids = Vec::new();
        let mut groups: BTreeMap<Name<'static>, (i64, i64)> = BTreeMap::new();
        {
            let mut query = self.tx.conn.prepare_cached(&format!(
                "SELECT rowid,group_name,octet_length(entry_key)+octet_length(entry_value)FROM {} AND expires_at<=?2 AND rowid IS NOT ?3 ORDER BY rowid",
                Expiries::OF_NAMESPACE
            ))?;
            let mut rows = query.query(params![prefix, self.tx.now.0, row.map(|row| row.id)])?;
            while let Some(row) = rows.next()? {
                ids.push(row.get(0)?);
                let name = Name::of(row.get_ref(1)?);
                let bytes: i64 = row.get(2)?;
                let (keys, sum) = groups.entry(name.into_owned()).or_default();
                *keys += 1;
                *sum += bytes;
            }
        }
        let mut keys_of =
            self.tx.conn.prepare_cached("SELECT keys FROM larder_groups WHERE group_name=?1")?;
        let mut expired = Vec::with_capacity(groups.len());
        for (name, (keys, bytes)) in &groups {
            expired.push(rules::Expired {
                own: name == stored,
                group_keys: keys_of.query_row([name], |row| row.get(0)).optional()?.unwrap_or(0),
                keys: *keys,
                bytes: *bytes,
            });
        }
        match (rules::admit(&self.standing(at, row), new, &expired), namespace) {
            (Ok(()), _) => Ok(ids),
            (Err(Refusal { what, limit, used, asked }), Some(namespace)) => {
                Err(Error::Quota { namespace: namespace.as_str().to_owned(), what, limit, used, asked })
            }
            (Err(_), None) => Err(Error::Condition("a quota was exceeded".into())),
        }
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
        let live = row.is_live(self.tx.now);
        self.remove(at, key, row.id, rules::Row { expires_at: row.expires_at, bytes: row.bytes })?;
        Ok(live)
    }

    /// Removes a row, by the rules.
    fn remove(&mut self, at: usize, key: &Name<'_>, id: i64, row: rules::Row) -> Result<()> {
        first(&mut self.delete, self.tx.conn, DELETE)?.execute([id])?;
        let group = self.tally.group(at);
        let group_goes = self.deleted_group.as_ref() == Some(&group.stored);
        let removal = rules::remove(row, self.tx.now.0, group.keys, group_goes);
        if let Some(gone) = removal.change {
            let kind = match gone {
                Gone::Deleted => ChangeKind::Delete,
                Gone::Expired => ChangeKind::Expire,
            };
            self.append(kind, at, Some(key), None, row.expires_at, 0)?;
        }
        self.tally.count(at, removal.by);
        Ok(())
    }

    /// Removes a row if it has expired, whoever may write to its group; `false`
    /// if it has not, or is gone.
    pub(in crate::store::sqlite) fn expire_row(&mut self, id: i64) -> Result<bool> {
        self.expire_row_in(id, "", None)
    }

    /// The same, if its stored group is within a range.
    pub(in crate::store::sqlite) fn expire_row_in(
        &mut self,
        id: i64,
        low: &str,
        past: Option<&str>,
    ) -> Result<bool> {
        let mut query = self.tx.conn.prepare_cached(
            "SELECT group_name,entry_key,expires_at,octet_length(entry_key)+octet_length(entry_value)FROM entries WHERE rowid=?1 AND expires_at<=?2 AND group_name>=?3 AND(?4 IS NULL OR group_name<?4)",
        )?;
        let found = query
            .query_row(params![id, self.tx.now.0, low, past], |row| {
                let (group, key) = (Name::of(row.get_ref(0)?), Name::of(row.get_ref(1)?));
                let expires_at = moment(row.get_ref(2)?).map(|at| at.0);
                let facts = rules::Row { expires_at, bytes: row.get(3)? };
                Ok((group.into_owned(), key.into_owned(), facts))
            })
            .optional()?;
        drop(query);
        let Some((group, key, row)) = found else { return Ok(false) };
        let at = self.stored_group(group)?;
        self.remove(at, &key, id, row)?;
        Ok(true)
    }

    /// Removes those of a range that have expired.
    pub(in crate::store::sqlite) fn expire_among(&mut self, Expiries { rows, of }: &Expiries) -> Result<()> {
        let ids: Vec<i64> = self
            .tx
            .conn
            .prepare_cached(&format!("SELECT rowid FROM {rows} AND expires_at<=?2 ORDER BY rowid"))?
            .query_map(params![of, self.tx.now.0], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        for id in ids {
            self.expire_row(id)?;
        }
        Ok(())
    }

    /// [`Transaction::delete_group`].
    pub(in crate::store::sqlite) fn delete_group(&mut self, group: &Name<'_>) -> Result<i64> {
        self.group(group)?;
        self.expire_among(&self.tx.expiries(Some(group)))?;
        let at = self.group(group)?;
        let (keys, bytes) = (self.tally.group(at).keys, self.tally.group(at).bytes);
        if keys > 0 {
            self.append(ChangeKind::DeleteGroup, at, None, None, None, 0)?;
            let stored = self.tally.group(at).stored.clone();
            self.tx.conn.prepare_cached("DELETE FROM entries WHERE group_name=?1")?.execute([&stored])?;
            self.deleted_group = Some(stored);
            self.tally.count(at, rules::remove_group(keys, bytes));
        }
        Ok(keys)
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
        self.incr_or_start(&group.into(), &key.into(), by, Expiry::Never)
    }

    pub(in crate::store::sqlite) fn incr_or_start(
        &mut self,
        group: &Name<'_>,
        key: &Name<'_>,
        by: i64,
        expiry: Expiry,
    ) -> Result<(i64, i64)> {
        self.group(group)?;
        let (old, expiry) = match self.tx.get(group, key) {
            Ok(entry) => (parse_integer(group, key, &entry.value.unwrap_or_default())?, Expiry::Keep),
            Err(Error::NotFound { .. }) => (0, expiry),
            Err(e) => return Err(e),
        };
        let sum = add_integers(old, by)?;
        let written = self.write(group, key, sum.to_string().as_bytes(), expiry, &Condition::Any)?;
        Ok((sum, written.version))
    }

    /// Appends a change.
    fn append(
        &mut self,
        kind: ChangeKind,
        at: usize,
        key: Option<&Name<'_>>,
        value: Option<&[u8]>,
        expires_at: Option<i64>,
        bytes: i64,
    ) -> Result<()> {
        let place = self.newest.next(bytes);
        let stored = &self.tally.group(at).stored;
        let log = first(&mut self.log, self.tx.conn, LOG)?;
        if self.log_bound != Some((at, kind)) {
            log.raw_bind_parameter(2, self.tx.now.0)?;
            log.raw_bind_parameter(3, kind.as_str())?;
            log.raw_bind_parameter(4, stored)?;
            log.raw_bind_parameter(10, self.tx.author())?;
            self.log_bound = Some((at, kind));
        }
        log.raw_bind_parameter(1, place.seq)?;
        log.raw_bind_parameter(5, key)?;
        log.raw_bind_parameter(6, value.map(Stored))?;
        log.raw_bind_parameter(7, expires_at)?;
        log.raw_bind_parameter(8, bytes)?;
        log.raw_bind_parameter(9, place.total)?;
        log.raw_execute()?;
        self.newest = place;
        self.deleted_group = None;
        Ok(())
    }

    /// Where in the tally a group is, as the caller names it, who may write to
    /// it.
    fn group(&mut self, group: &Name<'_>) -> Result<usize> {
        if let Some(last) = self.last
            && self.tx.scope.name_of(&self.tally.group(last).stored) == *group
        {
            return Ok(last);
        }
        self.tx.permit(Level::Write, group)?;
        let at = self.stored_group(self.tx.scope.stored_name(group).into_owned())?;
        self.last = Some(at);
        Ok(at)
    }

    /// Where in the tally a group is, by the name it is stored under.
    fn stored_group(&mut self, stored: Name<'static>) -> Result<usize> {
        if let Some(at) = self.tally.find(&stored) {
            return Ok(at);
        }
        if self.tally.is_full() {
            self.flush()?;
        }
        self.tally.load(self.tx, stored)
    }

    /// Bounds the log after a set.
    fn bound(&mut self, value_bytes: usize) -> Result<()> {
        self.oldest.bound(self.tx, self.newest, rules::room(value_bytes))
    }

    /// Cuts the log and writes the counters.
    pub(in crate::store::sqlite) fn flush(&mut self) -> Result<()> {
        self.oldest.cut(self.tx)?;
        // Groups are elsewhere in the tally from here on.
        self.last = None;
        self.insert_bound = None;
        self.log_bound = None;
        self.tally.write(self.tx.conn)
    }
}
