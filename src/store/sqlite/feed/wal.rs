//! What is heard of a writer that rings no bell: it writes to the log.
//!
//! A commit is visible only some time after the log was written, so hearing of
//! it is a reason to look several times, soon. While those looks are under way
//! nothing more is listened for: a bulk load costs a look every few
//! milliseconds, however much it writes.

use std::cell::Cell;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};

use crate::store::sqlite::vault::is_held;

/// When to look after the log was written to: syncing it takes anything from
/// nothing to tens of milliseconds.
const LOOKS: [Duration; 4] = [
    Duration::from_millis(5),
    Duration::from_millis(20),
    Duration::from_millis(50),
    Duration::from_millis(100),
];

/// Hears of writes to the log of one store.
#[derive(Debug)]
pub struct WalWatch {
    inotify: Inotify,
    wal: PathBuf,
    /// When the log was last found written to, and how many looks ago.
    since: Cell<Instant>,
    looks: Cell<usize>,
}

impl WalWatch {
    /// `None` where the kernel has no watch to spare, or where the files are
    /// out of reach; then the interval does alone.
    #[must_use]
    pub(super) fn new(store: &Path) -> Option<Self> {
        if is_held(store) {
            return None;
        }
        let inotify = Inotify::init(InitFlags::IN_NONBLOCK | InitFlags::IN_CLOEXEC).ok()?;
        // SQLite follows symbolic links before it names the log.
        let mut wal = std::fs::canonicalize(store).ok()?.into_os_string();
        wal.push("-wal");
        Some(Self {
            inotify,
            wal: wal.into(),
            since: Cell::new(Instant::now()),
            looks: Cell::new(LOOKS.len()),
        })
    }

    /// Takes note of what was written so far. To be called before looking for
    /// commits.
    pub fn note(&self) {
        // Each time anew, as the log may have been deleted and made again.
        let _ = self.inotify.add_watch(&self.wal, AddWatchFlags::IN_MODIFY);
        let now = Instant::now();
        let mut written = false;
        while self.inotify.read_events().is_ok_and(|events| !events.is_empty()) {
            written = true;
        }
        if written {
            self.since.set(now);
            self.looks.set(0);
        }
        while LOOKS.get(self.looks.get()).is_some_and(|look| now >= self.since.get() + *look) {
            self.looks.set(self.looks.get() + 1);
        }
    }

    /// How long until the next look is due; `None` if none is.
    #[must_use]
    pub fn next_look(&self) -> Option<Duration> {
        let at = self.since.get() + *LOOKS.get(self.looks.get())?;
        Some(at.saturating_duration_since(Instant::now()))
    }
}

impl AsFd for WalWatch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inotify.as_fd()
    }
}
