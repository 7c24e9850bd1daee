//! Crowds: fifty processes at once, at every moment that is awkward.

use std::fs;
use std::process::Child;
use std::thread;

use crate::harness::{Home, OLD_FORMS, Rng, old_store, size, told};

const CROWD: usize = 50;

/// Fifty writers and readers at once; `beside` runs meanwhile. None may fail.
fn storm(home: &Home, rng: &mut Rng, beside: impl FnOnce() + Send) {
    thread::scope(|scope| {
        let children: Vec<(Vec<String>, Child)> = (0..CROWD)
            .map(|n| {
                let key = format!("k{n}");
                let words: &[&str] = match rng.below(6) {
                    0 => &["get", "storm", "absent", "--default", "none"],
                    1 => &["list", "storm"],
                    2 => &["incr", "storm", "counter"],
                    _ => &["set", "storm", &key, "v"],
                };
                let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
                let child = home.start(&words);
                (words, child)
            })
            .collect();
        scope.spawn(beside);
        let (mut sets, mut increments, mut migrated) = (Vec::new(), 0, 0);
        for (words, child) in children {
            let output = child.wait_with_output().unwrap();
            assert!(output.status.success(), "{words:?}: {}", told(&output));
            // Whoever comes first to an old file brings it up to date, and says so.
            let note = output.stderr.starts_with(b"larder: migrated ");
            migrated += usize::from(note);
            assert!(note || output.stderr.is_empty(), "{words:?}: {}", told(&output));
            match words[0].as_str() {
                "set" => sets.push(words[2].clone()),
                "incr" => increments += 1,
                _ => {}
            }
        }
        assert!(migrated <= 1, "{migrated} migrated the same file");
        let listed = home.ok(["list", "storm"]);
        let keys: Vec<&str> = listed.lines().collect();
        assert!(sets.iter().all(|key| keys.contains(&key.as_str())), "a set was lost");
        if increments > 0 {
            let counter: usize = home.ok(["get", "storm", "counter"]).trim().parse().unwrap();
            assert!(counter >= increments, "{counter} of {increments} increments");
        }
    });
    home.check();
}

#[test]
fn on_a_new_file() {
    let mut rng = Rng::new("storm::on_a_new_file");
    for _ in 0..4 {
        storm(&Home::new(), &mut rng, || {});
    }
}

/// A store that another process made between two looks at the path was taken
/// for a symbolic link to nothing: one `set` in some thousand failed with 7.
#[test]
fn a_store_that_appears_is_no_broken_link() {
    use larder::store::{Store, StoreOptions};
    let home = Home::new();
    let done = std::sync::atomic::AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                fs::write(home.db(), "").unwrap();
                fs::remove_file(home.db()).unwrap();
            }
        });
        // An empty file is a store yet to be filled, so there is none to open.
        let opened = (0..size(20_000)).map(|_| Store::open(&StoreOptions::new(home.db())));
        let failed = opened.filter_map(Result::err).map(|e| e.to_string()).find(|e| e.contains("link"));
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        assert_eq!(failed, None);
    });
}

/// An opener found the file unmarked, another one migrated it, and the first
/// then took larder's own marks for another program's: a plain `get` failed
/// with 7. The marks are read together with the tables now.
#[test]
fn on_an_old_file() {
    let mut rng = Rng::new("storm::on_an_old_file");
    for form in OLD_FORMS {
        let home = Home::new();
        old_store(&home.db(), form, 200);
        storm(&home, &mut rng, || {});
        assert_eq!(home.ok(["count", "g"]).trim(), "200", "{form}");
    }
}

#[test]
fn after_a_kill_that_left_a_log() {
    let mut rng = Rng::new("storm::after_a_kill_that_left_a_log");
    let home = Home::new();
    for n in 0..12 {
        home.ok(["set", "g", &format!("k{n}"), "v"]);
    }
    let mut victim = home.start(["set", "g", "last", "v"]);
    victim.kill().unwrap();
    victim.wait().unwrap();
    assert!(fs::metadata(home.file("s.db-wal")).unwrap().len() > 0);
    storm(&home, &mut rng, || {});
}

#[test]
fn beside_purge_backup_restore_check_and_checkpoints() {
    let mut rng = Rng::new("storm::beside_purge_backup_restore_check_and_checkpoints");
    let home = Home::new();
    old_store(&home.db(), "entries", 2000);
    home.ok(["set", "storm", "k", "v"]);
    home.sql().execute_batch("UPDATE entries SET expires_at=1 WHERE group_name='g' AND rowid%2").unwrap();
    let beside: [&(dyn Fn() + Sync); 5] = [
        &|| drop(home.ok(["purge", "--keep-changes", "10"])),
        &|| drop(home.ok(["backup", "copy.db"])),
        &|| drop(home.ok(["check"])),
        &|| {
            for _ in 0..20 {
                let _ = home.sql().query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
            }
        },
        &|| drop(home.ok(["purge", "--vacuum"])),
    ];
    for work in beside {
        storm(&home, &mut rng, work);
    }
}
