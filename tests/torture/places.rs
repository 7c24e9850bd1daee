//! Odd places: what stands at the path, who may write there, how it is named.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::process::Command;

use crate::harness::{Home, LARDER, skip, told};

/// Everything that is not a plain file of one name is refused with 7, and left
/// as it was; a FIFO does not hang.
#[test]
fn what_is_no_file_is_no_store() {
    let home = Home::new();
    home.sh_ok("mkfifo fifo; mkdir folder; ln -s folder to-folder; ln -s nowhere dangling; ln -s loop loop; \"$L\" set g k v; ln s.db second");
    for (path, word) in [
        ("fifo", "FIFO"),
        ("folder", "directory"),
        ("to-folder", "directory"),
        ("/dev/null", "device"),
        ("/dev/zero", "device"),
        ("/dev/stdin", ""),
        ("dangling", "symbolic link"),
        ("second", "hard link"),
        ("s.db", "hard link"),
    ] {
        for words in [&["get", "g", "k"][..], &["set", "g", "k", "v"], &["list"], &["check"], &["purge"]] {
            let output = home
                .sh("exec timeout 10 \"$L\" \"$@\" </dev/null")
                .args(["sh", "--db", path])
                .args(words)
                .output()
                .unwrap();
            assert_eq!(output.status.code(), Some(7), "{path} {words:?}: {}", told(&output));
            assert!(String::from_utf8_lossy(&output.stderr).contains(word), "{path}: {}", told(&output));
        }
    }
    assert!(fs::metadata(home.file("fifo")).unwrap().file_type().is_fifo());
    assert!(!home.file("nowhere").exists());
    let looped = home.run(["--db", "loop", "get", "g", "k"]);
    assert_eq!(looped.status.code(), Some(10), "{}", told(&looped));
}

/// A name is a name: it is never an option, a URI, or two lines of an error.
#[test]
fn any_name_will_do() {
    for name in [
        "-leading",
        "--db",
        "file:x.db?mode=memory",
        "file:x",
        ":memory:",
        "new\nline",
        "per%41cent",
        "sp ace",
        "q?u#o'te\"",
        "ümlaut",
        "*",
    ] {
        let home = Home::new();
        let path = format!("--db={name}");
        home.ok([&path, "set", "g", "k", "v"]);
        assert_eq!(home.ok([&path, "get", "g", "k"]), "v");
        assert!(home.file(name).exists(), "{name:?} is not where it was asked for");
        let backup = format!("copy of {name}");
        home.ok([&path, "backup", "--", &backup]);
        home.ok([&path, "set", "g", "k", "w"]);
        home.ok([&path, "restore", "--yes", "--", &backup]);
        assert_eq!(home.ok([&path, "get", "g", "k"]), "v");
        let output = home.run([&path, "get", "g", "absent"]);
        assert_eq!(String::from_utf8_lossy(&output.stderr).lines().count(), 1);
        fs::write(home.file("text"), "x").unwrap();
        fs::rename(home.file("text"), home.file(name)).unwrap();
        let output = home.run([&path, "get", "g", "k"]);
        assert_eq!(output.status.code(), Some(7), "{}", told(&output));
        assert_eq!(String::from_utf8_lossy(&output.stderr).lines().count(), 1, "{}", told(&output));
    }
}

/// Neither an open nor a closed umask changes who can read a store.
#[test]
fn the_umask_decides_nothing() {
    for umask in ["000", "077", "027"] {
        let home = Home::new();
        home.sh_ok(&format!(
            "umask {umask}; \"$L\" --db deep/er/s.db set g k v && \"$L\" --db deep/er/s.db backup b.db"
        ));
        let mode = |name: &str| fs::metadata(home.file(name)).unwrap().permissions().mode() & 0o777;
        for file in ["deep/er/s.db", "deep/er/s.db-wal", "deep/er/s.db-shm", "b.db"] {
            assert_eq!(mode(file), 0o600, "umask {umask}: {file}");
        }
        assert_eq!((mode("deep"), mode("deep/er")), (0o700, 0o700), "umask {umask}");
    }
}

/// A user without a name, to whom root's files are closed.
fn as_nobody(home: &Home, script: &str) -> std::process::Output {
    Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups", "/bin/sh", "-c", script])
        .env_clear()
        .envs([("L", LARDER), ("PATH", "/usr/bin:/bin"), ("HOME", home.path().to_str().unwrap())])
        .current_dir(home.path())
        .output()
        .unwrap()
}

/// A directory open to all, larder within reach of everybody; `None` if the
/// tests do not run as root.
fn open_home(test: &str) -> Option<Home> {
    let home = Home::new();
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o755)).unwrap();
    if as_nobody(&home, "\"$L\" --version").status.success() {
        return Some(home);
    }
    skip(test, "only root can act as somebody else");
    None
}

#[test]
fn a_directory_one_may_not_write_to() {
    let Some(home) = open_home("a_directory_one_may_not_write_to") else { return };
    let new = as_nobody(&home, "\"$L\" --db new.db set g k v");
    assert_eq!(new.status.code(), Some(10), "{}", told(&new));
    let nothing = as_nobody(&home, "\"$L\" --db new.db get g k");
    assert_eq!(nothing.status.code(), Some(1), "{}", told(&nothing));
    // A store in it, readable: read, or refused for want of -shm; never empty.
    home.ok(["set", "g", "k", "v"]);
    home.sh_ok("chmod 644 s.db s.db-wal s.db-shm");
    let read = as_nobody(&home, "\"$L\" --db s.db get g k");
    assert!(
        read.status.code() == Some(10) || (read.status.success() && read.stdout == b"v"),
        "{}",
        told(&read)
    );
    let write = as_nobody(&home, "\"$L\" --db s.db set g k w");
    assert_eq!(write.status.code(), Some(10), "{}", told(&write));
    home.sh_ok("chmod 600 s.db");
    for words in ["get g k", "set g k w", "list", "check", "backup /tmp/never", "restore s.db --yes"] {
        let closed = as_nobody(&home, &format!("\"$L\" --db s.db {words}"));
        assert!(matches!(closed.status.code(), Some(2 | 10)), "{words}: {}", told(&closed));
        assert!(closed.stdout.is_empty(), "{words}: {}", told(&closed));
    }
    assert_eq!(home.ok(["get", "g", "k"]), "v");
}

#[test]
fn a_read_only_mount() {
    let test = "a_read_only_mount";
    let home = Home::new();
    fs::create_dir(home.file("disk")).unwrap();
    if !home.sh("mount -t tmpfs tmpfs disk").output().unwrap().status.success() {
        return skip(test, "only root may mount a tmpfs");
    }
    home.ok(["--db", "disk/s.db", "set", "g", "k", "v"]);
    home.sh_ok("mount -o remount,ro disk");
    let outcomes: Vec<_> =
        ["get g k", "set g k w", "--db disk/new.db set g k v", "backup disk/copy.db", "backup copy.db"]
            .map(|words| home.sh(&format!("LARDER_DB=disk/s.db exec \"$L\" {words}")).output().unwrap())
            .into_iter()
            .collect();
    home.sh_ok("umount disk");
    assert!(outcomes[0].status.code() == Some(10) || outcomes[0].stdout == b"v", "{}", told(&outcomes[0]));
    for outcome in &outcomes[1..4] {
        assert_eq!(outcome.status.code(), Some(10), "{}", told(outcome));
    }
    assert!(matches!(outcomes[4].status.code(), Some(0 | 10)), "{}", told(&outcomes[4]));
}

/// In a directory like /tmp anybody can plant a link where a store or a backup
/// is about to be made. Nothing is made through it.
#[test]
fn a_link_planted_in_a_sticky_directory() {
    let Some(home) = open_home("a_link_planted_in_a_sticky_directory") else { return };
    fs::create_dir(home.file("tmp")).unwrap();
    fs::set_permissions(home.file("tmp"), fs::Permissions::from_mode(0o1777)).unwrap();
    let planted = as_nobody(
        &home,
        "ln -s ../victim tmp/s.db; ln -s ../victim tmp/copy.db; ln -s ../victim tmp/s2.db-wal",
    );
    assert!(planted.status.success(), "{}", told(&planted));
    for words in [&["--db", "tmp/s.db", "set", "g", "k", "v"][..], &["--db", "tmp/s.db", "get", "g", "k"]] {
        let output = home.run(words);
        assert_eq!(output.status.code(), Some(7), "{words:?}: {}", told(&output));
    }
    home.ok(["set", "g", "k", "v"]);
    let output = home.run(["backup", "tmp/copy.db"]);
    assert_eq!(output.status.code(), Some(10), "{}", told(&output));
    let _ = home.run(["--db", "tmp/s2.db", "set", "g", "k", "v"]);
    assert!(!home.file("victim").exists(), "a file was made through somebody else's link");
}

/// A link to a store that is there leads to it: SQLite resolves it first, so
/// the log lies beside the real file, and a restore leaves the link a link.
#[test]
fn a_link_to_a_store_leads_to_it() {
    let home = Home::new();
    home.ok(["set", "g", "k", "v"]);
    home.ok(["backup", "b.db"]);
    fs::create_dir(home.file("links")).unwrap();
    symlink("../s.db", home.file("links/l.db")).unwrap();
    home.ok(["--db", "links/l.db", "set", "g", "k", "w"]);
    assert_eq!(home.ok(["get", "g", "k"]), "w");
    home.ok(["--db", "links/l.db", "restore", "b.db", "--yes"]);
    assert_eq!(home.ok(["get", "g", "k"]), "v");
    assert_eq!(fs::read_dir(home.file("links")).unwrap().count(), 1);
    let inode = fs::metadata(home.db()).unwrap().ino();
    assert_eq!(fs::metadata(home.file("links/l.db")).unwrap().ino(), inode);
}

/// A process that has the store open while its name goes away must not write
/// to what nobody can read any more.
#[test]
fn a_store_that_loses_its_name_is_not_written_to() {
    use larder::store::{Condition, Error, Expiry, Store, StoreOptions};
    let home = Home::new();
    home.ok(["set", "g", "k", "v"]);
    for replaced in [false, true] {
        let store = Store::create(&StoreOptions::new(home.db())).unwrap();
        for suffix in ["", "-wal", "-shm"] {
            fs::remove_file(home.file(format!("s.db{suffix}"))).unwrap();
        }
        if replaced {
            home.ok(["set", "g", "other", "v"]);
        }
        let written = store.write(|tx| tx.set("g", "lost", b"v", Expiry::Never, &Condition::Any));
        assert!(matches!(written, Err(Error::Busy(_))), "{written:?}");
        home.ok(["set", "g", "k", "v"]);
        home.check();
    }
}

/// What SQLite keeps beside a database it finds by name alone. In a directory
/// like /tmp another user could give a store of mode 0600 a log, a journal or a
/// shared memory of his own: he read what was stored, or put his content in its
/// place, and `check` found nothing; a FIFO hung every command for ever.
#[test]
fn what_others_plant_beside_a_store_is_no_part_of_it() {
    let Some(home) = open_home("what_others_plant_beside_a_store_is_no_part_of_it") else { return };
    let planted = |name: &str, how: &str| {
        let output = as_nobody(&home, &format!("umask 0; {how} tmp/{name}"));
        assert!(output.status.success(), "{}", told(&output));
    };
    let refused = |words: &[&str], name: &str, why: &str| {
        let output = home
            .sh("exec timeout 10 \"$L\" --busy-timeout 100ms \"$@\"")
            .arg("sh")
            .args(words)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        let whole = text.contains(&format!("{name}\" {why}")) && text.contains("\nhint: ");
        assert!(output.status.code() == Some(7) && whole, "{words:?} {name} {why}: {}", told(&output));
    };
    let others = "does not belong to the database's owner";
    home.sh_ok("\"$L\" --db evil.db set g k EVIL; chmod 644 evil.db evil.db-wal");
    for (suffix, how, why) in [
        ("-wal", ": >", others),
        ("-wal", "cat evil.db-wal >", others),
        ("-shm", ": >", others),
        ("-journal", "head -c 4096 /dev/urandom >", others),
        ("-journal", "mkfifo", "is a FIFO"),
        ("-wal", "mkfifo", "is a FIFO"),
        ("-wal", "ln -s ../evil.db-wal", "is a symbolic link"),
    ] {
        home.sh_ok("rm -rf tmp; mkdir tmp; chmod 1777 tmp");
        home.ok(["--db", "tmp/s.db", "set", "g", "k", "v"]);
        // A closing client leaves a store without a log.
        home.sh_ok("sqlite3 tmp/s.db 'PRAGMA wal_checkpoint(TRUNCATE)' >/dev/null; rm -f tmp/s.db-*");
        // As another user's store, for root is let in everywhere.
        home.sh_ok("chown 7700:7700 tmp/s.db");
        planted(&format!("s.db{suffix}"), how);
        for words in [&["get", "g", "k"][..], &["set", "g", "k", "w"], &["check"]] {
            refused(&[&["--db", "tmp/s.db"], words].concat(), &format!("tmp/s.db{suffix}"), why);
        }
        home.sh_ok("rm -f tmp/s.db-*");
        assert_eq!(home.ok(["--db", "tmp/s.db", "get", "g", "k"]), "v", "{suffix}");
    }
    // Before there is a store.
    home.sh_ok("rm -rf tmp; mkdir tmp; chmod 1777 tmp");
    planted("new.db-wal", ": >");
    refused(&["--db", "tmp/new.db", "set", "g", "k", "v"], "tmp/new.db-wal", others);
    // Beside a backup.
    home.ok(["set", "g", "k", "mine"]);
    home.ok(["backup", "tmp/b.db"]);
    planted("b.db-wal", "cat evil.db-wal >");
    refused(&["restore", "tmp/b.db", "--yes"], "tmp/b.db-wal", others);
    assert_eq!(home.ok(["get", "g", "k"]), "mine");
}

/// A file beside a store that grants more than the store: what can be read is
/// narrowed, what others may have written is refused.
#[test]
fn a_file_beside_a_store_grants_no_more_than_it() {
    let home = Home::new();
    home.ok(["set", "g", "k", "v"]);
    home.sh_ok("chmod 644 s.db-wal s.db-shm");
    assert_eq!(home.ok(["get", "g", "k"]), "v");
    for name in ["s.db-wal", "s.db-shm"] {
        assert_eq!(fs::metadata(home.file(name)).unwrap().permissions().mode() & 0o777, 0o600, "{name}");
    }
    for name in ["s.db-wal", "s.db-shm"] {
        home.sh_ok(&format!("chmod 620 {name}"));
        let output = home.run(["get", "g", "k"]);
        assert_eq!(output.status.code(), Some(7), "{}", told(&output));
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(text.contains(&format!("{name}\" can be written by more users")), "{text}");
        home.sh_ok(&format!("chmod 600 {name}"));
    }
    home.sh_ok("ln s.db-wal second");
    let output = home.run(["get", "g", "k"]);
    assert_eq!(output.status.code(), Some(7), "{}", told(&output));
    home.sh_ok("rm second");
    assert_eq!(home.ok(["get", "g", "k"]), "v");
}

/// A store that a Unix group shares: whoever of the group comes first makes the
/// log, and it is good for the others.
#[test]
fn a_group_shares_a_store() {
    let Some(home) = open_home("a_group_shares_a_store") else { return };
    home.sh_ok("mkdir team; chgrp 7709 team; chmod 2770 team");
    let member = |user: u32, words: &str| {
        let output = home
            .sh(&format!(
                "exec setpriv --reuid={user} --regid={user} --groups=7709 \"$L\" --db team/s.db {words}"
            ))
            .output()
            .unwrap();
        assert!(output.status.success(), "{user} {words}: {}", told(&output));
        String::from_utf8(output.stdout).unwrap()
    };
    member(7701, "set g k one");
    home.sh_ok("chmod 660 team/s.db team/s.db-wal team/s.db-shm");
    home.sh_ok("sqlite3 team/s.db 'PRAGMA wal_checkpoint(TRUNCATE)' >/dev/null; rm -f team/s.db-*");
    member(7702, "set g k two");
    assert_eq!(fs::metadata(home.file("team/s.db-wal")).unwrap().uid(), 7702);
    assert_eq!(member(7701, "get g k"), "two");
    member(7703, "set g k three");
    // Where everybody can make files, and they get the group, the group of a
    // file says nothing.
    home.sh_ok("chmod 3777 team");
    let output = home.run(["--db", "team/s.db", "get", "g", "k"]);
    assert_eq!(output.status.code(), Some(7), "{}", told(&output));
    home.sh_ok("chmod 2770 team");
    assert_eq!(home.ok(["--db", "team/s.db", "get", "g", "k"]), "three");
}
