//! Opening the file, and everything the operating system keeps for it: paths,
//! descriptors, locks, the clock that SQLite asks.

pub(super) mod advisory_lock;
pub(super) mod companions;
pub(super) mod descriptors;
pub(super) mod ofd_lock;
pub(super) mod open;
pub(super) mod path;
pub(super) mod room;
pub(super) mod vfs;
pub(super) mod waiting;
