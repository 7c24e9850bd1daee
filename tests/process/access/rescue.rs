//! Check and restore by users who may write a store but not its directory.

use std::fs;
use std::os::unix::fs::MetadataExt;

use crate::access::vault::{ALICE, BOB, GROUP, ROOT, Vault, own};

/// A store of root's that everybody may write, in a directory that nobody else
/// may, and Alice's backup of it.
fn shared() -> Option<Vault> {
    let vault = Vault::new()?;
    fs::create_dir(vault.path("shared")).unwrap();
    own(&vault.path("shared"), ROOT, ROOT, 0o755);
    // Of a setgid program's environment TMPDIR does not get past the C library.
    fs::copy(env!("CARGO_BIN_EXE_larder"), vault.path("bin/plain")).unwrap();
    own(&vault.path("bin/plain"), ROOT, ROOT, 0o755);
    vault.ok(ROOT, "cd ../shared; umask 0; larder --db s.db set g k old; chmod 666 s.db*");
    vault.ok(ALICE, "larder --db ../shared/s.db backup b.db; larder --db ../shared/s.db set g k new");
    Some(vault)
}

fn names(vault: &Vault, directory: &str) -> Vec<String> {
    let read = fs::read_dir(vault.path(directory)).unwrap();
    let mut names: Vec<String> =
        read.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn a_restore_needs_the_store_and_not_its_directory() {
    let Some(vault) = shared() else { return };
    vault.ok(ALICE, "mkdir tmp; TMPDIR=$HOME/tmp plain --db ../shared/s.db restore b.db --yes");
    assert_eq!(vault.ok(BOB, "larder --db ../shared/s.db get g k"), "old");
    assert_eq!(names(&vault, "shared"), ["s.db", "s.db-shm", "s.db-wal"]);
    assert_eq!(names(&vault, &format!("home-{ALICE}/tmp")), [""; 0]);
    let err = vault.fails(ALICE, 10, "TMPDIR=$HOME/none plain --db ../shared/s.db restore b.db --yes");
    let none = vault.home(ALICE).join("none");
    assert_eq!(err, format!("larder: restore: {:?}: No such file or directory\n", none.to_string_lossy()));
}

/// Nothing can be put aside there: the damaged pages are overwritten.
#[test]
fn a_damaged_store_is_overwritten_where_nothing_can_be_put_aside() {
    let Some(vault) = shared() else { return };
    let root = vault.ok(
        ROOT,
        "sqlite3 ../shared/s.db \"SELECT rootpage FROM sqlite_schema WHERE name='larder_changes'; PRAGMA wal_checkpoint(TRUNCATE)\" | head -1",
    );
    let root: usize = root.trim().parse().unwrap();
    let path = vault.path("shared/s.db");
    let mut content = fs::read(&path).unwrap();
    content[(root - 1) * 4096..root * 4096].fill(0xa5);
    fs::write(&path, &content).unwrap();
    // Makes the files beside it again, which Alice cannot.
    vault.ok(ROOT, "umask 0; larder --db ../shared/s.db get g k");
    let (code, out, err) = vault.sh(ALICE, "larder --db ../shared/s.db check");
    assert!(code == 7 && out.contains("btreeInitPage"), "{code} {out} {err}");
    vault.ok(ALICE, "larder --db ../shared/s.db restore b.db --yes");
    assert_eq!(vault.ok(BOB, "larder --db ../shared/s.db get g k"), "old");
    assert_eq!(names(&vault, "shared"), ["s.db", "s.db-shm", "s.db-wal"]);
    // A store without a head can only be put aside, and asked by its owner.
    content[..100].fill(0xa5);
    fs::write(&path, &content).unwrap();
    fs::write(vault.path("shared/s.db-wal"), "").unwrap();
    let err = vault.fails(ALICE, 5, "larder --db ../shared/s.db restore b.db --yes");
    assert_eq!(err, "larder: restore: only the store's owner and root may replace a damaged store\n");
    let err = vault.fails(ALICE, 5, "larder --db ../shared/s.db check");
    assert_eq!(err, "larder: check: only the store's owner and root may check a broken store\n");
}

/// The copy lies where the caller can change it after it was verified.
#[test]
fn a_vault_is_restored_by_root() {
    let Some(vault) = Vault::new() else { return };
    vault.ok(ALICE, "larder --db $DB set g k old; larder --db $DB backup b.db; larder --db $DB set g k new");
    let err = vault.fails(ALICE, 5, "larder --db $DB restore b.db --yes");
    assert_eq!(err, "larder: restore: only root may restore a vault\n");
    assert_eq!(vault.ok(ALICE, "larder --db $DB get g k"), "new");
    vault.ok(ROOT, &format!("larder --db $DB restore ../home-{ALICE}/b.db --yes"));
    assert_eq!(vault.ok(ALICE, "larder --db $DB get g k"), "old");
    vault.is_whole();
}

/// A restore puts a new file in the place of a damaged one, and what lay beside
/// that goes with it. The first user to come made both files anew and owned
/// them; root leaves both behind now.
#[test]
fn a_vault_that_was_replaced_has_roots_files() {
    let Some(vault) = Vault::new() else { return };
    vault.ok(ALICE, "larder --db $DB set g k old; larder --db $DB backup b.db");
    vault.ok(ROOT, "dd if=/dev/zero of=$DB bs=4096 count=4 conv=notrunc 2>/dev/null");
    vault.ok(ROOT, &format!("umask 077; larder --db $DB restore ../home-{ALICE}/b.db --yes >/dev/null 2>&1"));
    for name in ["store.db", "store.db-wal", "store.db-shm"] {
        let meta = fs::metadata(vault.path("v").join(name)).unwrap();
        assert_eq!((meta.uid(), meta.gid(), meta.mode() & 0o7777), (ROOT, GROUP, 0o660), "{name}");
    }
    assert_eq!(vault.ok(ALICE, "larder --db $DB get g k && larder --db $DB set g k new"), "old");
    assert_eq!(vault.ok(BOB, "larder --db $DB get g k"), "new");
}
