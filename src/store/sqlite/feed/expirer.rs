//! What a watch hears of its store, and what it does unasked: expired entries
//! are removed on time, in small steps, so that the log reports them.
//!
//! This goes on while whoever reads the log is busy with what it read; see
//! [`Upkeep`]. A step never waits long for the write lock:
//! to read the log a watch needs none.

use std::cell::{Cell, RefCell};
use std::os::fd::BorrowedFd;
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime};

use super::hearing::Hearing;
use crate::clock::Timestamp;
use crate::model::{Error, LogMark, Result};
use crate::store::feed::Upkeep;
use crate::store::sqlite::connection::Store;

/// How long a step waits for the write lock.
const TIMEOUT: Duration = Duration::from_millis(10);

/// Pause between two steps. At least as long as a step took, so that writers
/// find the lock free half of the time; longer while another watcher is at the
/// same work, or the store is locked.
const SHORTEST_PAUSE: Duration = Duration::from_millis(2);
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// Pause after an attempt that failed for good, as in a store that this process
/// may not write to.
const RETRY: Duration = Duration::from_millis(250);

/// Hears of writes to one store, and removes what has expired in it.
pub(in crate::store) struct Expirer {
    store: Rc<Store>,
    hearing: Hearing,
    /// How far the log was read, and what stood there.
    position: Cell<(i64, Option<LogMark>)>,
    /// The schema's cookie when the schema was last found to be larder's.
    cookie: Cell<Option<i64>>,
    /// SQLite's count of other connections' commits, as of the last look.
    seen: Cell<Option<i64>>,
    /// When the next entry expires, as of the last look.
    next_due: Cell<Option<Timestamp>>,
    /// When the next step may be, and the pause before it.
    not_before: Cell<Option<Instant>>,
    pause: Cell<Duration>,
    /// Whether anything was removed since the log was last read.
    removed: Cell<bool>,
    /// Whether nothing is to be removed.
    only_hears: Cell<bool>,
    /// Called when there is something new in the log.
    on_news: RefCell<Option<Box<dyn Fn()>>>,
}

impl std::fmt::Debug for Expirer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Expirer").field("next_due", &self.next_due).finish_non_exhaustive()
    }
}

impl Expirer {
    /// One that hears of `store` and removes what has expired in it.
    #[must_use]
    pub fn new(store: Rc<Store>) -> Self {
        let hearing = store.hearing();
        Self {
            store,
            hearing,
            position: Cell::default(),
            cookie: Cell::default(),
            seen: Cell::default(),
            next_due: Cell::default(),
            not_before: Cell::default(),
            pause: Cell::new(SHORTEST_PAUSE),
            removed: Cell::default(),
            only_hears: Cell::default(),
            on_news: RefCell::default(),
        }
    }

    /// Leaves what has expired to others from now on.
    pub fn only_hear(&self) {
        self.only_hears.set(true);
    }

    /// Has `tell` called whenever others have committed, or something was
    /// removed.
    pub fn on_news(&self, tell: impl Fn() + 'static) {
        self.on_news.replace(Some(Box::new(tell)));
    }

    fn tell_news(&self) {
        if let Some(tell) = &*self.on_news.borrow() {
            tell();
        }
    }

    /// Takes note of what is to be heard so far; see [`Hearing::hear`].
    pub fn hear(&self) {
        self.hearing.hear();
    }

    /// Whether a step is due.
    #[must_use]
    pub fn is_time(&self) -> bool {
        !self.only_hears.get()
            && self.next_due.get().is_some_and(|due| due <= self.store.now())
            && self.not_before.get().is_none_or(|at| Instant::now() >= at)
    }

    /// Whether anything was removed since the last call.
    pub fn take_removed(&self) -> bool {
        self.removed.take()
    }

    /// Says how far the log has been read: it must not be lengthened if it was
    /// set back since.
    pub fn set_position(&self, cursor: i64, mark: Option<LogMark>) {
        self.position.set((cursor, mark));
    }

    /// Makes sure, after others have committed, that the log goes on where it
    /// was left, and that the triggers still write it. Before anything is
    /// removed: that would lengthen a log that was cut short.
    ///
    /// # Errors
    /// As [`Source::look`](super::source::Source::look).
    pub fn verify(&self) -> Result<()> {
        self.tell_news();
        let (cursor, mark) = self.position.get();
        let (cookie, next_due) = self.store.read(|tx| {
            let cookie = tx.schema_cookie()?;
            if self.cookie.get() != Some(cookie) {
                tx.verify_schema(self.store.path())?;
            }
            tx.check_mark(cursor, mark)?;
            Ok((cookie, tx.next_due()?))
        })?;
        self.cookie.set(Some(cookie));
        self.next_due.set(next_due);
        Ok(())
    }

    /// Removes some of what has expired, if it is time, so that the log reports
    /// it. A store that this process may not write to leaves that to others.
    pub fn step(&self) {
        if !self.is_time() {
            return;
        }
        let known = self.next_due.get();
        let (cursor, mark) = self.position.get();
        let started = Instant::now();
        let expired = self.store.expire_due(TIMEOUT, |tx| {
            tx.check_mark(cursor, mark)?;
            // Without larder's triggers nothing would be logged.
            Ok(self.cookie.get() == Some(tx.schema_cookie()?))
        });
        let pause = match expired {
            Ok(Some(expired)) => {
                self.next_due.set(expired.next);
                if expired.entries > 0 {
                    self.removed.set(true);
                    self.tell_news();
                }
                // Somebody else has removed what was known to be due.
                let rival = expired.first.is_none_or(|first| known.is_some_and(|known| first > known));
                if rival {
                    self.longer_pause()
                } else {
                    started.elapsed().clamp(SHORTEST_PAUSE, LONGEST_PAUSE)
                }
            }
            Err(Error::Busy(_)) => self.longer_pause(),
            Ok(None) | Err(_) => RETRY,
        };
        self.pause.set(pause.min(LONGEST_PAUSE));
        self.not_before.set(Some(Instant::now() + pause));
    }

    /// Twice the last pause, give or take: not in step with others.
    fn longer_pause(&self) -> Duration {
        let nanos =
            SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |now| now.subsec_nanos());
        let part = ((nanos / 1000) ^ std::process::id()) % 50;
        (self.pause.get() * (175 + part) / 100).min(LONGEST_PAUSE * (75 + part) / 100)
    }
}

impl Upkeep for Expirer {
    fn descriptors(&self) -> Vec<BorrowedFd<'_>> {
        self.hearing.descriptors()
    }

    fn time_left(&self) -> Option<Duration> {
        let look = self.hearing.time_left();
        let due = self.next_due.get().filter(|_| !self.only_hears.get());
        let step = due.map(|due| {
            let left = u64::try_from(due.since(self.store.now())).unwrap_or(0);
            let pause = self.not_before.get().map(|at| at.saturating_duration_since(Instant::now()));
            Duration::from_millis(left).max(pause.unwrap_or_default())
        });
        [look, step].into_iter().flatten().min()
    }

    fn look(&self) {
        self.hear();
        if let Ok(version) = self.store.data_version()
            && self.seen.get() != Some(version)
            && self.verify().is_ok()
        {
            self.seen.set(Some(version));
        }
        self.step();
    }
}
