//! `--listen`: what the hub needs to know, and what the user is shown.

use std::net::{SocketAddr, TcpListener};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::super::Context;
use crate::clock::{Clock, Timestamp};
use crate::exit::Failure;
use crate::model::{Change, Error, Scope};
use crate::output::print_note;
use crate::store::{self, Batch, Feed, Portion, Selection, Store, StoreOptions};
use crate::text::quote;
use crate::watch::overview::{By, Pulse, overview};
use crate::watch::websocket::{self, Config, Hub, Limits, Origin, Publisher, Reader, Replay, Survey, Token};

/// What a client takes from the log at once, in changes and about in bytes: a
/// transaction must not last as long as the log is.
const CHANGES_AT_ONCE: usize = 64;
const BYTES_AT_ONCE: i64 = 64 * 1024;

/// An address taken, before there is a position to start from.
pub struct Listening {
    listener: TcpListener,
    token: Token,
    origins: Vec<Origin>,
    replay: Log,
}

impl Listening {
    /// Takes the address and reads the token, or makes one, so that what is
    /// wrong with either is said at once.
    pub fn prepare(
        context: &Context,
        address: SocketAddr,
        interval: Duration,
        token_file: Option<PathBuf>,
        origins: Vec<Origin>,
        selection: Selection,
    ) -> anyhow::Result<Self> {
        let settings = &context.settings;
        let by_default = || settings.data.as_ref().map(|data| data.join("watch.token"));
        let file = token_file.map_or_else(by_default, Ok).map_err(|why| {
            Failure::usage(format!("cannot choose a token file: {why}")).hint("name a file with --token-file")
        })?;
        let token = Token::from_file(&file)?;
        let listener = websocket::listen(address)?;
        if !settings.quiet {
            let address = listener.local_addr().map_err(|e| Failure::io("listen", e))?;
            print_note(&format!(
                "watch: listening on http://{address}/, token in {}",
                quote(&file.to_string_lossy())
            ));
        }
        let replay = Log {
            path: settings.path.clone(),
            scope: settings.scope.clone(),
            busy_timeout: settings.busy_timeout,
            interval,
            selection,
        };
        Ok(Self { listener, token, origins, replay })
    }

    /// Serves clients, who may come before there is anything to publish; every
    /// change after `start` will be.
    pub fn serve(self, start: i64) -> anyhow::Result<Serving> {
        let log = self.replay.clone();
        let scope = self.replay.scope.clone();
        let hub = Hub::start(Config {
            listener: self.listener,
            token: self.token,
            origins: self.origins,
            scope,
            start,
            now: Timestamp::now,
            replay: Box::new(self.replay),
            limits: Limits::default(),
        })?;
        Ok(Serving { hub: Arc::new(hub), log, publisher: None })
    }
}

/// Clients are served.
pub struct Serving {
    // Ends first: it publishes on the hub.
    publisher: Option<Publisher>,
    hub: Arc<Hub>,
    log: Log,
}

impl Serving {
    /// Publishes what comes after the position of `feed`, at most `count`
    /// changes, whenever `feed` gets to them.
    pub fn publish(&mut self, feed: &Feed, count: Option<u64>) -> anyhow::Result<()> {
        let (start, log) = (feed.position(), self.log.clone());
        self.hub.begin(start);
        let publisher = Publisher::start(Arc::clone(&self.hub), count, move || log.feed(start))?;
        feed.on_news(publisher.bell());
        self.publisher = Some(publisher);
        Ok(())
    }

    /// Clients learn why the watch ends, at `position`, and whether to come
    /// back.
    pub fn end(mut self, position: i64, error: Option<&anyhow::Error>) {
        let error = error.and_then(|error| error.downcast_ref::<Error>());
        let publisher = self.publisher.take();
        // A store that can no longer be read has nothing more to publish.
        if let (Some(publisher), None) = (publisher, error) {
            publisher.finish(position);
        }
        self.hub.close_for(error);
    }
}

/// The change log, which each client opens for itself.
#[derive(Clone)]
struct Log {
    path: PathBuf,
    scope: Scope,
    busy_timeout: Duration,
    interval: Duration,
    selection: Selection,
}

impl Replay for Log {
    fn reader(&self) -> Box<dyn Reader> {
        Box::new(LogReader { log: self.clone(), store: None })
    }

    fn survey(&self) -> Option<Box<dyn Survey>> {
        let Selection { group: None, keys: None, groups: None } = self.selection else { return None };
        Some(Box::new(Look { log: self.clone(), pulse: Pulse::new(websocket::MEMORY) }))
    }
}

/// Looks at all that who listens may see.
struct Look {
    log: Log,
    pulse: Pulse,
}

impl Survey for Look {
    /// The store is opened for each look: it may be replaced in between.
    fn look(&mut self) -> store::Result<Option<Value>> {
        let Some(store) = self.log.open()? else { return Ok(None) };
        let (news, now) = store.read(|tx| Ok((self.pulse.read(tx)?, tx.now)))?;
        self.pulse.count(news, now);
        let found = store.read(|tx| overview(tx, By::Namespace, &self.pulse))?;
        Ok(Some(websocket::figures(&found, &self.pulse)))
    }
}

impl Log {
    fn open(&self) -> store::Result<Option<Store>> {
        Store::open_to_read(&StoreOptions {
            path: self.path.clone(),
            scope: self.scope.clone(),
            busy_timeout: self.busy_timeout,
            clock: Clock::System,
            caller: None,
        })
    }

    /// What the publisher reads.
    fn feed(&self, after: i64) -> store::Result<Feed> {
        let store = self.open()?.ok_or_else(|| Error::unusable(&self.path, "was deleted"))?;
        Feed::new(store, self.selection.clone(), after, self.interval)
    }
}

struct LogReader {
    log: Log,
    store: Option<Store>,
}

impl Reader for LogReader {
    fn read(&mut self, after: i64, each: &mut dyn FnMut(Change) -> ControlFlow<()>) -> store::Result<i64> {
        if self.store.is_none() {
            self.store = self.log.open()?;
        }
        let Some(store) = &self.store else { return Ok(0) };
        // Collected first: a transaction may have to be run again.
        let portion = Portion { changes: CHANGES_AT_ONCE, bytes: BYTES_AT_ONCE };
        let batch = Batch::of(store, after, &self.log.selection, portion, true)?;
        for change in batch.changes {
            let seq = change.seq;
            if each(change).is_break() {
                return Ok(seq);
            }
        }
        Ok(batch.reached)
    }
}
