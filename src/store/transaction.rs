//! A transaction: what every operation of the store is a method of.

use rusqlite::Connection;

use super::Scope;
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
}
