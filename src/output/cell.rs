//! A table cell: text for people, and its style.

use super::text;
use crate::clock::Timestamp;
use crate::units;

/// Blocks in a usage bar.
const BAR: usize = 10;

/// How a cell is coloured, where there is colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Tone {
    #[default]
    Plain,
    Dim,
    Good,
    Warning,
    Bad,
}

/// The cell of one column of one row.
#[derive(Clone, Debug, Default)]
pub struct Cell {
    pub(super) text: String,
    pub(super) tone: Tone,
}

impl Cell {
    /// Text from anywhere, the store included: it is made safe for a terminal
    /// when the table is printed. A value of any size is fine; no more of it
    /// is kept than a wide terminal can show.
    #[must_use]
    pub fn text(text: &str) -> Self {
        // Escapes make it longer and combining marks take no room, so what is
        // kept is more than can be shown, and the cut still gets its "…".
        const KEPT: usize = 2048;
        let end = text.char_indices().nth(KEPT).map_or(text.len(), |(at, _)| at);
        Self { text: text[..end].to_owned(), tone: Tone::Plain }
    }

    /// The name of a group or key.
    #[must_use]
    pub fn name(name: &[u8]) -> Self {
        Self::text(&text::safe_name(name))
    }

    /// A value: its text, or how long it is if it is binary.
    #[must_use]
    pub fn value(value: &[u8]) -> Self {
        match std::str::from_utf8(value) {
            Ok(text) if !text.contains('\0') => Self::text(text),
            _ => Self::text(&format!("<binary, {}>", units::human_bytes(length(value)))).dim(),
        }
    }

    /// The cell as text that is safe on a terminal, in at most `width` columns.
    #[must_use]
    pub fn fitted(&self, width: usize) -> String {
        super::table::cut(&text::safe(&self.text), width).into_owned()
    }

    /// A number.
    #[must_use]
    pub fn number(number: i64) -> Self {
        Self { text: number.to_string(), tone: Tone::Plain }
    }

    /// A number of bytes, as `1.5 KiB`.
    #[must_use]
    pub fn bytes(bytes: i64) -> Self {
        Self { text: units::human_bytes(bytes), tone: Tone::Plain }
    }

    /// A moment of the past, as `5m ago`; `-` where another client left none.
    #[must_use]
    pub fn past(at: Timestamp, now: Timestamp) -> Self {
        if at.0 <= 0 {
            return Self { text: "-".into(), tone: Tone::Dim };
        }
        Self { text: format!("{} ago", units::human_span(now.since(at).max(0))), tone: Tone::Plain }
    }

    /// When something expires, as `in 5m`; `never` for `None`.
    #[must_use]
    pub fn due(at: Option<Timestamp>, now: Timestamp) -> Self {
        match at {
            Some(at) => {
                Self { text: format!("in {}", units::human_span(at.since(now).max(0))), tone: Tone::Plain }
            }
            None => Self { text: "never".into(), tone: Tone::Dim },
        }
    }

    /// How much of a limit is used: a bar and per cent, green, yellow from 80 %
    /// and red from 100 %; `-` if there is no limit.
    #[must_use]
    pub fn usage(used: i64, limit: Option<i64>) -> Self {
        let Some(limit) = limit.filter(|limit| *limit > 0) else {
            return Self { text: "-".into(), tone: Tone::Dim };
        };
        let percent = (i128::from(used.max(0)) * 100 / i128::from(limit)).min(999);
        let percent = usize::try_from(percent).unwrap_or(999);
        let full = (percent * BAR).div_ceil(100).min(BAR);
        let tone = match percent {
            0..80 => Tone::Good,
            80..100 => Tone::Warning,
            _ => Tone::Bad,
        };
        Self { text: format!("{}{} {percent:>3}%", "█".repeat(full), "░".repeat(BAR - full)), tone }
    }

    /// The same with its limit, if there is one: `3/10`.
    #[must_use]
    pub fn of(mut self, limit: Option<Self>) -> Self {
        if let Some(limit) = limit {
            self.text = format!("{}/{}", self.text, limit.text);
        }
        self
    }

    /// The same in a fainter tone, for what matters least.
    #[must_use]
    pub fn dim(mut self) -> Self {
        self.tone = Tone::Dim;
        self
    }
}

fn length(value: &[u8]) -> i64 {
    i64::try_from(value.len()).unwrap_or(i64::MAX)
}
