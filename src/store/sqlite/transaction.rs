//! A snapshot and a transaction: what every operation of the store is a method
//! of.

use std::cell::OnceCell;
use std::ops::Deref;

use rusqlite::{CachedStatement, Connection, Params, Row, Statement};

use crate::clock::Timestamp;
use crate::model::Scope;
use crate::store::Caller;
use crate::store::sqlite::data::access::Rights;

/// A snapshot of the store, in one scope: everything that reads. Operations are
/// methods, one file per noun.
#[derive(Debug)]
pub struct Snapshot<'a> {
    pub(in crate::store::sqlite) conn: Reading<'a>,
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
}

/// A transaction that holds the write lock: a snapshot that can also be
/// written to. Writes to `entries` go by [the rules](crate::store::rules), as
/// no trigger runs on larder's own connections.
#[derive(Debug)]
pub struct Transaction<'a> {
    pub(in crate::store::sqlite) conn: &'a Connection,
    snapshot: Snapshot<'a>,
}

impl<'a> Transaction<'a> {
    pub(in crate::store::sqlite) fn new(conn: &'a Connection, snapshot: Snapshot<'a>) -> Self {
        Self { conn, snapshot }
    }

    /// A transaction on a file that is the caller's own affair, such as a copy
    /// being made: nothing in it is denied.
    pub(in crate::store::sqlite) fn unchecked(
        conn: &'a Connection,
        now: Timestamp,
        scope: &'a Scope,
    ) -> Self {
        let rights = OnceCell::new();
        let snapshot = Snapshot { conn: Reading(conn), now, scope, caller: None, uid: 0, owner: 0, rights };
        Self { conn, snapshot }
    }
}

impl<'a> Deref for Transaction<'a> {
    type Target = Snapshot<'a>;

    fn deref(&self) -> &Snapshot<'a> {
        &self.snapshot
    }
}

/// A connection for statements that read.
#[derive(Clone, Copy, Debug)]
pub(in crate::store::sqlite) struct Reading<'a>(pub(in crate::store::sqlite) &'a Connection);

impl<'a> Reading<'a> {
    pub fn prepare(self, sql: &str) -> rusqlite::Result<Statement<'a>> {
        self.0.prepare(sql).inspect(only_reads)
    }

    pub fn prepare_cached(self, sql: &str) -> rusqlite::Result<CachedStatement<'a>> {
        self.0.prepare_cached(sql).inspect(|statement| only_reads(statement))
    }

    pub fn query_row<T, P: Params>(
        self,
        sql: &str,
        params: P,
        f: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        self.prepare(sql)?.query_row(params, f)
    }

    /// The connection itself, for what reads the file as SQLite has it.
    pub fn connection(self) -> &'a Connection {
        self.0
    }
}

fn only_reads(statement: &Statement<'_>) {
    debug_assert!(statement.readonly(), "a snapshot does not write");
}
