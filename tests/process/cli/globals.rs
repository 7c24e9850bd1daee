//! The flags and variables that every command takes.

use std::time::Duration;

use crate::common::Test;

#[test]
fn flags_stand_before_or_after_the_subcommand() {
    let t = Test::new();
    t.run(["--db", "s.db", "-n", "a", "set", "g", "k", "v"]).ok("");
    t.run(["get", "g", "k", "--db", "s.db", "-n", "a"]).ok("v");
    t.run(["get", "--db=s.db", "g", "--namespace=a", "k"]).ok("v");
    t.run(["get", "a:g", "k", "--db", "s.db"]).ok("v");
    for args in [["--json", "count", "--db", "s.db"], ["count", "--db", "s.db", "--json"]] {
        t.run(args).ok("{\"count\":1}\n");
    }
    for flag in ["-q", "--quiet", "--color=always", "--color=never", "--busy-timeout=1s"] {
        t.run([flag, "--db", "s.db", "count"]).ok("1\n");
        t.run(["count", "--db", "s.db", flag]).ok("1\n");
    }
    t.run(["count", "--color", "pink"]).fails_with(2, "[possible values: auto, always, never]");
    for bad in ["5", "0s", "", "-1s"] {
        t.run(["count", &format!("--busy-timeout={bad}")]).fails_with(2, "--busy-timeout");
    }
}

/// The parser of a line has only what its words could mean: what they do mean
/// must not depend on that.
#[test]
fn flags_are_found_wherever_they_can_hide() {
    let t = Test::new();
    t.run(["set", "g", "k", "v", "--db=s.db", "-na"]).ok("");
    for args in [
        &["-qna", "--db=s.db", "get", "g", "k"][..],
        &["get", "-qn", "a", "--db", "s.db", "g", "k"],
        &["get", "g", "-n=a", "k", "--db=s.db", "-q"],
        &["--db", "s.db", "get", "--namespace", "a", "--", "g", "k"],
    ] {
        t.run(args.iter().copied()).ok("v");
    }
    // Behind the two dashes, and as another flag's value, they mean nothing.
    t.run(["set", "--db=s.db", "--", "-n", "--json", "-q"]).ok("");
    t.run(["get", "--db=s.db", "--", "-n", "--json"]).ok("-q");
    t.run(["get", "--db=s.db", "g", "none", "--default=--json"]).ok("--json");
    t.run(["count", "--db=s.db", "--jso"]).fails_with(2, "'--jso'");
    t.run(["count", "--db=s.db", "-q", "-q"]).fails_with(2, "--quiet");
    t.run(["count", "--db=s.db", "-x"]).fails_with(2, "'-x'");
    let help = |args: &[&str]| String::from_utf8(t.run(args.iter().copied()).output().stdout).unwrap();
    for args in [&["count", "-h"][..], &["count", "-qh"], &["count", "--json", "-h"]] {
        assert_eq!(help(args), help(&["count", "--help"]), "{args:?}");
    }
}

/// A namespace put before somebody else's words is not theirs to change.
#[test]
fn a_value_given_before_and_behind_the_subcommand_is_an_error() {
    let t = Test::new();
    for ns in ["a", "b"] {
        t.run(["-n", ns, "set", "g", "k", ns]).ok("");
    }
    let twice = |args: &[&str], flag: &str| {
        let words = format!("'--{flag}' cannot be used multiple times");
        t.run(args.iter().copied()).fails_with(2, &words);
    };
    for before in
        [&["-n", "a"][..], &["-na"], &["-qna"], &["--namespace=a"], &["-q", "--namespace", "a"], &["-n", ""]]
    {
        for behind in [&["-n", "b"][..], &["-nb"], &["-qnb"], &["--namespace=b"]] {
            twice(&[before, &["get", "g", "k"], behind].concat(), "namespace");
        }
    }
    twice(&["-n", "a", "quota", "-n", "b", "show"], "namespace");
    twice(&["-n", "a", "delete", "g", "k", "-n", "b"], "namespace");
    twice(&["--db", "a.db", "count", "--db", "b.db"], "db");
    twice(&["--color=never", "count", "--color=never"], "color");
    t.run(["-n", "b", "get", "g", "k"]).ok("b");
    // What only looks like one, and flags without a value.
    t.run(["-n", "a", "get", "g", "x", "--default=-n"]).ok("-n");
    t.run(["-n", "a", "get", "g", "x", "--default", "-nb"]).ok("-nb");
    t.run(["-n", "a", "set", "g", "--", "-n", "b"]).ok("");
    t.run(["-qna", "get", "g", "--", "-n"]).ok("b");
    t.run(["-nq", "count", "-q"]).ok("0\n");
    t.run(["-q", "--json", "count", "--json", "-q"]).ok("{\"count\":3}\n");
}

#[test]
fn errors_name_the_way_on() {
    let t = Test::new();
    let way = |args: &[&str], hint: &str| {
        let output = t.run(args.iter().copied()).output();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), stderr.lines().nth(1)), (Some(2), Some(hint)), "{args:?}");
    };
    way(
        &["set", "g", "k", "v", "--ttl", "-5m"],
        "hint: to pass '-5m' as the value of --ttl, write '--ttl=-5m'",
    );
    way(&["list", "--limit", "-1"], "hint: to pass '-1' as the value of --limit, write '--limit=-1'");
    way(&["set", "g", "k", "-5"], "hint: to store '-5', write '--value=-5'");
    way(&["get", "g"], "hint: see 'larder get --help'");
    way(&["-n", "a", "quota", "set"], "hint: see 'larder quota set --help'");
    way(&["consumer", "rest", "x"], "hint: did you mean 'reset'?");
    let long = t.run(["count".to_owned(), format!("--busy-timeout={}", "1".repeat(9999))]).output();
    assert!(long.stderr.len() < 500 && long.stderr.starts_with(b"larder: count: invalid value '111"));
    way(&["version"], "hint: use larder --version");
}

/// clap guessed: `decr` was taken for `delete`, `serve` for `restore`, and
/// `-- -r`, which it advised after `rm -r g`, is a group of that name.
#[test]
fn a_hint_is_right_or_there_is_none() {
    let t = Test::new();
    let hint = |line: &str| {
        let output = t.run(line.split(' ')).output();
        assert_eq!(output.status.code(), Some(2), "{line}");
        String::from_utf8_lossy(&output.stderr).lines().nth(1).unwrap_or_default().to_owned()
    };
    for (line, expected) in [
        ("decr g n", "use larder incr GROUP KEY --by -N"),
        ("exists g k", "use larder get GROUP KEY, whose status is 1 if there is none"),
        ("serve", "use larder watch --listen ADDR"),
        ("create g", "use larder set GROUP KEY VALUE"),
        ("repair", "use larder check [--repair]"),
        ("tail g", "use larder watch [GROUP]"),
        ("cache g k", "use larder memo GROUP KEY --ttl DUR -- CMD"),
        ("upgrade", "see 'larder --help'"),
        ("quota list", "use larder quota show [NS]"),
        ("consumer list x rm", "see 'larder consumer list --help'"),
        ("incr g n -5", "to subtract, use --by -5"),
        ("rm -r g", "see 'larder delete --help'"),
        ("set g k v --force", "see 'larder set --help'"),
        ("set g k v --nx", "use --if-absent"),
        ("set g k v --ex 5m", "use --ttl DUR, such as --ttl 5m"),
        ("set g k v --ttl 90", "add a unit: 90s for seconds"),
        ("list g --all", "see 'larder list --help'"),
        ("list --valuse", "did you mean '--values'?"),
        ("get g/k", "group and key are two words: 'larder get GROUP KEY'"),
        ("man larder-set", "see 'larder set --help', or name ./larder-set for a directory"),
        ("man frob", "name ./frob for a directory"),
    ] {
        assert_eq!(hint(line), format!("hint: {expected}"), "{line}");
    }
    assert!(t.files().is_empty(), "{:?}", t.files());
}

#[test]
fn help_is_a_command_too() {
    let t = Test::new();
    let text = |line: &str| t.run(line.split(' ')).output().stdout;
    assert_eq!(text("help"), text("--help"));
    assert_eq!(text("help set"), text("set --help"));
    assert_eq!(text("help quota set"), text("quota set --help"));
    t.run(["help", "frob"]).fails(2, "larder: no such command: 'frob'\nhint: see 'larder --help'\n");
}

/// A value of that name made the errors of a line JSON, which asked for none.
#[test]
fn json_as_a_value_is_no_flag() {
    let t = Test::new();
    t.run(["set", "g", "k", "--value", "--json", "--ttl", "x"])
        .fails_with(2, "larder: set: invalid value 'x'");
    t.run(["get", "g", "none", "--default", "--json"]).ok("--json");
    t.run(["set", "g", "k", "--value", "--json", "--ttl", "x", "--json"]).json_error(2, "usage");
    t.run(["--json", "set", "g", "k", "--ttl", "x"]).json_error(2, "usage");
}

#[test]
fn where_the_store_is() {
    let t = Test::new();
    t.run(["set", "g", "k", "default"]).ok("");
    assert!(t.db().exists());
    let data = t.path("data");
    t.run(["set", "g", "k", "xdg"]).env("XDG_DATA_HOME", &data).ok("");
    assert!(data.join("larder/larder.db").exists());
    t.run(["get", "g", "k"]).env("XDG_DATA_HOME", &data).ok("xdg");
    // What the rules of XDG say about a relative path: ignore it.
    t.run(["get", "g", "k"]).env("XDG_DATA_HOME", "data").ok("default");
    t.run(["get", "g", "k"]).env("XDG_DATA_HOME", "").ok("default");
    t.run(["set", "g", "k", "env"]).env("LARDER_DB", "env.db").ok("");
    t.run(["get", "g", "k"]).env("LARDER_DB", t.path("env.db")).ok("env");
    t.run(["get", "g", "k", "--db", "env.db"]).env("LARDER_DB", "other.db").ok("env");
    t.run(["get", "g", "k"]).ok("default");
    t.run(["count"]).no_env("HOME").fails(
        2,
        "larder: cannot choose a store: HOME is not set\nhint: name a file with --db or LARDER_DB\n",
    );
    // It was said not to be set, although it is.
    t.run(["count"]).env("HOME", "home").fails(
        2,
        "larder: cannot choose a store: HOME is not an absolute path\nhint: name a file with --db or LARDER_DB\n",
    );
    t.run(["watch", "--db", "env.db", "--listen", "127.0.0.1:0"]).env("HOME", "home").fails(
        2,
        "larder: watch: cannot choose a token file: HOME is not an absolute path\nhint: name a file with --token-file\n",
    );
    t.run(["count", "--db", "env.db"]).no_env("HOME").ok("1\n");
}

/// An unset shell variable must not widen what a script touches.
#[test]
fn set_but_empty_is_an_error() {
    let t = Test::new();
    t.run(["set", "g", "k", "v"]).ok("");
    t.run(["count"])
        .env("LARDER_DB", "")
        .fails(2, "larder: LARDER_DB is set but empty\nhint: unset it, or name a file\n");
    t.run(["count", "--db", "x.db"]).env("LARDER_DB", "").ok("0\n");
    t.run(["count", "--db="]).fails_with(2, "--db");
    let hint = "hint: omit it to use the whole store, or name a namespace\n";
    t.run(["count"])
        .env("LARDER_NAMESPACE", "")
        .fails(2, format!("larder: LARDER_NAMESPACE is set but empty\n{hint}"));
    t.run(["count", "-n", ""]).fails(2, format!("larder: --namespace is set but empty\n{hint}"));
    t.run(["delete", "--groups", "*", "--yes", "-n", ""]).fails_with(2, "--namespace is set but empty");
    t.run(["count", "-n", "a"]).env("LARDER_NAMESPACE", "").ok("0\n");
    t.run(["count", "--json"]).env("LARDER_NAMESPACE", "").json_error(2, "usage");
    t.run(["count"]).ok("1\n");
}

#[test]
fn names_of_namespaces() {
    let t = Test::new();
    for good in ["a", "A-1", "-", "0", "a-very-long-name-that-goes-on-and-on-and-on-and-on"] {
        t.run(["set", "g", "k", "v", &format!("--namespace={good}")]).ok("");
        t.run(["count", &format!("--namespace={good}")]).ok("1\n");
    }
    for bad in ["a b", "a:b", "a_b", "ä", "a.b", "*", "a\n", " "] {
        let message = format!(
            "larder: --namespace: {bad:?} is not a namespace: only A-Z, a-z, 0-9 and - are allowed\n"
        );
        t.run(["count", "-n", bad]).fails(2, &message);
        t.run(["count"])
            .env("LARDER_NAMESPACE", bad)
            .fails(2, message.replace("--namespace", "LARDER_NAMESPACE"));
    }
}

#[test]
fn commands_and_their_misspellings() {
    let t = Test::new();
    t.run(["sett", "g", "k", "v"]).fails(2, "larder: no such command: 'sett'\nhint: did you mean 'set'?\n");
    t.run(["frobnicate"]).fails_with(2, "no such command: 'frobnicate'");
    t.run(["--json", "frobnicate"]).json_error(2, "usage");
    let version = format!("larder {}\n", env!("CARGO_PKG_VERSION"));
    let sqlite = rusqlite::version();
    let schemas = format!("schema {} (from 1)\n", larder::store::schema::VERSION);
    t.run(["-V"]).ok(&version);
    t.run(["--version"]).ok(format!("{version}SQLite {sqlite}\n{schemas}"));
    for args in [&[][..], &["--help"], &["set", "--help"], &["set", "-h"]] {
        let output = t.run(args).output();
        assert_eq!(
            (output.status.code(), output.stderr.is_empty(), output.stdout.is_empty()),
            (Some(0), true, false)
        );
        assert!(!output.stdout.contains(&0x1b), "no colour off a terminal");
    }
    t.sh("larder --help > /dev/full").fails_with(10, "No space left on device");
    t.sh("larder --help | true").ok("");
}

#[test]
fn a_store_that_stays_locked() {
    let t = Test::new();
    t.run(["set", "g", "k", "v"]).ok("");
    let conn = t.sql();
    conn.busy_timeout(Duration::ZERO).unwrap();
    conn.execute_batch("BEGIN IMMEDIATE").unwrap();
    let shown = t.db().display().to_string();
    t.run(["set", "g", "k", "w", "--busy-timeout", "50ms"]).fails(
        6,
        format!(
            "larder: set: the store {shown:?} stayed locked by another process\nhint: try again, or wait longer with --busy-timeout\n"
        ),
    );
    t.run(["set", "g", "k", "w", "--busy-timeout", "50ms", "--json"]).json_error(6, "busy");
    // Readers do not wait for writers.
    t.run(["get", "g", "k", "--busy-timeout", "50ms"]).ok("v");
    conn.execute_batch("COMMIT").unwrap();
    t.run(["set", "g", "k", "w", "--busy-timeout", "50ms"]).ok("");
}

#[test]
fn the_environment_says_how_long_to_wait() {
    let t = Test::new();
    t.run(["set", "g", "k", "v"]).ok("");
    let conn = t.sql();
    conn.execute_batch("BEGIN IMMEDIATE").expect("lock the store");
    t.run(["set", "g", "k", "w"]).env("LARDER_BUSY_TIMEOUT", "10ms").fails_with(6, "stayed locked");
    t.run(["set", "g", "k", "w", "--busy-timeout", "1ms"])
        .env("LARDER_BUSY_TIMEOUT", "1h")
        .fails_with(6, "stayed locked");
    drop(conn);
    t.run(["get", "g", "k"])
        .env("LARDER_BUSY_TIMEOUT", "soon")
        .fails(2, "larder: LARDER_BUSY_TIMEOUT: \"soon\" is not a duration such as 250ms, 5m, 1h30m or 7d\n");
    t.run(["get", "g", "k"]).env("LARDER_BUSY_TIMEOUT", "").fails(
        2,
        "larder: LARDER_BUSY_TIMEOUT is set but empty\nhint: unset it, or give it a duration such as 30s\n",
    );
}

#[test]
fn colour_can_be_forced() {
    let t = Test::new();
    let colored = |variables: &[(&str, &str)]| {
        let run = variables.iter().fold(t.run(["--help"]), |run, (name, value)| run.env(name, value));
        run.output().stdout.contains(&0x1b)
    };
    assert!(!colored(&[]));
    assert!(colored(&[("FORCE_COLOR", "1")]));
    assert!(colored(&[("FORCE_COLOR", "1"), ("TERM", "dumb")]));
    assert!(!colored(&[("FORCE_COLOR", "")]));
    assert!(!colored(&[("FORCE_COLOR", "0")]));
    assert!(!colored(&[("FORCE_COLOR", "1"), ("NO_COLOR", "1")]));
}
