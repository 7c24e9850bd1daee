//! Every public operation of the store asks who is asking.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

use larder::clock::Timestamp;
use larder::store::{
    Bulk, Caller, Condition, Entry, Error, Expiry, Job, KeepChanges, Keys, Level, Limits, Namespace,
    Principal, Result, Scope, Store, StoreOptions, Terms, Transaction,
};

use crate::Fixture;

/// What a caller without any grant gets from an operation on a closed
/// namespace.
enum Rule {
    /// [`Error::Denied`], inside a transaction.
    Tx(fn(&Transaction<'_>) -> Result<()>),
    /// The same, of a bulk write.
    Bulk(fn(&mut Bulk<'_>) -> Result<()>),
    /// The same, of an operation with transactions of its own.
    Store(fn(&Store) -> Result<()>),
    /// An answer: for this reason.
    Open(#[allow(dead_code)] &'static str),
}

use Rule::{Bulk as B, Open, Store as S, Tx as T};

const GO_ON: Result<ControlFlow<()>> = Ok(ControlFlow::Continue(()));

fn ns() -> Namespace {
    Namespace::new("closed").unwrap()
}

/// Each `pub fn` of `impl Snapshot`, `impl Transaction`, `impl Bulk` and `impl Store`.
const OPERATIONS: &[(&str, Rule)] = &[
    ("Snapshot::permit", T(|tx| tx.permit(Level::Read, "g"))),
    ("Snapshot::permit_scope", T(|tx| tx.permit_scope(Level::Read))),
    ("Snapshot::permit_some", T(|tx| tx.permit_some(Level::Read))),
    ("Snapshot::permit_store", T(|tx| tx.permit_store())),
    ("Snapshot::may", Open("the question itself; the answer is no")),
    ("Snapshot::is_closed", Open("whoever is denied knows it")),
    ("Snapshot::sees_whole_store", Open("about the caller; the answer is no")),
    ("Snapshot::grants", T(|tx| tx.grants().map(drop))),
    ("Transaction::grant", T(|tx| tx.grant(Principal::Everyone, Level::Read, "*"))),
    ("Transaction::revoke", T(|tx| tx.revoke("everyone").map(drop))),
    ("Transaction::open_to_all", T(|tx| tx.open_to_all().map(drop))),
    ("Snapshot::get", T(|tx| tx.get("g", "k").map(drop))),
    ("Transaction::set", T(|tx| tx.set("g", "k", b"v", Expiry::Never, &Condition::Any).map(drop))),
    ("Snapshot::check", T(|tx| tx.check("g", "k", &Condition::Value(b"secret".to_vec())))),
    ("Transaction::delete", T(|tx| tx.delete("g", "k", &Condition::Any).map(drop))),
    ("Transaction::expire", T(|tx| tx.expire("g", "k", Expiry::Never, &Condition::Any).map(drop))),
    ("Transaction::incr", T(|tx| tx.incr("g", "k", 1).map(drop))),
    ("Transaction::incr_or_start", T(|tx| tx.incr_or_start("g", "k", 1, Expiry::Never).map(drop))),
    ("Snapshot::entries", T(|tx| tx.entries("g", &Keys::default(), true, |_| GO_ON))),
    ("Snapshot::entries_past", T(|tx| tx.entries_past("g", &Keys::default(), true, &mut None, |_| GO_ON))),
    ("Snapshot::entries_page", T(|tx| tx.entries_page(Some("g"), None, i64::MAX, 9, true).map(drop))),
    ("Snapshot::groups", T(|tx| tx.groups(&Keys::default(), |_| GO_ON))),
    ("Snapshot::groups_past", T(|tx| tx.groups_past(&Keys::default(), &mut None, |_| GO_ON))),
    ("Snapshot::count", T(|tx| tx.count("g").map(drop))),
    ("Snapshot::count_all", T(|tx| tx.count_all().map(drop))),
    ("Transaction::delete_group", T(|tx| tx.delete_group("g").map(drop))),
    ("Snapshot::scan", T(|tx| tx.scan(None, |_| GO_ON))),
    ("Snapshot::holdings", T(|tx| tx.holdings().map(drop))),
    ("Snapshot::usage", T(|tx| tx.usage(&ns()).map(drop))),
    ("Snapshot::namespaces", T(|tx| tx.namespaces().map(drop))),
    ("Transaction::delete_namespace", T(|tx| tx.delete_namespace().map(drop))),
    ("Snapshot::limits", T(|tx| tx.limits(&ns()).map(drop))),
    ("Transaction::set_limits", T(|tx| tx.set_limits(&ns(), Limits { keys: Some(1), ..Limits::default() }))),
    ("Snapshot::changes", T(|tx| tx.changes(0, None, true, |_| GO_ON))),
    ("Snapshot::changes_between", T(|tx| tx.changes_between(0, i64::MAX, None, true, |_| GO_ON))),
    ("Snapshot::log_step", Open("positions of the log")),
    ("Snapshot::log_position_at", Open("positions of the log")),
    ("Snapshot::jobs_by_group", T(|tx| tx.jobs_by_group().map(drop))),
    ("Snapshot::expiring_by", T(|tx| tx.expiring_by(tx.now).map(drop))),
    ("Snapshot::get_version", T(|tx| tx.get_version("g", "k", 1).map(drop))),
    ("Snapshot::history", T(|tx| tx.history("g", "k", None, true).map(drop))),
    ("Snapshot::log_span", Open("sequence numbers are the whole store's, and everybody's positions")),
    ("Snapshot::count_due", T(|tx| tx.count_due(None).map(drop))),
    (
        "Snapshot::count_trimmable",
        T(|tx| tx.count_trimmable(tx.trim_horizon(KeepChanges::Bounded)?).map(drop)),
    ),
    ("Snapshot::trim_horizon", Open("positions of the log")),
    ("Snapshot::trim_point", Open("positions of the log")),
    ("Snapshot::consumer", T(|tx| tx.consumer("c").map(drop))),
    ("Snapshot::consumers", T(|tx| tx.consumers().map(drop))),
    ("Snapshot::permit_consumer_change", T(|tx| tx.permit_consumer_change("c"))),
    ("Transaction::put_consumer", T(|tx| tx.put_consumer("c", 0, "me"))),
    ("Transaction::reset_consumer", T(|tx| tx.reset_consumer("c", 0))),
    ("Transaction::delete_consumer", T(|tx| tx.delete_consumer("c").map(drop))),
    ("Snapshot::schema_version", Open("about larder, not about what is stored")),
    ("Snapshot::unmerged", T(|tx| tx.unmerged().map(drop))),
    ("Bulk::now", Open("the time")),
    ("Bulk::newest", Open("as log_span")),
    ("Bulk::set", B(|bulk| bulk.set("g", "k", b"v", Expiry::Never, &Condition::Any).map(drop))),
    ("Bulk::delete", B(|bulk| bulk.delete("g", "k", &Condition::Any).map(drop))),
    ("Bulk::expire", B(|bulk| bulk.expire("g", "k", Expiry::Never, &Condition::Any).map(drop))),
    ("Bulk::incr", B(|bulk| bulk.incr("g", "k", 1).map(drop))),
    ("Bulk::get", B(|bulk| bulk.get("g", "k").map(drop))),
    ("Bulk::entries", B(|bulk| bulk.entries("g", &Keys::default(), |_| GO_ON))),
    ("Bulk::groups", B(|bulk| bulk.groups(&Keys::default(), |_| GO_ON))),
    ("Bulk::count", B(|bulk| bulk.count(Some(&"g".into())).and(bulk.count(None)).map(drop))),
    ("Bulk::copy", B(|bulk| bulk.copy("g", "k", "g", "k2", &Condition::Any).map(drop))),
    ("Bulk::rename", B(|bulk| bulk.rename("g", "k", "g", "k2", &Condition::Any).map(drop))),
    ("Bulk::copy_group", B(|bulk| bulk.copy_group("g", "h", &Condition::Any).map(drop))),
    ("Bulk::rename_group", B(|bulk| bulk.rename_group("g", "h", &Condition::Any).map(drop))),
    ("Transaction::push", T(|tx| tx.push("g", b"v", Expiry::Never, None).map(drop))),
    ("Transaction::take", T(|tx| tx.take(&terms()).map(drop))),
    ("Snapshot::permit_taking", T(|tx| tx.permit_taking(&terms()))),
    ("Transaction::renew", T(|tx| tx.renew("g", &"k".into(), "r", Duration::from_secs(1)).map(drop))),
    ("Transaction::ack", T(|tx| tx.ack("g", &"k".into(), "r").map(drop))),
    ("Transaction::nack", T(|tx| tx.nack("g", &"k".into(), "r", None).map(drop))),
    ("Snapshot::outlook", T(|tx| tx.outlook("g", &mut 0).map(drop))),
    ("Snapshot::job_state", T(|tx| tx.job_state("g", &entry()).map(drop))),
    ("Snapshot::has_job_states", T(|tx| tx.has_job_states("g").map(drop))),
    ("Snapshot::job_counts", T(|tx| tx.job_counts().map(drop))),
    ("Store::turn", S(|store| store.turn(&terms(), &[], 1).map(drop))),
    ("Store::renew", S(|store| store.renew(&terms(), &job()).map(drop))),
    ("Store::read", Open("only opens a transaction")),
    ("Store::write", Open("only opens a transaction")),
    ("Store::bulk", Open("only opens a transaction")),
    ("Store::rehearse", Open("only opens a transaction")),
    ("Store::move_consumer", S(|store| store.move_consumer("c", 0, None))),
    ("Store::backup", S(|store| store.backup(&store.path().with_extension("copy"), &mut |_, _, _| ()))),
    (
        "Store::backup_nameless",
        S(|store| store.backup_nameless(store.path().parent().unwrap(), &mut |_, _, _| ()).map(drop)),
    ),
    ("Store::purge", S(|store| store.purge(None, KeepChanges::Younger(Duration::ZERO), |_| {}).map(drop))),
    ("Store::vacuum", S(|store| store.vacuum())),
    ("Store::checkpoint", Open("moves what is committed; says nothing")),
    ("Store::open", Open("opening is the operating system's affair")),
    ("Store::open_to_read", Open("as open")),
    ("Store::open_to_get", Open("as open")),
    ("Store::create", Open("as open")),
    ("Store::peek", Open("as open")),
    ("Store::path", Open("the caller named it")),
    ("Store::hearing", Open("that something was committed, which anybody hears who sees the file")),
    ("Store::identity", Open("as path")),
    ("Store::scope", Open("the caller named it")),
    ("Store::now", Open("the time")),
    ("Store::set_busy_timeout", Open("the caller's own")),
    ("Store::data_version", Open("that something was committed, as the bell")),
    ("Store::sizes", Open("of files, which no command shows to who does not see the whole store")),
    ("Store::other_journal", Open("about the file, not about what is stored")),
    ("Store::migrated", Open("what this very opening did, before anything was closed")),
    ("Store::protection", Open("about the caller")),
];

fn terms() -> Terms {
    let second = Duration::from_secs(1);
    let (group, dead) = ("g".into(), "g.dead".into());
    Terms { group, lease: second, retry: 1, backoff: second, dead, holder: "me".into() }
}

fn entry() -> Entry {
    Entry {
        group: "closed:g".into(),
        key: "k".into(),
        value: None,
        version: 1,
        bytes: 0,
        updated_at: Timestamp(0),
        expires_at: None,
    }
}

fn job() -> Job {
    Job { entry: entry(), attempt: 1, receipt: "r".into(), until: Timestamp(0) }
}

/// The public operations as the source has them.
fn in_source(dir: &Path, found: &mut BTreeSet<String>) {
    for file in std::fs::read_dir(dir).unwrap().map(|file| file.unwrap().path()) {
        if file.is_dir() {
            in_source(&file, found);
            continue;
        }
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        let mut of = None;
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("impl") {
                let subject = rest.trim_start_matches(|c| c != ' ').trim_start();
                of = ["Snapshot", "Transaction", "Bulk", "Store"].into_iter().find(|name| {
                    let rest = subject.strip_prefix(name);
                    rest.is_some_and(|rest| rest.starts_with('<') || rest.starts_with(" {"))
                });
            } else if line.starts_with('}') {
                of = None;
            } else if let (Some(of), Some(rest)) = (of, line.strip_prefix("    pub fn ")) {
                let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                found.insert(format!("{of}::{name}"));
            }
        }
    }
}

/// A condition could be checked without any access, and so a stranger learnt
/// versions, existence and, guess by guess, values of a closed namespace; the
/// list of commands to try had no line with a condition. This one lists the
/// operations, and a new one without a rule fails it.
#[test]
fn every_operation_has_its_rule() {
    let mut found = BTreeSet::new();
    in_source(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store"), &mut found);
    let listed: BTreeSet<String> = OPERATIONS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(listed.len(), OPERATIONS.len(), "a name is listed twice");
    assert_eq!(found, listed);
}

#[test]
fn no_operation_answers_a_stranger() {
    let fixture = Fixture::new();
    fixture.set("closed:g", "k", "secret");
    fixture.store.write(|tx| tx.put_consumer("closed:c", 0, "owner")).unwrap();
    fixture.scoped("closed").write(|tx| tx.grant(Principal::User(1), Level::Admin, "*")).unwrap();
    let stranger = Caller { uid: 7_700_001, groups: vec![7_700_001] };
    let options = StoreOptions {
        clock: fixture.clock.clone(),
        scope: Scope(Some(ns())),
        caller: Some(stranger),
        ..StoreOptions::new(fixture.path())
    };
    for (name, rule) in OPERATIONS {
        let store = Store::open(&options).unwrap().unwrap();
        let came_to = match rule {
            T(operation) => store.write(operation),
            B(operation) => store.bulk(operation),
            S(operation) => operation(&store),
            Open(_) => continue,
        };
        assert!(matches!(came_to, Err(Error::Denied(_))), "{name}: {came_to:?}");
    }
    // Nor does a scope reach past itself.
    let open =
        Store::open(&StoreOptions { scope: Scope(Namespace::new("open")), ..options }).unwrap().unwrap();
    for (what, came_to) in [
        ("usage", open.read(|tx| tx.usage(&ns()).map(drop))),
        ("limits", open.read(|tx| tx.limits(&ns()).map(drop))),
        ("set_limits", open.write(|tx| tx.set_limits(&ns(), Limits::default()))),
    ] {
        assert!(matches!(came_to, Err(Error::Denied(_))), "{what}: {came_to:?}");
    }
    assert_eq!(fixture.store.read(|tx| tx.get("closed:g", "k")).unwrap().value.unwrap(), b"secret");
}

/// The namespace `closed` as a user sees it who has `level` on its groups
/// `pub*`, and on no other one.
fn with_a_part(fixture: &Fixture, level: Level) -> Store {
    let user = 7_700_001;
    fixture.scoped("closed").write(|tx| tx.grant(Principal::User(user), level, "pub*")).unwrap();
    let options = StoreOptions {
        clock: fixture.clock.clone(),
        scope: Scope(Some(ns())),
        caller: Some(Caller { uid: user, groups: vec![user] }),
        ..StoreOptions::new(fixture.path())
    };
    Store::open(&options).unwrap().unwrap()
}

/// Whoever could write one group of a namespace removed, and was told the number
/// of, expired entries of all its groups, those included that he could not even
/// read.
#[test]
fn a_purge_removes_what_the_caller_may_write() {
    let fixture = Fixture::new();
    let soon = Expiry::At(fixture.clock.now().after(Duration::from_secs(1)));
    for group in ["closed:pub", "closed:hidden", "closed:public", "closed:secret", "open"] {
        fixture.store.write(|tx| tx.set(group, "k", b"v", soon, &Condition::Any)).unwrap();
    }
    fixture.clock.set(fixture.clock.now().after(Duration::from_secs(2)));
    let store = with_a_part(&fixture, Level::Write);
    assert_eq!(store.read(|tx| tx.count_due(None)).unwrap(), 2);
    assert_eq!(store.purge(None, KeepChanges::Bounded, |_| {}).unwrap().entries, 2);
    assert_eq!(store.read(|tx| tx.count_due(None)).unwrap(), 0);
    assert_eq!(fixture.number("SELECT count(*) FROM entries"), 3);
    assert!(matches!(store.purge(Some("hidden"), KeepChanges::Bounded, |_| {}), Err(Error::Denied(_))));
    // The owner removes the rest.
    assert_eq!(fixture.store.purge(None, KeepChanges::Bounded, |_| {}).unwrap().entries, 3);
}

/// A reader who had made all the consumers that he may make could make no other
/// one ever again: to delete his own took write access to the whole namespace.
#[test]
fn a_reader_deletes_his_own_consumers() {
    let fixture = Fixture::new();
    fixture.set("closed:pub", "k", "v");
    fixture.store.write(|tx| tx.put_consumer("closed:owners", 0, "owner")).unwrap();
    let store = with_a_part(&fixture, Level::Read);
    for number in 0..16 {
        store.write(|tx| tx.put_consumer(&format!("c{number}"), 0, "me")).unwrap();
    }
    let another = || store.write(|tx| tx.put_consumer("another", 0, "me"));
    assert!(matches!(another(), Err(Error::BadData(_))));
    store.write(|tx| tx.reset_consumer("c0", 1)).unwrap();
    assert!(store.write(|tx| tx.delete_consumer("c0")).unwrap());
    another().unwrap();
    let denied = |name: &str| {
        let outcomes = [
            store.write(|tx| tx.delete_consumer(name).map(drop)),
            store.write(|tx| tx.reset_consumer(name, 1)),
        ];
        outcomes.map(|outcome| outcome.unwrap_err().to_string())
    };
    // Whether or not there is one.
    assert_eq!(denied("owners"), denied("nowhere"));
    assert!(denied("owners")[0].contains("no write access"), "{:?}", denied("owners"));
}
