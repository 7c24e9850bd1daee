//! The store, as the rest of larder sees it.
//!
//! Commands speak to [`Store`] and [`Transaction`] in the contract's words:
//! groups, keys, versions, conditions, changes. How an engine keeps them is its
//! own affair: [`sqlite`] alone knows files, locks and SQL. A [`Feed`] follows
//! the changes of a store.

mod feed;
mod rules;
mod selection;
mod sqlite;

pub use crate::model::*;
pub use feed::{Batch, Feed, Portion, Upkeep};
pub use selection::Selection;
pub use sqlite::schema;
pub use sqlite::{
    Bulk, Caller, Checkup, Claim, Claimed, Elevated, Entered, Finding, FindingKind, Hearing, Horizon,
    Migrated, Progress, Protection, Refusal, Remedy, Restored, Sizes, Snapshot, Source, Stage, Store,
    StoreOptions, Transaction, admit, attended, check, elevated, is_held, is_missing, is_part_of_store,
    resolve, restore, sqlite_version,
};
