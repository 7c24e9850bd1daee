//! Live completion in the shells themselves.

#[path = "cli/harness.rs"]
mod harness;

use harness::Test;

/// Whether the shell is there; says so if not.
#[allow(clippy::print_stderr)]
fn has(shell: &str) -> bool {
    let found = ["/bin", "/usr/bin"].iter().any(|dir| std::path::Path::new(dir).join(shell).exists());
    if !found {
        eprintln!("SKIPPED: there is no {shell} on this machine");
    }
    found
}

fn store() -> Test {
    let t = Test::new();
    for (group, key) in
        [("session", "token"), ("session", "tomato"), ("service", "web"), ("esc\u{1b}[31m", "k")]
    {
        t.run(["set", group, key, "v"]).ok("");
    }
    t.run(["-n", "tenant", "set", "jobs", "one", "v"]).ok("");
    t.run(["watch", "--consumer", "shipping", "--after", "0", "--count", "1", "--json"]).output();
    t
}

/// What bash offers after these words, the last one begun.
fn bash(t: &Test, words: &str) -> String {
    let script = format!(
        "larder completions bash > script; bash --norc -c 'source ./script; COMP_WORDS=(larder {words}); COMP_CWORD=$((${{#COMP_WORDS[@]}}-1)); _clap_complete_larder larder \"${{COMP_WORDS[COMP_CWORD]}}\" 2>/dev/null; printf \"%s \" \"${{COMPREPLY[@]}}\"'"
    );
    String::from_utf8_lossy(&t.sh(&script).output().stdout).trim().to_owned()
}

#[test]
fn bash_offers_what_the_store_holds() {
    if !has("bash") {
        return;
    }
    let t = store();
    for (words, offered) in [
        ("ge", "get"),
        ("get se", "service session"),
        ("get session to", "token tomato"),
        ("delete session token tom", "tomato"),
        ("-n tenant get j", "jobs"),
        ("-n tenant get s", ""),
        ("-n ten", "tenant"),
        ("consumer reset sh", "shipping"),
        ("get esc", ""),
        ("--db nowhere get se", ""),
        ("get --defa", "--default"),
    ] {
        let mut names: Vec<String> = bash(&t, words).split_whitespace().map(str::to_owned).collect();
        names.sort();
        let mut expected: Vec<&str> = offered.split_whitespace().collect();
        expected.sort_unstable();
        assert_eq!(names, expected, "larder {words}");
    }
}

#[test]
fn fish_offers_what_the_store_holds() {
    if !has("fish") {
        return;
    }
    let t = store();
    t.sh("larder completions fish > script; fish --no-config -c 'source script; complete -C \"larder get se\"; complete -C \"larder get session tok\"'")
        .ok("service\nsession\ntoken\n");
}

#[test]
fn zsh_offers_what_the_store_holds() {
    if !has("zsh") {
        return;
    }
    let t = store();
    t.write(
        "drive.zsh",
        r#"zmodload zsh/zpty
zpty z zsh -f -i
zpty -w z 'PS1=; fpath=($PWD $fpath); autoload -Uz compinit; compinit -u -D; echo rea""dy'
zpty -r z line '*ready*'
zpty -w -n z $'larder get session tok\t'
zpty -r z line '*session tok*en*' && echo completed
zpty -d z
"#,
    );
    let output = t.sh("larder completions zsh > _larder; zsh -f drive.zsh").env("TERM", "dumb").output();
    assert!(String::from_utf8_lossy(&output.stdout).contains("completed"), "{output:?}");
}

#[test]
fn it_makes_and_migrates_nothing() {
    let t = Test::new();
    t.sh("LARDER_COMPLETE=bash _CLAP_COMPLETE_INDEX=2 larder -- larder get ''").output();
    assert!(t.files().is_empty(), "{:?}", t.files());
    // A go-store file stays as it is.
    let old = t.path("old.db");
    let conn = rusqlite::Connection::open(&old).expect("open");
    conn.execute_batch("CREATE TABLE kv (grp TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (grp, key)); INSERT INTO kv VALUES ('g','k','v')")
        .expect("make an old file");
    drop(conn);
    let before = std::fs::read(&old).expect("read");
    t.sh("LARDER_COMPLETE=bash _CLAP_COMPLETE_INDEX=4 larder -- larder --db old.db get ''").output();
    assert_eq!(std::fs::read(&old).expect("read"), before);
    assert_eq!(t.files(), ["old.db"]);
    // A store nobody has open is read without a -wal being made.
    t.run(["--db", "store.db", "set", "group", "k", "v"]).ok("");
    let conn = rusqlite::Connection::open(t.path("store.db")).expect("open");
    conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).expect("checkpoint");
    drop(conn);
    let _ = std::fs::remove_file(t.path("store.db-wal"));
    let _ = std::fs::remove_file(t.path("store.db-shm"));
    t.sh("LARDER_COMPLETE=fish larder -- larder --db store.db count gr").ok("group\n");
    assert_eq!(t.files(), ["old.db", "store.db"]);
}

/// A store that vanishes or is locked between two presses of the key is
/// nothing to offer, at once, and no error on the prompt.
#[test]
fn a_bad_store_is_silence() {
    let t = Test::new();
    t.write("garbage.db", "x".repeat(10_000));
    t.sh("LARDER_COMPLETE=fish larder -- larder --db garbage.db count g").ok("");
    t.sh("LARDER_COMPLETE=fish larder -- larder --db / count g").ok("");
    t.sh("LARDER_COMPLETE=fish larder -- larder -n '' count g").ok("");
}
