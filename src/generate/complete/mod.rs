//! Live completion: the shells' scripts call larder for what may come next,
//! and groups, keys, namespaces and consumers are read from the store itself.
//!
//! Read-only: no file is made or migrated, nothing waits for a lock, access
//! grants hold as they do for `list`. Whatever goes wrong, the answer is that
//! there is nothing to offer; a shell prompt is no place for an error.

mod bash;

use std::ffi::{OsStr, OsString};
use std::ops::ControlFlow;
use std::time::Duration;

use clap::builder::Resettable;
use clap::{Arg, ArgMatches, Command};
use clap_complete::CompleteEnv;
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};
use clap_complete::env::{Fish, Shells, Zsh};

use crate::cli;
use crate::clock::Clock;
use crate::commands;
use crate::model::{Error, Glob, Keys, Name, Result};
use crate::settings::{Globals, ProcessEnvironment, Settings};
use crate::store::{Snapshot, Store, StoreOptions};

/// The variable by which a shell's script asks.
const VARIABLE: &str = "LARDER_COMPLETE";

/// The most names offered at once.
const MOST: usize = 500;

/// How long a locked store is waited for.
const TIMEOUT: Duration = Duration::from_millis(50);

/// Whether this run is a shell's question and no command. The variable alone
/// is not enough: a command line under which somebody exported it must do what
/// it says.
#[must_use]
pub fn is_asked(args: &[OsString]) -> bool {
    std::env::var_os(VARIABLE).is_some_and(|shell| !shell.is_empty())
        && args.get(1).is_some_and(|word| word == "--")
}

/// Answers a shell's question on standard output.
pub fn answer(args: Vec<OsString>) {
    let words = words(&args);
    let _ = CompleteEnv::with_factory(|| live_command(&words))
        .var(VARIABLE)
        .shells(Shells(&[&bash::Bash, &Zsh, &Fish]))
        .completer("larder")
        .try_complete(args, std::env::current_dir().ok().as_deref());
}

/// The words up to the cursor, the last one to be completed.
fn words(args: &[OsString]) -> Vec<OsString> {
    bash::words().unwrap_or_else(|| args.iter().skip(2).cloned().collect())
}

/// The parser, with what the store knows attached to the arguments that name
/// something in it. Only full names of commands are offered, and options only
/// where one is begun or nothing else may stand.
fn live_command(words: &[OsString]) -> Command {
    let command = commands::ALL.iter().fold(attach(cli::full_command()), |command, spec| {
        command.mut_subcommand(spec.name, |sub| sub.visible_alias(Resettable::Reset).aliases(spec.aliases))
    });
    if words.last().is_some_and(|word| word.is_empty()) { without_options(command) } else { command }
}

/// The command with its options hidden.
fn without_options(command: Command) -> Command {
    let command = command.mut_args(|arg| {
        let is_option = !arg.is_positional();
        arg.hide(is_option)
    });
    command.mut_subcommands(without_options)
}

fn attach(command: Command) -> Command {
    let name = command.get_name().to_owned();
    let command = command.mut_args(|arg| with_names(&name, arg));
    let subcommands: Vec<String> = command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    subcommands.into_iter().fold(command, |command, sub| command.mut_subcommand(sub, attach))
}

fn with_names(command: &str, arg: Arg) -> Arg {
    let completer = match (command, arg.get_id().as_str()) {
        (_, "group" | "to_group" | "dead") => ArgValueCompleter::new(groups),
        (_, "key" | "keys" | "after") if command != "watch" => ArgValueCompleter::new(keys),
        (_, "namespace" | "ns") => ArgValueCompleter::new(namespaces),
        (_, "consumer") | ("reset" | "delete", "name") => ArgValueCompleter::new(consumers),
        _ => return arg,
    };
    arg.add(completer)
}

/// The words before the one to complete, as far as they parse.
fn words_so_far() -> Option<ArgMatches> {
    let args: Vec<OsString> = std::env::args_os().collect();
    let words = words(&args);
    let before = words.len().saturating_sub(1);
    cli::full_command().ignore_errors(true).try_get_matches_from(&words[..before]).ok()
}

/// Names from the store, by `find`, which also gets the subcommand's words.
fn from_store(
    find: impl Fn(&Snapshot<'_>, &ArgMatches, &mut Vec<String>) -> Result<()>,
) -> Vec<CompletionCandidate> {
    let found = (|| -> Option<Vec<String>> {
        let matches = words_so_far()?;
        // Innermost words: "consumer reset" is two commands deep.
        let mut words = &matches;
        while let Some((_, inner)) = words.subcommand() {
            words = inner;
        }
        let settings = Settings::resolve(&Globals::from_matches(words), &ProcessEnvironment).ok()?;
        let options = StoreOptions {
            scope: settings.scope,
            busy_timeout: TIMEOUT,
            clock: Clock::System,
            ..StoreOptions::new(settings.path)
        };
        let store = Store::peek(&options).ok()??;
        let mut names = Vec::new();
        store
            .read(|tx| {
                names.clear();
                find(tx, words, &mut names)
            })
            .ok()?;
        Some(names)
    })();
    let offered = found.unwrap_or_default();
    // A name with control characters could rewrite the prompt.
    offered
        .into_iter()
        .filter(|name| !name.contains(char::is_control))
        .map(CompletionCandidate::new)
        .collect()
}

/// What begins like the word: the names, up to [`MOST`].
fn begins(current: &OsStr) -> Glob {
    Glob::prefix(&current.to_string_lossy())
}

/// What is not UTF-8 cannot be an argument.
fn take(names: &mut Vec<String>, name: &Name<'_>) -> ControlFlow<()> {
    names.extend(name.as_str().map(str::to_owned));
    if names.len() < MOST { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
}

fn groups(current: &OsStr) -> Vec<CompletionCandidate> {
    let glob = begins(current);
    from_store(|tx, _, names| {
        tx.groups(&Keys { glob: Some(&glob), after: None }, |group| {
            Ok(take(names, &tx.scope.name_of(&group.name)))
        })
    })
}

fn keys(current: &OsStr) -> Vec<CompletionCandidate> {
    let glob = begins(current);
    from_store(|tx, words, names| {
        let Ok(Some(group)) = words.try_get_one::<String>("group") else { return Ok(()) };
        tx.entries(group, &Keys { glob: Some(&glob), after: None }, false, |entry| {
            Ok(take(names, &entry.key))
        })
    })
}

fn namespaces(current: &OsStr) -> Vec<CompletionCandidate> {
    let begin = current.to_string_lossy().into_owned();
    from_store(|tx, _, names| {
        names.extend(tx.namespaces()?.into_iter().map(|usage| usage.namespace.as_str().to_owned()));
        names.retain(|name| name.starts_with(&begin));
        Ok(())
    })
}

fn consumers(current: &OsStr) -> Vec<CompletionCandidate> {
    let begin = current.to_string_lossy().into_owned();
    from_store(|tx, _, names| {
        names.extend(tx.consumers()?.into_iter().map(|consumer| consumer.name));
        names.retain(|name| name.starts_with(&begin));
        Ok::<(), Error>(())
    })
}
