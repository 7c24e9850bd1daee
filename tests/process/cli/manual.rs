//! `man`, `completions`, `--help`: what needs no store, no HOME and no settings.

use std::os::unix::fs::PermissionsExt;

use crate::common::Test;

#[test]
fn nothing_is_needed_and_nothing_made() {
    let t = Test::new();
    for args in [&["completions", "bash"][..], &["man"], &["--help"], &["set", "--help"], &["--version"], &[]]
    {
        let output = t.run(args).no_env("HOME").env("LARDER_DB", "").env("LARDER_NAMESPACE", "").output();
        assert!(output.status.success() && output.stderr.is_empty(), "{args:?}: {output:?}");
        assert!(!output.stdout.is_empty() && !output.stdout.contains(&0x1b), "{args:?}");
    }
    assert!(t.files().is_empty());
}

#[test]
fn an_unknown_shell_is_a_usage_error() {
    let t = Test::new();
    t.run(["completions", "tcsh"])
        .fails_with(2, "[possible values: bash, elvish, fish, nushell, powershell, zsh]");
    t.run(["completions"]).fails_with(2, "<SHELL>");
}

#[test]
fn scripts_are_good_shell() {
    let t = Test::new();
    for shell in ["bash", "zsh", "fish"] {
        // Not every machine has every shell.
        t.sh(&format!("command -v {shell} >/dev/null || exit 0; larder completions {shell} | {shell} -n"))
            .ok("");
    }
}

#[test]
fn bash_completes_commands_and_options() {
    let t = Test::new();
    t.sh("command -v bash >/dev/null || { printf 'list\\n--keep-ttl\\n'; exit 0; }
         larder completions bash > larder.bash
         bash -c '. ./larder.bash; compopt() { :; }
             COMP_LINE=\"larder lis\" COMP_POINT=10 COMP_WORDS=(larder lis) COMP_CWORD=1; _larder; echo ${COMPREPLY[@]}
             COMP_LINE=\"larder set --keep\" COMP_POINT=17 COMP_WORDS=(larder set --keep) COMP_CWORD=2; _larder; echo ${COMPREPLY[@]}'")
        .ok("list\n--keep-ttl\n");
}

#[test]
fn pages_are_written_where_asked() {
    let t = Test::new();
    t.run(["man", "share/man/man1"]).ok("");
    let main = String::from_utf8(t.read("share/man/man1/larder.1")).unwrap();
    for heading in
        ["\"EXIT STATUS\"", "ENVIRONMENT", "FILES", "JSON", "\"DURATIONS AND SIZES\"", "PATTERNS", "LIMITS"]
    {
        assert!(main.contains(&format!(".SH {heading}\n")), "{heading}");
    }
    let get = String::from_utf8(t.read("share/man/man1/larder-get.1")).unwrap();
    assert!(get.contains(".SH EXAMPLES\n") && get.contains("larder get session token\n"), "{get}");
    // Again over what is there.
    t.run(["man", "share/man/man1"]).ok("");
}

#[test]
fn pages_that_cannot_be_written() {
    let t = Test::new();
    t.write("file", "");
    t.run(["man", "file"]).fails_with(10, "file");
    t.run(["man", "get"]).fails(
        2,
        "larder: man: \"get\" is a command, not a directory\n\
         hint: see 'larder get --help', or name ./get for a directory\n",
    );
}

#[test]
fn a_terminal_gets_the_manual_from_man() {
    let t = Test::new();
    let man = t.write("man", "#!/bin/sh\n/bin/echo \"$1\"; /bin/grep -c '^\\.SH' \"$2\"\n");
    std::fs::set_permissions(man, PermissionsExt::from_mode(0o755)).unwrap();
    let (code, shown, stderr) = t.run(["man"]).env("PATH", t.home()).on_terminal(80);
    let (option, sections) = shown.split_once('\n').unwrap();
    assert_eq!((code, option, stderr.as_str()), (0, "-l", ""));
    assert!(sections.trim_end().parse::<u32>().unwrap() > 10, "{shown}");
    // Without man(1), or with one that fails, the text itself.
    let plain = t.run(["man"]).output().stdout;
    let plain = String::from_utf8(plain).unwrap();
    let (code, shown, stderr) = t.run(["man"]).env("PATH", "/nonexistent").on_terminal(80);
    assert_eq!((code, shown.as_str(), stderr.as_str()), (0, plain.as_str(), ""));
    t.write("man", "#!/bin/sh\nexit 1\n");
    let (code, shown, stderr) = t.run(["man"]).env("PATH", t.home()).on_terminal(80);
    assert_eq!((code, shown.as_str(), stderr.as_str()), (0, plain.as_str(), ""));
}

#[test]
fn the_plain_manual_has_every_exit_status() {
    let t = Test::new();
    let text = String::from_utf8(t.run(["man"]).output().stdout).unwrap();
    let section = text.split_once("\nEXIT STATUS\n").unwrap().1;
    for code in 0..=10 {
        assert!(section.lines().any(|line| line.starts_with(&format!("    {code:<2}  "))), "{code}");
    }
}

#[test]
fn help_of_a_command_is_one_text() {
    let t = Test::new();
    let short = t.run(["set", "-h"]).output().stdout;
    t.run(["set", "--help"]).ok(short.as_slice());
    let text = String::from_utf8(short).unwrap();
    assert!(text.starts_with("Store a value, replacing any existing one. "), "{text}");
    for part in
        ["\nUsage: larder set [OPTIONS] <GROUP> <KEY> ", "\nGlobal options:\n", "\nExamples:\n  larder set "]
    {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[test]
fn help_fits_and_is_coloured_as_asked() {
    let t = Test::new();
    for columns in [60, 80] {
        let (code, shown, _) = t.run(["set", "--help", "--color=never"]).on_terminal(columns);
        let options = shown.split("\nExamples:").next().unwrap();
        assert_eq!(code, 0);
        assert!(options.lines().all(|line| line.len() <= usize::from(columns)), "{shown}");
        assert!(!shown.contains('\u{1b}'));
    }
    let (_, shown, _) = t.run(["set", "--help"]).on_terminal(80);
    assert!(shown.contains('\u{1b}'));
    let piped = t.run(["--color", "always", "--help"]).output();
    assert!(piped.stdout.contains(&0x1b));
}

#[test]
fn usage_errors_are_a_line_and_a_hint() {
    let t = Test::new();
    t.run(["frob"]).fails(2, "larder: no such command: 'frob'\nhint: see 'larder --help'\n");
    t.run(["lst"]).fails_with(2, "no such command: 'lst'");
    t.run(["get", "g"]).fails(
        2,
        "larder: get: the following required arguments were not provided: <KEY>...\nhint: see 'larder get --help'\n",
    );
    t.run(["get", "--json", "g"]).json_error(2, "usage");
}
