//! Live completion in the shells themselves.

use crate::common::Test;
use crate::common::skip::skip;

/// Whether the shell is there; says so if not.
fn has(shell: &str) -> bool {
    let found = ["/bin", "/usr/bin"].iter().any(|dir| std::path::Path::new(dir).join(shell).exists());
    if !found {
        skip("completion", &format!("there is no {shell}"));
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

/// What bash puts into the line in place of its end.
fn bash(t: &Test, line: &str) -> Vec<String> {
    let script = "larder completions bash > script; bash --norc -c 'source ./script; compopt() { :; }; \
        COMP_LINE=$LINE COMP_POINT=${#LINE}; read -ra COMP_WORDS <<<\"$LINE\"; [[ $LINE != *\" \" ]] || COMP_WORDS+=(\"\"); \
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _larder; printf \"%s\\n\" \"${COMPREPLY[@]}\"'";
    let output = t.sh(script).env("LINE", line).output();
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(str::to_owned)
        .filter(|name| !name.is_empty())
        .collect()
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
        ("quota show ten", "tenant"),
        ("namespace delete ten", "tenant"),
        ("access list ten", "tenant"),
        ("get tenant:", "jobs"),
        ("get tenant:jobs o", "one"),
        ("de", "delete"),
        ("get session ", "token tomato"),
        ("take session --dead se", "service session"),
        ("ack session to", "token tomato"),
        ("wait session to", "token tomato"),
        ("env service se", "service session"),
        ("copy session token --to-group se", "service session"),
        ("top --by n", "namespace"),
        ("lock g k --ttl 1s -- mktem", "mktemp"),
    ] {
        let mut names = bash(&t, &format!("larder {words}"));
        names.sort();
        let mut expected: Vec<&str> = offered.split_whitespace().collect();
        expected.sort_unstable();
        assert_eq!(names, expected, "larder {words}");
    }
}

/// bash runs what stands in a line. Names were put into it as they are: a key
/// `$(…)` of a stranger's ran when the user completed it and pressed Enter, a
/// name with a blank fell into two words, and a `*` became the names of files.
#[test]
fn bash_gets_names_quoted() {
    if !has("bash") {
        return;
    }
    let t = Test::new();
    for (group, key) in [
        ("my group", "with space"),
        ("my group", "quo'te"),
        ("odd", "a$(touch PWNED)"),
        ("odd", "b`touch PWNED`"),
        ("odd", "c;touch PWNED"),
        ("odd", "d|touch PWNED&"),
        ("odd", "e${x:=$(touch PWNED)}"),
        ("odd", "f*"),
        ("odd", "g\"\\!h"),
        ("odd", "~i"),
        ("odd", "#j"),
    ] {
        t.run(["set", group, key, "v"]).ok("");
    }
    for (line, group, key) in [
        ("my\\ group wi", "my group", "with space"),
        ("'my group' quo", "my group", "quo'te"),
        ("\"my group\" \"wi", "my group", "with space"),
        ("'my group' 'quo", "my group", "quo'te"),
        ("odd a", "odd", "a$(touch PWNED)"),
        ("odd 'a", "odd", "a$(touch PWNED)"),
        ("odd \"a", "odd", "a$(touch PWNED)"),
        ("odd b", "odd", "b`touch PWNED`"),
        ("odd \"b", "odd", "b`touch PWNED`"),
        ("odd c", "odd", "c;touch PWNED"),
        ("odd d", "odd", "d|touch PWNED&"),
        ("odd e", "odd", "e${x:=$(touch PWNED)}"),
        ("odd f", "odd", "f*"),
        ("odd g", "odd", "g\"\\!h"),
        ("odd \"g", "odd", "g\"\\!h"),
        ("odd '~", "odd", "~i"),
        ("odd \\~", "odd", "~i"),
        ("odd \\#", "odd", "#j"),
    ] {
        let whole = format!("larder get {line}");
        let [reply] = &bash(&t, &whole)[..] else { panic!("{line}: not one name") };
        // What bash replaces begins behind the last blank or the open quote,
        // and the quote is closed.
        let (kept, close) = match line.rfind([' ', '\'', '"']) {
            Some(at) if line.as_bytes()[at] != b' ' => (&line[..=at], &line[at..=at]),
            at => (&line[..=at.expect("two words")], ""),
        };
        t.write("f1", "");
        let script = format!("printf '%s\\n' {kept}{reply}{close}");
        let run = t.sh("bash --norc -i -c \"$SCRIPT\" 2>/dev/null").env("SCRIPT", script).output();
        assert_eq!(String::from_utf8_lossy(&run.stdout), format!("{group}\n{key}\n"), "{line}");
    }
    assert!(!t.path("PWNED").exists());
}

/// A line that was run under an exported LARDER_COMPLETE answered with nothing
/// and status 0, and stored nothing.
#[test]
fn an_exported_variable_changes_no_command() {
    let t = Test::new();
    t.run(["set", "g", "k", "v"]).env("LARDER_COMPLETE", "bash").ok("");
    t.run(["get", "g", "k"]).env("LARDER_COMPLETE", "fish").ok("v");
}

#[test]
fn fish_offers_what_the_store_holds() {
    if !has("fish") {
        return;
    }
    let t = store();
    t.sh("larder completions fish > script; fish --no-config -c 'source script; complete -C \"larder get se\"; complete -C \"larder get session tok\"; complete -C \"larder -n tenant get jobs \"; complete -C \"larder de\"'")
        .ok("service\nsession\ntoken\none\ndelete\tDelete keys, a group, or many groups\n");
}

#[test]
fn zsh_offers_what_the_store_holds() {
    if !has("zsh") {
        return;
    }
    let t = store();
    t.run(["set", "my group", "k", "v"]).ok("");
    t.write(
        "drive.zsh",
        r#"zmodload zsh/zpty
zpty z zsh -f -i
zpty -w z 'PS1=; fpath=($PWD $fpath); autoload -Uz compinit; compinit -u -D; echo rea""dy'
zpty -r z line '*ready*'
zpty -w -n z $'larder get session tok\t'
zpty -r z line '*session tok*en*' && echo completed
zpty -w -n z $'\x15larder get \'my gr\t'
zpty -r z line '*my gr*oup*' && echo quoted
zpty -d z
"#,
    );
    let output = t.sh("larder completions zsh > _larder; zsh -f drive.zsh").env("TERM", "dumb").output();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "completed\nquoted\n", "{output:?}");
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
