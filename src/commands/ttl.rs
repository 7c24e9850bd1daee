use clap::{ArgMatches, Args, FromArgMatches};

use super::{Context, Spec};
use crate::exit::Exit;
use crate::model::Error;
use crate::output::Out;
use crate::units;

pub const SPEC: Spec = Spec {
    name: "ttl",
    aliases: &[],
    about: "Print an entry's remaining TTL",
    build: |command| TtlArgs::augment_args(command).after_help("Examples:\n  larder ttl session token"),
    run,
};

/// Print an entry's remaining TTL: milliseconds off a terminal, a duration on
/// one, "never" for an entry without.
#[derive(Args)]
struct TtlArgs {
    /// The group
    group: String,
    /// The key
    key: String,
}

fn run(context: &Context, matches: &ArgMatches) -> anyhow::Result<Exit> {
    let args = TtlArgs::from_arg_matches(matches)?;
    let Some(store) = context.existing_to_get()? else {
        return Err(Error::NotFound { group: args.group.into(), key: args.key.into() }.into());
    };
    let left = store.read(|tx| Ok(tx.get(&args.group, &args.key)?.expires_at.map(|at| at.since(tx.now))))?;
    let mut out = Out::default();
    match left {
        left if context.settings.json => out.json(&serde_json::json!({ "ttl_ms": left }))?,
        None => out.line("never")?,
        Some(left) if context.settings.terminal => out.line(&units::human_span(left))?,
        Some(left) => out.line(&left.to_string())?,
    }
    out.finish()?;
    Ok(Exit::Success)
}
