//! Completions and manual pages are generated from the parser and committed:
//! here they are made again and compared. `LARDER_BLESS=1` writes them instead.
//! Also: what the parser must say about every command and option.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Command as Parser;

/// Runs larder without HOME, without a store, without anything.
fn larder(args: &[&str]) -> Vec<u8> {
    let out = Command::new(env!("CARGO_BIN_EXE_larder")).env_clear().args(args).output().unwrap();
    assert!(out.status.success() && out.stderr.is_empty(), "larder {args:?}: {out:?}");
    out.stdout
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let Ok(entries) = fs::read_dir(folder) else { return BTreeMap::new() };
    entries
        .map(|entry| {
            let entry = entry.unwrap();
            (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())
        })
        .collect()
}

/// Compares a folder with what should be in it, no more and no less.
fn check(name: &str, wanted: &BTreeMap<String, Vec<u8>>) {
    let folder = folder(name);
    if std::env::var_os("LARDER_BLESS").is_some() {
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        for (file, content) in wanted {
            fs::write(folder.join(file), content).unwrap();
        }
    }
    let found = files(&folder);
    let stray: Vec<_> = found.keys().filter(|file| !wanted.contains_key(*file)).collect();
    assert!(stray.is_empty(), "{name}/ holds {stray:?}, which nothing generates: delete them");
    for (file, content) in wanted {
        assert!(
            found.get(file) == Some(content),
            "{name}/{file} is not what the parser says: LARDER_BLESS=1 cargo test --test generated"
        );
    }
}

#[test]
fn completions_are_up_to_date() {
    let scripts = [
        ("bash", "larder.bash"),
        ("zsh", "_larder"),
        ("fish", "larder.fish"),
        ("powershell", "_larder.ps1"),
        ("elvish", "larder.elv"),
        ("nushell", "larder.nu"),
    ];
    let wanted = scripts.map(|(shell, file)| (file.to_owned(), larder(&["completions", shell])));
    check("completions", &wanted.into());
}

#[test]
fn manual_pages_are_up_to_date() {
    let dir = tempfile::tempdir().unwrap();
    let pages = dir.path().join("new/man1");
    larder(&["man", pages.to_str().unwrap()]);
    let wanted = files(&pages);
    let mut names: Vec<_> = wanted.keys().map(String::as_str).collect();
    let mut expected: Vec<_> =
        parser().get_subcommands().map(|sub| format!("larder-{}.1", sub.get_name())).collect();
    expected.push("larder.1".into());
    expected.sort();
    names.sort_unstable();
    assert_eq!(names, expected);
    check("man", &wanted);
}

fn parser() -> Parser {
    let mut parser = larder::cli::full_command();
    parser.build();
    parser
}

fn each(command: &Parser, path: &str, visit: &mut impl FnMut(&Parser, &str)) {
    visit(command, path);
    for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
        each(sub, &format!("{path} {}", sub.get_name()), visit);
    }
}

#[test]
fn every_command_and_argument_has_help() {
    each(&parser(), "larder", &mut |command, path| {
        assert!(command.get_about().is_some(), "{path} says nothing about itself");
        for arg in command.get_arguments().filter(|arg| !arg.is_hide_set()) {
            let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.split_whitespace().count() > 1, "{path}: {} has no help", arg.get_id());
        }
    });
}

#[test]
fn every_command_has_examples_that_parse() {
    for command in parser().get_subcommands() {
        let name = command.get_name();
        let text = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let joined = text.replace("\\\n", " ");
        let examples: Vec<&str> =
            joined.lines().filter(|line| line.starts_with(' ') && line.contains("larder ")).collect();
        assert!(text.contains("Examples:\n") && !examples.is_empty(), "{name} has no \"Examples:\"");
        for example in examples {
            let words = words(example);
            let words: Vec<_> = words.iter().map(Into::into).collect();
            if let Err(Err(failure)) = larder::cli::parse(&words) {
                panic!("an example of {name} does not parse: {example}\n{failure}");
            }
        }
    }
}

/// The words of the call of larder in a line of shell: quotes are taken off,
/// and a pipe or redirection ends it.
fn words(line: &str) -> Vec<String> {
    let line = &line[line.find("larder ").unwrap_or(0)..];
    let mut words = vec![String::new()];
    let mut quote = None;
    for c in line.trim_end().chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => quote = Some(c),
            (None, '|' | '>' | ';' | '&' | ')') => break,
            (None, ' ') => words.push(String::new()),
            (_, c) => words.last_mut().unwrap().push(c),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}
