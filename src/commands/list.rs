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

/// Counts down `--limit`.
struct Limit(Option<i64>);

impl Limit {
    fn is_used_up(&self) -> bool {
        self.0 == Some(0)
    }

    fn take(&mut self) -> ControlFlow<()> {
        if let Some(left) = &mut self.0 {
            *left -= 1;
        }
        if self.is_used_up() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
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
    let mut failed = None;
    store.read(|tx| {
        tx.entries(group, &wanted, with_values, |entry| {
            let done = if context.settings.json {
                out.json(&EntryRecord::new(entry, tx.now))
            } else if args.null {
                out.write(entry.key.as_bytes()).and_then(|()| out.write(b"\0"))
            } else if let Some(table) = &mut table {
                table.row(out, cells(&entry, args.long, tx.now))
            } else if args.values || args.long {
                out.line(&fields(&entry, args.long))
            } else if context.settings.terminal {
                out.line(&text::safe(&entry.key))
            } else {
                name_line(&entry.key).and_then(|name| out.line(name))
            };
            if let Err(error) = done {
                failed = Some(error);
                return Ok(ControlFlow::Break(()));
            }
            Ok(limit.take())
        })
    })?;
    if let Some(table) = &mut table {
        table.finish(out)?;
    }
    failed.map_or(Ok(()), Err)
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
    let mut failed = None;
    store.read(|tx| {
        tx.groups(&wanted, |group| {
            let name = tx.scope.named(&group.name);
            let done = if context.settings.json {
                out.json(&record(&group))
            } else if args.null {
                out.write(name.as_bytes()).and_then(|()| out.write(b"\0"))
            } else if let Some(table) = &mut table {
                table.row(out, [Cell::text(name), Cell::number(group.keys), Cell::bytes(group.bytes)])
            } else if args.long {
                out.line(&format!("{}\t{}\t{}", text::field(name), group.keys, group.bytes))
            } else {
                name_line(name).and_then(|name| out.line(name))
            };
            if let Err(error) = done {
                failed = Some(error);
                return Ok(ControlFlow::Break(()));
            }
            Ok(limit.take())
        })
    })?;
    if let Some(table) = &mut table {
        table.finish(out)?;
    }
    failed.map_or(Ok(()), Err)
}

fn record(group: &Group) -> serde_json::Value {
    let (namespace, name) = json::names(&group.name);
    let mut record = serde_json::json!({ "group": name, "keys": group.keys, "bytes": group.bytes });
    if let Some(namespace) = namespace {
        record["namespace"] = namespace.into();
    }
    record
}
