//! Who makes a vault's files, and the script that sets one up.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use crate::access::vault::{ALICE, BOB, GROUP, ROOT, Vault, own};
use crate::common::skip::skip;

/// The first user to come made the log and the shared memory, and so owned
/// them: he could open them again through /proc, read what all others wrote
/// and overwrite what had been acknowledged. Only root makes them now, and
/// what is not root's is not used.
#[test]
fn only_root_makes_the_files_of_a_vault() {
    let Some(vault) = Vault::new() else { return };
    vault.ok(ALICE, "larder --db $DB set g k v");
    for name in ["store.db", "store.db-wal", "store.db-shm"] {
        let file = vault.path("v").join(name);
        own(&file, ALICE, GROUP, 0o660);
        let said = vault.fails(BOB, 7, "larder --db $DB get g k");
        assert!(said.contains(name) && said.contains("must belong to root"), "{said}");
        own(&file, ROOT, GROUP, 0o660);
    }
    // As after a copy that came alone, or a foreign client's last close.
    vault.ok(ROOT, "sqlite3 $DB 'PRAGMA wal_checkpoint(TRUNCATE)' >/dev/null; rm -f $DB-wal $DB-shm");
    let said = vault.fails(ALICE, 10, "larder --db $DB set g k w");
    assert!(said.contains("root creates a vault's files by using it once"), "{said}");
    assert!(!vault.path("v/store.db-wal").exists() && !vault.path("v/store.db-shm").exists());
    vault.ok(ROOT, "larder --db $DB info >/dev/null");
    vault.ok(ALICE, "larder --db $DB set g k w");
    assert_eq!(vault.ok(BOB, "larder --db $DB get g k"), "w");
    for name in ["store.db-wal", "store.db-shm"] {
        assert_eq!(fs::metadata(vault.path("v").join(name)).unwrap().uid(), 0, "{name}");
    }
    vault.is_whole();
}

/// Commands after which nothing of the machine's own is touched: /var/lib and
/// the list of groups are others in the namespace that a script runs in.
fn own_world() -> String {
    format!(
        "mount -t tmpfs none /var/lib && cp /etc/group groups && echo larder:x:{GROUP}: >>groups && mount --bind groups /etc/group"
    )
}

/// The script overwrote the list of vaults, and undoing it deleted the list,
/// with all other vaults in it.
#[test]
fn the_script_adds_a_line_and_takes_it_away() {
    let Some(vault) = Vault::new() else { return };
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/.ci/deb/setgid-vault.sh");
    let list = vault.path("etc/vaults");
    let before = fs::read_to_string(&list).unwrap();
    let own_world = own_world();
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

/// A line without its end grew together with the one that was added, so that
/// neither was a vault's; and after an undo under a narrow umask users could not
/// read the list, so that no vault was one for them.
#[test]
fn the_list_stays_a_list() {
    let Some(vault) = Vault::new() else { return };
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/.ci/deb/setgid-vault.sh");
    let list = vault.path("etc/vaults");
    let before = format!("{}", vault.db().display());
    fs::write(&list, &before).unwrap();
    vault.ok(ROOT, &format!("{{ {} && umask 077 && sh {script}; }} >/dev/null", own_world()));
    assert_eq!(fs::read_to_string(&list).unwrap(), format!("{before}\n/var/lib/larder/larder.db\n"));
    vault.ok(ALICE, "larder --db $DB set g k v");
    vault.ok(ROOT, &format!("{{ {} && umask 077 && sh {script} undo; }} >/dev/null", own_world()));
    assert_eq!(fs::read_to_string(&list).unwrap(), format!("{before}\n"));
    assert_eq!(vault.ok(ALICE, "larder --db $DB get g k"), "v");
}

/// An upgrade of the package took the mode back that the script had given the
/// program, and every user of the vault was denied. dpkg is told of it now,
/// and undoing it tells dpkg, too. An override that somebody else has made is
/// left alone.
#[test]
fn an_upgrade_keeps_the_program_setgid() {
    let Some(vault) = Vault::new() else { return };
    if !Path::new("/usr/bin/dpkg-statoverride").exists() {
        return skip("the vault of a Debian package", "there is no dpkg");
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/.ci/deb/setgid-vault.sh");
    fs::write(vault.path("etc/vaults"), "").unwrap();
    let lines = [
        &*own_world(),
        "export PATH=$PATH:/usr/sbin:/sbin; umask 022",
        // A package of its own, known to a dpkg that knows nothing else.
        "mkdir -p /var/lib/dpkg/info /var/lib/dpkg/updates /var/lib/dpkg/triggers && : >/var/lib/dpkg/status",
        "P=$(command -v larder); mkdir -p pkg/DEBIAN pkg${P%/*}",
        "install() { cp $P pkg$P && chmod 755 pkg$P && printf 'Package: larder\nVersion: %s\nArchitecture: all\nMaintainer: none <none@localhost>\nDescription: none\n' $1 >pkg/DEBIAN/control && dpkg-deb --root-owner-group -Znone -b pkg new.deb && dpkg --log=/dev/null --force-unsafe-io -i new.deb; }",
        "now() { echo $1 $(stat -c '%a %g' $P) $(dpkg-statoverride --list $P) >&3; }",
        "install 1; now installed",
        &format!("sh {script}; now set-up"),
        "install 2; now upgraded",
        &format!("sh {script}; sh {script} undo; now undone"),
        "install 3; now upgraded",
        "dpkg-statoverride --add --update root root 700 $P",
        &format!("! sh {script} 2>&3 && sh {script} undo && now foreign"),
    ];
    let (code, out, err) = vault.sh(ROOT, &format!("exec 3>&1 >/dev/null 2>errors; {}", lines.join(" &&\n")));
    let errors = fs::read_to_string(vault.home(ROOT).join("errors")).unwrap();
    let program = vault.path("bin/larder");
    let program = program.display();
    let expected = format!(
        "installed 755 0\nset-up 2755 {GROUP} root larder 2755 {program}\n\
         upgraded 2755 {GROUP} root larder 2755 {program}\nundone 755 0\nupgraded 755 0\n\
         {script}: dpkg-statoverride has another mode for the program: root root 700 {program}\n\
         foreign 700 0 root root 700 {program}\n"
    );
    assert_eq!((code, out, err), (0, expected, String::new()), "{errors}");
}
