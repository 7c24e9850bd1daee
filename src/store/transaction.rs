//! A transaction: what every operation of the store is a method of.

use std::cell::OnceCell;

use rusqlite::Connection;

use super::access::Rights;
use super::{Caller, Scope};
use crate::clock::Timestamp;

/// An open transaction, at one moment, in one scope. Operations on entries,
/// groups, quotas and the log are methods, one file per noun.
#[derive(Debug)]
pub struct Transaction<'a> {
    pub(super) conn: &'a Connection,
    /// The present, the same for every operation of the transaction.
    pub now: Timestamp,
    /// The namespace operations are confined to.
    pub scope: &'a Scope,
    /// Who asks; `None` is the process's own user and groups.
    pub(super) caller: Option<&'a Caller>,
    /// The caller's real user id.
    pub(super) uid: u32,
    /// The user id that owns the file.
    pub(super) owner: u32,
    /// What the caller may do, once it has been asked.
    pub(super) rights: OnceCell<Rights>,
}

impl<'a> Transaction<'a> {
    /// A transaction on a file that is the caller's own affair, such as a copy
    /// being made: nothing in it is denied.
    pub(super) fn unchecked(conn: &'a Connection, now: Timestamp, scope: &'a Scope) -> Self {
        Self { conn, now, scope, caller: None, uid: 0, owner: 0, rights: OnceCell::new() }
    }
}
