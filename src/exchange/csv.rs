//! Entries as a table: comma-separated values with a header.
//!
//! Columns are found by their names, in any order and case; others are passed
//! over. A value that is not UTF-8 is base64 in the column `value_b64`, with
//! `value` empty.

use std::borrow::Cow;
use std::io::{self, Read, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use csv::WriterBuilder;

use super::table::{Row, Table};
use super::{Record, When, bad, decode};
use crate::model::{EntryRef, Name, Result, Scope};

const COLUMNS: [&str; 9] =
    ["namespace", "group", "key", "value", "value_b64", "expires_at", "version", "bytes", "updated_at"];

/// Entries out of a table.
pub struct Rows<'a> {
    table: Table<Box<dyn Read + 'a>>,
    columns: Option<Columns>,
}

/// Where the columns are.
#[derive(Clone, Copy)]
struct Columns {
    /// How many there are.
    all: usize,
    namespace: Option<usize>,
    group: Option<usize>,
    key: usize,
    value: Option<usize>,
    value_b64: Option<usize>,
    ttl_ms: Option<usize>,
    expires_at: Option<usize>,
}

impl<'a> Rows<'a> {
    /// The rows of a table.
    #[must_use]
    pub fn new(from: Box<dyn Read + 'a>) -> Self {
        Self { table: Table::new(from), columns: None }
    }

    /// The line on which the row last asked for begins, from 1.
    #[must_use]
    pub fn line(&self) -> u64 {
        self.table.line()
    }

    /// The next entry; `None` at the end.
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> Result<Option<Record<'_>>> {
        let columns = match self.columns {
            Some(columns) => columns,
            None if !self.table.read()? => return Ok(None),
            None => *self.columns.insert(header(self.table.row())?),
        };
        if !self.table.read()? {
            return Ok(None);
        }
        let row = self.table.row();
        if row.len() != columns.all {
            return Err(bad(format!("the row has {} fields, the header {}", row.len(), columns.all)));
        }
        let field = |at: Option<usize>| at.and_then(|at| row.get(at));
        let full = |at| field(at).filter(|field| !field.is_empty());
        let value = match (field(columns.value), full(columns.value_b64)) {
            (Some(value), Some(_)) if !value.is_empty() => {
                return Err(bad("it has both value and value_b64; give one of them"));
            }
            (_, Some(base64)) => Cow::Owned(decode(text(base64, "value_b64")?)?),
            (value, None) => Cow::Borrowed(value.unwrap_or_default()),
        };
        let ttl_ms = match full(columns.ttl_ms) {
            None => None,
            Some(field) => {
                let parsed = text(field, "ttl_ms")?.parse();
                Some(parsed.map_err(|_| bad("ttl_ms is not a whole number"))?)
            }
        };
        let expires_at = full(columns.expires_at).map(|field| text(field, "expires_at")).transpose()?;
        let namespace = full(columns.namespace).map(|field| text(field, "namespace")).transpose()?;
        let group = field(columns.group).map(|field| text(field, "group")).transpose()?;
        Ok(Some(Record {
            namespace: namespace.map(Cow::Borrowed),
            group: group.map(Name::from),
            key: text(field(Some(columns.key)).unwrap_or_default(), "key")?.into(),
            value,
            when: When::new(ttl_ms, expires_at)?,
        }))
    }
}

fn text<'a>(field: &'a [u8], name: &str) -> Result<&'a str> {
    std::str::from_utf8(field).map_err(|_| bad(format!("its {name} is not UTF-8")))
}

fn header(row: &Row) -> Result<Columns> {
    let column = |name: &str| {
        let mut found = row
            .fields()
            .enumerate()
            .filter(|(_, field)| field.trim_ascii().eq_ignore_ascii_case(name.as_bytes()));
        let first = found.next().map(|(at, _)| at);
        match found.next() {
            Some(_) => Err(bad(format!("the header names the column {name} twice"))),
            None => Ok(first),
        }
    };
    let (value, value_b64) = (column("value")?, column("value_b64")?);
    if value.is_none() && value_b64.is_none() {
        return Err(bad(match separator(row) {
            Some(other) => format!("the header separates its columns by {other}; only commas are supported"),
            None => "the header names no column value".to_owned(),
        }));
    }
    Ok(Columns {
        all: row.len(),
        namespace: column("namespace")?,
        group: column("group")?,
        key: column("key")?.ok_or_else(|| bad("the header names no column key"))?,
        value,
        value_b64,
        ttl_ms: column("ttl_ms")?,
        expires_at: column("expires_at")?,
    })
}

/// What seems to stand in the place of commas.
fn separator(row: &Row) -> Option<&'static str> {
    let only = row.get(0).filter(|_| row.len() == 1)?;
    [(b';', "semicolons"), (b'\t', "tabs"), (b'|', "bars")]
        .into_iter()
        .find_map(|(byte, name)| only.contains(&byte).then_some(name))
}

pub(super) fn write_header(out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}", COLUMNS.join(","))
}

/// Writes a row. The inner error is an entry that cannot be one: a file with
/// bytes that are no text would be no CSV to most readers.
pub(super) fn write_row(out: &mut dyn Write, scope: &Scope, entry: &EntryRef<'_>) -> io::Result<Result<()>> {
    let group = scope.name_of(&entry.group);
    for (what, name) in [("group", &group), ("key", &entry.key)] {
        if name.as_str().is_none() {
            return Ok(Err(super::not_text(what, name, "csv")));
        }
    }
    let base64 = std::str::from_utf8(entry.value).is_err().then(|| STANDARD.encode(entry.value));
    let (version, bytes) = (entry.version.to_string(), entry.bytes().to_string());
    let updated_at = entry.updated_at.to_string();
    let expires_at = entry.expires_at.map(|at| at.to_string()).unwrap_or_default();
    let mut writer = WriterBuilder::new().buffer_capacity(256).from_writer(out);
    writer.write_record([
        scope.0.as_ref().map_or("", |namespace| namespace.as_str()).as_bytes(),
        group.as_bytes(),
        entry.key.as_bytes(),
        if base64.is_some() { b"" } else { entry.value },
        base64.unwrap_or_default().as_bytes(),
        expires_at.as_bytes(),
        version.as_bytes(),
        bytes.as_bytes(),
        updated_at.as_bytes(),
    ])?;
    writer.flush()?;
    Ok(Ok(()))
}
