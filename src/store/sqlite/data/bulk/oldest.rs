//! The oldest end of the change log, as far as a writer has to know it to bound
//! the log.

use std::collections::VecDeque;

use rusqlite::params;

use crate::model::Result;
use crate::store::rules::{self, Place};
use crate::store::sqlite::transaction::Transaction;

/// Changes that are read at once, or removed.
const AT_ONCE: usize = 256;

/// The oldest end of the log, as far as it has been looked at.
#[derive(Default)]
pub(super) struct Oldest {
    /// Changes and when they happened, oldest first.
    rows: VecDeque<(Place, i64)>,
    /// The last one that was ever in `rows`.
    seen: Option<i64>,
    /// Up to where consumers hold nothing back, once it has been asked.
    held: Option<i64>,
    /// Stretches that go, both ends included.
    gone: Vec<(i64, i64)>,
}

impl Oldest {
    /// Marks what goes among the first `room` changes.
    pub fn bound(&mut self, tx: &Transaction<'_>, newest: Place, room: usize) -> Result<()> {
        if !rules::may_be_long(newest) {
            return Ok(());
        }
        if self.rows.is_empty() {
            self.read(tx, 1)?;
        }
        // Later ones are younger and nearer: none of them may go either.
        match self.rows.front() {
            Some((oldest, _)) if rules::is_long(*oldest, newest) => {}
            _ => return Ok(()),
        }
        if self.rows.len() < room {
            self.read(tx, (room - self.rows.len()).max(AT_ONCE))?;
        }
        let held = match self.held {
            Some(held) => held,
            None => *self.held.insert(least_position(tx)?),
        };
        let room = room.min(self.rows.len());
        let mut kept = 0;
        for _ in 0..room {
            let (place, at) = self.rows[kept];
            if !rules::goes(place, at, newest, tx.now.0, held) {
                kept += 1;
                continue;
            }
            self.rows.remove(kept);
            match self.gone.last_mut() {
                // What goes from the front is one stretch.
                Some((_, end)) if kept == 0 && *end < place.seq => *end = place.seq,
                _ => self.gone.push((place.seq, place.seq)),
            }
        }
        if self.gone.len() >= AT_ONCE || self.gone.last().is_some_and(|(from, to)| to - from > 50_000) {
            self.cut(tx)?;
        }
        Ok(())
    }

    /// Reads `count` more.
    fn read(&mut self, tx: &Transaction<'_>, count: usize) -> Result<()> {
        let mut query = tx
            .conn
            .prepare_cached("SELECT seq,at,total FROM larder_changes WHERE seq>?1 ORDER BY seq LIMIT ?2")?;
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        let mut rows = query.query(params![self.seen.unwrap_or(i64::MIN), count])?;
        while let Some(row) = rows.next()? {
            let place = Place { seq: row.get(0)?, total: row.get(2)? };
            self.rows.push_back((place, row.get(1)?));
            self.seen = Some(place.seq);
        }
        Ok(())
    }

    /// Removes what was marked.
    pub fn cut(&mut self, tx: &Transaction<'_>) -> Result<()> {
        for (from, to) in self.gone.drain(..) {
            tx.conn
                .prepare_cached("DELETE FROM larder_changes WHERE seq BETWEEN ?1 AND ?2")?
                .execute([from, to])?;
        }
        Ok(())
    }
}

/// The least position of a consumer; without any, nothing is held back.
fn least_position(tx: &Transaction<'_>) -> Result<i64> {
    let mut query = tx.conn.prepare_cached("SELECT min(position)FROM larder_consumers")?;
    let least: Option<i64> = query.query_row([], |row| row.get(0))?;
    Ok(least.unwrap_or(i64::MAX))
}
