//! What may stand at a store's path, and what must not.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;

use rusqlite::Connection;

use crate::common::Test;

fn mode(path: impl AsRef<Path>) -> u32 {
    std::fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

/// Reads and writes are refused with this message after the path, and the file
/// stays what it was.
#[track_caller]
fn refused(t: &Test, name: &str, why: &str) {
    let before =
        std::fs::metadata(t.path(name)).ok().filter(std::fs::Metadata::is_file).map(|_| t.read(name));
    let files = t.files();
    let shown = t.path(name).display().to_string();
    t.run(["get", "g", "k", "--db", name]).fails(7, format!("larder: get: {shown:?} {why}\n"));
    t.run(["set", "g", "k", "v", "--db", name]).fails(7, format!("larder: set: {shown:?} {why}\n"));
    t.run(["set", "g", "k", "v", "--json"]).env("LARDER_DB", name).json_error(7, "unusable_store");
    assert_eq!(t.files(), files, "{name}");
    if let Some(before) = before {
        assert!(t.read(name) == before, "{name} was changed");
    }
}

#[test]
fn a_new_store_is_private() {
    for umask in ["000", "022", "077"] {
        let t = Test::new();
        t.sh(&format!("umask {umask}; larder --db a/b/s.db set g k v")).ok("");
        assert_eq!((mode(t.path("a")), mode(t.path("a/b"))), (0o700, 0o700), "umask {umask}");
        for file in ["a/b/s.db", "a/b/s.db-wal", "a/b/s.db-shm"] {
            assert_eq!(mode(t.path(file)), 0o600, "{file}, umask {umask}");
        }
    }
}

#[test]
fn modes_of_what_is_there_are_kept() {
    let t = Test::new();
    std::fs::create_dir(t.path("d")).unwrap();
    std::fs::set_permissions(t.path("d"), std::fs::Permissions::from_mode(0o755)).unwrap();
    t.write("d/s.db", "");
    std::fs::set_permissions(t.path("d/s.db"), std::fs::Permissions::from_mode(0o640)).unwrap();
    t.run(["set", "g", "k", "v", "--db", "d/s.db"]).ok("");
    assert_eq!(
        (mode(t.path("d")), mode(t.path("d/s.db")), mode(t.path("d/s.db-wal"))),
        (0o755, 0o640, 0o640)
    );
}

#[test]
fn reading_what_is_not_there_creates_nothing() {
    let t = Test::new();
    t.run(["get", "g", "k"]).fails_with(1, "no key");
    t.run(["ttl", "g", "k"]).fails_with(1, "no key");
    t.run(["list"]).ok("");
    t.run(["count"]).ok("0\n");
    t.run(["delete", "g", "k"]).ok("");
    t.run(["expire", "g", "k", "--never"]).fails_with(1, "no key");
    t.run(["purge"]).ok("");
    t.run(["info"]).output();
    t.run(["get", "g", "k", "--db", "a/b/c.db"]).fails_with(1, "no key");
    assert_eq!(t.files(), [""; 0]);
    // An empty file is a store to come.
    t.write("empty.db", "");
    t.run(["get", "g", "k", "--db", "empty.db"]).fails_with(1, "no key");
    assert_eq!((t.files(), t.read("empty.db").len()), (vec!["empty.db".to_owned()], 0));
    t.run(["set", "g", "k", "v", "--db", "empty.db"]).ok("");
    t.run(["get", "g", "k", "--db", "empty.db"]).ok("v");
}

#[test]
fn what_is_no_file_is_refused() {
    let t = Test::new();
    std::fs::create_dir(t.path("dir")).unwrap();
    refused(&t, "dir", "is a directory, not a store");
    refused(&t, "dir/", "is a directory, not a store");
    nix::unistd::mkfifo(&t.path("fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    refused(&t, "fifo", "is a FIFO, not a store");
    let _listener = UnixListener::bind(t.path("socket")).unwrap();
    refused(&t, "socket", "is a socket, not a store");
    refused(&t, "/dev/null", "is a device, not a store");
    refused(&t, "/dev/full", "is a device, not a store");
    symlink("nowhere", t.path("dangling")).unwrap();
    refused(&t, "dangling", "is a symbolic link to nothing");
    symlink("fifo", t.path("to-fifo")).unwrap();
    refused(&t, "to-fifo", "is a FIFO, not a store");
}

#[test]
fn links() {
    let t = Test::new();
    t.run(["set", "g", "k", "v", "--db", "s.db"]).ok("");
    symlink("s.db", t.path("link")).unwrap();
    t.run(["get", "g", "k", "--db", "link"]).ok("v");
    t.run(["set", "g", "k", "w", "--db", "link"]).ok("");
    t.run(["get", "g", "k", "--db", "s.db"]).ok("w");
    assert!(!t.path("link-wal").exists());
    std::fs::hard_link(t.path("s.db"), t.path("hard")).unwrap();
    for name in ["s.db", "hard", "link"] {
        refused(&t, name, "has more than one name (hard links); a store must have one");
    }
    std::fs::remove_file(t.path("hard")).unwrap();
    t.run(["get", "g", "k", "--db", "s.db"]).ok("w");
}

/// SQLite would take such a name for a URI, say yes and store nothing.
#[test]
fn odd_paths_are_just_paths() {
    let t = Test::new();
    for name in [
        "file:x?mode=memory",
        ":memory:",
        "file::memory:",
        "a?b%20c#d",
        "new\nline",
        "ü",
        "-x",
        "a b'c\"",
        "..db",
    ] {
        t.run(["--db", &format!("./{name}"), "set", "g", "k", "--", name]).ok("");
        t.run(["get", "g", "k", &format!("--db={name}")]).ok(name);
        assert!(t.path(name).is_file(), "{name:?}");
    }
    std::fs::create_dir(t.path("d")).unwrap();
    t.run(["set", "g", "k", "v", "--db", "../s.db"]).cwd(t.path("d")).ok("");
    t.run(["get", "g", "k", "--db", "d/../s.db"]).ok("v");
    let odd = std::ffi::OsString::from("\u{fffd}");
    t.run(["get".as_ref(), "g".as_ref(), "k".as_ref(), "--db".as_ref(), odd.as_os_str()])
        .fails_with(1, "no key");
}

#[test]
fn a_path_that_is_no_text() {
    use std::os::unix::ffi::OsStrExt;
    let t = Test::new();
    let odd = std::ffi::OsStr::from_bytes(b"\xff\xfe.db");
    t.run(["set", "g", "k", "v"]).env("LARDER_DB", odd).ok("");
    t.run(["get", "g", "k"]).env("LARDER_DB", odd).ok("v");
    assert!(t.path(odd).is_file());
}

#[test]
fn places_where_no_store_can_be() {
    let t = Test::new();
    t.write("file", "not a directory");
    t.run(["set", "g", "k", "v", "--db", "file/s.db"]).fails_with(10, "Not a directory");
    t.run(["get", "g", "k", "--db", "file/s.db"]).fails_with(10, "Not a directory");
    t.run(["set", "g", "k", "v", "--db", "/proc/nowhere/s.db"]).fails_with(10, "cannot create store");
    t.run(["set", "g", "k", "v", "--db", &"x".repeat(300)]).fails_with(10, "File name too long");
    t.run(["set", "g", "k", "v", "--db", "absent/"]).fails_with(10, "Is a directory");
    symlink("loop", t.path("loop")).unwrap();
    t.run(["get", "g", "k", "--db", "loop"]).fails_with(10, "symbolic links");
    t.run(["set", "g", "k", "v", "--db", "loop", "--json"]).json_error(10, "io");
}

#[test]
fn garbage_is_refused_untouched() {
    let t = Test::new();
    let none = "is not a larder store (not an SQLite file)";
    for content in [&b"x"[..], b"garbage", &[0; 4096], &[0xff; 10_000]] {
        t.write("garbage", content);
        refused(&t, "garbage", none);
    }
}

#[test]
fn a_truncated_store_is_refused_untouched() {
    let t = Test::new();
    t.run(["set", "g", "k", "v"]).ok("");
    let store = std::fs::read(t.db()).unwrap();
    for length in [100, 512, 4096, 5000, store.len() - 4096] {
        t.write("cut", &store[..length]);
        let before = t.files();
        t.run(["get", "g", "k", "--db", "cut"]).fails_with(7, "cut\" is damaged");
        t.run(["set", "g", "k", "v", "--db", "cut"]).fails_with(7, "cut\" is damaged");
        assert_eq!((t.read("cut"), t.files()), (store[..length].to_vec(), before), "{length}");
    }
}

#[test]
fn other_databases_are_refused_untouched() {
    let t = Test::new();
    let make = |name: &str, sql: &str| {
        let conn = Connection::open(t.path(name)).unwrap();
        conn.execute_batch(sql).unwrap();
    };
    let not = |why: &str| format!("is not a larder store: {why}");
    make("other", "CREATE TABLE notes(x)");
    refused(&t, "other", &not("it holds none of a store's tables"));
    make("wal", "PRAGMA journal_mode=WAL; CREATE TABLE notes(x)");
    refused(&t, "wal", &not("it holds none of a store's tables"));
    make("marked", "PRAGMA application_id=1234; CREATE TABLE entries(group_name,entry_key,entry_value)");
    refused(&t, "marked", &not("it is marked as another program's database"));
    make("versioned", "PRAGMA user_version=1; CREATE TABLE entries(group_name,entry_key,entry_value)");
    refused(
        &t,
        "versioned",
        &not(
            "it is marked as another program's database (user_version 1); if it is go-store's: PRAGMA user_version=0",
        ),
    );
    make("columns", "CREATE TABLE entries(id,title)");
    refused(&t, "columns", &not("its table \"entries\" has other columns"));
    make("more", "CREATE TABLE entries(group_name,entry_key,entry_value,expires_at,colour)");
    refused(&t, "more", &not("its table \"entries\" has other columns"));
    make("generated", "CREATE TABLE entries(group_name,entry_key,entry_value,expires_at AS (1))");
    refused(&t, "generated", &not("its table \"entries\" has other columns"));
    make("view", "CREATE VIEW entries AS SELECT 1 AS group_name, 2 AS entry_key, 3 AS entry_value");
    refused(&t, "view", &not("it has the view \"entries\""));
    make("index", "CREATE TABLE t(x); CREATE INDEX entries ON t(x)");
    refused(&t, "index", &not("it holds none of a store's tables"));
    make(
        "trigger",
        "CREATE TABLE kv(grp,key,value); CREATE TRIGGER t AFTER INSERT ON kv BEGIN DELETE FROM kv; END",
    );
    refused(
        &t,
        "trigger",
        &not("it has the trigger \"t\"; without it, it can be migrated: DROP TRIGGER \"t\""),
    );
    make(
        "own index",
        "CREATE TABLE entries(group_name,entry_key,entry_value); CREATE UNIQUE INDEX i ON entries(entry_value)",
    );
    refused(
        &t,
        "own index",
        &not("it has the index \"i\"; without it, it can be migrated: DROP INDEX \"i\""),
    );
    make("taken", "CREATE TABLE kv(grp,key,value); CREATE TABLE larder_changes(x)");
    refused(&t, "taken", &not("it has the table \"larder_changes\""));
    make("utf16", "PRAGMA encoding='UTF-16'; CREATE TABLE kv(grp,key,value)");
    refused(&t, "utf16", &not("its text is UTF-16le, not UTF-8"));
    make("utf16 empty", "PRAGMA encoding='UTF-16'; CREATE TABLE t(x); DROP TABLE t");
    refused(&t, "utf16 empty", &not("its text is UTF-16le, not UTF-8"));
    let rows = "cannot be migrated: it has an entry without a group or key, or the same key twice";
    make("null", "CREATE TABLE kv(grp,key,value); INSERT INTO kv VALUES('g',NULL,'v')");
    refused(&t, "null", rows);
    make(
        "twice",
        "CREATE TABLE entries(group_name,entry_key,entry_value); INSERT INTO entries VALUES('g','k','1'),('g','k','2')",
    );
    refused(&t, "twice", rows);
    make("blob", "CREATE TABLE kv(grp,key,value); INSERT INTO kv VALUES(x'67','k','v')");
    refused(&t, "blob", rows);
}

#[test]
fn a_full_disk_and_a_read_only_store() {
    let t = Test::new();
    t.run(["set", "g", "k", "v"]).ok("");
    if nix::unistd::geteuid().is_root() {
        // Root may write anything.
        return;
    }
    let dir = t.path(".local/share/larder");
    std::fs::set_permissions(t.db(), std::fs::Permissions::from_mode(0o400)).unwrap();
    t.run(["get", "g", "k"]).ok("v");
    t.run(["set", "g", "k", "w"]).fails_with(10, "");
    std::fs::set_permissions(&dir, std::fs::Permissions::from_mode(0o000)).unwrap();
    t.run(["get", "g", "k"]).fails_with(10, "Permission denied");
    t.run(["set", "g", "k", "w"]).fails_with(10, "Permission denied");
    std::fs::set_permissions(&dir, std::fs::Permissions::from_mode(0o700)).unwrap();
}

/// Through a symbolic link larder looked for the log beside the link, found
/// none, and never checkpointed: the log grew without bound, and every command
/// read all of it. `info` said that there was none.
#[test]
fn a_link_does_not_switch_checkpoints_off() {
    let t = Test::new();
    t.run(["set", "g", "k", "v", "--db", "s.db"]).ok("");
    symlink("s.db", t.path("link")).unwrap();
    let mut longest = 0;
    for n in 0..100 {
        t.run(["set", "g", "k", &n.to_string(), "--db", "link"]).ok("");
        let length = std::fs::metadata(t.path("s.db-wal")).unwrap().len();
        longest = longest.max(length);
        if n == 0 {
            assert_eq!(t.run(["info", "--json", "--db", "link"]).json()["wal_bytes"], length);
        }
    }
    // The limit of 64 frames of a page, and the frames of the last write.
    assert!(longest < 80 * 4120, "{longest}");
}

/// The guard against writing over the store looked beside the link as well, so
/// `-o` replaced the live log: writes that had been acknowledged were gone.
#[test]
fn output_onto_the_log_behind_a_link_is_refused() {
    let t = Test::new();
    t.run(["set", "g", "k", "v", "--db", "s.db"]).ok("");
    symlink("s.db", t.path("link")).unwrap();
    for command in [&["get", "g", "k"][..], &["export"]] {
        let words = [command, &["-o", "s.db-wal", "--db", "link"]].concat();
        t.run(words).fails_with(2, "is the store itself");
    }
    t.run(["get", "g", "k", "--db", "s.db"]).ok("v");
}

/// A store named by a link was restored without its log: an old state, with
/// status 0.
#[test]
fn a_restore_from_a_link_has_what_is_in_the_log() {
    let t = Test::new();
    t.run(["set", "g", "k", "v", "--db", "s.db"]).ok("");
    symlink("s.db", t.path("link")).unwrap();
    t.run(["restore", "link", "--yes", "--db", "new.db"]).ok("");
    t.run(["get", "g", "k", "--db", "new.db"]).ok("v");
}

/// A file that is mounted by itself has one link and two names, each with a log
/// of its own: acknowledged writes were lost, and the file was damaged.
#[test]
fn a_store_that_is_mounted_by_itself_is_refused() {
    let t = Test::new();
    t.run(["set", "g", "k", "v", "--db", "s.db"]).ok("");
    t.write("mounted", "");
    let script = "mount --bind s.db mounted || exit 99; larder --db mounted get g k; echo $?; \
                  larder --db mounted set g k w; echo $?; larder --db new.db restore mounted --yes; echo $?; \
                  larder --db s.db get g k";
    let output = t.sh(&format!("exec unshare --mount --propagation private sh -c '{script}'")).output();
    if !output.status.success() {
        assert!(!nix::unistd::geteuid().is_root(), "{output:?}");
        return;
    }
    assert_eq!(String::from_utf8_lossy(&output.stdout), "7\n7\n7\nv");
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(told.matches("mount the directory that holds the store instead").count(), 3, "{told}");
    assert!(!t.path("mounted-wal").exists() && !t.path("new.db").exists());
}

/// SQLite takes paths and names only so long, and failed in the middle of
/// making the store: permissions were blamed, and an empty file was left.
#[test]
fn a_path_that_is_too_long_leaves_nothing() {
    let t = Test::new();
    let name = "n".repeat(248);
    t.run(["set", "g", "k", "v", "--db", &name])
        .fails_with(10, "File name too long: the name of a store can have at most 247 bytes");
    let room = 505 - t.path("").as_os_str().len();
    let deep = format!("{}/{}/{}", "c".repeat(150), "d".repeat(room - 252), "s".repeat(100));
    assert_eq!(t.path(&deep).as_os_str().len(), 505);
    t.run(["set", "g", "k", "v", "--db", &deep])
        .fails_with(10, "File name too long: the path of a store can have at most 504 bytes");
    assert_eq!(t.files(), [""; 0]);
    t.run(["set", "g", "k", "v", "--db", &name[1..]]).ok("");
    t.run(["set", "g", "k", "v", "--db", &deep[1..]]).ok("");
}

/// A mistyped --db or a wrong HOME was an empty success: the nightly export of
/// a store that is not there is an empty file and status 0.
#[test]
fn a_store_that_must_exist_is_missed() {
    let t = Test::new();
    t.write("lines", "{\"op\":\"get\",\"group\":\"g\",\"key\":\"k\"}\n");
    let lines = [
        "set g k v",
        "get g k",
        "get g k --default x",
        "list",
        "count",
        "delete g k",
        "ttl g k",
        "expire g k --never",
        "incr g k",
        "purge",
        "render g lines",
        "batch lines",
        "export",
        "export -o out",
        "import lines",
        "watch --timeout 1s",
        "consumer list",
        "history g k",
        "quota show",
        "namespace list",
        "backup b.db",
        "restore lines --yes",
        "access list",
        "info",
        "check",
    ];
    let expected = "there is no store at \"absent/s.db\"\nhint: check --db, LARDER_DB and HOME\n";
    for line in lines {
        let command = line.split(' ').next().expect("a command");
        t.run(["--must-exist", "--db", "absent/s.db"].into_iter().chain(line.split(' ')))
            .fails(10, format!("larder: {command}: {expected}"));
    }
    for command in ["lock", "memo"] {
        t.run([command, "g", "k", "--ttl", "1h", "--must-exist", "--db", "absent/s.db", "--", "/bin/true"])
            .fails(125, format!("larder: {command}: {expected}"));
    }
    assert_eq!(t.files(), ["lines"]);
    // An empty file is a store that is yet to be made.
    t.write("empty.db", "");
    t.run(["--must-exist", "--db", "empty.db", "export"]).fails_with(10, "there is no store at \"empty.db\"");
    t.run(["set", "g", "k", "v", "--db", "s.db"]).ok("");
    t.run(["get", "g", "k", "--db", "s.db", "--must-exist"]).ok("v");
}
