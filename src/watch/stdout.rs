//! The sink that prints.

use std::io::{IsTerminal, Write};
use std::os::fd::AsFd;

use unicode_width::UnicodeWidthStr;

use super::control::{Control, Stop};
use super::{Delivery, Sink};
use crate::exit::Failure;
use crate::model::{Change, ChangeKind, Scope};
use crate::output;
use crate::output::json::ChangeRecord;
use crate::output::table::{Cell, terminal_width};
use crate::text::{field_bytes, safe_json, safe_name};

/// What a change looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `SEQ TAB TYPE TAB GROUP TAB KEY`.
    Tabs,
    /// One JSON record.
    Json,
    /// Aligned columns for a person, in colour or not.
    Columns {
        /// Whether to use colour.
        color: bool,
    },
}

/// Columns that a value must have to be shown at all.
const LEAST_VALUE: usize = 4;

/// A pipe that polls writable takes this much without blocking (POSIX's
/// `PIPE_BUF` on Linux).
const CHUNK: usize = 4096;

/// Prints changes to standard output; each batch is flushed whole.
#[derive(Debug)]
pub struct Stdout {
    form: Form,
    scope: Scope,
    terminal: bool,
    buffer: Vec<u8>,
}

impl Stdout {
    /// A printer of names as `scope` has them.
    #[must_use]
    pub fn new(form: Form, scope: Scope) -> Self {
        Self { form, scope, terminal: std::io::stdout().is_terminal(), buffer: Vec::new() }
    }

    fn line(&self, change: &Change) -> anyhow::Result<Vec<u8>> {
        let group = self.scope.name_of(&change.group);
        let (group, key) = (group.as_bytes(), change.key.as_ref().map_or(&b""[..], AsRef::as_ref));
        let kind = change.kind.as_str();
        let mut line = match self.form {
            Form::Json => {
                let json = serde_json::to_string(&ChangeRecord::new(change.clone(), &self.scope))?;
                let json = if self.terminal { safe_json(&json).into_owned() } else { json };
                json.into_bytes()
            }
            Form::Tabs => {
                let before = format!("{}\t{kind}\t", change.seq);
                [before.as_bytes(), &field_bytes(group), b"\t", &field_bytes(key)].concat()
            }
            Form::Columns { color } => {
                let time = change.at.to_string();
                let time = time.get(11..23).unwrap_or(&time).to_owned();
                let (start, end) = match (color, change.kind) {
                    (false, _) => ("", ""),
                    (true, ChangeKind::Set) => ("\x1b[32m", "\x1b[0m"),
                    (true, ChangeKind::Expire) => ("\x1b[33m", "\x1b[0m"),
                    (true, _) => ("\x1b[31m", "\x1b[0m"),
                };
                let (group, key) = (safe_name(group), safe_name(key));
                let names = format!("{group}  {key}");
                let before = format!("{time}  {:>7}  {kind:<12}  {names}", change.seq);
                let room = terminal_width().saturating_sub(before.width() + 2);
                let value = change.value.as_deref().filter(|_| room >= LEAST_VALUE);
                let value = value.map(|value| Cell::value(value).fitted(room)).unwrap_or_default();
                format!("{time}  {:>7}  {start}{kind:<12}{end}  {names}  {value}", change.seq)
                    .trim_end()
                    .to_owned()
                    .into_bytes()
            }
        };
        line.push(b'\n');
        Ok(line)
    }
}

impl Sink for Stdout {
    fn wants_values(&self) -> bool {
        self.form != Form::Tabs
    }

    fn deliver(&mut self, change: &Change, control: &Control) -> anyhow::Result<Delivery> {
        let line = self.line(change)?;
        self.buffer.extend(line);
        // A batch of large values need not be held twice.
        if self.buffer.len() > 1 << 16 { self.settle(control) } else { Ok(Delivery::Done) }
    }

    fn settle(&mut self, control: &Control) -> anyhow::Result<Delivery> {
        let mut stdout = output::Stdout;
        let buffer = std::mem::take(&mut self.buffer);
        let mut rest = &buffer[..];
        let mut whole = true;
        while !rest.is_empty() {
            // As many whole lines as fit, which a pipe takes whole or not at
            // all; else a part of a line.
            let room = &rest[..rest.len().min(CHUNK)];
            let lines = room.iter().rposition(|b| *b == b'\n').map_or(room.len(), |end| end + 1);
            let chunk;
            (chunk, rest) = rest.split_at(lines);
            // A reader that has stopped reading must not keep a signal waiting.
            match control.wait_writable(std::io::stdout().as_fd()) {
                Ok(()) => {}
                Err(Stop::Signal) if !whole => {
                    let why = std::io::Error::other("its reader took only a part of the last line");
                    return Err(Failure::io("standard output", why));
                }
                Err(stop) => return Ok(Delivery::Stopped(stop)),
            }
            whole = chunk.ends_with(b"\n");
            let written = stdout.write_all(chunk).and_then(|()| stdout.flush());
            match written {
                Ok(()) => {}
                Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => {
                    return Ok(Delivery::Stopped(Stop::Closed));
                }
                Err(e) => return Err(Failure::io("standard output", e)),
            }
        }
        Ok(Delivery::Done)
    }
}
