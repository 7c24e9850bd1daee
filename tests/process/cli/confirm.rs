//! Questions before something goes that cannot be brought back.

use nix::sys::signal::Signal;

use super::person::Person;
use crate::common::Test;

/// Runs a command at a terminal, and answers.
fn answered(t: &Test, args: &[&str], question: &str, answer: &str) -> (i32, String) {
    let mut person = Person::types(t, args, 200);
    person.sees(question);
    person.presses(answer);
    let (status, shown) = person.ends();
    (status, shown.split_once("[y/N] ").expect("a question").1.to_owned())
}

const NOT_CONFIRMED: &str = "not confirmed; nothing was changed\nhint: answer y, or add --yes\n";

#[test]
fn groups_go_when_a_person_says_so() {
    let t = Test::new();
    for group in ["cache-a", "cache-b", "kept"] {
        t.run(["set", group, "k", "v"]).ok("");
    }
    let delete = ["delete", "--groups", "cache-*"];
    let question = "Delete 2 groups with 2 keys? [y/N] ";
    for no in ["\n", "n\n", "yess\n", "\u{4}"] {
        let (status, shown) = answered(&t, &delete, question, no);
        assert_eq!(status, 2, "{no:?}");
        assert!(shown.ends_with(&format!("larder: delete: {NOT_CONFIRMED}")), "{no:?}: {shown:?}");
    }
    t.run(["list"]).ok("cache-a\ncache-b\nkept\n");
    let (status, shown) = answered(&t, &delete, question, "y\n");
    assert_eq!((status, shown.as_str()), (0, "y\n"));
    t.run(["list"]).ok("kept\n");
    // Ctrl-C ends it as it ends everything.
    let mut person = Person::types(&t, &["delete", "--groups", "*"], 80);
    person.sees("Delete 1 group with 1 key? [y/N] ");
    person.presses("\u{3}");
    assert_eq!(person.ends().0, -(Signal::SIGINT as i32));
    t.run(["list"]).ok("kept\n");
}

#[test]
fn a_namespace_goes_when_a_person_says_so() {
    let t = Test::new();
    t.run(["-n", "a", "set", "g", "k", "v"]).ok("");
    let delete = ["namespace", "delete", "a"];
    let question = "Delete namespace a with 1 key in 1 group? [y/N] ";
    assert_eq!(answered(&t, &delete, question, "no\n").0, 2);
    t.run(["-n", "a", "count"]).ok("1\n");
    assert_eq!(answered(&t, &delete, question, "YES\n").0, 0);
    t.run(["-n", "a", "count"]).ok("0\n");
}

#[test]
fn a_store_is_replaced_when_a_person_says_so() {
    let t = Test::new();
    t.run(["set", "g", "k", "old"]).ok("");
    t.run(["backup", "b.db"]).ok("");
    t.run(["set", "g", "k", "new"]).ok("");
    let question =
        format!("Replace the contents of the store {:?} with {:?}? [y/N] ", t.db(), t.path("b.db"));
    assert_eq!(answered(&t, &["restore", "b.db"], &question, "\n").0, 2);
    t.run(["get", "g", "k"]).ok("new");
    assert_eq!(answered(&t, &["restore", "b.db"], &question, "y\n").0, 0);
    t.run(["get", "g", "k"]).ok("old");
}

/// A script has nobody to ask: whatever its standard input says, it has to say
/// it with --yes.
#[test]
fn nobody_is_asked_off_a_terminal() {
    let t = Test::new();
    t.run(["set", "g", "k", "v"]).ok("");
    t.run(["backup", "b.db"]).ok("");
    for args in [&["delete", "--groups", "*"][..], &["namespace", "delete", "a"], &["restore", "b.db"]] {
        t.run(args).stdin("y\n").fails_with(2, "");
        // One terminal is not enough, and JSON is for programs.
        assert_eq!(t.run(args).stdin("y\n").on_terminal(80).0, 2);
        let mut person = Person::types(&t, &[&["--json"], args].concat(), 200);
        let (status, shown) = person.ends();
        assert!(
            status == 2 && shown.starts_with("{\"error\":\"usage\"") && !shown.contains("[y/N]"),
            "{shown}"
        );
    }
    t.run(["delete", "--groups", "*"])
        .fails(2, "larder: delete: deleting groups by a pattern needs --yes\nhint: --dry-run lists them\n");
    t.run(["delete", "--groups", "*", "--dry-run"]).ok("g\n");
    t.run(["count"]).ok("1\n");
}
