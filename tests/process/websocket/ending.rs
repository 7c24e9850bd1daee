//! Goodbyes.

use std::io::Write;
use std::time::{Duration, Instant};

use larder::watch::websocket::{MAX_MESSAGE, STORE_EVENTS};
use tungstenite::protocol::CloseFrame;
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::{Error, Message};

use super::fixture::{Server, set};

#[test]
fn going_away_is_said_after_what_was_published() {
    let server = Server::start();
    let mut clients: Vec<_> = (0..4).map(|_| server.connect("")).collect();
    for client in &mut clients {
        client.subscribe(STORE_EVENTS);
        client.ping();
    }
    for seq in 1..=200 {
        server.publish(&set(seq, "g", "k", b""));
    }
    let address = server.hub.address();
    let readers: Vec<_> =
        clients.into_iter().map(|mut client| std::thread::spawn(move || client.rest())).collect();
    server.hub.close_all(1001, "larder watch has ended");
    for reader in readers {
        let (messages, code) = reader.join().unwrap();
        assert_eq!((messages.len(), code), (200, Some(1001)));
    }
    drop(server);
    assert!(std::net::TcpStream::connect(address).is_err());
}

#[test]
fn revoked_access_has_its_own_code() {
    let server = Server::start();
    let mut client = server.connect("");
    client.subscribe(STORE_EVENTS);
    client.ping();
    let reader = std::thread::spawn(move || client.rest());
    server.hub.close_all(1008, "access revoked");
    assert_eq!(reader.join().unwrap().1, Some(1008));
}

#[test]
fn a_client_that_ignores_the_goodbye_does_not_hold_up_the_end() {
    let server = Server::start();
    let mut client = server.connect("");
    client.subscribe(STORE_EVENTS);
    client.ping();
    for seq in 1..=500 {
        server.publish(&set(seq, "g", "k", &vec![b'x'; 50_000]));
    }
    let begin = Instant::now();
    drop(server);
    assert!(begin.elapsed() < Duration::from_secs(10), "{:?}", begin.elapsed());
}

#[test]
fn a_goodbye_is_answered() {
    let server = Server::start();
    let mut client = server.connect("");
    client.0.close(Some(CloseFrame { code: CloseCode::Normal, reason: "done".into() })).unwrap();
    assert_eq!(client.rest().1, Some(1000));
    server.wait_for_clients(0);
}

#[test]
fn messages_too_large_or_too_odd() {
    let server = Server::start();
    let text = |size: usize| Message::text("x".repeat(size));
    let mut client = server.connect("");
    client.0.send(text(MAX_MESSAGE)).unwrap();
    assert_eq!(client.next()["type"], "error");
    // The server need not read all of it to be sure.
    let _ = client.0.send(text(MAX_MESSAGE + 1));
    assert_eq!(client.rest().1, Some(1009));

    for (frame, code) in [
        // A frame that announces 8 EiB.
        (b"\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0".to_vec(), 1009),
        // Not masked.
        (b"\x81\x02{}".to_vec(), 1002),
        // A reserved bit.
        (b"\xc1\x80\0\0\0\0".to_vec(), 1002),
        // A reserved opcode.
        (b"\x83\x80\0\0\0\0".to_vec(), 1002),
        // Not UTF-8.
        (b"\x81\x82\0\0\0\0\xff\xff".to_vec(), 1007),
        // A second part without a first.
        (b"\x80\x80\0\0\0\0".to_vec(), 1002),
    ] {
        let mut client = server.connect("");
        client.0.get_mut().write_all(&frame).unwrap();
        assert_eq!(client.rest().1, Some(code), "{frame:?}");
    }
    // In parts, each of them small enough.
    let mut client = server.connect("");
    let part = |first: u8| [&[first, 0xfe, 0x80, 0, 0, 0, 0, 0][..], &vec![b'x'; 0x8000]].concat();
    for first in [0x01, 0x00, 0x00] {
        client.0.get_mut().write_all(&part(first)).unwrap();
    }
    assert_eq!(client.rest().1, Some(1009));
    server.wait_for_clients(0);
}

#[test]
fn who_hangs_up_is_gone() {
    let server = Server::start();
    let client = server.connect("");
    server.wait_for_clients(1);
    drop(client);
    server.wait_for_clients(0);
    let mut client = server.connect("");
    client.0.get_mut().write_all(b"\x81").unwrap();
    client.0.get_mut().shutdown(std::net::Shutdown::Write).unwrap();
    server.wait_for_clients(0);
    assert!(!matches!(client.0.read(), Ok(Message::Text(_)) | Err(Error::Capacity(_))));
}
