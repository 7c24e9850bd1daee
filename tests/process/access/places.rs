//! What larder accepts as a vault, and as a list of vaults.

use std::fs;

use crate::access::vault::{ALICE, GROUP, ROOT, Vault, mode, own};

fn filled() -> Option<Vault> {
    let vault = Vault::new()?;
    vault.ok(ROOT, "larder --db $DB -n a set g k v");
    Some(vault)
}

const GET: &str = "larder --db $DB -n a get g k";

#[test]
fn a_list_that_others_can_change_is_no_list() {
    let Some(vault) = filled() else { return };
    assert_eq!(vault.ok(ALICE, GET), "v");
    let list = vault.path("etc/vaults");
    for bits in [0o666, 0o664] {
        mode(&list, bits);
        vault.fails(ALICE, 7, GET);
    }
    own(&list, ALICE, 0, 0o644);
    vault.fails(ALICE, 7, GET);
    own(&list, 0, 0, 0o644);
    mode(&vault.path("etc"), 0o775);
    vault.fails(ALICE, 7, GET);
    mode(&vault.path("etc"), 0o755);
    // What is not listed is opened with the caller's own rights.
    for text in ["", "# $DB\n", "v/store.db\n", "/\n", "\0\n"] {
        fs::write(&list, text).unwrap();
        vault.fails(ALICE, 10, GET);
    }
    fs::remove_file(&list).unwrap();
    vault.fails(ALICE, 10, GET);
    fs::write(vault.path("etc/elsewhere"), vault.db().to_str().unwrap()).unwrap();
    std::os::unix::fs::symlink("elsewhere", &list).unwrap();
    vault.fails(ALICE, 10, GET);
    fs::remove_file(&list).unwrap();
    fs::write(&list, format!("  {}  \r\n", vault.db().display())).unwrap();
    assert_eq!(vault.ok(ALICE, GET), "v");
}

#[test]
fn a_place_that_others_can_change_is_no_vault() {
    let Some(vault) = filled() else { return };
    let directory = vault.path("v");
    for bits in [0o2777, 0o2771, 0o2774] {
        mode(&directory, bits);
        vault.fails(ALICE, 7, GET);
    }
    own(&directory, ALICE, GROUP, 0o2770);
    vault.fails(ALICE, 7, GET);
    own(&directory, 0, ALICE, 0o2770);
    vault.fails(ALICE, 7, GET);
    own(&directory, 0, GROUP, 0o2770);
    for (file, code) in [("v/store.db", 7), ("v/store.db-wal", 7), ("v/store.db-shm", 7)] {
        let path = vault.path(file);
        mode(&path, 0o664);
        vault.fails(ALICE, code, GET);
        mode(&path, 0o600);
        vault.fails(ALICE, 10, GET);
        own(&path, 0, 0, 0o660);
        vault.fails(ALICE, 10, GET);
        own(&path, 0, GROUP, 0o660);
        fs::hard_link(&path, vault.path("second")).unwrap();
        vault.fails(ALICE, 7, GET);
        fs::remove_file(vault.path("second")).unwrap();
    }
    // A symbolic link on the way, or at its end.
    fs::rename(vault.path("v"), vault.path("real")).unwrap();
    std::os::unix::fs::symlink("real", vault.path("v")).unwrap();
    vault.fails(ALICE, 7, GET);
    fs::remove_file(vault.path("v")).unwrap();
    fs::rename(vault.path("real"), vault.path("v")).unwrap();
    fs::rename(vault.path("v/store.db"), vault.path("v/real.db")).unwrap();
    std::os::unix::fs::symlink("real.db", vault.path("v/store.db")).unwrap();
    assert_ne!(vault.sh(ALICE, GET).0, 0);
    fs::remove_file(vault.path("v/store.db")).unwrap();
    // Nothing, and things that are no file.
    vault.fails(ALICE, 10, GET);
    vault.fails(ALICE, 10, "larder --db $DB -n a set g k v");
    assert!(!vault.db().exists());
    fs::create_dir(vault.db()).unwrap();
    own(&vault.db(), 0, GROUP, 0o2770);
    assert_ne!(vault.sh(ALICE, GET).0, 0);
    fs::remove_dir(vault.db()).unwrap();
    fs::rename(vault.path("v/real.db"), vault.path("v/store.db")).unwrap();
    assert_eq!(vault.ok(ALICE, GET), "v");
    vault.is_whole();
}

/// After a clean-up by another SQLite client root makes the log anew: with the
/// vault's mode and group, whatever the mask. Users may not, or they would own
/// what others write.
#[test]
fn log_and_shared_memory_are_made_as_the_vault_wants_them() {
    let Some(vault) = filled() else { return };
    rusqlite::Connection::open(vault.db())
        .unwrap()
        .execute_batch("UPDATE entries SET expires_at=NULL")
        .unwrap();
    let _ = fs::remove_file(vault.path("v/store.db-wal"));
    let _ = fs::remove_file(vault.path("v/store.db-shm"));
    vault.fails(ALICE, 10, "larder --db $DB -n a set g k v2");
    vault.ok(ROOT, "umask 0777; larder --db $DB info >/dev/null");
    vault.ok(ALICE, "umask 0777; larder --db $DB -n a set g k v2");
    vault.is_whole();
    assert_eq!(vault.ok(ROOT, GET), "v2");
}

#[test]
fn a_store_of_ones_own_is_like_any_other() {
    let Some(vault) = Vault::new() else { return };
    vault.ok(ALICE, "larder set g k v && larder --db deep/er/own.db set g k v");
    assert_eq!(
        vault.ok(ALICE, "larder get g k && stat -c %a .local/share/larder/larder.db deep deep/er"),
        "v600\n700\n700\n"
    );
    // Without the list at all.
    fs::remove_file(vault.path("etc/vaults")).unwrap();
    assert_eq!(vault.ok(ALICE, "larder get g k; larder completions bash | grep -c larder >/dev/null"), "v");
}
