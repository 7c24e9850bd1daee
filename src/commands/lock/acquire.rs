//! Waiting for a lock.

use std::io::IsTerminal;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, poll};
use nix::sys::signal::Signal;

use super::chain::Chain;
use super::held::{Held, millis};
use super::lease::{self, Lease, Live, Standing};
use super::{LOOK_AGAIN, LockArgs};
use crate::commands::Context;
use crate::exit::{Exit, Failure};
use crate::model::Error;
use crate::output::print_note;
use crate::process::Signals;
use crate::store::{Store, attended};
use crate::text::quote;

/// How long a caller who does not want to wait for the lock waits for a locked
/// store all the same: others write for some milliseconds at a time.
const AT_ONCE: Duration = Duration::from_millis(500);

/// How long a waiter keeps silent on a terminal.
const SILENCE: Duration = Duration::from_secs(1);

/// What came of waiting for the lock.
pub enum Outcome {
    Held(Box<Held>),
    /// A signal came first.
    Signal(Signal),
    /// It stayed taken, and nothing is to be said about it.
    Taken(Exit),
}

/// Takes the lock, waiting as told.
pub fn acquire(context: &Context, args: &LockArgs, signals: &Signals) -> anyhow::Result<Outcome> {
    let store = context.open_or_create()?;
    let hearing = store.hearing();
    let started = Instant::now();
    let deadline = args.wait.map(|wait| started + wait);
    let (quiet, tells) = (context.settings.quiet, std::io::stderr().is_terminal());
    let mut reported = None;
    let patience = if args.r#try { AT_ONCE } else { context.settings.busy_timeout };
    loop {
        hearing.hear();
        let left = deadline.map_or(patience, |deadline| deadline.saturating_duration_since(Instant::now()));
        store.set_busy_timeout(left.clamp(AT_ONCE.min(patience), patience));
        let tried = attended(signals.quiet().map_err(|e| Failure::io("signals", e))?, || {
            let (standing, now) = store.read(|tx| Ok((Standing::of(tx, args)?, tx.now)))?;
            match standing {
                Standing::Held(live) if live.len() >= usize::from(args.holders) => {
                    let ends = live.iter().filter_map(|one| one.ends).min();
                    Ok(Err((live, ends.map(|at| lease::left(at, now)))))
                }
                Standing::Other(left) => Ok(Err((Vec::new(), left))),
                _ => store.write(|tx| lease::take(tx, args)).map(Ok),
            }
        });
        let (live, left) = match tried {
            Ok(Ok(own)) => {
                store.set_busy_timeout(context.settings.busy_timeout);
                return Ok(Outcome::Held(Box::new(Held::new(store, own))));
            }
            Ok(Err(taken)) => taken,
            // Somebody was quicker; look who.
            Err(Error::Condition(_)) => continue,
            Err(e) => match signals.take().first() {
                Some(signal) => return Ok(Outcome::Signal(*signal)),
                None => return Err(e.into()),
            },
        };
        let lock = args.lock();
        if live.is_empty() && left.is_none() {
            let why = format!("the entry {} in {} is not a lock", quote(&args.key), quote(&args.group));
            return Err(Failure::new(Exit::BadData, why).hint("delete it, or use another key").into());
        }
        refuse_own(&store, &lock, &live)?;
        if args.r#try || deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            if quiet {
                return Ok(Outcome::Taken(args.conflict()));
            }
            let by = described(&live, |Lease { holder, host, pid, until, .. }| {
                format!("{holder} on {host} (process {pid}) until {until}")
            });
            return Err(Failure::new(args.conflict(), format!("{lock} is held by {by}")).into());
        }
        let tokens: Vec<_> = live.iter().map(|one| one.lease.token).collect();
        if tells && !quiet && started.elapsed() >= SILENCE && reported.as_ref() != Some(&tokens) {
            let by = described(&live, |Lease { holder, host, pid, .. }| format!("{holder}@{host} pid {pid}"));
            print_note(&format!("lock: waiting for {lock}, held by {by}"));
            reported = Some(tokens);
        }
        let sleep =
            deadline.map_or(LOOK_AGAIN, |d| d.saturating_duration_since(Instant::now()).min(LOOK_AGAIN));
        let sleep = [left, hearing.time_left()].into_iter().flatten().fold(sleep, Ord::min);
        let mut fds = vec![PollFd::new(signals.as_fd(), PollFlags::POLLIN)];
        fds.extend(hearing.descriptors().into_iter().map(|fd| PollFd::new(fd, PollFlags::POLLIN)));
        let _ = poll(&mut fds, millis(sleep));
        if let Some(signal) = signals.take().first() {
            return Ok(Outcome::Signal(*signal));
        }
    }
}

/// Refuses to wait for nobody but those that this process runs in.
fn refuse_own(store: &Store, lock: &str, live: &[Live]) -> anyhow::Result<()> {
    let chain = Chain::from_environment();
    let file = store.identity()?;
    if live.is_empty() || !live.iter().all(|one| chain.holds(file, one.lease.token)) {
        return Ok(());
    }
    Err(Failure::new(Exit::Busy, format!("{lock} is held by an enclosing command"))
        .hint("waiting for it would never end; use another key")
        .into())
}

/// Who holds the lock: the first, and how many more.
fn described(live: &[Live], words: impl Fn(&Lease) -> String) -> String {
    match live {
        [] => "an entry that is not a lock".to_owned(),
        [one] => words(&one.lease),
        [first, more @ ..] => format!("{} and {} more", words(&first.lease), more.len()),
    }
}
