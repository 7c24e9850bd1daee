//! Every command, as the tenant and as a stranger.

use crate::access::vault::{ALICE, BOB, GROUP, ROOT, Vault};

/// Alice has `a`, bob has `b`, both hold something.
fn two_tenants() -> Option<Vault> {
    let vault = Vault::new()?;
    vault.ok(ROOT, &format!("larder --db $DB access grant a user:{ALICE} write"));
    vault.ok(ROOT, &format!("larder --db $DB access grant b user:{BOB} write"));
    vault.ok(ALICE, "larder --db $DB -n a set g k alice");
    vault.ok(BOB, "larder --db $DB -n b set g k bob");
    Some(vault)
}

/// What touches a namespace's entries: the tenant may, the stranger may not,
/// and is told the same where there is nothing.
const SCOPED: &[&str] = &[
    "set G new v",
    "get G k",
    "get G k --default x",
    "get G k new --default x",
    "get G k -o out",
    "list G",
    "list G --values",
    "count G",
    "ttl G k",
    "expire G k --ttl 1h",
    "expire G k --never",
    "incr G number",
    "history G k",
    "delete G new",
    "delete G --glob 'x*'",
    "delete G k --dry-run",
    "delete G --all --dry-run",
    "delete G --glob '*' --dry-run",
    "purge G",
    "lock G lock --ttl 1m --try -- true",
    "memo G memo --ttl 1m -- echo made",
    "copy G k copied",
    "rename G copied new",
    "copy G --to-group other",
    "env G --upper -- true",
    "wait G k",
    "wait G nothing --absent",
    "watch G --after 0 --count 1",
    "push G job",
    "take G --drain -- true",
    "delete G --all",
];

/// What reaches the whole namespace.
const WIDE: &[&str] = &[
    "list",
    "count",
    "list --long",
    "delete --groups 'nothing*' --yes",
    "delete --groups '*' --yes --dry-run",
    "purge --dry-run",
    "purge",
    "watch --after 0 --count 1",
    "watch --after 0 --count 1 --json",
    "watch --after 0 --count 1 --consumer c",
    "watch --snapshot --count 1",
    "consumer list",
    "consumer delete c",
    "namespace list",
    "quota show",
    "info",
    "export",
    "echo '{\"group\":\"g\",\"key\":\"imported\",\"value\":\"v\"}' | larder --db $DB -n NS import -",
    "echo '{\"op\":\"set\",\"group\":\"g\",\"key\":\"batched\",\"value\":\"v\"}' | larder --db $DB -n NS batch -",
    "echo '{\"op\":\"get\",\"group\":\"g\",\"key\":\"k\"}' | larder --db $DB -n NS batch -",
    "echo '{\"op\":\"list\"}' | larder --db $DB -n NS batch -",
    "render g t.hbs",
];

/// Runs a line of the tables; a line that is a script has larder in it.
fn line(template: &str, namespace: &str, group: &str) -> String {
    let line = template.replace(" G ", &format!(" {group} ")).replace("NS", namespace);
    let line = if line.ends_with(" G") { line.replace(" G", &format!(" {group}")) } else { line };
    let make = "echo '{{k}}' >t.hbs; ";
    if line.contains("| larder") { line } else { format!("{make}larder --db $DB -n {namespace} {line}") }
}

/// Commands that other work may not have brought yet.
fn is_known(vault: &Vault, template: &str) -> bool {
    let command = template.rsplit("| larder --db $DB -n NS ").next().unwrap_or(template);
    let command = command.split(' ').next().unwrap_or_default();
    vault.sh(ROOT, &format!("larder {command} --help")).0 == 0
}

#[test]
fn every_command_knows_its_tenant() {
    let Some(vault) = two_tenants() else { return };
    for template in SCOPED.iter().chain(WIDE).filter(|template| is_known(&vault, template)) {
        let (code, _, err) = vault.sh(ALICE, &line(template, "a", "g"));
        assert_eq!((code, err.as_str()), (0, ""), "alice: {template}");
        let err = vault.fails(BOB, 5, &line(template, "a", "g"));
        assert!(err.contains("access"), "{template}: {err}");
        vault.ok(ALICE, "larder --db $DB -n a set g k alice");
    }
    assert_eq!(vault.ok(BOB, "larder --db $DB -n b list g --values"), "k\tbob\n");
    vault.is_whole();
}

/// A receipt is no right to the job: that is what write access is for.
#[test]
fn a_job_is_answered_for_with_write_access() {
    let Some(vault) = two_tenants() else { return };
    let receipt =
        vault.ok(ALICE, "larder --db $DB -n a take g | sed 's/.*\"receipt\":\"\\([^\"]*\\)\".*/\\1/'");
    let receipt = receipt.trim();
    for command in ["ack", "nack"] {
        let answer = format!("larder --db $DB -n a {command} g k {receipt}");
        let err = vault.fails(BOB, 5, &answer);
        assert_eq!(err.replace("\"g\"", "\"h\""), vault.fails(BOB, 5, &answer.replace(" g k", " h k")));
    }
    vault.ok(ALICE, &format!("larder --db $DB -n a ack g k {receipt}"));
}

#[test]
fn denied_reads_the_same_whether_or_not_it_exists() {
    let Some(vault) = two_tenants() else { return };
    for template in SCOPED.iter().filter(|template| is_known(&vault, template)) {
        let there = vault.fails(BOB, 5, &line(template, "a", "g"));
        let not_there = vault.fails(BOB, 5, &line(template, "a", "h"));
        assert_eq!(there.replace("\"g\"", "\"h\""), not_there, "{template}");
    }
}

/// `delete --dry-run` looked at its condition before it asked for access: a
/// stranger learnt whether a key exists, its version, and whether a guess at
/// its value is right.
#[test]
fn a_condition_tells_a_stranger_nothing() {
    let Some(vault) = two_tenants() else { return };
    let denied = "no write access to group \"g\" in namespace a\n";
    for condition in ["--if-value wrong", "--if-value alice", "--if-version 9", "--if-version 1"] {
        for command in ["delete g KEY COND", "delete g KEY COND --dry-run", "set g KEY v COND"] {
            for key in ["k", "nothere"] {
                let line = command.replace("KEY", key).replace("COND", condition);
                let err = vault.fails(BOB, 5, &format!("larder --db $DB -n a {line}"));
                assert!(err.ends_with(denied), "{line}: {err}");
            }
        }
    }
    for command in
        ["set g nothere v --if-absent", "set g nothere v --if-present", "incr g k", "expire g k --never"]
    {
        vault.fails(BOB, 5, &format!("larder --db $DB -n a {command}"));
    }
    // A rehearsal is for those who may do it.
    vault.ok(ROOT, &format!("larder --db $DB access grant a user:{BOB} read"));
    for line in ["delete g k", "delete g nothere", "delete g --all", "delete --groups '*' --yes"] {
        for dry_run in ["", " --dry-run"] {
            vault.fails(BOB, 5, &format!("larder --db $DB -n a {line}{dry_run}"));
        }
    }
    assert_eq!(vault.ok(ALICE, "larder --db $DB -n a get g k"), "alice");
}

/// Who may read some groups was told keys, bytes, groups and the exact next
/// expiry of all of them; and the size of the change log, asked for before and
/// after, told everybody how much a closed namespace wrote.
#[test]
fn info_counts_what_may_be_read() {
    let Some(vault) = Vault::new() else { return };
    vault.ok(ROOT, "larder --db $DB -n a set pub k v; larder --db $DB -n a set priv secret v --ttl 1h");
    vault.ok(ROOT, "larder --db $DB -n a set pub later v --ttl 2h");
    vault.ok(ROOT, "larder --db $DB access grant a everyone read --group 'pub*'");
    let all = vault.ok(ROOT, "larder --db $DB -n a info");
    assert!(all.contains("\nkeys: 3\n") && all.contains("\nchange bytes: "), "{all}");
    for command in ["-n a info", "-n open info"] {
        let seen = vault.ok(ALICE, &format!("larder --db $DB {command}"));
        for line in ["file: ", "wal: ", "change bytes: "] {
            assert!(!seen.contains(line), "{command}: {seen}");
        }
        let json = vault.ok(ALICE, &format!("larder --db $DB {command} --json"));
        assert!(!json.contains("_bytes"), "{command}: {json}");
    }
    let seen = vault.ok(ALICE, "larder --db $DB -n a info");
    assert!(seen.contains("\nkeys: 2\nbytes: 8\ngroups: 1\nnamespaces: 1\n"), "{seen}");
    let at = seen.lines().find_map(|line| line.strip_prefix("next expiry: ")).unwrap();
    let entry = vault.ok(ALICE, "larder --db $DB -n a get pub later --json");
    assert!(entry.contains(at), "{at}, {entry}");
    assert!(vault.ok(ALICE, "larder --db $DB quota show a").starts_with("a\t2\tnone\t8\tnone\t1\tnone"));
    assert!(
        vault.ok(ALICE, "larder --db $DB -n a namespace list").starts_with("a\t2\t8\t1\tnone\tnone\tnone")
    );
}

#[test]
fn commands_for_the_whole_store_need_admin_of_all_that_is_closed() {
    let Some(vault) = two_tenants() else { return };
    for command in [
        "list",
        "count",
        "get a:g k",
        "set a:g k v",
        "set free k v",
        "delete a:g --all",
        "namespace list",
        "quota show",
        "access list",
        "info",
        "purge",
        "purge --dry-run",
        "backup copy.db",
        "check",
        "watch --after 0 --count 1",
        "delete --groups '*' --yes",
        "consumer list",
    ] {
        vault.fails(ALICE, 5, &format!("larder --db $DB {command}"));
    }
    for command in [
        "access grant a everyone read",
        "access revoke a everyone",
        "access list a",
        "quota clear a",
        "quota set a --max-keys 5",
        "namespace delete a --yes",
        "access grant open everyone read",
        "-n b access list b",
        "quota show b",
        "namespace delete b --yes",
        "purge --vacuum",
    ] {
        vault.fails(ALICE, 5, &format!("larder --db $DB {command}"));
    }
    // An open namespace is everybody's, beside closed ones too.
    vault.ok(BOB, "larder --db $DB -n open set g k v && larder --db $DB quota set open --max-keys 9");
    assert_eq!(vault.ok(ALICE, "larder --db $DB -n open get g k"), "v");
    vault.ok(ROOT, &format!("larder --db $DB access grant a user:{ALICE} admin"));
    vault.ok(ALICE, "larder --db $DB quota set a --max-keys 5 && larder --db $DB access list a");
    vault.fails(ALICE, 5, "larder --db $DB list");
    vault.ok(ROOT, &format!("larder --db $DB access grant b user:{ALICE} admin"));
    assert_eq!(vault.ok(ALICE, "larder --db $DB list"), "a:g\nb:g\nopen:g\n");
    vault.is_whole();
}

#[test]
fn groups_levels_and_patterns() {
    let Some(vault) = Vault::new() else { return };
    vault.ok(ROOT, "for g in pub priv; do larder --db $DB -n a set $g k v; done");
    vault.ok(ROOT, "larder --db $DB access grant a everyone read --group 'pub*'");
    vault.ok(ROOT, &format!("larder --db $DB access grant a group:{BOB} write --group priv"));
    assert_eq!(vault.ok(ALICE, "larder --db $DB -n a list; larder --db $DB -n a count"), "pub\n1\n");
    assert_eq!(vault.ok(BOB, "larder --db $DB -n a list"), "priv\npub\n");
    vault.fails(ALICE, 5, "larder --db $DB -n a set pub k v");
    vault.fails(ALICE, 5, "larder --db $DB -n a get priv k");
    vault.ok(BOB, "larder --db $DB -n a set priv k v2");
    vault.fails(BOB, 5, "larder --db $DB -n a set pub k v");
    assert_eq!(vault.ok(ALICE, "larder --db $DB -n a watch --after 0 --count 1 | cut -f2-"), "set\tpub\tk\n");
    assert_eq!(vault.ok(ALICE, "larder --db $DB -n a watch --snapshot --count 1 | cut -f3"), "pub\n");
    // The group larder is installed with gives nothing: nobody is in it.
    vault.ok(ROOT, "larder --db $DB access revoke a everyone");
    vault.ok(ROOT, &format!("larder --db $DB access grant a group:{GROUP} admin"));
    vault.fails(ALICE, 5, "larder --db $DB -n a list");
}

#[test]
fn rows_that_make_no_sense_give_nothing() {
    let Some(vault) = two_tenants() else { return };
    let sql = |sql: &str| {
        let conn = rusqlite::Connection::open(vault.db()).unwrap();
        conn.set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).unwrap();
        conn.execute_batch(sql).unwrap();
    };
    sql("PRAGMA ignore_check_constraints=ON;DELETE FROM larder_grants");
    for (principal, groups, level) in [
        ("user:+7700001", "*", 3),
        ("user:07700001", "*", 3),
        ("user:", "*", 3),
        ("", "*", 3),
        ("User:7700001", "*", 3),
        ("everyone ", "*", 3),
        ("group:-1", "*", 3),
        ("user:4294967295", "*", 3),
        ("user:4303 667 297", "*", 3),
        ("everyone", "[", 3),
        ("everyone", "*", 0),
        ("everyone", "*", 4),
        ("everyone", "*", -1),
        ("everyone", "*", i64::MAX),
        ("everyone\0", "*", 3),
    ] {
        sql(&format!(
            "PRAGMA ignore_check_constraints=ON;DELETE FROM larder_grants;INSERT INTO larder_grants VALUES('a',CAST(x'{}' AS TEXT),'{groups}',{level})",
            hex(principal)
        ));
        vault.fails(ALICE, 5, "larder --db $DB -n a get g k");
        vault.fails(ALICE, 5, "larder --db $DB -n a list");
        vault.ok(ROOT, "larder --db $DB access list >/dev/null && larder --db $DB -n a get g k >/dev/null");
    }
    sql(
        "DELETE FROM larder_grants;INSERT INTO larder_grants VALUES('a',CAST(x'ff'AS TEXT),CAST(x'ff'AS TEXT),3),('',CAST(x'ff'AS TEXT),'*',3),('no:name','everyone','*',3)",
    );
    vault.fails(ALICE, 5, "larder --db $DB -n a get g k");
    vault.fails(ALICE, 5, "larder --db $DB list");
    sql(
        "DELETE FROM larder_grants;INSERT OR REPLACE INTO larder_namespaces(namespace,keys,max_keys,max_bytes)VALUES('a',1,-5,-9223372036854775808),('bad name',1,1,1),(CAST(x'ff'AS TEXT),1,1,1)",
    );
    vault.fails(ALICE, 4, "larder --db $DB -n a set g more v");
    vault.ok(
        ALICE,
        "larder --db $DB -n a get g k; larder --db $DB namespace list; larder --db $DB quota show",
    );
}

#[test]
fn a_watch_ends_when_its_access_is_revoked() {
    let Some(vault) = two_tenants() else { return };
    let mut watch = vault
        .command(ALICE, "exec larder --db $DB -n a watch --interval 20ms")
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut seen = std::io::BufReader::new(watch.stdout.take().unwrap());
    // Written until the watch is up and has seen one.
    let mut line = String::new();
    let reader = std::thread::spawn(move || {
        std::io::BufRead::read_line(&mut seen, &mut line).unwrap();
        (line, seen)
    });
    while !reader.is_finished() {
        vault.ok(ALICE, "larder --db $DB -n a set g k v");
    }
    let (line, _open) = reader.join().unwrap();
    assert!(line.contains("\tset\tg\tk"));
    vault.ok(ROOT, &format!("larder --db $DB access revoke a user:{ALICE}"));
    vault.ok(ROOT, "larder --db $DB access grant a user:1 read && larder --db $DB -n a set g secret v");
    let (code, _, err) = crate::access::vault::outcome(&watch.wait_with_output().unwrap());
    assert_eq!(
        (code, err.as_str()),
        (5, "larder: watch: no read access to namespace a\n"),
        "not ended by the revocation"
    );
}

fn hex(text: &str) -> String {
    text.bytes().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

#[test]
fn what_only_a_writer_may() {
    let Some(vault) = Vault::new() else { return };
    vault.ok(ROOT, "larder --db $DB -n a set g k v");
    vault.ok(ROOT, &format!("larder --db $DB access grant a user:{ALICE} read"));
    vault.ok(ROOT, &format!("larder --db $DB access grant a user:{BOB} write"));
    // A reader may have a position of his own, and use what others made.
    vault.ok(ALICE, "larder --db $DB -n a watch --consumer own --after 0 --count 1");
    vault.ok(ALICE, "larder --db $DB -n a consumer reset own --to 0");
    vault.ok(ALICE, "larder --db $DB -n a consumer delete own");
    vault.ok(BOB, "larder --db $DB -n a watch --consumer c --after 0 --count 1");
    let refused = "larder: consumer: no write access to namespace a\n";
    for line in ["reset c", "reset c --to 0", "reset absent", "delete c", "delete absent"] {
        assert_eq!(vault.fails(ALICE, 5, &format!("larder --db $DB -n a consumer {line}")), refused);
    }
    vault.ok(BOB, "larder --db $DB -n a consumer reset c --to 0 && larder --db $DB -n a consumer delete c");
    let err = vault.fails(ALICE, 5, "larder --db $DB -n a memo g m --ttl 1h -- touch ran");
    assert_eq!(err, "larder: memo: no write access to group \"g\" in namespace a\n");
    assert!(!vault.home(ALICE).join("ran").exists());
    vault.ok(BOB, "larder --db $DB -n a memo g m --ttl 1h -- echo made");
    assert_eq!(vault.ok(ALICE, "larder --db $DB -n a memo g m --ttl 1h -- touch ran"), "made\n");
}

/// With its last grant revoked, or deleted and used again, a namespace was open
/// to everybody, silently, and its admin could not close it again.
#[test]
fn what_was_closed_stays_closed() {
    let Some(vault) = Vault::new() else { return };
    let grant = format!("larder --db $DB access grant a user:{ALICE} admin");
    vault.ok(ROOT, &grant);
    vault.ok(ALICE, "larder --db $DB -n a set g k secret");
    vault.ok(ALICE, &format!("larder --db $DB access revoke a user:{ALICE}"));
    for user in [ALICE, BOB] {
        vault.fails(user, 5, "larder --db $DB -n a get g k");
        vault.fails(user, 5, "larder --db $DB access open a --yes");
    }
    assert_eq!(vault.ok(ROOT, "larder --db $DB access list"), "a\tnobody\tnone\t*\n");
    assert_eq!(
        vault.ok(ROOT, "larder --db $DB access list a --json"),
        "{\"namespace\":\"a\",\"principal\":\"nobody\",\"level\":\"none\",\"group\":\"*\"}\n"
    );
    vault.fails(ROOT, 2, "larder --db $DB access revoke a nobody");
    vault.fails(ALICE, 5, "larder --db $DB -n a get g k");
    // An admin's namespace is still his after he deleted it.
    vault.ok(ROOT, &grant);
    vault.ok(ALICE, "larder --db $DB -n a watch --consumer c --after 0 --count 1 >/dev/null");
    vault.ok(ALICE, "larder --db $DB namespace delete a --yes && larder --db $DB -n a set g k new");
    vault.fails(BOB, 5, "larder --db $DB -n a get g k");
    assert_eq!(vault.ok(ALICE, "larder --db $DB -n a consumer list"), "");
    vault.fails(ALICE, 5, "larder --db $DB access open a --yes");
    // A copy keeps it too.
    vault.ok(
        ROOT,
        "larder --db $DB backup copy.db && larder --db copy.db access list a >list && grep -q admin list",
    );
    let err = vault.fails(ROOT, 2, "larder --db $DB access open a");
    assert!(err.ends_with("hint: confirm with --yes\n"), "{err}");
    vault.ok(ROOT, "larder --db $DB access open a --yes");
    assert_eq!(vault.ok(BOB, "larder --db $DB -n a get g k"), "new");
    assert_eq!(vault.ok(ROOT, "larder --db $DB access list"), "");
}

/// A reader of some groups ran as another's consumer: past what he could not
/// see its position moved on, and its own reader never got those changes. And
/// he could make consumers without bound, each holding back everybody's log.
#[test]
fn a_reader_moves_no_consumer_but_his_own() {
    let Some(vault) = Vault::new() else { return };
    vault.ok(ROOT, &format!("larder --db $DB access grant a user:{ALICE} write"));
    vault.ok(ROOT, &format!("larder --db $DB access grant a user:{BOB} read --group 'pub*'"));
    vault.ok(ALICE, "larder --db $DB -n a set pub k v && larder --db $DB -n a set hidden job v");
    vault.ok(ALICE, "larder --db $DB -n a watch --consumer jobs --after 0 --count 1 >/dev/null");
    let err = vault.fails(BOB, 5, "larder --db $DB -n a watch --consumer jobs --count 1");
    assert!(err.contains("\"jobs\" belongs to another user"), "{err}");
    assert_eq!(vault.ok(BOB, "larder --db $DB -n a consumer list"), "");
    assert!(vault.ok(BOB, "larder --db $DB -n a info").contains("\nconsumers: 0\n"));
    assert_eq!(
        vault.ok(ALICE, "larder --db $DB -n a watch --consumer jobs --count 1 | cut -f2-"),
        "set\thidden\tjob\n"
    );
    let own = "larder --db $DB -n a watch --after 0 --count 1 --consumer";
    vault.ok(BOB, &format!("for i in $(seq 16); do {own} own$i >/dev/null || exit; done"));
    let err = vault.fails(BOB, 8, &format!("{own} own17"));
    assert!(err.contains("you have 16 consumers here"), "{err}");
    vault.ok(BOB, "larder --db $DB -n a consumer list | grep -c own >/dev/null");
    let err = vault.fails(ALICE, 2, &format!("{own} $(printf %0256d 0)"));
    assert!(err.contains("has 256 bytes; the maximum is 255"), "{err}");
    vault.ok(ALICE, &format!("{own} $(printf %0255d 0) >/dev/null"));
}
