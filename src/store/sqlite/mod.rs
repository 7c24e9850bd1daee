//! The SQLite engine: one file, its format, and everything that is done to it.
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
//! * `file`: opening, paths, descriptors, the locks of the operating system;
//! * `schema`: the tables and triggers, how they are read, verified, migrated;
//! * `data`: what the file holds, one module per noun;
//! * `feed`: the log as it grows, and what is heard of other writers;
//! * `check`: looking for damage, and repairing it;
//! * `copy`: backup and restore;
//! * `vault`: a store whose file the caller cannot open.
//!
//! [`Store`] opens and locks; every operation is a method of [`Transaction`]
//! and runs inside [`Store::read`] or [`Store::write`]. Nothing here knows
//! arguments, terminals or the environment.

mod attend;
mod check;
mod connection;
mod copy;
mod data;
#[cfg(test)]
mod effort;
mod error;
pub(in crate::store) mod feed;
mod file;
pub mod schema;
mod transaction;
mod vault;

pub use attend::attended;
pub use check::examine::{Finding, FindingKind, Remedy};
pub use check::{Checkup, check};
pub use connection::{Store, StoreOptions};
pub use copy::restore::{Restored, Source, restore};
pub use copy::{Progress, Stage};
pub use data::access::{Caller, Protection};
pub use data::bulk::Bulk;
pub use data::info::{Sizes, sqlite_version};
pub use data::purge::Horizon;
pub use feed::Hearing;
pub use file::advisory_lock::{Claim, Claimed};
pub use file::path::{is_missing, is_part_of_store, resolve};
pub use schema::legacy::Migrated;
pub use transaction::{Snapshot, Transaction};
pub use vault::enter::{Elevated, Entered, Refusal, elevated};
pub use vault::{admit, is_held};
