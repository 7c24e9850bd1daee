use std::ops::ControlFlow;

use clap::{ArgGroup, ArgMatches, Args, FromArgMatches};

use super::{Context, Spec, glob};
use crate::clock::Timestamp;
use crate::exit::{Exit, Failure};
use crate::model::{Entry, Glob, Group, JobState, Keys, Name, Scope};
use crate::output::Out;
use crate::output::json::{self, EntryRecord};
use crate::output::table::{Cell, Column, Table};
use crate::store::Store;
use crate::text::{self, quote};

pub const SPEC: Spec = Spec {
    name: "list",
    aliases: &["ls"],
    about: "List the keys of a group, or the groups",
    build: |command| {
        ListArgs::augment_args(command).group(ArgGroup::new("form").args(["values", "long"])).after_help(
            "Examples:\n  \
                 larder list\n  \
                 larder list session --long\n  \
                 larder list session --glob 'user-*' --values\n  \
                 larder list session -0 | xargs -0 -n1 echo",
        )
    },
    run,
};

/// List the live keys of a group, or, without one, the groups that hold a live
/// key, in byte order. Into a pipe it is one name per line; a terminal shows
/// groups, --values and --long as tables that fit its width.
///
/// A long list is read page by page, so that a paused reader keeps no snapshot
/// open: concurrent writes may or may not be listed. `larder export` prints a
/// snapshot.
#[derive(Args)]
struct ListArgs {
    /// The group; omit it to list the groups
    group: Option<String>,
    /// Only names that match P: * any run, ? one character, [...] a set
    #[arg(long, value_name = "P", value_parser = glob)]
    glob: Option<Glob>,
    /// Show values: KEY TAB VALUE, tabs, newlines and backslashes as \t, \n, \\
    #[arg(long, requires = "group")]
    values: bool,
    /// Show values, bytes, versions and times, and for jobs the holder and end
    /// of the lease, or the last failure; for groups, keys and bytes
    #[arg(long, short)]
    long: bool,
    /// Stop after N names
    #[arg(long, value_name = "N", value_parser = crate::units::count)]
    limit: Option<i64>,
    /// Start after the name KEY
    #[arg(long, value_name = "KEY")]
    after: Option<String>,
    /// End each name, or line of --values or --long, with a NUL byte instead of a newline
    #[arg(short = '0', id = "null")]
    null: bool,
}

/// The table of keys and values.
pub(super) const VALUES: &[Column] = &[Column::text("KEY"), Column::text("VALUE")];

/// The table of entries, which begins as that does.
const LONG: &[Column] = &[
    Column::text("KEY"),
    Column::text("VALUE"),
    Column::number("BYTES"),
    Column::number("VERSION"),
    Column::text("UPDATED"),
    Column::text("EXPIRES"),
    Column::text("JOB"),
];

/// How many columns a group has in which nothing is known of jobs.
const WITHOUT_JOB: usize = 6;

const GROUPS: &[Column] = &[Column::text("GROUP"), Column::number("KEYS"), Column::number("BYTES")];

fn run(context: &Context, matches: &ArgMatches) -> anyhow::Result<Exit> {
    let args = ListArgs::from_arg_matches(matches)?;
    let Some(store) = context.existing()? else { return Ok(Exit::Success) };
    let mut out = if args.long { Out::paged(&context.settings) } else { Out::default() };
    match &args.group {
        Some(group) => keys(context, &args, store, group, &mut out)?,
        None => groups(context, &args, store, &mut out)?,
    }
    out.finish()?;
    Ok(Exit::Success)
}

/// Most names, and about the most bytes of values, read in one transaction.
const PAGE: usize = 1000;
const PAGE_BYTES: i64 = 1 << 20;

/// Groups are fewer, and each page of them looks at all expired entries.
const PAGE_OF_GROUPS: usize = 10_000;

/// Counts down `--limit`.
struct Limit(Option<i64>);

impl Limit {
    fn is_used_up(&self) -> bool {
        self.0 == Some(0)
    }

    /// As much of a page as is still wanted.
    fn page(&self, whole: usize) -> usize {
        self.0.map_or(whole, |left| whole.min(usize::try_from(left).unwrap_or(whole)))
    }

    fn take(&mut self) {
        if let Some(left) = &mut self.0 {
            *left -= 1;
        }
    }
}

/// Refuses names that would not be one each in a list that `end` separates.
pub(super) fn check_names<'a>(names: impl IntoIterator<Item = &'a Name<'a>>, end: u8) -> anyhow::Result<()> {
    match names.into_iter().find(|name| name.as_bytes().contains(&end)) {
        None => Ok(()),
        Some(name) if end == 0 => {
            Err(Failure::new(Exit::BadData, format!("the name {} holds a NUL byte", name.quoted()))
                .hint("list with --json")
                .into())
        }
        Some(name) => Err(Failure::new(Exit::BadData, format!("the name {} holds a newline", name.quoted()))
            .hint("list with -0 or --json")
            .into()),
    }
}

/// How names are printed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Json,
    Table,
    /// With this byte behind each; `fields` beside the name.
    Lines {
        end: u8,
        fields: bool,
    },
    /// One a line, made safe.
    Shown,
}

impl Form {
    fn new(context: &Context, args: &ListArgs, table: bool) -> Self {
        let terminal = context.settings.terminal;
        match (context.settings.json, args.null) {
            (true, _) => Self::Json,
            (_, true) => Self::Lines { end: 0, fields: args.values || args.long },
            _ if terminal && table => Self::Table,
            _ if terminal => Self::Shown,
            _ => Self::Lines { end: b'\n', fields: args.values || args.long },
        }
    }

    /// Before any of them is printed.
    fn check<'a>(self, names: impl IntoIterator<Item = &'a Name<'a>>) -> anyhow::Result<()> {
        match self {
            // Fields escape newlines, and nothing escapes a NUL byte.
            Self::Lines { end, fields } if end == 0 || !fields => check_names(names, end),
            _ => Ok(()),
        }
    }
}

fn keys(context: &Context, args: &ListArgs, store: &Store, group: &str, out: &mut Out) -> anyhow::Result<()> {
    let wanted = Keys { glob: args.glob.as_ref(), after: args.after.as_deref() };
    let mut limit = Limit(args.limit);
    if limit.is_used_up() {
        return Ok(());
    }
    let with_values = args.values || args.long || context.settings.json;
    let form = Form::new(context, args, with_values);
    let tells_jobs = (args.long || context.settings.json) && store.read(|tx| tx.has_job_states(group))?;
    let columns = match (args.long, tells_jobs) {
        (true, true) => LONG,
        (true, false) => &LONG[..WITHOUT_JOB],
        _ => VALUES,
    };
    let mut table = Table::new(&context.settings, columns);
    let mut position = None;
    loop {
        let mut page = Vec::new();
        let mut now = Timestamp(0);
        // The reading may be done again, so it leaves no trace until it is through.
        let next = store.read(|tx| {
            page.clear();
            now = tx.now;
            let mut bytes = 0;
            let mut next = position.clone();
            tx.entries_past(group, &wanted, with_values, &mut next, |entry| {
                bytes += if with_values { entry.bytes } else { 0 };
                let job = if tells_jobs { tx.job_state(group, &entry)? } else { None };
                page.push((entry, job));
                let full = page.len() >= limit.page(PAGE) || bytes >= PAGE_BYTES;
                Ok(if full { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
            })?;
            Ok(next)
        })?;
        form.check(page.iter().map(|(entry, _)| &entry.key))?;
        for (entry, job) in page {
            limit.take();
            match form {
                Form::Json => {
                    let record = EntryRecord::new(entry, store.scope(), now);
                    out.json(&record.with_job(job, store.scope()))?;
                }
                Form::Table => {
                    let mut cells = cells(&entry, args.long, now);
                    if args.long && tells_jobs {
                        cells.push(Cell::text(&job_text(job, store.scope())));
                    }
                    table.row(out, cells)?;
                }
                Form::Shown => out.line(&text::safe_name(entry.key.as_bytes()))?,
                Form::Lines { end, fields: false } => out.write(&[entry.key.as_bytes(), &[end]].concat())?,
                Form::Lines { end, .. } => {
                    let mut line = fields(&entry, args.long);
                    if args.long && tells_jobs {
                        line.push(b'\t');
                        line.extend_from_slice(&text::field_bytes(job_text(job, store.scope()).as_bytes()));
                    }
                    if end == 0 && line.contains(&0) {
                        return Err(Failure::new(
                            Exit::BadData,
                            format!("the value of {} holds a NUL byte", entry.key.quoted()),
                        )
                        .hint("list with --json")
                        .into());
                    }
                    out.write(&line)?;
                    out.write(&[end])?;
                }
            }
        }
        position = next;
        if position.is_none() || limit.is_used_up() {
            break;
        }
    }
    match form {
        Form::Table => table.finish_or(out, &format!("list: no keys in group {}", quote(group))),
        _ => Ok(()),
    }
}

/// A row of [`VALUES`].
pub(super) fn value_cells(key: &[u8], value: &[u8]) -> [Cell; 2] {
    [Cell::name(key), Cell::value(value)]
}

fn cells(entry: &Entry, long: bool, now: Timestamp) -> Vec<Cell> {
    let mut cells = value_cells(entry.key.as_bytes(), entry.value.as_deref().unwrap_or_default()).to_vec();
    if long {
        cells.extend([
            Cell::number(entry.bytes),
            Cell::number(entry.version),
            Cell::past(entry.updated_at, now),
            Cell::due(entry.expires_at, now),
        ]);
    }
    cells
}

/// An entry as TAB-separated fields.
fn fields(entry: &Entry, long: bool) -> Vec<u8> {
    let mut line = text::field_bytes(entry.key.as_bytes()).into_owned();
    line.push(b'\t');
    line.extend_from_slice(&text::field_bytes(entry.value.as_deref().unwrap_or_default()));
    if long {
        let expires = entry.expires_at.map_or("never".to_owned(), |at| at.to_string());
        let rest = format!("\t{}\t{}\t{}\t{expires}", entry.bytes, entry.version, entry.updated_at);
        line.extend_from_slice(rest.as_bytes());
    }
    line
}

/// What is known of an entry as a job, in words.
fn job_text(job: Option<JobState>, scope: &Scope) -> String {
    let Some(job) = job else { return "-".into() };
    let mut text = match (job.leased_until, job.free_at, job.dead_from) {
        (Some(until), ..) => {
            let holder = job.holder.map(|holder| format!(" by {holder}")).unwrap_or_default();
            format!("leased until {until}{holder}, attempt {}", job.attempts)
        }
        (_, Some(at), _) if job.attempts == 0 => format!("not before {at}"),
        (_, Some(at), _) => format!("not before {at}, attempts {}", job.attempts),
        (.., Some(from)) => format!("failed in {}, attempts {}", quote(scope.named(&from)), job.attempts),
        _ if job.attempts > 0 => format!("free, attempts {}", job.attempts),
        _ => return "-".into(),
    };
    if let Some(failure) = job.failure {
        text = format!("{text}: {failure}");
    }
    text
}

fn groups(context: &Context, args: &ListArgs, store: &Store, out: &mut Out) -> anyhow::Result<()> {
    let wanted = Keys { glob: args.glob.as_ref(), after: args.after.as_deref() };
    let mut limit = Limit(args.limit);
    if limit.is_used_up() {
        return Ok(());
    }
    let form = Form::new(context, args, true);
    let mut table = Table::new(&context.settings, GROUPS);
    let mut position = None;
    loop {
        let mut page = Vec::new();
        let next = store.read(|tx| {
            page.clear();
            let mut next = position.clone();
            tx.groups_past(&wanted, &mut next, |group| {
                page.push(group);
                let full = page.len() >= limit.page(PAGE_OF_GROUPS);
                Ok(if full { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
            })?;
            Ok(next)
        })?;
        let names: Vec<_> = page.iter().map(|group| store.scope().name_of(&group.name)).collect();
        form.check(&names)?;
        for group in page {
            limit.take();
            let name = store.scope().name_of(&group.name);
            match form {
                Form::Json => out.json(&record(&group, store.scope()))?,
                Form::Table => {
                    table.row(
                        out,
                        [Cell::name(name.as_bytes()), Cell::number(group.keys), Cell::bytes(group.bytes)],
                    )?;
                }
                Form::Shown => out.line(&text::safe_name(name.as_bytes()))?,
                Form::Lines { end, fields: false } => out.write(&[name.as_bytes(), &[end]].concat())?,
                Form::Lines { end, .. } => {
                    let facts = format!("\t{}\t{}", group.keys, group.bytes);
                    out.write(&[&text::field_bytes(name.as_bytes()), facts.as_bytes(), &[end]].concat())?;
                }
            }
        }
        position = next;
        if position.is_none() || limit.is_used_up() {
            break;
        }
    }
    match form {
        Form::Table => table.finish_or(out, "list: there are no groups"),
        _ => Ok(()),
    }
}

fn record(group: &Group, scope: &Scope) -> serde_json::Value {
    let mut record = json::of_group(&group.name, scope);
    record["keys"] = group.keys.into();
    record["bytes"] = group.bytes.into();
    record
}
