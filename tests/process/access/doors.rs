//! Side doors: everything a user can do around the program that has the group.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, Instant};

use crate::access::vault::{ALICE, BOB, GROUP, Outcome, ROOT, Vault, outcome};

fn tenant() -> Option<Vault> {
    let vault = Vault::new()?;
    vault.ok(ROOT, &format!("larder --db $DB access grant a user:{ALICE} write"));
    vault.ok(ALICE, "larder --db $DB -n a set g k v && larder --db $DB -n a set g k2 v");
    Some(vault)
}

#[test]
fn info_tells_the_truth() {
    let Some(vault) = tenant() else { return };
    let access = |user, script: &str| {
        vault.ok(user, &format!("{script} --json | sed 's/.*\"access\":\"\\([a-z]*\\)\".*/\\1/'"))
    };
    assert_eq!(access(ALICE, "larder --db $DB -n a info"), "enforced\n");
    assert_eq!(access(ALICE, "larder --db $DB -n open info"), "open\n");
    assert_eq!(access(ROOT, "larder --db $DB -n a info"), "advisory\n");
    assert_eq!(access(ALICE, "larder --db own.db set g k v && larder --db own.db info"), "open\n");
    assert_eq!(
        access(ALICE, "larder --db own.db access grant a user:1 read && larder --db own.db -n a info"),
        "advisory\n"
    );
}

#[test]
fn the_files_cannot_be_reached() {
    let Some(vault) = tenant() else { return };
    for script in [
        "ls $V",
        "cat $DB",
        "cat $DB-wal",
        "cat $DB-shm",
        "sqlite3 $DB .dump",
        "cp /bin/true $V/x",
        "ln $DB link",
        "rm -f $DB-wal && test -e $DB-wal",
        "cd $V",
    ] {
        assert_ne!(vault.sh(ALICE, script).0, 0, "{script}");
    }
    vault.is_whole();
}

/// Everything the caller names is opened with his own rights.
#[test]
fn names_of_the_callers_are_opened_with_his_own_rights() {
    let Some(vault) = tenant() else { return };
    vault.ok(ALICE, "ln -s $DB link.db; ln -s $V dir; larder -n a set g k v; echo x >t.hbs");
    for script in [
        // Other names for the vault are no names of the vault.
        "larder --db link.db -n a get g k",
        "larder --db dir/store.db -n a get g k",
        "larder --db \"$V/../v/store.db\" -n a get g k",
        "larder --db $DB-wal -n a get g k",
        "larder --db $V/other.db set g k v",
        "cd / && larder --db link.db get g k",
        "LARDER_DB=$DB larder -n a get g k",
        // What is read and written.
        "larder --db $DB -n a set g k --file $DB",
        "larder --db $DB -n a set g k --file $DB-wal",
        "larder --db $DB -n a get g k -o $V/out",
        "larder --db $DB -n a get g k -o $DB",
        "larder --db $DB -n a render g $DB",
        "larder --db $DB -n a render g t.hbs -o $V/out",
        "larder --db $DB -n a render g t.hbs -o $DB",
        "larder --db $DB -n a import $DB-wal",
        "larder --db $DB -n a import $DB",
        "larder --db $DB -n a batch $DB",
        "larder --db $DB -n a export -o $V/out",
        "larder --db own.db backup $V/out",
        "larder --db own.db restore $DB --yes",
        "larder man $V/man",
        "larder --db $DB -n a set g k - <$DB",
        "larder --db $DB -n a list >$V/out",
    ] {
        let (code, out, err) = vault.sh(ALICE, script);
        assert_ne!(code, 0, "{script}: {out:?}");
        assert!(!err.contains("panicked") && !out.contains("SQLite format"), "{script}: {out:?} {err:?}");
    }
    vault.is_whole();
}

/// A script as Alice, whom somebody has put into larder's group: the kernel
/// lets her open again what larder holds.
fn as_member(vault: &Vault, script: &str) -> Outcome {
    fs::write(vault.home(ALICE).join("script"), script).unwrap();
    vault.sh(
        ROOT,
        &format!(
            "cd ../home-{ALICE} && HOME=$PWD exec setpriv --reuid {ALICE} --regid {ALICE} --groups {GROUP} sh script"
        ),
    )
}

/// What the caller names was looked at by its name, if at all, and opened
/// after that. `/proc/self/fd/N` is a file of the vault once larder has opened
/// that, so its log was read as a value, and overwritten by a template whose
/// check had put a link to it at the target's place: what others had been told
/// was written was gone.
#[test]
fn no_name_leads_to_a_file_that_is_held() {
    let Some(vault) = tenant() else { return };
    for script in [
        "larder --db $DB -n open set g leak --file /proc/self/fd/$N",
        "larder --db $DB -n open import /proc/self/fd/$N",
        "larder --db $DB -n open batch /proc/self/fd/$N",
        "larder --db $DB -n open batch --stream /proc/self/fd/$N",
        "larder --db $DB -n open render g /proc/self/fd/$N",
        "larder --db $DB -n open render g T -o /proc/self/fd/$N --in-place",
        "larder --db $DB -n open get g k -o /proc/self/fd/$N",
        "larder --db $DB -n open watch --listen 127.0.0.1:0 --token-file /proc/self/fd/$N",
        "larder --db $DB -n open render g T -o P --in-place --check 'rm P; ln -s /proc/self/fd/$N P'",
        "larder --db $DB man pages",
    ] {
        let mut refused = 0;
        for n in 3..12 {
            let script = format!(
                "export N={n}; rm -rf P pages; mkdir pages; ln -s /proc/self/fd/$N pages/larder.1\n\
                 echo old >P; echo new >T; exec timeout 5 {script}"
            );
            let (code, _, err) = as_member(&vault, &script);
            refused += usize::from(code == 10 && err.contains("it is a file of the vault itself"));
            refused += usize::from(code == 2 && err.contains("is the store itself"));
            assert!(!err.contains("panicked"), "{script}: {code} {err:?}");
        }
        // The database, its log, its shared memory.
        assert!(refused >= 3, "{script}: {refused}");
        assert_eq!(vault.ok(ALICE, "larder --db $DB -n a get g k; larder --db $DB -n a get g k2"), "vv");
        assert_eq!(vault.sh(ALICE, "larder --db $DB -n open get g leak").1, "");
        vault.is_whole();
    }
    // Without the group it is the kernel that refuses: the files are root's.
    let set =
        |n: u32| vault.sh(ALICE, &format!("larder --db $DB -n open set g leak --file /proc/self/fd/{n}"));
    let refused = (3..12).map(set).filter(|(code, _, err)| *code == 10 && err.contains("Permission denied"));
    assert!(refused.count() >= 3);
    assert_eq!(vault.sh(ALICE, "larder --db $DB -n open get g leak").1, "");
}

#[test]
fn what_is_written_belongs_to_the_caller_alone() {
    let Some(vault) = tenant() else { return };
    vault.ok(ALICE, "echo '{{k}}' >t.hbs; larder --db $DB -n a get g k -o one; larder --db $DB -n a render g t.hbs -o two; larder --db three.db set g k v; larder --db three.db backup four.db");
    for name in ["one", "two", "three.db", "four.db"] {
        let meta = std::fs::metadata(vault.home(ALICE).join(name)).unwrap();
        assert_eq!((meta.uid(), meta.gid()), (ALICE, ALICE), "{name}");
    }
}

/// Commands get neither the group nor a descriptor of the vault.
#[test]
fn children_have_nothing() {
    let Some(vault) = tenant() else { return };
    let probe = "exec >$HOME/seen\nid -g; id -G; grep ^Gid: /proc/self/status\nls -l /proc/self/fd | grep -c store.db\ncat $V/store.db 2>/dev/null\ntrue\n";
    std::fs::write(vault.home(ALICE).join("probe"), probe).unwrap();
    vault.ok(ROOT, "chmod 644 ../home-*/probe");
    let expected = format!("{ALICE}\n{ALICE}\nGid:\t{ALICE}\t{ALICE}\t{ALICE}\t{ALICE}\n0\n");
    for script in [
        "larder --db $DB -n a watch --after 0 --count 1 -- sh probe",
        "larder --db $DB -n a watch --after 0 --count 1 --consumer c -- sh probe",
        "larder --db $DB -n a lock g l --ttl 1m -- sh probe",
        "larder --db $DB -n a memo g m --ttl 1m -- sh probe",
        "echo '{{k}}' >t.hbs; larder --db $DB -n a render g t.hbs -o out --exec 'sh probe'",
        "larder --db $DB -n a render g t.hbs -o out2 --check 'sh probe'",
    ] {
        assert_eq!(vault.ok(ALICE, &format!("{script}; cat seen; rm seen")), expected, "{script}");
    }
    vault.is_whole();
}

#[test]
fn the_running_process_is_closed() {
    let Some(vault) = tenant() else { return };
    let mut watch = vault
        .command(ALICE, "larder --db $DB -n a watch & echo $! >pid.new; mv pid.new pid; wait $!")
        .spawn()
        .unwrap();
    let pid = || std::fs::read_to_string(vault.home(ALICE).join("pid")).unwrap_or_default().trim().to_owned();
    let status = || std::fs::read_to_string(format!("/proc/{}/status", pid())).unwrap_or_default();
    let given_up = format!("Gid:\t{ALICE}\t{ALICE}\t{ALICE}\t{ALICE}");
    let deadline = Instant::now() + Duration::from_secs(20);
    while !(status().starts_with("Name:\tlarder") && status().contains(&given_up)) {
        assert!(Instant::now() < deadline, "the watch does not give up its group: {}", status());
        std::thread::sleep(Duration::from_millis(5));
    }
    let pid = pid();
    for what in ["mem", "maps", "environ", "fd/3", "fd", "cwd", "root", "exe", "map_files", "stack", "auxv"] {
        let (code, out, _) = vault.sh(
            ALICE,
            &format!("f=/proc/{pid}/{what}; case $f in *cwd|*root|*exe) readlink $f;; *fd|*files) ls $f;; *) cat $f;; esac"),
        );
        assert!(code != 0 && out.is_empty(), "/proc/{pid}/{what}: {out:?}");
    }
    assert_ne!(
        vault
            .sh(
                ALICE,
                &format!(
                    "strace -p {pid} -o /dev/null & sleep 0.3; grep -q 'TracerPid:.[1-9]' /proc/{pid}/status"
                )
            )
            .0,
        0
    );
    vault.ok(ALICE, &format!("sleep 0.5; kill {pid}"));
    assert_eq!(watch.wait().unwrap().code(), Some(0));
}

#[test]
fn the_environment_has_no_say() {
    let Some(vault) = tenant() else { return };
    vault.ok(BOB, "larder --db own.db -n a set g k bob");
    std::fs::create_dir(vault.home(ALICE).join("tmp")).unwrap();
    for variables in [
        "SQLITE_TMPDIR=$HOME/tmp TMPDIR=$HOME/tmp",
        "LARDER_DB=$HOME/other.db",
        "RUST_BACKTRACE=full RUST_LIB_BACKTRACE=1",
        "LD_PRELOAD=/nonexistent.so LD_LIBRARY_PATH=$HOME LD_AUDIT=/nonexistent.so",
        "GLIBC_TUNABLES=glibc.malloc.check=3 MALLOC_CHECK_=3 MALLOC_TRACE=$HOME/trace",
        "USER=root LOGNAME=root UID=0 SUDO_UID=0 XDG_DATA_HOME=$V",
    ] {
        assert_eq!(
            vault.ok(ALICE, &format!("env {variables} larder --db $DB -n a get g k")),
            "v",
            "{variables}"
        );
        vault.fails(BOB, 5, &format!("env {variables} larder --db $DB -n a get g k"));
    }
    // A namespace that a script relies on is not ignored in silence.
    vault.fails(ALICE, 2, "LARDER_NAMESPACE=a larder --db $DB get g k");
    assert_eq!(vault.ok(ALICE, "LARDER_NAMESPACE=b larder --db $DB -n a get g k"), "v");
    // In a store of one's own, and for the same setgid program, nothing changes.
    assert_eq!(vault.ok(BOB, "LARDER_NAMESPACE=a LARDER_DB=own.db larder get g k"), "bob");
    let (_, _, err) = vault.sh(ALICE, "RUST_BACKTRACE=1 LARDER_DB= larder list");
    assert!(!err.contains("backtrace"), "{err}");
}

#[test]
fn limits_and_missing_streams_do_no_harm() {
    let Some(vault) = tenant() else { return };
    for script in [
        "ulimit -f 0; larder --db $DB -n a set g k2 v2",
        "ulimit -f 1; head -c 100000 /dev/zero | larder --db $DB -n a set g big -",
        "ulimit -n 3; larder --db $DB -n a set g k2 v2",
        "ulimit -n 5; larder --db $DB -n a set g k2 v2",
        "ulimit -n 8; larder --db $DB -n a set g k2 v2",
        "ulimit -v 20000; larder --db $DB -n a set g k2 v2",
        "ulimit -s 64; larder --db $DB -n a set g k2 v2",
        "ulimit -t 0; larder --db $DB -n a set g k2 v2",
        "umask 0777; larder --db $DB -n a set g k2 v2",
        "larder --db $DB -n a set g k2 v2 <&-",
        "larder --db $DB -n a set g k2 v2 >&-",
        "larder --db $DB -n a set g k2 v2 2>&-",
        "larder --db $DB -n a set g k2 v2 <&- >&- 2>&-",
        "larder --db $DB -n a list g <&- >&- 2>&-",
        "larder --db $DB -n a nonsense <&- >&- 2>&-",
        "larder --db $DB -n a set g k - <&-",
        "ulimit -c unlimited; larder --db $DB -n a watch & p=$!; sleep 0.3; kill -ABRT $p; wait $p; test -z \"$(ls | grep core)\"",
    ] {
        let (_, out, err) = vault.sh(ALICE, script);
        assert!(!err.contains("panicked"), "{script}: {out:?} {err:?}");
        vault.ok(ALICE, "larder --db $DB -n a set g after v && larder --db $DB -n a get g after");
        vault.is_whole();
    }
}

/// kill -9 is every user's right over what he started.
#[test]
fn a_kill_in_mid_write_loses_nothing_acknowledged() {
    let Some(vault) = tenant() else { return };
    for round in 0..10 {
        let script = format!(
            "(i=0; while larder --db $DB -n a set kill $i {round}; do i=$((i+1)); echo $i; done) >acknowledged 2>/dev/null & p=$!; sleep 0.2; kill -9 $(grep -l larder /proc/[0-9]*/comm 2>/dev/null | cut -d/ -f3 | while read q; do test \"$(sed -n 's/^PPid:.//p' /proc/$q/status)\" = $p && echo $q; done) $p 2>/dev/null; wait 2>/dev/null; cat acknowledged | tail -1"
        );
        let (_, out, _) = vault.sh(ALICE, &script);
        let acknowledged: i64 = out.trim().parse().unwrap_or(0);
        let kept: i64 = vault
            .ok(ALICE, &format!("larder --db $DB -n a list kill --values | grep -c '\t{round}$' || true"))
            .trim()
            .parse()
            .unwrap();
        assert!(kept >= acknowledged, "{kept} kept of {acknowledged}");
    }
    vault.is_whole();
}

/// A vault's writer rings although it may not touch the file's times, and a
/// vault's watch hears although it may not watch the file: the interval is not
/// what wakes it.
#[test]
fn the_bell_works_across_the_wall() {
    let Some(vault) = tenant() else { return };
    for writer in [ALICE, ROOT] {
        let watch = vault
            .command(ALICE, "exec larder --db $DB -n a watch bell --interval 60s --timeout 50s --count 1")
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(700));
        let started = Instant::now();
        vault.ok(writer, "larder --db $DB -n a set bell k v");
        let (code, out, _) = outcome(&watch.wait_with_output().unwrap());
        assert!(code == 0 && out.ends_with("\tset\tbell\tk\n"), "{code} {out:?}");
        assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    }
}

#[test]
fn tenants_write_at_the_same_time_and_the_log_stays_short() {
    let Some(vault) = tenant() else { return };
    vault.ok(ROOT, &format!("larder --db $DB access grant b user:{BOB} write"));
    let writers: Vec<_> = [(ALICE, "a"), (BOB, "b")]
        .into_iter()
        .flat_map(|pair| [pair, pair])
        .map(|(user, namespace)| {
            vault
                .command(user, &format!("i=0; while [ $i -lt 100 ]; do larder --db $DB -n {namespace} incr many n >/dev/null || exit; i=$((i+1)); done"))
                .spawn()
                .unwrap()
        })
        .collect();
    for mut writer in writers {
        assert!(writer.wait().unwrap().success());
    }
    assert_eq!(vault.ok(ROOT, "larder --db $DB get a:many n; larder --db $DB get b:many n"), "200200");
    let log = std::fs::metadata(vault.path("v/store.db-wal")).unwrap().len();
    assert!(log < 2 << 20, "the write-ahead log has {log} bytes: nobody checkpoints");
    vault.is_whole();
}

/// A list that could not be opened, for want of descriptors, counted as none:
/// the vault was opened like any other store, and the kernel's refusal told of a
/// mode that was right.
#[test]
fn without_descriptors_the_list_is_still_a_list() {
    let Some(vault) = tenant() else { return };
    for limit in [3, 4] {
        let said = vault.fails(ALICE, 10, &format!("ulimit -n {limit}; larder --db $DB -n a get g k"));
        assert_eq!(
            said,
            "larder: /etc/larder/vaults: Too many open files\n\
             hint: 'ulimit -n' shows how many files a process may open\n"
        );
    }
    for limit in 5..16 {
        let (code, out, err) = vault.sh(ALICE, &format!("ulimit -n {limit}; larder --db $DB -n a get g k"));
        assert!((code, &*out) == (0, "v") || code == 10 && !err.contains("denied"), "{limit}: {code} {err}");
    }
}
