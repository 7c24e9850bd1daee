//! Purge: due entries go, the change log is trimmed, unused rows are swept up.
//!
//! Work is cut into transactions of [`STEP`] rows, so that no other writer
//! waits longer than one of them takes.

use std::time::Duration;

use rusqlite::params;

use super::connection::Store;
use super::error::Result;
use super::transaction::Transaction;

/// Rows per transaction. 1,000 due entries take 10 to 40 ms under the triggers.
const STEP: i64 = 1000;

/// How much of the change log a purge leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeepChanges {
    /// What the log keeps by itself.
    Bounded,
    /// Changes younger than this.
    Younger(Duration),
    /// This many of the newest.
    Newest(u64),
}

/// What a purge did, or would do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Purged {
    /// Due entries removed.
    pub entries: i64,
    /// Changes trimmed from the log.
    pub changes: i64,
}

impl Transaction<'_> {
    /// Due entries, of one group or of the scope.
    pub fn count_due(&self, group: Option<&str>) -> Result<i64> {
        let (first, past) = self.due_range(group);
        Ok(self.conn.query_row(
            "SELECT count(*)FROM entries WHERE expires_at<=?1 AND group_name>=?2 AND(?3 IS NULL OR group_name<?3)",
            params![self.now.0, first, past],
            |row| row.get(0),
        )?)
    }

    /// Removes up to `limit` due entries, oldest expiry first; returns how
    /// many went.
    pub fn purge_due(&self, group: Option<&str>, limit: i64) -> Result<i64> {
        let (first, past) = self.due_range(group);
        let gone = self
            .conn
            .prepare_cached(
                "DELETE FROM entries WHERE rowid IN(SELECT rowid FROM entries WHERE expires_at<=?1 AND group_name>=?2 AND(?3 IS NULL OR group_name<?3)ORDER BY expires_at LIMIT ?4)AND expires_at<=?1",
            )?
            .execute(params![self.now.0, first, past, limit])?;
        Ok(i64::try_from(gone).unwrap_or(i64::MAX))
    }

    /// One group as a range of names: from itself to the next possible string.
    fn due_range(&self, group: Option<&str>) -> (String, Option<String>) {
        match group {
            None => self.scope.range(),
            Some(group) => {
                let stored = self.scope.stored(group).into_owned();
                let next = format!("{stored}\0");
                (stored, Some(next))
            }
        }
    }

    /// The first sequence number that `keep` keeps. Changes that a named
    /// consumer has yet to handle are always kept.
    pub fn trim_horizon(&self, keep: KeepChanges) -> Result<i64> {
        let span = self.log_span()?;
        let wanted: i64 = match keep {
            KeepChanges::Bounded => span.oldest,
            KeepChanges::Newest(n) => {
                span.newest.saturating_sub(i64::try_from(n).unwrap_or(i64::MAX)).saturating_add(1)
            }
            KeepChanges::Younger(age) => {
                let cutoff = self.now.0.saturating_sub(i64::try_from(age.as_millis()).unwrap_or(i64::MAX));
                // The first change young enough. Times may step back with the
                // clock; the log is cut only below the first that is kept.
                self.conn.query_row(
                    "SELECT ifnull((SELECT seq FROM larder_changes WHERE at>=?1 ORDER BY seq LIMIT 1),?2)",
                    params![cutoff, span.newest],
                    |row| row.get(0),
                )?
            }
        };
        let held: Option<i64> =
            self.conn.query_row("SELECT min(position)FROM larder_consumers", [], |row| row.get(0))?;
        let horizon = held.map_or(wanted, |position| wanted.min(position.saturating_add(1)));
        // The newest row stays, as the source of the next sequence number.
        Ok(horizon.min(span.newest))
    }

    /// Removes up to `limit` changes below `horizon`; returns how many went.
    pub fn trim(&self, horizon: i64, limit: i64) -> Result<i64> {
        let gone = self
            .conn
            .prepare_cached("DELETE FROM larder_changes WHERE seq IN(SELECT seq FROM larder_changes WHERE seq<?1 ORDER BY seq LIMIT ?2)")?
            .execute(params![horizon, limit])?;
        Ok(i64::try_from(gone).unwrap_or(i64::MAX))
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
    /// Removes what is due at the moment of the call, in the scope or in one
    /// group, and trims the log. `progress` hears of every step.
    pub fn purge(
        &self,
        group: Option<&str>,
        keep: KeepChanges,
        mut progress: impl FnMut(Purged),
    ) -> Result<Purged> {
        let mut done = Purged::default();
        if self.read(|tx| tx.count_due(group))? > 0 {
            loop {
                let gone = self.write(|tx| tx.purge_due(group, STEP))?;
                done.entries += gone;
                progress(done);
                if gone < STEP {
                    break;
                }
            }
        }
        let horizon = self.read(|tx| tx.trim_horizon(keep))?;
        while self.read(|tx| tx.log_span())?.oldest < horizon {
            let gone = self.write(|tx| tx.trim(horizon, STEP))?;
            done.changes += gone;
            progress(done);
            if gone < STEP {
                break;
            }
        }
        if group.is_none() && done != Purged::default() {
            self.write(|tx| tx.sweep_namespaces())?;
        }
        Ok(done)
    }

    /// Gives free pages back to the file system. Needs the store for itself
    /// for as long as it takes, and up to twice its size on disk.
    pub fn vacuum(&self) -> Result<()> {
        self.retry(|| {
            self.prepare_writer()?;
            self.conn.execute_batch("VACUUM")?;
            self.after_commit(0);
            Ok(())
        })
        .map_err(|e| e.settle(&self.options.path))
    }
}
