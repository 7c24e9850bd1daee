//! What clients get.

use std::time::{Duration, Instant};

use larder::store::{Change, ChangeKind, Namespace, Scope};
use larder::watch::websocket::{Limits, MAX_MESSAGE, STORE_EVENTS};
use serde_json::json;
use tungstenite::Message;

use super::fixture::{Server, set};

#[test]
fn events_as_the_protocol_says() {
    let server = Server::start();
    let mut client = server.connect("");
    client.subscribe(STORE_EVENTS);
    client.ping();
    server.publish(&set(3, "ns:g", "k", b"v"));
    let event = client.next();
    assert_eq!(
        event["data"],
        json!({ "seq": 3, "at": "2026-11-23T01:02:03.004Z", "type": "set", "group": "ns:g", "key": "k", "value": "v", "by": "user:me@here" })
    );
    assert_eq!((&event["type"], &event["channel"]), (&"event".into(), &"store-events".into()));
    let timestamp = event["timestamp"].as_str().unwrap();
    assert!(larder::clock::Timestamp::parse_rfc3339(timestamp).is_some());
    server.publish(&Change { kind: ChangeKind::DeleteGroup, key: None, value: None, ..set(4, "g", "", b"") });
    assert_eq!(client.next()["data"]["type"], "delete_group");
    assert_eq!(client.ping()["seq"], 4);
}

#[test]
fn channels() {
    let server = Server::with(|config| config.scope = Scope(Namespace::new("ns")));
    let mut both = server.connect("");
    both.subscribe("group.a");
    both.send(&json!({ "type": "subscribe", "data": STORE_EVENTS }));
    both.ping();
    let mut one = server.connect("");
    one.subscribe("group.a");
    one.subscribe("group.a");
    one.ping();
    for (seq, group) in [(1, "ns:a"), (2, "ns:b"), (3, "ns:odd name"), (4, "ns:a")] {
        server.publish(&set(seq, group, "k", b""));
    }
    assert_eq!(one.seqs("group.a", 2), [1, 4]);
    let mut got: Vec<(String, i64)> = (0..6)
        .map(|_| both.next())
        .map(|e| (e["channel"].as_str().unwrap().to_owned(), e["data"]["seq"].as_i64().unwrap()))
        .collect();
    got.sort();
    let expected = [
        ("group.a", 1),
        ("group.a", 4),
        (STORE_EVENTS, 1),
        (STORE_EVENTS, 2),
        (STORE_EVENTS, 3),
        (STORE_EVENTS, 4),
    ];
    assert_eq!(got, expected.map(|(channel, seq)| (channel.to_owned(), seq)));

    both.send(&json!({ "type": "unsubscribe", "data": STORE_EVENTS }));
    one.send(&json!({ "type": "unsubscribe", "channel": "group.a" }));
    both.ping();
    one.ping();
    server.publish(&set(5, "ns:a", "k", b""));
    assert_eq!(both.seqs("group.a", 1), [5]);
    one.ping();
    one.subscribe("group.a");
    one.ping();
    server.publish(&set(6, "ns:a", "k", b""));
    assert_eq!(one.seqs("group.a", 1), [6]);
}

#[test]
fn what_makes_no_sense_is_answered() {
    let server = Server::start();
    let mut client = server.connect("");
    for text in
        ["", "nonsense", "[]", "{}", r#"{"type":"publish"}"#, r#"{"type":"subscribe","channel":"a b"}"#]
    {
        client.0.send(Message::text(text)).unwrap();
        let answer = client.next();
        assert_eq!(answer["type"], "error", "{text}");
        assert!(answer["data"].is_string());
    }
    client.0.send(Message::binary(vec![0xff, 2, 3])).unwrap();
    assert_eq!(client.next()["type"], "error");
    // JSON is JSON, also as bytes.
    client.0.send(Message::binary(r#"{"type":"ping"}"#.as_bytes().to_vec())).unwrap();
    assert_eq!(client.next()["type"], "pong");
    for n in 0..1024 {
        client.subscribe(&format!("group.{n}"));
    }
    client.ping();
    client.subscribe("group.more");
    assert_eq!(client.next()["type"], "error");
    client.ping();
}

#[test]
fn a_protocol_ping_gets_a_pong() {
    let server = Server::start();
    let mut client = server.connect("");
    client.0.send(Message::Ping("here?".into())).unwrap();
    assert_eq!(client.0.read().unwrap(), Message::Pong("here?".into()));
}

#[test]
fn large_values_are_left_out() {
    let server = Server::start();
    let mut client = server.connect("");
    client.subscribe(STORE_EVENTS);
    client.subscribe("group.g");
    client.ping();
    for (seq, size) in [(1, 60_000), (2, MAX_MESSAGE), (3, 10_000_000)] {
        server.publish(&set(seq, "g", "k", &vec![b'x'; size]));
        for _ in 0..2 {
            let Message::Text(text) = client.0.read().unwrap() else { panic!("no text") };
            assert!(text.len() <= MAX_MESSAGE);
            let data = &serde_json::from_str::<serde_json::Value>(&text).unwrap()["data"];
            assert_eq!(data.get("value").is_some(), seq == 1);
            assert_eq!(data.get("value_omitted") == Some(&true.into()), seq != 1);
            assert_eq!(data.get("bytes"), (seq != 1).then(|| (size + 1).into()).as_ref());
        }
    }
}

/// The burst is several times the backlog: nobody who reads may be the worse
/// for it.
#[test]
fn sixty_four_clients_get_every_change_in_order() {
    const CHANGES: i64 = 10_000;
    let server = Server::with(|config| {
        config.limits = Limits {
            backlog: 1 << 20,
            patience_behind: Duration::from_secs(20),
            patience: Duration::from_mins(1),
            ..Limits::default()
        }
    });
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..64)
            .map(|n| {
                let mut client = server.connect("");
                let channel = if n % 2 == 0 { STORE_EVENTS } else { "group.g" };
                client.subscribe(channel);
                client.ping();
                scope.spawn(move || {
                    let expected: Vec<i64> = (1..=CHANGES).collect();
                    assert!(
                        client.seqs(channel, expected.len()) == expected,
                        "client {n} has missed or repeated changes"
                    );
                    assert_eq!(client.ping()["seq"], CHANGES);
                })
            })
            .collect();
        for seq in 1..=CHANGES {
            server.publish(&set(seq, "g", &format!("key-{seq}"), b"some value"));
        }
        for client in clients {
            client.join().unwrap();
        }
    });
}

/// A client that never reads: closed as too slow, whole messages up to there,
/// and neither publishing nor the other client waits for it.
#[test]
fn who_never_reads_costs_the_others_nothing() {
    let server = Server::with(|config| config.limits = Limits { backlog: 4 << 20, ..Limits::default() });
    let mut idle = server.connect("");
    idle.subscribe(STORE_EVENTS);
    idle.ping();
    let mut other = server.connect("");
    other.subscribe(STORE_EVENTS);
    other.ping();
    let value = vec![b'x'; 2000];
    let mut longest = Duration::ZERO;
    for seq in 1..=10_000 {
        let begin = Instant::now();
        server.publish(&set(seq, "g", "k", &value));
        longest = longest.max(begin.elapsed());
        assert_eq!(other.seqs(STORE_EVENTS, 1), [seq]);
    }
    // One that waited would have waited for ever; the rest is a busy machine.
    assert!(longest < Duration::from_secs(5), "a publish took {longest:?}");
    server.wait_for_clients(1);
    let (messages, code) = idle.rest();
    assert_eq!(code, Some(1013));
    let seqs: Vec<i64> = messages.iter().map(|m| m["data"]["seq"].as_i64().unwrap()).collect();
    assert!(!seqs.is_empty() && seqs.len() < 10_000);
    assert!(seqs.iter().copied().eq(1..=i64::try_from(seqs.len()).unwrap()), "holes");
}

/// Even if there is little to take, nobody keeps it waiting for ever.
#[test]
fn who_stops_reading_is_let_go() {
    let server = Server::with(|config| {
        config.limits = Limits { patience: Duration::from_millis(300), ..Limits::default() }
    });
    let mut idle = server.connect("");
    idle.subscribe(STORE_EVENTS);
    idle.ping();
    for seq in 1..=200 {
        server.publish(&set(seq, "g", "k", &vec![b'x'; 60_000]));
    }
    server.wait_for_clients(0);
    assert_eq!(idle.rest().1, Some(1013));
}
