//! The bell: a writer touches the database's times after its commit, and the
//! kernel tells whoever waits.
//!
//! Watching the write-ahead log instead would miss the last commit: it is
//! written before it is visible. A writer that is not larder rings no bell; for
//! those there are the ripples, and the interval of the watch.

use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};

use crate::store::sqlite::vault::take_bell;

/// Hears every bell of one store from the moment it is made.
#[derive(Debug)]
pub(super) struct Bell {
    inotify: Inotify,
}

impl Bell {
    /// `None` where the kernel has no watch to spare; then the interval does
    /// alone.
    #[must_use]
    pub(super) fn new(path: &Path) -> Option<Self> {
        if let Some(inotify) = take_bell(path) {
            return Some(Self { inotify });
        }
        let inotify = Inotify::init(InitFlags::IN_NONBLOCK | InitFlags::IN_CLOEXEC).ok()?;
        inotify
            .add_watch(
                path,
                AddWatchFlags::IN_ATTRIB | AddWatchFlags::IN_MODIFY | AddWatchFlags::IN_MOVE_SELF,
            )
            .ok()?;
        Some(Self { inotify })
    }

    /// Forgets the rings so far. To be called before reading the log: a ring
    /// that comes after is then still there to be heard.
    pub fn hush(&self) {
        while self.inotify.read_events().is_ok_and(|events| !events.is_empty()) {}
    }
}

impl AsFd for Bell {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inotify.as_fd()
    }
}
