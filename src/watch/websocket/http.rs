//! The little HTTP there is: one bounded request, one answer.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use tungstenite::Error;
use tungstenite::error::{CapacityError, ProtocolError};
use tungstenite::handshake::machine::TryParse;
use tungstenite::handshake::server::Request;

/// The largest request head, in bytes.
const MAX_HEAD: usize = 8 * 1024;

/// How long a request may take to arrive, and an answer to leave.
const TIMEOUT: Duration = Duration::from_secs(5);

/// How long a client that was refused may go on talking: closing on unread
/// input would reset the connection, and the answer might not be seen.
const LINGER: Duration = Duration::from_millis(500);

/// A request turned down.
#[derive(Debug)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    text: &'static str,
    header: &'static str,
}

impl Refusal {
    /// With this status and one line of explanation.
    #[must_use]
    pub fn new(status: u16, text: &'static str) -> Self {
        Self { status, text, header: "" }
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, header: &'static str) -> Self {
        self.header = header;
        self
    }

    /// Tells the client.
    pub fn send(&self, stream: &mut TcpStream) {
        answer(stream, &self.rendered());
    }

    /// Tells the client if that takes no waiting at all.
    pub fn send_now(&self, stream: &mut TcpStream) {
        if stream.set_nonblocking(true).is_ok() {
            let _ = stream.write_all(self.rendered().as_bytes());
        }
    }

    fn rendered(&self) -> String {
        let header = if self.header.is_empty() { vec![] } else { vec![self.header.to_owned()] };
        render(self.status, "text/plain; charset=utf-8", &header, &format!("{}\n", self.text))
    }
}

/// Reads a request; what came after it is returned with it. `None`: the client
/// left, or ran out of time without a word.
pub fn read(stream: &mut TcpStream) -> Result<Option<(Request, Vec<u8>)>, Refusal> {
    let deadline = Instant::now() + TIMEOUT;
    let mut head = Vec::with_capacity(1024);
    let mut chunk = [0; 2048];
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() || stream.set_read_timeout(Some(left)).is_err() {
            break;
        }
        let room = chunk.len().min(MAX_HEAD - head.len());
        match stream.read(&mut chunk[..room]) {
            Ok(0) => return Ok(None),
            Ok(n) => head.extend_from_slice(&chunk[..n]),
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(_) => break,
        }
        match Request::try_parse(&head) {
            Ok(Some((length, request))) => return Ok(Some((request, head.split_off(length)))),
            Ok(None) if head.len() < MAX_HEAD => {}
            Ok(None) | Err(Error::Capacity(CapacityError::TooManyHeaders)) => {
                return Err(Refusal::new(431, "the request header is too large"));
            }
            Err(Error::Protocol(ProtocolError::WrongHttpMethod)) => {
                return Err(Refusal::new(405, "only GET is supported").header("Allow: GET"));
            }
            Err(_) => return Err(Refusal::new(400, "malformed request")),
        }
    }
    if head.is_empty() { Ok(None) } else { Err(Refusal::new(408, "the request is incomplete")) }
}

/// The one header of this name; two of them are a trick.
pub fn header<'a>(request: &'a Request, name: &str) -> Result<Option<&'a str>, Refusal> {
    let mut all = request.headers().get_all(name).iter();
    let first = all.next().map(|value| value.to_str());
    match (first, all.next()) {
        (None, _) => Ok(None),
        (Some(Ok(value)), None) => Ok(Some(value)),
        _ => Err(Refusal::new(400, "a request header is invalid")),
    }
}

/// The first parameter of this name in the query, percent-decoded.
#[must_use]
pub fn query(request: &Request, name: &str) -> Option<Vec<u8>> {
    let pairs = request.uri().query()?.split('&');
    let value = pairs.filter_map(|pair| pair.split_once('=')).find(|(n, _)| *n == name)?.1;
    Some(percent_decoded(value))
}

fn percent_decoded(text: &str) -> Vec<u8> {
    let digit =
        |b: Option<&u8>| b.and_then(|b| char::from(*b).to_digit(16)).and_then(|d| u8::try_from(d).ok());
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        match (bytes[at], digit(bytes.get(at + 1)), digit(bytes.get(at + 2))) {
            (b'%', Some(high), Some(low)) => {
                decoded.push(high << 4 | low);
                at += 3;
            }
            (byte, ..) => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    decoded
}

/// An answer as it is sent.
#[must_use]
pub fn render(status: u16, content: &str, headers: &[String], body: &str) -> String {
    let reason = tungstenite::http::StatusCode::from_u16(status)
        .ok()
        .and_then(|status| status.canonical_reason())
        .unwrap_or("Refused");
    let mut head = format!(
        "HTTP/1.1 {status} {reason}\r\nContent-Type: {content}\r\nContent-Length: {}\r\nConnection: close\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n",
        body.len()
    );
    for header in headers {
        head.push_str(header);
        head.push_str("\r\n");
    }
    head + "\r\n" + body
}

/// Sends an answer and ends the connection. Failing to is the client's loss.
pub fn answer(stream: &mut TcpStream, rendered: &str) {
    let _ = stream.set_write_timeout(Some(TIMEOUT));
    if stream.write_all(rendered.as_bytes()).is_ok() {
        drain(stream, LINGER);
    }
}

/// Says that nothing more will come, and lets the client finish.
pub fn drain(stream: &mut TcpStream, at_most: Duration) {
    let deadline = Instant::now() + at_most;
    if stream.shutdown(Shutdown::Write).is_err() || stream.set_nonblocking(false).is_err() {
        return;
    }
    let mut waste = [0; 16 * 1024];
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() || stream.set_read_timeout(Some(left)).is_err() {
            return;
        }
        match stream.read(&mut waste) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
    }
}
