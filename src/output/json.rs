//! JSON: the records of the contract.
//!
//! A group is what the same command line takes as GROUP: in a scope its name
//! within the namespace, beside that namespace; else the whole stored name. A
//! name that is not UTF-8 is `group_b64` or `key_b64`, in base64, in place of
//! `group` or `key`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use crate::clock::Timestamp;
use crate::exit::Report;
use crate::model::{Change, Entry, JobState, Name, Scope};

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

/// A group, as the scope names it.
#[derive(Debug, Serialize)]
struct Place {
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group_b64: Option<String>,
}

impl Place {
    fn new(stored: &Name<'_>, scope: &Scope) -> Self {
        let (group, group_b64) = text_or_base64(scope.name_of(stored));
        Self { namespace: scope.0.as_ref().map(|ns| ns.as_str().to_owned()), group, group_b64 }
    }
}

/// A key; neither field if there is none.
#[derive(Debug, Serialize)]
struct Key {
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_b64: Option<String>,
}

impl Key {
    fn new(key: Option<Name<'_>>) -> Self {
        let (key, key_b64) = key.map_or((None, None), text_or_base64);
        Self { key, key_b64 }
    }
}

fn text_or_base64(name: Name<'_>) -> (Option<String>, Option<String>) {
    match String::from_utf8(name.into_bytes()) {
        Ok(text) => (Some(text), None),
        Err(e) => (None, Some(STANDARD.encode(e.into_bytes()))),
    }
}

/// An entry; without its value if the store left it out.
#[derive(Debug, Serialize)]
pub struct EntryRecord {
    #[serde(flatten)]
    place: Place,
    #[serde(flatten)]
    key: Key,
    #[serde(flatten)]
    value: Value,
    version: i64,
    bytes: i64,
    updated_at: String,
    expires_at: Option<String>,
    ttl_ms: Option<i64>,
    #[serde(flatten)]
    job: Option<JobRecord>,
}

/// What is known of an entry as a job.
#[derive(Debug, Serialize)]
struct JobRecord {
    attempts: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    leased_until: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    holder: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    free_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dead_from: Option<String>,
}

impl EntryRecord {
    /// The record with what is known of the entry as a job.
    #[must_use]
    pub fn with_job(mut self, job: Option<JobState>, scope: &Scope) -> Self {
        self.job = job.map(|job| JobRecord {
            attempts: job.attempts,
            leased_until: job.leased_until.map(|at| at.to_string()),
            holder: job.holder,
            free_at: job.free_at.map(|at| at.to_string()),
            failure: job.failure,
            dead_from: job.dead_from.map(|group| scope.named(&group).to_owned()),
        });
        self
    }

    /// The record of `entry`, as `scope` names it, at the moment `now`.
    #[must_use]
    pub fn new(entry: Entry, scope: &Scope, now: Timestamp) -> Self {
        Self {
            place: Place::new(&entry.group, scope),
            key: Key::new(Some(entry.key)),
            value: Value::new(entry.value),
            version: entry.version,
            bytes: entry.bytes,
            updated_at: entry.updated_at.to_string(),
            expires_at: entry.expires_at.map(|at| at.to_string()),
            // One of the past, from the change log, has nothing left.
            ttl_ms: entry.expires_at.map(|at| at.since(now).max(0)),
            job: None,
        }
    }
}

/// A change.
#[derive(Debug, Serialize)]
pub struct ChangeRecord {
    seq: i64,
    at: String,
    r#type: &'static str,
    #[serde(flatten)]
    place: Place,
    #[serde(flatten)]
    key: Key,
    #[serde(flatten)]
    value: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<String>,
}

impl ChangeRecord {
    /// The record of `change`, as `scope` names its group.
    #[must_use]
    pub fn new(change: Change, scope: &Scope) -> Self {
        Self {
            seq: change.seq,
            at: change.at.to_string(),
            r#type: change.kind.as_str(),
            place: Place::new(&change.group, scope),
            key: Key::new(change.key),
            value: Value::new(change.value),
            expires_at: change.expires_at.map(|at| at.to_string()),
            by: change.by,
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

/// Adds a name to a record: as `field`, or as `field_b64` if it is no text.
pub fn put_name(record: &mut serde_json::Value, field: &str, name: Name<'_>) {
    match text_or_base64(name) {
        (Some(text), _) => record[field] = text.into(),
        (_, base64) => record[format!("{field}_b64")] = base64.into(),
    }
}

/// A record that begins with a stored group, as `scope` names it.
#[must_use]
pub fn of_group(stored: &Name<'_>, scope: &Scope) -> serde_json::Value {
    serde_json::to_value(Place::new(stored, scope)).unwrap_or_default()
}
