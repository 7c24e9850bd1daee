//! The sink that broadcasts to WebSocket clients.
//!
//! ```text
//! publisher → backlog ← client ← listener
//! ```
//!
//! [`Hub::publish`] appends a change to one shared, bounded backlog and never
//! waits for anybody. Every client has a thread and a position of its own and
//! takes what lies after it, from the backlog or, if it asked for older
//! changes or fell behind, from the log by way of [`Replay`]; both carry
//! positions, so that handing over from one to the other leaves no gap and
//! repeats nothing.
//!
//! * `publisher`: gives the hub what the log has
//! * `listener`, `pending`: accept, and turn down what is too much
//! * `http`, `admission`, `token`: one bounded request; who may connect
//! * `client`, `close`: a connection from its handshake to its end
//! * `protocol`: the messages
//! * `page`: what a browser gets; `figures`: what it shows beside the changes

mod address;
mod admission;
mod backlog;
mod client;
mod close;
mod figures;
mod http;
mod listener;
mod page;
mod pending;
mod protocol;
mod publisher;
mod stream;
mod token;
mod waker;

use std::net::{SocketAddr, TcpListener};
use std::ops::ControlFlow;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

pub use address::parse as parse_address;
pub use admission::Origin;
pub use figures::{MEMORY, Survey, data as figures};
pub use protocol::{MAX_MESSAGE, STORE_EVENTS};
pub use publisher::Publisher;
pub use token::Token;

use crate::clock::Timestamp;
use crate::exit::Failure;
use crate::model::{Change, Scope};
use crate::store;
use admission::Admission;
use backlog::Backlog;
use figures::Figures;
use http::Refusal;
use pending::Pending;
use protocol::Event;
use waker::Waker;

/// Where clients find changes that were made before they came.
pub trait Replay: Send + Sync {
    /// A reader for one client, used on one thread.
    fn reader(&self) -> Box<dyn Reader>;

    /// What looks at the whole scope for figures; `None` where clients may
    /// only know of a part of it.
    fn survey(&self) -> Option<Box<dyn Survey>> {
        None
    }
}

/// Reads the log.
pub trait Reader {
    /// Gives changes after position `after`, in order, until `each` breaks or
    /// it is enough for once. Returns the position reached: that of the last
    /// change given, or the newest in the log if it came to the end.
    ///
    /// # Errors
    /// [`store::Error::Trimmed`] if changes after `after` are gone.
    fn read(&mut self, after: i64, each: &mut dyn FnMut(Change) -> ControlFlow<()>) -> store::Result<i64>;
}

/// What a hub is made of.
pub struct Config {
    /// Where clients come to; see [`listen`].
    pub listener: TcpListener,
    /// What clients must show.
    pub token: Token,
    /// Origins beside the hub's own whose pages may connect.
    pub origins: Vec<Origin>,
    /// How groups are named.
    pub scope: Scope,
    /// Every change after this position will be published.
    pub start: i64,
    /// The present.
    pub now: fn() -> Timestamp,
    /// Older changes.
    pub replay: Box<dyn Replay>,
    /// Bounds.
    pub limits: Limits,
}

/// What a hub bounds, so that no client can cost more.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Clients at a time.
    pub clients: usize,
    /// Connections that have not shown the token yet; one more takes the place
    /// of the oldest.
    pub pending: usize,
    /// Bytes of changes kept for clients to take.
    pub backlog: usize,
    /// How long a client may take nothing while there is something to take.
    pub patience: Duration,
    /// The same for one that the backlog has left behind.
    pub patience_behind: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            clients: 64,
            pending: 64,
            backlog: 16 << 20,
            patience: Duration::from_secs(10),
            patience_behind: Duration::from_secs(1),
        }
    }
}

/// How long the clients have for what was published before the hub closes.
const CLOSE_AFTER: Duration = Duration::from_secs(1);

/// How long closing takes at most.
const CLOSED_AFTER: Duration = Duration::from_secs(3);

/// Why and since when the hub is closing.
#[derive(Debug)]
struct Closing {
    code: u16,
    reason: String,
    since: Instant,
}

/// What the hub's threads share.
struct Shared {
    admission: Admission,
    scope: Scope,
    now: fn() -> Timestamp,
    replay: Box<dyn Replay>,
    figures: Option<Figures>,
    limits: Limits,
    backlog: Mutex<Backlog>,
    wakers: Mutex<Vec<Arc<Waker>>>,
    pending: Arc<Pending>,
    /// Clients at this moment.
    clients: Mutex<usize>,
    left: Condvar,
    closing: OnceLock<Closing>,
    /// Wakes the listener when the hub closes.
    door: Waker,
}

impl Shared {
    fn backlog(&self) -> MutexGuard<'_, Backlog> {
        lock(&self.backlog)
    }

    fn wake_all(&self) {
        for waker in lock(&self.wakers).iter() {
            waker.wake();
        }
    }
}

/// A thread that panicked leaves nothing half done behind these locks.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Enough for SQLite, which replays and the publisher run on.
const STACK: usize = 1 << 20;

fn busy() -> Refusal {
    Refusal::new(503, "too many clients").header("Retry-After: 5")
}

/// Takes an address; connections wait until a hub serves them.
pub fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).map_err(|e| Failure::io(&format!("listen on {address}"), e))
}

/// A running broadcast; dropping it closes every connection.
pub struct Hub {
    shared: Arc<Shared>,
    address: SocketAddr,
    listener: Mutex<Option<JoinHandle<()>>>,
}

impl Hub {
    /// Starts to serve.
    ///
    /// # Errors
    /// The operating system has no thread or descriptor left.
    pub fn start(config: Config) -> anyhow::Result<Self> {
        let io_error = |e| Failure::io("listen", e);
        let address = config.listener.local_addr().map_err(io_error)?;
        let (door, sleeper) = waker::pair().map_err(io_error)?;
        let shared = Arc::new(Shared {
            admission: Admission { token: config.token, origins: config.origins },
            scope: config.scope,
            now: config.now,
            figures: config.replay.survey().map(Figures::new),
            replay: config.replay,
            limits: config.limits,
            backlog: Mutex::new(Backlog::new(config.start, config.limits.backlog)),
            wakers: Mutex::default(),
            pending: Pending::new(config.limits.pending),
            clients: Mutex::default(),
            left: Condvar::new(),
            closing: OnceLock::new(),
            door,
        });
        let listener = listener::start(config.listener, sleeper, &shared).map_err(io_error)?;
        Ok(Self { shared, address, listener: Mutex::new(Some(listener)) })
    }

    /// Where the hub listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Moves the start of a hub that has published nothing yet: every change
    /// after `start` will be published, those before it can be replayed.
    pub fn begin(&self, start: i64) {
        *self.shared.backlog() = Backlog::new(start, self.shared.limits.backlog);
    }

    /// Sends a change to whoever listens to it; changes must come in order.
    /// Never waits.
    pub fn publish(&self, change: &Change) {
        let event = Event::new(change, &self.shared.scope, (self.shared.now)());
        self.shared.backlog().push(event);
        self.shared.wake_all();
    }

    /// Clients at this moment.
    #[must_use]
    pub fn clients(&self) -> usize {
        *lock(&self.shared.clients)
    }

    /// Stops listening and closes every connection with this code, after what
    /// was published has been sent; takes three seconds at the most. Only the
    /// first call counts.
    pub fn close_all(&self, code: u16, reason: &str) {
        let closing = Closing { code, reason: reason.to_owned(), since: Instant::now() };
        if self.shared.closing.set(closing).is_err() {
            return;
        }
        self.shared.door.wake();
        self.shared.wake_all();
        let clients = lock(&self.shared.clients);
        let waited = self.shared.left.wait_timeout_while(clients, CLOSED_AFTER, |clients| *clients > 0);
        drop(waited);
        if let Some(listener) = lock(&self.listener).take() {
            // A panic there has been reported already.
            let _ = listener.join();
        }
    }
}

impl Hub {
    /// Closes every connection because the watch has ended, for want of
    /// anything worse: clients learn why, and whether to come back.
    pub fn close_for(&self, error: Option<&store::Error>) {
        match error {
            Some(store::Error::Denied(_)) => self.close_all(1008, "access revoked"),
            Some(error @ store::Error::Trimmed { .. }) => self.close_all(1001, &error.to_string()),
            _ => self.close_all(1001, "larder watch has ended"),
        }
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        self.close_all(1001, "larder watch has ended");
    }
}
