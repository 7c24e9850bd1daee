//! What is known of jobs, for those who look, and clearing away what is left of
//! those that are gone.

use rusqlite::types::ValueRef;
use rusqlite::{OptionalExtension, params};

use crate::clock::Timestamp;
use crate::model::{Entry, Error, JobCounts, JobState, Level, Name, Result};
use crate::store::sqlite::data::columns::name;
use crate::store::sqlite::transaction::{Snapshot, Transaction};

impl Transaction<'_> {
    /// Removes what is known of jobs whose entries are gone, in the scope or in
    /// one group.
    pub(in crate::store::sqlite) fn sweep_leases(&self, group: Option<&str>) -> Result<()> {
        let (first, past) = self.scope.range_of(group);
        self.conn.execute(
            "DELETE FROM larder_leases WHERE group_name>=?1 AND(?2 IS NULL OR group_name<?2)AND(receipt IS NULL OR free_at<=?3)AND NOT EXISTS(SELECT 1 FROM entries e WHERE e.group_name=larder_leases.group_name AND e.entry_key=larder_leases.entry_key)",
            params![first, past, self.now.0],
        )?;
        Ok(())
    }
}

impl Snapshot<'_> {
    /// What is known of the job under a key, besides its entry; `None` if that
    /// is nothing.
    pub fn job_state(&self, group: &str, entry: &Entry) -> Result<Option<JobState>> {
        self.permit(Level::Read, group)?;
        let mut query = self.conn.prepare_cached(
            "SELECT free_at,attempts,receipt IS NOT NULL,holder,failure,dead_from,version FROM larder_leases WHERE group_name=?1 AND entry_key=?2",
        )?;
        let found = query.query_row([&entry.group, &entry.key], |row| {
            let text = |at| -> rusqlite::Result<Option<String>> {
                (row.get_ref(at)? != ValueRef::Null).then(|| row.get_ref(at).map(name)).transpose()
            };
            let later = Some(Timestamp(row.get(0)?)).filter(|at| *at > self.now);
            let leased: bool = row.get(2)?;
            let state = JobState {
                attempts: row.get(1)?,
                leased_until: later.filter(|_| leased),
                holder: text(3)?.filter(|_| later.is_some()),
                free_at: later.filter(|_| !leased),
                failure: text(4)?,
                dead_from: text(5)?,
            };
            let is_its_own = row.get::<_, i64>(6)? == entry.version;
            Ok((is_its_own || state.leased_until.is_some()).then_some(state))
        });
        Ok(found.optional()?.flatten())
    }

    /// Whether anything is known of the jobs of a group.
    pub fn has_job_states(&self, group: &str) -> Result<bool> {
        self.permit(Level::Read, group)?;
        let mut query =
            self.conn.prepare_cached("SELECT 1 FROM larder_leases WHERE group_name=?1 LIMIT 1")?;
        Ok(query.exists([Name::from(self.scope.stored(group))])?)
    }

    /// How many jobs are leased, wait, or have failed for good, by group as
    /// stored: of groups that may be read, and have one. A job whose entry is
    /// gone is none. Time grows with the jobs that somebody has tried.
    pub fn jobs_by_group(&self) -> Result<Vec<(Name<'static>, JobCounts)>> {
        self.permit_some(Level::Read)?;
        let (first, past) = self.scope.range();
        let query = self.conn.prepare_cached(
            "SELECT l.group_name,sum(l.free_at>?3 AND l.receipt IS NOT NULL),sum(l.free_at>?3 AND l.receipt IS NULL AND l.version=e.version),sum(l.dead_from IS NOT NULL AND l.version=e.version)FROM larder_leases l JOIN entries e ON e.group_name=l.group_name AND e.entry_key=l.entry_key AND ifnull(e.expires_at>?3,1)WHERE l.group_name>=?1 AND(?2 IS NULL OR l.group_name<?2)GROUP BY l.group_name",
        );
        let mut query = match query.map_err(Error::from) {
            Ok(query) => query,
            // An older store that cannot be written has no jobs.
            Err(e) if e.is_unknown_object() => return Ok(Vec::new()),
            Err(e) => return Err(e),
        };
        let mut rows = query.query(params![first, past, self.now.0])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let name = Name::of(row.get_ref(0)?).into_owned();
            let tally = JobCounts { leased: row.get(1)?, waiting: row.get(2)?, dead: row.get(3)? };
            if tally != JobCounts::default() && self.may(Level::Read, &self.scope.name_of(&name))? {
                found.push((name, tally));
            }
        }
        Ok(found)
    }

    /// The same of all groups of the scope that may be read.
    pub fn job_counts(&self) -> Result<JobCounts> {
        let mut counts = JobCounts::default();
        for (_, of_group) in self.jobs_by_group()? {
            counts.leased += of_group.leased;
            counts.waiting += of_group.waiting;
            counts.dead += of_group.dead;
        }
        Ok(counts)
    }
}
