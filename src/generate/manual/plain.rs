//! The manual as plain text, where there is no man(1) to show it.

use clap::Command;

use super::{Block, sections};
use crate::text;

/// Columns of the text.
const WIDTH: usize = 78;

/// larder(1): the list of commands, the options and every section.
#[must_use]
pub fn plain(root: Command) -> String {
    let mut page = String::from("NAME\n");
    let about = root.get_about().map(ToString::to_string).unwrap_or_default();
    blocks(&mut page, &[Block::Text(&format!("larder - {about}"))]);
    heading(&mut page, "DESCRIPTION");
    blocks(&mut page, &sections::description());
    heading(&mut page, "COMMANDS AND OPTIONS");
    let help = text::without_styles(&root.term_width(WIDTH - 4).render_help().ansi().to_string());
    let body = help.split_once("\n\n").map_or(help.as_str(), |(_, body)| body);
    for line in body.trim_end().lines() {
        push(&mut page, 4, line);
    }
    for section in sections::sections() {
        heading(&mut page, section.heading);
        blocks(&mut page, &section.blocks);
    }
    heading(&mut page, "SEE ALSO");
    page.push_str("    'larder COMMAND --help' explains a command.\n");
    page
}

fn heading(page: &mut String, heading: &str) {
    page.push('\n');
    page.push_str(heading);
    page.push('\n');
}

fn push(page: &mut String, indent: usize, line: &str) {
    if !line.is_empty() {
        page.push_str(&" ".repeat(indent));
        page.push_str(line);
    }
    page.push('\n');
}

fn blocks(page: &mut String, blocks: &[Block<'_>]) {
    for (at, block) in blocks.iter().enumerate() {
        if at > 0 {
            page.push('\n');
        }
        match block {
            Block::Text(text) => wrap(text, WIDTH - 4).iter().for_each(|line| push(page, 4, line)),
            Block::Lines(lines) => lines.iter().for_each(|line| push(page, 8, line)),
            Block::Table(rows) => table(page, rows),
        }
    }
}

/// Terms in a column of their own, as wide as the widest of at most 16.
fn table(page: &mut String, rows: &[(String, &'static str)]) {
    let column = rows.iter().map(|(term, _)| term.len()).filter(|len| *len <= 16).max().unwrap_or(8);
    for (term, meaning) in rows {
        let mut lines = wrap(meaning, WIDTH - 4 - column - 2).into_iter();
        if term.len() > column {
            push(page, 4, term);
        } else {
            push(page, 4, &format!("{term:column$}  {}", lines.next().unwrap_or_default()));
        }
        for line in lines {
            push(page, 4 + column + 2, &line);
        }
    }
}

/// Words in lines of at most `width` characters.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut();
        match line {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.len() + 1 + word.len() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_fit() {
        let page = plain(crate::cli::full_command());
        for line in page.lines() {
            assert!(line.len() <= WIDTH && line == line.trim_end(), "{line:?}");
        }
        assert!(page.contains("\nEXIT STATUS\n    0   "), "{page}");
    }
}
