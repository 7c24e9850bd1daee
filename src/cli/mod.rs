//! The root parser. Man pages and completions are generated from it too.

mod usage;

use std::ffi::OsString;
use std::mem::ManuallyDrop;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use clap::builder::{Resettable, ValueParser};
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::commands;
use crate::exit::Failure;
use crate::store::{self, schema};
use crate::units;

/// The whole parser.
#[must_use]
pub fn command() -> Command {
    root(|_| true).long_version(long_version()).subcommands(commands::ALL.iter().map(commands::Spec::shell))
}

/// What `--version` says, where `-V` says only the first line: what a store is
/// made with, and the schemas that are read.
fn long_version() -> String {
    format!(
        "{}\nSQLite {}\nschema {} (from {})",
        env!("CARGO_PKG_VERSION"),
        store::sqlite_version(),
        schema::VERSION,
        schema::oldest()
    )
}

/// The parser with all arguments built: for generators.
#[must_use]
pub fn full_command() -> Command {
    root(|_| true).subcommands(commands::ALL.iter().map(commands::Spec::built))
}

/// The parser without subcommands, with those global flags that are `wanted`.
fn root(wanted: impl Fn(&Flag) -> bool) -> Command {
    Command::new("larder")
        .version(env!("CARGO_PKG_VERSION"))
        .about("A key-value store for the shell: one binary, one SQLite file, no server")
        .subcommand_required(true)
        .subcommand_value_name("COMMAND")
        .disable_help_subcommand(true)
        .infer_subcommands(false)
        .max_term_width(100)
        // clap's own flag tells of a difference between -h and --help.
        .disable_help_flag(true)
        .next_help_heading("Global options")
        .args(GLOBALS.iter().filter(|flag| wanted(flag)).map(Flag::built))
        .next_help_heading(None)
}

/// A global flag, which is built only where it is needed.
struct Flag {
    /// Its name, and its id.
    long: &'static str,
    short: Option<char>,
    takes_value: bool,
    /// What else there is to it.
    build: fn(Arg) -> Arg,
}

impl Flag {
    fn built(&self) -> Arg {
        let action = if self.takes_value { ArgAction::Set } else { ArgAction::SetTrue };
        (self.build)(Arg::new(self.long).long(self.long).short(self.short).action(action).global(true))
    }

    /// Whether one of the words could be the flag, alone, with its value, or
    /// among other letters.
    fn may_be_in(&self, words: &[OsString]) -> bool {
        words.iter().any(|word| match word.as_bytes() {
            [b'-', b'-', word @ ..] => word.starts_with(self.long.as_bytes()),
            [b'-', letters @ ..] => {
                self.short.is_some_and(|short| letters.iter().any(|letter| char::from(*letter) == short))
            }
            _ => false,
        })
    }
}

const GLOBALS: [Flag; 8] = [
    Flag {
        long: "db",
        short: None,
        takes_value: true,
        build: |flag| {
            flag.value_name("FILE")
                .value_parser(clap::value_parser!(PathBuf))
                .help("The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]")
        },
    },
    Flag {
        long: "namespace",
        short: Some('n'),
        takes_value: true,
        build: |flag| {
            flag.value_name("NS")
                .help("Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]")
        },
    },
    Flag {
        long: "must-exist",
        short: None,
        takes_value: false,
        build: |flag| {
            flag.help("Fail if the store does not exist, instead of creating it or finding nothing")
        },
    },
    Flag {
        long: "json",
        short: None,
        takes_value: false,
        build: |flag| flag.help("Print JSON, one record per line"),
    },
    Flag {
        long: "quiet",
        short: Some('q'),
        takes_value: false,
        build: |flag| flag.help("Print no notes and no progress, only results and errors"),
    },
    Flag {
        long: "color",
        short: None,
        takes_value: true,
        build: |flag| {
            flag.value_name("WHEN")
                .value_parser(["auto", "always", "never"])
                .default_value("auto")
                .hide_default_value(true)
                .help("Colour the output")
        },
    },
    Flag {
        long: "busy-timeout",
        short: None,
        takes_value: true,
        build: |flag| {
            flag.value_name("DUR")
                .value_parser(ValueParser::from(units::duration))
                .help("Wait this long for a locked store [default: LARDER_BUSY_TIMEOUT, else 5s]")
        },
    },
    Flag {
        long: "help",
        short: Some('h'),
        takes_value: false,
        build: |flag| flag.action(ArgAction::Help).help("Print help"),
    },
];

/// Parses the arguments, for the life of the process. `Err(Ok(text))` is help
/// or the version: text to print and a success.
pub fn parse(args: &[OsString]) -> Result<&'static ArgMatches, Result<String, Failure>> {
    if let Some(asked) = usage::help_asked(args) {
        return parse_fully(&asked).and(Err(Ok(String::new())));
    }
    // Building the parser is most of a parse. A subcommand that the line does
    // not name cannot be the one it calls, and a flag that is in none of its
    // words is not given: a parser without them accepts the same lines, and
    // what it does not accept goes to the whole parser, which knows what to
    // suggest. Taking either apart again would cost as much as using it.
    let named = commands::ALL.iter().filter(|spec| spec.is_named_in(args));
    let mut parser =
        ManuallyDrop::new(root(|flag| flag.may_be_in(args)).subcommands(named.map(commands::Spec::shell)));
    let matches = parser.try_get_matches_from_mut(args).or_else(|_| parse_fully(args))?;
    if let Some(flag) = given_twice(args) {
        let what = format!("the argument '--{}' cannot be used multiple times", flag.long);
        return Err(Err(usage::pointing_to(args, Failure::usage(what))));
    }
    Ok(Box::leak(Box::new(matches)))
}

/// Whether a line that may not parse asks for JSON: the flag, and not the value
/// of another one.
#[must_use]
pub fn asks_for_json(args: &[OsString]) -> bool {
    let mut words = args.iter().take_while(|word| *word != "--").peekable();
    if words.peek().is_none() || !args.iter().any(|word| word == "--json") {
        return false;
    }
    let with_value = usage::flags_with_value(args);
    let mut value_follows = false;
    words.any(|word| {
        let is_value = std::mem::take(&mut value_follows);
        value_follows = !is_value && with_value.iter().any(|flag| word == flag.as_str());
        !is_value && word == "--json"
    })
}

/// A flag that has a value before the subcommand and another one behind it. To
/// clap the last one counts; but who puts a namespace before the words of
/// somebody else means it.
fn given_twice(args: &[OsString]) -> Option<&'static Flag> {
    let at = subcommand_at(args)?;
    let (before, behind) = args.split_at(at);
    GLOBALS.iter().filter(|flag| flag.takes_value && flag.may_be_in(behind)).find(|flag| {
        let before = given(before).any(|given| given.long == flag.long);
        // What looks like the flag may be something else's value.
        let parsed = || command().try_get_matches_from(args[..1].iter().chain(behind)).ok();
        before
            && parsed().is_some_and(|matches| {
                innermost(&matches).value_source(flag.long) == Some(ValueSource::CommandLine)
            })
    })
}

fn innermost(matches: &ArgMatches) -> &ArgMatches {
    matches.subcommand().map_or(matches, |(_, inner)| innermost(inner))
}

/// Where the subcommand is: the first word that is neither a global flag nor
/// the value of one.
fn subcommand_at(args: &[OsString]) -> Option<usize> {
    let mut at = 1;
    while let Some(word) = args.get(at) {
        match flags_of(word) {
            None => return Some(at),
            Some((_, value_follows)) => at += 1 + usize::from(value_follows),
        }
    }
    None
}

/// The global flags before the subcommand.
fn given(before: &[OsString]) -> impl Iterator<Item = &'static Flag> {
    let mut at = 1;
    std::iter::from_fn(move || {
        let (flags, value_follows) = flags_of(before.get(at)?)?;
        at += 1 + usize::from(value_follows);
        Some(flags)
    })
    .flatten()
}

/// The global flags in a word, and whether the next word is the value of the
/// last of them; `None` if it is no flag.
fn flags_of(word: &OsString) -> Option<(Vec<&'static Flag>, bool)> {
    match word.as_bytes() {
        [b'-', b'-', long @ ..] => {
            let name = long.split(|byte| *byte == b'=').next().unwrap_or_default();
            let flag = GLOBALS.iter().find(|flag| flag.long.as_bytes() == name);
            let value_follows = flag.is_some_and(|flag| flag.takes_value) && name.len() == long.len();
            Some((flag.into_iter().collect(), value_follows))
        }
        [b'-', letters @ ..] if !letters.is_empty() => {
            let mut flags = Vec::new();
            for (at, letter) in letters.iter().enumerate() {
                let found = GLOBALS.iter().find(|flag| flag.short == Some(char::from(*letter)));
                flags.extend(found);
                if found.is_some_and(|flag| flag.takes_value) {
                    return Some((flags, at + 1 == letters.len()));
                }
            }
            Some((flags, false))
        }
        _ => None,
    }
}

fn parse_fully(args: &[OsString]) -> Result<ArgMatches, Result<String, Failure>> {
    command().try_get_matches_from(args).map_err(|error| match error.kind() {
        ErrorKind::DisplayHelp => Ok(help(args, &error)),
        ErrorKind::DisplayVersion => Ok(error.render().ansi().to_string()),
        _ => Err(usage::failure(args, &error)),
    })
}

/// Help of one form, whether -h or --help asked: all that is said about the
/// command, and an option a line.
fn help(args: &[OsString], first: &clap::Error) -> String {
    let text = first.render().to_string();
    if text.contains("Usage: larder [OPTIONS] <COMMAND>") {
        return first.render().ansi().to_string();
    }
    let compact = |spec: &commands::Spec| {
        let command = spec.built();
        let whole = command.get_long_about().cloned().unwrap_or_default();
        command.about(whole).long_about(Resettable::Reset)
    };
    match root(|_| true).subcommands(commands::ALL.iter().map(compact)).try_get_matches_from(args) {
        Err(second) => second.render().ansi().to_string(),
        Ok(_) => text,
    }
}
