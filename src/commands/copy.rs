use clap::{Args, FromArgMatches};

use super::{Context, Spec};
use crate::exit::{Exit, Failure};
use crate::model::{Condition, Entry, Error, Result};
use crate::output::Out;
use crate::output::json::EntryRecord;
use crate::store::Bulk;

pub const SPEC: Spec = Spec {
    name: "copy",
    aliases: &["cp"],
    about: "Copy a key, or a whole group",
    build: |command| {
        CopyArgs::augment_args(command)
            .override_usage(
                "larder copy [OPTIONS] <GROUP> <KEY> <TO_KEY> [--to-group <G>]\n       \
             larder copy [OPTIONS] <GROUP> --to-group <G>",
            )
            .after_help(
                "Examples:\n  \
             larder copy config colour colour.bak\n  \
             larder copy config colour colour --to-group staging\n  \
             larder copy config --to-group staging\n  \
             larder copy config colour colour.bak --if-absent",
            )
    },
    run: |context, matches| {
        let CopyArgs { what } = CopyArgs::from_arg_matches(matches)?;
        run(context, &what, &Verb::COPY)
    },
};

/// Store a key's value under another key, replacing any existing one. The
/// expiry time is copied as a point in time, not as a duration. Without KEY,
/// copy all keys of the group; other keys of the target group stay. Either
/// everything is copied or nothing.
///
/// Status 1: the key or group does not exist. 3: with --if-absent, the target
/// key exists, or the target group holds a key.
#[derive(Args)]
struct CopyArgs {
    #[command(flatten)]
    what: Names,
}

/// From where, and to where.
#[derive(Args)]
pub(super) struct Names {
    /// The group
    group: String,
    /// The key; omit it for all keys of the group
    key: Option<String>,
    /// The target key
    to_key: Option<String>,
    /// The target group; by default the same
    #[arg(long, value_name = "G")]
    to_group: Option<String>,
    /// Only if the target key does not exist; for a whole group, only if the
    /// target group holds no key
    #[arg(long)]
    if_absent: bool,
}

type OfKey = fn(&mut Bulk<'_>, [&str; 4], &Condition) -> Result<Entry>;
type OfGroup = fn(&mut Bulk<'_>, [&str; 2], &Condition) -> Result<i64>;

/// What is done with the names.
pub(super) struct Verb {
    name: &'static str,
    done: &'static str,
    key: OfKey,
    group: OfGroup,
}

impl Verb {
    const COPY: Self = Self {
        name: "copy",
        done: "copied",
        key: |bulk, [group, key, to_group, to_key], condition| {
            bulk.copy(group, key, to_group, to_key, condition)
        },
        group: |bulk, [group, to_group], condition| bulk.copy_group(group, to_group, condition),
    };

    pub(super) const RENAME: Self = Self {
        name: "rename",
        done: "renamed",
        key: |bulk, [group, key, to_group, to_key], condition| {
            bulk.rename(group, key, to_group, to_key, condition)
        },
        group: |bulk, [group, to_group], condition| bulk.rename_group(group, to_group, condition),
    };
}

pub(super) fn run(context: &Context, args: &Names, verb: &Verb) -> anyhow::Result<Exit> {
    let group = &*args.group;
    let to_group = args.to_group.as_deref().unwrap_or(group);
    let condition = if args.if_absent { Condition::Absent } else { Condition::Any };
    match (&args.key, &args.to_key) {
        (Some(key), Some(to_key)) => {
            refuse_itself(verb, (group, key) == (to_group, to_key))?;
            let store = context.existing_to_write()?;
            let store = store
                .ok_or_else(|| Error::NotFound { group: group.to_owned().into(), key: key.clone().into() })?;
            let names = [group, key, to_group, to_key];
            let (entry, now) = store.bulk(|bulk| Ok(((verb.key)(bulk, names, &condition)?, bulk.now())))?;
            if context.settings.json {
                let mut out = Out::default();
                out.json(&EntryRecord::new(entry, &context.settings.scope, now))?;
                out.finish()?;
            }
            Ok(Exit::Success)
        }
        (Some(key), None) => Err(Failure::usage("the TO_KEY is missing")
            .hint(format!(
                "to keep the name, repeat it: larder {} {group} {key} {key} --to-group G",
                verb.name
            ))
            .into()),
        (None, _) if args.to_group.is_none() => Err(Failure::usage("no target given")
            .hint(format!("name a KEY and a TO_KEY, or --to-group G: see 'larder {} --help'", verb.name))
            .into()),
        (None, _) => {
            refuse_itself(verb, group == to_group)?;
            let store = context.existing_to_write()?;
            let absent = || Error::Absent(format!("there is no group {}", crate::text::quote(group)));
            let moved =
                store.ok_or_else(absent)?.bulk(|bulk| (verb.group)(bulk, [group, to_group], &condition))?;
            let keys = if moved == 1 { "key" } else { "keys" };
            let note = format!("{} {moved} {keys}", verb.done);
            context.sum_up(serde_json::json!({ verb.done: moved }), None, &note)
        }
    }
}

fn refuse_itself(verb: &Verb, same: bool) -> anyhow::Result<()> {
    if same {
        return Err(Failure::usage("source and target are the same")
            .hint(format!("'larder {}' takes another key, or another group with --to-group", verb.name))
            .into());
    }
    Ok(())
}
