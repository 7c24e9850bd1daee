//! What operations cost, counted in steps of SQLite's machine and not in time:
//! what a tenant pays must not grow with what others hold.

use std::cell::Cell;
use std::ffi::{c_int, c_void};
use std::ops::ControlFlow;
use std::ptr::null_mut;

use rusqlite::{Connection, ffi};

use crate::clock::{Clock, Timestamp};
use crate::model::{
    Condition, Ended, Error, Expiry, Glob, Keys, Limits, Namespace, Outcome, Result, Scope, Terms,
};
use crate::store::Store;
use crate::store::StoreOptions;
use crate::store::sqlite::check::examine::examine;
use crate::store::{Snapshot, Transaction};

thread_local! {
    static STEPS: Cell<u64> = const { Cell::new(0) };
}

extern "C" fn count(_: *mut c_void) -> c_int {
    STEPS.set(STEPS.get() + 10);
    0
}

/// How many steps the statements of `f` take on this connection.
#[allow(unsafe_code)]
fn steps(conn: &Connection, f: impl FnOnce()) -> u64 {
    // SAFETY: the handler is a function without state, and is taken off again
    // while the connection is open.
    unsafe { ffi::sqlite3_progress_handler(conn.handle(), 10, Some(count), null_mut()) };
    STEPS.set(0);
    f();
    unsafe { ffi::sqlite3_progress_handler(conn.handle(), 0, None, null_mut()) };
    STEPS.get()
}

const NOW: i64 = 1_800_000_000_000;

/// A store in which tenants `a` and `z` have `size` expired entries each, in
/// groups of ten, and as many that will expire; and tenant `m` has ten groups of
/// three, one entry of each expired, one to expire.
fn store(dir: &tempfile::TempDir, size: usize) -> StoreOptions {
    let options = StoreOptions {
        clock: Clock::manual(Timestamp(NOW - 1000)),
        ..StoreOptions::new(dir.path().join("store.db"))
    };
    let store = Store::create(&options).unwrap();
    let (due, later) = (Expiry::At(Timestamp(NOW)), Expiry::At(Timestamp(NOW + 9_000_000)));
    store
        .bulk(|bulk| {
            let mut set = |group: &str, key: &str, expiry| {
                bulk.set(group, key, b"value", expiry, &Condition::Any).map(drop)
            };
            for n in 0..size {
                for tenant in ["a", "z"] {
                    set(&format!("{tenant}:g{}", n / 10), &format!("due{n}"), due)?;
                    set(&format!("{tenant}:g{}", n / 10), &format!("later{n}"), later)?;
                }
            }
            for n in 0..10 {
                set(&format!("m:g{n}"), "stays", Expiry::Never)?;
                set(&format!("m:g{n}"), "due", due)?;
                set(&format!("m:g{n}"), "later", later)?;
            }
            Ok(())
        })
        .unwrap();
    store.write(|tx| tx.put_consumer("m:c", 1, "")).unwrap();
    options.clock.set(Timestamp(NOW));
    options
}

/// Fails if an operation of tenant `m`, or on its groups, takes more steps
/// where the other tenants hold a hundred times as much.
#[track_caller]
fn costs_the_same(scope: Option<&str>, operation: impl Fn(&Store)) {
    let cost = |size| {
        let dir = tempfile::tempdir().unwrap();
        let scope = Scope(scope.and_then(Namespace::new));
        let store = Store::create(&StoreOptions { scope, ..store(&dir, size) }).unwrap();
        steps(&store.conn, || operation(&store))
    };
    let (little, much) = (cost(20), cost(2000));
    assert!(much <= little * 3 / 2 + 100, "{little} steps, and {much} beside more of others");
}

fn read<T>(f: impl Fn(&Snapshot<'_>) -> Result<T>) -> impl Fn(&Store) {
    move |store| drop(store.read(&f).unwrap())
}

fn write<T>(f: impl Fn(&Transaction<'_>) -> Result<T>) -> impl Fn(&Store) {
    move |store| drop(store.write(&f).unwrap())
}

/// The only index by time knew no groups first: counting what had expired in
/// one group walked what had expired in all.
#[test]
fn a_group_costs_what_it_holds() {
    costs_the_same(
        None,
        read(|tx| {
            assert_eq!(tx.count("m:g1")?, 2);
            Ok(())
        }),
    );
    costs_the_same(
        None,
        read(|tx| {
            assert_eq!(tx.count_due(Some("m:g1"))?, 1);
            Ok(())
        }),
    );
    costs_the_same(
        None,
        write(|tx| {
            assert_eq!(tx.delete_group("m:g1")?, 2);
            Ok(())
        }),
    );
    costs_the_same(Some("m"), |store| {
        drop(store.purge(Some("g1"), crate::store::KeepChanges::Bounded, |_| {}));
    });
}

/// So every namespace of a list of them walked all of the store's expiries:
/// 800 namespaces with 160,000 entries took 7 seconds.
#[test]
fn a_namespace_costs_what_it_holds() {
    let m = Namespace::new("m").unwrap();
    costs_the_same(
        Some("m"),
        read(|tx| {
            assert_eq!(tx.usage(&m)?.keys, 20);
            Ok(())
        }),
    );
    costs_the_same(
        Some("m"),
        read(|tx| {
            assert_eq!(tx.namespaces()?.len(), 1);
            Ok(())
        }),
    );
    costs_the_same(
        Some("m"),
        read(|tx| {
            assert_eq!(tx.count_all()?, 20);
            Ok(())
        }),
    );
    costs_the_same(
        Some("m"),
        read(|tx| {
            assert_eq!(tx.holdings()?.groups, 10);
            Ok(())
        }),
    );
    costs_the_same(
        Some("m"),
        read(|tx| {
            assert_eq!(tx.count_due(None)?, 10);
            Ok(())
        }),
    );
    costs_the_same(Some("m"), |store| drop(store.purge(None, crate::store::KeepChanges::Bounded, |_| {})));
    costs_the_same(
        Some("m"),
        write(|tx| {
            assert_eq!(tx.delete_namespace()?, 20);
            Ok(())
        }),
    );
}

/// A page of groups counted what had expired in all of them, and began at the
/// first whatever was asked for.
#[test]
fn a_page_of_groups_costs_what_it_shows() {
    fn page(glob: Option<&str>, after: Option<&str>, first: &'static str) -> impl Fn(&Store) {
        let glob = glob.map(|glob| Glob::new(glob).unwrap());
        let after = after.map(str::to_owned);
        read(move |tx| {
            let names = Keys { glob: glob.as_ref(), after: after.as_deref() };
            let mut seen = Vec::new();
            tx.groups(&names, |group| {
                seen.push(group.name);
                Ok(if seen.len() == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
            })?;
            assert_eq!((seen.len(), seen[0].as_str()), (3, Some(first)));
            Ok(())
        })
    }
    costs_the_same(None, page(None, None, "a:g0"));
    costs_the_same(None, page(None, Some("m:"), "m:g0"));
    costs_the_same(None, page(None, Some("m:g3"), "m:g4"));
    costs_the_same(None, page(Some("m:*"), None, "m:g0"));
    costs_the_same(None, page(Some("m:g*"), Some("m:g1"), "m:g2"));
    costs_the_same(Some("m"), page(Some("g*"), Some("g1"), "m:g2"));
    costs_the_same(Some("m"), page(None, None, "m:g0"));
}

/// A write over a quota looks for expired entries of its namespace, which it
/// found among all of the store's: a hundred writes of a tenant at his limit
/// held the write lock for 13 seconds.
#[test]
fn a_write_at_the_quota_costs_what_the_namespace_holds() {
    let m = Namespace::new("m").unwrap();
    let limited = |keys, groups| {
        let m = m.clone();
        move |store: &Store| {
            let limits = Limits { keys, bytes: None, groups };
            store.write(|tx| tx.set_limits(&m, limits)).unwrap();
            let set = |key: &str| store.write(|tx| tx.set("g1", key, b"v", Expiry::Never, &Condition::Any));
            assert!(set("stays").is_ok());
            assert!(matches!(set("new"), Err(Error::Quota { .. })));
            assert!(matches!(
                store.write(|tx| tx.set("new", "k", b"v", Expiry::Never, &Condition::Any)),
                Err(Error::Quota { .. })
            ));
        }
    };
    costs_the_same(Some("m"), limited(Some(20), None));
    costs_the_same(Some("m"), limited(Some(1), Some(1)));
}

/// Counters and recounts were joined each with each: a backup of 40,000 groups
/// took a minute.
#[test]
fn a_check_is_linear_in_groups_and_namespaces() {
    let cost = |groups: usize| {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::create(&StoreOptions::new(dir.path().join("store.db"))).unwrap();
        store
            .bulk(|bulk| {
                for n in 0..groups {
                    bulk.set(&*format!("n{n}:g"), "k", b"v", Expiry::Never, &Condition::Any)?;
                }
                Ok(())
            })
            .unwrap();
        steps(&store.conn, || assert!(examine(&store.conn).unwrap().is_empty()))
    };
    let (few, many) = (cost(200), cost(1600));
    assert!(many < 12 * few, "{few} steps for some, {many} for eight times as many");
}

/// A take must cost the same from a long queue as from a short one, whatever of
/// it is leased or waits.
#[test]
fn a_job_costs_the_same_from_a_long_queue() {
    let second = std::time::Duration::from_secs(1);
    let terms = Terms {
        group: "q".into(),
        lease: second,
        retry: 5,
        backoff: second,
        dead: "q.dead".into(),
        holder: "me".into(),
    };
    let cost = |size: usize| {
        let dir = tempfile::tempdir().unwrap();
        let clock = Clock::manual(Timestamp(NOW));
        let options = StoreOptions { clock, ..StoreOptions::new(dir.path().join("store.db")) };
        let store = Store::create(&options).unwrap();
        store
            .write(|tx| {
                for n in 0..size {
                    tx.push("q", b"v", Expiry::Never, (n % 3 == 0).then_some(second))?;
                }
                Ok(())
            })
            .unwrap();
        let job = store.turn(&terms, &[], size / 3).unwrap().taken.pop().unwrap();
        steps(&store.conn, || {
            let turn = store.turn(&terms, &[(job, Outcome::Done)], 1).unwrap();
            assert_eq!((turn.ended, turn.taken.len()), (vec![Ended::Done], 1));
        })
    };
    let (little, much) = (cost(30), cost(3000));
    assert!(much <= little * 3 / 2 + 100, "{little} steps, and {much} from a long queue");
}
