//! Purge: expired entries are removed, the change log is trimmed, unused rows
//! are swept up.
//!
//! Work is cut into short transactions, and what is to go is looked up before
//! the write lock is taken, so that no other writer waits longer than one of
//! them takes.

use std::cell::Cell;
use std::time::{Duration, Instant};

use rusqlite::{OptionalExtension, params};

use crate::model::{KeepChanges, Level, LogSpan, Name, Purged, Result};
use crate::store::rules::{HARD, SOFT, SOFT_AGE_MILLIS};
use crate::store::sqlite::connection::Store;
use crate::store::sqlite::file::waiting;
use crate::store::sqlite::transaction::{Snapshot, Transaction};

/// Most rows of a transaction; fewer where the disk or large values make even
/// these slow.
const STEP: usize = 4000;

/// When a transaction stops taking more rows. Commit, sync and checkpoint come
/// on top.
const BUDGET: Duration = Duration::from_millis(15);

/// Pause between two transactions. A waiting writer looks at the lock every
/// 150 to 450 µs; without a pause it would hardly ever find it free.
const PAUSE: Duration = Duration::from_millis(1);

/// Where the log is cut; see [`Transaction::trim_horizon`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Horizon {
    /// First change wanted; consumers may hold back older ones.
    soft: i64,
    /// First change that is kept whoever wants older ones.
    hard: i64,
}

/// Where a look for expired entries has come: an expiry and a rowid.
type Place = (i64, i64);

impl Snapshot<'_> {
    /// Due entries, of one group or of those of the scope that the caller may
    /// write, or read if they may write none.
    pub fn count_due(&self, group: Option<&str>) -> Result<i64> {
        self.permit_range(Level::Read, group)?;
        let expiries = self.expiries(group.map(Name::from).as_ref());
        // What a purge would remove; to who can remove nothing, what has
        // expired.
        let level = if self.permit_some(Level::Write).is_ok() { Level::Write } else { Level::Read };
        if group.is_some() || self.permit_scope(level).is_ok() {
            return self.due_among(&expiries);
        }
        let mut query = self.conn.prepare(&format!(
            "SELECT group_name,count(*)FROM {} AND expires_at<=?2 GROUP BY group_name",
            expiries.rows
        ))?;
        let mut rows = query.query(params![expiries.of, self.now.0])?;
        let mut due = 0;
        while let Some(row) = rows.next()? {
            let group = Name::of(row.get_ref(0)?);
            if self.may(level, &self.scope.name_of(&group))? {
                due += row.get::<_, i64>(1)?;
            }
        }
        Ok(due)
    }

    /// Up to `limit` entries that had expired at `until`, oldest expiry first,
    /// from past `from`: rowids of those the caller may remove, and where the
    /// next look continues, unless there is nothing left. Past a row and not
    /// from its expiry on: where many share one and cannot be removed, as after
    /// the clock was set back, the same ones would come again.
    fn find_due(
        &self,
        group: Option<&str>,
        from: Place,
        until: i64,
        limit: usize,
    ) -> Result<(Vec<i64>, Option<Place>)> {
        self.permit_range(Level::Write, group)?;
        // A grant may be of some groups only.
        let all = group.is_some() || self.permit_scope(Level::Write).is_ok();
        let expiries = self.expiries(group.map(Name::from).as_ref());
        let mut query = self.conn.prepare_cached(&format!(
            "SELECT rowid,expires_at,group_name FROM {} AND(expires_at,rowid)>(?2,?3)AND expires_at<=?4 ORDER BY expires_at,rowid LIMIT ?5",
            expiries.rows
        ))?;
        let mut rows = query.query(params![
            expiries.of,
            from.0,
            from.1,
            until,
            i64::try_from(limit).unwrap_or(i64::MAX)
        ])?;
        let (mut ids, mut last, mut seen) = (Vec::new(), from, 0);
        while let Some(row) = rows.next()? {
            seen += 1;
            last = (row.get(1)?, row.get(0)?);
            if all || self.may(Level::Write, &self.scope.name_of(&Name::of(row.get_ref(2)?)))? {
                ids.push(last.1);
            }
        }
        Ok((ids, (seen == limit).then_some(last)))
    }

    /// Where a trim by `keep` cuts.
    pub fn trim_horizon(&self, keep: KeepChanges) -> Result<Horizon> {
        let span = self.log_span()?;
        let (soft, hard) = match keep {
            KeepChanges::Bounded => {
                let hard = self.first_within(span, HARD)?;
                let mut soft = self.first_within(span, SOFT)?;
                if soft > span.oldest {
                    let young = self.first_at(self.now.0.saturating_sub(SOFT_AGE_MILLIS))?;
                    soft = soft.min(young.unwrap_or(span.newest));
                }
                (soft, hard)
            }
            KeepChanges::Newest(n) => {
                let n = i64::try_from(n).unwrap_or(i64::MAX);
                (span.newest.saturating_sub(n).saturating_add(1), 0)
            }
            KeepChanges::Younger(age) => {
                let cutoff = self.now.0.saturating_sub(i64::try_from(age.as_millis()).unwrap_or(i64::MAX));
                (self.first_at(cutoff)?.unwrap_or(span.newest), 0)
            }
        };
        Ok(Horizon { soft, hard })
    }

    /// The first change not older than `at`. Times may step back with the
    /// clock; the log is cut only below the first that is kept.
    fn first_at(&self, at: i64) -> Result<Option<i64>> {
        let mut query =
            self.conn.prepare_cached("SELECT seq FROM larder_changes WHERE at>=?1 ORDER BY seq LIMIT 1")?;
        Ok(query.query_row([at], |row| row.get(0)).optional()?)
    }

    /// The first of the newest changes that are at most so many, and hold at
    /// most so many bytes.
    fn first_within(&self, span: LogSpan, (changes, bytes): (i64, i64)) -> Result<i64> {
        let mut query = self
            .conn
            .prepare_cached("SELECT total FROM larder_changes WHERE seq>=?1 ORDER BY seq LIMIT 1")?;
        let mut total = |seq: i64| query.query_row([seq], |row| row.get::<_, i64>(0));
        let newest = total(span.newest)?;
        let (mut low, mut high) = (span.oldest.max(span.newest.saturating_sub(changes)), span.newest);
        // Totals grow with the sequence number.
        while low < high {
            let middle = low + (high - low) / 2;
            if total(middle)? < newest - bytes { low = middle + 1 } else { high = middle }
        }
        Ok(low)
    }

    /// The first sequence number that stays if the log is cut at `horizon`: a
    /// consumer holds back what it has yet to handle, up to the hard bound, and
    /// the newest row stays as the source of the next number.
    pub fn trim_point(&self, horizon: Horizon) -> Result<i64> {
        let held: Option<i64> =
            self.conn.query_row("SELECT min(position)FROM larder_consumers", [], |row| row.get(0))?;
        let soft = held.map_or(horizon.soft, |position| horizon.soft.min(position.saturating_add(1)));
        Ok(soft.max(horizon.hard).min(self.log_span()?.newest))
    }

    /// Changes that a trim at `horizon` would remove.
    pub fn count_trimmable(&self, horizon: Horizon) -> Result<i64> {
        self.permit_some(Level::Read)?;
        let point = self.trim_point(horizon)?;
        Ok(self
            .conn
            .query_row("SELECT count(*)FROM larder_changes WHERE seq<?1", [point], |row| row.get(0))?)
    }
}

impl Transaction<'_> {
    /// Removes those of `ids` that are still expired entries of the scope (the
    /// look-up was another transaction), until `enough` says so. Returns how
    /// many were dealt with and how many went.
    fn remove_due(
        &self,
        group: Option<&str>,
        ids: &[i64],
        enough: impl Fn() -> bool,
    ) -> Result<(usize, i64)> {
        let (first, past) = self.scope.range_of(group);
        self.by_the_rules(|writer| {
            let (mut dealt_with, mut gone) = (0, 0);
            for id in ids {
                gone += i64::from(writer.expire_row_in(*id, &first, past.as_deref())?);
                dealt_with += 1;
                if enough() {
                    break;
                }
            }
            Ok((dealt_with, gone))
        })
    }

    /// Removes changes below `horizon`, oldest first, until `enough` says so or
    /// `limit` went. Returns how many went and whether any are left.
    fn trim(&self, horizon: Horizon, limit: usize, enough: impl Fn() -> bool) -> Result<(usize, bool)> {
        let point = self.trim_point(horizon)?;
        // A few at a time, because one may hold a large value.
        let mut delete = self.conn.prepare_cached(
            "DELETE FROM larder_changes WHERE seq<min(?1,(SELECT min(seq)FROM larder_changes)+16)",
        )?;
        let mut gone = 0;
        while gone < limit {
            let few = delete.execute([point])?;
            if few == 0 {
                return Ok((gone, false));
            }
            gone += few;
            if enough() {
                break;
            }
        }
        Ok((gone, true))
    }

    /// Drops the rows of namespaces that hold nothing and limit nothing.
    fn sweep_namespaces(&self) -> Result<()> {
        self.conn.execute(
            "DELETE FROM larder_namespaces WHERE keys=0 AND max_keys IS NULL AND max_bytes IS NULL AND max_groups IS NULL",
            [],
        )?;
        Ok(())
    }
}

impl Store {
    /// Removes what has expired at the moment of the call, in the scope or in
    /// one group, and trims the log. `progress` hears of every step.
    pub fn purge(
        &self,
        group: Option<&str>,
        keep: KeepChanges,
        mut progress: impl FnMut(Purged),
    ) -> Result<Purged> {
        let mut done = Purged::default();
        let mut pace = Pace::default();
        let (until, mut from) = (self.now().0, (i64::MIN, i64::MIN));
        loop {
            let (ids, last) = self.read(|tx| tx.find_due(group, from, until, STEP))?;
            let mut rest = &ids[..];
            while !rest.is_empty() {
                let now = &rest[..rest.len().min(pace.rows)];
                let (dealt_with, gone) =
                    pace.step(|enough| self.write(|tx| tx.remove_due(group, now, enough)))?;
                rest = &rest[dealt_with..];
                done.entries += gone;
                progress(done);
            }
            let Some(last) = last else { break };
            from = last;
        }
        let horizon = self.read(|tx| tx.trim_horizon(keep))?;
        let mut more = self.read(|tx| Ok(tx.log_span()?.oldest < tx.trim_point(horizon)?))?;
        while more {
            let rows = pace.rows;
            let gone;
            (gone, more) = pace.step(|enough| self.write(|tx| tx.trim(horizon, rows, enough)))?;
            done.changes += i64::try_from(gone).unwrap_or(0);
            progress(done);
        }
        if group.is_none() && done != Purged::default() {
            self.write(|tx| tx.sweep_namespaces())?;
        }
        self.write_quietly(|tx| tx.sweep_leases(group))?;
        Ok(done)
    }

    /// Gives free pages back to the file system. Needs the store for itself
    /// for as long as it takes, and up to twice its size on disk.
    pub fn vacuum(&self) -> Result<()> {
        self.read(|tx| tx.permit_store())?;
        self.retry(|| {
            self.prepare_writer()?;
            self.load_all()?;
            // The copy would be made in memory.
            waiting::as_writer(|| self.conn.execute_batch("PRAGMA temp_store=FILE;VACUUM"))?;
            // The file shrinks only when the log has been copied back. A reader
            // may prevent that: then the next checkpoint does it.
            self.conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
            Ok(())
        })
        .map_err(|e| e.settle(&self.options.path))
    }
}

/// Fits the size of transactions to what they turn out to cost.
struct Pace {
    rows: usize,
    started: Cell<Option<Instant>>,
}

impl Default for Pace {
    fn default() -> Self {
        Self { rows: 128, started: Cell::new(None) }
    }
}

impl Pace {
    /// Runs one transaction, which asks the predicate after every row whether
    /// it has had enough. The time until its first row, spent waiting for the
    /// lock, is nobody else's loss.
    fn step<T>(&mut self, transaction: impl FnOnce(&dyn Fn() -> bool) -> Result<T>) -> Result<T> {
        if self.started.take().is_some() {
            std::thread::sleep(PAUSE);
        }
        let started = &self.started;
        let result = transaction(&|| {
            let first = started.get().unwrap_or_else(Instant::now);
            started.set(Some(first));
            first.elapsed() >= BUDGET
        })?;
        let took = self.started.get().map_or(Duration::ZERO, |at| at.elapsed());
        if took > 2 * BUDGET {
            self.rows = (self.rows / 2).max(8);
        } else if took < BUDGET {
            self.rows = (self.rows * 2).min(STEP);
        }
        Ok(result)
    }
}
