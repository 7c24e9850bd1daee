//! Exchange: entries and operations as text, in and out. Knows formats, and
//! nothing of where entries are kept.
//!
//! * [`json`]: JSON lines and arrays, of entries and of operations
//! * [`csv`]: a table with a header
//! * [`env`](mod@env): `KEY=VALUE` lines of one group
//! * `table`: the rows of such a table, and where they stand
//! * [`input`]: files and pipes, read in lines of bounded length

pub mod csv;
pub mod env;
pub mod input;
pub mod json;
mod table;

use std::borrow::Cow;
use std::io::{self, Read, Write};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::clock::Timestamp;
use crate::model::{EntryRef, Error, Name, Result, Scope};
use input::Text;

/// How entries are written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One JSON object a line.
    Jsonl,
    /// A JSON array of objects.
    Json,
    /// Comma-separated values with a header.
    Csv,
    /// `KEY=VALUE` lines, as a shell reads them.
    Env,
}

impl Format {
    /// The format by its name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "jsonl" => Self::Jsonl,
            "json" => Self::Json,
            "csv" => Self::Csv,
            "env" => Self::Env,
            _ => return None,
        })
    }

    /// Whether it can hold any entry there is.
    #[must_use]
    pub fn holds_any(self) -> bool {
        self != Self::Env
    }

    /// Refuses an entry that it cannot hold.
    pub fn check(self, entry: &EntryRef<'_>) -> Result<()> {
        if self.holds_any() { Ok(()) } else { env::check(entry).map(|_| ()) }
    }

    /// What a text seems to be that was not said to be anything: the first of its
    /// lines that is no comment.
    #[must_use]
    pub fn guess(head: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head)).ok()?;
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let line = lines.next()?;
        if line.starts_with(['{', '[']) {
            return None;
        }
        let name = line.split_once('=').map(|(name, _)| name.trim_end());
        let name = name.map(|name| name.strip_prefix("export").map_or(name, str::trim_start));
        match name {
            Some(name) if !name.contains(|c: char| c.is_whitespace() || c == ',') => Some(Self::Env),
            _ => line
                .to_ascii_lowercase()
                .split([',', ';', '\t'])
                .any(|name| name.trim() == "key")
                .then_some(Self::Csv),
        }
    }

    /// What a file's name says it holds; JSON lines if it says nothing.
    #[must_use]
    pub fn of_file(path: &Path) -> Self {
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        let (_, extension) = name.rsplit_once('.').unwrap_or_default();
        match extension {
            "csv" => Self::Csv,
            "env" => Self::Env,
            _ if name.starts_with(".env.") => Self::Env,
            _ => Self::Jsonl,
        }
    }
}

/// When an entry expires, as a line says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Never, or not said.
    Never,
    /// So many milliseconds from now.
    In(i64),
    /// At this moment.
    At(Timestamp),
}

impl When {
    /// Joins the two ways to say it.
    fn new(ttl_ms: Option<i64>, expires_at: Option<&str>) -> Result<Self> {
        match (ttl_ms, expires_at) {
            (None, None) => Ok(Self::Never),
            (Some(_), Some(_)) => Err(bad("it has both ttl_ms and expires_at; give one of them")),
            (Some(ttl), None) if ttl > 0 => Ok(Self::In(ttl)),
            (Some(ttl), None) => Err(bad(format!("ttl_ms is {ttl}; it must be greater than 0"))),
            // Where it is not an offset that leads past the last year, export
            // has found it in a store, and what it prints is taken.
            (None, Some(time)) => match (Timestamp::parse_rfc3339(time), Timestamp::parse_written(time)) {
                (Some(at), _) if at > Timestamp::LAST => {
                    Err(bad(format!("expires_at is {time:?}, past the year 9999")))
                }
                (_, Some(at)) => Ok(Self::At(at)),
                (_, None) => Err(bad(format!(
                    "expires_at is {time:?}, not a time in RFC 3339 such as 2026-01-31T12:00:00Z"
                ))),
            },
        }
    }

    /// The moment, seen from `now`; `None` is never.
    pub fn moment(self, now: Timestamp) -> Result<Option<Timestamp>> {
        match self {
            Self::Never => Ok(None),
            Self::In(millis) => match Timestamp(now.0.saturating_add(millis)) {
                at if at > Timestamp::LAST => {
                    Err(bad(format!("ttl_ms is {millis}; it ends past the year 9999")))
                }
                at => Ok(Some(at)),
            },
            Self::At(at) => Ok(Some(at)),
        }
    }
}

/// An entry as it comes in.
#[derive(Debug)]
pub struct Record<'a> {
    /// Its namespace, if the format names one.
    pub namespace: Option<Cow<'a, str>>,
    /// Its group, if the format names one.
    pub group: Option<Name<'a>>,
    /// Its key.
    pub key: Name<'a>,
    /// Its value.
    pub value: Cow<'a, [u8]>,
    /// When it expires.
    pub when: When,
}

/// Entries out of a text, one after the other.
pub enum Records<'a> {
    /// JSON lines, or an array.
    Json(json::Objects<'a>),
    /// A table.
    Csv(Box<csv::Rows<'a>>),
    /// Assignments.
    Env(env::Assignments<'a>),
}

impl<'a> Records<'a> {
    /// Reads `format` from `from`. JSON lines and arrays tell themselves apart.
    #[must_use]
    pub fn new(format: Format, from: Box<dyn Read + 'a>) -> Self {
        match format {
            Format::Jsonl | Format::Json => Self::Json(json::Objects::new(Text::new(from))),
            Format::Csv => Self::Csv(Box::new(csv::Rows::new(from))),
            Format::Env => Self::Env(env::Assignments::new(Text::new(from))),
        }
    }

    /// The next entry; `None` at the end.
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> Result<Option<Record<'_>>> {
        match self {
            Self::Json(objects) => match objects.next()? {
                Some(object) => json::record(object).map(Some),
                None => Ok(None),
            },
            Self::Csv(rows) => rows.next(),
            Self::Env(assignments) => assignments.next(),
        }
    }

    /// The line on which the entry last asked for begins, from 1.
    #[must_use]
    pub fn line(&self) -> u64 {
        match self {
            Self::Json(objects) => objects.line(),
            Self::Csv(rows) => rows.line(),
            Self::Env(assignments) => assignments.line(),
        }
    }
}

/// Entries into a text, one after the other.
pub struct Writer<'a> {
    format: Format,
    scope: &'a Scope,
    out: &'a mut dyn Write,
    first: bool,
}

impl<'a> Writer<'a> {
    /// Begins a text, with groups as `scope` names them.
    pub fn new(format: Format, scope: &'a Scope, out: &'a mut dyn Write) -> io::Result<Self> {
        match format {
            Format::Json => out.write_all(b"[")?,
            Format::Csv => csv::write_header(out)?,
            Format::Jsonl | Format::Env => {}
        }
        Ok(Self { format, scope, out, first: true })
    }

    /// Writes an entry. The inner error is an entry the format cannot hold.
    pub fn write(&mut self, entry: &EntryRef<'_>) -> io::Result<Result<()>> {
        match self.format {
            Format::Jsonl => {
                json::write(self.out, self.scope, entry)?;
                self.out.write_all(b"\n")?;
            }
            Format::Json => {
                self.out.write_all(if self.first { b"\n" } else { b",\n" })?;
                json::write(self.out, self.scope, entry)?;
            }
            Format::Csv => return csv::write_row(self.out, self.scope, entry),
            Format::Env => return env::write(self.out, entry),
        }
        self.first = false;
        Ok(Ok(()))
    }

    /// Ends the text.
    pub fn finish(self) -> io::Result<()> {
        match (self.format, self.first) {
            (Format::Json, true) => self.out.write_all(b"]\n"),
            (Format::Json, false) => self.out.write_all(b"\n]\n"),
            _ => Ok(()),
        }
    }
}

/// The value that a line gives as text or as base64.
fn value<'a>(text: Option<Cow<'a, str>>, base64: Option<&str>) -> Result<Option<Cow<'a, [u8]>>> {
    match (text, base64) {
        (Some(_), Some(_)) => Err(bad("it has both value and value_b64; give one of them")),
        (Some(Cow::Borrowed(text)), None) => Ok(Some(Cow::Borrowed(text.as_bytes()))),
        (Some(Cow::Owned(text)), None) => Ok(Some(Cow::Owned(text.into_bytes()))),
        (None, Some(text)) => Ok(Some(Cow::Owned(decode(text)?))),
        (None, None) => Ok(None),
    }
}

/// The name that a line gives as text or as base64, in the fields `what` and
/// `what_b64`.
fn name<'a>(text: Option<Cow<'a, str>>, base64: Option<&str>, what: &str) -> Result<Option<Name<'a>>> {
    match (text, base64) {
        (Some(_), Some(_)) => Err(bad(format!("it has both {what} and {what}_b64; give one of them"))),
        (Some(text), None) => Ok(Some(text.into())),
        (None, Some(base64)) => Ok(Some(Name::new(decode(base64)?))),
        (None, None) => Ok(None),
    }
}

fn decode(base64: &str) -> Result<Vec<u8>> {
    STANDARD.decode(base64).map_err(|e| bad(format!("it is not valid base64: {e}")))
}

/// The refusal of a name that is not UTF-8, by a format of nothing but text.
fn not_text(what: &str, name: &Name<'_>, format: &str) -> Error {
    bad(format!(
        "the {what} {} is not UTF-8, which {format} cannot hold; export it as jsonl, which has {what}_b64",
        name.quoted()
    ))
}

fn bad(why: impl Into<String>) -> Error {
    Error::BadData(why.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_say_what_they_hold() {
        for (name, format) in [
            ("a.csv", Format::Csv),
            ("A.CSV", Format::Csv),
            (".env", Format::Env),
            ("x/prod.env", Format::Env),
            (".env.local", Format::Env),
            ("a.json", Format::Jsonl),
            ("a.jsonl", Format::Jsonl),
            ("env", Format::Jsonl),
            ("-", Format::Jsonl),
        ] {
            assert_eq!(Format::of_file(Path::new(name)), format, "{name}");
        }
    }

    #[test]
    fn a_text_says_what_it_seems_to_be() {
        for (head, format) in [
            ("A=1\n", Some(Format::Env)),
            ("\n# x\nexport A.B = '1,2'\n", Some(Format::Env)),
            ("group,Key,value\n", Some(Format::Csv)),
            ("key;value\n", Some(Format::Csv)),
            ("{\"A=\": 1}", None),
            ("a word", None),
            ("", None),
        ] {
            assert_eq!(Format::guess(head.as_bytes()), format, "{head}");
        }
    }

    #[test]
    fn one_time_to_live_at_most() {
        let moment =
            |when: Result<When>| when.and_then(|when| when.moment(Timestamp(5))).map_err(|e| e.to_string());
        assert_eq!(moment(When::new(None, None)), Ok(None));
        assert_eq!(moment(When::new(Some(7), None)), Ok(Some(Timestamp(12))));
        assert_eq!(moment(When::new(None, Some("1970-01-01T00:00:01Z"))), Ok(Some(Timestamp(1000))));
        for ttl in [Timestamp::LAST.0 - 4, i64::MAX] {
            assert_eq!(
                moment(When::new(Some(ttl), None)),
                Err(format!("ttl_ms is {ttl}; it ends past the year 9999"))
            );
        }
        for (ttl, at) in [
            (Some(1), Some("1970-01-01T00:00:01Z")),
            (Some(0), None),
            (None, Some("soon")),
            (None, Some("9999-12-31T23:59:59-00:01")),
        ] {
            assert!(When::new(ttl, at).is_err());
        }
    }
}
