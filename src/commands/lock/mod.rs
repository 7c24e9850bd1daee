//! `larder lock`: waiting for a lock, and a command that runs in it.
//!
//! * `lease`: what the lock's entry says, and how it is read and written;
//! * `acquire`: waiting for it;
//! * `held`: the command, and the lease that is renewed meanwhile;
//! * `chain`: the locks that this process itself runs in.

mod acquire;
mod chain;
mod held;
mod lease;

use std::ffi::OsString;
use std::time::Duration;

use clap::{ArgGroup, ArgMatches, Args, FromArgMatches};

use super::set::within_calendar;
use super::{Context, Spec, own_failure};
use crate::exit::{Exit, Failure};
use crate::process::{Signals, find_program};
use crate::text::quote;
use crate::units;
use acquire::{Outcome, acquire};

pub const SPEC: Spec = Spec {
    name: "lock",
    aliases: &[],
    about: "Run a command while holding a lock",
    build: |command| {
        LockArgs::augment_args(command).group(ArgGroup::new("patience").args(["wait", "try"])).after_help(
            "Examples:\n  \
             larder lock cron backup --ttl 1m --try -- ./backup.sh\n  \
             larder --quiet lock cron report --ttl 1m --try --conflict-status 0 -- ./report.sh\n  \
             larder lock deploy production --ttl 30s --wait 10m -- ./deploy.sh\n  \
             larder lock build host1 --ttl 1m --holders 4 -- sh -c 'make -C tree$LARDER_LOCK_SLOT'\n  \
             larder list cron --values",
        )
    },
    run,
};

/// Run a command while holding a lock, and end with the command's status. The
/// lock is an entry of the store: a lease that expires after --ttl, is renewed
/// three times per TTL while the command runs, and is deleted when the command
/// has ended. If the holder is killed, the lock is released when the lease
/// expires.
///
/// The entry's value names the holder as JSON: user, host, process, since and
/// until. LARDER_LOCK_TOKEN in the command's environment is a fencing token: a
/// number that is higher for every later holder.
///
/// SIGINT, SIGTERM and SIGHUP are forwarded to the command. If the lease is
/// lost (the entry was deleted or overwritten, or could not be renewed in
/// time), the command's process group gets SIGTERM, what is left of it 5
/// seconds later SIGKILL, and the status is 125. A command is never started on
/// an expired lease.
///
/// A lock held by an enclosing 'larder lock', at any depth, is refused with
/// status 6: waiting for it would never end. LARDER_LOCKS in the command's
/// environment lists the enclosing locks.
///
/// With --holders, up to N commands hold the lock at once, and LARDER_LOCK_SLOT
/// is the command's number among them: 1 to N, the lowest free one. The entry's
/// value is then a JSON array with a record for each. A caller with another N
/// takes the lock if fewer than its own N hold it.
///
/// Status 6, or that of --conflict-status: the lock stayed taken. 8: the entry
/// under the key is not a lock, and never expires. 125: larder itself failed.
/// 126, 127: the command is not executable, or does not exist.
#[derive(Args)]
struct LockArgs {
    /// The group
    group: String,
    /// The key
    key: String,
    /// Length of the lease, at least 100ms
    #[arg(long, value_name = "DUR", value_parser = units::duration)]
    ttl: Duration,
    /// Let N hold the lock at once
    #[arg(long, value_name = "N", default_value = "1", hide_default_value = true, value_parser = clap::value_parser!(u16).range(1..))]
    holders: u16,
    /// Give up with status 6 after DUR; by default wait forever
    #[arg(long, value_name = "DUR", value_parser = units::duration)]
    wait: Option<Duration>,
    /// Give up with status 6 at once if the lock is taken, and after half a
    /// second if the store stays locked; --quiet does not report a taken lock
    #[arg(long)]
    r#try: bool,
    /// End with status N, not 6, if the lock stays taken
    #[arg(long, value_name = "N")]
    conflict_status: Option<u8>,
    /// The command
    #[arg(last = true, value_name = "CMD", required = true)]
    command: Vec<OsString>,
}

/// The shortest lease: a third of it must be long enough to renew it in.
const SHORTEST_LEASE: Duration = Duration::from_millis(100);

/// How long a waiter or a holder sleeps at most: a client that is not larder
/// frees a lock without ringing the bell.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// How often a lease that ran out before the command could start is taken anew.
const ATTEMPTS: u32 = 10;

fn run(context: &Context, matches: &ArgMatches) -> anyhow::Result<Exit> {
    let args = LockArgs::from_arg_matches(matches)?;
    if args.ttl < SHORTEST_LEASE {
        return Err(Failure::usage("a lease shorter than 100ms cannot be renewed in time").into());
    }
    within_calendar(context.now(), args.ttl)?;
    let program = find_program(&args.command[0])?;
    let held = (|| {
        let signals = Signals::take_over()?;
        for _ in 0..ATTEMPTS {
            match acquire(context, &args, &signals)? {
                Outcome::Held(held) => {
                    if let Some(exit) = held.run(&args, &program, &signals, context.settings.json)? {
                        return Ok(exit);
                    }
                }
                Outcome::Signal(signal) => {
                    return Ok(Exit::Child(128 + u8::try_from(signal as i32).unwrap_or(0)));
                }
                Outcome::Taken(exit) => return Ok(exit),
            }
        }
        let why = format!("{} ran out before the command could be started, {ATTEMPTS} times", args.lock());
        Err(Failure::new(Exit::Child(125), why).hint("give it a longer --ttl").into())
    })();
    held.map_err(own_failure)
}

impl LockArgs {
    /// The lock, as messages name it.
    fn lock(&self) -> String {
        format!("the lock {} in {}", quote(&self.key), quote(&self.group))
    }

    /// The status if the lock stays taken.
    fn conflict(&self) -> Exit {
        self.conflict_status.map_or(Exit::Busy, Exit::Child)
    }
}
