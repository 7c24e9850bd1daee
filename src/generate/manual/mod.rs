//! The manual: a page for larder and one for each command.
//!
//! What the parser knows (usage, options, examples) comes from the parser. What
//! applies to all commands is in `sections.rs`, as data, and is written as roff
//! for man(1) and as plain text for everyone else.

mod access;
mod plain;
mod roff;
mod sections;
mod templates;

pub use plain::plain;
pub use roff::pages;

/// A part of larder(1) below a heading.
struct Section {
    heading: &'static str,
    blocks: Vec<Block<'static>>,
}

/// A piece of a section.
enum Block<'a> {
    /// A paragraph.
    Text(&'a str),
    /// Terms and what they mean.
    Table(Vec<(String, &'static str)>),
    /// Lines to type, as they are.
    Lines(&'static [&'static str]),
}

/// A table of constant terms.
fn table(rows: &[(&'static str, &'static str)]) -> Block<'static> {
    Block::Table(rows.iter().map(|(term, meaning)| ((*term).to_owned(), *meaning)).collect())
}
