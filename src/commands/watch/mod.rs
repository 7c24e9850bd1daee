mod listen;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgMatches, Args, FromArgMatches};

use super::{Context, Spec, glob};
use crate::exit::{Exit, Failure};
use crate::model::{Error, Glob, Level};
use crate::store::{Claim, Claimed, Feed, Selection, Store};
use crate::text::quote;
use crate::units;
use crate::watch::websocket::{Origin, parse_address};
use crate::watch::{self, Bursts, Control, Exec, ExecOptions, Form, Plan, Sink, Stdout, Wake};
use listen::Listening;

pub const SPEC: Spec = Spec {
    name: "watch",
    aliases: &[],
    about: "Follow every change on a terminal, in a pipe or with a command",
    build: |command| {
        WatchArgs::augment_args(command).mut_arg("after", |arg| arg.conflicts_with("snapshot")).after_help(
            "Examples:\n  \
                 larder watch session\n  \
                 larder watch config 'db-*' --snapshot --json\n  \
                 larder watch orders --consumer shipping -- ./ship.sh\n  \
                 larder watch config --debounce 500ms -- ./rebuild.sh\n  \
                 larder watch config --restart --snapshot -- ./server\n  \
                 larder watch --groups 'tenant-*:jobs' --count 1 --timeout 30s\n  \
                 larder watch --listen :8080",
        )
    },
    run,
};

/// Print every change, in commit order, made by larder or any other SQLite
/// client. Into a pipe it is SEQ, TYPE, GROUP and KEY separated by TABs, one
/// change per line. With a command after --, the command runs once for each
/// change, with the value on standard input and LARDER_SEQ, LARDER_TYPE,
/// LARDER_NAMESPACE (with -n), LARDER_GROUP and LARDER_KEY in its environment.
///
/// A group or key too long for an environment is omitted from it, and
/// LARDER_OMITTED names the missing variables.
///
/// With --listen, the same changes go to WebSocket clients and to a page at
/// http://ADDR/ that shows them. A client sends the token ("Authorization:
/// Bearer T", or ?token=T in the URL), may name a position to resume after
/// (?after=SEQ), and sends {"type":"subscribe","channel":C}, where C is
/// store-events or group.GROUP. Groups with other characters than A-Z a-z 0-9 _
/// . : and - have no channel: their changes are in store-events. Without a
/// GROUP, C may be store-stats: once a second, the usage of namespaces and
/// their quotas, the rate of changes and the lag of consumers, which the page
/// shows. Clients get each change as soon as it is made, whether or not the
/// standard output of the watch is read, and however long CMD takes.
///
/// With --debounce, the command runs once for a burst of changes. A burst ends
/// when no change has come for DUR, and at the latest after ten times DUR, 4096
/// changes or about 4 MiB. All its changes are on standard input, oldest first,
/// as the lines that "watch --json" prints. LARDER_SEQ is that of the last one;
/// LARDER_TYPE, LARDER_GROUP and LARDER_KEY are set only if they are the same
/// for all. A failed command is retried with the whole burst; changes made
/// meanwhile are in the next one. What has been collected when --count is
/// reached, --timeout is over or a signal arrives is handled before the watch
/// ends; the command then has 10 seconds after --timeout or a signal.
///
/// With --restart, for commands that run long or never end, such as a server,
/// new changes end a command that still runs: its process group gets SIGTERM,
/// and SIGKILL 5 seconds later. It is then started again, with the changes that
/// were not handled before and the new ones, as with --debounce. Without
/// --debounce, new changes do so at once. With --snapshot the command starts
/// with the current entries, if there are any. The position of --consumer moves
/// only when the command exits 0 by itself. Once 4096 changes or about 4 MiB
/// wait for that, the command is no longer ended but may finish; without
/// --consumer, the oldest changes that a command has already had are omitted
/// instead. When the watch ends, it ends the command at once; the consumer gets
/// its changes again. After the last change of --count, the watch waits for the
/// command.
///
/// An expired entry is reported as "expire" within 100 ms while a watch runs
/// that may write to the store. SIGINT, SIGTERM and SIGHUP end a watch with
/// status 0 after the current change: a running command has 10 seconds to
/// finish, then its process group gets SIGTERM, and SIGKILL 5 seconds later.
/// After --timeout, it gets SIGTERM at once and SIGKILL a second later, and the
/// current change does not count as handled.
///
/// Lines are printed whole. If a reader has taken only part of a line longer
/// than 4096 bytes, and reads no more, a signal ends the watch with status 10.
///
/// If the store is restored during a watch, by "larder restore" or by another
/// SQLite client, the watch ends with status 9: its position is no longer
/// valid.
#[derive(Args)]
struct WatchArgs {
    /// Only this group
    group: Option<String>,
    /// Only keys that match: * any run, ? one character, [...] a set; and the
    /// deletion of the whole group
    #[arg(value_name = "GLOB", value_parser = glob, requires = "group")]
    keys: Option<Glob>,
    /// Only groups that match GLOB
    #[arg(long, value_name = "GLOB", value_parser = glob, conflicts_with = "group")]
    groups: Option<Glob>,
    /// Start after the change SEQ instead of now
    #[arg(long, value_name = "SEQ", value_parser = units::count)]
    after: Option<i64>,
    /// Print the current entries first, each as the "set" that wrote it, then every later change
    #[arg(long)]
    snapshot: bool,
    /// Keep the position in the store under NAME, and resume there next time
    #[arg(long, value_name = "NAME")]
    consumer: Option<String>,
    /// End with status 0 after N changes
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64))]
    count: Option<u64>,
    /// End with status 6 after DUR in total
    #[arg(long, value_name = "DUR", value_parser = units::duration)]
    timeout: Option<Duration>,
    /// Polling interval for changes by other SQLite clients
    #[arg(long, value_name = "DUR", value_parser = units::duration, default_value = "250ms", hide_default_value = false)]
    interval: Duration,
    /// Give up on a change after N more attempts of a failing command, and end
    /// with its status; by default retry forever
    #[arg(long, value_name = "N", requires = "command")]
    retry: Option<u32>,
    /// Run CMD once for a burst of changes, which ends when none has come for DUR
    #[arg(long, value_name = "DUR", value_parser = units::duration, requires = "command")]
    debounce: Option<Duration>,
    /// End CMD if it still runs when there are new changes, and start it again
    #[arg(long, requires = "command")]
    restart: bool,
    /// Also broadcast the changes to WebSocket clients at ADDR (8080, :8080,
    /// 127.0.0.1:8080, [::1]:0); without an IP address it is the loopback
    /// interface, and port 0 takes a free one, which is printed on standard
    /// error. 64 clients at a time are served; one more gets status 503.
    /// Nothing is encrypted: use a proxy for other machines
    #[arg(long, value_name = "ADDR", value_parser = parse_address)]
    listen: Option<SocketAddr>,
    /// Read the token for clients from FILE, which is created if missing and
    /// must be readable by its owner only; the default is
    /// $XDG_DATA_HOME/larder/watch.token (~/.local/share)
    #[arg(long, value_name = "FILE", requires = "listen")]
    token_file: Option<PathBuf>,
    /// Allow pages from O to connect (https://example.org); may be repeated
    #[arg(long, value_name = "O", requires = "listen", value_parser = Origin::parse)]
    allow_origin: Vec<Origin>,
    /// Run this for each change, or each burst
    #[arg(last = true, value_name = "CMD")]
    command: Vec<OsString>,
}

fn run(context: &Context, matches: &ArgMatches) -> anyhow::Result<Exit> {
    let args = WatchArgs::from_arg_matches(matches)?;
    let path = context.store_path()?;
    let mut target = target(context, &args, &path)?;
    let control = Control::install(args.timeout, args.command.is_empty())?;
    let selection =
        Selection { group: args.group.clone(), keys: args.keys.clone(), groups: args.groups.clone() };
    let nothing = args.count == Some(0);
    let mut listening = match args.listen {
        Some(address) if !nothing => {
            let (file, origins) = (args.token_file.clone(), args.allow_origin.clone());
            Some(Listening::prepare(context, address, args.interval, file, origins, selection.clone())?)
        }
        _ => None,
    };
    // Clients need not wait for a store to appear.
    let early = if listening.is_some() && context.open()?.is_none() { listening.take() } else { None };
    let mut serving = early.map(|listening| listening.serve(0)).transpose()?;
    if nothing && context.open()?.is_none() {
        return Ok(Exit::Success);
    }
    let Some(waited) = wait_for_store(context, args.interval, &control)? else {
        return end(control.stopped().map_or(Exit::Success, watch::Stop::exit));
    };
    let claim = match &args.consumer {
        None => None,
        Some(name) => Claim::take(&path, Claimed::Consumer(&context.settings.scope.stored(name)))?,
    };
    let store = context.open()?.ok_or_else(|| Error::unusable(&path, "disappeared while being opened"))?;
    if let (Some(name), None) = (&args.consumer, &claim) {
        let holder = store.read(|tx| tx.consumer(name))?.map_or(String::new(), |c| c.holder);
        return Err(Error::Busy(format!("consumer {} is in use by {holder}", quote(name))).into());
    }
    let after = start(&store, &args, waited)?;
    let mut feed = Feed::new(store, selection, after, args.interval)?;
    control.attend(feed.upkeep());
    if let Some(listening) = listening {
        serving = Some(listening.serve(after)?);
    }
    // How many changes the snapshot leaves to --count is known after it.
    let published = if args.snapshot { None } else { args.count };
    if let Some(serving) = serving.as_mut().filter(|_| published == args.count) {
        serving.publish(&feed, published)?;
    }
    if nothing && args.snapshot {
        return Ok(Exit::Success);
    }
    let patience = context.settings.busy_timeout;
    let mut plan = Plan { count: args.count, consumer: args.consumer.as_deref(), patience };
    // A new consumer's position is stored once its snapshot has been delivered
    // in full; a run that is cut short before starts over with the snapshot.
    if args.snapshot
        && let Some(exit) = target.deliver_snapshot(&feed, &mut plan, &control)?
    {
        return end(exit);
    }
    if let Some(serving) = serving.as_mut().filter(|_| published != args.count) {
        serving.publish(&feed, plan.count)?;
    }
    if let Some(name) = &args.consumer {
        let holder = holder();
        feed.set_patience(Duration::from_millis(100).min(patience));
        let put = watch::patiently(&control, patience, || {
            feed.store().write(|tx| tx.put_consumer(name, after, &holder))
        })?;
        if let Err(stop) = put {
            return end(stop.exit());
        }
    }
    let ended = target.run(&mut feed, &plan, &control);
    if let Some(serving) = serving {
        serving.end(feed.position(), ended.as_ref().err());
    }
    drop(feed);
    drop(claim);
    end(ended?)
}

/// A run that its `--timeout` ended says so.
fn end(exit: Exit) -> anyhow::Result<Exit> {
    match exit {
        Exit::Busy => Err(Failure::new(Exit::Busy, "timed out after --timeout").into()),
        exit => Ok(exit),
    }
}

/// Where the changes go.
enum Target {
    /// One by one.
    Sink(Box<dyn Sink>),
    /// To a command, many at once.
    Bursts(Box<Bursts>),
}

impl Target {
    fn deliver_snapshot(
        &mut self,
        feed: &Feed,
        plan: &mut Plan<'_>,
        control: &Control,
    ) -> anyhow::Result<Option<Exit>> {
        match self {
            Self::Sink(sink) => watch::deliver_snapshot(feed, sink.as_mut(), &mut plan.count, control),
            Self::Bursts(bursts) => bursts.deliver_snapshot(feed, plan, control),
        }
    }

    fn run(&mut self, feed: &mut Feed, plan: &Plan<'_>, control: &Control) -> anyhow::Result<Exit> {
        match self {
            Self::Sink(sink) => watch::run(feed, sink.as_mut(), plan, control),
            Self::Bursts(bursts) => bursts.run(feed, plan, control),
        }
    }
}

fn target(context: &Context, args: &WatchArgs, path: &std::path::Path) -> anyhow::Result<Target> {
    if !args.command.is_empty() {
        let options = ExecOptions {
            command: args.command.clone(),
            retry: args.retry,
            store: path.to_owned(),
            scope: context.settings.scope.clone(),
        };
        return Ok(match args.debounce {
            None if !args.restart => Target::Sink(Box::new(Exec::new(options)?)),
            debounce => {
                Target::Bursts(Box::new(Bursts::new(options, debounce.unwrap_or_default(), args.restart)?))
            }
        });
    }
    let settings = &context.settings;
    let form = match (settings.json, settings.terminal) {
        (true, _) => Form::Json,
        (_, true) => Form::Columns { color: settings.color },
        _ => Form::Tabs,
    };
    Ok(Target::Sink(Box::new(Stdout::new(form, settings.scope.clone()))))
}

/// Waits until there is a store; `Some(true)` if there was none at first,
/// `None` if the run was ended before one appeared.
fn wait_for_store(context: &Context, interval: Duration, control: &Control) -> anyhow::Result<Option<bool>> {
    let mut waited = false;
    loop {
        if let Some(store) = context.open()? {
            // Before a claim is taken that could keep others out.
            store.read(|tx| tx.permit_some(Level::Read))?;
            return Ok(Some(waited));
        }
        waited = true;
        if let Wake::Stop(_) = control.wait(&[], interval) {
            return Ok(None);
        }
    }
}

/// The position to start after.
fn start(store: &Store, args: &WatchArgs, waited: bool) -> anyhow::Result<i64> {
    let (span, known) = store.read(|tx| {
        let known = args.consumer.as_deref().map(|name| tx.consumer(name)).transpose()?.flatten();
        Ok((tx.log_span()?, known))
    })?;
    match (known, args.after) {
        (Some(known), Some(_)) => {
            Err(Failure::usage(format!("consumer {} has a position already", quote(&known.name)))
                .hint("move it with 'larder consumer reset NAME --to SEQ'")
                .into())
        }
        // Where the log no longer goes on from the position, a snapshot is the
        // only way to go on.
        (Some(known), None) if args.snapshot && !span.reaches_back_to(known.position) => Ok(span.newest),
        (Some(known), None) if args.snapshot => Err(Failure::usage(format!(
            "consumer {} has a position already, so it cannot begin with --snapshot",
            quote(&known.name)
        ))
        .hint("delete it with 'larder consumer delete NAME'")
        .into()),
        (Some(known), None) => Ok(known.position),
        (None, Some(after)) => Ok(after),
        // A store that appeared while we waited is all news.
        (None, None) if waited => Ok(span.oldest.max(0)),
        (None, None) => Ok(span.newest),
    }
}

/// Who reads, for the message to a second one.
fn holder() -> String {
    format!("process {} on {}", std::process::id(), crate::users::host())
}
