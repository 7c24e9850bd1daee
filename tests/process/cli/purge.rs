use crate::common::Test;

/// Five live entries and three due ones, two of them in group `s`.
fn with_due() -> Test {
    let t = Test::new();
    for (group, key, due) in [
        ("s", "a", true),
        ("s", "b", true),
        ("s", "c", false),
        ("app:s", "d", true),
        ("app:s", "e", false),
        ("app", "f", false),
        ("App:s", "g", false),
        ("z", "h", false),
    ] {
        t.run(["set", group, key, "v", "--ttl", "1h"]).ok("");
        if due {
            t.make_due(group, key);
        }
    }
    t
}

const ROWS: &str = "SELECT count(*) FROM entries";

#[test]
fn is_silent_and_leaves_what_is_live() {
    let t = with_due();
    t.run(["purge"]).ok("");
    assert_eq!(t.number(ROWS), 5);
    assert_eq!(t.number("SELECT count(*) FROM larder_changes WHERE type='expire'"), 3);
    t.run(["count"]).ok("5\n");
}

#[test]
fn json_counts() {
    let t = with_due();
    t.run(["purge", "--json"]).ok("{\"changes\":0,\"deleted\":3}\n");
    t.run(["purge", "--json"]).ok("{\"changes\":0,\"deleted\":0}\n");
}

#[test]
fn of_one_group_or_namespace() {
    let t = with_due();
    t.run(["purge", "s", "--json"]).ok("{\"changes\":0,\"deleted\":2}\n");
    t.run(["-n", "other", "purge", "--json"]).ok("{\"changes\":0,\"deleted\":0}\n");
    t.run(["-n", "App", "purge", "--json"]).ok("{\"changes\":0,\"deleted\":0}\n");
    t.run(["-n", "app", "purge", "s", "--json"]).ok("{\"changes\":0,\"deleted\":1}\n");
    assert_eq!(t.number(ROWS), 5);
}

#[test]
fn a_dry_run_removes_nothing() {
    let t = with_due();
    t.run(["purge", "--dry-run"]).ok("3\n");
    t.run(["purge", "s", "--dry-run", "--keep-changes", "2", "--json"])
        .ok("{\"changes\":7,\"deleted\":2,\"dry_run\":true}\n");
    assert_eq!(t.number(ROWS), 8);
    assert_eq!(t.number("SELECT min(seq) FROM larder_changes"), 0);
}

#[test]
fn trims_the_log() {
    let t = with_due();
    // Eight sets and the log's origin; three expiries come on top.
    t.run(["purge", "--keep-changes", "1h", "--json"]).ok("{\"changes\":0,\"deleted\":3}\n");
    t.run(["purge", "--keep-changes", "4", "--json"]).ok("{\"changes\":8,\"deleted\":0}\n");
    assert_eq!(t.number("SELECT min(seq) FROM larder_changes"), 8);
    t.run(["purge", "--keep-changes", "0"]).ok("");
    assert_eq!(t.number("SELECT count(*) FROM larder_changes"), 1);
    t.run(["set", "s", "c", "again", "--json"]).json();
    assert_eq!(t.number("SELECT version FROM entries WHERE entry_value='again'"), 12);
}

#[test]
fn what_a_consumer_has_yet_to_handle_stays() {
    let t = with_due();
    t.execute("INSERT INTO larder_consumers(name,position,updated_at) VALUES('c',3,0)");
    t.run(["purge", "--keep-changes", "0"]).ok("");
    assert_eq!(t.number("SELECT min(seq) FROM larder_changes"), 4);
}

#[test]
fn the_log_of_all_is_not_trimmed_from_one_namespace() {
    let t = with_due();
    t.run(["-n", "app", "purge", "--keep-changes", "0"]).fails(
        2,
        "larder: purge: --keep-changes would trim the changes of every namespace\n\
         hint: omit it, or purge the whole store: without -n and LARDER_NAMESPACE\n",
    );
    assert_eq!(t.number(ROWS), 8);
}

#[test]
fn a_missing_store_stays_missing() {
    let t = Test::new();
    t.run(["purge"]).ok("");
    t.run(["purge", "--vacuum", "--keep-changes", "1d", "--json"]).ok("{\"changes\":0,\"deleted\":0}\n");
    t.run(["purge", "--dry-run"]).ok("0\n");
    assert_eq!(t.files(), [""; 0]);
}

#[test]
fn vacuum_gives_space_back() {
    let t = Test::new();
    t.run(["set", "g", "big", "-"]).stdin(vec![b'x'; 3_000_000]).ok("");
    t.run(["delete", "g", "big"]).ok("");
    t.run(["purge", "--keep-changes", "0"]).ok("");
    let before = std::fs::metadata(t.db()).unwrap().len();
    t.run(["purge", "--vacuum"]).ok("");
    let after = std::fs::metadata(t.db()).unwrap().len();
    assert!(before > 3_000_000 && after < 200_000, "{before} {after}");
    t.run(["count"]).ok("0\n");
}

#[test]
fn nonsense_is_refused() {
    let t = Test::new();
    for bad in ["", "-1", "7x", "0s", "x"] {
        t.run(["purge", &format!("--keep-changes={bad}")]).fails_with(2, "--keep-changes");
    }
}

#[test]
fn people_are_told() {
    let t = with_due();
    let (code, shown, stderr) = t.run(["purge"]).on_terminal(80);
    assert_eq!((code, shown.as_str()), (0, ""));
    assert_eq!(stderr, "larder: purged 3 expired entries, trimmed 0 changes\n");
    let (_, shown, stderr) = t.run(["purge", "-q"]).on_terminal(80);
    assert_eq!((shown.as_str(), stderr.as_str()), ("", ""));
}
