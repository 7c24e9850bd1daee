//! A lock that is held: its command runs, and its lease is renewed.

use std::os::fd::AsFd;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::chain::Chain;
use super::lease::{self, Own};
use super::{LOOK_AGAIN, LockArgs};
use crate::exit::{Exit, Failure, Report};
use crate::model::{Error, Result};
use crate::output::{print_error, print_note};
use crate::process::{Child, Moment, Signals, Supervised, exit_code};
use crate::store::Store;
use crate::text::quote;

/// From SIGTERM to SIGKILL for a command whose lease was lost.
const GRACE: Duration = Duration::from_secs(5);

/// A lock that this process holds.
pub struct Held {
    store: Store,
    own: Own,
}

impl Held {
    pub fn new(store: Store, own: Own) -> Self {
        Self { store, own }
    }

    /// Runs the command; `None` if the lease was over before it could start.
    pub fn run(
        mut self: Box<Self>,
        args: &LockArgs,
        program: &Path,
        signals: &Signals,
        json: bool,
    ) -> anyhow::Result<Option<Exit>> {
        let every = args.ttl / 3;
        // This process may have been held up since it took the lock, or the
        // commit have taken long: then the lease is renewed before anything
        // starts.
        if self.own.until.left() < every * 2 && !self.renew_to_start(args) {
            return Ok(None);
        }
        let Some(mut command) = self.start(args, program)? else { return Ok(None) };
        // A renewal must not wait for a busy store past the end of the lease.
        self.store.set_busy_timeout(every / 2);
        let mut renew_at = self.own.until.before(every * 2);
        let mut lost = false;
        let status = loop {
            for signal in signals.take() {
                command.signal(signal);
            }
            let ended = command.step(Instant::now());
            if let Some(status) = ended.map_err(|e| Failure::io("the command", e))? {
                break status;
            }
            if !lost && renew_at.left().is_zero() {
                lost = match self.renew(args) {
                    Ok(()) => false,
                    Err(Error::Condition(_)) => true,
                    Err(_) => self.own.until.left().is_zero(),
                };
                if lost {
                    // Told now: the command may take its time to end.
                    let message = format!(
                        "lock: the lease on {} in {} was lost; ending the command",
                        quote(&args.key),
                        quote(&args.group)
                    );
                    print_error(json, &Report { exit: Exit::Child(125), message, hint: None });
                    // What it started must not work on beside the next holder.
                    command.end_now(Instant::now(), GRACE);
                } else {
                    renew_at = self.own.until.before(every * 2).max(Moment::now().after(every / 10));
                }
            }
            // The clock of the wait stands still while the machine sleeps; the
            // lease does not.
            let next = command.time_left(Instant::now()).unwrap_or_else(|| renew_at.left().min(LOOK_AGAIN));
            let mut fds = [PollFd::new(signals.as_fd(), PollFlags::POLLIN)];
            let _ = poll(&mut fds, millis(next));
        };
        if lost {
            return Ok(Some(Exit::Child(125)));
        }
        self.release(args);
        Ok(Some(Exit::Child(exit_code(status))))
    }

    /// Starts the command, before the lease ends or not at all.
    fn start(&self, args: &LockArgs, program: &Path) -> anyhow::Result<Option<Supervised>> {
        let lease = &self.own.lease;
        let mut command = Child::command(program, &args.command);
        let chain = Chain::from_environment().and_this(self.store.identity()?, lease.token);
        command
            .env("LARDER_LOCK_TOKEN", lease.token.to_string())
            .env("LARDER_LOCK_SLOT", lease.slot.unwrap_or(1).to_string())
            .env(Chain::VARIABLE, chain);
        Child::start_before(&mut command, self.own.until);
        match Child::start_in_foreground(command) {
            Ok(child) => Ok(Some(Supervised::new(child))),
            Err(e) => {
                self.release(args);
                if Child::is_too_late(&e) {
                    return Ok(None);
                }
                Err(Failure::io(&quote(&args.command[0].to_string_lossy()), e))
            }
        }
    }

    /// Whether the lease could be renewed, with time enough to start a command.
    fn renew_to_start(&mut self, args: &LockArgs) -> bool {
        if self.renew(args).is_ok() && self.own.until.left() >= args.ttl / 3 {
            return true;
        }
        self.release(args);
        false
    }

    fn renew(&mut self, args: &LockArgs) -> Result<()> {
        self.own = self.store.write(|tx| lease::renew(tx, args, &self.own))?;
        Ok(())
    }

    /// Frees the lock if it is still ours; what the command did is done either
    /// way.
    fn release(&self, args: &LockArgs) {
        let gone = self.store.write(|tx| lease::release(tx, args, &self.own));
        // Somebody else's by now, or nobody's.
        if let Err(e) = gone
            && !matches!(e, Error::Condition(_))
        {
            print_note(&format!(
                "lock: {} in {} could not be released: {e}",
                quote(&args.key),
                quote(&args.group)
            ));
        }
    }
}

pub fn millis(duration: Duration) -> PollTimeout {
    PollTimeout::try_from(duration.as_nanos().div_ceil(1_000_000)).unwrap_or(PollTimeout::MAX)
}
