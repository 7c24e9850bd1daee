//! Upgrades: from the schema of an earlier larder to the present one.
//!
//! There is a step from each version to the next, and nothing else: whatever is
//! found goes through all of them in order. A step compares the two editions
//! and makes anew what differs, or adds the columns that a table has got, so
//! the result is to the letter what a fresh store holds. All of it is one transaction: a kill at any moment leaves the
//! old file, and of many openers at once the first does it for the others.
//! Entries, versions, counters, positions and the change log stay as they are.

use std::path::Path;

use rusqlite::Connection;

use crate::model::{Error, Result};
use crate::store::sqlite::connection::Store;
use crate::store::sqlite::schema::migrate::mark;
use crate::store::sqlite::schema::verify::{self, Seal};
use crate::store::sqlite::schema::{Edition, Statement, VERSION};

/// Statements that fill the tables of a version that the version before did
/// not have so; its own are beside them in the temporary schema, as `old_NAME`.
fn filling(version: i32) -> &'static str {
    match version {
        // A namespace with grants is closed, and stays so without them.
        2 => {
            "INSERT INTO larder_consumers(name,position,updated_at,holder)SELECT name,position,updated_at,holder FROM temp.old_larder_consumers;
             INSERT INTO larder_grants SELECT namespace,principal,groups,level FROM temp.old_larder_grants;
             INSERT INTO larder_grants SELECT DISTINCT namespace,'nobody','*',0 FROM temp.old_larder_grants WHERE 1 ON CONFLICT DO NOTHING"
        }
        _ => "",
    }
}

/// The columns that a version adds to tables of the version before: `table` and
/// definition. They stand at the end of the table, written as SQLite writes
/// them there, and so no row has to be moved: a change log can be 1 GiB.
fn adding(version: i32) -> &'static [(&'static str, &'static str)] {
    match version {
        3 => &[("larder_changes", "by TEXT"), ("larder_groups", "taken INTEGER")],
        _ => &[],
    }
}

/// Upgrades the store; `false` if it cannot be written and has to be read as it
/// is. The whole schema is loaded.
pub(in crate::store::sqlite) fn upgrade(store: &Store) -> Result<bool> {
    let path = &store.options.path;
    let upgraded = store.retry(|| {
        store.prepare_writer()?;
        // Another opener may have been first; what was read before the lock
        // says nothing.
        store.writing(|tx| run(tx.conn, path))
    });
    match upgraded {
        Ok(()) => {}
        Err(e) if is_read_only(&e) => return Ok(false),
        Err(e) => return Err(e),
    }
    // The file itself says what it is, also without its log.
    store.checkpoint();
    Ok(true)
}

fn is_read_only(error: &Error) -> bool {
    error.failure().is_some_and(|e| e.code == rusqlite::ErrorCode::ReadOnly)
}

/// Takes every step that is left, within a transaction that holds the write
/// lock.
pub(in crate::store::sqlite) fn run(conn: &Connection, path: &Path) -> Result<()> {
    while let Seal::Older(from) = verify::verify(conn, path)? {
        let Some(to) = Edition::of(from.version + 1) else {
            let why = format!("has schema {}, which cannot be upgraded to {VERSION}", from.version);
            return Err(Error::unusable(path, why));
        };
        step(conn, from, to)?;
    }
    Ok(())
}

fn step(conn: &Connection, from: &Edition, to: &Edition) -> Result<()> {
    let differs = |statement: &&Statement, from: &Edition| {
        !from.statements().any(|other| (other.name, other.sql) == (statement.name, statement.sql))
    };
    // Triggers first: nothing that is done to the tables is a change of an
    // entry.
    for trigger in from.triggers {
        conn.execute_batch(&format!("DROP TRIGGER {}", trigger.name))?;
    }
    for (table, column) in adding(to.version) {
        conn.execute_batch(&format!("ALTER TABLE {table} ADD COLUMN {column}"))?;
    }
    let grows = |statement: &Statement| adding(to.version).iter().any(|(table, _)| *table == statement.name);
    let mut old = Vec::new();
    for statement in from.tables.iter().filter(|statement| differs(statement, to) && !grows(statement)) {
        let Statement { kind, name, .. } = statement;
        // Not renamed, for which SQLite would parse what other programs have
        // in the file.
        if *kind == "table" {
            conn.execute_batch(&format!("CREATE TEMP TABLE old_{name} AS SELECT*FROM main.{name}"))?;
            old.push(name);
        }
        conn.execute_batch(&format!("DROP {kind} {name}"))?;
    }
    for statement in to.tables.iter().filter(|statement| differs(statement, from) && !grows(statement)) {
        conn.execute_batch(statement.sql)?;
    }
    conn.execute_batch(filling(to.version))?;
    for name in old {
        conn.execute_batch(&format!("DROP TABLE temp.old_{name}"))?;
    }
    for trigger in to.triggers {
        conn.execute_batch(trigger.sql)?;
    }
    mark(conn, to)
}
