//! What the file holds, one module per noun. Every operation is a method of
//! [`Transaction`](crate::store::Transaction).

pub(super) mod access;
pub(super) mod author;
pub(super) mod bulk;
pub(super) mod changes;
pub(super) mod columns;
pub(super) mod consumers;
pub(super) mod counters;
pub(super) mod entries;
pub(super) mod expiries;
pub(super) mod groups;
pub(super) mod info;
pub(super) mod jobs;
pub(super) mod namespaces;
pub(super) mod purge;
pub(super) mod quotas;
pub(super) mod scan;
