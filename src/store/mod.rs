//! The store: one SQLite file, its format, and everything that is done to it.
//!
//! # The format
//!
//! A WAL-mode SQLite database in UTF-8 whose schema is `schema/tables.sql` and
//! `schema/triggers.sql`, where every table, column and trigger is explained.
//! `application_id` is [`schema::APPLICATION_ID`], `user_version` is
//! [`schema::VERSION`].
//!
//! Invariants, kept by the triggers whichever client writes:
//!
//! * every change of `entries` is in `larder_changes`, in commit order;
//! * an entry's `version` is the `seq` of the change that wrote it;
//! * `larder_groups` and `larder_namespaces` say what `entries` holds, due
//!   rows included;
//! * no write takes a namespace past a limit it was not past before.
//!
//! # The rooms
//!
//! One file per noun. [`Store`] opens and locks; every operation is a method
//! of [`Transaction`] and runs inside [`Store::read`] or [`Store::write`].
//! Nothing here knows arguments, terminals or the environment.

mod access;
mod attend;
mod backup;
mod beside;
mod bulk;
mod changes;
mod check;
mod claim;
mod companions;
mod connection;
mod consumers;
mod copy;
mod descriptors;
#[cfg(test)]
mod effort;
mod entries;
mod error;
mod expiries;
mod findings;
mod glob;
mod grants;
mod groups;
mod guard;
mod held;
mod info;
mod migrations;
mod name;
mod namespaces;
mod ofd;
mod opening;
mod place;
mod purge;
mod quotas;
mod repair;
mod restore;
mod ruin;
mod scan;
pub mod schema;
mod scope;
mod seal;
mod strays;
mod tally;
mod transaction;
mod upgrades;
mod vfs;
mod waiting;

pub use access::{Caller, Protection};
pub use attend::attended;
pub use bulk::Bulk;
pub use changes::{Change, ChangeKind, LogMark, LogSpan};
pub use check::{Checkup, check};
pub use claim::{Claim, Claimed};
pub use connection::{Store, StoreOptions};
pub use consumers::Consumer;
pub use copy::{Progress, Stage};
pub use entries::{Condition, Entry, Expiry, MAX_ENTRY_BYTES, check_length, check_size};
pub use error::{Error, Result, quote};
pub use findings::{Finding, FindingKind, Remedy};
pub use glob::Glob;
pub use grants::{Grant, Level, Principal};
pub use groups::{Group, Keys};
pub use held::{Files, admit, hold, is_held, lock_shared, take_bell};
pub use info::{Holdings, Sizes, sqlite_version};
pub use name::Name;
pub use namespaces::NamespaceUsage;
pub use place::{is_missing, is_part_of_store, resolve};
pub use purge::{Expired, Horizon, KeepChanges, Purged};
pub use quotas::Limits;
pub use restore::{Restored, restore};
pub use scan::EntryRef;
pub use scope::{Namespace, Scope, namespace_of};
pub use transaction::Transaction;
