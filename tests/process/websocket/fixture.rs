//! A hub over a change log in memory, and clients for it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use larder::clock::Timestamp;
use larder::store::{self, Change, ChangeKind, Scope};
use larder::watch::websocket::{Config, Hub, Limits, Reader, Replay, Token, listen, parse_address};
use serde_json::{Value, json};
use tungstenite::client::IntoClientRequest;
use tungstenite::handshake::client::generate_key;
use tungstenite::http::Request;
use tungstenite::{Error, Message, WebSocket};

pub const TOKEN: &str = "secret";

/// A change log as the store keeps it: it can be trimmed at its old end.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<(Vec<Change>, i64)>>);

impl Log {
    pub fn append(&self, change: Change) {
        self.0.lock().unwrap().0.push(change);
    }

    /// Forgets the changes before `oldest`.
    pub fn trim(&self, oldest: i64) {
        let mut log = self.0.lock().unwrap();
        log.0.retain(|change| change.seq >= oldest);
        log.1 = oldest;
    }
}

impl Replay for Log {
    fn reader(&self) -> Box<dyn Reader> {
        Box::new(self.clone())
    }
}

impl Reader for Log {
    fn read(&mut self, after: i64, each: &mut dyn FnMut(Change) -> ControlFlow<()>) -> store::Result<i64> {
        let log = self.0.lock().unwrap();
        if after < log.1 - 1 {
            return Err(store::Error::Trimmed { after, oldest: log.1 });
        }
        let newest = log.0.last().map_or(0, |change| change.seq);
        let start = log.0.partition_point(|change| change.seq <= after);
        // Cut short, so that locks are not held for long.
        let some: Vec<Change> = log.0[start..].iter().take(500).cloned().collect();
        let all = log.0.len() - start <= some.len();
        drop(log);
        let mut reached = after;
        for change in some {
            reached = change.seq;
            if each(change).is_break() {
                return Ok(reached);
            }
        }
        Ok(if all { newest } else { reached })
    }
}

/// A hub and its log.
pub struct Server {
    pub hub: Hub,
    pub log: Log,
}

impl Server {
    pub fn start() -> Self {
        Self::with(|_| ())
    }

    pub fn config() -> (Config, Log) {
        let log = Log::default();
        let config = Config {
            listener: listen(parse_address("127.0.0.1:0").unwrap()).unwrap(),
            token: Token::new(TOKEN).unwrap(),
            origins: vec![],
            scope: Scope(None),
            start: 0,
            now: Timestamp::now,
            replay: Box::new(log.clone()),
            limits: Limits::default(),
        };
        (config, log)
    }

    pub fn with(change: impl FnOnce(&mut Config)) -> Self {
        let (mut config, log) = Self::config();
        change(&mut config);
        Self { hub: Hub::start(config).unwrap(), log }
    }

    /// What the watch loop does with a change that was committed.
    pub fn publish(&self, change: &Change) {
        self.log.append(change.clone());
        self.hub.publish(change);
    }

    /// A handshake; the error is the HTTP status.
    pub fn try_connect(&self, query: &str, headers: &[(&str, &str)]) -> Result<Client, u16> {
        let address = self.hub.address();
        let mut request = Request::builder()
            .uri(format!("ws://{address}/{query}"))
            .header("Connection", "Upgrade")
            .header("Upgrade", "websocket")
            .header("Sec-WebSocket-Version", "13")
            .header("Sec-WebSocket-Key", generate_key());
        if !headers.iter().any(|(name, _)| *name == "Host") {
            request = request.header("Host", address.to_string());
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
        stream.set_nodelay(true).unwrap();
        let request = request.body(()).unwrap().into_client_request().unwrap();
        match tungstenite::client(request, stream) {
            Ok((socket, _)) => Ok(Client(socket)),
            Err(tungstenite::HandshakeError::Failure(Error::Http(response))) => {
                Err(response.status().as_u16())
            }
            Err(e) => panic!("{e}"),
        }
    }

    /// A client that has shown the token; `more` joins the query.
    pub fn connect(&self, more: &str) -> Client {
        self.try_connect(&format!("?token={TOKEN}{more}"), &[]).unwrap()
    }

    /// Sends bytes and returns everything that comes back.
    pub fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.hub.address()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        // The server may have had enough before everything is written.
        let _ = stream.write_all(bytes);
        let mut answer = Vec::new();
        // And may reset the connection after its answer.
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8(answer).unwrap()
    }

    /// Waits until this many clients are left.
    pub fn wait_for_clients(&self, count: usize) {
        let deadline = Instant::now() + Duration::from_mins(1);
        while self.hub.clients() != count {
            assert!(Instant::now() < deadline, "{} clients, not {count}", self.hub.clients());
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

/// One connection.
pub struct Client(pub WebSocket<TcpStream>);

impl Client {
    pub fn send(&mut self, message: &Value) {
        self.0.send(Message::text(message.to_string())).unwrap();
    }

    /// Subscribes; returns when the server has taken note.
    pub fn subscribe(&mut self, channel: &str) {
        self.send(&json!({ "type": "subscribe", "channel": channel }));
    }

    /// Sends a ping and waits for its pong; nothing else may come first.
    pub fn ping(&mut self) -> Value {
        self.send(&json!({ "type": "ping" }));
        let pong = self.next();
        assert_eq!(pong["type"], "pong");
        pong
    }

    /// The next message.
    pub fn next(&mut self) -> Value {
        loop {
            match self.0.read().unwrap() {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// The positions of the next events, which all must be on `channel`.
    pub fn seqs(&mut self, channel: &str, count: usize) -> Vec<i64> {
        let mut seqs = Vec::with_capacity(count);
        while seqs.len() < count {
            let message = self.next();
            assert_eq!(
                (&message["type"], &message["channel"]),
                (&"event".into(), &channel.into()),
                "{message}"
            );
            seqs.push(message["data"]["seq"].as_i64().unwrap());
        }
        seqs
    }

    /// Reads to the end: the messages, and the close code if there was one.
    pub fn rest(&mut self) -> (Vec<Value>, Option<u16>) {
        let (mut messages, mut code) = (vec![], None);
        loop {
            match self.0.read() {
                Ok(Message::Text(text)) => messages.push(serde_json::from_str(&text).unwrap()),
                Ok(Message::Close(frame)) => code = frame.map(|frame| frame.code.into()),
                Ok(_) => {}
                Err(Error::ConnectionClosed | Error::Protocol(_)) => return (messages, code),
                Err(Error::Io(e)) if e.kind() != std::io::ErrorKind::WouldBlock => return (messages, code),
                Err(e) => panic!("{e}"),
            }
        }
    }
}

/// A `set` of `group`/`key` at position `seq`.
pub fn set(seq: i64, group: &str, key: &str, value: &[u8]) -> Change {
    Change {
        seq,
        at: Timestamp(1_795_395_723_004),
        kind: ChangeKind::Set,
        group: group.to_owned().into(),
        key: Some(key.to_owned().into()),
        value: Some(value.to_vec()),
        expires_at: None,
        bytes: i64::try_from(key.len() + value.len()).unwrap(),
        by: Some("user:me@here".into()),
    }
}
