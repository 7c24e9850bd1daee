//! What is heard of those who write to a store.

use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use super::bell::Bell;
use super::wal::WalWatch;
use crate::store::sqlite::connection::Store;

/// Hears of every write to one store from the moment it is made, as far as the
/// kernel has watches to spare: whoever waits looks now and then all the same.
#[derive(Debug)]
pub struct Hearing {
    bell: Option<Bell>,
    wal: Option<WalWatch>,
}

impl Store {
    /// Hears of writes to the store from now on.
    #[must_use]
    pub fn hearing(&self) -> Hearing {
        Hearing { bell: Bell::new(self.path()), wal: WalWatch::new(self.path()) }
    }
}

impl Hearing {
    /// Takes note of what is to be heard so far. To be called before looking
    /// for what was written: what comes after is then still to be heard.
    pub fn hear(&self) {
        if let Some(bell) = &self.bell {
            bell.hush();
        }
        if let Some(wal) = &self.wal {
            wal.note();
        }
    }

    /// Descriptors that become readable when there is something to hear.
    #[must_use]
    pub fn descriptors(&self) -> Vec<BorrowedFd<'_>> {
        let mut fds: Vec<_> = self.bell.iter().map(AsFd::as_fd).collect();
        // While looks are under way nothing more is listened for.
        fds.extend(self.wal.iter().filter(|wal| wal.next_look().is_none()).map(AsFd::as_fd));
        fds
    }

    /// How long until it is worth a look without anything being heard; `None`
    /// if nothing is known of.
    #[must_use]
    pub fn time_left(&self) -> Option<Duration> {
        self.wal.as_ref().and_then(WalWatch::next_look)
    }
}
