use clap::{ArgMatches, Args, FromArgMatches, Subcommand};
use serde::Serialize;

use super::confirm::{confirm, count};
use super::{Context, Spec, namespace_name};
use crate::clock::Timestamp;
use crate::exit::{Exit, Failure};
use crate::model::{Namespace, NamespaceUsage};
use crate::output::Out;
use crate::output::table::{Cell, Column, Table};

pub const SPEC: Spec = Spec {
    name: "namespace",
    aliases: &[],
    about: "List or delete namespaces",
    build: |command| {
        NamespaceArgs::augment_args(command).arg_required_else_help(false).after_help(
            "Examples:\n  \
             larder namespace list\n  \
             larder namespace delete tenant-a --yes",
        )
    },
    run,
};

/// List the namespaces of the store, or delete one with all its contents. There
/// is no command to create one: it exists once 'larder -n NS set' has stored a
/// key in it.
#[derive(Args)]
struct NamespaceArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// List every namespace: keys, bytes, groups, limits, next expiry
    #[command(
        visible_alias = "ls",
        after_help = "Examples:\n  larder namespace list\n  larder --json namespace list"
    )]
    List,
    /// Delete a namespace: its groups, quota and watch positions; a closed one stays closed
    #[command(after_help = "Examples:\n  larder namespace delete tenant-a --yes")]
    Delete {
        /// The namespace
        #[arg(value_parser = namespace_name)]
        ns: Namespace,
        /// Confirm the deletion
        #[arg(long = "yes", id = "confirmed")]
        confirmed: bool,
    },
}

fn run(context: &Context, matches: &ArgMatches) -> anyhow::Result<Exit> {
    match NamespaceArgs::from_arg_matches(matches)?.action {
        Action::List => list(context),
        Action::Delete { ns, confirmed } => delete(context, &ns, confirmed),
    }
}

const COLUMNS: &[Column] = &[
    Column::text("NAMESPACE"),
    Column::number("KEYS"),
    Column::number("BYTES"),
    Column::number("GROUPS"),
    Column::text("NEXT EXPIRY"),
];

/// A limit stands beside what it is a limit of: three columns of limits would
/// leave no room for the names.
fn cells(usage: &NamespaceUsage, now: Timestamp) -> [Cell; 5] {
    [
        Cell::text(usage.namespace.as_str()),
        Cell::number(usage.keys).of(usage.limits.keys.map(Cell::number)),
        Cell::bytes(usage.bytes).of(usage.limits.bytes.map(Cell::bytes)),
        Cell::number(usage.groups).of(usage.limits.groups.map(Cell::number)),
        Cell::due(usage.next_expiry, now),
    ]
}

fn list(context: &Context) -> anyhow::Result<Exit> {
    let all = match context.existing()? {
        None => Vec::new(),
        Some(store) => store.read(|tx| tx.namespaces())?,
    };
    let mut out = Out::default();
    if context.settings.json {
        for usage in &all {
            out.json(&Record::new(usage))?;
        }
    } else if context.settings.terminal {
        let mut table = Table::new(&context.settings, COLUMNS);
        let now = Timestamp::now();
        for usage in &all {
            table.row(&mut out, cells(usage, now))?;
        }
        table.finish_or(&mut out, "namespace: there are no namespaces")?;
    } else {
        for usage in &all {
            out.line(&plain(usage))?;
        }
    }
    out.finish()?;
    Ok(Exit::Success)
}

/// A namespace in the list, as JSON.
#[derive(Serialize)]
struct Record<'a> {
    namespace: &'a str,
    keys: i64,
    bytes: i64,
    groups: i64,
    max_keys: Option<i64>,
    max_bytes: Option<i64>,
    max_groups: Option<i64>,
    next_expiry: Option<String>,
}

impl<'a> Record<'a> {
    fn new(usage: &'a NamespaceUsage) -> Self {
        Self {
            namespace: usage.namespace.as_str(),
            keys: usage.keys,
            bytes: usage.bytes,
            groups: usage.groups,
            max_keys: usage.limits.keys,
            max_bytes: usage.limits.bytes,
            max_groups: usage.limits.groups,
            next_expiry: usage.next_expiry.map(|at| at.to_string()),
        }
    }
}

fn plain(usage: &NamespaceUsage) -> String {
    let limit = |limit: Option<i64>| limit.map_or("none".to_owned(), |limit| limit.to_string());
    format!(
        "{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}",
        usage.namespace.as_str(),
        usage.keys,
        usage.bytes,
        usage.groups,
        limit(usage.limits.keys),
        limit(usage.limits.bytes),
        limit(usage.limits.groups),
        usage.next_expiry.map_or("never".to_owned(), |at| at.to_string()),
    )
}

fn delete(context: &Context, namespace: &Namespace, confirmed: bool) -> anyhow::Result<Exit> {
    let question = || {
        let usage = match context.existing_in(namespace)? {
            None => NamespaceUsage::empty(namespace.clone()),
            Some(store) => store.read(|tx| tx.usage(namespace))?,
        };
        let held = format!("{} in {}", count(usage.keys, "key"), count(usage.groups, "group"));
        Ok(format!("Delete namespace {} with {held}?", namespace.as_str()))
    };
    let missing = Failure::usage(format!("deleting namespace {} needs confirmation", namespace.as_str()))
        .hint("confirm with --yes");
    confirm(&context.settings, confirmed, question, missing)?;
    let deleted = match context.existing_in(namespace)? {
        None => 0,
        Some(store) => store.write(|tx| tx.delete_namespace())?,
    };
    if context.settings.json {
        let mut out = Out::default();
        out.json(&serde_json::json!({ "deleted": deleted }))?;
        out.finish()?;
    }
    Ok(Exit::Success)
}
