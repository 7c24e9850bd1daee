//! Lists on a terminal: tables that fit its width, and nothing in them that
//! could do more than be read.

use unicode_width::UnicodeWidthStr;

use crate::common::{Test, author};

fn filled() -> Test {
    let t = Test::new();
    t.run(["set", "g", "plain", "value"]).ok("");
    t.run([
        "set",
        "g",
        "漢字の鍵",
        "値値値値値値値値値値値値値値値値値値値値値値値値値値値値値値値値値値値値",
    ])
    .ok("");
    t.run(["set", "g", "evil\u{1b}[2J\nkey", "a\tb\u{7}"]).ok("");
    t.run(["set", "g", "long", &"x".repeat(5000), "--ttl", "30d"]).ok("");
    t.run(["set", "g", "binary", "-"]).stdin([0xff; 2048]).ok("");
    t
}

#[track_caller]
fn shown(t: &Test, args: &[&str], columns: u16) -> String {
    let (code, shown, stderr) = t.run(args).env("NO_COLOR", "1").on_terminal(columns);
    assert_eq!((code, stderr.as_str()), (0, ""), "{args:?}");
    shown
}

#[test]
fn groups_with_keys_and_bytes() {
    let t = filled();
    t.run(["set", "other", "k", "v"]).ok("");
    assert_eq!(
        shown(&t, &["list"], 80),
        "GROUP  KEYS    BYTES\ng         5  7.0 KiB\nother     1      2 B\n"
    );
    assert_eq!(shown(&t, &["list", "--glob", "o*"], 80), "GROUP  KEYS  BYTES\nother     1    2 B\n");
    assert_eq!(shown(&t, &["list", "--limit", "0"], 80), "");
    t.run(["list"]).ok("g\nother\n");
}

#[test]
fn keys_stay_a_name_a_line() {
    let t = filled();
    assert_eq!(shown(&t, &["list", "g"], 20), "binary\nevil\\x1b[2J\\nkey\nlong\nplain\n漢字の鍵\n");
}

#[test]
fn values_are_cut_to_the_width() {
    let t = filled();
    assert_eq!(
        shown(&t, &["list", "g", "--values"], 40),
        "KEY               VALUE\n\
         binary            <binary, 2.0 KiB>\n\
         evil\\x1b[2J\\nkey  a\\tb\\x07\n\
         long              xxxxxxxxxxxxxxxxxxxxx…\n\
         plain             value\n\
         漢字の鍵          値値値値値値値値値値…\n"
    );
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    let t = filled();
    for columns in [30, 60, 80, 200] {
        for args in [&["list", "g", "--long"][..], &["list", "g", "--values"], &["list"]] {
            let shown = shown(&t, args, columns);
            for line in shown.lines() {
                assert!(line.width() <= usize::from(columns), "{columns} {args:?}: {line}");
                assert!(!line.contains('\u{1b}') && !line.contains('\u{7}'), "{line:?}");
            }
        }
    }
}

#[test]
fn long_has_the_facts() {
    let t = filled();
    let shown = shown(&t, &["list", "g", "--long", "--glob", "[lp]*"], 80);
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(
        lines[0].split_whitespace().collect::<Vec<_>>(),
        ["KEY", "VALUE", "BYTES", "VERSION", "UPDATED", "EXPIRES"]
    );
    assert!(lines[1].starts_with("long   xxx") && lines[1].contains("…   5004        4  "), "{shown}");
    assert!(lines[1].ends_with("  in 29d23h") && lines[2].ends_with(" ago  never"), "{shown}");
}

#[test]
fn a_pipe_gets_fields_between_tabs() {
    let t = Test::new();
    t.run(["set", "g", "a\tb", "1\\2\n"]).ok("");
    t.run(["list", "g", "--values"]).ok("a\\tb\t1\\\\2\\n\n");
    let long = t.run(["list", "g", "--long"]).output();
    let line = String::from_utf8(long.stdout).unwrap();
    let fields: Vec<&str> = line.trim_end_matches('\n').split('\t').collect();
    assert_eq!(fields[..4], ["a\\tb", "1\\\\2\\n", "7", "1"]);
    assert!(fields[4].ends_with('Z') && fields[5] == "never" && fields.len() == 6, "{line}");
    t.run(["list", "--long"]).ok("g\t1\t7\n");
}

#[test]
fn colour_only_where_it_is_wanted() {
    let t = filled();
    let plain = shown(&t, &["list", "g", "--long"], 80);
    for (variables, args, coloured) in [
        (&[("TERM", "xterm")][..], &["list", "g", "--long"][..], true),
        (&[("TERM", "dumb")], &["list", "g", "--long"], false),
        (&[("NO_COLOR", "1")], &["list", "g", "--long", "--color=always"], true),
        (&[("TERM", "xterm")], &["list", "g", "--long", "--color=never"], false),
    ] {
        let mut run = t.run(args);
        for (name, value) in variables {
            run = run.env(name, value);
        }
        let (_, shown, _) = run.on_terminal(80);
        assert_eq!(shown.contains('\u{1b}'), coloured, "{variables:?} {args:?}");
        if !coloured {
            assert_eq!(shown.lines().count(), plain.lines().count());
        }
    }
    // Into a pipe --color=always changes nothing: there is nothing to colour.
    t.run(["list", "--color=always"]).ok("g\n");
}

#[test]
fn more_rows_than_are_laid_out_at_once() {
    let t = Test::new();
    t.run(["set", "g", "k", "v"]).ok("");
    t.execute(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<1200) \
         INSERT INTO entries(group_name,entry_key,entry_value) SELECT 'g','k'||i,'v' FROM n",
    );
    let shown = shown(&t, &["list", "g", "--values"], 80);
    assert_eq!(shown.lines().count(), 1202);
    assert_eq!(shown.lines().filter(|line| line.starts_with("KEY")).count(), 1);
}

#[test]
fn json_is_json_on_a_terminal_too() {
    let t = Test::new();
    t.run(["set", "g", "k", "v"]).ok("");
    assert_eq!(shown(&t, &["list", "--json"], 20), "{\"bytes\":2,\"group\":\"g\",\"keys\":1}\n");
}

#[test]
fn history_and_consumers() {
    let t = Test::new();
    t.run(["set", "g", "k", "v"]).ok("");
    t.run(["delete", "g", "k"]).ok("");
    let history = shown(&t, &["history", "g", "k"], 200);
    let lines: Vec<&str> = history.lines().collect();
    // How long ago depends on how fast this ran.
    let by = author();
    let words = |at: usize| lines[at].split_whitespace().collect::<Vec<_>>();
    assert_eq!(words(0), ["VERSION", "TYPE", "TIME", "BYTES", "EXPIRES", "BY", "VALUE"]);
    let without_time = |at: usize| [&words(at)[..2], &words(at)[3..]].concat();
    assert_eq!(without_time(1), ["2", "delete", "ago", "-", "never", &by, "-"], "{history}");
    assert_eq!(without_time(2), ["1", "set", "ago", "2", "never", &by, "v"], "{history}");
    t.run(["watch", "--after", "0", "--count", "1", "--consumer", "c\u{7}"]).ok("1\tset\tg\tk\n");
    let consumers = shown(&t, &["consumer", "list"], 80);
    assert!(consumers.starts_with("CONSUMER  POSITION  BEHIND  MOVED"), "{consumers}");
    assert!(consumers.contains("\nc\\x07            1       1  "), "{consumers}");
    // A person sees what was written, made safe and cut to the line.
    t.run(["set", "g", "long", &"\u{1b}x".repeat(99)]).ok("");
    let changes = shown(&t, &["watch", "g", "--after", "0", "--count", "3"], 80);
    let lines: Vec<&str> = changes.lines().collect();
    assert!(lines[0].ends_with("  set           g  k  v"), "{changes}");
    assert!(lines[1].ends_with("  delete        g  k"), "{changes}");
    assert!(lines[2].contains("g  long  \\x1bx\\x1bx") && lines[2].ends_with('…'), "{changes}");
    t.run(["set", "g", "e", "v", "--ttl", "90m"]).ok("");
    assert!(shown(&t, &["history", "g", "e"], 200).ends_with(&format!("  in 1h29m  {by}  v\n")));
}

/// Nothing at all was printed where there was nothing to list, as if the
/// command had not run.
#[test]
fn an_empty_answer_is_told_to_a_person() {
    let t = Test::new();
    t.run(["set", "g", "k", "v"]).ok("");
    for (args, note) in [
        (&["list", "nope", "--values"][..], "list: no keys in group \"nope\""),
        (&["consumer", "list"], "consumer: there are no consumers"),
        (&["access", "list"], "access: there are no grants"),
        (&["quota", "show"], "quota: no namespace has a limit"),
        (&["namespace", "list"], "namespace: there are no namespaces"),
        (&["delete", "g", "nope"], "delete: nothing to delete"),
    ] {
        let (code, screen, stderr) = t.run(args.iter().copied()).on_terminal(80);
        assert_eq!((code, screen.as_str(), stderr.trim_end()), (0, "", format!("larder: {note}").as_str()));
        let quiet = [args, &["-q"]].concat();
        assert_eq!(t.run(quiet).on_terminal(80), (0, String::new(), String::new()), "{args:?}");
        t.run(args.iter().copied()).ok("");
    }
}

/// Three columns were all called LIMIT, and at 60 columns left so little room
/// for the names that tenant-a and tenant-b were both "tenant…".
#[test]
fn namespaces_are_told_apart_on_a_narrow_terminal() {
    let t = Test::new();
    for ns in ["tenant-a", "tenant-b"] {
        t.run(["-n", ns, "set", "g", "k", "v"]).ok("");
    }
    t.run(["quota", "set", "tenant-b", "--max-keys", "100", "--max-bytes", "10MiB"]).ok("");
    assert_eq!(
        shown(&t, &["namespace", "list"], 60),
        "NAMESPACE   KEYS         BYTES  GROUPS  NEXT EXPIRY\n\
         tenant-a       1           2 B       1  never\n\
         tenant-b   1/100  2 B/10.0 MiB       1  never\n"
    );
}
