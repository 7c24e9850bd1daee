//! The N-th system call fails, for every N: a disk that gives errors, a disk
//! that is full, a process that dies, at every single call a command makes to
//! write. Each run starts from the same files, and afterwards the store must be
//! as before the command or as after it, and in working order.

#![allow(clippy::print_stdout)]

mod cases;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use rusqlite::{Connection, OpenFlags};

use crate::harness::{DOCUMENTED, Home, LARDER, Rng, size, skip, told};
use crate::power::can_trace;
use cases::{CASES, Case, Start};

/// The calls that are made to fail.
const CALLS: &str =
    "write,pwrite64,fsync,fdatasync,ftruncate,/^rename,/^(un)?link(at)?$,fcntl,openat,/^mkdir";

/// What happens to a call, as strace takes it. With a + it happens to all that
/// follow too: a disk that stays full.
fn faults(call: &str) -> &'static [&'static str] {
    match call {
        // Locks. To SQLite most errors mean that somebody else holds them, and
        // larder would wait: once is enough.
        "fcntl" => &["error=EIO:when={}", "signal=KILL:when={}"],
        // Standard error is among them.
        "write" => &["error=EIO:when={}", "error=ENOSPC:when={}", "signal=KILL:when={}"],
        _ => &[
            "error=EIO:when={}",
            "error=ENOSPC:when={}",
            "signal=KILL:when={}",
            "error=EIO:when={}+",
            "error=ENOSPC:when={}+",
        ],
    }
}

/// One run: a case, a call and what happens to it.
struct Injection {
    case: usize,
    fault: String,
}

/// What a store and the files around it hold.
#[derive(Clone, PartialEq, Eq, Debug)]
struct State(BTreeMap<String, Vec<String>>);

/// The entries and settings of a store, without times; None if there are no
/// tables. A backup is a file alone: looked at without making others beside it.
fn rows(db: &Path, alone: bool) -> Option<Vec<String>> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    let uri = format!("file:{}?immutable={}", db.display(), i32::from(alone));
    let conn = Connection::open_with_flags(uri, flags).ok()?;
    conn.busy_timeout(std::time::Duration::from_secs(5)).unwrap();
    // Groups that locks and results of commands are kept in come and go.
    let sql = "SELECT 'entry '||group_name||' '||entry_key||' '||entry_value||' '||(expires_at IS NULL)FROM entries \
               WHERE group_name NOT IN('after','l','m')UNION ALL \
               SELECT 'quota '||namespace||' '||max_keys FROM larder_namespaces WHERE max_keys UNION ALL \
               SELECT 'grant '||namespace||' '||principal||' '||level FROM larder_grants UNION ALL \
               SELECT 'consumer '||name||' '||position FROM larder_consumers ORDER BY 1";
    let mut statement = conn.prepare(sql).ok()?;
    let rows = statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>();
    Some(rows.unwrap())
}

/// Every file below a directory, by its path from there.
fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![dir.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(next).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                open.push(entry.path());
            } else {
                found.push(entry.path().strip_prefix(dir).unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}

fn state(home: &Home, start: Start) -> State {
    let mut all = BTreeMap::new();
    all.insert(start.db().to_owned(), rows(&home.file(start.db()), false).unwrap_or_default());
    for file in files(home.path()) {
        let name = file.to_str().unwrap().to_owned();
        let path = home.file(&file);
        if name.starts_with(start.db()) || name.contains("/.") || name.starts_with('.') {
            continue;
        }
        let content = if path.extension().is_some_and(|extension| extension == "db") {
            rows(&path, true).unwrap_or_else(|| vec!["no store".to_owned()])
        } else {
            vec![String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned()]
        };
        all.insert(name, content);
    }
    State(all)
}

fn copy(from: &Home) -> Home {
    let to = Home::new();
    for file in files(from.path()) {
        fs::create_dir_all(to.file(&file).parent().unwrap()).unwrap();
        fs::copy(from.file(&file), to.file(&file)).unwrap();
    }
    to
}

/// A command on the home's store, given up after a while.
fn command(home: &Home, start: Start, strace: &[String], args: &[&str]) -> Output {
    let mut command = Command::new("timeout");
    command.env_clear().env("HOME", home.path()).env("PATH", "/usr/bin:/bin").current_dir(home.path());
    if start != Start::Nothing {
        command.env("LARDER_DB", home.db());
    }
    command.args(["-s", "KILL", "60"]);
    if !strace.is_empty() {
        command.args(["strace", "-f", "--seccomp-bpf", "-qq"]).args(strace);
    }
    command.arg(LARDER).args(["--busy-timeout", "1s"]).args(args).output().unwrap()
}

/// How often a command makes each call: the most that one of its threads does.
fn count(home: &Home, case: &Case) -> BTreeMap<String, usize> {
    let log = home.file("strace.log");
    let trace =
        ["-o".to_owned(), log.to_str().unwrap().to_owned(), "-e".to_owned(), format!("trace={CALLS}")];
    let output = command(home, case.start, &trace, case.args);
    assert!(output.status.success(), "{:?}: {}", case.args, told(&output));
    let text = fs::read_to_string(&log).unwrap();
    fs::remove_file(log).unwrap();
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for line in text.lines() {
        let (thread, call) = line.split_once(' ').unwrap();
        let name = call.trim_start().split_once('(').map(|(name, _)| name);
        // Not the second half of a call that another thread's came between.
        if let Some(call) = name.filter(|name| name.bytes().all(|byte| byte.is_ascii_alphanumeric())) {
            *counts.entry((thread, call)).or_default() += 1;
        }
    }
    let mut most = BTreeMap::new();
    for ((_, call), count) in counts {
        let most: &mut usize = most.entry(call.to_owned()).or_default();
        *most = count.max(*most);
    }
    most
}

/// A case with everything a run is compared with.
struct Ready {
    case: &'static Case,
    /// What may be seen, from before the command to after it, and which of its
    /// changes each has, as bits.
    states: Vec<(u8, State)>,
    /// The bits of them all.
    done: u8,
    /// The files that are there after two runs without a fault.
    files: Vec<PathBuf>,
    /// The highest version before the command.
    version: i64,
}

impl Ready {
    fn new(case: &'static Case, homes: &BTreeMap<Start, Home>, all: &mut Vec<Injection>, at: usize) -> Self {
        let start = case.start;
        let mut states = vec![(0, state(&homes[&start], start))];
        for (bits, steps) in case.between {
            let home = copy(&homes[&start]);
            steps.iter().for_each(|step| drop(home.ok(*step)));
            states.push((*bits, state(&home, start)));
        }
        let home = copy(&homes[&start]);
        for (call, count) in count(&home, case) {
            for n in 1..=count {
                all.extend(faults(&call).iter().map(|fault| Injection {
                    case: at,
                    fault: format!("{call}:{}", fault.replace("{}", &n.to_string())),
                }));
            }
        }
        let done = states.iter().fold(1, |done, (bits, _)| done | bits);
        states.push((done, state(&home, start)));
        let _ = fs::remove_file(home.file("new.db"));
        let again = command(&home, start, &[], case.args);
        assert!(again.status.code().is_some_and(|code| case.again.contains(&code)), "{}", told(&again));
        command(&home, start, &[], &["set", "after", "fault", "v"]);
        let version =
            if start == Start::Nothing { 0 } else { homes[&start].number("SELECT max(version)FROM entries") };
        Self { case, states, done, files: files(home.path()), version }
    }

    /// Runs the command with a fault; what is wrong then, if anything.
    fn run(&self, homes: &BTreeMap<Start, Home>, fault: &str, check_first: bool) -> Result<(), String> {
        let start = self.case.start;
        let home = copy(&homes[&start]);
        let call = fault.split(':').next().unwrap();
        let strace = ["-o", "/dev/null", "-e", &format!("trace={call}"), "-e", &format!("inject={fault}")];
        let hit = command(&home, start, &strace.map(str::to_owned), self.case.args);
        self.ending(&hit, fault)?;
        let check = |when: &str| {
            let output = command(&home, start, &[], &["check"]);
            // A run that was to repair, and did not.
            let unrepaired = when == "first" && start == Start::Damaged && !hit.status.success();
            let fine = output.status.success() || (unrepaired && output.status.code() == Some(7));
            if fine {
                Ok(())
            } else {
                Err(format!("check {when}: {}; before: {}", told(&output), told(&hit)))
            }
        };
        if check_first {
            check("first")?;
        }
        let read = command(&home, start, &[], &["export"]);
        if !read.status.success() {
            return Err(format!("export afterwards: {}; before: {}", told(&read), told(&hit)));
        }
        let found = state(&home, start);
        let Some((bits, _)) = self.states.iter().rfind(|(_, state)| *state == found) else {
            return Err(format!("neither as before nor as after: {found:?}; {}", told(&hit)));
        };
        let missing = self.acknowledged(&hit) & !bits;
        if missing != 0 {
            return Err(format!("acknowledged, and not there ({missing:b}): {}", told(&hit)));
        }
        self.life_goes_on(&home, &hit)?;
        check("last")
    }

    /// The changes that a run has said are done.
    fn acknowledged(&self, hit: &Output) -> u8 {
        let by_status = if hit.status.success() && !self.case.stream { self.done } else { 0 };
        // A line that the fault has cut short says nothing.
        let text = String::from_utf8_lossy(&hit.stdout).into_owned();
        let lines = text.split_inclusive('\n').enumerate();
        let said = lines.filter(|(_, line)| line.ends_with('\n') && !line.contains(r#""ok":false"#));
        let by_answer = said.fold(0, |bits, (line, _)| bits | 1 << line);
        by_status | if self.case.answers { by_answer } else { 0 }
    }

    /// How a run with a fault may end.
    fn ending(&self, hit: &Output, fault: &str) -> Result<(), String> {
        let stderr = String::from_utf8_lossy(&hit.stderr);
        let call = fault.split(':').next().unwrap();
        let killed = hit.status.code().is_none_or(|code| code == 137);
        let wrong = |what: &str| Err(format!("{what}: {}", told(hit)));
        if stderr.contains("panic") || stderr.contains("RUST_BACKTRACE") {
            return wrong("a panic");
        }
        if killed {
            return if fault.contains("KILL") { Ok(()) } else { wrong("killed, or took a minute") };
        }
        let code = hit.status.code().unwrap();
        let of_child = self.case.runs;
        // The operating system has refused something. A lock that it refuses
        // looks to SQLite like one that is taken.
        let expected = match call {
            _ if fault.contains("KILL") => DOCUMENTED.contains(&code),
            "fcntl" => [0, 6, 10].contains(&code),
            // What is in the way and cannot be removed.
            "unlink" => [0, 7, 10].contains(&code),
            _ => [0, 10].contains(&code),
        };
        if !expected && !of_child {
            return wrong("another status");
        }
        let lines: Vec<&str> = stderr.lines().collect();
        let one_line = match lines.as_slice() {
            [] => code == 0 || call == "write",
            [line] if self.case.args[0] == "--json" => line.starts_with(r#"{"error":""#),
            [line] => line.starts_with("larder: "),
            [line, second] => line.starts_with("larder: ") && second.starts_with("hint: "),
            _ => false,
        };
        if one_line || of_child { Ok(()) } else { wrong("not one line on standard error") }
    }

    /// The next commands work, and nothing is left lying about.
    fn life_goes_on(&self, home: &Home, hit: &Output) -> Result<(), String> {
        let start = self.case.start;
        let set = command(home, start, &[], &["--json", "set", "after", "fault", "v"]);
        if !set.status.success() || !set.stderr.is_empty() {
            return Err(format!("set afterwards: {}; before: {}", told(&set), told(hit)));
        }
        let record: serde_json::Value = serde_json::from_slice(&set.stdout).unwrap();
        let version = record["version"].as_i64().unwrap();
        if version <= self.version {
            return Err(format!("version {version} was given out before; before: {}", told(hit)));
        }
        // A backup overwrites no file.
        let _ = fs::remove_file(home.file("new.db"));
        let again = command(home, start, &[], self.case.args);
        let fine = again.status.code().is_some_and(|code| code == 0 || self.case.again.contains(&code));
        if !fine {
            return Err(format!("once more: {}; before: {}", told(&again), told(hit)));
        }
        if self.case.args.contains(&"memo") && again.stdout != b"x\n" {
            return Err(format!("the result afterwards: {}; before: {}", told(&again), told(hit)));
        }
        let left: Vec<PathBuf> =
            files(home.path()).into_iter().filter(|file| !self.files.contains(file)).collect();
        if left.is_empty() { Ok(()) } else { Err(format!("left behind: {left:?}; before: {}", told(hit))) }
    }
}

/// Whether strace works here; where tests must not be passed over, it has to.
fn traced(name: &str) -> bool {
    let traced = can_trace();
    if !traced {
        skip(name, "strace is missing or not allowed");
    }
    traced
}

/// Runs those of all faults that are chosen; of how many, and what was wrong.
fn run(
    cases: impl Iterator<Item = &'static Case>,
    choose: impl FnOnce(&mut Vec<Injection>),
) -> (usize, Vec<String>) {
    let homes: BTreeMap<Start, Home> = Start::ALL.map(|start| (start, start.home())).into();
    let mut injections = Vec::new();
    let ready: Vec<Ready> =
        cases.enumerate().map(|(at, case)| Ready::new(case, &homes, &mut injections, at)).collect();
    let all = injections.len();
    choose(&mut injections);
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        while let Some(Injection { case, fault }) = injections.get(next.fetch_add(1, Ordering::Relaxed)) {
            let ready = &ready[*case];
            if let Err(what) = ready.run(&homes, fault, (case + fault.len()) % 2 == 0) {
                let (start, args) = (ready.case.start, ready.case.args.join(" "));
                wrong.lock().unwrap().push(format!("{start:?}: inject={fault} larder {args}: {what}"));
            }
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(work);
        work();
    });
    (all, wrong.into_inner().unwrap())
}

/// Every command that writes, hit at any of its calls. By default a sample;
/// with LARDER_FAULTS=all each one, in some ten minutes.
#[test]
fn a_fault_at_any_call_leaves_the_old_state_or_the_new() {
    let name = "a_fault_at_any_call_leaves_the_old_state_or_the_new";
    if !traced(name) {
        return;
    }
    let (began, mut rng, mut count) = (Instant::now(), Rng::fixed(name, 20), 0);
    let (all, wrong) = run(CASES.iter(), |injections| {
        if std::env::var("LARDER_FAULTS").as_deref() != Ok("all") {
            for at in 0..injections.len() {
                let other = at + rng.below(injections.len() - at);
                injections.swap(at, other);
            }
            injections.truncate(size(150));
        }
        count = injections.len();
    });
    println!("{name}: {count} of {all} faults in {:.1} s", began.elapsed().as_secs_f64());
    assert!(wrong.is_empty(), "{} of {count} faults:\n{}", wrong.len(), wrong.join("\n"));
}

/// When the passing file of a backup or a restore could not be opened or cut,
/// the status was 7 and the message "the store failed: disk I/O error": whoever
/// looks after the store took a full disk for a corrupt store.
#[test]
fn a_copy_that_cannot_be_made_is_no_damaged_store() {
    let name = "a_copy_that_cannot_be_made_is_no_damaged_store";
    if !traced(name) {
        return;
    }
    let copies = CASES
        .iter()
        .filter(|case| case.start == Start::Store && (case.args[0] == "backup" || case.args[0] == "restore"));
    let (_, wrong) = run(copies, |injections| {
        injections.retain(|Injection { fault, .. }| {
            let call = fault.starts_with("openat:") || fault.starts_with("ftruncate:");
            call && fault.contains("ENOSPC") && !fault.ends_with('+')
        });
        assert!(injections.len() > 20);
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Each fault at each call by which one file takes the place of another.
#[test]
fn a_file_that_is_replaced_is_the_old_one_or_the_new() {
    let name = "a_file_that_is_replaced_is_the_old_one_or_the_new";
    if !traced(name) {
        return;
    }
    let replacing = CASES.iter().filter(|case| case.args.contains(&"-o"));
    let (_, wrong) = run(replacing, |injections| {
        let calls = ["fsync:", "link", "rename", "unlink"];
        injections.retain(|Injection { fault, .. }| calls.iter().any(|call| fault.starts_with(call)));
        assert!(injections.len() > 20);
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
