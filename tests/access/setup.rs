//! Who makes a vault's files, and the script that sets one up.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use crate::vault::{ALICE, BOB, GROUP, ROOT, Vault, own};

/// The first user to come made the log and the shared memory, and so owned
/// them: he could open them again through /proc, read what all others wrote
/// and overwrite what had been acknowledged. Only root makes them now, and
/// what is not root's is not used.
#[test]
fn only_root_makes_the_files_of_a_vault() {
    let Some(vault) = Vault::new() else { return };
    vault.ok(ALICE, "larder --db $DB set g k v");
    for name in ["store.db-wal", "store.db-shm"] {
        let file = vault.path("v").join(name);
        own(&file, ALICE, GROUP, 0o660);
        let said = vault.fails(BOB, 7, "larder --db $DB get g k");
        assert!(said.contains(name) && said.contains("must belong to root"), "{said}");
        own(&file, ROOT, GROUP, 0o660);
    }
    // As after a copy that came alone, or a foreign client's last close.
    vault.ok(ROOT, "sqlite3 $DB 'PRAGMA wal_checkpoint(TRUNCATE)' >/dev/null; rm -f $DB-wal $DB-shm");
    let said = vault.fails(ALICE, 10, "larder --db $DB set g k w");
    assert!(said.contains("root makes a vault's files by using it once"), "{said}");
    assert!(!vault.path("v/store.db-wal").exists() && !vault.path("v/store.db-shm").exists());
    vault.ok(ROOT, "larder --db $DB info >/dev/null");
    vault.ok(ALICE, "larder --db $DB set g k w");
    assert_eq!(vault.ok(BOB, "larder --db $DB get g k"), "w");
    for name in ["store.db-wal", "store.db-shm"] {
        assert_eq!(fs::metadata(vault.path("v").join(name)).unwrap().uid(), 0, "{name}");
    }
    vault.is_whole();
}

/// The script overwrote the list of vaults, and undoing it deleted the list,
/// with all other vaults in it.
#[test]
fn the_script_adds_a_line_and_takes_it_away() {
    let Some(vault) = Vault::new() else { return };
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/.ci/deb/setgid-vault.sh");
    let list = vault.path("etc/vaults");
    let before = fs::read_to_string(&list).unwrap();
    // Nothing of the machine's own is touched: /var/lib and the list of groups
    // are others in the namespace that the command runs in.
    let own_world = format!(
        "mount -t tmpfs none /var/lib && cp /etc/group groups && echo larder:x:{GROUP}: >>groups && mount --bind groups /etc/group"
    );
    let run = |arguments: &str| {
        vault.ok(ROOT, &format!("{{ {own_world} && sh {script} && sh {script} {arguments}; }} >/dev/null"))
    };
    run("");
    assert_eq!(fs::read_to_string(&list).unwrap(), format!("{before}/var/lib/larder/larder.db\n"));
    let program = || fs::metadata(vault.path("bin/larder")).unwrap().permissions().mode() & 0o7777;
    assert_eq!(program(), 0o2755);
    // Others are listed, and still need the program to be setgid.
    run("undo");
    assert_eq!(fs::read_to_string(&list).unwrap(), before);
    assert_eq!(program(), 0o2755);
    fs::write(&list, "# none\n").unwrap();
    run("undo");
    assert!(!list.exists());
    assert_eq!(program(), 0o755);
}
