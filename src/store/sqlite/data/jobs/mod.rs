//! Jobs: the entries of a group as work that is shared.
//!
//! Every live entry of a group that is taken from is a job. What else is known
//! of it is in `larder_leases`, where a job is put when it is first looked for:
//! the log says which entries have come since (`larder_groups.taken`), so that
//! nothing has to be kept up by whoever writes, and a take costs the same
//! whether ten jobs wait or a hundred thousand.
//!
//! A lease belongs to whoever can show its receipt, until its time is over and
//! no longer. It is on the key: an entry that is overwritten while it is leased
//! is a new job, which is free once the lease has ended.

mod lease;
mod queue;
mod state;

use crate::clock::Timestamp;
use crate::model::{Ended, Job, Outcome, Result, Terms, Turn};
use crate::store::sqlite::connection::Store;

impl Store {
    /// Ends the leases on jobs that are through, and takes up to `wanted` new
    /// ones: all of it in one transaction, durably.
    pub fn turn(&self, terms: &Terms, through: &[(Job, Outcome)], wanted: usize) -> Result<Turn> {
        let (turn, heard) = self.write_quietly(|tx| {
            let before = tx.log_span()?.newest;
            let mut turn =
                Turn { now: tx.now, ended: Vec::new(), taken: Vec::new(), newest: before, outlook: None };
            for (job, outcome) in through {
                turn.ended.push(tx.end(terms, job, outcome)?);
            }
            while turn.taken.len() < wanted {
                let Some(job) = tx.take(terms)? else {
                    // Every change so far was looked at.
                    let mut seen = tx.log_span()?.newest;
                    turn.outlook = Some(tx.outlook(&terms.group, &mut seen)?);
                    break;
                };
                turn.taken.push(job);
            }
            let freed = turn.ended.iter().any(|ended| matches!(ended, Ended::Free(_) | Ended::Anew));
            turn.newest = tx.log_span()?.newest;
            let changed = turn.newest != before;
            Ok((turn, freed || changed))
        })?;
        if heard {
            self.ring();
        }
        Ok(turn)
    }

    /// Holds a job for longer; see [`Transaction::renew`].
    pub fn renew(&self, terms: &Terms, job: &Job) -> Result<Timestamp> {
        self.write_quietly(|tx| tx.renew(&terms.group, &job.entry.key, &job.receipt, terms.lease))
    }
}
