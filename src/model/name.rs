//! Names of groups and keys, exactly as they are stored.

use std::borrow::Cow;
use std::fmt;

/// The name of a group or key: bytes. Names that larder takes as arguments are
/// UTF-8; another client can have written others, and they are never changed
/// on the way, so that whatever is listed can be named again.
///
/// Names compare as SQLite orders them: text before blobs, each by bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name<'a> {
    /// Whether it is stored as a blob, which is another name than the same
    /// bytes as text.
    is_blob: bool,
    bytes: Cow<'a, [u8]>,
}

impl<'a> Name<'a> {
    /// A name of these bytes.
    #[must_use]
    pub fn new(bytes: impl Into<Cow<'a, [u8]>>) -> Self {
        Self { is_blob: false, bytes: bytes.into() }
    }

    /// A name as a client stored it: as text, or as a blob of bytes.
    pub(crate) fn stored(bytes: impl Into<Cow<'a, [u8]>>, is_blob: bool) -> Self {
        Self { is_blob, bytes: bytes.into() }
    }

    /// Whether it is stored as a blob.
    pub(crate) fn is_blob(&self) -> bool {
        self.is_blob
    }

    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The name as text; `None` if it is not UTF-8.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.bytes).ok()
    }

    /// How many bytes it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether it is the empty name, which is a legal one.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The same name, borrowed.
    #[must_use]
    pub fn borrowed(&self) -> Name<'_> {
        Name { is_blob: self.is_blob, bytes: Cow::Borrowed(&self.bytes) }
    }

    /// The same name, kept.
    #[must_use]
    pub fn into_owned(self) -> Name<'static> {
        Name { is_blob: self.is_blob, bytes: Cow::Owned(self.bytes.into_owned()) }
    }

    /// The bytes, kept.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes.into_owned()
    }

    /// The name with something in front of it.
    pub(crate) fn behind(&self, prefix: &str) -> Name<'static> {
        let bytes = [prefix.as_bytes(), &self.bytes].concat();
        Name { is_blob: self.is_blob, bytes: Cow::Owned(bytes) }
    }

    /// The name without its first bytes.
    pub(crate) fn past(&self, length: usize) -> Name<'_> {
        Name { is_blob: self.is_blob, bytes: Cow::Borrowed(&self.bytes[length..]) }
    }

    /// The name for a message, as [`quote`](crate::text::quote) has it; bytes that
    /// are no UTF-8 as `\xNN`.
    #[must_use]
    pub fn quoted(&self) -> String {
        if let Some(text) = self.as_str() {
            return crate::text::quote(text);
        }
        let end = self.bytes.len().min(60);
        let more = if end < self.bytes.len() { "…" } else { "" };
        format!("{:?}{more}", Name::new(&self.bytes[..end]))
    }
}

/// In quotes, with escapes; bytes that are no UTF-8 as `\xNN`.
impl fmt::Debug for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        for chunk in self.bytes.utf8_chunks() {
            write!(f, "{}", chunk.valid().escape_debug())?;
            for byte in chunk.invalid() {
                write!(f, "\\x{byte:02x}")?;
            }
        }
        f.write_str("\"")
    }
}

impl AsRef<[u8]> for Name<'_> {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl PartialEq<str> for Name<'_> {
    fn eq(&self, other: &str) -> bool {
        !self.is_blob && *self.bytes == *other.as_bytes()
    }
}

impl PartialEq<&str> for Name<'_> {
    fn eq(&self, other: &&str) -> bool {
        *self == **other
    }
}

impl PartialOrd<str> for Name<'_> {
    fn partial_cmp(&self, other: &str) -> Option<std::cmp::Ordering> {
        self.partial_cmp(&Name::from(other))
    }
}

impl<'a> From<&'a str> for Name<'a> {
    fn from(name: &'a str) -> Self {
        Self::new(name.as_bytes())
    }
}

impl<'a> From<&'a &str> for Name<'a> {
    fn from(name: &'a &str) -> Self {
        Self::new(name.as_bytes())
    }
}

impl<'a> From<&'a String> for Name<'a> {
    fn from(name: &'a String) -> Self {
        Self::new(name.as_bytes())
    }
}

impl From<String> for Name<'_> {
    fn from(name: String) -> Self {
        Self::new(name.into_bytes())
    }
}

impl<'a> From<Cow<'a, str>> for Name<'a> {
    fn from(name: Cow<'a, str>) -> Self {
        match name {
            Cow::Borrowed(name) => name.into(),
            Cow::Owned(name) => name.into(),
        }
    }
}

impl<'a> From<&'a Name<'_>> for Name<'a> {
    fn from(name: &'a Name<'_>) -> Self {
        name.borrowed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_shown_and_kept() {
        let name = Name::new(&b"a\xff\n\\\xc3\xa9"[..]);
        assert_eq!(name.quoted(), "\"a\\xff\\n\\\\é\"");
        assert_eq!((name.as_str(), name.len()), (None, 6));
        assert_eq!(Name::from("a\"b").quoted(), "\"a\\\"b\"");
        assert_eq!(Name::new(vec![0xff; 100]).quoted(), format!("\"{}\"…", "\\xff".repeat(60)));
    }

    #[test]
    fn names_are_ordered_as_sqlite_orders_them() {
        let conn = rusqlite::Connection::open_in_memory().unwrap();
        let blob = Name { is_blob: true, bytes: Cow::Borrowed(b"a") };
        let names = [Name::from(""), "a".into(), "b".into(), Name::new(&b"a\xff"[..]), "é".into(), blob];
        for one in &names {
            for other in &names {
                let sqlite: bool = conn.query_row("SELECT ?1<?2", [one, other], |row| row.get(0)).unwrap();
                assert_eq!(one < other, sqlite, "{one:?} < {other:?}");
            }
        }
    }
}
