//! The guard: a bound on what SQLite may do before the file is known.
//!
//! SQLite loads the whole schema with the first statement that names a table,
//! in time that grows with the square of the number of tables. A file with a
//! hundred thousand of them would hold a `get` up for half a minute. So the
//! connection counts the machine's steps while a schema is loaded, and stops.

use std::cell::Cell;

use rusqlite::{Connection, ErrorCode};

use crate::model::Result;

/// Steps after which the guard is asked. A row of the schema takes seven, so
/// the schema of any store is loaded long before.
const STRIDE: i32 = 50_000;

thread_local! {
    static LOADING: Cell<bool> = const { Cell::new(false) };
}

/// Has the connection ask the guard.
pub(in crate::store::sqlite) fn guard(conn: &mut Connection) -> Result<()> {
    Ok(conn.progress_handler(STRIDE, Some(must_stop))?)
}

/// Whether what is under way has to end.
pub(in crate::store::sqlite) fn must_stop() -> bool {
    LOADING.get()
}

/// Runs `f`, in which the schema is loaded, for so many steps at most; `None`
/// if they were not enough.
pub(in crate::store::sqlite) fn loading<T>(f: impl FnOnce() -> Result<T>) -> Result<Option<T>> {
    let before = LOADING.replace(true);
    let result = f();
    LOADING.set(before);
    match result {
        Err(error) if error.failure().is_some_and(|e| e.code == ErrorCode::OperationInterrupted) => Ok(None),
        other => other.map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::attend::{attend, attended};

    /// A connection that somebody attends asked them and no longer the guard:
    /// a restore took many seconds to refuse a file of a hundred thousand
    /// tables.
    #[test]
    fn the_guard_is_asked_also_where_somebody_attends() {
        // It ends by itself, long after it should have been stopped.
        let long = "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM n LIMIT 1000000) SELECT sum(n) FROM n";
        let run = |conn: &Connection| Ok(conn.query_row(long, [], |row| row.get::<_, i64>(0))?);
        for attends in [false, true] {
            let mut conn = Connection::open_in_memory().unwrap();
            guard(&mut conn).unwrap();
            if attends {
                attended(|| true, || attend(&mut conn)).unwrap();
            }
            assert_eq!(loading(|| run(&conn)).unwrap(), None, "attended: {attends}");
            assert_eq!(run(&conn).unwrap(), 500_000_500_000);
        }
    }
}
