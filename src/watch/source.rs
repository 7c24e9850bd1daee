//! The source of changes: a cursor over the log, and what wakes it.

use std::ops::ControlFlow;
use std::os::fd::AsFd;
use std::time::Duration;

use super::bell::Bell;
use super::control::{Control, Wake};
use super::ripples::Ripples;
use super::selection::Selection;
use crate::clock::Timestamp;
use crate::store::{Change, ChangeKind, Entry, Error, Level, LogMark, Result, Store};

/// Most changes, and about the most bytes of values, read in one transaction:
/// what bounds the memory of a watch.
const BATCH_CHANGES: usize = 256;
const BATCH_BYTES: i64 = 1 << 20;

/// Most entries of a snapshot read at once with their values.
const SNAPSHOT_VALUES: usize = 16;

/// Most due entries claimed in one transaction.
const CLAIM: i64 = 1000;

/// A position in the change log of one store.
#[derive(Debug)]
pub struct Source {
    store: Store,
    selection: Selection,
    cursor: i64,
    /// Whether the last batch ended because it was full.
    behind: bool,
    bell: Option<Bell>,
    ripples: Option<Ripples>,
    interval: Duration,
    /// Device and inode, to notice a store that was deleted or replaced.
    identity: (u64, u64),
    /// SQLite's count of other connections' commits, as of the last look.
    seen: Option<i64>,
    /// What stood at the cursor when it was last moved.
    mark: Option<LogMark>,
    /// The schema's cookie when the schema was last found to be larder's.
    cookie: Option<i64>,
    /// When the next entry is due, as of the last look.
    next_due: Option<Timestamp>,
    /// Whether the last attempt to claim due entries failed.
    cannot_claim: bool,
}

impl Source {
    /// A source that begins after position `after`. `interval` is how long a
    /// change by a writer that rings no bell may go unnoticed.
    ///
    /// # Errors
    /// [`Error::Trimmed`] or [`Error::Usage`] if the log does not have that
    /// position any more, or yet.
    pub fn new(store: Store, selection: Selection, after: i64, interval: Duration) -> Result<Self> {
        let bell = Bell::new(store.path());
        let ripples = Ripples::new(store.path());
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
        Ok(Self {
            store,
            selection,
            cursor: after,
            behind: false,
            bell,
            ripples,
            interval,
            identity,
            seen: None,
            mark,
            cookie: None,
            next_due: None,
            cannot_claim: false,
        })
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
    pub fn set_patience(&mut self, patience: Duration) {
        self.store.set_busy_timeout(patience);
    }

    /// The next changes, oldest first, at most a batch; none if there is
    /// nothing new. Due entries are claimed first, so that they are among them.
    ///
    /// # Errors
    /// [`Error::Trimmed`] if the log is no longer the one that was read so far;
    /// [`Error::Unusable`] if the store is gone, or no longer logs as it should.
    pub fn next(&mut self, with_values: bool) -> Result<Vec<Change>> {
        if let Some(bell) = &self.bell {
            bell.hush();
        }
        if let Some(ripples) = &mut self.ripples {
            ripples.note();
        }
        if self.store.identity().ok() != Some(self.identity) {
            return Err(Error::unusable(
                self.store.path(),
                "was deleted or replaced while it was being watched",
            ));
        }
        // Read before the log: what is committed in between is looked at twice
        // rather than missed. Nothing of this costs an idle watch a transaction.
        let version = self.store.data_version()?;
        let due = self.next_due.is_some_and(|at| at <= self.store.now());
        if self.seen == Some(version) && !self.behind && !due {
            return Ok(Vec::new());
        }
        if self.seen != Some(version) {
            self.verify()?;
        }
        self.claim();
        let mut changes = Vec::new();
        let mut next_due = None;
        let mut cursor = self.cursor;
        let mut mark = None;
        self.behind = self.store.read(|tx| {
            changes.clear();
            let mut bytes = 0;
            let mut full = false;
            cursor = self.cursor;
            let span = tx.check_mark(self.cursor, self.mark)?;
            tx.changes(self.cursor, self.selection.group.as_deref(), with_values, |change| {
                cursor = change.seq;
                if self.selection.takes(&change, tx.scope) {
                    bytes += change.bytes;
                    changes.push(change);
                }
                full = changes.len() >= BATCH_CHANGES || bytes >= BATCH_BYTES;
                Ok(if full { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
            })?;
            if !full {
                cursor = cursor.max(span.newest);
            }
            mark = tx.log_mark(cursor)?;
            next_due = tx.next_due()?;
            Ok(full)
        })?;
        self.cursor = cursor;
        self.mark = mark;
        self.next_due = next_due;
        self.seen = Some(version);
        Ok(changes)
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

    /// Makes sure, after others have committed, that the log goes on where it
    /// was left, and that the triggers still write it. Before anything is
    /// claimed: that would lengthen a log that was cut short.
    fn verify(&mut self) -> Result<()> {
        let cookie = self.store.read(|tx| {
            let cookie = tx.schema_cookie()?;
            if self.cookie != Some(cookie) {
                tx.verify_schema(self.store.path())?;
            }
            tx.check_mark(self.cursor, self.mark)?;
            Ok(cookie)
        })?;
        self.cookie = Some(cookie);
        Ok(())
    }

    /// Removes what is due, so that the log reports it. A store this process
    /// may not write to leaves that to others.
    fn claim(&mut self) {
        self.cannot_claim = loop {
            match self.store.read(|tx| Ok(tx.next_due()?.is_some_and(|at| at <= tx.now))) {
                Ok(false) => break false,
                Ok(true) => {}
                Err(_) => break true,
            }
            // Without larder's triggers nothing would be logged.
            let claimed = self.store.write(|tx| {
                let logged = self.cookie == Some(tx.schema_cookie()?);
                if logged {
                    tx.claim_due(CLAIM)?;
                }
                Ok(logged)
            });
            if !claimed.is_ok_and(|logged| logged) {
                break true;
            }
        };
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
        if let Some(due) = self.next_due.filter(|_| !self.cannot_claim) {
            let left = due.since(self.store.now());
            at_most = at_most.min(Duration::from_millis(u64::try_from(left).unwrap_or(0)));
        }
        let mut fds: Vec<_> = self.bell.iter().map(AsFd::as_fd).collect();
        match self.ripples.as_ref().map(|ripples| (ripples, ripples.next_look())) {
            Some((_, Some(left))) => at_most = at_most.min(left),
            Some((ripples, None)) => fds.push(ripples.as_fd()),
            None => {}
        }
        control.wait(&fds, at_most)
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
    }
}
