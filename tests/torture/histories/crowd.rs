//! Processes that call larder all at once, and what each of them saw.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value as Json;

use super::model::{Act, Call, Key, Only, Outcome};
use super::witness::Change;
use super::{BANK, SINGLE};
use crate::harness::{Home, Rng, told};

/// Group and key, by the key's number.
fn name(key: Key) -> [String; 2] {
    [if BANK.contains(&key) { "bank" } else { "single" }.to_owned(), format!("k{key}")]
}

fn integer(of: &Json) -> i64 {
    of.as_i64().or_else(|| of.as_str().and_then(|text| text.parse().ok())).unwrap_or_else(|| panic!("{of}"))
}

fn key_of(record: &Json) -> Key {
    record["key"].as_str().unwrap()[1..].parse().unwrap()
}

/// What all callers share.
pub struct Crowd<'a> {
    home: &'a Home,
    began: Instant,
    next: AtomicI64,
    over: AtomicBool,
    /// The version that was last seen of each key.
    seen: [AtomicI64; 8],
    /// How long a call takes, in nanoseconds, about.
    usual: AtomicU64,
    pub calls: Mutex<Vec<Call>>,
}

impl<'a> Crowd<'a> {
    pub fn new(home: &'a Home) -> Self {
        Self {
            home,
            began: Instant::now(),
            next: AtomicI64::new(1),
            over: AtomicBool::new(false),
            seen: Default::default(),
            usual: AtomicU64::new(8_000_000),
            calls: Mutex::default(),
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_nanos()).unwrap()
    }

    /// A call that a process of its own can make.
    fn act(&self, rng: &mut Rng) -> Act {
        let bank = rng.one_in(2);
        let keys = if bank { BANK } else { SINGLE };
        let key = keys.start + rng.below(keys.len());
        if !bank {
            return self.single(key, rng);
        }
        let other = keys.start + (key - keys.start + 1 + rng.below(keys.len() - 1)) % keys.len();
        match rng.below(8) {
            0..=2 => Act::Transfer(key, other, self.unique()),
            3 => Act::Count,
            4 | 5 => Act::List,
            _ => self.single(key, rng),
        }
    }

    /// A call on one key: also one that a stream takes.
    fn single(&self, key: Key, rng: &mut Rng) -> Act {
        let value = || self.unique() * 1_000_000_000;
        match rng.below(12) {
            0..=3 => Act::Get(key),
            4 | 5 => Act::Set(key, value(), Only::Always),
            6 => Act::Set(key, value(), Only::IfAbsent),
            7 | 8 => Act::Set(key, value(), Only::IfVersion(self.seen[key].load(Ordering::Relaxed))),
            9 => Act::Delete(key),
            _ => Act::Incr(key, self.unique()),
        }
    }

    fn unique(&self) -> i64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    fn saw(&self, key: Key, version: i64) {
        self.seen[key].fetch_max(version, Ordering::Relaxed);
    }

    fn record(&self, act: Act, outcome: Outcome, begin: u64) {
        let end = self.now();
        // A read that nobody heard of is no call.
        if outcome != Outcome::Unknown || !matches!(act, Act::Get(_) | Act::Count | Act::List) {
            self.calls.lock().unwrap().push(Call { act, outcome, begin, end });
        }
    }

    /// Makes calls, each by a process of its own; about one in five is killed.
    pub fn call(&self, number: usize, mut rng: Rng) {
        let file = self.home.file(format!("transfer{number}"));
        while !self.over.load(Ordering::Relaxed) {
            let act = self.act(&mut rng);
            if let Act::Transfer(from, to, by) = act {
                let line = |key, by: i64| operation(&Act::Incr(key, by)) + "\n";
                fs::write(&file, line(from, -by) + &line(to, by)).unwrap();
            }
            let mut words = words(&act);
            if words[0] == "batch" {
                file.to_str().unwrap().clone_into(&mut words[1]);
            }
            let kill = rng.one_in(5);
            let begin = self.now();
            let mut child = self.home.start(["--json".to_owned()].iter().chain(&words));
            if kill {
                thread::sleep(Duration::from_nanos(rng.next() % (2 * self.usual.load(Ordering::Relaxed))));
                child.kill().unwrap();
            }
            let output = child.wait_with_output().unwrap();
            let text = String::from_utf8_lossy(&output.stdout);
            let code = output.status.code();
            assert!(
                matches!(code, Some(0 | 1 | 3)) || (kill && code.is_none()),
                "{act:?}: {}",
                told(&output)
            );
            // What a process has said before it was killed counts, but for a
            // list, which may go on.
            let lines: Vec<Json> = text
                .split_inclusive('\n')
                .filter(|line| line.ends_with('\n'))
                .map(|line| serde_json::from_str(line).unwrap())
                .collect();
            let outcome = match (code, &act) {
                (Some(1), Act::Get(_)) => Outcome::Found(None),
                (Some(3), _) => Outcome::Refused,
                (None, Act::List) => Outcome::Unknown,
                (None, _) if lines.is_empty() => Outcome::Unknown,
                _ => self.outcome(&act, &lines),
            };
            self.record(act, outcome, begin);
            if !kill {
                let usual = self.usual.load(Ordering::Relaxed);
                self.usual.store((usual * 7 + (self.now() - begin)) / 8, Ordering::Relaxed);
            }
        }
    }

    /// What the lines say that a call printed which was done.
    fn outcome(&self, act: &Act, lines: &[Json]) -> Outcome {
        match act {
            Act::Get(key) => {
                self.saw(*key, integer(&lines[0]["version"]));
                Outcome::Found(Some((integer(&lines[0]["value"]), integer(&lines[0]["version"]))))
            }
            Act::Set(key, value, _) => {
                self.saw(*key, integer(&lines[0]["version"]));
                Outcome::Written(*value, integer(&lines[0]["version"]))
            }
            Act::Incr(..) => Outcome::Written(integer(&lines[0]["value"]), integer(&lines[0]["version"])),
            Act::Delete(_) => Outcome::Deleted(integer(&lines[0]["deleted"]) == 1),
            Act::Transfer(..) => Outcome::Done,
            Act::Count => Outcome::Number(usize::try_from(integer(&lines[0]["count"])).unwrap()),
            Act::List => Outcome::Entries(
                lines
                    .iter()
                    .map(|line| (key_of(line), (integer(&line["value"]), integer(&line["version"]))))
                    .collect(),
            ),
        }
    }

    /// Makes calls through `batch --stream`, up to three of them under way,
    /// and kills it in the middle every now and then.
    pub fn stream(&self, mut rng: Rng) {
        while !self.over.load(Ordering::Relaxed) {
            let mut command = self.home.command(["batch", "--stream", "-"]);
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
            let mut child = command.spawn().unwrap();
            let (mut input, mut output) =
                (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
            for _ in 0..=rng.below(20) {
                let mut open = Vec::new();
                for _ in 0..=rng.below(3) {
                    let key = rng.below(BANK.end);
                    let act = self.single(key, &mut rng);
                    if !matches!(act, Act::Get(_)) {
                        open.push((self.now(), act));
                    }
                }
                let lines: String = open.iter().map(|(_, act)| operation(act) + "\n").collect();
                input.write_all(lines.as_bytes()).unwrap();
                let killed = rng.one_in(12);
                if killed {
                    thread::sleep(Duration::from_nanos(rng.next() % self.usual.load(Ordering::Relaxed)));
                    child.kill().unwrap();
                    child.wait().unwrap();
                }
                for (begin, act) in open {
                    let mut line = String::new();
                    output.read_line(&mut line).unwrap();
                    let outcome =
                        if line.ends_with('\n') { self.answer(&act, &line) } else { Outcome::Unknown };
                    assert!(killed || outcome != Outcome::Unknown, "no answer to {act:?}");
                    self.record(act, outcome, begin);
                }
                if killed {
                    break;
                }
            }
            drop(input);
            let status = child.wait().unwrap();
            assert!(matches!(status.code(), None | Some(0)), "the stream ended: {status}");
        }
    }

    fn answer(&self, act: &Act, line: &str) -> Outcome {
        let answer: Json = serde_json::from_str(line).unwrap();
        if answer["ok"] == false {
            assert_eq!(answer["code"], 3, "{act:?}: {line}");
            return Outcome::Refused;
        }
        self.outcome(act, &[answer])
    }

    /// Everybody ends after the call that is under way.
    pub fn enough(&self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

/// The command line for a call.
fn words(act: &Act) -> Vec<String> {
    let on =
        |command: &str, key: Key, more: &[String]| [&[command.to_owned()], &name(key)[..], more].concat();
    match act {
        Act::Get(key) => on("get", *key, &[]),
        Act::Set(key, value, Only::Always) => on("set", *key, &[value.to_string()]),
        Act::Set(key, value, Only::IfAbsent) => {
            on("set", *key, &[value.to_string(), "--if-absent".to_owned()])
        }
        Act::Set(key, value, Only::IfVersion(version)) => {
            on("set", *key, &[value.to_string(), "--if-version".to_owned(), version.to_string()])
        }
        Act::Delete(key) => on("delete", *key, &[]),
        Act::Incr(key, by) => on("incr", *key, &["--by".to_owned(), by.to_string()]),
        Act::Transfer(..) => vec!["batch".to_owned(), String::new()],
        Act::Count => vec!["count".to_owned(), "bank".to_owned()],
        Act::List => ["list", "bank", "--values"].map(str::to_owned).to_vec(),
    }
}

/// The line of a batch for a call.
fn operation(act: &Act) -> String {
    let on = |op: &str, key: Key, more: String| {
        let [group, key] = name(key);
        format!(r#"{{"op":"{op}","group":"{group}","key":"{key}"{more}}}"#)
    };
    match act {
        Act::Set(key, value, only) => {
            let condition = match only {
                Only::Always => String::new(),
                Only::IfAbsent => r#","if_absent":true"#.to_owned(),
                Only::IfVersion(version) => format!(r#","if_version":{version}"#),
            };
            on("set", *key, format!(r#","value":"{value}"{condition}"#))
        }
        Act::Delete(key) => on("delete", *key, String::new()),
        Act::Incr(key, by) => on("incr", *key, format!(r#","by":{by}"#)),
        _ => panic!("{act:?} is no operation of a stream"),
    }
}

/// Everything a watch reports up to the end of the crowd. One that is killed
/// goes on after the last change that came whole.
pub fn watch(home: &Home, killed: Option<Rng>) -> Vec<Change> {
    let (mut changes, mut rng, mut over) = (Vec::new(), killed, false);
    while !over {
        let after = changes.last().map_or(0, |change: &Change| change.seq).to_string();
        let mut child = home.start(["--json", "watch", "--after", &after]);
        let life = rng.as_mut().map_or(usize::MAX, |rng| rng.below(200));
        let mut dying = false;
        for (at, line) in lines(&mut child).enumerate() {
            let record: Json = serde_json::from_str(&line).unwrap();
            over |= record["group"] == "end";
            if !over {
                let value = (record["type"] == "set").then(|| integer(&record["value"]));
                assert!(value.is_some() || record["type"] == "delete", "{line}");
                changes.push(Change { seq: integer(&record["seq"]), key: key_of(&record), value });
            }
            if !dying && (over || at >= life) {
                dying = true;
                child.kill().unwrap();
            }
        }
        let status = child.wait().unwrap();
        assert!(dying, "the watch ended by itself: {status}");
    }
    changes
}

/// The lines that a child prints, up to its end; half a line is none.
fn lines(child: &mut Child) -> impl Iterator<Item = String> + use<> {
    let mut output = BufReader::new(child.stdout.take().unwrap());
    std::iter::from_fn(move || {
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        line.ends_with('\n').then_some(line)
    })
}

/// The log as it is in the file.
pub fn log(home: &Home) -> Vec<Change> {
    let sql = "SELECT seq,substr(entry_key,2),entry_value FROM larder_changes WHERE type<>'origin'AND group_name<>'end'ORDER BY seq";
    let conn = home.sql();
    let mut statement = conn.prepare(sql).unwrap();
    let changes = statement.query_map([], |row| {
        let (key, value): (String, Option<String>) = (row.get(1)?, row.get(2)?);
        Ok(Change { seq: row.get(0)?, key: key.parse().unwrap(), value: value.map(|v| v.parse().unwrap()) })
    });
    changes.unwrap().collect::<Result<_, _>>().unwrap()
}

/// The calls on each part that is independent of the others.
pub fn parts(calls: &[Call]) -> BTreeMap<String, Vec<Call>> {
    let mut parts: BTreeMap<String, Vec<Call>> = BTreeMap::new();
    for call in calls {
        let key = call.keys()[0];
        let part = if BANK.contains(&key) { "the bank".to_owned() } else { format!("key {key}") };
        parts.entry(part).or_default().push(call.clone());
    }
    parts
}
