use clap::{ArgMatches, Args, FromArgMatches};

use super::{Context, Spec, attended};
use crate::exit::{Exit, Failure};
use crate::model::{KeepChanges, Purged};
use crate::output::progress::Progress;
use crate::store::Store;
use crate::units;

pub const SPEC: Spec = Spec {
    name: "purge",
    aliases: &[],
    about: "Remove expired entries and trim the change log",
    build: |command| {
        PurgeArgs::augment_args(command).after_help(
            "Examples:\n  \
             larder purge\n  \
             larder purge session --dry-run\n  \
             larder purge --keep-changes 7d --vacuum\n\n\
             In a crontab, every ten minutes:\n  \
             */10 * * * * larder purge",
        )
    },
    run,
};

/// Remove expired entries, from the whole store or from one group, and trim the
/// change log to its default retention. Expired entries are hidden anyway:
/// purge frees their space, and logs each as an expiry.
///
/// It works in many short transactions, so that no writer waits long, and is
/// silent off a terminal. With --json it prints the numbers of removed entries
/// and changes. With --dry-run it removes nothing, and prints the number of
/// expired entries.
///
/// The change log is shared by all namespaces: --keep-changes requires the
/// whole store, and trims the changes of all namespaces even if a GROUP is
/// given. Changes that a consumer has not handled yet are always kept.
#[derive(Args)]
struct PurgeArgs {
    /// Only this group's entries; by default those of every group in scope
    group: Option<String>,
    /// Remove nothing; print the number of expired entries
    #[arg(long)]
    dry_run: bool,
    /// Trim the change log to changes younger than DUR, or to the newest N
    #[arg(long, value_name = "DUR|N", value_parser = keep_changes)]
    keep_changes: Option<KeepChanges>,
    /// Then return free space to the file system; locks the store meanwhile
    #[arg(long)]
    vacuum: bool,
}

fn keep_changes(text: &str) -> Result<KeepChanges, String> {
    if let Ok(newest) = text.parse::<u64>() {
        return Ok(KeepChanges::Newest(newest));
    }
    units::duration(text)
        .map(KeepChanges::Younger)
        .map_err(|_| format!("{text:?} is neither a number of changes nor a duration such as 12h or 7d"))
}

fn run(context: &Context, matches: &ArgMatches) -> anyhow::Result<Exit> {
    let args = PurgeArgs::from_arg_matches(matches)?;
    if args.keep_changes.is_some() && context.settings.scope.0.is_some() {
        return Err(Failure::usage("--keep-changes would trim the changes of every namespace")
            .hint("omit it, or purge the whole store: without -n and LARDER_NAMESPACE")
            .into());
    }
    let keep = args.keep_changes.unwrap_or(KeepChanges::Bounded);
    let group = args.group.as_deref();
    let purged = match context.existing_to_write()? {
        None => Purged::default(),
        Some(store) if args.dry_run => store.read(|tx| {
            let changes = tx.count_trimmable(tx.trim_horizon(keep)?)?;
            Ok(Purged { entries: tx.count_due(group)?, changes })
        })?,
        Some(store) => {
            if args.vacuum {
                // Before anything is done by halves.
                store.read(|tx| tx.permit_store())?;
            }
            let mut progress = Progress::new(&context.settings, "purging");
            let mut reported = Purged::default();
            let purged = store.purge(group, keep, |done| {
                let more = done.entries - reported.entries + done.changes - reported.changes;
                progress.tick(more.try_into().unwrap_or(0));
                reported = done;
            })?;
            progress.finish();
            if args.vacuum {
                vacuum(context, store)?;
            }
            purged
        }
    };
    report(context, args.dry_run, purged)
}

fn vacuum(context: &Context, store: &Store) -> anyhow::Result<()> {
    if !context.settings.progress {
        return Ok(store.vacuum()?);
    }
    // Only a connection that is opened while somebody attends shows that time
    // goes by.
    attended::shown(&context.settings, "vacuuming", || match context.existing_to_write()? {
        Some(store) => Ok(store.vacuum()?),
        None => Ok(()),
    })
}

fn report(context: &Context, dry_run: bool, purged: Purged) -> anyhow::Result<Exit> {
    let Purged { entries, changes } = purged;
    context.sum_up(
        serde_json::json!({ "deleted": entries, "changes": changes }),
        dry_run.then(|| entries.to_string()),
        &format!("purged {entries} expired entries, trimmed {changes} changes"),
    )
}
