//! The queue: adding jobs, finding the next one, moving on those that are not
//! to be tried any more.

use std::time::Duration;

use rusqlite::{OptionalExtension, params};

use super::lease::{ROW, read_row};
use crate::clock::Timestamp;
use crate::model::{Condition, Entry, Error, Expiry, Job, Level, Name, Outlook, Result, Terms};
use crate::store::sqlite::transaction::{Snapshot, Transaction};

/// Rows looked at in one transaction that turn out to be no free job.
const MOST_PASSED: usize = 256;

/// More changes than this are not read to find new jobs where the group itself
/// has fewer keys.
const MOST_CHANGES: i64 = 1000;

/// Changes that say nothing new are read so often before `taken` is moved past
/// them: to move it is to write.
const IDLE_CHANGES: i64 = 64;

impl Transaction<'_> {
    /// Adds a job under a fresh key, which sorts by the time of the push.
    /// Nobody takes it before `delay` is over.
    pub fn push(&self, group: &str, value: &[u8], expiry: Expiry, delay: Option<Duration>) -> Result<Entry> {
        self.permit(Level::Write, group)?;
        // The number of the change is nobody else's.
        let key = format!("{:013}-{:010}", self.now.0, self.log_span()?.newest + 1);
        let entry = self.set(group, key.as_str(), value, expiry, &Condition::Absent)?;
        if let Some(delay) = delay {
            self.conn
                .prepare_cached(
                    "INSERT OR REPLACE INTO larder_leases(group_name,entry_key,version,free_at)VALUES(?1,?2,?3,?4)",
                )?
                .execute(params![entry.group, entry.key, entry.version, self.now.after(delay).0])?;
        }
        Ok(entry)
    }

    /// Takes the oldest free job of a group, if there is one. Jobs that have
    /// failed too often, or whose workers died too often, are moved on the way.
    pub fn take(&self, terms: &Terms) -> Result<Option<Job>> {
        self.permit_taking(terms)?;
        let stored = Name::from(self.scope.stored(&terms.group)).into_owned();
        self.free_those_due(&stored)?;
        self.enrol(&stored)?;
        for _ in 0..MOST_PASSED {
            let row = self
                .conn
                .prepare_cached(&format!(
                    "SELECT {ROW} FROM larder_leases INDEXED BY larder_lease_order WHERE group_name=?1 AND free_at=0 ORDER BY version LIMIT 1"
                ))?
                .query_row([&stored], read_row)
                .optional()?;
            let Some(row) = row else { return Ok(None) };
            let entry = match self.get(terms.group.as_str(), &row.key) {
                Ok(entry) => entry,
                Err(Error::NotFound { .. }) => {
                    self.forget(&stored, &row.key)?;
                    continue;
                }
                Err(e) => return Err(e),
            };
            if entry.version != row.version {
                self.renew_job(&stored, &row.key, entry.version)?;
                continue;
            }
            // A dead letter that is taken is tried like any other job.
            let attempts = if row.is_dead_letter { 0 } else { row.attempts };
            if attempts >= terms.retry {
                let reason = row.failure.unwrap_or_else(|| "was returned".into());
                self.bury(terms, &entry, attempts, &reason)?;
                continue;
            }
            let until = self.now.after(terms.lease);
            let receipt: String = self
                .conn
                .prepare_cached(
                    "UPDATE larder_leases SET free_at=?3,attempts=?4,receipt=lower(hex(randomblob(12))),holder=?5,dead_from=NULL WHERE group_name=?1 AND entry_key=?2 RETURNING receipt",
                )?
                .query_row(params![stored, row.key, until.0, attempts + 1, terms.holder], |row| row.get(0))?;
            return Ok(Some(Job { entry, attempt: attempts + 1, receipt, until }));
        }
        Ok(None)
    }

    /// Frees the jobs of a group whose lease, delay or pause is over.
    fn free_those_due(&self, stored: &Name<'_>) -> Result<()> {
        let mut update = self.conn.prepare_cached(
            "UPDATE larder_leases SET free_at=0,failure=iif(receipt IS NULL,failure,'the lease of '||ifnull(holder,'somebody')||' ran out'),receipt=NULL,holder=NULL WHERE group_name=?1 AND free_at>0 AND free_at<=?2",
        )?;
        update.execute(params![stored, self.now.0])?;
        Ok(())
    }

    /// Puts into `larder_leases` what has come to a group since it was last
    /// done: by the log, or where that does not tell, or would take longer, by
    /// a look through the group. Rows of jobs in hand stay as they are.
    fn enrol(&self, stored: &Name<'_>) -> Result<()> {
        let found = self
            .conn
            .prepare_cached("SELECT taken,keys FROM larder_groups WHERE group_name=?1")?
            .query_row([stored], |row| Ok((row.get::<_, Option<i64>>(0)?, row.get::<_, i64>(1)?)))
            .optional()?;
        let Some((taken, keys)) = found else {
            // There is no entry, so there is no job.
            self.conn
                .prepare_cached("DELETE FROM larder_leases WHERE group_name=?1 AND receipt IS NULL")?
                .execute([stored])?;
            return Ok(());
        };
        let span = self.log_span()?;
        let since = taken.filter(|taken| {
            span.reaches_back_to(*taken)
                && *taken <= span.newest
                && span.newest - taken <= keys.max(MOST_CHANGES)
        });
        let moved = match since {
            Some(taken) if taken == span.newest => 0,
            Some(taken) => self.enrol_changed(stored, taken)?,
            None => {
                self.enrol_all(stored)?;
                1
            }
        };
        if moved > 0 || since.is_some_and(|taken| span.newest - taken > IDLE_CHANGES) {
            self.conn
                .prepare_cached("UPDATE larder_groups SET taken=?2 WHERE group_name=?1")?
                .execute(params![stored, span.newest])?;
        }
        Ok(())
    }

    fn enrol_changed(&self, stored: &Name<'_>, after: i64) -> Result<usize> {
        let gone = self
            .conn
            .prepare_cached(
                "DELETE FROM larder_leases WHERE group_name=?1 AND receipt IS NULL AND entry_key IN(SELECT entry_key FROM larder_changes WHERE seq>?2 AND group_name=?1 AND type<>'set'AND entry_key IS NOT NULL)AND NOT EXISTS(SELECT 1 FROM entries e WHERE e.group_name=?1 AND e.entry_key=larder_leases.entry_key)",
            )?
            .execute(params![stored, after])?;
        let come = self
            .conn
            .prepare_cached(
                "INSERT INTO larder_leases(group_name,entry_key,version,free_at)SELECT group_name,entry_key,version,0 FROM entries WHERE group_name=?1 AND entry_key IN(SELECT entry_key FROM larder_changes WHERE seq>?2 AND group_name=?1 AND type='set')ON CONFLICT DO UPDATE SET version=excluded.version,free_at=0,attempts=0,failure=NULL,dead_from=NULL WHERE receipt IS NULL AND version<>excluded.version",
            )?
            .execute(params![stored, after])?;
        Ok(gone + come)
    }

    fn enrol_all(&self, stored: &Name<'_>) -> Result<()> {
        self.conn
            .prepare_cached(
                "DELETE FROM larder_leases WHERE group_name=?1 AND receipt IS NULL AND NOT EXISTS(SELECT 1 FROM entries e WHERE e.group_name=?1 AND e.entry_key=larder_leases.entry_key AND e.version=larder_leases.version)",
            )?
            .execute([stored])?;
        self.conn
            .prepare_cached(
                "INSERT INTO larder_leases(group_name,entry_key,version,free_at)SELECT group_name,entry_key,version,0 FROM entries WHERE group_name=?1 ON CONFLICT DO NOTHING",
            )?
            .execute([stored])?;
        Ok(())
    }
}

impl Snapshot<'_> {
    /// Allows taking jobs, and moving those that fail.
    pub fn permit_taking(&self, terms: &Terms) -> Result<()> {
        self.permit(Level::Write, terms.group.as_str())?;
        self.permit(Level::Write, terms.dead.as_str())
    }

    /// What there is to take from a group, for who wants to know whether to
    /// try. `seen` is how far the caller has read the log for this, and moves
    /// on.
    pub fn outlook(&self, group: &str, seen: &mut i64) -> Result<Outlook> {
        self.permit(Level::Write, group)?;
        let stored = Name::from(self.scope.stored(group));
        let left = self.count(group)? > 0;
        let taken: Option<i64> = self
            .conn
            .prepare_cached("SELECT taken FROM larder_groups WHERE group_name=?1")?
            .query_row([&stored], |row| row.get(0))
            .optional()?
            .flatten();
        let Some(taken) = taken else {
            return Ok(Outlook { next: left.then_some(self.now), left });
        };
        let span = self.log_span()?;
        let after = taken.max(*seen).min(span.newest);
        let come = !span.reaches_back_to(after)
            || self
                .conn
                .prepare_cached(
                    "SELECT 1 FROM larder_changes WHERE seq>?1 AND group_name=?2 AND type='set'LIMIT 1",
                )?
                .exists(params![after, stored])?;
        if come {
            return Ok(Outlook { next: Some(self.now), left });
        }
        *seen = span.newest;
        let next: Option<i64> = self
            .conn
            .prepare_cached("SELECT free_at FROM larder_leases INDEXED BY larder_lease_order WHERE group_name=?1 ORDER BY free_at LIMIT 1")?
            .query_row([&stored], |row| row.get(0))
            .optional()?;
        Ok(Outlook { next: next.map(Timestamp), left })
    }
}
