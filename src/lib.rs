//! larder: a key-value store for the shell.
//!
//! ```text
//! main → run → { cli, generate } → commands → { watch, render, exchange, output } → store → clock
//! ```
//!
//! Arrows run one way. The store knows no arguments, no terminal and no
//! environment; [`render`] knows no store; sinks of the watch know no SQL; only
//! [`commands`] join layers.
//!
//! * [`cli`]: the root parser, also the source of man pages and completions
//! * [`generate`]: man pages, completion scripts, live completion
//! * [`settings`]: flag, else environment, else default, resolved once
//! * [`commands`]: one file per subcommand
//! * [`watch`]: changes as they come, and where they go
//! * [`render`]: templates, and the files they go to
//! * [`exchange`]: what import and batch read and export writes
//! * [`files`]: files that people name, and how one replaces another
//! * [`output`]: terminal or pipe, tables, plain text, JSON
//! * [`model`]: the words of the contract as types
//! * [`store`]: groups, keys, changes, and the engine that keeps them
//! * [`process`]: commands that larder runs
//! * [`exit`]: the only table of exit codes
//! * [`startup`]: what the process is given before anything else
//! * [`users`]: names of users and groups, and of this machine
//! * [`text`], [`units`], [`clock`]: escapes and quotes; durations and sizes as
//!   people write them; time

pub mod cli;
pub mod clock;
pub mod commands;
pub mod exchange;
pub mod exit;
pub mod files;
pub mod generate;
pub mod model;
pub mod output;
pub mod process;
pub mod render;
pub mod settings;
pub mod startup;
pub mod store;
pub mod text;
pub mod units;
pub mod users;
pub mod watch;

use std::ffi::OsString;
use std::io::IsTerminal;

use clap::ArgMatches;

use exit::{Exit, Failure, Report};
use generate::complete;
use settings::{Environment, Globals, ProcessEnvironment, VaultEnvironment};
use store::{Elevated, Entered};

/// Runs one command line, program name first, and says how it ended. Errors
/// have been reported on standard error.
pub fn run(args: impl IntoIterator<Item = OsString>) -> Exit {
    let args: Vec<OsString> = args.into_iter().collect();
    let elevated = store::elevated();
    if complete::is_asked(&args) {
        // A vault is nothing to complete from: its group is given up first.
        if elevated.is_none_or(|elevated| elevated.enter(Some("".as_ref())).is_ok()) {
            complete::answer(args);
        }
        return Exit::Success;
    }
    let parsed = cli::parse(&args);
    // A line that does not parse answers in the form it asked for, too.
    let json = match &parsed {
        Ok(matches) => matches.subcommand().is_some_and(|(_, sub)| Globals::from_matches(sub).json),
        Err(_) => cli::asks_for_json(&args),
    };
    let mut environment: &dyn Environment = &ProcessEnvironment;
    if let Some(elevated) = elevated {
        // Before anything else that the caller named is touched, a stream to
        // print to included.
        match enter(elevated, parsed.as_ref().ok().copied()) {
            Ok(Entered::Outside) => {}
            Ok(Entered::Vault) => environment = &VaultEnvironment,
            Err(failure) => return tell(json, Err(failure.into())),
        }
    }
    if args.len() < 2 {
        return tell(json, output::print_text(commands::WELCOME));
    }
    match parsed {
        Ok(matches) => tell(json, commands::dispatch(matches, environment, cli::full_command)),
        Err(Ok(text)) => tell(json, print_help(&text, &args)),
        Err(Err(failure)) => tell(json, Err(failure.into())),
    }
}

fn print_help(text: &str, args: &[OsString]) -> anyhow::Result<Exit> {
    let terminal = std::io::stdout().is_terminal();
    output::print_help(text, settings::color(&color_asked(args), &ProcessEnvironment, terminal))
}

/// The value of `--color` in a line that asks for help: the parser stops there
/// and tells no values.
fn color_asked(args: &[OsString]) -> String {
    let mut args = args.iter().map(|arg| arg.to_string_lossy());
    let mut asked = String::from("auto");
    while let Some(arg) = args.next() {
        if let Some(when) = arg.strip_prefix("--color=") {
            asked = when.into();
        } else if arg == "--color" {
            asked = args.next().unwrap_or_default().into_owned();
        }
    }
    asked
}

fn enter(elevated: Elevated, matches: Option<&ArgMatches>) -> Result<Entered, Failure> {
    let globals = matches.and_then(ArgMatches::subcommand).map(|(_, sub)| Globals::from_matches(sub));
    let entered =
        elevated.enter(globals.as_ref().and_then(|globals| globals.db.as_deref())).map_err(refusal)?;
    if let (Entered::Vault, Some(globals)) = (entered, globals) {
        settings::refuse_ignored_namespace(globals.namespace.as_ref())?;
    }
    Ok(entered)
}

fn refusal(refusal: store::Refusal) -> Failure {
    let exit = if refusal.unusable { Exit::UnusableStore } else { Exit::Io };
    let failure = Failure::new(exit, refusal.message);
    match refusal.hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

fn tell(json: bool, result: anyhow::Result<Exit>) -> Exit {
    match result {
        Ok(exit) => exit,
        Err(error) => match exit::report(&error) {
            None => Exit::Success,
            Some(report) => {
                let Report { exit, .. } = report;
                output::print_error(json, &report);
                exit
            }
        },
    }
}
