use crate::common::Test;

#[test]
fn a_backup_is_silent_and_a_store() {
    let t = Test::new();
    t.run(["set", "g", "k", "v"]).ok("");
    t.run(["backup", "b.db"]).ok("");
    t.run(["--db", "b.db", "get", "g", "k"]).ok("v");
    let record = t.run(["--json", "backup", "c.db"]).json();
    assert_eq!(record["file"], "c.db");
    assert!(record["bytes"].as_u64().unwrap() > 0);
}

#[test]
fn refusals() {
    let t = Test::new();
    t.run(["backup", "b.db"]).fails(
        10,
        format!("larder: backup: store {:?}: No such file or directory\n", t.db().to_string_lossy()),
    );
    assert_eq!(t.files(), Vec::<String>::new());
    t.run(["set", "g", "k", "v"]).ok("");
    t.write("b.db", "precious");
    t.run(["backup", "b.db"])
        .fails(10, format!("larder: backup: {:?}: it already exists\n", t.path("b.db").to_string_lossy()));
    assert_eq!(t.read("b.db"), b"precious");
    t.run(["backup", ".local/share/larder/larder.db"]).fails_with(2, "is the store itself");
    t.run(["-n", "a", "backup", "c.db"]).fails(
        2,
        "larder: backup: this command works on the whole store, not on one namespace\n\
         hint: omit --namespace, and unset LARDER_NAMESPACE\n",
    );
    t.run(["backup"]).fails_with(2, "FILE");
    t.run(["backup", ""]).fails_with(2, "FILE");
}

/// Copies that were killed leave hidden files as large as the store. Only those
/// go that nobody holds any more, and that are of this name.
#[test]
fn what_a_killed_copy_left_is_removed() {
    let t = Test::new();
    t.run(["set", "g", "k", "v"]).ok("");
    let held = t.write(".b.db.HELD00.partial", "in use");
    let file = std::fs::OpenOptions::new().read(true).write(true).open(&held).unwrap();
    let lock = nix::libc::flock {
        l_type: i16::try_from(nix::libc::F_WRLCK).unwrap(),
        l_whence: i16::try_from(nix::libc::SEEK_SET).unwrap(),
        l_start: 0x4000_0200,
        l_len: 1,
        l_pid: 0,
    };
    nix::fcntl::fcntl(&file, nix::fcntl::FcntlArg::F_OFD_SETLK(&lock)).unwrap();
    for name in [".b.db.aB3dE6.partial", ".b.db.aB3dE6.partial-journal", ".b.db.aB3dE6.partial-wal"] {
        t.write(name, "left behind");
    }
    t.write(".b.db.notes.partial", "somebody's");
    t.write(".c.db.aB3dE6.partial", "another copy's");
    t.run(["backup", "b.db"]).ok("");
    let hidden = || {
        let mut files = t.files();
        files.retain(|name| name.contains("partial"));
        files
    };
    assert_eq!(hidden(), [".b.db.HELD00.partial", ".b.db.notes.partial", ".c.db.aB3dE6.partial"]);
    drop(file);
    t.write(".local/share/larder/.larder.db.aB3dE6.partial", "left behind");
    t.write(".local/share/larder/.larder.db.aB3dE6.partial-journal", "left behind");
    t.run(["restore", "b.db", "--yes"]).ok("");
    assert_eq!(hidden(), [".b.db.HELD00.partial", ".b.db.notes.partial", ".c.db.aB3dE6.partial"]);
}

/// A copy that got its name while the file beside it could not be removed left
/// that one lying for ever: later copies looked only for the copy itself. What
/// belongs to a copy in the making, or to somebody else, stays.
#[test]
fn what_a_named_copy_left_is_removed() {
    let t = Test::new();
    t.run(["set", "g", "k", "v"]).ok("");
    t.write(".b.db.aB3dE6.partial-journal", "left behind");
    t.write(".b.db.aB3dE7.partial-wal", "left behind");
    let stay = [".b.db.notes.partial-journal", ".b.db.aB3dE6.partial-notes", ".c.db.aB3dE6.partial-journal"];
    for name in stay {
        t.write(name, "somebody's");
    }
    t.run(["backup", "b.db"]).ok("");
    let mut left = t.files();
    left.retain(|name| name.contains("partial"));
    let mut stay = stay.map(str::to_owned);
    stay.sort_unstable();
    assert_eq!(left, stay);
}

/// A copy in the making is held: a second one to the same name leaves it alone.
#[test]
fn a_copy_in_the_making_is_not_taken_for_left_behind() {
    let t = Test::new();
    t.run(["set", "g", "k", "v"]).ok("");
    t.execute(
        "INSERT INTO entries(group_name,entry_key,entry_value) WITH RECURSIVE n(n) AS \
         (SELECT 1 UNION ALL SELECT n+1 FROM n WHERE n<4000) SELECT 'bulk',n,hex(zeroblob(1000)) FROM n",
    );
    t.sh("for n in 1 2 3 4; do larder backup b.db 2>/dev/null & p=\"$p $!\"; done; \
          good=0; for n in $p; do wait $n && good=$((good + 1)); done; echo $good")
        .ok("1\n");
    t.run(["--db", "b.db", "count"]).ok("4001\n");
    assert!(t.files().iter().all(|name| !name.contains("partial")), "{:?}", t.files());
}

/// Whenever a signal comes, a backup is removed or done, and its status says
/// which. What a kill left goes with the next one.
#[test]
fn a_backup_that_is_ended_leaves_nothing_or_a_backup() {
    let t = Test::new();
    if !t.can_trace() {
        return;
    }
    t.run(["set", "g", "k", "v"]).ok("");
    let before = t.files();
    let (mut removed, mut done) = (0, 0);
    for signal in ["INT", "TERM", "HUP", "KILL"] {
        // pread64: the copy is looked through for damage.
        for call in ["fsync,fdatasync", "pread64"] {
            for which in ["1", "2", "3", "20", "30", "40"] {
                let script = format!(
                    "strace -qq -o strace.log -e trace={call} \
                     -e inject={call}:signal=SIG{signal}:when={which} larder backup b.db 2>err; \
                     s=$?; rm strace.log err; exit $s"
                );
                let output = t.sh(&script).output();
                let mut files = t.files();
                if signal == "KILL" {
                    files.retain(|name| !name.starts_with(".b.db."));
                }
                if output.status.success() {
                    done += 1;
                    t.run(["--db", "b.db", "get", "g", "k"]).ok("v");
                    files.retain(|name| !name.starts_with("b.db"));
                } else {
                    removed += 1;
                }
                assert_eq!(files, before, "{signal} at {call} {which}: {output:?}");
                for file in ["b.db", "b.db-wal", "b.db-shm"] {
                    let _ = std::fs::remove_file(t.path(file));
                }
            }
        }
    }
    assert!(removed > 8 && done > 8, "{removed} were removed, {done} were done");
    t.run(["backup", "b.db"]).ok("");
    assert!(t.files().iter().all(|name| !name.contains("partial")), "{:?}", t.files());
}

#[test]
fn through_a_pipe() {
    let t = Test::new();
    t.run(["set", "g", "k", "v"]).ok("");
    t.run(["set", "g", "big", &"x".repeat(120_000)]).ok("");
    t.sh("mkdir tmp; export TMPDIR=$PWD/tmp; larder backup - | larder --db there/n.db restore - --yes")
        .ok("");
    t.run(["--db", "there/n.db", "get", "g", "k"]).ok("v");
    t.run(["--db", "there/n.db", "check"]).ok("");
    t.sh("larder backup - | larder restore - --yes").ok("");
    t.run(["get", "g", "k"]).ok("v");
    t.sh("larder backup - > copy.db && larder --db copy.db get g k").ok("v");
    t.sh("larder --json backup - > copy2.db && larder --json --db m.db restore - --yes < copy2.db | grep -c entries")
        .ok("1\n");
    // Neither is a file of that name, and nothing is left behind.
    assert!(!t.path("-").exists());
    assert!(t.files().iter().all(|name| !name.contains("partial")), "{:?}", t.files());
    assert!(std::fs::read_dir(t.path("tmp")).unwrap().next().is_none());
    t.run(["backup", "./-"]).ok("");
    t.run(["--db", "-", "get", "g", "k"]).ok("v");
}

#[test]
fn a_backup_is_nothing_for_a_terminal() {
    let t = Test::new();
    t.run(["set", "g", "k", "v"]).ok("");
    let (code, shown, stderr) = t.run(["backup", "-"]).on_terminal(80);
    assert_eq!((code, shown.as_str()), (2, ""));
    assert_eq!(
        stderr,
        "larder: backup: a backup cannot be written to a terminal\n\
         hint: name a file, or write into a pipe; a file of that name is ./-\n"
    );
}

/// Whoever reads `head`-like gets no backup, and the status says so.
#[test]
fn a_reader_that_goes_away_has_no_backup() {
    let t = Test::new();
    t.run(["set", "g", "big", &"x".repeat(120_000)]).ok("");
    t.sh("{ larder backup -; echo $? >&2; } | true").exits(
        0,
        "",
        "larder: backup: standard output: it was closed before the whole backup was written\n10\n",
    );
}

/// Signals are heard while a stream is written, and the copy it comes from has
/// no name by then.
#[test]
fn a_stream_that_is_ended_leaves_nothing() {
    let t = Test::new();
    t.run(["set", "g", "big", &"x".repeat(120_000)]).ok("");
    t.run(["set", "g", "more", &"x".repeat(120_000)]).ok("");
    std::fs::create_dir(t.path("tmp")).unwrap();
    for signal in ["INT", "TERM", "HUP", "KILL"] {
        // Its pipe is full, and nobody reads it.
        let script = format!(
            "exec 2>/dev/null; mkfifo pipe; export TMPDIR=$PWD/tmp
             env --default-signal=INT larder backup - > pipe & exec 3< pipe
             until [ \"$(head -c 16 <&3 | tr -d '\\0')\" = 'SQLite format 3' ]; do :; done
             kill -{signal} $!; wait $!; s=$?; rm pipe; exit $s"
        );
        let output = t.sh(&script).output();
        assert!(output.status.code().is_some_and(|code| code > 128), "{signal}: {output:?}");
        assert!(std::fs::read_dir(t.path("tmp")).unwrap().next().is_none(), "{signal}");
    }
}
