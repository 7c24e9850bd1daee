use std::ffi::OsString;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use clap::{ArgGroup, ArgMatches, Args, FromArgMatches};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;
use serde::{Deserialize, Serialize};

use super::{Context, Spec, own_failure};
use crate::clock::Timestamp;
use crate::exit::{Exit, Failure, Report};
use crate::output::{print_error, print_note};
use crate::process::{Child, Signals, exit_code, find_program};
use crate::store::{Condition, Error, Expiry, Result, Store, Transaction, quote};
use crate::units;
use crate::watch::Bell;

pub const SPEC: Spec = Spec {
    name: "lock",
    aliases: &[],
    about: "Run a command while holding a lock",
    build: |command| {
        LockArgs::augment_args(command).group(ArgGroup::new("patience").args(["wait", "try"])).after_help(
            "Examples:\n  \
             larder lock cron backup --ttl 1m --try -- ./backup.sh\n  \
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
/// in time), the command's process group gets SIGTERM, 5 seconds later
/// SIGKILL, and the status is 125.
///
/// Status 6: the lock stayed taken. 125: larder itself failed. 126, 127: the
/// command is not executable, or there is none.
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
    /// Give up with status 6 at once if the lock is taken
    #[arg(long)]
    r#try: bool,
    /// The command
    #[arg(last = true, value_name = "CMD", required = true)]
    command: Vec<OsString>,
}

/// The shortest lease: a third of it must be long enough to renew it in.
const SHORTEST_LEASE: Duration = Duration::from_millis(100);

/// How long a waiter sleeps at most: a client that is not larder frees a lock
/// without ringing the bell.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// From SIGTERM to SIGKILL for a command whose lease was lost.
const GRACE: Duration = Duration::from_secs(5);

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
    let program = find_program(&args.command[0])?;
    let held = (|| {
        let signals = Signals::take_over()?;
        match acquire(context, &args, &signals)? {
            Ok(held) => held.run(&args, &program, &signals, context.settings.json),
            Err(signal) => Ok(Exit::Child(128 + u8::try_from(signal as i32).unwrap_or(0))),
        }
    })();
    held.map_err(own_failure)
}

/// A lock that this process holds.
struct Held {
    store: Store,
    lease: Lease,
    version: i64,
    /// When the lease ends unless it is renewed.
    until: Instant,
}

/// Takes the lock, waiting as told; the signal, if one came first.
fn acquire(
    context: &Context,
    args: &LockArgs,
    signals: &Signals,
) -> anyhow::Result<std::result::Result<Held, Signal>> {
    let store = context.open_or_create()?;
    let bell = Bell::new(store.path());
    let deadline = args.wait.map(|wait| Instant::now() + wait);
    loop {
        if let Some(bell) = &bell {
            bell.hush();
        }
        let until = Instant::now() + args.ttl;
        let Some(Taken { lease, left }) = store.read(|tx| holder(tx, args))? else {
            match store.write(|tx| take(tx, args)) {
                Ok((lease, version)) => return Ok(Ok(Held { store, lease, version, until })),
                // Somebody was quicker; look who.
                Err(Error::Condition(_)) => continue,
                Err(e) => return Err(e.into()),
            }
        };
        let by = lease.as_ref().map_or("an entry that is no lock".to_owned(), |lease| {
            format!("{} on {} (process {}) until {}", lease.holder, lease.host, lease.pid, lease.until)
        });
        let lock = format!("the lock {} in {}", quote(&args.key), quote(&args.group));
        let ours = std::env::var("LARDER_LOCK_TOKEN").ok().and_then(|number| number.parse().ok());
        if lease.is_some_and(|lease| Some(lease.token) == ours) {
            return Err(Failure::new(Exit::Busy, format!("{lock} is held by the command this runs in"))
                .hint("waiting for it would never end; use another key")
                .into());
        }
        if args.r#try || deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Err(Failure::new(Exit::Busy, format!("{lock} is held by {by}")).into());
        }
        let sleep =
            deadline.map_or(LOOK_AGAIN, |d| d.saturating_duration_since(Instant::now()).min(LOOK_AGAIN));
        let sleep = left.map_or(sleep, |left| sleep.min(left));
        let mut fds = vec![PollFd::new(signals.as_fd(), PollFlags::POLLIN)];
        fds.extend(bell.as_ref().map(|bell| PollFd::new(bell.as_fd(), PollFlags::POLLIN)));
        let _ = poll(&mut fds, millis(sleep));
        if let Some(signal) = signals.take().first() {
            return Ok(Err(*signal));
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
fn holder(tx: &Transaction<'_>, args: &LockArgs) -> Result<Option<Taken>> {
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

fn take(tx: &Transaction<'_>, args: &LockArgs) -> Result<(Lease, i64)> {
    let until = tx.now.after(args.ttl);
    let lease = Lease {
        holder: user(),
        host: super::host(),
        pid: std::process::id(),
        since: tx.now.to_string(),
        until: until.to_string(),
        // The log has grown by the time anybody else takes the lock.
        token: tx.log_span()?.newest + 1,
    };
    let version = write(tx, args, &lease, until, &Condition::Absent)?;
    Ok((lease, version))
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
    fn run(
        mut self,
        args: &LockArgs,
        program: &std::path::Path,
        signals: &Signals,
        json: bool,
    ) -> anyhow::Result<Exit> {
        let mut command = Child::command(program, &args.command);
        command.env("LARDER_LOCK_TOKEN", self.lease.token.to_string());
        let started = Child::start_in_foreground(command);
        let mut child = match started {
            Ok(child) => child,
            Err(e) => {
                self.release(args);
                return Err(Failure::io(&quote(&args.command[0].to_string_lossy()), e));
            }
        };
        let every = args.ttl / 3;
        // A renewal must not wait for a busy store past the end of the lease.
        self.store.set_busy_timeout(every / 2);
        let mut renew_at = Instant::now() + every;
        let mut lost: Option<Instant> = None;
        let status = loop {
            for signal in signals.take() {
                child.signal(signal);
            }
            if let Some(status) = child.ended().map_err(|e| Failure::io("the command", e))? {
                break status;
            }
            let now = Instant::now();
            match lost {
                Some(kill_at) if now >= kill_at => child.signal(Signal::SIGKILL),
                None if now >= renew_at => match self.renew(args) {
                    Ok(()) => renew_at = now + every,
                    Err(Error::Condition(_)) => lost = Some(now + GRACE),
                    Err(_) if now < self.until => renew_at = now + every / 10,
                    Err(_) => lost = Some(now + GRACE),
                },
                _ => {}
            }
            if lost == Some(now + GRACE) {
                // Told now: the command may take its time to end.
                let message = format!(
                    "lock: the lease on {} in {} was lost; ending the command",
                    quote(&args.key),
                    quote(&args.group)
                );
                print_error(json, &Report { exit: Exit::Child(125), message, hint: None });
                child.signal(Signal::SIGTERM);
                child.signal(Signal::SIGCONT);
            }
            let next = lost.map_or(renew_at, |kill_at| kill_at.max(now + Duration::from_millis(100)));
            let mut fds = [PollFd::new(signals.as_fd(), PollFlags::POLLIN)];
            let _ = poll(&mut fds, millis(next.saturating_duration_since(Instant::now())));
        };
        if lost.is_some() {
            return Ok(Exit::Child(125));
        }
        self.release(args);
        Ok(Exit::Child(exit_code(status)))
    }

    fn renew(&mut self, args: &LockArgs) -> Result<()> {
        let until = Instant::now() + args.ttl;
        let (lease, version) = self.store.write(|tx| {
            let end = tx.now.after(args.ttl);
            let lease = Lease { until: end.to_string(), ..self.lease.clone() };
            let version = write(tx, args, &lease, end, &Condition::Version(self.version))?;
            Ok((lease, version))
        })?;
        (self.lease, self.version, self.until) = (lease, version, until);
        Ok(())
    }

    /// Frees the lock if it is still ours; what the command did is done either
    /// way.
    fn release(&self, args: &LockArgs) {
        let condition = Condition::Version(self.version);
        if let Err(e) = self.store.write(|tx| tx.delete(&args.group, &args.key, &condition)) {
            print_note(&format!(
                "lock: {} in {} could not be freed: {e}",
                quote(&args.key),
                quote(&args.group)
            ));
        }
    }
}

/// The user's name as /etc/passwd has it, else the numeric id.
fn user() -> String {
    let uid = nix::unistd::getuid().to_string();
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == uid).then(|| name.to_owned())
    });
    name.unwrap_or(uid)
}

fn millis(duration: Duration) -> PollTimeout {
    PollTimeout::try_from(duration.as_nanos().div_ceil(1_000_000)).unwrap_or(PollTimeout::MAX)
}
