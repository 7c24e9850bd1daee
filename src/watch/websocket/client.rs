//! A client: what it has subscribed to, how far it has got, and its
//! connection, all on one thread that never blocks but in `poll`.

use std::collections::BTreeMap;
use std::net::TcpStream;
use std::ops::ControlFlow;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use tungstenite::protocol::{Role, WebSocketConfig};
use tungstenite::{Bytes, Error, Message, WebSocket};

use super::backlog::{Batch, Next};
use super::close::{End, Ending, is_blocked};
use super::figures;
use super::protocol::{self, Event, MAX_MESSAGE, Request, STORE_EVENTS, STORE_STATS};
use super::stream::Stream;
use super::waker::{self, Sleeper, Waker};
use super::{CLOSE_AFTER, Reader, Shared, lock};
use crate::store;

/// Channels that one client may know.
const MAX_CHANNELS: usize = 1024;

/// Messages taken from a client before it is its turn to receive.
const MAX_TAKEN: usize = 64;

/// Silence after which a client is asked for a sign of life, and after which
/// it is taken for gone.
const PING_AFTER: Duration = Duration::from_secs(30);
const GONE_AFTER: Duration = Duration::from_mins(2);

/// Bytes framed before they are offered to the kernel, and the bound of what
/// can pile up: a batch on two channels, and answers.
const WRITE_BUFFER: usize = 256 * 1024;
const MAX_WRITE_BUFFER: usize = 1 << 20;

/// A channel that a client has asked for.
#[derive(Debug)]
struct Subscription {
    /// Changes after this position go to it.
    from: i64,
    /// Whether it still wants them.
    active: bool,
}

/// A connection after its handshake.
pub struct Client {
    hub: Arc<Shared>,
    socket: WebSocket<Stream>,
    waker: Arc<Waker>,
    sleeper: Sleeper,
    /// Where the client said it had got to.
    after: Option<i64>,
    subscriptions: BTreeMap<String, Subscription>,
    /// Everything up to here has been sent to all subscriptions that want it.
    cursor: i64,
    /// Whether the last look found the cursor in the backlog.
    in_backlog: bool,
    /// Reads the log, while that is needed.
    reader: Option<Box<dyn Reader>>,
    /// When a client that the backlog left behind must have caught up.
    catch_up_by: Option<Instant>,
    /// When it is to get figures again, if it wants any.
    figures_at: Option<Instant>,
    /// Whether the kernel has taken everything.
    flushed: bool,
    heard: Instant,
    pinged: bool,
}

impl Client {
    /// A client on `stream`, which `rest` was read from already, that wants
    /// what came after position `after`, or what comes from now on.
    pub fn new(
        hub: &Arc<Shared>,
        stream: TcpStream,
        rest: Vec<u8>,
        after: Option<i64>,
    ) -> std::io::Result<Self> {
        stream.set_nonblocking(true)?;
        let config = WebSocketConfig::default()
            .read_buffer_size(4096)
            .write_buffer_size(WRITE_BUFFER)
            .max_write_buffer_size(MAX_WRITE_BUFFER)
            .max_message_size(Some(MAX_MESSAGE))
            .max_frame_size(Some(MAX_MESSAGE));
        let socket = WebSocket::from_partially_read(Stream::new(stream), rest, Role::Server, Some(config));
        let (waker, sleeper) = waker::pair()?;
        let waker = Arc::new(waker);
        lock(&hub.wakers).push(Arc::clone(&waker));
        Ok(Self {
            hub: Arc::clone(hub),
            socket,
            waker,
            sleeper,
            after,
            subscriptions: BTreeMap::new(),
            cursor: 0,
            in_backlog: false,
            reader: None,
            catch_up_by: None,
            figures_at: None,
            flushed: true,
            heard: Instant::now(),
            pinged: false,
        })
    }

    /// Serves the client until one side ends it.
    pub fn run(mut self) -> Ending {
        let Err(end) = self.serve();
        let Self { hub, socket, waker, .. } = self;
        lock(&hub.wakers).retain(|other| !Arc::ptr_eq(other, &waker));
        Ending { socket, end }
    }

    fn serve(&mut self) -> Result<std::convert::Infallible, End> {
        self.check_position()?;
        loop {
            self.waker.clear(&mut self.sleeper);
            let more_input = self.flushed && self.receive()?;
            let up_to_date = self.flushed && !self.feed()?;
            self.send_figures()?;
            self.flush()?;
            self.check_closing(up_to_date)?;
            self.check_patience()?;
            if !self.flushed || (up_to_date && !more_input) {
                self.wait();
            }
        }
    }

    /// Sleeps until the socket, the hub or the clock asks for attention.
    fn wait(&self) {
        let interest = if self.flushed { PollFlags::POLLIN } else { PollFlags::POLLOUT };
        let mut fds = [
            PollFd::new(self.socket.get_ref().as_fd(), interest),
            PollFd::new(self.sleeper.as_fd(), PollFlags::POLLIN),
        ];
        let blocked = self.socket.get_ref().blocked_since;
        let deadlines = [
            // While the output is blocked nobody is asked for a sign of life.
            Some(self.heard + if self.pinged || !self.flushed { GONE_AFTER } else { PING_AFTER }),
            blocked.map(|since| since + self.patience()),
            self.catch_up_by,
            self.figures_at.filter(|_| self.flushed),
            self.hub.closing.get().map(|closing| closing.since + CLOSE_AFTER),
        ];
        let next = deadlines.into_iter().flatten().min().unwrap_or_else(Instant::now);
        let millis = next.saturating_duration_since(Instant::now()).as_millis() + 1;
        // Interrupted or failed: looking again is right either way.
        let _ = poll(&mut fds, PollTimeout::try_from(millis).unwrap_or(PollTimeout::MAX));
    }

    /// Takes what the client says; says whether there may be more.
    fn receive(&mut self) -> Result<bool, End> {
        for _ in 0..MAX_TAKEN {
            let message = match self.socket.read() {
                Ok(message) => message,
                Err(e) if is_blocked(&e) => return Ok(false),
                Err(e) => return Err(End::from(e)),
            };
            self.heard = Instant::now();
            self.pinged = false;
            match message {
                Message::Text(text) => self.answer(text.as_str())?,
                // As some clients send what they have as bytes.
                Message::Binary(bytes) => match std::str::from_utf8(&bytes) {
                    Ok(text) => self.answer(text)?,
                    Err(_) => self.send(protocol::error("a message must be JSON text"))?,
                },
                Message::Close(_) => return Err(End::Answered),
                Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
            }
        }
        Ok(true)
    }

    fn answer(&mut self, text: &str) -> Result<(), End> {
        match Request::parse(text) {
            Ok(Request::Ping) => {
                let position = if self.is_listening() { self.cursor } else { self.hub.backlog().newest() };
                self.send(protocol::pong(position, (self.hub.now)()))
            }
            Ok(Request::Subscribe(channel)) => self.subscribe(channel),
            Ok(Request::Unsubscribe(channel)) => {
                if let Some(subscription) = self.subscriptions.get_mut(&channel) {
                    subscription.active = false;
                }
                Ok(())
            }
            Ok(Request::Figures(true)) if self.hub.figures.is_none() => self
                .send(protocol::error(&format!("{STORE_STATS}: this watch covers only part of the store"))),
            Ok(Request::Figures(wanted)) => {
                self.figures_at = wanted.then(Instant::now);
                Ok(())
            }
            Err(text) => self.send(protocol::error(&text)),
        }
    }

    /// Sends the figures if it is time. A client that does not take what it has
    /// gets none, and a store that is busy has none for now.
    fn send_figures(&mut self) -> Result<(), End> {
        let hub = Arc::clone(&self.hub);
        let (Some(at), Some(figures)) = (self.figures_at, &hub.figures) else { return Ok(()) };
        if !self.flushed || Instant::now() < at {
            return Ok(());
        }
        self.figures_at = Some(Instant::now() + figures::EVERY);
        match figures.message(hub.now) {
            Ok(Some(message)) => self.send(message.to_string()),
            Err(error @ store::Error::Denied(_)) => self.give_up(&error),
            Ok(None) | Err(_) => Ok(()),
        }
    }

    fn is_listening(&self) -> bool {
        self.subscriptions.values().any(|subscription| subscription.active)
    }

    /// The first time, a channel begins where the client asked to begin; the
    /// cursor goes back there, and the other channels remember what they had.
    fn subscribe(&mut self, channel: String) -> Result<(), End> {
        let known = self.subscriptions.get(&channel).map(|subscription| subscription.active);
        if known == Some(true) {
            return Ok(());
        }
        if known.is_none() && self.subscriptions.len() >= MAX_CHANNELS {
            return self.send(protocol::error(&format!("{MAX_CHANNELS} channels are the maximum")));
        }
        let newest = self.hub.backlog().newest();
        let from = if known.is_none() { self.after.unwrap_or(newest) } else { newest };
        if !self.is_listening() {
            self.cursor = from;
            self.in_backlog = false;
        } else if from < self.cursor {
            for other in self.subscriptions.values_mut() {
                other.from = other.from.max(self.cursor);
            }
            self.cursor = from;
            self.in_backlog = false;
        }
        self.subscriptions.insert(channel, Subscription { from, active: true });
        Ok(())
    }

    /// Sends a batch of what lies after the cursor; says whether there was
    /// any.
    fn feed(&mut self) -> Result<bool, End> {
        if !self.is_listening() {
            return Ok(false);
        }
        let next = self.hub.backlog().after(self.cursor);
        if matches!(next, Next::Behind) {
            if std::mem::take(&mut self.in_backlog) {
                self.catch_up_by = Some(Instant::now() + self.hub.limits.patience);
            }
            self.replay()?;
            return Ok(true);
        }
        self.in_backlog = true;
        self.catch_up_by = None;
        self.reader = None;
        match next {
            Next::Events(events) => {
                self.send_events(&events)?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// Reads on in the log, where the backlog does not reach back.
    fn replay(&mut self) -> Result<(), End> {
        let mut batch = Batch::default();
        let hub = Arc::clone(&self.hub);
        let reader = self.reader.get_or_insert_with(|| hub.replay.reader());
        let reached = reader.read(self.cursor, &mut |change| {
            if batch.push(Event::new(&change, &hub.scope, (hub.now)())) {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        });
        match reached {
            Ok(reached) => {
                let before = self.cursor;
                self.send_events(&batch.events)?;
                self.cursor = self.cursor.max(reached);
                if self.cursor == before {
                    return Err(End::close(1011, "the following changes are no longer in the store"));
                }
                Ok(())
            }
            // It was here when the client could have taken it.
            Err(store::Error::Trimmed { .. }) if self.catch_up_by.is_some() => Err(End::too_slow()),
            Err(store::Error::Trimmed { oldest, .. }) => self.announce_gap(oldest),
            Err(error) => self.give_up(&error),
        }
    }

    fn give_up(&mut self, error: &store::Error) -> Result<(), End> {
        self.send(protocol::error(&crate::text::one_line(&error.to_string())))?;
        Err(match error {
            store::Error::Denied(_) => End::close(1008, "access revoked"),
            _ => End::close(1011, "the store cannot be read"),
        })
    }

    fn announce_gap(&mut self, oldest: i64) -> Result<(), End> {
        let text = store::Error::Trimmed { after: self.cursor, oldest }.to_string();
        self.cursor = oldest - 1;
        self.send(protocol::error(&text))
    }

    /// Tells the client at once if its position cannot be resumed from.
    fn check_position(&mut self) -> Result<(), End> {
        let Some(after) = self.after else { return Ok(()) };
        let covered = {
            let backlog = self.hub.backlog();
            backlog.reaches_back_to(after) && after <= backlog.newest()
        };
        if covered {
            return Ok(());
        }
        self.cursor = after;
        let mut reader = self.hub.replay.reader();
        match reader.read(after, &mut |_| ControlFlow::Break(())) {
            Ok(newest) if newest < after => {
                self.after = None;
                self.send(protocol::error(&format!("position {after} is past the newest change, {newest}")))
            }
            Ok(_) => Ok(()),
            Err(store::Error::Trimmed { oldest, .. }) => {
                self.announce_gap(oldest)?;
                self.after = Some(self.cursor);
                Ok(())
            }
            Err(error) => self.give_up(&error),
        }
    }

    fn send_events(&mut self, events: &[Arc<Event>]) -> Result<(), End> {
        for event in events {
            for channel in [Some(STORE_EVENTS), event.group_channel.as_deref()].into_iter().flatten() {
                let wanted = self.subscriptions.get(channel);
                if wanted.is_some_and(|subscription| subscription.active && event.seq > subscription.from) {
                    self.send(event.message(channel))?;
                }
            }
            self.cursor = event.seq;
        }
        Ok(())
    }

    fn send(&mut self, text: String) -> Result<(), End> {
        self.flushed = false;
        match self.socket.write(Message::text(text)) {
            Ok(()) => Ok(()),
            // It is in the buffer all the same.
            Err(e) if is_blocked(&e) => Ok(()),
            Err(Error::WriteBufferFull(_)) => Err(End::too_slow()),
            Err(e) => Err(End::from(e)),
        }
    }

    fn flush(&mut self) -> Result<(), End> {
        match self.socket.flush() {
            Ok(()) => self.flushed = true,
            Err(e) if is_blocked(&e) => self.flushed = false,
            Err(e) => return Err(End::from(e)),
        }
        Ok(())
    }

    /// What was published is sent before the hub closes, within reason.
    fn check_closing(&self, up_to_date: bool) -> Result<(), End> {
        match self.hub.closing.get() {
            Some(closing)
                if closing.code != 1001
                    || (self.flushed && up_to_date)
                    || closing.since.elapsed() >= CLOSE_AFTER =>
            {
                Err(End::close(closing.code, &closing.reason))
            }
            _ => Ok(()),
        }
    }

    /// How long the client may take nothing.
    fn patience(&self) -> Duration {
        let limits = &self.hub.limits;
        if self.catch_up_by.is_some() { limits.patience_behind } else { limits.patience }
    }

    /// Parts with a client that does not take what there is, or is not there.
    fn check_patience(&mut self) -> Result<(), End> {
        if let Some(since) = self.socket.get_ref().blocked_since {
            if self.in_backlog && !self.hub.backlog().reaches_back_to(self.cursor) {
                self.in_backlog = false;
                self.catch_up_by = Some(Instant::now() + self.hub.limits.patience);
            }
            if since.elapsed() >= self.patience() {
                return Err(End::too_slow());
            }
        }
        if self.catch_up_by.is_some_and(|by| Instant::now() >= by) {
            return Err(End::too_slow());
        }
        let silence = self.heard.elapsed();
        if silence >= GONE_AFTER {
            return Err(End::close(1001, "ping timeout"));
        }
        if silence >= PING_AFTER && !self.pinged && self.flushed {
            self.pinged = true;
            self.flushed = false;
            return match self.socket.write(Message::Ping(Bytes::new())) {
                Err(e) if !is_blocked(&e) => Err(End::from(e)),
                _ => self.flush(),
            };
        }
        Ok(())
    }
}
