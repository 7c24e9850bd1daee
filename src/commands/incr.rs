use std::time::Duration;

use clap::{ArgMatches, Args, FromArgMatches};

use super::set::within_calendar;
use super::{Context, Spec};
use crate::exit::Exit;
use crate::model::Expiry;
use crate::output::Out;
use crate::units;

pub const SPEC: Spec = Spec {
    name: "incr",
    aliases: &[],
    about: "Add to a number and print the sum",
    build: |command| {
        IncrArgs::augment_args(command).after_help(
            "Examples:\n  \
             larder incr stats visits\n  \
             larder incr stock apples --by -3\n  \
             larder incr requests 203.0.113.7 --ttl 1m",
        )
    },
    run,
};

/// Add to a 64-bit integer and print the sum, atomically across processes. A
/// missing key starts at 0, and with --ttl expires after that time; an existing
/// key keeps its TTL, so that a count covers a fixed period.
#[derive(Args)]
struct IncrArgs {
    /// The group
    group: String,
    /// The key
    key: String,
    /// Add N, which may be negative
    #[arg(long, value_name = "N", default_value_t = 1, allow_negative_numbers = true)]
    by: i64,
    /// If the key does not exist yet, let it expire after DUR (250ms, 5m,
    /// 1h30m, 7d)
    #[arg(long, value_name = "DUR", value_parser = units::duration)]
    ttl: Option<Duration>,
}

fn run(context: &Context, matches: &ArgMatches) -> anyhow::Result<Exit> {
    let args = IncrArgs::from_arg_matches(matches)?;
    if let Some(ttl) = args.ttl {
        within_calendar(context.now(), ttl)?;
    }
    let (value, version) = context.create()?.write(|tx| {
        // From the moment of the write, not from before the wait for it.
        let expiry = args.ttl.map_or(Expiry::Never, |ttl| Expiry::At(tx.now.after(ttl)));
        tx.incr_or_start(&args.group, &args.key, args.by, expiry)
    })?;
    let mut out = Out::default();
    if context.settings.json {
        out.json(&serde_json::json!({ "value": value, "version": version }))?;
    } else {
        out.line(&value.to_string())?;
    }
    out.finish()?;
    Ok(Exit::Success)
}
