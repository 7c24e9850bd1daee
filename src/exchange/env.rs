//! The entries of one group as `KEY=VALUE` lines, as dotenv files have them.
//!
//! A value that begins with a quote is read as a shell reads it: double quotes
//! with a backslash before `"`, `\`, `$` and a backquote, single quotes, and
//! pieces of these side by side; line breaks may be in quotes, and `\n`, `\r`
//! and `\t` in double quotes are what dotenv readers take them for. Any other
//! value is what is in its line up to a blank and a `#`, quotes and backslashes
//! included. `export` before the key, blanks around `=`, blank lines and lines
//! that begin with `#` are passed over. Nothing is expanded.

use std::borrow::Cow;
use std::io::{self, Read, Write};

use super::input::{MAX_LINE, Text};
use super::{Record, When, bad};
use crate::model::{EntryRef, Result};
use crate::text::{is_variable_name, quote};

/// Entries out of assignments.
pub struct Assignments<'a> {
    text: Text<Box<dyn Read + 'a>>,
    line: u64,
}

/// What a value is in the middle of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Within {
    /// A value that does not begin with a quote.
    Plain,
    /// Between two quoted pieces.
    Bare,
    Single,
    Double,
}

impl<'a> Assignments<'a> {
    /// The assignments of a text.
    #[must_use]
    pub fn new(text: Text<Box<dyn Read + 'a>>) -> Self {
        Self { text, line: 1 }
    }

    /// The line on which the assignment last asked for begins, from 1.
    #[must_use]
    pub fn line(&self) -> u64 {
        self.line
    }

    /// The next entry; `None` at the end.
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> Result<Option<Record<'_>>> {
        let mut line = loop {
            let Some(line) = self.text.next_line()? else { return Ok(None) };
            // Only in front: whether a blank at the end counts, the quotes say.
            let line = line.trim_ascii_start();
            if !line.is_empty() && line[0] != b'#' {
                break line.to_vec();
            }
        };
        self.line = self.text.line();
        let exported =
            line.strip_prefix(b"export").filter(|rest| rest.starts_with(b" ") || rest.starts_with(b"\t"));
        let bare = exported.map_or(&line[..], <[u8]>::trim_ascii_start);
        let equals = bare.iter().position(|b| *b == b'=');
        let equals = equals.ok_or_else(|| bad("it is not KEY=VALUE"))?;
        let key = String::from_utf8_lossy(bare[..equals].trim_ascii_end()).into_owned();
        if !is_variable_name(&key) {
            return Err(bad(format!(
                "{} is not a valid variable name: letters, digits and _, not a digit first; jsonl takes any key",
                quote(&key)
            )));
        }
        let mut value = Vec::new();
        let start = bare[equals + 1..].trim_ascii_start();
        let quoted = matches!(start.first(), Some(b'"' | b'\''));
        let mut within = if quoted { Within::Bare } else { Within::Plain };
        line = if quoted { start } else { &bare[equals + 1..] }.to_vec();
        while let Some(still) = assemble(&line, within, &mut value)? {
            within = still;
            if value.len() > MAX_LINE {
                return Err(bad(format!("it is longer than {} MiB", MAX_LINE >> 20)));
            }
            line = self.text.next_line()?.ok_or_else(|| bad("a quote is not closed"))?.to_vec();
        }
        Ok(Some(Record {
            namespace: None,
            group: None,
            key: key.into(),
            value: Cow::Owned(value),
            when: When::Never,
        }))
    }
}

/// Adds what a line holds of a value; says what the value is in the middle of
/// when it goes on, `None` when it has ended.
fn assemble(line: &[u8], mut within: Within, value: &mut Vec<u8>) -> Result<Option<Within>> {
    let mut bytes = line.iter().copied().peekable();
    // Blanks that only count if something follows them.
    let mut blanks = Vec::new();
    while let Some(byte) = bytes.next() {
        match (within, byte) {
            (Within::Bare | Within::Plain, b' ' | b'\t' | b'\r') => blanks.push(byte),
            (Within::Bare | Within::Plain, b'#') if !blanks.is_empty() => return Ok(None),
            (Within::Bare, _) if !blanks.is_empty() => {
                return Err(bad("something other than a comment follows a closing quote"));
            }
            (Within::Plain, _) => {
                if !value.is_empty() {
                    value.append(&mut blanks);
                }
                blanks.clear();
                value.push(byte);
            }
            (Within::Bare, _) => {
                match byte {
                    b'\'' => within = Within::Single,
                    b'"' => within = Within::Double,
                    b'\\' => match bytes.next() {
                        // The rest of CR LF is the line's, not the value's.
                        None | Some(b'\r') if bytes.peek().is_none() => {
                            return Err(bad("a backslash ends the line"));
                        }
                        escaped => value.extend(escaped),
                    },
                    _ => value.push(byte),
                }
            }
            (Within::Single, b'\'') | (Within::Double, b'"') => within = Within::Bare,
            (Within::Double, b'\\') => match bytes.next() {
                Some(escaped @ (b'"' | b'\\' | b'$' | b'`')) => value.push(escaped),
                Some(b'n') => value.push(b'\n'),
                Some(b'r') => value.push(b'\r'),
                Some(b't') => value.push(b'\t'),
                Some(other) => value.extend([b'\\', other]),
                // The backslash joins the lines.
                None => return Ok(Some(within)),
            },
            _ => value.push(byte),
        }
    }
    match within {
        // To a shell the next line would belong to it, to a dotenv reader not.
        Within::Plain if value.last() == Some(&b'\\') => return Err(bad("a backslash ends the line")),
        Within::Plain | Within::Bare => return Ok(None),
        Within::Single | Within::Double => {}
    }
    value.push(b'\n');
    Ok(Some(within))
}

/// The value of an entry that can be an assignment.
pub(super) fn check<'a>(entry: &EntryRef<'a>) -> Result<&'a str> {
    let Some(key) = entry.key.as_str() else { return Err(super::not_text("key", &entry.key, "env")) };
    if !is_variable_name(key) {
        return Err(bad(format!(
            "the key {} is not a valid variable name: letters, digits and _, not a digit first",
            quote(key)
        )));
    }
    let value =
        std::str::from_utf8(entry.value).map_err(|_| bad(format!("the value of {key} is not UTF-8")))?;
    if value.contains('\0') {
        return Err(bad(format!("the value of {key} holds a NUL byte")));
    }
    Ok(value)
}

/// Writes an assignment. The inner error is an entry that cannot be one.
pub(super) fn write(out: &mut dyn Write, entry: &EntryRef<'_>) -> io::Result<Result<()>> {
    let value = match check(entry) {
        Ok(value) => value,
        Err(error) => return Ok(Err(error)),
    };
    out.write_all(entry.key.as_bytes())?;
    out.write_all(b"=")?;
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"_-./:,+@%^".contains(&b);
    if value.bytes().all(plain) {
        writeln!(out, "{value}")?;
        return Ok(Ok(()));
    }
    // In single quotes a dollar sign is one to every reader; some dotenv readers
    // keep the backslash that a shell takes away.
    if value.contains(['$', '`']) && !value.contains(['\'', '\\']) {
        writeln!(out, "'{value}'")?;
        return Ok(Ok(()));
    }
    let mut quoted = String::with_capacity(value.len() + 2);
    for c in value.chars() {
        if matches!(c, '"' | '\\' | '$' | '`') {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    writeln!(out, "\"{quoted}\"")?;
    Ok(Ok(()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;

    /// Line, key and value of each; or the line and what is wrong with it.
    type Outcome = std::result::Result<Vec<(u64, String, String)>, (u64, String)>;

    fn read(text: &str) -> Outcome {
        let mut assignments = Assignments::new(Text::new(Box::new(text.as_bytes())));
        let mut found = Vec::new();
        loop {
            let next = assignments.next().map(|r| {
                r.map(|r| {
                    (r.key.as_str().unwrap().to_owned(), String::from_utf8(r.value.into_owned()).unwrap())
                })
            });
            match next {
                Ok(Some((key, value))) => found.push((assignments.line(), key, value)),
                Ok(None) => return Ok(found),
                Err(error) => return Err((assignments.line(), error.to_string())),
            }
        }
    }

    #[test]
    fn assignments_in_all_their_dress() {
        let text = "# comment\n\nA=1\nexport B='two words' # why\r\n  C=\"a\\\"b\\$c\\z\nline\"'s'\nD=\nE=a b  \nF=x#y\n";
        let expected = [
            (3, "A", "1"),
            (4, "B", "two words"),
            (5, "C", "a\"b$c\\z\nlines"),
            (7, "D", ""),
            (8, "E", "a b"),
            (9, "F", "x#y"),
        ];
        // CR LF ends a line outside of quotes; inside it is the value's.
        let windows: Vec<_> =
            expected.map(|(line, k, v)| (line, k.to_owned(), v.replace('\n', "\r\n"))).into();
        assert_eq!(read(&text.replace('\n', "\r\n")), Ok(windows));
        let expected: Vec<_> = expected.map(|(line, k, v)| (line, k.to_owned(), v.to_owned())).into();
        assert_eq!(read(text), Ok(expected));
    }

    /// Each is what python-dotenv 1.2.4 reads, with interpolation off.
    #[test]
    fn lines_of_real_projects() {
        for (line, value) in [
            (r#"A={"a": 1, "b": [2]}"#, r#"{"a": 1, "b": [2]}"#),
            ("A=it's", "it's"),
            (r#"A=say "hi" now"#, r#"say "hi" now"#),
            (r"A=C:\dir\new", r"C:\dir\new"),
            ("A=a#b", "a#b"),
            ("A=a #b", "a"),
            ("A=a\t# b", "a"),
            ("A = v", "v"),
            ("A= v w  ", "v w"),
            ("  A =", ""),
            ("export A=1", "1"),
            ("export\tA=1", "1"),
            ("export   A = 'x' # y", "x"),
            (r#"A="line1\nline2""#, "line1\nline2"),
            (r#"A="tab\there\r""#, "tab\there\r"),
            (r#"A="a \"b\" \\n""#, r#"a "b" \n"#),
            (r#"A="a\zb""#, r"a\zb"),
            (r"A='raw\n $x'", r"raw\n $x"),
            ("A='#'", "#"),
            ("A=\"two\nlines\"", "two\nlines"),
            ("A=$HOME/x", "$HOME/x"),
            ("A=a=b==", "a=b=="),
            ("A=\"\"", ""),
            ("A=é", "é"),
        ] {
            assert_eq!(read(line), Ok(vec![(1, "A".into(), value.into())]), "{line}");
        }
    }

    /// Where dotenv readers differ, or refuse, it is what a shell reads.
    #[test]
    fn quotes_are_a_shells() {
        for (line, value) in [
            (r#"A="cost \$5 \`x\`""#, "cost $5 `x`"),
            (r"A='it'\''s'", "it's"),
            (r#"A="a"'b'c"#, "abc"),
            ("A=\"a\\\nb\"", "ab"),
            ("A= # nothing", ""),
        ] {
            assert_eq!(read(line), Ok(vec![(1, "A".into(), value.into())]), "{line}");
        }
    }

    #[test]
    fn nonsense_is_told_by_line() {
        for bad in [
            "A=1\nB=\\",
            "A=1\r\nB=\\\r\n",
            "A=1\nword\n",
            "A=1\n2B=x\n",
            "A=1\nB.C=x",
            "A=1\nB='open\n\n",
            "A=1\nB = 'x' y",
            "A=1\nexportB",
        ] {
            assert_eq!(read(bad).unwrap_err().0, 2, "{bad:?}");
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        for value in [
            "",
            "plain",
            "two words",
            "a'b\"c`d$e\\f",
            "#x",
            "line\nbreak\n",
            " é ",
            "\\\n",
            "\r",
            "a\r\nb\r\n",
            "a \t\nb ",
            "cost $5",
            "`x` and\n$y",
            "it's $5",
            "\\n$x\\",
            "'",
            "{\"a\": \"\\n\"}",
        ] {
            let entry = EntryRef {
                group: "g".into(),
                key: "K".into(),
                value: value.as_bytes(),
                version: 1,
                updated_at: Timestamp(0),
                expires_at: None,
            };
            let mut text = Vec::new();
            write(&mut text, &entry).unwrap().unwrap();
            let text = String::from_utf8(text).unwrap();
            assert_eq!(read(&text), Ok(vec![(1, "K".into(), value.into())]), "{text}");
        }
    }
}
