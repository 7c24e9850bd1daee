use std::os::unix::fs::PermissionsExt;

use crate::common::Test;

/// A home with an editor in it that runs `script` on the file, `$1`.
fn editor(script: &str) -> Test {
    let t = Test::new();
    let path = t.write("ed", format!("#!/bin/sh\n{script}\n"));
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    t
}

fn edit(t: &Test, key: &str) -> (i32, String, String) {
    t.run(["edit", "g", key]).env("EDITOR", "./ed").env("TMPDIR", t.home()).on_terminal(80)
}

fn done() -> (i32, String, String) {
    (0, String::new(), String::new())
}

fn drafts(t: &Test) -> Vec<String> {
    t.files().into_iter().filter(|file| file.starts_with("larder-edit")).collect()
}

/// The text that a message names.
fn kept(t: &Test, stderr: &str) -> Vec<u8> {
    let path = stderr.split("; the text is kept in \"").nth(1).and_then(|rest| rest.split('"').next());
    t.read(path.unwrap_or_else(|| panic!("a file in {stderr}")))
}

#[test]
fn what_is_saved_is_stored() {
    let t = editor("cat \"$1\" >seen; stat -c %a \"$1\" \"${1%/*}\" >modes; sed -i s/old/new/ \"$1\"");
    t.run(["set", "g", "a.conf", "an old one\n", "--ttl", "1h"]).ok("");
    assert_eq!(edit(&t, "a.conf"), done());
    t.run(["get", "g", "a.conf"]).ok("an new one\n");
    assert_eq!((t.read("seen"), t.read("modes")), (b"an old one\n".to_vec(), b"600\n700\n".to_vec()));
    assert!(t.run(["--json", "get", "g", "a.conf"]).json()["ttl_ms"].is_i64(), "the time to live is lost");
    assert_eq!(drafts(&t), [""; 0]);
    // Nothing changed, nothing written.
    let before = t.number("SELECT max(seq)FROM larder_changes");
    assert_eq!(edit(&t, "a.conf"), done());
    assert_eq!(t.number("SELECT max(seq)FROM larder_changes"), before);
    // VISUAL comes first, and may be more than a word.
    let run = t.run(["-n", "n", "edit", "g", "k"]).env("TMPDIR", t.home()).env("EDITOR", "false");
    assert_eq!(run.env("VISUAL", "f() { printf '%s' \"two words\" >\"$1\"; }; f").on_terminal(80), done());
    t.run(["get", "n:g", "k"]).ok("two words");
    let (code, screen, _) = t.run(["--json", "edit", "g", "j"]).env("EDITOR", "echo x >").on_terminal(80);
    let record: serde_json::Value = serde_json::from_str(&screen).expect(&screen);
    assert_eq!((code, &record["key"], &record["bytes"]), (0, &"j".into(), &2.into()));
}

#[test]
fn the_newline_that_editors_add() {
    let t = editor("echo >>\"$1\"");
    t.run(["set", "g", "k", "v"]).ok("");
    assert_eq!(edit(&t, "k"), done());
    assert_eq!(t.number("SELECT max(seq)FROM larder_changes"), 1, "an editor's newline was stored");
    t.run(["set", "g", "k", "v\n"]).ok("");
    assert_eq!(edit(&t, "k"), done());
    t.run(["get", "g", "k"]).ok("v\n\n");
}

#[test]
fn a_key_that_does_not_exist_yet() {
    let t = editor("true");
    assert_eq!(edit(&t, "k"), done());
    assert!(!t.db().exists(), "nothing was saved, and there is a store");
    let t = editor(": >\"$1\"");
    assert_eq!(edit(&t, "k"), done());
    t.run(["get", "g", "k"]).ok("");
    // As an editor that writes another file and renames it.
    let t = editor("echo text >\"$1~\"; mv \"$1~\" \"$1\"");
    assert_eq!(edit(&t, "k"), done());
    t.run(["get", "g", "k"]).ok("text");
}

/// Whatever happens, what was typed is there.
#[test]
fn a_text_that_cannot_be_stored_is_kept() {
    let t = editor("larder() { HOME=$HOME \"$LARDER\" \"$@\"; }; echo mine >\"$1\"; larder set g k theirs");
    let lose = |t: &Test, key: &str| {
        let run = t.run(["edit", "g", key]).env("EDITOR", "./ed").env("LARDER", crate::common::LARDER);
        run.env("TMPDIR", t.home()).on_terminal(80)
    };
    t.run(["set", "g", "k", "old"]).ok("");
    let (code, _, stderr) = lose(&t, "k");
    assert_eq!(code, 3);
    assert!(
        stderr.starts_with(
            "larder: edit: key \"k\" in group \"g\" is at version 2, not 1; the text is kept in \""
        ),
        "{stderr}"
    );
    assert_eq!((kept(&t, &stderr), stderr.lines().count()), (b"mine\n".to_vec(), 1));
    t.run(["get", "g", "k"]).ok("theirs");
    t.run(["delete", "g", "k"]).ok("");
    let (code, _, stderr) = lose(&t, "k");
    assert!(code == 3 && stderr.contains("exists, at version"), "{stderr}");
    // A quota, and an editor that fails.
    let t = editor("echo 'far too long' >\"$1\"");
    t.run(["quota", "set", "n", "--max-bytes", "5"]).ok("");
    let run = t.run(["-n", "n", "edit", "g", "k"]).env("EDITOR", "./ed").env("TMPDIR", t.home());
    let (code, _, stderr) = run.on_terminal(80);
    assert_eq!((code, kept(&t, &stderr)), (4, b"far too long\n".to_vec()), "{stderr}");
    let t = editor("echo half >\"$1\"; exit 3");
    let (code, _, stderr) = edit(&t, "k");
    assert!(
        stderr.starts_with("larder: edit: the editor ended with status 3; the text is kept in"),
        "{stderr}"
    );
    assert_eq!((code, kept(&t, &stderr)), (10, b"half\n".to_vec()));
    t.run(["count", "g"]).ok("0\n");
    let t = editor("exit 9");
    let nothing = "larder: edit: the editor ended with status 9; nothing was written\n";
    assert_eq!(edit(&t, "k"), (10, String::new(), nothing.into()));
    assert_eq!(drafts(&t), [""; 0]);
    let t = editor("echo typed >\"$1\"; kill -TERM $PPID; exec sleep 10");
    let (code, _, stderr) = edit(&t, "k");
    assert_eq!((code, kept(&t, &stderr)), (143, b"typed\n".to_vec()), "{stderr}");
}

#[test]
fn without_a_terminal_or_an_editor() {
    let t = editor("echo x >\"$1\"");
    t.run(["edit", "g", "k"])
        .env("EDITOR", "./ed")
        .fails(2, "larder: edit: no terminal to edit on\nhint: 'larder get' and 'larder set' need none\n");
    let (code, _, stderr) = t.run(["edit", "g", "k"]).env("EDITOR", "").on_terminal(80);
    assert_eq!(
        (code, stderr.as_str()),
        (
            2,
            "larder: edit: no editor: neither VISUAL nor EDITOR names one\nhint: as in 'EDITOR=vi larder edit GROUP KEY'\n"
        )
    );
    let (code, _, stderr) = t.run(["edit", "g", "k"]).env("EDITOR", "nosuch").on_terminal(80);
    assert_eq!(
        (code, stderr.as_str()),
        (2, "larder: edit: there is no command \"nosuch\"\nhint: VISUAL or EDITOR names it\n")
    );
    assert!(!t.db().exists());
    t.run(["set", "g", "bin", "-"]).stdin(&b"a\0b"[..]).ok("");
    let (code, _, stderr) = edit(&t, "bin");
    assert!(code == 8 && stderr.starts_with("larder: edit: the value is binary"), "{stderr}");
    t.run(["edit", "g"]).fails_with(2, "<KEY>");
}
