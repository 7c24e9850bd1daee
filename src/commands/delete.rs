use std::ffi::OsString;
use std::ops::ControlFlow;
use std::os::unix::ffi::OsStringExt;

use clap::{ArgGroup, ArgMatches, Args, FromArgMatches};

use super::confirm::{confirm, count};
use super::list::check_names;
use super::{Context, Spec, attended, glob};
use crate::exit::{Exit, Failure};
use crate::model::{Condition, Error, Glob, Keys, Level, Name, Result};
use crate::output::{Out, print_note};
use crate::store::{Snapshot, Transaction};
use crate::text;

pub const SPEC: Spec = Spec {
    name: "delete",
    aliases: &["del", "rm"],
    about: "Delete keys, a group, or many groups",
    build: |command| {
        DeleteArgs::augment_args(command)
            .group(ArgGroup::new("what").args(["keys", "glob", "all", "groups"]).required(true))
            .group(ArgGroup::new("condition").args(["if_version", "if_value"]))
            .override_usage(
                "larder delete [OPTIONS] <GROUP> <KEY>...\n       \
                 larder delete [OPTIONS] <GROUP> <--glob <P>|--all>\n       \
                 larder delete [OPTIONS] --groups <GLOB> --yes",
            )
            .after_help(
                "Examples:\n  \
                 larder delete session token\n  \
                 larder delete session --glob 'user-*' --dry-run\n  \
                 larder delete session --all\n  \
                 larder delete --groups 'cache-*' --yes",
            )
    },
    run,
};

/// Delete keys. Deleting a missing key succeeds: the status is 0.
#[derive(Args)]
struct DeleteArgs {
    /// The group
    #[arg(required_unless_present = "groups", conflicts_with = "groups")]
    group: Option<String>,
    /// The keys
    #[arg(value_name = "KEY")]
    keys: Vec<String>,
    /// Delete the keys that match P
    #[arg(long, value_name = "P", value_parser = glob)]
    glob: Option<Glob>,
    /// Delete the whole group
    #[arg(long)]
    all: bool,
    /// Delete every group whose name matches GLOB
    #[arg(long, value_name = "GLOB", value_parser = glob)]
    groups: Option<Glob>,
    /// Confirm --groups; on a terminal there is a prompt instead
    #[arg(long = "yes", id = "confirmed")]
    yes: bool,
    /// Only if the entry is at version N (one KEY)
    #[arg(long, value_name = "N", requires = "keys")]
    if_version: Option<i64>,
    /// Only if the entry's value is V (one KEY)
    #[arg(long, value_name = "V", requires = "keys", allow_hyphen_values = true)]
    if_value: Option<OsString>,
    /// Delete nothing; print what would be deleted
    #[arg(long)]
    dry_run: bool,
}

fn run(context: &Context, matches: &ArgMatches) -> anyhow::Result<Exit> {
    let args = DeleteArgs::from_arg_matches(matches)?;
    let condition = match (args.if_version, &args.if_value) {
        (Some(version), _) => Condition::Version(version),
        (_, Some(value)) => Condition::Value(value.clone().into_vec()),
        _ => Condition::Any,
    };
    if condition != Condition::Any && args.keys.len() != 1 {
        return Err(Failure::usage("a condition takes exactly one KEY").into());
    }
    let Some(store) = context.existing_to_write()? else {
        if args.groups.is_some() && !args.yes && !args.dry_run {
            return Err(unconfirmed().into());
        }
        if condition != Condition::Any {
            return Err(Error::Condition("the key does not exist: there is no store".into()).into());
        }
        return report(context, &args, 0, &[]);
    };
    if args.dry_run {
        let names = store.read(|tx| would_go(tx, &args, &condition))?;
        let count = i64::try_from(names.len())?;
        return report(context, &args, count, &names);
    }
    if args.groups.is_some() {
        let question = || {
            let (mut groups, mut keys) = (0, 0);
            store.read(|tx| {
                (groups, keys) = (0, 0);
                tx.groups(&Keys { glob: args.groups.as_ref(), after: None }, |group| {
                    (groups, keys) = (groups + 1, keys + group.keys);
                    Ok(ControlFlow::Continue(()))
                })
            })?;
            Ok(format!("Delete {} with {}?", count(groups, "group"), count(keys, "key")))
        };
        confirm(&context.settings, args.yes, question, unconfirmed())?;
    }
    let deleted = if args.keys.is_empty() && context.settings.progress {
        // Only a connection that is opened while somebody attends shows that
        // time goes by.
        attended::shown(&context.settings, "deleting", || match context.existing_to_write()? {
            Some(store) => anyhow::Ok(store.write(|tx| delete(tx, &args, &condition))?),
            None => Ok(0),
        })?
    } else {
        store.write(|tx| delete(tx, &args, &condition))?
    };
    report(context, &args, deleted, &[])
}

fn unconfirmed() -> Failure {
    Failure::usage("deleting groups by a pattern needs --yes").hint("--dry-run lists them")
}

fn delete(tx: &Transaction<'_>, args: &DeleteArgs, condition: &Condition) -> Result<i64> {
    let mut deleted = 0;
    let Some(group) = &args.group else {
        for group in groups(tx, args)? {
            deleted += tx.delete_group(&group)?;
        }
        return Ok(deleted);
    };
    if args.all {
        return tx.delete_group(group);
    }
    for key in keys(tx, group, args)? {
        deleted += i64::from(tx.delete(group, &key, condition)?);
    }
    Ok(deleted)
}

/// What [`delete`] would delete; refused where that would be.
fn would_go(tx: &Snapshot<'_>, args: &DeleteArgs, condition: &Condition) -> Result<Vec<Name<'static>>> {
    let Some(group) = &args.group else {
        let found = groups(tx, args)?;
        found.iter().try_for_each(|group| tx.permit(Level::Write, group))?;
        return Ok(found);
    };
    tx.permit(Level::Write, group)?;
    let mut live = Vec::new();
    for key in keys(tx, group, args)? {
        tx.check(group, &key, condition)?;
        let found = tx.get(group, &key);
        match found {
            Ok(_) => live.push(key),
            Err(Error::NotFound { .. }) => {}
            Err(e) => return Err(e),
        }
    }
    Ok(live)
}

fn keys(tx: &Snapshot<'_>, group: &str, args: &DeleteArgs) -> Result<Vec<Name<'static>>> {
    if args.glob.is_none() && !args.all {
        return Ok(args.keys.iter().cloned().map(Name::from).collect());
    }
    let mut found = Vec::new();
    tx.entries(group, &Keys { glob: args.glob.as_ref(), after: None }, false, |entry| {
        found.push(entry.key);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(found)
}

fn groups(tx: &Snapshot<'_>, args: &DeleteArgs) -> Result<Vec<Name<'static>>> {
    let mut found = Vec::new();
    tx.groups(&Keys { glob: args.groups.as_ref(), after: None }, |group| {
        found.push(tx.scope.name_of(&group.name).into_owned());
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(found)
}

fn report(context: &Context, args: &DeleteArgs, deleted: i64, names: &[Name<'_>]) -> anyhow::Result<Exit> {
    let mut out = Out::default();
    if context.settings.json {
        let mut record = serde_json::json!({ "deleted": deleted });
        if args.dry_run {
            record["dry_run"] = true.into();
        }
        out.json(&record)?;
    } else if args.dry_run {
        let terminal = context.settings.terminal;
        if !terminal {
            check_names(names.iter(), b'\n')?;
        }
        for name in names {
            if terminal {
                out.line(&text::safe_name(name.as_bytes()))?;
            } else {
                out.write(&[name.as_bytes(), b"\n"].concat())?;
            }
        }
    }
    out.finish()?;
    let settings = &context.settings;
    if deleted == 0 && settings.terminal && !settings.quiet && !settings.json {
        print_note("delete: nothing to delete");
    }
    Ok(Exit::Success)
}
