//! The watch: changes from the log, in order, to a sink.
//!
//! A [`Feed`](crate::store::Feed) has the changes of a store. While a sink
//! waits for a reader or a command, its [`Upkeep`](crate::store::Upkeep) goes
//! on, by way of [`Control`].
//! A [`Sink`] takes one change at a time and knows nothing of the store.
//! [`run`] joins the two. [`Bursts`] read the feed themselves, for what comes
//! while a command runs decides what becomes of it. WebSocket clients are no sink: they have a feed of
//! their own, and wait for nobody.

mod bursts;
mod control;
mod exec;
mod handler;
pub mod overview;
mod stdout;
pub mod websocket;

pub use bursts::Bursts;
pub use control::{Control, Stop, Wake};
pub use exec::{Exec, ExecOptions};
pub use handler::Handler;
pub use stdout::{Form, Stdout};

use std::time::{Duration, Instant};

use crate::exit::Exit;
use crate::model::{Change, Error};
use crate::store::{self, Feed};

/// What became of a change that was given to a sink.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// It was handled, or will be with the next [`Sink::settle`].
    Done,
    /// The run was stopped before the change was handled.
    Stopped(Stop),
}

/// Where changes go.
pub trait Sink {
    /// Whether changes must carry their values.
    fn wants_values(&self) -> bool;

    /// Takes one change.
    fn deliver(&mut self, change: &Change, control: &Control) -> anyhow::Result<Delivery>;

    /// Makes sure of everything delivered so far.
    fn settle(&mut self, control: &Control) -> anyhow::Result<Delivery>;

    /// Whether each change is settled, and remembered, by itself. A sink that
    /// runs commands says yes; one that prints does better by the batch.
    fn settles_each(&self) -> bool {
        false
    }
}

/// How a run is bounded and remembered.
#[derive(Debug, Default)]
pub struct Plan<'a> {
    /// End with success after this many changes.
    pub count: Option<u64>,
    /// Named consumer whose position moves as changes are handled.
    pub consumer: Option<&'a str>,
    /// How long to wait for other processes' locks.
    pub patience: Duration,
}

/// How far a consumer's position may fall behind over changes it does not
/// listen to: they hold back trimming until it moves.
const SKIPPED_BEFORE_MOVE: i64 = 1000;

/// Feeds the sink until something ends it; says how the run ends.
pub fn run(feed: &mut Feed, sink: &mut dyn Sink, plan: &Plan<'_>, control: &Control) -> anyhow::Result<Exit> {
    let mut run = Run { sink, control, left: plan.count, remembered: feed.position() };
    if plan.count == Some(0) {
        return Ok(Exit::Success);
    }
    feed.set_patience(SLICE.min(plan.patience));
    loop {
        let with_values = run.sink.wants_values();
        let changes = match patiently(control, plan.patience, || feed.next(with_values))? {
            Ok(changes) => changes,
            Err(stop) => return Ok(stop.exit()),
        };
        if changes.is_empty()
            && feed.is_behind()
            && let Some(stop) = control.stopped()
        {
            return Ok(stop.exit());
        }
        if let Some(exit) = run.batch(feed, &changes, plan.consumer)? {
            return Ok(exit);
        }
        if !changes.is_empty() || feed.is_behind() {
            continue;
        }
        if let Wake::Stop(stop) = control.sleep(&feed.descriptors(), feed.time_left()) {
            return Ok(stop.exit());
        }
    }
}

/// How long a signal may wait for a lock of somebody else's.
const SLICE: Duration = Duration::from_millis(100);

/// Does `f`, which waits no longer than a slice for locks, again while the
/// store is locked: until it is not, `patience` is used up, or the run is to
/// end.
pub fn patiently<T>(
    control: &Control,
    patience: Duration,
    mut f: impl FnMut() -> store::Result<T>,
) -> store::Result<Result<T, Stop>> {
    let started = Instant::now();
    loop {
        match f() {
            Err(Error::Busy(_)) if started.elapsed() < patience => {
                if let Some(stop) = control.stopped() {
                    return Ok(Err(stop));
                }
            }
            done => return done.map(Ok),
        }
    }
}

/// Feeds the sink what is there at the feed's position, and nothing else, and
/// takes it off `count`; `Some` if the run ends with it. No position moves: a
/// run that is cut short starts over.
pub fn deliver_snapshot(
    feed: &Feed,
    sink: &mut dyn Sink,
    count: &mut Option<u64>,
    control: &Control,
) -> anyhow::Result<Option<Exit>> {
    let mut run = Run { sink, control, left: *count, remembered: feed.position() };
    let mut last = None;
    let ended = loop {
        let page = feed.snapshot(&mut last, run.sink.wants_values())?;
        if page.is_empty() {
            break None;
        }
        if let Some(exit) = run.batch(feed, &page, None)? {
            break Some(exit);
        }
    };
    *count = run.left;
    Ok(ended)
}

/// A run under way.
struct Run<'a> {
    sink: &'a mut dyn Sink,
    control: &'a Control,
    /// Changes left to deliver.
    left: Option<u64>,
    /// The consumer's position as stored.
    remembered: i64,
}

impl Run<'_> {
    /// Delivers one batch; `Some` if the run ends with it.
    fn batch(
        &mut self,
        feed: &Feed,
        changes: &[Change],
        consumer: Option<&str>,
    ) -> anyhow::Result<Option<Exit>> {
        let mut handled = None;
        let mut ending = None;
        for change in changes {
            ending = match self.control.stopped() {
                Some(stop) => Some(stop.exit()),
                None => match self.sink.deliver(change, self.control)? {
                    Delivery::Done => None,
                    // What was delivered before is settled below or lost with
                    // the reader; either way this change was not handled.
                    Delivery::Stopped(stop) => return Ok(Some(stop.exit())),
                },
            };
            if ending.is_some() {
                break;
            }
            handled = Some(change);
            if self.sink.settles_each()
                && let Some(name) = consumer
            {
                ending = self.remember(change.seq, || feed.handled(name, change))?;
            }
            if let Some(left) = &mut self.left {
                *left -= 1;
                if *left == 0 {
                    ending = Some(Exit::Success);
                }
            }
            if ending.is_some() {
                break;
            }
        }
        match self.sink.settle(self.control)? {
            Delivery::Done => {}
            Delivery::Stopped(stop) => return Ok(Some(stop.exit())),
        }
        if let Some(name) = consumer {
            let due = |reached| handled.is_some() || reached - self.remembered >= SKIPPED_BEFORE_MOVE;
            let moved = match (&ending, handled) {
                // With the batch done, what was passed over is behind us too.
                (None, _) if feed.position() > self.remembered && due(feed.position()) => {
                    self.remember(feed.position(), || feed.handled_all(name))?
                }
                (Some(_), Some(change)) if change.seq > self.remembered => {
                    self.remember(change.seq, || feed.handled(name, change))?
                }
                _ => None,
            };
            ending = moved.or(ending);
        }
        Ok(ending)
    }

    /// Has `moves` move the consumer to `seq`. A store that stays locked, as
    /// under a long import, is waited for as long as the run lasts: the change
    /// was handled, and to end here would be to handle it again. `Some` if the
    /// run ends.
    fn remember(
        &mut self,
        seq: i64,
        moves: impl FnMut() -> store::Result<()>,
    ) -> anyhow::Result<Option<Exit>> {
        if let Err(stop) = patiently(self.control, Duration::MAX, moves)? {
            return Ok(Some(stop.exit()));
        }
        self.remembered = seq;
        Ok(None)
    }
}
