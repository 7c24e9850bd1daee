use clap::{ArgMatches, Args, FromArgMatches};
use serde::Serialize;

use super::{Context, Spec};
use crate::exit::Exit;
use crate::model::{Change, ChangeKind, Error};
use crate::output::json::ChangeRecord;
use crate::output::table::{Cell, Column, Table};
use crate::output::{Out, print_note};
use crate::text::quote;
use crate::units;

pub const SPEC: Spec = Spec {
    name: "history",
    aliases: &[],
    about: "Show a key's change history",
    build: |command| {
        HistoryArgs::augment_args(command).after_help(
            "Examples:\n  \
             larder history config colour\n  \
             larder get config colour --version 41\n  \
             larder set config colour --from-version 41",
        )
    },
    run,
};

/// Show a key's changes that are still in the log, newest first: VERSION, TYPE,
/// TIME, BYTES and EXPIRES, separated by TABs off a terminal; on a terminal
/// also BY and VALUE. BY is the writer, as user:NAME@HOST; it is unknown for
/// other programs that write to the file. With --json it prints changes as
/// 'larder watch' does, values included. The log is bounded; if it begins after
/// the first change of the store, a note on standard error says so. A version
/// shown as "set" can be printed with "get --version" and restored with "set
/// --from-version".
#[derive(Args)]
struct HistoryArgs {
    /// The group
    group: String,
    /// The key
    key: String,
    /// Show at most N changes
    #[arg(long, value_name = "N", value_parser = units::count)]
    limit: Option<i64>,
}

fn run(context: &Context, matches: &ArgMatches) -> anyhow::Result<Exit> {
    let args = HistoryArgs::from_arg_matches(matches)?;
    let Some(store) = context.existing()? else {
        return Err(Error::NotFound { group: args.group.into(), key: args.key.into() }.into());
    };
    let with_values = context.settings.json || context.settings.terminal;
    let (changes, span, now) = store.read(|tx| {
        Ok((tx.history(&args.group, &args.key, args.limit, with_values)?, tx.log_span()?, tx.now))
    })?;
    let begins = (span.oldest > 1).then(|| format!("the change log begins at version {}", span.oldest));
    if changes.is_empty() && args.limit != Some(0) {
        let key = format!("key {} in group {}", quote(&args.key), quote(&args.group));
        let why = begins.map(|begins| format!("; {begins}")).unwrap_or_default();
        return Err(Error::Absent(format!("{key} has no history{why}")).into());
    }
    let mut out = Out::paged(&context.settings);
    let mut table = context.settings.terminal.then(|| Table::new(&context.settings, COLUMNS));
    for change in changes {
        if context.settings.json {
            let version = change.seq;
            let bytes = (change.kind == ChangeKind::Set).then_some(change.bytes);
            out.json(&Record { change: ChangeRecord::new(change, store.scope()), version, bytes })?;
        } else if let Some(table) = &mut table {
            let mut cells = columns(&change).map(|column| Cell::text(&column)).to_vec();
            // To a person how long ago says more.
            cells[2] = Cell::past(change.at, now);
            if let Some(at) = change.expires_at {
                cells[4] = if at > now { Cell::due(Some(at), now) } else { Cell::past(at, now) };
            }
            cells.push(Cell::text(change.by.as_deref().unwrap_or("-")));
            cells.push(change.value.map_or_else(|| Cell::text("-"), |value| Cell::value(&value)));
            table.row(&mut out, cells)?;
        } else {
            out.line(&columns(&change).join("\t"))?;
        }
    }
    if let Some(table) = &mut table {
        table.finish(&mut out)?;
    }
    out.finish()?;
    if let Some(begins) = begins
        && !context.settings.quiet
        && !context.settings.json
    {
        print_note(&format!("history: {begins}; older changes have been trimmed"));
    }
    Ok(Exit::Success)
}

const COLUMNS: &[Column] = &[
    Column::number("VERSION"),
    Column::text("TYPE"),
    Column::text("TIME"),
    Column::number("BYTES"),
    Column::text("EXPIRES"),
    Column::text("BY"),
    Column::text("VALUE"),
];

/// A change as JSON, under the name of the version that it made as well.
#[derive(Serialize)]
struct Record {
    #[serde(flatten)]
    change: ChangeRecord,
    version: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<i64>,
}

fn columns(change: &Change) -> [String; 5] {
    let bytes = if change.kind == ChangeKind::Set { change.bytes.to_string() } else { "-".into() };
    let expires = change.expires_at.map_or("never".into(), |at| at.to_string());
    let expires = if change.kind == ChangeKind::DeleteGroup { "-".into() } else { expires };
    [change.seq.to_string(), change.kind.as_str().into(), change.at.to_string(), bytes, expires]
}
