//! Histories: what a crowd of processes saw, some of them killed, and whether
//! one order of all their calls explains it. Two judges who know nothing of
//! each other look at it: a search for such an order from the results alone,
//! and a comparison of the results with the change log.

#![allow(clippy::print_stdout)]

mod crowd;
mod model;
mod witness;

use std::ops::Range;
use std::thread;
use std::time::Duration;

use crate::harness::{Home, Rng, size};
use crowd::{Crowd, log, parts, watch};
use model::{Act, Call, Key, Only, Outcome, linearizable};
use witness::{Change, compare};

/// Keys that are judged each by itself.
const SINGLE: Range<Key> = 0..5;
/// Keys between which numbers are moved, and which are listed and counted.
const BANK: Range<Key> = 5..8;

/// What a crowd did within `time`, and what two watches told of it.
fn history(home: &Home, rng: &mut Rng, time: Duration) -> (Vec<Call>, Vec<Change>, Vec<Change>) {
    let crowd = Crowd::new(home);
    thread::scope(|scope| {
        let steady = scope.spawn(|| watch(home, None));
        let killer = rng.fork();
        let resumed = scope.spawn(move || watch(home, Some(killer)));
        let mut callers = Vec::new();
        for number in 0..6 {
            let (crowd, rng) = (&crowd, rng.fork());
            callers.push(scope.spawn(move || crowd.call(number, rng)));
        }
        for _ in 0..2 {
            let (crowd, rng) = (&crowd, rng.fork());
            callers.push(scope.spawn(move || crowd.stream(rng)));
        }
        thread::sleep(time);
        crowd.enough();
        let ends: Vec<_> = callers.into_iter().map(|caller| caller.join()).collect();
        home.ok(["set", "end", "k0", "0"]);
        assert!(ends.iter().all(Result::is_ok), "a caller saw what must not be");
        let calls = std::mem::take(&mut *crowd.calls.lock().unwrap());
        (calls, steady.join().unwrap(), resumed.join().unwrap())
    })
}

/// Both judges.
fn judge(calls: &[Call], log: &[Change]) -> [Result<(), String>; 2] {
    let searched = parts(calls)
        .into_iter()
        .try_for_each(|(part, calls)| linearizable(&calls).map_err(|why| format!("{part}: {why}")));
    [searched, compare(calls, log)]
}

/// Every result is right in one order of all calls, whoever was killed; a watch
/// tells that order, whether it ran all the time or was killed again and again.
#[test]
fn what_a_crowd_sees_has_one_order() {
    let mut rng = Rng::new("what_a_crowd_sees_has_one_order");
    let home = Home::new();
    let time = Duration::from_secs(u64::try_from(size(5)).unwrap());
    let (calls, steady, resumed) = history(&home, &mut rng, time);
    let log = log(&home);
    assert_eq!(steady, log, "the watch and the log");
    assert_eq!(resumed, log, "the watch that was killed, and the log");
    for verdict in judge(&calls, &log) {
        if let Err(why) = verdict {
            // What happened will not happen again, whatever the seed.
            let kept = concat!(env!("CARGO_TARGET_TMPDIR"), "/history");
            let lines = calls
                .iter()
                .map(|call| format!("{call:?}\n"))
                .chain(log.iter().map(|change| format!("{change:?}\n")));
            std::fs::write(kept, lines.collect::<String>()).unwrap();
            panic!("{why}\nthe whole history is in {kept}");
        }
    }
    home.check();
    let unknown = calls.iter().filter(|call| call.outcome == Outcome::Unknown).count();
    println!("{} calls, {unknown} of them killed, {} changes", calls.len(), log.len());
    assert!(unknown > 0 && calls.len() > 100, "too little happened");
    assert!(spoiled(&calls, &log, &mut rng) >= 10, "too few ways to spoil the history");
}

/// Spoils a history that is right in ways that the judges must notice; says how
/// many there were.
fn spoiled(calls: &[Call], log: &[Change], rng: &mut Rng) -> usize {
    let written = |call: &Call| match (&call.act, &call.outcome) {
        (Act::Set(key, ..) | Act::Incr(key, _), Outcome::Written(value, version)) => {
            Some((*key, *value, *version))
        }
        _ => None,
    };
    let mut times = 0;
    for _ in 0..400 {
        let [one, two, three] = [(); 3].map(|()| rng.below(calls.len()));
        let (Some(old), Some(new)) = (written(&calls[one]), written(&calls[two])) else { continue };
        if calls[one].end >= calls[two].begin || old.0 != new.0 {
            continue;
        }
        let key = old.0;
        let mut wrong = calls.to_vec();
        // One version for two writes.
        wrong[two].outcome = Outcome::Written(new.1, old.2);
        refused(&wrong, log, "one version twice");
        times += 1;
        // A read of what was overwritten before, or is written later.
        let (before, after) = (calls[two].end < calls[three].begin, calls[three].end < calls[two].begin);
        let (value, version) = if before { (old.1, old.2) } else { (new.1, new.2) };
        wrong[two] = calls[two].clone();
        match (&calls[three].act, &mut wrong[three].outcome) {
            (Act::Get(of), outcome) if *of == key && (before || after) => {
                *outcome = Outcome::Found(Some((value, version)));
            }
            (Act::List, Outcome::Entries(entries)) if BANK.contains(&key) && (before || after) => {
                entries.insert(key, (value, version));
            }
            _ => continue,
        }
        refused(&wrong, log, "a stale read");
        times += 1;
    }
    // A watch that loses an acknowledged write, tells it twice, or too early.
    let told: Vec<usize> = (1..log.len())
        .filter(|at| calls.iter().any(|call| written(call).is_some_and(|w| w.2 == log[*at].seq)))
        .collect();
    for _ in 0..5 {
        let at = told[rng.below(told.len())];
        let [mut lost, mut twice, mut early] = [(); 3].map(|()| log.to_vec());
        lost.remove(at);
        twice.insert(at, log[at].clone());
        early.swap(at - 1, at);
        for log in [lost, twice, early] {
            assert!(compare(calls, &log).is_err(), "change {at} is lost, doubled or moved");
            times += 1;
        }
    }
    times
}

#[track_caller]
fn refused(calls: &[Call], log: &[Change], what: &str) {
    let [searched, compared] = judge(calls, log);
    assert!(searched.is_err(), "the search has nothing against {what}");
    assert!(compared.is_err(), "the comparison has nothing against {what}");
}

/// Small histories, right and wrong, by hand.
#[test]
fn the_judges_know_right_from_wrong() {
    let call = |act: Act, outcome: Outcome, begin: u64, end: u64| Call { act, outcome, begin, end };
    let set = |value: i64, version: i64, begin, end| {
        call(Act::Set(0, value, Only::Always), Outcome::Written(value, version), begin, end)
    };
    let get = |found, begin, end| call(Act::Get(0), Outcome::Found(found), begin, end);
    let killed = |value, begin, end| call(Act::Set(0, value, Only::Always), Outcome::Unknown, begin, end);
    let search = |calls: &[Call]| linearizable(calls).is_ok();
    // In a row; at the same time, either way; a killed one, done or not.
    assert!(search(&[set(1, 1, 0, 1), get(Some((1, 1)), 2, 3)]));
    assert!(search(&[set(1, 1, 0, 1), set(2, 2, 2, 5), get(Some((1, 1)), 3, 4)]));
    assert!(search(&[set(1, 1, 0, 1), set(2, 2, 2, 5), get(Some((2, 2)), 3, 4)]));
    assert!(search(&[set(1, 1, 0, 1), killed(2, 2, 3), get(Some((1, 1)), 4, 5)]));
    assert!(search(&[set(1, 1, 0, 1), killed(2, 2, 3), get(Some((2, 2)), 4, 5)]));
    // A lost write, a stale read, a version twice or backwards, a dead one that
    // still writes, or writes and takes it back.
    assert!(!search(&[set(1, 1, 0, 1), get(None, 2, 3)]));
    assert!(!search(&[set(1, 1, 0, 1), set(2, 2, 2, 3), get(Some((1, 1)), 4, 5)]));
    assert!(!search(&[set(1, 1, 0, 1), set(2, 1, 2, 3)]));
    assert!(!search(&[set(1, 2, 0, 1), set(2, 1, 2, 3)]));
    let old = get(Some((1, 1)), 4, 5);
    assert!(!search(&[set(1, 1, 0, 1), killed(2, 2, 3), old.clone(), get(Some((2, 2)), 6, 7)]));
    assert!(!search(&[set(1, 1, 0, 1), killed(2, 2, 3), get(Some((2, 2)), 4, 5), get(Some((1, 1)), 6, 7)]));
    // Two that counted from the same number.
    let incr = |value, version| call(Act::Incr(0, 1), Outcome::Written(value, version), 0, 1);
    assert!(search(&[incr(1, 1), incr(2, 2)]));
    assert!(!search(&[incr(1, 1), incr(1, 2)]));
    // A transfer that is seen half done.
    let transfer = call(Act::Transfer(5, 6, 9), Outcome::Done, 0, 9);
    let list = |entries: &[(Key, (i64, i64))]| {
        call(Act::List, Outcome::Entries(entries.iter().copied().collect()), 1, 8)
    };
    assert!(search(&[transfer.clone(), list(&[])]));
    assert!(search(&[transfer.clone(), list(&[(5, (-9, 1)), (6, (9, 2))])]));
    assert!(!search(&[transfer.clone(), list(&[(5, (-9, 1))])]));
    let halves = [Change { seq: 1, key: 5, value: Some(-9) }, Change { seq: 2, key: 6, value: Some(9) }];
    assert!(compare(&[transfer.clone(), list(&[(5, (-9, 1)), (6, (9, 2))])], &halves).is_ok());
    assert!(compare(&[transfer.clone(), list(&[])], &halves).is_ok());
    assert!(compare(&[transfer.clone(), list(&[(5, (-9, 1))])], &halves).is_err());
    assert!(compare(&[transfer], &halves[..1]).is_err());
    // A delete that found something shows in the log, and no other is there.
    let delete = call(Act::Delete(0), Outcome::Deleted(true), 2, 3);
    let log = [Change { seq: 1, key: 0, value: Some(1) }, Change { seq: 2, key: 0, value: None }];
    assert!(compare(&[set(1, 1, 0, 1), delete.clone()], &log).is_ok());
    assert!(compare(&[set(1, 1, 0, 1), delete], &log[..1]).is_err());
    assert!(compare(&[set(1, 1, 0, 1)], &log).is_err());
}
