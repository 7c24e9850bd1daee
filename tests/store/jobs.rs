//! Jobs: leases, retries and the order, with the time passed in.

use std::time::Duration;

use larder::store::{Ended, Error, Expiry, Job, Limits, Name, Outcome, Store, Terms};

use crate::Fixture;

const LEASE: i64 = 60_000;

fn terms() -> Terms {
    Terms {
        group: "q".into(),
        lease: Duration::from_mins(1),
        retry: 3,
        backoff: Duration::from_secs(1),
        dead: "q.dead".into(),
        holder: "me".into(),
    }
}

fn take(store: &Store) -> Option<Job> {
    store.turn(&terms(), &[], 1).unwrap().taken.pop()
}

fn key(job: &Job) -> &str {
    job.entry.key.as_str().unwrap()
}

fn ended(store: &Store, job: &Job, outcome: Outcome) -> Ended {
    store.turn(&terms(), &[(job.clone(), outcome)], 0).unwrap().ended[0]
}

fn failed(store: &Store, job: &Job) -> Ended {
    ended(store, job, Outcome::Failed("exited with status 1".into()))
}

fn ack(store: &Store, job: &Job) -> Ended {
    store.write(|tx| tx.ack("q", &job.entry.key, &job.receipt)).unwrap()
}

#[test]
fn the_oldest_version_comes_first_whatever_its_key() {
    let f = Fixture::new();
    f.set("q", "c", "1");
    f.set("q", "a", "2");
    f.set("q", "b", "3");
    // Written anew, it is a new job, the youngest.
    f.set("q", "c", "4");
    let order: Vec<_> = std::iter::from_fn(|| take(&f.store)).map(|job| key(&job).to_owned()).collect();
    assert_eq!(order, ["a", "b", "c"]);
}

#[test]
fn a_job_is_in_one_hand_until_its_lease_is_over() {
    let f = Fixture::new();
    f.set("q", "k", "v");
    let first = take(&f.store).unwrap();
    assert_eq!((first.attempt, first.until.0), (1, crate::START + LEASE));
    f.now(LEASE - 1);
    assert_eq!(take(&f.store), None);
    f.now(LEASE);
    // From its last millisecond on it is nobody's, whether or not somebody has
    // taken it meanwhile.
    assert_eq!(ack(&f.store, &first), Ended::NotHeld);
    assert!(matches!(f.store.renew(&terms(), &first), Err(Error::Condition(_))));
    let second = take(&f.store).unwrap();
    assert_eq!(second.attempt, 2);
    assert_ne!(first.receipt, second.receipt);
    assert_eq!(ack(&f.store, &first), Ended::NotHeld);
    assert_eq!(failed(&f.store, &first), Ended::NotHeld);
    assert_eq!(ack(&f.store, &second), Ended::Done);
    assert_eq!(f.get("q", "k"), None);
    assert_eq!(f.number("SELECT count(*) FROM larder_leases"), 0);
}

#[test]
fn a_renewed_lease_goes_on() {
    let f = Fixture::new();
    f.set("q", "k", "v");
    let job = take(&f.store).unwrap();
    f.now(LEASE - 1);
    assert_eq!(f.store.renew(&terms(), &job).unwrap().0, crate::START + 2 * LEASE - 1);
    f.now(2 * LEASE - 2);
    assert_eq!(take(&f.store), None);
    assert_eq!(ack(&f.store, &job), Ended::Done);
}

#[test]
fn pauses_grow_and_hold_nobody_up() {
    let f = Fixture::new();
    f.set("q", "bad", "v");
    let mut now = 0;
    for pause in [1000, 2000] {
        let job = take(&f.store).unwrap();
        assert_eq!(key(&job), "bad");
        assert!(matches!(failed(&f.store, &job), Ended::Free(at) if at.0 == crate::START + now + pause));
        f.set("q", "good", "v");
        let good = take(&f.store).unwrap();
        assert_eq!(key(&good), "good");
        assert_eq!(ack(&f.store, &good), Ended::Done);
        f.now(now + pause - 1);
        assert_eq!(take(&f.store), None);
        now += pause;
        f.now(now);
    }
    let last = take(&f.store).unwrap();
    assert_eq!(last.attempt, 3);
    assert_eq!(failed(&f.store, &last), Ended::Dead);
    assert_eq!((f.get("q", "bad"), f.get("q.dead", "bad")), (None, Some("v".into())));
    let state = f.store.read(|tx| tx.job_state("q.dead", &tx.get("q.dead", "bad")?)).unwrap().unwrap();
    assert_eq!((state.attempts, state.dead_from.as_deref()), (3, Some("q")));
    assert_eq!(state.failure.as_deref(), Some("exited with status 1"));
    // There it is a job like any other, with all its attempts before it.
    let again = Terms { group: "q.dead".into(), dead: "q.dead.dead".into(), ..terms() };
    assert_eq!(f.store.turn(&again, &[], 1).unwrap().taken[0].attempt, 1);
    f.recount();
}

/// A job that kills its worker was tried for ever: nobody was left to count.
#[test]
fn workers_that_die_are_attempts() {
    let f = Fixture::new();
    f.set("q", "killer", "v");
    for attempt in 1..=3 {
        assert_eq!(take(&f.store).unwrap().attempt, attempt);
        f.now(attempt * LEASE);
    }
    assert_eq!(take(&f.store), None);
    assert_eq!(f.get("q.dead", "killer"), Some("v".into()));
    let state = f.store.read(|tx| tx.job_state("q.dead", &tx.get("q.dead", "killer")?)).unwrap().unwrap();
    assert_eq!((state.attempts, state.failure.as_deref()), (3, Some("the lease of me ran out")));
}

#[test]
fn what_is_given_back_was_not_tried() {
    let f = Fixture::new();
    f.set("q", "k", "v");
    for _ in 0..5 {
        let job = take(&f.store).unwrap();
        assert_eq!(job.attempt, 1);
        assert!(matches!(ended(&f.store, &job, Outcome::Returned), Ended::Free(_)));
    }
    // A nack is an attempt.
    let job = take(&f.store).unwrap();
    let nack =
        |job: &Job, delay| f.store.write(|tx| tx.nack("q", &job.entry.key, &job.receipt, delay)).unwrap();
    assert!(
        matches!(nack(&job, Some(Duration::from_secs(5))), Ended::Free(at) if at.0 == crate::START + 5000)
    );
    assert_eq!(nack(&job, None), Ended::NotHeld);
    assert_eq!(take(&f.store), None);
    f.now(5000);
    assert_eq!(take(&f.store).unwrap().attempt, 2);
}

#[test]
fn an_entry_that_is_written_anew_is_a_new_job() {
    let f = Fixture::new();
    f.set("q", "k", "old");
    let old = take(&f.store).unwrap();
    f.set("q", "k", "new");
    // Nobody else has the key while the lease lasts.
    assert_eq!(take(&f.store), None);
    assert_eq!(ended(&f.store, &old, Outcome::Done), Ended::Anew);
    let new = take(&f.store).unwrap();
    assert_eq!((new.entry.value.as_deref(), new.attempt), (Some(&b"new"[..]), 1));
    // The same where the worker died.
    f.set("q", "k", "newer");
    f.now(LEASE);
    let newer = take(&f.store).unwrap();
    assert_eq!((newer.entry.value.as_deref(), newer.attempt), (Some(&b"newer"[..]), 1));
    // And by another client, which knows nothing of jobs.
    f.plain()
        .execute_batch(
            "INSERT OR REPLACE INTO entries(group_name,entry_key,entry_value)VALUES('q','k','foreign')",
        )
        .unwrap();
    assert_eq!(ack(&f.store, &newer), Ended::Anew);
    assert_eq!(take(&f.store).unwrap().entry.value.as_deref(), Some(&b"foreign"[..]));
}

#[test]
fn what_is_deleted_or_due_is_no_job() {
    let f = Fixture::new();
    f.set("q", "deleted", "v");
    f.set_until("q", "due", "v", crate::START + 10);
    f.set("q", "k", "v");
    let job = take(&f.store).unwrap();
    assert_eq!(key(&job), "deleted");
    f.store.write(|tx| tx.delete("q", "deleted", &larder::store::Condition::Any)).unwrap();
    f.now(10);
    assert_eq!(key(&take(&f.store).unwrap()), "k");
    assert_eq!(take(&f.store), None);
    // Whoever deleted it meant that.
    assert_eq!(ended(&f.store, &job, Outcome::Failed("x".into())), Ended::Done);
    f.store.write(|tx| tx.delete_group("q")).unwrap();
    f.now(LEASE + 10);
    assert_eq!(take(&f.store), None);
    f.store.purge(None, larder::store::KeepChanges::Bounded, |_| {}).unwrap();
    assert_eq!(f.number("SELECT count(*) FROM larder_leases"), 0);
}

#[test]
fn a_delay_is_kept_and_told() {
    let f = Fixture::new();
    let push = |delay| f.store.write(|tx| tx.push("q", b"v", Expiry::Never, delay)).unwrap();
    let late = push(Some(Duration::from_secs(10)));
    let early = push(None);
    assert!(late.key.as_str() < early.key.as_str());
    let turn = f.store.turn(&terms(), &[], 2).unwrap();
    assert_eq!(turn.taken.iter().map(|job| &job.entry.key).collect::<Vec<_>>(), [&early.key]);
    let outlook = turn.outlook.unwrap();
    assert_eq!(outlook.next.map(|at| at.0), Some(crate::START + 10_000));
    assert!(outlook.left);
    f.now(10_000);
    assert_eq!(take(&f.store).unwrap().entry.key, late.key);
}

/// What has come and cannot be taken yet was taken for a job at every look: a
/// worker that waited for one never slept.
#[test]
fn what_cannot_be_taken_is_nothing_to_try() {
    let f = Fixture::new();
    f.set("q", "k", "v");
    let job = take(&f.store).unwrap();
    f.store.write(|tx| tx.push("q", b"v", Expiry::Never, Some(Duration::from_secs(10)))).unwrap();
    // Of the lease, or the delay: the sooner one.
    for next in [10_000, 10_000] {
        let turn = f.store.turn(&terms(), &[], 1).unwrap();
        assert_eq!(turn.outlook.unwrap().next.map(|at| at.0), Some(crate::START + next));
    }
    f.set("q", "k", "anew");
    let turn = f.store.turn(&terms(), &[], 1).unwrap();
    assert_eq!(turn.outlook.unwrap().next.map(|at| at.0), Some(crate::START + 10_000));
    let mut seen = turn.newest;
    let outlook = f.store.read(|tx| tx.outlook("q", &mut seen)).unwrap();
    assert!(outlook.next.is_some_and(|at| at.0 > crate::START));
    assert_eq!(ack(&f.store, &job), Ended::Anew);
    let outlook = f.store.read(|tx| tx.outlook("q", &mut seen)).unwrap();
    assert!(outlook.next.is_some_and(|at| at.0 <= crate::START));
}

/// Wherever the log does not tell what has come, the group itself does.
#[test]
fn no_job_is_missed() {
    let f = Fixture::new();
    f.set("q", "a", "v");
    assert_eq!(key(&take(&f.store).unwrap()), "a");
    // The log is cut behind the worker's back.
    f.set("q", "b", "v");
    f.set("other", "x", "v");
    f.plain()
        .execute_batch("DELETE FROM larder_changes WHERE seq<(SELECT max(seq) FROM larder_changes)")
        .unwrap();
    assert_eq!(key(&take(&f.store).unwrap()), "b");
    // Many changes elsewhere.
    for _ in 0..1200 {
        f.set("other", "x", "v");
    }
    f.set("q", "c", "v");
    assert_eq!(key(&take(&f.store).unwrap()), "c");
    // The group was gone in between.
    f.store.write(|tx| tx.delete_group("q")).unwrap();
    f.set("q", "d", "v");
    assert_eq!(key(&take(&f.store).unwrap()), "d");
    // By other clients.
    f.plain()
        .execute_batch("INSERT INTO entries(group_name,entry_key,entry_value)VALUES('q','e','v')")
        .unwrap();
    assert_eq!(key(&take(&f.store).unwrap()), "e");
    assert_eq!(take(&f.store), None);
}

#[test]
fn a_job_that_cannot_be_moved_away_waits_and_stops_nobody() {
    let f = Fixture::new();
    let store = f.scoped("ns");
    f.set("ns:q", "bad", "v");
    f.set("ns:q", "good", "v");
    f.limit("ns", Limits { groups: Some(1), ..Limits::default() });
    let terms = Terms { retry: 1, ..terms() };
    let job = store.turn(&terms, &[], 1).unwrap().taken.pop().unwrap();
    let outcome = Outcome::Failed("exited with status 1".into());
    let turn = store.turn(&terms, &[(job, outcome)], 1).unwrap();
    assert!(matches!(turn.ended[0], Ended::Free(at) if at.0 > crate::START));
    assert_eq!(key(&turn.taken[0]), "good");
    assert_eq!(f.get("ns:q", "bad"), Some("v".into()));
    f.recount();
    f.limit("ns", Limits { groups: Some(2), ..Limits::default() });
    f.now(60_000);
    store.turn(&terms, &[], 1).unwrap();
    assert_eq!(f.get("ns:q.dead", "bad"), Some("v".into()));
    f.recount();
}

#[test]
fn two_that_die_under_one_key_are_both_kept() {
    let f = Fixture::new();
    let terms = Terms { retry: 1, ..terms() };
    for value in ["one", "two"] {
        f.set("q", "k", value);
        let job = f.store.turn(&terms, &[], 1).unwrap().taken.pop().unwrap();
        f.store.turn(&terms, &[(job, Outcome::Failed("x".into()))], 0).unwrap();
    }
    assert_eq!(f.get("q.dead", "k"), Some("one".into()));
    assert_eq!(f.keys("q.dead").len(), 2);
}

#[test]
fn restarted_numbers_do_not_touch_what_is_known_of_jobs() {
    let f = Fixture::new();
    f.store.write(|tx| tx.push("q", b"v", Expiry::Never, Some(Duration::from_secs(10)))).unwrap();
    let copy = f.path().with_extension("copy");
    f.store.backup(&copy, &mut |_, _, _| ()).unwrap();
    f.set("g", "k", "v");
    let options =
        larder::store::StoreOptions { clock: f.clock.clone(), ..larder::store::StoreOptions::new(f.path()) };
    larder::store::restore(&options, larder::store::Source::File(&copy), f.dir.path(), &mut |_, _, _| ())
        .unwrap();
    let store = crate::open(&f.path(), &f.clock, None);
    assert_eq!(take(&store), None);
    f.now(10_000);
    assert_eq!(take(&store).unwrap().attempt, 1);
}

#[test]
fn a_name_is_whole() {
    let f = Fixture::new();
    let odd = Name::new(&b"\xff\0k"[..]);
    f.store.write(|tx| tx.set("q", &odd, b"v", Expiry::Never, &larder::store::Condition::Any)).unwrap();
    let job = take(&f.store).unwrap();
    assert_eq!(job.entry.key, odd);
    assert_eq!(ack(&f.store, &job), Ended::Done);
}
