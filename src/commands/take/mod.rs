mod queue;
mod worker;

use std::ffi::OsString;
use std::time::Duration;

use clap::{ArgGroup, ArgMatches, Args, FromArgMatches};

use super::set::within_calendar;
use super::{Context, Spec};
use crate::exit::{Exit, Failure};
use crate::model::{Job, Scope, Terms};
use crate::output::Out;
use crate::output::json;
use crate::process::Signals;
use crate::units;
use crate::watch::Handler;

use queue::Queue;
use worker::{Plan, Worker};

pub const SPEC: Spec = Spec {
    name: "take",
    aliases: &[],
    about: "Take jobs from a queue, and run a command for each",
    build: |command| {
        TakeArgs::augment_args(command).group(ArgGroup::new("end").args(["timeout", "drain"])).after_help(
            "Examples:\n  \
             larder take mails -- ./send.sh\n  \
             larder take thumbnails --jobs 4 --lease 30s --retry 3 -- ./shrink.sh\n  \
             larder take reports --drain -- ./report.sh      (from cron)\n  \
             larder list mails.dead --long",
        )
    },
    run,
};

/// Take the jobs of a group, the oldest version first, and run CMD for each,
/// with the value on standard input, the variables that 'watch' sets, and
/// LARDER_ATTEMPT and LARDER_RECEIPT. Every live entry of the group is a job:
/// added by 'push' or by 'set'. Any number of workers share them.
///
/// A job that is taken is leased: no other worker gets it until CMD has ended.
/// The lease is renewed three times per length while CMD runs. When CMD exits 0
/// the entry is deleted, unless it was overwritten meanwhile, which makes it a
/// new job. Otherwise the job is free again after a pause, which doubles with
/// each failure, up to an hour; later jobs do not wait. After --retry failures
/// it is moved to the group GROUP.dead, where 'list --long' and JSON show the
/// reason and the number of attempts; it is an ordinary entry there, and can be
/// taken from there.
///
/// Each job is done at least once, and never by two workers within a lease. If
/// a worker is killed, its command is killed too, and the job is free when the
/// lease expires; that attempt counts. A worker that was suspended for longer
/// than its lease ends its command (SIGTERM to its process group, 5 seconds
/// later SIGKILL) and reports nothing.
///
/// SIGINT, SIGTERM and SIGHUP end a worker with status 0 when its running jobs
/// are done; a command that takes longer than 10 seconds is ended, and its job
/// is free at once, without an attempt counted. A second signal does not wait.
///
/// Without CMD, one job is printed as a JSON line, with group, key, value,
/// attempt, receipt and until, as soon as there is one: 'larder ack' marks it
/// as done, 'larder nack' returns it, and otherwise it is free when the lease
/// expires.
#[derive(Args)]
struct TakeArgs {
    /// The group
    group: String,
    /// Length of the lease, at least 100ms
    #[arg(long, value_name = "DUR", value_parser = units::duration, default_value = "5m", hide_default_value = false)]
    lease: Duration,
    /// Move a job to GROUP.dead after N failures
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), default_value = "5", hide_default_value = false)]
    retry: u32,
    /// The pause after the first failure; it doubles with each
    #[arg(long, value_name = "DUR", value_parser = units::duration, default_value = "1s", hide_default_value = false, requires = "command")]
    backoff: Duration,
    /// Move such jobs to this GROUP instead
    #[arg(long, value_name = "GROUP")]
    dead: Option<String>,
    /// Run N commands at a time
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000), default_value = "1", hide_default_value = false, requires = "command")]
    jobs: u16,
    /// End with status 0 after N jobs
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64), requires = "command")]
    count: Option<u64>,
    /// End with status 6 after DUR in total
    #[arg(long, value_name = "DUR", value_parser = units::duration)]
    timeout: Option<Duration>,
    /// End when no job is left or leased; without CMD, with status 1 if there was none
    #[arg(long)]
    drain: bool,
    /// Run this for each job
    #[arg(last = true, value_name = "CMD")]
    command: Vec<OsString>,
}

/// The shortest lease: a third of it must be long enough to renew it in.
const SHORTEST_LEASE: Duration = Duration::from_millis(100);

fn run(context: &Context, matches: &ArgMatches) -> anyhow::Result<Exit> {
    let args = TakeArgs::from_arg_matches(matches)?;
    let terms = terms(context, &args)?;
    let path = context.store_path()?;
    let handler = if args.command.is_empty() {
        None
    } else {
        Some(Handler::new(args.command.clone(), path, context.settings.scope.clone())?)
    };
    if args.count == Some(0) {
        return Ok(Exit::Success);
    }
    let signals = Signals::take_over()?;
    // To a run that only empties the queue, a store that is not there is empty.
    let store = if args.drain { context.open()? } else { Some(context.open_or_create()?) };
    let Some(store) = store else {
        return if handler.is_some() { Ok(Exit::Success) } else { Err(no_job(&args.group).into()) };
    };
    let queue = Queue::new(store, terms, context.settings.busy_timeout)?;
    let plan = Plan {
        jobs: usize::from(args.jobs),
        count: args.count,
        drain: args.drain,
        deadline: args.timeout.map(|timeout| std::time::Instant::now() + timeout),
        quiet: context.settings.quiet,
    };
    match handler {
        Some(handler) => Worker::new(queue, handler, signals, plan).run(),
        None => print_one(context, queue, &signals, &plan),
    }
}

fn terms(context: &Context, args: &TakeArgs) -> Result<Terms, Failure> {
    if args.lease < SHORTEST_LEASE {
        return Err(Failure::usage("a lease shorter than 100ms cannot be renewed in time"));
    }
    within_calendar(context.now(), args.lease)?;
    within_calendar(context.now(), args.backoff)?;
    let dead = args.dead.clone().unwrap_or_else(|| format!("{}.dead", args.group));
    if dead == args.group {
        return Err(Failure::usage("failed jobs cannot be moved to their own group"));
    }
    Ok(Terms {
        group: args.group.clone(),
        lease: args.lease,
        retry: args.retry.into(),
        backoff: args.backoff,
        dead,
        holder: format!("process {} on {}", std::process::id(), crate::users::host()),
    })
}

fn no_job(group: &str) -> Failure {
    Failure::new(Exit::NotFound, format!("no job is left in group {}", crate::text::quote(group)))
}

/// Prints the next job.
fn print_one(context: &Context, mut queue: Queue, signals: &Signals, plan: &Plan) -> anyhow::Result<Exit> {
    loop {
        if let Some(job) = queue.try_take()? {
            let mut out = Out::default();
            out.json(&record(job, &context.settings.scope))?;
            out.finish()?;
            return Ok(Exit::Success);
        }
        if plan.drain && !queue.has_jobs() {
            return Err(no_job(&queue.terms().group).into());
        }
        if plan.is_out_of_time() {
            return Err(worker::out_of_time());
        }
        queue.wait(signals, plan.time_left(), true);
        if let Some(signal) = signals.take().first() {
            return Ok(Exit::Child(128 + u8::try_from(*signal as i32).unwrap_or(0)));
        }
    }
}

fn record(job: Job, scope: &Scope) -> serde_json::Value {
    let mut record = json::of_group(&job.entry.group, scope);
    json::put_name(&mut record, "key", job.entry.key);
    json::put_value(&mut record, job.entry.value.unwrap_or_default());
    record["attempt"] = job.attempt.into();
    record["receipt"] = job.receipt.into();
    record["until"] = job.until.to_string().into();
    record["version"] = job.entry.version.into();
    record
}
