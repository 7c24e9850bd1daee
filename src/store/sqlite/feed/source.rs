//! A position in the log of one file, and whether the file and the log are
//! still the ones that were read so far.

use std::rc::Rc;
use std::time::Duration;

use super::expirer::Expirer;
use crate::model::{Error, LogMark, LogSpan, Result};
use crate::store::sqlite::connection::Store;
use crate::store::sqlite::transaction::Snapshot;

/// A position in the change log of one store.
#[derive(Debug)]
pub(in crate::store) struct Source {
    store: Rc<Store>,
    expirer: Rc<Expirer>,
    position: i64,
    /// What stood at the position when it was last moved.
    mark: Option<LogMark>,
    /// Device and inode, to notice a store that was deleted or replaced.
    identity: (u64, u64),
    /// SQLite's count of other connections' commits, as of the last look.
    seen: Option<i64>,
}

/// What a look found out; to be given to [`Source::read_on`].
#[derive(Clone, Copy, Debug)]
pub(in crate::store) struct Look {
    /// Whether there may be something new in the log.
    pub news: bool,
    version: i64,
}

impl Source {
    /// Begins after position `after`, if `permit` has nothing against it.
    ///
    /// # Errors
    /// [`Error::Trimmed`] or [`Error::Usage`] if the log does not have that
    /// position any more, or yet.
    pub fn new(store: Rc<Store>, after: i64, permit: impl Fn(&Snapshot<'_>) -> Result<()>) -> Result<Self> {
        let expirer = Expirer::new(Rc::clone(&store));
        let identity = store.identity()?;
        let (span, mark) = store.read(|tx| {
            permit(tx)?;
            Ok((tx.log_span()?, tx.log_mark(after)?))
        })?;
        if !span.reaches_back_to(after) {
            return Err(Error::Trimmed { after, oldest: span.oldest });
        }
        if after > span.newest {
            return Err(Error::Usage(format!("position {after} is past the newest change, {}", span.newest)));
        }
        expirer.set_position(after, mark);
        Ok(Self { store, expirer: Rc::new(expirer), position: after, mark, identity, seen: None })
    }

    pub fn store(&self) -> &Store {
        &self.store
    }

    pub fn expirer(&self) -> &Rc<Expirer> {
        &self.expirer
    }

    pub fn position(&self) -> i64 {
        self.position
    }

    /// Hears what others have done, and removes some of what has expired, so
    /// that it is among what is read next. Nothing of this costs a store where
    /// nothing happens a transaction.
    ///
    /// # Errors
    /// [`Error::Trimmed`] if the log is no longer the one that was read so far;
    /// [`Error::Unusable`] if the store is gone, or no longer logs as it should.
    pub fn look(&mut self) -> Result<Look> {
        self.expirer.hear();
        if self.store.identity().ok() != Some(self.identity) {
            return Err(Error::unusable(self.store.path(), "was deleted or replaced while being watched"));
        }
        // Read before the log: what is committed in between is looked at twice
        // rather than missed.
        let version = self.store.data_version()?;
        let changed = self.seen != Some(version);
        if changed {
            self.expirer.verify()?;
        }
        self.expirer.step();
        let removed = self.expirer.take_removed();
        Ok(Look { news: changed || removed, version })
    }

    /// Has `f` read what follows the position, in a transaction that knows how
    /// far the log reaches; `f` says what it found and where it ended, and that
    /// is the position then.
    ///
    /// # Errors
    /// As [`Source::look`], and what `f` says.
    pub fn read_on<T>(
        &mut self,
        look: Look,
        f: impl Fn(&Snapshot<'_>, LogSpan, i64) -> Result<(T, i64)>,
    ) -> Result<T> {
        let (found, reached, mark) = self.store.read(|tx| {
            let span = tx.check_mark(self.position, self.mark)?;
            let (found, reached) = f(tx, span, self.position)?;
            Ok((found, reached, tx.log_mark(reached)?))
        })?;
        (self.position, self.mark, self.seen) = (reached, mark, Some(look.version));
        self.expirer.set_position(reached, mark);
        Ok(found)
    }

    /// Moves a consumer to the position.
    pub fn move_consumer(&self, name: &str) -> Result<()> {
        self.store.move_consumer(name, self.position, self.mark)
    }

    /// How long later calls wait for other processes' locks.
    pub fn set_patience(&self, patience: Duration) {
        self.store.set_busy_timeout(patience);
    }
}
