//! The rows of comma-separated values, and the lines on which they begin.
//!
//! A row ends with LF, CR LF or CR; blank lines are passed over. A field in
//! quotes may hold all of these, and a quote as two of them. Whatever makes the
//! end of a quoted field doubtful is refused: read on, it would take the rows
//! that follow into one value.

use std::io::{self, BufRead, BufReader, Read};

use super::bad;
use super::input::MAX_LINE;
use crate::model::{Error, Result};

/// A table, read row by row.
pub(super) struct Table<R> {
    from: BufReader<R>,
    row: Row,
    /// Line of the next byte, from 1.
    at: u64,
    /// Line on which the row last asked for begins.
    line: u64,
    /// Whether the byte before was the CR that ended a row.
    after_cr: bool,
}

/// A row's fields, one behind the other.
#[derive(Default)]
pub(super) struct Row {
    bytes: Vec<u8>,
    /// Where in `bytes` each field ends.
    ends: Vec<usize>,
}

impl Row {
    /// How many fields it has.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// A field by its position.
    pub(super) fn get(&self, at: usize) -> Option<&[u8]> {
        let end = *self.ends.get(at)?;
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        Some(&self.bytes[start..end])
    }

    /// The fields in their order.
    pub(super) fn fields(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).filter_map(|at| self.get(at))
    }

    fn end_field(&mut self) {
        self.ends.push(self.bytes.len());
    }
}

/// Where in a row the reader stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Within {
    /// Before its first byte.
    Nothing,
    /// Before the first byte of a field.
    Field,
    Bare,
    Quoted,
    /// Behind a quote that ends the field, or is the first of two.
    Closed,
    /// Behind its last byte.
    Row,
}

impl<R: Read> Table<R> {
    /// The table that `from` holds.
    pub(super) fn new(from: R) -> Self {
        let from = BufReader::with_capacity(64 * 1024, from);
        Self { from, row: Row::default(), at: 1, line: 0, after_cr: false }
    }

    /// The line on which the row last asked for begins, from 1.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// The row last read.
    pub(super) fn row(&self) -> &Row {
        &self.row
    }

    /// Reads the next row; `false` if there is none.
    pub(super) fn read(&mut self) -> Result<bool> {
        self.row.bytes.clear();
        self.row.ends.clear();
        let mut within = Within::Nothing;
        while within != Within::Row {
            let chunk = match self.from.fill_buf() {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                other => other.map_err(|e| Error::io("the input", e))?,
            };
            if chunk.is_empty() {
                match within {
                    Within::Nothing => return Ok(false),
                    Within::Quoted => return Err(bad("a quote is not closed")),
                    _ => self.row.end_field(),
                }
                break;
            }
            // A byte order mark belongs to no field.
            let mut used = if self.line == 0 && chunk.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
            self.line = self.line.max(1);
            while used < chunk.len() && within != Within::Row {
                let rest = &chunk[used..];
                // What stands for itself goes over in one piece.
                let plain = match within {
                    Within::Bare => rest.iter().position(|b| matches!(b, b',' | b'\n' | b'\r')),
                    Within::Quoted => rest.iter().position(|b| matches!(b, b'"' | b'\n')),
                    _ => Some(0),
                };
                let plain = plain.unwrap_or(rest.len());
                self.row.bytes.extend_from_slice(&rest[..plain]);
                used += plain;
                let Some(&byte) = rest.get(plain) else { break };
                used += 1;
                let after_cr = std::mem::take(&mut self.after_cr);
                let next = step(within, byte, &mut self.row)?;
                if within == Within::Nothing && next != Within::Nothing {
                    self.line = self.at;
                }
                let ends_line = matches!(next, Within::Row | Within::Nothing);
                self.after_cr = ends_line && byte == b'\r';
                self.at += u64::from(self.after_cr || (byte == b'\n' && !after_cr));
                within = next;
            }
            self.from.consume(used);
            if self.row.bytes.len() + self.row.len() > MAX_LINE {
                return Err(bad(format!("the row is longer than {} MiB", MAX_LINE >> 20)));
            }
        }
        Ok(true)
    }
}

/// Takes one byte that may not stand for itself.
fn step(within: Within, byte: u8, row: &mut Row) -> Result<Within> {
    Ok(match (within, byte) {
        (Within::Nothing, b'\n' | b'\r') => Within::Nothing,
        (Within::Nothing | Within::Field, b'"') => Within::Quoted,
        (Within::Quoted, b'"') => Within::Closed,
        (Within::Closed, b'"') | (Within::Quoted, _) => {
            row.bytes.push(byte);
            Within::Quoted
        }
        (_, b',') => {
            row.end_field();
            Within::Field
        }
        (_, b'\n' | b'\r') => {
            row.end_field();
            Within::Row
        }
        (Within::Closed, _) => return Err(bad("text follows a closing quote")),
        _ => {
            row.bytes.push(byte);
            Within::Bare
        }
    })
}

#[cfg(test)]
mod tests {
    use super::super::input::tests::Drip;
    use super::*;

    /// Line and fields of each row, the fields joined by `|`.
    fn rows(text: &str, step: usize) -> Vec<(u64, String)> {
        let mut table = Table::new(Drip(text.as_bytes(), step));
        let mut found = Vec::new();
        while table.read().unwrap() {
            let fields: Vec<_> = table.row().fields().map(String::from_utf8_lossy).collect();
            found.push((table.line(), fields.join("|")));
        }
        found
    }

    #[test]
    fn rows_and_their_lines_whatever_the_reads() {
        for (text, expected) in [
            ("", &[][..]),
            ("\n\r\n\r", &[]),
            ("a,b\nc,d", &[(1, "a|b"), (2, "c|d")]),
            ("a,b\r\nc,d\r\n", &[(1, "a|b"), (2, "c|d")]),
            ("a\rb\r\rc", &[(1, "a"), (2, "b"), (4, "c")]),
            ("\n\na\r\n\r\nb\n\n", &[(3, "a"), (5, "b")]),
            ("\"a\nb\",\"\r\n\"\r\n\"c\"", &[(1, "a\nb|\r\n"), (4, "c")]),
            ("\"a\"\"b\",\"\",\n,\"\"\"\"", &[(1, "a\"b||"), (2, "|\"")]),
            ("a\"b, \"c\"\n", &[(1, "a\"b| \"c\"")]),
        ] {
            for step in [1, 2, 3, 1000] {
                let expected: Vec<_> =
                    expected.iter().map(|(line, row)| (*line, (*row).to_owned())).collect();
                assert_eq!(rows(text, step), expected, "{text:?} by {step}");
            }
        }
        assert_eq!(rows("\u{feff}\"a\",b\n", 1000), [(1, "a|b".to_owned())]);
    }

    #[test]
    fn a_doubtful_end_is_refused() {
        for (text, line) in [("a\n\nb,\"c\nd\n", 3), ("a\r\n\"b\" ,c\n", 2), ("\"", 1)] {
            let mut table = Table::new(text.as_bytes());
            let error = std::iter::repeat_with(|| table.read()).find_map(std::result::Result::err);
            assert!(matches!(error, Some(Error::BadData(_))), "{text:?}");
            assert_eq!(table.line(), line, "{text:?}");
        }
    }
}
