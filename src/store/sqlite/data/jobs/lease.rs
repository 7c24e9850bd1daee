//! Leases: keeping them, ending them, and what becomes of the job.

use std::time::Duration;

use rusqlite::{OptionalExtension, params};

use crate::clock::Timestamp;
use crate::model::{Condition, Ended, Entry, Error, Expiry, Job, Level, Name, Outcome, Result, Terms};
use crate::store::sqlite::transaction::{Snapshot, Transaction};
use crate::text::quote;

/// The longest pause after a failure, unless the first is longer.
const LONGEST_PAUSE: Duration = Duration::from_hours(1);

/// How long a job waits that cannot be moved to where it should go.
const PAUSE_OF_STUCK: Duration = Duration::from_mins(1);

/// A row of `larder_leases`.
pub(super) struct Row {
    pub key: Name<'static>,
    pub version: i64,
    pub free_at: i64,
    pub attempts: i64,
    pub receipt: Option<String>,
    pub is_dead_letter: bool,
    pub failure: Option<String>,
}

impl Row {
    fn is_held_by(&self, receipt: &str, now: Timestamp) -> bool {
        self.receipt.as_deref() == Some(receipt) && self.free_at > now.0
    }
}

pub(super) const ROW: &str = "entry_key,version,free_at,attempts,receipt,dead_from IS NOT NULL,failure";

pub(super) fn read_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    Ok(Row {
        key: Name::of(row.get_ref(0)?).into_owned(),
        version: row.get(1)?,
        free_at: row.get(2)?,
        attempts: row.get(3)?,
        receipt: row.get(4)?,
        is_dead_letter: row.get(5)?,
        failure: row.get(6)?,
    })
}

impl Transaction<'_> {
    /// Holds a job for longer: until so long from now.
    ///
    /// # Errors
    /// [`Error::Condition`] if the receipt no longer holds.
    pub fn renew(&self, group: &str, key: &Name<'_>, receipt: &str, lease: Duration) -> Result<Timestamp> {
        self.permit(Level::Write, group)?;
        let stored = Name::from(self.scope.stored(group));
        if !self.lease(&stored, key)?.is_some_and(|row| row.is_held_by(receipt, self.now)) {
            return Err(not_held(group, key));
        }
        let until = self.now.after(lease);
        self.conn
            .prepare_cached("UPDATE larder_leases SET free_at=?3 WHERE group_name=?1 AND entry_key=?2")?
            .execute(params![stored, key, until.0])?;
        Ok(until)
    }

    /// Ends the lease on a job that is done, and with it the job.
    pub fn ack(&self, group: &str, key: &Name<'_>, receipt: &str) -> Result<Ended> {
        self.end_lease(group, key, receipt, |stored, row| {
            self.delete(group, key, &Condition::Version(row.version))?;
            self.forget(stored, key)?;
            Ok(Ended::Done)
        })
    }

    /// Ends the lease on a job that is not done; it is free after `delay`.
    pub fn nack(&self, group: &str, key: &Name<'_>, receipt: &str, delay: Option<Duration>) -> Result<Ended> {
        self.end_lease(group, key, receipt, |stored, _| self.free(stored, key, delay, 0, None))
    }

    /// Ends the lease on a job as its command ended.
    pub(super) fn end(&self, terms: &Terms, job: &Job, outcome: &Outcome) -> Result<Ended> {
        let (group, key) = (terms.group.as_str(), &job.entry.key);
        match outcome {
            Outcome::Done => self.ack(group, key, &job.receipt),
            Outcome::Returned => {
                self.end_lease(group, key, &job.receipt, |stored, _| self.free(stored, key, None, -1, None))
            }
            Outcome::Failed(reason) => self.end_lease(group, key, &job.receipt, |stored, row| {
                if row.attempts >= terms.retry {
                    let entry = self.get(group, key)?;
                    return self.bury(terms, &entry, row.attempts, reason);
                }
                let doubled = u32::try_from(row.attempts - 1).unwrap_or(0).min(30);
                let most = LONGEST_PAUSE.max(terms.backoff);
                let pause = terms.backoff.saturating_mul(1 << doubled).min(most);
                self.free(stored, key, Some(pause), 0, Some(reason))
            }),
        }
    }

    /// Runs `end` on the row of a lease that is held, whose job is still what
    /// was taken.
    fn end_lease(
        &self,
        group: &str,
        key: &Name<'_>,
        receipt: &str,
        end: impl FnOnce(&Name<'_>, &Row) -> Result<Ended>,
    ) -> Result<Ended> {
        self.permit(Level::Write, group)?;
        let stored = Name::from(self.scope.stored(group));
        let Some(row) = self.lease(&stored, key)?.filter(|row| row.is_held_by(receipt, self.now)) else {
            return Ok(Ended::NotHeld);
        };
        match self.row(&stored, key, false)?.filter(|entry| entry.is_live(self.now)) {
            // Whoever deleted it meant that.
            None => self.forget(&stored, key).map(|()| Ended::Done),
            Some(entry) if entry.version != row.version => {
                self.renew_job(&stored, key, entry.version)?;
                Ok(Ended::Anew)
            }
            Some(_) => end(&stored, &row),
        }
    }

    /// Frees a job, now or later.
    fn free(
        &self,
        stored: &Name<'_>,
        key: &Name<'_>,
        delay: Option<Duration>,
        attempts: i64,
        failure: Option<&str>,
    ) -> Result<Ended> {
        let free_at = delay.map_or(Timestamp(0), |delay| self.now.after(delay));
        self.conn
            .prepare_cached(
                "UPDATE larder_leases SET free_at=?3,attempts=max(0,attempts+?4),receipt=NULL,holder=NULL,failure=ifnull(?5,failure)WHERE group_name=?1 AND entry_key=?2",
            )?
            .execute(params![stored, key, free_at.0, attempts, failure])?;
        Ok(Ended::Free(free_at.max(self.now)))
    }

    /// Moves a job that has failed for good. Where there is no room for it, it
    /// stays, and waits.
    pub(super) fn bury(&self, terms: &Terms, entry: &Entry, attempts: i64, reason: &str) -> Result<Ended> {
        let stored = Name::from(self.scope.stored(&terms.group)).into_owned();
        self.conn.execute_batch("SAVEPOINT larder_bury")?;
        match self.move_to_dead(terms, entry, attempts, reason) {
            Ok(()) => {
                self.conn.execute_batch("RELEASE larder_bury")?;
                Ok(Ended::Dead)
            }
            Err(Error::Quota { .. }) => {
                self.conn.execute_batch("ROLLBACK TO larder_bury;RELEASE larder_bury")?;
                let reason = format!("{reason}; no room for it in {}", quote(&terms.dead));
                self.free(&stored, &entry.key, Some(PAUSE_OF_STUCK), 0, Some(&reason))
            }
            Err(e) => Err(e),
        }
    }

    fn move_to_dead(&self, terms: &Terms, entry: &Entry, attempts: i64, reason: &str) -> Result<()> {
        let value = entry.value.as_deref().unwrap_or_default();
        let expiry = entry.expires_at.map_or(Expiry::Never, Expiry::At);
        self.delete(terms.group.as_str(), &entry.key, &Condition::Any)?;
        self.forget(&entry.group, &entry.key)?;
        let dead = terms.dead.as_str();
        // Another job that died under the same key is not lost to this one.
        let taken = match self.get(dead, &entry.key) {
            Ok(other) => other.value.as_deref() != Some(value),
            Err(Error::NotFound { .. }) => false,
            Err(e) => return Err(e),
        };
        let key = if taken {
            Name::new([entry.key.as_bytes(), format!(".{}", entry.version).as_bytes()].concat())
        } else {
            entry.key.clone()
        };
        let letter = self.set(dead, &key, value, expiry, &Condition::Any)?;
        self.conn
            .prepare_cached(
                "INSERT OR REPLACE INTO larder_leases(group_name,entry_key,version,free_at,attempts,failure,dead_from)VALUES(?1,?2,?3,0,?4,?5,?6)",
            )?
            .execute(params![letter.group, letter.key, letter.version, attempts, reason, entry.group])?;
        Ok(())
    }

    pub(super) fn forget(&self, stored: &Name<'_>, key: &Name<'_>) -> Result<()> {
        self.conn
            .prepare_cached("DELETE FROM larder_leases WHERE group_name=?1 AND entry_key=?2")?
            .execute([stored, key])?;
        Ok(())
    }

    /// The entry was overwritten: nothing is known of that job.
    pub(super) fn renew_job(&self, stored: &Name<'_>, key: &Name<'_>, version: i64) -> Result<()> {
        self.conn
            .prepare_cached(
                "INSERT OR REPLACE INTO larder_leases(group_name,entry_key,version,free_at)VALUES(?1,?2,?3,0)",
            )?
            .execute(params![stored, key, version])?;
        Ok(())
    }
}

impl Snapshot<'_> {
    /// The row of a key, whatever it is worth.
    fn lease(&self, stored: &Name<'_>, key: &Name<'_>) -> Result<Option<Row>> {
        let sql = format!("SELECT {ROW} FROM larder_leases WHERE group_name=?1 AND entry_key=?2");
        Ok(self.conn.prepare_cached(&sql)?.query_row([stored, key], read_row).optional()?)
    }
}

fn not_held(group: &str, key: &Name<'_>) -> Error {
    Error::Condition(format!(
        "the lease on {} in {} has expired, was ended, or belongs to another worker",
        key.quoted(),
        quote(group)
    ))
}
