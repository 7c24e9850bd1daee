//! The source of changes: a cursor over the log, and what wakes it.

use std::ops::ControlFlow;
use std::os::fd::BorrowedFd;
use std::rc::Rc;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, poll};

use super::control::{Control, Wake, poll_timeout};
use super::expirer::Expirer;
use super::selection::Selection;
use crate::model::{Change, ChangeKind, Entry, Error, Level, LogMark, LogSpan, Result};
use crate::store::{Snapshot, Store};

/// Most changes, and about the most bytes of values, read in one transaction:
/// what bounds the memory of a watch.
const BATCH_CHANGES: usize = 256;
const BATCH_BYTES: i64 = 1 << 20;

/// Most changes passed in one transaction, chosen or not: what bounds its time.
const ROWS_AT_ONCE: i64 = 4096;

/// Most entries of a snapshot read at once with their values.
const SNAPSHOT_VALUES: usize = 16;

/// A position in the change log of one store.
#[derive(Debug)]
pub struct Source {
    store: Rc<Store>,
    selection: Selection,
    expirer: Rc<Expirer>,
    cursor: i64,
    /// Whether the last batch ended because it was full.
    behind: bool,
    interval: Duration,
    /// Device and inode, to notice a store that was deleted or replaced.
    identity: (u64, u64),
    /// SQLite's count of other connections' commits, as of the last look.
    seen: Option<i64>,
    /// What stood at the cursor when it was last moved.
    mark: Option<LogMark>,
}

/// How much is taken from the log at once.
#[derive(Clone, Copy, Debug)]
pub struct Portion {
    /// Changes of the selection, at the most.
    pub changes: usize,
    /// Bytes of keys and values read, about.
    pub bytes: i64,
}

/// A part of the log.
#[derive(Debug, Default)]
pub struct Batch {
    /// The changes chosen, oldest first.
    pub changes: Vec<Change>,
    /// The position reached.
    pub reached: i64,
    /// Whether there is more after it.
    pub more: bool,
}

impl Batch {
    /// Reads what follows `after`. A change that is passed over counts like
    /// one that is chosen: a transaction must not last as long as the log is,
    /// whatever the selection.
    ///
    /// # Errors
    /// [`Error::Trimmed`] if changes after `after` are gone from the log.
    pub fn read(
        tx: &Snapshot<'_>,
        span: LogSpan,
        after: i64,
        selection: &Selection,
        portion: Portion,
        with_values: bool,
    ) -> Result<Self> {
        let end = tx.log_step(after, span, ROWS_AT_ONCE)?;
        let mut batch = Self { changes: Vec::new(), reached: end, more: end < span.newest };
        let mut bytes = 0;
        tx.changes_between(after, end, selection.group.as_deref(), with_values, |change| {
            let seq = change.seq;
            let taken = selection.takes(&change, tx.scope);
            if taken || with_values {
                bytes += change.bytes;
            }
            if taken {
                batch.changes.push(change);
            }
            if batch.changes.len() >= portion.changes || bytes >= portion.bytes {
                (batch.reached, batch.more) = (seq, true);
                return Ok(ControlFlow::Break(()));
            }
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(batch)
    }
}

impl Source {
    /// A source that begins after position `after`. `interval` is how long a
    /// change by a writer that rings no bell may go unnoticed.
    ///
    /// # Errors
    /// [`Error::Trimmed`] or [`Error::Usage`] if the log does not have that
    /// position any more, or yet.
    pub fn new(store: Store, selection: Selection, after: i64, interval: Duration) -> Result<Self> {
        let store = Rc::new(store);
        let expirer = Expirer::new(Rc::clone(&store));
        let identity = store.identity()?;
        let (span, mark) = store.read(|tx| {
            match &selection.group {
                Some(group) => tx.permit(Level::Read, group)?,
                None => tx.permit_some(Level::Read)?,
            }
            Ok((tx.log_span()?, tx.log_mark(after)?))
        })?;
        if !span.reaches_back_to(after) {
            return Err(Error::Trimmed { after, oldest: span.oldest });
        }
        if after > span.newest {
            return Err(Error::Usage(format!(
                "position {after} lies in the future: the newest change is {}",
                span.newest
            )));
        }
        expirer.set_position(after, mark);
        Ok(Self {
            store,
            selection,
            expirer: Rc::new(expirer),
            cursor: after,
            behind: false,
            interval,
            identity,
            seen: None,
            mark,
        })
    }

    /// What hears of the store and removes what is due in it; to be given to
    /// [`Control::attend`], so that it goes on while a sink waits.
    #[must_use]
    pub fn expirer(&self) -> &Rc<Expirer> {
        &self.expirer
    }

    /// Leaves what is due to others: this source does not write.
    pub fn only_read(&self) {
        self.expirer.only_hear();
    }

    /// The last position that was read.
    #[must_use]
    pub fn cursor(&self) -> i64 {
        self.cursor
    }

    /// What stood there in the log.
    #[must_use]
    pub fn mark(&self) -> Option<LogMark> {
        self.mark
    }

    /// Whether more is known to be there to read.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        self.behind
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// How long later calls wait for other processes' locks.
    pub fn set_patience(&self, patience: Duration) {
        self.store.set_busy_timeout(patience);
    }

    /// The next changes, oldest first, at most a batch; none if there is
    /// nothing new, or nothing that was chosen among what was passed: see
    /// [`Source::is_behind`]. Some of the due entries are removed first, so
    /// that they are among them.
    ///
    /// # Errors
    /// [`Error::Trimmed`] if the log is no longer the one that was read so far;
    /// [`Error::Unusable`] if the store is gone, or no longer logs as it should.
    pub fn next(&mut self, with_values: bool) -> Result<Vec<Change>> {
        self.expirer.hear();
        if self.store.identity().ok() != Some(self.identity) {
            return Err(Error::unusable(
                self.store.path(),
                "was deleted or replaced while it was being watched",
            ));
        }
        // Read before the log: what is committed in between is looked at twice
        // rather than missed. Nothing of this costs an idle watch a transaction.
        let version = self.store.data_version()?;
        if self.seen != Some(version) {
            self.expirer.verify()?;
        }
        self.expirer.step();
        let removed = self.expirer.take_removed();
        if self.seen == Some(version) && !self.behind && !removed {
            return Ok(Vec::new());
        }
        let portion = Portion { changes: BATCH_CHANGES, bytes: BATCH_BYTES };
        let (batch, mark) = self.store.read(|tx| {
            let span = tx.check_mark(self.cursor, self.mark)?;
            let batch = Batch::read(tx, span, self.cursor, &self.selection, portion, with_values)?;
            let mark = tx.log_mark(batch.reached)?;
            Ok((batch, mark))
        })?;
        (self.cursor, self.behind, self.mark) = (batch.reached, batch.more, mark);
        self.expirer.set_position(self.cursor, self.mark);
        self.seen = Some(version);
        Ok(batch.changes)
    }

    /// A page of what is there at the cursor, each entry as the `set` that
    /// wrote it; `last` is where the page before ended, and where this one
    /// does. Empty when all has been seen.
    pub fn snapshot(&self, last: &mut Option<Entry>, with_values: bool) -> Result<Vec<Change>> {
        let group = self.selection.group.as_deref();
        let limit = if with_values { SNAPSHOT_VALUES } else { BATCH_CHANGES };
        loop {
            let page = self
                .store
                .read(|tx| tx.entries_page(group, last.as_ref(), self.cursor, limit, with_values))?;
            let Some(end) = page.last() else { return Ok(Vec::new()) };
            *last = Some(Entry { value: None, ..end.clone() });
            let mut chosen: Vec<Change> = page.into_iter().map(as_change).collect();
            chosen.retain(|change| self.selection.takes(change, self.store.scope()));
            if !chosen.is_empty() {
                return Ok(chosen);
            }
        }
    }

    /// Sleeps until there may be something new.
    #[must_use]
    pub fn wait(&self, control: &Control) -> Wake {
        self.wait_at_most(control, self.interval)
    }

    /// Like [`Source::wait`], but no longer than `at_most`.
    #[must_use]
    pub fn wait_at_most(&self, control: &Control, at_most: Duration) -> Wake {
        let mut at_most = at_most.min(self.interval);
        if let Some(left) = self.expirer.time_left() {
            at_most = at_most.min(left);
        }
        control.sleep(&self.expirer.descriptors(), at_most)
    }
}

impl Source {
    /// Sleeps until there may be something new, or one of `more` is readable,
    /// or `at_most` has passed; signals are left to others.
    pub fn sleep(&self, more: &[BorrowedFd<'_>], at_most: Option<Duration>) {
        let mut fds = self.expirer.descriptors();
        fds.extend(more);
        let mut fds: Vec<_> = fds.into_iter().map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
        let left = [at_most, self.expirer.time_left()].into_iter().flatten().min();
        let left = left.map_or(self.interval, |left| left.min(self.interval));
        // Interrupted or failed: looking again is right either way.
        let _ = poll(&mut fds, poll_timeout(left));
    }
}

fn as_change(entry: Entry) -> Change {
    Change {
        seq: entry.version,
        at: entry.updated_at,
        kind: ChangeKind::Set,
        group: entry.group,
        key: Some(entry.key),
        value: entry.value,
        expires_at: entry.expires_at,
        bytes: entry.bytes,
        by: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, Timestamp};
    use crate::model::{Condition, Expiry};
    use crate::store::StoreOptions;

    fn store(dir: &std::path::Path, clock: Clock) -> Store {
        Store::create(&StoreOptions { clock, ..StoreOptions::new(dir.join("s.db")) }).unwrap()
    }

    /// All that was due in the store was removed before anything was read: a
    /// watch of a store with a million due entries printed nothing, and heard
    /// no signal, for as long as that took.
    #[test]
    fn due_entries_are_removed_a_few_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let early = store(dir.path(), Clock::manual(Timestamp(1000)));
        let expiry = Expiry::At(Timestamp(2000));
        early
            .write(|tx| {
                for n in 0..2000 {
                    tx.set("g", format!("{n}"), b"v", expiry, &Condition::Any)?;
                }
                Ok(())
            })
            .unwrap();
        let late = store(dir.path(), Clock::manual(Timestamp(3000)));
        let after = late.read(|tx| tx.log_span()).unwrap().newest;
        let mut source = Source::new(late, Selection::default(), after, Duration::from_secs(1)).unwrap();
        let first = source.next(false).unwrap();
        assert!((1..=512).contains(&first.len()), "{}", first.len());
        assert!(first.iter().all(|change| change.kind == ChangeKind::Expire));
        let mut heard = first.len();
        while heard < 2000 {
            heard += source.next(false).unwrap().len();
        }
    }

    /// Changes that were passed over did not count: a glob that matches
    /// nothing read the whole log in one transaction.
    #[test]
    fn what_is_passed_over_counts() {
        let dir = tempfile::tempdir().unwrap();
        let store = store(dir.path(), Clock::System);
        let rows = ROWS_AT_ONCE * 2 + 10;
        store
            .write(|tx| {
                for n in 0..rows {
                    tx.set("g", format!("{n}"), b"v", Expiry::Never, &Condition::Any)?;
                }
                Ok(())
            })
            .unwrap();
        for selection in [
            Selection { group: Some("none".into()), ..Selection::default() },
            Selection { keys: crate::store::Glob::new("none").ok(), ..Selection::default() },
        ] {
            let copy = Store::create(&StoreOptions::new(store.path())).unwrap();
            let mut source = Source::new(copy, selection, 0, Duration::from_secs(1)).unwrap();
            for reached in [ROWS_AT_ONCE, ROWS_AT_ONCE * 2, rows] {
                assert!(source.next(true).unwrap().is_empty());
                assert_eq!((source.cursor(), source.is_behind()), (reached, reached < rows));
            }
        }
    }
}
