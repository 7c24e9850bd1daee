use crate::common::Test;

fn with_backup() -> Test {
    let t = Test::new();
    t.run(["set", "g", "k", "old"]).ok("");
    t.run(["set", "g", "more", "v"]).ok("");
    t.run(["quota", "set", "ns", "--max-keys", "3"]).ok("");
    t.run(["backup", "b.db"]).ok("");
    t
}

#[test]
fn everything_is_as_in_the_backup() {
    let t = with_backup();
    t.run(["set", "g", "k", "new"]).ok("");
    t.run(["set", "h", "k", "v"]).ok("");
    t.run(["quota", "clear", "ns"]).ok("");
    t.run(["restore", "b.db", "--yes"]).ok("");
    t.run(["list"]).ok("g\n");
    t.run(["list", "g", "--values"]).ok("k\told\nmore\tv\n");
    assert_eq!(t.number("SELECT max_keys FROM larder_namespaces WHERE namespace='ns'"), 3);
}

/// A client that saw version 3 before the restore must not find that a later
/// write has made it version 3 once more: its compare-and-set would hit a value
/// it never saw.
#[test]
fn no_version_returns() {
    let t = with_backup();
    t.run(["set", "g", "k", "new"]).ok("");
    let before = t.run(["--json", "info"]).json()["seq"].as_i64().unwrap();
    let record = t.run(["--json", "restore", "b.db", "--yes"]).json();
    assert!(record["seq"].as_i64().unwrap() > before);
    assert_eq!(record["entries"], 2);
    for version in 1..=before {
        t.run(["set", "g", "k", "x", "--if-version", &version.to_string()]).fails_with(3, "is at version");
    }
    let entry = t.run(["--json", "get", "g", "k"]).json();
    assert!(entry["version"].as_i64().unwrap() > before);
    t.run(["watch", "--after", &before.to_string(), "--count", "1"]).fails_with(9, "have been trimmed");
    t.run(["check"]).ok("");
}

#[test]
fn a_store_is_made_if_there_is_none() {
    let t = with_backup();
    t.run(["--db", "deep/er/n.db", "restore", "b.db", "--yes"]).ok("");
    t.run(["--db", "deep/er/n.db", "get", "g", "k"]).ok("old");
}

#[test]
fn refusals() {
    let t = with_backup();
    t.run(["restore", "b.db"]).fails(
        2,
        "larder: restore: this replaces the contents of the store\n\
         hint: confirm with --yes; 'larder backup' saves the current contents\n",
    );
    t.run(["restore", "absent", "--yes"]).fails(
        10,
        format!("larder: restore: {:?}: No such file or directory\n", t.path("absent").to_string_lossy()),
    );
    // A missing file is told at once: --yes would not help.
    t.run(["restore", "absent"]).fails_with(10, "No such file");
    t.run(["-n", "ns", "restore", "b.db", "--yes"]).fails_with(2, "the whole store");
    t.write("text", "not a store");
    t.run(["restore", "text", "--yes"]).fails_with(7, "is not a larder store");
    t.run(["get", "g", "k"]).ok("old");
}

/// A copy that sqlite3 made, or a store that was switched back, is not in WAL
/// mode. There a restore kept its own look at the numbers out, waited for
/// itself until the busy timeout, and ended with 6: it could never be done.
#[test]
fn a_store_outside_wal_mode_is_restored() {
    for mode in ["delete", "truncate", "persist"] {
        let t = with_backup();
        t.execute(&format!("PRAGMA journal_mode={mode}"));
        t.run(["set", "g", "k", "new"]).ok("");
        t.run(["restore", "b.db", "--yes"]).ok("");
        t.run(["get", "g", "k"]).ok("old");
        t.sh("sqlite3 .local/share/larder/larder.db 'PRAGMA journal_mode'").ok("wal\n");
        t.run(["check"]).ok("");
    }
}

/// A go-store file with a log was opened as a store, and so made larder's: the
/// program it belongs to found other tables in it. The help promises that FILE
/// is not changed.
#[test]
fn a_go_store_file_is_restored_from_and_stays_as_it_is() {
    let t = with_backup();
    for log in [true, false] {
        let go = rusqlite::Connection::open(t.path("go.db")).unwrap();
        go.execute_batch(
            "PRAGMA journal_mode=WAL;PRAGMA wal_autocheckpoint=0;DROP TABLE IF EXISTS kv;\
             CREATE TABLE kv(grp TEXT NOT NULL,key TEXT NOT NULL,value TEXT NOT NULL,PRIMARY KEY(grp,key));\
             INSERT INTO kv VALUES('old','k','from go')",
        )
        .unwrap();
        if log {
            // Left behind as by a program that was killed.
            let keep = rusqlite::config::DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;
            go.set_db_config(keep, true).unwrap();
        }
        drop(go);
        assert_eq!(t.path("go.db-wal").exists(), log);
        let both = || (t.read("go.db"), log.then(|| t.read("go.db-wal")));
        let before = both();
        t.run(["restore", "go.db", "--yes"]).ok("");
        assert!(before == both(), "the file was changed (with a log: {log})");
        t.run(["get", "old", "k"]).ok("from go");
        t.run(["check"]).ok("");
    }
}

/// Read without its journal, a file that was left in the middle of a
/// transaction shows the half of it.
#[test]
fn a_file_with_an_unfinished_transaction_is_refused() {
    let t = with_backup();
    t.write("b.db-journal", [&b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7"[..], &[0; 600]].concat());
    t.run(["restore", "b.db", "--yes"]).fails_with(7, "unfinished transaction");
    t.run(["get", "g", "k"]).ok("old");
}

/// Killed between its two renames, the replacement of a damaged store left a
/// store with two names: refused by every command, and by restore too, so that
/// nothing but `rm` helped.
#[test]
fn a_restore_that_was_killed_between_two_names_can_be_done_again() {
    for second in [".damaged", ".damaged-2"] {
        let t = with_backup();
        let db = t.db();
        let name = |suffix: &str| std::path::PathBuf::from(format!("{}{suffix}", db.display()));
        std::fs::remove_file(name("-wal")).unwrap();
        t.write(".local/share/larder/larder.db", [b"larder".repeat(9), vec![0; 9000]].concat());
        t.write(".local/share/larder/larder.db-wal", "its log");
        if second != ".damaged" {
            t.write(".local/share/larder/larder.db.damaged", "an older one");
        }
        std::fs::hard_link(&db, name(second)).unwrap();
        std::fs::rename(name("-wal"), name(&format!("{second}-wal"))).unwrap();
        t.run(["get", "g", "k"]).fails_with(7, "more than one name");
        t.run(["restore", "b.db", "--yes"]).exits(
            0,
            "",
            format!("larder: the damaged store is kept as {:?}\n", name(second).to_string_lossy()),
        );
        t.run(["get", "g", "k"]).ok("old");
        assert_eq!(std::fs::read(name(&format!("{second}-wal"))).unwrap(), b"its log");
        assert!(std::fs::read(name(second)).unwrap().starts_with(b"larder"));
    }
}

/// After a restore a consumer is told to start with --snapshot, which was then
/// refused because it had a position: the one that is gone.
#[test]
fn a_consumer_goes_on_with_a_snapshot() {
    let t = Test::new();
    t.run(["set", "g", "k", "old"]).ok("");
    t.run(["watch", "g", "--consumer", "c", "--after", "0", "--count", "1"]).ok("1\tset\tg\tk\n");
    t.run(["backup", "b.db"]).ok("");
    t.run(["restore", "b.db", "--yes"]).ok("");
    t.run(["watch", "g", "--consumer", "c", "--count", "1"]).fails(
        9,
        "larder: watch: changes after 1 have been trimmed; oldest retained: 3\n\
         hint: start with --snapshot to begin with the current entries\n",
    );
    // A run that ends within the snapshot has to start over.
    t.run(["watch", "g", "--consumer", "c", "--count", "1", "--snapshot"]).ok("3\tset\tg\tk\n");
    let whole = t.run(["watch", "g", "--consumer", "c", "--snapshot", "--timeout", "100ms"]).output();
    assert_eq!((whole.status.code(), &whole.stdout[..]), (Some(6), &b"3\tset\tg\tk\n"[..]));
    // From there on it has a position again.
    t.run(["watch", "g", "--consumer", "c", "--snapshot"]).fails_with(2, "has a position already");
}

/// Half a backup is none, wherever the stream broke; the store stays as it is.
#[test]
fn a_stream_that_is_cut_off_is_refused() {
    let t = with_backup();
    t.run(["set", "g", "k", "new"]).ok("");
    let backup = t.read("b.db");
    let before = t.files();
    let refused = |bytes: &[u8], why: &str| {
        let why = format!("larder: restore: standard input {why}\n");
        t.run(["restore", "-", "--yes"]).stdin(bytes).fails(7, why);
        assert_eq!(t.files(), before);
        t.run(["get", "g", "k"]).ok("new");
    };
    refused(b"", "is empty");
    refused(&backup[..99], "is truncated");
    let whole = backup.len();
    for length in [100, 4095, 4096, 8192, whole - 4096, whole - 1] {
        refused(&backup[..length], &format!("is truncated after {length} of {whole} bytes"));
    }
    refused(&[&backup[..], b"x"].concat(), "continues past the end of the backup");
    refused(&[b'x'; 4096], "is not a backup of a larder store");
    let mut damaged = backup.clone();
    damaged[4096..6000].fill(b'x');
    t.run(["restore", "-", "--yes"]).stdin(damaged).fails_with(7, "standard input");
    t.run(["restore", "-"]).stdin(&*backup).fails_with(2, "this replaces the contents");
    t.run(["get", "g", "k"]).ok("new");
    t.run(["restore", "-", "--yes"]).stdin(backup).ok("");
    t.run(["get", "g", "k"]).ok("old");
}

/// A file read as standard input has no name by which to find its log.
#[test]
fn a_store_in_use_is_no_stream() {
    let t = with_backup();
    t.sh("larder restore - --yes < .local/share/larder/larder.db").fails(
        2,
        "larder: restore: \"/proc/self/fd/0\" is the store itself\n\
         hint: name another file; 'larder backup' copies the store\n",
    );
    t.run(["--db", "other.db", "set", "g", "k", "other"]).ok("");
    t.sh("larder restore - --yes < other.db")
        .fails_with(2, "has part of its contents in the -wal file beside it");
    t.run(["restore", "other.db", "--yes"]).ok("");
    t.run(["get", "g", "k"]).ok("other");
}

/// Signals are heard while a stream is waited for.
#[test]
fn a_stream_that_does_not_come_is_not_waited_for_deafly() {
    let t = with_backup();
    let before = t.files();
    let script = "exec 2>/dev/null; mkfifo pipe; exec 3<> pipe; head -c 8192 b.db >&3
                  larder restore - --yes < pipe 3<&- 2>err &
                  until ls -A .local/share/larder | grep -q partial; do kill -0 $! || break; done
                  kill -TERM $!; wait $!; s=$?; cat err; rm pipe err; exit $s";
    t.sh(script).exits(143, "larder: restore: interrupted; nothing was changed\n", "");
    assert_eq!(t.files(), before);
}
