//! The root parser. Man pages and completions are generated from it too.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{Resettable, ValueParser};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::commands;
use crate::exit::Failure;
use crate::units;

/// Flags that stand before or after any subcommand.
#[derive(Clone, Debug)]
pub struct Globals {
    /// `--db`
    pub db: Option<PathBuf>,
    /// `--namespace`, not yet checked
    pub namespace: Option<String>,
    /// `--json`
    pub json: bool,
    /// `--quiet`
    pub quiet: bool,
    /// `--color`
    pub color: String,
    /// `--busy-timeout`
    pub busy_timeout: Duration,
}

impl Globals {
    /// Reads the flags out of what was parsed.
    #[must_use]
    pub fn from_matches(matches: &ArgMatches) -> Self {
        Self {
            db: matches.get_one::<PathBuf>("db").cloned(),
            namespace: matches.get_one::<String>("namespace").cloned(),
            json: matches.get_flag("json"),
            quiet: matches.get_flag("quiet"),
            color: matches.get_one::<String>("color").cloned().unwrap_or_default(),
            busy_timeout: matches
                .get_one::<Duration>("busy-timeout")
                .copied()
                .unwrap_or(Duration::from_secs(5)),
        }
    }
}

/// The whole parser.
#[must_use]
pub fn command() -> Command {
    with_subcommands(commands::ALL.iter())
}

/// The parser with all arguments built: for generators.
#[must_use]
pub fn full_command() -> Command {
    root().subcommands(commands::ALL.iter().map(commands::Spec::built))
}

/// The parser with some of the subcommands. Their arguments are only built for
/// the one that is called, which is one half of what makes a start cheap.
fn with_subcommands<'a>(specs: impl Iterator<Item = &'a commands::Spec>) -> Command {
    root().subcommands(specs.map(commands::Spec::shell))
}

fn root() -> Command {
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
        .arg(
            Arg::new("db")
                .long("db")
                .value_name("FILE")
                .global(true)
                .value_parser(clap::value_parser!(PathBuf))
                .help("The store [default: LARDER_DB, else $XDG_DATA_HOME/larder/larder.db]"),
        )
        .arg(
            Arg::new("namespace")
                .short('n')
                .long("namespace")
                .value_name("NS")
                .global(true)
                .help("Work inside one namespace [default: LARDER_NAMESPACE, else the whole store]"),
        )
        .arg(
            Arg::new("json")
                .long("json")
                .global(true)
                .action(ArgAction::SetTrue)
                .help("Print JSON, one record a line"),
        )
        .arg(
            Arg::new("quiet")
                .short('q')
                .long("quiet")
                .global(true)
                .action(ArgAction::SetTrue)
                .help("Print no notes and no progress, only results and errors"),
        )
        .arg(
            Arg::new("color")
                .long("color")
                .value_name("WHEN")
                .global(true)
                .value_parser(["auto", "always", "never"])
                .default_value("auto")
                .hide_default_value(true)
                .help("Colour the output"),
        )
        .arg(
            Arg::new("busy-timeout")
                .long("busy-timeout")
                .value_name("DUR")
                .global(true)
                .value_parser(ValueParser::from(units::duration))
                .help("Wait this long for a store that another process has locked [default: 5s]"),
        )
        .arg(Arg::new("help").short('h').long("help").global(true).action(ArgAction::Help).help("Print help"))
        .next_help_heading(None)
}

/// Parses the arguments. `Err(Ok(text))` is help or the version: text to print
/// and a success.
pub fn parse(args: &[OsString]) -> Result<ArgMatches, Result<String, Failure>> {
    // The other half: a subcommand that the line does not name cannot be the
    // one it calls, so a parser without it accepts the same lines. What that
    // one does not accept goes to the whole parser, which knows what to
    // suggest.
    let named = commands::ALL.iter().filter(|spec| spec.is_named_in(args));
    with_subcommands(named).try_get_matches_from(args).or_else(|_| parse_fully(args))
}

fn parse_fully(args: &[OsString]) -> Result<ArgMatches, Result<String, Failure>> {
    command().try_get_matches_from(args).map_err(|error| match error.kind() {
        ErrorKind::DisplayHelp => Ok(help(args, &error)),
        ErrorKind::DisplayVersion => Ok(error.render().ansi().to_string()),
        _ => Err(usage_failure(args, &error)),
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
    match root().subcommands(commands::ALL.iter().map(compact)).try_get_matches_from(args) {
        Err(second) => second.render().ansi().to_string(),
        Ok(_) => text,
    }
}

/// clap explains over several lines; the contract is one line and one hint.
fn usage_failure(args: &[OsString], error: &clap::Error) -> Failure {
    let text = error.render().to_string();
    let mut message = String::new();
    let mut hint = None;
    let mut in_message = true;
    for line in text.lines() {
        let line = line.trim();
        if let Some(tip) = line.strip_prefix("tip: ") {
            hint.get_or_insert_with(|| tip.to_owned());
        }
        in_message &= !line.is_empty();
        if in_message {
            if !message.is_empty() {
                message.push(' ');
            }
            message.push_str(line);
        }
    }
    let message = message.strip_prefix("error: ").unwrap_or(&message);
    let message = message.replacen("unrecognized subcommand", "no such command:", 1);
    if error.get(ContextKind::InvalidSubcommand) == Some(&ContextValue::String("help".into())) {
        hint = Some("see 'larder --help', 'larder COMMAND --help' or 'larder man'".to_owned());
    } else if let Some(ContextValue::Strings(similar)) = error.get(ContextKind::SuggestedSubcommand)
        && let Some(first) = similar.last()
    {
        hint = Some(format!("did you mean '{first}'?"));
    }
    let mut failure =
        Failure::usage(if message.is_empty() { "the command line makes no sense" } else { message.as_str() });
    let called = called(args);
    if let Some(spec) = called {
        failure.message = format!("{}: {}", spec.name, failure.message);
    }
    failure.hint = hint.or_else(|| {
        Some(match called {
            Some(spec) => format!("see 'larder {} --help'", spec.name),
            None => "see 'larder --help'".to_owned(),
        })
    });
    failure
}

/// The subcommand that a line calls: its first word that is neither a global
/// flag nor the value of one.
fn called(args: &[OsString]) -> Option<&'static commands::Spec> {
    let root = root();
    let takes_value = |word: &str| {
        root.get_arguments().filter(|arg| arg.get_action().takes_values()).any(|arg| {
            word.strip_prefix("--").is_some_and(|long| arg.get_long() == Some(long))
                || word
                    .strip_prefix('-')
                    .is_some_and(|short| arg.get_short().is_some_and(|c| short == c.to_string()))
        })
    };
    let mut args = args.iter().skip(1);
    while let Some(arg) = args.next() {
        let word = arg.to_string_lossy();
        if takes_value(&word) {
            args.next();
        } else if !word.starts_with('-') {
            return commands::ALL.iter().find(|spec| spec.is_named_in(std::slice::from_ref(arg)));
        }
    }
    None
}
