//! Descriptors of the database. POSIX drops all locks of a process on a file
//! as soon as the process closes any descriptor of it, so nothing may close one
//! while SQLite has locks.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::harness::{Home, LARDER, done, skip, told};
use crate::power::can_trace;

#[track_caller]
fn wait_for(path: &Path) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !path.exists() {
        assert!(Instant::now() < deadline, "{} does not appear", path.display());
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A `memo` that waited for another one opened the database for its claim and
/// closed it again, while SQLite had it open too. With that its lock was gone.
/// When a foreign client then closed, that took itself for the last connection
/// and deleted the log. The memo kept its result with the shared memory of the
/// deleted log, over what others had written meanwhile: a `set` that had said 0
/// was lost, and `check` found nothing.
#[test]
fn a_waiting_memo_costs_nobody_a_write() {
    let home = Home::new();
    home.ok(["set", "g", "k", "v"]);
    let memo = |script: &str| {
        let mut command = home.command(["memo", "m", "k", "--ttl", "1h", "--", "/bin/sh", "-c", script]);
        command.env("PATH", "/usr/bin:/bin").stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    };
    let mut maker = memo("touch started1; while [ ! -e go1 ]; do sleep 0.01; done; exit 1");
    wait_for(&home.file("started1"));
    let waiter = memo("touch started2; while [ ! -e go2 ]; do sleep 0.01; done; echo result");
    // Until it waits for the claim, in the kernel.
    let deadline = Instant::now() + Duration::from_secs(30);
    let waits = || {
        let locks = fs::read_to_string("/proc/locks").unwrap();
        locks.lines().any(|line| line.contains("-> OFDLCK"))
    };
    while !waits() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(5));
    }
    let foreign = Connection::open(home.db()).unwrap();
    foreign.query_row("SELECT count(*) FROM entries", [], |row| row.get::<_, i64>(0)).unwrap();
    fs::write(home.file("go1"), "").unwrap();
    maker.wait().unwrap();
    wait_for(&home.file("started2"));
    foreign
        .execute("INSERT INTO entries(group_name,entry_key,entry_value)VALUES('g','foreign','v')", [])
        .unwrap();
    foreign.close().unwrap();
    home.ok(["set", "g", "acknowledged", "v"]);
    fs::write(home.file("go2"), "").unwrap();
    done(&waiter.wait_with_output().unwrap());
    assert_eq!(home.ok(["get", "g", "acknowledged"]), "v");
    assert_eq!(home.ok(["memo", "m", "k", "--ttl", "1h", "--", "/bin/false"]), "result\n");
    home.check();
}

/// Commands that touch no store.
const STORELESS: [&str; 2] = ["completions", "man"];

/// Every other command, the ways of each that differ in what they open.
const LINES: &[&str] = &[
    "set g k v --ttl 1h",
    "set g k --file value",
    "set g k --from-version 2",
    "get g k",
    "get g k -o out",
    "list",
    "list g --long",
    "count",
    "delete g gone",
    "delete g --all --dry-run",
    "ttl g k",
    "expire g k --never",
    "incr g n",
    "purge",
    "purge --vacuum",
    "render g template",
    "render g template -o rendered --exec true",
    "batch lines",
    "batch lines --stream",
    "export",
    "export -o exported",
    "import exported",
    "import exported --dry-run",
    "watch --count 1 --after 0",
    "watch --count 0",
    "watch --snapshot --count 1 -- cat",
    "watch --consumer free --count 1 --after 0",
    "watch --consumer taken --count 1",
    "watch --listen 127.0.0.1:0 --timeout 100ms",
    "consumer list",
    "consumer reset free",
    "consumer reset taken",
    "consumer delete free",
    "history g k",
    "wait g k",
    "wait g missing --timeout 50ms",
    "env g --upper -- true",
    "edit g k",
    "copy g k k2",
    "copy g --to-group g2",
    "rename g k2 k3",
    "rename g2 --to-group g3",
    "push jobs v",
    "push jobs v --delay 1h",
    "take jobs",
    "push jobs v",
    "take jobs --count 1 -- true",
    "take jobs --timeout 50ms -- true",
    "ack jobs missing receipt",
    "nack jobs missing receipt",
    "top",
    "lock l free --ttl 1m -- true",
    "lock l taken --ttl 1m --try -- true",
    "memo m free --ttl 1h -- echo result",
    "memo m free --ttl 1h -- echo result",
    "memo m taken --ttl 1ms --stale 1h -- echo result",
    "memo m made-meanwhile --ttl 1h -- echo result",
    "quota set ns --max-keys 10",
    "quota show",
    "quota clear ns",
    "namespace list",
    "namespace delete ns --yes",
    "access grant ns2 user:root admin",
    "access list",
    "access open ns2 --yes",
    "backup copy",
    "restore copy --yes",
    "info",
    "check",
    "check --repair",
    "--db ruin check",
    "--db ruin restore copy --yes",
    "--db other check",
    "--db other restore copy --yes",
    "--db new set g k v",
    "--db old list",
];

/// The locks of a traced process on its files, as POSIX has them.
#[derive(Default)]
struct Locks(BTreeMap<String, BTreeSet<u64>>);

impl Locks {
    /// One system call, whole; what is wrong with it, if anything.
    fn follow(&mut self, call: &str) -> Option<String> {
        let (name, rest) = call.split_once('(')?;
        let file = rest.split_once('<')?.1.split('>').next()?.to_owned();
        match name {
            "fcntl" if rest.contains(" F_SETLK") && call.trim_end().ends_with("= 0") => {
                let field = |name: &str| -> Option<u64> {
                    let text = rest.split_once(name)?.1;
                    text.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
                };
                let (start, length) = (field("l_start=")?, field("l_len=")?);
                let held = self.0.entry(file).or_default();
                if rest.contains("F_UNLCK") {
                    held.retain(|byte| length != 0 && !(start..start + length).contains(byte));
                } else {
                    held.extend(start..start + length);
                }
                None
            }
            "close" | "dup2" | "dup3" => {
                let held = self.0.entry(file.clone()).or_default();
                // The byte that says that somebody uses the shared memory goes
                // with its last user in the process.
                let lost = held.iter().any(|byte| !(file.ends_with("-shm") && *byte == 128));
                held.clear();
                lost.then(|| format!("{file} is closed while SQLite has it locked: {call}"))
            }
            _ => None,
        }
    }
}

/// Runs larder under strace; what it did that drops locks.
fn faults(home: &Home, line: &str) -> Vec<String> {
    let log = home.file("strace.log");
    let output = Command::new("strace")
        .env_clear()
        .env("HOME", home.path())
        .env("PATH", "/usr/bin:/bin")
        .env("LARDER_DB", home.db())
        .current_dir(home.path())
        .args(["-f", "-y", "-e", "trace=close,dup2,dup3,fcntl", "-o"])
        .arg(&log)
        .arg(LARDER)
        .args(line.split(' '))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let code = output.status.code();
    assert!(matches!(code, Some(0..=10)), "{line}: {}", told(&output));
    let (mut locks, mut started) = (Locks::default(), BTreeMap::new());
    let mut faults = Vec::new();
    let text = fs::read_to_string(&log).unwrap();
    assert!(text.contains("F_SETLK") || code != Some(0) || line.contains("old"), "{line}: nothing traced");
    for traced in text.lines() {
        let Some((process, call)) = traced.split_once(' ') else { continue };
        let call = call.trim_start();
        if let Some(begun) = call.strip_suffix("<unfinished ...>") {
            started.insert(process, begun.to_owned());
        } else if let Some((_, end)) = call.split_once(" resumed>") {
            let whole = started.remove(process).unwrap_or_default() + end;
            faults.extend(locks.follow(&whole));
        } else {
            faults.extend(locks.follow(call));
        }
    }
    faults
}

/// Runs that end with the test.
struct Others(Vec<Child>);

impl Drop for Others {
    fn drop(&mut self) {
        for other in &mut self.0 {
            let _ = other.kill();
            let _ = other.wait();
        }
    }
}

/// See [`a_waiting_memo_costs_nobody_a_write`]: what `memo` did must not come
/// back in any other command, nor in one that waits.
#[test]
fn no_command_closes_the_database_under_sqlite() {
    let name = "no_command_closes_the_database_under_sqlite";
    if !can_trace() {
        return skip(name, "strace cannot trace here");
    }
    let home = Home::new();
    for (file, text) in [
        ("value", "v"),
        ("template", "{{k}}"),
        (
            "lines",
            "{\"op\":\"set\",\"group\":\"b\",\"key\":\"1\",\"value\":\"v\"}\n{\"op\":\"set\",\"group\":\"b\",\"key\":\"2\",\"value\":\"v\"}\n",
        ),
        ("other", "a text, and no store"),
    ] {
        fs::write(home.file(file), text).unwrap();
    }
    home.ok(["set", "g", "k", "v"]);
    home.ok(["set", "ns:g", "k", "v"]);
    fs::write(home.file("ruin"), [b"SQLite format 3\0".to_vec(), vec![0; 5000]].concat()).unwrap();
    let mut marked = fs::read(home.file("ruin")).unwrap();
    marked[60..72].copy_from_slice(&fs::read(home.db()).unwrap()[60..72]);
    fs::write(home.file("ruin"), marked).unwrap();
    crate::harness::old_store(&home.file("old"), "kv+expiry", 3);
    // Others who have what the commands ask for.
    let sleeper = |words: &[&str]| {
        home.command(words)
            .env("PATH", "/usr/bin:/bin")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    };
    home.ok(["memo", "m", "taken", "--ttl", "1ms", "--stale", "1h", "--", "/bin/echo", "old"]);
    let wait = "while [ -e value ] && [ ! -e end ]; do sleep 0.01; done";
    let script = |file: &str| format!("touch {file}; {wait}");
    let mut others = Others(vec![
        sleeper(&["watch", "--consumer", "taken"]),
        sleeper(&["lock", "l", "taken", "--ttl", "1m", "--", "/bin/sh", "-c", &script("has-lock")]),
        sleeper(&[
            "memo",
            "m",
            "taken",
            "--ttl",
            "1ms",
            "--stale",
            "1h",
            "--",
            "/bin/sh",
            "-c",
            &script("has-memo"),
        ]),
    ]);
    let short = "touch has-made; sleep 1; echo made";
    others.0.push(sleeper(&["memo", "m", "made-meanwhile", "--ttl", "1h", "--", "/bin/sh", "-c", short]));
    for file in ["has-lock", "has-memo", "has-made"] {
        wait_for(&home.file(file));
    }
    let deadline = Instant::now() + Duration::from_secs(30);
    while !home.ok(["consumer", "list"]).contains("taken") {
        assert!(Instant::now() < deadline);
    }
    let mut wrong: Vec<String> = Vec::new();
    for line in LINES {
        wrong.extend(faults(&home, line).into_iter().map(|fault| format!("{line}: {fault}")));
    }
    // While another program has the write lock.
    for line in ["set g k v", "incr g n", "batch lines --stream", "purge", "import exported"] {
        let holder = home.sql();
        holder.execute_batch("BEGIN IMMEDIATE").unwrap();
        let found = std::thread::scope(|scope| {
            let run = scope.spawn(|| faults(&home, line));
            std::thread::sleep(Duration::from_millis(600));
            holder.execute_batch("COMMIT").unwrap();
            run.join().unwrap()
        });
        wrong.extend(found.into_iter().map(|fault| format!("{line}, waiting: {fault}")));
    }
    fs::write(home.file("end"), "").unwrap();
    drop(others);
    assert!(wrong.is_empty(), "{wrong:#?}");
    home.check();
    let help = home.ok(["--help"]);
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    for command in
        commands.take_while(|line| !line.is_empty()).filter_map(|line| line.split_whitespace().next())
    {
        let tried = LINES.iter().any(|line| {
            let mut words = line.split(' ').skip(if line.starts_with("--db ") { 2 } else { 0 });
            words.next() == Some(command)
        });
        assert!(tried || STORELESS.contains(&command), "{command} is not in the table");
    }
}
