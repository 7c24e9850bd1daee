use std::ffi::OsString;
use std::io::IsTerminal;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use clap::{ArgGroup, ArgMatches, Args, FromArgMatches};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;
use serde::{Deserialize, Serialize};

use super::set::within_calendar;
use super::{Context, Spec, own_failure};
use crate::clock::Timestamp;
use crate::exit::{Exit, Failure, Report};
use crate::model::{Condition, Error, Expiry, Result};
use crate::output::{print_error, print_note};
use crate::process::{Child, Ending, Moment, Signals, exit_code, find_program};
use crate::store::{Snapshot, Store, Transaction, attended};
use crate::text::quote;
use crate::units;
use crate::users;

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
             larder list cron --values",
        )
    },
    run,
};

/// Runs a command while holding a lock, and ends with the command's status.
/// The lock is an entry of the store: a lease that ends after --ttl, renewed
/// every third of it while the command runs, and deleted when the command has
/// ended. If the holder is killed, the lock is free once the lease has ended.
///
/// The entry's value names the holder: user, host, process, since and until
/// when, as JSON. LARDER_LOCK_TOKEN in the command's environment is a fencing
/// token: a number that is higher for every later holder.
///
/// SIGINT, SIGTERM and SIGHUP are passed on to the command. If the lease is
/// lost (somebody deleted or overwrote the entry, or it could not be renewed
/// in time), the command's process group gets SIGTERM, what is left of it 5
/// seconds later SIGKILL, and the status is 125. A command is not started on a
/// lease that is over.
///
/// A lock that the command itself runs in, at any depth, is refused with
/// status 6: waiting for it would never end. LARDER_LOCKS in the command's
/// environment is how that is known.
///
/// Status 6: the lock stayed taken, or what --conflict-status says. 8: the
/// entry under the key is not a lock, and stays for ever. 125: larder itself
/// failed. 126, 127: the command is not executable, or there is none.
#[derive(Args)]
struct LockArgs {
    /// The group
    group: String,
    /// The key
    key: String,
    /// Length of the lease, at least 100ms
    #[arg(long, value_name = "DUR", value_parser = units::duration)]
    ttl: Duration,
    /// Give up with status 6 after DUR; without it, wait for ever
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

/// How long a waiter sleeps at most: a client that is not larder frees a lock
/// without ringing the bell.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// How long a caller who does not want to wait for the lock waits for a locked
/// store all the same: others write for some milliseconds at a time.
const AT_ONCE: Duration = Duration::from_millis(500);

/// From SIGTERM to SIGKILL for a command whose lease was lost.
const GRACE: Duration = Duration::from_secs(5);

/// How often a lease that ran out before the command could start is taken anew.
const ATTEMPTS: u32 = 10;

/// How long a waiter keeps silent on a terminal.
const SILENCE: Duration = Duration::from_secs(1);

/// What the lock's entry says.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Lease {
    holder: String,
    host: String,
    pid: u32,
    since: String,
    until: String,
    token: i64,
}

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

/// What came of waiting for the lock.
enum Outcome {
    Held(Box<Held>),
    /// A signal came first.
    Signal(Signal),
    /// It stayed taken, and nothing is to be said about it.
    Taken(Exit),
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

/// The locks this process runs in, as those it holds tell what they run: each
/// is device and inode of the store, and the token, which no other lock of that
/// store has or had.
struct Chain(String);

impl Chain {
    const VARIABLE: &str = "LARDER_LOCKS";

    fn from_environment() -> Self {
        Self(std::env::var(Self::VARIABLE).unwrap_or_default())
    }

    fn word((device, inode): (u64, u64), token: i64) -> String {
        format!("{device}:{inode}:{token}")
    }

    fn holds(&self, store: (u64, u64), token: i64) -> bool {
        let word = Self::word(store, token);
        self.0.split(' ').any(|held| held == word)
    }

    /// What the command that runs in this lock too is told.
    fn and_this(&self, store: (u64, u64), token: i64) -> String {
        format!("{} {}", self.0, Self::word(store, token)).trim_start().to_owned()
    }
}

/// A lock that this process holds.
struct Held {
    store: Store,
    lease: Lease,
    version: i64,
    /// When the lease ends unless it is renewed.
    until: Moment,
}

/// Takes the lock, waiting as told.
fn acquire(context: &Context, args: &LockArgs, signals: &Signals) -> anyhow::Result<Outcome> {
    let store = context.open_or_create()?;
    let hearing = store.hearing();
    let started = Instant::now();
    let deadline = args.wait.map(|wait| started + wait);
    let (quiet, tells) = (context.settings.quiet, std::io::stderr().is_terminal());
    let mut told = None;
    let patience = if args.r#try { AT_ONCE } else { context.settings.busy_timeout };
    loop {
        hearing.hear();
        let left = deadline.map_or(patience, |deadline| deadline.saturating_duration_since(Instant::now()));
        store.set_busy_timeout(left.clamp(AT_ONCE.min(patience), patience));
        let tried = attended(signals.quiet().map_err(|e| Failure::io("signals", e))?, || {
            match store.read(|tx| holder(tx, args))? {
                Some(taken) => Ok(Err(taken)),
                None => store.write(|tx| take(tx, args)).map(Ok),
            }
        });
        let Taken { lease, left } = match tried {
            Ok(Ok((lease, version, until))) => {
                store.set_busy_timeout(context.settings.busy_timeout);
                return Ok(Outcome::Held(Box::new(Held { store, lease, version, until })));
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
        let by = match &lease {
            None if left.is_none() => {
                let why = format!("the entry {} in {} is not a lock", quote(&args.key), quote(&args.group));
                return Err(Failure::new(Exit::BadData, why).hint("delete it, or use another key").into());
            }
            None => "an entry that is not a lock".to_owned(),
            Some(lease) => {
                format!("{} on {} (process {}) until {}", lease.holder, lease.host, lease.pid, lease.until)
            }
        };
        if let Some(lease) = &lease
            && Chain::from_environment().holds(store.identity()?, lease.token)
        {
            return Err(Failure::new(Exit::Busy, format!("{lock} is held by the command this runs in"))
                .hint("waiting for it would never end; use another key")
                .into());
        }
        if args.r#try || deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            if quiet {
                return Ok(Outcome::Taken(args.conflict()));
            }
            return Err(Failure::new(args.conflict(), format!("{lock} is held by {by}")).into());
        }
        let token = lease.as_ref().map(|lease| lease.token);
        if tells && !quiet && started.elapsed() >= SILENCE && told != Some(token) {
            let holder =
                lease.map_or(by, |Lease { holder, host, pid, .. }| format!("{holder}@{host} pid {pid}"));
            print_note(&format!("lock: waiting for {lock}, held by {holder}"));
            told = Some(token);
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

/// A lock that somebody has.
struct Taken {
    /// By whom; `None` if the entry is no lock of larder's.
    lease: Option<Lease>,
    /// How long still; `None` is for ever.
    left: Option<Duration>,
}

/// Who has the lock, if anybody.
fn holder(tx: &Snapshot<'_>, args: &LockArgs) -> Result<Option<Taken>> {
    match tx.get(&args.group, &args.key) {
        Ok(entry) => {
            let lease = serde_json::from_slice(&entry.value.unwrap_or_default()).ok();
            let left = entry
                .expires_at
                .map(|at| Duration::from_millis(u64::try_from(at.since(tx.now)).unwrap_or(0)));
            Ok(Some(Taken { lease, left }))
        }
        Err(Error::NotFound { .. }) => Ok(None),
        Err(e) => Err(e),
    }
}

/// When a lease ends that is written in this transaction: others judge by the
/// wall clock, and some of its time may have passed since the transaction began.
fn end(tx: &Transaction<'_>, ttl: Duration) -> Moment {
    let spent = Duration::from_millis(u64::try_from(Timestamp::now().since(tx.now)).unwrap_or(0));
    Moment::now().after(ttl).before(spent)
}

fn take(tx: &Transaction<'_>, args: &LockArgs) -> Result<(Lease, i64, Moment)> {
    let ends = end(tx, args.ttl);
    let until = tx.now.after(args.ttl);
    let lease = Lease {
        holder: own_name(),
        host: users::host(),
        pid: std::process::id(),
        since: tx.now.to_string(),
        until: until.to_string(),
        // The log has grown by the time anybody else takes the lock.
        token: tx.log_span()?.newest + 1,
    };
    let version = write(tx, args, &lease, until, &Condition::Absent)?;
    Ok((lease, version, ends))
}

fn write(
    tx: &Transaction<'_>,
    args: &LockArgs,
    lease: &Lease,
    until: Timestamp,
    condition: &Condition,
) -> Result<i64> {
    let value = serde_json::to_vec(lease).unwrap_or_default();
    Ok(tx.set(&args.group, &args.key, &value, Expiry::At(until), condition)?.version)
}

impl Held {
    /// Runs the command; `None` if the lease was over before it could start.
    fn run(
        mut self: Box<Self>,
        args: &LockArgs,
        program: &std::path::Path,
        signals: &Signals,
        json: bool,
    ) -> anyhow::Result<Option<Exit>> {
        let every = args.ttl / 3;
        // This process may have been held up since it took the lock, or the
        // commit have taken long: then the lease is renewed before anything
        // starts.
        if self.until.left() < every * 2 && !self.renew_to_start(args) {
            return Ok(None);
        }
        let mut command = Child::command(program, &args.command);
        let chain = Chain::from_environment().and_this(self.store.identity()?, self.lease.token);
        command.env("LARDER_LOCK_TOKEN", self.lease.token.to_string()).env(Chain::VARIABLE, chain);
        Child::start_before(&mut command, self.until);
        let started = Child::start_in_foreground(command);
        let mut child = match started {
            Ok(child) => child,
            Err(e) => {
                self.release(args);
                if Child::is_too_late(&e) {
                    return Ok(None);
                }
                return Err(Failure::io(&quote(&args.command[0].to_string_lossy()), e));
            }
        };
        // A renewal must not wait for a busy store past the end of the lease.
        self.store.set_busy_timeout(every / 2);
        let mut renew_at = self.until.before(every * 2);
        let mut lost: Option<Ending> = None;
        let status = loop {
            for signal in signals.take() {
                child.signal(signal);
            }
            if let Some(status) = child.ended().map_err(|e| Failure::io("the command", e))? {
                break status;
            }
            if lost.is_none() && renew_at.left().is_zero() {
                let is_lost = match self.renew(args) {
                    Ok(()) => false,
                    Err(Error::Condition(_)) => true,
                    Err(_) => self.until.left().is_zero(),
                };
                if is_lost {
                    // Told now: the command may take its time to end.
                    let message = format!(
                        "lock: the lease on {} in {} was lost; ending the command",
                        quote(&args.key),
                        quote(&args.group)
                    );
                    print_error(json, &Report { exit: Exit::Child(125), message, hint: None });
                    lost = Some(Ending::begin(&child, GRACE));
                } else {
                    renew_at = self.until.before(every * 2).max(Moment::now().after(every / 10));
                }
            }
            // The clock of the wait stands still while the machine sleeps; the
            // lease does not.
            let next = match &mut lost {
                Some(ending) => ending.pursue(&child),
                None => renew_at.left().min(LOOK_AGAIN),
            };
            let mut fds = [PollFd::new(signals.as_fd(), PollFlags::POLLIN)];
            let _ = poll(&mut fds, millis(next));
        };
        if let Some(ending) = lost {
            // What the command started must not work on beside the next holder.
            ending.finish(&child);
            return Ok(Some(Exit::Child(125)));
        }
        self.release(args);
        Ok(Some(Exit::Child(exit_code(status))))
    }

    /// Whether the lease could be renewed, with time enough to start a command.
    fn renew_to_start(&mut self, args: &LockArgs) -> bool {
        if self.renew(args).is_ok() && self.until.left() >= args.ttl / 3 {
            return true;
        }
        self.release(args);
        false
    }

    fn renew(&mut self, args: &LockArgs) -> Result<()> {
        let (lease, version, until) = self.store.write(|tx| {
            let ends = end(tx, args.ttl);
            let until = tx.now.after(args.ttl);
            let lease = Lease { until: until.to_string(), ..self.lease.clone() };
            let version = write(tx, args, &lease, until, &Condition::Version(self.version))?;
            Ok((lease, version, ends))
        })?;
        (self.lease, self.version, self.until) = (lease, version, until);
        Ok(())
    }

    /// Frees the lock if it is still ours; what the command did is done either
    /// way.
    fn release(&self, args: &LockArgs) {
        let condition = Condition::Version(self.version);
        let gone = self.store.write(|tx| tx.delete(&args.group, &args.key, &condition));
        // Somebody else's by now, or nobody's.
        if let Err(e) = gone
            && !matches!(e, Error::Condition(_))
        {
            print_note(&format!(
                "lock: {} in {} could not be freed: {e}",
                quote(&args.key),
                quote(&args.group)
            ));
        }
    }
}

/// The user's name, else the number.
fn own_name() -> String {
    let uid = nix::unistd::getuid().as_raw();
    users::name_of_user(uid).unwrap_or_else(|| uid.to_string())
}

fn millis(duration: Duration) -> PollTimeout {
    PollTimeout::try_from(duration.as_nanos().div_ceil(1_000_000)).unwrap_or(PollTimeout::MAX)
}
