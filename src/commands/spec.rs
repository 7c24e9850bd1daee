//! A subcommand, as the root parser and the dispatcher see it.

use std::ffi::OsString;

use clap::{ArgMatches, Command};

use super::Context;
use crate::exit::Exit;

/// A subcommand as the root parser and the dispatcher see it.
pub struct Spec {
    /// The word on the command line.
    pub name: &'static str,
    /// Other words for it.
    pub aliases: &'static [&'static str],
    /// One line for the list of commands.
    pub about: &'static str,
    /// Adds arguments, long help and examples; runs only for the command that
    /// is called.
    pub build: fn(Command) -> Command,
    /// Does it.
    pub run: fn(&Context, &ArgMatches) -> anyhow::Result<Exit>,
}

impl Spec {
    /// The command as listed, its arguments yet to be built.
    #[must_use]
    pub fn shell(&self) -> Command {
        Command::new(self.name).about(self.about).visible_aliases(self.aliases).defer(self.build)
    }

    /// Whether one of the words is this command's.
    pub(crate) fn is_named_in(&self, words: &[OsString]) -> bool {
        words.iter().any(|word| word == self.name || self.aliases.iter().any(|alias| word == alias))
    }

    /// The command with its arguments built, one line about it and the whole
    /// of its long help: for generators.
    #[must_use]
    pub fn built(&self) -> Command {
        let command = (self.build)(Command::new(self.name).visible_aliases(self.aliases));
        let whole = command.get_long_about().or_else(|| command.get_about());
        let mut whole = whole.map_or_else(|| self.about.to_owned(), ToString::to_string);
        // clap takes the full stop off a doc comment of one paragraph.
        if !whole.ends_with('.') {
            whole.push('.');
        }
        command.about(self.about).long_about(whole)
    }
}
