use std::time::Duration;

use clap::{ArgGroup, ArgMatches, Args, FromArgMatches};

use super::set::expiry;
use super::{Context, Spec};
use crate::clock::Timestamp;
use crate::exit::Exit;
use crate::model::{Condition, Error, Result};
use crate::output::Out;
use crate::output::json::EntryRecord;
use crate::units;

pub const SPEC: Spec = Spec {
    name: "expire",
    aliases: &[],
    about: "Change an entry's TTL",
    build: |command| {
        ExpireArgs::augment_args(command)
            .group(ArgGroup::new("when").args(["ttl", "at", "never"]).required(true))
            .after_help(
                "Examples:\n  \
                 larder expire session token --ttl 1h\n  \
                 larder expire session token --at 2030-01-01T00:00:00Z\n  \
                 larder expire session token cart --ttl 1h\n  \
                 larder expire session token --never",
            )
    },
    run,
};

/// Change when entries expire; their values stay. Each entry gets a new
/// version, and the change log a "set". Several keys are one transaction: if
/// one of them does not exist, nothing is changed.
#[derive(Args)]
struct ExpireArgs {
    /// The group
    group: String,
    /// The keys
    #[arg(required = true, value_name = "KEY")]
    keys: Vec<String>,
    /// Expire after DUR (250ms, 5m, 1h30m, 7d)
    #[arg(long, value_name = "DUR", value_parser = units::duration)]
    ttl: Option<Duration>,
    /// Expire at TIME (RFC 3339)
    #[arg(long, value_name = "TIME", value_parser = units::time)]
    at: Option<Timestamp>,
    /// Never expire
    #[arg(long)]
    never: bool,
}

fn run(context: &Context, matches: &ArgMatches) -> anyhow::Result<Exit> {
    let args = ExpireArgs::from_arg_matches(matches)?;
    let expiry = expiry(args.ttl, args.at, false, context.now())?;
    let Some(store) = context.existing_to_write()? else {
        let key = args.keys.first().cloned().unwrap_or_default();
        return Err(Error::NotFound { group: args.group.into(), key: key.into() }.into());
    };
    let (entries, now) = store.write(|tx| {
        let entries = args.keys.iter().map(|key| tx.expire(&args.group, key, expiry, &Condition::Any));
        Ok((entries.collect::<Result<Vec<_>>>()?, tx.now))
    })?;
    if context.settings.json {
        let mut out = Out::default();
        for entry in entries {
            out.json(&EntryRecord::new(entry, &context.settings.scope, now))?;
        }
        out.finish()?;
    }
    Ok(Exit::Success)
}
