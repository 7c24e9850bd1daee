//! The words of the contract as types: what a store holds and says, whichever
//! engine keeps it. Nothing here reads or writes anything.

mod change;
mod consumer;
mod entry;
mod error;
mod glob;
mod grant;
mod group;
mod job;
mod name;
mod scope;
mod usage;

pub use change::{Change, ChangeKind, Expired, KeepChanges, LogMark, LogSpan, Purged};
pub use consumer::Consumer;
pub(crate) use entry::entry_bytes;
pub use entry::{Condition, Entry, EntryRef, Expiry, MAX_ENTRY_BYTES, check_length, check_size};
pub(crate) use error::shown;
pub use error::{Error, Result};
pub use glob::Glob;
pub(crate) use grant::NOBODY;
pub use grant::{Grant, Level, Principal};
pub use group::{Group, Keys};
pub use job::{Ended, Job, JobCounts, JobState, Outcome, Outlook, Terms, Turn};
pub use name::Name;
pub use scope::{Namespace, Scope, namespace_of};
pub use usage::{Holdings, Limits, NamespaceUsage};
