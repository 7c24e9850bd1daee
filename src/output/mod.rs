//! Output: where it goes and in what form, decided once per stream.

mod cell;
pub mod json;
mod pager;
pub mod progress;
pub mod table;

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, BufWriter, IsTerminal, Write};

use self::pager::Pager;
use crate::exit::{Exit, Failure, Report};
use crate::settings::Settings;
use crate::text;

/// Standard output, buffered. [`Out::finish`] must be called: what is still in
/// the buffer may fail to be written, and that must not go unnoticed.
#[derive(Debug)]
pub struct Out {
    writer: BufWriter<Stdout>,
    pager: Option<Pager>,
    /// Whether it is a terminal, once that was asked.
    terminal: Option<bool>,
}

/// Standard output as it is. Rust's own takes what is printed to a closed one
/// for printed.
#[derive(Clone, Copy, Debug)]
pub struct Stdout;

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(nix::unistd::write(io::stdout(), bytes)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Default for Out {
    fn default() -> Self {
        Self { writer: BufWriter::with_capacity(32 * 1024, Stdout), pager: None, terminal: None }
    }
}

impl Out {
    /// Standard output through the pager of the settings, if there is one, for
    /// what does not fit onto the terminal.
    #[must_use]
    pub fn paged(settings: &Settings) -> Self {
        Self { pager: settings.pager.clone().map(Pager::new), ..Self::default() }
    }

    /// Writes bytes as they are.
    pub fn write(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        let written = match &mut self.pager {
            None => self.writer.write_all(bytes),
            Some(pager) => pager.write_all(bytes),
        };
        written.map_err(|e| Failure::io("standard output", e))
    }

    /// Writes a line and its end.
    pub fn line(&mut self, line: &str) -> anyhow::Result<()> {
        self.write(line.as_bytes())?;
        self.write(b"\n")
    }

    /// Writes a record as one line of JSON, which a terminal can safely show.
    pub fn json(&mut self, record: &impl serde::Serialize) -> anyhow::Result<()> {
        let io_error = |e: serde_json::Error| Failure::io("standard output", e.into());
        if *self.terminal.get_or_insert_with(|| io::stdout().is_terminal()) {
            let json = serde_json::to_string(record).map_err(io_error)?;
            return self.line(&text::safe_json(&json));
        }
        serde_json::to_writer(&mut self.writer, record).map_err(io_error)?;
        self.write(b"\n")
    }

    /// Hands everything to the operating system.
    pub fn flush(&mut self) -> anyhow::Result<()> {
        self.writer.flush().map_err(|e| Failure::io("standard output", e))
    }

    /// Flushes and ends.
    pub fn finish(mut self) -> anyhow::Result<()> {
        if let Some(pager) = &mut self.pager {
            pager.finish().map_err(|e| Failure::io("standard output", e))?;
        }
        self.flush()
    }
}

/// Prints a text as it is.
pub fn print_text(text: &str) -> anyhow::Result<Exit> {
    let mut out = Out::default();
    out.write(text.as_bytes())?;
    out.finish()?;
    Ok(Exit::Success)
}

/// Prints help, which comes with ANSI styles: kept where there is colour.
pub fn print_help(text: &str, color: bool) -> anyhow::Result<Exit> {
    if color { print_text(text) } else { print_text(&text::without_styles(text)) }
}

/// Reports an error on standard error: one line, and a hint; with `json`
/// exactly one line. Nothing is left to do if standard error is gone.
pub fn print_error(json: bool, report: &Report) {
    let terminal = io::stderr().is_terminal();
    let shown = |text| if terminal { text::safe(text) } else { Cow::Borrowed(text) };
    let mut message = String::new();
    if json {
        let record = json::error(report);
        let record = if terminal { text::safe_json(&record) } else { Cow::Borrowed(&*record) };
        let _ = writeln!(message, "{record}");
    } else {
        let _ = writeln!(message, "larder: {}", shown(&report.message));
        if let Some(hint) = &report.hint {
            let _ = writeln!(message, "hint: {}", shown(hint));
        }
    }
    let _ = io::stderr().write_all(message.as_bytes());
}

/// Prints a record on standard error, as one line of JSON.
pub fn print_record(record: &serde_json::Value) {
    let record = record.to_string();
    let shown = if io::stderr().is_terminal() { text::safe_json(&record) } else { Cow::Borrowed(&*record) };
    let _ = io::stderr().write_all(format!("{shown}\n").as_bytes());
}

/// Prints a note on standard error.
pub fn print_note(note: &str) {
    let note = if io::stderr().is_terminal() { text::safe(note) } else { Cow::Borrowed(note) };
    let _ = io::stderr().write_all(format!("larder: {note}\n").as_bytes());
}
