//! Restoring over a sound store: its pages are overwritten in one transaction.

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use crate::model::{Error, Result};
use crate::store::sqlite::attend::may_go_on;
use crate::store::sqlite::connection::Store;
use crate::store::sqlite::copy::{Progress, STEP, Scratch, Stage, busy, close, immutable, unsigned};
use crate::store::sqlite::file::waiting;
use crate::store::sqlite::schema::migrate;
use crate::store::sqlite::transaction::Snapshot;

use super::{Restored, renumber};

/// How far above the newest number the copy is numbered in each round. At
/// first as closely as can be; whoever writes meanwhile takes the next numbers,
/// and the copy has to be numbered anew. From then on it is numbered so far
/// above that no writer gets there: numbers only have to grow.
const HEADWAY: [i64; 3] = [0, 1 << 24, 1 << 32];

/// Overwrites the store with the copy in one transaction, numbered above what
/// `number` says is the newest.
pub(super) fn overwrite(
    store: &mut Store,
    scratch: &Scratch,
    progress: Progress<'_>,
    number: impl Fn(&Snapshot<'_>) -> Result<i64>,
) -> Result<Restored> {
    let options = store.options.clone();
    // Elsewhere who writes keeps readers out, ourselves included.
    store.retry(|| migrate::switch_to_wal(&store.conn))?;
    let page_size = |conn: &Connection| conn.query_row("PRAGMA page_size", [], |row| row.get::<_, i64>(0));
    let wanted = page_size(&store.conn)?;
    if wanted != page_size(&immutable(&scratch.path)?)? {
        // Only outside WAL can a page size change.
        let copy = scratch.connect()?;
        copy.execute_batch(&format!(
            "PRAGMA journal_mode=DELETE;PRAGMA page_size={wanted};VACUUM;PRAGMA journal_mode=WAL"
        ))?;
        close(copy)?;
    }
    // A second connection looks at the numbers while the first one writes.
    let witness = Store::connect_unverified(options)?;
    let newest = || {
        // Damage that was met on the way may keep SQLite from ending it.
        let mut newest = None;
        let ended = witness.reading(|tx| {
            newest = Some(number(tx)?);
            Ok(())
        });
        newest.map_or_else(|| ended.map(|()| 0), Ok)
    };
    for headway in HEADWAY {
        let newest_before = witness.retry(newest)?;
        let (seq, entries) = renumber(scratch, newest_before.saturating_add(headway))?;
        store.prepare_writer()?;
        let source = scratch.connect()?;
        let overwritten = witness.retry(|| {
            let backup = Backup::new(&source, &mut store.conn)?;
            // The first step takes the write lock, which is held to the end:
            // the numbers that are read now are the last ones.
            let first = waiting::as_writer(|| backup.step(1))?;
            waiting::leave_queue();
            if !matches!(first, StepResult::Done | StepResult::More) {
                return Err(busy());
            }
            if newest()? > seq {
                return Ok(false);
            }
            loop {
                // The last step commits; after it there is no way back.
                if !may_go_on() {
                    return Err(Error::Interrupted);
                }
                let step = backup.step(STEP)?;
                let pages = backup.progress();
                let (total, left) = (unsigned(pages.pagecount), unsigned(pages.remaining));
                progress(Stage::Writing, total.saturating_sub(left), total);
                match step {
                    StepResult::Done => return Ok(true),
                    StepResult::More => {}
                    _ => return Err(busy()),
                }
            }
        });
        drop(source);
        match overwritten {
            Ok(true) => {
                store.checkpoint_if_due(0);
                store.ring();
                return Ok(Restored { seq, entries, kept: None });
            }
            // Somebody wrote between the look and the lock: number again.
            Ok(false) => {}
            Err(e) => return Err(e),
        }
    }
    Err(busy())
}
