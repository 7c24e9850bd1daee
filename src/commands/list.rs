use std::ops::ControlFlow;

use clap::{ArgGroup, ArgMatches, Args, FromArgMatches};

use super::{Context, Spec, glob};
use crate::clock::Timestamp;
use crate::exit::{Exit, Failure};
use crate::output::json::{self, EntryRecord};
use crate::output::table::{Cell, Column, Table};
use crate::output::{Out, text};
use crate::store::{Entry, Glob, Group, Keys, Store, quote};

pub const SPEC: Spec = Spec {
    name: "list",
    aliases: &["ls"],
    about: "List the keys of a group, or the groups",
    build: |command| {
        ListArgs::augment_args(command)
            .group(ArgGroup::new("form").args(["values", "long", "null"]))
            .after_help(
                "Examples:\n  \
                 larder list\n  \
                 larder list session --long\n  \
                 larder list session --glob 'user-*' --values\n  \
                 larder list session -0 | xargs -0 -n1 echo",
            )
    },
    run,
};

/// Lists the live keys of a group, or, without one, the groups that hold a
/// live key, in byte order. Into a pipe it is one name a line; a terminal shows
/// groups, --values and --long as tables that fit its width.
///
/// A long list is read page by page, so that a reader who pauses keeps no
/// snapshot open: what is written meanwhile may or may not be listed. `larder
/// export` shows one moment.
#[derive(Args)]
struct ListArgs {
    /// The group; the groups themselves without one
    group: Option<String>,
    /// Only names that match P: * any run, ? one character, [...] a set
    #[arg(long, value_name = "P", value_parser = glob)]
    glob: Option<Glob>,
    /// Show values: KEY TAB VALUE
    #[arg(long, requires = "group")]
    values: bool,
    /// Show values, bytes, versions and times; of groups, keys and bytes
    #[arg(long, short)]
    long: bool,
    /// Stop after N names
    #[arg(long, value_name = "N", value_parser = crate::units::count)]
    limit: Option<i64>,
    /// Start after the name KEY
    #[arg(long, value_name = "KEY")]
    after: Option<String>,
    /// End each name with a NUL byte instead of a newline
    #[arg(short = '0', id = "null")]
    null: bool,
}

/// The table of entries; `--values` is its first two columns.
const LONG: &[Column] = &[
    Column::text("KEY"),
    Column::text("VALUE"),
    Column::number("BYTES"),
    Column::number("VERSION"),
    Column::text("UPDATED"),
    Column::text("EXPIRES"),
];

const GROUPS: &[Column] = &[Column::text("GROUP"), Column::number("KEYS"), Column::number("BYTES")];

fn run(context: &Context, matches: &ArgMatches) -> anyhow::Result<Exit> {
    let args = ListArgs::from_arg_matches(matches)?;
    let Some(store) = context.existing()? else { return Ok(Exit::Success) };
    let mut out = Out::default();
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

/// Groups are fewer, and each page of them looks at all due entries.
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

/// A name as one line; a newline in it would make two names of one.
fn name_line(name: &str) -> anyhow::Result<&str> {
    if name.contains('\n') {
        return Err(Failure::new(Exit::BadData, format!("the name {} holds a newline", quote(name)))
            .hint("list with -0 or --json")
            .into());
    }
    Ok(name)
}

fn keys(context: &Context, args: &ListArgs, store: &Store, group: &str, out: &mut Out) -> anyhow::Result<()> {
    let wanted = Keys { glob: args.glob.as_ref(), after: args.after.as_deref() };
    let mut limit = Limit(args.limit);
    if limit.is_used_up() {
        return Ok(());
    }
    let with_values = args.values || args.long || context.settings.json;
    let mut table = (context.settings.terminal && !context.settings.json && with_values)
        .then(|| Table::new(&context.settings, if args.long { LONG } else { &LONG[..2] }));
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
                page.push(entry);
                let full = page.len() >= limit.page(PAGE) || bytes >= PAGE_BYTES;
                Ok(if full { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
            })?;
            Ok(next)
        })?;
        for entry in page {
            limit.take();
            if context.settings.json {
                out.json(&EntryRecord::new(entry, now))?;
            } else if args.null {
                out.write(entry.key.as_bytes())?;
                out.write(b"\0")?;
            } else if let Some(table) = &mut table {
                table.row(out, cells(&entry, args.long, now))?;
            } else if args.values || args.long {
                out.line(&fields(&entry, args.long))?;
            } else if context.settings.terminal {
                out.line(&text::safe(&entry.key))?;
            } else {
                out.line(name_line(&entry.key)?)?;
            }
        }
        position = next;
        if position.is_none() || limit.is_used_up() {
            break;
        }
    }
    table.map_or(Ok(()), |mut table| table.finish(out))
}

fn cells(entry: &Entry, long: bool, now: Timestamp) -> Vec<Cell> {
    let mut cells = vec![Cell::text(&entry.key), Cell::value(entry.value.as_deref().unwrap_or_default())];
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

/// An entry as a TAB-separated line.
fn fields(entry: &Entry, long: bool) -> String {
    let value = String::from_utf8_lossy(entry.value.as_deref().unwrap_or_default());
    let mut line = format!("{}\t{}", text::field(&entry.key), text::field(&value));
    if long {
        let expires = entry.expires_at.map_or("never".to_owned(), |at| at.to_string());
        line.push_str(&format!("\t{}\t{}\t{}\t{expires}", entry.bytes, entry.version, entry.updated_at));
    }
    line
}

fn groups(context: &Context, args: &ListArgs, store: &Store, out: &mut Out) -> anyhow::Result<()> {
    let wanted = Keys { glob: args.glob.as_ref(), after: args.after.as_deref() };
    let mut limit = Limit(args.limit);
    if limit.is_used_up() {
        return Ok(());
    }
    let mut table = (context.settings.terminal && !context.settings.json && !args.null)
        .then(|| Table::new(&context.settings, GROUPS));
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
        for group in page {
            limit.take();
            let name = store.scope().named(&group.name);
            if context.settings.json {
                out.json(&record(&group))?;
            } else if args.null {
                out.write(name.as_bytes())?;
                out.write(b"\0")?;
            } else if let Some(table) = &mut table {
                table.row(out, [Cell::text(name), Cell::number(group.keys), Cell::bytes(group.bytes)])?;
            } else if args.long {
                out.line(&format!("{}\t{}\t{}", text::field(name), group.keys, group.bytes))?;
            } else {
                out.line(name_line(name)?)?;
            }
        }
        position = next;
        if position.is_none() || limit.is_used_up() {
            break;
        }
    }
    table.map_or(Ok(()), |mut table| table.finish(out))
}

fn record(group: &Group) -> serde_json::Value {
    let (namespace, name) = json::names(&group.name);
    let mut record = serde_json::json!({ "group": name, "keys": group.keys, "bytes": group.bytes });
    if let Some(namespace) = namespace {
        record["namespace"] = namespace.into();
    }
    record
}
