//! JSON: the records of the contract.
//!
//! A stored group is shown as namespace and group: inside a scope, and outside
//! wherever the name has a namespace's prefix. `import` puts them together
//! again.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use crate::clock::Timestamp;
use crate::exit::Report;
use crate::store::{Change, Entry, split_stored};

/// A value: text if it is UTF-8, else base64.
#[derive(Debug, Default, Serialize)]
struct Value {
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value_b64: Option<String>,
}

impl Value {
    fn new(bytes: Option<Vec<u8>>) -> Self {
        match bytes.map(String::from_utf8) {
            None => Self::default(),
            Some(Ok(text)) => Self { value: Some(text), value_b64: None },
            Some(Err(e)) => Self { value: None, value_b64: Some(STANDARD.encode(e.into_bytes())) },
        }
    }
}

/// An entry; without its value if the store left it out.
#[derive(Debug, Serialize)]
pub struct EntryRecord {
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    group: String,
    key: String,
    #[serde(flatten)]
    value: Value,
    version: i64,
    bytes: i64,
    updated_at: String,
    expires_at: Option<String>,
    ttl_ms: Option<i64>,
}

impl EntryRecord {
    /// The record of `entry` at the moment `now`.
    #[must_use]
    pub fn new(entry: Entry, now: Timestamp) -> Self {
        let (namespace, group) = names(&entry.group);
        Self {
            namespace,
            group,
            key: entry.key,
            value: Value::new(entry.value),
            version: entry.version,
            bytes: entry.bytes,
            updated_at: entry.updated_at.to_string(),
            expires_at: entry.expires_at.map(|at| at.to_string()),
            // One of the past, from the change log, has nothing left.
            ttl_ms: entry.expires_at.map(|at| at.since(now).max(0)),
        }
    }
}

/// A change.
#[derive(Debug, Serialize)]
pub struct ChangeRecord {
    seq: i64,
    at: String,
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    group: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    #[serde(flatten)]
    value: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
}

impl ChangeRecord {
    /// The record of `change`.
    #[must_use]
    pub fn new(change: Change) -> Self {
        let (namespace, group) = names(&change.group);
        Self {
            seq: change.seq,
            at: change.at.to_string(),
            r#type: change.kind.as_str(),
            namespace,
            group,
            key: change.key,
            value: Value::new(change.value),
            expires_at: change.expires_at.map(|at| at.to_string()),
        }
    }
}

/// An error, as the one line that standard error gets.
#[must_use]
pub fn error(report: &Report) -> String {
    #[derive(Serialize)]
    struct ErrorRecord<'a> {
        error: &'static str,
        code: u8,
        message: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        hint: Option<&'a str>,
    }
    let record = ErrorRecord {
        error: report.exit.name(),
        code: report.exit.code(),
        message: &report.message,
        hint: report.hint.as_deref(),
    };
    serde_json::to_string(&record).unwrap_or_default()
}

/// Adds a value to a record: as `value`, or as `value_b64` if it is no text.
pub fn put_value(record: &mut serde_json::Value, bytes: Vec<u8>) {
    match String::from_utf8(bytes) {
        Ok(text) => record["value"] = text.into(),
        Err(e) => record["value_b64"] = STANDARD.encode(e.into_bytes()).into(),
    }
}

/// A stored group as namespace and group.
#[must_use]
pub fn names(stored: &str) -> (Option<String>, String) {
    let (namespace, group) = split_stored(stored);
    (namespace.map(|ns| ns.as_str().to_owned()), group.to_owned())
}
