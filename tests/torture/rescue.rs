//! Backup, restore and check at bad moments.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::harness::{Home, Rng, dump_of, size, told};

/// Two keys are always written together. A backup in which they differ is not
/// of one moment.
#[test]
fn a_backup_under_load_is_of_one_moment() {
    let home = Home::new();
    home.ok(["set", "pair", "a", "0"]);
    home.ok(["set", "pair", "b", "0"]);
    home.sql().execute_batch("INSERT INTO entries(group_name,entry_key,entry_value) WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM n WHERE n<3000) SELECT 'bulk',n,hex(randomblob(200)) FROM n").unwrap();
    let stop = std::sync::atomic::AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let conn = home.sql();
            let mut n = 0;
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                n += 1;
                conn.execute("UPDATE entries SET entry_value=?1 WHERE group_name='pair'", [n.to_string()])
                    .unwrap();
            }
        });
        for n in 0..size(12) {
            let copy = format!("copy{n}.db");
            home.ok(["backup", &copy]);
            let path = home.file(&copy);
            let db = path.to_str().unwrap();
            let both = home.ok(["--db", db, "list", "pair", "--values"]);
            let values: Vec<&str> = both.lines().map(|line| line.split_once('\t').unwrap().1).collect();
            assert_eq!(values[0], values[1], "two moments in one backup");
            home.ok(["--db", db, "check"]);
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    });
}

/// Ctrl-C left the half-made copy behind, under a hidden name, as large as the
/// store.
#[test]
fn an_interrupted_backup_leaves_nothing_behind() {
    let mut rng = Rng::new("an_interrupted_backup_leaves_nothing_behind");
    let home = Home::new();
    home.ok(["set", "g", "k", "v"]);
    home.sql().execute_batch("INSERT INTO entries(group_name,entry_key,entry_value) WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM n WHERE n<4000) SELECT 'bulk',n,hex(randomblob(2000)) FROM n").unwrap();
    let (mut interrupted, mut round) = (0, 0);
    while interrupted < size(8) {
        round += 1;
        let name = format!("b{round}.db");
        let child = home.start(["backup", &name]);
        thread::sleep(Duration::from_micros(4000 + rng.next() % 60_000));
        let pid = nix::unistd::Pid::from_raw(i32::try_from(child.id()).unwrap());
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT).unwrap();
        let output = child.wait_with_output().unwrap();
        let signal = std::os::unix::process::ExitStatusExt::signal(&output.status);
        assert!(signal == Some(2) || output.status.success(), "{}", told(&output));
        interrupted += usize::from(signal.is_some());
        for entry in fs::read_dir(home.path()).unwrap() {
            let found = entry.unwrap().file_name().to_string_lossy().into_owned();
            assert!(found.starts_with("s.db") || found == name, "{found} is left behind");
        }
        let _ = fs::remove_file(home.file(&name));
    }
}

/// A restore that is killed has happened or it has not; either way the store is
/// whole, and no version is given out twice.
#[test]
fn a_killed_restore_is_whole_or_absent() {
    let mut rng = Rng::new("a_killed_restore_is_whole_or_absent");
    let home = Home::new();
    for n in 0..40 {
        home.ok(["set", "old", &format!("k{n}"), &"o".repeat(2000)]);
    }
    home.ok(["backup", "old.db"]);
    let old = home.dump();
    home.ok(["delete", "old", "--all"]);
    home.ok(["set", "new", "k", "v"]);
    let mut newest = 0;
    for _ in 0..size(60) {
        let new = home.dump();
        let mut child = home.start(["restore", "old.db", "--yes"]);
        thread::sleep(Duration::from_micros(rng.next() % 40_000));
        child.kill().unwrap();
        let sure = child.wait().unwrap().success();
        let found = home.dump();
        assert!(found == old || (found == new && !sure), "a restore left half of itself");
        home.check();
        let seq = home.number("SELECT max(seq)FROM larder_changes");
        let lowest = home.number("SELECT ifnull(min(version),9e9)FROM entries");
        if found == old && found != new {
            assert!(lowest > newest, "version {lowest} was given out before");
        }
        assert!(seq >= newest);
        home.ok(["delete", "old", "--all"]);
        home.ok(["set", "new", "k", "v"]);
        newest = home.number("SELECT max(seq)FROM larder_changes");
    }
}

/// Writers go on while the store is restored under them: none may fail, and
/// what is acknowledged after the restore is there.
#[test]
fn a_restore_under_load_fails_nobody() {
    let home = Home::new();
    home.ok(["set", "base", "k", "v"]);
    home.ok(["backup", "base.db"]);
    thread::scope(|scope| {
        let writers: Vec<_> = (0..3)
            .map(|writer| {
                let home = &home;
                scope.spawn(move || {
                    for n in 0..40 {
                        home.ok(["set", &format!("w{writer}"), &format!("k{n}"), "v"]);
                    }
                })
            })
            .collect();
        for _ in 0..8 {
            home.ok(["restore", "base.db", "--yes"]);
        }
        for writer in writers {
            writer.join().unwrap();
        }
    });
    home.ok(["set", "after", "k", "v"]);
    assert_eq!(home.ok(["get", "after", "k"]), "v");
    assert_eq!(home.ok(["get", "base", "k"]), "v");
    home.check();
}

/// Each round of a restore numbered the copy and started over if anybody had
/// written meanwhile: beside a steady writer a larger store was never restored.
#[test]
fn a_restore_beside_a_steady_writer_ends() {
    let home = Home::new();
    home.ok(["set", "g", "k", "v"]);
    home.sql().execute_batch("INSERT INTO entries(group_name,entry_key,entry_value) WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM n WHERE n<30000) SELECT 'bulk',n,'v' FROM n").unwrap();
    home.ok(["backup", "b.db"]);
    let mut writer = home
        .command(["batch", "-", "--stream"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = writer.stdin.take().unwrap();
    let mut answers = BufReader::new(writer.stdout.take().unwrap());
    // Both end when the writer does.
    let feeder = thread::spawn(move || {
        while lines.write_all(b"{\"op\":\"set\",\"group\":\"w\",\"key\":\"k\",\"value\":\"v\"}\n").is_ok() {}
    });
    answers.read_line(&mut String::new()).unwrap();
    let reader = thread::spawn(move || std::io::copy(&mut answers, &mut std::io::sink()));
    let mut restore = home.start(["restore", "b.db", "--yes"]);
    let deadline = std::time::Instant::now() + Duration::from_mins(2);
    let status = loop {
        match restore.try_wait().unwrap() {
            Some(status) => break status,
            None if std::time::Instant::now() > deadline => {
                restore.kill().unwrap();
                writer.kill().unwrap();
                panic!("the restore does not end");
            }
            None => thread::sleep(Duration::from_millis(5)),
        }
    };
    assert!(writer.try_wait().unwrap().is_none(), "the writer has failed");
    writer.kill().unwrap();
    writer.wait().unwrap();
    feeder.join().unwrap();
    reader.join().unwrap().unwrap();
    assert!(status.success());
    assert_eq!(home.ok(["count", "bulk"]), "30000\n");
    home.check();
}

/// Ctrl-C did not end a restore: it went on, was completed, and only then did
/// the process die of the signal. A script took the store for the old one.
#[test]
fn an_interrupted_restore_says_whether_it_happened() {
    let mut rng = Rng::new("an_interrupted_restore_says_whether_it_happened");
    let home = Home::new();
    home.ok(["set", "g", "k", "backup"]);
    home.sql().execute_batch("INSERT INTO entries(group_name,entry_key,entry_value) WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM n WHERE n<8000) SELECT 'bulk',n,hex(zeroblob(1000)) FROM n").unwrap();
    home.ok(["backup", "b.db"]);
    let (mut interrupted, mut round) = (0, 0);
    while interrupted < size(9) {
        round += 1;
        home.ok(["set", "g", "k", "store"]);
        let (signal, number) = [(Signal::SIGINT, 2), (Signal::SIGTERM, 15), (Signal::SIGHUP, 1)][round % 3];
        let child = home.start(["restore", "b.db", "--yes"]);
        thread::sleep(Duration::from_micros(4000 + rng.next() % 400_000));
        let pid = nix::unistd::Pid::from_raw(i32::try_from(child.id()).unwrap());
        nix::sys::signal::kill(pid, signal).unwrap();
        let output = child.wait_with_output().unwrap();
        let value = home.ok(["get", "g", "k"]);
        if output.status.success() {
            assert_eq!((value.as_str(), output.stderr.len()), ("backup", 0));
        } else {
            let died_of = std::os::unix::process::ExitStatusExt::signal(&output.status);
            assert_eq!(died_of, Some(number), "{}", told(&output));
            assert_eq!(value, "store", "{}", told(&output));
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            // Nothing if it came before the program had its signals.
            assert!(
                said.is_empty() || said == "larder: restore: interrupted; nothing was changed\n",
                "{said}"
            );
            interrupted += usize::from(!said.is_empty());
        }
        for entry in fs::read_dir(home.path()).unwrap() {
            let found = entry.unwrap().file_name().to_string_lossy().into_owned();
            assert!(found.starts_with("s.db") || found == "b.db", "{found} is left behind");
        }
    }
    home.check();
}

/// A store that is no longer one is replaced whole and put aside, with its log:
/// a log left beside the new file would be played into it.
#[test]
fn a_ruined_store_is_replaced_and_kept() {
    let mut rng = Rng::new("a_ruined_store_is_replaced_and_kept");
    let home = Home::new();
    for n in 0..60 {
        home.ok(["set", "g", &format!("k{n}"), "v"]);
    }
    home.ok(["backup", "good.db"]);
    let good = dump_of(&home.file("good.db"));
    for round in 0..6 {
        home.ok(["set", "later", "k", "v"]);
        let mut content = fs::read(home.db()).unwrap();
        let ruined = rng.bytes(4096 * 3);
        content.splice(..ruined.len().min(content.len()), ruined);
        fs::write(home.db(), &content).unwrap();
        // The log would heal what it covers: only an empty one lets it show.
        if round % 2 == 0 {
            fs::write(home.file("s.db-wal"), rng.bytes(5000)).unwrap();
        }
        let output = home.run(["restore", "good.db", "--yes"]);
        assert!(output.status.success(), "{}", told(&output));
        assert_eq!(home.dump(), good);
        home.check();
        home.ok(["set", "works", "again", "v"]);
        home.ok(["delete", "works", "again"]);
    }
}

/// A stale log beside the place of a backup would be played into the backup
/// by whoever opens it.
#[test]
fn a_backup_never_lands_beside_a_stale_log() {
    let home = Home::new();
    home.ok(["set", "g", "k", "v"]);
    fs::write(home.file("b.db-wal"), "stale").unwrap();
    let output = home.run(["backup", "b.db"]);
    assert_eq!(output.status.code(), Some(10), "{}", told(&output));
    assert!(!home.file("b.db").exists());
}

#[test]
fn a_backup_overwrites_nothing_and_follows_no_link() {
    let home = Home::new();
    home.ok(["set", "g", "k", "v"]);
    let refused = |name: &str, status: i32| {
        let before = fs::read(home.file(name)).ok();
        let output = home.run(["backup", name]);
        assert_eq!(output.status.code(), Some(status), "{name}: {}", told(&output));
        assert_eq!(fs::read(home.file(name)).ok(), before, "{name} was changed");
    };
    fs::write(home.file("there"), "precious").unwrap();
    fs::create_dir(home.file("folder")).unwrap();
    symlink("elsewhere", home.file("link")).unwrap();
    symlink("s.db", home.file("self")).unwrap();
    refused("there", 10);
    refused("folder", 10);
    refused("link", 10);
    refused("self", 10);
    refused("s.db", 2);
    refused("s.db-wal", 2);
    refused("s.db-journal", 2);
    refused("folder/../s.db", 2);
    refused("nowhere/b.db", 10);
    assert!(!home.file("elsewhere").exists());
    let left: Vec<_> = fs::read_dir(home.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().contains("partial")), "{left:?}");
}

#[test]
fn a_restore_takes_only_backups() {
    let home = Home::new();
    home.ok(["set", "g", "k", "v"]);
    let before = home.dump();
    fs::write(home.file("text"), "no store").unwrap();
    fs::write(home.file("empty"), "").unwrap();
    home.sh_ok("sqlite3 other.db 'CREATE TABLE t(a)'; mkfifo fifo; mkdir folder; \"$L\" backup good.db");
    home.sh_ok("cp good.db cut.db; truncate -s 20000 cut.db; cp good.db trigger.db; sqlite3 trigger.db 'CREATE TRIGGER evil AFTER INSERT ON entries BEGIN SELECT 1; END'");
    for (name, status) in [
        ("text", 7),
        ("empty", 7),
        ("other.db", 7),
        ("fifo", 7),
        ("folder", 7),
        ("cut.db", 7),
        ("trigger.db", 7),
        ("nowhere", 10),
        ("s.db", 2),
    ] {
        let output = home.run(["restore", name, "--yes"]);
        assert_eq!(output.status.code(), Some(status), "{name}: {}", told(&output));
        assert_eq!(home.dump(), before, "{name} changed the store");
    }
    // And only over stores.
    for victim in ["text", "other.db"] {
        let content = fs::read(home.file(victim)).unwrap();
        let output = home.run(["--db", victim, "restore", "good.db", "--yes"]);
        assert_eq!(output.status.code(), Some(7), "{victim}: {}", told(&output));
        assert_eq!(fs::read(home.file(victim)).unwrap(), content);
    }
}

/// The backup is only read: not a byte of it changes, nothing appears beside
/// it, and it may lie where nobody can write.
#[test]
fn a_restore_leaves_the_backup_alone() {
    let home = Home::new();
    home.ok(["set", "g", "k", "v"]);
    fs::create_dir(home.file("shelf")).unwrap();
    home.ok(["backup", "shelf/b.db"]);
    let before =
        (fs::read(home.file("shelf/b.db")).unwrap(), fs::metadata(home.file("shelf/b.db")).unwrap().mtime());
    home.ok(["restore", "shelf/b.db", "--yes"]);
    let after =
        (fs::read(home.file("shelf/b.db")).unwrap(), fs::metadata(home.file("shelf/b.db")).unwrap().mtime());
    assert!(before == after);
    assert_eq!(fs::read_dir(home.file("shelf")).unwrap().count(), 1);
}

/// A store with a log that was never checkpointed is a fine backup too, such
/// as one that was copied with its -wal.
#[test]
fn a_store_with_its_log_can_be_restored_from() {
    let home = Home::new();
    home.ok(["set", "g", "k", "in the log"]);
    fs::copy(home.db(), home.file("copy.db")).unwrap();
    fs::copy(home.file("s.db-wal"), home.file("copy.db-wal")).unwrap();
    home.ok(["set", "g", "k", "later"]);
    home.ok(["restore", "copy.db", "--yes"]);
    assert_eq!(home.ok(["get", "g", "k"]), "in the log");
}

/// What each kind of tampering is called, and that repair makes it good.
#[test]
fn check_finds_and_repair_mends() {
    for (tamper, word) in [
        ("UPDATE larder_groups SET keys=keys+1", "recount"),
        ("UPDATE larder_namespaces SET bytes=0", "recount"),
        ("DELETE FROM larder_groups", "recount"),
        ("DELETE FROM larder_changes WHERE seq=3", "missing"),
        ("DELETE FROM larder_changes", "empty"),
        ("UPDATE larder_changes SET total=total+1 WHERE seq=3", "running sum"),
        ("UPDATE entries SET version=99 WHERE entry_key='k2'", "never assigned"),
        ("UPDATE entries SET version=2 WHERE entry_key='k2'", "another change"),
        ("INSERT INTO larder_consumers VALUES('c',50,0,'',NULL)", "never assigned"),
        ("DROP TRIGGER larder_delete; DELETE FROM entries WHERE entry_key='k2'", "is missing"),
        (
            "DROP TRIGGER larder_insert; CREATE TRIGGER larder_insert AFTER INSERT ON entries BEGIN SELECT 1; END",
            "larder_insert",
        ),
        ("CREATE TRIGGER evil AFTER DELETE ON entries BEGIN SELECT 1; END", "evil"),
        ("CREATE INDEX evil ON entries(hex(entry_value))", "evil"),
        ("DROP INDEX larder_expiry", "larder_expiry"),
        ("DROP TABLE larder_groups", "larder_groups"),
    ] {
        let home = Home::new();
        for n in 0..6 {
            home.ok(["set", "ns:g", &format!("k{n}"), "v"]);
        }
        home.sql().execute_batch(tamper).unwrap();
        let output = home.run(["check"]);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(7), "{tamper}: {}", told(&output));
        assert!(said.contains(word), "{tamper}: {said}");
        let output = home.run(["check", "--repair"]);
        assert!(output.status.success(), "{tamper}: {}", told(&output));
        assert!(
            String::from_utf8_lossy(&output.stdout).contains("repaired: "),
            "{tamper}: {}",
            told(&output)
        );
        home.check();
        home.ok(["set", "ns:g", "new", "v"]);
        home.ok(["delete", "ns:g", "--all"]);
        home.check();
    }
}

/// What cannot be derived is not invented: a lost table of grants would open
/// every namespace.
#[test]
fn repair_invents_nothing() {
    for tamper in ["DROP TABLE larder_grants", "DROP TABLE larder_consumers", "DROP TABLE entries"] {
        let home = Home::new();
        home.ok(["set", "g", "k", "v"]);
        home.sql().execute_batch(tamper).unwrap();
        let before = home.number("PRAGMA schema_version");
        let output = home.run(["check", "--repair"]);
        assert_eq!(output.status.code(), Some(7), "{tamper}: {}", told(&output));
        assert_eq!(home.number("PRAGMA schema_version"), before, "{tamper}");
    }
}
