//! Long work, and who attends to it: a person at a terminal, and signals.
//!
//! A check, a recount or a VACUUM is one call into SQLite that can take
//! minutes. Connections that are opened while somebody attends ask them every
//! few milliseconds whether to go on.

use std::cell::RefCell;
use std::rc::Rc;

use rusqlite::Connection;

use crate::model::Result;
use crate::store::sqlite::schema::guard::must_stop;

/// Steps of SQLite's machine between two questions: a few milliseconds.
const STRIDE: i32 = 50_000;

/// Asked during long work whether to go on.
type Question = Rc<dyn Fn() -> bool>;

thread_local! {
    static ATTENDANT: RefCell<Option<Question>> = const { RefCell::new(None) };
}

/// Does `work`, and asks `go_on` again and again while a connection that was
/// opened in it is busy, or waits for a lock. Once the answer is `false`, the
/// work ends with an error, and what it changed is rolled back.
pub fn attended<T>(go_on: impl Fn() -> bool + 'static, work: impl FnOnce() -> T) -> T {
    let before = ATTENDANT.replace(Some(Rc::new(go_on)));
    let result = work();
    ATTENDANT.set(before);
    result
}

/// Whether nobody has asked for an end.
pub(in crate::store::sqlite) fn may_go_on() -> bool {
    // A copy, because the answer may take long and must not hold the cell.
    let attendant = ATTENDANT.with_borrow(Clone::clone);
    attendant.is_none_or(|go_on| go_on())
}

/// Has the connection ask while it works, if somebody attends; and the guard
/// still, as SQLite has room for one question only.
pub(in crate::store::sqlite) fn attend(conn: &mut Connection) -> Result<()> {
    if ATTENDANT.with_borrow(Option::is_some) {
        conn.progress_handler(STRIDE, Some(|| must_stop() || !may_go_on()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_ends_when_it_is_told_to() {
        let endless = "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM n) SELECT sum(n) FROM n";
        let asked = Rc::new(std::cell::Cell::new(0));
        let counter = Rc::clone(&asked);
        let go_on = move || {
            counter.set(counter.get() + 1);
            counter.get() < 3
        };
        attended(go_on, || {
            let mut conn = Connection::open_in_memory().unwrap();
            attend(&mut conn).unwrap();
            assert!(conn.query_row(endless, [], |row| row.get::<_, i64>(0)).is_err());
        });
        assert_eq!(asked.get(), 3);
        assert!(may_go_on());
    }
}
