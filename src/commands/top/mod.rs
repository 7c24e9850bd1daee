mod frame;
mod screen;

use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use clap::{ArgMatches, Args, FromArgMatches, ValueEnum};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::{Context, Spec};
use crate::exit::{Exit, Failure};
use crate::output::Out;
use crate::output::json::of_group;
use crate::output::table::terminal_width;
use crate::process::Signals;
use crate::store::{Error, Store, is_missing};
use crate::text;
use crate::units;
use crate::watch::overview::{By, Overview, Pulse, RATE_SECONDS, Row, overview};
use frame::{Frame, View};
use screen::{Key, Screen};

pub const SPEC: Spec = Spec {
    name: "top",
    aliases: &[],
    about: "Monitor groups or namespaces live",
    build: |command| {
        TopArgs::augment_args(command).after_help(
            "Examples:\n  \
             larder top\n  \
             larder top --by namespace --sort bytes\n  \
             larder top | sort -t \"$(printf '\\t')\" -k 2 -n",
        )
    },
    run,
};

/// Show a live screen: each group or namespace with its keys, bytes, changes
/// per second (over the last ten), keys that expire within a minute, and leased
/// and dead jobs (if there are any); the consumers and their lag; the newest
/// changes. It only reads: no store is created, changed or upgraded.
///
/// Keys: q or Ctrl-C quits; g shows groups, n namespaces; s sorts by the next
/// column; up, down, j and k move; the space bar pauses.
///
/// Into a pipe it prints the rows once and ends: NAME, KEYS, BYTES, CHANGES in
/// the last ten seconds, EXPIRING, LEASED and DEAD, separated by TABs; with
/// --json one record each.
#[derive(Args)]
struct TopArgs {
    /// What a row is: a group or a namespace
    #[arg(long, value_name = "WHAT", value_enum, default_value = "group")]
    by: What,
    /// Sort by a column, the largest first; names in byte order
    #[arg(long, value_name = "COLUMN", value_enum, default_value = "changes")]
    sort: Sort,
    /// Refresh every DUR
    #[arg(long, value_name = "DUR", value_parser = units::duration, default_value = "1s")]
    interval: Duration,
    /// Show at most N rows
    #[arg(long, value_name = "N", value_parser = units::count)]
    limit: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum What {
    Group,
    Namespace,
}

/// The order of the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Sort {
    Changes,
    Keys,
    Bytes,
    Expiring,
    Leased,
    Dead,
    Name,
}

impl Sort {
    const ALL: [Self; 7] =
        [Self::Changes, Self::Keys, Self::Bytes, Self::Expiring, Self::Leased, Self::Dead, Self::Name];

    fn next(self) -> Self {
        let at = Self::ALL.iter().position(|sort| *sort == self).unwrap_or_default();
        Self::ALL[(at + 1) % Self::ALL.len()]
    }

    fn name(self) -> &'static str {
        match self {
            Self::Changes => "changes",
            Self::Keys => "keys",
            Self::Bytes => "bytes",
            Self::Expiring => "expiring",
            Self::Leased => "leased jobs",
            Self::Dead => "dead jobs",
            Self::Name => "name",
        }
    }

    /// Sorts rows that come by name; equal ones stay so.
    fn order(self, rows: &mut [Row]) {
        let measure = |row: &Row| match self {
            Self::Changes => row.changes,
            Self::Keys => row.keys,
            Self::Bytes => row.bytes,
            Self::Expiring => row.soon,
            Self::Leased => row.jobs.leased,
            Self::Dead => row.jobs.dead,
            Self::Name => 0,
        };
        rows.sort_by_key(|row| {
            std::cmp::Reverse((measure(row), if self == Self::Changes { row.bytes } else { 0 }))
        });
    }
}

/// How far back the changes are plotted.
const MEMORY: Duration = Duration::from_mins(2);

/// A look may take this part of the time, so that it never loads the machine.
const SHARE: u32 = 10;

fn run(context: &Context, matches: &ArgMatches) -> anyhow::Result<Exit> {
    let args = TopArgs::from_arg_matches(matches)?;
    let by = match args.by {
        What::Group => By::Group,
        What::Namespace => By::Namespace,
    };
    let settings = &context.settings;
    if settings.terminal && !settings.json && settings.moves_cursor {
        return live(context, &args, by);
    }
    let mut pulse = Pulse::new(MEMORY);
    let Some(mut found) = first_look(context, by, &mut pulse)? else { return Ok(Exit::Success) };
    arrange(&mut found, args.sort, args.limit);
    let mut out = Out::default();
    if settings.terminal && !settings.json {
        let jobs = frame::has_jobs(by, &found, terminal_width());
        let rows: Vec<_> = found.rows.iter().map(|row| frame::cells(by, jobs, row)).collect();
        for line in
            crate::output::table::lines(&frame::columns(by, jobs), &rows, terminal_width(), settings.color)
        {
            out.line(&line)?;
        }
    } else {
        for row in &found.rows {
            if settings.json {
                out.json(&record(context, by, row))?;
            } else {
                out.write(&fields(row))?;
            }
        }
    }
    out.finish()?;
    Ok(Exit::Success)
}

/// A row as JSON: as `list --long` has groups and `namespace list` namespaces,
/// and what is going on.
fn record(context: &Context, by: By, row: &Row) -> serde_json::Value {
    let mut record = match by {
        By::Group => {
            let scope = &context.settings.scope;
            of_group(&scope.stored_name(&row.name), scope)
        }
        By::Namespace => serde_json::json!({
            "namespace": row.name.as_str().unwrap_or_default(),
            "groups": row.groups,
            "max_keys": row.limits.keys,
            "max_bytes": row.limits.bytes,
            "max_groups": row.limits.groups,
        }),
    };
    record["keys"] = row.keys.into();
    record["bytes"] = row.bytes.into();
    record["changes"] = row.changes.into();
    record["expiring"] = row.soon.into();
    record["leased"] = row.jobs.leased.into();
    record["dead"] = row.jobs.dead.into();
    record
}

fn fields(row: &Row) -> Vec<u8> {
    let jobs = row.jobs;
    let numbers = [row.keys, row.bytes, row.changes, row.soon, jobs.leased, jobs.dead];
    let rest = numbers.map(|number| format!("\t{number}")).concat() + "\n";
    [&*text::field_bytes(row.name.as_bytes()), rest.as_bytes()].concat()
}

/// What a look came to.
enum Found {
    Nothing,
    /// A file that holds no store of this schema: one of an earlier larder, or
    /// one that is just being made.
    Unready,
    Store(Box<Overview>),
}

impl Found {
    fn store(self) -> Option<Overview> {
        match self {
            Self::Store(found) => Some(*found),
            Self::Nothing | Self::Unready => None,
        }
    }
}

/// Opens the store for a look, and closes it again: it may be replaced or
/// restored in between.
fn look(context: &Context, by: By, pulse: &mut Pulse) -> anyhow::Result<Found> {
    let Some(store) = Store::peek(&context.options())? else {
        return Ok(if is_missing(&context.settings.path) { Found::Nothing } else { Found::Unready });
    };
    // First the log: what it says is needed for the rest.
    let (news, now) = store.read(|tx| Ok((pulse.read(tx)?, tx.now)))?;
    pulse.count(news, now);
    Ok(Found::Store(Box::new(store.read(|tx| overview(tx, by, pulse))?)))
}

/// How long a store may take to be made.
const MADE_WITHIN: Duration = Duration::from_secs(1);

/// The first look: `None` if there is no store.
fn first_look(context: &Context, by: By, pulse: &mut Pulse) -> anyhow::Result<Option<Overview>> {
    let end = Instant::now() + MADE_WITHIN;
    loop {
        match look(context, by, pulse)? {
            Found::Unready if Instant::now() < end => std::thread::sleep(Duration::from_millis(20)),
            Found::Unready => {
                return Err(Failure::new(Exit::UnusableStore, "the store is of an older version")
                    .hint("any other command upgrades it, such as 'larder info'")
                    .into());
            }
            found => return Ok(found.store()),
        }
    }
}

fn arrange(found: &mut Overview, sort: Sort, limit: Option<i64>) {
    sort.order(&mut found.rows);
    if let Some(limit) = limit {
        found.rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    }
}

/// The screen, until somebody quits.
fn live(context: &Context, args: &TopArgs, by: By) -> anyhow::Result<Exit> {
    let mut pulse = Pulse::new(MEMORY);
    let mut view = View {
        title: title(context),
        scope: context.settings.scope.clone(),
        by,
        sort: args.sort,
        first: 0,
        paused: false,
        note: String::new(),
        interval: args.interval,
    };
    // What is wrong from the start is said on the ordinary screen.
    let mut found = first_look(context, view.by, &mut pulse)?;
    let signals = Signals::take_over()?;
    let mut screen = Screen::enter()?;
    let mut due = Instant::now() + args.interval;
    loop {
        if let Some(found) = &mut found {
            arrange(found, view.sort, args.limit);
        }
        screen.show(&Frame::new(&mut view, found.as_ref(), &pulse, screen.size(), context.settings.color))?;
        let wait = due.saturating_duration_since(Instant::now());
        let (keys, ended) = await_keys(&mut screen, &signals, wait)?;
        if ended || !signals.take().is_empty() {
            return Ok(Exit::Success);
        }
        let mut again = false;
        for key in keys {
            match key {
                Key::Quit => return Ok(Exit::Success),
                Key::Char('g') => (view.by, view.first, again) = (By::Group, 0, true),
                Key::Char('n') => (view.by, view.first, again) = (By::Namespace, 0, true),
                Key::Char('s') => (view.sort, view.first) = (view.sort.next(), 0),
                Key::Char(' ') => view.paused = !view.paused,
                Key::Up => view.first = view.first.saturating_sub(1),
                Key::Down => view.first += 1,
                Key::Char(_) => {}
            }
        }
        if again || (Instant::now() >= due && !view.paused) {
            let began = Instant::now();
            match look(context, view.by, &mut pulse) {
                Ok(new) => (found, view.note) = (new.store(), String::new()),
                // It passes: a writer holds the store, or it is being replaced.
                Err(error) if matches!(error.downcast_ref(), Some(Error::Busy(_))) => {
                    view.note = "the store is busy".into();
                }
                Err(error) => return Err(error),
            }
            due = Instant::now() + args.interval.max(began.elapsed() * SHARE);
        } else if Instant::now() >= due {
            due = Instant::now() + args.interval;
        }
    }
}

/// The longest wait before the size of the terminal is looked at again.
const RESIZED_AFTER: Duration = Duration::from_millis(250);

/// Waits for keys, a signal, a new size or the time; says also whether the
/// terminal is gone.
fn await_keys(screen: &mut Screen, signals: &Signals, wait: Duration) -> anyhow::Result<(Vec<Key>, bool)> {
    let end = Instant::now() + wait;
    let size = screen.size();
    loop {
        let left = end.saturating_duration_since(Instant::now()).min(RESIZED_AFTER);
        let timeout = PollTimeout::try_from(left.as_millis() + 1).unwrap_or(PollTimeout::MAX);
        let mut fds = vec![PollFd::new(signals.as_fd(), PollFlags::POLLIN)];
        let stdin = std::io::stdin();
        if screen.has_keys() {
            fds.push(PollFd::new(stdin.as_fd(), PollFlags::POLLIN));
        }
        // Interrupted: looking again is right.
        let _ = poll(&mut fds, timeout);
        let woken = |at: usize| fds.get(at).and_then(PollFd::any).unwrap_or(false);
        if woken(1) {
            let keys = screen.keys()?;
            let ended = keys.is_none();
            return Ok((keys.unwrap_or_default(), ended));
        }
        if woken(0) || Instant::now() >= end || screen.size() != size {
            return Ok((Vec::new(), false));
        }
    }
}

fn title(context: &Context) -> String {
    let path = context.settings.path.to_string_lossy();
    let scope = context.settings.scope.0.as_ref();
    let scope = scope.map(|namespace| format!("  namespace {}", namespace.as_str())).unwrap_or_default();
    format!("{}{scope}", text::safe(&path))
}

/// Changes a second, for people.
fn rate(changes: i64) -> String {
    if changes == 0 {
        return "-".into();
    }
    if changes < 10 * RATE_SECONDS {
        return format!("{}.{}", changes / RATE_SECONDS, changes % RATE_SECONDS);
    }
    (changes / RATE_SECONDS).to_string()
}
