//! Lines that do not parse: what is wrong with them, and the way out.
//!
//! clap explains over several lines, and guesses; the contract is one line and
//! one hint, and a wrong hint is worse than none.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::{command, subcommand_at};
use crate::commands;
use crate::exit::Failure;

/// clap repeats words of any length; a message is to be read, so no more than
/// this many characters of it.
const LONGEST_MESSAGE: usize = 300;

/// Words of other programs for what larder has under another name.
const ELSEWHERE: &[(&[&str], &str)] = &[
    (&["put", "add", "create", "write", "append", "getset", "store"], "larder set GROUP KEY VALUE"),
    (&["read", "show", "cat", "fetch"], "larder get GROUP KEY"),
    (&["mget"], "larder get GROUP KEY..."),
    (&["exists", "has", "test"], "larder get GROUP KEY, whose status is 1 if there is none"),
    (&["remove", "unset", "getdel", "pop"], "larder delete GROUP KEY"),
    (&["drop", "clear", "flush", "flushall", "flushdb"], "larder delete GROUP --all"),
    (&["keys", "scan", "find", "search", "grep", "groups"], "larder list [GROUP] [--glob P]"),
    (&["decr", "incrby", "decrby"], "larder incr GROUP KEY --by -N"),
    (&["touch", "persist", "pexpire"], "larder expire GROUP KEY (--ttl DUR | --never)"),
    (&["cas"], "larder set GROUP KEY VALUE --if-version N"),
    (&["log"], "larder history GROUP KEY"),
    (&["tail", "follow", "subscribe"], "larder watch [GROUP]"),
    (&["undo", "rollback", "revert"], "larder set GROUP KEY --from-version N"),
    (&["unlock", "release"], "larder delete GROUP KEY, or wait for the lock's TTL"),
    (&["dump"], "larder export"),
    (&["load"], "larder import FILE"),
    (&["vacuum", "gc", "clean", "cleanup"], "larder purge --vacuum"),
    (&["fsck", "doctor", "verify", "repair"], "larder check [--repair]"),
    (&["stats", "status"], "larder info"),
    (&["serve", "ui", "server"], "larder watch --listen ADDR"),
    (&["cache"], "larder memo GROUP KEY --ttl DUR -- CMD"),
    (&["ns", "namespaces"], "larder namespace list"),
    (&["exec", "run"], "larder env GROUP -- CMD"),
    (&["await", "block", "waitfor"], "larder wait GROUP KEY"),
    (&["move"], "larder rename GROUP KEY TO_KEY"),
    (&["clone", "duplicate"], "larder copy GROUP KEY TO_KEY"),
    (&["init"], "nothing: the first 'larder set' makes the store"),
    (&["version"], "larder --version"),
];

/// The same behind a command that has commands of its own.
const NESTED_ELSEWHERE: &[(&str, &[&str], &str)] = &[
    ("quota", &["list", "ls", "get"], "larder quota show [NS]"),
    ("quota", &["rm", "remove", "unset", "delete"], "larder quota clear NS"),
    ("consumer", &["rm", "remove"], "larder consumer delete NAME"),
    ("namespace", &["rm", "remove", "drop"], "larder namespace delete NS"),
];

/// Flags of other programs, likewise.
const FLAGS_ELSEWHERE: &[(&[&str], &str)] = &[
    (&["--ex", "--px", "--expire", "--expiry", "--timeout"], "--ttl DUR, such as --ttl 5m"),
    (&["--nx", "--if-not-exists"], "--if-absent"),
    (&["--xx", "--if-exists"], "--if-present"),
    (&["--no-color", "--no-colour"], "--color never"),
    (&["--file"], "-o FILE"),
    (&["--store", "--database", "--path"], "--db FILE"),
    (&["--ns"], "--namespace NS"),
];

/// The line that `help [COMMAND]` stands for.
pub(super) fn help_asked(args: &[OsString]) -> Option<Vec<OsString>> {
    let at = subcommand_at(args)?;
    let (before, words) = args.split_at(at);
    if words[0] != "help" {
        return None;
    }
    Some([before, &words[1..], &["--help".into()]].concat())
}

/// The flags of the command that a line calls, `--long`, that take a value.
pub(super) fn flags_with_value(args: &[OsString]) -> Vec<String> {
    let mut command = command();
    command.build();
    let named = args.iter().filter_map(|word| word.to_str());
    let called = named.fold(&command, |command, word| command.find_subcommand(word).unwrap_or(command));
    let flags = called.get_arguments().filter(|arg| arg.get_action().takes_values());
    flags.filter_map(|flag| flag.get_long().map(|long| format!("--{long}"))).collect()
}

/// What is wrong with a line, by clap's word.
pub(super) fn failure(args: &[OsString], error: &clap::Error) -> Failure {
    let text = error.render().to_string();
    let mut message = String::new();
    for line in text.lines().map(str::trim).take_while(|line| !line.is_empty()) {
        if !message.is_empty() {
            message.push(' ');
        }
        message.push_str(line);
    }
    let message = message.strip_prefix("error: ").unwrap_or(&message);
    let mut message = message.replacen("unrecognized subcommand", "no such command:", 1);
    if let Some((end, _)) = message.char_indices().nth(LONGEST_MESSAGE) {
        message.truncate(end);
        message.push('…');
    }
    let mut failure = Failure::usage(if message.is_empty() { "invalid usage" } else { message.as_str() });
    failure.hint = hint(args, error);
    pointing_to(args, failure)
}

/// What to try, if that is known.
fn hint(args: &[OsString], error: &clap::Error) -> Option<String> {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        Some(ContextValue::Strings(texts)) => texts.last().map(String::as_str),
        _ => None,
    };
    let likely = |kind, word: &str| {
        let guess = text(kind).filter(|guess| is_likely(word, guess))?;
        Some(format!("did you mean '{guess}'?"))
    };
    let elsewhere = |words: &[(&[&str], &'static str)], word: &str| {
        words.iter().find(|(theirs, _)| theirs.contains(&word)).map(|(_, ours)| *ours)
    };
    if let Some(word) = text(ContextKind::InvalidSubcommand) {
        let known = match called(args) {
            Some(called) => NESTED_ELSEWHERE
                .iter()
                .find(|(command, theirs, _)| *command == called && theirs.contains(&word))
                .map(|(.., ours)| *ours),
            None => elsewhere(ELSEWHERE, word),
        };
        return known
            .map(|ours| format!("use {ours}"))
            .or_else(|| likely(ContextKind::SuggestedSubcommand, word));
    }
    let called = called(args);
    let called = called.as_deref().unwrap_or_default();
    match error.kind() {
        ErrorKind::UnknownArgument => {
            let word = text(ContextKind::InvalidArg)?;
            let flag = word.split('=').next().unwrap_or_default();
            if let Some(hint) = value_hint(args, called, flag) {
                return Some(hint);
            }
            let has = |ours: &str| {
                let long = ours.split(' ').next().unwrap_or_default().trim_start_matches('-');
                let has = |c: &clap::Command| c.get_arguments().any(|a| a.get_long() == Some(long));
                long == "o" || command_called(args).is_some_and(|command| has(&command)) || has(&command())
            };
            elsewhere(FLAGS_ELSEWHERE, flag)
                .filter(|ours| has(ours))
                .map(|ours| format!("use {ours}"))
                .or_else(|| likely(ContextKind::SuggestedArg, flag))
                .or_else(|| likely(ContextKind::SuggestedSubcommand, flag))
        }
        ErrorKind::MissingRequiredArgument => {
            let missing = error.get(ContextKind::InvalidArg)?.to_string();
            let name = args.get(subcommand_at(args)? + 1)?.to_str()?;
            let one_word = missing.contains("<KEY>") && name.contains(['/', ':', '.']);
            one_word.then(|| format!("group and key are two words: 'larder {called} GROUP KEY'"))
        }
        ErrorKind::ValueValidation => {
            let value = text(ContextKind::InvalidValue)?;
            let bare = (1..=9).contains(&value.len())
                && value.bytes().all(|byte| byte.is_ascii_digit())
                && value != "0";
            let duration = text(ContextKind::InvalidArg).is_some_and(|arg| arg.contains("DUR"));
            (bare && duration).then(|| format!("add a unit: {value}s for seconds"))
        }
        _ => None,
    }
}

/// Where a word with a dash was meant as a value, how to write it.
fn value_hint(args: &[OsString], called: &str, word: &str) -> Option<String> {
    let negative = word.strip_prefix('-').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    if negative {
        // clap names the first letters only.
        let at = args.iter().position(|arg| arg.to_string_lossy().starts_with(word))?;
        let (before, whole) = (args[at - 1].to_string_lossy(), args[at].to_string_lossy());
        if before.starts_with("--") && before.len() > 2 && !before.contains('=') {
            return Some(format!("to pass '{whole}' as the value of {before}, write '{before}={whole}'"));
        }
    }
    match called {
        "incr" if negative => Some(format!("to subtract, use --by {word}")),
        // Only where the value has yet to come can the word be it.
        "set" if is_third_word(args, word) => Some(format!("to store '{word}', write '--value={word}'")),
        _ => None,
    }
}

/// Whether `word` stands where a value does: behind a command, a group and a
/// key.
fn is_third_word(args: &[OsString], word: &str) -> bool {
    let Some(at) = subcommand_at(args) else { return false };
    let words = args[at + 1..].iter().take_while(|arg| *arg != word);
    let rest = args[at + 1..].iter().skip_while(|arg| *arg != word).skip(1);
    words.clone().count() == 2
        && words.chain(rest.take(1).filter(|next| !next.to_string_lossy().starts_with("--"))).count() == 2
}

/// Whether a guess of clap's is one: it begins alike, and little is changed.
fn is_likely(word: &str, guess: &str) -> bool {
    let letters = |text: &str| text.trim_start_matches('-').chars().next();
    letters(word) == letters(guess) && word.len().abs_diff(guess.len()) <= 3
}

/// Names the command that was called in a failure, and, if there is no other
/// hint, its help.
pub(super) fn pointing_to(args: &[OsString], mut failure: Failure) -> Failure {
    let called = called(args);
    if let Some(called) = &called {
        let command = called.split(' ').next().unwrap_or_default();
        failure.message = format!("{command}: {}", failure.message);
    }
    failure.hint.get_or_insert_with(|| match called {
        Some(called) => format!("see 'larder {called} --help'"),
        None => "see 'larder --help'".to_owned(),
    });
    failure
}

/// The subcommand that a line calls, as `quota set`.
fn called(args: &[OsString]) -> Option<String> {
    let at = subcommand_at(args)?;
    let spec = commands::ALL.iter().find(|spec| spec.is_named_in(&args[at..=at]))?;
    let nested = subcommand_at(&args[at..]).and_then(|next| {
        let word = args[at + next].to_str()?;
        spec.built().find_subcommand(word).map(|sub| sub.get_name().to_owned())
    });
    Some(match nested {
        Some(nested) => format!("{} {nested}", spec.name),
        None => spec.name.to_owned(),
    })
}

/// The parser of that subcommand.
fn command_called(args: &[OsString]) -> Option<clap::Command> {
    let called = called(args)?;
    let mut words = called.split(' ');
    let name = words.next()?;
    let spec = commands::ALL.iter().find(|spec| spec.name == name)?;
    let command = spec.built();
    match words.next() {
        Some(nested) => command.find_subcommand(nested).cloned(),
        None => Some(command),
    }
}
