//! What is held, and what may be.

use crate::clock::Timestamp;
use crate::model::Namespace;

/// A namespace's limits; `None` is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Most live keys.
    pub keys: Option<i64>,
    /// Most bytes of live keys and values.
    pub bytes: Option<i64>,
    /// Most groups with a live key.
    pub groups: Option<i64>,
}

/// What a scope holds: live entries only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Holdings {
    /// Live keys.
    pub keys: i64,
    /// Bytes of their keys and values.
    pub bytes: i64,
    /// Groups with a live key.
    pub groups: i64,
    /// Namespaces that hold a live key or have a quota.
    pub namespaces: i64,
    /// When the next entry expires.
    pub next_expiry: Option<Timestamp>,
}

/// Live use of a namespace, and its limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamespaceUsage {
    /// The namespace.
    pub namespace: Namespace,
    /// Live keys.
    pub keys: i64,
    /// Bytes of live keys and values.
    pub bytes: i64,
    /// Groups with a live key.
    pub groups: i64,
    /// Its quota.
    pub limits: Limits,
    /// When its next entry expires.
    pub next_expiry: Option<Timestamp>,
}

impl NamespaceUsage {
    /// A namespace that holds nothing and limits nothing.
    #[must_use]
    pub fn empty(namespace: Namespace) -> Self {
        Self { namespace, keys: 0, bytes: 0, groups: 0, limits: Limits::default(), next_expiry: None }
    }
}
