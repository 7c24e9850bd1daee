//! The guard: a bound on what SQLite may do before the file is known.
//!
//! SQLite loads the whole schema with the first statement that names a table,
//! in time that grows with the square of the number of tables. A file with a
//! hundred thousand of them would hold a `get` up for half a minute. So the
//! connection counts the machine's steps while a schema is loaded, and stops.

use std::cell::Cell;

use rusqlite::{Connection, ErrorCode};

use super::error::{Error, Result};

/// Steps after which the guard is asked. A row of the schema takes seven, so
/// the schema of any store is loaded long before.
const STRIDE: i32 = 50_000;

thread_local! {
    static LOADING: Cell<bool> = const { Cell::new(false) };
}

/// Has the connection ask the guard.
pub(super) fn guard(conn: &mut Connection) -> Result<()> {
    Ok(conn.progress_handler(STRIDE, Some(must_stop))?)
}

/// Whether what is under way has to end.
pub(super) fn must_stop() -> bool {
    LOADING.get()
}

/// Runs `f`, in which the schema is loaded, for so many steps at most; `None`
/// if they were not enough.
pub(super) fn loading<T>(f: impl FnOnce() -> Result<T>) -> Result<Option<T>> {
    let before = LOADING.replace(true);
    let result = f();
    LOADING.set(before);
    match result {
        Err(Error::Sqlite(rusqlite::Error::SqliteFailure(e, _)))
            if e.code == ErrorCode::OperationInterrupted =>
        {
            Ok(None)
        }
        other => other.map(Some),
    }
}
