//! The table `kv` of go-store's older generation, and what is said of it.
//!
//! A program of that generation makes the table anew in whatever file it opens,
//! also in a larder store, and writes there what larder would never see. The
//! next opening that writes merges it, as go-store's newest does: rows whose key
//! the store does not have are set, and the table goes.

use std::path::Path;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, params};

use crate::model::{Error, Expiry, Name, Result};
use crate::store::sqlite::connection::Store;
use crate::store::sqlite::data::columns::{Stored, moment, name, value_bytes};
use crate::store::sqlite::schema::migrate::columns;
use crate::store::sqlite::schema::verify::{self, Seal};
use crate::store::sqlite::transaction::Transaction;
use crate::text::quote;

/// Rows that were taken over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Merged {
    /// Those that are entries now.
    pub entries: usize,
    /// Those whose key has another value in the store, which stays: they are in
    /// the change log alone.
    pub overruled: usize,
}

/// What opening a store did with go-store's tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Migrated {
    /// The file was go-store's and is a store now.
    Adopted {
        /// The tables it had.
        tables: &'static str,
        /// What was in them.
        counts: Merged,
    },
    /// A table `kv` that had appeared in the store was merged.
    Kv(Merged),
    /// It could not be, and is still there.
    KvLeft(&'static str),
}

impl Migrated {
    /// One line for people, about the store at `path`.
    #[must_use]
    pub fn tell(&self, path: &Path) -> String {
        let path = quote(&path.to_string_lossy());
        let counted = |Merged { entries, overruled }: Merged| {
            let noun = if entries == 1 { "entry" } else { "entries" };
            let more = match overruled {
                0 => String::new(),
                n => format!("; {n} whose key has another value are in the change log only"),
            };
            format!("{entries} {noun}{more}")
        };
        match *self {
            Self::Adopted { tables, counts } => {
                format!("migrated {path} from go-store's {tables}: {}", counted(counts))
            }
            Self::Kv(merged) => format!("merged go-store's table kv into {path}: {}", counted(merged)),
            Self::KvLeft(why) => format!("go-store's table kv in {path} was not merged: {why}"),
        }
    }
}

/// Whether there is go-store's table, by its columns; `Some(true)` if it has an
/// `expires_at`. Anybody may have a table of that name.
fn form(conn: &Connection) -> Result<Option<bool>> {
    let plain: bool = conn.query_row(
        "SELECT EXISTS(SELECT 1 FROM sqlite_schema WHERE type='table'AND name='kv'COLLATE NOCASE AND rootpage>0)",
        [],
        |row| row.get(0),
    )?;
    if !plain {
        return Ok(None);
    }
    let mut columns = columns(conn, "kv")?;
    columns.sort_unstable();
    Ok(match columns.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["grp", "key", "value"] => Some(false),
        ["expires_at", "grp", "key", "value"] => Some(true),
        _ => None,
    })
}

/// Rows of go-store's table that are not merged yet; `None` without one.
pub(in crate::store::sqlite) fn unmerged(conn: &Connection) -> Result<Option<i64>> {
    match form(conn)? {
        None => Ok(None),
        Some(_) => Ok(Some(conn.query_row("SELECT count(*)FROM kv NOT INDEXED", [], |row| row.get(0))?)),
    }
}

/// Whether it has rows that no entry can be.
pub(in crate::store::sqlite) fn has_bad_rows(conn: &Connection) -> Result<bool> {
    let sql = format!("SELECT EXISTS(SELECT 1 FROM kv NOT INDEXED WHERE {NAMELESS})");
    Ok(conn.query_row(&sql, [], |row| row.get(0))?)
}

/// Rows of `kv` without a group or a key, or with one that is no text.
pub(in crate::store::sqlite) const NAMELESS: &str =
    "grp IS NULL OR key IS NULL OR typeof(grp)='blob' OR typeof(key)='blob'";

/// Merges the table, if it is go-store's, and notes in the store what came of
/// it. Where the store cannot be written it stays.
pub(in crate::store::sqlite) fn merge(store: &Store) -> Result<()> {
    let path = &store.options.path;
    let is_there = || store.reading(|tx| form(tx.conn.connection()));
    if store.retry(is_there)?.is_none() {
        return Ok(());
    }
    let mut by_quota = false;
    let merged = store.write(|tx| {
        // Another opener may have been first.
        let Seal::Intact { kv: true, .. } = verify::verify(tx.conn, path)? else { return Ok(None) };
        let Some(with_expiry) = form(tx.conn)? else { return Ok(None) };
        let merged = take_in(tx, with_expiry, path);
        by_quota = matches!(&merged, Err(Error::Quota { .. }));
        merged.map(Some)
    });
    let outcome = match merged {
        Ok(merged) => merged.map(Migrated::Kv),
        Err(_) if by_quota => {
            Some(Migrated::KvLeft("it would exceed a quota; raise the quota, or drop the table"))
        }
        Err(Error::Unusable { .. }) => {
            Some(Migrated::KvLeft("it has an invalid row, without a group or a key; correct or drop it"))
        }
        // Whoever is to write will be told why that cannot be.
        Err(Error::Io { .. }) => None,
        Err(e) => return Err(e),
    };
    store.migrated.set(outcome);
    Ok(())
}

/// Sets what the store does not have of the rows of `kv`, and drops it.
fn take_in(tx: &Transaction<'_>, with_expiry: bool, path: &Path) -> Result<Merged> {
    let expiry = if with_expiry { "CAST(k.expires_at AS INTEGER)" } else { "NULL" };
    let overruled = log_conflicts(tx, expiry, Some(&tx.author()))?;
    let entries = tx.by_the_rules(|writer| {
        let mut query = tx.conn.prepare(&format!(
            "SELECT k.grp,k.key,ifnull(k.value,''),{expiry} FROM kv k NOT INDEXED WHERE NOT EXISTS(SELECT 1 FROM entries e WHERE e.group_name=k.grp AND e.entry_key=k.key AND(e.expires_at IS NULL OR e.expires_at>?1))"
        ))?;
        let mut rows = query.query([tx.now.0])?;
        let mut entries = 0;
        while let Some(row) = rows.next()? {
            let (group, key) = (row.get_ref(0)?, row.get_ref(1)?);
            if [group, key].contains(&ValueRef::Null) {
                return Err(Error::unusable(path, "has an invalid row in kv"));
            }
            let expiry = match moment(row.get_ref(3)?) {
                Some(at) => Expiry::At(at),
                None => Expiry::Never,
            };
            let value = value_bytes(row.get_ref(2)?);
            writer.put_stored(&Name::of(group), &Name::of(key), &value, expiry)?;
            entries += 1;
        }
        Ok(entries)
    })?;
    tx.conn.execute_batch("DROP TABLE kv")?;
    Ok(Merged { entries, overruled })
}

/// Makes entries of the rows of `kv`, at `version`, and drops it. Log and
/// counters are the caller's affair.
pub(in crate::store::sqlite) fn take_over(
    tx: &Transaction<'_>,
    with_expiry: bool,
    version: i64,
) -> Result<Merged> {
    let expiry = if with_expiry { "CAST(k.expires_at AS INTEGER)" } else { "NULL" };
    let overruled = log_conflicts(tx, expiry, None)?;
    // An expired entry is no longer an entry.
    let entries = tx.conn.execute(
        &format!("INSERT OR REPLACE INTO entries(group_name,entry_key,entry_value,expires_at,version,updated_at)SELECT k.grp,k.key,ifnull(k.value,''),{expiry},?1,?2 FROM kv k NOT INDEXED WHERE NOT EXISTS(SELECT 1 FROM entries e WHERE e.group_name=k.grp AND e.entry_key=k.key AND(e.expires_at IS NULL OR e.expires_at>?2))"),
        params![version, tx.now.0],
    )?;
    tx.conn.execute_batch("DROP TABLE kv")?;
    Ok(Merged { entries, overruled })
}

/// Where the store and `kv` both have a key, the row of the store wins. The
/// other is not lost without a trace: it is logged as set before the winner.
/// Says how many there were.
fn log_conflicts(tx: &Transaction<'_>, expiry: &str, by: Option<&str>) -> Result<usize> {
    let mut losers = tx.conn.prepare(&format!(
        "SELECT e.rowid,e.group_name,e.entry_key,ifnull(k.value,''),{expiry},e.entry_value,e.expires_at FROM kv k NOT INDEXED JOIN entries e ON e.group_name=k.grp AND e.entry_key=k.key AND(e.expires_at IS NULL OR e.expires_at>?1)WHERE CAST(e.entry_value AS BLOB)<>CAST(ifnull(k.value,'')AS BLOB)ORDER BY e.group_name,e.entry_key"
    ))?;
    let mut log = tx.conn.prepare(
        "INSERT INTO larder_changes SELECT seq+1,?1,'set',?2,?3,?4,?5,b,total+b,?6 FROM(SELECT seq,total,length(CAST(?3 AS BLOB))+length(CAST(?4 AS BLOB))b FROM larder_changes ORDER BY seq DESC LIMIT 1)RETURNING seq",
    )?;
    let mut version = tx.conn.prepare("UPDATE entries SET version=?1 WHERE rowid=?2")?;
    let mut rows = losers.query([tx.now.0])?;
    let mut count = 0;
    while let Some(row) = rows.next()? {
        let id: i64 = row.get(0)?;
        let mut seq = 0i64;
        for (value, expires_at) in [(3, 4), (5, 6)] {
            let value = value_bytes(row.get_ref(value)?);
            seq = log.query_row(
                params![
                    tx.now.0,
                    name(row.get_ref(1)?),
                    name(row.get_ref(2)?),
                    Stored(&value),
                    row.get::<_, Option<i64>>(expires_at)?,
                    by
                ],
                |row| row.get(0),
            )?;
        }
        version.execute([seq, id])?;
        count += 1;
    }
    Ok(count)
}
