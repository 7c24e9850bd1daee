//! The five forms, with go-store's own statements, and what is in them.

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::{Connection, params};

/// The moment at which the tests look.
pub const NOW: i64 = 1_800_000_000_000;

/// A key of 10,000 characters of three bytes each.
pub fn long() -> String {
    "あ".repeat(10_000)
}

pub const ENTRIES: &str = "CREATE TABLE IF NOT EXISTS entries (
    group_name  TEXT NOT NULL,
    entry_key   TEXT NOT NULL,
    entry_value TEXT NOT NULL,
    expires_at  INTEGER,
    PRIMARY KEY (group_name, entry_key)
)";
const ENTRIES_WITHOUT_EXPIRY: &str = "CREATE TABLE entries (group_name TEXT NOT NULL, entry_key TEXT NOT NULL, entry_value TEXT NOT NULL, PRIMARY KEY (group_name, entry_key))";
const KV: &str = "CREATE TABLE IF NOT EXISTS kv (grp TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (grp, key))";
const KV_WITH_EXPIRY: &str = "CREATE TABLE kv (grp TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, expires_at INTEGER, PRIMARY KEY (grp, key))";
const JOURNAL: &str = "CREATE TABLE IF NOT EXISTS journal_entries (entry_id INTEGER PRIMARY KEY AUTOINCREMENT, bucket_name TEXT NOT NULL, measurement TEXT NOT NULL, fields_json TEXT NOT NULL, tags_json TEXT NOT NULL, committed_at INTEGER NOT NULL, archived_at INTEGER);
    CREATE INDEX IF NOT EXISTS journal_entries_bucket_committed_at_idx ON journal_entries (bucket_name, committed_at, entry_id);
    INSERT INTO journal_entries (bucket_name, measurement, fields_json, tags_json, committed_at) VALUES ('b', 'm', '{}', '{}', 1), ('b', 'n', '{}', '{}', 2)";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `kv`, without a time to live.
    Kv,
    /// `kv` made with one.
    KvExpiry,
    /// `kv` that got one by ALTER TABLE.
    KvAltered,
    /// `entries` without one.
    EntriesOld,
    /// `entries` as of today.
    Entries,
    /// `kv` and `entries` side by side.
    Both,
    /// `entries` and the journal.
    Journal,
}

pub const FORMS: [Form; 7] =
    [Form::Kv, Form::KvExpiry, Form::KvAltered, Form::EntriesOld, Form::Entries, Form::Both, Form::Journal];

#[derive(Clone, Debug)]
pub struct Row {
    pub value: Vec<u8>,
    pub expires_at: Option<i64>,
}

/// What larder must find in a file of this form.
pub fn rows(form: Form) -> BTreeMap<(String, String), Row> {
    let mut rows = BTreeMap::new();
    let mut add = |group: &str, key: &str, value: &[u8], expires_at: Option<i64>| {
        rows.insert((group.to_owned(), key.to_owned()), Row { value: value.to_vec(), expires_at });
    };
    add("", "", b"", None);
    add("unicode", "ключ 🔑", "значение 💾 é".as_bytes(), None);
    add("unicode", "nul\0inside", b"a\0b\0", None);
    add("long", &long(), b"v", None);
    add("long", "value", "x".repeat(100_000).as_bytes(), None);
    add("tenant:g", "k", b"1", None);
    add("TENANT:g", "k", b"2", None);
    // go-store takes any string for text, also one that is not.
    add("bytes", "not utf-8", b"\xff\xfe\x00", None);
    add("a\nb", "tab\t", b"\n", None);
    if !matches!(form, Form::Kv | Form::EntriesOld) {
        add("due", "expired", b"old", Some(NOW - 1));
        add("due", "exactly now", b"old", Some(NOW));
        // Far away, so that a program with the real clock sees it too.
        add("live", "later", b"new", Some(9_000_000_000_000));
    }
    if form == Form::Both {
        add("conflict", "both", b"from entries", None);
        add("kv only", "k", b"from kv", None);
    }
    rows
}

/// Makes a file of this form.
pub fn build(path: &Path, form: Form, journal_mode: &str) {
    let conn = Connection::open(path).unwrap();
    conn.query_row(&format!("PRAGMA journal_mode={journal_mode}"), [], |_| Ok(())).unwrap();
    let create = match form {
        Form::Kv | Form::KvAltered => KV,
        Form::KvExpiry => KV_WITH_EXPIRY,
        Form::EntriesOld => ENTRIES_WITHOUT_EXPIRY,
        Form::Entries | Form::Both | Form::Journal => ENTRIES,
    };
    conn.execute_batch(create).unwrap();
    match form {
        Form::KvAltered => conn.execute_batch("ALTER TABLE kv ADD COLUMN expires_at INTEGER").unwrap(),
        Form::Journal => conn.execute_batch(JOURNAL).unwrap(),
        Form::Both => conn.execute_batch(KV).unwrap(),
        _ => {}
    }
    let (table, group, key, value) = match form {
        Form::Kv | Form::KvExpiry | Form::KvAltered => ("kv", "grp", "key", "value"),
        _ => ("entries", "group_name", "entry_key", "entry_value"),
    };
    for ((g, k), row) in rows(form) {
        if g == "kv only" {
            continue;
        }
        let insert =
            format!("INSERT INTO {table} ({group}, {key}, {value}) VALUES (?1, ?2, CAST(?3 AS TEXT))");
        conn.execute(&insert, params![g, k, row.value]).unwrap();
        if let Some(at) = row.expires_at {
            let sql = format!("UPDATE {table} SET expires_at = ?1 WHERE {group} = ?2 AND {key} = ?3");
            conn.execute(&sql, params![at, g, k]).unwrap();
        }
    }
    if form == Form::Both {
        conn.execute_batch(
            "INSERT INTO kv VALUES ('conflict', 'both', 'from kv'), ('kv only', 'k', 'from kv')",
        )
        .unwrap();
    }
}
