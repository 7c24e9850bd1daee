//! The store, as the rest of larder sees it.
//!
//! Commands speak to [`Store`] and [`Transaction`] in the contract's words:
//! groups, keys, versions, conditions, changes. How an engine keeps them is its
//! own affair: [`sqlite`] alone knows files, locks and SQL.

mod sqlite;

pub use sqlite::schema;
pub use sqlite::{
    Bulk, Caller, Change, ChangeKind, Checkup, Claim, Claimed, Condition, Consumer, Entry, EntryRef, Error,
    Expired, Expiry, Files, Finding, FindingKind, Glob, Grant, Group, Holdings, Horizon, KeepChanges, Keys,
    Level, Limits, LogMark, LogSpan, MAX_ENTRY_BYTES, Name, Namespace, NamespaceUsage, Principal, Progress,
    Protection, Purged, Remedy, Restored, Result, Scope, Sizes, Source, Stage, Store, StoreOptions,
    Transaction, admit, attended, check, check_length, check_size, hold, is_held, is_missing,
    is_part_of_store, lock_shared, namespace_of, resolve, restore, sqlite_version, take_bell,
};
