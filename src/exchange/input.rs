//! Input: a file or a pipe as a text that can be read again, and its lines.

use std::fs::File;
use std::io::{self, Cursor, Read, Seek, SeekFrom, Write};
use std::os::fd::AsFd;
use std::path::Path;

use super::bad;
use crate::model::{Error, Result};
use crate::store::admit;
use crate::text::quote;

/// The longest line, array element or table row that is read. Larger values
/// travel by `get` and `set`, or in a backup.
pub const MAX_LINE: usize = 256 << 20;

/// What a pipe may hold and still be kept in memory.
const IN_MEMORY: usize = 1 << 20;

/// Where a text comes from, in a form that can be read more than once: a
/// transaction may have to start over, and it must not wait for a slow pipe
/// with the store locked.
pub enum Source {
    /// A regular file, from this offset.
    File(File, u64),
    /// What a pipe held.
    Memory(Vec<u8>),
}

impl Source {
    /// Opens `path`; `-` is standard input. Anything but a regular file is
    /// read to its end, into a nameless temporary file if there is much of it;
    /// before that `check` reads what has come, and may refuse it. Where it is cut
    /// off, reading it fails with [`Error::Io`], which says nothing about it.
    pub fn open(path: &Path, check: impl FnOnce(&[u8], Box<dyn Read + '_>) -> Result<()>) -> Result<Self> {
        let io_error = |error| Error::io(name(path), error);
        let mut file = open(path).map_err(io_error)?;
        let meta = file.metadata().map_err(io_error)?;
        if meta.is_file() {
            let start = file.stream_position().map_err(io_error)?;
            return Ok(Self::File(file, start));
        }
        let mut head = Vec::new();
        (&mut file).take(IN_MEMORY as u64).read_to_end(&mut head).map_err(io_error)?;
        if head.len() < IN_MEMORY {
            return Ok(Self::Memory(head));
        }
        match check(&head, Box::new(Cut(&head))) {
            Err(Error::Io { .. }) | Ok(()) => {}
            Err(error) => return Err(error),
        }
        let spool = |error| Error::io("a temporary file for the input", error);
        let mut copy = tempfile::tempfile().map_err(spool)?;
        // The line under way, and how much of it has come.
        let (mut line, mut length) = (1, 0);
        let mut chunk = head;
        while !chunk.is_empty() {
            length = chunk.iter().rev().position(|b| *b == b'\n').unwrap_or(length + chunk.len());
            line += chunk.split(|b| *b == b'\n').count() - 1;
            // Without end it would fill the disk before anyone read it.
            if length > MAX_LINE {
                return Err(bad(format!("line {line}: {}", too_long())));
            }
            copy.write_all(&chunk).map_err(spool)?;
            chunk.resize(IN_MEMORY, 0);
            let length = file.read(&mut chunk).map_err(io_error)?;
            chunk.truncate(length);
        }
        Ok(Self::File(copy, 0))
    }

    /// Bytes of the text, as far as can be told beforehand.
    #[must_use]
    pub fn length(&self) -> u64 {
        match self {
            Self::Memory(bytes) => bytes.len() as u64,
            Self::File(file, start) => file.metadata().map_or(0, |meta| meta.len().saturating_sub(*start)),
        }
    }

    /// The text from its beginning.
    pub fn read(&mut self) -> Result<Box<dyn Read + '_>> {
        match self {
            Self::Memory(bytes) => Ok(Box::new(Cursor::new(bytes))),
            Self::File(file, start) => {
                file.seek(SeekFrom::Start(*start)).map_err(|e| Error::io("the input", e))?;
                Ok(Box::new(file))
            }
        }
    }
}

/// The beginning of a text, behind which there is more to come.
struct Cut<'a>(&'a [u8]);

impl Read for Cut<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.0.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.0.read(into)
    }
}

/// Opens `path`; `-` is standard input.
pub fn open(path: &Path) -> io::Result<File> {
    if path == Path::new("-") {
        return Ok(File::from(io::stdin().as_fd().try_clone_to_owned()?));
    }
    open_file(path)
}

/// Opens the file at `path`, which is none of a vault's own.
pub fn open_file(path: &Path) -> io::Result<File> {
    admit(File::open(path)?)
}

/// How messages call a file.
#[must_use]
pub fn name(path: &Path) -> String {
    if path == Path::new("-") { "standard input".into() } else { quote(&path.to_string_lossy()) }
}

/// A text, handed out piece by piece. A piece lies in the buffer, which grows
/// to the longest there is.
pub struct Text<R> {
    from: R,
    buffer: Vec<u8>,
    /// What has been read and not yet handed out.
    start: usize,
    end: usize,
    /// Line of `start`, from 1.
    at: u64,
    /// Line of the piece last handed out.
    line: u64,
    ended: bool,
}

const BUFFER: usize = 128 * 1024;

impl<R: Read> Text<R> {
    /// The text that `from` holds.
    pub fn new(from: R) -> Self {
        Self { from, buffer: vec![0; BUFFER], start: 0, end: 0, at: 1, line: 0, ended: false }
    }

    /// The line on which the piece last handed out begins, from 1.
    #[must_use]
    pub fn line(&self) -> u64 {
        self.line
    }

    /// The reader below.
    #[must_use]
    pub fn source(&self) -> &R {
        &self.from
    }

    /// Reads more; `false` at the end.
    fn fill(&mut self) -> Result<bool> {
        if self.ended {
            return Ok(false);
        }
        if self.start > 0 && (self.start == self.end || self.end == self.buffer.len()) {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.end == self.buffer.len() {
            if self.end >= MAX_LINE {
                self.line = self.at;
                return Err(too_long());
            }
            self.buffer.resize(2 * self.end, 0);
        }
        let length = loop {
            match self.from.read(&mut self.buffer[self.end..]) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                other => break other.map_err(|e| Error::io("the input", e))?,
            }
        };
        self.end += length;
        self.ended = length == 0;
        // A byte order mark belongs to no format read here.
        if self.at == 1 && self.start == 0 && self.buffer[..self.end].starts_with(b"\xef\xbb\xbf") {
            self.start = 3;
        }
        Ok(!self.ended)
    }

    /// Whether a whole line can be had without reading.
    #[must_use]
    pub fn holds_line(&self) -> bool {
        self.buffer[self.start..self.end].contains(&b'\n')
    }

    /// Reads once, which may wait; `false` at the end.
    pub fn read_more(&mut self) -> Result<bool> {
        self.fill()
    }

    /// The next line without its end; `None` after the last.
    pub fn next_line(&mut self) -> Result<Option<&[u8]>> {
        let mut looked_at = 0;
        let length = loop {
            let unseen = &self.buffer[self.start + looked_at..self.end];
            if let Some(at) = unseen.iter().position(|b| *b == b'\n') {
                break looked_at + at;
            }
            looked_at = self.end - self.start;
            if !self.fill()? {
                // The end may have moved past a byte order mark.
                let rest = self.end - self.start;
                if rest == 0 {
                    return Ok(None);
                }
                break rest;
            }
            looked_at = looked_at.min(self.end - self.start);
        };
        let line = self.start..self.start + length;
        self.start = (line.end + 1).min(self.end);
        self.line = self.at;
        self.at += 1;
        Ok(Some(&self.buffer[line]))
    }

    /// The next byte that is not blank, without taking it.
    pub fn peek(&mut self) -> Result<Option<u8>> {
        loop {
            while self.start < self.end {
                let byte = self.buffer[self.start];
                if !byte.is_ascii_whitespace() {
                    return Ok(Some(byte));
                }
                self.at += u64::from(byte == b'\n');
                self.start += 1;
            }
            if !self.fill()? {
                return Ok(None);
            }
        }
    }

    /// Takes the byte that [`Text::peek`] showed.
    pub fn take(&mut self) {
        self.start += 1;
    }

    /// Whether the byte that [`Text::peek`] showed is the last of its line but
    /// for blanks.
    pub fn opens_alone(&mut self) -> Result<bool> {
        let mut at = 1;
        loop {
            while let Some(byte) = self.buffer[..self.end].get(self.start + at) {
                match byte {
                    b'\n' => return Ok(true),
                    b' ' | b'\t' | b'\r' => at += 1,
                    _ => return Ok(false),
                }
            }
            if !self.fill()? {
                return Ok(true);
            }
        }
    }

    /// A JSON object, from the brace that [`Text::peek`] showed up to and with
    /// the one that closes it, or to the end of the text.
    pub fn next_object(&mut self) -> Result<&[u8]> {
        self.line = self.at;
        let mut nesting = Nesting::default();
        let mut at = 0;
        let length = 'found: loop {
            while self.start + at < self.end {
                let byte = self.buffer[self.start + at];
                self.at += u64::from(byte == b'\n');
                at += 1;
                if nesting.step(byte) && nesting.depth == 0 {
                    break 'found at;
                }
            }
            if !self.fill()? {
                break at;
            }
        };
        let object = self.start..self.start + length;
        self.start = object.end;
        Ok(&self.buffer[object])
    }

    /// The next element of a JSON array, up to the comma or bracket that
    /// follows it.
    pub fn next_element(&mut self) -> Result<&[u8]> {
        self.peek()?;
        self.line = self.at;
        let mut nesting = Nesting::default();
        let mut at = 0;
        let length = 'found: loop {
            while self.start + at < self.end {
                let byte = self.buffer[self.start + at];
                self.at += u64::from(byte == b'\n');
                let outside = nesting.depth == 0;
                if nesting.step(byte) && outside && matches!(byte, b',' | b']' | b'}') {
                    break 'found at;
                }
                at += 1;
            }
            if !self.fill()? {
                return Err(bad("the array does not end"));
            }
        };
        let element = self.start..self.start + length;
        self.start = element.end;
        Ok(&self.buffer[element])
    }
}

/// Where in JSON a reader stands.
#[derive(Default)]
struct Nesting {
    /// Brackets and braces that are open.
    depth: u32,
    in_string: bool,
    escaped: bool,
}

impl Nesting {
    /// Takes a byte; says whether it stands outside of strings.
    fn step(&mut self, byte: u8) -> bool {
        match byte {
            _ if self.escaped => self.escaped = false,
            b'\\' if self.in_string => self.escaped = true,
            b'"' => self.in_string = !self.in_string,
            _ if self.in_string => {}
            b'[' | b'{' => self.depth += 1,
            b']' | b'}' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        !self.in_string
    }
}

fn too_long() -> Error {
    bad(format!("it is longer than {} MiB", MAX_LINE >> 20))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Hands out a few bytes at a time.
    pub(in crate::exchange) struct Drip<'a>(pub &'a [u8], pub usize);

    impl Read for Drip<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let length = self.1.min(self.0.len()).min(into.len());
            into[..length].copy_from_slice(&self.0[..length]);
            self.0 = &self.0[length..];
            Ok(length)
        }
    }

    fn lines(text: &[u8], step: usize) -> Vec<(u64, Vec<u8>)> {
        let mut text = Text::new(Drip(text, step));
        let mut found = Vec::new();
        while let Some(line) = text.next_line().unwrap().map(<[u8]>::to_vec) {
            found.push((text.line(), line));
        }
        found
    }

    #[test]
    fn lines_whatever_the_reads() {
        for step in [1, 2, 3, 1000] {
            let expected = vec![(1, b"a".to_vec()), (2, vec![]), (3, b"bcd".to_vec()), (4, b"last".to_vec())];
            assert_eq!(lines(b"a\n\nbcd\nlast", step), expected);
            assert_eq!(lines(b"\xef\xbb\xbfa\n\nbcd\nlast\n", step.max(3)), expected);
            assert!(lines(b"", step).is_empty());
        }
    }

    #[test]
    fn long_lines_grow_the_buffer() {
        let long = vec![b'x'; 3 * BUFFER];
        let text = [b"a\n", &long[..], b"\n", &long[..]].concat();
        for step in [BUFFER / 3, BUFFER, 10 * BUFFER] {
            let got = lines(&text, step);
            assert_eq!(got.len(), 3);
            assert!(got[1].1 == long && got[2].1 == long);
        }
    }
}
