//! A transaction: what every operation of the store is a method of.

use std::cell::{Cell, OnceCell};

use rusqlite::Connection;

use crate::clock::Timestamp;
use crate::model::Scope;
use crate::store::Caller;
use crate::store::sqlite::data::access::Rights;

/// An open transaction, at one moment, in one scope. Operations on entries,
/// groups, quotas and the log are methods, one file per noun.
#[derive(Debug)]
pub struct Transaction<'a> {
    pub(in crate::store::sqlite) conn: &'a Connection,
    /// The present, the same for every operation of the transaction.
    pub now: Timestamp,
    /// The namespace operations are confined to.
    pub scope: &'a Scope,
    /// Who asks; `None` is the process's own user and groups.
    pub(in crate::store::sqlite) caller: Option<&'a Caller>,
    /// The caller's real user id.
    pub(in crate::store::sqlite) uid: u32,
    /// The user id that owns the file.
    pub(in crate::store::sqlite) owner: u32,
    /// What the caller may do, once it has been asked.
    pub(in crate::store::sqlite) rights: OnceCell<Rights>,
    /// The newest change that need not be told any more who made it.
    pub(in crate::store::sqlite) signed: Cell<i64>,
}

impl<'a> Transaction<'a> {
    /// A transaction on a file that is the caller's own affair, such as a copy
    /// being made: nothing in it is denied.
    pub(in crate::store::sqlite) fn unchecked(
        conn: &'a Connection,
        now: Timestamp,
        scope: &'a Scope,
    ) -> Self {
        Self {
            conn,
            now,
            scope,
            caller: None,
            uid: 0,
            owner: 0,
            rights: OnceCell::new(),
            signed: Cell::new(0),
        }
    }
}
