//! The feed: the changes of a store, those that were chosen, in order.
//!
//! It reads in short transactions, so that it never keeps the store's own log
//! from being reset, and in portions, so that neither memory nor time grows
//! with what there is to read. Its position alone makes it correct; what it
//! hears only makes it quick. To read it needs no lock that a writer could
//! hold. How a store is heard, and whether it is still the one that was read,
//! is its engine's affair.

use std::ops::ControlFlow;
use std::os::fd::BorrowedFd;
use std::rc::{Rc, Weak};
use std::time::Duration;

use super::selection::Selection;
use super::sqlite::feed::Source;
use super::{Snapshot, Store};
use crate::model::{Change, ChangeKind, Entry, Level, LogSpan, Result};

/// Most changes, and about the most bytes of values, read in one transaction:
/// what bounds the memory of a reader.
const BATCH_CHANGES: usize = 256;
const BATCH_BYTES: i64 = 1 << 20;

/// Most changes passed in one transaction, chosen or not: what bounds its time.
const ROWS_AT_ONCE: i64 = 4096;

/// Most entries of a snapshot read at once with their values.
const SNAPSHOT_VALUES: usize = 16;

/// Changes of one store, in order, from a position on.
#[derive(Debug)]
pub struct Feed {
    source: Source,
    selection: Selection,
    /// Whether the last batch ended because it was full.
    behind: bool,
    interval: Duration,
}

/// What a feed does while its reader is busy: it hears of its store, and
/// removes what has expired there, so that the log reports it on time.
pub trait Upkeep {
    /// Descriptors that become readable when there is something to hear.
    fn descriptors(&self) -> Vec<BorrowedFd<'_>>;

    /// How long until there is something to do without anything being heard;
    /// `None` if nothing is known of.
    fn time_left(&self) -> Option<Duration>;

    /// Hears of new entries, and removes some of what has expired. What goes
    /// wrong is found again by whoever reads next.
    fn look(&self);
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
    /// Reads what follows `after` in a transaction of its own; see
    /// [`Batch::read`].
    pub fn of(
        store: &Store,
        after: i64,
        selection: &Selection,
        portion: Portion,
        with_values: bool,
    ) -> Result<Self> {
        store.read(|tx| Self::read(tx, tx.log_span()?, after, selection, portion, with_values))
    }

    /// Reads what follows `after`. A change that is passed over counts like
    /// one that is chosen: a transaction must not last as long as the log is,
    /// whatever the selection.
    ///
    /// # Errors
    /// [`Error::Trimmed`](crate::model::Error::Trimmed) if changes after `after` are
    /// gone from the log.
    fn read(
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

impl Feed {
    /// Begins after position `after`. `interval` is how long a change by a
    /// writer that is not heard may go unnoticed.
    ///
    /// # Errors
    /// [`Error::Trimmed`](crate::model::Error::Trimmed) or
    /// [`Error::Usage`](crate::model::Error::Usage) if the log does not have that
    /// position any more, or yet.
    pub fn new(store: Store, selection: Selection, after: i64, interval: Duration) -> Result<Self> {
        let source = Source::new(Rc::new(store), after, |tx| match &selection.group {
            Some(group) => tx.permit(Level::Read, group),
            None => tx.permit_some(Level::Read),
        })?;
        Ok(Self { source, selection, behind: false, interval })
    }

    /// What is to go on while a reader of this feed is busy. It lives no longer
    /// than the feed.
    #[must_use]
    pub fn upkeep(&self) -> Weak<dyn Upkeep> {
        let expirer: Rc<dyn Upkeep> = self.source.expirer().clone();
        Rc::downgrade(&expirer)
    }

    /// Has `tell` called whenever there may be something new.
    pub fn on_news(&self, tell: impl Fn() + 'static) {
        self.source.expirer().on_news(tell);
    }

    /// Leaves what has expired to others: this feed does not write.
    pub fn only_read(&self) {
        self.source.expirer().only_hear();
    }

    /// The last position that was read.
    #[must_use]
    pub fn position(&self) -> i64 {
        self.source.position()
    }

    /// Whether more is known to be there to read.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        self.behind
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &Store {
        self.source.store()
    }

    /// How long later calls wait for other processes' locks.
    pub fn set_patience(&self, patience: Duration) {
        self.source.set_patience(patience);
    }

    /// The next changes, oldest first, at most a batch; none if there is
    /// nothing new, or nothing that was chosen among what was passed: see
    /// [`Feed::is_behind`]. Some of the expired entries are removed first, so
    /// that they are among them.
    ///
    /// # Errors
    /// [`Error::Trimmed`](crate::model::Error::Trimmed) if the log is no longer the one
    /// that was read so far; [`Error::Unusable`](crate::model::Error::Unusable) if the
    /// store is gone, or no longer logs as it should.
    pub fn next(&mut self, with_values: bool) -> Result<Vec<Change>> {
        let look = self.source.look()?;
        if !look.news && !self.behind {
            return Ok(Vec::new());
        }
        let portion = Portion { changes: BATCH_CHANGES, bytes: BATCH_BYTES };
        let batch = self.source.read_on(look, |tx, span, after| {
            let batch = Batch::read(tx, span, after, &self.selection, portion, with_values)?;
            let reached = batch.reached;
            Ok((batch, reached))
        })?;
        self.behind = batch.more;
        Ok(batch.changes)
    }

    /// Moves a consumer on to a change that was handled.
    ///
    /// # Errors
    /// [`Error::Absent`](crate::model::Error::Absent) if the consumer is gone;
    /// [`Error::Trimmed`](crate::model::Error::Trimmed) if the log was set back.
    pub fn handled(&self, consumer: &str, change: &Change) -> Result<()> {
        self.store().move_consumer(consumer, change.seq, Some(change.mark()))
    }

    /// Moves a consumer on to the position: everything up to there was handled,
    /// or passed over.
    ///
    /// # Errors
    /// As [`Feed::handled`].
    pub fn handled_all(&self, consumer: &str) -> Result<()> {
        self.source.move_consumer(consumer)
    }

    /// A page of what is there at the position, each entry as the `set` that
    /// wrote it; `last` is where the page before ended, and where this one
    /// does. Empty when all has been seen.
    pub fn snapshot(&self, last: &mut Option<Entry>, with_values: bool) -> Result<Vec<Change>> {
        let group = self.selection.group.as_deref();
        let limit = if with_values { SNAPSHOT_VALUES } else { BATCH_CHANGES };
        loop {
            let page = self
                .store()
                .read(|tx| tx.entries_page(group, last.as_ref(), self.position(), limit, with_values))?;
            let Some(end) = page.last() else { return Ok(Vec::new()) };
            *last = Some(Entry { value: None, ..end.clone() });
            let mut chosen: Vec<Change> = page.into_iter().map(as_change).collect();
            chosen.retain(|change| self.selection.takes(change, self.store().scope()));
            if !chosen.is_empty() {
                return Ok(chosen);
            }
        }
    }

    /// Descriptors that become readable when there may be something new.
    #[must_use]
    pub fn descriptors(&self) -> Vec<BorrowedFd<'_>> {
        self.source.expirer().descriptors()
    }

    /// How long to wait for them, at the most, before the next look.
    #[must_use]
    pub fn time_left(&self) -> Duration {
        let left = self.source.expirer().time_left();
        left.map_or(self.interval, |left| left.min(self.interval))
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
    /// watch of a store with a million expired entries printed nothing, and
    /// heard no signal, for as long as that took.
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
        let mut feed = Feed::new(late, Selection::default(), after, Duration::from_secs(1)).unwrap();
        let first = feed.next(false).unwrap();
        assert!((1..=512).contains(&first.len()), "{}", first.len());
        assert!(first.iter().all(|change| change.kind == ChangeKind::Expire));
        let mut heard = first.len();
        while heard < 2000 {
            heard += feed.next(false).unwrap().len();
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
            let mut feed = Feed::new(copy, selection, 0, Duration::from_secs(1)).unwrap();
            for reached in [ROWS_AT_ONCE, ROWS_AT_ONCE * 2, rows] {
                assert!(feed.next(true).unwrap().is_empty());
                assert_eq!((feed.position(), feed.is_behind()), (reached, reached < rows));
            }
        }
    }
}
