//! The commands whose system calls are made to fail, and what they start from.

use std::fs;

use crate::harness::Home;

/// What is there before the command.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Start {
    /// No store, and no directory for one.
    Nothing,
    /// A store and files beside it, the log short.
    Store,
    /// The same, and the next write empties the log.
    LongLog,
    /// The same store, with counters that need a repair.
    Damaged,
}

impl Start {
    pub const ALL: [Self; 4] = [Self::Nothing, Self::Store, Self::LongLog, Self::Damaged];

    /// Where the store is, in the home.
    pub fn db(self) -> &'static str {
        match self {
            Self::Nothing => ".local/share/larder/larder.db",
            _ => "s.db",
        }
    }

    pub fn home(self) -> Home {
        let home = Home::new();
        fs::write(home.file("lines"), LINES).unwrap();
        if self == Self::Nothing {
            return home;
        }
        fs::write(home.file("in.jsonl"), IMPORTED).unwrap();
        fs::write(home.file("template"), "{{k1}} {{k2}}\n").unwrap();
        for name in ["old-export", "old-value", "old-text"] {
            fs::write(home.file(name), "what was there before\n").unwrap();
        }
        let other = Home::new();
        other.ok(["batch", home.file("in.jsonl").to_str().unwrap()]);
        other.ok(["backup", home.file("other.db").to_str().unwrap()]);
        let long = "long".repeat(2500);
        let line = |group: &str, key: &str, value: &str| {
            format!(r#"{{"op":"set","group":"{group}","key":"{key}","value":"{value}"}}"#) + "\n"
        };
        let mut lines = String::new();
        for group in ["g", "h", "ns:x"] {
            lines += &["k1", "k2", "k3"].map(|key| line(group, key, key)).concat();
            lines += &line(group, "long", &long);
        }
        lines += &["d1", "d2", "d3"]
            .map(|key| format!(r#"{{"op":"set","group":"due","key":"{key}","value":"v","ttl_ms":1}}"#) + "\n")
            .concat();
        fs::write(home.file("lines-before"), lines).unwrap();
        home.ok(["batch", "lines-before"]);
        fs::remove_file(home.file("lines-before")).unwrap();
        home.ok(["incr", "g", "n"]);
        home.ok(["quota", "set", "ns", "--max-keys", "100"]);
        home.ok(["watch", "g", "--consumer", "c", "--count", "0"]);
        match self {
            Self::LongLog => {
                // Up to the last write before the one that empties the log.
                for n in 0.. {
                    assert!(n < 100, "the log never becomes long");
                    let before = fs::metadata(home.file("s.db-wal")).unwrap().len();
                    if before > 61 * 4120 {
                        break;
                    }
                    home.ok(["delete", "absent", "key"]);
                    home.ok(["incr", "g", "n"]);
                }
            }
            Self::Damaged => home.sql().execute_batch("UPDATE larder_groups SET keys=keys+1").unwrap(),
            _ => {}
        }
        home
    }
}

/// Each line is a change of its own.
const LINES: &str = concat!(
    r#"{"op":"set","group":"g","key":"k1","value":"new"}"#,
    "\n",
    r#"{"op":"delete","group":"h","key":"k2"}"#,
    "\n",
    r#"{"op":"incr","group":"g","key":"n"}"#,
    "\n",
);

const ONE: &[&str] = &["set", "g", "k1", "new"];
const TWO: &[&str] = &["delete", "h", "k2"];
const THREE: &[&str] = &["incr", "g", "n"];

const IMPORTED: &str = concat!(
    r#"{"op":"set","group":"g","key":"k9","value":"imported"}"#,
    "\n",
    r#"{"op":"set","group":"i","key":"k9","value":"imported"}"#,
    "\n",
);

/// A command that writes.
pub struct Case {
    pub start: Start,
    pub args: &'static [&'static str],
    /// What may be seen besides, for a command that is not one transaction:
    /// which of its changes are there, as bits, and commands that lead there.
    pub between: &'static [(u8, &'static [&'static [&'static str]])],
    /// Every line on standard output acknowledges a change.
    pub answers: bool,
    /// It ends with status 0 whatever the answers were.
    pub stream: bool,
    /// How the same command may end when it runs once more.
    pub again: &'static [i32],
    /// Whether it runs another command, whose status it hands on.
    pub runs: bool,
}

const fn case(start: Start, args: &'static [&'static str]) -> Case {
    Case { start, args, between: &[], answers: false, stream: false, again: &[0], runs: false }
}

use Start::{Damaged, LongLog, Nothing, Store};

pub const CASES: &[Case] = &[
    Case { answers: true, ..case(Nothing, &["--json", "set", "g", "k1", "v"]) },
    case(Nothing, &["batch", "lines"]),
    Case { answers: true, ..case(Store, &["--json", "set", "g", "new", "v"]) },
    case(Store, &["set", "g", "k1", "over"]),
    case(LongLog, &["set", "g", "k1", "over"]),
    Case { again: &[3], ..case(Store, &["set", "g", "new", "v", "--if-absent"]) },
    case(Store, &["delete", "g", "k1"]),
    case(Store, &["delete", "h", "--all"]),
    case(Store, &["expire", "g", "k1", "--ttl", "1h"]),
    Case { answers: true, ..case(Store, &["incr", "g", "n"]) },
    Case { answers: true, ..case(LongLog, &["incr", "g", "n"]) },
    case(Store, &["batch", "lines"]),
    Case {
        answers: true,
        stream: true,
        between: &[
            (0b001, &[ONE]),
            (0b010, &[TWO]),
            (0b011, &[ONE, TWO]),
            (0b100, &[THREE]),
            (0b101, &[ONE, THREE]),
            (0b110, &[TWO, THREE]),
        ],
        ..case(Store, &["batch", "--stream", "lines"])
    },
    case(Store, &["import", "in.jsonl"]),
    case(Store, &["purge"]),
    case(Store, &["purge", "--keep-changes", "2"]),
    Case { ..case(Store, &["purge", "--vacuum"]) },
    case(Store, &["quota", "set", "ns", "--max-keys", "90"]),
    case(Store, &["access", "grant", "ns", "user:0", "read"]),
    case(Store, &["namespace", "delete", "ns", "--yes"]),
    case(Store, &["backup", "new.db"]),
    case(Store, &["restore", "other.db", "--yes"]),
    case(LongLog, &["restore", "other.db", "--yes"]),
    case(Nothing, &["export", "-o", "new-export"]),
    case(Store, &["export", "-o", "new-export"]),
    case(Store, &["export", "-o", "old-export"]),
    case(Store, &["get", "g", "long", "-o", "old-value"]),
    case(Store, &["render", "g", "template", "-o", "old-text"]),
    case(Damaged, &["check", "--repair"]),
    case(Store, &["check", "--repair"]),
    case(Store, &["consumer", "reset", "c", "--to", "1"]),
    Case { runs: true, ..case(Store, &["lock", "l", "l", "--ttl", "500ms", "--", "/bin/true"]) },
    Case { runs: true, ..case(Store, &["memo", "m", "m", "--ttl", "1h", "--", "/bin/echo", "x"]) },
];
