//! Making a store of what is found: an empty file, or go-store's.
//!
//! Files are recognised by what their tables look like, never by the text of
//! their SQL. The table is always rebuilt under larder's own statement, so that
//! every store carries the same seal. All of it is one transaction: a kill at
//! any moment leaves the old file.

use std::path::Path;

use rusqlite::{Connection, params};

use crate::model::{Error, Result};
use crate::store::sqlite::check::rebuild;
use crate::store::sqlite::connection::Store;
use crate::store::sqlite::data::columns::name;
use crate::store::sqlite::schema::guard;
use crate::store::sqlite::schema::legacy::{self, Merged, Migrated};
use crate::store::sqlite::schema::neighbours;
use crate::store::sqlite::schema::verify::{self, Seal};
use crate::store::sqlite::schema::{self, Edition};
use crate::store::sqlite::transaction::Transaction;
use crate::text::quote;

/// What an unmarked file turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// No tables at all.
    Empty,
    /// go-store's, by the tables it has; the flag tells whether the table has
    /// an `expires_at`.
    GoStore { entries: Option<bool>, kv: Option<bool> },
}

/// Makes a store of the unmarked file that `store` is connected to. `false` if
/// it is empty and `create` does not allow filling it. A file that is somebody
/// else's is refused before anything is written to it.
pub(in crate::store::sqlite) fn adopt(store: &Store, create: bool) -> Result<bool> {
    let path = &store.options.path;
    // Another opener may have made it a store since it was found unmarked:
    // what it is must be read together with whether it is marked.
    let form = store.retry(|| {
        store.reading(|tx| {
            let conn = tx.conn.connection();
            if !matches!(verify::verify(conn, path)?, Seal::Unmarked) {
                return Ok(None);
            }
            let form = recognise(conn, path)?;
            check_rows(conn, form, path)?;
            Ok(Some(form))
        })
    })?;
    match form {
        None => return Ok(true),
        Some(Form::Empty) if !create => return Ok(false),
        Some(_) => {}
    }
    store.prepare_writer()?;
    store.retry(|| switch_to_wal(&store.conn))?;
    let migrated = store.retry(|| {
        store.writing(|tx| {
            // Another opener may have been first; what was read before the lock
            // says nothing.
            if !matches!(verify::verify(tx.conn, path)?, Seal::Unmarked) {
                return Ok(None);
            }
            migrate(tx, recognise(tx.conn, path)?).map_err(|e| refuse_bad_rows(e, path))
        })
    })?;
    store.migrated.set(migrated);
    // The file itself now says what it is: should it ever be separated from its
    // log, it is an old store and not an empty file.
    store.checkpoint();
    Ok(true)
}

/// The switch to WAL needs the file for itself for a moment, and SQLite does
/// not call the busy handler for every part of it: the caller retries.
pub(in crate::store::sqlite) fn switch_to_wal(conn: &Connection) -> Result<()> {
    let mode: String = conn.query_row("PRAGMA journal_mode=WAL", [], |row| row.get(0))?;
    if mode == "wal" {
        return Ok(());
    }
    Err(rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY), None).into())
}

/// Whether the unmarked file is go-store's.
pub(in crate::store::sqlite) fn is_go_store(conn: &Connection, path: &Path) -> Result<bool> {
    Ok(matches!(recognise(conn, path)?, Form::GoStore { .. }))
}

fn recognise(conn: &Connection, path: &Path) -> Result<Form> {
    let foreign = |why: String| Err(Error::unusable(path, format!("is not a larder store: {why}")));
    let mark = |pragma: &str| conn.query_row(&format!("PRAGMA {pragma}"), [], |row| row.get::<_, i64>(0));
    let (application, version) = (mark("application_id")?, mark("user_version")?);
    if application != 0 || version != 0 {
        let sql = "SELECT EXISTS(SELECT 1 FROM sqlite_schema WHERE type='table'AND name IN('entries','kv'))";
        let is_like_it = || Ok(conn.query_row(sql, [], |row| row.get(0))?);
        let way_out = if application == 0 && guard::loading(is_like_it)? == Some(true) {
            format!(" (user_version {version}); if it is go-store's: PRAGMA user_version=0")
        } else {
            String::new()
        };
        return foreign(format!("it is marked as another program's database{way_out}"));
    }
    if verify::compare(conn, verify::edition(conn)?, 1)?.differences.is_empty() {
        let why = "is a larder store that lost its mark, such as a copy made from a dump; run 'larder check --repair'";
        return Err(Error::unusable(path, why));
    }
    // Its schema is loaded here, as large as it may be.
    let query = guard::loading(|| Ok(conn.prepare("SELECT type,name,tbl_name,sql FROM sqlite_schema")?))?;
    let Some(mut query) = query else { return foreign("it holds too many tables".into()) };
    let mut rows = query.query([])?;
    let mut tables = 0;
    let (mut entries, mut kv) = (None, None);
    while let Some(row) = rows.next()? {
        let (kind, object, table) = (name(row.get_ref(0)?), name(row.get_ref(1)?), name(row.get_ref(2)?));
        let sql = row.get_ref(3)?.as_str().unwrap_or_default();
        let is = |name: &str, table: &str| name.eq_ignore_ascii_case(table);
        let ours = is(&table, "entries") || is(&table, "kv");
        let reserved = object.to_ascii_lowercase().starts_with("larder_");
        let plain = match kind.as_str() {
            "table" => !(ours && sql.to_ascii_uppercase().starts_with("CREATE VIRTUAL")),
            "index" if ours => sql.is_empty() || neighbours::is_plain(sql, table.as_bytes()),
            "view" | "trigger" => !(ours || is(&object, "entries") || is(&object, "kv")),
            _ => true,
        };
        if reserved || !plain {
            let quoted = object.replace('"', "\"\"");
            let statement = match kind.as_str() {
                "table" | "view" => String::new(),
                kind => {
                    format!("; without it, it can be migrated: DROP {} \"{quoted}\"", kind.to_uppercase())
                }
            };
            return foreign(format!("it has the {kind} {}{statement}", quote(&object)));
        }
        tables += 1;
        if tables > neighbours::MOST {
            return foreign("it holds too many tables".into());
        }
        if kind == "table" && ours {
            let columns = columns(conn, &object)?;
            let base: &[&str] = if object.eq_ignore_ascii_case("kv") {
                &["grp", "key", "value"]
            } else {
                &["group_name", "entry_key", "entry_value"]
            };
            let matches = |extra: &[&str]| {
                columns.len() == base.len() + extra.len()
                    && base.iter().chain(extra).all(|c| columns.iter().any(|have| have == c))
            };
            let with_expiry = match (matches(&[]), matches(&["expires_at"])) {
                (true, _) => false,
                (_, true) => true,
                _ => return foreign(format!("its table {} has other columns", quote(&object))),
            };
            if object.eq_ignore_ascii_case("kv") {
                kv = Some(with_expiry);
            } else {
                entries = Some(with_expiry);
            }
        }
    }
    // Also of an empty file: its encoding could never be changed again.
    let encoding: String = conn.query_row("PRAGMA encoding", [], |row| row.get(0))?;
    if encoding != "UTF-8" {
        return foreign(format!("its text is {encoding}, not UTF-8"));
    }
    if tables == 0 {
        return Ok(Form::Empty);
    }
    if entries.is_none() && kv.is_none() {
        return foreign("it holds none of a store's tables".into());
    }
    Ok(Form::GoStore { entries, kv })
}

/// Names of all columns, hidden and generated ones marked so that they match
/// nothing.
pub(in crate::store::sqlite) fn columns(conn: &Connection, table: &str) -> Result<Vec<String>> {
    let mut query = conn.prepare("SELECT name,hidden FROM pragma_table_xinfo(?1)")?;
    let columns = query.query_map([table], |row| {
        let hidden: i64 = row.get(1)?;
        Ok(if hidden == 0 { row.get::<_, String>(0)? } else { "\0generated".into() })
    })?;
    Ok(columns.collect::<rusqlite::Result<_>>()?)
}

fn migrate(tx: &Transaction<'_>, form: Form) -> Result<Option<Migrated>> {
    let conn = tx.conn;
    let (entries, kv) = match form {
        Form::Empty => (None, None),
        Form::GoStore { entries, kv } => (entries, kv),
    };
    let mut counts = Merged::default();
    let mut indexes = Vec::new();
    if let Some(with_expiry) = entries {
        // Copied and not renamed: SQLite would write the new name into other
        // programs' views.
        let expiry = if with_expiry { "CAST(expires_at AS INTEGER)" } else { "NULL" };
        indexes = rebuild::indexes(conn, schema::CURRENT)?;
        conn.execute_batch(&format!(
            "CREATE TABLE larder_entries AS SELECT group_name g,entry_key k,ifnull(entry_value,'')v,{expiry} x FROM entries NOT INDEXED;DROP TABLE entries"
        ))?;
    }
    for statement in schema::CURRENT.tables {
        conn.execute_batch(statement.sql)?;
    }
    // Entries from before the log share the version of its origin, which is 1:
    // a version of 0 is what a foreign writer's row has before its trigger ran.
    let origin = i64::from(entries.is_some() || kv.is_some());
    conn.execute(
        "INSERT INTO larder_changes VALUES(?1,?2,'origin','',NULL,NULL,NULL,0,0,NULL)",
        params![origin, tx.now.0],
    )?;
    if entries.is_some() {
        counts.entries = conn.execute(
            "INSERT INTO entries SELECT g,k,v,x,?1,?2 FROM larder_entries",
            params![origin, tx.now.0],
        )?;
        conn.execute_batch("DROP TABLE larder_entries")?;
        for (_, sql, _) in indexes {
            conn.execute_batch(&sql)?;
        }
    }
    if let Some(with_expiry) = kv {
        let merged = legacy::take_over(tx, with_expiry, origin)?;
        counts.entries += merged.entries;
        counts.overruled = merged.overruled;
    }
    conn.execute_batch(
        "INSERT INTO larder_groups(group_name,keys,bytes)SELECT group_name,count(*),sum(length(CAST(entry_key AS BLOB))+length(CAST(entry_value AS BLOB)))FROM entries GROUP BY group_name;
         INSERT INTO larder_namespaces(namespace,keys,bytes,groups)SELECT namespace,sum(keys),sum(bytes),count(*)FROM larder_groups GROUP BY namespace",
    )?;
    for statement in schema::CURRENT.triggers {
        conn.execute_batch(statement.sql)?;
    }
    mark(conn, schema::CURRENT)?;
    let tables = match (entries, kv) {
        (None, None) => return Ok(None),
        (Some(_), None) => "table entries",
        (None, Some(_)) => "table kv",
        (Some(_), Some(_)) => "tables entries and kv",
    };
    Ok(Some(Migrated::Adopted { tables, counts }))
}

/// Says in the file's header what it is.
pub(in crate::store::sqlite) fn mark(conn: &Connection, edition: &Edition) -> Result<()> {
    Ok(conn.execute_batch(&format!(
        "PRAGMA application_id={};PRAGMA user_version={}",
        schema::APPLICATION_ID,
        edition.version
    ))?)
}

/// Looks for rows larder's table cannot hold before the switch to WAL, which
/// would already change the file.
fn check_rows(conn: &Connection, form: Form, path: &Path) -> Result<()> {
    let Form::GoStore { entries, kv } = form else { return Ok(()) };
    for (present, table, group, key) in
        [(entries.is_some(), "entries", "group_name", "entry_key"), (kv.is_some(), "kv", "grp", "key")]
    {
        let sql = format!(
            "SELECT EXISTS(SELECT 1 FROM {table} WHERE {group} IS NULL OR {key} IS NULL OR typeof({group})='blob'OR typeof({key})='blob')OR EXISTS(SELECT 1 FROM {table} GROUP BY {group},{key} HAVING count(*)>1)"
        );
        if present && conn.query_row(&sql, [], |row| row.get(0))? {
            return Err(bad_rows(path));
        }
    }
    Ok(())
}

/// A row larder's table cannot hold (no key, a key twice) is the file's fault.
fn refuse_bad_rows(error: Error, path: &Path) -> Error {
    let refused = |e: &rusqlite::ffi::Error| e.code == rusqlite::ErrorCode::ConstraintViolation;
    if error.failure().is_some_and(refused) { bad_rows(path) } else { error }
}

fn bad_rows(path: &Path) -> Error {
    Error::unusable(path, "cannot be migrated: it has an entry without a group or key, or the same key twice")
}
