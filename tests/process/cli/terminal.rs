//! One value or number on a terminal.

use crate::common::Test;

#[test]
fn a_value_gets_its_final_newline() {
    let t = Test::new();
    t.run(["set", "g", "without", "v"]).ok("");
    t.run(["set", "g", "with", "v\n"]).ok("");
    t.run(["set", "g", "empty", ""]).ok("");
    for (args, shown) in [
        (&["get", "g", "without"][..], "v\n"),
        (&["get", "g", "with"], "v\n"),
        (&["get", "g", "empty"], "\n"),
        (&["get", "g", "without", "--newline", "never"], "v"),
        (&["get", "g", "absent", "--default", "d"], "d\n"),
    ] {
        assert_eq!(t.run(args).on_terminal(80), (0, shown.into(), String::new()), "{args:?}");
    }
    t.run(["get", "g", "without"]).ok("v");
    t.run(["get", "g", "without", "--newline", "always"]).ok("v\n");
    t.run(["get", "g", "with", "--newline", "always"]).ok("v\n");
}

#[test]
fn no_value_can_move_the_cursor() {
    let t = Test::new();
    let value = "\u{1b}]0;title\u{7}\ttab\r\nsecond line\u{9b}2J\u{202e}";
    t.run(["set", "g", "k", value]).ok("");
    let shown = "\\x1b]0;title\\x07\ttab\\r\nsecond line\\x9b2J\\u{202e}\n";
    assert_eq!(t.run(["get", "g", "k"]).on_terminal(80), (0, shown.into(), String::new()));
    t.run(["get", "g", "k"]).ok(value);
}

#[test]
fn binary_is_refused_and_the_way_out_named() {
    let t = Test::new();
    t.run(["set", "g", "bytes", "-"]).stdin([0xff, 0, 1]).ok("");
    t.run(["set", "g", "nul", "-"]).stdin(*b"text\0").ok("");
    for key in ["bytes", "nul"] {
        let (code, shown, stderr) = t.run(["get", "g", key]).on_terminal(80);
        assert_eq!((code, shown.as_str()), (8, ""));
        assert_eq!(
            stderr,
            "larder: get: the value is binary, which a terminal cannot show\n\
             hint: write it to a file with -o FILE, or into a pipe\n"
        );
        // The way out works on the same terminal.
        assert_eq!(t.run(["get", "g", key, "-o", "file"]).on_terminal(80), (0, String::new(), String::new()));
    }
    assert_eq!(t.read("file"), b"text\0");
    t.run(["get", "g", "bytes"]).ok([0xff, 0, 1]);
}

/// JSON escapes what lies below a blank and nothing else: a C1 control, or a
/// character that reorders a line, came to the terminal as it was.
#[test]
fn json_cannot_move_the_cursor_either() {
    let t = Test::new();
    let odd = "\u{7f}\u{9b}31m\u{9d}0;x\u{202e}\u{2066}\u{2028}\u{200b}é🚀";
    let safe = "\\u007f\\u009b31m\\u009d0;x\\u202e\\u2066\\u2028\\u200bé🚀";
    t.run(["set", odd, odd, odd]).ok("");
    for args in [
        &["--json", "get", odd, odd][..],
        &["--json", "list"],
        &["--json", "list", odd],
        &["export"],
        &["export", "--format", "json"],
        &["--json", "history", odd, odd],
        &["--json", "watch", "--after", "0", "--count", "1"],
    ] {
        let (status, shown, _) = t.run(args).on_terminal(80);
        assert!(status == 0 && shown.contains(safe), "{args:?}: {shown:?}");
        assert!(
            !shown.contains(['\u{7f}', '\u{9b}', '\u{9d}', '\u{202e}', '\u{2066}', '\u{2028}']),
            "{args:?}: {shown:?}"
        );
        let piped = String::from_utf8(t.run(args).output().stdout).unwrap();
        assert!(piped.contains(odd), "{args:?}: {piped:?}");
    }
}

#[test]
fn an_error_cannot_move_the_cursor_either() {
    let t = Test::new();
    for command in
        ["larder --json get --k\u{202e}\u{9b}", "larder get --k\u{202e}\u{9b}", "larder get g \u{202e}\u{9b}"]
    {
        let (status, shown, _) = t.sh(&format!("{command} 2>&1")).on_terminal(80);
        assert!(status > 0 && !shown.is_empty() && !shown.contains(['\u{202e}', '\u{9b}']), "{shown:?}");
    }
}

/// The terminal of the tests has 40 rows.
#[test]
fn what_does_not_fit_is_paged() {
    let t = Test::new();
    for n in 0..39 {
        t.run(["set", "g", "k", &n.to_string()]).ok("");
    }
    let lines: Vec<String> =
        (0..60).map(|n| format!("{{\"group\":\"many\",\"key\":\"{n:02}\",\"value\":\"v\"}}\n")).collect();
    t.run(["import", "-"]).stdin(lines.concat()).ok("");
    let paged = |args: &[&str], pager: &str| {
        let (code, screen, stderr) = t.run(args).env("PAGER", pager).on_terminal(80);
        assert_eq!((code, stderr.as_str()), (0, ""), "{args:?}");
        screen
    };
    let mark = "sed 's/^/P:/'";
    let plain = |args: &[&str]| t.run(args).on_terminal(80).1;
    for args in [&["list", "many", "--long"][..], &["history", "g", "k"]] {
        // Ages differ from one run to the next.
        let count = plain(args).lines().count();
        assert!(count >= 40, "{args:?}");
        let marked = paged(args, mark);
        assert!(
            marked.lines().count() == count && marked.lines().all(|line| line.starts_with("P:")),
            "{marked}"
        );
        for none in ["", "cat"] {
            let shown = paged(args, none);
            assert!(shown.lines().count() == count && !shown.contains("P:"), "{shown}");
        }
        assert_eq!(t.run(args).env("PAGER", mark).env("TERM", "dumb").on_terminal(80).0, 0);
        assert!(!t.run(args).env("PAGER", mark).env("TERM", "dumb").on_terminal(80).1.contains("P:"));
        // A pager that is left early ends it quietly.
        assert_eq!(paged(args, "head -n 2").lines().count(), 2);
        // less is told to leave at once what fits, and colours alone.
        assert_eq!(paged(args, "cat >/dev/null; echo $LESS"), "FRX\n");
    }
    // What fits is not, nor are names, records, and what goes into a pipe.
    for args in [
        &["list", "many", "--long", "--limit", "30"][..],
        &["list", "many"],
        &["--json", "history", "g", "k"],
    ] {
        assert!(!paged(args, mark).contains("P:"), "{args:?}");
    }
    let piped = t.run(["list", "many", "--long"]).env("PAGER", mark).output();
    assert!(!String::from_utf8_lossy(&piped.stdout).contains("P:"));
}
