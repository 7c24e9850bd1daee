use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::time::Duration;

use clap::{ArgGroup, ArgMatches, Args, FromArgMatches};

use super::get::emit_entry;
use super::{Context, Spec};
use crate::clock::Timestamp;
use crate::exit::{Exit, Failure};
use crate::model::{Entry, Error, Result};
use crate::store::Snapshot;
use crate::units;
use crate::watch::{Control, Stop, Wake, patiently};

pub const SPEC: Spec = Spec {
    name: "wait",
    aliases: &[],
    about: "Wait for a key to exist, have a value, change or disappear",
    build: |command| {
        WaitArgs::augment_args(command)
            .group(ArgGroup::new("condition").args(["value", "absent", "newer_than"]))
            .after_help(
                "Examples:\n  \
                 url=$(larder wait services database --timeout 1m) && ./migrate \"$url\"\n  \
                 larder wait deploy state --value done --timeout 10m\n  \
                 larder wait cron backup --absent\n  \
                 larder wait config colour --newer-than 41 --json",
            )
    },
    run,
};

/// Wait until a key exists, and print its value as 'larder get' does. A
/// condition that already holds ends the wait at once. With --json it prints
/// the entry; with --absent it prints nothing.
///
/// It is notified of each write as it happens, by any program, and of an expiry
/// at its millisecond; it neither writes nor creates a store, and waits for a
/// missing one too. It sees the current state, not the history: a value that is
/// overwritten at once may go unseen, where 'larder watch' reports every
/// change.
///
/// Status 6: timed out after --timeout. SIGINT, SIGTERM and SIGHUP end it with
/// 128 plus the signal's number.
#[derive(Args)]
struct WaitArgs {
    /// The group
    group: String,
    /// The key
    key: String,
    /// Until the value is V
    #[arg(long, value_name = "V", allow_hyphen_values = true)]
    value: Option<OsString>,
    /// Until the key does not exist, or has expired
    #[arg(long)]
    absent: bool,
    /// Until the entry is newer than version N
    #[arg(long, value_name = "N", value_parser = units::count)]
    newer_than: Option<i64>,
    /// End with status 6 after DUR in total
    #[arg(long, value_name = "DUR", value_parser = units::duration)]
    timeout: Option<Duration>,
}

/// How long a change may go unnoticed of which nothing is heard.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// How often it is looked whether there is a store.
const LOOK_FOR_STORE: Duration = Duration::from_millis(25);

/// How long a signal may wait for a lock of somebody else's.
const SLICE: Duration = Duration::from_millis(100);

/// What is waited for.
enum Condition {
    Exists,
    Value(Vec<u8>),
    Newer(i64),
    Absent,
}

impl Condition {
    fn holds(&self, entry: Option<&Entry>) -> bool {
        match (self, entry) {
            (Self::Exists, entry) => entry.is_some(),
            (Self::Value(value), entry) => entry.is_some_and(|entry| entry.value.as_ref() == Some(value)),
            (Self::Newer(version), entry) => entry.is_some_and(|entry| entry.version > *version),
            (Self::Absent, entry) => entry.is_none(),
        }
    }
}

/// How the waiting ended.
enum Outcome {
    /// With what was waited for.
    Met(Option<Entry>, Timestamp),
    Stopped(Stop),
}

fn run(context: &Context, matches: &ArgMatches) -> anyhow::Result<Exit> {
    let args = WaitArgs::from_arg_matches(matches)?;
    let condition = match (args.value.clone(), args.newer_than, args.absent) {
        (Some(value), ..) => Condition::Value(value.into_vec()),
        (_, Some(version), _) => Condition::Newer(version),
        (.., true) => Condition::Absent,
        _ => Condition::Exists,
    };
    let control = Control::install(args.timeout, false)?;
    match wait(context, &args, &condition, &control)? {
        Outcome::Met(Some(entry), now) => emit_entry(context, entry, now, None, None)?,
        Outcome::Met(None, _) => {}
        Outcome::Stopped(Stop::Timeout) => {
            return Err(Failure::new(Exit::Busy, "timed out after --timeout").into());
        }
        Outcome::Stopped(_) => {
            let signal = control.first_signal().map_or(0, |signal| signal as i32);
            return Ok(Exit::Child(128 + u8::try_from(signal).unwrap_or(0)));
        }
    }
    Ok(Exit::Success)
}

fn wait(
    context: &Context,
    args: &WaitArgs,
    condition: &Condition,
    control: &Control,
) -> anyhow::Result<Outcome> {
    let patience = context.settings.busy_timeout;
    loop {
        let store = match patiently(control, patience, || context.open_within(SLICE.min(patience)))? {
            Ok(store) => store,
            Err(stop) => return Ok(Outcome::Stopped(stop)),
        };
        let Some(store) = store else {
            if condition.holds(None) {
                return Ok(Outcome::Met(None, context.now()));
            }
            if let Wake::Stop(stop) = control.wait(&[], LOOK_FOR_STORE) {
                return Ok(Outcome::Stopped(stop));
            }
            continue;
        };
        // One that is deleted or replaced is not the one to wait on.
        let Ok(identity) = store.identity() else { continue };
        let ears = store.hearing();
        let mut stopped = None;
        loop {
            // Before looking: what is written after the look is still to be heard.
            ears.hear();
            if store.identity().ok() != Some(identity) {
                break;
            }
            let looked = patiently(control, patience, || store.read(|tx| Ok((look(tx, args)?, tx.now))))?;
            let (entry, now) = match looked {
                Ok(looked) => looked,
                Err(stop) => return Ok(Outcome::Stopped(stop)),
            };
            if condition.holds(entry.as_ref()) {
                // To stop listening takes the kernel some 20 ms, and the process
                // is about to end: the answer comes first.
                std::mem::forget((ears, store));
                return Ok(Outcome::Met(entry, now));
            }
            if let Some(stop) = stopped {
                return Ok(Outcome::Stopped(stop));
            }
            let due = entry.and_then(|entry| entry.expires_at).map(|at| at.since(now));
            let due = due.and_then(|millis| u64::try_from(millis).ok()).map(Duration::from_millis);
            let at_most = [due, ears.time_left()].into_iter().flatten().min().unwrap_or(LOOK_AGAIN);
            match control.wait(&ears.descriptors(), at_most.min(LOOK_AGAIN)) {
                Wake::Look => {}
                // What came about in the last moment counts.
                Wake::Stop(Stop::Timeout) => stopped = Some(Stop::Timeout),
                Wake::Stop(stop) => return Ok(Outcome::Stopped(stop)),
            }
        }
    }
}

/// What is there; `None` if there is nothing.
fn look(tx: &Snapshot<'_>, args: &WaitArgs) -> Result<Option<Entry>> {
    match tx.get(&args.group, &args.key) {
        Ok(entry) => Ok(Some(entry)),
        Err(Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
