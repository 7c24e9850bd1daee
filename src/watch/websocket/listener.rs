//! Accepting connections, and telling pages from clients.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{setsockopt, sockopt};
use tungstenite::handshake::server::{Request, create_response, write_response};

use super::client::Client;
use super::http::{self, Refusal};
use super::pending::Ticket;
use super::waker::Sleeper;
use super::{STACK, Shared, busy, lock, page};

/// What the kernel holds for a client, in bytes: little, because the backlog
/// is where changes wait, and a client that does not read should be found out.
const SEND_BUFFER: usize = 64 * 1024;

/// Accepts until `door` is woken; when the thread has ended, the address is
/// free again.
pub fn start(listener: TcpListener, door: Sleeper, shared: &Arc<Shared>) -> std::io::Result<JoinHandle<()>> {
    listener.set_nonblocking(true)?;
    let shared = Arc::clone(shared);
    std::thread::Builder::new().name("listen".into()).stack_size(STACK).spawn(move || {
        while shared.closing.get().is_none() {
            let mut fds = [
                PollFd::new(listener.as_fd(), PollFlags::POLLIN),
                PollFd::new(door.as_fd(), PollFlags::POLLIN),
            ];
            let _ = poll(&mut fds, PollTimeout::NONE);
            match listener.accept() {
                Ok((stream, _)) => admit(stream, &shared),
                Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => {}
                // Out of descriptors, most likely: some will be free again.
                Err(_) => std::thread::sleep(Duration::from_millis(100)),
            }
        }
    })
}

/// Gives a connection a thread.
fn admit(mut stream: TcpStream, shared: &Arc<Shared>) {
    let Ok(ticket) = shared.pending.admit(&stream) else {
        // No waiting for anybody on this thread.
        return busy().send_now(&mut stream);
    };
    let shared = Arc::clone(shared);
    let thread = std::thread::Builder::new().name("client".into()).stack_size(STACK);
    // Without a thread the connection is dropped, which says enough.
    let _ = thread.spawn(move || serve(stream, &shared, &ticket));
}

/// A client's place, given back when dropped.
struct Place(Arc<Shared>);

impl Place {
    fn take(shared: &Arc<Shared>) -> Option<Self> {
        let mut clients = lock(&shared.clients);
        if *clients >= shared.limits.clients {
            return None;
        }
        *clients += 1;
        Some(Self(Arc::clone(shared)))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        *lock(&self.0.clients) -= 1;
        self.0.left.notify_all();
    }
}

/// A connection from its first byte to its last.
fn serve(mut stream: TcpStream, shared: &Arc<Shared>, ticket: &Ticket) {
    // Where the peer has gone already the first read says so.
    let _ = stream.set_nodelay(true);
    let _ = setsockopt(&stream, sockopt::SndBuf, &SEND_BUFFER);
    let (request, rest) = match http::read(&mut stream) {
        Ok(Some(read)) => read,
        Ok(None) => return,
        Err(refusal) => return refusal.send(&mut stream),
    };
    let (place, after) = match route(&request, &mut stream, shared, ticket) {
        Ok(Some(admitted)) => admitted,
        Ok(None) => return,
        Err(refusal) => return refusal.send(&mut stream),
    };
    if let Ok(client) = Client::new(shared, stream, rest, after) {
        let end = client.run();
        drop(place);
        end.finish();
    }
}

/// Answers a request for the page; a client is given its place, and the
/// position it asked for.
fn route(
    request: &Request,
    stream: &mut TcpStream,
    shared: &Arc<Shared>,
    ticket: &Ticket,
) -> Result<Option<(Place, Option<i64>)>, Refusal> {
    let local = stream.local_addr().map_err(|_| Refusal::new(500, "the connection has no address"))?;
    shared.admission.admit(request, local.ip())?;
    let upgrade =
        http::header(request, "upgrade")?.is_some_and(|protocol| protocol.eq_ignore_ascii_case("websocket"));
    match (request.uri().path(), upgrade) {
        ("/", false) => {
            page::send(request, stream)?;
            Ok(None)
        }
        ("/ws", false) => {
            Err(Refusal::new(426, "this path serves WebSocket clients only").header("Upgrade: websocket"))
        }
        ("/" | "/ws", true) => {
            shared.admission.authenticate(request)?;
            // Nobody takes its place any more.
            if !ticket.redeem() {
                return Err(busy());
            }
            let after = http::query(request, "after").map(position).transpose()?;
            let response = create_response(request).map_err(|_| {
                Refusal::new(400, "this is not a WebSocket handshake").header("Sec-WebSocket-Version: 13")
            })?;
            let place = Place::take(shared).ok_or_else(busy)?;
            let mut head = Vec::new();
            let rendered = write_response(&mut head, &response);
            rendered.map_err(|_| Refusal::new(500, "the handshake cannot be answered"))?;
            // A client that has gone is found out at once after.
            let _ = stream.write_all(&head);
            Ok(Some((place, after)))
        }
        _ => Err(Refusal::new(404, "not found")),
    }
}

fn position(text: Vec<u8>) -> Result<i64, Refusal> {
    let number = String::from_utf8(text).ok().and_then(|text| text.parse().ok());
    number.filter(|n| *n >= 0).ok_or_else(|| Refusal::new(400, "after= is not a position"))
}
