//! `?after=`: the log first, then what happens, with no gap between.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use larder::watch::websocket::{Limits, STORE_EVENTS};

use super::fixture::{Server, set};

#[test]
fn the_log_comes_first() {
    // Published before anybody came, and before the hub: both are in the log.
    let server = Server::with(|config| config.start = 5);
    for seq in 1..=5 {
        server.log.append(set(seq, "g", "k", b""));
    }
    for seq in 6..=9 {
        server.publish(&set(seq, "g", "k", b""));
    }
    for after in [0, 3, 5, 7, 9] {
        let mut client = server.connect(&format!("&after={after}"));
        client.subscribe(STORE_EVENTS);
        let count = usize::try_from(9 - after).unwrap();
        assert_eq!(client.seqs(STORE_EVENTS, count), (after + 1..=9).collect::<Vec<_>>());
        assert_eq!(client.ping()["seq"], 9);
    }
    server.publish(&set(10, "g", "k", b""));
    let mut client = server.connect("&after=9");
    client.subscribe(STORE_EVENTS);
    assert_eq!(client.seqs(STORE_EVENTS, 1), [10]);
}

/// Each channel resumes from the position, whenever it is subscribed to.
#[test]
fn each_channel_resumes() {
    let server = Server::start();
    for seq in 1..=6 {
        server.publish(&set(seq, if seq % 2 == 0 { "even" } else { "odd" }, "k", b""));
    }
    let mut client = server.connect("&after=1");
    client.subscribe("group.odd");
    assert_eq!(client.seqs("group.odd", 2), [3, 5]);
    client.subscribe("group.even");
    assert_eq!(client.seqs("group.even", 3), [2, 4, 6]);
    client.subscribe(STORE_EVENTS);
    assert_eq!(client.seqs(STORE_EVENTS, 5), [2, 3, 4, 5, 6]);
    client.ping();
    server.publish(&set(7, "odd", "k", b""));
    assert_eq!(client.seqs(STORE_EVENTS, 1), [7]);
    assert_eq!(client.seqs("group.odd", 1), [7]);
    client.ping();
}

#[test]
fn a_gap_is_announced() {
    let server = Server::start();
    let tight = Server::with(|config| config.limits = Limits { backlog: 1, ..Limits::default() });
    for seq in 1..=9 {
        server.publish(&set(seq, "g", "k", b""));
        tight.publish(&set(seq, "g", "k", b""));
    }
    // The hub still knows what the log has lost.
    server.log.trim(6);
    let mut client = server.connect("&after=2");
    client.subscribe(STORE_EVENTS);
    assert_eq!(client.seqs(STORE_EVENTS, 7), [3, 4, 5, 6, 7, 8, 9]);

    tight.log.trim(6);
    let mut client = tight.connect("&after=2");
    let error = client.next();
    assert_eq!(error["type"], "error");
    assert!(error["data"].as_str().unwrap().contains("oldest retained: 6"), "{error}");
    client.subscribe(STORE_EVENTS);
    assert_eq!(client.seqs(STORE_EVENTS, 4), [6, 7, 8, 9]);
}

#[test]
fn the_future_is_not_a_position() {
    let server = Server::start();
    server.publish(&set(1, "g", "k", b""));
    let mut client = server.connect("&after=99");
    let error = client.next();
    assert_eq!((&error["type"], error["data"].as_str().unwrap().contains("99")), (&"error".into(), true));
    client.subscribe(STORE_EVENTS);
    client.ping();
    server.publish(&set(2, "g", "k", b""));
    assert_eq!(client.seqs(STORE_EVENTS, 1), [2]);
}

/// Clients come while changes pour in, through a backlog so small that they
/// have to change over between it and the log all the time.
#[test]
fn nothing_is_lost_or_repeated_at_the_change_over() {
    const CHANGES: i64 = 20_000;
    let server = Server::with(|config| {
        config.limits = Limits {
            backlog: 64 * 1024,
            patience: Duration::from_mins(1),
            patience_behind: Duration::from_mins(1),
            ..Limits::default()
        };
    });
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for start in [0, 1, 777, 5000] {
            let (server, done) = (&server, &done);
            scope.spawn(move || {
                let mut first = true;
                while first || !done.load(Ordering::SeqCst) {
                    first = false;
                    let mut client = server.connect(&format!("&after={start}"));
                    client.subscribe(STORE_EVENTS);
                    // Those before the start may not have been made yet.
                    let expected: Vec<i64> = (start + 1..=CHANGES).collect();
                    match client.next() {
                        error if error["type"] == "error" => continue,
                        event => assert_eq!(event["data"]["seq"], start + 1),
                    }
                    assert_eq!(client.seqs(STORE_EVENTS, expected.len() - 1), expected[1..]);
                }
            });
        }
        for seq in 1..=CHANGES {
            server.publish(&set(seq, "g", "k", b"v"));
            if seq % 50 == 0 {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        done.store(true, Ordering::SeqCst);
    });
}
