//! No room: a full disk, a file-size limit. The status is 10, nothing that was
//! acknowledged is lost, and it works again once there is room.

use std::fs;
use std::process::Command;

use crate::harness::{Home, Rng, skip, told};

/// A file system of one MiB, unmounted at the end.
struct SmallDisk(std::path::PathBuf);

impl SmallDisk {
    fn mount(home: &Home) -> Option<Self> {
        let path = home.file("disk");
        fs::create_dir(&path).unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=1M", "tmpfs"])
            .arg(&path)
            .output()
            .is_ok_and(|output| output.status.success());
        mounted.then_some(Self(path))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).output();
    }
}

/// Sets until there is no room; the keys that were acknowledged.
fn fill(home: &Home, db: &str, limit: &str, rng: &mut Rng) -> Vec<String> {
    let mut sure = Vec::new();
    for n in 0..3000 {
        let key = format!("k{n}");
        let value = "x".repeat(100 + rng.below(12_000));
        let script = format!("{limit} exec \"$L\" --db {db} set g {key} {value}");
        let output = home.sh(&script).output().unwrap();
        match output.status.code() {
            Some(0) => sure.push(key),
            Some(10) => return sure,
            _ => panic!("{}", told(&output)),
        }
    }
    panic!("it never got full");
}

fn all_there(home: &Home, db: &str, sure: &[String]) {
    let listed = home.ok(["--db", db, "list", "g"]);
    let keys: Vec<&str> = listed.lines().collect();
    for key in sure {
        assert!(keys.contains(&key.as_str()), "{key} was acknowledged and is gone");
    }
}

#[test]
fn a_full_disk_loses_nothing() {
    let name = "a_full_disk_loses_nothing";
    let mut rng = Rng::new(name);
    for _ in 0..4 {
        let home = Home::new();
        let Some(disk) = SmallDisk::mount(&home) else {
            return skip(name, "only root may mount a tmpfs");
        };
        let db = disk.0.join("s.db").to_str().unwrap().to_owned();
        let ballast = disk.0.join("ballast");
        fs::write(&ballast, vec![0; 200_000]).unwrap();
        let sure = fill(&home, &db, "", &mut rng);
        all_there(&home, &db, &sure);
        let refused = home.command(["--db", &db, "backup"]).arg(disk.0.join("copy")).output().unwrap();
        assert_eq!(refused.status.code(), Some(10), "{}", told(&refused));
        assert!(
            fs::read_dir(&disk.0).unwrap().all(|e| !e
                .unwrap()
                .file_name()
                .to_string_lossy()
                .contains("copy"))
        );
        // A full disk: what cannot be done is said with status 10.
        for words in [&["delete", "g", "k0"][..], &["purge"], &["incr", "g", "n"], &["set", "h", "k", "v"]] {
            let output = home.command(["--db", &db]).args(words).output().unwrap();
            assert!(matches!(output.status.code(), Some(0 | 10)), "{words:?}: {}", told(&output));
        }
        all_there(&home, &db, &sure[1..]);
        fs::remove_file(ballast).unwrap();
        home.ok(["--db", &db, "set", "g", "again", "v"]);
        all_there(&home, &db, &sure[1..]);
        home.ok(["--db", &db, "check"]);
        // Deleting makes room in the file itself.
        home.ok(["--db", &db, "delete", "g", "--all"]);
        home.ok(["--db", &db, "purge", "--keep-changes", "1"]);
        home.ok(["--db", &db, "check"]);
    }
}

#[test]
fn a_file_size_limit_is_an_error_and_not_a_death() {
    // SIGXFSZ killed the process in the middle of a commit: the caller saw a
    // signal where the contract says 10.
    let mut rng = Rng::new("a_file_size_limit_is_an_error_and_not_a_death");
    for _ in 0..3 {
        let home = Home::new();
        let db = home.db().to_str().unwrap().to_owned();
        home.ok(["set", "g", "first", "v"]);
        let blocks = 100 + rng.below(300);
        let sure = fill(&home, &db, &format!("ulimit -f {blocks};"), &mut rng);
        all_there(&home, &db, &sure);
        home.ok(["set", "g", "again", "v"]);
        all_there(&home, &db, &sure);
        home.check();
    }
}

/// A write that was too large for SQLite's cache and was then refused left its
/// pages in the log: the disk stayed full, and every `get` read all of them.
/// No checkpoint came, as the length of the log did not change any more.
#[test]
fn what_was_rolled_back_takes_no_room_in_the_log() {
    let home = Home::new();
    home.ok(["set", "ns:g", "k", "v"]);
    home.ok(["quota", "set", "ns", "--max-bytes", "1000"]);
    fs::write(home.file("large"), vec![b'x'; 20 << 20]).unwrap();
    let refused = home.run(["set", "ns:g", "large", "--file", "large"]);
    assert_eq!(refused.status.code(), Some(4), "{}", told(&refused));
    let log = || fs::metadata(home.file("s.db-wal")).map_or(0, |meta| meta.len());
    assert!(log() < 1 << 20, "{} bytes of log", log());
    home.check();
}

/// An import that is killed cannot tidy up. The next writer cuts off what it
/// left in the log.
#[test]
fn the_next_writer_cuts_off_what_a_killed_one_left() {
    let home = Home::new();
    home.ok(["set", "g", "k", "v"]);
    // Open to the end, so that nobody deletes the log as the last one.
    let witness = home.sql();
    witness.query_row("SELECT count(*) FROM entries", [], |row| row.get::<_, i64>(0)).unwrap();
    let killed = home.sql();
    killed.execute_batch("PRAGMA cache_size=10;BEGIN IMMEDIATE").unwrap();
    let sql = "INSERT INTO entries(group_name,entry_key,entry_value)VALUES('big',?1,?2)";
    for n in 0..200 {
        killed.execute(sql, (n.to_string(), "x".repeat(50_000))).unwrap();
    }
    killed.execute_batch("ROLLBACK").unwrap();
    drop(killed);
    let log = || fs::metadata(home.file("s.db-wal")).map_or(0, |meta| meta.len());
    assert!(log() > 5 << 20, "nothing spilled into the log: {} bytes", log());
    home.ok(["set", "g", "k", "w"]);
    assert!(log() < 1 << 20, "{} bytes of log", log());
    home.check();
}

/// On a full disk `delete` and `purge` ended with 10 like everything else: the
/// log could not grow by what they wrote, nor be moved into a file that could
/// not grow either. What was acknowledged needs no more room, some is kept back
/// for who makes room, and others cannot take it.
#[test]
fn a_full_disk_can_be_left_by_deleting() {
    let name = "a_full_disk_can_be_left_by_deleting";
    let mut rng = Rng::new(name);
    for others in [false, true, false, true] {
        let home = Home::new();
        let Some(disk) = SmallDisk::mount(&home) else {
            return skip(name, "only root may mount a tmpfs");
        };
        let db = disk.0.join("s.db").to_str().unwrap().to_owned();
        let sure = fill(&home, &db, "", &mut rng);
        if others {
            // Down to the last byte.
            let mut ballast = fs::File::create(disk.0.join("ballast")).unwrap();
            while std::io::Write::write_all(&mut ballast, &[0; 512]).is_ok() {}
        }
        all_there(&home, &db, &sure);
        let at = ["--db", &db];
        for key in &sure {
            if rng.below(3) == 0 {
                home.ok([&at[..], &["delete", "g", key]].concat());
            }
        }
        home.ok([&at[..], &["delete", "g", "--all"]].concat());
        home.ok([&at[..], &["purge", "--keep-changes", "0"]].concat());
        home.ok([&at[..], &["set", "g", "again", &"v".repeat(10_000)]].concat());
        home.ok([&at[..], &["check"]].concat());
    }
}

/// An import that found no room ends with 10 and gives back what it took.
#[test]
fn an_import_that_finds_no_room_leaves_the_disk_as_it_was() {
    let name = "an_import_that_finds_no_room_leaves_the_disk_as_it_was";
    let home = Home::new();
    let Some(disk) = SmallDisk::mount(&home) else {
        return skip(name, "only root may mount a tmpfs");
    };
    let db = disk.0.join("s.db").to_str().unwrap().to_owned();
    home.ok(["--db", &db, "set", "g", "k", "v"]);
    let value = "x".repeat(1000);
    let line = |n: usize| format!("{{\"group\":\"g\",\"key\":\"{n}\",\"value\":\"{value}\"}}\n");
    let used = || nix::sys::statvfs::statvfs(&disk.0).unwrap().blocks_free();
    let before = used();
    for lines in [300, 3000] {
        fs::write(home.file("in.jsonl"), (0..lines).map(line).collect::<String>()).unwrap();
        let refused = home.run(["--db", &db, "import", "in.jsonl"]);
        assert_eq!(refused.status.code(), Some(10), "{}", told(&refused));
        let hint = "hint: free disk space; in the store, with 'larder delete' and 'larder purge'\n";
        assert!(String::from_utf8_lossy(&refused.stderr).ends_with(hint), "{}", told(&refused));
        assert!(used() + 160 > before, "{} blocks of {before} are left", used());
        home.ok(["--db", &db, "set", "g", "k", "w"]);
    }
    home.ok(["--db", &db, "check"]);
}

/// Every lone reader read all of what a killed import had left in the log,
/// thousands of pages for one value, until somebody wrote. Now the first one
/// cuts it off; but not under the hands of somebody who is writing.
#[test]
fn a_reader_cuts_off_what_a_killed_import_left() {
    let home = Home::new();
    home.ok(["set", "g", "k", "v"]);
    let log = || fs::metadata(home.file("s.db-wal")).map_or(0, |meta| meta.len());
    let sql = "INSERT INTO entries(group_name,entry_key,entry_value)VALUES('big',?1,?2)";
    let importing = home.sql();
    importing.execute_batch("PRAGMA cache_size=10;BEGIN IMMEDIATE").unwrap();
    for n in 0..200 {
        importing.execute(sql, (n.to_string(), "x".repeat(50_000))).unwrap();
    }
    let spilled = log();
    assert!(spilled > 5 << 20, "nothing spilled into the log: {spilled} bytes");
    assert_eq!(home.ok(["get", "g", "k"]), "v");
    assert_eq!(log(), spilled, "the log of a writer was cut");
    importing.execute_batch("COMMIT").unwrap();
    assert_eq!(home.ok(["count", "big"]), "200\n");
    home.ok(["set", "g", "k", "v"]);
    // A writer that is killed between its commit and the moving of the log.
    importing.execute_batch("PRAGMA wal_autocheckpoint=0;BEGIN IMMEDIATE").unwrap();
    importing
        .execute("UPDATE entries SET entry_value=?1 WHERE group_name='big'", ["y".repeat(50_000)])
        .unwrap();
    importing.execute_batch("COMMIT").unwrap();
    assert!(log() > 5 << 20, "{} bytes of log", log());
    assert_eq!(home.ok(["get", "g", "k"]), "v");
    assert_eq!(log(), 0);
    // One that is killed in the middle.
    importing.execute_batch("BEGIN IMMEDIATE").unwrap();
    importing
        .execute("UPDATE entries SET entry_value=?1 WHERE group_name='big'", ["z".repeat(50_000)])
        .unwrap();
    importing.execute_batch("ROLLBACK").unwrap();
    assert!(log() > 5 << 20, "{} bytes of log", log());
    home.ok(["list"]);
    assert!(log() < 1 << 20, "{} bytes of log", log());
    assert!(home.ok(["get", "big", "7"]).starts_with('y'));
    home.check();
}
