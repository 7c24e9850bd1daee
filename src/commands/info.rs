use clap::{ArgMatches, Args, FromArgMatches};

use super::{Context, Spec};
use crate::exit::Exit;
use crate::output::Out;

pub const SPEC: Spec = Spec {
    name: "info",
    aliases: &[],
    about: "Show what the store is and holds",
    build: |command| {
        InfoArgs::augment_args(command).after_help("Examples:\n  larder info\n  larder info --json")
    },
    run,
};

/// Shows the store's path, size, counts and change log.
#[derive(Args)]
struct InfoArgs {}

fn run(context: &Context, matches: &ArgMatches) -> anyhow::Result<Exit> {
    InfoArgs::from_arg_matches(matches)?;
    let mut out = Out::default();
    let seq = match context.existing()? {
        None => 0,
        Some(store) => store.read(|tx| tx.log_span())?.newest,
    };
    out.json(&serde_json::json!({ "path": context.settings.path.to_string_lossy(), "seq": seq }))?;
    out.finish()?;
    Ok(Exit::Success)
}
