//! Damage: files cut short, overwritten, with pages in the wrong places, with
//! somebody else's log or without their own.
//!
//! SQLite keeps no checksums of its pages, so a damaged file may well open and
//! answer. The promise is: every status is a documented one, nothing panics,
//! hangs or is killed, and whatever answer is not the truth, `check` finds the
//! file wrong. Two things no program could know are excepted: a log that is
//! missing altogether leaves an older truth, and a log of another store that
//! holds all its pages makes the file that other store.

use std::fs;
use std::path::Path;
use std::process::Output;

use crate::harness::{DOCUMENTED, Home, Rng, size, told};

const PAGE: usize = 4096;

type Dump = Vec<(String, String, String)>;

/// A store with a few pages of every sort, part of it still in the log.
fn fill(home: &Home, mark: &str, keys: usize) {
    let line = |n: usize| {
        let value = format!("{mark}-{n}-{}", "x".repeat(n * 37 % 900));
        format!("INSERT INTO entries(group_name,entry_key,entry_value) VALUES('g{}','k{n}','{value}')", n % 3)
    };
    let lines = (0..keys).map(line).collect::<Vec<_>>().join(";");
    home.ok(["set", "g0", "first", mark]);
    home.sql().execute_batch(&format!("BEGIN;{lines};COMMIT;PRAGMA wal_checkpoint(TRUNCATE)")).unwrap();
}

/// What larder answers when asked for everything; `None` if it refuses.
fn answers(home: &Home) -> (Option<Dump>, Vec<Output>) {
    let mut outputs = Vec::new();
    let mut ask = |words: &[&str]| -> Option<String> {
        let output = home.sh("exec timeout 20 \"$L\" \"$@\"").arg("sh").args(words).output().unwrap();
        let text = output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned());
        outputs.push(output);
        text
    };
    let mut all = Vec::new();
    let mut whole = true;
    match ask(&["list"]) {
        None => whole = false,
        Some(groups) => {
            for group in groups.lines() {
                match ask(&["list", "--values", "--", group]) {
                    None => whole = false,
                    Some(listed) => all.extend(listed.lines().map(|line| {
                        let (key, value) = line.split_once('\t').unwrap_or((line, ""));
                        (group.to_owned(), key.to_owned(), value.to_owned())
                    })),
                }
            }
        }
    }
    for words in [&["get", "g0", "k3"][..], &["count"], &["info"], &["list", "g1", "--long"]] {
        ask(words);
    }
    (whole.then_some(all), outputs)
}

fn damage(rng: &mut Rng, db: &Path, other: &Path) -> String {
    let mut content = fs::read(db).unwrap();
    let pages = content.len() / PAGE;
    let wal = db.with_file_name("s.db-wal");
    let foreign = other.with_file_name("s.db-wal");
    let what = match rng.below(9) {
        0 => {
            let length = rng.below(content.len());
            content.truncate(length);
            format!("cut to {length} bytes")
        }
        1 => {
            content.truncate(rng.below(pages) * PAGE);
            format!("cut to {} pages", content.len() / PAGE)
        }
        2 => {
            let (at, length) = (rng.below(content.len()), 1 + rng.below(64));
            let end = (at + length).min(content.len());
            let noise = rng.bytes(end - at);
            content[at..end].copy_from_slice(&noise);
            format!("{length} bytes of noise at {at}")
        }
        3 => {
            let page = rng.below(pages);
            let noise = rng.bytes(PAGE);
            content[page * PAGE..(page + 1) * PAGE].copy_from_slice(&noise);
            format!("page {page} is noise")
        }
        4 => {
            let page = rng.below(pages);
            content[page * PAGE..(page + 1) * PAGE].fill(0);
            format!("page {page} is empty")
        }
        5 => {
            let (one, two) = (rng.below(pages), rng.below(pages));
            let copy = content[one * PAGE..(one + 1) * PAGE].to_vec();
            content.copy_within(two * PAGE..(two + 1) * PAGE, one * PAGE);
            content[two * PAGE..(two + 1) * PAGE].copy_from_slice(&copy);
            format!("pages {one} and {two} changed places")
        }
        6 => {
            let bit = rng.below(content.len() * 8);
            content[bit / 8] ^= 1 << (bit % 8);
            format!("bit {bit} is flipped")
        }
        7 => {
            let noise = rng.below(20_000);
            fs::write(&wal, rng.bytes(noise)).unwrap();
            "the log is noise".to_owned()
        }
        _ => {
            fs::copy(foreign, &wal).unwrap();
            "the log is another store's".to_owned()
        }
    };
    fs::write(db, content).unwrap();
    what
}

#[test]
fn a_damaged_store_does_not_lie_unnoticed() {
    let mut rng = Rng::new("a_damaged_store_does_not_lie_unnoticed");
    let (pristine, stranger) = (Home::new(), Home::new());
    fill(&pristine, "mine", 120);
    fill(&stranger, "other", 120);
    for n in 0..8 {
        stranger.ok(["set", "g1", &format!("k{n}"), "other"]);
    }
    let truth = pristine.dump();
    for round in 0..size(200) {
        let home = Home::new();
        fs::copy(pristine.db(), home.db()).unwrap();
        let what = damage(&mut rng, &home.db(), &stranger.db());
        let (answer, outputs) = answers(&home);
        for output in &outputs {
            assert!(
                output.status.code().is_some_and(|code| DOCUMENTED.contains(&code)),
                "round {round}, {what}: {}",
                told(output)
            );
        }
        let check = home.sh("exec timeout 20 \"$L\" check").output().unwrap();
        assert!(matches!(check.status.code(), Some(0 | 7 | 10)), "round {round}, {what}: {}", told(&check));
        if check.status.success() {
            // A file cut to nothing is an empty store waiting to be made one.
            let emptied = fs::metadata(home.db()).unwrap().len() == 0;
            assert!(
                emptied || answer.is_some_and(|answer| answer == truth),
                "round {round}, {what}: the answer is wrong, and check finds nothing"
            );
        }
        // Writing to it and repairing it may fail, but only as documented.
        for words in ["set g0 k3 v", "check --repair", "delete g1 --all", "purge", "check"] {
            let output = home.sh(&format!("exec timeout 20 \"$L\" {words}")).output().unwrap();
            let code = output.status.code();
            assert!(
                code.is_some_and(|code| DOCUMENTED.contains(&code)),
                "round {round}, {what}, {words}: {}",
                told(&output)
            );
        }
    }
}

/// Without its log a store is as old as its last checkpoint: an older truth,
/// whole and sound.
#[test]
fn a_missing_log_leaves_an_older_truth() {
    let home = Home::new();
    fill(&home, "old", 50);
    let old = home.dump();
    home.ok(["set", "g0", "later", "v"]);
    for suffix in ["-wal", "-shm"] {
        fs::remove_file(home.file(format!("s.db{suffix}"))).unwrap();
    }
    assert_eq!(home.dump(), old);
    home.check();
}
