//! Tables for people: only ever on a terminal, never wider than it.
//!
//! A table is printed in chunks, so that a listing of any length takes no more
//! memory than `CHUNK` rows. Columns grow from chunk to chunk, they never
//! shrink.

use std::borrow::Cow;

use comfy_table::{Attribute, CellAlignment, Color, ColumnConstraint, ContentArrangement, Width, presets};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

pub use super::cell::Cell;
use super::cell::Tone;
use super::{Out, text};
use crate::settings::Settings;

/// Rows laid out together.
const CHUNK: usize = 500;

/// Spaces between columns.
const GAP: usize = 2;

/// A text column is not cut below this width while another one is wider.
const LEAST_TEXT: usize = 8;

/// A column: its heading, and whether it holds numbers.
#[derive(Clone, Debug)]
pub struct Column {
    heading: &'static str,
    number: bool,
}

impl Column {
    /// Text: aligned left, cut first when the terminal is narrow.
    #[must_use]
    pub const fn text(heading: &'static str) -> Self {
        Self { heading, number: false }
    }

    /// Numbers and the like: aligned right, cut last.
    #[must_use]
    pub const fn number(heading: &'static str) -> Self {
        Self { heading, number: true }
    }
}

/// A table on standard output.
///
/// ```no_run
/// # use larder::output::{Out, table::{Cell, Column, Table}};
/// # fn f(settings: &larder::settings::Settings) -> anyhow::Result<()> {
/// let mut out = Out::default();
/// let mut table = Table::new(settings, &[Column::text("GROUP"), Column::number("KEYS")]);
/// table.row(&mut out, [Cell::text("session"), Cell::number(3)])?;
/// table.finish(&mut out)?;
/// # out.finish()
/// # }
/// ```
#[derive(Debug)]
pub struct Table {
    /// Whether nobody wants notes.
    quiet: bool,
    layout: Layout,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// A table as wide as the terminal at most, with the colours that the
    /// settings allow.
    #[must_use]
    pub fn new(settings: &Settings, columns: &[Column]) -> Self {
        Self {
            quiet: settings.quiet,
            layout: Layout::new(columns, terminal_width(), settings.color),
            rows: Vec::new(),
        }
    }

    /// Adds a row, a cell a column; prints if enough have come together.
    pub fn row(&mut self, out: &mut Out, cells: impl Into<Vec<Cell>>) -> anyhow::Result<()> {
        self.rows.push(cells.into());
        if self.rows.len() >= CHUNK {
            return self.finish(out);
        }
        Ok(())
    }

    /// Prints what has not been printed yet. A table without rows prints
    /// nothing, not even its headings.
    pub fn finish(&mut self, out: &mut Out) -> anyhow::Result<()> {
        let text = self.layout.render(&std::mem::take(&mut self.rows));
        out.write(text.as_bytes())
    }

    /// Like [`Table::finish`]; a table without rows is told about as `empty`,
    /// on standard error, so that a person sees that there is an answer.
    pub fn finish_or(&mut self, out: &mut Out, empty: &str) -> anyhow::Result<()> {
        self.finish(out)?;
        if !self.layout.headed && !self.quiet {
            super::print_note(empty);
        }
        Ok(())
    }
}

/// A table as lines, each at most `width` columns wide, headings first.
#[must_use]
pub fn lines(columns: &[Column], rows: &[Vec<Cell>], width: usize, color: bool) -> Vec<String> {
    Layout::new(columns, width, color).render(rows).lines().map(str::to_owned).collect()
}

/// Columns of standard output's terminal, 80 if it does not tell.
#[must_use]
pub fn terminal_width() -> usize {
    terminal_size::terminal_size_of(std::io::stdout())
        .map(|(width, _)| usize::from(width.0))
        .filter(|width| *width > 0)
        .unwrap_or(80)
}

/// The form of a table, and how far it has been printed.
#[derive(Debug)]
struct Layout {
    columns: Vec<Column>,
    widths: Vec<usize>,
    room: usize,
    color: bool,
    headed: bool,
}

impl Layout {
    fn new(columns: &[Column], width: usize, color: bool) -> Self {
        let gaps = GAP * columns.len().saturating_sub(1);
        Self {
            columns: columns.to_vec(),
            widths: columns.iter().map(|column| column.heading.width()).collect(),
            room: width.saturating_sub(gaps).max(columns.len()),
            color,
            headed: false,
        }
    }

    /// The next rows as lines; headings stand before the first of them.
    fn render(&mut self, rows: &[Vec<Cell>]) -> String {
        if rows.is_empty() {
            return String::new();
        }
        let shown: Vec<Vec<(Cow<'_, str>, Tone)>> = rows
            .iter()
            .map(|row| row.iter().map(|cell| (text::safe(&cell.text), cell.tone)).collect())
            .collect();
        for row in &shown {
            for (width, (text, _)) in self.widths.iter_mut().zip(row) {
                *width = (*width).max(text.width());
            }
        }
        self.fit();
        let mut table = comfy_table::Table::new();
        // Content is cut to its column here: comfy-table would wrap it, and
        // the colours are the settings' business, not the terminal's.
        table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
        table.force_no_tty();
        if self.color {
            // Without this crossterm asks NO_COLOR again, and --color=always
            // would be overruled.
            crossterm::style::force_color_output(true);
            table.enforce_styling();
            table.style_text_only();
        }
        if !self.headed {
            self.headed = true;
            let headings = self.columns.iter().zip(&self.widths).map(|(column, width)| {
                comfy_table::Cell::new(cut(column.heading, *width)).add_attribute(Attribute::Bold)
            });
            table.set_header(headings);
        }
        for row in &shown {
            let cells = row.iter().zip(&self.widths).map(|((text, tone), width)| {
                let cell = comfy_table::Cell::new(cut(text, *width));
                match tone {
                    Tone::Plain => cell,
                    Tone::Dim => cell.add_attribute(Attribute::Dim),
                    Tone::Good => cell.fg(Color::Green),
                    Tone::Warning => cell.fg(Color::Yellow),
                    Tone::Bad => cell.fg(Color::Red),
                }
            });
            table.add_row(cells);
        }
        for (at, column) in self.columns.iter().enumerate() {
            let Some(target) = table.column_mut(at) else { continue };
            let gap = if at + 1 < self.columns.len() { GAP } else { 0 };
            let whole = u16::try_from(self.widths[at] + gap).unwrap_or(u16::MAX);
            target.set_padding((0, u16::try_from(gap).unwrap_or(0)));
            target.set_constraint(ColumnConstraint::Absolute(Width::Fixed(whole)));
            if column.number {
                target.set_cell_alignment(CellAlignment::Right);
            }
        }
        let mut lines = String::new();
        for line in table.lines() {
            lines.push_str(line.trim_end_matches(' '));
            lines.push('\n');
        }
        lines
    }

    /// Takes width off the widest column, text before numbers, until all of
    /// them have room.
    fn fit(&mut self) {
        let mut excess = self.widths.iter().sum::<usize>().saturating_sub(self.room);
        for (numbers_too, least) in [(false, LEAST_TEXT), (true, 1)] {
            while excess > 0 {
                let widest = (0..self.widths.len())
                    .filter(|&at| (numbers_too || !self.columns[at].number) && self.widths[at] > least)
                    .max_by_key(|&at| self.widths[at]);
                let Some(widest) = widest else { break };
                // Down to the next wider one at once would be quicker; widths
                // are bounded by what a cell keeps, so this is quick enough.
                self.widths[widest] -= 1;
                excess -= 1;
            }
        }
    }
}

/// Text in at most `width` columns; what was cut off is an ellipsis.
#[must_use]
pub fn cut(text: &str, width: usize) -> Cow<'_, str> {
    if text.width() <= width {
        return Cow::Borrowed(text);
    }
    let mut used = 0;
    let mut end = 0;
    for (at, c) in text.char_indices() {
        used += c.width().unwrap_or(0);
        if used + 1 > width {
            break;
        }
        end = at + c.len_utf8();
    }
    // Widths of a run can differ from the sum of its characters' widths (an
    // emoji and its selector), so the sum only finds the place to start from.
    while end > 0 && text[..end].width() + 1 > width {
        end = text[..end].char_indices().next_back().map_or(0, |(at, _)| at);
    }
    // No joiner without what it would join.
    Cow::Owned(format!("{}…", text[..end].trim_end_matches(text::JOINER)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [Column; 2] = [Column::text("KEY"), Column::number("BYTES")];

    fn row(key: &str, bytes: i64) -> Vec<Cell> {
        vec![Cell::text(key), Cell::number(bytes)]
    }

    #[test]
    fn columns_are_as_wide_as_their_content() {
        let mut layout = Layout::new(&COLUMNS, 80, false);
        assert_eq!(layout.render(&[]), "");
        assert_eq!(
            layout.render(&[row("a", 1), row("long-key", 123_456)]),
            "KEY        BYTES\na              1\nlong-key  123456\n"
        );
        assert_eq!(layout.render(&[row("b", 7)]), "b              7\n", "a second chunk has no headings");
    }

    #[test]
    fn nothing_is_wider_than_the_terminal() {
        let keys = [
            "x".repeat(300),
            "漢字".repeat(60),
            "👩🏽‍🚀❤️".repeat(40),
            "e\u{301}".repeat(100),
            "\u{1b}[2J".repeat(50),
        ];
        let rows: Vec<_> = keys.iter().map(|key| row(key, i64::MAX)).collect();
        for width in [1, 4, 20, 60, 80, 200] {
            let text = Layout::new(&COLUMNS, width, false).render(&rows);
            assert_eq!(text.lines().count(), 6);
            for line in text.lines() {
                assert!(line.width() <= width.max(4), "{width}: {line}");
                assert!(!line.contains('\u{1b}'));
            }
        }
        let text = Layout::new(&COLUMNS, 30, false).render(&rows[..2]);
        assert_eq!(
            text,
            "KEY                      BYTES\nxxxxxxxx…  9223372036854775807\n漢字漢字…  9223372036854775807\n"
        );
    }

    #[test]
    fn colour_is_asked_for() {
        let rows = [vec![Cell::text("a"), Cell::usage(9, Some(10))]];
        let plain = Layout::new(&COLUMNS, 80, false).render(&rows);
        assert!(!plain.contains('\u{1b}') && plain.contains("█████████░  90%"), "{plain}");
        let colourful = Layout::new(&COLUMNS, 80, true).render(&rows);
        assert!(colourful.contains('\u{1b}'));
        assert_eq!(text::without_styles(&colourful).replace(' ', ""), plain.replace(' ', ""));
    }

    #[test]
    fn usage_bars() {
        for (used, limit, text) in [
            (0, Some(10), "░░░░░░░░░░   0%"),
            (1, Some(1000), "░░░░░░░░░░   0%"),
            (15, Some(10), "██████████ 150%"),
            (5, None, "-"),
            (i64::MAX, Some(1), "██████████ 999%"),
        ] {
            assert_eq!(Cell::usage(used, limit).text, text);
        }
    }
}
