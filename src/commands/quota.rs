use clap::{ArgMatches, Args, FromArgMatches, Subcommand};
use serde::Serialize;

use super::{Context, Spec, namespace_name};
use crate::exit::{Exit, Failure};
use crate::model::{Limits, Namespace, NamespaceUsage};
use crate::output::Out;
use crate::output::table::{Cell, Column, Table};
use crate::units;

pub const SPEC: Spec = Spec {
    name: "quota",
    aliases: &[],
    about: "Manage namespace quotas",
    build: |command| {
        QuotaArgs::augment_args(command).arg_required_else_help(false).after_help(
            "Examples:\n  \
             larder quota set tenant-a --max-keys 1000 --max-bytes 10MiB\n  \
             larder quota set tenant-a --max-keys 0\n  \
             larder quota show\n  \
             larder quota clear tenant-a",
        )
    },
    run,
};

/// Limit the live keys, bytes and groups of a namespace. The limits are kept in
/// the store and apply to every program that writes to it. A write that would
/// exceed one stores nothing and ends with status 4. Overwriting is charged the
/// difference, shrinking is always allowed, and expired entries do not count. A
/// limit below the current usage deletes nothing; it only stops growth.
#[derive(Args)]
struct QuotaArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Set limits of a namespace; the others stay
    #[command(after_help = "Examples:\n  larder quota set tenant-a --max-keys 1000 --max-bytes 10MiB")]
    Set(SetArgs),
    /// Show usage and limits of one namespace, or of all with limits
    #[command(after_help = "Examples:\n  larder quota show\n  larder --json quota show tenant-a")]
    Show {
        /// The namespace
        #[arg(value_parser = namespace_name)]
        ns: Option<Namespace>,
    },
    /// Remove all limits of a namespace
    #[command(after_help = "Examples:\n  larder quota clear tenant-a")]
    Clear {
        /// The namespace
        #[arg(value_parser = namespace_name)]
        ns: Namespace,
    },
}

#[derive(Args)]
struct SetArgs {
    /// The namespace
    #[arg(value_parser = namespace_name)]
    ns: Namespace,
    /// Maximum number of live keys; 0 is no limit
    #[arg(long = "max-keys", value_name = "N", value_parser = units::count, allow_hyphen_values = true)]
    keys: Option<i64>,
    /// Maximum bytes of live keys and values (4096, 10k, 10MiB, 1G); 0 is no
    /// limit
    #[arg(long = "max-bytes", value_name = "SIZE", value_parser = units::size, allow_hyphen_values = true)]
    bytes: Option<i64>,
    /// Maximum number of groups with a live key; 0 is no limit
    #[arg(long = "max-groups", value_name = "N", value_parser = units::count, allow_hyphen_values = true)]
    groups: Option<i64>,
}

fn run(context: &Context, matches: &ArgMatches) -> anyhow::Result<Exit> {
    match QuotaArgs::from_arg_matches(matches)?.action {
        Action::Set(args) => set(context, &args),
        Action::Show { ns } => show(context, ns),
        Action::Clear { ns } => clear(context, ns),
    }
}

fn set(context: &Context, args: &SetArgs) -> anyhow::Result<Exit> {
    if (args.keys, args.bytes, args.groups) == (None, None, None) {
        return Err(Failure::usage("no limit given")
            .hint("give --max-keys, --max-bytes or --max-groups; 0 is no limit")
            .into());
    }
    let change = |old: Option<i64>, named: Option<i64>| match named {
        None => old,
        Some(0) => None,
        some => some,
    };
    let usage = context.create_in(&args.ns)?.write(|tx| {
        let old = tx.limits(&args.ns)?;
        tx.set_limits(
            &args.ns,
            Limits {
                keys: change(old.keys, args.keys),
                bytes: change(old.bytes, args.bytes),
                groups: change(old.groups, args.groups),
            },
        )?;
        tx.usage(&args.ns)
    })?;
    record(context, &usage)
}

fn clear(context: &Context, namespace: Namespace) -> anyhow::Result<Exit> {
    let usage = match context.existing_in(&namespace)? {
        None => NamespaceUsage::empty(namespace),
        Some(store) => store.write(|tx| {
            tx.set_limits(&namespace, Limits::default())?;
            tx.usage(&namespace)
        })?,
    };
    record(context, &usage)
}

/// What a change leaves behind: with --json one record, else nothing.
fn record(context: &Context, usage: &NamespaceUsage) -> anyhow::Result<Exit> {
    if context.settings.json {
        let mut out = Out::default();
        out.json(&Record::new(usage))?;
        out.finish()?;
    }
    Ok(Exit::Success)
}

fn show(context: &Context, namespace: Option<Namespace>) -> anyhow::Result<Exit> {
    let rows = match namespace.or_else(|| context.settings.scope.0.clone()) {
        Some(one) => match context.existing_in(&one)? {
            None => vec![NamespaceUsage::empty(one)],
            Some(store) => vec![store.read(|tx| tx.usage(&one))?],
        },
        None => match context.existing()? {
            None => Vec::new(),
            Some(store) => {
                let all = store.read(|tx| tx.namespaces())?;
                all.into_iter().filter(|usage| usage.limits != Limits::default()).collect()
            }
        },
    };
    let mut out = Out::default();
    if context.settings.json {
        for usage in &rows {
            out.json(&Record::new(usage))?;
        }
    } else if context.settings.terminal {
        table(context, &rows, &mut out)?;
    } else {
        for usage in &rows {
            out.line(&plain(usage))?;
        }
    }
    out.finish()?;
    Ok(Exit::Success)
}

/// A line for each limit; for each measure of a namespace that has none.
pub(super) fn table(context: &Context, rows: &[NamespaceUsage], out: &mut Out) -> anyhow::Result<()> {
    let mut table = Table::new(
        &context.settings,
        &[
            Column::text("NAMESPACE"),
            Column::text("LIMIT ON"),
            Column::number("USED"),
            Column::number("LIMIT"),
            Column::text("USE"),
        ],
    );
    for usage in rows {
        let limits = usage.limits;
        let measures = [
            ("keys", usage.keys, limits.keys, Cell::number as fn(i64) -> Cell),
            ("bytes", usage.bytes, limits.bytes, Cell::bytes),
            ("groups", usage.groups, limits.groups, Cell::number),
        ];
        for (what, used, limit, cell) in measures {
            if limit.is_none() && limits != Limits::default() {
                continue;
            }
            table.row(
                out,
                [
                    Cell::text(usage.namespace.as_str()),
                    Cell::text(what),
                    cell(used),
                    limit.map_or(Cell::text("none"), cell),
                    Cell::usage(used, limit),
                ],
            )?;
        }
    }
    table.finish_or(out, "quota: no namespace has a limit")
}

/// A namespace's use and limits, as JSON.
#[derive(Serialize)]
struct Record<'a> {
    namespace: &'a str,
    keys: i64,
    max_keys: Option<i64>,
    bytes: i64,
    max_bytes: Option<i64>,
    groups: i64,
    max_groups: Option<i64>,
}

impl<'a> Record<'a> {
    fn new(usage: &'a NamespaceUsage) -> Self {
        Self {
            namespace: usage.namespace.as_str(),
            keys: usage.keys,
            max_keys: usage.limits.keys,
            bytes: usage.bytes,
            max_bytes: usage.limits.bytes,
            groups: usage.groups,
            max_groups: usage.limits.groups,
        }
    }
}

fn plain(usage: &NamespaceUsage) -> String {
    let limit = |limit: Option<i64>| limit.map_or("none".to_owned(), |limit| limit.to_string());
    format!(
        "{}\t{}\t{}\t{}\t{}\t{}\t{}",
        usage.namespace.as_str(),
        usage.keys,
        limit(usage.limits.keys),
        usage.bytes,
        limit(usage.limits.bytes),
        usage.groups,
        limit(usage.limits.groups),
    )
}
